//! What went wrong with one request, translated from what the libraries say.

use crate::machine::dial::DialError;
use crate::redact;
use crate::vocabulary::{Cause, Detail};
use std::error::Error as StdError;
use std::io;

/// Whose trouble a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blame {
    /// The host that was asked, or the way to it.
    Host,
    /// The HTTP or SOCKS proxy between, or the way to it.
    Proxy,
    /// The proxy between refuses to lead to this host: asking again would change nothing.
    Refusal,
    /// The proxy between wants other credentials, for whatever host.
    Login,
    /// gox's own, which cannot read what came: go may well get through.
    Gox,
    /// gox's own, and asked again it would come to the same: an address, a handshake.
    Verdict,
    /// A certificate that gox does not trust: most likely go does not either, but it has the last word.
    Distrust,
}

/// A request could not be answered.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    /// What happened.
    pub(super) cause: Cause,
    /// In words, without secrets.
    pub(super) words: String,
    /// What distinguishes it, the proxies between aside.
    pub(super) detail: Detail,
    pub(super) blame: Blame,
    /// HTTP/2 has a word for too many requests.
    pub(super) asks_for_calm: bool,
}

impl Fault {
    pub(super) fn new(cause: Cause, words: impl Into<String>) -> Fault {
        Fault { cause, words: words.into(), detail: Detail::Plain, blame: Blame::Host, asks_for_calm: false }
    }

    /// The same, with somebody else to blame.
    pub(super) fn blaming(self, blame: Blame) -> Fault {
        Fault { blame, ..self }
    }

    /// A connection that could not be made to `to`.
    pub(super) fn of_dial(to: &str, error: &DialError) -> Fault {
        match error {
            DialError::Name(error) => Fault::new(Cause::Dns, format!("lookup {to}: {error}")),
            DialError::Resolver(error) => {
                let fault = Fault::new(Cause::Dns, format!("lookup {to}: {error}"));
                Fault { detail: Detail::Resolver, ..fault }
            }
            DialError::Connect(error) => {
                let fault = Fault::of(error);
                Fault { words: format!("dial tcp {to}: {}", fault.words), ..fault }
            }
        }
    }

    /// What ended a body: where it is framed in a way that this HTTP library does not read, go's may.
    pub(super) fn of_body(error: &(dyn StdError + 'static)) -> Fault {
        let fault = Fault::of(error);
        let mut link = Some(error);
        while let Some(error) = link {
            let unread = [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput];
            if error.downcast_ref::<io::Error>().is_some_and(|io| unread.contains(&io.kind())) {
                return Fault { cause: Cause::CaptiveOrHtml, ..fault }.blaming(Blame::Gox);
            }
            link = error.source();
        }
        fault
    }

    /// Reads an error of a library from the inside out.
    pub(super) fn of(error: &(dyn StdError + 'static)) -> Fault {
        let mut cause = None;
        let mut words: Vec<String> = Vec::new();
        let mut link = Some(error);
        while let Some(error) = link {
            cause = cause_of(error).or(cause);
            let text = error.to_string();
            if words.last() != Some(&text) {
                words.push(text);
            }
            // An io::Error hides what it carries from `source`.
            link = match error.downcast_ref::<io::Error>().and_then(|e| e.get_ref()) {
                Some(inner) => Some(inner as &(dyn StdError + 'static)),
                None => error.source(),
            };
        }
        // The innermost two say enough; what is outside is the library's own story.
        let from = words.len().saturating_sub(2);
        let words = redact::text(&words[from..].join(": ")).into_owned();
        Fault::new(cause.unwrap_or(Cause::Other), words)
    }
}

fn cause_of(error: &(dyn StdError + 'static)) -> Option<Cause> {
    if let Some(io) = error.downcast_ref::<io::Error>() {
        return of_io(io.kind());
    }
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(match tls {
            // What stands in the way of the handshake, as a login page does, not a certificate.
            rustls::Error::InvalidMessage(_) => Cause::CaptiveOrHtml,
            // Bytes that were damaged on the way: no verdict on anybody's certificate.
            rustls::Error::DecryptError | rustls::Error::PeerSentOversizedRecord => Cause::ConnReset,
            _ => Cause::TlsCert,
        });
    }
    if let Some(h2) = error.downcast_ref::<h2::Error>() {
        return Some(h2.get_io().and_then(|io| of_io(io.kind())).unwrap_or(Cause::Http2));
    }
    if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
        return if hyper.is_timeout() {
            Some(Cause::Timeout)
        } else if hyper.is_parse() {
            Some(Cause::CaptiveOrHtml)
        } else if hyper.is_incomplete_message()
            || hyper.is_closed()
            || hyper.is_canceled()
            || hyper.is_body_write_aborted()
        {
            Some(Cause::Eof)
        } else {
            None
        };
    }
    None
}

fn of_io(kind: io::ErrorKind) -> Option<Cause> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some(Cause::ConnRefused),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
            Some(Cause::ConnReset)
        }
        io::ErrorKind::TimedOut => Some(Cause::Timeout),
        io::ErrorKind::UnexpectedEof => Some(Cause::Eof),
        io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::NetworkDown => Some(Cause::Unreachable),
        _ => None,
    }
}

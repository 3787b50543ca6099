//! The entries of the GOPROXY list: servers, and addresses where none is.

use std::sync::Arc;
use std::time::Duration;

/// One entry of the GOPROXY list.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(super) kind: Kind,
    pub(super) prefix: String,
    pub(super) credentials: Option<String>,
    pub(super) name: Option<String>,
    pub(super) separator: char,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Plain,
    Tls { http2: bool },
    TlsWith(Arc<rustls::ServerConfig>),
    UntrustedTls,
    SilentTls,
    Closed,
    ClosedFor(Duration),
    Blackhole,
    Literal(String),
}

impl Entry {
    fn of(kind: Kind) -> Entry {
        Entry { kind, prefix: String::new(), credentials: None, name: None, separator: ',' }
    }

    /// HTTP/1.1 without TLS.
    pub(crate) fn plain() -> Entry {
        Entry::of(Kind::Plain)
    }

    /// TLS with HTTP/2 (and HTTP/1.1 for those who ask for it); trusted by whom [`super::Running::env`] is given.
    pub(crate) fn tls() -> Entry {
        Entry::of(Kind::Tls { http2: true })
    }

    /// TLS that knows HTTP/1.1 only.
    pub(crate) fn tls_http1() -> Entry {
        Entry::of(Kind::Tls { http2: false })
    }

    /// TLS with these certificates and protocols.
    pub(crate) fn tls_with(config: Arc<rustls::ServerConfig>) -> Entry {
        Entry::of(Kind::TlsWith(config))
    }

    /// TLS with a certificate that nobody trusts.
    pub(crate) fn untrusted_tls() -> Entry {
        Entry::of(Kind::UntrustedTls)
    }

    /// Accepts connections and never answers the TLS handshake.
    pub(crate) fn silent_tls() -> Entry {
        Entry::of(Kind::SilentTls)
    }

    /// A port where nobody listens.
    pub(crate) fn closed() -> Entry {
        Entry::of(Kind::Closed)
    }

    /// A port where nobody listens until so long after the start.
    pub(crate) fn closed_for(outage: Duration) -> Entry {
        Entry::of(Kind::ClosedFor(outage))
    }

    /// A port whose listen queue is full: SYNs are dropped, and a dial ends with its own timeout.
    pub(crate) fn blackhole() -> Entry {
        Entry::of(Kind::Blackhole)
    }

    /// A host whose name does not resolve (RFC 6761 reserves `.invalid` for that).
    pub(crate) fn unresolvable() -> Entry {
        Entry::of(Kind::Literal("http://proxy.invalid".to_owned()))
    }

    /// Anything else, such as `direct`, `off` or a URL.
    pub(crate) fn literal(text: &str) -> Entry {
        Entry::of(Kind::Literal(text.to_owned()))
    }

    /// Serves below a path, such as `/goproxy`.
    pub(crate) fn prefix(mut self, prefix: &str) -> Entry {
        self.prefix = prefix.trim_end_matches('/').to_owned();
        self
    }

    /// Answers 401 to all that do not bring `user:password`; [`super::Running::goproxy`] has them in the URL.
    pub(crate) fn credentials(mut self, user_and_password: &str) -> Entry {
        self.credentials = Some(user_and_password.to_owned());
        self
    }

    /// Goes by this host name (a TLS entry: `https://NAME`), which [`super::Running::env`] makes known by way of an
    /// HTTP proxy in the lab. The real host of that name is never asked.
    pub(crate) fn named(mut self, name: &str) -> Entry {
        self.name = Some(name.to_owned());
        self
    }

    /// Puts `|` and not `,` behind this entry in the list.
    pub(crate) fn pipe(mut self) -> Entry {
        self.separator = '|';
        self
    }
}

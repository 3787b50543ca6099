//! One connection that speaks HTTP: its making, its being kept alive, one request over it.

use super::body::{Back, Body, Idle};
use super::fault::{Blame, Fault};
use super::gate::{BEFORE_SETTINGS, Gate, Permit, Waiting};
use super::progress::Progress;
use super::proxy::Proxy;
use super::tls::Offer;
use crate::formats::authority::split_user;
use crate::machine::dial::Purpose;
use crate::vocabulary::Cause;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap};
use hyper::{Request, Uri, Version};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::time::Instant;

/// HTTP/2 connections are pinged this often while requests are open, ...
const PING: Duration = Duration::from_secs(15);

/// ... and given up when the answer takes longer.
const PONG: Duration = Duration::from_secs(10);

/// Flow control windows: what one stream, and one connection, may send before it is read.
const STREAM_WINDOW: u32 = 4 << 20;
const CONNECTION_WINDOW: u32 = 8 << 20;

/// Largest head of an answer, in bytes and in lines: net/http takes 1 MB.
const HEAD: usize = 1 << 20;
const HEAD_LINES: usize = 1000;

/// Which connection a request may go over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// Any that can take it.
    Any,
    /// None that is there already, and nobody uses those any more.
    Fresh,
    /// One of its own, beside a request that stands still: it waits for nothing that the other may hold, and where
    /// it is answered, the older connections are not used any more.
    Beside,
    /// One that carries nothing else, where there may be one more: it is not needed.
    Own,
}

/// Most informal answers (1xx) before the answer. The oldest releases of go take five, the newest as many as their
/// bound for a whole head holds: with more than this it is left to go.
const INFORMAL: usize = 200;

/// One request of ours.
pub(super) struct Asking<'a> {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// What is offered in a TLS handshake.
    pub(super) offer: Offer,
    pub(super) waiting: Waiting,
    pub(super) over: Over,
    /// What a new connection would be for.
    pub(super) purpose: Purpose<'a>,
    /// Patience for the head of the answer, once something is done for it: what waits its turn does
    /// not lose it.
    pub(super) patience: Duration,
    /// Told when that is.
    pub(super) progress: &'a Progress,
}

impl Asking<'_> {
    /// Does something for the request, within what is left of its patience.
    pub(super) async fn within<T, E: From<Fault>>(
        &self,
        spent: &mut Duration,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let start = Instant::now();
        self.progress.begin();
        let left = self.patience.saturating_sub(*spent);
        let result = tokio::time::timeout(left, work).await.unwrap_or_else(|_| {
            let words = format!("no answer within {} s", self.patience.as_secs_f32());
            Err(Fault::new(Cause::Timeout, words).into())
        });
        *spent += start.elapsed();
        result
    }
}

/// The head of an answer, and its body to come.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

#[derive(Clone)]
pub(super) struct Http2 {
    pub(super) sender: h2::client::SendRequest<Bytes>,
    pub(super) gate: Arc<Gate>,
}

/// A connection that was just made.
pub(super) enum Opened {
    Http1(http1::SendRequest<Empty<Bytes>>),
    Http2(Http2),
}

/// A connection that may take a request now.
pub(super) enum Line {
    /// With the turn of the fill that it is used in.
    Http1(http1::SendRequest<Empty<Bytes>>, Option<OwnedSemaphorePermit>),
    Http2(h2::client::SendRequest<Bytes>, Permit, Arc<Gate>),
}

/// A request that got no answer.
pub(super) struct Unanswered {
    pub(super) fault: Fault,
    /// The other side has not begun to work on it.
    pub(super) untouched: bool,
}

/// What connections are made of.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What is `held` is given back when the connection has ended.
pub(super) async fn handshake_http1(
    stream: Box<dyn Duplex>,
    held: impl Send + 'static,
) -> Result<http1::SendRequest<Empty<Bytes>>, Fault> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD)
        .max_headers(HEAD_LINES)
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| Fault::of(&error))?;
    tokio::spawn(async move {
        // Its requests hear of an error themselves.
        let _ = connection.await;
        drop(held);
    });
    Ok(sender)
}

/// As [`handshake_http1`].
pub(super) async fn handshake_http2(
    stream: Box<dyn Duplex>,
    held: impl Send + 'static,
) -> Result<Http2, Fault> {
    let (sender, mut connection) = h2::client::Builder::new()
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEAD as u32)
        .initial_max_send_streams(BEFORE_SETTINGS)
        .enable_push(false)
        .handshake(stream)
        .await
        .map_err(|error| Fault::of(&error))?;
    let gate = Gate::new();
    let watched = gate.clone();
    let ping = connection.ping_pong();
    tokio::spawn(async move {
        tokio::select! {
            // Its requests hear of an error themselves.
            _ = connection => {}
            // Without an answer the connection is dropped, and with it all its streams.
            () = keep_alive(ping, &watched) => {}
        }
        watched.shut();
        drop(held);
    });
    Ok(Http2 { sender, gate })
}

/// Pings while requests are open; ends when an answer stays away.
async fn keep_alive(ping: Option<h2::PingPong>, gate: &Gate) {
    let Some(mut ping) = ping else { return std::future::pending().await };
    loop {
        tokio::time::sleep(PING).await;
        if gate.open() > 0 {
            match tokio::time::timeout(PONG, ping.ping(h2::Ping::opaque())).await {
                Ok(Ok(_)) => {}
                // The connection says itself why it ended.
                Ok(Err(_)) => return std::future::pending().await,
                Err(_) => return,
            }
        }
    }
}

impl Line {
    /// The same, used in a turn that ends with the answer. HTTP/2 counts its own.
    pub(super) fn in_turn(self, turn: Option<OwnedSemaphorePermit>) -> Line {
        match self {
            Line::Http1(sender, _) => Line::Http1(sender, turn),
            Line::Http2(..) => self,
        }
    }

    pub(super) fn gate(&self) -> Option<Arc<Gate>> {
        match self {
            Line::Http1(..) => None,
            Line::Http2(_, _, gate) => Some(gate.clone()),
        }
    }

    pub(super) async fn send(
        self,
        idle: &Arc<Idle>,
        asking: &Asking<'_>,
        absolute: Option<&Proxy>,
    ) -> Result<Response, Unanswered> {
        match self {
            Line::Http1(mut sender, turn) => {
                let mut request = http1_request(asking, absolute).map_err(Unanswered::certain)?;
                let flood = Arc::new(Notify::new());
                let (seen, warned) = (AtomicUsize::new(0), flood.clone());
                hyper::ext::on_informational(&mut request, move |_| {
                    if seen.fetch_add(1, Ordering::Relaxed) >= INFORMAL {
                        warned.notify_one();
                    }
                });
                let sent = tokio::select! {
                    biased;
                    () = flood.notified() => return Err(flooded().into()),
                    sent = sender.try_send_request(request) => sent,
                };
                let response = match sent {
                    Ok(response) => response,
                    Err(mut error) => {
                        // Given back, it was never written.
                        let untouched = error.take_message().is_some() || error.error().is_canceled();
                        let gone = error.error().is_incomplete_message();
                        let fault = Fault::of(error.error());
                        // What this library cannot read, go's may.
                        let unread = error.error().is_parse();
                        return Err(Unanswered {
                            fault: if unread { fault.blaming(Blame::Gox) } else { fault },
                            // As in go: a kept connection that ends before the first byte was closed idle.
                            untouched: untouched || gone,
                        });
                    }
                };
                let (head, incoming) = response.into_parts();
                if !is_framed_for_go(&head.headers) {
                    let words = "an answer whose length is told in an odd way";
                    return Err(Fault::new(Cause::CaptiveOrHtml, words).blaming(Blame::Gox).into());
                }
                let back = Some(Back { idle: idle.clone(), sender });
                let body = Body::Http1 { incoming, back, _turn: turn };
                Ok(Response { status: head.status.as_u16(), headers: head.headers, body })
            }
            Line::Http2(sender, permit, gate) => {
                let request = http2_request(asking).map_err(Unanswered::certain)?;
                let answer = async {
                    let mut sender = sender.ready().await?;
                    let (response, _) = sender.send_request(request, true)?;
                    Ok(past_informal(response).await)
                };
                let response = match answer.await {
                    Ok(Some(response)) => response,
                    Ok(None) => return Err(flooded().into()),
                    Err(error) => Err(error),
                };
                if response.as_ref().map_or_else(h2::Error::is_reset, |_| true) {
                    permit.answered();
                }
                let response = response.map_err(|error: h2::Error| {
                    let refused = error.reason() == Some(h2::Reason::REFUSED_STREAM);
                    if refused {
                        permit.refused();
                    }
                    // A peer that goes away in peace names the last stream that it works on.
                    let left = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
                    if left || !error.is_reset() {
                        gate.shut();
                    }
                    let fault = Fault::of(&error);
                    let unread = error.is_library() && error.reason() == Some(h2::Reason::PROTOCOL_ERROR);
                    let fault = if unread { fault.blaming(Blame::Gox) } else { fault };
                    let asks_for_calm = error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM);
                    Unanswered { fault: Fault { asks_for_calm, ..fault }, untouched: refused || left }
                })?;
                let (head, stream) = response.into_parts();
                let body = Body::http2(stream, &head.headers, permit);
                Ok(Response { status: head.status.as_u16(), headers: head.headers, body })
            }
        }
    }
}

/// The answer of a stream; `None` where informal ones come without end.
async fn past_informal(
    mut response: h2::client::ResponseFuture,
) -> Option<Result<hyper::Response<h2::RecvStream>, h2::Error>> {
    let mut seen = 0;
    poll_fn(|context| {
        while let Poll::Ready(Some(Ok(_))) = response.poll_informational(context) {
            seen += 1;
            if seen > INFORMAL {
                return Poll::Ready(None);
            }
        }
        Pin::new(&mut response).poll(context).map(Some)
    })
    .await
}

/// Somebody who says without end that the answer will come.
fn flooded() -> Fault {
    let words = format!("more than {INFORMAL} informal answers (1xx) before the answer");
    Fault::new(Cause::CaptiveOrHtml, words).blaming(Blame::Gox)
}

/// Whether go would read where this answer ends: it takes one coding, and one length.
fn is_framed_for_go(headers: &HeaderMap) -> bool {
    let codings: Vec<_> = headers.get_all(header::TRANSFER_ENCODING).iter().collect();
    let coded = match codings[..] {
        [] => true,
        [coding] => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        _ => false,
    };
    coded && headers.get_all(header::CONTENT_LENGTH).iter().all(|length| !length.as_bytes().contains(&b','))
}

impl From<Fault> for Unanswered {
    fn from(fault: Fault) -> Unanswered {
        Unanswered { fault, untouched: false }
    }
}

impl Unanswered {
    fn certain(error: hyper::http::Error) -> Unanswered {
        Unanswered {
            fault: Fault::new(Cause::Other, error.to_string()).blaming(Blame::Verdict),
            untouched: false,
        }
    }
}

/// The authority without user and password.
fn authority(uri: &Uri) -> &str {
    let text = uri.authority().map_or("", |authority| authority.as_str());
    split_user(text).1
}

fn http1_request(
    asking: &Asking<'_>,
    absolute: Option<&Proxy>,
) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let path = asking.uri.path_and_query().map_or("/", |path| path.as_str());
    let host = authority(&asking.uri);
    let target = if absolute.is_some() { format!("http://{host}{path}") } else { path.to_owned() };
    let mut request = Request::get(target).header(header::HOST, host).body(Empty::new())?;
    request.headers_mut().extend(asking.headers.clone());
    // User and password of a proxy go to that proxy alone, in the way that it speaks.
    if let Some(login) = absolute.and_then(|proxy| proxy.login.as_ref()) {
        request.headers_mut().insert(header::PROXY_AUTHORIZATION, login.header());
    }
    Ok(request)
}

fn http2_request(asking: &Asking<'_>) -> Result<Request<()>, hyper::http::Error> {
    let path = asking.uri.path_and_query().map_or("/", |path| path.as_str());
    let uri =
        Uri::builder().scheme("https").authority(authority(&asking.uri)).path_and_query(path).build()?;
    let mut request = Request::get(uri).version(Version::HTTP_2).body(())?;
    request.headers_mut().extend(asking.headers.clone());
    Ok(request)
}

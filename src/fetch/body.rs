//! The body of an answer as it arrives, and how its end is known.
//!
//! A body is whole only if its framing says so: on HTTP/2 the END_STREAM flag (a stream that is reset
//! is broken, whatever reason is given with it), on HTTP/1.1 the length, the last chunk, or, where
//! neither was announced, the end of the connection, which tells nothing.

use super::crowd::Crowd;
use super::fault::Fault;
use super::gate::Permit;
use crate::vocabulary::Cause;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{self, HeaderMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// An answer that nobody reads is read to its end for its connection's sake, if that costs no more
/// than this many bytes ...
const DISCARDED: u64 = 64 << 10;

/// ... and this long.
const DISCARD_PATIENCE: Duration = Duration::from_secs(2);

/// The body of one answer.
pub(super) enum Body {
    /// On HTTP/1.1.
    Http1 { incoming: Incoming, back: Option<Back>, _turn: Option<OwnedSemaphorePermit> },
    /// On HTTP/2.
    Http2 { stream: h2::RecvStream, length: Option<u64>, _permit: Permit },
}

/// An idle HTTP/1.1 connection is not used again after this, as in go.
const IDLE: Duration = Duration::from_secs(90);

/// The HTTP/1.1 connections to one origin that nobody uses at the moment, the latest last.
#[derive(Default)]
pub(super) struct Idle {
    kept: Mutex<Vec<(Instant, SendRequest<Empty<Bytes>>)>>,
    crowd: Arc<Crowd>,
}

impl Idle {
    pub(super) fn new(crowd: Arc<Crowd>) -> Arc<Idle> {
        Arc::new(Idle { kept: Mutex::default(), crowd })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, SendRequest<Empty<Bytes>>)>> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Takes back a connection whose answer is read.
    fn put(&self, sender: SendRequest<Empty<Bytes>>) {
        self.lock().push((Instant::now(), sender));
        self.crowd.has_one_free();
    }

    /// One that can take a request.
    pub(super) fn take(&self) -> Option<SendRequest<Empty<Bytes>>> {
        let mut kept = self.lock();
        kept.retain(|(since, sender)| since.elapsed() < IDLE && sender.is_ready());
        kept.pop().map(|(_, sender)| sender)
    }

    /// Whether there is one.
    pub(super) fn has_one(&self) -> bool {
        self.lock().iter().any(|(since, sender)| since.elapsed() < IDLE && sender.is_ready())
    }

    /// Closes one, if there is one.
    pub(super) fn close_one(&self) -> bool {
        self.lock().pop().is_some()
    }
}

/// Where an HTTP/1.1 connection goes once its answer is read.
pub(super) struct Back {
    pub(super) idle: Arc<Idle>,
    pub(super) sender: SendRequest<Empty<Bytes>>,
}

impl Back {
    fn give(self) {
        let Back { idle, mut sender } = self;
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                idle.put(sender);
            }
        });
    }
}

impl Body {
    pub(super) fn http2(stream: h2::RecvStream, headers: &HeaderMap, permit: Permit) -> Body {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
        Body::Http2 { stream, length, _permit: permit }
    }

    /// The length that was announced.
    pub(super) fn length(&self) -> Option<u64> {
        match self {
            Body::Http1 { incoming, .. } => incoming.size_hint().exact(),
            Body::Http2 { length, .. } => *length,
        }
    }

    /// True where the end of the connection is all that tells the end of the body.
    pub(super) fn has_loose_end(&self, headers: &HeaderMap) -> bool {
        match self {
            Body::Http1 { .. } => self.length().is_none() && !headers.contains_key(header::TRANSFER_ENCODING),
            Body::Http2 { .. } => false,
        }
    }

    /// The next bytes; `None` at the end that the framing told.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        match self {
            Body::Http1 { incoming, back, .. } => loop {
                match incoming.frame().await {
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Some(Ok(data));
                        }
                    }
                    Some(Err(error)) => return Some(Err(Fault::of_body(&error))),
                    None => {
                        if let Some(back) = back.take() {
                            back.give();
                        }
                        return None;
                    }
                }
            },
            Body::Http2 { stream, .. } => match stream.data().await {
                Some(Ok(data)) => {
                    // The window is refilled as the bytes are taken; they are stored at once.
                    if let Err(error) = stream.flow_control().release_capacity(data.len()) {
                        return Some(Err(Fault::of(&error)));
                    }
                    Some(Ok(data))
                }
                Some(Err(error)) => Some(Err(Fault::of(&error))),
                // Trailers are the other way to end a stream.
                None => match stream.trailers().await {
                    Ok(_) if stream.is_end_stream() => None,
                    Ok(_) => Some(Err(Fault::new(Cause::Eof, "unexpected EOF"))),
                    Err(error) => Some(Err(Fault::of(&error))),
                },
            },
        }
    }

    /// Reads what is left, where that is little, so that the connection can be used again.
    pub(super) fn discard(mut self) {
        tokio::spawn(async move {
            let read = async {
                let mut left = DISCARDED;
                while let Some(Ok(data)) = self.next().await {
                    let Some(less) = left.checked_sub(data.len() as u64) else { return };
                    left = less;
                }
            };
            // A connection that is not worth it ends with its body.
            let _ = tokio::time::timeout(DISCARD_PATIENCE, read).await;
        });
    }
}

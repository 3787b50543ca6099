//! The loopback side: accepts connections, checks the secret, hands requests to their journey.

use super::body::Delivery;
use super::journey::{self, Answer};
use super::{Shared, path};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

/// Connections at a time. go opens as many as GOMAXPROCS, `go get` some more.
const CONNECTIONS: usize = 512;

/// Largest request head, in bytes.
const HEAD: usize = 16 << 10;

/// Longest wait for a request on an open connection, the time between two requests included.
const HEAD_PATIENCE: Duration = Duration::from_secs(120);

/// Serves until `stop` changes.
pub(super) async fn run(listener: TcpListener, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let next = async { (room.clone().acquire_owned().await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            _ = stop.changed() => return,
            next = next => next,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, for example: others will be closed in a moment.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = hyper::service::service_fn(|request| answer(&shared, request));
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_PATIENCE)
                .max_header_size(HEAD)
                .max_headers(64)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            // A go that was ended breaks its connections; nobody is left to be told.
            drop(served);
            drop(place);
        });
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Response<Delivery>, Infallible> {
    let target = request.uri();
    let wanted = after_secret(target.path(), &shared.secret)
        .filter(|_| request.method() == Method::GET && target.query().is_none())
        .map(path::parse);
    let answer = match wanted {
        None => Answer::Status(404, Vec::new()),
        Some(None) => Answer::Status(404, b"gox relay: not a request of the module proxy protocol".to_vec()),
        Some(Some(wanted)) => {
            let _counted = shared.ledger.begin();
            journey::serve(shared, wanted).await
        }
    };
    let (status, body) = match answer {
        Answer::Body(body) => (200, body),
        Answer::Status(status, words) => (status, words.into()),
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    if status != 200 {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
    }
    Ok(response)
}

/// What follows `/SECRET/`. Compares in a time that does not tell how much of it was right.
fn after_secret<'a>(path: &'a str, secret: &str) -> Option<&'a str> {
    let (given, rest) = path.strip_prefix('/')?.split_once('/')?;
    let (given, secret) = (given.as_bytes(), secret.as_bytes());
    let differs = given.iter().zip(secret).fold(0u8, |sum, (a, b)| sum | (a ^ b));
    (given.len() == secret.len() && std::hint::black_box(differs) == 0).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_secret_opens() {
        assert_eq!(after_secret("/abc/m/@v/list", "abc"), Some("m/@v/list"));
        for path in ["/abd/x", "/ab/x", "/abcd/x", "abc/x", "/", "//x", "/abc"] {
            assert_eq!(after_secret(path, "abc"), None, "{path}");
        }
    }
}

//! The loopback side: accepts connections, checks the secret, puts each request to the fetcher and
//! writes its answer as HTTP.

use super::delivery::Delivery;
use super::{path, rewrite};
use crate::fetch::{Answer, Fetcher, Question, Refusal};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{AbortHandle, JoinSet};

/// Connections at a time, where there are descriptors enough. go opens as many as GOMAXPROCS, `go get`
/// some more.
pub(crate) const CONNECTIONS: usize = 512;

/// With fewer than this no connection is kept open: an idle one would keep another request waiting.
const SCARCE: usize = 32;

/// Largest request head, in bytes.
const HEAD: usize = 16 << 10;

/// Longest wait for a request on an open connection, the time between two requests included.
const HEAD_PATIENCE: Duration = Duration::from_secs(120);

/// The status with which go is told that all was in vain, where no upstream's own tells it.
const GAVE_UP: u16 = 502;

/// The status that sends go to an upstream itself.
const LEFT: u16 = 307;

/// Lines of a text that go prints, and the longest of them that is worth its room (go prints eight
/// lines and 648 bytes).
const LINES: usize = 8;
const LINE: usize = 160;

/// What all connections share.
pub(super) struct Serving {
    pub(super) secret: String,
    pub(super) fetcher: Arc<Fetcher>,
    pub(super) names: rewrite::Names,
    /// Connections at a time.
    pub(super) room: usize,
}

/// Ends a running server.
pub(super) struct Stop {
    order: oneshot::Sender<()>,
    done: mpsc::Receiver<()>,
}

impl Stop {
    /// Returns once nothing listens any more and every connection is closed.
    pub(super) fn now(self) {
        // A server that is gone already answers neither.
        let _ = self.order.send(());
        let _ = self.done.recv();
    }
}

/// What tells a server to end, and hears that it did when dropped.
pub(super) struct Stopped {
    order: oneshot::Receiver<()>,
    _done: mpsc::Sender<()>,
}

/// A way to stop a server.
pub(super) fn stop() -> (Stop, Stopped) {
    let (order, ordered) = oneshot::channel();
    let (done, is_done) = mpsc::channel();
    (Stop { order, done: is_done }, Stopped { order: ordered, _done: done })
}

/// Serves until it is stopped.
pub(super) async fn run(listener: TcpListener, serving: Arc<Serving>, stopped: Stopped) {
    let Stopped { mut order, _done } = stopped;
    let room = Arc::new(Semaphore::new(serving.room));
    let keeps = serving.room >= SCARCE;
    let mut connections = JoinSet::new();
    let mut strangers = Strangers::default();
    loop {
        let accepted = tokio::select! {
            _ = &mut order => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, for example: others will be closed in a moment.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let place = tokio::select! {
            _ = &mut order => break,
            place = strangers.make_room(&room) => place,
        };
        let _ = stream.set_nodelay(true);
        let serving = serving.clone();
        let known = Arc::new(AtomicBool::new(false));
        let knows = known.clone();
        let task = connections.spawn(async move {
            let service = hyper::service::service_fn(|request| answer(&serving, request, &knows));
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_PATIENCE)
                .max_header_size(HEAD)
                .max_headers(64)
                .keep_alive(keeps)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            // A go that was ended breaks its connections; nobody is left to be told.
            drop(served);
            drop(place);
        });
        strangers.add(task, known);
    }
    drop(listener);
    connections.shutdown().await;
}

/// Connections over which the secret has not come: go's own before its first request, and those of whoever else
/// found the port. Where there is no room for another, the oldest of them goes, so that nobody keeps go out.
#[derive(Default)]
struct Strangers(VecDeque<(AbortHandle, Arc<AtomicBool>)>);

impl Strangers {
    fn add(&mut self, task: AbortHandle, known: Arc<AtomicBool>) {
        self.0.push_back((task, known));
    }

    async fn make_room(&mut self, room: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
        self.0.retain(|(task, known)| !task.is_finished() && !known.load(Ordering::Relaxed));
        if let Ok(place) = room.clone().try_acquire_owned() {
            return Some(place);
        }
        if let Some((oldest, _)) = self.0.pop_front() {
            oldest.abort();
        }
        room.clone().acquire_owned().await.ok()
    }
}

async fn answer(
    serving: &Serving,
    request: Request<Incoming>,
    known: &AtomicBool,
) -> Result<Response<Delivery>, Infallible> {
    let target = request.uri();
    let question = after_secret(target.path(), &serving.secret)
        .inspect(|_| known.store(true, Ordering::Relaxed))
        .filter(|_| request.method() == Method::GET && target.query().is_none())
        .map(path::parse);
    let Reply { status, body, location } = match question {
        None => Reply::new(404, Vec::new()),
        Some(None) => Reply::new(404, b"gox relay: not a request of the module proxy protocol".to_vec()),
        Some(Some(question)) => ask(serving, question).await,
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    } else if status != 200 {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, plain);
    }
    Ok(response)
}

/// What go is answered.
struct Reply {
    status: u16,
    body: Delivery,
    /// Where go is to ask itself.
    location: Option<HeaderValue>,
}

impl Reply {
    fn new(status: u16, body: impl Into<Delivery>) -> Reply {
        Reply { status, body: body.into(), location: None }
    }
}

/// The fetcher's answer as HTTP; remembers whose words go is about to repeat.
async fn ask(serving: &Serving, question: Question) -> Reply {
    let path = question.path.clone();
    let answer = serving.fetcher.get(question).await;
    let from = match &answer {
        Answer::Found { from, .. } => Some(*from),
        Answer::NotFound(refusal) | Answer::Refused(refusal) => refusal.from,
        Answer::Left { at, .. } => Some(*at),
        Answer::GaveUp { last, .. } => *last,
    };
    if let Some(from) = from {
        rewrite::remember(&serving.names, &path, from);
    }
    match answer {
        Answer::Found { body, .. } => match body.into_bytes() {
            Ok(contents) => Reply::new(200, contents),
            Err(error) => Reply::new(GAVE_UP, format!("gox relay: {error}").into_bytes()),
        },
        Answer::NotFound(Refusal { status, words, .. }) | Answer::Refused(Refusal { status, words, .. }) => {
            Reply::new(status, words)
        }
        // go follows a redirect as any client does, and meets the upstream as it would without gox.
        Answer::Left { url, .. } => match HeaderValue::try_from(url) {
            Ok(location) => Reply { location: Some(location), ..Reply::new(LEFT, Vec::new()) },
            Err(_) => Reply::new(GAVE_UP, b"gox relay: no address to send go to".to_vec()),
        },
        Answer::GaveUp { tried, status, .. } => {
            Reply::new(status.unwrap_or(GAVE_UP), in_vain(&tried).into_bytes())
        }
    }
}

/// What was tried: go prints the beginning of it as `server response:`.
fn in_vain(tried: &[String]) -> String {
    let mut lines: Vec<(&str, u32)> = Vec::new();
    for line in tried {
        match lines.iter_mut().find(|(l, _)| l == line) {
            Some((_, times)) => *times += 1,
            None => lines.push((line, 1)),
        }
    }
    if tried.is_empty() {
        return "gox has asked others in vain until its budget was used up\n".to_owned();
    }
    let mut text = format!("gox tried {} times:\n", tried.len());
    // The heading takes one line of go's.
    let start = lines.len().saturating_sub(LINES - 1);
    for (line, times) in &lines[start..] {
        let line: String = line.chars().filter(|c| !c.is_control()).take(LINE).collect();
        let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
        text.push_str(&format!("{line}{times}\n"));
    }
    text
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

//! The lab's proxy with an answer by hand for each request, and the modules `e.test/m0` and on.

use crate::inside::lab::{self, Draw, Entry, Lab, Module, Running, Say};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// What is done with one request.
pub(super) enum Reply {
    /// 200 with a length.
    Ok(Vec<u8>),
    /// 200 or 206 with an ETag, honouring Range and If-Range.
    Ranged(Vec<u8>),
    /// The same, but the connection breaks after so many bytes of this answer.
    CutAfter(Vec<u8>, usize),
    /// The same, but nothing comes after so many bytes of this answer.
    SilentAfter(Vec<u8>, usize),
    /// Any status with a text.
    Status(u16, &'static str),
    /// A status with more header lines.
    Headers(u16, String, Vec<u8>),
    /// The connection ends without an answer.
    Eof,
    /// Nothing, until the server ends.
    Silent,
    /// 200 with a length, at so many bytes a second.
    Drip(Vec<u8>, u32),
    /// These bytes and the end of the connection.
    Raw(Vec<u8>),
    /// A 200 whose body never ends.
    Endless,
}

impl From<Reply> for Say {
    fn from(reply: Reply) -> Say {
        match reply {
            Reply::Ok(body) => Say::answer(200, "", body),
            Reply::Ranged(body) => Say::answer(200, "", body).ranged(),
            Reply::CutAfter(body, bytes) => Say::answer(200, "", body).ranged().cut_after(bytes),
            Reply::SilentAfter(body, bytes) => Say::answer(200, "", body).ranged().silent_after(bytes),
            Reply::Status(status, text) => Say::answer(status, "Content-Type: text/plain\r\n", text),
            Reply::Headers(status, lines, body) => Say::answer(status, &lines, body),
            Reply::Eof => Say::nothing(),
            Reply::Silent => Say::silence(),
            Reply::Drip(body, pace) => Say::answer(200, "", body).pace(pace),
            Reply::Raw(bytes) => Say::raw(bytes),
            Reply::Endless => Say::endless(),
        }
    }
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// With the query.
    pub(super) path: String,
    /// As it came: a whole URL through an HTTP proxy.
    pub(super) named: String,
    pub(super) headers: HashMap<String, String>,
    /// How often the path had been asked before.
    pub(super) before: usize,
}

impl Seen {
    fn new(seen: &lab::Seen, before: usize) -> Seen {
        let query = seen.query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
        Seen {
            path: format!("{}{query}", seen.path),
            named: seen.named.clone(),
            headers: seen.headers.iter().cloned().collect(),
            before,
        }
    }
}

/// A running server; ends when dropped.
pub(super) struct Server {
    lab: Running,
    pub(super) address: SocketAddr,
}

impl Server {
    pub(super) fn start(behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        Server::with(Entry::plain(), behaviour)
    }

    /// The same over TLS.
    pub(super) fn start_tls(
        tls: Arc<rustls::ServerConfig>,
        behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Server {
        Server::with(Entry::tls_with(tls), behaviour)
    }

    fn with(entry: Entry, behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        let script = move |seen: &lab::Seen, before: usize| behaviour(&Seen::new(seen, before)).into();
        let lab = Lab::new().modules(0).entry(entry).keep_alive().script(script).start();
        let address = lab.host(0).parse().unwrap();
        Server { lab, address }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn log(&self) -> Vec<Seen> {
        let mut before: HashMap<String, usize> = HashMap::new();
        let requests = self.lab.requests();
        let number = |seen: &lab::Seen| {
            let count = before.entry(seen.path.clone()).or_default();
            *count += 1;
            Seen::new(seen, *count - 1)
        };
        requests.iter().map(number).collect()
    }

    pub(super) fn count(&self, part: &str) -> usize {
        self.log().iter().filter(|seen| seen.path.contains(part)).count()
    }
}

/// The files of modules `e.test/m0`, `e.test/m1`, ... at v1.0.0.
pub(super) fn module_file(path: &str) -> Option<Vec<u8>> {
    let (module, file) = path.split_once("/@v/")?;
    module.strip_prefix("e.test/m")?.parse::<usize>().ok()?;
    match file {
        "list" => Some(b"v1.0.0\n".to_vec()),
        "v1.0.0.info" => Some(br#"{"Version":"v1.0.0","Time":"2020-01-01T00:00:00Z"}"#.to_vec()),
        "v1.0.0.mod" => Some(go_mod(module).into_bytes()),
        "v1.0.0.zip" => Some(module_zip(module, 300)),
        _ => None,
    }
}

pub(super) fn go_mod(module: &str) -> String {
    format!("module {module}\n\ngo 1.21\n")
}

/// A zip with `noise` bytes that do not compress.
pub(super) fn module_zip(module: &str, noise: usize) -> Vec<u8> {
    let mut draw = Draw::new(7, "noise");
    let noise = (0..noise).map(|_| draw.next() as u8).collect();
    let files = vec![("m.go".to_owned(), b"package m\n".to_vec()), ("noise.bin".to_owned(), noise)];
    Module::new(module, "v1.0.0", &go_mod(module), files).zip().to_vec()
}

/// A good proxy for those modules.
pub(super) fn good(seen: &Seen) -> Reply {
    module_file(&seen.path).map_or(Reply::Status(404, "not found"), Reply::Ok)
}

//! The relay against a module proxy that misbehaves: asked directly, and by the real go.

mod bodies;
mod certificates;
mod faulty;
mod http2;
mod ways_out;
mod wire;
mod with_go;

use super::{CONNECTIONS, Relay, Rewriter};
use crate::fetch::{Engine, Fetcher, Options, Surroundings, Tally};
use crate::formats::go_sum::GoSum;
use crate::formats::goproxy::List;
use crate::formats::h1;
use crate::module_cache::hash;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// Options with short times: nothing here waits for real networks.
fn options(list: &str) -> Options {
    Options {
        backoff_base: Duration::from_millis(20),
        backoff_max: Duration::from_millis(100),
        stall: Duration::from_secs(2),
        budget: Duration::from_secs(30),
        ..Options::new(List::parse(list), Surroundings::default())
    }
}

/// The same, with a go.sum that pins every module of [`faulty::module_file`].
fn pinned(list: &str) -> Options {
    let mut lines = String::new();
    for n in 0..32 {
        let module = format!("e.test/m{n}");
        let zip = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(zip.path(), faulty::module_zip(&module, 300)).unwrap();
        let tree = hash::of_zip(zip.path(), &format!("{module}@v1.0.0/")).unwrap().h1().to_owned();
        let go_mod = h1::of_go_mod(faulty::go_mod(&module).as_bytes());
        lines.push_str(&format!("{module} v1.0.0 {tree}\n{module} v1.0.0/go.mod {go_mod}\n"));
    }
    Options { go_sum: Arc::new(GoSum::parse(&lines)), ..options(list) }
}

/// The options with a go.sum of these keys (`MODULE` or `MODULE/go.mod`) for v1.0.0.
fn with_sums(list: &str, known: &[(&str, String)]) -> Options {
    let line = |(key, hash): &(&str, String)| match key.strip_suffix("/go.mod") {
        Some(module) => format!("{module} v1.0.0/go.mod {hash}\n"),
        None => format!("{key} v1.0.0 {hash}\n"),
    };
    let lines: String = known.iter().map(line).collect();
    Options { go_sum: Arc::new(GoSum::parse(&lines)), ..options(list) }
}

/// A fetcher with a relay before it.
#[derive(Debug)]
struct Served {
    relay: Relay,
    _engine: Engine,
}

impl Served {
    fn goproxy(&self) -> String {
        self.relay.goproxy()
    }

    fn rewriter(&self) -> Rewriter {
        self.relay.rewriter()
    }

    fn fetcher(&self) -> &Fetcher {
        self.relay.fetcher()
    }

    /// Stops listening, ends every connection, and returns the last numbers.
    fn stop(self) -> Tally {
        let serving = self.relay.serving.clone();
        drop(self);
        serving.fetcher.tally()
    }
}

fn start(options: Options) -> Result<Served, String> {
    let fetcher = Arc::new(Fetcher::new(options)?);
    let engine = Engine::start().unwrap();
    Ok(Served { relay: Relay::start(&engine, fetcher, CONNECTIONS).unwrap(), _engine: engine })
}

/// With this many connections at a time.
fn start_with_room(options: Options, room: usize) -> Served {
    let fetcher = Arc::new(Fetcher::new(options).unwrap());
    let engine = Engine::start().unwrap();
    Served { relay: Relay::start(&engine, fetcher, room).unwrap(), _engine: engine }
}

fn relay(list: &str) -> Served {
    start(options(list)).unwrap()
}

/// One request on a connection of its own: status and body.
fn ask(url: &str, method: &str) -> (u16, Vec<u8>) {
    // What comes after a comma or pipe in a GOPROXY value is not part of the URL.
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let head = format!("{method} /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    // A head that is refused early may not be taken whole.
    let _ = stream.write_all(head.as_bytes());
    let mut answer = Vec::new();
    // A refused head may end in a reset after the answer.
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(answer.len() - 4.min(answer.len()));
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (status, answer[end + 4..].to_vec())
}

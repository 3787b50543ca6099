//! The relay against a module proxy that misbehaves: asked directly, and by the real go.

mod deciding;
mod faulty;
mod ways_out;
mod wire;
mod with_go;

use super::{Options, Relay, Surroundings, start};
use crate::formats::goproxy::List;
use std::io::{Read, Write};
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

fn relay(list: &str) -> Relay {
    start(options(list)).unwrap()
}

/// One request on a connection of its own: status and body.
fn ask(url: &str, method: &str) -> (u16, Vec<u8>) {
    // What comes after a comma or pipe in a GOPROXY value is not part of the URL.
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "{method} /{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // A refused head may end in a reset after the answer.
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(answer.len() - 4.min(answer.len()));
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    (status, answer[end + 4..].to_vec())
}

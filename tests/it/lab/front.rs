//! A host in front of a lab that says the same in its own way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the front makes of a good answer: all the bytes that go out, head included.
type Manner = Arc<dyn Fn(&str, &[u8]) -> Vec<u8> + Send + Sync>;

/// A request: its path, the `User-Agent` that asked, and the `Referer` that it named.
type Heard = (String, String, String);

/// A listening front; its thread ends with the test's process.
pub(crate) struct Front {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Front {
    /// Answers each request for a path with what `manner` makes of the body that `host` has for it.
    pub(crate) fn of(host: &str, manner: impl Fn(&str, &[u8]) -> Vec<u8> + Send + Sync + 'static) -> Front {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (host, manner, notes): (String, Manner, _) = (host.to_owned(), Arc::new(manner), heard.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (host, manner, notes) = (host.clone(), manner.clone(), notes.clone());
                std::thread::spawn(move || serve(stream, &host, &manner, &notes));
            }
        });
        Front { port, heard }
    }

    /// Says these bytes to whoever asks for whatever.
    pub(crate) fn saying(bytes: &'static str) -> Front {
        Front::of("", move |_, _| bytes.into())
    }

    /// `http://host:port`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The paths that were asked for, each with the `User-Agent` that asked.
    pub(crate) fn heard(&self) -> Vec<(String, String)> {
        let heard = self.heard.lock().expect("no test panics here").clone();
        heard.into_iter().map(|(path, agent, _)| (path, agent)).collect()
    }

    /// The paths that were asked for by who was sent here, each with the `Referer` that it named.
    pub(crate) fn referred(&self) -> Vec<(String, String)> {
        let heard = self.heard.lock().expect("no test panics here").clone();
        let named = heard.into_iter().filter(|(_, _, referer)| !referer.is_empty());
        named.map(|(path, _, referer)| (path, referer)).collect()
    }
}

/// One request a connection.
fn serve(stream: TcpStream, host: &str, manner: &Manner, notes: &Mutex<Vec<Heard>>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut reader = BufReader::new(stream);
    let (mut path, mut agent, mut referer) = (String::new(), String::new(), String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next()?.to_owned();
        } else if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "user-agent" => agent = value.to_owned(),
                "referer" => referer = value.to_owned(),
                _ => {}
            }
        } else if line.is_empty() {
            break;
        }
    }
    notes.lock().ok()?.push((path.clone(), agent, referer));
    let mut behind = TcpStream::connect(host).ok()?;
    if host.is_empty() {
        return reader.into_inner().write_all(&manner(&path, b"")).ok();
    }
    let file = path.split('?').next()?;
    write!(behind, "GET {file} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = Vec::new();
    behind.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let mut stream = reader.into_inner();
    if answer.starts_with(b"HTTP/1.1 200") {
        stream.write_all(&manner(&path, &answer[end..])).ok()
    } else {
        stream.write_all(&answer).ok()
    }
}

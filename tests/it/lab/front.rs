//! A host in front of a lab that says the same in its own way.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the front makes of a good answer: all the bytes that go out, head included.
type Manner = Arc<dyn Fn(&str, &[u8]) -> Vec<u8> + Send + Sync>;

/// A listening front; its thread ends with the test's process.
pub(crate) struct Front {
    port: u16,
    heard: Arc<Mutex<Vec<(String, String)>>>,
}

impl Front {
    /// Answers each request for a path with what `manner` makes of the body that `host` has for it.
    pub(crate) fn of(host: &str, manner: impl Fn(&str, &[u8]) -> Vec<u8> + Send + Sync + 'static) -> Front {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let heard: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
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
        self.heard.lock().expect("no test panics here").clone()
    }
}

/// One request a connection.
fn serve(stream: TcpStream, host: &str, manner: &Manner, notes: &Mutex<Vec<(String, String)>>) -> Option<()> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let mut reader = BufReader::new(stream);
    let (mut path, mut agent) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end();
        if let Some(rest) = line.strip_prefix("GET ") {
            path = rest.split(' ').next()?.to_owned();
        } else if let Some((_, value)) =
            line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case("user-agent"))
        {
            agent = value.to_owned();
        } else if line.is_empty() {
            break;
        }
    }
    notes.lock().ok()?.push((path.clone(), agent));
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

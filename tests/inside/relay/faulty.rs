//! A module proxy that misbehaves on purpose: plain threads over std, so that nothing of the
//! relay's own libraries tests itself.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

/// What is done with one request.
pub(super) enum Reply {
    /// 200 with a length.
    Ok(Vec<u8>),
    /// 200 or 206 with an ETag, honouring Range and If-Range.
    Ranged(Vec<u8>),
    /// The same, but the connection breaks after so many bytes of this answer.
    CutAfter(Vec<u8>, usize),
    /// Any status with a text.
    Status(u16, &'static str),
    /// A status with more header lines.
    Headers(u16, String, Vec<u8>),
    /// The connection ends without an answer.
    Eof,
    /// Nothing, until the server ends.
    Silent,
    /// So many bytes at a time, with a pause after each.
    Drip(Vec<u8>, usize, std::time::Duration),
    /// These bytes and the end of the connection.
    Raw(Vec<u8>),
    /// A 200 whose body never ends.
    Endless,
}

/// One request, as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) headers: HashMap<String, String>,
    /// How often the path had been asked before.
    pub(super) before: usize,
}

type Behaviour = dyn Fn(&Seen) -> Reply + Send + Sync;

struct Inner {
    behaviour: Box<Behaviour>,
    log: Mutex<Vec<Seen>>,
    ended: Mutex<bool>,
    bell: Condvar,
}

/// A running server; ends when dropped.
pub(super) struct Server {
    inner: Arc<Inner>,
    pub(super) address: std::net::SocketAddr,
}

impl Server {
    pub(super) fn start(behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        Server::with(None, behaviour)
    }

    /// The same over TLS.
    pub(super) fn start_tls(
        tls: Arc<rustls::ServerConfig>,
        behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Server {
        Server::with(Some(tls), behaviour)
    }

    fn with(
        tls: Option<Arc<rustls::ServerConfig>>,
        behaviour: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            behaviour: Box::new(behaviour),
            log: Mutex::default(),
            ended: Mutex::new(false),
            bell: Condvar::new(),
        });
        let serving = inner.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if *serving.ended.lock().unwrap() {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let _ = stream.set_nodelay(true);
                let serving = serving.clone();
                let tls = tls.clone();
                std::thread::spawn(move || match tls {
                    None => converse(stream, &serving),
                    Some(config) => {
                        let session = rustls::ServerConnection::new(config).unwrap();
                        converse(rustls::StreamOwned::new(session, stream), &serving)
                    }
                });
            }
        });
        Server { inner, address }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn log(&self) -> Vec<Seen> {
        self.inner.log.lock().unwrap().clone()
    }

    pub(super) fn count(&self, part: &str) -> usize {
        self.log().iter().filter(|seen| seen.path.contains(part)).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.inner.ended.lock().unwrap() = true;
        self.inner.bell.notify_all();
        let _ = TcpStream::connect(self.address);
    }
}

fn converse<S: Read + Write>(stream: S, inner: &Inner) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let path = line.split(' ').nth(1).unwrap_or("").trim_start_matches('/').to_owned();
        let mut headers = HashMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let seen = {
            let mut log = inner.log.lock().unwrap();
            let before = log.iter().filter(|seen| seen.path == path).count();
            let seen = Seen { path, headers, before };
            log.push(seen.clone());
            seen
        };
        let stream = reader.get_mut();
        let ok = |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        match (inner.behaviour)(&seen) {
            Reply::Ok(body) => stream.write_all(&[ok(body.len()), body].concat())?,
            Reply::Ranged(body) => {
                let end = body.len();
                ranged(stream, &seen, &body, end)?;
            }
            Reply::CutAfter(body, bytes) => {
                ranged(stream, &seen, &body, bytes)?;
                return Ok(());
            }
            Reply::Status(status, text) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{text}",
                    text.len()
                );
                stream.write_all(head.as_bytes())?;
            }
            Reply::Headers(status, lines, body) => {
                let head = format!("HTTP/1.1 {status} X\r\n{lines}Content-Length: {}\r\n\r\n", body.len());
                stream.write_all(&[head.into_bytes(), body].concat())?;
            }
            Reply::Eof => return Ok(()),
            Reply::Silent => {
                wait(inner, None);
                return Ok(());
            }
            Reply::Drip(body, size, pause) => {
                stream.write_all(&ok(body.len()))?;
                for piece in body.chunks(size) {
                    stream.write_all(piece)?;
                    if wait(inner, Some(pause)) {
                        return Ok(());
                    }
                }
            }
            Reply::Raw(bytes) => {
                stream.write_all(&bytes)?;
                return Ok(());
            }
            Reply::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                let piece = [b"100000\r\n".to_vec(), vec![b'v'; 1 << 20], b"\r\n".to_vec()].concat();
                loop {
                    stream.write_all(&piece)?;
                }
            }
        }
    }
}

/// Waits for the pause to pass, or the server's end (`true`).
fn wait(inner: &Inner, pause: Option<std::time::Duration>) -> bool {
    let pause = pause.unwrap_or(std::time::Duration::from_secs(120));
    let ended = inner.ended.lock().unwrap();
    *inner.bell.wait_timeout_while(ended, pause, |ended| !*ended).unwrap().0
}

fn ranged(stream: &mut impl Write, seen: &Seen, body: &[u8], bytes: usize) -> std::io::Result<()> {
    let tag = "\"strong\"";
    let start = seen
        .headers
        .get("range")
        .filter(|_| seen.headers.get("if-range").is_some_and(|t| t == tag))
        .and_then(|r| r.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let (head, body) = match start {
        Some(start) => (
            format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{}", body.len() - 1, body.len()),
            &body[start..],
        ),
        None => ("200 OK".to_owned(), body),
    };
    let head = format!("HTTP/1.1 {head}\r\nETag: {tag}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body[..bytes.min(body.len())])
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
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, text: &[u8]| {
        let options =
            zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file(format!("{module}@v1.0.0/{name}"), options).unwrap();
        writer.write_all(text).unwrap();
    };
    add("go.mod", go_mod(module).as_bytes());
    add("m.go", b"package m\n");
    let mut state = 7u32;
    let noise: Vec<u8> = (0..noise)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    add("noise.bin", &noise);
    writer.finish().unwrap().into_inner()
}

/// A good proxy for those modules.
pub(super) fn good(seen: &Seen) -> Reply {
    module_file(&seen.path).map_or(Reply::Status(404, "not found"), Reply::Ok)
}

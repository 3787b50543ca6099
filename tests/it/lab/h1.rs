//! HTTP/1.1 by hand: a library would refuse to send half of what the lab must send.

use super::limits::Ceiling;
use super::reply::{Ending, Framing, Reply, Stage};
use super::site::{Asked, Site};
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection whose TCP end is within reach, so that it can be reset.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin {
    /// The socket below.
    fn socket(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref().0
    }
}

/// Serves one connection until it ends, one way or the other.
pub(super) async fn serve(mut wire: impl Wire, site: Arc<Site>) -> io::Result<()> {
    let mut buffer = Vec::new();
    let ceiling = site.counting.ceiling();
    let mut left = site.counting.limits().of_each();
    while let Some(asked) = read_request(&mut wire, &mut buffer).await? {
        let client_closes = asked
            .headers
            .iter()
            .any(|(name, value)| name == "connection" && value.eq_ignore_ascii_case("close"));
        let head_only = asked.method == "HEAD";
        let (record, reply) = site.decide(asked);
        left -= 1;
        let close = client_closes || left == 0 || !site.shared.keep_alive;
        site.wait_for(&reply).await;
        let mut sent = 0;
        let result = send(&mut wire, &reply, (close, head_only), &ceiling, &mut sent).await;
        let whole = result.is_ok() && reply.ending == Ending::Proper;
        site.finish(record, &reply, sent, whole);
        result?;
        match reply.ending {
            Ending::Proper if !close => {}
            Ending::Proper | Ending::Close | Ending::GoAway | Ending::Garbage | Ending::Endless => {
                wire.shutdown().await?;
                return Ok(());
            }
            Ending::Reset | Ending::StreamReset => {
                wire.socket().set_zero_linger()?;
                return Ok(());
            }
            Ending::Hang => {
                // Whatever else comes is read and forgotten; the end is the other side's.
                let mut waste = [0; 1024];
                while wire.read(&mut waste).await? > 0 {}
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn read_request(wire: &mut impl Wire, buffer: &mut Vec<u8>) -> io::Result<Option<Asked>> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if buffer.len() > 64 * 1024 || wire.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    buffer.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (method, named) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    // Through an HTTP proxy the target is a whole URL.
    let target =
        named.split_once("://").map_or(named, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let (method, target, named) = (method.to_owned(), target.to_owned(), named.to_owned());
    Ok(Some(Asked { method, target, named, headers, protocol: "HTTP/1.1" }))
}

async fn send(
    wire: &mut impl Wire,
    reply: &Reply,
    (close, head_only): (bool, bool),
    ceiling: &Ceiling,
    sent: &mut usize,
) -> io::Result<()> {
    let head = head_of(reply, close);
    let upto = match reply.stage {
        Stage::Start => {
            if reply.ending == Ending::Garbage {
                wire.write_all(&reply.answer.body).await?;
            }
            return wire.flush().await;
        }
        Stage::Headers => {
            wire.write_all(&head.as_bytes()[..head.len() / 2]).await?;
            return wire.flush().await;
        }
        Stage::Body(upto) => upto,
    };
    wire.write_all(head.as_bytes()).await?;
    if head_only {
        return wire.flush().await;
    }
    let body = &reply.answer.body[..upto];
    match reply.pace {
        None => {
            *sent = 0;
            for piece in body.chunks(16 * 1024) {
                ceiling.carry(piece.len()).await;
                write_piece(wire, reply.framing, piece).await?;
                *sent += piece.len();
            }
        }
        Some(pace) => {
            // Ten times a second, or one byte at a time.
            let step = (pace / 10).max(1);
            let pause = Duration::from_secs_f64(f64::from(step) / f64::from(pace));
            for piece in body.chunks(step as usize) {
                tokio::time::sleep(pause).await;
                write_piece(wire, reply.framing, piece).await?;
                wire.flush().await?;
                *sent += piece.len();
            }
        }
    }
    if reply.ending == Ending::Endless {
        loop {
            write_piece(wire, reply.framing, body).await?;
        }
    }
    if reply.framing == Framing::Chunked {
        wire.write_all(b"0\r\n\r\n").await?;
    }
    wire.flush().await
}

async fn write_piece(wire: &mut impl Wire, framing: Framing, piece: &[u8]) -> io::Result<()> {
    match framing {
        Framing::Length(_) => wire.write_all(piece).await,
        Framing::Chunked | Framing::ChunkedOpen => {
            wire.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
            wire.write_all(piece).await?;
            wire.write_all(b"\r\n").await
        }
    }
}

fn head_of(reply: &Reply, close: bool) -> String {
    let answer = &reply.answer;
    let reason = match answer.status {
        200 => "OK",
        206 => "Partial Content",
        302 => "Found",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Unknown",
    };
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", answer.status);
    if !answer.kind.is_empty() {
        let _ = write!(head, "content-type: {}\r\n", answer.kind);
    }
    match reply.framing {
        Framing::Length(length) => {
            let _ = write!(head, "content-length: {length}\r\n");
        }
        Framing::Chunked | Framing::ChunkedOpen => head.push_str("transfer-encoding: chunked\r\n"),
    }
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if close {
        head.push_str("connection: close\r\n");
    }
    head.push_str("\r\n");
    head
}

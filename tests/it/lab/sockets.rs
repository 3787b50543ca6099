//! Listening, and all the ways not to.

use super::site::Site;
use super::{h1, h2};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Serves HTTP/1.1.
pub(super) async fn plain(site: Arc<Site>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(LOOPBACK).await?;
    let address = listener.local_addr()?;
    tokio::spawn(accept_plain(listener, site));
    Ok(address)
}

async fn accept_plain(listener: TcpListener, site: Arc<Site>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let site = Arc::clone(&site);
        let Some(counted) = site.counting.connection() else {
            tokio::spawn(turn_away(stream, site));
            continue;
        };
        tokio::spawn(async move {
            let _counted = counted;
            // The other side may go at any time; that is its right.
            let _ = h1::serve(stream, site).await;
        });
    }
}

/// Does with a connection too many what the limits say.
async fn turn_away(mut stream: TcpStream, site: Arc<Site>) {
    if site.counting.limits().leaves() {
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
}

/// Serves TLS, with the protocol the handshake settles on.
pub(super) async fn tls(site: Arc<Site>, acceptor: TlsAcceptor) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(LOOPBACK).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (site, acceptor) = (Arc::clone(&site), acceptor.clone());
            tokio::spawn(serve_tls(stream, site, acceptor));
        }
    });
    Ok(address)
}

/// Serves one TLS connection.
pub(super) async fn serve_tls(stream: TcpStream, site: Arc<Site>, acceptor: TlsAcceptor) {
    let Some(_counted) = site.counting.connection() else { return turn_away(stream, site).await };
    let _ = stream.set_nodelay(true);
    let Ok(stream) = acceptor.accept(stream).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        h2::serve(stream, site).await;
    } else {
        let _ = h1::serve(stream, site).await;
    }
}

/// Accepts, reads, and never says a word.
pub(super) async fn silent() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(LOOPBACK).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            kept.push(stream);
        }
    });
    Ok(address)
}

/// Binds a port and does not listen, so that nobody else can take it and each dial is refused; after the
/// outage, if it is to end, serves there.
pub(super) fn closed(outage: Option<Duration>, site: Arc<Site>) -> io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(LOOPBACK)?;
    let address = socket.local_addr()?;
    tokio::spawn(async move {
        match outage {
            Some(outage) => {
                tokio::time::sleep(outage).await;
                if let Ok(listener) = socket.listen(128) {
                    accept_plain(listener, site).await;
                }
            }
            None => {
                let _kept = socket;
                std::future::pending::<()>().await;
            }
        }
    });
    Ok(address)
}

/// Listens with the shortest queue, fills it and accepts nobody: the kernel drops further SYNs.
pub(super) async fn blackhole() -> io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(LOOPBACK)?;
    let listener = socket.listen(1)?;
    let address = listener.local_addr()?;
    let mut fillers = Vec::new();
    // A queue of one holds two on Linux and a few more elsewhere; full is when a dial is not answered.
    for _ in 0..64 {
        match tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
            Ok(filler) => fillers.push(filler?),
            Err(_) => {
                tokio::spawn(async move {
                    let _kept = (listener, fillers);
                    std::future::pending::<()>().await;
                });
                return Ok(address);
            }
        }
    }
    Err(io::Error::other("this system answers dials to a full listen queue"))
}

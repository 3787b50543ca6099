//! Real host names without the real network: an HTTP proxy that knows the lab's servers by name and
//! nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpSocket, TcpStream};

/// `host:port` and where that is here; nothing is `None`: a connection that cannot be made.
pub(super) type Names = BTreeMap<String, Option<SocketAddr>>;

/// The `host:port` of those whom somebody wanted and the lab does not know.
pub(super) type Strangers = Arc<Mutex<BTreeSet<String>>>;

/// Serves CONNECT and plain requests for the known names; to the others it answers 502, and notes them. For so
/// long it is not there.
pub(super) fn serve(names: Names, strangers: Strangers, away: Duration) -> io::Result<SocketAddr> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let address = socket.local_addr()?;
    let names = Arc::new(names);
    let listening = if away.is_zero() { Ok(socket.listen(128)?) } else { Err(socket) };
    tokio::spawn(async move {
        let listener = match listening {
            Ok(listener) => listener,
            Err(socket) => {
                tokio::time::sleep(away).await;
                socket.listen(128).expect("a port of its own")
            }
        };
        while let Ok((stream, _)) = listener.accept().await {
            let (names, strangers) = (Arc::clone(&names), Arc::clone(&strangers));
            tokio::spawn(async move {
                // Either side may go at any time.
                let _ = forward(stream, &names, &strangers).await;
            });
        }
    });
    Ok(address)
}

async fn forward(mut client: TcpStream, names: &Names, strangers: &Strangers) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|four| four == b"\r\n\r\n") {
        if head.len() > 64 * 1024 || client.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let line = String::from_utf8_lossy(&head).into_owned();
    let mut words = line.split(' ');
    let connect = words.next() == Some("CONNECT");
    let target = words.next().unwrap_or_default();
    let host = target.split_once("://").map_or(target, |(_, rest)| rest.split('/').next().unwrap_or(rest));
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    if !names.contains_key(&host) {
        strangers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(host.clone());
    }
    let Some(Some(address)) = names.get(&host) else {
        client
            .write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await?;
        return client.shutdown().await;
    };
    let mut server = TcpStream::connect(address).await?;
    if connect {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
    } else {
        server.write_all(&head).await?;
    }
    match copy_bidirectional(&mut client, &mut server).await {
        Ok(_) => Ok(()),
        Err(error) => {
            // A reset travels on as a reset.
            client.set_zero_linger()?;
            Err(error)
        }
    }
}

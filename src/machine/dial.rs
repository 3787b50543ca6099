//! The one function through which every connection of gox's goes.
//!
//! | request | when | to whom | which name |
//! | --- | --- | --- | --- |
//! | a file of a module ([`Purpose::Module`]) | go asks the relay for it; go will ask for it, as go.mod and go.sum tell (the fill); go failed with it, and its words, were they true, would move a setting or lead to another host, or name a host that is waited for until it answers | an upstream of the user's list as the rotation allows, a permitted mirror, the store that one of them redirects to | the module path and version |
//! | a look-up ([`Purpose::LookUp`]) | go asks the relay for it | the one upstream that said it carries the checksum database | the module path and version |
//! | the database's own files ([`Purpose::Database`]) | go asks the relay for them; go says that the database is away | an upstream of the user's list; the database itself | none |
//! | whether a proxy takes a connection ([`Purpose::Probe`]) | go is silent, or failed to connect | the network proxies of the user's list | none |
//! | what ails a host ([`Purpose::Look`]) | somebody calls `gox doctor` | an upstream of the user's list, the store that one of them redirects to, the checksum database, a module's own host: each where go would ask it about that name; where `--mirrors` or `--resolver` say so, public mirrors and that resolver, about what everybody knows | the module path and version, or none |
//!
//! Where HTTP_PROXY, HTTPS_PROXY or NO_PROXY lead through a proxy, the connection is to that proxy and
//! the name of the host goes with it, exactly as with go. Names of hosts are resolved by the system.
//! go itself, and git below it, dial for themselves.

use super::names;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;

/// go's own dial timeout, for all addresses of a host together.
const PATIENCE: Duration = Duration::from_secs(30);

/// As in go (RFC 6555): how long the first family of addresses is alone.
const HEAD_START: Duration = Duration::from_millis(300);

/// As in go: no address gets less than this while there is time.
const LEAST: Duration = Duration::from_secs(2);

/// What a connection is for, and the name that will go over it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose<'a> {
    /// A file of this module.
    Module(&'a str),
    /// This module's record in a checksum database.
    LookUp(&'a str),
    /// A file of a checksum database that tells no name.
    Database,
    /// Whether anybody is there. Nothing is sent.
    Probe,
    /// What ails a host: this module's file, or, where it is empty, what tells no name.
    Look(&'a str),
}

impl fmt::Display for Purpose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Purpose::Module(module) => f.write_str(module),
            Purpose::LookUp(module) => write!(f, "the checksum database's record of {module}"),
            Purpose::Database => f.write_str("the checksum database"),
            Purpose::Probe => f.write_str("a sign of life"),
            Purpose::Look("") => f.write_str("a look at the host"),
            Purpose::Look(module) => write!(f, "a look at the host, with {module}"),
        }
    }
}

/// Host and port of a TCP service.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    /// A name, or a literal address without brackets.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum DialError {
    /// The name did not resolve.
    Name(io::Error),
    /// No name resolves, or this one did before: the resolver's trouble.
    Resolver(io::Error),
    /// No address took a connection; the first one's error.
    Connect(io::Error),
}

/// Connects to `to`: resolves its name and tries its addresses as go does.
///
/// # Errors
/// Within 30 s in any case.
pub(crate) async fn dial(to: &Address, purpose: Purpose<'_>) -> Result<TcpStream, DialError> {
    note(to, purpose);
    let end = Instant::now() + PATIENCE;
    let timed_out = || io::Error::new(io::ErrorKind::TimedOut, "i/o timeout");
    let addresses = match tokio::time::timeout_at(end, names::resolve(&to.host, to.port)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) if names::is_resolvers(&to.host, &error) => return Err(DialError::Resolver(error)),
        Ok(Err(error)) => return Err(DialError::Name(error)),
        Err(_) => return Err(DialError::Resolver(timed_out())),
    };
    let Some(first) = addresses.first().copied() else {
        return Err(DialError::Name(io::Error::new(io::ErrorKind::NotFound, "no such host")));
    };
    let (primary, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first.is_ipv4());
    let stream = race(&primary, &others, end).await.map_err(DialError::Connect)?;
    // A request is one small write: nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

/// Connections that are remembered, the latest.
const REMEMBERED: usize = 256;

static LOG: Mutex<VecDeque<Connection>> = Mutex::new(VecDeque::new());

/// One connection that was tried: whom, and what for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Connection {
    /// Host and port.
    pub(crate) to: String,
    /// [`Purpose`] in words.
    #[serde(rename = "for")]
    pub(crate) purpose: String,
}

/// The latest connections of this process, for the report of the run.
pub(crate) fn connections() -> Vec<Connection> {
    LOG.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).iter().cloned().collect()
}

fn note(to: &Address, purpose: Purpose<'_>) {
    let mut log = LOG.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if log.len() == REMEMBERED {
        log.pop_front();
    }
    log.push_back(Connection { to: to.to_string(), purpose: purpose.to_string() });
}

/// One family first, the other beside it once that is late or has failed.
async fn race(primary: &[SocketAddr], others: &[SocketAddr], end: Instant) -> io::Result<TcpStream> {
    let first = serial(primary, end);
    tokio::pin!(first);
    if others.is_empty() {
        return first.await;
    }
    let failed = tokio::select! {
        result = &mut first => match result {
            Ok(stream) => return Ok(stream),
            Err(error) => Some(error),
        },
        () = tokio::time::sleep(HEAD_START) => None,
    };
    let second = serial(others, end);
    tokio::pin!(second);
    if let Some(error) = failed {
        return second.await.map_err(|_| error);
    }
    tokio::select! {
        result = &mut first => match result {
            Ok(stream) => Ok(stream),
            Err(error) => second.await.map_err(|_| error),
        },
        result = &mut second => match result {
            Ok(stream) => Ok(stream),
            Err(_) => first.await,
        },
    }
}

/// One address after the other, each with its share of the time that is left.
async fn serial(addresses: &[SocketAddr], end: Instant) -> io::Result<TcpStream> {
    let mut first_error = None;
    for (index, address) in addresses.iter().enumerate() {
        let left = end.saturating_duration_since(Instant::now());
        let share = left / (addresses.len() - index) as u32;
        let patience = share.max(LEAST).min(left);
        let error = match tokio::time::timeout(patience, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => io::Error::new(io::ErrorKind::TimedOut, "i/o timeout"),
        };
        first_error.get_or_insert(error);
    }
    Err(first_error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed() -> SocketAddr {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    #[test]
    fn addresses_are_written_as_go_does() {
        let of = |host: &str| Address { host: host.into(), port: 443 }.to_string();
        assert_eq!((of("a.test"), of("::1")), ("a.test:443".into(), "[::1]:443".into()));
    }

    #[tokio::test]
    async fn a_dead_family_costs_no_connection() {
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = open.local_addr().unwrap();
        let end = Instant::now() + PATIENCE;
        for (primary, others) in
            [(vec![closed()], vec![alive]), (vec![alive], vec![closed()]), (vec![closed(), alive], vec![])]
        {
            let stream = race(&primary, &others, end).await.unwrap();
            assert_eq!(stream.peer_addr().unwrap(), alive);
        }
        let error = race(&[closed()], &[closed()], end).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    /// A port whose queue is full: nobody answers who dials it. `None` where this system answers all the same.
    async fn swallowing() -> Option<(SocketAddr, tokio::net::TcpListener, Vec<TcpStream>)> {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut kept = Vec::new();
        for _ in 0..64 {
            match tokio::time::timeout(HEAD_START, TcpStream::connect(address)).await {
                Ok(stream) => kept.push(stream.unwrap()),
                Err(_) => return Some((address, listener, kept)),
            }
        }
        None
    }

    #[tokio::test]
    async fn a_family_that_swallows_costs_its_head_start() {
        let Some((silent, _listener, _kept)) = swallowing().await else { return };
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let alive = open.local_addr().unwrap();
        let begun = Instant::now();
        let stream = race(&[silent], &[alive], begun + PATIENCE).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), alive);
        assert!(begun.elapsed() >= HEAD_START && begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
        // Where the other family is refused, the first is waited for.
        let end = Instant::now() + HEAD_START * 2;
        let error = race(&[silent], &[closed()], end).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_told_from_a_closed_door() {
        let nobody = Address { host: "nobody.invalid".into(), port: 80 };
        assert!(matches!(dial(&nobody, Purpose::Probe).await, Err(DialError::Name(_))));
        let gone = Address { host: "127.0.0.1".into(), port: closed().port() };
        assert!(matches!(dial(&gone, Purpose::Probe).await, Err(DialError::Connect(_))));
    }
}

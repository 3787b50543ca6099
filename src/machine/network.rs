//! Looks at the network from here: which listed proxies take a TCP connection, and whether there is
//! any network at all. Contacts nobody whom go would not contact: the listed proxies and nothing else.

use super::bounded::{self, MOST_SETTINGS};
use super::dial::{Address, Purpose, dial};
use crate::formats::authority;
use crate::formats::goproxy::{Entry, List};
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::time::Duration;

/// How long a connection may take before a proxy counts as silent. With the 3 s of quiet before
/// the question, a black-holed first proxy costs 5 s.
pub(crate) const PROBE: Duration = Duration::from_secs(2);

/// What became of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// It was taken.
    Connected,
    /// It was refused, the name did not resolve, there is no route, or nobody answered in time.
    Dead,
    /// Not asked: an HTTP(S)_PROXY stands between, or it is no network address.
    Unknown,
}

/// Tries a TCP connection to each entry, side by side, for at most [`PROBE`].
pub(crate) async fn probe(entries: &[Entry]) -> Vec<(Entry, Probe)> {
    let mut tasks = Vec::new();
    for entry in entries {
        let target = address(entry).filter(|_| !behind_http_proxy(entry));
        tasks.push(tokio::spawn(async move {
            let Some((host, port)) = target else { return Probe::Unknown };
            let to = Address { host, port };
            match tokio::time::timeout(PROBE, dial(&to, Purpose::Probe)).await {
                Ok(Ok(_)) => Probe::Connected,
                _ => Probe::Dead,
            }
        }));
    }
    let mut found = Vec::new();
    for (entry, task) in entries.iter().zip(tasks) {
        found.push((entry.clone(), task.await.unwrap_or(Probe::Unknown)));
    }
    found
}

/// Host name or literal address, and port.
fn address(entry: &Entry) -> Option<(String, u16)> {
    let Entry::Proxy(url) = entry else { return None };
    let default = if url.starts_with("https://") { 443 } else { 80 };
    let host = entry.host()?;
    let (name, port) = authority::split_port(&host);
    Some((name.to_owned(), port.map_or(Some(default), |port| port.parse().ok())?))
}

/// True where go would reach the entry through an HTTP(S)_PROXY: a connection of ours would tell
/// nothing. NO_PROXY is not weighed: not asking is the safe answer. go never proxies loopback.
fn behind_http_proxy(entry: &Entry) -> bool {
    let Entry::Proxy(url) = entry else { return false };
    if let Some((host, _)) = address(entry)
        && (host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()))
    {
        return false;
    }
    proxy_variables(url).iter().any(|n| std::env::var_os(n).is_some_and(|v| !v.is_empty()))
}

/// The variables that name the HTTP proxy for a URL.
fn proxy_variables(url: &str) -> &'static [&'static str] {
    if url.starts_with("https://") { &["HTTPS_PROXY", "https_proxy"] } else { &["HTTP_PROXY", "http_proxy"] }
}

/// The host of the HTTP proxy that the environment names for a URL, without user and password.
pub(crate) fn http_proxy_for(url: &str) -> Option<String> {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let value = proxy_variables(url).iter().find_map(set)?;
    let value = if value.contains("://") { value } else { format!("http://{value}") };
    List::parse(&value).entries.first()?.host()
}

/// Says in words why there is no network here, or `None` where there seems to be one.
///
/// Asks the system for a route (a UDP socket that is connected sends nothing) to the addresses that
/// are named literally in `hosts`, else to documentation addresses no packet is sent to; and looks
/// for a resolver where names did not resolve.
pub(crate) fn no_network(hosts: &[String], names_failed: bool) -> Option<String> {
    let literal: Vec<IpAddr> = hosts.iter().filter_map(|host| authority::name(host).parse().ok()).collect();
    let targets = if literal.is_empty() {
        vec![IpAddr::from([192, 0, 2, 1]), IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])]
    } else {
        literal
    };
    let leads_out = targets.iter().any(|ip| has_route(*ip));
    let own_world = !leads_out && names_failed && is_a_world_of_its_own();
    if !leads_out && !own_world {
        return Some("no route".into());
    }
    if names_failed && !has_resolver() {
        return Some("no resolver".into());
    }
    None
}

fn has_route(ip: IpAddr) -> bool {
    let any = if ip.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    UdpSocket::bind(any).is_ok_and(|socket| socket.connect((ip, 9)).is_ok())
}

/// Whether nothing leads out of this machine on purpose, and its resolver is its own: a network namespace with
/// loopback alone, where a route to elsewhere is no sign of anything.
fn is_a_world_of_its_own() -> bool {
    let devices = bounded::read(Path::new("/proc/net/dev"), MOST_SETTINGS).unwrap_or_default();
    let mut devices = devices.split(|b| *b == b'\n').skip(2).filter(|line| line.contains(&b':')).peekable();
    let resolver = bounded::read(Path::new("/etc/resolv.conf"), MOST_SETTINGS).unwrap_or_default();
    let is_own = |line: &[u8]| {
        let address = line.strip_prefix(b"nameserver").map(<[u8]>::trim_ascii);
        address.is_some_and(|a| a.starts_with(b"127.") || a == b"::1")
    };
    devices.peek().is_some()
        && devices.all(|line| line.trim_ascii_start().starts_with(b"lo:"))
        && resolver.split(|b| *b == b'\n').any(is_own)
}

/// A system without `/etc/resolv.conf` resolves in some other way.
fn has_resolver() -> bool {
    match bounded::read(Path::new("/etc/resolv.conf"), MOST_SETTINGS) {
        Ok(text) => text.split(|b| *b == b'\n').any(|l| l.trim_ascii_start().starts_with(b"nameserver")),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::goproxy::List;

    #[test]
    fn addresses_are_read_from_every_spelling() {
        let list =
            List::parse("https://a.example/x,http://b.example:81,https://[::1]:8443/p,http://[::1],direct");
        let got: Vec<_> = list.entries.iter().map(address).collect();
        assert_eq!(got[0], Some(("a.example".into(), 443)));
        assert_eq!(got[1], Some(("b.example".into(), 81)));
        assert_eq!(got[2], Some(("::1".into(), 8443)));
        assert_eq!(got[3], Some(("::1".into(), 80)));
        assert_eq!(got[4], None);
    }

    #[tokio::test]
    async fn a_closed_port_is_dead_and_an_open_one_is_not() {
        let open = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (o, c) = (open.local_addr().unwrap(), closed.local_addr().unwrap());
        drop(closed);
        let list = List::parse(&format!("http://{o},http://{c},direct"));
        let got: Vec<Probe> = probe(&list.entries).await.into_iter().map(|(_, p)| p).collect();
        assert_eq!(got, [Probe::Connected, Probe::Dead, Probe::Unknown]);
    }

    #[test]
    fn loopback_always_has_a_route() {
        assert_eq!(no_network(&["127.0.0.1:80".into()], false), None);
    }
}

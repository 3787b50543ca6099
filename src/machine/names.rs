//! Names and this machine's resolver: whether it is the name that is wrong, or the resolver that is away.
//!
//! A name that does not exist is most likely mistyped, and waiting cures nothing. A resolver that does not
//! answer, that fails for every name, or that has given an address for this name before, comes back.

use crate::vocabulary::Detail;
use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long other names may take to resolve before they count as not resolving.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long what was found out about other names holds: many requests fail in the same moment.
const HOLDS: Duration = Duration::from_secs(2);

/// Names that resolved in this process.
static RESOLVED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What the latest look at other names found, and when. Who asks meanwhile waits for the same look.
static LATEST: LazyLock<tokio::sync::Mutex<Option<(Instant, bool)>>> = LazyLock::new(Default::default);

/// The addresses of a name.
///
/// # Errors
/// The resolver's; [`is_resolvers`] tells whose trouble it is.
pub(crate) async fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    if is_a_number(host) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "no such host"));
    }
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
    if !found.is_empty() {
        RESOLVED.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned());
    }
    Ok(found)
}

/// Whether a C library would take this for an address in some old spelling (`127.1`, `0x7f000001`), where go asks
/// for a name that nobody has. On Apple's systems go asks the C library as well.
fn is_a_number(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let digits = hex.map_or(!last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()), |hex| {
        hex.bytes().all(|b| b.is_ascii_hexdigit())
    });
    digits && !cfg!(target_vendor = "apple")
}

/// Whether an error of [`resolve`] is the resolver's own trouble: it did not answer or could not ask, or it
/// knew this name a while ago.
pub(crate) fn is_resolvers(host: &str, error: &io::Error) -> bool {
    // The C libraries have numbers for this, which the standard library turns into their words.
    let words = error.to_string().to_lowercase();
    let away = ["temporary failure", "try again", "timed out", "i/o timeout", "non-recoverable"];
    error.kind() == io::ErrorKind::TimedOut || away.iter().any(|w| words.contains(w)) || has_resolved(host)
}

/// Takes over what earlier runs know: a name that served exists.
pub(crate) fn remember(host: &str) {
    if host.parse::<IpAddr>().is_err() {
        RESOLVED.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned());
    }
}

fn has_resolved(host: &str) -> bool {
    RESOLVED.lock().unwrap_or_else(PoisonError::into_inner).contains(host)
}

/// Whose trouble it may be that `name` does not resolve: the resolver's where it did before, or where none of the
/// other `names` does; nobody knows where it is the only one of them. `None`: most likely the name's own.
pub(crate) async fn detail(names: &[String], name: &str) -> Option<Detail> {
    if has_resolved(name) {
        return Some(Detail::Resolver);
    }
    if names.iter().all(|other| other == name) {
        return (!names.is_empty()).then_some(Detail::Unknown);
    }
    none_resolves(names, name).await.then_some(Detail::Resolver)
}

/// Whether none of `names` but `name` resolves.
async fn none_resolves(names: &[String], name: &str) -> bool {
    let mut latest = LATEST.lock().await;
    if let Some((at, none)) = *latest
        && at.elapsed() < HOLDS
    {
        return none;
    }
    let mut looks = tokio::task::JoinSet::new();
    for other in names.iter().filter(|other| *other != name) {
        let host = other.clone();
        looks.spawn(async move {
            let look = tokio::time::timeout(PATIENCE, resolve(&host, 443)).await;
            matches!(look, Ok(Ok(found)) if !found.is_empty())
        });
    }
    let mut none = true;
    while let Some(resolves) = looks.join_next().await {
        if resolves.unwrap_or(false) {
            none = false;
            break;
        }
    }
    *latest = Some((Instant::now(), none));
    none
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_resolvers_trouble_is_told_from_a_wrong_name() {
        let of = |words: &str| io::Error::other(format!("failed to lookup address information: {words}"));
        for away in ["Temporary failure in name resolution", "Try again", "Non-recoverable failure"] {
            assert!(is_resolvers("a.example", &of(away)), "{away}");
        }
        for wrong in ["Name or service not known", "Name does not resolve", "No address associated"] {
            assert!(!is_resolvers("a.example", &of(wrong)), "{wrong}");
        }
        // A name that resolved once exists.
        assert!(!resolve("localhost", 1).await.unwrap().is_empty());
        assert!(is_resolvers("localhost", &of("Name or service not known")));
        // A literal address is no name.
        assert_eq!(resolve("192.0.2.1", 7).await.unwrap(), ["192.0.2.1:7".parse().unwrap()]);
    }

    #[cfg(not(target_vendor = "apple"))]
    #[tokio::test]
    async fn a_number_is_no_name() {
        for odd in
            ["2130706433", "127.1", "0x7f.0.0.1", "0x7f000001", "127.0.0.0x1", "0177.0.0.1", "127.0.0.1."]
        {
            let error = resolve(odd, 7).await.unwrap_err();
            assert_eq!(error.to_string(), "no such host", "{odd}");
            assert!(!is_resolvers(odd, &error), "{odd}");
        }
        for name in ["a1", "1.a", "0xg", "localhost"] {
            assert!(!is_a_number(name), "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whose_trouble_a_name_is_others_tell() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(detail(&names(&["a.example"]), "a.example").await, Some(Detail::Unknown));
        assert_eq!(detail(&[], "a.example").await, None, "nobody's setting");
        assert_eq!(detail(&names(&["a.example", "localhost"]), "a.example").await, None);
        remember("a.example");
        assert_eq!(detail(&names(&["a.example", "localhost"]), "a.example").await, Some(Detail::Resolver));
        tokio::time::advance(HOLDS).await;
        assert_eq!(detail(&names(&["b.example", "c.invalid"]), "b.example").await, Some(Detail::Resolver));
    }
}

//! Splits URLs and the addresses in them: scheme, user, host, port, path.
//!
//! Pure. As net/url does it: the authority ends at the first `/`, `?` or `#`, and the user at its
//! last `@`. Nothing is decoded and nothing judged.

use std::net::IpAddr;

/// A URL in its parts, each as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    /// What stands before `://`.
    pub scheme: &'a str,
    /// `user:password`, without the `@`.
    pub user: Option<&'a str>,
    /// Host and port.
    pub host: &'a str,
    /// Path, query and fragment, with the slash that begins them.
    pub path: &'a str,
}

impl<'a> Url<'a> {
    /// Splits `scheme://[user@]host[:port][/path]`; `None` without a `://`.
    pub(crate) fn split(text: &'a str) -> Option<Url<'a>> {
        let (scheme, rest) = text.split_once("://")?;
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let (user, host) = split_user(authority);
        Some(Url { scheme, user, host, path })
    }
}

/// User and host of an authority.
pub(crate) fn split_user(authority: &str) -> (Option<&str>, &str) {
    authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host))
}

/// Name and port of `name`, `name:port`, `[address]:port`, `[address]` or a bare IPv6 address; the
/// brackets are taken off. What stands behind the colon need not be a number.
pub(crate) fn split_port(host: &str) -> (&str, Option<&str>) {
    if let Some(rest) = host.strip_prefix('[') {
        return match rest.split_once(']') {
            Some((address, behind)) => (address, behind.strip_prefix(':')),
            None => (rest, None),
        };
    }
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, Some(port)),
        _ => (host, None),
    }
}

/// The name of a host without its port.
pub(crate) fn name(host: &str) -> &str {
    split_port(host).0
}

/// True for an address that local proxy programs make up in place of true ones: 198.18.0.0/15, which RFC 2544 sets
/// aside and no machine has.
pub(crate) fn is_made_up(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(ip) if ip.octets()[0] == 198 && ip.octets()[1] & 0xfe == 18)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_addresses_are_known() {
        for (text, made_up) in [
            ("198.18.0.1", true),
            ("198.19.255.255", true),
            ("198.20.0.1", false),
            ("198.17.0.1", false),
            ("10.0.0.1", false),
            ("fc00::1", false),
        ] {
            assert_eq!(is_made_up(text.parse().unwrap()), made_up, "{text}");
        }
    }

    #[test]
    fn urls_come_apart_as_in_go() {
        let split = |text| Url::split(text).map(|u| (u.scheme, u.user, u.host, u.path));
        assert_eq!(split("https://h.example/x?y#z"), Some(("https", None, "h.example", "/x?y#z")));
        assert_eq!(split("https://u:p@ss@h:8/"), Some(("https", Some("u:p@ss"), "h:8", "/")));
        assert_eq!(split("http://h?q=a/b@c"), Some(("http", None, "h", "?q=a/b@c")));
        assert_eq!(split("ssh://git@[::1]:22/x"), Some(("ssh", Some("git"), "[::1]:22", "/x")));
        assert_eq!(split("file:///x"), Some(("file", None, "", "/x")));
        assert_eq!(split("h.example/x"), None);
    }

    #[test]
    fn names_and_ports_come_apart() {
        for (host, want) in [
            ("h.example", ("h.example", None)),
            ("h.example:8080", ("h.example", Some("8080"))),
            ("h.example:", ("h.example", Some(""))),
            ("[::1]:443", ("::1", Some("443"))),
            ("[::1]", ("::1", None)),
            ("::1", ("::1", None)),
            ("[::1", ("::1", None)),
            ("", ("", None)),
        ] {
            assert_eq!(split_port(host), want, "{host}");
        }
    }
}

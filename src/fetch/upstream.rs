//! One module proxy: its address as the user wrote it, taken apart.

use super::login::Login;
use crate::formats::authority::{self, Url};
use crate::formats::goproxy::Entry;
use crate::formats::percent;
use crate::machine::dial::Address;
use crate::redact;
use hyper::Uri;
use std::net::Ipv6Addr;

/// A module proxy.
#[derive(Clone, Debug)]
pub(super) struct Upstream {
    /// Who it is: as the user wrote it, secrets included.
    entry: Entry,
    /// `scheme://host[:port]/path`, no user, no trailing slash.
    base: String,
    /// `?query` of the user's URL, or nothing.
    query: String,
    /// User and password of the entry, as they stand there.
    user: Option<String>,
    login: Option<Login>,
    host: String,
    https: bool,
}

impl Upstream {
    /// Reads an entry of GOPROXY. The error says why the fetcher cannot ask it.
    pub(super) fn new(entry: &Entry) -> Result<Upstream, String> {
        let url = entry.to_string();
        let shown = redact::url(&url);
        let parts = Url::split(&url).ok_or_else(|| format!("{shown}: no scheme"))?;
        let https = match parts.scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            other => return Err(format!("{shown}: scheme {other} is go's own business")),
        };
        let path = parts.path.split('#').next().unwrap_or("");
        let (path, query) = path.split_once('?').map_or((path, String::new()), |(p, q)| (p, format!("?{q}")));
        let host = parts.host.strip_suffix(':').unwrap_or(parts.host);
        let login = match parts.user {
            None => None,
            Some(_) if !https => return Err(format!("{shown}: go refuses a password over plain http")),
            Some(info) => Some(
                Login::of_user_info(info)
                    .ok_or_else(|| format!("{shown}: user and password cannot be read"))?,
            ),
        };
        let path = path_for_go(path).ok_or_else(|| format!("{shown}: a malformed escape"))?;
        let scheme = if https { "https" } else { "http" };
        let base = format!("{scheme}://{host}{path}");
        let host = host.to_ascii_lowercase();
        let user = parts.user.map(str::to_owned);
        let upstream = Upstream { entry: entry.clone(), base, query, user, login, host, https };
        let uri = upstream.uri("x").map_err(|_| format!("{shown}: not a URL"))?;
        // The URL library forgets a port that is no number; go refuses it.
        let port = authority::split_port(&upstream.host).1;
        let no_address =
            upstream.host.starts_with('[') && upstream.address().host.parse::<Ipv6Addr>().is_err();
        let no_port = port.is_some_and(|port| port.parse::<u16>().is_err());
        if uri.host().is_none_or(str::is_empty) || no_port || no_address {
            return Err(format!("{shown}: no host, or no port"));
        }
        Ok(upstream)
    }

    /// The address of one of its files.
    pub(super) fn uri(&self, path: &str) -> Result<Uri, hyper::http::uri::InvalidUri> {
        format!("{}/{path}{}", self.base, self.query).parse()
    }

    /// The address of one of its files with the entry's own credentials, or else with these, for go to ask
    /// there: a redirect takes go past its own look into .netrc.
    pub(super) fn for_go(&self, path: &str, netrc: Option<&Login>) -> String {
        let (scheme, rest) = self.base.split_once("://").unwrap_or(("https", &self.base));
        let user = self.user.clone().or_else(|| netrc.map(Login::user_info));
        let user = user.map_or_else(String::new, |user| format!("{user}@"));
        format!("{scheme}://{user}{rest}/{path}{}", self.query)
    }

    /// Who it is.
    pub(super) fn entry(&self) -> &Entry {
        &self.entry
    }

    /// User and password of the entry.
    pub(super) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// Where it listens.
    pub(super) fn address(&self) -> Address {
        let (host, port) = authority::split_port(&self.host);
        let port = port.and_then(|port| port.parse().ok()).unwrap_or(if self.https { 443 } else { 80 });
        Address { host: host.to_owned(), port }
    }

    pub(super) fn is_https(&self) -> bool {
        self.https
    }

    /// The URL without secrets, for people and as the key of its health.
    pub(super) fn shown(&self) -> &str {
        &self.base
    }

    /// Host and port.
    pub(super) fn host(&self) -> &str {
        &self.host
    }
}

/// The path of an entry as go puts it before that of a file: cleaned, and with the user's own escapes where they still
/// stand for the same; `None` where an escape is malformed.
fn path_for_go(path: &str) -> Option<String> {
    let meant = clean(&percent::decode(path)?);
    let raw = clean(path.as_bytes());
    let same = percent::decode(std::str::from_utf8(&raw).ok()?)? == meant;
    // What the bytes are that need no escape in a path: net/url's.
    let bare = |b: &u8| b.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(b);
    if same && raw.iter().all(|b| bare(b) || b"!'()*[]%".contains(b)) {
        return String::from_utf8(raw).ok();
    }
    let spelt = meant.iter().map(|b| if bare(b) { char::from(*b).to_string() } else { format!("%{b:02X}") });
    Some(spelt.collect())
}

/// A path without doubled slashes, dot segments and the slash at its end.
fn clean(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|b| *b == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    kept.iter().flat_map(|segment| [b"/", *segment].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_the_list_become_urls_without_secrets() {
        let of = |url: &str| Upstream::new(&Entry::Proxy(url.into()));
        let upstream = of("https://me:p%40ss@Proxy.Example:8443/api/go/?t=1").unwrap();
        assert_eq!(upstream.uri("m/@v/list").unwrap(), "https://Proxy.Example:8443/api/go/m/@v/list?t=1");
        assert_eq!(upstream.shown(), "https://Proxy.Example:8443/api/go");
        assert_eq!(upstream.host(), "proxy.example:8443");
        assert_eq!(upstream.login().unwrap().header(), "Basic bWU6cEBzcw==");
        assert_eq!(
            upstream.for_go("m/@v/list", None),
            "https://me:p%40ss@Proxy.Example:8443/api/go/m/@v/list?t=1"
        );
        for (path, want) in [
            ("/", ""),
            ("/a//b/./../c/", "/a/c"),
            ("/a%2Fb", "/a%2Fb"),
            ("/a%2f..%2fb", "/b"),
            ("/%2f", ""),
            ("/a%20b", "/a%20b"),
            ("/a!b", "/a!b"),
            ("/a^b", "/a%5Eb"),
        ] {
            assert_eq!(path_for_go(path).as_deref(), Some(want), "{path}");
        }
        let login = Login { user: b"a b".to_vec(), password: b"c:/\xff".to_vec() };
        assert_eq!(of("http://h/x").unwrap().for_go("m", Some(&login)), "http://a%20b:c%3A%2F%FF@h/x/m");
        for (url, address) in [
            ("https://h.test", "h.test:443"),
            ("http://H.test/x", "h.test:80"),
            ("http://[::1]:8/x", "[::1]:8"),
            ("https://[::1]", "[::1]:443"),
            ("https://h:", "h:443"),
        ] {
            assert_eq!(of(url).unwrap().address().to_string(), address);
        }
        for bad in [
            "file:///x",
            "http://u:p@h",
            "https://",
            "nonsense",
            "https://a b/",
            "https://h:99999/",
            "https://u:p w@h",
            "https://h/%zz",
            "https://[h]",
            "ftp://h",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}

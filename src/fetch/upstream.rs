//! One module proxy: its address as the user wrote it, taken apart.

use super::login::Login;
use crate::formats::authority::{self, Url};
use crate::formats::goproxy::Entry;
use crate::machine::dial::Address;
use crate::redact;
use hyper::Uri;
use hyper::header::HeaderValue;

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
    authorization: Option<HeaderValue>,
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
        let host = parts.host;
        let authorization = match parts.user {
            None => None,
            Some(_) if !https => return Err(format!("{shown}: go refuses a password over plain http")),
            Some(info) => Some(
                Login::of_user_info(info)
                    .ok_or_else(|| format!("{shown}: a malformed escape in the password"))?
                    .header(),
            ),
        };
        let path = path.trim_end_matches('/');
        let scheme = if https { "https" } else { "http" };
        let base = format!("{scheme}://{host}{path}");
        let host = host.to_ascii_lowercase();
        let user = parts.user.map(str::to_owned);
        let upstream = Upstream { entry: entry.clone(), base, query, user, authorization, host, https };
        let uri = upstream.uri("x").map_err(|_| format!("{shown}: not a URL"))?;
        // The URL library forgets a port that is no number; go refuses it.
        let port = authority::split_port(&upstream.host).1;
        if uri.host().is_none_or(str::is_empty) || port.is_some_and(|port| port.parse::<u16>().is_err()) {
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

    /// User and password of the entry, as a header for its own host.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
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
        assert_eq!(upstream.authorization.as_ref().unwrap(), "Basic bWU6cEBzcw==");
        assert_eq!(
            upstream.for_go("m/@v/list", None),
            "https://me:p%40ss@Proxy.Example:8443/api/go/m/@v/list?t=1"
        );
        let login = Login { user: b"a b".to_vec(), password: b"c:/\xff".to_vec() };
        assert_eq!(of("http://h/x").unwrap().for_go("m", Some(&login)), "http://a%20b:c%3A%2F%FF@h/x/m");
        for (url, address) in [
            ("https://h.test", "h.test:443"),
            ("http://H.test/x", "h.test:80"),
            ("http://[::1]:8/x", "[::1]:8"),
            ("https://[::1]", "[::1]:443"),
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
            "ftp://h",
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}

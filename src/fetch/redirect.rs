//! Where a redirect leads, and who may be told what there.
//!
//! Pure.

use super::login::Login;
use crate::formats::authority;
use crate::formats::percent;
use crate::redact;
use hyper::Uri;

/// Whether `host` is `parent` or one of its subdomains, by name.
pub(super) fn is_within(host: &str, parent: &str) -> bool {
    host == parent || host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'))
}

/// A Location for people: signatures stand in the query, of relative ones too.
pub(super) fn without_secrets(location: &str) -> String {
    redact::url(location.split(['?', '#']).next().unwrap_or_default())
}

/// Who logs in at an address that a redirect leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum User {
    /// Who did at the address before: this one is told relative to it.
    Same,
    /// Whom the new address names.
    Other(Option<Login>),
}

/// A Location against the URL it came from, as net/url resolves it; the login in it beside it.
pub(super) fn resolve(from: &Uri, location: &str) -> Option<(Uri, User)> {
    let (location, fragment) = location.split_once('#').unwrap_or((location, ""));
    // go reads the fragment too before it forgets it.
    percent::decode(fragment)?;
    let scheme = from.scheme_str()?;
    let authority = from.authority()?.as_str();
    let has_scheme = location.split(['/', '?']).next().is_some_and(|first| first.contains(':'));
    let mut user = User::Same;
    let (start, rest) = if let Some((scheme, rest)) = location.split_once("://").filter(|_| has_scheme) {
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (login, host) = login_of(&rest[..end])?;
        user = User::Other(login);
        (format!("{scheme}://{host}"), rest[end..].to_owned())
    } else if has_scheme || location.is_empty() {
        return None;
    } else if let Some(rest) = location.strip_prefix("//") {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (login, host) = login_of(&rest[..end])?;
        user = User::Other(login);
        (format!("{scheme}://{host}"), rest[end..].to_owned())
    } else {
        let path = if location.starts_with('/') {
            location.to_owned()
        } else if location.starts_with('?') {
            format!("{}{location}", from.path())
        } else {
            let folder = from.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{folder}/{location}")
        };
        (format!("{scheme}://{authority}"), path)
    };
    let (path, query) =
        rest.split_once('?').map_or((rest.as_str(), None), |(path, query)| (path, Some(query)));
    percent::decode(path)?;
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let uri: Uri = format!("{start}{}{query}", without_dots(path).replace(' ', "%20")).parse().ok()?;
    uri.host().is_some_and(|h| !h.is_empty()).then_some((uri, user))
}

/// Login and host of an authority; `None` where the login is none for go.
fn login_of(authority: &str) -> Option<(Option<Login>, &str)> {
    let (info, host) = authority::split_user(authority);
    let login = match info {
        Some(info) => Some(Login::of_user_info(info)?),
        None => None,
    };
    Some((login, host))
}

/// A path without its dot segments (RFC 3986, 5.2.4).
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." if last => kept.push(""),
            "." => {}
            ".." => {
                kept.pop();
                if last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_resolved() {
        let from: Uri = "https://h.test:8443/a/b/c.zip?x=1".parse().unwrap();
        for (location, want) in [
            ("https://s.test/k?sig=1#f", "https://s.test/k?sig=1"),
            ("//s.test/k", "https://s.test/k"),
            ("/k", "https://h.test:8443/k"),
            ("d.zip", "https://h.test:8443/a/b/d.zip"),
            ("?y=2", "https://h.test:8443/a/b/c.zip?y=2"),
            ("../d.zip?z=3", "https://h.test:8443/a/d.zip?z=3"),
            ("./x/../../../../e", "https://h.test:8443/e"),
            ("HTTP://s.test?k", "http://s.test/?k"),
            ("/a b", "https://h.test:8443/a%20b"),
        ] {
            assert_eq!(resolve(&from, location).unwrap().0, want);
        }
        let user = |location| resolve(&from, location).unwrap().1;
        let login = Login { user: b"u".to_vec(), password: b"p@".to_vec() };
        assert_eq!(user("https://u:p%40@s.test/k"), User::Other(Some(login.clone())));
        assert_eq!(user("//u:p%40@s.test/k"), User::Other(Some(login)));
        assert_eq!(user("https://s.test/k"), User::Other(None));
        assert_eq!(user("../k@s"), User::Same);
        for bad in
            ["", "ftp://x/y", "javascript:1", "https://", "https://u:p w@h/", "/%zz", "../k%2", "/k#%zz"]
        {
            assert_eq!(resolve(&from, bad), None, "{bad}");
        }
    }

    #[test]
    fn subdomains_are_within_and_look_alikes_are_not() {
        for host in ["proxy.test", "store.proxy.test"] {
            assert!(is_within(host, "proxy.test"), "{host}");
        }
        for host in ["test", "notproxy.test", "proxy.test.evil", "store.proxy.test."] {
            assert!(!is_within(host, "proxy.test"), "{host}");
        }
    }

    #[test]
    fn queries_are_shown_nowhere() {
        for location in ["/k?sig=hush", "k?sig=hush", "?sig=hush", "ftp://me:hush@h/k?sig=hush", "#hush"] {
            assert!(!without_secrets(location).contains("hush"), "{location}");
        }
    }
}

//! Where a redirect leads, and who may be told what there.
//!
//! Pure.

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

/// A Location against the URL it came from, as net/url resolves it.
pub(super) fn resolve(from: &Uri, location: &str) -> Option<Uri> {
    let location = location.split('#').next().unwrap_or("");
    let scheme = from.scheme_str()?;
    let authority = from.authority()?.as_str();
    let has_scheme = location.split(['/', '?']).next().is_some_and(|first| first.contains(':'));
    let (start, rest) = if let Some((scheme, rest)) = location.split_once("://").filter(|_| has_scheme) {
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        (format!("{scheme}://{}", &rest[..end]), rest[end..].to_owned())
    } else if has_scheme || location.is_empty() {
        return None;
    } else if let Some(rest) = location.strip_prefix("//") {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        (format!("{scheme}://{}", &rest[..end]), rest[end..].to_owned())
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
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let uri: Uri = format!("{start}{}{query}", without_dots(path).replace(' ', "%20")).parse().ok()?;
    uri.host().is_some_and(|h| !h.is_empty()).then_some(uri)
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
            assert_eq!(resolve(&from, location).unwrap(), want);
        }
        for bad in ["", "ftp://x/y", "javascript:1", "https://"] {
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

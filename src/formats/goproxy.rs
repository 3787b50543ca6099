//! The GOPROXY list: entries, separators, what is public, and which separator may be crossed.
//!
//! Pure. Meaning of the list as in `go help goproxy`: a comma is followed by the next entry only
//! after 404 or 410, a pipe after any error; `direct` and `off` end the list for go.

use super::authority::{self, Url};
use std::fmt;

/// Module proxies that anyone may use and that serve public modules only.
///
/// An entry that is not here counts as the user's own (a company's Athens or Artifactory), and
/// nothing crosses from it to one that is here. Compared by host name, without port.
pub(crate) const PUBLIC_PROXY_HOSTS: &[&str] = &[
    "proxy.golang.org",
    "goproxy.cn",
    "goproxy.io",
    "proxy.golang.com.cn",
    "goproxy.baidu.com",
    "mirrors.aliyun.com",
    "mirrors.cloud.tencent.com",
    "mirrors.tencent.com",
    "repo.huaweicloud.com",
    "mirrors.huaweicloud.com",
    "goproxy.dev",
    "athens.azurefd.net",
    "gonexus.dev",
    "gocenter.io",
];

/// What stands between two entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Separator {
    /// `,`: next on 404 and 410 only.
    Comma,
    /// `|`: next on any error.
    Pipe,
}

/// One entry of the list.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Entry {
    /// A module proxy, as written by the user, less a trailing slash (secrets included: never
    /// print it, print [`Entry::shown`]). A bare host gets `https://`, as in go.
    Proxy(String),
    /// Ask the origin.
    Direct,
    /// Ask nobody.
    Off,
}

impl Entry {
    /// Host and port as written, without user and password, in lower case. `None` for `direct`,
    /// `off` and `file://`.
    pub(crate) fn host(&self) -> Option<String> {
        let Entry::Proxy(url) = self else { return None };
        let url = Url::split(url).filter(|url| matches!(url.scheme, "https" | "http"))?;
        (!url.host.is_empty()).then(|| url.host.to_ascii_lowercase())
    }

    /// The entry for people: no user, password or query.
    pub(crate) fn shown(&self) -> String {
        match self {
            Entry::Proxy(url) => crate::redact::url(url),
            Entry::Direct => "direct".into(),
            Entry::Off => "off".into(),
        }
    }

    /// True for a proxy of the table of public proxies.
    pub(crate) fn is_public_proxy(&self) -> bool {
        self.host().is_some_and(|host| PUBLIC_PROXY_HOSTS.contains(&authority::name(&host)))
    }

    /// True for a module proxy reached over the network.
    pub(crate) fn is_network_proxy(&self) -> bool {
        self.host().is_some()
    }
}

impl fmt::Debug for Entry {
    /// What ends up in a log or a panic holds no secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl fmt::Display for Entry {
    /// The entry as go wants it: **with** its secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Proxy(url) => f.write_str(url),
            Entry::Direct => f.write_str("direct"),
            Entry::Off => f.write_str("off"),
        }
    }
}

/// Written down without secrets: what was recorded can be shown to anybody.
impl serde::Serialize for Entry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

impl<'de> serde::Deserialize<'de> for Entry {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Entry, D::Error> {
        String::deserialize(deserializer).map(|word| entry(&word))
    }
}

/// A GOPROXY value: entries and the separators between them (`separators.len() + 1 ==
/// entries.len()` unless the list is empty).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct List {
    /// The entries in order.
    pub entries: Vec<Entry>,
    /// `separators[i]` stands between `entries[i]` and `entries[i + 1]`.
    pub separators: Vec<Separator>,
}

/// How far a retry may go beyond what go itself would do (key `rotate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Rotate {
    /// Pipes on any error; commas on transport failures and damaged bytes too, never from an
    /// entry of the user's own to a public one or `direct`.
    Listed,
    /// Pipes on any error, commas on 404 and 410: what go does.
    Go,
    /// The list stays as it is.
    Never,
}

impl List {
    /// Reads a GOPROXY value the way go does: empty entries are skipped, `direct` and `off` are
    /// recognised as words, a host without a scheme gets `https://`.
    pub(crate) fn parse(text: &str) -> List {
        let mut list = List::default();
        let mut pending = None;
        let mut rest = text;
        loop {
            let end = rest.find([',', '|']).unwrap_or(rest.len());
            let word = rest[..end].trim();
            if !word.is_empty() {
                if !list.entries.is_empty() {
                    list.separators.push(pending.take().unwrap_or(Separator::Comma));
                }
                list.entries.push(entry(word));
            }
            let Some(separator) = rest[end..].chars().next() else { break };
            // go keeps the separator that directly follows an entry.
            if !word.is_empty() {
                pending = Some(if separator == '|' { Separator::Pipe } else { Separator::Comma });
            }
            rest = &rest[end + 1..];
        }
        list
    }

    /// The list for people: no user, password or query.
    pub(crate) fn shown(&self) -> String {
        self.joined(Entry::shown)
    }

    fn joined(&self, entry: impl Fn(&Entry) -> String) -> String {
        let mut text = String::new();
        for (i, e) in self.entries.iter().enumerate() {
            match i.checked_sub(1).map(|before| self.separators[before]) {
                None => {}
                Some(Separator::Comma) => text.push(','),
                Some(Separator::Pipe) => text.push('|'),
            }
            text.push_str(&entry(e));
        }
        text
    }

    /// Some entries that stand together, as GOPROXY has them: **with** their secrets.
    pub(crate) fn part(&self, places: std::ops::Range<usize>) -> String {
        let separators = places.clone().skip(1).map(|at| self.separators[at - 1]).collect();
        List { entries: self.entries[places].to_vec(), separators }.joined(Entry::to_string)
    }

    /// True where go would ask nobody: `off` stands first or alone.
    pub(crate) fn is_off(&self) -> bool {
        matches!(self.entries.first(), Some(Entry::Off))
    }

    /// True where `direct` is an entry that go would reach (before any `off`).
    pub(crate) fn has_direct(&self) -> bool {
        self.entries.iter().take_while(|e| **e != Entry::Off).any(|e| *e == Entry::Direct)
    }

    /// The entries that go itself can reach: up to and with the first `direct` or `off`.
    pub(crate) fn reachable(&self) -> &[Entry] {
        let end = self.entries.iter().position(|e| matches!(e, Entry::Direct | Entry::Off));
        &self.entries[..end.map_or(self.entries.len(), |i| i + 1)]
    }

    /// True where every entry is a known public proxy or `direct`.
    pub(crate) fn all_public(&self) -> bool {
        !self.entries.is_empty() && self.entries.iter().all(|e| *e == Entry::Direct || e.is_public_proxy())
    }

    /// True where going from entry `from` to the later entry `to` crosses pipes only.
    pub(crate) fn only_pipes(&self, from: usize, to: usize) -> bool {
        self.separators[from.min(to)..from.max(to)].iter().all(|s| *s == Separator::Pipe)
    }

    /// May a retry that met a *transport failure or damaged bytes* at entry `from` ask entry `to`
    /// of the same list? (404 and 410 are go's own business and are not asked here.)
    ///
    /// With `listed` a comma is crossed, but never from an entry the table of public proxies does
    /// not know to one that it knows, or to `direct` (golang/go#37367: the comma there means "an
    /// outage of ours stays one").
    pub(crate) fn may_cross(&self, rotate: Rotate, from: usize, to: usize) -> bool {
        if from == to {
            return true;
        }
        if self.entries[to] == Entry::Off || self.entries[from] == Entry::Off {
            return false;
        }
        // `off` between the two forbids as well.
        if self.entries[from.min(to)..=from.max(to)].contains(&Entry::Off) {
            return false;
        }
        match rotate {
            Rotate::Never => false,
            Rotate::Go => to > from && self.only_pipes(from, to),
            Rotate::Listed => {
                if to > from && self.only_pipes(from, to) {
                    return true;
                }
                let own = |e: &Entry| matches!(e, Entry::Proxy(_)) && !e.is_public_proxy();
                let outside = |e: &Entry| *e == Entry::Direct || e.is_public_proxy();
                // Every entry of the user's own from which the step starts, or over which it
                // leads, keeps what comes after it to itself.
                let start = if to > from { &self.entries[from..to] } else { &self.entries[from..=from] };
                !outside(&self.entries[to]) || !start.iter().any(own)
            }
        }
    }
}

/// Written down without secrets.
impl serde::Serialize for List {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

impl<'de> serde::Deserialize<'de> for List {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<List, D::Error> {
        String::deserialize(deserializer).map(|text| List::parse(&text))
    }
}

fn entry(word: &str) -> Entry {
    match word {
        "direct" => Entry::Direct,
        "off" => Entry::Off,
        _ => {
            let url = word.trim_end_matches('/');
            // As in go: a single word is no host, and `:/` or a leading slash make it whole.
            let bare = word.contains(['.', ':', '/']) && !word.contains(":/") && !word.starts_with('/');
            Entry::Proxy(if bare { format!("https://{url}") } else { url.to_owned() })
        }
    }
}

impl fmt::Display for List {
    /// The value for the child's GOPROXY: **with** secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.joined(Entry::to_string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_as_go_does_and_prints_back() {
        for text in ["https://a.example,direct", "http://u:p@a|http://b,off", "direct", "off"] {
            assert_eq!(List::parse(text).to_string(), text);
        }
        assert_eq!(List::parse(" https://a/ ,, |direct").to_string(), "https://a,direct");
        assert_eq!(List::parse("goproxy.cn,direct").to_string(), "https://goproxy.cn,direct");
        assert_eq!(
            List::parse("localhost:3000,corp/go,word,/dir").to_string(),
            "https://localhost:3000,https://corp/go,word,/dir"
        );
        assert!(List::parse("").entries.is_empty());
    }

    #[test]
    fn hosts_carry_no_secrets() {
        let list = List::parse("https://me:secret@Proxy.Example:8443/x?token=1,direct");
        assert_eq!(list.entries[0].host().as_deref(), Some("proxy.example:8443"));
        assert!(!list.entries[0].shown().contains("secret"));
        assert!(!list.entries[0].shown().contains("token"));
        let written = serde_json::to_string(&list).unwrap();
        assert_eq!(written, r#""https://Proxy.Example:8443/x,direct""#);
        let read: List = serde_json::from_str(&written).unwrap();
        assert_eq!(read.shown(), list.shown());
    }

    #[test]
    fn a_comma_behind_an_own_proxy_is_never_crossed_outwards() {
        let corp = List::parse("https://athens.corp,https://proxy.golang.org,direct");
        assert!(!corp.may_cross(Rotate::Listed, 0, 1));
        assert!(!corp.may_cross(Rotate::Listed, 0, 2));
        let piped = List::parse("https://athens.corp|https://proxy.golang.org|direct");
        assert!(piped.may_cross(Rotate::Listed, 0, 1) && piped.may_cross(Rotate::Go, 0, 2));
        let public = List::parse("https://goproxy.cn,https://goproxy.io,direct");
        assert!(public.may_cross(Rotate::Listed, 0, 1) && public.may_cross(Rotate::Listed, 0, 2));
        assert!(!public.may_cross(Rotate::Go, 0, 1) && !public.may_cross(Rotate::Never, 0, 1));
        let own = List::parse("http://127.0.0.1:1,http://127.0.0.1:2,direct");
        assert!(own.may_cross(Rotate::Listed, 0, 1) && !own.may_cross(Rotate::Listed, 0, 2));
        let off = List::parse("https://goproxy.cn,off,https://goproxy.io");
        assert!(!off.may_cross(Rotate::Listed, 0, 2));
    }
}

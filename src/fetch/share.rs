//! Which entries of a list the fetcher stands in for: those that stand together and that it can ask as go can. The
//! others keep their places around it.
//!
//! Pure.

use super::surroundings::Surroundings;
use super::upstream::Upstream;
use crate::formats::goproxy::{Entry, List};

/// A list, split.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// What go asks before the fetcher, with the separator behind it, as GOPROXY has it.
    pub(super) before: String,
    /// The entries from the first of the fetcher's on.
    pub(super) list: List,
    /// How many of them are the fetcher's.
    pub(super) count: usize,
    /// What go asks after it, as GOPROXY has it, without the separator before it; `None` for nothing.
    pub(super) behind: Option<String>,
}

impl Share {
    /// Splits a list; the error says why the fetcher can ask nobody, in one line for people.
    pub(super) fn of(list: &List, surroundings: &Surroundings) -> Result<Share, String> {
        let reachable = list.reachable();
        let proxies = reachable.iter().take_while(|entry| matches!(entry, Entry::Proxy(_))).count();
        if proxies == 0 {
            return Err("the list holds no module proxy".into());
        }
        if let Some(name) = surroundings.odd {
            return Err(format!("{name} is not valid UTF-8"));
        }
        let judged: Vec<Result<(), String>> =
            reachable[..proxies].iter().map(|entry| can_ask(entry, surroundings)).collect();
        let mut best = 0..0;
        let mut start = 0;
        for run in judged.split(|one| one.is_err()) {
            if run.len() > best.len() {
                best = start..start + run.len();
            }
            start += run.len() + 1;
        }
        if best.is_empty() {
            return Err(judged.into_iter().find_map(Result::err).unwrap_or_default());
        }
        let end = reachable.len();
        let behind = (best.end < end).then(|| list.part(best.end..end));
        let before = if best.start == 0 { String::new() } else { list.part(0..best.start + 1) };
        // The separator behind what stands before belongs to it, the entry after that does not.
        let first = list.entries[best.start].to_string();
        let before = before.strip_suffix(&first).unwrap_or_default().to_owned();
        let list = List {
            entries: list.entries[best.start..end].to_vec(),
            separators: list.separators[best.start..(end - 1).max(best.start)].to_vec(),
        };
        Ok(Share { before, list, count: best.len(), behind })
    }

    /// Whether all proxies that go asks are the fetcher's.
    pub(super) fn is_all(&self) -> bool {
        let next = self.list.entries.get(self.count);
        self.before.is_empty() && !matches!(next, Some(Entry::Proxy(_)))
    }
}

/// Whether the fetcher can ask this one as go can.
fn can_ask(entry: &Entry, surroundings: &Surroundings) -> Result<(), String> {
    let upstream = Upstream::new(entry)?;
    // go sends credentials over TLS alone; a public proxy wants none.
    if surroundings.needs_go_for_auth() && upstream.is_https() && !entry.is_public_proxy() {
        return Err("GOAUTH asks for credentials that only go can get".into());
    }
    let scheme = if upstream.is_https() { "https" } else { "http" };
    surroundings.way(scheme, &upstream.address()).map(drop).map_err(|fault| fault.words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_go_can_ask_keeps_its_place() {
        let of = |text: &str, goauth: &str| {
            let surroundings = Surroundings { goauth: goauth.into(), ..Surroundings::default() };
            Share::of(&List::parse(text), &surroundings)
                .map(|s| (s.before.clone(), s.list.entries[..s.count].len(), s.behind.clone(), s.is_all()))
        };
        let text = |t: &str| Some(t.to_owned());
        for (list, before, count, behind, all) in [
            ("https://a,https://b|direct", "", 2, text("direct"), true),
            ("https://a|https://b", "", 2, None, true),
            ("file:///c|https://a,direct", "file:///c|", 1, text("direct"), false),
            ("https://a,file:///c|https://b,https://c,off,x", "https://a,file:///c|", 2, text("off"), false),
            ("https://a,https://b|ftp://c,https://d,direct", "", 2, text("ftp://c,https://d,direct"), false),
        ] {
            assert_eq!(of(list, ""), Ok((before.to_owned(), count, behind, all)), "{list}");
        }
        assert_eq!(
            of("https://own.test,https://proxy.golang.org,direct", "git /x"),
            Ok(("https://own.test,".to_owned(), 1, text("direct"), false))
        );
        for nobody in ["file:///c", "direct", "https://u:p w@h"] {
            assert!(of(nobody, "").is_err(), "{nobody}");
        }
        assert!(of("https://own.test,direct", "my-tool").is_err());
        assert!(of("http://own.test,direct", "my-tool").is_ok(), "go sends none without TLS");
    }
}

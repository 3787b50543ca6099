//! Looks at the checksum database the way that go comes to it: through the first proxy that says it passes the
//! database on, else at its own address. No module's name goes along.

use super::{Seen, Way};
use crate::fetch::probe::{Asked, Expect};
use crate::formats::goproxy::{Entry, Separator};
use crate::formats::patterns;
use crate::judgement::diagnosis::{Found, Part};

/// A database: its name, and its address.
fn database(gosumdb: &str) -> Option<(String, String)> {
    let mut words = gosumdb.split_whitespace();
    let name = words.next()?.split('+').next()?;
    // As in go: another address of the same database.
    if name == "sum.golang.google.cn" {
        return Some(("sum.golang.org".into(), "https://sum.golang.google.cn".into()));
    }
    let url = words.next().map_or_else(|| format!("https://{name}"), str::to_owned);
    (name != "off").then(|| (name.to_owned(), url))
}

/// Looks at it, where go would ask it at all.
pub(super) async fn look(way: Way) -> Seen {
    let mut seen = Seen::default();
    let Some((name, own)) = database(&way.gosumdb) else { return seen };
    let unasked = way.samples.iter().all(|(module, _)| patterns::matches(&way.rules.named, module));
    if unasked {
        return seen;
    }
    let ask = async |url: String, expect| {
        let asked = Asked { url, expect, module: String::new() };
        way.prober.look(&asked, way.until).await.into_iter().next_back()
    };
    let mut base = own;
    for (at, entry) in way.list.reachable().iter().enumerate() {
        if matches!(entry, Entry::Direct | Entry::Off) {
            break;
        }
        if !entry.is_network_proxy() {
            continue;
        }
        let below = format!("{}/sumdb/{name}", entry.to_string().trim_end_matches('/'));
        let Some(sight) = ask(format!("{below}/supported"), Expect::Anything).await else { continue };
        match sight.found {
            Found::Well => {
                base = below;
                break;
            }
            Found::Absent(_) => {}
            _ if way.list.separators.get(at) == Some(&Separator::Pipe) => {}
            // go asks nobody else then.
            _ => {
                seen.add(&way, "database", Part::Database, None, sight);
                return seen;
            }
        }
    }
    if let Some(mut sight) = ask(format!("{base}/latest"), Expect::Tree).await {
        // A database without a tree is none.
        if let Found::Absent(status) = sight.found {
            sight.found = Found::Status(status, String::new());
        }
        seen.add(&way, "database", Part::Database, None, sight);
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_read_as_go_reads_it() {
        let of = |text: &str| database(text).map(|(name, url)| format!("{name} {url}"));
        assert_eq!(of("sum.golang.org").as_deref(), Some("sum.golang.org https://sum.golang.org"));
        assert_eq!(
            of("sum.golang.google.cn").as_deref(),
            Some("sum.golang.org https://sum.golang.google.cn")
        );
        assert_eq!(of("sum.corp+1+Ac4 http://s.corp:8/x").as_deref(), Some("sum.corp http://s.corp:8/x"));
        assert_eq!((of("off"), of("")), (None, None));
    }
}

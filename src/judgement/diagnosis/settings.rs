//! Which settings do harm, or nothing: what people are told to set when downloads fail, and what stays behind.

use super::Harm;
use crate::formats::goproxy::{Entry, List};
use crate::formats::patterns;

/// The settings that are looked at, in the order in which they are shown.
pub(crate) const NAMES: &[&str] = &[
    "GOPROXY",
    "GOSUMDB",
    "GOPRIVATE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOFLAGS",
    "GO111MODULE",
    "GOINSECURE",
    "GONOSUMCHECK",
    "GODEBUG",
    "GOTRACEPROFILERATE",
];

/// Modules of different hosts that are public: who calls all of them private calls everything so.
const PUBLIC: &[&str] =
    &["github.com/nobody/x", "golang.org/x/nothing", "gopkg.in/nothing.v0", "example.com/m"];

/// What the value of a setting does to a run whose GOPROXY is this; `None`: no harm.
pub(crate) fn harm_of(name: &str, value: &str, list: &List, has_git: bool) -> Option<Harm> {
    let covered = |wanted: usize| PUBLIC.iter().filter(|m| patterns::matches(value, m)).count() >= wanted;
    let asks_proxies = list.reachable().iter().any(Entry::is_network_proxy);
    match name {
        "GOPROXY" if list.is_off() => Some(Harm::Off),
        "GOPROXY" if list.entries.first() == Some(&Entry::Direct) => {
            Some(if has_git { Harm::OnlyDirect } else { Harm::NoGit })
        }
        "GOPRIVATE" | "GONOPROXY" if asks_proxies && covered(PUBLIC.len()) => Some(Harm::AllPrivate),
        "GOPRIVATE" | "GONOPROXY" if asks_proxies && covered(1) => Some(Harm::TooWide),
        "GONOSUMDB" if covered(PUBLIC.len()) && asks_others(list) => Some(Harm::Unchecked),
        // Where nobody but the user's own proxies is asked, they are who checks.
        "GOSUMDB" if value == "off" && asks_others(list) => Some(Harm::Unchecked),
        "GO111MODULE" if value == "off" => Some(Harm::NoModules),
        "GOFLAGS" if value.split_whitespace().any(|flag| flag.trim_start_matches('-') == "insecure") => {
            Some(Harm::UnknownFlag)
        }
        "GONOSUMCHECK" | "GOTRACEPROFILERATE" if !value.is_empty() => Some(Harm::Useless),
        "GODEBUG" if value.contains("gomodulesync") => Some(Harm::Useless),
        _ => None,
    }
}

/// Whether others than the user's own proxies are asked.
fn asks_others(list: &List) -> bool {
    list.reachable().iter().any(|entry| *entry == Entry::Direct || entry.is_public_proxy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_common_advice_leaves_behind_is_known() {
        let public = "https://proxy.golang.org,direct";
        for (name, value, list, want) in [
            ("GOPROXY", "off", "off", Some(Harm::Off)),
            ("GOPROXY", "direct", "direct", Some(Harm::OnlyDirect)),
            ("GOPROXY", public, public, None),
            ("GOPRIVATE", "*", public, Some(Harm::AllPrivate)),
            ("GONOPROXY", "*,x", public, Some(Harm::AllPrivate)),
            ("GOPRIVATE", "*", "direct", None),
            ("GOPRIVATE", "github.com", public, Some(Harm::TooWide)),
            ("GOPRIVATE", "github.com/acme,*.corp.example", public, None),
            ("GONOSUMDB", "*", public, Some(Harm::Unchecked)),
            ("GOSUMDB", "off", public, Some(Harm::Unchecked)),
            ("GOSUMDB", "off", "https://athens.corp", None),
            ("GOSUMDB", "off", "file:///srv/mods", None),
            ("GOSUMDB", "sum.golang.org", public, None),
            ("GO111MODULE", "off", public, Some(Harm::NoModules)),
            ("GO111MODULE", "on", public, None),
            ("GOFLAGS", "-mod=mod -insecure", public, Some(Harm::UnknownFlag)),
            ("GOFLAGS", "-mod=mod", public, None),
            ("GONOSUMCHECK", "1", public, Some(Harm::Useless)),
            ("GODEBUG", "gomodulesync=1", public, Some(Harm::Useless)),
        ] {
            assert_eq!(harm_of(name, value, &List::parse(list), true), want, "{name}={value} with {list}");
        }
        assert_eq!(harm_of("GOPROXY", "direct", &List::parse("direct"), false), Some(Harm::NoGit));
    }
}

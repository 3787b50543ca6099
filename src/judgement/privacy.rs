//! Which modules are private, or likely so, and why.
//!
//! Pure. A wrong "public" here leaks a name to a proxy, a wrong "private" costs a detour: where in
//! doubt the rules say private for routing, and never for GOPRIVATE (which would turn the checksum
//! database off).

use crate::formats::authority::{self, Url};
use crate::formats::module_path::covers;
use crate::formats::patterns::matches;
use crate::formats::ssh_config::SshConfig;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Hosts where strangers live side by side: there the owner is a neighbour of its own modules alone.
/// On any other host that a repository comes from, everything counts as its neighbour.
const FORGES: &[&str] = &[
    "bitbucket.org",
    "codeberg.org",
    // Not public on the whole, but shared by many organisations.
    "dev.azure.com",
    "git.sr.ht",
    "gitee.com",
    "github.com",
    "gitlab.com",
    "launchpad.net",
];

/// Other names under which forges take ssh: on port 443, where 22 is closed.
const SSH_NAMES: &[(&str, &str)] = &[
    ("altssh.bitbucket.org", "bitbucket.org"),
    ("altssh.gitlab.com", "gitlab.com"),
    ("ssh.dev.azure.com", "dev.azure.com"),
    ("ssh.github.com", "github.com"),
    ("www.github.com", "github.com"),
    ("vs-ssh.visualstudio.com", "dev.azure.com"),
];

/// Ends of names that nobody but their own network resolves: what gox may take for private so
/// surely that it goes to the origin by itself.
const SURELY_PRIVATE: &[&str] = &[".internal", ".corp", ".lan", ".local"];

/// Ends of names that are private by custom or by the network that gives them: kept from strangers.
const LIKELY_PRIVATE: &[&str] = &[".intranet", ".home.arpa", ".localdomain", ".private", ".ts.net"];

/// The name of a module's host, in lower case, without a port.
fn host_of(module: &str) -> String {
    let host = module.split('/').next().unwrap_or("");
    authority::name(host).trim_end_matches('.').to_ascii_lowercase()
}

/// True for a module whose host no public proxy can reach, judged by spelling alone: no dot,
/// `.internal`, `.corp`, `.lan`, `.local`, or a literal private or loopback address. Never by a
/// DNS answer: fake-ip proxies and poisoned resolvers make github.com "private".
fn is_surely_private(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        Err(_) => !host.contains('.') || SURELY_PRIVATE.iter().any(|suffix| host.ends_with(suffix)),
    }
}

/// True for the other ends of names that are private by custom, and for addresses that carriers and
/// overlay networks give (100.64.0.0/10).
fn has_private_suffix(host: &str) -> bool {
    let shared = |ip: std::net::Ipv4Addr| ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
    LIKELY_PRIVATE.iter().any(|suffix| host.ends_with(suffix)) || host.parse().is_ok_and(shared)
}

/// Host and owner of a module path (`github.com/acme` of `github.com/acme/tool/v2`): its first two
/// elements. `None` where there are fewer.
fn owner(path: &str) -> Option<String> {
    let mut parts = path.split('/').filter(|p| !p.is_empty());
    let (host, name) = (parts.next()?, parts.next()?);
    host.contains('.').then(|| format!("{host}/{name}"))
}

/// Whose modules stand near the one that is worked on. Letter case does not count: forges fold it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Neighbour {
    /// All of a host.
    Host(String),
    /// `host/owner`.
    Owner(String),
    /// An owner whose host is not known, since git or ssh calls it by another name.
    Anywhere(String),
}

impl Neighbour {
    /// The owner of a go.mod's own `module` line.
    pub(crate) fn of_module_line(path: &str) -> Option<Neighbour> {
        owner(path).map(Neighbour::Owner)
    }

    fn of_place(host: &str, path: &str) -> Option<Neighbour> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let host = SSH_NAMES.iter().find(|(other, _)| *other == host).map_or(host.as_str(), |(_, real)| real);
        // Azure puts the version of its protocol before the organisation.
        let mut elements =
            path.split('/').filter(|e| !e.is_empty() && (host != "dev.azure.com" || *e != "v3"));
        let owner = elements.next().map(|owner| owner.trim_start_matches('~'));
        match owner {
            _ if host.is_empty() => None,
            // Of a name without a dot nobody can tell what module paths have in its place.
            Some(owner) if !host.contains('.') => Some(Neighbour::Anywhere(owner.to_owned())),
            Some(owner) if FORGES.contains(&host) => Some(Neighbour::Owner(format!("{host}/{owner}"))),
            _ if FORGES.contains(&host) || !host.contains('.') => None,
            _ => Some(Neighbour::Host(host.to_owned())),
        }
    }

    fn covers(&self, module: &str) -> bool {
        let module = module.to_ascii_lowercase();
        match self {
            Neighbour::Host(host) => host_of(&module) == *host,
            Neighbour::Owner(owner) => {
                // Owners on sr.ht have a tilde, which not every spelling has.
                let plain = |path: &str| path.to_ascii_lowercase().replacen("/~", "/", 1);
                covers(&plain(owner), &plain(&module))
            }
            Neighbour::Anywhere(owner) => module.split('/').nth(1) == Some(&owner.to_ascii_lowercase()),
        }
    }
}

/// Other names for places that git and ssh know on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Aliases {
    /// `url.BASE.insteadOf = PREFIX`: what stands in place of the prefix, and the prefix.
    pub instead_of: Vec<(String, String)>,
    /// ssh's configuration files.
    pub ssh: Vec<SshConfig>,
}

impl Aliases {
    /// The neighbours that a repository's URL speaks for, under every name that it may have.
    pub(crate) fn neighbours(&self, url: &str) -> Vec<Neighbour> {
        let mut found = Vec::new();
        for url in self.spellings(url.trim()) {
            let Some((host, path)) = place(&url) else { continue };
            found.extend(Neighbour::of_place(host, path));
            for config in &self.ssh {
                found.extend(config.names(host).filter_map(|name| Neighbour::of_place(&name, path)));
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Places that git reaches in another way than by their names: somebody has set up access to
    /// them. A rewriting of a whole forge says nothing about anybody.
    pub(crate) fn rewritten(&self) -> Vec<Neighbour> {
        self.instead_of.iter().flat_map(|(_, prefix)| self.neighbours(prefix)).collect()
    }

    /// The URL as written, and as each rewriting makes it.
    fn spellings(&self, url: &str) -> Vec<String> {
        let rewritten = self.instead_of.iter().filter_map(|(base, prefix)| {
            let rest = url.strip_prefix(prefix.as_str()).filter(|_| !prefix.is_empty())?;
            Some(format!("{base}{rest}"))
        });
        std::iter::once(url.to_owned()).chain(rewritten).collect()
    }
}

/// Host and path of a git remote in any of git's spellings (`https://h/o/r.git`, `ssh://git@h:22/o/r`,
/// `git@h:o/r.git`), user and port removed. `None` for a folder.
fn place(remote: &str) -> Option<(&str, &str)> {
    let (host, path) = match Url::split(remote) {
        Some(Url { scheme: "file", .. }) => return None,
        Some(url) => (url.host, url.path),
        None => {
            let (place, path) = remote.split_once(':')?;
            // With a slash before the colon it is a folder, as for git.
            if place.contains('/') {
                return None;
            }
            (authority::split_user(place).1, path)
        }
    };
    Some((authority::name(host), path))
}

/// What this run knows of private modules. All lists are comma lists of Go's globs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// go's effective GONOPROXY (which defaults to GOPRIVATE): go never asks a proxy for these.
    pub no_proxy: String,
    /// go's effective GOPRIVATE and GONOSUMDB, one after the other: the user calls these private, even
    /// where GONOPROXY lets go ask proxies for them.
    pub named: String,
    /// `private` of the user's own configuration or environment.
    pub configured: String,
    /// `confidential`: nobody hears of these whom go would not have asked.
    pub confidential: String,
    /// Who the working folder's git origin belongs to, and what git reaches by other names.
    pub origins: Vec<Neighbour>,
    /// The owner in go.mod's own `module` line (which a clone writes: routing only).
    pub module: Option<Neighbour>,
}

/// Why a module counts as private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// go's own GONOPROXY or GOPRIVATE matches.
    NoProxy,
    /// A pattern of the user's `private` matches.
    Configured,
    /// GOPRIVATE or GONOSUMDB matches, where GONOPROXY does not; or one of the lists would, but for
    /// letter case or a blank.
    Named,
    /// A pattern of `confidential` matches.
    Confidential,
    /// The host's spelling: surely private.
    Spelling,
    /// The host's spelling: private by custom.
    Suffix,
    /// A neighbour of the working folder's git origin.
    Origin,
    /// The owner of go.mod's `module` line.
    Module,
}

impl Rules {
    /// Whether `module` is private or likely so, and why; the strongest reason first.
    pub(crate) fn why(&self, module: &str) -> Option<Why> {
        let host = host_of(module);
        let holds = [
            (Why::NoProxy, matches(&self.no_proxy, module)),
            (Why::Configured, matches(&self.configured, module)),
            (Why::Named, self.calls_private(module)),
            (Why::Confidential, nearly_matches(&self.confidential, module)),
            (Why::Spelling, is_surely_private(&host)),
            (Why::Suffix, has_private_suffix(&host)),
            (Why::Origin, self.origins.iter().any(|n| n.covers(module))),
            (Why::Module, self.module.as_ref().is_some_and(|n| n.covers(module))),
        ];
        holds.into_iter().find_map(|(why, holds)| holds.then_some(why))
    }

    fn calls_private(&self, module: &str) -> bool {
        let lists = [&self.no_proxy, &self.named, &self.configured];
        lists.into_iter().any(|list| nearly_matches(list, module))
    }

    /// True for a module that must not cross to a proxy which go itself would not have asked.
    pub(crate) fn likely_private(&self, module: &str) -> bool {
        self.why(module).is_some()
    }
}

/// Matches as whoever wrote the list meant it: whatever the letter case, and blanks around a pattern
/// left aside. go is stricter, so its own doings are not foretold by it.
fn nearly_matches(patterns: &str, module: &str) -> bool {
    let module = module.to_ascii_lowercase();
    patterns.split(',').any(|pattern| matches(pattern.trim().to_ascii_lowercase(), &module))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(rules: &Rules, module: &str) -> Option<Why> {
        rules.why(module)
    }

    #[test]
    fn spelling_tells_hosts_that_are_not_public() {
        let rules = Rules::default();
        for host in [
            "gitlab",
            "git.corp",
            "git.x.internal",
            "10.1.2.3:3000",
            "nas.lan",
            "h.local",
            "H.Local",
            "h.lan.",
        ] {
            assert_eq!(why(&rules, &format!("{host}/a/b")), Some(Why::Spelling), "{host}");
        }
        for host in [
            "git.intranet",
            "nas.home.arpa",
            "pi.localdomain",
            "x.private",
            "box.tail1234.ts.net",
            "100.101.1.2",
        ] {
            assert_eq!(why(&rules, &format!("{host}/a/b")), Some(Why::Suffix), "{host}");
        }
        for host in ["github.com", "8.8.8.8", "example.test", "corp.example.com", "100.1.2.3", "notlocal.dev"]
        {
            assert_eq!(why(&rules, &format!("{host}/a/b")), None, "{host}");
        }
    }

    #[test]
    fn every_list_of_the_users_makes_private() {
        let rules = Rules {
            no_proxy: "a.test,\u{fffd}".into(),
            named: "b.test,,C.test/Acme/*".into(),
            configured: "d.test, e.test/*".into(),
            confidential: "f.test".into(),
            ..Rules::default()
        };
        for (module, want) in [
            ("a.test/x", Some(Why::NoProxy)),
            ("A.test/x", Some(Why::Named)),
            ("b.test/x", Some(Why::Named)),
            ("c.test/acme/x", Some(Why::Named)),
            ("d.test/x", Some(Why::Configured)),
            ("e.test/x", Some(Why::Named)),
            ("f.test/x", Some(Why::Confidential)),
            ("g.test/x", None),
        ] {
            assert_eq!(why(&rules, module), want, "{module}");
        }
    }

    fn of(aliases: &Aliases, url: &str) -> Vec<Neighbour> {
        aliases.neighbours(url)
    }

    #[test]
    fn remotes_of_every_spelling_name_their_owner() {
        let none = Aliases::default();
        for remote in [
            "https://github.com/acme/tool.git",
            "https://me:secret@GitHub.com/acme/tool",
            "ssh://git@github.com:22/acme/tool",
            "ssh://git@ssh.github.com:443/acme/tool.git",
            "git@github.com:acme/tool.git",
            "github.com:/acme/tool.git ",
            "git+ssh://git@github.com/acme/tool",
        ] {
            assert_eq!(of(&none, remote), [Neighbour::Owner("github.com/acme".into())], "{remote}");
        }
        for folder in ["file:///srv/git/tool", "/srv/git/tool", "../tool", "./a:b", "C:/x/y/z:w"] {
            assert_eq!(
                of(&none, folder).iter().filter(|n| !matches!(n, Neighbour::Anywhere(_))).count(),
                0,
                "{folder}"
            );
        }
        assert_eq!(of(&none, "git@git.acme.dev:team/tool.git"), [Neighbour::Host("git.acme.dev".into())]);
        assert_eq!(
            of(&none, "git@ssh.dev.azure.com:v3/org/p/r"),
            [Neighbour::Owner("dev.azure.com/org".into())]
        );
        assert_eq!(of(&none, "work:acme/tool"), [Neighbour::Anywhere("acme".into())]);
        assert_eq!(of(&none, "https://git.sr.ht/~me/tool"), [Neighbour::Owner("git.sr.ht/me".into())]);
    }

    #[test]
    fn neighbours_are_told_whatever_the_letter_case() {
        let rules = |neighbour| Rules { origins: vec![neighbour], ..Rules::default() };
        let owner = rules(Neighbour::Owner("github.com/Acme".into()));
        assert_eq!(why(&owner, "github.com/acme/secret"), Some(Why::Origin));
        assert_eq!(why(&owner, "github.com/ACME"), Some(Why::Origin));
        assert_eq!(why(&owner, "github.com/acme2/x"), None);
        let host = rules(Neighbour::Host("git.acme.dev".into()));
        assert_eq!(why(&host, "git.acme.dev/any/thing"), Some(Why::Origin));
        assert_eq!(why(&host, "git.acme.dev:8443/any"), Some(Why::Origin));
        assert_eq!(why(&host, "x.git.acme.dev/any"), None);
        let anywhere = rules(Neighbour::Anywhere("acme".into()));
        assert_eq!(why(&anywhere, "gitlab.example/Acme/x"), Some(Why::Origin));
        let tilde = rules(Neighbour::Owner("git.sr.ht/me".into()));
        assert_eq!(why(&tilde, "git.sr.ht/~me/tool"), Some(Why::Origin));
        let module = Rules { module: Neighbour::of_module_line("github.com/acme/app"), ..Rules::default() };
        assert_eq!(why(&module, "github.com/acme/lib"), Some(Why::Module));
    }

    #[test]
    fn other_names_of_git_and_ssh_lead_to_the_real_ones() {
        let aliases = Aliases {
            instead_of: vec![
                ("git@github.com:".into(), "gh:".into()),
                ("ssh://git@git.corp.example/".into(), "https://github.com/acme/".into()),
                ("git@github.com:".into(), "https://github.com/".into()),
            ],
            ssh: vec![SshConfig::parse(b"Host work\nHostName github.com\nHost gl-*\nHostName gitlab.com\n")],
        };
        let owner = |text: &str| Neighbour::Owner(text.into());
        assert_eq!(
            of(&aliases, "gh:acme/tool"),
            [owner("github.com/acme"), Neighbour::Anywhere("acme".into())]
        );
        assert_eq!(
            of(&aliases, "git@work:acme/tool"),
            [owner("github.com/acme"), Neighbour::Anywhere("acme".into())]
        );
        assert_eq!(of(&aliases, "gl-2:team/tool").first(), Some(&owner("gitlab.com/team")));
        let rewritten = aliases.rewritten();
        assert!(rewritten.contains(&owner("github.com/acme")), "{rewritten:?}");
        assert!(rewritten.contains(&Neighbour::Host("git.corp.example".into())), "{rewritten:?}");
        let harmless = Aliases {
            instead_of: vec![("git@github.com:".into(), "https://github.com/".into())],
            ssh: vec![],
        };
        assert_eq!(harmless.rewritten(), [], "everybody with a key has it");
    }
}

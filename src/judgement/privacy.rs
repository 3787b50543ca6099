//! Which modules are private, or likely so, and the narrowest prefix that covers one.
//!
//! Pure. A wrong "public" here leaks a name to a proxy, a wrong "private" costs a detour: where in
//! doubt the rules say private for routing, and never for GOPRIVATE (which would turn the checksum
//! database off).

use crate::formats::authority::{self, Url};
use crate::formats::module_path::covers;
use crate::formats::patterns::matches;

/// True for a module whose host no public proxy can reach, judged by spelling alone: no dot,
/// `.internal`, `.corp`, `.lan`, `.local`, or a literal private or loopback address. Never by a
/// DNS answer: fake-ip proxies and poisoned resolvers make github.com "private".
pub fn not_public_by_spelling(module: &str) -> bool {
    let host = module.split('/').next().unwrap_or("");
    let name = authority::name(host).to_ascii_lowercase();
    if let Ok(ip) = name.parse::<std::net::IpAddr>() {
        return match ip {
            std::net::IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
            std::net::IpAddr::V6(v6) => {
                v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
            }
        };
    }
    !name.contains('.')
        || [".internal", ".corp", ".lan", ".local"].iter().any(|suffix| name.ends_with(suffix))
}

/// Host and owner of a module path or repository (`github.com/acme` of `github.com/acme/tool/v2`):
/// its first two elements. `None` where there are fewer.
pub fn owner(path: &str) -> Option<String> {
    let mut parts = path.split('/').filter(|p| !p.is_empty());
    let (host, name) = (parts.next()?, parts.next()?);
    host.contains('.').then(|| format!("{host}/{name}"))
}

/// `host/owner` of a git remote URL in any of git's spellings (`https://h/o/r.git`,
/// `ssh://git@h:22/o/r`, `git@h:o/r.git`), user, password and port removed.
pub fn owner_of_remote(remote: &str) -> Option<String> {
    let remote = remote.trim();
    let (host, path) = match Url::split(remote) {
        Some(Url { scheme: "file", .. }) => return None,
        Some(url) => (url.host, url.path),
        None => {
            let (place, path) = remote.split_once(':')?;
            (authority::split_user(place).1, path)
        }
    };
    let host = authority::name(host);
    owner(&format!("{}/{}", host.to_ascii_lowercase(), path.trim_start_matches('/').trim_end_matches(".git")))
}

/// What this run knows of private modules. All lists are comma lists of Go's globs.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rules {
    /// go's effective GONOPROXY (which defaults to GOPRIVATE): go never asks a proxy for these.
    pub no_proxy: String,
    /// `private` of the user's own configuration or environment.
    pub configured: String,
    /// `host/owner` of the working folder's git origin.
    pub origin_owner: Option<String>,
    /// `host/owner` of go.mod's own `module` line (which a clone writes: routing only).
    pub module_owner: Option<String>,
}

/// Why a module counts as private.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// go's own GONOPROXY or GOPRIVATE matches.
    NoProxy,
    /// A pattern of the user's `private` matches.
    Configured,
    /// The host's spelling.
    Spelling,
    /// The owner of the working folder's git origin.
    Origin,
    /// The owner of go.mod's `module` line.
    Module,
}

impl Rules {
    /// Whether `module` is private or likely so, and why; the strongest reason first.
    pub fn why(&self, module: &str) -> Option<Why> {
        if matches(&self.no_proxy, module) {
            Some(Why::NoProxy)
        } else if matches(&self.configured, module) {
            Some(Why::Configured)
        } else if not_public_by_spelling(module) {
            Some(Why::Spelling)
        } else if self.origin_owner.as_deref().is_some_and(|o| covers(o, module)) {
            Some(Why::Origin)
        } else if self.module_owner.as_deref().is_some_and(|o| covers(o, module)) {
            Some(Why::Module)
        } else {
            None
        }
    }

    /// True for a module that must not cross to a proxy which go itself would not have asked.
    pub fn likely_private(&self, module: &str) -> bool {
        self.why(module).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_tells_hosts_that_are_not_public() {
        for host in ["gitlab", "git.corp", "git.x.internal", "10.1.2.3:3000", "nas.lan", "h.local"] {
            assert!(not_public_by_spelling(&format!("{host}/a/b")), "{host}");
        }
        for host in ["github.com", "8.8.8.8", "example.test", "corp.example.com"] {
            assert!(!not_public_by_spelling(&format!("{host}/a/b")), "{host}");
        }
    }

    #[test]
    fn remotes_of_every_spelling_name_their_owner() {
        for remote in [
            "https://github.com/acme/tool.git",
            "https://me:secret@github.com/acme/tool",
            "ssh://git@github.com:22/acme/tool",
            "git@github.com:acme/tool.git",
        ] {
            assert_eq!(owner_of_remote(remote).as_deref(), Some("github.com/acme"), "{remote}");
        }
        assert_eq!(owner_of_remote("file:///srv/git/tool"), None);
        assert_eq!(owner_of_remote("/srv/git/tool"), None);
    }
}

//! Which names are plainly public: what hosts beyond the user's own list may be told.
//!
//! Pure. A table, because nothing else proves it: go.sum proves bytes, not publicity, and a DNS answer
//! proves nothing. Whoever is missing here costs a detour, not a leak.

use super::privacy::Rules;

/// Who may hear a name, apart from those whom go itself would ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Publicity {
    /// Likely private: nobody.
    LikelyPrivate,
    /// Nothing speaks for either: other proxies of the user's list, as the rotation allows.
    #[default]
    Ordinary,
    /// Plainly public: mirrors as well.
    PlainlyPublic,
}

/// Public forges, and hosts that only lead to public repositories.
const PUBLIC_HOSTS: &[&str] = &[
    "bitbucket.org",
    "cel.dev",
    "cloud.google.com",
    "codeberg.org",
    "connectrpc.com",
    "dario.cat",
    "filippo.io",
    "gitee.com",
    "github.com",
    "gitlab.com",
    "git.sr.ht",
    "go.etcd.io",
    "go.mongodb.org",
    "go.opencensus.io",
    "go.opentelemetry.io",
    "go.starlark.net",
    "go.uber.org",
    "go.yaml.in",
    "gocloud.dev",
    "golang.org",
    "gonum.org",
    "google.golang.org",
    "gopkg.in",
    "gorm.io",
    "gotest.tools",
    "helm.sh",
    "honnef.co",
    "istio.io",
    "k8s.io",
    "knative.dev",
    "lukechampine.com",
    "modernc.org",
    "mvdan.cc",
    "nhooyr.io",
    "oras.land",
    "rsc.io",
    "sigs.k8s.io",
];

/// True where the host of the module is in the table.
fn has_public_host(module: &str) -> bool {
    module.split('/').next().is_some_and(|host| PUBLIC_HOSTS.contains(&host))
}

impl Rules {
    /// Who may hear the name of `module`.
    pub(crate) fn publicity(&self, module: &str) -> Publicity {
        if self.likely_private(module) {
            Publicity::LikelyPrivate
        } else if has_public_host(module) {
            Publicity::PlainlyPublic
        } else {
            Publicity::Ordinary
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_each_host_once() {
        let mut seen = std::collections::BTreeSet::new();
        assert!(PUBLIC_HOSTS.iter().all(|host| seen.insert(*host)));
    }

    #[test]
    fn private_beats_public_and_unknown_is_neither() {
        let rules = Rules { configured: "github.com/acme".into(), ..Rules::default() };
        assert_eq!(rules.publicity("github.com/acme/x"), Publicity::LikelyPrivate);
        assert_eq!(rules.publicity("github.com/other/x"), Publicity::PlainlyPublic);
        assert_eq!(rules.publicity("golang.org/x/net"), Publicity::PlainlyPublic);
        assert_eq!(rules.publicity("example.test/x"), Publicity::Ordinary);
        assert_eq!(rules.publicity("github.com.evil.test/x"), Publicity::Ordinary);
    }
}

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

/// Public forges, and hosts that only lead to public repositories. Above each, who it is: of a vanity host,
/// the repository or owner that its `go-import` tags name.
const PUBLIC_HOSTS: &[&str] = &[
    // Atlassian's forge, known to go by name (cmd/go, vcsPaths).
    "bitbucket.org",
    // The Common Expression Language, github.com/google/cel-spec.
    "cel.dev",
    // Google's client libraries, github.com/googleapis/google-cloud-go.
    "cloud.google.com",
    // The forge of Codeberg e.V.
    "codeberg.org",
    // Connect, github.com/connectrpc/connect-go.
    "connectrpc.com",
    // mergo, github.com/darccio/mergo.
    "dario.cat",
    // Filippo Valsorda's modules, github.com/FiloSottile.
    "filippo.io",
    // Gitee, a forge that is open to all.
    "gitee.com",
    // GitHub, known to go by name (cmd/go, vcsPaths).
    "github.com",
    // GitLab's own forge; a GitLab of somebody's has another name.
    "gitlab.com",
    // sourcehut, known to go by name (cmd/go, vcsPaths).
    "git.sr.ht",
    // etcd and bbolt, github.com/etcd-io.
    "go.etcd.io",
    // MongoDB's driver, github.com/mongodb/mongo-go-driver.
    "go.mongodb.org",
    // OpenCensus, github.com/census-instrumentation/opencensus-go.
    "go.opencensus.io",
    // OpenTelemetry, github.com/open-telemetry.
    "go.opentelemetry.io",
    // Starlark in Go, github.com/google/starlark-go.
    "go.starlark.net",
    // Uber's published modules, github.com/uber-go.
    "go.uber.org",
    // The YAML organisation's package, github.com/yaml/go-yaml.
    "go.yaml.in",
    // The Go CDK, github.com/google/go-cloud.
    "gocloud.dev",
    // The Go project's own, go.googlesource.com.
    "golang.org",
    // Gonum, github.com/gonum.
    "gonum.org",
    // gRPC, Protocol Buffers and Google's APIs: github.com/grpc, github.com/protocolbuffers.
    "google.golang.org",
    // Leads to github.com alone, by its own rules.
    "gopkg.in",
    // GORM and its drivers, github.com/go-gorm.
    "gorm.io",
    // gotest.tools, github.com/gotestyourself.
    "gotest.tools",
    // Helm, github.com/helm/helm.
    "helm.sh",
    // Staticcheck, github.com/dominikh/go-tools.
    "honnef.co",
    // Istio, github.com/istio.
    "istio.io",
    // Kubernetes, github.com/kubernetes.
    "k8s.io",
    // Knative, github.com/knative.
    "knative.dev",
    // blake3 and others, github.com/lukechampine.
    "lukechampine.com",
    // Jan Mercl's modules, gitlab.com/cznic.
    "modernc.org",
    // Daniel Martí's tools, github.com/mvdan.
    "mvdan.cc",
    // websocket, github.com/coder/websocket.
    "nhooyr.io",
    // OCI Registry As Storage, github.com/oras-project.
    "oras.land",
    // Russ Cox's modules, github.com/rsc.
    "rsc.io",
    // Kubernetes' special interest groups, github.com/kubernetes-sigs.
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
    fn each_host_of_the_table_says_where_it_is_from() {
        let text = include_str!("publicity.rs");
        let (_, table) = text.split_once("const PUBLIC_HOSTS").expect("the table");
        let lines: Vec<&str> =
            table.lines().skip(1).take_while(|line| *line != "];").map(str::trim).collect();
        for pair in lines.chunks(2) {
            assert!(pair[0].starts_with("// ") && pair[1].starts_with('"'), "{pair:?}");
        }
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

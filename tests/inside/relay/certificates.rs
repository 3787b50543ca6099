//! Which certificates the fetcher accepts, held against every go release there is: its set is a subset
//! of each one's. The server, and its certificates of many kinds, is a program of go's own library.

use super::{Options, Surroundings, ask, options, start};
use crate::inside::harness::{go, go_minor, go_releases};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The server; ends when dropped.
struct Certificates {
    child: Child,
    dir: tempfile::TempDir,
    port: u16,
    kinds: Vec<String>,
}

impl Certificates {
    fn start() -> Certificates {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("certificates");
        let cache = root.join(format!("target/tmp/gocache-1.{}", go_minor()));
        let built = Command::new(go())
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .current_dir(root.join("tests/certificates"))
            .env_clear()
            .envs([("GOTOOLCHAIN", "local"), ("GOPROXY", "off"), ("GOFLAGS", ""), ("PATH", "/usr/bin:/bin")])
            .envs([("HOME", dir.path()), ("GOCACHE", &cache)])
            .output()
            .unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let mut child = Command::new(program)
            .arg(dir.path().join("roots.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut words = line.split_whitespace().map(str::to_owned);
        let port = words.next().unwrap().parse().unwrap();
        Certificates { child, dir, port, kinds: words.collect() }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn roots(&self) -> PathBuf {
        self.dir.path().join("roots.pem")
    }

    /// The kinds that this go accepts.
    fn accepted_by(&self, go: &Path, godebug: &str) -> BTreeSet<String> {
        let home = tempfile::tempdir().unwrap();
        let output = Command::new(go)
            .args(["mod", "download", "-json"])
            .args(self.kinds.iter().map(|kind| format!("example.test/{kind}@v1.0.0")))
            .current_dir(home.path())
            .env_clear()
            .envs([("GOTOOLCHAIN", "local"), ("GOSUMDB", "off"), ("GOFLAGS", "-modcacherw")])
            .envs([("GOPROXY", self.url()), ("HTTPS_PROXY", self.url())])
            .envs([("GODEBUG", godebug), ("GOTELEMETRY", "off"), ("SSL_CERT_DIR", "/nonexistent")])
            .envs([
                ("HOME", home.path()),
                ("GOPATH", &home.path().join("go")),
                ("SSL_CERT_FILE", &self.roots()),
            ])
            .output()
            .unwrap();
        let told = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<serde_json::Value>();
        let good = told.map(Result::unwrap).filter(|module| module.get("Error").is_none());
        let kind =
            |module: serde_json::Value| module["Path"].as_str().unwrap()["example.test/".len()..].to_owned();
        good.map(kind).collect()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn what_the_fetcher_accepts_every_go_accepts() {
    let certificates = Certificates::start();
    let surroundings = Surroundings {
        https_proxy: Some(certificates.url()),
        cert_file: Some(certificates.roots()),
        cert_dirs: Some("/nonexistent".into()),
        ..Surroundings::default()
    };
    let relay = start(Options { attempts: 1, surroundings, ..options(&certificates.url()) }).unwrap();
    let root = relay.goproxy();
    let get = |kind: &&String| ask(&format!("{root}/example.test/{kind}/@v/v1.0.0.mod"), "GET").0 == 200;
    let accepted: BTreeSet<String> = certificates.kinds.iter().filter(get).cloned().collect();
    let usual = ["good", "intermediate", "nousage", "permitted", "rsa", "selfsigned", "uncritical"];
    for kind in usual {
        assert!(
            accepted.contains(kind),
            "{kind} is what many have: {:?}",
            relay.fetcher().tally().left_to_go
        );
    }
    assert!(accepted.len() < certificates.kinds.len() / 2, "{accepted:?}");
    let releases: Vec<PathBuf> = go_releases().into_iter().map(|(_, go)| go).chain([go()]).collect();
    for go in releases {
        for godebug in ["", "x509negativeserial=0,x509sha1=0,x509usepolicies=1"] {
            let gos = certificates.accepted_by(&go, godebug);
            let beyond: Vec<&String> = accepted.difference(&gos).collect();
            assert!(beyond.is_empty(), "{} with {godebug:?} rejects {beyond:?}", go.display());
        }
    }
}

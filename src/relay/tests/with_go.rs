//! `go mod download` of some modules through the relay.

use super::faulty::{self, Reply, Server, good, module_file};
use super::{options, relay};
use crate::relay::{Relay, start};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A real go: GOX_TEST_GO, else the newest of target/go-releases. The tests that need one say so
/// and pass where there is none.
fn real_go() -> Option<PathBuf> {
    if let Some(go) = std::env::var_os("GOX_TEST_GO") {
        return Some(go.into());
    }
    let releases = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/go-releases");
    let mut found: Vec<PathBuf> = std::fs::read_dir(releases)
        .ok()?
        .flatten()
        .map(|e| e.path().join("go/bin/go"))
        .filter(|p| p.exists())
        .collect();
    found.sort();
    found.pop()
}

struct Project {
    dir: tempfile::TempDir,
    go: PathBuf,
}

impl Project {
    fn new(modules: usize) -> Option<Project> {
        let Some(go) = real_go() else {
            eprintln!("skipped: no go (set GOX_TEST_GO)");
            return None;
        };
        let dir = tempfile::tempdir().unwrap();
        let mut text = "module main.test/main\n\ngo 1.21\n\nrequire (\n".to_owned();
        for n in 0..modules {
            text.push_str(&format!("\te.test/m{n} v1.0.0\n"));
        }
        text.push_str(")\n");
        std::fs::write(dir.path().join("go.mod"), text).unwrap();
        Some(Project { dir, go })
    }

    fn go(&self, goproxy: &str, args: &[&str]) -> Output {
        let at = |name: &str| self.dir.path().join(name);
        let output = Command::new(&self.go)
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .envs([
                ("GOPROXY", goproxy),
                ("GOSUMDB", "off"),
                ("GOTOOLCHAIN", "local"),
                ("GOTELEMETRY", "off"),
            ])
            .env("HOME", self.dir.path())
            .env("GOPATH", at("gopath"))
            .env("GOCACHE", at("gocache"))
            .env("GOFLAGS", "-modcacherw")
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        output
    }

    fn download(&self, relay: &Relay) -> Output {
        let output = self.go(&relay.goproxy(), &["mod", "download"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

#[test]
fn a_clean_run_asks_exactly_what_go_asked() {
    let Some(project) = Project::new(20) else { return };
    let server = Server::start(good);
    let relay = relay(&server.url());
    project.download(&relay);
    let stats = relay.stop();
    assert_eq!(stats.requests, 60);
    assert_eq!(stats.asked, 60);
    assert_eq!(server.log().len(), 60);
    assert_eq!((stats.retries, stats.hedged, stats.gave_up), (0, 0, 0));
}

#[test]
fn every_kind_of_fault_is_cured_within_one_run_of_go() {
    let Some(project) = Project::new(30) else { return };
    let server = Server::start(|seen| {
        let Some(body) = module_file(&seen.path) else { return Reply::Status(404, "no") };
        let number: usize = seen.path["e.test/m".len()..].split('/').next().unwrap().parse().unwrap();
        if seen.before > 0 {
            return Reply::Ok(body);
        }
        match number % 10 {
            0 => Reply::Eof,
            1 => Reply::Status(503, "busy"),
            2 => Reply::Headers(200, "Content-Type: text/html\r\n".into(), b"<html>login</html>".to_vec()),
            3 => Reply::Ok(b"<html>login</html>".to_vec()),
            4 => Reply::CutAfter(body, 5),
            5 => Reply::Raw(b"garbage\r\n\r\n".to_vec()),
            6 => Reply::Headers(429, "Retry-After: 0\r\n".into(), Vec::new()),
            7 if seen.path.ends_with(".zip") => Reply::Ok(body[..body.len() / 2].to_vec()),
            _ => Reply::Ok(body),
        }
    });
    let relay = relay(&server.url());
    project.download(&relay);
    let stats = relay.stop();
    assert_eq!(stats.requests, 90);
    assert_eq!(stats.gave_up, 0);
    // Seven kinds for three files of three modules, and the half zips.
    assert_eq!(stats.retries, 7 * 9 + 3);
    assert_eq!(stats.asked, stats.requests + stats.retries);
    assert_eq!(stats.cured.len() as u64, stats.retries);
    let _ = faulty::go_mod("x");
    let _ = (options, start);
}

//! `go mod download` of some modules through the relay.

use super::faulty::{Reply, Server, good, module_file};
use super::{Options, Served, options, relay, start};
use crate::inside::harness::go;
use crate::judgement::privacy::Rules;
use std::path::PathBuf;
use std::process::{Command, Output};

struct Project {
    dir: tempfile::TempDir,
    go: PathBuf,
}

impl Project {
    fn new(modules: usize) -> Project {
        let go = go();
        let dir = tempfile::tempdir().unwrap();
        let mut text = "module main.test/main\n\ngo 1.21\n\nrequire (\n".to_owned();
        for n in 0..modules {
            text.push_str(&format!("\te.test/m{n} v1.0.0\n"));
        }
        text.push_str(")\n");
        std::fs::write(dir.path().join("go.mod"), text).unwrap();
        Project { dir, go }
    }

    fn go(&self, goproxy: &str, args: &[&str]) -> Output {
        let at = |name: &str| self.dir.path().join(name);
        Command::new(&self.go)
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .envs([
                ("GOPROXY", goproxy),
                ("GOSUMDB", "off"),
                ("GOTOOLCHAIN", "local"),
                ("GOTELEMETRY", "off"),
            ])
            // Whatever goes beside the relay ends at a closed port of this machine.
            .envs([("HTTPS_PROXY", "http://127.0.0.1:1"), ("HTTP_PROXY", "http://127.0.0.1:1")])
            .env("HOME", self.dir.path())
            .env("GOPATH", at("gopath"))
            .env("GOCACHE", at("gocache"))
            .env("GOFLAGS", "-modcacherw")
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap()
    }

    fn download(&self, relay: &Served) -> Output {
        let output = self.go(&relay.goproxy(), &["mod", "download"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }
}

#[test]
fn a_clean_run_asks_exactly_what_go_asked() {
    let project = Project::new(20);
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
    let project = Project::new(30);
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
    // Seven kinds for three files of three modules, and the half zips; a kept connection that ends
    // before the first byte is no fault, as with go.
    assert!((6 * 9 + 3..=7 * 9 + 3).contains(&stats.retries), "{}", stats.retries);
    assert_eq!(stats.asked, stats.requests + stats.retries);
    assert_eq!(stats.cured.len() as u64, stats.retries);
}

#[test]
fn go_names_the_real_upstream_in_errors_traces_and_json() {
    let project = Project::new(2);
    let server = Server::start(|seen| match seen.path.as_str() {
        p if p.contains("m1/") && p.ends_with(".zip") => Reply::Status(500, "out of order"),
        _ => good(seen),
    });
    let relay = relay(&server.url());
    let output = project.go(&relay.goproxy(), &["mod", "download", "-x", "-json"]);
    assert!(!output.status.success());
    for stream in [&output.stdout, &output.stderr] {
        let raw = String::from_utf8_lossy(stream);
        assert!(raw.contains(&relay.goproxy()));
        let mut rewriter = relay.rewriter();
        let mut shown: Vec<u8> = stream.chunks(7).flat_map(|piece| rewriter.feed(piece)).collect();
        shown.extend(rewriter.finish());
        let shown = String::from_utf8(shown).unwrap();
        let root = relay.goproxy();
        let (address, secret) = root["http://".len()..].split_once('/').unwrap();
        assert!(!shown.contains(address) && !shown.contains(secret), "{shown}");
        assert!(shown.contains(&format!("{}/e.test/m1/@v/v1.0.0.zip", server.url())), "{shown}");
    }
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told.contains("500 Internal Server Error") && told.contains("out of order"), "{told}");
    let failed = relay.stop().failed;
    assert_eq!(failed[0].module.as_deref(), Some("e.test/m1"));
    assert_eq!(failed[0].facts.status, Some(500));
}

#[test]
fn what_stays_direct_is_reached_after_404_only() {
    let project = Project::new(1);
    let lacking = Server::start(|_| Reply::Status(404, "no"));
    let down = Server::start(|_| Reply::Status(500, "no"));
    let at_direct = |server: &Server| {
        let relay = relay(&format!("{},direct", server.url()));
        let output = project.go(&relay.goproxy(), &["mod", "download"]);
        String::from_utf8_lossy(&output.stderr).contains("go-get=1")
    };
    assert!(at_direct(&lacking));
    assert!(!at_direct(&down), "an outage of one's own proxy stays one");
}

#[test]
fn modules_of_gonoproxy_never_reach_it() {
    let project = Project::new(1);
    let server = Server::start(good);
    let relay = relay(&format!("{},direct", server.url()));
    project.go(&relay.goproxy(), &["env", "-w", "GONOPROXY=e.test/*"]);
    let output = project.go(&relay.goproxy(), &["mod", "download"]);
    assert!(!output.status.success());
    assert_eq!((relay.stop().requests, server.log().len()), (0, 0));
}

#[test]
fn go_get_and_tidy_walk_the_graph_through_faults() {
    let project = Project::new(0);
    let server = Server::start(|seen| match good(seen) {
        Reply::Status(..) if seen.path.ends_with("@latest") => Reply::Status(404, "no"),
        Reply::Ok(_) if seen.before == 0 && seen.path.len() % 2 == 0 => Reply::Status(503, "busy"),
        reply => reply,
    });
    let relay = relay(&server.url());
    std::fs::write(
        project.dir.path().join("main.go"),
        "package main\n\nimport _ \"e.test/m1\"\nimport _ \"e.test/m2\"\n\nfunc main() {}\n",
    )
    .unwrap();
    let tidy = project.go(&relay.goproxy(), &["mod", "tidy"]);
    assert!(tidy.status.success(), "{}", String::from_utf8_lossy(&tidy.stderr));
    let get = project.go(&relay.goproxy(), &["get", "e.test/m3@latest"]);
    assert!(get.status.success(), "{}", String::from_utf8_lossy(&get.stderr));
    assert!(relay.stop().retries > 0);
}

#[test]
fn a_go_that_is_killed_takes_its_requests_with_it() {
    let project = Project::new(1);
    let server = Server::start(|_| Reply::Silent);
    let relay = start(Options { private: Rules::default(), ..options(&server.url()) }).unwrap();
    let mut child = Command::new(&project.go)
        .args(["mod", "download"])
        .current_dir(project.dir.path())
        .env_clear()
        .envs([("GOPROXY", relay.goproxy().as_str()), ("GOSUMDB", "off"), ("GOTOOLCHAIN", "local")])
        .envs([("HOME", project.dir.path()), ("GOPATH", &project.dir.path().join("gopath"))])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while server.log().is_empty() {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let address = relay.goproxy()["http://".len()..].split('/').next().unwrap().to_owned();
    let stats = relay.stop();
    assert_eq!(stats.requests, 1);
    assert!(std::net::TcpStream::connect(address).is_err());
}

//! Words that sound like a network: in names of folders, files, modules, versions and settings, in source and in
//! archives whose hash is right. Each is an error of the user's or the author's own: one attempt, go's status,
//! nobody else is asked, and no host is remembered as bad.

use super::{both, each};
use crate::harness::Project;
use crate::lab::{Entry, Lab, Module, Running};
use std::fs;

/// A public proxy that serves everything, and another one that would be asked if the first were in trouble.
fn lab(modules: Vec<Module>) -> Running {
    Lab::new()
        .modules(2)
        .given(modules)
        .entry(Entry::tls().named("proxy.golang.org"))
        .entry(Entry::tls().named("goproxy.cn"))
        .start()
}

fn project(lab: &Running) -> Project {
    Project::new(lab).env("GOPROXY", format!("{},{}", lab.url(0), lab.url(1))).shared_build_cache()
}

/// One attempt, as with go, and nothing remembered.
fn is_left_to_go(lab: &Running, relay: &str, args: &[&str], project: impl Fn() -> Project) {
    let pair = both(lab, relay, args, &project);
    assert_ne!(pair.plain.code(), Some(0), "an error of its own\n{}", pair.plain);
    pair.ended_alike();
    pair.told_no_more();
    pair.trusted_as_before();
    pair.kept_the_cache();
    assert_eq!(pair.ours.attempts(), 1, "relay={relay}\n{}", pair.ours);
    let health = fs::read(pair.our_project.state().join("health.json")).unwrap_or_default();
    let health: serde_json::Value = serde_json::from_slice(&health).unwrap_or_default();
    let upstreams = health["upstreams"].as_object().cloned().unwrap_or_default();
    let blamed = upstreams.values().any(|host| host["failed"] != 0 || host["dead"] == true);
    assert!(!blamed && health["network_failed"].as_u64().unwrap_or(0) == 0, "{health}\n{}", pair.ours);
}

/// A situation: its arguments, and what is made of the usual project.
type Situation = (&'static str, &'static [&'static str], fn(Project) -> Project);

const OF_THE_USERS: [Situation; 16] = [
    ("a missing folder named timeout", &["build", "./timeout"], |p| p),
    ("a missing folder named i/o timeout", &["vet", "./i/o timeout/..."], |p| p),
    ("a missing package named eof", &["build", "example.test/main/eof"], |p| p),
    ("an import of a missing package of one's own", &["build"], |p| {
        p.file("more.go", "package main\n\nimport _ \"example.test/main/connection-refused\"\n")
    }),
    ("an import that a module lacks", &["build"], |p| {
        p.file("more.go", "package main\n\nimport _ \"example.test/m000/no-such-host\"\n")
    }),
    ("go.work names a missing folder", &["build"], |p| {
        p.without("GOWORK").file("go.work", "go 1.21\n\nuse .\n\nuse ./timeout\n")
    }),
    ("an overlay that is missing", &["build", "-overlay=unexpected EOF.json"], |p| p),
    ("an overlay that is no JSON", &["build", "-overlay=dial tcp.json"], |p| p.file("dial tcp.json", "{eof")),
    ("two replacements", &["mod", "download"], |p| {
        let go_mod = "module example.test/main\n\ngo 1.21\n\nrequire example.test/m000 v1.0.0\n\n\
            replace example.test/m000 => ./timeout\n\nreplace example.test/m000 => ./eof\n";
        p.file("go.mod", go_mod)
    }),
    ("a replacement by a missing folder", &["build"], |p| {
        let go_mod = fs::read_to_string(p.dir().join("go.mod")).expect("go.mod");
        p.file("go.mod", go_mod + "\nreplace example.test/m000 => ./connection reset by peer\n")
    }),
    ("go.mod without a module line", &["mod", "download"], |p| {
        p.file("go.mod", "go 1.21\n\nrequire example.test/m000 v1.0.0\n")
    }),
    ("a version named eof", &["get", "example.test/m000@eof"], |p| p),
    ("a version named i/o-timeout", &["mod", "download", "example.test/m000@i/o-timeout"], |p| p),
    ("GOVCS with a pattern that nothing reaches", &["get", "github.com/other/lib@latest"], |p| {
        p.env("GOVCS", "github.com:git,github.com:network is unreachable")
            .env("GOPROXY", "direct")
            .file("go.mod", "module example.test/main\n\ngo 1.21\n")
    }),
    ("a flag named after an error", &["build", "-mod=tls handshake timeout"], |p| p),
    ("a constant that is no constant", &["vet"], |p| {
        p.file(
            "more.go",
            "package main\n\nconst _ int = \"dial tcp 192.0.2.1:443: connect: connection refused\"\n",
        )
    }),
];

#[test]
fn a_users_own_error_is_left_to_go_whatever_it_sounds_like() {
    let lab = lab(vec![]);
    each(OF_THE_USERS.map(|(name, args, make)| {
        let lab = &lab;
        (name.to_owned(), move |relay: &str| is_left_to_go(lab, relay, args, || make(project(lab))))
    }));
}

/// Archives whose hash is what go.sum says, made by an author who wants them refused.
fn archive(files: &[&str]) -> Module {
    let files = files.iter().map(|name| ((*name).to_owned(), b"package odd\n".to_vec())).collect();
    Module::new("example.test/odd", "v1.0.0", "module example.test/odd\n\ngo 1.21\n", files)
}

#[test]
fn an_archive_that_go_refuses_is_refused_once() {
    let archives: [(&str, &[&str]); 4] = [
        ("two names that are one", &["odd.go", "ODD.go"]),
        ("a name with a backslash", &["odd.go", "timeout\\eof.go"]),
        ("a name that leads out", &["odd.go", "../connection refused.go"]),
        ("a reserved name", &["odd.go", "con.go"]),
    ];
    each(archives.map(|(name, files)| {
        let attack = move |relay: &str| {
            let lab = lab(vec![archive(files)]);
            is_left_to_go(&lab, relay, &["mod", "download"], || {
                let go_mod = fs::read_to_string(project(&lab).dir().join("go.mod")).expect("go.mod");
                project(&lab).file("go.mod", go_mod + "\nrequire example.test/odd v1.0.0\n")
            });
        };
        (name.to_owned(), attack)
    }));
}

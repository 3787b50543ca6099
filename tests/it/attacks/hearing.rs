//! Situations that tempt gox to tell a name to somebody whom plain go would not have told.

use super::{Pair, both, each};
use crate::harness::{Act, FakeGo, Project};
use crate::lab::{Entry, Fault, Lab, Module, Place, Running, SIGNATURE, Seen, always};
use std::fs;

const SECRET: &str = "github.com/acme/secret";

/// A public proxy with a mirror behind it, and three plainly public modules.
fn public_lab() -> Lab {
    Lab::new()
        .module_host("github.com/lib")
        .entry(Entry::tls().named("goproxy.cn"))
        .entry(Entry::tls().named("goproxy.io"))
        .entry(Entry::tls().named("proxy.golang.org"))
        .entry(Entry::tls().named("github.com"))
        .sumdb()
}

fn project(lab: &Running, list: &str) -> Project {
    Project::new(lab)
        .env("GOPROXY", list)
        .env("GOX_MIRRORS", lab.url(1))
        .env("GOX_BUDGET", "1s")
        .env("GIT_SSL_CAINFO", lab.ca_file())
        .shared_build_cache()
}

fn secret() -> Module {
    let files = vec![("secret.go".to_owned(), b"package secret\n".to_vec())];
    Module::new(SECRET, "v1.0.0", &format!("module {SECRET}\n\ngo 1.21\n"), files)
}

/// go.sum without what it has of a module.
fn without(lab: &Running, path: &str) -> String {
    lab.go_sum().lines().filter(|line| !line.starts_with(path)).map(|line| format!("{line}\n")).collect()
}

/// What no line of gox may advise after a refusal.
#[track_caller]
fn opens_no_gate(pair: &Pair) {
    for line in pair.ours.said() {
        for advice in ["GOPROXY=", "GOPRIVATE", "GONOPROXY", "GOINSECURE", "mirrors", "rotate"] {
            assert!(!line.contains(advice), "{line}\n{}", pair.ours);
        }
    }
}

/// A proxy that serves what it knows and refuses the rest, under the name of a public one.
#[test]
fn a_curated_proxy_that_refuses_is_a_gate() {
    let reasons = ["This module version is not available.", "blocked by policy: CVE-2026-0001", ""];
    let verbs: [(&str, &[&str]); 3] = [
        ("get of an unknown module", &["get", "github.com/other/unknown@latest"]),
        ("get of an unknown version", &["get", "github.com/other/unknown@v1.2.3"]),
        ("tidy with a new import", &["mod", "tidy"]),
    ];
    let all = reasons.iter().flat_map(|reason| verbs.iter().map(move |(name, args)| (*reason, *name, *args)));
    each(all.map(|(reason, name, args)| {
        let attack = move |relay: &str| {
            let lab = public_lab().start();
            lab.also(
                Fault::forged(403, "text/plain; charset=utf-8", reason),
                always().proxy(0).path("^github.com(/other.*|/lib)?/@"),
            );

            let pair = both(&lab, relay, args, || {
                let source = "package main\n\nimport _ \"github.com/other/unknown\"\n";
                project(&lab, lab.url(0)).file("new.go", source)
            });
            pair.ended_alike();
            pair.told_no_more();
            opens_no_gate(&pair);
            assert_eq!(pair.ours.attempts(), 1, "relay={relay}\n{}", pair.ours);
        };
        (format!("{name}: {reason:?}"), attack)
    }));
}

/// A package firewall that blocks two pinned modules for a reason, and serves the third.
#[test]
fn a_firewall_that_gives_its_reason_is_a_gate_for_pinned_modules_too() {
    each([402, 403, 423, 451].map(|status| {
        let attack = move |relay: &str| {
            let lab = public_lab().start();
            let reason =
                Fault::forged(status, "text/plain; charset=utf-8", "blocked by policy malware-feed\n");
            lab.also(reason, always().proxy(0).path("m00[01].*zip$"));

            let pair =
                both(&lab, relay, &["mod", "download"], || project(&lab, &format!("{},direct", lab.url(0))));
            pair.ended_alike();
            pair.told_no_more();
            opens_no_gate(&pair);
        };
        (format!("status {status}"), attack)
    }));
}

/// What is built does not need the private module: no diagnosis may ask for it, nor write into go.sum.
#[test]
fn a_build_that_fails_asks_for_nothing_that_it_does_not_need() {
    let faults = [
        ("403 for everything", Fault::Status(403), "m000"),
        ("404 for a pinned module", Fault::Status(404), "m000"),
        ("500 for one file", Fault::Status(500), "m000.*mod$"),
    ];
    each(faults.map(|(name, fault, path)| {
        let attack = move |relay: &str| {
            let lab = public_lab().module(secret()).start();
            lab.also(fault, always().proxy(0).path(path));
            lab.also(fault, always().proxy(1).path(path));

            let pair = both(&lab, relay, &["build", "-o", "program", "."], || {
                let project = project(&lab, lab.url(0));
                let go_mod = fs::read_to_string(project.dir().join("go.mod")).expect("go.mod");
                project
                    .file("go.mod", format!("{go_mod}\nrequire {SECRET} v1.0.0\n"))
                    .file("go.sum", without(&lab, SECRET))
            });
            pair.ended_alike();
            let told = pair.heard_by_ours.iter().any(|heard| heard.contains(SECRET));
            let plain = pair.heard_by_plain.iter().any(|heard| heard.contains(SECRET));
            assert!(plain || !told, "relay={relay}: {:?}\n{}", pair.heard_by_ours, pair.ours);
            for file in ["go.mod", "go.sum"] {
                let read =
                    |p: &Project| fs::read_to_string(p.dir().join(file)).expect("a file of the project");
                assert_eq!(read(&pair.our_project), read(&pair.plain_project), "{file}, relay={relay}");
            }
        };
        (name.to_owned(), attack)
    }));
}

/// What a project holds that makes go end, or look elsewhere, before it asks anybody: gox asks for nothing either.
#[test]
fn nobody_is_asked_ahead_of_a_go_that_asks_nobody() {
    type Make = fn(Project, &Running) -> Project;
    let projects: [(&str, Make); 5] = [
        ("an empty vendor folder", |p, _| {
            fs::create_dir(p.dir().join("vendor")).expect("a folder of ours");
            p
        }),
        ("a vendor folder without a list", |p, _| p.file("vendor/README", "nothing here")),
        ("a link to a vendor folder", |p, _| {
            let elsewhere = p.root().join("elsewhere");
            fs::create_dir(&elsewhere).expect("a folder of ours");
            std::os::unix::fs::symlink(elsewhere, p.dir().join("vendor")).expect("a link of ours");
            p
        }),
        ("a go.sum in conflict", |p, lab| p.file("go.sum", format!("<<<<<<< HEAD\n{}", lab.go_sum()))),
        ("a go.sum that lacks a module", |p, lab| p.file("go.sum", without(lab, "example.test/m000"))),
    ];
    let verbs: [&[&str]; 5] =
        [&["build", "-o", "program", "."], &["vet"], &["list", "-deps", "."], &["run", "."], &["test", "."]];
    let all = projects.iter().flat_map(|project| verbs.iter().map(move |args| (*project, *args)));
    each(all.map(|((name, make), args)| {
        let attack = move |relay: &str| {
            let lab = Lab::new().modules(3).start();
            let pair = both(&lab, relay, args, || make(Project::new(&lab).shared_build_cache(), &lab));
            assert_ne!(pair.plain.code(), Some(0), "{}", pair.plain);
            pair.ended_alike();
            pair.told_no_more();
        };
        (format!("{name}, {}", args[0]), attack)
    }));
}

/// Of the proxies that pass a checksum database on, plain go asks the one that said so first, and no other.
#[test]
fn a_look_up_that_one_proxy_does_not_know_goes_to_no_other() {
    each([404, 410].map(|status| {
        let attack = move |relay: &str| {
            let lab = Lab::new()
                .entry(Entry::plain())
                .entry(Entry::plain().pipe())
                .entry(Entry::plain())
                .sumdb_through_proxies()
                .fault(Fault::Status(status), always().proxy(0).path("lookup/example.test/m000"))
                .start();
            let pair = both(&lab, relay, &["mod", "download"], || {
                Project::new(&lab).file("go.sum", without(&lab, "example.test/m000")).env("GOX_BUDGET", "1s")
            });
            pair.ended_alike();
            let looked_up = |seen: &Seen| seen.place != Place::Proxy(0) && seen.path.contains("lookup/");
            assert!(!lab.requests().iter().any(looked_up), "{}", pair.ours);
        };
        (format!("status {status}"), attack)
    }));
}

/// A store behind a redirect refuses, limits or breaks: its query is a secret and its trouble its own.
#[test]
fn the_query_of_a_redirect_is_printed_and_stored_nowhere() {
    let faults =
        [Fault::Status(403), Fault::RateLimited(1), Fault::Status(500), Fault::EofInBody, Fault::Html];
    each(faults.map(|fault| {
        let attack = move |relay: &str| {
            let lab = public_lab().storage().start();
            lab.also(fault, always().at(Place::Storage));

            let pair = both(&lab, relay, &["mod", "download"], || {
                project(&lab, lab.url(0)).env("GOX_MIRRORS", "none")
            });
            pair.told_no_more();
            let state = super::snapshot(&pair.our_project.state());
            let mut written: Vec<String> =
                state.values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
            written.push(format!("{:#}", pair.ours.report()));
            written.extend(pair.ours.said());
            let key = SIGNATURE.split('&').next_back().expect("a key");
            assert!(!written.iter().any(|text| text.contains(key)), "relay={relay}: {written:#?}");
        };
        (format!("{fault:?}"), attack)
    }));
}

/// Words that name a proxy further back: what gox asks to find out whether they are true goes no further than go.
#[test]
fn words_about_the_second_proxy_tell_it_no_name_that_the_first_knows() {
    let name = "example.test/m001";
    for relay in ["auto", "always", "never"] {
        for said in ["Get \"URL\": EOF", "Get \"URL\": dial tcp 127.0.0.1:1: connect: connection refused"] {
            let lab = Lab::new().entry(Entry::plain()).entry(Entry::plain()).start();
            let url = format!("{}/{name}/@v/v1.0.0.mod", lab.url(1));
            let forged = format!("go: {name}@v1.0.0: {}\n", said.replace("URL", &url));
            let acts = [Act::Err(forged.as_bytes()), Act::Exit(1)];
            let fake = FakeGo::new().attempt(&acts).attempt(&acts).attempt(&acts);
            let project =
                Project::new(&lab).with_go(&fake.path()).env("GOX_RELAY", relay).env("GOX_BUDGET", "1s");
            let outcome = project.gox(["get", "example.test/m000"]).run();
            let heard = lab.requests().iter().any(|r| r.place == Place::Proxy(1) && r.path.contains(name));
            assert!(!heard, "{relay}\n{outcome}");
        }
    }
}

//! Modules that are asked about, and whom nobody hears of.

use super::{Told, tells, well};
use crate::harness::Project;
use crate::lab::{Entry, Fault, Lab, Place, Running, always};
use std::fs;

#[test]
fn s18_a_private_module_behind_a_public_proxy() {
    let module = "git.corp.example/acme/secret";
    let page = format!(
        "<html><head><meta name=\"go-import\" content=\"{module} git https://{module}.git\"></head></html>"
    );
    let lab = Lab::new()
        .entry(Entry::tls().named("proxy.corp.example"))
        .entry(Entry::literal("direct"))
        .sumdb()
        .name("git.corp.example", Place::Web)
        .page("acme/secret", &page)
        .fault(Fault::Status(401), always().at(Place::Web).path("info/refs"))
        .start();
    let told = Told { verdict: "credentials", what: "it is private", advice: "gox private add" };
    let found = tells(&Project::new(&lab), &[module], told);
    assert_eq!(found["host"], "git.corp.example");
}

#[test]
fn s19_the_version_does_not_exist() {
    let lab = Lab::new().sumdb().start();
    let told = Told {
        verdict: "module",
        what: "example.test/m000 has no version v9.9.9",
        advice: "go list -m -versions example.test/m000",
    };
    tells(&Project::new(&lab), &["example.test/m000@v9.9.9"], told);
    tells(&Project::new(&lab), &["example.test/m000@v1.0.0", "example.test/m001"], well());
}

fn forge() -> Running {
    let module = "gitlab.corp.example/team/lib";
    let page = format!(
        "<html><head><meta name=\"go-import\" content=\"{module} git https://{module}.git\"></head></html>"
    );
    Lab::new()
        .entry(Entry::tls().named("proxy.corp.example"))
        .sumdb()
        .name("gitlab.corp.example", Place::Web)
        .page("team/lib", &page)
        .page("team/lib.git/info/refs", "001e# service=git-upload-pack\n0000")
        .start()
}

#[test]
fn s28_a_private_forge_with_a_login() {
    let lab = forge();
    let project = Project::new(&lab).env("GOPRIVATE", "gitlab.corp.example");
    let netrc = project.root().join("home/.netrc");
    fs::write(&netrc, "machine gitlab.corp.example login me password hush-hush\n").expect("a file");
    let found = tells(&project, &["gitlab.corp.example/team/lib"], well());
    assert!(!found.to_string().contains("hush"), "{found}");
    let heard = lab.requests();
    assert!(heard.iter().any(|seen| seen.place == Place::Web), "its own host was asked");
    assert!(
        heard.iter().all(|seen| seen.place == Place::Web || !seen.path.contains("team/lib")),
        "nobody else heard of it"
    );
    // A module of the project is asked for by itself.
    lab.forget();
    let sum = "h1:aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6jK9mN2o=";
    let project = project.file("go.sum", format!("gitlab.corp.example/team/lib v1.0.0 {sum}\n"));
    let found = tells(&project, &[], well());
    assert!(found.to_string().contains("\"name\":\"origin\""), "{found}");
    let heard = lab.requests();
    let with_login = |seen: &&crate::lab::Seen| seen.headers.iter().any(|(name, _)| name == "authorization");
    assert!(heard.iter().any(|seen| with_login(&seen)), "go would log in");
}

#[test]
fn a_private_name_goes_no_further_than_go_would_carry_it() {
    let lab = Lab::new().entry(Entry::plain()).entry(Entry::plain()).sumdb().start();
    let project = Project::new(&lab).env("GOX_PRIVATE", "git.corp.example");
    fs::remove_file(project.dir().join("go.sum")).expect("a file");
    let outcome = project.gox(["doctor", "git.corp.example/a@v1.0.0"]).run();
    assert_eq!(outcome.code(), Some(1), "{outcome}");
    // 404 of the first lets go ask the second; nobody else hears of it.
    let heard: Vec<Place> =
        lab.requests().iter().filter(|seen| seen.path.contains("corp")).map(|seen| seen.place).collect();
    assert_eq!(heard, [Place::Proxy(0), Place::Proxy(1)]);
    lab.forget();
    lab.also(Fault::Status(500), always().proxy(0).path("corp"));
    project.gox(["doctor", "git.corp.example/a@v1.0.0"]).run();
    let heard: Vec<Place> =
        lab.requests().iter().filter(|seen| seen.path.contains("corp")).map(|seen| seen.place).collect();
    assert_eq!(heard, [Place::Proxy(0)], "a comma is crossed on 404 alone");
}

#[test]
fn modules_of_the_project_that_are_private_are_no_samples() {
    let lab = Lab::new().module_host("git.corp.example").sumdb().start();
    let project = Project::new(&lab).env("GOX_PRIVATE", "git.corp.example");
    tells(&project, &[], well());
    assert!(!lab.requests().is_empty());
    assert!(lab.requests().iter().all(|seen| !seen.path.contains("corp")), "{:?}", lab.requests());
}

#[test]
fn what_is_no_module_is_wrong_use() {
    let lab = Lab::new().start();
    for name in ["UPPER/case", "example.test/m@", "-x", "./here"] {
        let outcome = Project::new(&lab).gox(["doctor", "--", name]).run();
        assert_eq!(outcome.code(), Some(125), "{name}\n{outcome}");
    }
}

#[test]
fn modules_that_take_too_long_are_a_gate_for_ci() {
    let lab = Lab::new().sumdb().latency(std::time::Duration::from_millis(60)).start();
    let project = Project::new(&lab);
    let modules = ["example.test/m000", "example.test/m001@v1.0.0"];
    tells(&project, &[&["--max-latency", "8s"][..], &modules].concat(), well());
    let told = Told { verdict: "module", what: "more than 50 ms", advice: "another proxy" };
    tells(&project, &[&["--max-latency", "50ms"][..], &modules].concat(), told);
}

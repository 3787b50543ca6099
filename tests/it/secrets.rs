//! Secrets of every kind that a run may come across, planted where they are met, and looked for in all that gox
//! says and keeps: its lines, the progress, the report, the record, the journal, a CI system's summary, history,
//! explain, config, doctor.

use crate::harness::{Outcome, Project};
use crate::lab::{Entry, Fault, Lab, Running, SIGNATURE, always, first_of_each};
use std::fs;
use std::path::Path;

/// The kinds, each with the word that must not be seen anywhere.
const PLANTED: [(&str, &str); 16] = [
    ("the password of a GOPROXY entry", "pwGoproxy5kX"),
    ("the password of a mirror", "pwMirror8vQ"),
    ("the password of an HTTP proxy", "pwSquid3tR"),
    ("a password in .netrc", "pwNetrc9wZ"),
    ("the signature of a store's address", "f00dfacef00dface"),
    ("a token in git's settings", "tokInsteadOf4pL"),
    ("a value for the linker", "keyLinked6mN"),
    ("a token among the arguments", "tokTagged2bV"),
    ("a login in an address that a server quotes", "pwQuoted7cJ"),
    ("the query of an address that a server quotes", "sigQuoted1dH"),
    ("the fragment of an address that a server quotes", "fragQuoted8eG"),
    ("a GitHub token in a server's words", "ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6"),
    ("a GitLab token in a server's words", "glpat-a1B2c3D4e5F6g7H8i9J0"),
    ("a cloud's key in a server's words", "AKIAQ7W3E9R5T1Y8U2I4"),
    ("a JSON web token in a server's words", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmVk"),
    ("a named value in a server's words", "pwNamed5fS"),
];

/// What a careless server says.
const WORDS: &str = "upstream failed: Get \"https://robot:pwQuoted7cJ@forge.test/a.zip?sig=sigQuoted1dH\": EOF; see \
    https://forge.test/b#token=fragQuoted8eG; sent ghp_A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6 and glpat-a1B2c3D4e5F6g7H8i9J0, \
    AKIAQ7W3E9R5T1Y8U2I4, eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmVk, password=pwNamed5fS";

/// A lab behind a login, whose store wants a signature.
fn lab() -> Lab {
    Lab::new().modules(3).storage().entry(Entry::tls().credentials("reader:pwGoproxy5kX"))
}

/// Surroundings full of secrets, and a main module that needs all of the lab.
fn project(lab: &Running) -> Project {
    let project = Project::new(lab)
        .shared_build_cache()
        .env("GOX_VERBOSITY", "verbose")
        .env("GOX_MIRRORS", "https://reader:pwMirror8vQ@mirror.test/x?key=pwMirror8vQ")
        .env("HTTPS_PROXY", "http://reader:pwSquid3tR@127.0.0.1:9")
        .env("GOFLAGS", "-ldflags=-X=main.key=keyLinked6mN -mod=mod")
        .env("GITHUB_ACTIONS", "true")
        .env("GOX_TEST_HASTE", "50");
    let home = project.root().join("home");
    let netrc = "machine 127.0.0.1 login reader password pwNetrc9wZ\nmachine mods.corp.test login a password pwNetrc9wZ\n";
    fs::write(home.join(".netrc"), netrc).expect("a file in the temporary folder");
    let git = "[url \"https://oauth2:tokInsteadOf4pL@forge.test/\"]\n\tinsteadOf = https://forge.test/\n";
    fs::write(home.join(".gitconfig"), git).expect("a file in the temporary folder");
    let summary = project.root().join("summary.md");
    let record = project.root().join("record.jsonl");
    project.env("GITHUB_STEP_SUMMARY", summary).env("GOX_RECORD", record)
}

/// Every file that gox keeps below this folder.
fn kept(dir: &Path) -> String {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries
        .map(|path| if path.is_dir() { kept(&path) } else { fs::read_to_string(path).unwrap_or_default() })
        .collect()
}

/// All that gox said and kept, named by where.
fn all_of(project: &Project, outcome: &Outcome, on_terminal: bool) -> Vec<(&'static str, String)> {
    let root = project.root();
    let file = |name: &str| fs::read_to_string(root.join(name)).unwrap_or_default();
    let log = root.join("log");
    fs::write(&log, [&*outcome.stdout, outcome.err().as_bytes()].concat())
        .expect("a file in the temporary folder");
    let log = log.to_str().expect("a path of letters").to_owned();
    let own = |args: &[&str]| {
        let outcome = project.gox(args).without("GOX_RECORD").run();
        outcome.out() + &outcome.err()
    };
    // What go says to the person is go's own; on a terminal the two are told apart by gox's name.
    let all = if on_terminal { outcome.out() } else { outcome.err() };
    let gos = |line: &&str| line.contains("gox:") || line.starts_with("     ") || line.starts_with("::");
    vec![
        ("gox's lines", all.lines().filter(gos).map(|line| line.to_owned() + "\n").collect()),
        ("the report", outcome.report().to_string()),
        ("the record", file("record.jsonl")),
        ("the summary", file("summary.md")),
        ("the state", kept(&project.state())),
        (
            "history",
            own(&["history"]) + &own(&["history", "--format", "json"]) + &own(&["history", "--summary"]),
        ),
        ("explain", own(&["explain", &log]) + &own(&["explain", "--format", "json", &log])),
        (
            "the last run explained",
            project.gox(["explain"]).without("GOX_RECORD").start_on_terminal().wait().out(),
        ),
        ("config", own(&["config"]) + &own(&["config", "--format", "json"])),
        ("private", own(&["private", "list"])),
    ]
}

/// Runs it once with a pipe and once on a terminal, and looks everywhere.
#[track_caller]
fn no_secret(project: &Project, args: &[&str]) -> String {
    let mut seen = String::new();
    for on_terminal in [false, true] {
        project.clear_module_cache();
        let run = project.gox(args).env("TERM", "xterm");
        let outcome = if on_terminal { run.start_on_terminal().wait() } else { run.run() };
        for (place, text) in all_of(project, &outcome, on_terminal) {
            for (kind, secret) in PLANTED {
                assert!(!text.contains(secret), "{args:?}: {kind} in {place}:\n{text}\n{outcome}");
            }
            seen += &text;
        }
    }
    seen
}

/// The lines and files are there at all, and hold what is no secret.
#[track_caller]
fn tells(seen: &str, what: &[&str]) {
    for part in what {
        assert!(seen.contains(part), "{part} in\n{seen}");
    }
}

#[test]
fn the_signature_is_the_labs() {
    assert!(PLANTED.iter().any(|(_, secret)| SIGNATURE.contains(secret)));
}

#[test]
fn words_of_a_server_that_refuses() {
    let lab = lab().fault(Fault::Says(403, WORDS), always().path("m001")).start();
    let args = ["mod", "download"];
    tells(&no_secret(&project(&lab), &args), &["http-403", "example.test/m001"]);
    tells(
        &no_secret(&project(&lab).env("GOX_FILL", "off"), &args),
        &["http-403", "refuses example.test/m001"],
    );
}

#[test]
fn words_of_a_server_in_trouble() {
    let lab = lab().fault(Fault::Says(500, WORDS), always().path("m001/@v/.*zip")).start();
    let args = ["build", "-ldflags=-X main.key=keyLinked6mN", "-tags=token=tokTagged2bV", "."];
    tells(&no_secret(&project(&lab), &args), &["http-5xx", "example.test/m001", "ldflags"]);
}

#[test]
fn words_of_a_server_that_lacks_a_module() {
    let lab = lab().fault(Fault::Says(404, WORDS), always().path("m009")).start();
    // What go.sum pins would be asked for again for a while.
    no_secret(&project(&lab), &["get", "example.test/m009@latest"]);
}

#[test]
fn a_recovery_and_a_login_page() {
    let page = Fault::forged(200, "text/html", format!("<html><body>{WORDS}</body></html>"));
    let lab = lab()
        .fault(page, first_of_each(1).path("m000/@v/.*mod"))
        .fault(Fault::Eof, first_of_each(1).path("m001/@v/.*zip"))
        .start();
    let project = project(&lab).env("GOX_RELAY", "never");
    tells(&no_secret(&project, &["mod", "download"]), &["got through"]);
}

#[test]
fn a_proxy_on_the_way_and_a_store_that_refuses() {
    let refuses = Fault::Says(403, WORDS);
    let lab = lab().fault(refuses, always().at(crate::lab::Place::Storage)).start();
    tells(&no_secret(&project(&lab), &["mod", "download"]), &["http-403"]);
    let behind =
        project(&lab).env("GOPROXY", "https://reader:pwGoproxy5kX@mods.corp.test/x?key=pwGoproxy5kX");
    no_secret(&behind, &["mod", "download"]);
}

#[test]
fn a_doctor_keeps_what_it_hears_to_itself() {
    let lab = lab().fault(Fault::Says(403, WORDS), always().path("m001")).start();
    let behind = "https://reader:pwGoproxy5kX@mods.corp.test/x?key=pwGoproxy5kX";
    for goproxy in [None, Some(behind)] {
        let mut project = project(&lab);
        if let Some(goproxy) = goproxy {
            project = project.env("GOPROXY", goproxy);
        }
        for args in
            [&["doctor"][..], &["doctor", "--format", "json"], &["doctor", "example.test/m001@v1.0.0"]]
        {
            let outcome = project.gox(args).run();
            let text = outcome.out() + &outcome.err() + &kept(&project.state());
            assert!(text.len() > 40, "{outcome}");
            for (kind, secret) in PLANTED {
                assert!(!text.contains(secret), "{args:?}: {kind} in\n{text}");
            }
        }
    }
}

//! What gox says and stores: nothing without a reason, and never a secret.

use crate::harness::{Act, FakeGo, Outcome, Project, same_lines, same_lines_but_for_downloads};
use crate::lab::{Entry, Fault, Lab, Place, Running, SIGNATURE, always, first_of_each};
use std::fs;

/// All that gox itself says or stores.
fn told(project: &Project, outcome: &Outcome) -> String {
    let mut text = outcome.said().join("\n");
    text.push_str(&outcome.report.as_ref().map(ToString::to_string).unwrap_or_default());
    for entry in fs::read_dir(project.state()).expect("the state folder").flatten() {
        text.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default()));
    }
    text
}

#[test]
fn secrets_are_neither_said_nor_stored() {
    let word = "hunter2";
    let signature = SIGNATURE.rsplit('=').next().expect("a signature");
    for (fault, place, code) in [
        (Fault::Eof, Place::Proxy(0), 0),
        (Fault::EofInBody, Place::Storage, 0),
        (Fault::Status(503), Place::Storage, 0),
        (Fault::Status(403), Place::Storage, 1),
        (Fault::Status(404), Place::Proxy(0), 1),
        (Fault::AlterZip, Place::Storage, 0),
    ] {
        let when = if code == 0 { first_of_each(1).path("m001") } else { always().path("m001.*zip$") };
        let lab = Lab::new()
            .modules(2)
            .storage()
            .entry(Entry::tls().credentials(&format!("reader:{word}")))
            .fault(fault, when.at(place))
            .start();
        let project = Project::new(&lab)
            .env("GOX_FILL", "off")
            .env("GOX_VERBOSITY", "verbose")
            .env("GOX_ATTEMPTS", "2");
        let outcome = project.gox(["mod", "download"]).run().exited(code);
        assert!(outcome.attempts() >= 2 || code == 1, "{fault:?} did not hit\n{outcome}");
        let told = told(&project, &outcome);
        assert!(told.contains("localhost") || told.contains(&lab.host(0)), "{told}");
        for secret in [word, signature, "reader:", "X-Lab-"] {
            assert!(!told.contains(secret), "{fault:?}: {secret} in\n{told}\n{outcome}");
        }
        // What is asked for later shows none either.
        for args in
            [&["history"][..], &["history", "--format", "json"], &["config"], &["config", "--format", "json"]]
        {
            let shown =
                project.gox(args).env("GOX_MIRRORS", format!("https://reader:{word}@mirror.test")).run();
            assert!(!shown.out().contains(word) && !shown.err().contains(word), "{args:?}\n{shown}");
        }
    }
    // In the words of a go that shows them, and in arguments.
    let url = format!("https://reader:{word}@proxy.test/example.test/a/@v/v1.0.0.zip?sig={signature}");
    let words = format!("go: example.test/a@v1.0.0: Get \"{url}\": EOF\n");
    let fake = FakeGo::new().attempt(&[Act::Err(words.as_bytes()), Act::Exit(1)]).attempt(&[]);
    let project = Project::empty()
        .with_go(&fake.path())
        .env("GOX_VERBOSITY", "verbose")
        .env("GOPROXY", format!("https://reader:{word}@proxy.test,https://other:{word}@next.test"));
    let outcome = project.gox(["get", &url]).run().success();
    assert!(outcome.said().join("\n").contains("proxy.test"), "{outcome}");
    let told = told(&project, &outcome);
    assert!(!told.contains(word) && !told.contains(signature), "{told}");
    assert_eq!(fake.calls()[0].args, ["get", &url], "go's own arguments stay as they are");
}

#[test]
fn gox_says_nothing_when_nothing_happened() {
    let lab = Lab::new().modules(3).start();
    for (verbosity, fill) in [("normal", "off"), ("verbose", "off"), ("normal", "auto"), ("verbose", "auto")]
    {
        let project = || {
            let project = Project::new(&lab).shared_build_cache();
            project.env("GOX_VERBOSITY", verbosity).env("GOX_FILL", fill)
        };
        let (left, right) = (project(), project());
        for args in [
            &["mod", "tidy"][..],
            &["mod", "download"],
            &["mod", "download"],
            &["mod", "verify"],
            &["build"],
            &["list", "-m", "all"],
            &["get", "example.test/m000@v1.0.0"],
            &["run", "."],
            &["vet"],
        ] {
            let (plain, ours) = (left.go(args).run().success(), right.gox(args).run().success());
            if fill == "off" {
                same_lines(&plain, &ours);
            } else {
                same_lines_but_for_downloads(&plain, &ours);
            }
        }
        // What met the network is in the journal, and who served is remembered: nothing else, and no fault.
        let left = fs::read_dir(right.state()).expect("the state folder").flatten();
        let known = ["journal.jsonl", "health.json", "health.lock"];
        let left: Vec<_> = left.filter(|file| !known.iter().any(|name| file.file_name() == *name)).collect();
        assert!(left.is_empty(), "a clean run left {left:?}");
        let health = fs::read(right.state().join("health.json")).expect("who served");
        let health: serde_json::Value = serde_json::from_slice(&health).expect("health.json");
        assert_eq!(health["network_failed"], 0, "{health}");
        let upstreams = health["upstreams"].as_object().expect("upstreams");
        assert!(
            upstreams.len() == 1 && upstreams.values().all(|u| u["worked"] != 0 && u["failed"] == 0),
            "{health}"
        );
    }
}

#[test]
fn quiet_is_quiet_but_for_a_mismatch_that_was_cured() {
    let lab = |fault| Lab::new().modules(2).fault(fault, first_of_each(1).path("m001.*zip$")).start();
    let run = |lab: &Running, verbosity: &str, fill: &str| {
        let project = Project::new(lab).env("GOX_VERBOSITY", verbosity).env("GOX_FILL", fill);
        project.gox(["mod", "download"]).run().success()
    };
    let eof = lab(Fault::Eof);
    let outcome = run(&eof, "quiet", "off");
    assert!(outcome.said().is_empty(), "{outcome}");
    assert_eq!(outcome.attempts(), 2);
    for (verbosity, fill) in
        ["quiet", "normal", "verbose"].into_iter().flat_map(|v| [(v, "off"), (v, "auto")])
    {
        let altered = lab(Fault::AlterZip);
        let outcome = run(&altered, verbosity, fill);
        let about: Vec<String> = outcome
            .said()
            .into_iter()
            .filter(|line| line.contains("mismatch") && line.contains("example.test/m001@v1.0.0"))
            .collect();
        assert!(!about.is_empty(), "{verbosity}\n{outcome}");
        if verbosity == "quiet" {
            assert_eq!(outcome.said().len(), 1, "{outcome}");
        }
    }
}

#[test]
fn a_proxy_that_rests_is_only_told_of_where_one_is_asked() {
    let lab = Lab::new()
        .module_host("github.com/lib")
        .modules(2)
        .entry(Entry::closed())
        .entry(Entry::plain())
        .start();
    let project = Project::new(&lab).shared_build_cache().env("GOX_RELAY", "never");
    project.gox(["mod", "download"]).run().success();
    project.clear_module_cache();
    let outcome = project.gox(["mod", "download"]).run().success();
    assert_eq!(outcome.said().len(), 1, "{outcome}");
    assert_eq!(outcome.attempts(), 1);
    assert!(outcome.said()[0].contains(lab.url(0)) && outcome.said()[0].contains(lab.url(1)), "{outcome}");
    // With a whole cache nobody is asked, so that there is nothing to say.
    for args in [&["mod", "download"][..], &["build", "-o", "/dev/null"], &["list", "-m", "all"]] {
        let outcome = project.gox(args).run().success();
        assert!(outcome.err().is_empty(), "{outcome}");
    }
}

#[test]
fn what_is_kept_is_the_owners_alone_and_tells_no_secret_of_the_arguments() {
    use std::os::unix::fs::PermissionsExt;
    let word = "hunter2hunter2";
    let fake = FakeGo::new()
        .attempt(&[
            Act::Err(
                b"go: example.test/a@v1.0.0: Get \"https://proxy.test/example.test/a/@v/v1.0.0.mod\": EOF\n",
            ),
            Act::Exit(1),
        ])
        .attempt(&[]);
    let project =
        Project::empty().with_go(&fake.path()).env("GOPROXY", "https://proxy.test,https://next.test");
    let state = project.root().join("fresh/gox");
    let args = ["build", &format!("-ldflags=-X main.password={word}"), &format!("-tags=token={word}"), "."];
    let outcome = project.gox(args).env("GOX_STATE_DIR", &state).run().success();
    let mode = |path: &std::path::Path| fs::metadata(path).expect("kept").permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    let mut kept = 0;
    for entry in fs::read_dir(&state).expect("the state folder").flatten() {
        if entry.path().extension().is_some_and(|e| e != "lock") {
            kept += 1;
            assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
            let text = fs::read_to_string(entry.path()).expect("text");
            assert!(!text.contains(word), "{text}");
        }
    }
    assert_eq!(kept, 2, "journal and health");
    assert_eq!(
        outcome.report()["argv"],
        serde_json::json!(["build", "-ldflags=***", "-tags=token=***", "."])
    );
    assert_eq!(fake.calls()[0].args, args, "go's own arguments stay as they are");
}

#[test]
fn a_mirror_that_is_misspelt_shows_no_password() {
    let word = "hunter2";
    let project = Project::empty();
    for value in [
        format!("https//reader:{word}@mirror.test"),
        format!("reader:{word}@mirror.test"),
        format!("https:reader:{word}@mirror.test"),
        format!("ftp://reader:{word}@mirror.test?key={word}"),
        format!("https://reader:{word} x@mirror.test"),
        format!("https://mirror.test/?key={word} https://other.test"),
    ] {
        for args in [&["mod", "download"][..], &["config"], &["config", "--format", "json"]] {
            let shown = project.gox(args).env("GOX_MIRRORS", &value).run();
            assert!(!shown.out().contains(word) && !shown.err().contains(word), "{value}\n{shown}");
        }
    }
}

#[test]
fn a_strangers_words_steer_no_terminal() {
    let evil = "\u{1b}[2J\u{9b}31m\u{202e}\u{2066}";
    let words = format!(
        "go: example.test/a{evil}@v1.0.0: Get \"https://proxy{evil}.test/example.test/a/@v/v1.0.0.mod\": EOF{evil}\n"
    );
    let fake = FakeGo::new().attempt(&[Act::Err(words.as_bytes()), Act::Exit(1)]).attempt(&[]);
    let project = Project::empty()
        .with_go(&fake.path())
        .env("GOX_VERBOSITY", "verbose")
        .env("GOPROXY", "https://proxy.test,https://next.test");
    let outcome = project.gox(["get", &format!("x{evil}")]).run();
    let log = project.root().join("log");
    fs::write(&log, &words).expect("a file in the temporary folder");
    let log = log.to_str().expect("a path of letters").to_owned();
    let mut told = told(&project, &outcome);
    for args in [
        &["history"][..],
        &["history", "--format", "json"],
        &["explain", &log],
        &["explain", "--format", "json", &log],
        &["config"],
    ] {
        told += &project.gox(args).env("GOX_PRIVATE", format!("a{evil}b.test")).run().out();
    }
    let steers = |c: char| {
        (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!told.chars().any(steers), "{told:?}");
}

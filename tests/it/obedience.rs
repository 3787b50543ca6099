//! What gox must not do: use a network that go would not, repeat what it should not, weaken a check, or
//! break go by troubles of its own.

use crate::harness::{Act, FakeGo, Project, same_lines};
use crate::lab::{Entry, Fault, Lab, Running, always, first_of_each};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const EOF: &[u8] =
    b"go: example.test/a@v1.0.0: Get \"http://127.0.0.1:1/example.test/a/@v/v1.0.0.mod\": EOF\n";

/// Fails once with what gox retries, then succeeds.
fn once() -> FakeGo {
    FakeGo::new().attempt(&[Act::Err(EOF), Act::Exit(1)]).attempt(&[])
}

/// Every connection that is no loopback one would come to this lab instead.
fn fenced(project: Project, lab: &Running) -> Project {
    project.env("HTTPS_PROXY", lab.url(0)).env("HTTP_PROXY", lab.url(0)).without("NO_PROXY")
}

/// The state folder of a machine where this lab did not answer a moment ago.
fn with_bad_health(project: Project, lab: &Running) -> Project {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let health = serde_json::json!({
        "upstreams": { lab.url(0): { "failed": now, "worked": 0, "dead": true } },
        "network_failed": now,
    });
    fs::write(project.state().join("health.json"), health.to_string()).expect("a file of ours");
    project
}

#[test]
fn proxy_off_makes_no_request() {
    let lab = Lab::new().modules(3).start();
    for bad_health in [false, true] {
        for (list, args) in [
            ("off", &["mod", "download"][..]),
            ("off", &["mod", "tidy"]),
            ("off", &["get", "example.test/m000@latest"]),
            ("off", &["build"]),
            ("off,https://proxy.golang.org", &["mod", "download"]),
        ] {
            let project =
                fenced(Project::new(&lab), &lab).env("GOPROXY", list).env("GOX_MIRRORS", lab.url(0));
            let project = if bad_health { with_bad_health(project, &lab) } else { project };
            let plain = project.go(args).run();
            let ours = project.gox(args).run();
            same_lines(&plain, &ours);
            assert_eq!(ours.attempts(), 1, "{ours}");
        }
    }
    assert!(lab.requests().is_empty(), "{:?}", lab.requests());
}

#[test]
fn off_in_the_list_is_a_wall() {
    let lab = Lab::new()
        .modules(2)
        .entry(Entry::closed())
        .entry(Entry::literal("off"))
        .entry(Entry::plain())
        .start();
    let project = fenced(Project::new(&lab), &lab).env("GOX_MIRRORS", lab.url(2));
    project
        .gox(["mod", "download"])
        .env("HTTP_PROXY", lab.url(2))
        .env("HTTPS_PROXY", lab.url(2))
        .run()
        .exited(1);
    assert!(lab.requests().is_empty(), "{:?}", lab.requests());
}

/// A project whose vendor folder is whole, and whose module cache is empty.
fn vendored(lab: &Running) -> Project {
    let project = fenced(Project::new(lab), lab).shared_build_cache();
    project.go(["mod", "vendor"]).run().success();
    project.clear_module_cache();
    lab.forget();
    lab.also(Fault::Eof, always());
    project
}

#[test]
fn a_vendor_folder_needs_no_network() {
    let lab = Lab::new().modules(2).start();
    let project = with_bad_health(vendored(&lab), &lab);
    for flags in ["", "-mod=vendor"] {
        for args in [&["build", "-o", "/dev/null"][..], &["vet"], &["list", "./..."], &["list", "-deps", "."]]
        {
            let ours = project.gox(args).env("GOFLAGS", flags).run().success();
            assert!(ours.err().is_empty(), "gox has nothing to say\n{ours}");
        }
    }
    // What vendoring lacks is go's to tell, and nobody is asked for it.
    let project = project.file("more.go", "package main\n\nimport _ \"example.test/m009\"\n");
    let args = ["build", "-mod=vendor"];
    let (plain, ours) = (project.go(args).run().exited(1), project.gox(args).run().exited(1));
    same_lines(&plain, &ours);
    assert_eq!(ours.attempts(), 1);
    let args = ["list", "-m", "-mod=vendor", "example.test/m000@v1.0.1"];
    let (plain, ours) = (project.go(args).run(), project.gox(args).run());
    same_lines(&plain, &ours);
    assert!(lab.requests().is_empty(), "{:?}", lab.requests());
}

#[test]
fn a_users_program_runs_once() {
    // By flag, by GOFLAGS in the environment, and by `go env -w`.
    let settings = |project: &Project| {
        let file = project.root().join("goenv");
        fs::write(&file, "GOFLAGS=-toolexec=time\n").expect("a file of ours");
        file.display().to_string()
    };
    let cases: [(&[&str], &str); 9] = [
        (&["run", "."], ""),
        (&["test", "./..."], ""),
        (&["generate"], ""),
        (&["tool", "stringer"], ""),
        (&["build", "-toolexec", "time"], ""),
        (&["vet", "-vettool=x"], ""),
        (&["build"], "-toolexec=time"),
        (&["-C", ".", "install", "./..."], "-mod=mod -toolexec=time"),
        (&["list", "-export", "./..."], "--toolexec=time"),
    ];
    for (args, goflags) in cases {
        let fake = once();
        let project = Project::empty().with_go(&fake.path());
        let outcome = project.gox(args).env("GOFLAGS", goflags).run().exited(1);
        assert_eq!(outcome.stderr, EOF, "{args:?} {goflags}\n{outcome}");
        assert_eq!(fake.calls().len(), 1, "{args:?} {goflags}");
    }
    let fake = once();
    let project = Project::empty().with_go(&fake.path()).without("GOFLAGS");
    let file = settings(&project);
    project.gox(["build"]).env("GOENV", &file).run().exited(1);
    assert_eq!(fake.calls().len(), 1, "GOFLAGS of go env -w");
    // What names no program is repeated as ever.
    let fake = once();
    let project = Project::empty().with_go(&fake.path());
    project.gox(["build"]).env("GOFLAGS", "-mod=mod -trimpath").run().success();
    assert_eq!(fake.calls().len(), 2);
}

#[test]
fn a_real_toolexec_program_that_fails_is_not_run_again() {
    let lab = Lab::new().modules(1).start();
    let project = Project::new(&lab);
    let tool = project.root().join("tool");
    let log = project.root().join("log");
    // It fails with the words of a network fault, for the package of the main module alone.
    let text = format!(
        "#!/bin/sh\ncase \"$TOOLEXEC_IMPORTPATH\" in example.test/main) echo x >>'{}'; cat '{}' >&2; exit 1 ;; esac\nexec \"$@\"\n",
        log.display(),
        project.root().join("words").display()
    );
    fs::write(project.root().join("words"), EOF).expect("a file of ours");
    fs::write(&tool, text).expect("a file of ours");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    let project = project.file("main.go", "package main\n\nfunc main() {}\n").shared_build_cache();
    let run =
        project.gox(["build", "-o", "/dev/null"]).env("GOFLAGS", format!("-toolexec={}", tool.display()));
    run.run().exited(1);
    let calls = fs::read_to_string(&log).expect("the tool was called").lines().count();
    fs::remove_file(&log).expect("a file of ours");
    let run =
        project.go(["build", "-o", "/dev/null"]).env("GOFLAGS", format!("-toolexec={}", tool.display()));
    run.run().exited(1);
    assert_eq!(calls, fs::read_to_string(&log).expect("the tool was called").lines().count());
}

#[test]
fn a_program_that_speaks_of_network_faults_is_run_once() {
    let main = "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc main() {\n\tf, _ := os.OpenFile(os.Getenv(\"LOG\"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)\n\tfmt.Fprintln(f, \"run\")\n\tfmt.Fprintln(os.Stderr, \"go: example.test/a@v1.0.0: Get \\\"http://127.0.0.1:1/x\\\": EOF\")\n\tos.Exit(1)\n}\n";
    let project = Project::empty()
        .file("go.mod", "module example.test/main\n\ngo 1.21\n")
        .file("main.go", main)
        .shared_build_cache();
    let log = project.root().join("log");
    let outcome = project.gox(["run", "."]).env("LOG", &log).run().exited(1);
    assert_eq!(fs::read_to_string(&log).expect("the program ran"), "run\n");
    assert!(outcome.said().is_empty(), "{outcome}");
}

#[test]
fn rules_of_the_users_own_come_first() {
    let fake =
        FakeGo::new().attempt(&[Act::Err(b"house-proxy: try later (17)\n"), Act::Exit(1)]).attempt(&[]);
    let project = Project::empty().with_go(&fake.path());
    project.gox(["build"]).run().exited(1);
    assert_eq!(fake.calls().len(), 1, "unknown words are no reason to repeat");

    let config = project.root().join("mine.toml");
    let write = |text: &str| fs::write(&config, text).expect("a file of ours");
    write("[[rule]]\nmatch = 'house-proxy: try later \\(\\d+\\)'\naction = \"retry\"\n");
    let fake =
        FakeGo::new().attempt(&[Act::Err(b"house-proxy: try later (17)\n"), Act::Exit(1)]).attempt(&[]);
    let project = project.with_go(&fake.path());
    project.gox(["build"]).env("GOX_CONFIG", &config).run().success();
    assert_eq!(fake.calls().len(), 2);

    write("[[rule]]\nmatch = \"EOF$\"\naction = \"stop\"\n");
    let fake = once();
    let project = project.with_go(&fake.path());
    project.gox(["build"]).env("GOX_CONFIG", &config).run().exited(1);
    assert_eq!(fake.calls().len(), 1);

    // A project's own file holds no rules: whoever clones it has not written them.
    fs::create_dir_all(project.dir().join(".git")).expect("a folder of ours");
    for (action, words, calls) in [("stop", EOF, 2), ("retry", b"house-proxy: try later\n".as_slice(), 1)] {
        let fake = FakeGo::new().attempt(&[Act::Err(words), Act::Exit(1)]).attempt(&[]);
        let text = format!("[[rule]]\nmatch = \"EOF$|house-proxy\"\naction = \"{action}\"\n");
        let project = Project::empty().with_go(&fake.path()).without("GOX_CONFIG").file("gox.toml", text);
        let outcome = project.gox(["build"]).run().exited(if calls == 2 { 0 } else { 1 });
        assert_eq!(fake.calls().len(), calls, "{action}\n{outcome}");
    }
}

/// Runs that meet one fault, in surroundings that are not what they should be: gox gets through all the
/// same, and complains in a line at most.
#[test]
fn troubles_of_goxs_own_cost_a_line_at_most() {
    let file = |name: &str| {
        let name = name.to_owned();
        move |project: &Project| {
            fs::write(project.state().join(&name), b"\0\xff{\"upstreams\": 7, ").expect("a file of ours");
        }
    };
    let folder = |name: &str| {
        let name = name.to_owned();
        move |project: &Project| {
            fs::create_dir_all(project.state().join(&name)).expect("a folder of ours");
        }
    };
    let no_state = |project: &Project| {
        fs::remove_dir_all(project.state()).expect("a folder of ours");
        fs::write(project.state(), "a file").expect("a file of ours");
    };
    let gone = |project: &Project| fs::remove_dir_all(project.state()).expect("a folder of ours");
    type Spoil<'a> = &'a dyn Fn(&Project);
    type Variables<'a> = &'a [(&'a str, Option<&'a str>)];
    let cases: &[(&str, Spoil<'_>, Variables<'_>)] = &[
        ("nothing wrong", &|_| (), &[]),
        ("health corrupt", &file("health.json"), &[]),
        ("journal corrupt", &file("journal.jsonl"), &[]),
        ("health a folder", &folder("health.json"), &[]),
        ("lock a folder", &folder("health.lock"), &[]),
        ("journal a folder", &folder("journal.jsonl"), &[]),
        ("state a file", &no_state, &[]),
        ("state missing", &gone, &[]),
        ("state impossible", &|_| (), &[("GOX_STATE_DIR", Some("/dev/null/state"))]),
        ("no home", &|_| (), &[("HOME", None), ("GOX_STATE_DIR", None)]),
        ("home impossible", &|_| (), &[("HOME", Some("/dev/null")), ("GOX_STATE_DIR", None)]),
        (
            "home read-only",
            &|_| (),
            &[("HOME", Some("/proc")), ("GOX_STATE_DIR", None), ("GOX_CONFIG", None)],
        ),
        ("no folder for temporary files", &|_| (), &[("TMPDIR", Some("/no/such/folder"))]),
        ("report in no folder", &|_| (), &[("GOX_REPORT", Some("/no/such/folder/report.json"))]),
        ("report in an impossible folder", &|_| (), &[("GOX_REPORT", Some("/proc/self/"))]),
    ];
    for (what, spoil, env) in cases {
        let lab = Lab::new().modules(2).fault(Fault::Eof, first_of_each(1).path("m001.*zip$")).start();
        let project = Project::new(&lab).env("GOX_FILL", "off");
        spoil(&project);
        let mut run = project.gox(["mod", "download"]);
        for (name, value) in *env {
            run = match value {
                Some(value) => run.env(name, value),
                None => run.without(name),
            };
        }
        let outcome = run.run().success();
        // The cure, the summary, and the complaint.
        let said = outcome.said();
        assert!((2..=3).contains(&said.len()), "{what}\n{outcome}");
        // The next run, clean, is silent.
        let mut run = project.gox(["mod", "download"]);
        for (name, value) in env.iter().filter(|(name, _)| *name != "GOX_REPORT") {
            run = match value {
                Some(value) => run.env(name, value),
                None => run.without(name),
            };
        }
        let clean = run.run().success();
        assert!(clean.stderr.is_empty(), "{what}\n{clean}");
    }
}

#[test]
fn a_module_cache_that_takes_nothing_is_gos_to_tell() {
    let lab = Lab::new().modules(2).start();
    let project = Project::new(&lab);
    for impossible in ["/dev/null/cache", "/proc/cache"] {
        for args in [&["mod", "download"][..], &["build"]] {
            let plain = project.go(args).env("GOMODCACHE", impossible).run().exited(1);
            let ours = project.gox(args).env("GOMODCACHE", impossible).run().exited(1);
            assert_eq!(ours.attempts(), 1, "{ours}");
            same_lines(&plain, &ours);
        }
    }
    // A whole cache on a read-only disk is enough.
    let project = project.shared_build_cache();
    project.go(["mod", "download"]).run().success();
    let cache = project.module_cache();
    let chmod = |mode: &str| {
        let done = std::process::Command::new("chmod").args(["-R", mode]).arg(&cache).status();
        assert!(done.expect("chmod").success());
    };
    chmod("a-w");
    for args in
        [&["mod", "download"][..], &["list", "-m", "all"], &["build", "-o", "/dev/null"], &["mod", "verify"]]
    {
        let (plain, ours) = (project.go(args).run().success(), project.gox(args).run().success());
        same_lines(&plain, &ours);
    }
    chmod("u+w");
}

#[test]
fn no_check_is_ever_weakened_and_no_file_of_the_users_changed() {
    // Each of these invites the usual bad advice.
    let words: &[&str] = &[
        "go: example.test/a@v1.0.0: verifying module: example.test/a@v1.0.0: Get \"https://sum.golang.org/lookup/example.test/a@v1.0.0\": EOF",
        "go: example.test/a@v1.0.0: verifying module: example.test/a@v1.0.0: reading https://sum.golang.org/lookup/example.test/a@v1.0.0: 404 Not Found",
        "go: example.test/a@v1.0.0: verifying go.mod: example.test/a@v1.0.0/go.mod: Get \"https://sum.golang.org/lookup/example.test/a@v1.0.0\": dial tcp 1.2.3.4:443: connect: connection refused",
        "go: example.test/a@v1.0.0: Get \"https://proxy.test/example.test/a/@v/v1.0.0.mod\": tls: failed to verify certificate: x509: certificate signed by unknown authority",
        "go: example.test/a@v1.0.0: invalid version: git ls-remote -q origin in /x: exit status 128:\n\tfatal: unable to access 'https://example.test/a/': server certificate verification failed. CAfile: none CRLfile: none",
        "verifying example.test/a@v1.0.0: checksum mismatch\n\tdownloaded: h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\tgo.sum:     h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=\n\nSECURITY ERROR",
        "go: example.corp/a@v1.0.0: reading https://proxy.test/example.corp/a/@v/v1.0.0.mod: 403 Forbidden",
        "go: example.test/a@v1.0.0: reading https://proxy.test/example.test/a/@v/v1.0.0.mod: 404 Not Found",
        "go: example.test/a@v1.0.0: unrecognized import path \"example.test/a\": https fetch: Get \"https://example.test/a?go-get=1\": EOF",
    ];
    for text in words {
        let fake = FakeGo::new().attempt(&[Act::Err(text.as_bytes()), Act::Err(b"\n"), Act::Exit(1)]);
        let project = Project::empty()
            .with_go(&fake.path())
            .env("GOPROXY", "https://proxy.test,https://proxy.golang.org,direct")
            .env("GOSUMDB", "sum.golang.org")
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .file("go.mod", "module example.test/main\n\ngo 1.21\n\nrequire example.test/a v1.0.0\n")
            .file("go.sum", "example.test/a v1.0.0 h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA=\n");
        let before = files(project.root());
        let outcome = project.gox(["mod", "download"]).run().exited(1);
        for call in fake.calls() {
            for name in ["GONOSUMDB", "GONOSUMCHECK", "GOINSECURE", "GIT_SSL_NO_VERIFY"] {
                assert_eq!(call.var(name), None, "{text}\n{outcome}");
            }
            // A host that is private by its spelling may be asked directly, and that is said.
            if let Some(pattern) = call.var("GOPRIVATE") {
                assert_eq!(pattern, "example.corp/a", "{text}\n{outcome}");
                assert!(
                    outcome.said().iter().any(|line| line.contains("GOPRIVATE=example.corp/a")),
                    "{outcome}"
                );
            }
            assert_eq!(call.var("GOFLAGS"), Some(""), "{text}");
            let sumdb = call.var("GOSUMDB");
            assert!(matches!(sumdb, Some("sum.golang.org" | "sum.golang.google.cn")), "{sumdb:?} {text}");
            assert!(call.args.iter().all(|arg| !arg.contains("insecure")), "{:?}", call.args);
            let git = (0..9).filter_map(|n| call.var(&format!("GIT_CONFIG_KEY_{n}")).map(str::to_owned));
            assert!(git.into_iter().all(|key| !key.contains("ssl")), "{text}");
        }
        assert_eq!(files(project.root()), before, "{text}");
    }
}

/// Path and content of every file that gox has no business with.
fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![root.join("main"), root.join("home"), root.join("modcache"), root.join("gopath")];
    while let Some(dir) = folders.pop() {
        for entry in fs::read_dir(dir).expect("a folder of ours").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.display().to_string(), fs::read(&path).expect("a file of ours")));
            }
        }
    }
    found.sort();
    found
}

/// What no attempt can change is told as fast as go tells it: go is not asked for its settings first.
#[test]
fn a_failure_of_the_code_costs_no_question() {
    for words in [
        &b"# example.test/main\n./main.go:3:2: undefined: timeout\n"[..],
        b"--- FAIL: TestIt (0.00s)\nFAIL\nFAIL\texample.test/main\t0.003s\nFAIL\n",
        EOF,
    ] {
        let fake = FakeGo::new().attempt(&[Act::Err(words), Act::Exit(1)]).attempt(&[Act::Exit(0)]);
        let run = Project::empty().with_go(&fake.path()).gox(["build"]).run();
        let asked = fake.asides().len();
        assert_eq!(asked, usize::from(words == EOF), "{run}");
    }
}

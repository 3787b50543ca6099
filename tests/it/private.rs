//! Private modules that no proxy has: found at their origin where the user's own settings or the spelling
//! of the host allow it, and told to nobody whom go itself would not have asked.

use crate::harness::{Outcome, Project, WatchedGo};
use crate::lab::{Entry, Fault, Lab, Place, Running, always};

const SECRET: &str = "github.com/acme/secret";

/// The lab's project, which also requires a module that only git has.
fn project(lab: &Running, path: &str, list: &str) -> Project {
    let go_mod = lab.go_mod().replace("require (\n", &format!("require (\n\t{path} v1.0.0\n"));
    Project::new(lab).git_module(path).file("go.mod", go_mod).env("GOPROXY", list).env("GOX_RELAY", "never")
}

fn refusing(status: u16) -> Lab {
    Lab::new().sumdb().fault(Fault::Status(status), always().path("secret"))
}

/// go.sum as it is once both hashes of the private module are known.
fn with_hashes(project: Project, path: &str) -> Project {
    project
        .go(["mod", "download", &format!("{path}@v1.0.0")])
        .env("GOPRIVATE", "github.com,git.corp")
        .run()
        .success();
    let text = std::fs::read_to_string(project.dir().join("go.sum")).expect("go.sum");
    assert!(text.contains(&format!("{path} v1.0.0 h1:")), "go adds what is missing: {text}");
    project.clear_module_cache();
    project
}

#[track_caller]
fn never_private(go: &WatchedGo, lab: &Running) {
    for run in go.runs() {
        assert_eq!((run.var("GOPRIVATE"), run.var("GONOPROXY")), ("", ""), "{run:?}");
    }
    go.never_weakened(&lab.gosumdb());
}

fn secret_requests(lab: &Running, place: Place) -> usize {
    lab.requests().iter().filter(|r| r.place == place && r.path.contains("secret")).count()
}

#[test]
fn a_pattern_of_the_users_own_makes_it_private_for_the_run() {
    for status in [403, 404, 410] {
        let lab = refusing(status).start();
        let go = WatchedGo::new();
        // Without `direct` in the list, since go itself would go there after 404 and 410.
        let project = project(&lab, SECRET, lab.url(0)).with_go(&go.path());
        let outcome =
            project.gox(["mod", "download"]).env("GOX_PRIVATE", "github.com/acme/*").run().success();
        assert!(outcome.remedies().contains(&"private:github.com/acme/*".to_owned()), "{outcome}");
        assert!(outcome.said().iter().any(|l| l.contains("GOPRIVATE=github.com/acme/*")), "{outcome}");
        let last = go.runs().pop().expect("a run");
        assert_eq!(last.var("GOPRIVATE"), "github.com/acme/*");
        assert_eq!(go.runs()[0].var("GOPRIVATE"), "");
        go.never_weakened(&lab.gosumdb());
    }
}

#[test]
fn a_host_that_is_not_public_by_spelling_is_asked_itself() {
    let path = "git.corp/team/secret.git";
    let lab = refusing(403).start();
    let go = WatchedGo::new();
    let list = format!("{},direct", lab.url(0));
    let outcome = project(&lab, path, &list).with_go(&go.path()).gox(["mod", "download"]).run().success();
    assert!(outcome.remedies().contains(&format!("private:{path}")), "{outcome}");
    assert_eq!(go.runs().pop().expect("a run").var("GOPRIVATE"), path);

    // A list without `direct` is obeyed.
    let go = WatchedGo::new();
    project(&lab, path, lab.url(0)).with_go(&go.path()).gox(["mod", "download"]).run().exited(1);
    never_private(&go, &lab);
}

/// A repository around the main module whose origin is a neighbour of the private module.
fn in_repository(project: Project) -> Project {
    project.file(".git/HEAD", "ref: refs/heads/main\n").file(
        ".git/config",
        "[core]\n\trepositoryformatversion = 0\n[remote \"origin\"]\n\turl = git@github.com:acme/app.git\n",
    )
}

#[test]
fn the_origins_owner_needs_a_hash_in_go_sum() {
    let lab = refusing(403).start();
    let list = format!("{},direct", lab.url(0));
    let go = WatchedGo::new();
    let unknown = in_repository(project(&lab, SECRET, &list).with_go(&go.path()));
    let outcome = unknown.gox(["mod", "download"]).run().exited(1);
    outcome.says("GOX_PRIVATE=github.com/acme/secret");
    never_private(&go, &lab);

    // With the hash of go.mod alone go would ask the database for the other, and tell it the name.
    unknown.go(["mod", "download"]).env("GOPRIVATE", "github.com/acme").run().success();
    unknown.clear_module_cache();
    let text = std::fs::read_to_string(unknown.dir().join("go.sum")).expect("go.sum");
    assert!(text.contains("secret v1.0.0/go.mod h1:"), "{text}");
    if !text.contains("secret v1.0.0 h1:") {
        unknown.gox(["mod", "download"]).run().exited(1).says("GOX_PRIVATE=github.com/acme/secret");
    }
    assert_eq!(secret_requests(&lab, Place::Sumdb), 0);

    let go = WatchedGo::new();
    let known = in_repository(with_hashes(project(&lab, SECRET, &list), SECRET)).with_go(&go.path());
    let outcome = known.gox(["mod", "download"]).run().success();
    assert!(outcome.remedies().contains(&format!("private:{SECRET}")), "{outcome}");
    let last = go.runs().pop().expect("a run");
    assert_eq!((last.var("GOPRIVATE"), last.var("GONOPROXY")), ("", SECRET), "go.sum still judges it");
    go.never_weakened(&lab.gosumdb());
}

#[test]
fn the_module_line_alone_moves_nothing() {
    let lab = refusing(403).start();
    let list = format!("{},direct", lab.url(0));
    let go = WatchedGo::new();
    let project = with_hashes(project(&lab, SECRET, &list), SECRET).with_go(&go.path());
    let text = std::fs::read_to_string(project.dir().join("go.mod")).expect("go.mod");
    let project =
        project.file("go.mod", text.replace("module example.test/main", "module github.com/acme/app"));
    project.gox(["mod", "download"]).run().exited(1).says("GOX_PRIVATE=github.com/acme/secret");
    never_private(&go, &lab);
}

#[test]
fn a_public_module_that_is_refused_stays_refused() {
    let lab = refusing(403).start();
    let list = format!("{},direct", lab.url(0));
    let go = WatchedGo::new();
    let project = with_hashes(project(&lab, SECRET, &list), SECRET).with_go(&go.path());
    let outcome = project.gox(["mod", "download"]).run().exited(1);
    assert_eq!(outcome.attempts(), 1, "{outcome}");
    never_private(&go, &lab);
}

#[test]
fn a_fault_on_the_way_is_no_reason_to_call_a_module_private() {
    for fault in [Fault::Status(503), Fault::Eof, Fault::Html, Fault::Reset, Fault::Status(429)] {
        let lab = Lab::new().sumdb().fault(fault, always().path("secret")).start();
        let go = WatchedGo::new();
        let list = format!("{},direct", lab.url(0));
        let project = in_repository(with_hashes(project(&lab, SECRET, &list), SECRET).with_go(&go.path()));
        let outcome = project.gox(["mod", "download"]).env("GOX_PRIVATE", "github.com/acme").run().exited(1);
        assert!(!outcome.remedies().iter().any(|r| r.starts_with("private:")), "{fault:?}\n{outcome}");
        never_private(&go, &lab);
    }
}

/// Two entries of which go asks the second only after 404 or 410, and a fault at the first.
fn leaks(fault: Fault, module: &str) -> (usize, Outcome) {
    let lab = Lab::new().module_host("github.com/lib").entry(Entry::plain()).entry(Entry::plain()).start();
    let list = lab.goproxy();
    let project = in_repository(with_hashes(project(&lab, module, &format!("{list},direct")), module));
    lab.forget();
    lab.also(fault, always().proxy(0));
    let outcome = project.gox(["mod", "download"]).run();
    (secret_requests(&lab, Place::Proxy(1)), outcome)
}

#[test]
fn private_names_reach_no_proxy_that_go_would_not_have_asked() {
    for fault in [Fault::Status(503), Fault::Eof, Fault::Status(403), Fault::Html] {
        for module in [SECRET, "git.corp/team/secret.git"] {
            let (leaked, outcome) = leaks(fault, module);
            assert_eq!(leaked, 0, "{fault:?} {module}\n{outcome}");
        }
    }
    // What nobody calls private follows the chain.
    let (asked, outcome) = leaks(Fault::Status(503), "github.com/other/secret");
    assert!(asked > 0, "{outcome}");
}

#[test]
fn a_private_name_that_only_the_command_line_has_stays_where_go_would_ask() {
    for module in [SECRET, "git.corp/team/secret.git"] {
        let lab = Lab::new().entry(Entry::plain()).entry(Entry::plain()).start();
        lab.also(Fault::Eof, always().proxy(0).path("secret"));
        let list = format!("{},direct", lab.goproxy());
        let project = Project::new(&lab).git_module(module).env("GOPROXY", list).env("GOX_RELAY", "never");
        let outcome = in_repository(project).gox(["get", &format!("{module}@v1.0.0")]).run();
        assert!(secret_requests(&lab, Place::Proxy(0)) > 1, "{outcome}");
        assert_eq!(secret_requests(&lab, Place::Proxy(1)), 0, "{outcome}");
    }
}

/// An import that go.mod does not have yet: what failed first was public.
#[test]
fn a_private_name_that_only_a_failure_tells_stays_there_too() {
    let lab = Lab::new().entry(Entry::plain()).entry(Entry::plain()).start();
    lab.also(Fault::Eof, always().proxy(0).path("secret"));
    let list = format!("{},direct", lab.goproxy());
    let project = Project::new(&lab).git_module(SECRET).env("GOPROXY", list).env("GOX_RELAY", "never");
    let source = format!("package main\n\nimport _ \"{SECRET}\"\n");
    let outcome = in_repository(project).file("secret.go", source).gox(["mod", "tidy"]).run();
    assert!(secret_requests(&lab, Place::Proxy(0)) > 1, "{outcome}");
    assert_eq!(secret_requests(&lab, Place::Proxy(1)), 0, "{outcome}");
}

#[test]
fn what_go_env_w_set_is_kept() {
    let lab = refusing(403).start();
    let go = WatchedGo::new();
    let list = format!("{},direct", lab.url(0));
    let project = project(&lab, "git.corp/team/secret.git", &list).with_go(&go.path());
    let file = project.root().join("go.env");
    std::fs::write(&file, "GOPRIVATE=private.example/a,private.example/b\n")
        .expect("a file in the temporary folder");
    project.gox(["mod", "download"]).env("GOENV", &file).run().success();
    let last = go.runs().pop().expect("a run");
    assert_eq!(last.var("GOPRIVATE"), "private.example/a,private.example/b,git.corp/team/secret.git");
    let kept = std::fs::read_to_string(&file).expect("the file");
    assert_eq!(kept, "GOPRIVATE=private.example/a,private.example/b\n");
}

/// What makes the module private, and the modules that a first, dead proxy is asked about: nothing of it
/// may reach the second.
#[test]
fn every_way_to_call_a_module_private_keeps_it() {
    let git_config = |text: &str| {
        let text = text.to_owned();
        move |project: Project| project.file(".git/HEAD", "ref: refs/heads/main\n").file(".git/config", &text)
    };
    let env = |name: &'static str, value: &'static str| move |project: Project| project.env(name, value);
    let home = |name: &'static str, text: &'static str, url: &'static str| {
        move |project: Project| {
            let path = project.root().join("home").join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder in the temporary one");
            std::fs::write(path, text).expect("a file in the temporary folder");
            project.file(".git/config", format!("[remote \"origin\"]\n\turl = {url}\n"))
        }
    };
    type Setup = Box<dyn Fn(Project) -> Project>;
    let ways: Vec<(&str, Setup)> = vec![
        (SECRET, Box::new(git_config("[Remote \"origin\"]\n\tURL = git@github.com:acme/app.git\n"))),
        (
            SECRET,
            Box::new(git_config("[remote \"origin\"]\n\turl = \"https://GitHub.com/ACME/app\" # why\n")),
        ),
        (
            SECRET,
            Box::new(git_config("[remote \"origin\"]\n\turl = ssh://git@ssh.github.com:443/acme/app\n")),
        ),
        (
            "git.example/team/secret.git",
            Box::new(git_config("[remote \"origin\"]\nurl = https://git.example/other/app\n")),
        ),
        (SECRET, Box::new(home(".ssh/config", "Host work\n  HostName github.com\n", "work:acme/app"))),
        (
            SECRET,
            Box::new(home(".gitconfig", "[url \"git@github.com:\"]\n\tinsteadOf = gh:\n", "gh:acme/app")),
        ),
        ("nas.home.arpa/secret.git", Box::new(|project| project)),
        ("git.tail1.ts.net/secret.git", Box::new(|project| project)),
        (SECRET, Box::new(env("GOX_CONFIDENTIAL", "github.com/acme"))),
        (
            SECRET,
            Box::new(|project: Project| {
                project.env("GOPRIVATE", "github.com/acme").env("GONOPROXY", "none").env("GONOSUMDB", "none")
            }),
        ),
        (SECRET, Box::new(env("GONOSUMDB", "github.com/acme"))),
        (SECRET, Box::new(env("GOX_PRIVATE", "github.com/Acme"))),
    ];
    let mut leaks = Vec::new();
    for relay in ["never", "always"] {
        for (at, (module, setup)) in ways.iter().enumerate() {
            let lab = Lab::new().entry(Entry::plain()).entry(Entry::plain()).start();
            let list = format!("{},direct", lab.goproxy());
            let project = setup(with_hashes(project(&lab, module, &list), module)).env("GOX_RELAY", relay);
            lab.forget();
            lab.also(Fault::Eof, always().proxy(0));
            let outcome = project.gox(["mod", "download"]).run();
            assert!(secret_requests(&lab, Place::Proxy(0)) > 1, "way {at}, relay {relay}\n{outcome}");
            if secret_requests(&lab, Place::Proxy(1)) > 0 {
                leaks.push(format!("way {at} of {module}, relay {relay}"));
            }
        }
    }
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[test]
fn a_projects_confidential_modules_are_kept() {
    let lab = Lab::new().entry(Entry::plain()).entry(Entry::plain()).start();
    let list = format!("{},direct", lab.goproxy());
    let project = with_hashes(project(&lab, SECRET, &list), SECRET).without("GOX_CONFIG");
    let project = project.file("gox.toml", "confidential = [\"github.com/acme\"]\nprivate = [\"*\"]\n");
    lab.forget();
    lab.also(Fault::Eof, always().proxy(0));
    let go = WatchedGo::new();
    let project = project.with_go(&go.path());
    let outcome = project.gox(["mod", "download"]).run();
    assert_eq!(secret_requests(&lab, Place::Proxy(1)), 0, "{outcome}");
    never_private(&go, &lab);
}

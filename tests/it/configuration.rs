//! The configuration as the real gox meets it: what stops a run, what is only told, what is never read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A home, a repository and a go that says what it was called with.
struct Machine {
    root: PathBuf,
}

struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Machine {
    fn new() -> Machine {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("gox configuration {}-{number}", std::process::id()));
        // Of an earlier process with the same id.
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        let machine = Machine { root: root.canonicalize().unwrap() };
        fs::create_dir_all(machine.path("src/.git")).unwrap();
        machine.write("src/go.mod", "module example.test/tool\n\ngo 1.21\n");
        let go = machine.write("sdk/bin/go", "#!/bin/sh\necho go \"$@\"\n");
        fs::set_permissions(go, fs::Permissions::from_mode(0o755)).unwrap();
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn gox(&self, variables: &[(&str, &str)], args: &[&str]) -> Outcome {
        self.run(crate::harness::gox(), variables, args)
    }

    fn run(&self, program: &Path, variables: &[(&str, &str)], args: &[&str]) -> Outcome {
        let path = std::env::join_paths([self.path("sdk/bin")]).unwrap();
        let output = Command::new(program)
            .args(args)
            .env_clear()
            .env("HOME", self.path("home"))
            .env("GOX_TEST_SYSTEM_FILE", self.path("etc/gox.toml"))
            .env("PATH", path)
            .envs(variables.iter().copied())
            .current_dir(self.path("src"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn a_wrong_file_variable_or_option_ends_with_125_before_go_runs() {
    let machine = Machine::new();
    let file = machine.write("home/.config/gox/gox.toml", "\natempts = 6\n");
    let wrong = machine.gox(&[], &["mod", "download"]);
    let at = format!("gox: {}:2: unknown key \"atempts\"; did you mean \"attempts\"?\n", file.display());
    assert_eq!((wrong.code, wrong.stdout.as_str(), wrong.stderr), (Some(125), "", at));
    let wrong = machine.gox(&[("GOX_CONFIG", "none"), ("GOX_STALL", "30")], &["mod", "download"]);
    let want = "gox: GOX_STALL: 30 has no unit; write \"30s\", \"30m\" or the like\n";
    assert_eq!((wrong.code, wrong.stdout.as_str(), wrong.stderr.as_str()), (Some(125), "", want));
    let wrong = machine.gox(&[], &["--atempts=6", "mod", "download"]);
    let want = "gox: unknown option \"--atempts\"; did you mean --attempts?\n";
    assert_eq!((wrong.code, wrong.stdout.as_str(), wrong.stderr.as_str()), (Some(125), "", want));
}

#[test]
fn verbs_that_pass_through_read_no_file() {
    let machine = Machine::new();
    machine.write("home/.config/gox/gox.toml", "= nonsense");
    machine.write("src/gox.toml", "= nonsense");
    let version = machine.gox(&[], &["version"]);
    assert_eq!(
        (version.code, version.stdout.as_str(), version.stderr.as_str()),
        (Some(0), "go version\n", "")
    );
    let bypassed = machine.gox(&[("GOX_BYPASS", "1")], &["mod", "download"]);
    assert_eq!((bypassed.code, bypassed.stdout.as_str()), (Some(0), "go mod download\n"));
}

#[test]
fn what_a_project_asks_too_much_is_told_by_gox_config_alone() {
    let machine = Machine::new();
    let text = "attempts = 2\nprivate = [\"github.com\"]\nbackoff-base = \"24h\"\nfuture = 1\n[[rule]]\nmatch = \"(\"\n";
    let file = machine.write("src/gox.toml", text);
    for args in [&["mod", "download"][..], &["list", "./..."], &["build"]] {
        let run = machine.gox(&[], args);
        assert_eq!(
            (run.code, run.stdout, run.stderr),
            (Some(0), format!("go {}\n", args.join(" ")), String::new())
        );
    }
    for text in ["= nonsense", "attempts = \"many\"", "attempts = 1\nattempts = 2"] {
        fs::write(&file, text).unwrap();
        let run = machine.gox(&[], &["mod", "download"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{text}");
    }
    fs::write(&file, text).unwrap();
    let told = machine.gox(&[], &["config"]);
    for line in 2..=5 {
        assert!(
            told.stdout.contains(&format!("ignored: {}:{line}: ", file.display())),
            "{line}: {}",
            told.stdout
        );
    }
    assert!(!told.stdout.contains("24h\n"), "{}", told.stdout);
}

#[test]
fn gox_config_tells_each_origin() {
    let machine = Machine::new();
    machine.write("home/.config/gox/gox.toml", "budget = \"1m\"\nattempts = 9\n");
    machine.write("src/gox.toml", "attempts = 2\n");
    let run = machine.gox(&[("GOX_STALL", "9s")], &["--rotate", "never", "config"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let line = |key: &str| {
        let line = run.stdout.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap();
        line.split_once(char::is_whitespace).unwrap().1.trim().to_owned()
    };
    let ends = |key: &str, value: &str, origin: &str| {
        let line = line(key);
        assert!(line.starts_with(value) && line.ends_with(origin), "{key}: {line}");
    };
    ends("rotate", "never", "command line");
    ends("stall", "9s", "GOX_STALL");
    ends("attempts", "2", "src/gox.toml:1");
    ends("budget", "1m", "gox/gox.toml:1");
    ends("relay", "auto", "built in");
}

#[test]
fn what_the_system_locks_holds_whatever_else_is_said() {
    // What is built for a release reads the system's file alone, not one of a test's.
    if std::env::var_os("GOX_UNDER_TEST").is_some() {
        return;
    }
    let machine = Machine::new();
    machine.write("etc/gox.toml", "attempts = 3\nlocked = [\"attempts\"]\n");
    machine.write("home/.config/gox/gox.toml", "attempts = 9\n");
    for config in ["none", ""] {
        let run =
            machine.gox(&[("GOX_ATTEMPTS", "8"), ("GOX_CONFIG", config)], &["--attempts", "7", "config"]);
        let line = run.stdout.lines().find(|line| line.starts_with("attempts")).unwrap();
        assert_eq!(line.split_whitespace().nth(1), Some("3"), "{line}");
    }
}

#[test]
fn through_a_link_named_go_goxs_words_are_gos() {
    let machine = Machine::new();
    let link = machine.path("bin/go");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(crate::harness::gox(), &link).unwrap();
    for args in [&["config"][..], &["--version"], &["--attempts", "6"], &["doctor"]] {
        let run = machine.run(&link, &[], args);
        assert_eq!((run.code, run.stdout), (Some(0), format!("go {}\n", args.join(" "))));
    }
}

#[test]
fn private_patterns_are_added_listed_and_removed() {
    let machine = Machine::new();
    machine.write("src/go.sum", "git.corp/a v1.0.0/go.mod h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    machine.write("home/.netrc", "machine git.corp login me password hush\n");
    let file = machine.write("home/.config/gox/gox.toml", "# mine\nstall = \"9s\"\n");
    let added = machine.gox(&[], &["private", "add", "git.corp"]);
    assert_eq!(added.code, Some(0), "{}", added.stderr);
    for part in [
        "git.corp is private now",
        "checksum database",
        "one that matches: git.corp/a",
        "a login for git.corp",
    ] {
        assert!(added.stdout.contains(part), "{part}: {}", added.stdout);
    }
    assert!(!added.stdout.contains("hush"));
    assert_eq!(fs::read_to_string(&file).unwrap(), "private = [\"git.corp\"]\n# mine\nstall = \"9s\"\n");
    assert!(machine.gox(&[], &["private", "add", "git.corp"]).stdout.contains("already"));
    let listed = machine.gox(&[], &["private"]).stdout;
    assert_eq!(listed, format!("git.corp  {}:1\n", file.display()));
    let other = machine.gox(&[("GOX_PRIVATE", "x.y")], &["private", "add", "github.com/acme/*"]);
    assert!(other.stdout.contains("here private comes from elsewhere: GOX_PRIVATE"), "{}", other.stdout);
    for pattern in ["git.corp", "github.com/acme/*"] {
        assert_eq!(machine.gox(&[], &["private", "remove", pattern]).code, Some(0));
    }
    assert_eq!(machine.gox(&[], &["private", "list"]).stdout, "no module is private by name\n");
    for wrong in [&["private", "remove", "git.corp"][..], &["private", "add", ""], &["private", "add", "[a"]]
    {
        assert_eq!(machine.gox(&[], wrong).code, Some(125), "{wrong:?}");
    }
}

#[test]
fn a_key_is_set_in_the_users_own_file() {
    let machine = Machine::new();
    for (key, value) in [
        ("attempts", "6"),
        ("budget", "2m"),
        ("mirrors", "none"),
        ("mirrors", "https://a.example,https://b.example"),
        ("private", "a.corp,b.corp"),
        ("report", "r.json"),
        ("fill", "off"),
    ] {
        let option = machine.gox(&[], &[&format!("--{key}"), value, "config", "--format", "json"]).stdout;
        let set = machine.gox(&[], &["config", "set", key, value]);
        assert_eq!(set.code, Some(0), "{key}: {}", set.stderr);
        let file = machine.gox(&[], &["config", "--format", "json"]).stdout;
        let of = |text: &str| {
            serde_json::from_str::<serde_json::Value>(text).unwrap()["settings"][key]["value"].clone()
        };
        let want = match key {
            "report" => serde_json::json!(machine.path("src/r.json")),
            _ => of(&option),
        };
        assert_eq!(of(&file), want, "{key} {value}");
    }
    for (key, value) in [("atempts", "6"), ("attempts", "x"), ("offline", "1"), ("fill", "maybe")] {
        let before = fs::read(machine.path("home/.config/gox/gox.toml")).unwrap();
        assert_eq!(machine.gox(&[], &["config", "set", key, value]).code, Some(125), "{key} {value}");
        assert_eq!(fs::read(machine.path("home/.config/gox/gox.toml")).unwrap(), before);
    }
}

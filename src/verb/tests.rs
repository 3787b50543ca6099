use super::*;

fn read(line: &str) -> Invocation {
    with_goflags(line, "")
}

fn with_goflags(line: &str, goflags: &str) -> Invocation {
    Invocation::read(&line.split_whitespace().collect::<Vec<_>>(), OsStr::new(goflags))
}

fn kind(line: &str) -> Kind {
    read(line).kind
}

#[test]
fn every_verb_has_its_kind() {
    for line in [
        "",
        "version",
        "env GOPATH",
        "fmt ./...",
        "help mod",
        "clean -modcache",
        "doc fmt",
        "telemetry",
        "bug",
        "mod",
        "mod edit -json",
        "mod init x",
        "work use .",
        "tool",
        "tool compile -V",
        "build -h",
        "mod download -help",
        "frobnicate",
        "-h",
        "mod help tidy",
    ] {
        assert_eq!(kind(line), PassThrough, "{line}");
    }
    for line in [
        "mod download",
        "mod tidy",
        "mod vendor",
        "mod verify",
        "mod why x",
        "mod graph",
        "get x@v1.0.0",
        "install ./...",
        "build",
        "vet ./...",
        "list -m all",
        "work sync",
        "work vendor",
        "-C dir build",
        "build -C dir -x",
    ] {
        assert_eq!(kind(line), Supervised, "{line}");
    }
    for line in [
        "run .",
        "test ./...",
        "generate",
        "tool stringer",
        "build -toolexec=time",
        "vet -vettool x",
        "build --toolexec time ./...",
    ] {
        assert_eq!(kind(line), RunsUserCode, "{line}");
    }
}

#[test]
fn goflags_may_name_a_runner_too() {
    let kind = |line: &str, goflags: &str| with_goflags(line, goflags).kind;
    for goflags in ["-mod=mod -toolexec=x", "'-toolexec=tool arg'", "\"--toolexec=tool arg\" -v", "-toolexec"]
    {
        for line in ["build", "install ./...", "vet", "fix", "list ./...", "list -export -f -m", "test -c"] {
            assert_eq!(kind(line, goflags), RunsUserCode, "{line} {goflags}");
        }
        // These build nothing.
        for line in ["mod download", "mod tidy", "get x@v1.0.0", "list -m all", "list -u -m all", "work sync"]
        {
            assert_eq!(kind(line, goflags), Supervised, "{line} {goflags}");
        }
        assert_eq!(kind("version", goflags), PassThrough);
    }
    assert_eq!((kind("vet", "-vettool=x"), kind("build", "-vettool=x")), (RunsUserCode, Supervised));
    assert_eq!((kind("fix", "-fixtool=x"), kind("vet", "-fixtool=x")), (RunsUserCode, Supervised));
    assert_eq!((kind("build", "-exec=x"), kind("run .", "-exec=x")), (Supervised, RunsUserCode));
    assert_eq!(kind("build", "'-v"), PassThrough, "go refuses it");
    assert_eq!(Invocation::read(&["build"], OsStr::from_bytes(b"\xff -toolexec=\xff")).kind, RunsUserCode);
}

#[test]
fn tests_that_are_only_compiled_are_helped() {
    for line in [
        "test -c",
        "test -c ./...",
        "test -v -c -o out .",
        "test . --c=true",
        "test -c=false -c",
        "test -run=x -c",
    ] {
        assert_eq!(kind(line), Supervised, "{line}");
    }
    for line in [
        "test -run -c",
        "test -c=false",
        "test -c -c=0",
        "test . -args -c",
        "test -- -c",
        "test -unknown -c",
        "test -c -toolexec=x",
        "test -c -vettool x",
    ] {
        assert_eq!(kind(line), RunsUserCode, "{line}");
    }
}

#[test]
fn the_mode_of_modules_is_known_from_both_places() {
    let mode = |line: &str, goflags: &str| with_goflags(line, goflags).mod_mode;
    assert_eq!(mode("build", "-x '-mod=vendor'").as_deref(), Some("vendor"));
    assert_eq!(mode("build -mod=mod", "-mod=vendor").as_deref(), Some("mod"));
    assert_eq!(mode("build --mod readonly .", "").as_deref(), Some("readonly"));
    assert_eq!(mode("build", ""), None);
}

#[test]
fn a_download_is_of_the_list_or_of_what_is_named() {
    let writable = |line, goflags| with_goflags(line, goflags).downloads.map(|d| d.writable);
    assert_eq!(writable("mod download", ""), Some(false));
    assert_eq!(writable("mod download -x -json", "-mod=readonly -trimpath"), Some(false));
    assert_eq!(writable("mod download -modcacherw", ""), Some(true));
    assert_eq!(writable("mod download", "-modcacherw=true"), Some(true));
    for line in
        ["mod download all", "mod download a.test/...", "mod download -modfile=x.mod", "mod tidy", "build"]
    {
        assert_eq!(writable(line, ""), None, "{line}");
    }
    assert_eq!(writable("mod download", "-modfile=x.mod"), None);
    assert_eq!(writable("mod download", "-overlay=x.json"), None);
    let named = |line| with_goflags(line, "").downloads.map(|d| d.named.join(" "));
    assert_eq!(named("mod download -x").as_deref(), Some(""));
    assert_eq!(named("mod download -json a.test/a@v1.0.0 b.test").as_deref(), Some("a.test/a@v1.0.0 b.test"));
    assert_eq!(named("mod download a.test/a@v1.0.0 -x"), None);
}

#[test]
fn versions_are_fixed_only_where_go_mod_names_them() {
    let fixed = |line: &str| read(line).versions_fixed;
    assert!(fixed("mod download") && fixed("build ./...") && fixed("list -m all"));
    for line in [
        "get x",
        "mod tidy",
        "list -m -u all",
        "install x@latest",
        "mod download x@latest",
        "list -m -versions x",
    ] {
        assert!(!fixed(line), "{line}");
    }
}

#[test]
fn import_paths_of_the_arguments_are_known() {
    assert_eq!(read("get -u git.corp/x@v1.0.0 h.example/y/...").named, ["git.corp/x", "h.example/y/..."]);
    assert_eq!(read("build -o out ./... main.go std /abs.d/x").named, [""; 0]);
    for (line, at) in [("-C d get x", 3), ("get -C d x", 3), ("mod tidy", 2), ("get x", 1), ("", 0)] {
        assert_eq!(read(line).flags_at, at, "{line}");
    }
}

#[test]
fn chdir_is_read_at_both_places() {
    let at = |line: &str| read(line).chdir;
    let odd = Invocation::read(
        &[OsStr::new("-C"), OsStr::from_bytes(b"d\xff"), OsStr::new("build")],
        OsStr::new(""),
    );
    assert_eq!((odd.chdir.unwrap().as_bytes(), odd.verb.as_str()), (&b"d\xff"[..], "build"));
    assert_eq!(at("-C a build"), Some("a".into()));
    assert_eq!(at("build -C=a ./..."), Some("a".into()));
    assert_eq!(at("mod download -C a"), Some("a".into()));
    assert_eq!(at("build ./..."), None);
}

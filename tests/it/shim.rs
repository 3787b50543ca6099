//! Section by section what stands between the shell and go: finding it, passing through, nesting.

use crate::harness::{Act, FakeGo, Outcome, Project, go, gox};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// A failure that gox repeats.
const EOF: &[u8] =
    b"go: example.test/a@v1.0.0: Get \"http://127.0.0.1:1/example.test/a/@v/v1.0.0.mod\": EOF\n";

/// Where gox looks last.
const USUAL: &str = "/usr/local/go/bin/go";

/// A folder for programs inside the project's own.
fn folder(project: &Project, name: &str) -> PathBuf {
    let dir = project.root().join("bin").join(name);
    fs::create_dir_all(&dir).expect("a folder in the temporary one");
    dir
}

fn script(file: &Path, text: &str) {
    fs::write(file, text).expect("a file in the temporary folder");
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).expect("a file of ours");
}

fn copy_of_gox(dir: &Path) -> PathBuf {
    let copy = dir.join("go");
    fs::copy(gox(), &copy).expect("a copy of gox");
    copy
}

/// PATH with these folders before the tools.
fn path(project: &Project, dirs: &[&Path]) -> OsString {
    let tools = project.tools();
    std::env::join_paths(dirs.iter().copied().chain([tools.as_path()])).expect("folders without a colon")
}

fn home_of(fake: &FakeGo) -> PathBuf {
    fake.path().parent().expect("a program in a folder").to_owned()
}

fn failing() -> FakeGo {
    FakeGo::new().attempt(&[Act::Err(EOF), Act::Exit(1)])
}

/// Every way to be first on PATH as `go`.
fn disguises(project: &Project) -> Vec<(&'static str, Vec<PathBuf>)> {
    let link = folder(project, "link");
    symlink(gox(), link.join("go")).expect("a symlink");
    let hard = folder(project, "hard");
    let original = hard.join("gox");
    fs::copy(gox(), &original).expect("a copy of gox");
    fs::hard_link(&original, hard.join("go")).expect("a hard link");
    let copy = folder(project, "copy");
    copy_of_gox(&copy);
    let other = folder(project, "other");
    copy_of_gox(&other);
    vec![
        ("symlink", vec![link.clone()]),
        ("hard link", vec![hard]),
        ("copy", vec![copy.clone()]),
        ("the same folder twice", vec![link.clone(), link.clone()]),
        ("symlink, then copy", vec![link.clone(), copy.clone()]),
        ("two copies and a symlink", vec![copy, other, link]),
    ]
}

#[test]
fn gox_never_takes_itself_for_go() {
    let project = Project::empty();
    for (what, dirs) in disguises(&project) {
        for caller in [dirs[0].join("go"), gox().to_owned()] {
            let fake = failing();
            let mut all: Vec<PathBuf> = dirs.clone();
            all.push(home_of(&fake));
            let all: Vec<&Path> = all.iter().map(PathBuf::as_path).collect();
            let run = |args: &[&str]| {
                project
                    .program(&caller, args)
                    .env("PATH", path(&project, &all))
                    .env("GOX_ATTEMPTS", "3")
                    .timeout(std::time::Duration::from_secs(20))
                    .run()
            };
            let version = run(&["version"]).success();
            assert_eq!(version.out(), "go version go1.27.3 linux/amd64\n", "{what}\n{version}");
            // As many attempts as were allowed: no gox on the way multiplied them.
            let build = run(&["build", "a b"]).exited(1);
            let calls = fake.calls();
            assert_eq!(calls.len(), 3, "{what}, called as {}\n{build}", caller.display());
            assert_eq!(calls[0].args, ["build", "a b"], "{what}");
        }
    }
}

#[test]
fn a_script_that_calls_gox_is_no_endless_loop() {
    let project = Project::empty();
    for (name, text) in [("exec", "exec \"$GOX\" \"$@\""), ("child", "\"$GOX\" \"$@\"")] {
        let dir = folder(&project, name);
        script(&dir.join("go"), &format!("#!/bin/sh\n{text}\n"));
        for verb in ["version", "build"] {
            project
                .program(gox(), [verb])
                .env("GOX", gox())
                .env("PATH", path(&project, &[&dir]))
                .timeout(std::time::Duration::from_secs(30))
                .run()
                .exited(125)
                .says("gox: ")
                .says("GOX_GO");
        }
    }
}

/// Programs that build programs call gox below gox as deep as they like, where a real go stands between them.
#[test]
fn a_real_go_between_two_gox_is_no_loop() {
    let project = Project::empty().file("go.mod", "module example.test/main\n\ngo 1.21\n").file(
        "main.go",
        "package main\n\n//go:generate env GOX_TEST_BELOW=1 $GOX version\n\nfunc main() {}\n",
    );
    let run = |marker: &str| project.gox(["generate"]).env("GOX", gox()).env("GOX_MARKER", marker).run();
    // As the hundredth and hundred and first see it.
    for marker in ["exec;99", "exec;100", "exec;4294967295"] {
        let outcome = run(marker).success();
        assert!(outcome.out().starts_with("go version go1."), "{outcome}");
    }
    // Without a real go between them it is one; unless it is nonsense.
    let fake = FakeGo::new();
    let run = |marker: &str| {
        project.program(gox(), ["version"]).env("GOX_GO", fake.path()).env("GOX_MARKER", marker)
    };
    run("exec;100").run().exited(125).says("again and again");
    for nonsense in ["nonsense;100", "exec;many", "exec;100;x:y", "100", ";;;", "supervised"] {
        run(nonsense).run().success();
    }
}

/// A machine without `/proc` (a chroot, an early boot): what gox is called, and what the kernel executed, say
/// which file is gox.
#[test]
#[cfg(target_os = "linux")]
fn without_proc_gox_still_knows_itself() {
    use std::os::unix::process::CommandExt;
    let project = Project::empty();
    let mut tried = 0;
    for (what, dirs) in disguises(&project) {
        let fake = failing();
        let home = home_of(&fake);
        let all: Vec<&Path> = dirs.iter().map(PathBuf::as_path).chain([home.as_path()]).collect();
        for (args, bypass, calls) in [(&["version"][..], "", 0), (&["build"], "", 2), (&["build"], "1", 1)] {
            let run = project
                .program(&dirs[0].join("go"), args)
                .env("PATH", path(&project, &all))
                .env("GOX_ATTEMPTS", "2")
                .env("GOX_BYPASS", bypass);
            let mut command = run.command();
            // SAFETY: it makes system calls alone, and allocates nothing.
            unsafe { command.pre_exec(hide_proc) };
            let before = fake.calls().len();
            let output = match command.output() {
                Ok(output) => output,
                Err(error) => {
                    eprintln!("no mount namespace is to be had here: {error}");
                    return;
                }
            };
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(
                output.status.code(),
                Some(i32::from(calls > 0)),
                "{what} {args:?} {bypass:?}\n{said}"
            );
            assert_eq!(fake.calls().len(), before + calls, "{what} {args:?} {bypass:?}\n{said}");
            tried += 1;
        }
    }
    assert!(tried > 0);
}

/// Gives a process, between fork and exec, a mount namespace with nothing below `/proc`.
#[cfg(target_os = "linux")]
fn hide_proc() -> std::io::Result<()> {
    let done = |result: i32| if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) };
    // SAFETY: system calls with strings that end.
    unsafe {
        // Who is not root is root of a user namespace of its own.
        done(libc::unshare(libc::CLONE_NEWNS))
            .or_else(|_| done(libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS)))?;
        let (none, root, proc, tmpfs) =
            (c"none".as_ptr(), c"/".as_ptr(), c"/proc".as_ptr(), c"tmpfs".as_ptr());
        done(libc::mount(none, root, std::ptr::null(), libc::MS_REC | libc::MS_PRIVATE, std::ptr::null()))?;
        done(libc::mount(none, proc, tmpfs, 0, std::ptr::null()))
    }
}

/// As with go's own look-up, a program of the working folder that a relative element of PATH holds is not run.
#[test]
fn a_go_of_the_working_folder_is_not_run() {
    let fake = FakeGo::new();
    let project = Project::empty();
    script(&project.dir().join("go"), "#!/bin/sh\necho stranger\n");
    let tools = project.tools().display().to_string();
    let real = home_of(&fake).display().to_string();
    for here in ["", ".", "../main"] {
        let run = |path: String, go: &str| {
            project.program(gox(), ["version"]).env("PATH", path).env("GOX_GO", go).run()
        };
        for go in ["", "go"] {
            let outcome =
                run(format!("{here}:{real}:{tools}"), go).exited(126).says("relative element of PATH");
            assert!(outcome.stdout.is_empty(), "{outcome}");
            let outcome = run(format!("{real}:{here}:{tools}"), go).success();
            assert!(outcome.out().starts_with("go version"), "{outcome}");
        }
    }
}

#[test]
fn retries_do_not_multiply_in_nested_runs() {
    // build calls gox, whose go calls gox, whose go fails.
    let fake = FakeGo::new().attempt(&[
        Act::Sh("case $1 in build) \"$GOX\" mod download; exit $? ;; mod) \"$GOX\" list; exit $? ;; esac"),
        Act::Err(EOF),
        Act::Exit(1),
    ]);
    let project = Project::empty().with_go(&fake.path()).env("GOX", gox()).env("GOX_ATTEMPTS", "3");
    project.gox(["build"]).run().exited(1);
    let verbs: Vec<String> = fake.calls().iter().map(|call| call.args[0].clone()).collect();
    assert_eq!(verbs, ["build", "mod", "list"].repeat(3));
}

#[test]
fn what_passes_through_arms_gox_again() {
    let fake = FakeGo::new()
        .attempt(&[Act::Sh("exec \"$GOX\" mod download")])
        .attempt(&[Act::Err(EOF), Act::Exit(1)])
        .attempt(&[]);
    let project = Project::empty().with_go(&fake.path()).env("GOX", gox());
    let outcome = project.gox(["generate"]).run().success();
    let verbs: Vec<String> = fake.calls().iter().map(|call| call.args[0].clone()).collect();
    assert_eq!(verbs, ["generate", "mod", "mod"], "{outcome}");
}

#[test]
fn a_go_that_cannot_be_run_has_its_status_and_words() {
    let project = Project::empty();
    let dir = folder(&project, "odd");
    let plain = dir.join("plain");
    fs::write(&plain, "no program").expect("a file in the temporary folder");
    let garbage = dir.join("garbage");
    script(&garbage, "#!/no/such/interpreter\n");
    let copy = copy_of_gox(&dir);
    let cases: [(&Path, i32, &str); 7] = [
        (&dir.join("nothing"), 127, "no such file"),
        (Path::new("no-such-program-anywhere"), 127, "no such program on PATH"),
        (&plain, 126, "not an executable file"),
        (&dir, 126, "not an executable file"),
        (&garbage, 126, "cannot run"),
        (gox(), 125, "is gox itself"),
        (&copy, 125, "is gox itself"),
    ];
    for (named, code, words) in cases {
        for verb in ["version", "build", "test"] {
            let outcome = project.program(gox(), [verb]).env("GOX_GO", named).run().exited(code).says(words);
            assert!(outcome.stdout.is_empty() && outcome.err().lines().count() == 1, "{outcome}");
            assert!(outcome.err().starts_with("gox: "), "{outcome}");
            assert!(outcome.err().contains(&*named.to_string_lossy()), "{outcome}");
        }
    }
}

/// The last place where gox looks is a fixed one, and this machine may have a go there: then that one is run.
/// (What is said of each place, and in which order, is tested beside the code.)
#[test]
fn without_any_go_on_path_the_usual_place_is_the_last() {
    let project = Project::empty();
    let dir = folder(&project, "without");
    let run = |verb: &str| project.program(gox(), [verb]).env("PATH", &dir).without("GOTOOLCHAIN").run();
    if Path::new(USUAL).exists() {
        let plain = project.program(Path::new(USUAL), ["version"]).env("PATH", &dir);
        same(&plain.without("GOTOOLCHAIN").run(), &run("version"));
        return;
    }
    for verb in ["version", "build", "run"] {
        run(verb).exited(127).says("no go found").says("PATH").says(USUAL);
    }
    fs::write(dir.join("go"), "#!/bin/sh\n").expect("a file in the temporary folder");
    run("version").exited(126).says("not executable").says(&dir.join("go").display().to_string());
    // Only gox itself is there.
    fs::remove_file(dir.join("go")).expect("a file of ours");
    symlink(gox(), dir.join("go")).expect("a symlink");
    run("version").exited(127).says("(is gox)");
}

#[test]
fn goroot_is_looked_at_after_path() {
    let fake = FakeGo::new();
    let project = Project::empty();
    let root = project.root().join("goroot");
    fs::create_dir_all(root.join("bin")).expect("a folder in the temporary one");
    script(&root.join("bin/go"), &format!("#!/bin/sh\nexec {} \"$@\"\n", fake.path().display()));
    let dir = folder(&project, "none");
    project
        .program(gox(), ["build"])
        .env("PATH", path(&project, &[&dir]))
        .env("GOROOT", &root)
        .run()
        .success();
    assert_eq!(fake.calls().len(), 1);
}

#[test]
fn an_empty_gox_go_is_none_and_a_relative_one_is_taken_from_here() {
    let fake = FakeGo::new().attempt(&[Act::Err(EOF), Act::Exit(1)]).attempt(&[]);
    let project = Project::empty().file("sub/go.mod", "module example.test/sub\n\ngo 1.21\n");
    project
        .program(gox(), ["build"])
        .env("GOX_GO", "")
        .env("PATH", path(&project, &[&home_of(&fake)]))
        .run()
        .success();
    assert_eq!(fake.calls().len(), 2);
    // Also where go is told to work elsewhere.
    let here = project.dir();
    let name = home_of(&fake).file_name().expect("a folder with a name").to_owned();
    symlink(home_of(&fake), here.join(&name)).expect("a symlink");
    let relative = Path::new(".").join(&name).join("go");
    project.program(gox(), ["-C", "sub", "mod", "download"]).env("GOX_GO", &relative).run().success();
    assert_eq!(fake.calls().len(), 3);
    assert!(!fake.asides().is_empty(), "go was not asked for its settings");
}

#[test]
fn bypass_is_plain_go() {
    let fake = failing();
    let project = Project::empty().with_go(&fake.path()).file("gox.toml", "rubbish\n").without("GOX_CONFIG");
    for args in [&["mod", "download"][..], &["config"], &["--attempts", "7"], &["doctor"]] {
        let before = fake.calls().len();
        let outcome = project.gox(args).env("GOX_BYPASS", "1").run().exited(1);
        assert_eq!(outcome.stderr, EOF, "{outcome}");
        assert!(outcome.report.is_none());
        let calls = fake.calls();
        assert_eq!(calls.len(), before + 1);
        assert_eq!(calls[before].args, args);
    }
    for off in ["0", ""] {
        let before = fake.calls().len();
        project
            .gox(["build"])
            .env("GOX_BYPASS", off)
            .env("GOX_CONFIG", "none")
            .env("GOX_ATTEMPTS", "2")
            .run();
        assert_eq!(fake.calls().len(), before + 2, "GOX_BYPASS={off:?}");
    }
}

#[test]
fn options_before_the_verb_are_goxs_and_through_a_link_named_go_they_are_gos() {
    let fake = failing();
    let project = Project::empty().with_go(&fake.path());
    project.gox(["--attempts", "2", "--backoff-base=1ms", "build", "--attempts", "9"]).run().exited(1);
    let calls = fake.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].args, ["build", "--attempts", "9"]);
    project.gox(["--attemps", "2", "build"]).run().exited(125).says("did you mean --attempts?");
    assert_eq!(fake.calls().len(), 2);

    let dir = folder(&project, "named");
    symlink(gox(), dir.join("go")).expect("a symlink");
    for args in [&["--version"][..], &["--attempts", "2", "build"], &["config"], &["history"], &["--help"]] {
        let before = fake.calls().len();
        let outcome = project.program(&dir.join("go"), args).env("GOX_GO", fake.path()).run().exited(1);
        assert_eq!(outcome.stderr, EOF, "{outcome}");
        assert_eq!(fake.calls()[before].args, args);
    }
    // The verb is found behind -C, and it is supervised as ever.
    let before = fake.calls().len();
    project.gox(["-C", ".", "build"]).env("GOX_ATTEMPTS", "2").run().exited(1);
    assert_eq!(fake.calls().len(), before + 2);
}

#[test]
fn arguments_reach_go_unchanged() {
    use std::os::unix::ffi::OsStringExt;
    let fake = FakeGo::new().attempt(&[Act::Sh("for a in \"$@\"; do printf '[%s]' \"$a\"; done")]);
    let project = Project::empty().with_go(&fake.path());
    let odd: Vec<OsString> =
        vec!["list".into(), "".into(), "a b".into(), "*".into(), OsString::from_vec(b"\xff'\"".to_vec())];
    let outcome = project.gox(&odd).run().success();
    assert_eq!(outcome.stdout, b"[list][][a b][*][\xff'\"]");
}

#[test]
fn gos_version_is_gos_and_goxs_is_goxs() {
    let project = Project::empty();
    let plain = project.go(["version"]).run().success();
    let ours = project.gox(["version"]).run().success();
    same(&plain, &ours);
    let own = project.gox(["--version"]).run().success();
    assert_eq!(own.out(), concat!("gox ", env!("CARGO_PKG_VERSION"), "\n"));
    for args in [&["help"][..], &["help", "mod"], &["mod"], &["build", "-nonsense"]] {
        same(&project.go(args).run(), &project.gox(args).run());
    }
}

#[test]
fn who_lost_the_way_reads_one_line_before_gos_own() {
    let project = Project::empty();
    for (args, line) in [
        (&[][..], "`gox --help`"),
        (&["-h"], "`gox --help`"),
        (&["frobnicate"], "`gox --help`"),
        (&["explan"], "`gox explain`"),
        (&["mod", "downlaod"], "`gox mod download`"),
    ] {
        let (plain, ours) = (project.go(args).run(), project.gox(args).run());
        assert_eq!((plain.code(), plain.out()), (ours.code(), ours.out()), "{args:?}");
        let said = ours.said();
        assert!(said.len() == 1 && said[0].contains(line), "{args:?}\n{ours}");
        let rest: Vec<String> =
            ours.err().lines().filter(|l| !l.starts_with("gox: ")).map(str::to_owned).collect();
        assert_eq!(rest, plain.err().lines().collect::<Vec<_>>(), "{args:?}");
    }
    let chinese = project.gox(["explan"]).env("LANG", "zh_CN.UTF-8").run();
    assert!(chinese.said()[0].contains("`gox explain`") && !chinese.said()[0].is_ascii(), "{chinese}");
}

#[test]
fn help_is_there_whatever_is_wrong_and_in_the_users_language() {
    let project = Project::empty().env("GOX_ATTEMPTS", "nonsense");
    let help = project.gox(["--help"]).run().success();
    assert!(help.out().contains("Usage: gox"), "{help}");
    let chinese = project.gox(["--lang", "zh", "--help"]).without("GOX_ATTEMPTS").run().success();
    assert!(chinese.out().contains("用法：gox"), "{chinese}");
}

#[test]
fn a_wrong_gox_toml_stops_only_what_gox_watches() {
    let fake = FakeGo::new();
    let project = Project::empty()
        .with_go(&fake.path())
        .without("GOX_CONFIG")
        .file("go.mod", "module example.test/main\n\ngo 1.21\n");
    let config = project.root().join("home/.config/gox");
    fs::create_dir_all(&config).expect("a folder in the temporary one");
    fs::write(config.join("gox.toml"), "# mine\natempts = 3\n").expect("a file of ours");
    for args in [&["version"][..], &["fmt"], &["test"], &["run", "."], &["generate"], &["help"]] {
        let outcome = project.gox(args).run().success();
        assert!(outcome.stderr.is_empty(), "{outcome}");
    }
    let calls = fake.calls().len();
    for args in [&["build"][..], &["mod", "download"]] {
        let outcome = project.gox(args).run().exited(125);
        outcome.says("gox: ").says("gox.toml").says("2").says("attempts");
    }
    assert_eq!(fake.calls().len(), calls, "go was run in spite of a wrong gox.toml");
    for (name, value) in [("GOX_ATTEMPTS", "many"), ("GOX_CONFIG", "/no/such/gox.toml"), ("GOX_ROTATE", "up")]
    {
        project.gox(["version"]).env(name, value).run().success();
        project.gox(["build"]).env("GOX_CONFIG", "none").env(name, value).run().exited(125).says(value);
    }
}

#[test]
fn gox_toml_may_name_the_go_that_path_lacks() {
    let fake = FakeGo::new();
    let project = Project::empty().without("GOX_CONFIG");
    let config = project.root().join("home/.config/gox");
    fs::create_dir_all(&config).expect("a folder in the temporary one");
    fs::write(config.join("gox.toml"), format!("go = {:?}\n", fake.path())).expect("a file of ours");
    project.program(gox(), ["build"]).run().success();
    assert_eq!(fake.calls().len(), 1);
    // Verbs that pass through read gox.toml only where there is no go at all.
    let version = project.program(gox(), ["version"]).run().success();
    let plain = if Path::new(USUAL).exists() { Path::new(USUAL) } else { &fake.path() };
    same(&project.program(plain, ["version"]).run(), &version);
}

/// Status and every byte are the same.
#[track_caller]
fn same(plain: &Outcome, ours: &Outcome) {
    assert_eq!(plain.status, ours.status, "{plain}\n{ours}");
    assert_eq!(plain.out(), ours.out());
    assert_eq!(plain.err(), ours.err());
}

#[test]
fn go_itself_is_the_process_that_was_started() {
    // exec: the same process number, so that whoever watches gox watches go.
    let fake = FakeGo::new().attempt(&[Act::Sh("echo $$")]);
    let project = Project::empty().with_go(&fake.path());
    for args in [&["test"][..], &["fmt"], &["run", "."], &["build", "-toolexec=x"]] {
        let started = project.gox(args).start();
        let id = started.id();
        assert_eq!(started.wait().success().out(), format!("{id}\n"), "{args:?}");
    }
    assert!(go().is_file());
}

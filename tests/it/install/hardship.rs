//! install.sh where something comes in between: another run, a signal, a full disk, strangers, odd settings.

use super::{Machine, Outcome, ours, outcome};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// What install.sh does its work with: in the tests below each is a program that first kills its caller when
/// its turn has come, counted over all of them.
const DOERS: &[&str] = &["awk", "cat", "chmod", "cp", "dd", "grep", "ln", "mkdir", "mv", "rm", "rmdir"];

/// Runs the script and kills it without a warning (`kill -9`) just before call number `n` of a doer.
fn killed_at(machine: &Machine, n: usize, args: &[&str]) -> Outcome {
    let _ = fs::remove_file(machine.path("calls"));
    for name in DOERS {
        let real = fs::canonicalize(machine.path("programs").join(name)).unwrap();
        machine.program(
            &format!("doers/{name}"),
            &format!(
                "echo {name} >>'{calls}'\n\
                 if [ $(wc -l <'{calls}') -eq \"$KILL_AT\" ]; then kill -9 $PPID; exit 1; fi\n\
                 exec '{real}' \"$@\"",
                calls = machine.path("calls").display(),
                real = real.display()
            ),
        );
    }
    let mut command = machine.command(&ours(), "/bin/bash", args);
    outcome(command.env("PATH", machine.programs(&["doers"])).env("KILL_AT", n.to_string()))
}

/// Files and links, without the folders around them.
fn files(machine: &Machine) -> BTreeMap<PathBuf, String> {
    machine.home().into_iter().filter(|(_, held)| held != "folder").collect()
}

#[test]
fn killed_anywhere_in_an_upgrade_everything_can_still_be_taken_back() {
    let upgrade = |n: usize| {
        let machine = furnished();
        let before = files(&machine);
        machine.install("/bin/bash", EVERYTHING);
        machine.release("#!/bin/sh\necho gox 10.0.0\n");
        let url = machine.url();
        killed_at(&machine, n, &[&["--from-release", url.as_str()], EVERYTHING].concat());
        (machine, before)
    };
    let calls = upgrade(0).0.read("calls").lines().count();
    assert!(calls > 20, "{calls}");
    for n in 1..=calls {
        let (machine, before) = upgrade(n);
        // One of the two, and whole.
        let gox = machine.read("home/.local/bin/gox");
        assert!(
            ["#!/bin/sh\necho gox 9.9.9\n", "#!/bin/sh\necho gox 10.0.0\n"].contains(&gox.as_str()),
            "{n}"
        );
        if n % 2 == 0 {
            machine.install("/bin/bash", &[]);
            assert!(machine.read("home/.local/bin/gox").contains("10.0.0"), "killed before call {n}");
        }
        let said = machine.uninstall();
        assert_eq!(files(&machine), before, "killed before call {n}: {said}");
        assert!(!machine.path("home/.local").exists(), "killed before call {n}: {said}");
    }
}

/// A machine with a start file that does not end in a newline.
fn furnished() -> Machine {
    let machine = Machine::new();
    machine.write("home/.bashrc", "export A=1");
    machine
}

const EVERYTHING: &[&str] = &["--alias", "--shim", "home/shims", "--mirrors=cn"];

#[test]
fn killed_anywhere_in_a_first_run_what_it_did_can_be_taken_back() {
    let before = files(&furnished());
    let install = |n: usize| {
        let machine = furnished();
        let url = machine.url();
        killed_at(&machine, n, &[&["--from-release", url.as_str()], EVERYTHING].concat());
        machine
    };
    let calls = install(0).read("calls").lines().count();
    assert!(calls > 20, "{calls}");
    for n in 1..=calls {
        let machine = install(n);
        if machine.path("home/.local/share/gox/installed").exists() {
            let said = machine.uninstall();
            assert!(
                !machine.path("home/.local").exists(),
                "killed before call {n}: {said}{:?}",
                machine.home()
            );
        }
        // Killed before there was a manifest: the lock and an unfinished one in a folder of the script's own.
        let mut left = files(&machine);
        left.retain(|file, _| !file.parent().is_some_and(|dir| dir.ends_with("share/gox")));
        let names = |files: &BTreeMap<PathBuf, String>| -> Vec<String> {
            files.iter().map(|(file, held)| format!("{:?} {held}", file.file_name())).collect()
        };
        assert_eq!(names(&left), names(&before), "killed before call {n}");
    }
}

#[test]
fn killed_anywhere_in_uninstall_a_second_one_is_whole() {
    let installed = || {
        let machine = furnished();
        machine.install("/bin/bash", EVERYTHING);
        machine
    };
    let machine = installed();
    killed_at(&machine, 0, &["--uninstall"]);
    let calls = machine.read("calls").lines().count();
    assert!(calls > 10, "{calls}");
    for n in 1..=calls {
        let machine = installed();
        killed_at(&machine, n, &["--uninstall"]);
        let text = machine.read("home/.bashrc");
        assert!(
            text == "export A=1" || text == format!("export A=1\n{}\n", machine.alias()),
            "{n}: {text:?}"
        );
        if machine.path("home/.local/share/gox/installed").exists() {
            machine.uninstall();
        }
        let mut left = files(&machine);
        left.retain(|file, _| !file.ends_with("share/gox/lock"));
        let only = machine.path("home/.bashrc");
        assert!(left.len() == 1 && left[&only].ends_with("export A=1"), "killed before call {n}: {left:?}");
    }
}

#[test]
fn installs_at_the_same_time_wait_for_each_other() {
    let machine = Machine::new();
    machine.write("home/.bashrc", "export A=1\n");
    let before = machine.home();
    let url = machine.url();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|n| {
                let (machine, url) = (&machine, url.as_str());
                scope.spawn(move || {
                    let to = format!("home/bin{}", n % 2);
                    machine.run("bash", &["--from-release", url, "--to", &to, "--alias"])
                })
            })
            .collect();
        for run in runs {
            let outcome = run.join().unwrap();
            assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
        }
    });
    assert_eq!(machine.read("home/.bashrc").matches("alias go=gox").count(), 1);
    let manifest = machine.read("home/.local/share/gox/installed");
    assert_eq!(manifest.lines().filter(|line| line.starts_with("binary\t")).count(), 2, "{manifest}");
    machine.uninstall();
    assert_eq!(machine.home(), before);
}

#[test]
fn folders_go_whatever_the_order_in_which_two_runs_noted_them() {
    let machine = Machine::new();
    machine.install("bash", EVERYTHING);
    let manifest = machine.read("home/.local/share/gox/installed");
    let mut lines: Vec<&str> = manifest.lines().collect();
    for _ in 0..lines.len() {
        lines.rotate_left(1);
        machine.write("home/.local/share/gox/installed", &(lines.join("\n") + "\n"));
        machine.uninstall();
        assert_eq!(machine.home(), BTreeMap::new(), "{lines:?}");
        machine.install("bash", EVERYTHING);
    }
}

#[test]
fn a_lock_is_respected_and_one_of_a_dead_process_is_not() {
    let machine = Machine::new();
    fs::create_dir_all(machine.path("home/.local/share/gox")).unwrap();
    let lock = machine.path("home/.local/share/gox/lock");
    // This process lives. Not a minute is waited: the sleeps are taken from the script.
    symlink(std::process::id().to_string(), &lock).unwrap();
    machine.program("quick/sleep", "exit 0");
    let url = machine.url();
    let mut command = machine.command(&ours(), "bash", &["--from-release", &url]);
    let refused = outcome(command.env("PATH", machine.programs(&["quick"])));
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains(&format!("another install.sh (process {})", std::process::id())));
    assert!(!machine.path("home/.local/bin/gox").exists() && lock.is_symlink());
    fs::remove_file(&lock).unwrap();
    let mut ended = std::process::Command::new("/bin/sh").args(["-c", "exit 0"]).spawn().unwrap();
    ended.wait().unwrap();
    symlink(ended.id().to_string(), &lock).unwrap();
    machine.install("bash", &[]);
    assert!(!lock.is_symlink());
}

#[test]
fn links_to_nothing_and_what_the_user_changed_are_left_alone() {
    let machine = Machine::new();
    let url = machine.url();
    let refused = |want: &str, args: &[&str]| {
        let before = machine.home();
        let outcome = machine.run("bash", &[&["--from-release", url.as_str()], args].concat());
        assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
        assert!(outcome.stderr.contains(want), "{}", outcome.stderr);
        assert_eq!(machine.home(), before);
    };
    fs::create_dir_all(machine.path("home/.local/bin")).unwrap();
    let gox = machine.path("home/.local/bin/gox");
    symlink("/opt/gox/not/mounted", &gox).unwrap();
    refused("was not installed by this script", &[]);
    fs::remove_file(&gox).unwrap();
    symlink("dotfiles/not/cloned", machine.path("home/.bashrc")).unwrap();
    refused("is a link to nothing", &["--alias"]);
    fs::remove_file(machine.path("home/.bashrc")).unwrap();

    machine.install("bash", &[]);
    machine.write("home/.local/bin/gox", "built by hand since");
    refused("has changed since this script installed it", &[]);
    fs::remove_file(&gox).unwrap();
    symlink("/opt/gox/not/mounted", &gox).unwrap();
    refused("has changed since this script installed it", &[]);
    let said = machine.uninstall();
    assert!(said.contains("has changed since and is left alone"), "{said}");
    assert!(gox.is_symlink());
}

#[test]
fn paths_that_a_line_cannot_hold_are_refused_before_anything_is_done() {
    for (home, data) in
        [("home\nsweet", None), ("home\nsweet", Some("data")), ("sweet\n", None), ("a\tb", None)]
    {
        let machine = Machine::new();
        fs::create_dir_all(machine.path(home)).unwrap();
        let url = machine.url();
        let mut command =
            machine.command(&ours(), "/bin/bash", &["--from-release", &url, "--to", "to", "--alias"]);
        command.env("HOME", machine.path(home));
        if let Some(data) = data {
            command.env("XDG_DATA_HOME", machine.path(data));
        }
        let outcome = outcome(&mut command);
        assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
        assert!(outcome.stderr.contains("a tab or newline is not supported"), "{}", outcome.stderr);
        for made in ["to", "data", &format!("{home}/.bashrc"), &format!("{home}/.local")] {
            assert!(!machine.path(made).exists(), "{made:?}");
        }
    }
    // A relative path in a folder whose name ends so.
    let machine = Machine::new();
    fs::create_dir(machine.path("odd\n")).unwrap();
    let url = machine.url();
    let mut command = machine.command(&ours(), "/bin/bash", &["--from-release", &url, "--to", "to"]);
    let outcome = outcome(command.current_dir(machine.path("odd\n")));
    assert!(outcome.stderr.contains("a tab or newline is not supported"), "{}", outcome.stderr);
    assert!(!machine.path("odd").exists() && !machine.path("odd\n/to").exists());
}

#[test]
fn whatever_the_mask_nobody_else_may_write_what_is_made() {
    for (mask, of_bashrc) in [(0o000, 0o644), (0o022, 0o644), (0o077, 0o600)] {
        let machine = Machine::new();
        let url = machine.url();
        let args = ["--from-release", url.as_str(), "--alias", "--shim", "home/shims"];
        let mut command = machine.command(&ours(), "/bin/bash", &args);
        // SAFETY: a system call that is safe between fork and exec, and allocates nothing.
        unsafe {
            command.pre_exec(move || {
                rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
                Ok(())
            });
        }
        let done = outcome(&mut command);
        assert_eq!((done.code, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
        let mode = |name: &str| machine.path(name).metadata().unwrap().permissions().mode() & 0o777;
        for path in machine.home().keys().filter(|path| !path.is_symlink()) {
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o022, 0, "{}: {mode:o} with mask {mask:o}", path.display());
        }
        assert_eq!(mode("home/.local/share/gox"), 0o700);
        assert_eq!(mode("home/.local/bin/gox"), 0o755);
        assert_eq!(mode("home/.bashrc"), of_bashrc);
        machine.uninstall();
        assert_eq!(machine.home(), BTreeMap::new());
    }
}

#[test]
fn downloads_stay_with_https_or_are_refused() {
    // wget follows a redirect from https to http, whatever it is told.
    let machine = Machine::new();
    fs::remove_file(machine.path("programs/curl")).ok();
    fs::remove_file(machine.path("programs/wget")).ok();
    let note = |name: &str| format!("echo \"$@\" >>'{}'\nexit 22", machine.path(name).display());
    machine.program("only/wget", &note("wget-was-asked"));
    let run = |url: &str| {
        let mut command = machine.command(&ours(), "bash", &["--from-release", url]);
        outcome(command.env("PATH", machine.programs(&["only"])))
    };
    let refused = run("https://example.test/gox");
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("curl is not here"), "{}", refused.stderr);
    assert!(!machine.path("wget-was-asked").exists());

    // curl is held to it, redirects included, and http is for this machine alone, which redirects nowhere.
    machine.program("only/curl", &note("curl-was-asked"));
    for (url, has, has_not) in [
        ("https://example.test/gox", "--proto =https ", "=http "),
        ("http://127.0.0.1:9/gox", "--proto =http ", "L"),
    ] {
        let _ = fs::remove_file(machine.path("curl-was-asked"));
        assert_eq!(run(url).code, Some(1));
        let asked = machine.read("curl-was-asked");
        let options = asked.split(" -o ").next().unwrap_or_default();
        assert!(format!("{options} ").contains(has) && !options.contains(has_not), "{asked}");
    }
    assert_eq!(machine.home(), BTreeMap::new());
}

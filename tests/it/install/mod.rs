//! install.sh: what it puts into a home folder, what it refuses, and that --uninstall leaves every byte
//! as it was.

mod hardship;
mod places;

use crate::harness::{be_on_ones_own, link_tools};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A machine with a home folder, a release to install, and the system's tools.
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
        let name = format!("gox install {}-{number}", std::process::id());
        let root = std::env::temp_dir().join(name);
        // Of an earlier process with the same id.
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(root.join("home")).unwrap();
        link_tools(&root.join("programs"));
        let machine = Machine { root };
        machine.release("#!/bin/sh\necho gox 9.9.9\n");
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

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Puts a program and its checksum where `--from-release` of [`Machine::url`] finds it.
    fn release(&self, text: &str) {
        let file = self.write("release/gox", text);
        let sum = Command::new("sh")
            .arg("-c")
            .arg("if command -v sha256sum >/dev/null; then sha256sum <\"$1\"; else shasum -a 256 <\"$1\"; fi")
            .arg("sh")
            .arg(&file)
            .output()
            .unwrap();
        fs::write(self.path("release/gox.sha256"), sum.stdout).unwrap();
    }

    fn url(&self) -> String {
        format!("file://{}", self.path("release/gox").display())
    }

    /// The programs of the machine, with others in these folders before them.
    fn programs(&self, before: &[&str]) -> OsString {
        let dirs = before.iter().chain(&["programs"]).map(|name| self.path(name));
        std::env::join_paths(dirs).unwrap()
    }

    /// Puts a program there.
    fn program(&self, name: &str, text: &str) {
        let path = self.write(name, &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The script, ready to start.
    fn command(&self, script: &Path, shell: &str, args: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg(script).args(args).env_clear().current_dir(&self.root).stdin(Stdio::null());
        command.env("HOME", self.path("home")).env("TMPDIR", &self.root);
        command.env("SHELL", shell).env("PATH", self.programs(&[]));
        // SAFETY: it makes system calls alone, and allocates nothing.
        unsafe {
            command.pre_exec(be_on_ones_own);
        }
        command
    }

    fn run_script(&self, script: &Path, shell: &str, path: &OsStr, args: &[&str]) -> Outcome {
        outcome(self.command(script, shell, args).env("PATH", path))
    }

    fn run(&self, shell: &str, args: &[&str]) -> Outcome {
        outcome(&mut self.command(&ours(), shell, args))
    }

    /// The line that lets "go" mean gox.
    fn alias(&self) -> String {
        let gox = self.path("home/.local/bin/gox");
        format!("! test -x '{}' || alias go=gox # added by the install.sh of gox", gox.display())
    }

    /// Installs from the release with further arguments, which must succeed.
    fn install(&self, shell: &str, args: &[&str]) -> String {
        let url = self.url();
        let outcome = self.run(shell, &[&["--from-release", url.as_str()], args].concat());
        assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
        assert_eq!(outcome.stderr, "");
        outcome.stdout
    }

    fn uninstall(&self) -> String {
        let outcome = self.run("/bin/sh", &["--uninstall"]);
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{}", outcome.stdout);
        outcome.stdout
    }

    /// Every file, folder and link below the home folder, with what it holds.
    fn home(&self) -> BTreeMap<PathBuf, String> {
        fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let kind = path.symlink_metadata().unwrap().file_type();
                if kind.is_symlink() {
                    let target = fs::read_link(&path).unwrap();
                    found.insert(path, format!("-> {}", target.display()));
                } else if kind.is_dir() {
                    walk(&path, found);
                    found.insert(path, "folder".to_owned());
                } else {
                    let mode = path.metadata().unwrap().permissions().mode();
                    let held = format!("{mode:o} {}", fs::read_to_string(&path).unwrap());
                    found.insert(path, held);
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.path("home"), &mut found);
        found
    }

    /// Nothing of a run stays in the folder for temporary files.
    fn assert_no_scratch(&self) {
        for entry in fs::read_dir(&self.root).unwrap() {
            let name = entry.unwrap().file_name();
            assert!(!name.to_string_lossy().starts_with("gox-install."), "{name:?}");
        }
    }
}

/// The script under test.
fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh")
}

fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn an_empty_home_is_empty_again_after_uninstall() {
    let machine = Machine::new();
    let said = machine.install("/bin/bash", &["--alias", "--shim", "home/shims/here"]);
    let at = |name: &str| machine.path(name).display().to_string();
    assert!(said.starts_with("This will:\n  - download file://"), "{said}");
    for line in [
        format!("  - install it as {}", at("home/.local/bin/gox")),
        format!("  - add to {}, once: alias go=gox", at("home/.bashrc")),
        format!("  - make the link {} -> {}", at("home/shims/here/go"), at("home/.local/bin/gox")),
    ] {
        assert!(said.contains(&(line + "\n")), "{said}");
    }
    let gox = machine.path("home/.local/bin/gox");
    assert_eq!(gox.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_link(machine.path("home/shims/here/go")).unwrap(), gox);
    assert_eq!(machine.read("home/.bashrc"), machine.alias() + "\n");
    machine.uninstall();
    assert_eq!(machine.home(), BTreeMap::new());
    machine.assert_no_scratch();
    let again = machine.run("/bin/sh", &["--uninstall"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.starts_with("install.sh: nothing to take back: "), "{}", again.stderr);
}

#[test]
fn start_files_get_every_byte_back() {
    for (shell, file) in
        [("bash", ".bashrc"), ("/usr/bin/zsh", ".zshrc"), ("/usr/bin/fish", ".config/fish/config.fish")]
    {
        for text in ["export A=1\n", "export A=1", "", "\n", "a\n\n\n", "caf\u{e9} \\n %s\n", "\n\nlast"] {
            let machine = Machine::new();
            machine.write(&format!("home/{file}"), text);
            let before = machine.home();
            machine.install(shell, &["--alias"]);
            let name = format!("home/{file}");
            assert_eq!(machine.read(&name).lines().last(), Some(machine.alias().as_str()));
            machine.uninstall();
            assert_eq!(machine.home(), before, "{shell} {text:?}");
        }
    }
}

#[test]
fn what_the_user_wrote_after_the_alias_stays() {
    for after in ["export B=2\n", "export B=2"] {
        let machine = Machine::new();
        machine.write("home/.bashrc", "export A=1\n");
        machine.install("bash", &["--alias"]);
        let text = machine.read("home/.bashrc") + after;
        machine.write("home/.bashrc", &text);
        machine.uninstall();
        assert_eq!(machine.read("home/.bashrc"), format!("export A=1\n{after}"));
    }
}

#[test]
fn installing_twice_changes_nothing_more() {
    let machine = Machine::new();
    machine.install("bash", &["--alias", "--shim", "home/shims"]);
    let once = machine.home();
    let said = machine.install("bash", &["--alias", "--shim", "home/shims"]);
    assert!(said.contains("has the alias already"), "{said}");
    assert_eq!(machine.home(), once);
    machine.release("#!/bin/sh\necho gox 10.0.0\n");
    machine.install("bash", &[]);
    assert!(machine.read("home/.local/bin/gox").contains("10.0.0"));
    machine.install("bash", &["--to", "home/other"]);
    machine.uninstall();
    assert_eq!(machine.home(), BTreeMap::new());
}

#[test]
fn an_alias_of_the_users_own_is_neither_doubled_nor_taken() {
    let machine = Machine::new();
    machine.write("home/.zshrc", "  alias go=gox\n");
    let before = machine.home();
    machine.install("zsh", &["--alias"]);
    machine.uninstall();
    assert_eq!(machine.home(), before);
}

#[test]
fn a_start_file_that_is_a_link_stays_one() {
    let machine = Machine::new();
    let real = machine.write("home/dotfiles/bashrc", "x\n");
    symlink(&real, machine.path("home/.bashrc")).unwrap();
    let before = machine.home();
    machine.install("bash", &["--alias"]);
    assert!(fs::read_to_string(&real).unwrap().contains("alias go=gox"));
    machine.uninstall();
    assert_eq!(machine.home(), before);
}

#[test]
fn nothing_of_anybody_elses_is_overwritten_or_removed() {
    let machine = Machine::new();
    machine.write("home/.local/bin/gox", "the cross-compiler");
    machine.write("home/sdk/go", "the real go");
    let before = machine.home();
    let url = machine.url();
    let refused = machine.run("bash", &["--from-release", &url]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("was not installed by this script"), "{}", refused.stderr);
    let refused = machine.run("bash", &["--from-release", &url, "--to", "home/b", "--shim", "home/sdk"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("is there already and is no link to"), "{}", refused.stderr);
    assert_eq!(machine.home(), before);

    machine.install("bash", &["--to", "home/b", "--shim", "home/s"]);
    machine.write("home/b/gox", "built by hand since");
    fs::remove_file(machine.path("home/s/go")).unwrap();
    machine.write("home/s/go", "a real go since");
    let said = machine.uninstall();
    assert!(said.contains("has changed since and is left alone"), "{said}");
    assert_eq!(machine.read("home/b/gox"), "built by hand since");
    assert_eq!(machine.read("home/s/go"), "a real go since");
}

#[test]
fn a_download_that_is_not_what_it_should_be_installs_nothing() {
    let machine = Machine::new();
    let url = machine.url();
    let refusal = |want: &str| {
        let outcome = machine.run("bash", &["--from-release", &url, "--alias"]);
        assert_eq!(outcome.code, Some(1), "{}", outcome.stdout);
        assert!(outcome.stderr.contains(want), "{}", outcome.stderr);
        assert_eq!(machine.home(), BTreeMap::new());
        machine.assert_no_scratch();
    };
    machine.write("release/gox", "#!/bin/sh\necho gox evil\n");
    refusal("checksum of ");
    machine.write("release/gox.sha256", "not a checksum\n");
    refusal("holds no checksum");
    machine.write("release/gox.sha256", "");
    refusal("holds no checksum");
    fs::remove_file(machine.path("release/gox.sha256")).unwrap();
    refusal("cannot read ");
    machine.release("#!/bin/sh\necho something else\n");
    refusal("the download does not run as gox on this machine");
}

#[test]
fn an_archive_is_unpacked() {
    let machine = Machine::new();
    let packed = Command::new("tar")
        .args(["-czf", "gox.tar.gz", "release/gox", "release/gox.sha256"])
        .current_dir(&machine.root)
        .status()
        .unwrap();
    assert!(packed.success());
    let sum = Command::new("sh")
        .args(["-c", "if command -v sha256sum >/dev/null; then sha256sum gox.tar.gz; else shasum -a 256 gox.tar.gz; fi"])
        .current_dir(&machine.root)
        .output()
        .unwrap();
    fs::write(machine.path("gox.tar.gz.sha256"), sum.stdout).unwrap();
    let url = format!("file://{}", machine.path("gox.tar.gz").display());
    let outcome = machine.run("bash", &["--from-release", &url]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert_eq!(machine.read("home/.local/bin/gox"), machine.read("release/gox"));
}

#[test]
fn wrong_arguments_do_nothing() {
    let machine = Machine::new();
    for (args, want) in [
        (&["--to"][..], "--to needs a value"),
        (&["--bogus"], "unknown argument '--bogus'"),
        (&["--uninstall", "--alias"], "--uninstall takes no other arguments"),
        (&["--uninstall", "--try"], "--uninstall and --try do not go together"),
        (&["--from-release", "http://example.test/gox"], "--from-release takes an https:// URL"),
        (&["--from-release", "ftp://example.test/gox"], "--from-release takes an https:// URL"),
    ] {
        let outcome = machine.run("bash", args);
        assert_eq!(outcome.code, Some(1), "{args:?}");
        assert!(outcome.stderr.contains(want), "{args:?}: {}", outcome.stderr);
    }
    let url = machine.url();
    let outcome = machine.run("/bin/tcsh", &["--from-release", &url, "--alias"]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("--alias knows bash, zsh and fish"), "{}", outcome.stderr);
    assert_eq!(machine.home(), BTreeMap::new());
    let help = machine.run("bash", &["--help"]);
    assert!(help.code == Some(0) && help.stdout.starts_with("usage: "), "{}", help.stdout);
}

#[test]
fn a_checkout_is_built_with_cargo() {
    let machine = Machine::new();
    let script = machine.path("checkout/install.sh");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh")).unwrap();
    machine.write("checkout/install.sh", &text);
    let outcome = machine.run_script(&script, "bash", &machine.programs(&[]), &[]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("is not in a checkout of gox"), "{}", outcome.stderr);

    machine.write("checkout/Cargo.toml", "[package]\nname = \"gox\"\n");
    let cargo = machine.write(
        "tools/cargo",
        "#!/bin/sh\nmkdir -p target/release\necho \"$@\" >asked\n\
         printf '#!/bin/sh\\necho gox 1.2.3\\n' >target/release/gox\nchmod +x target/release/gox\n",
    );
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = machine.run_script(&script, "bash", &machine.programs(&["tools"]), &[]);
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("a C compiler is missing"), "{}", outcome.stderr);
    machine.program("tools/cc", "exit 1");
    let outcome = machine.run_script(&script, "bash", &machine.programs(&["tools"]), &[]);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    assert!(machine.read("checkout/asked").starts_with("build --release --locked --target-dir "));
    assert!(machine.read("home/.local/bin/gox").contains("1.2.3"));
}

#[test]
fn a_script_cut_off_anywhere_installs_nothing() {
    let machine = Machine::new();
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh")).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.last(), Some(&"main \"$@\""));
    let url = machine.url();
    // Some forty places, the last of them just before the call.
    let places = (0..lines.len()).step_by(lines.len() / 40).chain([lines.len() - 1]);
    for place in places {
        let script = machine.write("cut.sh", &(lines[..place].join("\n") + "\n"));
        machine.run_script(&script, "bash", &machine.programs(&[]), &["--from-release", &url]);
        assert_eq!(machine.home(), BTreeMap::new(), "cut after line {place}");
    }
}

/// A checkout whose cargo "builds" a gox and a proxy that are shell scripts, and a go that fails as
/// told.
fn demonstration(machine: &Machine, go_exit: u8, gox_exit: u8) -> Outcome {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("install.sh")).unwrap();
    let script = machine.write("checkout/install.sh", &text);
    machine.write("checkout/Cargo.toml", "[package]\nname = \"gox\"\n");
    machine.program("tools/cargo", "true");
    machine.program("tools/cc", "true");
    let proxy =
        format!("echo $$ >'{}'\necho http://127.0.0.1:1\nexec sleep 60", machine.path("id").display());
    machine.program("checkout/target/release/examples/bad_proxy", &proxy);
    let see = "echo \"asked $GOPROXY in ${PWD##*/} with ${GOPATH##*/}, bypass ${GOX_BYPASS-unset}\" >&2";
    let version = "[ \"$1\" != version ] || exec echo go version go1.27.3 linux/amd64";
    // The module cache is read-only, as go makes it.
    let cache = "mkdir -p \"$GOPATH/pkg\"; chmod a-w \"$GOPATH/pkg\"";
    machine.program("tools/go", &format!("{version}\n{see}\n{cache}\nexit {go_exit}"));
    machine.program("checkout/target/release/gox", &format!("{see}\nexit {gox_exit}"));
    machine.run_script(&script, "bash", &machine.programs(&["tools"]), &["--try"])
}

#[test]
fn try_shows_go_failing_and_gox_succeeding_and_leaves_nothing() {
    let machine = Machine::new();
    let outcome = demonstration(&machine, 1, 0);
    assert_eq!(outcome.code, Some(0), "{}{}", outcome.stdout, outcome.stderr);
    let asked =
        |of: &str, bypass| format!("asked http://127.0.0.1:1 in project with {of}, bypass {bypass}\n");
    let scene = |of: &str| asked(&format!("plain{of}"), "1") + &asked(&format!("helped{of}"), "unset");
    assert_eq!(outcome.stderr, scene("") + &scene("-silent") + &scene("-far"));
    let said = regex::Regex::new(r", \d+ s\)").unwrap().replace_all(&outcome.stdout, ")");
    for line in [
        "$ go mod download\n(exit status 1)\n",
        "&& break; done\n(go 5 times, the last with exit status 1)\n",
        "$ gox mod download\n(exit status 0)\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(regex::Regex::new(r"\(GOX_TRY_SEED=\d+ spoils").unwrap().is_match(&said), "{said}");
    assert_eq!(machine.home(), BTreeMap::new());
    machine.assert_no_scratch();
    let alive = Command::new("sh")
        .args(["-c", "kill -0 \"$1\" 2>/dev/null", "sh", machine.read("id").trim()])
        .status();
    assert!(!alive.unwrap().success(), "the proxy was left running");
}

#[test]
fn try_fails_where_it_shows_nothing() {
    for (go, gox, want) in [(0, 0, "plain go got through"), (1, 1, "gox did not get through")] {
        let machine = Machine::new();
        let outcome = demonstration(&machine, go, gox);
        assert_eq!(outcome.code, Some(1));
        assert!(outcome.stderr.contains(want), "{}", outcome.stderr);
        machine.assert_no_scratch();
    }
}

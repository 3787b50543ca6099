//! install.sh and what lies around gox: shells, gox.toml, releases in a folder, builders, and what stays behind.

use super::{Machine, ours, outcome};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

const MIRRORS: &str = "mirrors = [\"https://goproxy.cn\", \"https://mirrors.aliyun.com/goproxy\"] \
                       # added by the install.sh of gox\n";

#[test]
fn the_alias_holds_while_gox_is_there() {
    let machine = Machine::new();
    machine.install("bash", &["--alias", "--to", "home/it's/bin"]);
    let shells = machine.path("shells");
    fs::create_dir(&shells).unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let Some(found) = ["/usr/bin", "/bin"].iter().map(|d| Path::new(d).join(shell)).find(|f| f.exists())
        else {
            continue;
        };
        let means_gox = || {
            let mut command = Command::new(&found);
            // fish makes folders in the home of whoever starts it.
            command.args(["-c", ". ../home/.bashrc; alias"]).env_clear().env("HOME", &shells);
            command.current_dir(&shells);
            let output = command.env("PATH", machine.programs(&[])).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell}");
            String::from_utf8_lossy(&output.stdout).contains("gox")
        };
        assert!(means_gox(), "{shell}");
        let gox = machine.path("home/it's/bin/gox");
        fs::rename(&gox, machine.path("elsewhere")).unwrap();
        assert!(!means_gox(), "{shell}");
        fs::rename(machine.path("elsewhere"), &gox).unwrap();
    }
    machine.uninstall();
    assert_eq!(machine.home(), BTreeMap::new());
}

#[test]
fn an_alias_of_an_earlier_script_is_taken_back_too() {
    let machine = Machine::new();
    machine.install("bash", &[]);
    machine.write("home/.bashrc", "export A=1\nalias go=gox # added by the install.sh of gox\n");
    let manifest = machine.read("home/.local/share/gox/installed");
    let noted = format!("{manifest}alias\t{}\twhole\n", machine.path("home/.bashrc").display());
    machine.write("home/.local/share/gox/installed", &noted);
    machine.uninstall();
    assert_eq!(machine.read("home/.bashrc"), "export A=1\n");
}

#[test]
fn consent_to_mirrors_is_one_line_and_is_taken_back() {
    for (text, after) in [
        (None, MIRRORS.to_owned()),
        (Some("stall = \"1m\""), format!("{MIRRORS}stall = \"1m\"")),
        (Some("[[rule]]\nmatch = \"a\"\n"), format!("{MIRRORS}[[rule]]\nmatch = \"a\"\n")),
        (Some("mirrors = \"none\"\n"), "mirrors = \"none\"\n".to_owned()),
    ] {
        let machine = Machine::new();
        if let Some(text) = text {
            machine.write("home/.config/gox/gox.toml", text);
        }
        let before = machine.home();
        let said = machine.install("bash", &["--mirrors=cn"]);
        assert!(said.contains("that gox may ask goproxy.cn and mirrors.aliyun.com\n"), "{said}");
        assert_eq!(machine.read("home/.config/gox/gox.toml"), after);
        machine.install("bash", &["--mirrors=cn"]);
        assert_eq!(machine.read("home/.config/gox/gox.toml"), after);
        machine.uninstall();
        assert_eq!(machine.home(), before, "{text:?}");
    }
    let machine = Machine::new();
    let refused = machine.run("bash", &["--mirrors=all"]);
    assert!(refused.code == Some(1) && refused.stderr.contains("--mirrors=cn is the only choice"));
}

#[test]
fn the_consent_is_one_that_gox_takes() {
    let machine = Machine::new();
    machine.install("bash", &["--mirrors=cn"]);
    let mut gox = Command::new(crate::harness::gox());
    gox.args(["config", "--format", "json"]).env_clear().env("HOME", machine.path("home"));
    let output = gox.env("PATH", machine.programs(&[])).current_dir(machine.path("home")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("gox/gox.toml"), "{said}");
}

#[test]
fn of_a_folder_of_releases_this_machines_is_taken() {
    let machine = Machine::new();
    for file in ["gox", "gox.sha256"] {
        let to = file.replace("gox", "gox-aarch64-unknown-linux-musl");
        fs::copy(machine.path("release").join(file), machine.path("release").join(to)).unwrap();
    }
    let url = format!("file://{}/", machine.path("release").display());
    for (name, want) in [("Linux aarch64", Ok(())), ("Plan9 mips", Err("none for Plan9 mips"))] {
        machine.program("other/uname", &format!("echo {name}"));
        let mut command = machine.command(&ours(), "bash", &["--from-release", &url]);
        let run = outcome(command.env("PATH", machine.programs(&["other"])));
        match want {
            Ok(()) => assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr),
            Err(want) => assert!(run.code == Some(1) && run.stderr.contains(want), "{}", run.stderr),
        }
    }
}

#[test]
fn a_cut_off_archive_installs_nothing() {
    let machine = Machine::new();
    // Not to be packed small, so that the cut is in the middle of the program.
    let noise: String = (0..20_000_u32).map(|n| format!("# {}\n", n.wrapping_mul(2_654_435_761))).collect();
    machine.release(&format!("#!/bin/sh\necho gox 9.9.9\n{noise}"));
    let sh = "cd \"$1\" && tar -czf whole.tgz -C release gox && head -c 60000 whole.tgz >gox.tgz && \
              { sha256sum gox.tgz || shasum -a 256 gox.tgz; } >gox.tgz.sha256 2>/dev/null";
    assert!(Command::new("sh").args(["-c", sh, "sh"]).arg(&machine.root).status().unwrap().success());
    let url = format!("file://{}", machine.path("gox.tgz").display());
    let refused = machine.run("bash", &["--from-release", &url]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    let last = refused.stderr.lines().last().unwrap_or_default();
    assert!(last.ends_with("is damaged, nothing was installed"), "{}", refused.stderr);
    assert_eq!(machine.home(), BTreeMap::new());
}

#[test]
fn an_older_rust_is_told_before_the_build() {
    let machine = Machine::new();
    let text = fs::read_to_string(ours()).unwrap();
    let script = machine.write("checkout/install.sh", &text);
    machine.write("checkout/Cargo.toml", "[package]\nname = \"gox\"\nrust-version = \"1.89\"\n");
    machine.program("tools/cc", "true");
    machine.program("tools/cargo", "echo 'cargo 1.63.0 (fd9c4297c 2022-07-01)'; touch \"built $1\"");
    for args in [&[][..], &["--try"]] {
        let refused = machine.run_script(&script, "bash", &machine.programs(&["tools"]), args);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("Rust 1.63 is here and gox needs 1.89"), "{}", refused.stderr);
    }
    assert!(!machine.path("checkout/built build").exists());
    assert_eq!(machine.home(), BTreeMap::new());
}

#[test]
fn a_file_where_a_folder_should_be_is_told_in_one_line() {
    let machine = Machine::new();
    machine.write("home/.local", "a file");
    let before = machine.home();
    let url = machine.url();
    let refused = machine.run("bash", &["--from-release", &url]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains(".local is no folder: choose --to DIR"), "{}", refused.stderr);
    assert_eq!((refused.stderr.lines().count(), machine.home()), (1, before));
}

#[test]
fn uninstall_names_what_it_leaves() {
    let machine = Machine::new();
    machine.install("bash", &[]);
    let said = machine.uninstall();
    assert!(!said.contains("yours to remove"), "{said}");

    machine.install("bash", &[]);
    machine.write("home/.local/state/gox/journal", "");
    machine.write("home/.config/gox/gox.toml", "");
    fs::create_dir_all(machine.path("shims")).unwrap();
    symlink(machine.path("home/.local/bin/gox"), machine.path("shims/go")).unwrap();
    let mut command = machine.command(&ours(), "bash", &["--uninstall"]);
    let said = outcome(command.env("PATH", machine.programs(&["shims"]))).stdout;
    let (_, left) = said.split_once("Left, and yours to remove:\n").expect(&said);
    for name in ["home/.local/state/gox", "home/.config/gox/gox.toml", "shims/go"] {
        assert!(left.contains(machine.path(name).to_str().unwrap()), "{name}: {said}");
    }
}

#[test]
fn where_programs_cannot_be_run_nothing_takes_goxs_place() {
    let machine = Machine::new();
    // It runs in the folder for the meantime, and not where it is to be installed: as under noexec.
    machine.release("#!/bin/sh\ncase $0 in */.local/*) exit 126 ;; esac\necho gox 9.9.9\n");
    let url = machine.url();
    let refused = machine.run("bash", &["--from-release", &url]);
    assert_eq!(refused.code, Some(1), "{}", refused.stdout);
    assert!(refused.stderr.contains("programs cannot be run from "), "{}", refused.stderr);
    let bin = machine.path("home/.local/bin");
    assert_eq!(fs::read_dir(&bin).unwrap().count(), 0);
    assert_eq!(bin.metadata().unwrap().permissions().mode() & 0o022, 0);
    machine.uninstall();
    assert_eq!(machine.home(), BTreeMap::new());
}

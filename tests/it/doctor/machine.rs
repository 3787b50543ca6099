//! What is wrong with this machine: its module cache, its settings, its network.

use super::{Told, tells, well};
use crate::cache_damage::overwrite;
use crate::harness::{Project, remove_all};
use crate::lab::{Entry, Lab, Running};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn lab() -> Running {
    Lab::new().sumdb().start()
}

fn filled(lab: &Running) -> Project {
    let project = Project::new(lab).env("GOX_RELAY", "never");
    project.go(["mod", "download"]).run().success();
    project
}

#[test]
fn s21_a_damaged_zip_in_the_cache() {
    let lab = lab();
    let project = filled(&lab);
    tells(&project, &[], well());
    for damage in [0, 1] {
        overwrite(&project.cached("example.test/m001/@v/v1.0.0.zip"), |bytes| {
            let mut bytes = bytes.to_vec();
            match damage {
                0 => bytes.truncate(bytes.len() / 2),
                _ => bytes.iter_mut().skip(66).take(4).for_each(|byte| *byte ^= 0xff),
            }
            bytes
        });
        // Beside a whole folder go would not read it.
        remove_all(&project.module_cache().join("example.test/m001@v1.0.0"));
        let told = Told {
            verdict: "cache",
            what: "example.test/m001@v1.0.0 damaged",
            advice: "gox evict example.test/m001@v1.0.0 --refetch",
        };
        tells(&project, &[], told);
        project.gox(["evict", "example.test/m001@v1.0.0", "--refetch"]).run().success();
        tells(&project, &[], well());
    }
}

#[test]
fn what_is_damaged_in_itself_is_taken_out_where_that_is_wished() {
    let lab = lab();
    let project = filled(&lab);
    overwrite(&project.cached("example.test/m001/@v/v1.0.0.zip"), |bytes| bytes[..bytes.len() / 2].to_vec());
    remove_all(&project.module_cache().join("example.test/m001@v1.0.0"));
    let outcome = project.gox(["doctor", "--fix", "--deep"]).run().success();
    assert!(outcome.out().contains("example.test/m001@v1.0.0 was damaged"), "{outcome}");
    assert!(!project.cached("example.test/m001/@v/v1.0.0.zip").exists(), "{outcome}");
    assert!(project.cached("example.test/m002/@v/v1.0.0.zip").exists(), "{outcome}");
    project.go(["mod", "download"]).run().success();
}

/// A program that answers nothing takes the time of nobody else.
#[test]
fn a_go_that_hangs_is_named_within_the_ten_seconds() {
    let lab = lab();
    let project = Project::new(&lab);
    let go = project.root().join("hangs/go");
    fs::create_dir_all(go.parent().expect("a folder")).expect("a folder of ours");
    fs::write(&go, "#!/bin/sh\nexec sleep 60\n").expect("a file of ours");
    fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    let began = std::time::Instant::now();
    let outcome = project.gox(["doctor"]).env("GOX_GO", &go).run();
    assert!(began.elapsed() < std::time::Duration::from_secs(15), "{outcome}");
    let text = outcome.out();
    assert!(
        text.starts_with("settings: ") && text.contains("hangs/go does not answer `go env`"),
        "{outcome}"
    );
    assert!(text.contains("export GOX_GO="), "{outcome}");
}

/// What the desktop goes through is told where go goes without; where go has one of its own it is nobody's business.
#[test]
fn a_proxy_that_others_use_is_told() {
    let lab = lab();
    let project = Project::new(&lab);
    let programs = project.root().join("desktop");
    fs::create_dir_all(&programs).expect("a folder of ours");
    let script = "#!/bin/sh\ncase $3 in mode) echo \"'manual'\";; host) echo \"'192.0.2.7'\";; port) echo 7890;; esac\n";
    fs::write(programs.join("gsettings"), script).expect("a file of ours");
    fs::set_permissions(programs.join("gsettings"), fs::Permissions::from_mode(0o755))
        .expect("a file of ours");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", programs.display());
    let told = project.gox(["doctor"]).env("PATH", &path).env("NO_PROXY", "*").run().out();
    assert!(told.contains("GNOME uses the proxy http://192.0.2.7:7890, and go none"), "{told}");
    let own = project
        .gox(["doctor"])
        .env("PATH", &path)
        .env("NO_PROXY", "*")
        .env("HTTPS_PROXY", "http://192.0.2.8:1");
    let told = own.run().out();
    assert!(!told.contains("192.0.2.7"), "{told}");
}

#[test]
fn s22_the_cache_cannot_be_written() {
    let lab = lab();
    let project = filled(&lab);
    let told = || Told { verdict: "cache", what: "cannot be written", advice: "GOMODCACHE" };
    // What stands in a folder's place stops root as well.
    fs::rename(project.module_cache().join("cache"), project.root().join("away")).expect("a folder of ours");
    fs::create_dir(project.module_cache().join("cache")).expect("a folder of ours");
    fs::write(project.module_cache().join("cache/download"), "").expect("a file of ours");
    tells(&project, &[], told());
    if rustix::process::geteuid().is_root() {
        return;
    }
    for below in ["cache/download", "cache/download/example.test/m001/@v"] {
        let project = filled(&lab);
        let folder = project.module_cache().join(below);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).expect("a folder of ours");
        tells(&project, &[], told());
    }
}

#[test]
fn s24_everything_was_declared_private() {
    let lab = lab();
    let told = || Told { verdict: "settings", what: "GOPRIVATE=* (environment)", advice: "unset GOPRIVATE" };
    tells(&Project::new(&lab).env("GOPRIVATE", "*"), &[], told());
    assert!(lab.requests().is_empty(), "go would ask no proxy, and nor does gox");
    let project = Project::new(&lab);
    let file = project.root().join("go.env");
    fs::write(&file, "GOPRIVATE=*\n").expect("a file");
    let project = project.env("GOENV", &file);
    let told = Told { verdict: "settings", what: "GOPRIVATE=*", advice: "go env -u GOPRIVATE" };
    tells(&project, &[], told);
}

#[test]
fn leftovers_of_common_advice_are_named_with_what_undoes_them() {
    let lab = Lab::new().entry(Entry::tls().named("proxy.golang.org")).sumdb().start();
    for (name, value) in [("GOPROXY", "off"), ("GO111MODULE", "off"), ("GOFLAGS", "-insecure")] {
        let project = Project::new(&lab).env(name, value);
        let outcome = project.gox(["doctor"]).run();
        assert_eq!(outcome.code(), Some(1), "{outcome}");
        let text = outcome.out();
        assert!(text.starts_with(&format!("settings: {name}={value} (environment)")), "{outcome}");
        assert!(text.contains(&format!("unset {name}")), "{outcome}");
    }
    // Those that stop nothing are told beside what does.
    let project = Project::new(&lab).env("GOSUMDB", "off").env("GONOSUMCHECK", "1");
    let text = project.gox(["doctor"]).run().out();
    assert!(text.contains("GOSUMDB=off (environment): what go downloads is not checked"), "{text}");
    assert!(text.contains("GONOSUMCHECK=1 (environment) does nothing"), "{text}");
}

#[test]
fn s29_offline_with_files() {
    let project = Project::empty();
    let files = format!("file://{}", project.root().join("mods").display());
    let project = project.env("GOPROXY", files).file("go.mod", "module example.test/main\n\ngo 1.21\n");
    tells(&project, &[], Told { what: "GOPROXY leads to no network", ..well() });
}

#[test]
fn a_git_that_hangs_costs_two_seconds_and_no_verdict() {
    let lab = lab();
    let tools = tempfile::tempdir().expect("a folder");
    let git = tools.path().join("git");
    fs::write(&git, "#!/bin/sh\nexec /bin/sleep 600\n").expect("a file of ours");
    fs::set_permissions(&git, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    let project = filled(&lab).env("PATH", tools.path());
    let found = tells(&project, &[], well());
    let detail = |check: &serde_json::Value| check["detail"].as_str().unwrap_or_default().to_owned();
    let checks = found["checks"].as_array().expect("checks");
    let said = checks.iter().find(|check| check["name"] == "git").map(detail);
    assert_eq!(said, Some(format!("- {}", git.display())), "{found}");
}

//! `gox evict` takes out exactly what it is told, says what was wrong with it, and leaves a cache that go
//! can use.

use crate::cache_damage::{overwrite, snapshot};
use crate::harness::Project;
use crate::lab::{Lab, Running};
use std::fs;
use std::path::Path;
use std::time::Duration;

const NAME: &str = "example.test/m001@v1.0.0";

fn filled(lab: &Running) -> Project {
    let project = Project::new(lab).env("GOX_RELAY", "never").shared_build_cache();
    project.go(["mod", "download"]).run().success();
    lab.forget();
    project
}

/// The files of the module version, without its lock.
fn is_of_it(project: &Project, path: &Path) -> bool {
    let tree = project.module_cache().join(NAME);
    let single = |kind: &str| project.cached(&format!("example.test/m001/@v/v1.0.0.{kind}"));
    path.starts_with(tree) || ["zip", "ziphash", "mod", "info"].iter().any(|kind| path == single(kind))
}

/// Nothing of the version is there, and all else is the same file as before.
#[track_caller]
fn gone_and_nothing_else(project: &Project, evict: impl FnOnce()) {
    let before = snapshot(&project.module_cache());
    evict();
    let after = snapshot(&project.module_cache());
    assert!(before.keys().any(|path| is_of_it(project, path)));
    assert!(!project.module_cache().join(NAME).exists());
    for (path, identity) in &before {
        let left = after.get(path);
        match is_of_it(project, path) {
            true => assert_eq!(left, None, "{} is still there", path.display()),
            false => assert_eq!(left, Some(identity), "{} was touched", path.display()),
        }
    }
    assert!(after.keys().all(|path| before.contains_key(path)), "{after:?}");
}

#[test]
fn a_damaged_version_goes_whole_and_the_proof_is_shown() {
    let lab = Lab::new().start();
    let project = filled(&lab);
    let zip = project.cached("example.test/m001/@v/v1.0.0.zip");
    overwrite(&zip, |bytes| bytes[..bytes.len() / 2].to_vec());
    fs::remove_file(project.cached("example.test/m001/@v/v1.0.0.ziphash")).expect("a file of the cache");
    gone_and_nothing_else(&project, || {
        let outcome = project.gox(["evict", NAME]).run().success();
        let text = outcome.out();
        assert!(text.starts_with(&format!("{NAME}: evicted, ")), "{outcome}");
        assert!(text.contains(&format!("  {}: ", zip.display())), "the proof\n{outcome}");
        assert!(!text.contains("nothing was wrong"), "{outcome}");
    });
    assert!(lab.requests().is_empty(), "nobody was asked anything");
    project.go(["mod", "download"]).run().success();
    let verify = project.go(["mod", "verify"]).run().success();
    assert_eq!(verify.out(), "all modules verified\n");
    // In the other language the proof is told in it, too.
    overwrite(&zip, |bytes| bytes[..bytes.len() / 2].to_vec());
    fs::remove_file(project.cached("example.test/m001/@v/v1.0.0.ziphash")).expect("a file of the cache");
    let outcome = project.gox(["evict", NAME]).env("GOX_LANG", "zh").run().success();
    assert!(outcome.out().contains("v1.0.0.zip：它不是完整的 zip 文件："), "{outcome}");
}

#[test]
fn a_healthy_version_goes_too_and_is_called_so() {
    let lab = Lab::new().start();
    let project = filled(&lab);
    gone_and_nothing_else(&project, || {
        let outcome = project.gox(["evict", NAME]).run().success();
        assert!(outcome.out().contains("nothing was wrong with it, by the go.sum here"), "{outcome}");
    });
    let again = project.gox(["evict", NAME]).run().success();
    assert!(again.out().contains("has nothing of it"), "{again}");
}

#[test]
fn refetching_brings_it_back_and_changes_no_file_of_the_project() {
    let lab = Lab::new().start();
    let project = filled(&lab);
    // A line that go would tidy away, were it to write this file.
    let go_mod = project.dir().join("go.mod");
    fs::write(&go_mod, fs::read_to_string(&go_mod).expect("go.mod") + "\n\n// ours\n\n\n").expect("go.mod");
    let files = snapshot(&project.dir());
    let outcome = project.gox(["evict", "--refetch", NAME]).run().success();
    assert_eq!(snapshot(&project.dir()), files, "{outcome}");
    assert!(project.module_cache().join(NAME).is_dir(), "{outcome}");
    assert!(lab.requests().iter().any(|r| r.path.ends_with("m001/@v/v1.0.0.zip")), "{outcome}");
    assert!(!lab.requests().iter().any(|r| r.path.contains("m002")), "that one alone\n{outcome}");
    project.go(["mod", "verify"]).run().success();
}

#[test]
fn without_a_version_all_of_a_module_goes_and_its_neighbours_stay() {
    let lab = Lab::new().start();
    let project = filled(&lab);
    // Another version, of which there is a folder and nothing else, and a module with a longer name.
    let other = project.module_cache().join("example.test/m001@v0.9.0");
    let neighbour = project.module_cache().join("example.test/m001x@v1.0.0");
    for folder in [&other, &neighbour] {
        fs::create_dir_all(folder).expect("a folder of ours");
    }
    let outcome = project.gox(["evict", "example.test/m001"]).run().success();
    assert!(outcome.out().contains("m001@v0.9.0: evicted"), "{outcome}");
    assert!(outcome.out().contains("m001@v1.0.0: evicted"), "{outcome}");
    assert!(!other.exists() && !project.module_cache().join(NAME).exists() && neighbour.is_dir());
}

#[test]
fn what_no_module_is_called_is_wrong_usage() {
    let lab = Lab::new().start();
    let project = filled(&lab);
    let before = snapshot(&project.module_cache());
    for name in ["../../etc@v1.0.0", "example.test/m001@../x", "/etc", "", "a b@v1"] {
        project.gox(["evict", name]).run().exited(125).says("gox: evict: ");
    }
    assert_eq!(snapshot(&project.module_cache()), before);
}

#[test]
fn it_waits_for_a_go_that_holds_the_lock() {
    let lab = Lab::new().start();
    let project = filled(&lab);
    let lock = fs::File::open(project.cached("example.test/m001/@v/v1.0.0.lock")).expect("go's lock");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("a free lock");
    let mut started = project.gox(["evict", NAME]).start();
    assert!(started.ended_within(Duration::from_millis(300)).is_none(), "it did not wait");
    assert!(project.module_cache().join(NAME).is_dir());
    drop(lock);
    started.wait().success();
    assert!(!project.module_cache().join(NAME).exists());
}

#[test]
fn beside_sixteen_goes_it_leaves_a_cache_that_is_whole() {
    let lab = Lab::new().start();
    let project = filled(&lab);
    let goes: Vec<_> = (0..16).map(|_| project.go(["mod", "download"]).start()).collect();
    for _ in 0..4 {
        project.gox(["evict", NAME]).run().success();
    }
    for go in goes {
        // One that had looked for a file just before it went may say so; what stays must be whole.
        go.wait();
    }
    project.go(["mod", "download"]).run().success();
    let verify = project.go(["mod", "verify"]).run().success();
    assert_eq!(verify.out(), "all modules verified\n");
}

#[test]
fn sixteen_goes_at_work_meet_no_half_of_what_is_taken_out() {
    let lab = Lab::new().modules(6).size(20_000).start();
    let project = filled(&lab);
    let goes: Vec<_> = (0..16)
        .map(|n| {
            // Some read what is there, some fetch what is gone.
            let verb = if n % 2 == 0 { ["mod", "download"] } else { ["list", "-deps"] };
            project.go(verb).env("GOFLAGS", "-mod=mod").start()
        })
        .collect();
    for n in 0..6 {
        project.gox(["evict", &format!("example.test/m{n:03}@v1.0.0")]).run().success();
    }
    for go in goes {
        go.wait().silent_about("checksum mismatch").silent_about("not a valid zip");
    }
    // What was fetched meanwhile is whole, and what is not there is fetched: nothing half is left behind.
    project.go(["mod", "download"]).run().success();
    let verify = project.go(["mod", "verify"]).run().success();
    assert_eq!(verify.out(), "all modules verified\n");
}

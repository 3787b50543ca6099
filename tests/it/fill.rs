//! The fill: what go.sum proves is fetched beside go and placed in the module cache, as go itself would have
//! placed it; whatever it cannot do is left to go.

use crate::harness::{Outcome, Project, remove_all};
use crate::lab::{Entry, Fault, Files, Lab, Module, Place, Running, always, first, rate};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

/// Every folder and file below, with its mode and its content.
fn listed(top: &Path) -> BTreeMap<String, (u32, Option<Vec<u8>>)> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![top.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for item in fs::read_dir(&folder).expect("a folder of the cache").flatten() {
            let path = item.path();
            let meta = fs::symlink_metadata(&path).expect("it was listed");
            let name = path.strip_prefix(top).expect("below").display().to_string();
            let content = meta.is_file().then(|| fs::read(&path).expect("readable"));
            if meta.is_dir() {
                waiting.push(path);
            }
            found.insert(name, (meta.permissions().mode(), content));
        }
    }
    found
}

/// The caches are the same but for files that are empty and locked alone.
#[track_caller]
fn same_caches(plain: &Path, filled: &Path) {
    let (plain, filled) = (listed(plain), listed(filled));
    let names = |of: &BTreeMap<String, _>| of.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&plain), names(&filled));
    for (name, (mode, content)) in &plain {
        let (other_mode, other_content) = &filled[name];
        assert_eq!(format!("{mode:o}"), format!("{other_mode:o}"), "{name}");
        assert!(content == other_content, "{name}");
    }
}

fn filled(outcome: &Outcome) -> u64 {
    outcome.report()["fetch"]["filled"].as_u64().unwrap_or(0)
}

fn paths(lab: &Running) -> Vec<String> {
    let mut paths: Vec<String> = lab.requests().into_iter().map(|seen| seen.path).collect();
    paths.sort();
    paths
}

/// A project that requires all that the lab has.
fn project(lab: &Running) -> Project {
    let project = Project::new(lab);
    let all = lab.modules().iter().map(|m| format!("require {} {}\n", m.path, m.version));
    let text = format!("module example.test/main\n\ngo 1.21\n\n{}", all.collect::<String>());
    fs::write(project.dir().join("go.mod"), text).expect("a file of ours");
    project
}

/// Modules as people write them: folders in folders, an empty file, one larger than any buffer, capitals.
fn shelf() -> Lab {
    let large: Vec<u8> = (0..700_000u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let mut files = Files::new();
    for (name, text) in [
        ("a.go", &b"package a\n"[..]),
        ("LICENSE", b"free\n"),
        ("deep/er/and/deeper/b.go", b"package deeper\n"),
        ("deep/c.go", b"package deep\n"),
        ("testdata/empty", b""),
        ("testdata/with space/[x]@y~1", b"x"),
        ("testdata/large.bin", &large),
    ] {
        files.push((name.to_owned(), text.to_vec()));
    }
    let upper = "example.test/Upper/Case";
    let old = "example.test/old";
    Lab::new()
        .modules(5)
        .size(40_000)
        .module(Module::new(upper, "v1.2.0-RC1", &format!("module {upper}\n\ngo 1.20\n"), files.clone()))
        .module(Module::new(old, "v0.1.0", &format!("module {old}\n\nrequire {upper} v1.2.0-RC1\n"), files))
}

#[test]
fn release_what_is_placed_is_what_go_places() {
    for flags in ["", "-modcacherw"] {
        let lab = shelf().start();
        let plain = project(&lab).env("GOFLAGS", flags);
        plain.go(["mod", "download"]).run().success();
        let asked = paths(&lab);
        lab.forget();
        let ours = project(&lab).env("GOFLAGS", flags);
        let outcome = ours.gox(["mod", "download"]).run().success();
        assert_eq!(filled(&outcome), lab.modules().len() as u64, "{outcome}");
        assert!(outcome.err().is_empty(), "{outcome}");
        same_caches(&plain.module_cache(), &ours.module_cache());
        assert_eq!(asked, paths(&lab), "{outcome}");
        ours.go(["mod", "verify"]).run().success();
        // With a whole cache nothing is started.
        lab.forget();
        let again = ours.gox(["mod", "download"]).run().success();
        assert!(again.report()["fetch"].is_null() && lab.requests().is_empty(), "{again}");
    }
}

#[test]
fn what_the_arguments_name_is_filled_and_nothing_else_is_asked_for() {
    let two = shelf().versions(&["v1.0.0", "v1.1.0"]).start();
    let one = shelf().start();
    let of = |name: &str| format!("example.test/{name}");
    let all = [of("m000@v1.0.0"), of("m001@v1.0.0"), of("Upper/Case@v1.2.0-RC1")];
    for (lab, args, places) in [
        (&two, all.to_vec(), 3),
        (&two, vec![of("m002@v1.0.0")], 1),
        (&two, vec!["-x".to_owned(), of("m003@v1.1.0"), of("m003@v1.0.0")], 2),
        (&two, vec![of("m000@v1.0.0"), of("m001@latest")], 0),
        // go.sum knows a later one, which go might choose.
        (&two, vec![of("m000")], 0),
        (&one, vec![of("m000"), of("m001@v1.0.0")], 2),
    ] {
        let args: Vec<&str> =
            ["mod", "download"].into_iter().chain(args.iter().map(String::as_str)).collect();
        lab.forget();
        let plain = Project::new(lab);
        plain.go(&args).run().success();
        let asked = paths(lab);
        lab.forget();
        let ours = Project::new(lab);
        let outcome = ours.gox(&args).run().success();
        assert_eq!(filled(&outcome), places, "{args:?}\n{outcome}");
        assert_eq!(asked, paths(lab), "{args:?}\n{outcome}");
        same_caches(&plain.module_cache(), &ours.module_cache());
    }
}

#[test]
fn it_can_be_turned_off() {
    for (key, value) in [("GOX_FILL", "off"), ("GOX_RELAY", "never")] {
        let lab = Lab::new().start();
        let project = Project::new(&lab).env(key, value);
        let outcome = project.gox(["mod", "download"]).run().success();
        assert!(outcome.report()["fetch"].is_null(), "{outcome}");
    }
}

#[test]
fn what_is_not_whole_is_fetched_and_what_is_there_is_left() {
    let lab = Lab::new().modules(4).start();
    let project = Project::new(&lab);
    project.go(["mod", "download"]).run().success();
    let before = listed(&project.module_cache());
    // A folder that somebody changed is evidence, and none of the fill's business.
    let changed = project.module_cache().join("example.test/m000@v1.0.0/extra.go");
    fs::set_permissions(changed.parent().expect("a folder"), fs::Permissions::from_mode(0o755))
        .expect("ours");
    fs::write(&changed, "package extra\n").expect("ours");
    fs::remove_file(project.cached("example.test/m000/@v/v1.0.0.info")).expect("cached");
    for name in ["m001", "m002"] {
        remove_all(&project.module_cache().join(format!("example.test/{name}@v1.0.0")));
        fs::remove_file(project.cached(&format!("example.test/{name}/@v/v1.0.0.zip"))).expect("cached");
    }
    fs::remove_file(project.cached("example.test/m002/@v/v1.0.0.ziphash")).expect("cached");
    lab.forget();
    let outcome = project.gox(["mod", "download"]).run().success();
    assert_eq!(filled(&outcome), 1, "m001 has a hash already, and go knows what to make of that\n{outcome}");
    assert!(changed.is_file());
    let names = |of: BTreeMap<String, (u32, Option<Vec<u8>>)>| of.into_keys().collect::<BTreeSet<_>>();
    let mut wanted = names(before);
    wanted.insert("example.test/m000@v1.0.0/extra.go".into());
    assert_eq!(names(listed(&project.module_cache())), wanted);
}

#[test]
fn a_lock_that_somebody_holds_is_not_waited_for() {
    let lab = Lab::new().modules(3).start();
    let project = Project::new(&lab);
    let file = project.cached("example.test/m001/@v/v1.0.0.lock");
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder of ours");
    let held = fs::File::create(&file).expect("a file of ours");
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).expect("nobody else has it");
    let run = project.gox(["mod", "download"]).start();
    let others = || {
        let of = |name: &str| project.cached(&format!("example.test/{name}/@v/v1.0.0.zip"));
        of("m000").is_file() && of("m002").is_file()
    };
    let start = std::time::Instant::now();
    while !others() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(others(), "the others wait for nobody");
    assert!(!project.cached("example.test/m001/@v/v1.0.0.zip").exists());
    drop(held);
    let outcome = run.wait().success();
    assert_eq!(filled(&outcome), 2, "{outcome}");
    project.go(["mod", "verify"]).run().success();
}

#[test]
fn faults_are_cured_in_the_fill() {
    let faults = [Fault::Eof, Fault::Status(502), Fault::EofInBody, Fault::Alter, Fault::Html, Fault::Reset];
    for seed in 1..6 {
        let lab = Lab::new().modules(40).seed(seed).size(20_000).faults(&faults, rate(0.2)).start();
        let project = Project::new(&lab);
        let outcome = project.gox(["mod", "download"]).run().success();
        assert_eq!((outcome.attempts(), filled(&outcome)), (1, 40), "{seed}\n{outcome}");
        assert!(outcome.report()["fetch"]["cured"].as_u64() > Some(0), "{outcome}");
        project.go(["mod", "verify"]).run().success();
    }
}

#[test]
fn what_is_not_what_go_sum_wants_is_never_placed() {
    let lab = Lab::new().modules(3).fault(Fault::AlterZipSame, always().path("m001")).start();
    let project = Project::new(&lab);
    let outcome = project.gox(["mod", "download"]).run().exited(1);
    outcome.says("SECURITY ERROR");
    for name in ["zip", "ziphash", "partial"] {
        assert!(!project.cached(&format!("example.test/m001/@v/v1.0.0.{name}")).exists(), "{name}");
    }
    assert!(!project.module_cache().join("example.test/m001@v1.0.0").exists());
}

#[test]
fn what_go_sum_pins_and_the_proxy_gets_late_arrives() {
    for relay in ["auto", "always", "never"] {
        let lab = Lab::new()
            .modules(3)
            .fault(Fault::Status(404), crate::lab::first_of_each(2).path("m001.*zip"))
            .start();
        let outcome = Project::new(&lab).env("GOX_RELAY", relay).gox(["mod", "download"]).run().success();
        assert!(outcome.attempts() <= 3, "{relay}\n{outcome}");
    }
}

#[test]
fn modules_that_are_missing_are_gos_to_tell() {
    for fault in [Fault::Status(404), Fault::Status(410)] {
        let lab = Lab::new().modules(3).fault(fault, always().path("m001.*zip")).start();
        let plain = Project::new(&lab).go(["mod", "download"]).run().exited(1);
        let ours = Project::new(&lab).env("GOX_BUDGET", "3s").gox(["mod", "download"]).run().exited(1);
        plain.err().lines().for_each(|line| assert!(ours.err().contains(line), "{line}\n{ours}"));
        let [line, hint] = &ours.said()[..] else {
            panic!("a line and a hint, for what go.sum pins\n{ours}")
        };
        assert!(hint.contains("try again later"), "{ours}");
        assert!(line.contains("example.test/m001@v1.0.0, which go.sum pins"), "{ours}");
    }
}

/// At whatever moment gox is killed: what is left go believes in no part, and the next go gets through.
#[test]
fn killed_anywhere_it_leaves_nothing_that_go_believes() {
    let lab = shelf().latency(Duration::from_millis(1)).start();
    for moment in 0..12u64 {
        let project = project(&lab);
        let run = project.gox(["mod", "download"]).start();
        std::thread::sleep(Duration::from_millis(30 + moment * 9));
        run.kill();
        drop(run.wait());
        for module in lab.modules() {
            let of = |suffix: &str| {
                let (path, version) = (crate::lab::escape(&module.path), crate::lab::escape(&module.version));
                project.cached(&format!("{path}/@v/{version}.{suffix}"))
            };
            let (path, version) = (crate::lab::escape(&module.path), crate::lab::escape(&module.version));
            let tree = project.module_cache().join(format!("{path}@{version}"));
            if of("zip").exists() {
                assert!(of("ziphash").is_file(), "a zip that go would hash anew");
                assert_eq!(fs::read(of("zip")).expect("a zip"), module.zip().to_vec());
            }
            assert!(!tree.exists() || of("partial").exists() || of("zip").exists(), "{}", tree.display());
        }
        project.go(["mod", "download"]).run().success();
        project.go(["mod", "verify"]).run().success();
    }
}

#[test]
fn sixteen_at_once_fetch_each_file_once() {
    let lab = Lab::new().modules(12).size(20_000).latency(Duration::from_millis(20)).start();
    let project = Project::new(&lab);
    let runs: Vec<_> = (0..16).map(|_| project.gox(["mod", "download"]).start()).collect();
    for run in runs {
        run.wait().success();
    }
    let zips = lab.requests().iter().filter(|seen| seen.path.ends_with(".zip")).count();
    assert!(zips <= 13, "{zips} zips of 12 modules");
    project.go(["mod", "verify"]).run().success();
}

#[test]
fn private_modules_and_those_of_folders_are_left_to_go() {
    let lab = Lab::new().modules(3).start();
    let project = Project::new(&lab).env("GOX_CONFIDENTIAL", "example.test/m001");
    let outcome = project.gox(["mod", "download"]).run().success();
    assert_eq!(filled(&outcome), 2, "{outcome}");
}

#[test]
fn a_silent_first_proxy_costs_what_it_costs_a_request() {
    let lab = Lab::new()
        .modules(10)
        .entry(Entry::plain().pipe())
        .entry(Entry::plain())
        .fault(Fault::Silence, always().proxy(0))
        .start();
    let outcome = Project::new(&lab).gox(["mod", "download"]).run().success();
    assert_eq!((outcome.attempts(), filled(&outcome)), (1, 10), "{outcome}");
    let silent = lab.requests().iter().filter(|seen| seen.place == Place::Proxy(0)).count();
    assert!(silent < 80, "{silent} requests to who does not answer");
}

#[test]
fn what_another_go_left_half_done_is_left_to_go() {
    let lab = Lab::new().modules(2).fault(Fault::Eof, first(1)).start();
    let project = Project::new(&lab);
    let folder = project.module_cache().join("cache/download/example.test/m000/@v");
    fs::create_dir_all(&folder).expect("a folder of ours");
    fs::write(folder.join("v1.0.0.partial"), "").expect("a file of ours");
    let outcome = project.gox(["mod", "download"]).run().success();
    assert_eq!(filled(&outcome), 1, "{outcome}");
    project.go(["mod", "verify"]).run().success();
}

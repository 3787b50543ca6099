//! What only a go.sum disagrees with: moved aside, put back, and never lost, whoever is killed when.

use super::bench::{Bench, not_needed, overwrite, remove, write_zip};
use crate::formats::go_sum::GoSum;
use crate::formats::h1;
use crate::inside::harness::go;
use crate::module_cache::{Aside, Effect, Finding, hash};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

const DEP: (&str, &str) = ("example.test/dep", "v1.0.0");

/// The go.sum of a project that is wrong about `example.test/dep`.
fn wrong(bench: &Bench) -> GoSum {
    let other = h1::of_go_mod(b"another");
    let text = fs::read_to_string(bench.top.join("project/go.sum")).unwrap();
    let lines = text.lines().map(|line| match line.strip_prefix("example.test/dep v1.0.0 ") {
        Some(_) => format!("example.test/dep v1.0.0 {other}\n"),
        None => format!("{line}\n"),
    });
    GoSum::parse(&lines.collect::<String>())
}

fn disputed(bench: &Bench, sums: &GoSum) -> Finding {
    let mut found = bench.cache().diagnose(sums, DEP.0, DEP.1);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(matches!(found[0], Finding::Dispute(_)), "{found:?}");
    found.remove(0)
}

fn set_aside(bench: &Bench, finding: Finding) -> Aside {
    match bench.cache().repair(finding) {
        Ok(Effect::SetAside(aside)) => *aside,
        other => panic!("{other:?}"),
    }
}

/// Inode, time of change of content, and bytes of everything in the cache.
fn all(bench: &Bench) -> BTreeMap<PathBuf, (u64, i64, Vec<u8>)> {
    let mut files = BTreeMap::new();
    super::bench::walk(&bench.top.join("mod"), &mut |path| {
        let meta = fs::symlink_metadata(path).unwrap();
        let empty_lock = path.extension().is_some_and(|e| e == "lock");
        if !empty_lock {
            files.insert(path.to_owned(), (meta.ino(), meta.mtime_nsec(), fs::read(path).unwrap()));
        }
    });
    files
}

fn folder(bench: &Bench) -> PathBuf {
    bench.top.join("mod/cache/gox-aside")
}

#[test]
fn release_a_wrong_go_sum_costs_the_cache_nothing() {
    let go = go();
    let bench = Bench::warm(&go);
    let before = all(&bench);
    for sums in [wrong(&bench), GoSum::parse(&format!("{} {}/go.mod h1:x=\n", DEP.0, DEP.1))] {
        let again = disputed(&bench, &sums);
        let aside = set_aside(&bench, disputed(&bench, &sums));
        let gone: Vec<_> = before.keys().filter(|path| !path.exists()).collect();
        assert!(!gone.is_empty() && bench.dep_tree().join("name.go").exists());
        // Another gox finds it gone, and a sweep leaves it to its owner.
        not_needed(&bench.cache(), again);
        bench.cache().put_back_abandoned();
        assert_eq!(before.keys().filter(|path| !path.exists()).collect::<Vec<_>>(), gone);
        drop(aside);
        assert_eq!(all(&bench), before);
        assert!(!folder(&bench).exists());
    }
    // An honest project goes on without any network.
    let mut offline = bench.command(&["mod", "download"]);
    assert!(offline.env("GOPROXY", "off").status().unwrap().success());
}

#[test]
fn release_a_fresh_copy_takes_its_place() {
    let go = go();
    let bench = Bench::warm(&go);
    let sums = bench.go_sum();
    // Another content everywhere, consistently: what a lying proxy leaves where no go.sum was.
    let files = [("go.mod", b"module example.test/dep\n".to_vec()), ("evil.go", b"package dep\n".to_vec())];
    write_zip(&bench.dep("zip"), "example.test/dep@v1.0.0/", &files);
    let got = hash::of_zip(&bench.dep("zip"), "example.test/dep@v1.0.0/").unwrap().h1().to_owned();
    overwrite(&bench.dep("ziphash"), got);
    remove(&bench.dep_tree());
    fs::create_dir(bench.dep_tree()).unwrap();
    for (name, content) in files {
        fs::write(bench.dep_tree().join(name), content).unwrap();
    }
    let said = bench.run(&["mod", "download"]);
    assert!(!said.ok && said.text.contains("SECURITY ERROR"), "{}", said.text);
    let aside = set_aside(&bench, disputed(&bench, &sums));
    let said = bench.run(&["mod", "download"]);
    assert!(said.ok, "{}", said.text);
    drop(aside);
    assert!(!folder(&bench).exists());
    assert!(bench.dep_tree().join("name.go").exists() && !bench.dep_tree().join("evil.go").exists());
    assert!(bench.cache().diagnose(&sums, DEP.0, DEP.1).is_empty());
    assert!(bench.run(&["mod", "verify"]).ok);
}

/// The moves of a gox that sets aside the zip, one after the other.
fn steps(bench: &Bench, id: &str) -> Vec<(PathBuf, PathBuf)> {
    let aside = |suffix: &str| folder(bench).join(format!("{id}.{suffix}"));
    vec![(bench.dep("zip"), aside("zip")), (bench.dep("ziphash"), aside("ziphash"))]
}

/// The record that a gox writes for the zip, and its id.
fn record(bench: &Bench) -> (Vec<u8>, String) {
    let aside = set_aside(bench, disputed(bench, &wrong(bench)));
    let path = fs::read_dir(folder(bench)).unwrap().map(|e| e.unwrap().path());
    let path = path.into_iter().find(|p| p.extension().is_some_and(|e| e == "json")).unwrap();
    let bytes = fs::read(&path).unwrap();
    drop(aside);
    (bytes, path.file_stem().unwrap().to_str().unwrap().to_owned())
}

#[test]
fn a_gox_that_is_killed_at_any_moment_loses_nothing() {
    let bench = Bench::warm(&go());
    let before = all(&bench);
    for step in 0usize..=3 {
        let (bytes, id) = record(&bench);
        fs::create_dir_all(folder(&bench)).unwrap();
        fs::write(folder(&bench).join(format!("{id}.json")), &bytes).unwrap();
        if step > 0 {
            fs::write(bench.dep("partial"), "").unwrap();
        }
        for (from, to) in steps(&bench, &id).into_iter().take(step.saturating_sub(1)) {
            fs::rename(from, to).unwrap();
        }
        // Until somebody puts it back, the version is missing, no more: go fetches it.
        bench.cache().put_back_abandoned();
        assert_eq!(all(&bench).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{step}");
        assert_eq!(all(&bench), before, "{step}");
        assert!(!folder(&bench).exists(), "{step}");
    }
}

#[test]
fn what_go_did_meanwhile_stays() {
    let bench = Bench::warm(&go());
    let (bytes, id) = record(&bench);
    let leave = |moves: usize| {
        fs::create_dir_all(folder(&bench)).unwrap();
        fs::write(folder(&bench).join(format!("{id}.json")), &bytes).unwrap();
        fs::write(bench.dep("partial"), "").unwrap();
        for (from, to) in steps(&bench, &id).into_iter().take(moves) {
            fs::rename(from, to).unwrap();
        }
    };
    // A go fetched and unpacked anew.
    leave(2);
    let said = bench.run(&["mod", "download"]);
    assert!(said.ok, "{}", said.text);
    let fetched = fs::metadata(bench.dep("zip")).unwrap().ino();
    bench.cache().put_back_abandoned();
    assert_eq!(fs::metadata(bench.dep("zip")).unwrap().ino(), fetched);
    assert!(!folder(&bench).exists() && !bench.dep("partial").exists());
    assert!(bench.run(&["mod", "verify"]).ok);
    // A go unpacked anew from the zip that had not been moved yet, and was killed half way.
    let (bytes, id) = record(&bench);
    fs::create_dir_all(folder(&bench)).unwrap();
    fs::write(folder(&bench).join(format!("{id}.json")), &bytes).unwrap();
    fs::write(bench.dep("partial"), "").unwrap();
    remove(&bench.dep_tree());
    fs::create_dir(bench.dep_tree()).unwrap();
    bench.cache().put_back_abandoned();
    assert!(bench.dep("partial").exists(), "half a folder is not to be used");
    let said = bench.run(&["build", "-o", "out", "."]);
    assert!(said.ok, "{}", said.text);
}

#[test]
fn a_record_that_is_none_moves_nothing() {
    let bench = Bench::warm(&go());
    fs::create_dir_all(folder(&bench)).unwrap();
    let before = all(&bench);
    for text in [
        "",
        "{",
        r#"{"of":{"module":"../../x","version":"v1.0.0"},"id":"0000000000000000","main":null,"marked":null}"#,
        r#"{"of":{"module":"example.test/dep","version":"v1.0.0"},"id":"../../../../etc/x","main":null,"marked":null}"#,
    ] {
        let path = folder(&bench).join("0000000000000000.json");
        fs::write(&path, text).unwrap();
        bench.cache().put_back_abandoned();
        fs::remove_file(&path).unwrap();
        assert_eq!(all(&bench), before, "{text}");
    }
    // A folder that leads elsewhere is not followed.
    let (bytes, id) = record(&bench);
    let elsewhere = bench.top.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join(format!("{id}.json")), bytes).unwrap();
    fs::write(elsewhere.join(format!("{id}.mod")), "x").unwrap();
    let _ = fs::remove_dir(folder(&bench));
    std::os::unix::fs::symlink(&elsewhere, folder(&bench)).unwrap();
    bench.cache().put_back_abandoned();
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 2);
    assert!(Path::new(&bench.dep("mod")).exists());
}

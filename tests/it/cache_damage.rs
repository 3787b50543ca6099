//! Damage in the module cache that makes go fail for ever is cured by one run of gox, and nothing that
//! is not damaged is touched.

use crate::harness::{Outcome, Project, remove_all};
use crate::lab::{Lab, Running, SUMDB_NAME};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const VICTIM: &str = "example.test/m001/@v/v1.0.0";

/// A project whose module cache is whole.
fn filled(lab: &Running) -> Project {
    let project = Project::new(lab).env("GOX_RELAY", "never").shared_build_cache();
    project.go(["mod", "download"]).run().success();
    lab.forget();
    project
}

fn tree(project: &Project) -> PathBuf {
    project.module_cache().join("example.test/m001@v1.0.0")
}

/// Overwrites a file, read-only or not, without replacing it.
pub(crate) fn overwrite(path: &Path, change: impl FnOnce(Vec<u8>) -> Vec<u8>) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("a file of the cache");
    fs::write(path, change(fs::read(path).expect("a file of the cache"))).expect("a file of ours");
    fs::set_permissions(path, fs::Permissions::from_mode(0o444)).expect("a file of the cache");
}

/// Removes a file from a read-only folder.
pub(crate) fn remove_file(path: &Path) {
    let folder = path.parent().expect("a file of the cache");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("a folder of the cache");
    fs::remove_file(path).expect("a file of the cache");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o555)).expect("a folder of the cache");
}

/// Inode and time of every file below a folder.
pub(crate) fn snapshot(dir: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let meta = entry.metadata().expect("an entry of the cache");
            if meta.is_dir() {
                open.push(entry.path());
            } else {
                found.insert(entry.path(), (meta.ino(), meta.mtime(), meta.mtime_nsec()));
            }
        }
    }
    found
}

/// Makes the damage, lets plain go fail with it, and gox succeed in one run. Whatever does not lie below
/// one of `renewed` (and is no lock or list) is the same file as before.
#[track_caller]
fn cured(project: &Project, args: &[&str], damage: impl Fn(&Project), renewed: &[PathBuf]) -> Outcome {
    damage(project);
    let plain = project.go(args).run();
    assert_ne!(plain.code(), Some(0), "go does not mind this damage\n{plain}");
    let before = snapshot(&project.module_cache());
    let outcome = project.gox(args).run().success();
    assert_eq!(outcome.report()["recovered"], true, "{outcome}");
    let after = snapshot(&project.module_cache());
    for (path, identity) in &before {
        // go 1.21 writes its list of versions anew with each .mod, whatever it held.
        let gos_own = path.extension().is_some_and(|e| e == "lock")
            || path.ends_with("cache/lock")
            || path.ends_with("@v/list");
        if !gos_own && !renewed.iter().any(|r| path.starts_with(r)) {
            assert_eq!(after.get(path), Some(identity), "{} was touched\n{outcome}", path.display());
        }
    }
    let verify = project.go(["mod", "verify"]).run().success();
    assert_eq!(verify.out(), "all modules verified\n", "{verify}");
    outcome
}

/// The same for `mod download` and `build`.
fn cured_by_both(damage: impl Fn(&Project), renewed: impl Fn(&Project) -> Vec<PathBuf>) {
    for args in [&["mod", "download"][..], &["build", "-o", "program", "."]] {
        let lab = Lab::new().start();
        let project = filled(&lab);
        let outcome = cured(&project, args, &damage, &renewed(&project));
        assert_eq!(outcome.attempts(), 2, "{args:?}\n{outcome}");
        let removed: Vec<String> =
            outcome.remedies().into_iter().filter(|r| r.starts_with("evict:")).collect();
        assert_eq!(removed, ["evict:example.test/m001@v1.0.0"], "{args:?}\n{outcome}");
        let mismatch = usize::from(outcome.causes().contains(&"checksum-mismatch".to_owned()));
        assert_eq!(outcome.said().len(), 2 + mismatch, "{outcome}");
    }
}

fn file(extension: &str) -> impl Fn(&Project) -> PathBuf {
    let name = format!("{VICTIM}.{extension}");
    move |project| project.cached(&name)
}

fn half(bytes: Vec<u8>) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

#[test]
fn a_wrong_ziphash() {
    let ziphash = file("ziphash");
    let other = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    cured_by_both(|p| overwrite(&ziphash(p), |_| other.into()), |p| vec![ziphash(p)]);
}

#[test]
fn a_broken_zip_without_its_folder() {
    let (zip, ziphash) = (file("zip"), file("ziphash"));
    let flip = |mut bytes: Vec<u8>| {
        // Inside the first file's packed bytes: the directory at the end stays well-formed.
        let at = 30 + usize::from(u16::from_le_bytes([bytes[26], bytes[27]])) + 5;
        bytes[at] ^= 0xff;
        bytes
    };
    for change in [half as fn(Vec<u8>) -> Vec<u8>, flip] {
        let damage = |p: &Project| {
            overwrite(&zip(p), change);
            remove_all(&tree(p));
        };
        // go writes the .ziphash again when it has fetched the zip.
        cured_by_both(damage, |p| vec![zip(p), ziphash(p)]);
    }
}

#[test]
fn a_broken_zip_without_folder_and_ziphash() {
    let (zip, ziphash) = (file("zip"), file("ziphash"));
    let damage = |p: &Project| {
        overwrite(&zip(p), half);
        fs::remove_file(ziphash(p)).or_else(|e| if ziphash(p).exists() { Err(e) } else { Ok(()) }).unwrap();
        remove_all(&tree(p));
    };
    cured_by_both(damage, |p| vec![zip(p), ziphash(p)]);
}

#[test]
fn a_damaged_go_mod_that_go_sum_knows() {
    let go_mod = file("mod");
    for text in ["", "module example.test/m001\n\ngo 1.20\n", "<html>log in</html>"] {
        cured_by_both(|p| overwrite(&go_mod(p), |_| text.into()), |p| vec![go_mod(p)]);
    }
}

#[test]
fn a_damaged_go_mod_that_nothing_verifies() {
    let lab = Lab::new().start();
    let project = filled(&lab).no_file("go.sum");
    let go_mod = file("mod");
    let damage = |p: &Project| {
        overwrite(&go_mod(p), |_| b"<html>log in</html>".into());
    };
    let outcome = cured(&project, &["mod", "download"], damage, &[go_mod(&project)]);
    assert_eq!(outcome.attempts(), 2, "{outcome}");
}

#[test]
fn an_info_of_another_version() {
    let lab = Lab::new().start();
    let project = filled(&lab);
    let info = file("info");
    let damage = |p: &Project| {
        overwrite(&info(p), |bytes| {
            String::from_utf8(bytes).expect("JSON").replace("v1.0.0", "v9.9.9").into_bytes()
        });
    };
    let outcome = cured(&project, &["mod", "download"], damage, &[info(&project)]);
    assert!(outcome.remedies().contains(&"evict:example.test/m001@v1.0.0".to_owned()), "{outcome}");
}

#[test]
fn a_folder_that_was_changed() {
    let missing = |p: &Project| remove_file(&tree(p).join("m001.go"));
    let edited =
        |p: &Project| overwrite(&tree(p).join("m001.go"), |_| b"package m001\n\nconst Value = = 1\n".into());
    for damage in [&missing as &dyn Fn(&Project), &edited] {
        let lab = Lab::new().start();
        let project = filled(&lab);
        // go indexes the packages of the module cache, and opens what the index names.
        project.go(["build", "-o", "program", "."]).run().success();
        let outcome = cured(&project, &["build", "-o", "program", "."], damage, &[tree(&project)]);
        assert_eq!(outcome.attempts(), 2, "{outcome}");
        assert!(lab.requests().is_empty(), "the zip was here: {:?}", lab.requests());
    }
}

#[test]
fn an_error_in_the_users_own_code_evicts_nothing() {
    let lab = Lab::new().start();
    let project = filled(&lab).file("more.go", "package main\n\nvar x = = 1\n");
    let before = snapshot(&project.module_cache());
    let outcome = project.gox(["build", "-o", "program", "."]).run().exited(1);
    assert_eq!((outcome.attempts(), outcome.said().len()), (1, 0), "{outcome}");
    assert_eq!(snapshot(&project.module_cache()), before);
}

/// A project with a filled cache whose versions only the checksum database vouches for.
fn verified_by_a_database(lab: &Running) -> Project {
    let project = Project::new(lab).env("GOX_RELAY", "never").no_file("go.sum");
    project.go(["mod", "download", "example.test/m000@v1.0.0"]).run().success();
    project
}

#[test]
fn rubbish_among_the_copies_of_a_checksum_database() {
    let lab = Lab::new().sumdb().start();
    for kind in ["tile", "lookup"] {
        let project = verified_by_a_database(&lab);
        let copies = project.cached("sumdb").join(SUMDB_NAME).join(kind);
        let files: Vec<PathBuf> = snapshot(&copies).into_keys().collect();
        assert!(!files.is_empty(), "go keeps copies in {}", copies.display());
        let damage = |_: &Project| files.iter().for_each(|f| overwrite(f, |_| b"rubbish\n".into()));
        let sumdb = project.cached("sumdb");
        let project = project.no_file("go.sum");
        remove_all(&project.cached("example.test"));
        cured(
            &project,
            &["mod", "download", "example.test/m000@v1.0.0", "example.test/m001@v1.0.0"],
            damage,
            &[sumdb],
        );
    }
}

#[test]
fn a_latest_note_that_is_none_is_set_aside() {
    let lab = Lab::new().sumdb().start();
    let project = verified_by_a_database(&lab);
    let notes = project.root().join("gopath/pkg/sumdb").join(SUMDB_NAME);
    let damage = |_: &Project| overwrite(&notes.join("latest"), |_| b"\0\0\0\0".into());
    cured(&project, &["mod", "download", "example.test/m001@v1.0.0"], damage, &[]);
    let kept = fs::read_dir(&notes)
        .expect("go's folder")
        .flatten()
        .any(|e| e.file_name() != "latest" && fs::read(e.path()).is_ok_and(|bytes| bytes == b"\0\0\0\0"));
    assert!(kept, "the memory of the database is renamed, never deleted");
}

#[test]
fn mod_verify_is_never_cured() {
    let lab = Lab::new().start();
    let project = filled(&lab);
    overwrite(&tree(&project).join("m001.go"), |_| b"package m001\n".into());
    overwrite(&project.cached("example.test/m002/@v/v1.0.0.zip"), half);
    let before = snapshot(&project.module_cache());
    let (plain, ours) = (project.go(["mod", "verify"]).run(), project.gox(["mod", "verify"]).run());
    assert_eq!(plain.code(), Some(1), "{plain}");
    assert_eq!(
        (ours.code(), &ours.stdout, &ours.stderr),
        (plain.code(), &plain.stdout, &plain.stderr),
        "{ours}"
    );
    assert_eq!(snapshot(&project.module_cache()), before);
    assert!(lab.requests().is_empty());
}

//! Eviction beside others: a held lock, running go processes, replaced files, refused places; and
//! what counts as growth.

use super::bench::{
    Bench, cut, damages, not_needed, overwrite, paths, refused, remove, remove_all, remove_file,
};
use crate::formats::go_sum::GoSum;
use crate::inside::harness::{go, heed_modes};
use crate::module_cache::finding::Damage;
use crate::module_cache::finding::TreeFault;
use crate::module_cache::growth::Growth;
use crate::module_cache::{Cache, Effect, Mark};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;

const DEP: (&str, &str) = ("example.test/dep", "v1.0.0");

fn hold(path: &std::path::Path) -> fs::File {
    let file = fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).unwrap();
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    file
}

#[test]
fn a_held_lock_delays_eviction_and_then_ends_it() {
    let bench = Bench::warm(&go());
    let cache = bench.cache();
    remove(&bench.dep_tree());
    cut(&bench.dep("zip"), 900);
    let found = cache.diagnose(&bench.go_sum(), DEP.0, DEP.1);
    let held = hold(&bench.dep("lock"));
    let impatient = cache.clone().with_lock_patience(Duration::ZERO);
    for finding in found {
        assert_eq!(refused(&impatient, finding).kind(), io::ErrorKind::TimedOut);
    }
    assert!(bench.dep("zip").exists());

    let (send, done) = mpsc::channel();
    let (patient, finding) = (cache.clone(), cache.diagnose(&bench.go_sum(), DEP.0, DEP.1).remove(0));
    let waiting = std::thread::spawn(move || send.send(patient.repair(finding)).unwrap());
    assert!(done.recv_timeout(Duration::from_millis(200)).is_err(), "it must wait for the lock");
    assert!(bench.dep("zip").exists());
    drop(held);
    let done = done.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(matches!(done, Ok(Effect::Removed)), "{done:?}");
    waiting.join().unwrap();
    assert!(bench.dep("lock").exists(), "the lock stays");
}

#[test]
fn what_somebody_else_mended_is_left_alone() {
    let bench = Bench::warm(&go());
    let cache = bench.cache();
    let whole = fs::read(bench.dep("zip")).unwrap();
    remove(&bench.dep_tree());
    cut(&bench.dep("zip"), 900);
    let found = cache.diagnose(&bench.go_sum(), DEP.0, DEP.1);
    let fresh = bench.dep("zip").with_extension("new");
    fs::write(&fresh, whole).unwrap();
    fs::rename(&fresh, bench.dep("zip")).unwrap();
    found.into_iter().for_each(|finding| not_needed(&cache, finding));
    assert!(bench.dep("zip").exists());
    assert!(bench.run(&["mod", "download"]).ok);

    // The same for a folder in which the missing file is back.
    let file = bench.dep_tree().join("sub.go");
    let content = fs::read(bench.dep_tree().join("other.go")).unwrap();
    remove_file(&bench.dep_tree().join("other.go"));
    let found = cache.diagnose(&bench.go_sum(), DEP.0, DEP.1);
    assert_eq!(paths(&found), [bench.dep_tree()]);
    fs::set_permissions(bench.dep_tree(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(&file, content).unwrap();
    fs::rename(&file, bench.dep_tree().join("other.go")).unwrap();
    found.into_iter().for_each(|finding| not_needed(&cache, finding));
    assert!(bench.dep_tree().join("name.go").exists() && !bench.dep("partial").exists());
}

#[test]
fn a_toolchain_folder_may_have_more_than_its_zip() {
    let top = tempfile::tempdir().unwrap();
    let (module, version) = ("golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64");
    let at = top.path().join("cache/download/golang.org/toolchain/@v");
    let tree = top.path().join(format!("{module}@{version}"));
    fs::create_dir_all(&at).unwrap();
    fs::create_dir_all(tree.join("src")).unwrap();
    let files = [("VERSION", b"go1.99.0\n".to_vec()), ("src/_go.mod", b"module std\n".to_vec())];
    let prefix = format!("{module}@{version}/");
    super::bench::write_zip(&at.join(format!("{version}.zip")), &prefix, &files);
    let sum =
        super::super::hash::of_zip(&at.join(format!("{version}.zip")), &prefix).unwrap().h1().to_owned();
    fs::write(at.join(format!("{version}.ziphash")), &sum).unwrap();
    for (name, content) in &files {
        fs::write(tree.join(name), content).unwrap();
    }
    // go copies src/_go.mod when it first uses the toolchain.
    fs::write(tree.join("src/go.mod"), "module std\n").unwrap();
    let cache = Cache::new(top.path(), None);
    for sums in [GoSum::default(), GoSum::parse(&format!("{module} {version} {sum}\n"))] {
        assert!(cache.diagnose(&sums, module, version).is_empty());
    }
    fs::remove_file(tree.join("VERSION")).unwrap();
    let found = cache.diagnose(&GoSum::default(), module, version);
    assert_eq!(damages(&found), [Damage::Tree(tree.clone(), TreeFault::Missing)]);
    remove_all(&cache, found);
    assert!(!tree.exists() && fs::read_dir(tree.parent().unwrap()).unwrap().next().is_none());
}

#[test]
fn running_go_processes_survive_an_eviction() {
    let bench = Bench::warm(&go());
    let (cache, sums) = (bench.cache(), bench.go_sum());
    for _ in 0..3 {
        // Damage that go looks past at first: the folder is whole, so the others keep working, and
        // eviction of the wrong .ziphash happens among them.
        overwrite(&bench.dep("ziphash"), crate::formats::h1::of_go_mod(b"another"));
        let found = cache.diagnose(&sums, DEP.0, DEP.1);
        assert_eq!(paths(&found), [bench.dep("ziphash")]);
        let start = || {
            let mut command = bench.command(&["mod", "download"]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let others: Vec<_> = (0..3).map(|_| start()).collect();
        // go never writes over a well-formed .ziphash, so nobody can have been faster.
        remove_all(&cache, found);
        for mut other in others {
            // Those that were faster than the eviction saw the damage; none hangs.
            other.wait().unwrap();
        }
        for mut other in (0..3).map(|_| start()).collect::<Vec<_>>() {
            assert!(other.wait().unwrap().success());
        }
        assert!(cache.diagnose(&sums, DEP.0, DEP.1).is_empty());
    }
    let said = bench.run(&["mod", "verify"]);
    assert!(said.ok, "{}", said.text);
}

#[test]
fn nothing_outside_the_cache_is_evicted() {
    let bench = Bench::warm(&go());
    let sums = bench.go_sum();
    remove(&bench.dep_tree());
    cut(&bench.dep("zip"), 900);
    let found = || bench.cache().diagnose(&sums, DEP.0, DEP.1).remove(0);
    // A finding of one cache is none of another.
    let other = Cache::new(bench.top.join("other"), None);
    assert_eq!(refused(&other, found()).kind(), io::ErrorKind::PermissionDenied);
    // A lock that is no file is none.
    let lock = bench.dep("lock");
    fs::remove_file(&lock).unwrap();
    fs::create_dir(&lock).unwrap();
    assert_eq!(refused(&bench.cache(), found()).kind(), io::ErrorKind::PermissionDenied);
    fs::remove_dir(&lock).unwrap();
    let found = found();
    // A folder of the cache that leads elsewhere is not followed.
    let at = bench.dep("zip").parent().unwrap().to_owned();
    let elsewhere = bench.top.join("elsewhere");
    fs::rename(&at, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &at).unwrap();
    assert_eq!(refused(&bench.cache(), found).kind(), io::ErrorKind::PermissionDenied);
    assert!(elsewhere.join("v1.0.0.zip").exists());
}

#[test]
fn a_cache_that_cannot_be_written_is_an_error() {
    heed_modes();
    let bench = Bench::warm(&go());
    remove(&bench.dep_tree());
    cut(&bench.dep("zip"), 900);
    let found = bench.cache().diagnose(&bench.go_sum(), DEP.0, DEP.1);
    let folder = bench.dep("zip").parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    let refused = refused(&bench.cache(), found.into_iter().next().unwrap());
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    assert!(refused.to_string().contains("v1.0.0.zip"), "{refused}");
}

/// A mark that everything done from here on is newer than. The clock of files ticks slower than
/// that of marks, so it is waited for.
fn mark(bench: &Bench, cache: &Cache) -> Mark {
    let mark = cache.mark();
    let probe = bench.top.join("probe");
    loop {
        fs::write(&probe, "").unwrap();
        if crate::module_cache::growth::newer(&fs::metadata(&probe).unwrap(), &mark) {
            return mark;
        }
    }
}

#[test]
fn only_what_is_finished_counts_as_growth() {
    let bench = Bench::cold(&go());
    let cache = bench.cache();
    let start = mark(&bench, &cache);
    assert_eq!(cache.growth_since(&start), Growth::None, "an empty cache");
    assert!(bench.run(&["mod", "tidy"]).ok);
    assert!(cache.grew_since(&start));

    let quiet = mark(&bench, &cache);
    assert!(bench.run(&["mod", "tidy"]).ok);
    assert_eq!(cache.growth_since(&quiet), Growth::None, "all was there");
    let temporary = bench.dep("zip").with_file_name("v1.0.0.zip123.tmp");
    fs::write(&temporary, "x").unwrap();
    assert_eq!(cache.growth_since(&quiet), Growth::Movement);
    fs::remove_file(&temporary).unwrap();

    // Unpacking alone, from a zip that was there, is progress too.
    remove(&bench.dep_tree());
    let unpacking = mark(&bench, &cache);
    assert!(bench.run(&["mod", "download"]).ok);
    assert!(cache.grew_since(&unpacking));

    let clone = bench.top.join("mod/cache/vcs").join("ab".repeat(32));
    let packs = clone.join("objects/pack");
    let cloning = mark(&bench, &cache);
    fs::create_dir_all(&packs).unwrap();
    fs::write(packs.join("tmp_pack_x"), "x").unwrap();
    assert_eq!(cache.growth_since(&cloning), Growth::Movement);
    fs::rename(packs.join("tmp_pack_x"), packs.join("pack-1.pack")).unwrap();
    assert_eq!(cache.growth_since(&cloning), Growth::Finished);
}

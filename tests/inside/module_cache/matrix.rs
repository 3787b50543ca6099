//! Each damage that a cache can have: what go makes of it, what is found, and that go succeeds once
//! exactly that was removed.

use super::bench::{
    Bench, MODULES, cut, damages, not_needed, overwrite, paths, remove, remove_all, remove_file,
};
use crate::formats::go_sum::GoSum;
use crate::formats::h1;
use crate::inside::harness::go;
use crate::module_cache::finding::Damage;
use crate::module_cache::finding::TreeFault;
use crate::module_cache::hash;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DEP: (&str, &str) = ("example.test/dep", "v1.0.0");

/// One row of the matrix.
struct Row {
    name: &'static str,
    damage: fn(&Bench),
    /// go's arguments; the last is also what must succeed in the end.
    args: &'static [&'static str],
    /// What of go's words shows the failure; empty where go mends the damage by itself.
    says: &'static str,
    /// What is found, in the order of eviction.
    found: fn(&Bench) -> Vec<Damage>,
}

const DOWNLOAD: &[&str] = &["mod", "download"];
const BUILD: &[&str] = &["build", "-o", "out", "."];

fn nothing(_: &Bench) -> Vec<Damage> {
    Vec::new()
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[5_000] ^= 0x40;
    overwrite(path, bytes);
}

fn tree_file(bench: &Bench) -> PathBuf {
    bench.dep_tree().join("other.go")
}

const ROWS: &[Row] = &[
    Row {
        name: "ziphash missing",
        damage: |b| remove_file(&b.dep("ziphash")),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "ziphash empty",
        damage: |b| overwrite(&b.dep("ziphash"), ""),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "ziphash blank",
        damage: |b| overwrite(&b.dep("ziphash"), [0; 47]),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "ziphash short",
        damage: |b| cut(&b.dep("ziphash"), 20),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "ziphash wrong",
        damage: |b| overwrite(&b.dep("ziphash"), h1::of_go_mod(b"another")),
        args: DOWNLOAD,
        says: "checksum mismatch",
        found: |b| vec![Damage::Ziphash(b.dep("ziphash"))],
    },
    Row {
        name: "ziphash of the right length and no hash",
        damage: |b| overwrite(&b.dep("ziphash"), "x".repeat(47)),
        args: DOWNLOAD,
        says: "unexpected ziphash",
        found: |b| vec![Damage::Ziphash(b.dep("ziphash"))],
    },
    Row {
        name: "zip cut, folder whole",
        damage: |b| cut(&b.dep("zip"), 999),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "zip cut, no folder",
        damage: |b| {
            cut(&b.dep("zip"), 999);
            remove(&b.dep_tree());
        },
        args: DOWNLOAD,
        says: "not a valid zip file",
        found: |b| vec![Damage::Zip(b.dep("zip"))],
    },
    Row {
        name: "zip flipped, no folder",
        damage: |b| {
            flip(&b.dep("zip"));
            remove(&b.dep_tree());
        },
        args: DOWNLOAD,
        says: "unzip ",
        found: |b| vec![Damage::Zip(b.dep("zip"))],
    },
    Row {
        name: "zip cut, no folder, no ziphash",
        damage: |b| {
            cut(&b.dep("zip"), 999);
            remove_file(&b.dep("ziphash"));
            remove(&b.dep_tree());
        },
        args: DOWNLOAD,
        says: "go: zip: not a valid zip file",
        found: |b| vec![Damage::Zip(b.dep("zip"))],
    },
    Row {
        name: "zip empty, no ziphash",
        damage: |b| {
            overwrite(&b.dep("zip"), "");
            remove_file(&b.dep("ziphash"));
        },
        args: DOWNLOAD,
        says: "zip: not a valid zip file",
        found: |b| vec![Damage::Zip(b.dep("zip"))],
    },
    Row {
        name: "zip missing",
        damage: |b| remove_file(&b.dep("zip")),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "folder missing",
        damage: |b| remove(&b.dep_tree()),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "unpacking was interrupted",
        damage: |b| {
            remove_file(&tree_file(b));
            overwrite(&b.dep("partial"), "");
        },
        args: BUILD,
        says: "",
        found: nothing,
    },
    Row {
        name: "file missing in the folder",
        damage: |b| remove_file(&tree_file(b)),
        args: BUILD,
        says: "# example.test/dep",
        found: |b| vec![Damage::Tree(b.dep_tree(), TreeFault::Missing)],
    },
    Row {
        name: "file blank in the folder",
        damage: |b| overwrite(&tree_file(b), [0; 60]),
        args: BUILD,
        says: "other.go",
        found: |b| vec![Damage::Tree(b.dep_tree(), TreeFault::Torn)],
    },
    Row {
        name: "file edited in the folder",
        damage: |b| overwrite(&tree_file(b), format!("package dep\n\nsyntax error{}\n", " ".repeat(60))),
        args: BUILD,
        says: "syntax error",
        found: |b| vec![Damage::Tree(b.dep_tree(), TreeFault::Edited)],
    },
    Row {
        name: "file missing in the folder, zip missing too",
        damage: |b| {
            remove_file(&tree_file(b));
            remove_file(&b.dep("zip"));
        },
        args: BUILD,
        says: "# example.test/dep",
        found: |b| vec![Damage::Tree(b.dep_tree(), TreeFault::Unknown)],
    },
    Row {
        name: "info garbage",
        damage: |b| overwrite(&b.dep("info"), "<html>"),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "info empty",
        damage: |b| overwrite(&b.dep("info"), ""),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "info missing",
        damage: |b| remove_file(&b.dep("info")),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "info of another version",
        damage: |b| overwrite(&b.dep("info"), "{\"Version\":\"v9.9.9\",\"Time\":\"2018-06-04T12:23:34Z\"}"),
        args: DOWNLOAD,
        says: "v9.9.9",
        found: |b| vec![Damage::Info(b.dep("info"))],
    },
    Row {
        name: "info without a version",
        damage: |b| overwrite(&b.dep("info"), "{}"),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "info null",
        damage: |b| overwrite(&b.dep("info"), "null"),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "mod cut",
        damage: |b| cut(&b.dep("mod"), 8),
        args: DOWNLOAD,
        says: "checksum mismatch",
        found: |b| vec![Damage::Mod(b.dep("mod"))],
    },
    Row {
        name: "mod replaced by a page",
        damage: |b| overwrite(&b.dep("mod"), "<!DOCTYPE html><title>Log in</title>"),
        args: DOWNLOAD,
        says: "checksum mismatch",
        found: |b| vec![Damage::Mod(b.dep("mod"))],
    },
    Row {
        name: "mod missing",
        damage: |b| remove_file(&b.dep("mod")),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "lock missing",
        damage: |b| remove_file(&b.dep("lock")),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
    Row {
        name: "list garbage",
        damage: |b| overwrite(&b.dep("zip").with_file_name("list"), "<html>\0"),
        args: DOWNLOAD,
        says: "",
        found: nothing,
    },
];

fn play(bench: &Bench, row: &Row) {
    let go = bench.go.display();
    (row.damage)(bench);
    let cache = bench.cache();
    let sums = bench.go_sum();
    let want = (row.found)(bench);
    let found = cache.diagnose(&sums, DEP.0, DEP.1);
    assert_eq!(damages(&found), want, "{}, {go}: found before go ran: {found:?}", row.name);

    let said = bench.run(row.args);
    assert_eq!(said.ok, row.says.is_empty(), "{}, {go}: {}", row.name, said.text);
    assert!(said.text.contains(row.says), "{}, {go}: {}", row.name, said.text);
    let found = cache.diagnose(&sums, DEP.0, DEP.1);
    assert_eq!(damages(&found), want, "{}, {go}: after", row.name);
    let again = cache.diagnose(&sums, DEP.0, DEP.1);

    let before = bench.files();
    let gone = paths(&found);
    remove_all(&cache, found);
    again.into_iter().for_each(|finding| not_needed(&cache, finding));
    let mut after = bench.files();
    after.retain(|path, _| before.contains_key(path));
    for (path, seen) in &before {
        if !gone.iter().any(|g| path.starts_with(g)) {
            assert_eq!(after.get(path), Some(seen), "{}, {go}: {} was touched", row.name, path.display());
        }
    }
    assert!(bench.files().keys().all(|p| before.contains_key(p)), "{}, {go}: something was left", row.name);
    let said = bench.run(row.args);
    assert!(said.ok, "{}, {go}: not cured: {}", row.name, said.text);
    assert!(cache.diagnose(&sums, DEP.0, DEP.1).is_empty(), "{}, {go}", row.name);
}

#[test]
fn release_every_row_of_the_matrix() {
    let go = go();
    let bench = Bench::warm(&go);
    let said = bench.run(BUILD);
    assert!(said.ok, "{}", said.text);
    for row in ROWS {
        play(&bench, row);
        // Where go mended it, or fetched it again, the cache is whole for the next row.
        let said = bench.run(DOWNLOAD);
        assert!(said.ok, "{}: {}", row.name, said.text);
    }
}

#[test]
fn release_without_go_sum_structure_decides() {
    let go = go();
    let bench = Bench::warm(&go);
    let sum = bench.top.join("project/go.sum");
    for (what, content) in [
        ("page", "<!DOCTYPE html>\n<title>Log in</title>\n"),
        ("empty", ""),
        ("cut", "module example.test/dep\n\nrequire (\n\texample.test/x v1.0.0\n"),
        ("blank", "\0\0\0\0\0\0\0\0"),
    ] {
        fs::remove_file(&sum).unwrap();
        overwrite(&bench.dep("mod"), content);
        let said = bench.run(DOWNLOAD);
        assert!(!said.ok && said.text.contains("go.mod"), "{what}: {}", said.text);
        let found = bench.cache().diagnose(&GoSum::default(), DEP.0, DEP.1);
        assert_eq!(paths(&found), [bench.dep("mod")], "{what}: {found:?}");
        remove_all(&bench.cache(), found);
        let said = bench.run(&["mod", "tidy"]);
        assert!(said.ok, "{what}: {}", said.text);
    }
    // With no hash to compare, the zip tells that the .ziphash is wrong.
    overwrite(&bench.dep("ziphash"), h1::of_go_mod(b"another"));
    let found = bench.cache().diagnose(&GoSum::default(), DEP.0, DEP.1);
    assert_eq!(paths(&found), [bench.dep("ziphash")], "{found:?}");
}

#[test]
fn odd_names_and_links_are_handled() {
    let bench = Bench::warm(&go());
    let sums = bench.go_sum();
    // The cache may be known by a link.
    let link = bench.top.join("link");
    std::os::unix::fs::symlink(bench.top.join("mod"), &link).unwrap();
    let cache = crate::module_cache::Cache::new(&link, None);
    let all: Vec<_> = MODULES.iter().map(|(m, v, ..)| ((*m).to_owned(), (*v).to_owned())).collect();
    assert!(cache.complete_for(&sums, &all));
    for (module, version, path, file) in MODULES {
        assert!(cache.diagnose(&sums, module, version).is_empty(), "{module}");
        let zip = link.join("cache/download").join(path).join("@v").join(format!("{file}.zip"));
        let tree = link.join(format!("{path}@{file}"));
        let real = hash::of_zip(&zip, &format!("{module}@{version}/")).unwrap();
        assert_eq!(sums.lookup(module, version, false), [real.h1()], "our hash is go's");
        assert_eq!(hash::of_dir(&tree, &format!("{module}@{version}/")).unwrap().h1(), real.h1());
        remove(&bench.top.join("mod").join(format!("{path}@{file}")));
        cut(&zip, 500);
        let found = cache.diagnose(&sums, module, version);
        assert_eq!(paths(&found), [zip.as_path()], "{module}");
        remove_all(&cache, found);
        assert!(!cache.complete_for(&sums, &all));
        let said = bench.run(DOWNLOAD);
        assert!(said.ok, "{}", said.text);
        assert!(cache.complete_for(&sums, &all));
    }
    for (module, version) in [("../../etc", "v1.0.0"), ("a.b/c", "../v1.0.0"), ("", ""), ("a.b/c", "master")]
    {
        assert!(cache.diagnose(&sums, module, version).is_empty());
        assert!(!cache.complete_for(&sums, &[(module.to_owned(), version.to_owned())]));
    }
}

#[test]
fn a_nameless_failure_is_found_by_looking() {
    let bench = Bench::warm(&go());
    let (sums, cache) = (bench.go_sum(), bench.cache());
    let all: Vec<_> = sums.modules().map(|(m, v)| (m.to_owned(), v.to_owned())).collect();
    assert!(cache.scan(&sums, &all, Duration::from_secs(60)).is_empty());
    let zip = bench.top.join("mod/cache/download/example.test/!cap/@v/v1.0.0-!r!c1.zip");
    cut(&zip, 700);
    remove_file(&zip.with_extension("ziphash"));
    let said = bench.run(DOWNLOAD);
    assert!(!said.ok && said.text.contains("zip: not a valid zip file"), "{}", said.text);
    let found = cache.scan(&sums, &all, Duration::from_secs(60));
    assert_eq!(paths(&found), [zip]);
    assert_eq!(found[0].name(), "example.test/Cap@v1.0.0-RC1");
    remove_all(&cache, found);
    let said = bench.run(DOWNLOAD);
    assert!(said.ok, "{}", said.text);
}

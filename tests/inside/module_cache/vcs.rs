//! DamageProof clones: a real git repository behind a made-up host, a real go that clones it.

use super::bench::paths;
use super::bench::{Bench, damages, overwrite, remove_all, walk};
#[cfg(target_os = "linux")]
use crate::inside::harness::go;
use crate::module_cache::Owner;
use crate::module_cache::finding::Damage;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs git in `folder` with the bench's own settings.
fn git(bench: &Bench, folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(args).current_dir(folder).env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", bench.top.join("home")).env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A bench without a proxy: `example.test/hello.git` and `example.test/other.git` are repositories
/// in a folder, with the tags v1.0.0 to v1.0.3 (go fetches the last too, to know the latest).
fn bench(go: &Path, packed: bool) -> Bench {
    let mut bench = Bench::cold(go);
    bench.proxy = "direct".to_owned();
    let source = bench.top.join("source");
    let limit = if packed { 1 } else { 10_000 };
    fs::write(
        bench.top.join("home/.gitconfig"),
        format!(
            "[user]\n\tname = n\n\temail = n@example.test\n[fetch]\n\tunpackLimit = {limit}\n\
             [url \"file://{}/\"]\n\tinsteadOf = https://example.test/\n",
            source.display()
        ),
    )
    .unwrap();
    for name in ["hello", "other"] {
        let folder = source.join(format!("{name}.git"));
        fs::create_dir_all(&folder).unwrap();
        git(&bench, &folder, &["init", "-q", "-b", "main"]);
        for n in 0..4 {
            fs::write(folder.join("go.mod"), format!("module example.test/{name}.git\n\ngo 1.21\n")).unwrap();
            let text = format!(
                "package {name}\n\n// N is {n}.\nconst N = {n}\n\n/*\n{}*/\n",
                "text\n".repeat(500 + n)
            );
            fs::write(folder.join("n.go"), text).unwrap();
            git(&bench, &folder, &["add", "."]);
            git(&bench, &folder, &["commit", "-q", "-m", "n"]);
            git(&bench, &folder, &["tag", &format!("v1.0.{n}")]);
        }
    }
    bench
}

struct Row {
    name: &'static str,
    packed: bool,
    damage: fn(&Path),
    /// True where the same version is asked again (its downloads removed), else the next but one.
    again: bool,
    says: &'static str,
    found: fn(&Path) -> Damage,
}

fn whole(clone: &Path) -> Damage {
    Damage::Clone(clone.to_owned())
}

fn each(clone: &Path, folder: &str, suffix: &str, change: fn(&Path)) {
    let mut some = false;
    walk(&clone.join(folder), &mut |path| {
        if path.to_string_lossy().ends_with(suffix) {
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
            change(path);
            some = true;
        }
    });
    assert!(some, "no {suffix} in {folder}");
}

const ROWS: &[Row] = &[
    Row {
        name: "HEAD empty",
        packed: false,
        damage: |c| overwrite(&c.join("HEAD"), ""),
        again: false,
        says: "not a git repository",
        found: whole,
    },
    Row {
        name: "config garbage",
        packed: false,
        damage: |c| overwrite(&c.join("config"), "[[[\n"),
        again: false,
        says: "bad config line",
        found: whole,
    },
    Row {
        name: "config empty",
        packed: false,
        damage: |c| overwrite(&c.join("config"), ""),
        again: false,
        says: "does not appear to be a git repository",
        found: whole,
    },
    Row {
        name: "refs missing",
        packed: false,
        damage: |c| fs::remove_dir_all(c.join("refs")).unwrap(),
        again: false,
        says: "not a git repository",
        found: whole,
    },
    Row {
        name: "packed-refs garbage",
        packed: false,
        damage: |c| overwrite(&c.join("packed-refs"), "garbage\n"),
        again: false,
        says: "packed-refs",
        found: whole,
    },
    Row {
        name: "shallow garbage",
        packed: false,
        damage: |c| overwrite(&c.join("shallow"), "garbage\n"),
        again: false,
        says: "bad shallow line",
        found: whole,
    },
    Row {
        name: "objects empty",
        packed: false,
        damage: |c| each(c, "objects", "", |path| fs::write(path, "").unwrap()),
        again: false,
        says: "is empty",
        found: whole,
    },
    Row {
        name: "objects garbage",
        packed: false,
        damage: |c| each(c, "objects", "", |path| fs::write(path, "garbage garbage").unwrap()),
        again: false,
        says: "is corrupt",
        found: whole,
    },
    Row {
        name: "a bit flipped in each object",
        packed: false,
        damage: |c| {
            each(c, "objects", "", |path| {
                let mut bytes = fs::read(path).unwrap();
                let at = bytes.len() - 3;
                bytes[at] ^= 0x10;
                fs::write(path, bytes).unwrap();
            })
        },
        again: false,
        says: "is corrupt",
        found: whole,
    },
    // git keeps its complaint to itself here: go prints "unknown revision".
    Row {
        name: "objects empty, same version",
        packed: false,
        damage: |c| each(c, "objects", "", |path| fs::write(path, "").unwrap()),
        again: true,
        says: "unknown revision",
        found: whole,
    },
    Row {
        name: "pack cut",
        packed: true,
        damage: |c| each(c, "objects/pack", ".pack", |path| super::bench::cut(path, 100)),
        again: true,
        says: "unknown revision",
        found: whole,
    },
    Row {
        name: "pack index empty",
        packed: true,
        damage: |c| each(c, "objects/pack", ".idx", |path| fs::write(path, "").unwrap()),
        again: true,
        says: "unknown revision",
        found: whole,
    },
    Row {
        name: "pack missing",
        packed: true,
        damage: |c| each(c, "objects/pack", ".pack", |path| fs::remove_file(path).unwrap()),
        again: true,
        says: "unknown revision",
        found: whole,
    },
    #[cfg(target_os = "linux")]
    Row {
        name: "shallow.lock left behind",
        packed: false,
        damage: |c| overwrite(&c.join("shallow.lock"), ""),
        again: false,
        says: "File exists",
        found: |c| Damage::CloneLock(c.join("shallow.lock")),
    },
    #[cfg(target_os = "linux")]
    Row {
        name: "lock of a tag left behind",
        packed: false,
        damage: |c| overwrite(&c.join("refs/tags/v1.0.2.lock"), ""),
        again: false,
        says: "File exists",
        found: |c| Damage::CloneLock(c.join("refs/tags/v1.0.2.lock")),
    },
    Row {
        name: "info of another repository",
        packed: false,
        damage: |c| overwrite(&c.with_extension("info"), "git3:https://example.test/x"),
        again: false,
        says: "exists with wrong content",
        found: |c| Damage::CloneInfo(c.with_extension("info")),
    },
];

/// The clone that go's words name.
fn named(bench: &Bench, text: &str) -> Option<PathBuf> {
    let cache = bench.cache();
    let (_, rest) = text.split_once(&format!("{}/", cache.root().join("cache/vcs").display()))?;
    let dir = cache.root().join("cache/vcs").join(rest.get(..64)?);
    match cache.locate(&dir, Path::new("/"))? {
        Owner::Vcs(clone) => Some(clone),
        other => panic!("{other:?}"),
    }
}

fn inodes(top: &Path, but: &Path) -> Vec<(PathBuf, u64)> {
    let mut all = Vec::new();
    walk(top, &mut |path| {
        if !path.starts_with(but) && path.with_extension("") != but {
            all.push((path.to_owned(), fs::symlink_metadata(path).unwrap().ino()));
        }
    });
    all.sort();
    all
}

fn play(bench: &Bench, row: &Row) {
    let (go, cache) = (bench.go.display(), bench.cache());
    super::bench::remove(&bench.top.join("mod"));
    for module in ["example.test/other.git@v1.0.0", "example.test/hello.git@v1.0.0"] {
        let said = bench.run(&["mod", "download", module]);
        assert!(said.ok, "{}", said.text);
    }
    let [clone] = &cache.clones_of("example.test/hello.git")[..] else { panic!("one clone") };
    assert!(cache.diagnose_vcs(clone, "").is_empty(), "{}: sound before", row.name);
    (row.damage)(clone);
    let module = if row.again {
        super::bench::remove(&bench.top.join("mod/cache/download/example.test/hello.git"));
        super::bench::remove(&bench.top.join("mod/example.test/hello.git@v1.0.0"));
        "example.test/hello.git@v1.0.0"
    } else {
        "example.test/hello.git@v1.0.2"
    };
    let said = bench.run(&["mod", "download", module]);
    assert!(!said.ok && said.text.contains(row.says), "{}, {go}: {}", row.name, said.text);
    let dir = named(bench, &said.text);
    assert_eq!(dir.is_none(), row.says == "unknown revision", "{}: {}", row.name, said.text);
    let diagnose = || cache.diagnose_vcs(dir.as_ref().unwrap_or(clone), &said.text);
    let (mut found, wanted, begun) = (diagnose(), (row.found)(clone), Instant::now());
    // A child that another test is just starting has, until it is go or git, what this process had open when the
    // lock was made: a lock that is held is none that was left behind.
    while found.is_empty() && matches!(wanted, Damage::CloneLock(_)) && begun.elapsed().as_secs() < 60 {
        std::thread::yield_now();
        found = diagnose();
    }
    assert_eq!(damages(&found), [wanted], "{}, {go}: {found:?}", row.name);

    let others = inodes(&bench.top.join("mod"), clone);
    remove_all(&cache, found);
    assert_eq!(inodes(&bench.top.join("mod"), clone), others, "{}: others were touched", row.name);
    let said = bench.run(&["mod", "download", module]);
    assert!(said.ok, "{}, {go}: not cured: {}", row.name, said.text);
}

#[test]
fn release_damaged_clones_are_found_and_made_anew() {
    let (loose, packed) = (bench(&go(), false), bench(&go(), true));
    for row in ROWS {
        play(if row.packed { &packed } else { &loose }, row);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_lock_that_a_process_holds_is_left_alone() {
    let bench = bench(&go(), false);
    let said = bench.run(&["mod", "download", "example.test/hello.git@v1.0.0"]);
    assert!(said.ok, "{}", said.text);
    let cache = bench.cache();
    let clone = cache.clones_of("example.test/hello.git").remove(0);
    let lock = clone.join("shallow.lock");
    let evidence = format!("fatal: Unable to create '{}': File exists.", lock.display());
    fs::write(&lock, "").unwrap();
    let found = cache.diagnose_vcs(&clone, &evidence);
    assert_eq!(paths(&found), [lock.as_path()]);
    let open = fs::File::open(&lock).unwrap();
    assert!(cache.diagnose_vcs(&clone, &evidence).is_empty(), "this process has it open");
    for finding in found {
        assert!(cache.repair(finding).is_err() && lock.exists());
    }
    drop(open);
    // A child that another test is just starting has, until it is go or git, what this process had
    // open: those are waited for.
    while lock.exists() {
        for finding in cache.diagnose_vcs(&clone, &evidence) {
            let done = cache.repair(finding);
            assert!(
                done.as_ref().err().is_none_or(|e| e.kind() == std::io::ErrorKind::WouldBlock),
                "{done:?}"
            );
        }
        std::thread::yield_now();
    }
    // Nobody's words make damage of a sound clone.
    for words in super::super::vcs::DAMAGE {
        for line in [words.join(" x "), format!("remote: {}", words.join(" "))] {
            assert!(cache.diagnose_vcs(&clone, &line).is_empty(), "{line}");
        }
    }
    assert!(
        cache.diagnose_vcs(&clone, "fatal: unable to access 'https://x/': Could not resolve host").is_empty()
    );
    assert!(cache.diagnose_vcs(Path::new("/etc"), "fatal: bad object 1").is_empty());
}

//! DamageProof copies of a checksum database, made by hand.

use super::bench::{damages, not_needed, paths, remove_all, write_zip};
use crate::formats::zip::Fault;
use crate::module_cache::finding::Damage;
use crate::module_cache::{Cache, Effect, hash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

const NAME: &str = "sum.golang.org";
const SIGNATURE: &str = "\u{2014} sum.golang.org Az3grqAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

struct Copies {
    top: tempfile::TempDir,
    /// The hash of the whole tree, in base64.
    root: String,
}

impl Copies {
    /// 300 records: a full and a partial tile on level 0, their parents on level 1, one look-up.
    fn new() -> Copies {
        let leaf = |n: u32| Sha256::digest(n.to_le_bytes()).to_vec();
        let full: Vec<u8> = (0..256).flat_map(leaf).collect();
        let mut level: Vec<Vec<u8>> = full.chunks(32).map(<[u8]>::to_vec).collect();
        while level.len() > 1 {
            let node = |pair: &[Vec<u8>]| {
                let mut sum = Sha256::new();
                sum.update([1]);
                sum.update(&pair[0]);
                sum.update(&pair[1]);
                sum.finalize().to_vec()
            };
            level = level.chunks(2).map(node).collect();
        }
        let leaves: Vec<Vec<u8>> = (0..300).map(leaf).collect();
        let root = STANDARD.encode(super::sumdb_real::root(&leaves));
        let copies = Copies { top: tempfile::tempdir().unwrap(), root };
        copies.put("tile/8/0/000", &full);
        copies.put("tile/8/0/000.p/5", &full[..5 * 32]);
        copies.put("tile/8/0/001.p/44", &(256..300).flat_map(leaf).collect::<Vec<u8>>());
        copies.put("tile/8/1/000.p/1", &level[0]);
        let record = format!("7\nexample.test/dep v1.0.0 h1:x=\n\n{}", copies.note());
        copies.put("lookup/example.test/dep@v1.0.0", record.as_bytes());
        fs::create_dir_all(copies.latest().parent().unwrap()).unwrap();
        fs::write(copies.latest(), copies.note()).unwrap();
        copies
    }

    fn note(&self) -> String {
        format!("go.sum database tree\n300\n{}\n\n{SIGNATURE}", self.root)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.top.path().join("mod/cache/download/sumdb").join(NAME).join(name)
    }

    fn latest(&self) -> PathBuf {
        self.top.path().join("sumdb").join(NAME).join("latest")
    }

    fn put(&self, name: &str, content: &[u8]) {
        fs::create_dir_all(self.file(name).parent().unwrap()).unwrap();
        fs::write(self.file(name), content).unwrap();
    }

    fn cache(&self) -> Cache {
        Cache::new(self.top.path().join("mod"), Some(self.top.path().join("sumdb")))
    }
}

#[test]
fn sound_copies_are_left_alone() {
    let copies = Copies::new();
    assert!(copies.cache().diagnose_sumdb(NAME).is_empty());
    assert!(copies.cache().diagnose_sumdb("../x").is_empty());
    // An empty file is none to go.
    copies.put("tile/8/0/000", b"");
    copies.put("lookup/example.test/dep@v1.0.0", b"");
    fs::write(copies.latest(), "").unwrap();
    assert!(copies.cache().diagnose_sumdb(NAME).is_empty());
}

#[test]
fn exactly_the_damaged_copy_goes() {
    for (name, content) in [
        ("tile/8/0/001.p/44", b"<html>".to_vec()),
        ("tile/8/0/000.p/5", vec![7; 31]),
        ("lookup/example.test/dep@v1.0.0", b"<html>\n\n<p>\n".to_vec()),
    ] {
        let copies = Copies::new();
        copies.put(name, &content);
        let found = copies.cache().diagnose_sumdb(NAME);
        assert_eq!(paths(&found), [copies.file(name)]);
        let again = copies.cache().diagnose_sumdb(NAME);
        remove_all(&copies.cache(), found);
        again.into_iter().for_each(|finding| not_needed(&copies.cache(), finding));
        assert!(!copies.file(name).exists() && copies.file("tile/8/1/000.p/1").exists());
        assert!(copies.cache().diagnose_sumdb(NAME).is_empty());
    }
}

#[test]
fn tiles_of_the_right_length_must_fit_each_other() {
    let copies = Copies::new();
    let mut bytes = fs::read(copies.file("tile/8/0/000")).unwrap();
    bytes[200 * 32] ^= 1;
    copies.put("tile/8/0/000", &bytes);
    // Of a parent with one child either may be wrong: both are only copies.
    let found = copies.cache().diagnose_sumdb(NAME);
    assert_eq!(paths(&found), [copies.file("tile/8/0/000"), copies.file("tile/8/1/000.p/1")]);

    let copies = Copies::new();
    let mut bytes = fs::read(copies.file("tile/8/0/000.p/5")).unwrap();
    bytes[40] ^= 1;
    copies.put("tile/8/0/000.p/5", &bytes);
    let found = copies.cache().diagnose_sumdb(NAME);
    assert_eq!(paths(&found), [copies.file("tile/8/0/000"), copies.file("tile/8/0/000.p/5")]);

    // At the right edge, where nothing else holds a tile's hash, the signed tree does.
    let copies = Copies::new();
    let mut bytes = fs::read(copies.file("tile/8/0/001.p/44")).unwrap();
    bytes[40] ^= 1;
    copies.put("tile/8/0/001.p/44", &bytes);
    let edge = [copies.file("tile/8/0/001.p/44"), copies.file("tile/8/1/000.p/1")];
    assert_eq!(paths(&copies.cache().diagnose_sumdb(NAME)), edge);
    // That of a look-up does as well as the latest one.
    fs::remove_file(copies.latest()).unwrap();
    assert_eq!(paths(&copies.cache().diagnose_sumdb(NAME)), edge);
}

#[test]
fn the_latest_note_is_only_ever_moved_aside() {
    let copies = Copies::new();
    let note = copies.note();
    let cut = &note[..note.len() - 1];
    for garbage in ["garbage", "\0\0\0\0", "go.sum database tree\n300\nx\n", cut] {
        fs::write(copies.latest(), garbage).unwrap();
        let found = copies.cache().diagnose_sumdb(NAME);
        let again = copies.cache().diagnose_sumdb(NAME);
        assert_eq!(damages(&found), [Damage::SumdbLatest(copies.latest())]);
        for finding in found {
            assert!(matches!(copies.cache().repair(finding), Ok(Effect::Renamed)), "{garbage}");
        }
        assert!(!copies.latest().exists());
        let folder = copies.latest().parent().unwrap().to_owned();
        let kept: Vec<_> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(kept.len(), 1);
        assert_eq!(fs::read(&kept[0]).unwrap(), garbage.as_bytes());
        fs::remove_file(&kept[0]).unwrap();
        // Had somebody written a note meanwhile, it would stay, whatever was found before.
        fs::write(copies.latest(), copies.note()).unwrap();
        again.into_iter().for_each(|finding| not_needed(&copies.cache(), finding));
        assert_eq!(fs::read(copies.latest()).unwrap(), copies.note().as_bytes());
    }
    assert!(copies.cache().diagnose_sumdb(NAME).is_empty(), "a note is left alone always");
}

#[test]
fn zips_beyond_reason_are_no_verdict() {
    let top = tempfile::tempdir().unwrap();
    let zip = top.path().join("x.zip");
    write_zip(&zip, "p/", &[("a", b"A".to_vec()), ("b", vec![0; 1 << 20])]);
    assert_eq!(hash::of_zip(&zip, "p/").unwrap().entries().len(), 2);
    assert!(matches!(hash::of_zip(&zip, "q/"), Err(Fault::Unexpected(_))));
    // An entry that claims more than go allows: declared sizes stand 24 bytes into its record.
    let mut bytes = fs::read(&zip).unwrap();
    let record = bytes.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    bytes[record + 24..record + 28].copy_from_slice(&(600u32 << 20).to_le_bytes());
    fs::write(&zip, &bytes).unwrap();
    assert!(matches!(hash::of_zip(&zip, "p/"), Err(Fault::TooLarge)));
    // One that claims less than it holds.
    bytes[record + 24..record + 28].copy_from_slice(&10u32.to_le_bytes());
    fs::write(&zip, &bytes).unwrap();
    assert!(matches!(hash::of_zip(&zip, "p/"), Err(Fault::Corrupt(_))));
    assert!(hash::ends_like_a_zip(&zip).unwrap());
    for length in [0, 10, 21, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&zip, &bytes[..length]).unwrap();
        assert!(!hash::ends_like_a_zip(&zip).unwrap(), "{length}");
        assert!(matches!(hash::of_zip(&zip, "p/"), Err(Fault::Corrupt(_))), "{length}");
    }
    assert!(matches!(hash::of_zip(Path::new("/nonexistent"), "p/"), Err(Fault::Io(_))));
}

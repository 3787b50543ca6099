//! A checksum database of our own key, served from a folder to a real go, and damage to what go
//! keeps of it.

use super::bench::{Bench, MODULES, damages, overwrite};
use crate::formats::h1;
use crate::inside::harness::go;
use crate::module_cache::finding::Damage;
use crate::module_cache::{Effect, hash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::PathBuf;

const NAME: &str = "sum.example.test";

/// The hash of a tree of RFC 6962 over the hashes of its leaves.
pub(super) fn root(leaves: &[Vec<u8>]) -> Vec<u8> {
    if let [leaf] = leaves {
        return leaf.clone();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let mut sum = Sha256::new();
    sum.update([1]);
    sum.update(root(left));
    sum.update(root(right));
    sum.finalize().to_vec()
}

/// Puts the database beside the module source and has go use it.
fn bench(go: &std::path::Path) -> Bench {
    let mut bench = Bench::cold(go);
    let source = bench.top.join("source");
    let records: Vec<(String, String)> = MODULES
        .iter()
        .map(|(module, version, path, file)| {
            let at = source.join(path).join("@v");
            let tree =
                hash::of_zip(&at.join(format!("{file}.zip")), &format!("{module}@{version}/")).unwrap();
            let go_mod = h1::of_go_mod(&fs::read(at.join(format!("{file}.mod"))).unwrap());
            let text = format!("{module} {version} {}\n{module} {version}/go.mod {go_mod}\n", tree.h1());
            (format!("lookup/{path}@{file}"), text)
        })
        .collect();
    let leaf = |text: &String| Sha256::new().chain_update([0]).chain_update(text).finalize().to_vec();
    let leaves: Vec<Vec<u8>> = records.iter().map(|(_, text)| leaf(text)).collect();

    let key = SigningKey::from_bytes(&[7; 32]);
    let mut public = vec![1];
    public.extend_from_slice(key.verifying_key().as_bytes());
    let id = Sha256::new().chain_update(format!("{NAME}\n")).chain_update(&public).finalize()[..4].to_vec();
    let tree = format!("go.sum database tree\n{}\n{}\n", leaves.len(), STANDARD.encode(root(&leaves)));
    let mut signature = id.clone();
    signature.extend_from_slice(&key.sign(tree.as_bytes()).to_bytes());
    let note = format!("{tree}\n\u{2014} {NAME} {}\n", STANDARD.encode(signature));

    let top = source.join("sumdb").join(NAME);
    let put = |name: &str, content: &[u8]| {
        let path = top.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    };
    put("supported", b"");
    put("latest", note.as_bytes());
    put(&format!("tile/8/0/000.p/{}", leaves.len()), &leaves.concat());
    for (n, (name, text)) in records.iter().enumerate() {
        put(name, format!("{n}\n{text}\n{note}").as_bytes());
    }
    let id: String = id.iter().map(|b| format!("{b:02x}")).collect();
    bench.extra.push(("GOSUMDB".to_owned(), format!("{NAME}+{id}+{}", STANDARD.encode(public))));
    bench
}

#[test]
fn release_damage_to_what_go_keeps_of_a_database_is_cured() {
    type Row = (&'static str, &'static str, fn(&PathBuf), &'static str, fn(PathBuf) -> Damage);
    let rows: &[Row] = &[
        (
            "tile cut",
            "tile/8/0/000.p/4",
            |p| super::bench::cut(p, 2),
            "bad result slice (tile",
            Damage::SumdbTile,
        ),
        (
            "tile changed",
            "tile/8/0/000.p/4",
            |p| {
                let mut bytes = fs::read(p).unwrap();
                bytes[40] ^= 1;
                overwrite(p, bytes);
            },
            "checking tree#",
            Damage::SumdbTile,
        ),
        (
            "look-up garbage",
            "lookup/example.test/dep@v1.0.0",
            |p| overwrite(p, "<html>"),
            "malformed",
            Damage::SumdbLookup,
        ),
        ("latest garbage", "latest", |p| overwrite(p, "<html>"), "malformed note", Damage::SumdbLatest),
    ];
    let go = go();
    let bench = bench(&go);
    let said = bench.run(&["mod", "download"]);
    assert!(said.ok, "{}", said.text);
    let sum = bench.top.join("project/go.sum");
    for (name, file, damage, says, kind) in rows {
        let path = match *file {
            "latest" => bench.top.join("gopath/pkg/sumdb").join(NAME).join("latest"),
            file => bench.top.join("mod/cache/download/sumdb").join(NAME).join(file),
        };
        assert!(bench.cache().diagnose_sumdb(NAME).is_empty(), "{name}: sound before");
        // Without go.sum, go asks the database (its copies first) for everything.
        let _ = fs::remove_file(&sum);
        damage(&path);
        let said = bench.run(&["mod", "download"]);
        assert!(!said.ok && said.text.contains(says), "{name}, {}: {}", go.display(), said.text);
        let found = bench.cache().diagnose_sumdb(NAME);
        assert_eq!(damages(&found), [kind(path)], "{name}: {}", said.text);
        for finding in found {
            let done = bench.cache().repair(finding);
            assert!(matches!(done, Ok(Effect::Removed | Effect::Renamed)), "{done:?}");
        }
        let said = bench.run(&["mod", "download"]);
        assert!(said.ok, "{name}, {}: not cured: {}", go.display(), said.text);
    }
}

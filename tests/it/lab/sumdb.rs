//! A checksum database with a key of its own: signed notes over an RFC 6962 tree, served as records and
//! tiles.

use super::modules::{Module, base64, escape};
use super::reply::Answer;
use ed25519_dalek::{Signer, SigningKey};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

/// The name of the lab's database; go compares it with the name in the key.
pub(crate) const NAME: &str = "sum.example.test";

/// Hashes in one tile are 2 to this power at most; go asks for no other height.
const TILE_HEIGHT: usize = 8;

/// The algorithm byte of Ed25519 in keys of signed notes.
const ED25519: u8 = 1;

type Hash = [u8; 32];

/// The database: an honest tree, and another one to lie with.
pub(super) struct Database {
    key: Key,
    honest: Tree,
    forked: Tree,
    lies: AtomicBool,
}

struct Key {
    signing: SigningKey,
    id: [u8; 4],
}

struct Tree {
    records: Vec<String>,
    ids: BTreeMap<String, usize>,
    /// Hashes of the whole subtrees of 2^level records.
    levels: Vec<Vec<Hash>>,
}

impl Database {
    /// Records for all modules; those whose path is in `wrong` get hashes of something else.
    pub(super) fn new(seed: u64, modules: &[Module], wrong: &[String]) -> Database {
        let honest: Vec<(String, String)> = modules.iter().map(|module| record(module, wrong)).collect();
        let mut forked = honest.clone();
        forked.reverse();
        forked
            .push(("example.test/stranger@v1.0.0".to_owned(), "example.test/stranger v1.0.0 h1:0=\n".into()));
        Database {
            key: Key::new(seed),
            honest: Tree::new(honest),
            forked: Tree::new(forked),
            lies: AtomicBool::new(false),
        }
    }

    /// The key as GOSUMDB wants it.
    pub(super) fn verifier(&self) -> String {
        self.key.verifier()
    }

    /// A well-formed key that signed nothing here.
    pub(super) fn strange_verifier(&self) -> String {
        Key::new(self.key.signing.to_bytes()[0].into()).verifier()
    }

    /// From now on shows another history than before, rightly signed.
    pub(super) fn fork(&self) {
        self.lies.store(true, Ordering::SeqCst);
    }

    /// The answer to a path below the database's root.
    pub(super) fn answer(&self, path: &str) -> Option<Answer> {
        let tree = if self.lies.load(Ordering::SeqCst) { &self.forked } else { &self.honest };
        let text = "text/plain; charset=UTF-8";
        if path == "supported" {
            return Some(Answer::new(200, text, ""));
        }
        if path == "latest" {
            return Some(Answer::new(200, text, self.key.note(tree)));
        }
        if let Some(module) = path.strip_prefix("lookup/") {
            let Some(&id) = tree.ids.get(module) else {
                return Some(Answer::text(404, format!("not found: {module}: unknown revision\n")));
            };
            return Some(Answer::new(
                200,
                text,
                format!("{id}\n{}\n{}", tree.records[id], self.key.note(tree)),
            ));
        }
        let tile = path.strip_prefix("tile/8/")?;
        Some(Answer::new(200, "application/octet-stream", tree.tile(tile)?))
    }
}

fn record(module: &Module, wrong: &[String]) -> (String, String) {
    let Module { path, version, .. } = module;
    let mut lines = module.go_sum();
    if wrong.contains(path) {
        let other = format!("h1:{}", base64(&Sha256::digest(path.as_bytes())));
        lines = format!("{path} {version} {other}\n{path} {version}/go.mod {other}\n");
    }
    (format!("{}@{}", escape(path), escape(version)), lines)
}

impl Key {
    fn new(seed: u64) -> Key {
        let signing = SigningKey::from_bytes(&Sha256::digest(seed.to_le_bytes()).into());
        let digest = Sha256::new()
            .chain_update(NAME)
            .chain_update(b"\n")
            .chain_update([ED25519])
            .chain_update(signing.verifying_key().as_bytes())
            .finalize();
        Key { id: [digest[0], digest[1], digest[2], digest[3]], signing }
    }

    fn verifier(&self) -> String {
        let mut public = vec![ED25519];
        public.extend_from_slice(self.signing.verifying_key().as_bytes());
        format!("{NAME}+{:08x}+{}", u32::from_be_bytes(self.id), base64(&public))
    }

    fn note(&self, tree: &Tree) -> String {
        let text = format!(
            "go.sum database tree\n{}\n{}\n",
            tree.records.len(),
            base64(&tree.root(tree.records.len()))
        );
        let mut signature = self.id.to_vec();
        signature.extend_from_slice(&self.signing.sign(text.as_bytes()).to_bytes());
        format!("{text}\n\u{2014} {NAME} {}\n", base64(&signature))
    }
}

impl Tree {
    fn new(records: Vec<(String, String)>) -> Tree {
        let ids = records.iter().enumerate().map(|(id, (name, _))| (name.clone(), id)).collect();
        let records: Vec<String> = records.into_iter().map(|(_, lines)| lines).collect();
        let mut levels = vec![records.iter().map(|record| leaf(record.as_bytes())).collect::<Vec<Hash>>()];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            let above = below.chunks_exact(2).map(|pair| node(&pair[0], &pair[1])).collect();
            levels.push(above);
        }
        Tree { records, ids, levels }
    }

    /// The hash of the tree of the first `n` records.
    fn root(&self, n: usize) -> Hash {
        if n == 0 {
            return Sha256::digest([]).into();
        }
        // The whole subtrees, from the largest on, are joined from the right.
        let (mut at, mut parts) = (0, Vec::new());
        for level in (0..self.levels.len()).rev() {
            if n & (1 << level) != 0 {
                parts.push(self.levels[level][at >> level]);
                at += 1 << level;
            }
        }
        parts.into_iter().rev().reduce(|right, left| node(&left, &right)).expect("one record at least")
    }

    /// `L/N` or `L/N.p/W`: W (or all 256) hashes of level 8L from number 256N on.
    fn tile(&self, path: &str) -> Option<Vec<u8>> {
        let (level, rest) = path.split_once('/')?;
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (rest, 1_usize << TILE_HEIGHT),
        };
        // Numbers above 999 come as x001/234.
        let number: usize = number.split('/').try_fold(0_usize, |sum, three| {
            three.trim_start_matches('x').parse::<usize>().ok().map(|n| sum * 1000 + n)
        })?;
        let hashes = self.levels.get(level.parse::<usize>().ok()? * TILE_HEIGHT)?;
        let start = number << TILE_HEIGHT;
        Some(hashes.get(start..start + width)?.concat())
    }
}

fn leaf(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// A tile's path, for faults of one tile.
pub(crate) fn tile_path(level: usize, number: usize, width: Option<usize>) -> String {
    let mut path = format!("tile/8/{level}/{number:03}");
    if let Some(width) = width {
        let _ = write!(path, ".p/{width}");
    }
    path
}

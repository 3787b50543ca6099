//! Judges the cached copies of a checksum database and its `latest` note.
//!
//! Only the shape is judged here, and how tiles fit each other; signatures are go's. What is signed
//! and contradicts itself is no damage but a misbehaving database, and nothing of it is removed.

use super::finding::{Damage, DamageProof, Finding};
use super::place::{files_below, is_sumdb_name};
use super::version::small;
use crate::words::damages;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Bytes of one hash in a tile.
const HASH: usize = 32;

/// Levels of the tree in one tile, as go asks for them.
const HEIGHT: u32 = 8;

/// See [`super::Cache::diagnose_sumdb`]. A copy is damaged where its shape is wrong, or where it cannot be
/// right beside the others: the tiles must fit each other, and give the hashes of the trees that were
/// signed.
pub(super) fn diagnose(root: &Path, state: Option<&Path>, name: &str) -> Vec<Finding> {
    if !is_sumdb_name(name) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut trees = Vec::new();
    if let Some(latest) = state.map(|state| state.join(name).join("latest")) {
        if is_bad_note(&latest) {
            found.extend(DamageProof::found(Damage::SumdbLatest(latest), damages::NO_NOTE));
        } else {
            trees.extend(small(&latest).ok().and_then(|bytes| signed_tree(&bytes)));
        }
    }
    let copies = root.join("cache/download/sumdb").join(name);
    let mut tiles = BTreeMap::new();
    for path in files_below(&copies) {
        let Some(inside) = path.strip_prefix(&copies).ok().and_then(Path::to_str) else { continue };
        // An empty file is none to go: it may be one that is just being written.
        let Ok(bytes) = small(&path) else { continue };
        if bytes.is_empty() {
            continue;
        }
        if let Some(tile) = Tile::parse(inside) {
            if bytes.len() == tile.width * HASH {
                tiles.insert(tile, (path, bytes));
            } else {
                found.extend(DamageProof::found(Damage::SumdbTile(path), damages::WRONG_LENGTH));
            }
        } else if inside.starts_with("lookup/") {
            match record_tree(&bytes) {
                Some(tree) => trees.extend(signed_tree(tree)),
                None => found.extend(DamageProof::found(Damage::SumdbLookup(path), damages::NO_RECORD)),
            }
        }
    }
    let inconsistent = contradicting(&tiles);
    for path in &inconsistent {
        found.extend(DamageProof::found(Damage::SumdbTile(path.clone()), damages::CONTRADICTS_TILES));
    }
    if inconsistent.is_empty() {
        trees.sort();
        trees.dedup();
        // Which of the tiles of a tree's right edge is wrong does not show: all are copies.
        let wrong = trees.iter().filter(|tree| root_hash(&tiles, tree.0).is_some_and(|root| root != tree.1));
        let edges: BTreeSet<Tile> = wrong.flat_map(|tree| right_edge(tree.0)).collect();
        for (path, _) in edges.iter().filter_map(|tile| tiles.get(tile)) {
            found.extend(DamageProof::found(Damage::SumdbTile(path.clone()), damages::CONTRADICTS_TREE));
        }
    }
    found
}

/// True where `latest` is there, is not empty (which go takes for absent), and is no note.
pub(super) fn is_bad_note(latest: &Path) -> bool {
    small(latest).is_ok_and(|bytes| !bytes.is_empty() && !is_note(&bytes))
}

/// The shape of a signed note: text, a blank line, and signature lines (a dash, a name, base64).
fn is_note(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    if text.chars().any(|c| c < ' ' && c != '\n') {
        return false;
    }
    let Some((_, signatures)) = text.rsplit_once("\n\n") else { return false };
    let Some(lines) = signatures.strip_suffix('\n') else { return false };
    lines.split('\n').all(|line| {
        let Some((name, base64)) = line.strip_prefix("\u{2014} ").and_then(|l| l.split_once(' ')) else {
            return false;
        };
        !name.is_empty() && !name.contains('+') && STANDARD.decode(base64).is_ok_and(|sig| sig.len() >= 5)
    })
}

/// The signed tree at the end of a look-up's answer: a record number, the record, a blank line, the tree.
/// `None` for anything of another shape.
fn record_tree(bytes: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (id, rest) = text.split_once('\n')?;
    let (record, tree) = rest.split_once("\n\n")?;
    let right = id.parse::<i64>().is_ok() && !record.is_empty() && is_note(tree.as_bytes());
    right.then_some(tree.as_bytes())
}

/// Size and root hash of a tree, as a note tells them in its second and third line.
fn signed_tree(note: &[u8]) -> Option<(u64, Vec<u8>)> {
    let mut lines = std::str::from_utf8(note).ok()?.lines();
    if lines.next() != Some("go.sum database tree") {
        return None;
    }
    let size = lines.next()?.parse().ok()?;
    Some((size, STANDARD.decode(lines.next()?).ok().filter(|hash| hash.len() == HASH)?))
}

/// The coordinates of a tile, ordered so that the copies of one tile stand together, widest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tile {
    height: u32,
    level: u32,
    number: u64,
    width: usize,
}

impl Tile {
    /// Reads `tile/H/L/NNN[.p/W]`; tiles of raw data are not cached.
    fn parse(path: &str) -> Option<Tile> {
        let mut parts: Vec<&str> = path.strip_prefix("tile/")?.split('/').collect();
        if parts.len() < 3 {
            return None;
        }
        let height: u32 = parts[0].parse().ok().filter(|h| (1..=16).contains(h))?;
        let level: u32 = parts[1].parse().ok().filter(|l| *l < 64)?;
        let mut width = 1 << height;
        if let Some(last) = parts[parts.len() - 2].strip_suffix(".p") {
            width = parts.pop()?.parse().ok().filter(|w| (1..width).contains(w))?;
            *parts.last_mut()? = last;
        }
        let mut number = 0u64;
        for part in &parts[2..] {
            let digits = part.strip_prefix('x').unwrap_or(part);
            if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            number = number.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        Some(Tile { height, level, number, width })
    }
}

/// The tiles that a tree of `size` records ends with on each level, those of go's height (8): its own
/// hash is made of them. Where only the whole tile is cached, go uses that.
fn right_edge(size: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    for (level, number, width) in edge(size) {
        tiles.push(Tile { height: HEIGHT, level, number, width });
        tiles.push(Tile { height: HEIGHT, level, number, width: 1 << HEIGHT });
    }
    tiles
}

/// Level, number and width of each tile that is not full at the right edge of a tree, lowest level first.
fn edge(size: u64) -> Vec<(u32, u64, usize)> {
    let (mut edge, mut count, mut level) = (Vec::new(), size, 0);
    while count > 0 {
        let width = usize::try_from(count & 255).unwrap_or(0);
        if width > 0 {
            edge.push((level, count >> HEIGHT, width));
        }
        count >>= HEIGHT;
        level += 1;
    }
    edge
}

/// The hash of the tree of `size` records that the tiles give; `None` where one is missing. A tree whose
/// size is no power of two is hashed from its largest whole subtrees, from the right (RFC 6962).
fn root_hash(tiles: &BTreeMap<Tile, (PathBuf, Vec<u8>)>, size: u64) -> Option<Vec<u8>> {
    let mut subtrees = Vec::new();
    for (level, number, width) in edge(size).into_iter().rev() {
        let tile = |width| tiles.get(&Tile { height: HEIGHT, level, number, width });
        let (_, bytes) = tile(width).or_else(|| tile(1 << HEIGHT))?;
        let mut rest = &bytes[..width * HASH];
        while !rest.is_empty() {
            let whole = 1 << (rest.len() / HASH).ilog2();
            let (left, right) = rest.split_at(whole * HASH);
            subtrees.push(subtree(left));
            rest = right;
        }
    }
    subtrees.into_iter().rev().reduce(|right, left| node(&left, &right))
}

/// The tiles that cannot be right beside the others: copies of one tile that differ in what they
/// share, and whole tiles whose hash is not the one in the tile above.
fn contradicting(tiles: &BTreeMap<Tile, (PathBuf, Vec<u8>)>) -> Vec<PathBuf> {
    let mut bad = Vec::new();
    let all: Vec<_> = tiles.iter().collect();
    for pair in all.windows(2) {
        let ((a, (path_a, bytes_a)), (b, (path_b, bytes_b))) = (pair[0], pair[1]);
        let same = (a.height, a.level, a.number) == (b.height, b.level, b.number);
        if same && !bytes_b.starts_with(bytes_a) {
            // Which of the two is wrong does not show: both are copies that go fetches again.
            bad.extend([path_a.clone(), path_b.clone()]);
        }
    }
    for (above, (path, bytes)) in tiles {
        let (mut right, mut wrong) = (0, Vec::new());
        let Some(level) = above.level.checked_sub(1) else { continue };
        for (index, hash) in bytes.chunks(HASH).enumerate() {
            let Some(number) = above.number.checked_mul(1 << above.height) else { break };
            let below = Tile { level, number: number + index as u64, width: 1 << above.height, ..*above };
            match tiles.get(&below) {
                None => {}
                Some((_, bytes)) if subtree(bytes) == hash => right += 1,
                Some((path, _)) => wrong.push(path.clone()),
            }
        }
        // One that disagrees with all below it is itself the odd one; of two, either may be.
        if !wrong.is_empty() && right == 0 {
            bad.push(path.clone());
        }
        if right > 0 || wrong.len() == 1 {
            bad.extend(wrong);
        }
    }
    bad.sort();
    bad.dedup();
    bad
}

/// The hash of a whole tile: RFC 6962's tree over its hashes, nodes marked with a 1.
fn subtree(bytes: &[u8]) -> Vec<u8> {
    if bytes.len() <= HASH {
        return bytes.to_vec();
    }
    let (left, right) = bytes.split_at(bytes.len() / 2);
    node(&subtree(left), &subtree(right))
}

fn node(left: &[u8], right: &[u8]) -> Vec<u8> {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().to_vec()
}

//! Judges the cached copies of a checksum database and its `latest` note.
//!
//! Only the shape is judged here, and how tiles fit each other; signatures are go's. What is signed
//! and contradicts itself is no damage but a misbehaving database, and nothing of it is removed.

use super::place::is_sumdb_name;
use super::version::small;
use super::{Damage, Damaged, Fingerprint};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of one hash in a tile.
const HASH: usize = 32;

/// Most files looked at in one database's copies.
const MAX_FILES: usize = 100_000;

/// See [`super::Cache::diagnose_sumdb`].
pub(super) fn diagnose(root: &Path, state: Option<&Path>, name: &str, evidence: &str) -> Vec<Damaged> {
    if !is_sumdb_name(name) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut report = |damage: Damage, why: &str| {
        if let Ok(seen) = Fingerprint::of(damage.path()) {
            let why = why.to_owned();
            found.push(Damaged { damage, module: None, version: None, why, seen, want: Vec::new() });
        }
    };
    if let Some(latest) = state.map(|state| state.join(name).join("latest"))
        && is_bad_note(&latest)
    {
        report(Damage::SumdbLatest(latest), "it is no signed note");
    }

    let copies = root.join("cache/download/sumdb").join(name);
    let files = files_below(&copies);
    let mut tiles = BTreeMap::new();
    for path in files {
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
                report(Damage::SumdbTile(path), "it has the wrong length");
            }
        } else if inside.starts_with("lookup/") && !is_record(&bytes) {
            report(Damage::SumdbLookup(path), "it is no signed record");
        }
    }
    let inconsistent = contradicting(&tiles);
    for path in &inconsistent {
        report(Damage::SumdbTile(path.clone()), "it contradicts the other tiles");
    }
    // What go could not use though it fits all we have: the tile it named, or those from which the
    // hash of the whole tree is made.
    let size = tree_size(evidence).or_else(|| tree_size(&small_text(state?.join(name).join("latest"))));
    let blamed = match named_tile(evidence) {
        Some(tile) => vec![tile],
        None if inconsistent.is_empty() && evidence.contains("inconsistent tile") => right_edge(size),
        None => Vec::new(),
    };
    for tile in blamed {
        if let Some((path, _)) = tiles.get(&tile)
            && !inconsistent.contains(path)
        {
            report(Damage::SumdbTile(path.clone()), "go cannot use it");
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

/// The shape of a look-up's answer: a record number, the record, a blank line, the signed tree.
fn is_record(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Some((id, rest)) = text.split_once('\n') else { return false };
    let Some((record, tree)) = rest.split_once("\n\n") else { return false };
    id.parse::<i64>().is_ok() && !record.is_empty() && is_note(tree.as_bytes())
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

/// The tile that go's words name, as in `TileReader returned bad result slice (tile/8/0/000.p/1 ...`.
fn named_tile(evidence: &str) -> Option<Tile> {
    evidence
        .match_indices("tile/")
        .find_map(|(at, _)| Tile::parse(evidence[at..].split([' ', ')', ',', ':', '"']).next().unwrap_or("")))
}

/// The size of the tree that go was checking (`checking tree#N: ...`), or that a signed tree names in
/// its second line.
fn tree_size(text: &str) -> Option<u64> {
    let digits = match text.split_once("tree#") {
        Some((_, rest)) => rest,
        None => text.strip_prefix("go.sum database tree\n")?,
    };
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The tiles that a tree of `size` records ends with on each level, those of go's height (8): its own
/// hash is made of them. Where only the whole tile is cached, go uses that.
fn right_edge(size: Option<u64>) -> Vec<Tile> {
    let height = 8;
    let mut tiles = Vec::new();
    let (mut count, mut level) = (size.unwrap_or(0), 0);
    while count > 0 {
        let (number, width) = (count >> height, usize::try_from(count & 255).unwrap_or(0));
        if width > 0 {
            tiles.push(Tile { height, level, number, width });
            tiles.push(Tile { height, level, number, width: 1 << height });
        }
        count = number;
        level += 1;
    }
    tiles
}

fn small_text(path: PathBuf) -> String {
    small(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
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
    let mut sum = Sha256::new();
    sum.update([1]);
    sum.update(subtree(left));
    sum.update(subtree(right));
    sum.finalize().to_vec()
}

/// Every plain file below `top`; links are not followed.
fn files_below(top: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![top.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for item in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match item.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(item.path()),
                Ok(kind) if kind.is_file() && files.len() < MAX_FILES => files.push(item.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

//! Judges the files of one module version: which of them can make go fail, and whether they are damaged
//! or only not what this go.sum says.
//!
//! DamageProof is what disagrees with itself: a zip with its own structure or `.ziphash`, a folder with its
//! zip, a `.mod` with the go.mod in the zip that go.sum means. What agrees with itself may be right and
//! the go.sum wrong.
//!
//! What go mends by itself is no damage here: a `.ziphash` that is missing or has the wrong length
//! (hashed anew), an `.info` that is no JSON (fetched anew), a missing file, a folder with a
//! `.partial` beside it (unpacked anew), a broken zip that nobody reads because folder and
//! `.ziphash` are whole.

use super::finding::{Damage, DamageProof, Dispute, Finding, Fingerprint, ModuleVersion, Part, TreeFault};
use super::hash;
use super::place::Files;
use crate::formats::go_mod::{FaultKind, GoMod, Role};
use crate::formats::go_sum::GoSum;
use crate::formats::h1;
use crate::formats::zip::{Entry, Fault, MAX_GO_MOD, Manifest};
use crate::words::{Phrase, Text, damages};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// The toolchain's own module: go adds files and modes to its folder after unpacking.
const TOOLCHAIN: &str = "golang.org/toolchain";

/// How thoroughly to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// No folders; zips read through only where go itself would do so before unpacking.
    Quick,
    /// Everything.
    Full,
}

/// What the `.ziphash` file holds.
enum Recorded {
    /// There is none.
    Absent,
    /// Nothing that go would believe: it hashes the zip anew.
    Blank,
    /// A text of the right length that is no hash: go stops at it.
    Nonsense,
    /// One hash.
    Hash(String),
}

/// What is known of a zip.
enum Zip {
    /// There is none.
    Absent,
    /// A whole zip, whatever go.sum says of it.
    Whole(Manifest),
    /// Its structure or a checksum inside it is wrong.
    Broken(Text),
    /// Not looked at, or of a kind that is not understood.
    Unread,
}

/// The verdict on zip and `.ziphash` together.
#[derive(Default)]
struct Contents {
    zip: Option<Text>,
    ziphash: Option<Text>,
    disputed: Option<Text>,
}

/// One module version as it lies in the cache, and what go.sum says of it.
struct Look {
    files: Files,
    of: ModuleVersion,
    want: Vec<String>,
    recorded: Recorded,
    zip: Zip,
    /// The extracted folder, where go would use it: `None` otherwise.
    unpacked: bool,
    /// Its files, where they were read.
    tree: Option<Manifest>,
}

/// See [`super::Cache::diagnose`].
pub(super) fn diagnose(
    root: &Path,
    go_sum: &GoSum,
    module: &str,
    version: &str,
    depth: Depth,
) -> Vec<Finding> {
    let want = known(go_sum.lookup(module, version, false));
    let of = ModuleVersion { module: module.to_owned(), version: version.to_owned() };
    let Some(look) = Look::at(root, of, want, depth) else { return Vec::new() };
    let tree_fault = look.tree_fault();
    let contents = look.contents(tree_fault.is_some());
    let mut found = Vec::new();
    if let Some((fault, why)) = tree_fault {
        found.extend(look.damaged(Damage::Tree(look.files.tree.clone(), fault), why));
    }
    if let Some(why) = contents.zip {
        found.extend(look.damaged(Damage::Zip(look.files.zip.clone()), why));
    }
    if let Some(why) = contents.ziphash {
        found.extend(look.damaged(Damage::Ziphash(look.files.ziphash.clone()), why));
    }
    if let Some(why) = contents.disputed {
        found.push(look.disputed(Part::Zip, why));
    }
    found.extend(look.go_mod(&known(go_sum.lookup(module, version, true))));
    if let Some(why) = judge_info(&look.files.info, version) {
        found.extend(look.damaged(Damage::Info(look.files.info.clone()), why));
    }
    found
}

/// Judges the folder of a version again, for eviction.
pub(super) fn tree_still_bad(root: &Path, of: &ModuleVersion, want: &[String]) -> bool {
    let look = Look::at(root, of.clone(), want.to_vec(), Depth::Full);
    look.is_some_and(|look| look.tree_fault().is_some())
}

impl Look {
    fn at(root: &Path, of: ModuleVersion, want: Vec<String>, depth: Depth) -> Option<Look> {
        let files = Files::of(root, &of.module, &of.version)?;
        let recorded = recorded(&files.ziphash);
        let unpacked = files.tree.is_dir() && !files.partial.exists();
        // go reads the zip where it has to unpack it, or has no hash of it to believe.
        let believed = matches!(&recorded, Recorded::Hash(hash) if want.is_empty() || want.contains(hash));
        let zip = if !files.zip.is_file() {
            Zip::Absent
        } else if !believed || depth == Depth::Full {
            read_zip(&files)
        } else if !unpacked && matches!(hash::ends_like_a_zip(&files.zip), Ok(false)) {
            Zip::Broken(damages::CUT_SHORT.into())
        } else {
            Zip::Unread
        };
        let tree = if depth == Depth::Full && unpacked {
            hash::of_dir(&files.tree, &files.prefix).ok()
        } else {
            None
        };
        Some(Look { files, of, want, recorded, zip, unpacked, tree })
    }

    fn damaged(&self, damage: Damage, why: impl Into<Text>) -> Option<Finding> {
        let seen = Fingerprint::of(damage.path()).ok()?;
        let (of, want) = (Some(self.of.clone()), self.want.clone());
        // A whole zip that lies beside it is what go will judge.
        let like_zip = || match (&self.zip, &self.tree) {
            (Zip::Whole(zip), Some(tree)) => zip.h1() == tree.h1(),
            _ => false,
        };
        let tree_unproven = self.unpacked && !self.tree_is_wanted() && !like_zip();
        Some(Finding::Damage(DamageProof { damage, of, why: why.into(), seen, want, tree_unproven }))
    }

    fn disputed(&self, part: Part, why: Text) -> Finding {
        let seen = part.paths(&self.files).into_iter();
        let seen = seen.map(|path| (path.to_owned(), Fingerprint::of(path).ok())).collect();
        Finding::Dispute(Dispute { of: self.of.clone(), part, why, seen })
    }

    /// go.sum itself proves the extracted folder.
    fn tree_is_wanted(&self) -> bool {
        self.tree.as_ref().is_some_and(|tree| self.wants(tree.h1()))
    }

    /// True for a hash that go.sum names.
    fn wants(&self, hash: &str) -> bool {
        self.want.iter().any(|want| want == hash)
    }

    /// The same, or of which it says nothing.
    fn allowed(&self, hash: &str) -> bool {
        self.want.is_empty() || self.wants(hash)
    }

    fn differs(&self, hash: &str) -> Text {
        other_hash(hash, &self.want)
    }

    /// Zip and `.ziphash` beside each other and beside go.sum. What go does not mind is left out: a broken
    /// zip that nobody reads, because folder and `.ziphash` are whole, and what go hashes or fetches anew.
    fn contents(&self, tree_goes: bool) -> Contents {
        let needed = !self.unpacked || tree_goes;
        let none = Contents::default();
        let zip = |why: &Text| Contents { zip: Some(why.clone()), ..Contents::default() };
        let ziphash = |why: Text| Contents { ziphash: Some(why), ..Contents::default() };
        let disputed = |hash: &str| Contents { disputed: Some(self.differs(hash)), ..Contents::default() };
        match (&self.recorded, &self.zip) {
            (Recorded::Hash(hash), Zip::Whole(manifest)) => {
                let got = manifest.h1();
                if *hash == got && self.allowed(hash) {
                    none
                } else if *hash != got && self.allowed(got) {
                    ziphash(damages::SAYS_OTHER_HASH.with(&[("says", hash), ("got", &got)]))
                } else if *hash != got && self.allowed(hash) {
                    let why = damages::OTHER_THAN_BOTH.with(&[("got", &got), ("want", hash)]);
                    if needed { zip(&why) } else { none }
                } else {
                    disputed(got)
                }
            }
            (Recorded::Hash(hash), _) if !self.allowed(hash) => match &self.zip {
                // The folder is what go.sum says: it is the recorded hash that is wrong.
                Zip::Broken(why) if self.tree_is_wanted() => {
                    Contents { zip: Some(why.clone()), ..ziphash(self.differs(hash)) }
                }
                _ if self.tree_is_wanted() => ziphash(self.differs(hash)),
                Zip::Absent if !self.unpacked => none,
                _ => disputed(hash),
            },
            (Recorded::Hash(_), Zip::Broken(why)) if needed => zip(why),
            (Recorded::Hash(_), _) => none,
            (_, Zip::Whole(manifest)) if !self.allowed(manifest.h1()) => disputed(manifest.h1()),
            (Recorded::Absent, Zip::Broken(why)) => zip(why),
            (Recorded::Absent, _) | (Recorded::Blank, Zip::Whole(_) | Zip::Unread) => none,
            (Recorded::Blank, Zip::Absent) if !self.unpacked => none,
            (Recorded::Blank | Recorded::Nonsense, found) => {
                let broken = match found {
                    Zip::Broken(why) => Some(why.clone()),
                    _ => None,
                };
                Contents { zip: broken, ..ziphash(damages::NO_HASH.into()) }
            }
        }
    }

    /// How the extracted folder differs from what it was unpacked from. Nothing is said where nothing can
    /// be its measure: a zip or a recorded hash that go.sum does not confirm is none.
    fn tree_fault(&self) -> Option<(TreeFault, Text)> {
        let tree = self.tree.as_ref()?;
        let got = tree.h1();
        let confirmed = matches!(&self.recorded, Recorded::Hash(hash) if self.wants(hash));
        let measure = match (&self.zip, &self.recorded) {
            (Zip::Whole(zip), _) if self.wants(zip.h1()) => Some(zip),
            (Zip::Whole(zip), Recorded::Hash(hash)) if self.want.is_empty() && *hash == zip.h1() => Some(zip),
            _ => None,
        };
        if self.wants(got) {
            return None;
        }
        match (measure, &self.zip) {
            (Some(zip), _) if zip.h1() == got => None,
            (Some(zip), _) => differ(tree, zip),
            (None, _) if !confirmed => None,
            (None, Zip::Whole(zip)) if zip.h1() == got => {
                Some((TreeFault::FromBadZip, damages::FROM_DAMAGED_ZIP.into()))
            }
            (None, _) if self.of.module == TOOLCHAIN => None,
            (None, _) => Some((TreeFault::Unknown, self.differs(got))),
        }
    }

    /// The `.mod` file. With a hash it must have that: it is damaged where it cannot be anybody's go.mod,
    /// or where the go.mod inside the zip is the one that go.sum means; else go.sum may be wrong. Without
    /// a hash its shape decides.
    fn go_mod(&self, want: &[String]) -> Option<Finding> {
        let bytes = small(&self.files.mod_file).ok()?;
        let got = h1::of_go_mod(&bytes);
        if want.contains(&got) {
            return None;
        }
        let damage = || Damage::Mod(self.files.mod_file.clone());
        if let Some(why) = malformed_go_mod(&bytes) {
            return self.damaged(damage(), why);
        }
        if want.is_empty() {
            return None;
        }
        let why = other_hash(&got, want);
        let name = format!("{}go.mod", self.files.prefix).into_bytes();
        let inside = match &self.zip {
            Zip::Whole(zip) => zip.entries().iter().find(|entry| entry.name == name),
            _ => None,
        };
        let meant = |entry: &Entry| {
            h1::of_files(&mut [(b"go.mod", entry.digest)]).is_ok_and(|sum| want.contains(&sum))
        };
        if inside.is_some_and(meant) {
            return self.damaged(damage(), why);
        }
        Some(self.disputed(Part::GoMod, why))
    }
}

fn read_zip(files: &Files) -> Zip {
    match hash::of_zip(&files.zip, &files.prefix) {
        Ok(manifest) => Zip::Whole(manifest),
        Err(Fault::Corrupt(detail)) => Zip::Broken(damages::NO_ZIP.with(&[("detail", &detail)])),
        Err(Fault::Unexpected(file)) => Zip::Broken(damages::STRAY_FILE.with(&[("name", &file)])),
        Err(Fault::TooLarge | Fault::TooMany(_) | Fault::Unsupported(_) | Fault::Io(_)) => Zip::Unread,
    }
}

/// The worst way in which files of `zip` are not the same in `tree`. What the folder has beside
/// them is not looked at: go adds files to a toolchain's, people leave theirs in others.
fn differ(tree: &Manifest, zip: &Manifest) -> Option<(TreeFault, Text)> {
    let have: BTreeMap<_, _> = tree.entries().iter().map(|e| (&e.name, e)).collect();
    let mut fault = None;
    for file in zip.entries().iter().filter(|e| !e.name.ends_with(b"/")) {
        let name = String::from_utf8_lossy(&file.name);
        match have.get(&file.name) {
            None => return Some((TreeFault::Missing, damages::LACKS.with(&[("name", &name)]))),
            Some(mine) if mine.digest == file.digest => {}
            Some(mine) if mine.size < file.size || mine.blank => {
                fault = Some((TreeFault::Torn, damages::BLANK.with(&[("name", &name)])));
            }
            Some(_) if fault.is_none() => {
                fault = Some((TreeFault::Edited, damages::CHANGED.with(&[("name", &name)])));
            }
            Some(_) => {}
        }
    }
    fault
}

/// That a file has another hash than go.sum wants of it.
fn other_hash(got: &str, want: &[String]) -> Text {
    damages::OTHER_HASH.with(&[("got", &got), ("want", &want.join(", "))])
}

/// The hashes of a kind that is known here (`h1:`); go leaves others aside too.
fn known(hashes: &[String]) -> Vec<String> {
    hashes.iter().filter(|h| h.starts_with("h1:")).cloned().collect()
}

fn recorded(ziphash: &Path) -> Recorded {
    let bytes = match small(ziphash) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Recorded::Absent,
        Err(_) => return Recorded::Blank,
    };
    let bytes = bytes.trim_ascii();
    // "h1:" and the 44 characters of 32 bytes in base64: other lengths and NULs make go hash anew.
    if bytes.len() != 47 || bytes.contains(&0) {
        return Recorded::Blank;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.starts_with("h1:") => Recorded::Hash(text.to_owned()),
        _ => Recorded::Nonsense,
    }
}

/// Why these bytes cannot be anybody's go.mod.
fn malformed_go_mod(bytes: &[u8]) -> Option<Phrase> {
    // go looks past the files that its first releases made up.
    if bytes.starts_with(b"//vgo 0.0.") {
        return None;
    }
    let read = GoMod::parse(bytes, Role::Dependency);
    let cannot_be = |fault: FaultKind| matches!(fault, FaultKind::Syntax | FaultKind::Unterminated);
    match read.faults.iter().find(|fault| cannot_be(fault.kind)) {
        Some(fault) if fault.kind == FaultKind::Unterminated => Some(damages::OPEN_BLOCK),
        Some(_) => Some(damages::NO_GO_MOD),
        None => read.module.is_none().then_some(damages::NO_MODULE_LINE),
    }
}

/// Why an `.info` file is damaged: JSON that go accepts, but for another version. (What is no such
/// JSON is fetched anew, what names no version is not missed.)
fn judge_info(file: &Path, version: &str) -> Option<Text> {
    let value: serde_json::Value = serde_json::from_slice(&small(file).ok()?).ok()?;
    // go matches keys whatever their case, the last one counts, and none at all does no harm.
    let (_, says) = value.as_object()?.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case("version"))?;
    let says = says.as_str().filter(|says| !says.is_empty())?;
    (says != version).then(|| damages::OTHER_VERSION.with(&[("says", &format!("{says:?}"))]))
}

/// A small file whole.
pub(super) fn small(path: &Path) -> io::Result<Vec<u8>> {
    // Asked before opening, since opening a pipe would wait.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_GO_MOD).read_to_end(&mut bytes)?;
    Ok(bytes)
}

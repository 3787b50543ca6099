//! Judges the files of one module version: which of them can make go fail.
//!
//! What go mends by itself is no damage here: a `.ziphash` that is missing or has the wrong length
//! (hashed anew), an `.info` that is no JSON (fetched anew), a missing file, a folder with a
//! `.partial` beside it (unpacked anew), a broken zip that nobody reads because folder and
//! `.ziphash` are whole.

use super::hash;
use super::place::Files;
use super::{Damage, Damaged, Fingerprint, GoSum};
use crate::formats::go_mod::{FaultKind, GoMod, Role};
use crate::formats::h1;
use crate::formats::zip::{Fault, MAX_GO_MOD, Manifest};
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

/// How an extracted folder differs from its zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeFault {
    /// Files are not there.
    Missing,
    /// Files are cut short or blank, as a crash leaves them.
    Torn,
    /// Files have another content. Somebody may have edited them: this may be evidence, and is
    /// nothing that a download does.
    Edited,
    /// It was unpacked from the zip that is damaged too.
    FromBadZip,
    /// It has not the hash of go.sum, and no good zip is there to say where it differs.
    Unknown,
}

/// What the `.ziphash` file holds.
enum Recorded {
    /// Nothing that go would believe: it hashes the zip anew.
    Nothing,
    /// One hash.
    Hash(String),
    /// A text of the right length that is no hash: go stops at it.
    Nonsense,
}

/// See [`super::Cache::diagnose`].
pub(super) fn diagnose(
    root: &Path,
    go_sum: &GoSum,
    module: &str,
    version: &str,
    depth: Depth,
) -> Vec<Damaged> {
    let Some(files) = Files::of(root, module, version) else { return Vec::new() };
    let want = known(go_sum.lookup(module, version, false));
    let mut found = Vec::new();
    let mut report = |damage: Damage, why: String| {
        if let Ok(seen) = Fingerprint::of(damage.path()) {
            let (module, version) = (Some(module.to_owned()), Some(version.to_owned()));
            found.push(Damaged { damage, module, version, why, seen, want: want.clone() });
        }
    };

    let unpacked = files.tree.is_dir() && !files.partial.exists();
    let recorded = recorded(&files.ziphash);
    let bad_ziphash = match &recorded {
        Recorded::Nothing => None,
        Recorded::Nonsense => Some("it holds no hash".to_owned()),
        Recorded::Hash(hash) if want.is_empty() || want.contains(hash) => None,
        Recorded::Hash(hash) => Some(format!("it says {hash}, go.sum has {}", want.join(", "))),
    };
    // go reads the zip where it has to unpack it, or has no hash of it to believe.
    let rehashed = bad_ziphash.is_some() || matches!(recorded, Recorded::Nothing);
    let zip = if !files.zip.is_file() {
        Zip::Untold
    } else if rehashed || depth == Depth::Full {
        judge_zip(&files, &want)
    } else if !unpacked && matches!(hash::ends_like_a_zip(&files.zip), Ok(false)) {
        Zip::Bad("it is cut short".to_owned(), None)
    } else {
        Zip::Untold
    };

    if depth == Depth::Full
        && unpacked
        && let Some((fault, why)) = judge_tree(&files, module, &want, &zip, &recorded)
    {
        report(Damage::Tree(files.tree.clone(), fault), why);
    }
    if let Zip::Bad(why, _) = &zip
        && (rehashed || !unpacked)
    {
        report(Damage::Zip(files.zip.clone()), why.clone());
    }
    match (bad_ziphash, &zip, &recorded) {
        (Some(why), ..) => report(Damage::Ziphash(files.ziphash.clone()), why),
        (None, Zip::Good(manifest), Recorded::Hash(hash)) if want.is_empty() && *hash != manifest.h1() => {
            report(
                Damage::Ziphash(files.ziphash.clone()),
                format!("it says {hash}, the zip has {}", manifest.h1()),
            );
        }
        _ => {}
    }
    if let Some(why) = judge_mod(&files.mod_file, &known(go_sum.lookup(module, version, true))) {
        report(Damage::Mod(files.mod_file.clone()), why);
    }
    if let Some(why) = judge_info(&files.info, version) {
        report(Damage::Info(files.info.clone()), why);
    }
    found
}

/// Judges the folder of a version again, for eviction.
pub(super) fn tree_still_bad(files: &Files, module: &str, want: &[String]) -> bool {
    if !files.tree.is_dir() || files.partial.exists() {
        return false;
    }
    let zip = if files.zip.is_file() { judge_zip(files, want) } else { Zip::Untold };
    judge_tree(files, module, want, &zip, &recorded(&files.ziphash)).is_some()
}

/// What is known of a zip.
enum Zip {
    /// Whole, and of go.sum's hash where there is one.
    Good(Manifest),
    /// Damaged; its manifest where it could be read at all.
    Bad(String, Option<Manifest>),
    /// Not there, not looked at, or not understood.
    Untold,
}

fn judge_zip(files: &Files, want: &[String]) -> Zip {
    match hash::of_zip(&files.zip, &files.prefix) {
        Ok(manifest) => {
            let got = manifest.h1();
            if want.is_empty() || want.iter().any(|w| w == got) {
                Zip::Good(manifest)
            } else {
                Zip::Bad(format!("it has {got}, go.sum {}", want.join(", ")), Some(manifest))
            }
        }
        Err(Fault::Corrupt(why)) => Zip::Bad(why, None),
        Err(Fault::Unexpected(file)) => Zip::Bad(format!("unexpected file {file}"), None),
        Err(Fault::TooLarge | Fault::TooMany(_) | Fault::Unsupported(_) | Fault::Io(_)) => Zip::Untold,
    }
}

fn judge_tree(
    files: &Files,
    module: &str,
    want: &[String],
    zip: &Zip,
    recorded: &Recorded,
) -> Option<(TreeFault, String)> {
    let tree = hash::of_dir(&files.tree, &files.prefix).ok()?;
    let got = tree.h1();
    let expected = match recorded {
        Recorded::Hash(hash) if want.is_empty() => std::slice::from_ref(hash),
        _ => want,
    };
    if expected.iter().any(|e| e == got) {
        return None;
    }
    match zip {
        // Without go.sum a zip is a measure only where the recorded hash is its own.
        Zip::Good(zip) if expected.is_empty() || expected.iter().any(|e| e == zip.h1()) => differ(&tree, zip),
        Zip::Bad(_, Some(zip)) if zip.h1() == got => {
            Some((TreeFault::FromBadZip, "it was unpacked from the damaged zip".to_owned()))
        }
        _ if module == TOOLCHAIN || want.is_empty() => None,
        _ => Some((TreeFault::Unknown, format!("it has {got}, go.sum {}", want.join(", ")))),
    }
}

/// The worst way in which files of `zip` are not the same in `tree`. What the folder has beside
/// them is not looked at: go adds files to a toolchain's, people leave theirs in others.
fn differ(tree: &Manifest, zip: &Manifest) -> Option<(TreeFault, String)> {
    let have: BTreeMap<_, _> = tree.entries().iter().map(|e| (&e.name, e)).collect();
    let mut fault = None;
    for file in zip.entries().iter().filter(|e| !e.name.ends_with(b"/")) {
        let name = String::from_utf8_lossy(&file.name);
        match have.get(&file.name) {
            None => return Some((TreeFault::Missing, format!("{name} is missing"))),
            Some(mine) if mine.digest == file.digest => {}
            Some(mine) if mine.size < file.size || mine.blank => {
                fault = Some((TreeFault::Torn, format!("{name} is cut short or blank")));
            }
            Some(_) if fault.is_none() => {
                fault = Some((TreeFault::Edited, format!("{name} has another content")));
            }
            Some(_) => {}
        }
    }
    fault
}

/// The hashes of a kind that is known here (`h1:`); go leaves others aside too.
fn known(hashes: &[String]) -> Vec<String> {
    hashes.iter().filter(|h| h.starts_with("h1:")).cloned().collect()
}

fn recorded(ziphash: &Path) -> Recorded {
    let Ok(bytes) = small(ziphash) else { return Recorded::Nothing };
    let bytes = bytes.trim_ascii();
    // "h1:" and the 44 characters of 32 bytes in base64: other lengths and NULs make go hash anew.
    if bytes.len() != 47 || bytes.contains(&0) {
        return Recorded::Nothing;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if text.starts_with("h1:") => Recorded::Hash(text.to_owned()),
        _ => Recorded::Nonsense,
    }
}

/// Why a `.mod` file is damaged. With a hash it must have that; without, it is damaged where it
/// cannot be anybody's go.mod: no text, no module line, a block that does not end.
fn judge_mod(file: &Path, want: &[String]) -> Option<String> {
    let bytes = small(file).ok()?;
    let got = h1::of_go_mod(&bytes);
    if !want.is_empty() {
        return (!want.contains(&got)).then(|| format!("it has {got}, go.sum {}", want.join(", ")));
    }
    // go looks past the files that its first releases made up.
    if bytes.starts_with(b"//vgo 0.0.") {
        return None;
    }
    let read = GoMod::parse(&bytes, Role::Dependency);
    let cannot_be = |fault: FaultKind| matches!(fault, FaultKind::Syntax | FaultKind::Unterminated);
    match read.faults.iter().find(|fault| cannot_be(fault.kind)) {
        Some(fault) if fault.kind == FaultKind::Unterminated => Some("it ends inside a block".to_owned()),
        Some(_) => Some("it is no go.mod".to_owned()),
        None => read.module.is_none().then(|| "it has no module line".to_owned()),
    }
}

/// Why an `.info` file is damaged: JSON that go accepts, but for another version. (What is no such
/// JSON is fetched anew, what names no version is not missed.)
fn judge_info(file: &Path, version: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(&small(file).ok()?).ok()?;
    // go matches keys whatever their case, the last one counts, and none at all does no harm.
    let (_, says) = value.as_object()?.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case("version"))?;
    let says = says.as_str().filter(|says| !says.is_empty())?;
    (says != version).then(|| format!("it says version {says:?}"))
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

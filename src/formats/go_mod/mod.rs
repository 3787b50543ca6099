//! Reads go.mod and go.work: the one reader of both.
//!
//! Pure, over bytes, line by line; never panics, and takes time in proportion to the text, whose
//! size the caller bounds ([`super::zip::MAX_GO_MOD`] is go's own limit). Statements, strings and
//! comments are those of golang.org/x/mod/modfile. What go would refuse becomes a [`Fault`]; what
//! could be read beside it is given all the same, for those who only look for names.

mod lines;

use super::{module_path, version};
use lines::{Line, read, value};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// Whose go.mod it is: go reads that of a dependency more leniently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Of a main module: everything counts.
    Main,
    /// Of a dependency: only `module`, `go`, `require`, `retract` and `ignore` count, other
    /// statements are passed over (`modfile.ParseLax`).
    Dependency,
}

/// Something that go refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Line of the file, from 1.
    pub line: usize,
    /// What it is.
    pub kind: FaultKind,
}

/// What go refuses in a go.mod or go.work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// It cannot be read as words at all; nothing behind it was read.
    Syntax,
    /// A block does not end.
    Unterminated,
    /// A block of a kind that go does not know.
    UnknownBlock,
    /// A statement that go does not know.
    UnknownStatement,
    /// `module`, `go` or `toolchain` stands twice.
    Repeated,
    /// Too few or too many words, or words of the wrong shape.
    Malformed,
    /// A string with a wrong quote or escape.
    BadString,
    /// A path that ends in a wrong major version, or one that the version does not fit.
    BadMajor,
}

/// A module path with a version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ModuleVersion {
    /// The path.
    pub path: String,
    /// The version: canonical, or in a main module's file also a query (`latest`, `master`) that go
    /// would still turn into one (see [`version::is_canonical`]).
    pub version: String,
}

/// One required module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Require {
    /// Path and version.
    pub module: ModuleVersion,
    /// `// indirect`.
    pub indirect: bool,
}

/// One replaced module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replace {
    /// The path that is replaced.
    pub path: String,
    /// The version that is replaced; `None` for every one.
    pub version: Option<String>,
    /// What takes its place.
    pub by: Replacement,
}

/// What takes the place of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replacement {
    /// Another module.
    Module(ModuleVersion),
    /// A folder, as written: absolute, or relative to the file's folder.
    Folder(PathBuf),
}

/// Retracted versions: both ends are retracted too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retract {
    /// The lowest.
    pub low: String,
    /// The highest.
    pub high: String,
}

/// A go.mod file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GoMod {
    /// The path of the `module` line.
    pub module: Option<String>,
    /// The `go` line (`1.21`, `1.27.3`, `1.22rc1`).
    pub go: Option<String>,
    /// The `toolchain` line (`go1.27.3`, `default`).
    pub toolchain: Option<String>,
    /// `require`, in order.
    pub require: Vec<Require>,
    /// `exclude`, in order.
    pub exclude: Vec<ModuleVersion>,
    /// `replace`, in order.
    pub replace: Vec<Replace>,
    /// `retract`, in order.
    pub retract: Vec<Retract>,
    /// `tool`: package paths, in order.
    pub tool: Vec<String>,
    /// `godebug`: `key=value`, in order.
    pub godebug: Vec<String>,
    /// `ignore`: folders, in order.
    pub ignore: Vec<String>,
    /// What go refuses; where it is empty all of the file was understood.
    pub faults: Vec<Fault>,
}

/// A go.work file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GoWork {
    /// The `go` line.
    pub go: Option<String>,
    /// The `toolchain` line.
    pub toolchain: Option<String>,
    /// `use`: folders as written, in order.
    pub uses: Vec<PathBuf>,
    /// `replace`, in order.
    pub replace: Vec<Replace>,
    /// `godebug`: `key=value`, in order.
    pub godebug: Vec<String>,
    /// What go refuses; where it is empty all of the file was understood.
    pub faults: Vec<Fault>,
}

/// The statements of a go.mod that may stand in blocks.
const MOD_BLOCKS: &[&str] =
    &["module", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"];

/// The statements of a go.work that may stand in blocks.
const WORK_BLOCKS: &[&str] = &["godebug", "use", "replace"];

impl GoMod {
    /// Reads a go.mod.
    pub(crate) fn parse(text: impl AsRef<[u8]>, role: Role) -> GoMod {
        let found = read(text.as_ref(), MOD_BLOCKS);
        let mut file = GoMod { faults: found.faults, ..GoMod::default() };
        if role == Role::Dependency {
            file.faults.retain(|fault| fault.kind != FaultKind::UnknownBlock);
        }
        for line in &found.lines {
            if let Err(kind) = file.take(line, role) {
                file.faults.push(Fault { line: line.number, kind });
            }
        }
        file
    }

    fn take(&mut self, line: &Line<'_>, role: Role) -> Result<(), FaultKind> {
        let main = role == Role::Main;
        match line.verb {
            b"module" => once(&mut self.module, || text(one(&line.args)?)),
            b"go" => once(&mut self.go, || go_version(&line.args, main)),
            b"require" => {
                let module = module_version(&line.args, role)?;
                self.require.push(Require { module, indirect: line.indirect });
                Ok(())
            }
            b"retract" => {
                match retract(&line.args) {
                    // A later go may say more behind the versions.
                    Some((found, rest)) if !main || rest.is_empty() => self.retract.push(found),
                    _ if main => return Err(FaultKind::Malformed),
                    _ => {}
                }
                Ok(())
            }
            b"ignore" => {
                self.ignore.push(text(one(&line.args)?)?);
                Ok(())
            }
            _ if !main => Ok(()),
            b"toolchain" => once(&mut self.toolchain, || toolchain(&line.args)),
            b"exclude" => {
                self.exclude.push(module_version(&line.args, role)?);
                Ok(())
            }
            b"replace" => {
                self.replace.push(replace(&line.args)?);
                Ok(())
            }
            b"tool" => {
                self.tool.push(text(one(&line.args)?)?);
                Ok(())
            }
            b"godebug" => {
                self.godebug.push(godebug(&line.args)?);
                Ok(())
            }
            _ => Err(FaultKind::UnknownStatement),
        }
    }
}

impl GoWork {
    /// Reads a go.work.
    pub(crate) fn parse(text: impl AsRef<[u8]>) -> GoWork {
        let found = read(text.as_ref(), WORK_BLOCKS);
        let mut file = GoWork { faults: found.faults, ..GoWork::default() };
        for line in &found.lines {
            if let Err(kind) = file.take(line) {
                file.faults.push(Fault { line: line.number, kind });
            }
        }
        file
    }

    fn take(&mut self, line: &Line<'_>) -> Result<(), FaultKind> {
        match line.verb {
            b"go" => once(&mut self.go, || go_version(&line.args, true)),
            b"toolchain" => once(&mut self.toolchain, || toolchain(&line.args)),
            b"use" => {
                self.uses.push(folder(one(&line.args)?)?);
                Ok(())
            }
            b"replace" => {
                self.replace.push(replace(&line.args)?);
                Ok(())
            }
            b"godebug" => {
                self.godebug.push(godebug(&line.args)?);
                Ok(())
            }
            _ => Err(FaultKind::UnknownStatement),
        }
    }
}

fn once(
    place: &mut Option<String>,
    value: impl FnOnce() -> Result<String, FaultKind>,
) -> Result<(), FaultKind> {
    if place.is_some() {
        return Err(FaultKind::Repeated);
    }
    *place = Some(value()?);
    Ok(())
}

fn one<'a>(args: &[&'a [u8]]) -> Result<&'a [u8], FaultKind> {
    match args {
        [word] => Ok(word),
        _ => Err(FaultKind::Malformed),
    }
}

fn text(word: &[u8]) -> Result<String, FaultKind> {
    // go takes other bytes for a name too, but for none that anything could be found under.
    value(word).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(FaultKind::BadString)
}

fn folder(word: &[u8]) -> Result<PathBuf, FaultKind> {
    Ok(OsString::from_vec(value(word).ok_or(FaultKind::BadString)?).into())
}

fn ascii(word: &[u8]) -> Result<String, FaultKind> {
    if !word.is_ascii() {
        return Err(FaultKind::Malformed);
    }
    Ok(String::from_utf8_lossy(word).into_owned())
}

/// `1.21`, `1.27.3`, `1.22rc1`. In a dependency `v1.21-x` counts as its first two numbers.
fn go_version(args: &[&[u8]], strict: bool) -> Result<String, FaultKind> {
    let word = ascii(one(args)?)?;
    if is_go_version(&word) {
        return Ok(word);
    }
    let lax = word.strip_prefix('v').unwrap_or(&word);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let major = digits(lax);
    let minor = lax.get(major + 1..).map_or(0, digits);
    let short = lax.get(..major + 1 + minor).filter(|short| is_go_version(short) && short.len() < lax.len());
    short.filter(|_| !strict).map(str::to_owned).ok_or(FaultKind::Malformed)
}

/// `modfile.GoVersionRE`: two or three numbers without leading zeros, then a word with a number.
fn is_go_version(text: &str) -> bool {
    let number = |n: &str| n == "0" || (!n.is_empty() && !n.starts_with('0'));
    let tail_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (numbers, tail) = text.split_at(tail_at);
    let letters = tail.bytes().take_while(u8::is_ascii_lowercase).count();
    let tail_ok = tail.is_empty()
        || (letters > 0 && tail.len() > letters && tail[letters..].bytes().all(|b| b.is_ascii_digit()));
    let parts: Vec<&str> = numbers.split('.').collect();
    matches!(parts.len(), 2 | 3) && parts.iter().all(|n| number(n)) && parts[0] != "0" && tail_ok
}

/// `modfile.ToolchainRE`: `default`, or what begins with `go1`.
fn toolchain(args: &[&[u8]]) -> Result<String, FaultKind> {
    let word = ascii(one(args)?)?;
    let ok =
        word == "default" || word.strip_prefix("go1").is_some_and(|r| r.is_empty() || r.starts_with('.'));
    if ok { Ok(word) } else { Err(FaultKind::Malformed) }
}

fn module_version(args: &[&[u8]], role: Role) -> Result<ModuleVersion, FaultKind> {
    let [path, version] = args else { return Err(FaultKind::Malformed) };
    let mut version = text(version)?;
    if role == Role::Dependency {
        // Nobody is asked what a query in a dependency's file might mean.
        version = version::canonical(&version).ok_or(FaultKind::Malformed)?.into_owned();
    }
    checked(text(path)?, version)
}

/// A path and a version that go lets stand together.
fn checked(path: String, version: String) -> Result<ModuleVersion, FaultKind> {
    module_path::split_major(&path).ok_or(FaultKind::BadMajor)?;
    if version::is_canonical(&version) && !version::fits_path(&version, &path) {
        return Err(FaultKind::BadMajor);
    }
    Ok(ModuleVersion { path, version })
}

fn replace(args: &[&[u8]]) -> Result<Replace, FaultKind> {
    let (path, version, by) = match args {
        [path, b"=>", by @ ..] => (path, None, by),
        [path, version, b"=>", by @ ..] => (path, Some(text(version)?), by),
        _ => return Err(FaultKind::Malformed),
    };
    let path = match &version {
        Some(version) => checked(text(path)?, version.clone())?.path,
        None => text(path).and_then(|p| checked(p, String::new()))?.path,
    };
    let by = match by {
        [place] if is_folder(&value(place).ok_or(FaultKind::BadString)?) => {
            Replacement::Folder(folder(place)?)
        }
        [module, version] if !is_folder(&value(module).ok_or(FaultKind::BadString)?) => {
            // Any major version may take the place of another.
            Replacement::Module(ModuleVersion { path: text(module)?, version: text(version)? })
        }
        _ => return Err(FaultKind::Malformed),
    };
    Ok(Replace { path, version, by })
}

/// True for what means a folder on any system (`modfile.IsDirectoryPath`).
fn is_folder(path: &[u8]) -> bool {
    let drive = matches!(path, [letter, b':', ..] if letter.is_ascii_alphabetic());
    let relative = [&b"./"[..], b".\\", b"../", b"..\\", b"/", b"\\"];
    path == b"." || path == b".." || relative.iter().any(|start| path.starts_with(start)) || drive
}

/// `v1.0.0` or `[v1.0.0, v1.9.9]`, and the words behind it.
fn retract<'a, 'w>(args: &'a [&'w [u8]]) -> Option<(Retract, &'a [&'w [u8]])> {
    let version = |word: &[u8]| text(word).ok();
    match args {
        [b"(", ..] => None,
        [b"[", low, b",", high, b"]", rest @ ..] => {
            Some((Retract { low: version(low)?, high: version(high)? }, rest))
        }
        [b"[", ..] => None,
        [only, rest @ ..] => version(only).map(|only| (Retract { low: only.clone(), high: only }, rest)),
        [] => None,
    }
}

fn godebug(args: &[&[u8]]) -> Result<String, FaultKind> {
    let word = ascii(one(args)?)?;
    let ok = word.contains('=') && !word.contains(['"', '`', '\'', ',']);
    if ok { Ok(word) } else { Err(FaultKind::Malformed) }
}

#[cfg(test)]
mod tests;

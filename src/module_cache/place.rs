//! Where things lie in the module cache, and the rule that nothing outside is touched.

use crate::formats::escape;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// The files of one module version.
#[derive(Clone, Debug)]
pub(super) struct Files {
    /// `MODULE@VERSION/`, unescaped: the prefix of every name in the zip.
    pub(super) prefix: String,
    /// The extracted folder.
    pub(super) tree: PathBuf,
    pub(super) mod_file: PathBuf,
    pub(super) info: PathBuf,
    pub(super) zip: PathBuf,
    pub(super) ziphash: PathBuf,
    pub(super) lock: PathBuf,
    pub(super) partial: PathBuf,
}

impl Files {
    /// `None` where module or version could not stand in a cache.
    pub(super) fn of(root: &Path, module: &str, version: &str) -> Option<Files> {
        let (path, v) = (escape::path(module)?, escape::version(version)?);
        let at = root.join("cache/download").join(&path).join("@v");
        let file = |suffix: &str| at.join(format!("{v}.{suffix}"));
        Some(Files {
            prefix: format!("{module}@{version}/"),
            tree: root.join(format!("{path}@{v}")),
            mod_file: file("mod"),
            info: file("info"),
            zip: file("zip"),
            ziphash: file("ziphash"),
            lock: file("lock"),
            partial: file("partial"),
        })
    }
}

/// Most files looked at in one clone, or in the copies of one checksum database.
const MOST_FILES: usize = 100_000;

/// Every plain file below `top`, in order; links are not followed.
pub(super) fn files_below(top: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut waiting = vec![top.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for item in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match item.file_type() {
                Ok(kind) if kind.is_dir() => waiting.push(item.path()),
                Ok(kind) if kind.is_file() && files.len() < MOST_FILES => files.push(item.path()),
                _ => {}
            }
        }
    }
    files.sort();
    files
}

/// What a path inside the module cache belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A module version: one of its files, or something in its extracted folder.
    Module {
        /// Module path, unescaped.
        module: String,
        /// Version, unescaped.
        version: String,
    },
    /// A clone below `cache/vcs`: its folder.
    Vcs(PathBuf),
    /// The copies of a checksum database: its name (`sum.golang.org`).
    Sumdb(String),
}

/// What `path` (as an error message names it) is in the cache at `root`. `None` for what lies
/// elsewhere or has no owner there.
pub(super) fn locate(root: &Path, path: &Path) -> Option<Owner> {
    let inside = inside(root, path)?;
    if let Some(rest) = inside.strip_prefix("cache/vcs/") {
        let name = rest.split('/').next()?;
        let hash = name.strip_suffix(".info").or_else(|| name.strip_suffix(".lock")).unwrap_or(name);
        return is_clone_name(hash).then(|| Owner::Vcs(root.join("cache/vcs").join(hash)));
    }
    if let Some(rest) = inside.strip_prefix("cache/download/sumdb/") {
        let name = rest.split('/').next()?;
        return is_sumdb_name(name).then(|| Owner::Sumdb(name.to_owned()));
    }
    if let Some(rest) = inside.strip_prefix("cache/download/") {
        let (path, file) = rest.split_once("/@v/")?;
        let suffix = ["mod", "info", "zip", "ziphash", "lock", "partial"]
            .iter()
            .find_map(|s| file.strip_suffix(s)?.strip_suffix('.'))
            .or_else(|| file.strip_suffix(".tmp")?.rsplit_once('.').map(|(v, _)| v))?;
        let (module, version) = (escape::unescape_path(path)?, escape::unescape_version(suffix)?);
        return Some(Owner::Module { module, version });
    }
    let (path, rest) = inside.split_once('@')?;
    let version = escape::unescape_version(rest.split('/').next()?)?;
    Some(Owner::Module { module: escape::unescape_path(path)?, version })
}

/// True for the name of a clone's folder: a SHA-256 in hex.
pub(super) fn is_clone_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// True for a checksum database's name that is one harmless path element. (A database may be named
/// `host/path`; its files are then left alone.)
pub(super) fn is_sumdb_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b))
}

/// `path` below `root`, as text with forward slashes. Messages may spell the root either as given
/// or with its links resolved; `..` is refused, a relative path (`../mod/M@V`, as compilers print)
/// is none of ours.
fn inside(root: &Path, path: &Path) -> Option<String> {
    if path.components().any(|c| matches!(c, Component::ParentDir)) {
        return None;
    }
    let real = fs::canonicalize(root).ok();
    let rest = path.strip_prefix(root).ok().or_else(|| path.strip_prefix(real.as_deref()?).ok())?;
    rest.to_str().map(str::to_owned)
}

/// Makes sure that changing `path` changes nothing outside `root`: it lies below it by name, has
/// no `..`, and no folder between the two is a symbolic link. The root itself may be one.
///
/// # Errors
/// `PermissionDenied` where the rule is broken, else what the file system says.
pub(super) fn confine(root: &Path, path: &Path) -> io::Result<()> {
    let refuse = || {
        let text = format!("{} is not inside {}: left alone", path.display(), root.display());
        io::Error::new(io::ErrorKind::PermissionDenied, text)
    };
    let rest = path.strip_prefix(root).map_err(|_| refuse())?;
    if rest.as_os_str().is_empty() || rest.components().any(|c| !matches!(c, Component::Normal(_))) {
        return Err(refuse());
    }
    let mut at = root.to_path_buf();
    for part in rest.components() {
        at.push(part);
        if fs::symlink_metadata(&at)?.file_type().is_symlink() {
            return Err(refuse());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_messages_find_their_owner() {
        let root = Path::new("/m");
        let module = |m: &str, v: &str| Some(Owner::Module { module: m.into(), version: v.into() });
        let sha = "0123456789abcdef".repeat(4);
        for (path, want) in [
            ("/m/cache/download/a.b/!c/@v/v1.0.0.zip", module("a.b/C", "v1.0.0")),
            ("/m/cache/download/a.b/c/@v/v1.0.0-!r!c1.ziphash", module("a.b/c", "v1.0.0-RC1")),
            ("/m/cache/download/a.b/c/@v/v1.0.0.zip123.tmp", module("a.b/c", "v1.0.0")),
            ("/m/a.b/!c@v2.0.0+incompatible/x/y.go", module("a.b/C", "v2.0.0+incompatible")),
            ("/m/cache/download/a.b/c/@v/list", None),
            (
                "/m/cache/download/sumdb/sum.golang.org/tile/8/0/000",
                Some(Owner::Sumdb("sum.golang.org".into())),
            ),
            (&format!("/m/cache/vcs/{sha}/objects/aa"), Some(Owner::Vcs(root.join("cache/vcs").join(&sha)))),
            (&format!("/m/cache/vcs/{sha}.info"), Some(Owner::Vcs(root.join("cache/vcs").join(&sha)))),
            ("/m/cache/vcs/nothing", None),
            ("/m/../etc/a.b@v1.0.0", None),
            ("/other/a.b/c@v1.0.0/x.go", None),
        ] {
            assert_eq!(locate(root, Path::new(path)), want, "{path}");
        }
    }

    #[test]
    fn nothing_outside_is_confined() {
        let temp = tempfile::tempdir().unwrap();
        let root = temp.path().join("mod");
        fs::create_dir_all(root.join("a")).unwrap();
        fs::write(root.join("a/f"), "").unwrap();
        fs::write(temp.path().join("g"), "").unwrap();
        assert!(confine(&root, &root.join("a/f")).is_ok());
        for path in [root.clone(), temp.path().join("g"), root.join("a/../../g"), root.join("../g")] {
            assert!(confine(&root, &path).is_err(), "{}", path.display());
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(temp.path(), root.join("out")).unwrap();
            assert!(confine(&root, &root.join("out/g")).is_err());
            assert!(confine(&root, &root.join("out")).is_err());
        }
    }
}

//! Does go.mod or go.work ask for a toolchain that is not here? Then go fetches it before any verb,
//! `version` and `env` included, and even those need help.

use crate::formats::go_mod::{GoMod, GoWork, Role};
use crate::formats::go_version::{GoVersion, later};
use crate::formats::zip::MAX_GO_MOD;
use crate::machine::bounded;
use crate::machine::go_env::GoEnv;
use crate::machine::look_up::programs;
use std::path::{Path, PathBuf};

/// The nearest `name` in `dir` or above: whatever is no folder is the file for go, a pipe or a device too.
pub(crate) fn find_up(dir: &Path, name: &str) -> Option<PathBuf> {
    dir.ancestors().map(|d| d.join(name)).find(|f| f.metadata().is_ok_and(|found| !found.is_dir()))
}

/// Whether a folder named `vendor` stands in the one of a go.mod or go.work: go then takes packages from there alone, a
/// list of modules in it or not.
pub(crate) fn has_vendor_folder(top: &Path) -> bool {
    top.join("vendor").is_dir()
}

/// The go.work or go.mod that go would use for `dir`: the workspace first.
pub(crate) fn governing_file(dir: &Path, settings: &GoEnv) -> Option<PathBuf> {
    let work = settings.raw("GOWORK");
    match work.to_str() {
        Some("off") => None,
        Some("") => find_up(dir, "go.work"),
        _ => Some(PathBuf::from(work)).filter(|f| f.metadata().is_ok_and(|found| !found.is_dir())),
    }
    .or_else(|| find_up(dir, "go.mod"))
}

/// The toolchain that a go.mod or go.work asks for, as `goX`.
fn wanted(file: &Path) -> Option<String> {
    let text = bounded::read(file, MAX_GO_MOD).ok()?;
    let (go, toolchain) = if file.extension().is_some_and(|e| e == "work") {
        let work = GoWork::parse(&text);
        (work.go, work.toolchain)
    } else {
        let go_mod = GoMod::parse(&text, Role::Main);
        (go_mod.go, go_mod.toolchain)
    };
    let go = go.map(|version| format!("go{version}"));
    match (go, toolchain) {
        (Some(go), Some(toolchain)) => Some(later(&go, &toolchain).to_owned()),
        (go, toolchain) => go.or(toolchain),
    }
}

/// The name of the missing toolchain (`go1.99.0`) that go would have to fetch before doing anything
/// in `dir`; `None` where it needs none. Costs a few stats where go.mod asks for nothing new.
pub(crate) fn missing(dir: &Path, settings: &GoEnv) -> Option<String> {
    let local = GoVersion::parse(settings.get("GOVERSION"))?;
    if local < GoVersion::FETCHES_TOOLCHAINS {
        return None;
    }
    let from_file = || wanted(&governing_file(dir, settings)?);
    let want = match settings.get("GOTOOLCHAIN") {
        "local" | "path" => return None,
        "" | "auto" => from_file()?,
        named => {
            let (name, then) = named.split_once('+').unwrap_or((named, ""));
            if then == "path" {
                return None;
            }
            match (then == "auto").then(from_file).flatten() {
                Some(file) if GoVersion::parse(&file) > GoVersion::parse(name) => file,
                _ if name == "local" => return None,
                // A toolchain named by hand is used even where it is older.
                _ if GoVersion::parse(name) == Some(local) => return None,
                _ => return (!is_here(name, settings)).then(|| name.to_owned()),
            }
        }
    };
    (GoVersion::parse(&want)? > local && !is_here(&want, settings)).then_some(want)
}

fn is_here(name: &str, settings: &GoEnv) -> bool {
    // go uses only one that stands in an absolute element.
    let on_path = programs(name, std::env::var_os("PATH").as_deref()).next().is_some_and(|p| p.is_absolute());
    let cached = settings.mod_cache().is_some_and(|cache| {
        std::fs::read_dir(cache.join("golang.org")).is_ok_and(|dir| {
            let prefix = format!("toolchain@v0.0.1-{name}.");
            dir.flatten().any(|e| e.file_name().to_string_lossy().starts_with(&prefix))
        })
    });
    on_path || cached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wanted_toolchain_is_the_newer_of_the_two_lines() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text, want) in [
            ("go.mod", "module x\ngo 1.22 // why\n", Some("go1.22")),
            ("go.mod", "module x\n\ngo 1.22\ntoolchain go1.27.1\n", Some("go1.27.1")),
            ("go.mod", "module x\ngo 1.30\ntoolchain default\n", Some("go1.30")),
            ("go.mod", "module x\n", None),
            ("go.work", "go 1.22\nuse .\n", Some("go1.22")),
        ] {
            let file = dir.path().join(name);
            std::fs::write(&file, text).unwrap();
            assert_eq!(wanted(&file).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn only_a_newer_toolchain_that_is_nowhere_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let sub = dir.path().join("a/b");
        std::fs::create_dir_all(&sub).unwrap();
        std::fs::write(dir.path().join("go.mod"), "module x\ngo 1.99.1\n").unwrap();
        let mut settings = GoEnv::default();
        settings.set("GOVERSION", "go1.27.3");
        settings.set("GOTOOLCHAIN", "auto");
        settings.set("GOMODCACHE", dir.path().join("cache").display().to_string());
        assert_eq!(missing(&sub, &settings).as_deref(), Some("go1.99.1"));
        std::fs::create_dir_all(dir.path().join("cache/golang.org/toolchain@v0.0.1-go1.99.1.linux-amd64"))
            .unwrap();
        assert_eq!(missing(&sub, &settings), None);
        settings.set("GOTOOLCHAIN", "local");
        assert_eq!(missing(&sub, &settings), None);
        settings.set("GOTOOLCHAIN", "go1.98.0");
        assert_eq!(missing(&sub, &settings).as_deref(), Some("go1.98.0"));
        settings.set("GOTOOLCHAIN", "auto");
        std::fs::write(dir.path().join("go.mod"), "module x\ngo 1.21\n").unwrap();
        assert_eq!(missing(&sub, &settings), None);
    }
}

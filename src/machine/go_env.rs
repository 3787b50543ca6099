//! go's effective settings, in two ways: read from where go reads them (no process, for the way to
//! a first attempt), and asked of go itself by name (after a failure, when the cost is nothing).
//!
//! Values are bytes, as they are for go. Where one that says who may be asked is not text, or a file
//! that may hold one cannot be read, [`GoEnv::doubt`] says so, and gox changes nothing that such a
//! setting governs.

use super::answer::answer;
use super::bounded::{self, MOST_SETTINGS};
use crate::configuration::Environment;
use crate::formats::env_file;
use crate::formats::go_version::GoVersion;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The names gox asks for. By name: without HOME `go env -json` fails, single names do not.
pub(crate) const NAMES: &[&str] = &[
    "GOPROXY",
    "GOPRIVATE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOSUMDB",
    "GOMODCACHE",
    "GOCACHE",
    "GOFLAGS",
    "GOPATH",
    "GOVERSION",
    "GOMOD",
    "GOWORK",
    "GOTOOLCHAIN",
    "GOAUTH",
    "GOVCS",
    "GOOS",
    "GOARCH",
    "CGO_ENABLED",
    "CC",
];

/// Those among [`NAMES`] that say who may be asked about what; the others are paths and versions.
const TRUST: &[&str] = &["GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOFLAGS", "GOAUTH"];

/// A value as it is, and as text for those who only compare and show it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    raw: OsString,
    text: String,
}

/// Settings of go by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GoEnv {
    values: BTreeMap<String, Value>,
    /// Why something that go may know was not read.
    unread: Option<String>,
}

impl GoEnv {
    /// The value as text, empty where unset. Of a value that is not text this is a likeness, which
    /// must be shown and compared only: see [`GoEnv::doubt`].
    pub(crate) fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |value| &value.text)
    }

    /// The value as it is, empty where unset.
    pub(crate) fn raw(&self, name: &str) -> &OsStr {
        self.values.get(name).map_or(OsStr::new(""), |value| &value.raw)
    }

    /// Sets one value (what go said later, or a test).
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        let raw = value.into();
        let text = raw.to_string_lossy().into_owned();
        self.values.insert(name.to_owned(), Value { raw, text });
    }

    /// Why go's settings are not wholly known, as a sentence; `None` where they are.
    pub(crate) fn doubt(&self) -> Option<String> {
        let odd = TRUST.iter().find(|name| self.raw(name).to_str().is_none());
        odd.map(|name| format!("{name} is not valid UTF-8")).or_else(|| self.unread.clone())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.raw(name)).filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    /// The module cache, where it is known.
    pub(crate) fn mod_cache(&self) -> Option<PathBuf> {
        self.path("GOMODCACHE")
    }

    /// The build cache, where it is known.
    pub(crate) fn build_cache(&self) -> Option<PathBuf> {
        self.path("GOCACHE").filter(|path| path.as_os_str() != "off")
    }

    /// First element of GOPATH.
    pub(crate) fn gopath(&self) -> Option<PathBuf> {
        std::env::split_paths(self.raw("GOPATH")).next().filter(|p| !p.as_os_str().is_empty())
    }

    /// Major and minor of GOVERSION (`go1.27.3` gives (1, 27)).
    pub(crate) fn release(&self) -> Option<(u32, u32)> {
        GoVersion::parse(self.get("GOVERSION")).map(|version| version.release())
    }

    /// Adds what a file of settings says that nobody said before. A value of nothing counts, as for
    /// go.
    fn read_file(&mut self, found: &mut BTreeMap<Vec<u8>, Vec<u8>>, file: &Path) {
        match bounded::read(file, MOST_SETTINGS) {
            Ok(text) => {
                for (name, value) in env_file::parse(&text) {
                    found.entry(name).or_insert(value);
                }
            }
            Err(why) if why.hides() => {
                self.unread.get_or_insert_with(|| format!("{} {why}", file.display()));
            }
            Err(_) => {}
        }
    }
}

/// Reads the settings from the environment, from the file `go env -w` writes, and from
/// GOROOT/go.env, in that order and without running go. A variable set to nothing does not override
/// a file, as in go. What go would have from a GOROOT that gox does not find stays unset: a default in
/// its place might not be the user's.
pub(crate) fn read_settings(go: &Path, env: Environment<'_>) -> GoEnv {
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    let mut settings = GoEnv::default();
    let mut found = BTreeMap::new();
    if let Some(file) = user_file(&env) {
        settings.read_file(&mut found, &file);
    }
    let named = found.get(&b"GOROOT"[..]).filter(|root| !root.is_empty());
    let goroot = named.map(|root| OsString::from_vec(root.clone())).or_else(|| env("GOROOT"));
    let own_goroot = goroot_of(go);
    if let Some(root) = goroot.map(PathBuf::from).or_else(|| own_goroot.clone()) {
        settings.read_file(&mut found, &root.join("go.env"));
    }
    for name in NAMES {
        let value = env(name).or_else(|| found.remove(name.as_bytes()).map(OsString::from_vec));
        if let Some(value) = value {
            settings.set(name, value);
        }
    }
    let or = |settings: &mut GoEnv, name: &str, value: Option<OsString>| {
        if settings.raw(name).is_empty()
            && let Some(value) = value
        {
            settings.set(name, value);
        }
    };
    for name in ["GONOPROXY", "GONOSUMDB"] {
        let private = settings.raw("GOPRIVATE").to_owned();
        or(&mut settings, name, Some(private));
    }
    let home = env("HOME").map(PathBuf::from);
    or(&mut settings, "GOPATH", home.as_ref().map(|home| home.join("go").into_os_string()));
    let mod_cache = settings.gopath().map(|path| path.join("pkg/mod").into_os_string());
    or(&mut settings, "GOMODCACHE", mod_cache);
    let caches = usual_folder(&env, "XDG_CACHE_HOME", ".cache", "Library/Caches");
    or(&mut settings, "GOCACHE", caches.map(|caches| caches.join("go-build").into_os_string()));
    let version = own_goroot.and_then(|root| bounded::read(&root.join("VERSION"), MOST_SETTINGS).ok());
    if let Some(version) = version {
        let line = version.split(|b| *b == b'\n').next().unwrap_or_default();
        settings.set("GOVERSION", String::from_utf8_lossy(line).trim());
    }
    settings
}

/// The file that `go env -w` writes.
pub(super) fn user_file(env: &dyn Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    match env("GOENV") {
        Some(off) if off == "off" => None,
        Some(file) => Some(file.into()),
        None => {
            let folder = usual_folder(env, "XDG_CONFIG_HOME", ".config", "Library/Application Support")?;
            Some(folder.join("go/env"))
        }
    }
}

/// `os.UserConfigDir` and `os.UserCacheDir`: a relative path counts as none.
fn usual_folder(
    env: &dyn Fn(&str) -> Option<OsString>,
    variable: &str,
    below_home: &str,
    on_macos: &str,
) -> Option<PathBuf> {
    let home = || env("HOME").map(PathBuf::from);
    if cfg!(target_os = "macos") {
        return Some(home()?.join(on_macos));
    }
    match env(variable) {
        Some(folder) => Some(PathBuf::from(folder)).filter(|folder| folder.is_absolute()),
        None => Some(home()?.join(below_home)),
    }
}

/// GOROOT of a go executable: two folders up from it, or from the file behind every link.
pub(super) fn goroot_of(go: &Path) -> Option<PathBuf> {
    let above = |go: &Path| Some(go.parent()?.parent()?.to_path_buf());
    let is_goroot = |root: &PathBuf| root.join("pkg/tool").is_dir();
    above(go).filter(is_goroot).or_else(|| above(&std::fs::canonicalize(go).ok()?))
}

/// How long go may take to tell its settings; it needs some milliseconds. A script in go's place
/// that hangs must not hang gox.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks go for its effective settings. `overlay` is not applied: these are the user's own values.
/// GOTOOLCHAIN=local keeps the question from starting a toolchain download.
///
/// Returns `fallback` where go cannot answer. Blocks for at most ten seconds.
pub(crate) fn ask_go(go: &Path, dir: Option<&Path>, fallback: &GoEnv) -> GoEnv {
    answered(go, dir, fallback, PATIENCE).unwrap_or_else(|| fallback.clone())
}

/// As [`ask_go`], within `patience`; `None` where go does not answer.
pub(crate) fn answered(go: &Path, dir: Option<&Path>, fallback: &GoEnv, patience: Duration) -> Option<GoEnv> {
    let mut command = Command::new(go);
    command.arg("env").args(NAMES).env("GOTOOLCHAIN", "local");
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    let text = answer(&mut command, Instant::now() + patience)?;
    let text = text.strip_suffix(b"\n").unwrap_or(&text);
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    if lines.len() != NAMES.len() {
        // A value of several lines; what was read before stands.
        return Some(fallback.clone());
    }
    // go knows its files, whatever gox could read of them.
    let mut settings = GoEnv { unread: None, ..fallback.clone() };
    for (name, value) in NAMES.iter().zip(lines) {
        // Our own GOTOOLCHAIN above is not the user's.
        if *name != "GOTOOLCHAIN" {
            settings.set(name, OsString::from_vec(value.to_vec()));
        }
    }
    Some(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;

    /// A machine with a GOROOT and a home, and the settings read on it.
    fn settings(user: &[u8], goroot: &str, variables: &[(&str, &[u8])]) -> GoEnv {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("go/bin")).unwrap();
        fs::create_dir_all(dir.path().join("go/pkg/tool")).unwrap();
        fs::write(dir.path().join("go/go.env"), goroot).unwrap();
        fs::write(dir.path().join("go/VERSION"), "go1.27.3\ntime 2026\n").unwrap();
        let file = dir.path().join("env");
        fs::write(&file, user).unwrap();
        let env = |name: &str| match name {
            "GOENV" => Some(file.clone().into_os_string()),
            "HOME" => Some("/home/x".into()),
            _ => variables.iter().find(|(n, _)| *n == name).map(|(_, v)| OsStr::from_bytes(v).to_owned()),
        };
        read_settings(&dir.path().join("go/bin/go"), &env)
    }

    const GOROOT_ENV: &str = "# comment\nGOPROXY=https://proxy.golang.org,direct\nGOSUMDB=sum.golang.org\n";

    #[test]
    fn settings_come_from_the_environment_then_the_file_then_go() {
        let user = b"# comment\nGOPROXY=https://file.example\nGOPRIVATE=a.b\nGOFLAGS=-x\n";
        let found = settings(user, GOROOT_ENV, &[("GOPROXY", b""), ("GOFLAGS", b"-v"), ("GOCACHE", b"/c")]);
        assert_eq!(found.get("GOPROXY"), "https://file.example");
        assert_eq!((found.get("GONOPROXY"), found.get("GOFLAGS")), ("a.b", "-v"));
        assert_eq!(found.get("GOSUMDB"), "sum.golang.org");
        assert_eq!(found.mod_cache().unwrap(), Path::new("/home/x/go/pkg/mod"));
        assert_eq!(found.build_cache().unwrap(), Path::new("/c"));
        assert_eq!((found.release(), found.doubt()), (Some((1, 27)), None));
    }

    #[test]
    fn no_default_takes_the_place_of_what_the_user_may_have_set() {
        assert_eq!(settings(b"GOPROXY=\n", GOROOT_ENV, &[]).get("GOPROXY"), "", "go has nothing either");
        assert_eq!(settings(b"", "", &[]).get("GOPROXY"), "");
        let elsewhere = settings(b"GOROOT=/nowhere\n", GOROOT_ENV, &[]);
        assert_eq!((elsewhere.get("GOPROXY"), elsewhere.get("GOVERSION")), ("", "go1.27.3"));
    }

    #[test]
    fn a_byte_that_is_no_text_costs_its_own_value_alone() {
        let found = settings(b"# caf\xe9\nGOPROXY=https://file.example\n", GOROOT_ENV, &[]);
        assert_eq!((found.get("GOPROXY"), found.doubt()), ("https://file.example", None));
        let found = settings(b"GOPROXY=https://f\xff.example\n", GOROOT_ENV, &[("HOME", b"/h\xff")]);
        assert_eq!(found.doubt().as_deref(), Some("GOPROXY is not valid UTF-8"));
        assert_eq!(found.raw("GOPROXY").as_bytes(), b"https://f\xff.example");
        for name in TRUST {
            let found = settings(b"", GOROOT_ENV, &[(name, b"\xff")]);
            assert_eq!(found.doubt(), Some(format!("{name} is not valid UTF-8")));
        }
        let found = settings(b"", GOROOT_ENV, &[("GOMODCACHE", b"/m\xff")]);
        assert_eq!((found.doubt(), found.mod_cache()), (None, Some(OsStr::from_bytes(b"/m\xff").into())));
    }

    #[test]
    fn a_file_that_cannot_be_read_leaves_doubt_until_go_was_asked() {
        let dir = tempfile::tempdir().unwrap();
        let env = |name: &str| (name == "GOENV").then(|| dir.path().as_os_str().to_owned());
        let found = read_settings(Path::new("/nowhere/bin/go"), &env);
        assert_eq!(found.doubt(), Some(format!("{} is no file", dir.path().display())));
        let env = |name: &str| (name == "GOENV").then(|| dir.path().join("none").into_os_string());
        assert_eq!(read_settings(Path::new("/nowhere/bin/go"), &env).doubt(), None);
        let fake = dir.path().join("go");
        let lines: String = NAMES.iter().map(|name| format!("{name} \\377\\n")).collect();
        fs::write(&fake, format!("#!/bin/sh\nprintf '{lines}'\n")).unwrap();
        fs::set_permissions(&fake, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let asked = ask_go(&fake, None, &found);
        assert_eq!(asked.raw("GOMODCACHE").as_bytes(), b"GOMODCACHE \xff");
        assert_eq!(asked.doubt().as_deref(), Some("GOPROXY is not valid UTF-8"));
    }
}

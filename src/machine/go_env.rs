//! go's effective settings, in two ways: read from where go reads them (no process, for the way to
//! a first attempt), and asked of go itself by name (after a failure, when the cost is nothing).

use crate::formats::go_version::GoVersion;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The names gox asks for. By name: without HOME `go env -json` fails, single names do not.
pub const NAMES: &[&str] = &[
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
];

/// Settings of go by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoEnv {
    values: BTreeMap<String, String>,
}

impl GoEnv {
    /// The value, empty where unset.
    pub fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Sets one value (what go said later, or a test).
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    /// The module cache, where it is known.
    pub fn mod_cache(&self) -> Option<PathBuf> {
        Some(self.get("GOMODCACHE")).filter(|v| !v.is_empty()).map(PathBuf::from)
    }

    /// The build cache, where it is known.
    pub fn build_cache(&self) -> Option<PathBuf> {
        Some(self.get("GOCACHE")).filter(|v| !v.is_empty() && *v != "off").map(PathBuf::from)
    }

    /// First element of GOPATH.
    pub fn gopath(&self) -> Option<PathBuf> {
        std::env::split_paths(self.get("GOPATH")).next().filter(|p| !p.as_os_str().is_empty())
    }

    /// Major and minor of GOVERSION (`go1.27.3` gives (1, 27)).
    pub fn release(&self) -> Option<(u32, u32)> {
        GoVersion::parse(self.get("GOVERSION")).map(|version| version.release())
    }
}

/// Reads the settings from the environment, from the file `go env -w` writes, from GOROOT/go.env
/// and from go's built-in defaults, in that order and without running go. A variable set to
/// nothing does not override, as in go.
pub fn read_settings(go: &Path, env: &dyn Fn(&str) -> Option<String>) -> GoEnv {
    let mut layers = Vec::new();
    match env("GOENV").filter(|v| !v.is_empty()) {
        Some(off) if off == "off" => {}
        Some(file) => layers.push(PathBuf::from(file)),
        None => {
            let config = env("XDG_CONFIG_HOME")
                .filter(|v| !v.is_empty() && !cfg!(target_os = "macos"))
                .map(PathBuf::from)
                .or_else(|| {
                    let home = PathBuf::from(env("HOME").filter(|v| !v.is_empty())?);
                    Some(home.join(if cfg!(target_os = "macos") {
                        "Library/Application Support"
                    } else {
                        ".config"
                    }))
                });
            layers.extend(config.map(|dir| dir.join("go/env")));
        }
    }
    layers.extend(goroot_of(go).map(|root| root.join("go.env")));
    let layers: Vec<BTreeMap<String, String>> = layers
        .iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .map(|text| parse_env_file(&text))
        .collect();

    let mut settings = GoEnv::default();
    for name in NAMES {
        let value = env(name)
            .filter(|v| !v.is_empty())
            .or_else(|| layers.iter().find_map(|l| l.get(*name).filter(|v| !v.is_empty()).cloned()));
        if let Some(value) = value {
            settings.set(name, value);
        }
    }
    let home = env("HOME").filter(|v| !v.is_empty()).map(PathBuf::from);
    let or = |settings: &mut GoEnv, name: &str, value: Option<String>| {
        if settings.get(name).is_empty()
            && let Some(value) = value
        {
            settings.set(name, value);
        }
    };
    or(&mut settings, "GOPROXY", Some("https://proxy.golang.org,direct".into()));
    or(&mut settings, "GOSUMDB", Some("sum.golang.org".into()));
    or(&mut settings, "GOTOOLCHAIN", Some("auto".into()));
    for name in ["GONOPROXY", "GONOSUMDB"] {
        let private = settings.get("GOPRIVATE").to_owned();
        or(&mut settings, name, Some(private));
    }
    or(&mut settings, "GOPATH", home.as_ref().map(|h| h.join("go").display().to_string()));
    let mod_cache = settings.gopath().map(|p| p.join("pkg/mod").display().to_string());
    or(&mut settings, "GOMODCACHE", mod_cache);
    let caches = env("XDG_CACHE_HOME")
        .filter(|v| !v.is_empty() && !cfg!(target_os = "macos"))
        .map(PathBuf::from)
        .or_else(|| {
            Some(home.as_ref()?.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" }))
        });
    or(&mut settings, "GOCACHE", caches.map(|c| c.join("go-build").display().to_string()));
    if let Some(version) = goroot_of(go).and_then(|root| std::fs::read_to_string(root.join("VERSION")).ok()) {
        settings.set("GOVERSION", version.lines().next().unwrap_or("").trim());
    }
    settings
}

/// GOROOT of a go executable: two folders up from the file behind every link.
pub fn goroot_of(go: &Path) -> Option<PathBuf> {
    let real = std::fs::canonicalize(go).ok()?;
    Some(real.parent()?.parent()?.to_path_buf())
}

/// `KEY=VALUE` lines as `go env -w` writes them; `#` lines are comments.
fn parse_env_file(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .map(str::trim)
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| l.split_once('='))
        .map(|(k, v)| (k.trim().to_owned(), v.trim().to_owned()))
        .collect()
}

/// How long go may take to tell its settings; it needs some milliseconds. A script in go's place
/// that hangs must not hang gox.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks go for its effective settings. `overlay` is not applied: these are the user's own values.
/// GOTOOLCHAIN=local keeps the question from starting a toolchain download.
///
/// Returns `fallback` where go cannot answer. Blocks for at most ten seconds.
pub fn ask_go(go: &Path, dir: Option<&Path>, fallback: &GoEnv) -> GoEnv {
    let mut command = Command::new(go);
    command.arg("env").args(NAMES).env("GOTOOLCHAIN", "local");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    let mut settings = fallback.clone();
    let Some(text) = command.spawn().ok().and_then(answer) else { return settings };
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() != NAMES.len() {
        return settings;
    }
    for (name, value) in NAMES.iter().zip(lines) {
        // Our own GOTOOLCHAIN above is not the user's.
        if *name != "GOTOOLCHAIN" {
            settings.set(name, value);
        }
    }
    settings
}

/// What a child that exits 0 within [`PATIENCE`] wrote; another one is ended. A few lines fit into a
/// pipe, so that nobody need read before the end.
fn answer(mut child: Child) -> Option<String> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(None) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(1)),
            Ok(Some(_)) => return None,
            _ => {
                // It may have ended by itself meanwhile.
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
    let mut text = Vec::new();
    child.stdout.take()?.read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_from_the_environment_then_the_file_then_go() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("env");
        std::fs::write(&file, "# comment\nGOPROXY=https://file.example\nGOPRIVATE=a.b\nGOSUMDB=\n").unwrap();
        let file = file.display().to_string();
        let env = move |name: &str| match name {
            "GOENV" => Some(file.clone()),
            "GOPROXY" => Some(String::new()),
            "HOME" => Some("/home/x".into()),
            "GOCACHE" => Some("/c".into()),
            _ => None,
        };
        let settings = read_settings(Path::new("/nowhere/bin/go"), &env);
        assert_eq!(settings.get("GOPROXY"), "https://file.example");
        assert_eq!(settings.get("GONOPROXY"), "a.b");
        assert_eq!(settings.get("GOSUMDB"), "sum.golang.org");
        assert_eq!(settings.mod_cache().unwrap(), Path::new("/home/x/go/pkg/mod"));
        assert_eq!(settings.build_cache().unwrap(), Path::new("/c"));
    }
}

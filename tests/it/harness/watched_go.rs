//! A real go that writes down the environment of each of its runs first.

use super::releases::go;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder with a program `go` in it that notes its environment and becomes the real one.
pub(crate) struct WatchedGo {
    dir: TempDir,
}

/// One run of it.
#[derive(Debug)]
pub(crate) struct Noted {
    /// The arguments, joined by blanks.
    pub(crate) args: String,
    /// Lines `NAME=value`.
    env: Vec<String>,
}

impl Noted {
    /// The value of a variable; empty where it is not set, which go takes for the same.
    pub(crate) fn var(&self, name: &str) -> &str {
        self.env.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default()
    }
}

impl WatchedGo {
    /// The go of the tests, watched.
    pub(crate) fn new() -> WatchedGo {
        let dir = tempfile::Builder::new().prefix("gox-watched-go-").tempdir().expect("a temporary folder");
        let program = dir.path().join("go");
        let script = format!(
            "#!/bin/sh\nhere=$(dirname \"$0\")\nn=1\nuntil mkdir \"$here/run-$n\" 2>/dev/null; do n=$((n + 1)); done\n\
             echo \"$*\" >\"$here/run-$n/args\"\nenv >\"$here/run-$n/env\"\nexec '{}' \"$@\"\n",
            go().display()
        );
        fs::write(&program, script).expect("a file in the temporary folder");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a file of ours");
        WatchedGo { dir }
    }

    /// The program.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("go")
    }

    /// Its runs in order, without `go env` and `go version`.
    pub(crate) fn runs(&self) -> Vec<Noted> {
        let read = |path: PathBuf| fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned());
        (1..)
            .map_while(|n| {
                let run = self.dir.path().join(format!("run-{n}"));
                let args = read(run.join("args")).ok()?.trim().to_owned();
                let env = read(run.join("env")).ok()?.lines().map(str::to_owned).collect();
                Some(Noted { args, env })
            })
            .filter(|run| !run.args.starts_with("env") && !run.args.starts_with("version"))
            .collect()
    }

    /// Fails the test if any run was given another checksum database than the user's own, or less checking
    /// than the user's own settings give it.
    #[track_caller]
    pub(crate) fn never_weakened(&self, gosumdb: &str) {
        for run in self.runs() {
            for name in ["GONOSUMDB", "GONOSUMCHECK", "GOINSECURE", "GIT_SSL_NO_VERIFY", "GOFLAGS"] {
                assert_eq!(run.var(name), "", "{name} was set for: {run:?}");
            }
            assert_eq!(run.var("GOSUMDB"), gosumdb, "another database for: {run:?}");
            assert!(!run.args.contains("-insecure"), "{run:?}");
        }
    }
}

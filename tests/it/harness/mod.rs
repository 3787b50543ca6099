//! Runs gox and go in an environment of their own: nothing of the user's is seen or touched.
//!
//! ```ignore
//! let lab = Lab::new().modules(10).start();
//! let project = Project::new(&lab);
//! project.gox(["mod", "download"]).run().success();
//! ```

mod fake_go;
mod git;
mod outcome;
mod processes;
mod releases;
mod run;
mod screen;
mod terminal;
mod tools;
mod watched_go;

pub(crate) use fake_go::{Act, Call, FakeGo};
pub(crate) use outcome::{Outcome, same_lines, same_lines_but_for_downloads};
pub(crate) use processes::Process;
pub(crate) use releases::{go, go_minor, go_releases};
pub(crate) use run::{Run, Started, be_on_ones_own};
pub(crate) use screen::screen;
pub(crate) use terminal::{Pty, Side, Terminal};
pub(crate) use tools::link_tools;
pub(crate) use watched_go::{Noted, WatchedGo};

use super::lab::Running;
use processes::MARKER;
use run::TIMEOUT;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// What cargo tells integration tests alone: the program.
const GOX: Option<&str> = option_env!("CARGO_BIN_EXE_gox");

/// The gox under test: cargo's, or the one that `GOX_UNDER_TEST` names (a release's static program). Only
/// integration tests have one.
pub(crate) fn gox() -> &'static Path {
    static OTHER: LazyLock<Option<PathBuf>> =
        LazyLock::new(|| std::env::var_os("GOX_UNDER_TEST").map(PathBuf::from));
    OTHER
        .as_deref()
        .unwrap_or_else(|| Path::new(GOX.expect("an integration test: cargo names its programs there")))
}

/// A folder for what tests share from run to run: `tmp` in cargo's target folder, two above the test program.
fn shared_folder() -> PathBuf {
    let program = std::env::current_exe().expect("the running test program");
    program.ancestors().nth(3).expect("target/PROFILE/deps/PROGRAM").join("tmp")
}

/// A main module with folders and an environment of its own.
pub(crate) struct Project {
    root: TempDir,
    env: BTreeMap<OsString, OsString>,
    go: PathBuf,
}

/// Keeps go's telemetry helper, which would outlive its go, from a home: its mode is read from there alone.
pub(crate) fn no_telemetry(home: &Path) {
    let telemetry = home.join(".config/go/telemetry");
    fs::create_dir_all(&telemetry).expect("a folder in the temporary one");
    fs::write(telemetry.join("mode"), "off").expect("a file in the temporary folder");
}

impl Project {
    /// The main module that requires everything of a lab, with a whole go.sum; the lab watches its cache.
    pub(crate) fn new(lab: &Running) -> Project {
        let project = Project::without_files(lab);
        lab.write_project(&project.dir()).expect("files in a temporary folder");
        project
    }

    /// The same surroundings with an empty folder.
    pub(crate) fn without_files(lab: &Running) -> Project {
        let mut project = Project::empty();
        project.env.extend(lab.env().into_iter().map(|(key, value)| (key.into(), value.into())));
        lab.watch(&project.module_cache());
        project
    }

    /// An empty folder and an environment without any network.
    pub(crate) fn empty() -> Project {
        let root = tempfile::Builder::new().prefix("gox-test-").tempdir().expect("a temporary folder");
        let at = |name: &str| {
            let dir = root.path().join(name);
            fs::create_dir_all(&dir).expect("a folder in the temporary one");
            dir.into_os_string()
        };
        let mut env: BTreeMap<OsString, OsString> = BTreeMap::new();
        let mut set = |key: &str, value: OsString| drop(env.insert(key.into(), value));
        link_tools(&root.path().join("tools"));
        set("PATH", at("tools"));
        set("HOME", at("home"));
        set("TMPDIR", at("tmp"));
        set("GOPATH", at("gopath"));
        set("GOMODCACHE", at("modcache"));
        set("GOCACHE", at("gocache"));
        set("GOX_STATE_DIR", at("state"));
        set("GOFLAGS", OsString::new());
        set("GOTOOLCHAIN", "local".into());
        set("GOENV", "off".into());
        set("GOWORK", "off".into());
        set("GOPROXY", "off".into());
        set("GOSUMDB", "off".into());
        set("CGO_ENABLED", "0".into());
        set("GIT_CONFIG_NOSYSTEM", "1".into());
        set("GIT_TERMINAL_PROMPT", "0".into());
        set("GOX_CONFIG", "none".into());
        // What the system's file says counts whatever the user chooses.
        set("GOX_TEST_SYSTEM_FILE", root.path().join("etc/gox.toml").into_os_string());
        // Long waits prove nothing; tests of the waits set their own.
        set("GOX_BACKOFF_BASE", "5ms".into());
        set("GOX_BACKOFF_MAX", "50ms".into());
        // By itself gox waits five minutes for a host that answers nobody.
        set("GOX_ATTEMPTS", "4".into());
        at("main");
        no_telemetry(&root.path().join("home"));
        Project { root, env, go: go() }
    }

    /// Its environment, as changes to that of this process: whatever else is set here is taken away.
    pub(crate) fn overlay(&self) -> Vec<(OsString, Option<OsString>)> {
        let unset = std::env::vars_os().map(|(name, _)| (name, None));
        let set = self.env.iter().map(|(name, value)| (name.clone(), Some(value.clone())));
        unset.chain(set).collect()
    }

    /// The folder of the main module.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("main")
    }

    /// The temporary folder around everything.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// The programs that are on PATH if nothing else is said; no go is among them.
    pub(crate) fn tools(&self) -> PathBuf {
        self.root.path().join("tools")
    }

    /// GOMODCACHE.
    pub(crate) fn module_cache(&self) -> PathBuf {
        self.root.path().join("modcache")
    }

    /// GOX_STATE_DIR.
    pub(crate) fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// A file of the module cache, such as `example.test/m000/@v/v1.0.0.zip`.
    pub(crate) fn cached(&self, file: &str) -> PathBuf {
        self.module_cache().join("cache/download").join(file)
    }

    /// Sets a variable for all runs.
    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Project {
        self.env.insert(key.into(), value.as_ref().into());
        self
    }

    /// The value of a variable.
    pub(crate) fn var(&self, key: &str) -> Option<String> {
        self.env.get(OsStr::new(key)).map(|value| value.to_string_lossy().into_owned())
    }

    /// Removes a variable from all runs.
    pub(crate) fn without(mut self, key: &str) -> Project {
        self.env.remove(OsStr::new(key));
        self
    }

    /// Runs another go than [`go`] (a fake one).
    pub(crate) fn with_go(mut self, go: &Path) -> Project {
        self.go = go.to_owned();
        self
    }

    /// Shares one build cache with the other tests that say so: compiling the standard library once is
    /// enough. Not for tests that watch the build cache.
    pub(crate) fn shared_build_cache(self) -> Project {
        let dir = shared_folder().join(format!("gocache-1.{}", go_minor()));
        fs::create_dir_all(&dir).expect("a folder below target");
        self.env("GOCACHE", dir)
    }

    /// Writes (or replaces) a file in the main module.
    pub(crate) fn file(self, name: &str, text: impl AsRef<[u8]>) -> Project {
        let path = self.dir().join(name);
        fs::create_dir_all(path.parent().expect("a file below the folder")).expect("a folder");
        fs::write(path, text).expect("a file in the temporary folder");
        self
    }

    /// Removes a file from the main module.
    pub(crate) fn no_file(self, name: &str) -> Project {
        fs::remove_file(self.dir().join(name)).expect("a file of the main module");
        self
    }

    /// Removes everything from the module cache.
    pub(crate) fn clear_module_cache(&self) {
        remove_all(&self.module_cache());
        fs::create_dir_all(self.module_cache()).expect("a folder in the temporary one");
    }

    /// `gox ARGS...`, with the project's go as the real one.
    pub(crate) fn gox<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Run<'_> {
        let mut run = self.program(gox(), args);
        let report = self.root.path().join(format!("report-{}.json", run.marker));
        run.env.insert("GOX_GO".into(), self.go.clone().into());
        run.env.insert("GOX_REPORT".into(), report.clone().into());
        run.report = Some(report);
        run
    }

    /// `go ARGS...`, without gox.
    pub(crate) fn go<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(&self, args: I) -> Run<'_> {
        self.program(&self.go, args)
    }

    /// Any program in the same surroundings.
    pub(crate) fn program<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: I,
    ) -> Run<'_> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let marker = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut env = self.env.clone();
        env.insert(MARKER.into(), marker.clone().into());
        Run {
            project: self,
            program: program.to_owned(),
            args: args.into_iter().map(|arg| arg.as_ref().to_owned()).collect(),
            env,
            dir: self.dir(),
            stdin: None,
            timeout: TIMEOUT,
            marker,
            report: None,
        }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        // go makes its cache read-only, folders too; the rest goes with the TempDir.
        make_writable(&self.module_cache());
        make_writable(&self.root.path().join("gopath"));
    }
}

/// Takes from this thread root's right to write where the modes of a file or folder forbid it: what is read-only is
/// so for everybody. Who is not root has no such right.
pub(crate) fn heed_modes() {
    #[cfg(target_os = "linux")]
    {
        use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
        let mut sets = capabilities(None).expect("this thread's capabilities");
        sets.effective.remove(CapabilitySet::DAC_OVERRIDE);
        set_capabilities(None, sets).expect("fewer capabilities");
    }
}

/// Removes a folder that has read-only folders in it.
pub(crate) fn remove_all(dir: &Path) {
    make_writable(dir);
    if dir.exists() {
        fs::remove_dir_all(dir).expect("a folder that can be removed");
    }
}

fn make_writable(dir: &Path) {
    let Ok(meta) = fs::symlink_metadata(dir) else { return };
    if !meta.is_dir() {
        return;
    }
    let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o755));
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            make_writable(&entry.path());
        }
    }
}

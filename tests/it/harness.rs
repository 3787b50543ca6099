//! Runs gox and go in an environment of their own: nothing of the user's is seen or touched.
//!
//! ```ignore
//! let lab = Lab::new().modules(10).start();
//! let project = Project::new(&lab);
//! project.gox(["mod", "download"]).run().success();
//! ```

use crate::lab::Running;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one run may take if the test says nothing else.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The variable that marks every process of one run.
const MARKER: &str = "GOX_TEST_RUN";

/// The go that the tests run: `GOX_TEST_GO`, else the newest below `target/go-releases`.
pub(crate) fn go() -> PathBuf {
    if let Some(path) = std::env::var_os("GOX_TEST_GO") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "GOX_TEST_GO={} is no file; run tests/run.sh", path.display());
        return path;
    }
    go_releases().pop().map(|(_, path)| path).expect("a go release for the tests: run tests/run.sh")
}

/// Every go below `GOX_TEST_GO_DIR` (default `target/go-releases`): version numbers and path, ascending.
pub(crate) fn go_releases() -> Vec<(Vec<u32>, PathBuf)> {
    let dir = std::env::var_os("GOX_TEST_GO_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/go-releases"), PathBuf::from);
    let mut found: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let numbers = name.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<u32>>>()?;
            let go = entry.path().join("go/bin/go");
            go.is_file().then_some((numbers, go))
        })
        .collect();
    found.sort();
    found
}

/// The major and minor number of the go that [`go`] gives, from its VERSION file.
pub(crate) fn go_minor() -> u32 {
    let root = go().canonicalize().expect("a go that exists");
    let file = root.ancestors().nth(2).expect("GOROOT/bin/go").join("VERSION");
    let text = fs::read_to_string(&file).expect("GOROOT/VERSION");
    let minor = text.trim_start_matches("go1.").split(|c: char| !c.is_ascii_digit()).next();
    minor.and_then(|n| n.parse().ok()).expect("goN.N in GOROOT/VERSION")
}

/// A main module with folders and an environment of its own.
pub(crate) struct Project {
    root: TempDir,
    env: BTreeMap<OsString, OsString>,
    go: PathBuf,
}

impl Project {
    /// The main module that requires everything of a lab, with a whole go.sum; the lab watches its cache.
    pub(crate) fn new(lab: &Running) -> Project {
        let mut project = Project::empty();
        lab.write_project(&project.dir()).expect("files in a temporary folder");
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
        set("PATH", std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()));
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
        // Long waits prove nothing; tests of the waits set their own.
        set("GOX_BACKOFF_BASE", "5ms".into());
        set("GOX_BACKOFF_MAX", "50ms".into());
        at("main");
        // The telemetry helper would outlive its go; its mode is read from here alone.
        let telemetry = root.path().join("home/.config/go/telemetry");
        fs::create_dir_all(&telemetry).expect("a folder in the temporary one");
        fs::write(telemetry.join("mode"), "off").expect("a file in the temporary folder");
        Project { root, env, go: go() }
    }

    /// The folder of the main module.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("main")
    }

    /// The temporary folder around everything.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
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
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("gocache-1.{}", go_minor()));
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
        let mut run = self.program(Path::new(env!("CARGO_BIN_EXE_gox")), args);
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

/// One run of a program, not started yet.
pub(crate) struct Run<'a> {
    project: &'a Project,
    program: PathBuf,
    args: Vec<OsString>,
    env: BTreeMap<OsString, OsString>,
    dir: PathBuf,
    stdin: Option<Vec<u8>>,
    timeout: Duration,
    marker: String,
    report: Option<PathBuf>,
}

impl Run<'_> {
    /// Sets a variable.
    pub(crate) fn env(mut self, key: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.insert(key.into(), value.as_ref().into());
        self
    }

    /// Removes a variable.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.env.remove(OsStr::new(key));
        self
    }

    /// Runs there and not in the folder of the main module.
    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.dir = dir.to_owned();
        self
    }

    /// What stands on its standard input (without this it is closed).
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Fails the test after so long, instead of two minutes.
    pub(crate) fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Runs it to its end. A run that outlives its timeout is killed, with all it started, and the test
    /// fails.
    pub(crate) fn run(self) -> Outcome {
        self.start().wait()
    }

    /// The command, for tests that need more than this harness does.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().envs(&self.env).current_dir(&self.dir);
        command
    }

    /// Starts it, in a process group of its own.
    pub(crate) fn start(self) -> Started {
        let mut command = self.command();
        command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let begun = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", self.program.display()));
        let id = child.id();
        let gather = |mut pipe: Box<dyn Read + Send>| {
            let (done, gathered) = mpsc::channel();
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                // What came before an error still counts.
                let _ = pipe.read_to_end(&mut bytes);
                let _ = done.send(bytes);
            });
            gathered
        };
        let stdout = gather(Box::new(child.stdout.take().expect("a pipe was asked for")));
        let stderr = gather(Box::new(child.stderr.take().expect("a pipe was asked for")));
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), self.stdin) {
            std::thread::spawn(move || {
                // A program may leave its input unread.
                let _ = pipe.write_all(&bytes);
            });
        }
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let _ = done.send(child.wait());
        });
        Started {
            what: format!("{} {:?}", self.program.display(), self.args),
            id,
            begun,
            timeout: self.timeout,
            marker: self.marker,
            report: self.report,
            ended,
            status: None,
            stdout,
            stderr,
        }
    }
}

/// A run at work.
pub(crate) struct Started {
    what: String,
    id: u32,
    begun: Instant,
    timeout: Duration,
    marker: String,
    report: Option<PathBuf>,
    ended: mpsc::Receiver<std::io::Result<ExitStatus>>,
    status: Option<ExitStatus>,
    stdout: mpsc::Receiver<Vec<u8>>,
    stderr: mpsc::Receiver<Vec<u8>>,
}

impl Started {
    /// The process id (and that of its group).
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// The processes of this run that are alive, itself included.
    pub(crate) fn processes(&self) -> Vec<Process> {
        processes(&self.marker)
    }

    /// Sends a signal to the process alone.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        if let Some(id) = pid(self.id) {
            let _ = rustix::process::kill_process(id, signal);
        }
    }

    /// Kills every process of this run.
    pub(crate) fn kill(&self) {
        kill_all(&self.marker);
    }

    /// How it ended, if it does within that time; [`Started::wait`] may follow.
    pub(crate) fn ended_within(&mut self, timeout: Duration) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.ended.recv_timeout(timeout).ok().map(|ended| ended.expect("a child of ours"));
        }
        self.status
    }

    /// Waits for the end and gathers everything.
    pub(crate) fn wait(mut self) -> Outcome {
        let ended = self.ended_within(self.timeout.saturating_sub(self.begun.elapsed()));
        let elapsed = self.begun.elapsed();
        let timed_out = ended.is_none();
        if timed_out {
            kill_all(&self.marker);
        }
        // Both end when every process that holds them has ended; one that stays would hold them for ever.
        let grace = Duration::from_secs(5);
        let (stdout, stderr) = (self.stdout.recv_timeout(grace), self.stderr.recv_timeout(grace));
        let held = stdout.is_err() || stderr.is_err();
        let leftovers = processes(&self.marker);
        kill_all(&self.marker);
        let outcome = Outcome {
            what: self.what,
            status: ended.unwrap_or_else(|| ExitStatus::from_raw(9)),
            stdout: stdout.unwrap_or_default(),
            stderr: stderr.unwrap_or_default(),
            elapsed,
            leftovers,
            report: self
                .report
                .and_then(|path| fs::read(path).ok())
                .and_then(|bytes| serde_json::from_slice(&bytes).ok()),
        };
        assert!(!timed_out, "no end after {elapsed:?}\n{outcome}");
        assert!(!held, "a process that was left holds stdout or stderr\n{outcome}");
        outcome
    }
}

/// A process found by its environment.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// Its id.
    pub(crate) id: u32,
    /// Its arguments, joined by blanks.
    pub(crate) command: String,
}

/// The living processes that carry the marker of one run (Linux; elsewhere none are found).
fn processes(marker: &str) -> Vec<Process> {
    let wanted = format!("{MARKER}={marker}");
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // One that ended meanwhile has no environment any more.
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        if environment.split(|&b| b == 0).any(|variable| variable == wanted.as_bytes()) {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ").trim().to_owned();
            found.push(Process { id, command });
        }
    }
    found
}

fn kill_all(marker: &str) {
    for process in processes(marker) {
        if let Some(id) = pid(process.id) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    }
}

fn pid(id: u32) -> Option<rustix::process::Pid> {
    i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw)
}

/// What a run left behind.
pub(crate) struct Outcome {
    what: String,
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// Every byte of its standard output.
    pub(crate) stdout: Vec<u8>,
    /// Every byte of its standard error.
    pub(crate) stderr: Vec<u8>,
    /// From start to end.
    pub(crate) elapsed: Duration,
    /// Processes of this run that were alive after its end (and have been killed since).
    pub(crate) leftovers: Vec<Process>,
    /// The JSON report, if gox wrote one.
    pub(crate) report: Option<serde_json::Value>,
}

impl Outcome {
    /// The exit code, if it exited.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it, if one did.
    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// Standard output as text.
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The lines that gox itself wrote.
    pub(crate) fn said(&self) -> Vec<String> {
        self.err().lines().filter(|line| line.starts_with("gox: ")).map(str::to_owned).collect()
    }

    /// Fails the test unless the exit code is 0 and nothing was left.
    #[track_caller]
    pub(crate) fn success(self) -> Outcome {
        self.exited(0)
    }

    /// Fails the test unless it exited so and left no process.
    #[track_caller]
    pub(crate) fn exited(self, code: i32) -> Outcome {
        assert!(self.code() == Some(code), "exit {code} was expected\n{self}");
        assert!(self.leftovers.is_empty(), "processes were left: {:?}\n{self}", self.leftovers);
        self
    }

    /// Fails the test unless standard error has this text.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Outcome {
        assert!(self.err().contains(text), "stderr lacks {text:?}\n{self}");
        self
    }

    /// Fails the test if standard error has this text.
    #[track_caller]
    pub(crate) fn silent_about(self, text: &str) -> Outcome {
        assert!(!self.err().contains(text), "stderr has {text:?}\n{self}");
        self
    }

    /// Fails the test unless standard error matches.
    #[track_caller]
    pub(crate) fn matches(self, regex: &str) -> Outcome {
        let regex = regex::Regex::new(regex).expect("a regex written in a test");
        assert!(regex.is_match(&self.err()), "stderr does not match {regex}\n{self}");
        self
    }

    /// The report; the test fails without one.
    #[track_caller]
    pub(crate) fn report(&self) -> &serde_json::Value {
        self.report.as_ref().unwrap_or_else(|| panic!("no report was written\n{self}"))
    }

    /// How many attempts the report tells of.
    #[track_caller]
    pub(crate) fn attempts(&self) -> usize {
        self.report()["attempts"].as_array().map_or(0, Vec::len)
    }

    /// All remedies of all attempts, in order.
    #[track_caller]
    pub(crate) fn remedies(&self) -> Vec<String> {
        let attempts = self.report()["attempts"].as_array().cloned().unwrap_or_default();
        let all = attempts.iter().flat_map(|attempt| attempt["remedies"].as_array().cloned());
        all.flatten().filter_map(|remedy| remedy.as_str().map(str::to_owned)).collect()
    }

    /// All causes of all attempts, in order.
    #[track_caller]
    pub(crate) fn causes(&self) -> Vec<String> {
        let attempts = self.report()["attempts"].as_array().cloned().unwrap_or_default();
        let all = attempts.iter().flat_map(|attempt| attempt["failures"].as_array().cloned());
        all.flatten().filter_map(|failure| failure["cause"].as_str().map(str::to_owned)).collect()
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = format!("{}\n{} after {:?}\n", self.what, self.status, self.elapsed);
        let _ = writeln!(text, "--- stdout\n{}\n--- stderr\n{}", self.out(), self.err());
        if let Some(report) = &self.report {
            let _ = writeln!(text, "--- report\n{report:#}");
        }
        f.write_str(&text)
    }
}

//! One run of go or gox in surroundings of its own, with its time and its memory.

use crate::plan::Serving;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// No run may take longer.
const LONGEST: Duration = Duration::from_secs(180);

/// How often the memory of a running gox is read; what is read is a high-water mark.
const SAMPLE: Duration = Duration::from_millis(5);

/// The programs that are compared.
pub(crate) struct Tools {
    pub(crate) go: PathBuf,
    pub(crate) gox: PathBuf,
}

/// The gox of this build, unless `GOX_BENCH_GOX` names another.
pub(crate) fn find_gox() -> PathBuf {
    std::env::var_os("GOX_BENCH_GOX").map_or_else(|| env!("CARGO_BIN_EXE_gox").into(), PathBuf::from)
}

/// How busy the machine is.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// How many CPUs go and gox may use.
pub(crate) fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How a run went.
pub(crate) struct Ran {
    pub(crate) elapsed: Duration,
    /// Of the process and everything it waited for, in user and kernel mode.
    pub(crate) cpu: Duration,
    pub(crate) ok: bool,
    pub(crate) stderr: String,
    /// The most memory that the process itself held, in KiB; where it was asked for.
    pub(crate) peak_kib: u64,
    /// gox's report, where one was written.
    pub(crate) report: serde_json::Value,
}

impl Ran {
    /// Ended well, in one attempt of go; says why not.
    pub(crate) fn in_one_attempt(&self, what: &str) -> bool {
        let well = self.ok && self.attempts() == 1;
        if !well {
            println!("    {what}: {} attempts; {}", self.attempts(), self.stderr.trim_end());
        }
        well
    }

    /// How often go was run.
    pub(crate) fn attempts(&self) -> usize {
        self.report["attempts"].as_array().map_or(0, Vec::len)
    }
}

/// A main module with folders and an environment of its own.
pub(crate) struct Place {
    root: TempDir,
    env: BTreeMap<OsString, OsString>,
}

impl Place {
    /// Without any network; `go` is found on the path.
    pub(crate) fn new(tools: &Tools) -> Place {
        let root = tempfile::Builder::new().prefix("gox-marks-").tempdir().expect("a temporary folder");
        let mut env = BTreeMap::new();
        let mut set = |key: &str, value: OsString| drop(env.insert(key.into(), value));
        let at = |name: &str| {
            let dir = root.path().join(name);
            fs::create_dir_all(&dir).expect("a folder in the temporary one");
            dir.into_os_string()
        };
        let mut path: OsString = tools.go.parent().expect("a file in a folder").into();
        path.push(":/usr/local/bin:/usr/bin:/bin");
        set("PATH", path);
        set("HOME", at("home"));
        set("TMPDIR", at("tmp"));
        set("GOPATH", at("gopath"));
        set("GOMODCACHE", at("modcache"));
        set("GOCACHE", at("gocache"));
        set("GOX_STATE_DIR", at("state"));
        set("GOX_CONFIG", "none".into());
        // Folders that can be removed again.
        set("GOFLAGS", "-modcacherw".into());
        for (key, value) in [("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOWORK", "off")] {
            set(key, value.into());
        }
        for (key, value) in [("GOPROXY", "off"), ("GOSUMDB", "off"), ("CGO_ENABLED", "0")] {
            set(key, value.into());
        }
        at("main");
        // Telemetry's helper would outlive its go; its mode is read from here alone.
        let telemetry = root.path().join("home/.config/go/telemetry");
        fs::create_dir_all(&telemetry).expect("a folder in the temporary one");
        fs::write(telemetry.join("mode"), "off").expect("a file in the temporary folder");
        Place { root, env }
    }

    /// Where go works.
    pub(crate) fn dir(&self) -> PathBuf {
        self.root.path().join("main")
    }

    /// GOMODCACHE.
    pub(crate) fn module_cache(&self) -> PathBuf {
        self.root.path().join("modcache")
    }

    /// Sets a variable for all runs.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.env.insert(key.into(), value.into());
    }

    /// From now on asks that lab; the main module is written anew, without the `lacking` files.
    pub(crate) fn turn_to(&mut self, lab: &Serving, lacking: &[&str]) {
        for (key, value) in &lab.env {
            self.set(key, value);
        }
        for (name, text) in &lab.files {
            let path = self.dir().join(name);
            if lacking.contains(&name.as_str()) {
                // It may not be there in the first place.
                let _ = fs::remove_file(path);
            } else {
                fs::write(path, text).expect("a file in the temporary folder");
            }
        }
    }

    /// Nothing was downloaded yet.
    pub(crate) fn forget_modules(&self) {
        empty(&self.module_cache());
    }

    /// gox never ran here.
    pub(crate) fn forget_state(&self) {
        empty(&self.root.path().join("state"));
    }

    /// Runs a program to its end.
    pub(crate) fn run(&self, program: &Path, args: &[&str]) -> Ran {
        self.observed(program, args, false)
    }

    /// The same, its memory watched.
    pub(crate) fn observed(&self, program: &Path, args: &[&str], memory: bool) -> Ran {
        let report = self.root.path().join("report.json");
        let _ = fs::remove_file(&report);
        let mut stderr = tempfile::tempfile().expect("a temporary file");
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(&self.env).env("GOX_REPORT", &report).current_dir(self.dir());
        command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        command.stderr(stderr.try_clone().expect("a second handle"));
        let begun = Instant::now();
        // The id is waited for below, with its resources.
        #[allow(clippy::zombie_processes, reason = "wait4 reaps it")]
        let child = command.spawn().unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let pid = child.id();
        let (ended, watch) = mpsc::channel::<()>();
        let watcher = std::thread::spawn(move || watch_over(pid, &watch, begun, memory));
        let (status, cpu) = wait_for(pid);
        let elapsed = begun.elapsed();
        drop(ended);
        let peak_kib = watcher.join().unwrap_or_default();
        let mut text = Vec::new();
        stderr.rewind().and_then(|()| stderr.read_to_end(&mut text)).expect("what was written");
        let report = fs::read(&report).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ran {
            elapsed,
            cpu,
            ok: status == 0,
            stderr: String::from_utf8_lossy(&text).into_owned(),
            peak_kib,
            report: report.unwrap_or_default(),
        }
    }
}

/// Ends what takes too long, and reads the memory of the rest where wanted. Returns with the end of the
/// channel.
fn watch_over(pid: u32, ended: &mpsc::Receiver<()>, begun: Instant, memory: bool) -> u64 {
    let mut peak = 0;
    loop {
        let pause = if memory { SAMPLE } else { LONGEST.saturating_sub(begun.elapsed()) };
        if ended.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Disconnected) {
            return peak;
        }
        if memory {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = kib.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
            peak = peak.max(kib.unwrap_or_default());
        }
        if begun.elapsed() >= LONGEST
            && let Some(group) = rustix::process::Pid::from_raw(pid.cast_signed())
        {
            // It is not reaped before the channel ends, so that the id is still its own.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            let _ = ended.recv();
            return peak;
        }
    }
}

/// Waits for a child; its raw status and the CPU time of it and its children.
fn wait_for(pid: u32) -> (i32, Duration) {
    let mut status = 0;
    // SAFETY: zeroes are a valid rusage; wait4 writes to the two places given and nowhere else.
    let (ended, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let ended = libc::wait4(pid.cast_signed(), &raw mut status, 0, &raw mut usage);
        (ended, usage)
    };
    assert_eq!(ended, pid.cast_signed(), "a child of ours");
    let time = |t: libc::timeval| Duration::from_secs_f64(t.tv_sec as f64 + t.tv_usec as f64 / 1e6);
    (status, time(usage.ru_utime) + time(usage.ru_stime))
}

fn empty(dir: &Path) {
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).expect("a folder in the temporary one");
}

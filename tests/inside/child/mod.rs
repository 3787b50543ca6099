//! Real processes under supervision: `/bin/sh` plays go.

mod ending;
mod helper;
mod real_go;
mod signals;
mod starting;
mod streams;
mod terminal;
mod watching;

use super::signals::Signals;
use super::*;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::time::Instant;

/// What every test is given at most; only a broken build needs it.
const LIMIT: Duration = Duration::from_secs(60);

/// A watch that never ends anything.
const PATIENT: Watch = Watch { stall: None, quiet: Duration::from_secs(3600) };

/// Runs a future as gox does, and fails the test when it takes for ever.
fn on_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT, future).await.expect("the attempt hangs") })
}

/// A shell script in the place of go, with the system's programs and nothing else of whoever runs the tests.
fn sh(script: &str) -> Command {
    let mut envs: Vec<_> = std::env::vars_os().map(|(name, _)| (name, None)).collect();
    envs.push(var("PATH", Some("/usr/local/bin:/usr/bin:/bin")));
    Command { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()], envs, dir: None }
}

/// A supervisor that writes into files or pipes and leaves the test's own signals alone.
fn supervisor(stdout: impl Into<OwnedFd>, stderr: impl Into<OwnedFd>, own_group: bool) -> Supervisor {
    let grouping = if own_group { Grouping::Own } else { Grouping::Foreground };
    Supervisor::on(Signals::only_children().unwrap(), stdout.into(), stderr.into(), grouping)
}

fn null() -> File {
    File::options().write(true).open("/dev/null").unwrap()
}

/// One patient attempt with everything on.
async fn attempt(supervisor: &mut Supervisor, script: &str) -> Outcome {
    supervisor.run(&sh(script), StderrMode::Live, PATIENT, &mut ()).await.unwrap()
}

/// Runs a script in its own group, with nothing shown.
fn run_quietly(script: &str, watch: Watch, hooks: &mut impl Hooks) -> Outcome {
    on_runtime(async {
        let mut supervisor = supervisor(null(), null(), true);
        supervisor.run(&sh(script), StderrMode::Live, watch, hooks).await.unwrap()
    })
}

fn text(spool: &Spool) -> String {
    let mut text = String::new();
    spool.reader().unwrap().read_to_string(&mut text).unwrap();
    text
}

fn whole(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

/// Whether a process lives; one that has ended but was not waited for does not.
#[cfg(target_os = "linux")]
fn lives(pid: i32) -> bool {
    super::tree::one_process(pid).is_some_and(|process| process.state != b'Z')
}

/// The same where nothing is known of zombies.
#[cfg(not(target_os = "linux"))]
fn lives(pid: i32) -> bool {
    rustix::process::test_kill_process(rustix::process::Pid::from_raw(pid).unwrap()).is_ok()
}

/// Waits until something is so.
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < LIMIT, "waited in vain until {what}");
        std::thread::yield_now();
        let _ = rustix::event::poll(&mut [], Some(&rustix::time::Timespec { tv_sec: 0, tv_nsec: 5_000_000 }));
    }
}

fn kill(pid: i32, signal: i32) {
    let signal = rustix::process::Signal::from_named_raw(signal).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), signal).unwrap();
}

fn numbers(text: &str) -> Vec<i32> {
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// Collects what a hook hears.
#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    largest: usize,
}

impl Hooks for Collected {
    fn stderr(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.largest = self.largest.max(bytes.len());
    }
}

fn var(name: impl AsRef<OsStr>, value: Option<&str>) -> (OsString, Option<OsString>) {
    (name.as_ref().into(), value.map(Into::into))
}

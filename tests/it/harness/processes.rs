//! The processes of a run, found by a variable that all of them inherit.

use std::fs;

/// The variable that marks every process of one run.
pub(super) const MARKER: &str = "GOX_TEST_RUN";

/// A process found by its environment.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    /// Its id.
    pub(crate) id: u32,
    /// Its arguments, joined by blanks.
    pub(crate) command: String,
}

/// The living processes that carry the marker of one run (Linux; elsewhere none are found).
pub(super) fn processes(marker: &str) -> Vec<Process> {
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

pub(super) fn kill_all(marker: &str) {
    for process in processes(marker) {
        if let Some(id) = pid(process.id) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    }
}

pub(super) fn pid(id: u32) -> Option<rustix::process::Pid> {
    i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw)
}

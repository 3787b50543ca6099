//! What a run left behind, and what a test expects of it.

use super::processes::Process;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// What a run left behind.
pub(crate) struct Outcome {
    pub(super) what: String,
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

/// The same status, the same stdout, and the same lines on stderr: go works side by side, so that it does
/// not even agree with itself on their order, nor on how often it says what is wrong with a folder.
#[track_caller]
pub(crate) fn same_lines(plain: &Outcome, ours: &Outcome) {
    same_but_for(plain, ours, &BTreeSet::new());
}

/// The same, but that go does not say `go: downloading` of what it found in the module cache already.
#[track_caller]
pub(crate) fn same_lines_but_for_downloads(plain: &Outcome, ours: &Outcome) {
    let ours_too = lines(ours);
    let placed = |line: &String| line.starts_with("go: downloading ") && !ours_too.contains(line);
    same_but_for(plain, ours, &lines(plain).into_iter().filter(placed).collect());
}

#[track_caller]
fn same_but_for(plain: &Outcome, ours: &Outcome, left_out: &BTreeSet<String>) {
    assert_eq!((ours.status, ours.out()), (plain.status, plain.out()), "{ours}");
    assert_eq!(lines(ours), &lines(plain) - left_out, "{ours}");
}

fn lines(outcome: &Outcome) -> BTreeSet<String> {
    outcome.err().lines().map(str::to_owned).collect()
}

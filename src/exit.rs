//! How gox ends: decided wherever it becomes clear, carried out by `main` alone.

use crate::child::die_of;
use crate::machine::find_go::{MARKER, Nesting};
use crate::machine::locale;
use crate::words::{Text, faults};
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

/// Something of gox's own went wrong that is neither [`CANNOT_RUN`] nor [`NOT_FOUND`]: wrong usage or
/// configuration, no runtime, stdout that takes nothing.
pub(crate) const OWN_FAILURE: i32 = 125;
/// go is there and cannot be run: the shell's own convention.
const CANNOT_RUN: i32 = 126;
/// There is no go: the shell's own convention.
const NOT_FOUND: i32 = 127;

/// How gox ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// With this status.
    Code(i32),
    /// By this signal, as go was or as gox was asked to.
    Signal(i32),
    /// By becoming go.
    Go(Exec),
    /// With a status of gox's own, once it has said why.
    Failed {
        /// The status.
        code: i32,
        /// In one line for people, without `gox: `.
        why: String,
    },
}

/// The go that gox becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// The real go.
    pub go: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What a gox below it reads of this one.
    pub marker: OsString,
    /// A GOPROXY of gox's own.
    pub goproxy: Option<String>,
}

impl Exec {
    /// go with these arguments and nothing else changed.
    pub(crate) fn plain(go: PathBuf, args: Vec<OsString>, nesting: &Nesting) -> Exec {
        let marker = nesting.marker(false, &go);
        Exec { go, args, marker, goproxy: None }
    }
}

impl Exit {
    /// A failure of gox's own.
    pub(crate) fn failed(code: i32, why: &Text) -> Exit {
        Exit::Failed { code, why: why.in_language(locale::of_failures()).to_owned() }
    }

    /// go could not be started. The system calls a script without its interpreter "not found" as well,
    /// though the file is there.
    pub(crate) fn cannot_run(go: &Path, error: &io::Error) -> Exit {
        let missing = error.kind() == io::ErrorKind::NotFound && !go.exists();
        let code = if missing { NOT_FOUND } else { CANNOT_RUN };
        Exit::failed(code, &faults::CANNOT_RUN.with(&[("go", &go.display()), ("why", error)]))
    }

    /// The status that a shell sees.
    pub(crate) fn status(&self) -> i32 {
        match self {
            Exit::Code(code) | Exit::Failed { code, .. } => *code,
            Exit::Signal(signal) => 128 + signal,
            Exit::Go(_) => 0,
        }
    }

    /// Ends the process. Only `main` calls this.
    pub fn leave(self) -> ! {
        match self {
            Exit::Code(code) => std::process::exit(code),
            Exit::Signal(signal) => die_of(signal),
            Exit::Failed { code, why } => {
                // Nobody may be listening: the status is what counts.
                let _ = writeln!(io::stderr(), "gox: {}", crate::redact::text(&why));
                std::process::exit(code)
            }
            Exit::Go(Exec { go, args, marker, goproxy }) => {
                let mut command = std::process::Command::new(&go);
                command.args(args).env(MARKER, marker);
                command.envs(goproxy.map(|list| ("GOPROXY", list)));
                // Returns only where it fails.
                let error = command.exec();
                Exit::cannot_run(&go, &error).leave()
            }
        }
    }
}

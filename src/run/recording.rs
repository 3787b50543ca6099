//! Writes the record that the user asked for, line by line: a run that is killed leaves what it had.

use crate::judgement::attempt::{Decision, Observation, Policy};
use crate::memory::record;
use crate::memory::sink::Sink;
use std::io;
use std::path::PathBuf;

/// The record of this run, if one is wanted.
pub(super) struct Recorder {
    wanted: Option<PathBuf>,
    file: Option<Sink>,
}

impl Recorder {
    pub(super) fn new(wanted: Option<PathBuf>) -> Recorder {
        Recorder { wanted, file: None }
    }

    /// Adds an observation and what was decided.
    ///
    /// # Errors
    /// The file and what is wrong with it; once, since nothing is tried again.
    pub(super) fn note(
        &mut self,
        policy: &Policy,
        observation: &Observation,
        decision: &Decision,
    ) -> Result<(), (PathBuf, io::Error)> {
        let Some(path) = self.wanted.clone() else { return Ok(()) };
        let mut write = || -> io::Result<()> {
            let line = record::line(observation, decision)?;
            match &mut self.file {
                Some(file) => file.write_all(format!("{line}\n").as_bytes()),
                None => {
                    let mut file = Sink::open(&path)?;
                    file.write_all(format!("{}\n{line}\n", record::head(policy)?).as_bytes())?;
                    self.file = Some(file);
                    Ok(())
                }
            }
        };
        write().map_err(|error| {
            self.wanted = None;
            (path, error)
        })
    }
}

//! What a run leaves behind: its report, the journal, and the health of hosts for later runs.

mod folder;
pub mod health;
pub mod journal;
pub mod report;

//! What a run leaves behind: its report and record, the journal, and the health of hosts for later runs.

mod folder;
pub mod health;
pub mod journal;
pub mod record;
pub mod report;

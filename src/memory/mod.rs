//! What a run leaves behind: its report and record, the journal, and the health of hosts for later runs.

mod folder;
pub(crate) mod health;
pub(crate) mod journal;
pub(crate) mod record;
pub(crate) mod report;
pub(crate) mod sink;

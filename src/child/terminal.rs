//! Whether somebody can press Ctrl-C at this process.

use rustix::fs::{Mode, OFlags};
use std::fs::File;

/// Whether this process has a controlling terminal.
///
/// Redirected descriptors say nothing about it (`gox list > file` is still reached by Ctrl-C),
/// so the question is put to `/dev/tty`, which opens exactly where there is one.
pub(crate) fn has_terminal() -> bool {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    rustix::fs::open("/dev/tty", flags, Mode::empty()).map(File::from).is_ok()
}

//! A few lines below everything else on the terminal, for the moment: gone again without a trace.
//!
//! The cursor rests where the block begins, not behind it. So "erase from here to the end" takes the block away
//! however many rows it has by now (a terminal that was made narrower breaks lines in two), and takes nothing but
//! the block: whatever somebody else wrote meanwhile, git's question for a password for one, stands before the
//! cursor and stays.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::termios::{LocalModes, tcgetattr, tcgetpgrp, tcgetwinsize};
use rustix::time::Timespec;
use std::os::fd::BorrowedFd;

/// Erases from the cursor to the end of the screen.
const ERASE: &str = "\x1b[J";

/// Erases from the cursor to the end of the line: what an earlier, longer line left there.
const ERASE_LINE: &str = "\x1b[K";

/// What stands there now.
#[derive(Default)]
pub(super) struct Block {
    /// The bytes that drew it; empty where nothing stands there.
    drawn: String,
}

impl Block {
    /// The bytes that draw these lines over what stands there; empty where that would change nothing.
    pub(super) fn redrawn(&mut self, lines: &[String]) -> &str {
        let mut text = String::new();
        for (at, line) in lines.iter().enumerate() {
            if at > 0 {
                text.push_str("\r\n");
            }
            text.push_str(line);
            text.push_str(ERASE_LINE);
        }
        text.push_str(ERASE);
        text.push('\r');
        if lines.len() > 1 {
            text.push_str(&format!("\x1b[{}A", lines.len() - 1));
        }
        if text == self.drawn {
            return "";
        }
        self.drawn = text;
        &self.drawn
    }

    /// The bytes that take away what stands there.
    pub(super) fn taken_away(&mut self) -> &'static str {
        if std::mem::take(&mut self.drawn).is_empty() { "" } else { ERASE }
    }

    /// Forgets what stands there: the terminal is another's by now.
    pub(super) fn is_lost(&mut self) {
        self.drawn.clear();
    }

    /// Whether something stands there.
    pub(super) fn is_up(&self) -> bool {
        !self.drawn.is_empty()
    }
}

/// Whether gox is in the foreground of this terminal, so that what it writes is awaited there.
pub(super) fn is_ours(terminal: BorrowedFd<'_>) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp())
}

/// Whether a few lines may be written to this terminal now: it has room (nobody has typed Ctrl-S), and nobody
/// asks for a password or reads single keys.
pub(super) fn is_free(terminal: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(terminal, PollFlags::OUT)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let asks_nobody = |modes: LocalModes| modes.contains(LocalModes::ECHO | LocalModes::ICANON);
    is_ours(terminal)
        && poll(&mut polled, Some(&now)).is_ok_and(|ready| ready > 0)
        && tcgetattr(terminal).is_ok_and(|state| asks_nobody(state.local_modes))
}

/// Columns and rows of a terminal; zero where it does not say.
pub(super) fn size(terminal: BorrowedFd<'_>) -> (usize, usize) {
    tcgetwinsize(terminal).map_or((0, 0), |size| (size.ws_col.into(), size.ws_row.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_goes_back_to_where_the_block_begins() {
        let mut block = Block::default();
        assert_eq!(block.taken_away(), "");
        let lines = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        assert_eq!(block.redrawn(&lines), "a\x1b[K\r\nb\x1b[K\r\nc\x1b[K\x1b[J\r\x1b[2A");
        assert_eq!(block.redrawn(&lines), "");
        assert_eq!(block.redrawn(&lines[..1]), "a\x1b[K\x1b[J\r");
        assert_eq!((block.taken_away(), block.taken_away()), ("\x1b[J", ""));
    }
}

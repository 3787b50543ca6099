//! gox's own stderr: go's bytes unchanged, gox's own lines only between go's, and what is there for the moment
//! taken away before either.

use super::block::{self, Block};
use super::sink::{Sink, write_all};
use memchr::{memchr, memrchr};
use std::borrow::Cow;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The longest line that is held back whole for [`super::Hooks::rewrite`]; of a longer one the
/// pieces are passed on unchanged as they arrive.
const LINE_LIMIT: usize = 64 * 1024;

/// What stands on gox's stderr so far.
pub(super) struct Console {
    fd: Rc<OwnedFd>,
    at_line_start: bool,
    closed: bool,
    block: Block,
    /// When something was last written that stays.
    spoken: Instant,
}

impl Console {
    pub(super) fn new(fd: OwnedFd) -> Console {
        let block = Block::default();
        Console { fd: Rc::new(fd), at_line_start: true, closed: false, block, spoken: Instant::now() }
    }

    pub(super) fn sink(&self) -> Sink {
        Sink::new(&self.fd)
    }

    /// Takes note of bytes of go's that were written.
    pub(super) fn wrote(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.at_line_start = *last == b'\n';
            self.spoken = Instant::now();
        }
    }

    /// Takes note that nobody reads any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Writes a line of gox's own, on a new line where go left one unfinished.
    pub(super) fn say(&mut self, line: &str) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let mut text = String::with_capacity(line.len() + 8);
        text.push_str(self.take_block_away());
        if !self.at_line_start {
            text.push('\n');
        }
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push('\n');
        }
        self.at_line_start = true;
        self.spoken = Instant::now();
        let result = write_all(self.fd.as_fd(), text.as_bytes());
        self.closed |= result.is_err();
        result
    }

    /// For how long nothing was written that stays.
    pub(super) fn silent(&self) -> Duration {
        self.spoken.elapsed()
    }

    /// Columns and rows of the terminal; zero where it does not say, or is none.
    pub(super) fn size(&self) -> (usize, usize) {
        block::size(self.fd.as_fd())
    }

    /// Shows these lines for the moment, below everything else; nothing of them where the terminal is not to be
    /// written to now, where it is not high enough, or where go is in the middle of a line.
    pub(super) fn show(&mut self, lines: &[String]) {
        if lines.is_empty() || self.closed || !self.at_line_start {
            return self.clear();
        }
        if !block::is_free(self.fd.as_fd()) {
            return;
        }
        let (_, rows) = self.size();
        let room = if rows == 0 { lines.len() } else { rows - 1 };
        let text = self.block.redrawn(&lines[..lines.len().min(room)]);
        self.closed |= write_all(self.fd.as_fd(), text.as_bytes()).is_err();
    }

    /// The bytes that take away what is shown for the moment: to be written before anything else.
    pub(super) fn take_block_away(&mut self) -> &'static str {
        if self.block.is_up() && !block::is_ours(self.fd.as_fd()) {
            // Stopped by force and continued in the background: a shell's words stand there.
            self.block.is_lost();
        }
        self.block.taken_away()
    }

    /// Takes away what is shown for the moment.
    pub(super) fn clear(&mut self) {
        let erase = self.take_block_away();
        if !self.closed {
            let _ = write_all(self.fd.as_fd(), erase.as_bytes());
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Cuts go's stderr into lines for rewriting, with bounded memory.
#[derive(Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    /// The beginning of the present line is out already, so its rest cannot be rewritten.
    begun: bool,
}

impl Lines {
    /// Takes bytes and appends to `out` every line that is whole by now, rewritten.
    pub(super) fn push(
        &mut self,
        mut bytes: &[u8],
        out: &mut Vec<u8>,
        mut rewrite: impl for<'a> FnMut(&'a [u8]) -> Option<Cow<'a, [u8]>>,
    ) {
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end + 1);
            bytes = rest;
            if self.begun {
                out.extend_from_slice(line);
                self.begun = false;
                continue;
            }
            self.partial.extend_from_slice(line);
            match rewrite(&self.partial) {
                Some(other) => out.extend_from_slice(&other),
                None => out.extend_from_slice(&self.partial),
            }
            self.partial.clear();
        }
        debug_assert!(memrchr(b'\n', bytes).is_none());
        if self.begun {
            out.extend_from_slice(bytes);
        } else {
            self.partial.extend_from_slice(bytes);
            if self.partial.len() > LINE_LIMIT {
                self.give_up_line(out);
            }
        }
    }

    /// Whether a piece of a line is held back.
    pub(super) fn is_holding(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Passes on what is held back as it is: the line is too long, or go has ended, or it seems
    /// to wait for an answer in the middle of it.
    pub(super) fn give_up_line(&mut self, out: &mut Vec<u8>) {
        if self.is_holding() {
            out.append(&mut self.partial);
            self.begun = true;
        }
    }
}

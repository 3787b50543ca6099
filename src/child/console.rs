//! gox's own stderr: go's bytes unchanged, gox's own lines only between go's.

use super::sink::{Sink, write_all};
use memchr::{memchr, memrchr};
use std::borrow::Cow;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// The longest line that is held back whole for [`super::Hooks::rewrite`]; of a longer one the
/// pieces are passed on unchanged as they arrive.
const LINE_LIMIT: usize = 64 * 1024;

/// What stands on gox's stderr so far.
pub(super) struct Console {
    fd: Rc<OwnedFd>,
    at_line_start: bool,
    closed: bool,
}

impl Console {
    pub(super) fn new(fd: OwnedFd) -> Console {
        Console { fd: Rc::new(fd), at_line_start: true, closed: false }
    }

    pub(super) fn sink(&self) -> Sink {
        Sink::new(&self.fd)
    }

    /// Takes note of bytes of go's that were written.
    pub(super) fn wrote(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.at_line_start = *last == b'\n';
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
        let mut text = String::with_capacity(line.len() + 2);
        if !self.at_line_start {
            text.push('\n');
        }
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push('\n');
        }
        self.at_line_start = true;
        let result = write_all(self.fd.as_fd(), text.as_bytes());
        self.closed |= result.is_err();
        result
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

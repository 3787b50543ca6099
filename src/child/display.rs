//! go's stderr on its way to gox's: one piece at a time, so that memory stays bounded and a slow
//! reader slows go down as it would have done without gox.

use super::console::{Console, Lines};
use super::sink::Sink;
use super::{Hooks, StderrMode};
use std::io;
use std::time::{Duration, Instant};

/// A piece of a line held back for rewriting is passed on after this time: it may be a question.
const HOLD: Duration = Duration::from_millis(200);

/// What is shown of one attempt.
pub(super) struct Display<'a> {
    console: &'a mut Console,
    sink: Sink,
    mode: StderrMode,
    /// Only where lines are rewritten.
    lines: Option<Lines>,
    held_since: Option<Instant>,
    /// Bytes to be written, and how many of them are.
    pending: Vec<u8>,
    written: usize,
}

impl<'a> Display<'a> {
    pub(super) fn new(console: &'a mut Console, mode: StderrMode, rewrites: bool) -> Display<'a> {
        let sink = console.sink();
        let lines = rewrites.then(Lines::default);
        Display { console, sink, mode, lines, held_since: None, pending: Vec::new(), written: 0 }
    }

    /// Takes bytes of go's.
    pub(super) fn accept(&mut self, bytes: &[u8], hooks: &mut impl Hooks) {
        if self.mode == StderrMode::Hidden {
            return;
        }
        match &mut self.lines {
            None => self.pending.extend_from_slice(bytes),
            Some(lines) => {
                lines.push(bytes, &mut self.pending, |line| hooks.rewrite(line));
                self.held_since = lines.is_holding().then(Instant::now);
            }
        }
        self.make_way();
    }

    /// What is shown for the moment makes way for what stays.
    fn make_way(&mut self) {
        if !self.pending.is_empty() {
            let erase = self.console.take_block_away();
            self.pending.splice(self.written..self.written, erase.bytes());
        }
    }

    /// Takes away what is shown for the moment.
    pub(super) fn clear(&mut self) {
        self.console.clear();
    }

    /// Where to show something for the moment: nowhere while words of go's are on their way.
    pub(super) fn console(&mut self) -> Option<&mut Console> {
        self.is_idle().then_some(&mut *self.console)
    }

    /// Whether everything accepted is out, but for a line that is held back.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// Writes some of what is pending; waits for ever when nothing is. Losing the future loses
    /// nothing.
    pub(super) async fn write(&self) -> io::Result<usize> {
        if self.is_idle() {
            return std::future::pending().await;
        }
        self.sink.write(&self.pending[self.written..]).await
    }

    /// Takes the result of [`Display::write`]. False when nobody reads any more.
    pub(super) fn wrote(&mut self, result: io::Result<usize>) -> bool {
        match result {
            Ok(n) => {
                self.console.wrote(&self.pending[self.written..self.written + n]);
                self.written += n;
            }
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.console.close();
                self.lines = None;
                self.held_since = None;
                self.mode = StderrMode::Hidden;
                self.written = self.pending.len();
            }
            // A full disk loses go's words, as it would have without gox.
            Err(_) => self.written = self.pending.len(),
        }
        if self.written == self.pending.len() {
            self.pending.clear();
            self.written = 0;
        }
        self.mode == StderrMode::Live
    }

    /// When a line that is held back is to be passed on unfinished.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held_since.map(|since| since + HOLD)
    }

    /// Passes on what is held back, as it is.
    pub(super) fn give_up_line(&mut self) {
        self.held_since = None;
        if let Some(lines) = &mut self.lines {
            lines.give_up_line(&mut self.pending);
        }
        self.make_way();
    }
}

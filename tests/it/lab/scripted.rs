//! Answers that a test writes by hand, where no rule of faults says what it means.

use super::record::Seen;
use super::reply::{Answer, Ending, Framing, Reply, Stage};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// What a lab does with a request and the number of earlier ones for the same path.
pub(super) type Script = Arc<dyn Fn(&Seen, usize) -> Say + Send + Sync>;

/// What one request gets: see [`super::Lab::script`].
pub(crate) struct Say {
    reply: Reply,
    pub(super) ranged: bool,
    upto: Option<(usize, Ending)>,
}

impl Say {
    fn of(answer: Answer, stage: Stage, ending: Ending) -> Say {
        let framing = Framing::Length(answer.body.len());
        let reply = Reply { wait: Duration::ZERO, answer, framing, stage, ending, pace: None, counted: None };
        Say { reply, ranged: false, upto: None }
    }

    /// A status, lines of the header (each with its `\r\n`), and a body, whose length is told.
    pub(crate) fn answer(status: u16, header: &str, body: impl Into<Bytes>) -> Say {
        let mut answer = Answer::new(status, "", body);
        for line in header.lines() {
            let (name, value) = line.split_once(": ").expect("a header line written in a test");
            answer.headers.push((name.to_ascii_lowercase().into(), value.to_owned()));
        }
        Say::of(answer, Stage::Start, Ending::Proper)
    }

    /// The end of the connection.
    pub(crate) fn nothing() -> Say {
        Say::of(Answer::new(0, "", ""), Stage::Start, Ending::Close)
    }

    /// No answer, and the connection stays open.
    pub(crate) fn silence() -> Say {
        Say::of(Answer::new(0, "", ""), Stage::Start, Ending::Hang)
    }

    /// These bytes, whatever they mean, and the end of the connection (HTTP/1.1 only).
    pub(crate) fn raw(bytes: impl Into<Bytes>) -> Say {
        Say::of(Answer::new(0, "", bytes), Stage::Start, Ending::Garbage)
    }

    /// A 200 whose body never ends.
    pub(crate) fn endless() -> Say {
        let mut say = Say::of(Answer::new(200, "", vec![b'v'; 1 << 20]), Stage::Start, Ending::Endless);
        say.reply.framing = Framing::ChunkedOpen;
        say.reply.stage = Stage::Body(1 << 20);
        say
    }

    /// Answers `Range` with a part.
    pub(crate) fn ranged(mut self) -> Say {
        self.ranged = true;
        self
    }

    /// The connection ends after so many bytes of the body.
    pub(crate) fn cut_after(mut self, bytes: usize) -> Say {
        self.upto = Some((bytes, Ending::Close));
        self
    }

    /// Nothing comes after so many bytes of the body, and the connection stays open.
    pub(crate) fn silent_after(mut self, bytes: usize) -> Say {
        self.upto = Some((bytes, Ending::Hang));
        self
    }

    /// So many bytes of the body a second.
    pub(crate) fn pace(mut self, bytes: u32) -> Say {
        self.reply.pace = Some(bytes);
        self
    }

    /// The answer, before it is cut to what was asked for.
    pub(super) fn answer_mut(&mut self) -> &mut Answer {
        &mut self.reply.answer
    }

    /// What is sent.
    pub(super) fn reply(mut self) -> Reply {
        if self.reply.ending == Ending::Proper {
            let length = self.reply.answer.body.len();
            let (upto, ending) = self.upto.unwrap_or((length, Ending::Proper));
            self.reply.framing = Framing::Length(length);
            self.reply.stage = Stage::Body(upto.min(length));
            self.reply.ending = ending;
        }
        self.reply
    }
}

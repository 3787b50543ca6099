//! The lines that tell how far a run has come, in words and to measure.

use super::{Course, Facts, Slow, Wait};
use crate::redact;
use crate::words::{Language, Phrase, Text, naming, progressing as say};
use std::time::Duration;

/// A younger request is not slow yet.
const SLOW: Duration = Duration::from_secs(2);

/// A shorter pause is no silence of a host's.
const NO_BYTE: Duration = Duration::from_secs(3);

/// Where a terminal does not say how wide it is.
const USUAL: usize = 80;

/// Below this nothing can be said.
const NARROWEST: usize = 20;

/// How gox's own lines begin, and how the others of a block are set in below them.
const NAME: &str = "gox: ";

/// The same in blanks.
const INSET: &str = "     ";

/// What stands for what does not fit.
const CUT: &str = "...";

/// The lines of a block for a terminal of this many columns; none is as wide as it.
pub(crate) fn block(facts: &Facts, course: Course, language: Language, columns: usize) -> Vec<String> {
    // A character in the last column would leave the cursor to the terminal's taste.
    let width = if columns == 0 { USUAL } else { columns }.saturating_sub(1);
    if width < NARROWEST {
        return vec![];
    }
    let room = width - NAME.len();
    let mut said = vec![fitting(&figures(facts, course), language, room)];
    if let Some(Slow { name, age, .. }) = facts.slowest.as_ref().filter(|slow| slow.age >= SLOW) {
        said.push(with_name(say::SLOWEST, name, *age, language, room));
    }
    if let Some(Wait::Word { name }) = &facts.wait {
        said.push(with_name(say::LAST_WORD, name, facts.silent, language, room));
    } else {
        let rest = waiting(facts, course).into_iter().chain(budget(facts)).chain(why(facts));
        said.push(fitting(&rest.collect::<Vec<_>>(), language, room));
    }
    let lines = said.into_iter().filter(|line| !line.is_empty());
    lines.enumerate().map(|(at, line)| if at == 0 { NAME } else { INSET }.to_owned() + &line).collect()
}

/// The one line for where no terminal is.
pub(crate) fn line(facts: &Facts, course: Course) -> Text {
    let mut all = figures(facts, course);
    // How long is said first.
    all.pop();
    let join =
        |phrase: Phrase| move |first: Text, then: Text| phrase.with(&[("first", &first), ("then", &then)]);
    let figures = all.into_iter().reduce(join(say::AND));
    let slow = facts.slowest.as_ref().filter(|slow| slow.age >= SLOW);
    let slow = slow.map(|slow| say::SLOWEST.with(&[("name", &slow.name), ("age", &span(slow.age))]));
    let rest = slow.into_iter().chain(waiting(facts, course)).chain(why(facts)).chain(budget(facts));
    let said = figures.into_iter().chain(rest).reduce(join(say::AND_THEN)).unwrap_or_default();
    say::STILL_WAITING.with(&[("age", &span(course.waiting)), ("facts", &said)])
}

/// What has come so far, the most important first; last for how long the run has lasted.
fn figures(facts: &Facts, course: Course) -> Vec<Text> {
    let mut all = Vec::new();
    match facts.modules {
        Some((done, known)) => all.push(say::MODULES.with(&[("done", &done), ("known", &known)])),
        None if facts.files == 1 => all.push(say::FILE.into()),
        None if facts.files > 1 => all.push(say::FILES.with(&[("files", &facts.files)])),
        None => {}
    }
    if facts.bytes > 0 {
        all.push(Text::plain(volume(facts.bytes)));
    }
    if course.rate > 0 {
        all.push(say::RATE.with(&[("bytes", &volume(course.rate))]));
    }
    if facts.attempt > 1 {
        all.push(say::ATTEMPT.with(&[("attempt", &facts.attempt)]));
    }
    all.push(say::RUNNING_FOR.with(&[("age", &span(course.now))]));
    all
}

/// What is left to recover in, while there is something of it.
fn budget(facts: &Facts) -> Option<Text> {
    let left = facts.left.filter(|left| *left >= Duration::from_secs(1))?;
    Some(say::BUDGET.with(&[("left", &span(left))]))
}

/// What the host did that is waited for.
fn why(facts: &Facts) -> Option<Text> {
    let Some(Wait::Host { cause: Some(cause), .. }) = &facts.wait else { return None };
    Some(say::AFTER.with(&[("why", &naming::cause(cause.as_str()))]))
}

/// What is waited for, and until when.
fn waiting(facts: &Facts, course: Course) -> Option<Text> {
    Some(match &facts.wait {
        Some(Wait::Attempt { left }) => {
            let next = facts.attempt + 1;
            say::NEXT_ATTEMPT.with(&[("attempt", &next), ("left", &to_come(*left))])
        }
        Some(Wait::Network { left }) => say::NO_NETWORK.with(&[("left", &to_come(*left))]),
        Some(Wait::Host { host, cause: None, .. }) => say::ITS_TURN.with(&[("host", host)]),
        Some(Wait::Host { host, left, n, cause: Some(_) }) => match left.map(to_come) {
            Some(left) => say::ASKED_AGAIN.with(&[("host", host), ("left", &left), ("n", n)]),
            None => say::ONE_FOR_ALL.with(&[("host", host), ("n", n)]),
        },
        Some(Wait::Word { name }) => say::LAST_WORD.with(&[("name", name), ("age", &span(facts.silent))]),
        Some(Wait::Go { still, stall }) => {
            say::NOTHING_MOVES.with(&[("age", &span(*still)), ("end", &span(*stall))])
        }
        None => {
            let silent = facts.slowest.as_ref().filter(|_| facts.under_way > 0 && course.still >= NO_BYTE)?;
            say::NO_ANSWER.with(&[("host", &silent.host), ("age", &span(course.still))])
        }
    })
}

/// A sentence about a name and a time, where the name is what gives way.
fn with_name(phrase: Phrase, name: &str, age: Duration, language: Language, room: usize) -> String {
    let whole =
        |name: &str| redact::line(phrase.with(&[("name", &name), ("age", &span(age))]).in_language(language));
    let line = whole(name);
    let over = columns(&line).saturating_sub(room);
    if over == 0 {
        return line;
    }
    // Its end tells more than its beginning: the last element of the path, and the version.
    let name: Vec<char> = redact::line(name).chars().collect();
    let kept = name.len().saturating_sub(over + CUT.len());
    let short: String = name[name.len() - kept..].iter().collect();
    cut(whole(&format!("{CUT}{short}")), room)
}

/// The parts that fit into this many columns, beginning with the first, which is cut where it does not.
fn fitting(parts: &[Text], language: Language, room: usize) -> String {
    let mut line = String::new();
    for part in parts {
        let part = redact::line(part.in_language(language));
        if line.is_empty() {
            line = cut(part, room);
            continue;
        }
        let joined = say::AND.with(&[("first", &line), ("then", &part)]);
        let joined = joined.in_language(language);
        if columns(joined) <= room {
            line = joined.to_owned();
        }
    }
    line
}

/// A line of at most this many columns.
fn cut(line: String, room: usize) -> String {
    if columns(&line) <= room {
        return line;
    }
    let mut short = String::new();
    for c in line.chars() {
        if columns(&short) + width(c) + CUT.len() > room {
            break;
        }
        short.push(c);
    }
    short + CUT
}

/// A length of time for people: whole seconds below a minute, then minutes as well.
pub(crate) fn span(length: Duration) -> Text {
    let seconds = length.as_secs();
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match (minutes, rest) {
        (0, _) => say::SECONDS.with(&[("seconds", &seconds)]),
        (_, 0) => say::MINUTES.with(&[("minutes", &minutes)]),
        _ => say::MINUTES_AND_SECONDS.with(&[("minutes", &minutes), ("seconds", &rest)]),
    }
}

/// The same of what is still to come, which is over when nothing of it is left.
fn to_come(length: Duration) -> Text {
    span(Duration::from_secs(length.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)))
}

/// An amount of bytes in decimal units, as those who sell lines count.
pub(crate) fn volume(bytes: u64) -> String {
    let tenths = |unit: u64| bytes.saturating_add(unit / 20) / (unit / 10);
    let with_one_digit =
        |unit: u64, name: &str| format!("{}.{} {name}", tenths(unit) / 10, tenths(unit) % 10);
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..100_000_000 => with_one_digit(1_000_000, "MB"),
        100_000_000..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => with_one_digit(1_000_000_000, "GB"),
    }
}

/// Columns that a text takes on a terminal.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(width).sum()
}

/// Columns of a character: the scripts of East Asia take two.
fn width(c: char) -> usize {
    let wide = matches!(u32::from(c),
        0x1100..=0x115f | 0x2e80..=0x303e | 0x3041..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd);
    1 + usize::from(wide)
}

//! Figures with their marks, and the table of them.

use std::process::ExitCode;
use std::time::Duration;

/// Which figures are wanted, and how thoroughly.
pub(crate) struct Choice {
    pub(crate) words: Vec<String>,
    pub(crate) quick: bool,
}

/// The table: printed line by line as it grows.
pub(crate) struct Table {
    choice: Choice,
    figures: usize,
    missed: Vec<String>,
}

/// How a figure is read.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    Times,
    Milliseconds,
    Seconds,
    Megabytes,
    Of,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Unit::Times => format!("{value:.2} x"),
            Unit::Milliseconds => format!("{value:.2} ms"),
            Unit::Seconds => format!("{value:.2} s"),
            Unit::Megabytes => format!("{value:.1} MB"),
            Unit::Of => format!("{value:.0}"),
        }
    }
}

impl Table {
    pub(crate) fn new(choice: Choice) -> Table {
        Table { choice, figures: 0, missed: Vec::new() }
    }

    /// Whether anybody asked for this figure.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.choice.words.is_empty() || self.choice.words.iter().any(|word| name.contains(word.as_str()))
    }

    /// So many rounds, or fewer where time is short.
    pub(crate) fn rounds(&self, usual: usize, quick: usize) -> usize {
        if self.choice.quick { quick } else { usual }
    }

    /// Enters a figure that must not exceed its mark.
    pub(crate) fn at_most(&mut self, name: &str, value: f64, mark: f64, unit: Unit, note: &str) {
        // What was never measured is no success.
        let met = value <= mark;
        self.enter(name, met, &unit.show(value), &format!("<= {}", unit.show(mark)), note);
    }

    /// Enters a count that must be reached.
    pub(crate) fn all_of(&mut self, name: &str, count: usize, all: usize, note: &str) {
        self.enter(name, count == all, &Unit::Of.show(count as f64), &format!("of {all}"), note);
    }

    fn enter(&mut self, name: &str, met: bool, value: &str, mark: &str, note: &str) {
        if self.figures == 0 {
            println!("{:<34} {:>10}  {:<11}      note", "figure", "measured", "mark");
        }
        self.figures += 1;
        let verdict = if met { "ok  " } else { "MISS" };
        println!("{name:<34} {value:>10}  {mark:<11} {verdict} {note}");
        if !met {
            self.missed.push(name.to_owned());
        }
    }

    /// What became of all.
    pub(crate) fn finish(self) -> ExitCode {
        if self.figures == 0 {
            eprintln!("marks: no figure has such a name");
            return ExitCode::from(2);
        }
        if self.missed.is_empty() {
            println!("{} figures, every mark met", self.figures);
            return ExitCode::SUCCESS;
        }
        println!("{} figures, {} missed: {}", self.figures, self.missed.len(), self.missed.join("; "));
        ExitCode::FAILURE
    }
}

/// The middle one.
pub(crate) fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => Duration::MAX,
        n if n % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2,
    }
}

/// How many times as long as.
pub(crate) fn ratio(these: &[Duration], those: &[Duration]) -> f64 {
    median(these).as_secs_f64() / median(those).as_secs_f64()
}

//! What fuzzing does, on a stable compiler: everything go is known to say, cut, joined and repeated at random.
//!
//! A short run is a test like any other; `GOX_FUZZ_SECONDS=600 cargo test --release --lib mutants` takes longer, from
//! another seed each time. What it finds is told with its seed, which `GOX_FUZZ_SEED` brings back.

use super::*;
use crate::own_verbs::explain;
use std::time::{Duration, Instant};

/// Texts of a short run.
const FEW: u64 = 60;

/// Numbers without a pattern.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end.max(1) as u64).unwrap()
    }
}

/// One text made of the others.
fn mutant(texts: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut made = Vec::new();
    for _ in 0..=dice.below(4) {
        let text = &texts[dice.below(texts.len())];
        let from = if dice.below(3) == 0 { dice.below(text.len()) } else { 0 };
        let to = if dice.below(3) == 0 { from + dice.below(text.len() - from) } else { text.len() };
        made.extend_from_slice(&text[from..to]);
        if dice.below(2) == 0 {
            made.push(b'\n');
        }
    }
    for _ in 0..dice.below(12) {
        let at = dice.below(made.len() + 1);
        const PIECES: &[&[u8]] = &[
            b"\n",
            b"\r",
            b"\t",
            b"\"",
            b"'",
            b"\\",
            b"\\n",
            b"{\"",
            b"\"}",
            b": ",
            b"go: ",
            b"| ",
            b"=== RUN T\n",
            b"ok  \t",
            b"\x1b[",
            b"#1 2.3 ",
            b"remote: ",
            b"\xff",
            b"\xe8\x87",
            b"@v1",
            b"http://",
            b"exit status 128:\n",
            b"imports\n",
            b"...",
            b"&#",
            b"<",
            b"%21",
        ];
        match dice.below(4) {
            0 if at < made.len() => drop(made.drain(at..(at + 1 + dice.below(30)).min(made.len()))),
            1 if at < made.len() => made[at] = u8::try_from(dice.below(256)).unwrap(),
            2 => {
                let again = made[at.saturating_sub(dice.below(200))..at].to_vec();
                made.splice(at..at, again);
            }
            _ => drop(made.splice(at..at, PIECES[dice.below(PIECES.len())].iter().copied())),
        }
    }
    made
}

fn holds(text: &[u8], size: usize) {
    let rules = Rules::default();
    for stream in [Stream::Stderr, Stream::JsonStdout, Stream::Log] {
        let whole = classify(&rules, stream, text);
        assert_eq!(whole.failures.is_empty(), whole.dominant.is_none());
        assert_eq!(whole.failures.len(), whole.counts.len());
        let mut classifier = Classifier::new(&rules, stream);
        text.chunks(size).for_each(|chunk| classifier.push(chunk));
        assert_eq!(classifier.finish(), whole);
        assert!(explain::text(&whole).lines().count() <= 10);
        let _ = explain::json(&whole);
    }
    trace::requests(text);
}

#[test]
fn no_text_panics_and_no_cut_matters() {
    let mut texts: Vec<Vec<u8>> = fixtures().into_iter().map(|(_, text)| text.into_bytes()).collect();
    let rules = include_str!("../../../tests/rules.txt");
    texts.extend(rules.lines().map(|l| l.replace("\\n", "\n").replace("\\t", "\t").into_bytes()));
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let seconds = number("GOX_FUZZ_SECONDS");
    let first =
        number("GOX_FUZZ_SEED").unwrap_or(if seconds.is_some() { u64::from(std::process::id()) } else { 1 });
    let started = Instant::now();
    for seed in first.. {
        let over = seconds.map_or(seed >= first + FEW, |s| started.elapsed() >= Duration::from_secs(s));
        if over {
            break;
        }
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let text = mutant(&texts, &mut dice);
        let size = 1 + dice.below(40);
        let held = std::panic::catch_unwind(|| holds(&text, size));
        assert!(
            held.is_ok(),
            "GOX_FUZZ_SEED={seed} in chunks of {size}: {:?}",
            String::from_utf8_lossy(&text)
        );
    }
}

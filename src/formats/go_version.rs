//! Versions of go itself: toolchains (`go1.27.3`), language versions (`1.21`), release candidates.
//!
//! Pure. Ordered as go's internal/gover orders them.

use std::cmp::Ordering;

/// A version of go. Numbers first, then betas, release candidates and the release; a language
/// version (`1.21`) sorts before all three of its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GoVersion {
    numbers: [u32; 3],
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Language,
    Beta(u32),
    Candidate(u32),
    Release,
}

impl GoVersion {
    /// The first release whose go command fetches toolchains.
    pub(crate) const FETCHES_TOOLCHAINS: GoVersion =
        GoVersion { numbers: [1, 21, 0], stage: Stage::Language };

    /// Reads `go1.27.3`, `1.21rc2`, `go1.24.11 X:boringcrypto`, `go1.22.1-custom`. `None` for
    /// `devel` and anything else.
    pub(crate) fn parse(text: &str) -> Option<GoVersion> {
        let text = text.trim();
        let text = text.strip_prefix("go").unwrap_or(text);
        let text = text.split([' ', '-', '+']).next()?;
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (plain, tail) = text.split_at(digits);
        let mut numbers = [0; 3];
        let mut count = 0;
        for part in plain.split('.') {
            *numbers.get_mut(count)? = number(part)?;
            count += 1;
        }
        let stage = match (tail.strip_prefix("rc"), tail.strip_prefix("beta")) {
            (Some(n), _) => Stage::Candidate(number(n)?),
            (_, Some(n)) => Stage::Beta(number(n)?),
            _ if !tail.is_empty() => return None,
            // Before 1.21 "1.20" was itself a release; since then it is the language's version.
            _ if count < 3 && numbers >= [1, 21, 0] => Stage::Language,
            _ => Stage::Release,
        };
        Some(GoVersion { numbers, stage })
    }

    /// Major and minor number: (1, 27) of `go1.27.3`.
    pub(crate) fn release(&self) -> (u32, u32) {
        (self.numbers[0], self.numbers[1])
    }
}

/// A number of any length, as go compares them: what is too large for us is as large as any.
fn number(digits: &str) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u32::MAX))
}

/// The later of two names of toolchains; one that cannot be read is the earlier.
pub(crate) fn later<'a>(one: &'a str, other: &'a str) -> &'a str {
    match GoVersion::parse(one).cmp(&GoVersion::parse(other)) {
        Ordering::Less => other,
        Ordering::Equal | Ordering::Greater => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_by_go() {
        let order = [
            "1.20",
            "1.20.3",
            "1.21",
            "1.21beta1",
            "1.21rc2",
            "1.21.0",
            "1.21.13",
            "1.27rc1",
            "1.27.3",
            "1.99",
            "1.99.1",
            "1.99.99999999999999999999",
            "2.0.1",
        ];
        for pair in order.windows(2) {
            assert!(GoVersion::parse(pair[0]) < GoVersion::parse(pair[1]), "{pair:?}");
        }
        assert_eq!(GoVersion::parse("go1.27.3 X:boring"), GoVersion::parse("1.27.3"));
        for text in ["devel", "", "go", "go1.2.3.4", "1.21alpha1", "1..2", "go1.x"] {
            assert_eq!(GoVersion::parse(text), None, "{text}");
        }
        assert_eq!(later("go1.22", "go1.27.1"), "go1.27.1");
        assert_eq!(later("go1.30", "default"), "go1.30");
    }

    #[test]
    fn releases_are_read_from_every_spelling() {
        for text in ["go1.27.3", "1.27rc1", "go1.27", "go1.27.3 X:boringcrypto", "go1.27-custom"] {
            assert_eq!(GoVersion::parse(text).map(|v| v.release()), Some((1, 27)), "{text}");
        }
    }
}

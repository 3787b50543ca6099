//! Lists of words with quotes, as GOFLAGS and the `-...flags` of the go command hold them.
//!
//! Pure, over bytes; the meaning is that of go's cmd/internal/quoted.

/// A quote that does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unterminated;

/// Splits a list at blanks. A word that begins with a quote ends at the next such quote, nothing in
/// it is undone, and quotes further inside a word do not count.
///
/// # Errors
/// A quote that does not end: go refuses the whole list.
pub(crate) fn split(text: &[u8]) -> Result<Vec<&[u8]>, Unterminated> {
    let is_blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        let blank = rest.iter().take_while(|b| is_blank(b)).count();
        rest = &rest[blank..];
        let Some(first) = rest.first() else { return Ok(words) };
        let (word, behind) = match first {
            b'"' | b'\'' => {
                let end = rest[1..].iter().position(|b| b == first).ok_or(Unterminated)?;
                (&rest[1..=end], &rest[end + 2..])
            }
            _ => rest.split_at(rest.iter().position(is_blank).unwrap_or(rest.len())),
        };
        words.push(word);
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_as_by_go() {
        let words = |text: &str| {
            split(text.as_bytes()).map(|words| {
                words.iter().map(|w| String::from_utf8_lossy(w).into_owned()).collect::<Vec<_>>()
            })
        };
        for (text, want) in [
            ("", vec![]),
            (" ", vec![]),
            ("a", vec!["a"]),
            (" a\tb\r\nc ", vec!["a", "b", "c"]),
            ("'a b' \"c d\"", vec!["a b", "c d"]),
            ("'a'\"b\"c", vec!["a", "b", "c"]),
            ("a'b c'd", vec!["a'b", "c'd"]),
            ("'a\\'b", vec!["a\\", "b"]),
            ("''", vec![""]),
            ("'-toolexec=tool arg' -x", vec!["-toolexec=tool arg", "-x"]),
        ] {
            assert_eq!(words(text), Ok(want.iter().map(|w| (*w).to_owned()).collect()), "{text}");
        }
        for text in ["'", "\"", "'a", "a 'b\"", "\"a' b"] {
            assert_eq!(words(text), Err(Unterminated), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_split(text: Vec<u8>) {
            let _ = split(&text);
        }
    }
}

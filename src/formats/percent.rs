//! Percent escapes, as URLs have them.
//!
//! Pure. What the bytes mean, and which of them may stand there, is the caller's business.

/// The bytes that `text` stands for; `None` where an escape is malformed.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte != b'%' {
            out.push(*byte);
            at += 1;
            continue;
        }
        let digit = |at: usize| bytes.get(at).and_then(|b| (*b as char).to_digit(16));
        out.push((digit(at + 1)? * 16 + digit(at + 2)?) as u8);
        at += 3;
    }
    Some(out)
}

/// Any bytes as they may stand in every part of a URL.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_may_be_escaped_and_a_broken_escape_is_none() {
        assert_eq!(decode("a%2Fb%21%ff").as_deref(), Some(&b"a/b!\xff"[..]));
        assert_eq!(decode("plain").as_deref(), Some(&b"plain"[..]));
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), Some(all));
        for broken in ["%", "%2", "%zz", "a%2g"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}

//! The files that keep go's settings: the one that `go env -w` writes, and GOROOT/go.env.
//!
//! Pure, over bytes, line by line: a line that is not UTF-8 spoils no other.

use std::collections::BTreeMap;

/// The settings of such a file: `NAME=VALUE` lines that begin with a capital, everything else passed
/// over, the last of equal names counting. Nothing is trimmed: a blank is part of the value, and so
/// is a carriage return, as for go.
pub(crate) fn parse(text: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    text.split(|b| *b == b'\n')
        .filter(|line| line.first().is_some_and(u8::is_ascii_uppercase))
        .filter_map(|line| {
            let at = line.iter().position(|b| *b == b'=')?;
            Some((line[..at].to_vec(), line[at + 1..].to_vec()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_by_go() {
        let found = parse(b"# Caf\xe9\nGOPROXY=https://a,direct\nGOPRIVATE = x\n\nlower=1\nGOFLAGS=-x=y\nGOVCS\nGOPROXY=b\xff\nGOSUMDB=off\r\nGOAUTH=");
        let want: [(&[u8], &[u8]); 5] = [
            (b"GOPROXY", b"b\xff"),
            (b"GOPRIVATE ", b" x"),
            (b"GOFLAGS", b"-x=y"),
            (b"GOSUMDB", b"off\r"),
            (b"GOAUTH", b""),
        ];
        assert_eq!(found, want.map(|(k, v)| (k.to_vec(), v.to_vec())).into());
    }
}

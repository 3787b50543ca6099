//! The `h1:` hashes that go.sum records: `dirhash.Hash1` of golang.org/x/mod.
//!
//! Pure: files that have been read come in as names with their SHA-256. The hash is SHA-256 over one
//! line per file, sorted by name: the file's own SHA-256 in hex, two spaces, its name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// SHA-256 of one file's content.
pub(crate) type FileDigest = [u8; 32];

/// A file name with a newline, which would let one list of files pass for another: go refuses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NewlineInName;

/// The hash of names and contents of files. They may come in any order; they are sorted here.
///
/// # Errors
/// A name with a newline.
pub(crate) fn of_files(files: &mut [(&[u8], FileDigest)]) -> Result<String, NewlineInName> {
    if files.iter().any(|(name, _)| name.contains(&b'\n')) {
        return Err(NewlineInName);
    }
    files.sort_by(|one, other| one.0.cmp(other.0));
    let mut sum = Sha256::new();
    for (name, digest) in files {
        sum.update(hex(digest));
        sum.update(b"  ");
        sum.update(name);
        sum.update(b"\n");
    }
    Ok(format!("h1:{}", STANDARD.encode(sum.finalize())))
}

/// The hash that go.sum records for a go.mod file (`VERSION/go.mod`) of this content.
pub(crate) fn of_go_mod(content: &[u8]) -> String {
    // The one name has no newline.
    of_files(&mut [(b"go.mod", Sha256::digest(content).into())]).unwrap_or_default()
}

fn hex(digest: &FileDigest) -> [u8; 64] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; 64];
    for (two, byte) in out.chunks_exact_mut(2).zip(digest) {
        two[0] = DIGITS[usize::from(byte >> 4)];
        two[1] = DIGITS[usize::from(byte & 15)];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_every_go_sum() {
        // Well known: rsc.io/quote v1.5.2/go.mod.
        let text = b"module \"rsc.io/quote\"\n\nrequire \"rsc.io/sampler\" v1.3.0\n";
        assert_eq!(of_go_mod(text), "h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=");
        assert_eq!(of_files(&mut []).unwrap(), "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let digest = |text: &str| Sha256::digest(text).into();
        let one = of_files(&mut [(b"a", digest("1")), (b"b", digest("2"))]);
        assert_eq!(one, of_files(&mut [(b"b", digest("2")), (b"a", digest("1"))]));
        assert_eq!(of_files(&mut [(b"a\nb", digest("1"))]), Err(NewlineInName));
    }
}

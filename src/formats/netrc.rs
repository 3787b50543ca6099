//! Reads .netrc: who logs in where.
//!
//! Pure, over bytes, line by line, with go's meaning (cmd/go/internal/auth): pairs of words on one
//! line, entries of machines only, macros skipped, nothing behind `default`.

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    /// Host, host and port, or since go 1.27 host and path.
    pub machine: Vec<u8>,
    /// The user.
    pub login: Vec<u8>,
    /// The password.
    pub password: Vec<u8>,
}

/// All whole entries of a file, in order.
pub(crate) fn parse(text: &[u8]) -> Vec<Login> {
    let mut entries = Vec::new();
    let empty = || Login { machine: Vec::new(), login: Vec::new(), password: Vec::new() };
    let mut entry = empty();
    let mut in_macro = false;
    for line in text.split(|b| *b == b'\n') {
        if in_macro {
            in_macro = !line.is_empty();
            continue;
        }
        let words: Vec<&[u8]> = line.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).collect();
        for pair in words.chunks_exact(2) {
            match pair[0] {
                b"machine" => entry = Login { machine: pair[1].to_vec(), ..empty() },
                b"login" => entry.login = pair[1].to_vec(),
                b"password" => entry.password = pair[1].to_vec(),
                b"macdef" => in_macro = true,
                _ => {}
            }
            if !entry.machine.is_empty() && !entry.login.is_empty() && !entry.password.is_empty() {
                entries.push(std::mem::replace(&mut entry, empty()));
            }
        }
        if words.len() % 2 == 1 && words.last() == Some(&&b"default"[..]) {
            break;
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_by_go() {
        let found = parse(
            b"# caf\xe9\nmachine a.test login me password p\xffw\nmacdef init\nmachine evil login x password y\n\n\
              machine b.test:8443\n login you\n password two\nmachine half login x\nmachine a.test login late password no\n\
              default login z password z\ndefault\nmachine after login q password q\n",
        );
        let told: Vec<_> = found.iter().map(|l| (&l.machine[..], &l.login[..], &l.password[..])).collect();
        let want: [(&[u8], &[u8], &[u8]); 3] =
            [(b"a.test", b"me", b"p\xffw"), (b"b.test:8443", b"you", b"two"), (b"a.test", b"late", b"no")];
        assert_eq!(told, want);
    }
}

//! Reads git's configuration files as git does.
//!
//! Pure, over bytes. Sections and keys whatever their case, subsections in their own, values with
//! quotes, escapes, comments and continued lines. git refuses a file with a wrong line; here the
//! line is passed over and [`GitConfig::is_whole`] says so, because a name that is missed is told to
//! strangers.

/// One `key = value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The section, in lower case.
    pub section: Vec<u8>,
    /// The subsection, as written.
    pub subsection: Option<Vec<u8>>,
    /// The key, in lower case.
    pub key: Vec<u8>,
    /// The value; `None` for a key alone, which means true.
    pub value: Option<Vec<u8>>,
}

/// A configuration file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GitConfig {
    entries: Vec<Entry>,
    broken: bool,
}

impl GitConfig {
    /// Reads a file.
    pub(crate) fn parse(text: &[u8]) -> GitConfig {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let mut config = GitConfig::default();
        let mut reader = Reader { text, at: 0 };
        let mut section = None;
        while reader.at < text.len() {
            if reader.statement(&mut section, &mut config.entries).is_none() {
                config.broken = true;
                reader.skip_line();
            }
        }
        config
    }

    #[cfg(test)]
    /// Every value of `section.key` or `section.subsection.key`, in order. Where git wants one, the
    /// last counts; a remote's first URL is the one it is fetched from.
    pub(crate) fn values<'a>(
        &'a self,
        section: &'a str,
        subsection: Option<&'a str>,
        key: &'a str,
    ) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.entries
            .iter()
            .filter(move |e| {
                e.section == section.as_bytes()
                    && e.subsection.as_deref() == subsection.map(str::as_bytes)
                    && e.key == key.as_bytes()
            })
            .filter_map(|e| e.value.as_deref())
    }

    /// Adds `SECTION[.SUBSECTION].KEY` with a value, as the environment gives it; anything else is
    /// passed over.
    pub(crate) fn set(&mut self, name: &[u8], value: &[u8]) {
        let dots = |found: Option<usize>| found.filter(|at| *at > 0);
        let (Some(first), Some(last)) =
            (dots(name.iter().position(|b| *b == b'.')), dots(name.iter().rposition(|b| *b == b'.')))
        else {
            return;
        };
        self.entries.push(Entry {
            section: name[..first].to_ascii_lowercase(),
            subsection: (first < last).then(|| name[first + 1..last].to_vec()),
            key: name[last + 1..].to_ascii_lowercase(),
            value: Some(value.to_vec()),
        });
    }

    /// Every entry, in order.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The files that are named by `include.path` and `includeIf.CONDITION.path`, as written.
    pub(crate) fn includes(&self) -> impl Iterator<Item = &[u8]> {
        self.entries
            .iter()
            .filter(|e| e.key == b"path")
            .filter(|e| {
                (e.section == b"include" && e.subsection.is_none())
                    || (e.section == b"includeif" && e.subsection.is_some())
            })
            .filter_map(|e| e.value.as_deref())
    }

    /// False where git would refuse the file: something may have been missed.
    pub(crate) fn is_whole(&self) -> bool {
        !self.broken
    }
}

type Section = (Vec<u8>, Option<Vec<u8>>);

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte, `\n` for a `\r\n` and at the end of the file, as git has it.
    fn next(&mut self) -> u8 {
        let byte = self.peek();
        self.at += if byte == b'\n' && self.text.get(self.at) == Some(&b'\r') { 2 } else { 1 };
        byte
    }

    fn peek(&self) -> u8 {
        match self.text.get(self.at..).unwrap_or_default() {
            [] | [b'\r', b'\n', ..] => b'\n',
            [byte, ..] => *byte,
        }
    }

    fn skip_line(&mut self) {
        // From the last byte that was read, which may have been the end of its line.
        self.at = self.at.saturating_sub(1);
        while self.next() != b'\n' {}
    }

    /// A section header, a key with its value, a comment or a blank. `None` for anything else.
    fn statement(&mut self, section: &mut Option<Section>, entries: &mut Vec<Entry>) -> Option<()> {
        match self.next() {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => {}
            b'#' | b';' => while self.next() != b'\n' {},
            b'[' => {
                *section = None;
                *section = Some(self.header()?);
            }
            first if first.is_ascii_alphabetic() => {
                let (key, value) = self.entry(first)?;
                let (section, subsection) = section.clone()?;
                entries.push(Entry { section, subsection, key, value });
            }
            _ => return None,
        }
        Some(())
    }

    /// `name]`, `name.sub]` or `name "sub"]`.
    fn header(&mut self) -> Option<Section> {
        let mut name = Vec::new();
        loop {
            match self.next() {
                b']' => break,
                b' ' | b'\t' => return Some((name, Some(self.quoted_subsection()?))),
                byte if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' => {
                    name.push(byte.to_ascii_lowercase());
                }
                _ => return None,
            }
        }
        // The old form: everything in lower case, the subsection behind the first dot.
        Some(match name.iter().position(|b| *b == b'.') {
            Some(dot) => (name[..dot].to_vec(), Some(name[dot + 1..].to_vec())),
            None => (name, None),
        })
    }

    fn quoted_subsection(&mut self) -> Option<Vec<u8>> {
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
        if self.next() != b'"' {
            return None;
        }
        let mut name = Vec::new();
        loop {
            match self.next() {
                b'\n' => return None,
                b'"' => break,
                b'\\' => match self.next() {
                    b'\n' => return None,
                    byte => name.push(byte),
                },
                byte => name.push(byte),
            }
        }
        (self.next() == b']').then_some(name)
    }

    /// The rest of a key, and its value.
    fn entry(&mut self, first: u8) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let mut key = vec![first.to_ascii_lowercase()];
        while self.peek().is_ascii_alphanumeric() || self.peek() == b'-' {
            key.push(self.next().to_ascii_lowercase());
        }
        while matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
        match self.next() {
            b'\n' => Some((key, None)),
            b'=' => Some((key, Some(self.value()?))),
            _ => None,
        }
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        // How much of it is known to be no trailing blank.
        let mut kept = 0;
        let mut quoted = false;
        loop {
            match self.next() {
                b'\n' if quoted => return None,
                b'\n' => break,
                b'#' | b';' if !quoted => {
                    while self.next() != b'\n' {}
                    break;
                }
                blank @ (b' ' | b'\t' | b'\r' | 0x0b | 0x0c) if !quoted => {
                    if !value.is_empty() {
                        value.push(blank);
                    }
                    continue;
                }
                b'"' => quoted = !quoted,
                b'\\' => match self.next() {
                    b'\n' => continue,
                    b't' => value.push(b'\t'),
                    b'b' => value.push(8),
                    b'n' => value.push(b'\n'),
                    byte @ (b'\\' | b'"') => value.push(byte),
                    _ => return None,
                },
                byte => value.push(byte),
            }
            kept = value.len();
        }
        value.truncate(kept);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &[u8], section: &str, subsection: Option<&str>, key: &str) -> Vec<String> {
        let config = GitConfig::parse(text);
        config.values(section, subsection, key).map(|v| String::from_utf8_lossy(v).into_owned()).collect()
    }

    #[test]
    fn every_spelling_of_a_remote_is_read() {
        for text in [
            "[remote \"origin\"]\n\turl = git@h.example:o/r.git\n",
            "[Remote \"origin\"]\r\n URL=git@h.example:o/r.git\r\n",
            "[REMOTE   \"origin\"] Url = \"git@h.example:o/r.git\" # why\n",
            "[remote.origin]\nurl\t=\tgit@h.example:o/r.git ; why",
            "\u{feff}[core]\n[remote \"or\\igin\"]url = git@h.example:\\\no/r.git   \n",
            "[user]\n\tname = Caf\\\"e\n[remote \"origin\"]\n\tfetch\n\turl = git@h.example:\"o/r\".git\n",
        ] {
            assert_eq!(
                values(text.as_bytes(), "remote", Some("origin"), "url"),
                ["git@h.example:o/r.git"],
                "{text}"
            );
        }
        let latin = b"[user]\nname = Andr\xe9\n[remote \"origin\"]\nurl = x\nurl = y\n";
        assert_eq!(values(latin, "remote", Some("origin"), "url"), ["x", "y"]);
        assert_eq!(values(b"[remote \"Origin\"]\nurl = x\n", "remote", Some("origin"), "url"), [""; 0]);
    }

    #[test]
    fn values_are_undone_as_by_git() {
        for (text, want) in [
            ("k = a b  ", "a b"),
            ("k = \"a  \" ", "a  "),
            ("k = a # b", "a"),
            ("k = \"a # b; c\"", "a # b; c"),
            ("k = a\\tb\\n\\\\\\\"", "a\tb\n\\\""),
            ("k =", ""),
            ("k = a \\\n  b", "a   b"),
            ("k = a\rb", "a\rb"),
        ] {
            assert_eq!(values(format!("[s]\n{text}\n").as_bytes(), "s", None, "k"), [want], "{text}");
        }
    }

    #[test]
    fn a_wrong_line_is_told_and_takes_no_other_along() {
        for wrong in
            ["!", "k = \"open", "k = \\q", "[s \"open", "[bad name]", "[s_t]", "1k = v", "k v", "k_ = v"]
        {
            let text = format!("[s]\nk = before\n{wrong}\n[t \"u\"]\nk = after\n");
            let config = GitConfig::parse(text.as_bytes());
            assert!(!config.is_whole(), "{wrong}");
            assert_eq!(values(text.as_bytes(), "s", None, "k"), ["before"], "{wrong}");
            assert_eq!(values(text.as_bytes(), "t", Some("u"), "k"), ["after"], "{wrong}");
        }
        assert!(!GitConfig::parse(b"k = without a section\n").is_whole());
        assert!(GitConfig::parse(b"").is_whole());
    }

    #[test]
    fn included_files_are_named() {
        let config = GitConfig::parse(
            b"[include]\npath = ~/a\n[IncludeIf \"gitdir:~/work/\"]\nPATH = b\n[include \"x\"]\npath = c\n[core]\npath = d\n",
        );
        assert_eq!(config.includes().collect::<Vec<_>>(), [&b"~/a"[..], b"b"]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(text: Vec<u8>) {
            let _ = GitConfig::parse(&text);
        }
    }
}

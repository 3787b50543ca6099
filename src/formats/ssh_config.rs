//! Reads ssh's configuration as far as it says which host a name stands for.
//!
//! Pure, over bytes, line by line: keywords whatever their case, `key value` and `key=value`, words in
//! quotes, `Host` patterns with `*`, `?` and `!`. What a `Match` block holds may be so for any host.

use super::patterns::glob_matches;

/// A file of ssh's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SshConfig {
    blocks: Vec<Block>,
    includes: Vec<Vec<u8>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Block {
    /// Of `Host`; empty: for any host.
    patterns: Vec<Vec<u8>>,
    host_names: Vec<Vec<u8>>,
}

impl SshConfig {
    /// Reads a file.
    pub(crate) fn parse(text: &[u8]) -> SshConfig {
        let mut config = SshConfig { blocks: vec![Block::default()], includes: Vec::new() };
        for line in text.split(|b| *b == b'\n') {
            let words = words(line);
            let Some((key, values)) = words.split_first() else { continue };
            match key.to_ascii_lowercase().as_slice() {
                b"host" => config.blocks.push(Block { patterns: values.to_vec(), host_names: Vec::new() }),
                b"match" => config.blocks.push(Block::default()),
                b"hostname" => {
                    if let (Some(block), Some(name)) = (config.blocks.last_mut(), values.first()) {
                        block.host_names.push(name.clone());
                    }
                }
                b"include" => config.includes.extend(values.iter().cloned()),
                _ => {}
            }
        }
        config.blocks.retain(|block| !block.host_names.is_empty());
        config
    }

    /// Every name that `host` may stand for, `%h` filled in.
    pub(crate) fn names<'a>(&'a self, host: &'a str) -> impl Iterator<Item = String> + 'a {
        let blocks = self.blocks.iter().filter(move |block| block.is_about(host));
        blocks.flat_map(|block| &block.host_names).map(move |name| {
            String::from_utf8_lossy(name).replace("%h", host).replace("%%", "%").to_ascii_lowercase()
        })
    }

    /// The files that are named by `Include`, as written, patterns included.
    pub(crate) fn includes(&self) -> &[Vec<u8>] {
        &self.includes
    }
}

impl Block {
    fn is_about(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let fits =
            |pattern: &[u8]| glob_matches(&pattern.to_ascii_lowercase(), host.as_bytes()).unwrap_or(false);
        let denied = self.patterns.iter().filter_map(|p| p.strip_prefix(b"!")).any(fits);
        self.patterns.is_empty() || (!denied && self.patterns.iter().any(|p| fits(p)))
    }
}

/// The words of a line: the first one may end at a `=`, quotes keep blanks together.
fn words(line: &[u8]) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut rest = line;
    loop {
        let blank =
            rest.iter().take_while(|b| b.is_ascii_whitespace() || (words.len() == 1 && **b == b'=')).count();
        rest = &rest[blank..];
        match rest.first() {
            None | Some(b'#') => return words,
            Some(b'"') => {
                let end = rest[1..].iter().position(|b| *b == b'"').map_or(rest.len(), |at| at + 1);
                words.push(rest[1..end].to_vec());
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            Some(_) => {
                let ends = |b: &u8| b.is_ascii_whitespace() || (words.is_empty() && *b == b'=');
                let end = rest.iter().position(ends).unwrap_or(rest.len());
                words.push(rest[..end].to_vec());
                rest = &rest[end..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_are_found_in_every_spelling() {
        let config = SshConfig::parse(
            b"Include config.d/*  other\n# caf\xe9\nHost work w?\n\tHostName github.com\r\n\tUser git\n\
              HOST=\"corp\"\nhostname = \"Git.Corp.example\" # why\nHost * !work\n  HostName %h.internal.example\n\
              Match exec \"test\"\n HostName any.example\n",
        );
        let names = |host: &str| config.names(host).collect::<Vec<_>>();
        assert_eq!(names("work"), ["github.com", "any.example"]);
        assert_eq!(
            names("WX"),
            ["github.com", "WX.internal.example".to_ascii_lowercase().as_str(), "any.example"]
        );
        assert_eq!(names("corp"), ["git.corp.example", "corp.internal.example", "any.example"]);
        assert_eq!(config.includes(), [b"config.d/*".to_vec(), b"other".to_vec()]);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read(text: Vec<u8>, host in "\\PC{0,10}") {
            let _ = SshConfig::parse(&text).names(&host).count();
        }
    }
}

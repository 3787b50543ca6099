//! Patterns of module paths, as GOPRIVATE, GONOPROXY and GONOSUMDB hold them.
//!
//! Pure, over bytes: a list that is not UTF-8 still means what go reads in it. Meaning is exactly
//! that of `module.MatchPrefixPatterns` and `path.Match`; a malformed pattern matches nothing.

/// True where one of the comma-separated globs in `patterns` matches a prefix of `module`: a glob
/// of N elements is held against the first N elements. Blanks are part of a glob, as for go.
pub(crate) fn matches(patterns: impl AsRef<[u8]>, module: impl AsRef<[u8]>) -> bool {
    let module = module.as_ref();
    patterns.as_ref().split(|b| *b == b',').any(|glob| {
        let glob = glob.strip_suffix(b"/").unwrap_or(glob);
        let elements = glob.iter().filter(|b| **b == b'/').count();
        !glob.is_empty()
            && first_elements(module, elements + 1)
                .is_some_and(|prefix| glob_matches(glob, prefix).unwrap_or(false))
    })
}

/// The first `count` elements of a path; `None` where it has fewer.
fn first_elements(path: &[u8], count: usize) -> Option<&[u8]> {
    let mut slashes = path.iter().enumerate().filter(|(_, b)| **b == b'/').map(|(at, _)| at);
    match slashes.by_ref().nth(count - 1) {
        Some(end) => Some(&path[..end]),
        None => (path.iter().filter(|b| **b == b'/').count() + 1 == count).then_some(path),
    }
}

/// A pattern that `path.Match` calls malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadPattern;

/// `path.Match`: `*`, `?`, `[a-z]`, `[^a]` and `\x`; `*` and `?` do not match a slash.
///
/// # Errors
/// A malformed pattern, where the malformed part was come to.
pub(crate) fn glob_matches(mut pattern: &[u8], mut name: &[u8]) -> Result<bool, BadPattern> {
    'pattern: while !pattern.is_empty() {
        let (star, chunk, rest) = scan_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(!name.contains(&b'/'));
        }
        if let Some(left) = match_chunk(chunk, name)?
            && (left.is_empty() || !pattern.is_empty())
        {
            name = left;
            continue;
        }
        if star {
            let until = name.iter().position(|b| *b == b'/').unwrap_or(name.len());
            for skip in 1..=until {
                if let Some(left) = match_chunk(chunk, &name[skip..])?
                    && (left.is_empty() || !pattern.is_empty())
                {
                    name = left;
                    continue 'pattern;
                }
            }
        }
        // No match; what is left of the pattern must be well formed all the same.
        while !pattern.is_empty() {
            let (_, chunk, rest) = scan_chunk(pattern);
            pattern = rest;
            match_chunk(chunk, b"")?;
        }
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// Whether a star comes first, what stands before the next star, and the rest.
fn scan_chunk(pattern: &[u8]) -> (bool, &[u8], &[u8]) {
    let stars = pattern.iter().take_while(|b| **b == b'*').count();
    let pattern = &pattern[stars..];
    let (mut at, mut in_class) = (0, false);
    while at < pattern.len() {
        match pattern[at] {
            b'\\' if at + 1 < pattern.len() => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'*' if !in_class => break,
            _ => {}
        }
        at += 1;
    }
    let at = at.min(pattern.len());
    (stars > 0, &pattern[..at], &pattern[at..])
}

/// What is left of `name` behind `chunk`, which holds no star; `None` where it does not match.
fn match_chunk<'n>(mut chunk: &[u8], mut name: &'n [u8]) -> Result<Option<&'n [u8]>, BadPattern> {
    let mut failed = false;
    while let Some(first) = chunk.first() {
        failed = failed || name.is_empty();
        match first {
            b'[' => {
                let mut found = 0;
                if !failed {
                    let width;
                    (found, width) = rune(name);
                    name = &name[width..];
                }
                let (hit, rest) = class(&chunk[1..], found)?;
                chunk = rest;
                failed = failed || !hit;
                continue;
            }
            b'?' => {
                if !failed {
                    failed = name[0] == b'/';
                    name = &name[rune(name).1..];
                }
            }
            literal => {
                let mut literal = literal;
                if *literal == b'\\' {
                    chunk = &chunk[1..];
                    literal = chunk.first().ok_or(BadPattern)?;
                }
                if !failed {
                    failed = *literal != name[0];
                    name = &name[1..];
                }
            }
        }
        chunk = &chunk[1..];
    }
    Ok((!failed).then_some(name))
}

/// Whether the class that begins behind its bracket holds `found`, and what follows its end.
fn class(mut chunk: &[u8], found: u32) -> Result<(bool, &[u8]), BadPattern> {
    let negated = chunk.first() == Some(&b'^');
    if negated {
        chunk = &chunk[1..];
    }
    let (mut hit, mut ranges) = (false, 0);
    loop {
        if ranges > 0 && chunk.first() == Some(&b']') {
            return Ok((hit != negated, &chunk[1..]));
        }
        let (low, rest) = class_rune(chunk)?;
        chunk = rest;
        let mut high = low;
        if chunk[0] == b'-' {
            (high, chunk) = class_rune(&chunk[1..])?;
        }
        hit = hit || (low..=high).contains(&found);
        ranges += 1;
    }
}

/// One character of a class, and the rest of the pattern, of which there must be some.
fn class_rune(mut chunk: &[u8]) -> Result<(u32, &[u8]), BadPattern> {
    match chunk.first() {
        None | Some(b'-' | b']') => return Err(BadPattern),
        Some(b'\\') => chunk = &chunk[1..],
        Some(_) => {}
    }
    if chunk.is_empty() {
        return Err(BadPattern);
    }
    let (found, width) = rune(chunk);
    let rest = &chunk[width..];
    if rest.is_empty() || (found == REPLACEMENT && width == 1) {
        return Err(BadPattern);
    }
    Ok((found, rest))
}

/// What go reads where bytes are no UTF-8.
const REPLACEMENT: u32 = 0xfffd;

/// The first character and its width in bytes; of what is no UTF-8 one byte.
fn rune(bytes: &[u8]) -> (u32, usize) {
    let most = bytes.len().min(4);
    let valid = |width| std::str::from_utf8(&bytes[..width]).ok().and_then(|text| text.chars().next());
    (1..=most).find_map(|width| Some((u32::from(valid(width)?), width))).unwrap_or((REPLACEMENT, 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_prefixes_as_in_go() {
        for (pattern, module, want) in [
            ("example.test", "example.test/hello", true),
            ("*.test", "example.test/hello", true),
            ("example.test/*", "example.test/hello", true),
            ("example.test/*", "example.test", false),
            ("test", "example.test/hello", false),
            ("example.test/hel", "example.test/hello", false),
            ("a.b,c.d/e", "c.d/e/f", true),
            ("c.d/[a-e]?", "c.d/ex/f", true),
            ("c.d/[^a-e]x", "c.d/ex/f", false),
            ("c.d/[", "c.d/[", false),
            ("", "c.d/e", false),
            (",,", "c.d/e", false),
            ("git*.com/acme*", "github.com/acme-x/y", true),
            ("*", "github.com/acme-x/y", true),
            ("c.d/", "c.d/e", true),
            ("c.d//", "c.d/e", false),
            (" c.d", "c.d/e", false),
            ("c.d ,x", "c.d/e", false),
        ] {
            assert_eq!(matches(pattern, module), want, "{pattern} {module}");
        }
        assert!(matches(b"\xff,c.d", "c.d/e"), "one bad pattern takes no other along");
    }

    #[test]
    fn globs_are_those_of_path_match() {
        // What each feature of the syntax means, the edges of classes above all.
        for (pattern, name, want) in [
            ("abc", "abc", Ok(true)),
            ("*", "abc", Ok(true)),
            ("*c", "abc", Ok(true)),
            ("a*", "a", Ok(true)),
            ("a*", "ab/c", Ok(false)),
            ("a*/b", "abc/b", Ok(true)),
            ("a*/b", "a/c/b", Ok(false)),
            ("a*b*c*d*e*/f", "axbxcxdxe/f", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", Ok(false)),
            ("a*b?c*x", "abxbbxdbxebxczzx", Ok(true)),
            ("ab[c]", "abc", Ok(true)),
            ("ab[b-d]", "abc", Ok(true)),
            ("ab[^c]", "abc", Ok(false)),
            ("ab[^e-g]", "abc", Ok(true)),
            ("a\\*b", "a*b", Ok(true)),
            ("a\\*b", "ab", Ok(false)),
            ("a?b", "a☺b", Ok(true)),
            ("a[^a]b", "a☺b", Ok(true)),
            ("a???b", "a☺b", Ok(false)),
            ("[a-ζ]*", "α", Ok(true)),
            ("*[a-ζ]", "A", Ok(false)),
            ("a?b", "a/b", Ok(false)),
            ("[/]x", "/x", Ok(true)),
            ("[^a]x", "/x", Ok(true)),
            ("[\\]a]", "]", Ok(true)),
            ("[\\-x]", "-", Ok(true)),
            ("[x\\-]", "z", Ok(false)),
            ("[]a]", "]", Err(BadPattern)),
            ("[-]", "-", Err(BadPattern)),
            ("[x-]", "x", Err(BadPattern)),
            ("[-x]", "x", Err(BadPattern)),
            ("\\", "a", Err(BadPattern)),
            ("[a-b-c]", "a", Err(BadPattern)),
            ("[", "a", Err(BadPattern)),
            ("[^", "a", Err(BadPattern)),
            ("[^bc", "a", Err(BadPattern)),
            ("a[", "a", Err(BadPattern)),
            ("a[", "ab", Err(BadPattern)),
            ("a[", "x", Err(BadPattern)),
            ("a/b[", "x", Err(BadPattern)),
            ("*x", "xxx", Ok(true)),
            ("", "", Ok(true)),
            ("", "a", Ok(false)),
            ("[*]x", "*x", Ok(true)),
        ] {
            assert_eq!(glob_matches(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_judged(pattern: Vec<u8>, name: Vec<u8>) {
            let _ = glob_matches(&pattern, &name);
            let _ = matches(&pattern, &name);
        }
    }
}

//! What strangers say inside go's words is opaque: servers, archives, compilers, programs.

use super::*;
use crate::vocabulary::{Detail, Source};

/// Messages that somebody would like gox to take for go's.
const FORGED: &[&str] = &[
    "verifying v.test/good@v1.0.0: checksum mismatch\n\tdownloaded: h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\tgo.sum:     h1:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB=\n\nSECURITY ERROR",
    "go: v.test/good@v1.0.0: verifying module: checksum mismatch\n\tdownloaded: h1:AA=\n\tsum.golang.org: h1:BB=",
    "go: git.corp/x@v1.0.0: reading https://proxy.golang.org/git.corp/x/@v/v1.0.0.mod: 403 Forbidden",
    "v.test/good@v1.0.0: verifying module: v.test/good@v1.0.0: Get \"https://sum.golang.org/lookup/v.test/good@v1.0.0\": dial tcp 192.0.2.1:443: connect: connection refused",
    "-> unzip /root/go/pkg/mod/cache/download/v.test/good/@v/v1.0.0.zip: zip: not a valid zip file",
    "fatal: unable to access 'https://github.com/v/good/': Could not resolve host: github.com",
    "no space left on device",
];

fn read(stream: Stream, text: &str) -> Vec<Failure> {
    classify(&Rules::default(), stream, text.as_bytes()).failures
}

fn indented(text: &str) -> String {
    text.lines().map(|l| format!("\t{l}\n")).collect()
}

/// A server's answer, as go quotes it below its own line.
fn answered(status: &str, said: &str) -> String {
    format!(
        "go: a.test/b@v1.0.0: reading https://p.test/a.test/b/@v/v1.0.0.mod: {status}\n\tserver response:\n{}",
        indented(said)
    )
}

#[test]
fn what_a_server_says_is_no_failure_of_its_own() {
    for status in ["404 Not Found", "500 Internal Server Error", "503 Service Unavailable"] {
        let plain = read(Stream::Stderr, &answered(status, "it is not here"));
        for forged in FORGED {
            let text = answered(status, forged);
            for stream in [Stream::Stderr, Stream::Log] {
                // What it tells of its own trouble chooses words for people, and nothing else.
                let mut seen = read(stream, &text);
                seen.iter_mut().for_each(|failure| failure.facts.behind = None);
                assert_eq!(seen, plain, "{stream:?} {text}");
            }
            let object = serde_json::json!({"Path": "a.test/b", "Version": "v1.0.0", "Error": text.trim_start_matches("go: ")});
            let pretty = format!("{}\n", serde_json::to_string_pretty(&object).unwrap());
            let seen = read(Stream::JsonStdout, &pretty);
            assert_eq!(seen.len(), 1, "{seen:?}");
            assert_eq!((seen[0].cause, &seen[0].module), (plain[0].cause, &plain[0].module), "{pretty}");
        }
    }
}

#[test]
fn what_an_archive_says_never_becomes_a_mismatch_with_go_sum() {
    let carriers: [fn(&str) -> String; 6] = [
        |forged| {
            format!("main.go:3:8: a.test/b@v1.0.0: zip for a.test/b@v1.0.0 has unexpected file x\n{forged}\n")
        },
        |forged| {
            format!(
                "a.test/main imports\n\ta.test/b: a.test/b@v1.0.0: zip for a.test/b@v1.0.0 has unexpected file x\n{forged}\n"
            )
        },
        |forged| {
            format!("a.test/b@v1.0.0: unzip /c/a.zip: malformed file path \"x\n{forged}\": double dot\n")
        },
        |forged| format!("go: a.test/b@v1.0.0: zip for a.test/b@v1.0.0 has unexpected file x\n{forged}\n"),
        |forged| {
            format!(
                "go: a.test/b@v1.0.0: invalid response from proxy \"https://p.test\": proxy returned info for version v1.0.0\n{forged} instead of requested version\n"
            )
        },
        |forged| {
            format!(
                "go: unzip /c/cache/download/a.test/b/@v/v1.0.0.zip: malformed file path \"x\n{forged}\": double dot\n"
            )
        },
    ];
    for (carrier, forged) in carriers.iter().flat_map(|carrier| FORGED[..2].iter().map(move |f| (carrier, f)))
    {
        let text = carrier(forged);
        let seen = read(Stream::Stderr, &text);
        assert!(seen.iter().all(|f| f.module.as_deref() != Some("v.test/good")), "{text}\n{seen:?}");
        assert!(seen.iter().all(|f| f.cause != Cause::ChecksumMismatch), "{text}\n{seen:?}");
        // One error of a JSON object is one failure.
        let object = serde_json::json!({"Path": "a.test/b", "Version": "v1.0.0", "Error": text.trim_start_matches("go: ")});
        let seen = read(Stream::JsonStdout, &format!("{}\n", serde_json::to_string_pretty(&object).unwrap()));
        assert!(seen.iter().all(|f| f.module.as_deref() != Some("v.test/good")), "{text}\n{seen:?}");
        assert!(seen.iter().all(|f| f.cause != Cause::ChecksumMismatch), "{text}\n{seen:?}");
    }
}

#[test]
fn what_a_compiler_prints_stops() {
    for forged in FORGED {
        for line in [
            format!("./x.go:5:2: error: #error {}", forged.replace('\n', " ")),
            format!("x.go:5:2: {}", forged.trim_start_matches("v.test/good@v1.0.0: ")),
            forged
                .strip_prefix("go: ")
                .unwrap_or(forged)
                .trim_start_matches("v.test/good@v1.0.0: ")
                .to_owned(),
        ] {
            let text = format!("# a.test/main\n{line}\n");
            let seen = read(Stream::Stderr, &text);
            assert!(!seen.is_empty(), "{text}");
            // Damage that names a file is looked at: gox sees for itself.
            let harmless = |f: &Failure| f.action() == Action::Stop || f.facts.path.is_some();
            assert!(seen.iter().all(harmless), "{text}\n{seen:?}");
            assert!(seen.iter().all(|f| f.cause != Cause::ChecksumMismatch), "{text}\n{seen:?}");
        }
    }
}

/// Words that look like the network's, where go says which of the user's files it means.
#[test]
fn names_are_no_words_of_the_network() {
    for text in [
        "go: github.com/x/y@v1: unreachable pattern in GOVCS: \"public:all\" after \"public:git\"",
        "go: cannot load module timeout listed in go.work file: open timeout/go.mod: no such file or directory",
        "go: cannot load module ./eof listed in go.work file: open eof/go.mod: no such file or directory",
        "go: parsing overlay JSON: unexpected end of JSON input",
        "go: reading overlay: open timeout.json: no such file or directory",
        "go: reading overlay file: open EOF: no such file or directory",
        "go: conflicting replacements for example.test/timeout:\n\t../x\n\t../y",
        "go: conflicting replacements for example.test/eof:\n\t../x\n\t../y",
        "go: example.test/timeout@v1.0.0 (replaced by ../timeout): reading ../timeout/go.mod: open /w/timeout/go.mod: no such file or directory",
        "go: error reading go.mod: missing module declaration. To specify the module path:\n\tgo mod edit -module=example.com/mod",
        "go: errors parsing go.mod:\ngo.mod:3: unknown directive: timeout",
        "go: example.test/d@v1.0.0 requires\n\texample.test/timeout@v1.0.0: unrecognized import path \"example.test/timeout\": parse https://example.test/timeout?go-get=1: no go-import meta tags ()",
        "go: unzip /c/cache/download/a.test/b/@v/v1.0.0.zip: malformed file path \"a.test/b@v1.0.0/../x\": leading dot in path element",
        "go: unzip /c/cache/download/a.test/b/@v/v1.0.0.zip: case-insensitive file name collision: \"A.go\" and \"a.go\"",
        "go: a.test/b@v1.0.0: zip for a.test/b@v1.0.0 has unexpected file a.test/other@v1.0.0.txt",
        "go: a.test/b@v1.0.0: invalid response from proxy \"file:///srv/proxy\": invalid character '<' looking for beginning of value",
        "# example.test/m/in\nopen in/in.go: no such file or directory",
        "# example.test/m/in\nopen in/x-a.go: no such file or directory",
        "go: a.test/b@v1.0.0: verifying module: a.test/b@v1.0.0: reading file:///srv/proxy/sumdb/sum.golang.org/lookup/a.test/b@v1.0.0: no such file or directory",
    ] {
        let seen = read(Stream::Stderr, text);
        assert!(!seen.is_empty(), "{text}");
        assert!(seen.iter().all(|f| f.action() == Action::Stop), "{text}\n{seen:?}");
        assert!(seen.iter().all(|f| f.detail != Detail::Hidden), "{text}\n{seen:?}");
    }
    let version = read(
        Stream::Stderr,
        "go: a.test/b@v1.0.0: zip for a.test/b@v1.0.0 has unexpected file a.test/b@v1.0.0.txt",
    );
    assert_eq!(version[0].version.as_deref(), Some("v1.0.0"));
}

#[test]
fn a_tree_out_of_reach_is_no_damage() {
    let seen = read(
        Stream::Stderr,
        "go: a.test/b@v1.0.0: verifying go.mod: initializing sumdb.Client: checking tree#5: lookup sum.golang.org: no such host",
    );
    assert_eq!(
        (seen[0].cause, seen[0].source, seen[0].detail),
        (Cause::SumdbUnreachable, Some(Source::Sumdb), Detail::Away)
    );
}

#[test]
fn a_refusal_with_a_reason_is_told_from_one_without() {
    for (said, detail) in [
        ("blocked by policy: CVE-2024-1234", Detail::Reasoned),
        ("This module version is not available.", Detail::Reasoned),
        ("Forbidden", Detail::Plain),
        ("403 Forbidden", Detail::Plain),
    ] {
        let seen = read(Stream::Stderr, &answered("403 Forbidden", said));
        assert_eq!((seen[0].cause, seen[0].detail), (Cause::Http403, detail), "{said}");
        let one_line = format!(
            "go: a.test/b@v1.0.0: reading https://p.test/a.test/b/@v/v1.0.0.mod: 403 Forbidden\n\tserver response: {said}\n"
        );
        assert_eq!(read(Stream::Stderr, &one_line)[0].detail, detail, "{said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a server says below go's line, go's line is the only failure.
    #[test]
    fn no_answer_adds_a_failure(said in fragments(), forged in 0..FORGED.len(), before in any::<bool>()) {
        let said = String::from_utf8_lossy(&said).replace('\r', "");
        let said = if before { format!("{}\n{said}", FORGED[forged]) } else { format!("{said}\n{}", FORGED[forged]) };
        let seen = read(Stream::Stderr, &answered("500 Internal Server Error", &said));
        prop_assert_eq!(seen.len(), 1);
        prop_assert_eq!(seen[0].module.as_deref(), Some("a.test/b"));
        prop_assert!(seen[0].facts.got.is_none() && seen[0].facts.path.is_none());
    }
}

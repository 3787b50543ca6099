mod compiler;
mod frames;
mod logs;
mod mutants;
mod owners;
mod shapes;
mod strangers;
mod texts;
mod transport;

use super::*;
use crate::vocabulary::{Action, Cause, Detail};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn fixtures() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stderr");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|p| (p.clone(), std::fs::read_to_string(p).unwrap())).collect()
}

/// What the first line of a fixture says must be so: `# go1.27.3 stream=json cause=eof host=...`.
/// An action, a module or a host that is not named there is free, a cause always is.
#[test]
fn what_real_go_prints_is_read_right() {
    let mut wrong = Vec::new();
    for (path, fixture) in fixtures() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (header, text) = fixture.split_once('\n').unwrap();
        let stream = if header.contains(" stream=json") { Stream::JsonStdout } else { Stream::Stderr };
        for stream in [stream, Stream::Log] {
            let reading = classify(&Rules::default(), stream, text.as_bytes());
            let seen = reading.dominant();
            for want in header.split(' ').skip(2) {
                let (key, want) = want.split_once('=').unwrap();
                let got = match key {
                    "stream" => continue,
                    "cause" => Some(seen.map_or(Cause::None, |f| f.cause).to_string()),
                    "source" => seen.and_then(|f| f.source).map(|s| s.to_string()),
                    "action" => seen.map(|f| f.action().to_string()),
                    "module" => seen.and_then(|f| f.module.clone()),
                    "version" => seen.and_then(|f| f.version.clone()),
                    "host" => seen.and_then(|f| f.host.clone()),
                    "path" => seen.and_then(|f| f.facts.path.as_ref()).map(|p| p.display().to_string()),
                    "failures" => Some(reading.failures.len().to_string()),
                    "detail" => seen.map(|f| f.detail.to_string()),
                    other => panic!("{name}: unknown key {other}"),
                };
                // A log may hold more than one program's words: there, an unknown error is none.
                let unknown = stream == Stream::Log && want == "other" && got.as_deref() == Some("none");
                if got.as_deref() != Some(want)
                    && !unknown
                    && !(stream == Stream::Log && unlisted(header, key))
                {
                    wrong.push(format!("{name} {stream:?}: {key} is {got:?}, not {want}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Keys that follow from a cause which a log reads as no failure at all.
fn unlisted(header: &str, key: &str) -> bool {
    header.contains("cause=other") && key != "cause"
}

const WIDE: &str = "go: a.test/b@v1.0.0: Get \"https://p.test/a.test/b/@v/v1.0.0.mod\": dial tcp: lookup p.test on 192.0.2.1:53: no such host";

#[test]
fn chunks_do_not_matter() {
    let text = format!(
        "go: downloading x v1.0.0\r\nverifying c.test/d@v1.2.3: checksum mismatch\n\tdownloaded: h1:AA=\n\tgo.sum:     h1:BB=\n{WIDE}\r\n"
    );
    for stream in [Stream::Stderr, Stream::Log] {
        let whole = classify(&Rules::default(), stream, text.as_bytes());
        assert_eq!(whole.failures.len(), 2);
        for size in [1, 2, 3, 7, 64] {
            let mut classifier = Classifier::new(&Rules::default(), stream);
            text.as_bytes().chunks(size).for_each(|c| classifier.push(c));
            assert_eq!(classifier.finish(), whole, "chunks of {size}");
        }
    }
    let mismatch = classify(&Rules::default(), Stream::Stderr, text.as_bytes()).failures.remove(0);
    assert_eq!(mismatch.facts.got.as_deref(), Some("h1:AA="));
    assert_eq!(mismatch.facts.expected.map(|e| e.to_string()).as_deref(), Some("h1:BB="));
    assert!(!mismatch.facts.go_mod);
}

#[test]
fn a_failure_far_down_a_long_log_has_its_line_number() {
    let mut text = "=== a line of no interest, over and over again\n".repeat(4_000).into_bytes();
    text.extend_from_slice(b"x".repeat(3 << 20).as_slice());
    text.extend_from_slice(format!("\n{WIDE}\n").as_bytes());
    text.extend("more of nothing\n".repeat(4_000).into_bytes());
    let reading = classify(&Rules::default(), Stream::Log, &text);
    assert_eq!(reading.failures.len(), 1);
    assert_eq!(reading.failures[0].line, 4_002);
    assert_eq!(reading.failures[0].host.as_deref(), Some("p.test"));
}

#[test]
fn the_same_failure_is_kept_once_and_their_number_is_bounded() {
    let many: String = (0..2 * MAX_FAILURES)
        .map(|n| format!("go: a.test/m{n}@v1.0.0: Get \"https://p.test/a.test/m{n}/@v/v1.0.0.mod\": EOF\n"))
        .collect();
    let text = format!("{WIDE}\n{WIDE}\n{many}main.go:1:2: undefined: x\n");
    let reading = classify(&Rules::default(), Stream::Stderr, text.as_bytes());
    assert_eq!(reading.counts[0], 2);
    assert!(reading.failures.len() <= MAX_FAILURES + Cause::ALL.len());
    assert!(reading.omitted > 0);
    assert!(
        reading.failures.iter().any(|f| f.cause == Cause::CompileError),
        "what forbids a retry is never omitted"
    );
}

#[test]
fn a_mixed_run_reports_every_failure() {
    let text =
        format!("{WIDE}\n# c.test/d\n./x.go:3:4: undefined: timeout\ngo: something nobody has heard of\n");
    let causes: Vec<Cause> = classify(&Rules::default(), Stream::Stderr, text.as_bytes())
        .failures
        .iter()
        .map(|f| f.cause)
        .collect();
    assert_eq!(causes, [Cause::Dns, Cause::CompileError, Cause::Other]);
}

#[test]
fn what_a_program_died_of_is_no_failure_of_gos() {
    let text = "panic: Get \"https://p.test/m/@v/list\": EOF\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:5 +0x1\nexit status 2\n";
    let reading = classify(&Rules::default(), Stream::Log, text.as_bytes());
    assert!(reading.failures.is_empty(), "{:?}", reading.failures);
    let reading = classify(&Rules::default(), Stream::Stderr, text.as_bytes());
    assert!(reading.failures.iter().all(|f| f.action() == Action::Stop), "{:?}", reading.failures);
}

#[test]
fn a_host_is_the_same_with_and_without_the_usual_port() {
    let text = "go: h.test/a/b@v1.0.0: invalid version: git fetch -f origin in /x: exit status 128:\n\tfatal: unable to access 'https://h.test/a/b.git/': LibreSSL SSL_connect: SSL_ERROR_SYSCALL in connection to h.test:443\n";
    let reading = classify(&Rules::default(), Stream::Stderr, text.as_bytes());
    assert_eq!(reading.failures[0].cause, Cause::GitNetwork);
    assert_eq!(reading.failures[0].host.as_deref(), Some("h.test"));
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rule = |pattern: &str, action, origin: &str| UserRule {
        pattern: Regex::new(pattern).unwrap(),
        action,
        origin: origin.into(),
    };
    let rules = Rules {
        user: vec![rule("no such host", UserAction::Stop, "a:1"), rule("lookup", UserAction::Retry, "b:2")],
    };
    let reading = classify(&rules, Stream::Stderr, WIDE.as_bytes());
    assert_eq!(reading.failures[0].cause, Cause::Dns);
    assert_eq!(reading.failures[0].action(), Action::Stop);
    assert_eq!(reading.failures[0].rule, Some(UserAction::Stop));
    assert_eq!(reading.origins[0].as_deref(), Some("a:1"));
}

#[test]
fn a_resolver_that_is_away_is_told_from_a_name_that_does_not_exist() {
    for (words, detail) in [
        ("on 127.0.0.53:53: server misbehaving", Detail::Resolver),
        ("on 192.0.2.1:53: read udp 192.0.2.9:4711->192.0.2.1:53: i/o timeout", Detail::Resolver),
        ("on 127.0.0.1:53: read udp 127.0.0.1:1->127.0.0.1:53: read: connection refused", Detail::Resolver),
        (": Temporary failure in name resolution", Detail::Resolver),
        ("on 192.0.2.1:53: no such host", Detail::Plain),
        (": Name or service not known", Detail::Plain),
    ] {
        let gap = if words.starts_with(':') { "" } else { " " };
        let text = format!(
            "go: a.test/b@v1.0.0: Get \"https://p.test/a.test/b/@v/v1.0.0.mod\": dial tcp: lookup p.test{gap}{words}\n"
        );
        let reading = classify(&Rules::default(), Stream::Stderr, text.as_bytes());
        let found = &reading.failures[0];
        assert_eq!((found.cause, found.detail), (Cause::Dns, detail), "{text}");
    }
}

fn causes_of_log(text: &str) -> Vec<Cause> {
    classify(&Rules::default(), Stream::Log, text.as_bytes()).failures.iter().map(|f| f.cause).collect()
}

#[test]
fn the_bare_tail_of_a_message_counts_where_nothing_is_around_it() {
    for (text, cause) in [
        ("dial tcp [2001:db8::1]:443: i/o timeout\n", Cause::Timeout),
        ("dial tcp 192.0.2.7:443: connect: network is unreachable\n", Cause::Unreachable),
        ("proxyconnect tcp: dial tcp 127.0.0.1:7890\n", Cause::ConnRefused),
        ("lookup proxy.golang.org: Temporary failure in name resolution\n", Cause::Dns),
        ("dial tcp: lookup mirror.example.test on 192.0.2.53:53: no such host\n", Cause::Dns),
    ] {
        assert_eq!(causes_of_log(text), [cause], "{text}");
        for around in ["api-1  | ", "2024/05/01 12:00:00 ", "db: ", "panic: ", "main.go:12: "] {
            assert_eq!(causes_of_log(&format!("{around}{text}")), [], "{around}{text}");
        }
        assert_eq!(causes_of_log(&format!("=== RUN   TestDial\n{text}")), [], "{text}");
    }
    assert_eq!(causes_of_log("dial tcp 10.0.0.5:5432: connect: connection refused\n"), []);
}

#[test]
fn what_a_console_broke_is_read_as_one() {
    for text in [
        "go: a.test/b@v1.0.0: loading deprecation for\na.test/b: module a.test/b: read\n\"https://p.test/a.test/b/@v/list\": stream\nerror: stream ID 33; INTERNAL_ERROR; received from peer\n",
        "go: a.test/b@v1.0.0: Get \"https://p.test/a.test/b/@v/v1.0.0.mod\": stream\nerror: stream ID 5; INTERNAL_ERROR\n",
    ] {
        assert_eq!(causes_of_log(text), [Cause::Http2], "{text}");
    }
    for text in [
        "# x/task.go:13:2: could not import context (open\n# /home/u/.cache/go-build/08/088b62cd-d: no such file or directory)\n",
        "x/task.go:13:2: could not import context (open /home/u/.cache/go-build/08/088b62cd-d: no such file or directory)\n",
    ] {
        assert_eq!(causes_of_log(text), [Cause::CacheCorrupt], "{text}");
    }
}

#[test]
fn stores_are_told_by_their_place() {
    let clone = "/root/go/pkg/mod/cache/vcs/18c8a4821c6ff1f0d96f125c972f52d77edfc87c2255508fb264cd15d4b292dd";
    let gone = format!(
        "go: a.test/b@v1.0.0: invalid version: git ls-remote -q origin in {clone}: exit status 128:\n\tfatal: 'origin' does not appear to be a git repository\n\tfatal: Could not read from remote repository.\n"
    );
    for (text, cause) in [
        (gone.as_str(), Cause::CacheCorrupt),
        (
            "go: download go1.25.5: unzip /root/go/pkg/mod/cache/download/golang.org/toolchain/@v/v0.0.1-go1.25.5.linux-arm64.zip: zip: not a valid zip file\n",
            Cause::CacheCorrupt,
        ),
        (
            "go build a.test/b: copying /tmp/go-build4290285243/b001/exe/a.out: open b: permission denied\n",
            Cause::Other,
        ),
    ] {
        assert_eq!(causes_of_log(text), [cause], "{text}");
        let stderr = classify(&Rules::default(), Stream::Stderr, text.as_bytes());
        assert_eq!(stderr.dominant().map(|f| f.cause), Some(cause), "{text}");
    }
    let named = format!(
        "go: a.test/b.git@v0.0.3: invalid version: git ls-remote -q origin in {clone}: exit status 128:\n\tfatal: unable to connect to git.test:\n\ta.test[0: 192.168.1.10]: errno=Connection refused\n"
    );
    let reading = classify(&Rules::default(), Stream::Stderr, named.as_bytes());
    assert_eq!(reading.failures[0].host.as_deref(), Some("git.test"));
}

fn fragments() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static str> = vec![
        "go: ",
        "a.test/b@v1.0.0: ",
        "Get \"https://p.test/a/@v/v1.mod\"",
        ": EOF",
        "\n",
        "\r",
        "\t",
        " ",
        "verifying ",
        "checksum mismatch",
        "\n\tdownloaded: h1:",
        "SECURITY ERROR",
        "# ",
        "#7 1.5 ",
        "fatal: ",
        "exit status 128:",
        "git ls-remote",
        " in /x/cache/vcs/0a",
        "unzip ",
        ".zip: ",
        "é",
        "\u{1b}[31m",
        "http:/",
        "//",
        "@",
        "%21",
        "!",
        "=== RUN x",
        "--- FAIL: x",
        "{",
        "}",
        "{\"Action\":\"output\",\"Output\":\"x\"}",
        "\"Error\": \"x\"",
        "x.go:1:2: ",
        "imports",
        " requires",
        "server response:",
        "lookup h on ",
        "\u{1F600}",
        "2024-01-02T03:04:05Z ",
        ">",
        "\"",
        "=",
    ];
    prop::collection::vec(
        prop_oneof![8 => prop::sample::select(words).prop_map(|w| w.as_bytes().to_vec()), 1 => prop::collection::vec(any::<u8>(), 0..8)],
        0..80,
    )
    .prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_input_panics_and_chunks_never_matter(text in fragments(), size in 1usize..50) {
        for stream in [Stream::Stderr, Stream::JsonStdout, Stream::Log] {
            let whole = classify(&Rules::default(), stream, &text);
            prop_assert_eq!(whole.failures.is_empty(), whole.dominant.is_none());
            prop_assert_eq!(whole.failures.len(), whole.counts.len());
            let mut classifier = Classifier::new(&Rules::default(), stream);
            text.chunks(size).for_each(|c| classifier.push(c));
            prop_assert_eq!(classifier.finish(), whole);
        }
        trace::requests(&text);
    }
}

/// Time grows with the length, not with its square: counted, not timed. The work of a text twice as
/// long is at most twice as much because every line is cut, every message has a bounded number of
/// parts, and every part is joined to the one before at most a bounded number of times.
#[test]
fn endless_messages_stay_bounded() {
    for piece in [
        "\tmore of it\n",
        " requires\n",
        "a.test/b@v1.0.0: read\n",
        "go: x imports\n\t",
        "\"",
        "https://",
        "fatal: x\n",
    ] {
        let text =
            format!("go: a.test/b@v1.0.0: git ls-remote in /x: exit status 128:\n{}", piece.repeat(6_000));
        for stream in [Stream::Stderr, Stream::Log] {
            let reading = classify(&Rules::default(), stream, text.as_bytes());
            assert!(reading.failures.len() < 8, "{piece:?}");
            assert!(reading.failures.iter().all(|f| f.evidence.len() <= MAX_EVIDENCE));
        }
    }
}

/// Each rule for go's own words stands in fixtures of two releases or tools at least, and each is read so.
#[test]
fn each_rule_has_two_fixtures() {
    let text = include_str!("../../../tests/rules.txt");
    let mut wrong = Vec::new();
    let mut fixtures = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut columns = line.splitn(3, '\t');
        let (who, want) = (columns.next().unwrap(), columns.next().expect(line));
        let words = columns.next().expect(line).replace("\\n", "\n").replace("\\t", "\t");
        fixtures.push((who, words.to_lowercase()));
        for stream in [Stream::Stderr, Stream::Log] {
            let reading = classify(&Rules::default(), stream, words.as_bytes());
            let got = reading.dominant().map_or(Cause::None, |f| f.cause).to_string();
            let unknown = stream == Stream::Log && want == "other" && got == "none";
            if got != want && !unknown {
                wrong.push(format!("{got}, not {want}, for {stream:?} {words}"));
            }
        }
    }
    for words in rules::rules() {
        let mut told: Vec<&str> =
            fixtures.iter().filter(|(_, text)| text.contains(words)).map(|(who, _)| *who).collect();
        told.sort_unstable();
        told.dedup();
        if told.len() < 2 {
            wrong.push(format!("{words:?} has {told:?} only"));
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

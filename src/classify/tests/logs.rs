//! Whole logs of builds in which many programs speak.

use super::*;

/// Parts of a build that are no go's, each with trouble of its own.
const OTHERS: &[&str] = &[
    "Get:1 http://deb.debian.org/debian bookworm InRelease [151 kB]\nErr:2 http://deb.debian.org/debian bookworm-updates InRelease\n  Temporary failure resolving 'deb.debian.org'\nE: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Connection timed out\nW: Some index files failed to download. They have been ignored, or old ones used instead.\n",
    "npm warn deprecated rimraf@3.0.2: Rimraf versions prior to v4 are no longer supported\nnpm error code ECONNRESET\nnpm error network aborted\nnpm error network This is a problem related to network connectivity.\nadded 312 packages in 9s\n",
    "#3 [internal] load metadata for docker.io/library/golang:1.27\n#3 ERROR: failed to do request: Head \"https://registry-1.docker.io/v2/library/golang/manifests/1.27\": dial tcp: lookup registry-1.docker.io: i/o timeout\n#4 [1/4] FROM docker.io/library/golang:1.27@sha256:0123\n#4 CACHED\n",
    "$ docker pull registry.example.test/base\nError response from daemon: Get \"https://registry.example.test/v2/\": net/http: TLS handshake timeout\n",
    "Cloning into 'assets'...\nfatal: unable to access 'https://git.example.test/a/assets.git/': Could not resolve host: git.example.test\nretrying in 5 seconds\nCloning into 'assets'...\nremote: Enumerating objects: 5, done.\n",
    "$ git push --tags\nfatal: unable to access 'https://git.example.test/a/b.git/': The requested URL returned error: 503\n",
    "\u{2577}\n\u{2502} Error: Failed to install provider\n\u{2502} \n\u{2502} Error while installing hashicorp/google v4.51.0: Get \"https://releases.example.test/SHA256SUMS\": read tcp 192.0.2.4:42832->192.0.2.3:443: read: connection reset by peer\n\u{2575}\n",
    "=== RUN   TestProxy\n    proxy_test.go:12: go: a.test/x@v1.0.0: Get \"https://proxy.golang.org/a.test/x/@v/v1.0.0.mod\": EOF\n--- PASS: TestProxy (0.01s)\nPASS\nok  \ta.test/main\t0.412s\n",
    "ok  \ta.test/one\t0.1s\n?   \ta.test/two\t[no test files]\nok  \ta.test/three\t(cached)\n",
    "go: downloading a.test/x v1.0.0\ngo: downloading a.test/y v1.2.0\ngo: finding module for package a.test/z\n",
    "+ curl -fsSL https://get.example.test/tool\ncurl: (7) Failed to connect to get.example.test port 443: Connection refused\n+ true\n",
    "  Downloading wheel-0.42.0-py3-none-any.whl (65 kB)\nWARNING: Retrying (Retry(total=4)) after connection broken by 'ReadTimeoutError': /simple/wheel/\nSuccessfully installed wheel-0.42.0\n",
    "error: failed to fetch `https://index.example.test/`\n\nCaused by:\n  failed to connect to index.example.test: Connection timed out; class=Net (12)\n",
    "2026/03/04 10:11:12 server: accept: dial tcp 192.0.2.1:5432: connect: connection refused\n2026/03/04 10:11:13 ready\n",
    "make[1]: Entering directory '/src'\ncc -O2 -c x.c -o x.o\nmake[1]: Leaving directory '/src'\n",
];

/// Failures of go's, with the line that tells of each and its cause.
const GOS: &[(&str, usize, Cause)] = &[
    (
        "+ go build ./...\ngo: downloading a.test/b v1.0.0\ngo: a.test/b@v1.0.0: Get \"https://proxy.golang.org/a.test/b/@v/v1.0.0.mod\": dial tcp: lookup proxy.golang.org on 192.0.2.53:53: no such host\n",
        3,
        Cause::Dns,
    ),
    (
        "$ go mod download\ngo: a.test/b@v1.0.0: invalid version: git ls-remote -q origin in /go/pkg/mod/cache/vcs/0a: exit status 128:\n\tfatal: unable to access 'https://a.test/b/': Failed to connect to a.test port 443: Connection timed out\n",
        2,
        Cause::GitNetwork,
    ),
    (
        "RUN go vet ./...\nverifying a.test/b@v1.0.0: checksum mismatch\n\tdownloaded: h1:AA=\n\tgo.sum:     h1:BB=\n\nSECURITY ERROR\nThis download does NOT match an earlier download recorded in go.sum.\n",
        2,
        Cause::ChecksumMismatch,
    ),
    ("go build -o app .\n# a.test/main\n./main.go:7:2: undefined: timeout\n", 3, Cause::CompileError),
    (
        "go get a.test/b\ngo: a.test/b@v1.0.0: reading https://proxy.golang.org/a.test/b/@v/v1.0.0.mod: 503 Service Unavailable\n",
        2,
        Cause::Http5xx,
    ),
];

fn stamped(text: &str) -> String {
    text.lines()
        .enumerate()
        .map(|(n, l)| format!("2026-03-04T10:{:02}:{:02}.123Z {l}\n", n / 60 % 60, n % 60))
        .collect()
}

/// A log of all the parts, beginning with this one; `after` so many of them stands `go`.
fn log(first: usize, go: Option<(&str, usize)>) -> String {
    let mut text = String::new();
    for n in 0..OTHERS.len() {
        if let Some((words, _)) = go.filter(|(_, after)| *after == n) {
            text += words;
        }
        text += OTHERS[(first + n) % OTHERS.len()];
        text += &"a line of a build, like thousands of others\n".repeat(1 + (first * 7 + n) % 30);
    }
    text
}

#[test]
fn a_log_without_a_failure_of_go_s_has_none() {
    for first in 0..OTHERS.len() {
        let text = log(first, None);
        for text in [stamped(&text), text] {
            let seen = classify(&Rules::default(), Stream::Log, text.as_bytes()).failures;
            assert!(seen.is_empty(), "{seen:?}\n{text}");
        }
    }
}

#[test]
fn go_s_failure_is_found_with_its_line_wherever_it_stands() {
    for (n, (words, line, cause)) in GOS.iter().enumerate() {
        for first in 0..OTHERS.len() {
            let after = (first * 5 + n) % OTHERS.len();
            let text = log(first, Some((words, after)));
            let at = text[..text.find(words).unwrap()].lines().count() + line;
            for text in [stamped(&text), text] {
                let reading = classify(&Rules::default(), Stream::Log, text.as_bytes());
                let seen = reading.dominant().map(|f| (f.cause, usize::try_from(f.line).unwrap()));
                assert_eq!(seen, Some((*cause, at)), "{:?}\n{text}", reading.failures);
                assert_eq!(reading.failures.len(), 1, "{:?}", reading.failures);
            }
        }
    }
}

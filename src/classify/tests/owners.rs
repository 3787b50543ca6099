//! Words are go's only where go is what says them.

use super::*;

fn causes(text: &str) -> Vec<Cause> {
    causes_of_log(text)
}

const UNRESOLVED: &str =
    "fatal: unable to access 'https://git.test/a/b.git/': Could not resolve host: git.test";
const MODULE: &str =
    "go: a.test/b@v1.0.0: Get \"https://p.test/a.test/b/@v/v1.0.0.mod\": dial tcp 192.0.2.1:443: i/o timeout";

/// Programs that fetch by themselves, git first among them.
#[test]
fn other_programs_failures_are_not_gos() {
    for text in [
        format!("Cloning into 'b'...\n{UNRESOLVED}\n"),
        format!("$ git push origin main\nremote: Internal Server Error\n{UNRESOLVED}\n"),
        "Cloning into 'x'...\nssh: connect to host git.test port 22: Connection timed out\nfatal: Could not read from remote repository.\n".into(),
        "error: RPC failed; curl 92 HTTP/2 stream 5 was not closed cleanly: CANCEL (err 8)\nfatal: early EOF\nfatal: fetch-pack: invalid index-pack output\n".into(),
        format!("Error: failed to download module \"vpc\": error downloading 'https://git.test/a/b': /usr/bin/git exited with 128: Cloning into '.terraform/modules/vpc'...\n{UNRESOLVED}\n"),
        "npm ERR! command git --no-replace-objects ls-remote ssh://git@git.test/a/b.git\nnpm ERR! git@git.test: Permission denied (publickey).\nnpm ERR! fatal: Could not read from remote repository.\n".into(),
        format!("  ERROR: Command errored out with exit status 128: git clone -q https://git.test/a/b.git /tmp/x Check the logs.\n  {UNRESOLVED}\n"),
        format!("Caused by:\n  process didn't exit successfully: `git fetch --force 'https://git.test/a/b'` (exit status: 128)\n  --- stderr\n  {UNRESOLVED}\n"),
        format!("hudson.plugins.git.GitException: Command \"git fetch --tags -- https://git.test/a/b\" returned status code 128:\nstdout: \nstderr: {UNRESOLVED}\n"),
        format!("Fetching changes with git depth set to 20...\n{UNRESOLVED}\nERROR: Job failed: exit code 1\n"),
        format!("fatal: [web1]: FAILED! => {{\"msg\": \"Cloning into '/srv'...\\n{UNRESOLVED}\", \"rc\": 128}}\n"),
        format!("Submodule 'x' registered for path 'x'\n{UNRESOLVED}\nfatal: clone of 'https://git.test/a/b' into submodule path 'x' failed\n"),
        "Step 3/7 : FROM golang:1.27\nGet \"https://registry.test/v2/\": net/http: TLS handshake timeout\n".into(),
        "curl: (6) Could not resolve host: proxy.golang.org\n".into(),
        "$ svn checkout https://svn.test/r\nsvn: E000110: Error running context: Connection timed out\n".into(),
    ] {
        assert_eq!(causes(&text), [], "{text}");
    }
}

/// The same words below what only go prints.
#[test]
fn git_speaks_for_go_below_go_s_words() {
    let clone = "/root/go/pkg/mod/cache/vcs/18c8a4821c6ff1f0d96f125c972f52d7";
    for text in [
        format!(
            "go: a.test/b@v1.0.0: invalid version: git ls-remote -q origin in {clone}: exit status 128:\n\t{UNRESOLVED}\n"
        ),
        format!("main.go:4:2: git fetch -f origin in {clone}: exit status 128:\n\t{UNRESOLVED}\n"),
        format!("git ls-remote -q origin in ***: exit status 128:\n\t{UNRESOLVED}\n"),
        format!("go: module git.test/a/b: git ls-remote -q https://git.test/a/b ...\n\t{UNRESOLVED}\n"),
        format!(
            "remote:        go: a.test/b@v1.0.0: git fetch -f origin in {clone}: exit status 128:\nremote:        \t{UNRESOLVED}\nremote:  !     Push rejected\n"
        ),
        // A blank line between the two, as pages and mails make it.
        format!(
            "go: a.test/b@v1.0.0: git ls-remote -q origin in {clone}: exit status 128:\n\n{UNRESOLVED}\n"
        ),
        format!(
            "# cd .; git clone https://git.test/a/b /root/go/src/git.test/a/b\nCloning into '/root/go/src/git.test/a/b'...\n{UNRESOLVED}\npackage git.test/a/b: exit status 128\n"
        ),
        // As a go without modules ends, its first lines cut off.
        format!("{UNRESOLVED}\npackage git.test/a/b/c: exit status 128\n"),
        // A go command stands beside it, and no other program that runs git.
        format!("+ go mod download\n{UNRESOLVED}\n"),
        format!("{UNRESOLVED}\nERROR: executor failed running [/bin/sh -c go mod tidy]: exit code: 1\n"),
    ] {
        let reading = classify(&Rules::default(), Stream::Log, text.as_bytes());
        assert_eq!(reading.dominant().map(|f| f.cause), Some(Cause::GitNetwork), "{text}");
    }
    let between = format!("+ go build ./...\n+ git clone https://git.test/a/b\n{UNRESOLVED}\n");
    assert_eq!(causes(&between), [], "{between}");
}

/// What go prints, held by a test, a listing or a diff.
#[test]
fn quoted_words_of_go_s_are_not_go_s() {
    let quoted = MODULE.replace('"', "\\\"");
    for text in [
        format!("=== RUN   TestDown\n{MODULE}\n--- PASS: TestDown (0.01s)\nPASS\nok  \ta.test/main\t0.1s\n"),
        format!(
            "=== RUN   TestDown\n    down_test.go:7: exit status 1\n        {MODULE}\n--- PASS: TestDown (0.01s)\nok  \ta.test/main\t0.1s\n"
        ),
        format!(
            "    down_test.go:7: \n        \tError:      \tReceived unexpected error:\n        \t            \t{MODULE}\n"
        ),
        format!("var want = \"{quoted}\"\n"),
        format!("\t\tin:   `{MODULE}`,\n\t\twant: \"timeout\",\n"),
        format!("\treturn errors.New(\"{quoted}\")\n"),
        format!("\tif got := f(); got != `{MODULE}` {{\n"),
        format!(
            "diff --git a/x.md b/x.md\n--- a/x.md\n+++ b/x.md\n@@ -1,2 +1,3 @@\n one\n+    {MODULE}\n+{MODULE}\n"
        ),
    ] {
        assert_eq!(causes(&text), [], "{text}");
    }
    let failed = format!(
        "    --- FAIL: TestDown/eof (0.00s)\n        down_test.go:7: got:\n            {MODULE}\nFAIL\nFAIL\ta.test/main\t0.1s\n"
    );
    let reading = classify(&Rules::default(), Stream::Log, failed.as_bytes());
    assert!(reading.failures.iter().all(|f| f.cause == Cause::TestFailure), "{:?}", reading.failures);
}

/// A test's words end with its program, and with the next command.
#[test]
fn what_comes_after_a_test_is_go_s_again() {
    for over in [
        "ok  \ta.test/main\t0.1s",
        "FAIL\ta.test/main\t0.1s",
        "make: *** [test] Error 1",
        "$ go build ./...",
        "+ go mod download",
    ] {
        let text = format!("=== RUN   TestDown\nhello\n--- PASS: TestDown (0.01s)\n{over}\n{MODULE}\n");
        let reading = classify(&Rules::default(), Stream::Log, text.as_bytes());
        assert_eq!(reading.dominant().map(|f| f.cause), Some(Cause::Timeout), "{text}");
    }
    // However much of no interest stands between.
    let filler = "one more line of what a test prints\n".repeat(400);
    let inside = format!(
        "=== RUN   TestDown\n{filler}{MODULE}\n{filler}--- PASS: TestDown (0.01s)\nPASS\nok  \ta.test/main\t0.1s\n"
    );
    assert_eq!(causes(&inside), []);
    let behind = format!(
        "=== RUN   TestDown\n--- PASS: TestDown (0.01s)\nPASS\nok  \ta.test/main\t0.1s\n{filler}{MODULE}\n"
    );
    assert_eq!(causes(&behind), [Cause::Timeout]);
    // A script's headings are no tests.
    assert_eq!(causes(&format!("=== Building the program ===\n{MODULE}\n")), [Cause::Timeout]);
}

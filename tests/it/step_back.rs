//! Hosts that go can talk to and others may not: what a second plain go gets through, gox gets through.

use crate::harness::{Outcome, Project};
use crate::lab::{Fault, Front, Lab, first_of_each};
use std::sync::Arc;

/// What a host makes of an answer: its path and body to the bytes that go out.
type Manner = Arc<dyn Fn(&str, &[u8]) -> Vec<u8> + Send + Sync>;

fn head(lines: &str, body: &[u8]) -> Vec<u8> {
    let mut out = lines.replace("LENGTH", &body.len().to_string()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// A head of these lines before the body.
fn with(lines: &'static str) -> Manner {
    Arc::new(move |_, body| head(lines, body))
}

/// The body in chunks, each line of its own as `frame` writes it.
fn chunked(header: &'static str, size: fn(usize) -> String, end: &'static str) -> Manner {
    Arc::new(move |_, body| {
        let mut out = format!("HTTP/1.1 200 OK\r\n{header}\r\nConnection: close\r\n\r\n").into_bytes();
        for piece in body.chunks(1000) {
            out.extend_from_slice(format!("{}\r\n", size(piece.len())).as_bytes());
            out.extend_from_slice(piece);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(end.as_bytes());
        out
    })
}

/// A redirect to the same place, once, with `Location` as `target` writes it.
fn redirected(target: fn(&str) -> String) -> Manner {
    Arc::new(move |path, body| {
        if path.contains("again") {
            return head("HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n", body);
        }
        let location = target(path);
        format!(
            "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .into_bytes()
    })
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// Answers that HTTP libraries read differently. Long, for it is a table.
#[expect(clippy::too_many_lines)]
fn manners() -> Vec<(&'static str, Manner)> {
    let many: Manner = Arc::new(|_, body| {
        let lines: String = (0..300).map(|n| format!("X-{n}: {n}\r\n")).collect();
        head(&format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: LENGTH\r\nConnection: close\r\n\r\n"), body)
    });
    let large: Manner = Arc::new(|_, body| {
        let line = format!("X-Large: {}\r\n", "x".repeat(700_000));
        head(&format!("HTTP/1.1 200 OK\r\n{line}Content-Length: LENGTH\r\nConnection: close\r\n\r\n"), body)
    });
    let huge: Manner = Arc::new(|_, body| {
        let line = format!("X-Large: {}\r\n", "x".repeat(12 << 20));
        head(&format!("HTTP/1.1 200 OK\r\n{line}Content-Length: LENGTH\r\nConnection: close\r\n\r\n"), body)
    });
    let odd_zips: Manner = Arc::new(|path, body| {
        let lines = if path.ends_with(".zip") { "X Odd : yes\r\n" } else { "" };
        head(&format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: LENGTH\r\nConnection: close\r\n\r\n"), body)
    });
    vec![
        ("plain", with("HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n")),
        (
            "a blank in a name",
            with("HTTP/1.1 200 OK\r\nX Odd: yes\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a blank behind a name",
            with("HTTP/1.1 200 OK\r\nX-Odd : yes\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a folded line",
            with(
                "HTTP/1.1 200 OK\r\nX-Odd: yes,\r\n  and no\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "a folded line with a tab",
            with(
                "HTTP/1.1 200 OK\r\nX-Odd: yes,\r\n\tand no\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "the first line folded",
            with("HTTP/1.1 200 OK\r\n X-Odd: yes\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "bytes beyond ASCII",
            with(
                "HTTP/1.1 200 OK\r\nX-Odd: h\u{e9}\u{4e2d}\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "brackets in a name",
            with("HTTP/1.1 200 OK\r\nX(Odd): yes\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a slash in a name",
            with("HTTP/1.1 200 OK\r\nX/Odd: yes\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a line without a colon",
            with("HTTP/1.1 200 OK\r\nX-Odd\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a name of nothing",
            with("HTTP/1.1 200 OK\r\n: yes\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a control in a value",
            with("HTTP/1.1 200 OK\r\nX-Odd: a\u{1}b\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a NUL in a value",
            with("HTTP/1.1 200 OK\r\nX-Odd: a\0b\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        ("no reason", with("HTTP/1.1 200\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n")),
        ("an empty reason", with("HTTP/1.1 200 \r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n")),
        (
            "a reason beyond ASCII",
            with("HTTP/1.1 200 \u{597d}\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "two blanks in the status",
            with("HTTP/1.1  200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a tab in the status",
            with("HTTP/1.1\t200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        ("lines end with LF", with("HTTP/1.1 200 OK\nContent-Length: LENGTH\nConnection: close\n\n")),
        (
            "an empty line first",
            with("\r\nHTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        ("HTTP/1.0", with("HTTP/1.0 200 OK\r\nContent-Length: LENGTH\r\n\r\n")),
        ("HTTP/1.0 without a length", with("HTTP/1.0 200 OK\r\n\r\n")),
        ("without a length", with("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")),
        ("HTTP/1.2", with("HTTP/1.2 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n")),
        (
            "HTTP/2.0 in plain text",
            with("HTTP/2.0 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        ("small letters", with("http/1.1 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n")),
        ("ICY", with("ICY 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n")),
        (
            "the length twice",
            with(
                "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "the length twice in a line",
            with("HTTP/1.1 200 OK\r\nContent-Length: LENGTH, LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a length with blanks",
            with("HTTP/1.1 200 OK\r\nContent-Length:   LENGTH  \r\nConnection: close\r\n\r\n"),
        ),
        (
            "a length with a plus",
            with("HTTP/1.1 200 OK\r\nContent-Length: +LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "a length with zeros",
            with("HTTP/1.1 200 OK\r\nContent-Length: 000LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        ("an empty length", with("HTTP/1.1 200 OK\r\nContent-Length: \r\nConnection: close\r\n\r\n")),
        (
            "100 first",
            with(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "103 twice first",
            with(
                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "102 first",
            with(
                "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "a status of no class",
            with("HTTP/1.1 299 Fine\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        ("203", with("HTTP/1.1 203 Changed\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n")),
        (
            "206 unasked",
            with(
                "HTTP/1.1 206 Part\r\nContent-Length: LENGTH\r\nContent-Range: bytes 0-/*\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "a status of four digits",
            with("HTTP/1.1 2000 OK\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n"),
        ),
        (
            "text/html of a file server",
            with(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "identity named",
            with(
                "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "transfer identity",
            with(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "gzip claimed",
            with(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n",
            ),
        ),
        (
            "keep-alive claimed",
            with(
                "HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\nConnection: keep-alive\r\nKeep-Alive: timeout=100\r\n\r\n",
            ),
        ),
        ("300 headers", many),
        ("a head of 700 KB", large),
        ("a head of 12 MB", huge),
        ("only zips are odd", odd_zips),
        ("chunks", chunked("Transfer-Encoding: chunked", |n| format!("{n:x}"), "0\r\n\r\n")),
        ("chunks in capitals", chunked("Transfer-Encoding: Chunked", |n| format!("{n:X}"), "0\r\n\r\n")),
        (
            "chunks with extensions",
            chunked("Transfer-Encoding: chunked", |n| format!("{n:x};a=b"), "0;c\r\n\r\n"),
        ),
        ("chunks with blanks", chunked("Transfer-Encoding: chunked", |n| format!("{n:x}   "), "0\r\n\r\n")),
        ("chunks with zeros", chunked("Transfer-Encoding: chunked", |n| format!("{n:08x}"), "000\r\n\r\n")),
        (
            "chunks with a trailer",
            chunked("Transfer-Encoding: chunked\r\nTrailer: X", |n| format!("{n:x}"), "0\r\nX: y\r\n\r\n"),
        ),
        (
            "chunks and a length",
            chunked("Transfer-Encoding: chunked\r\nContent-Length: 7", |n| format!("{n:x}"), "0\r\n\r\n"),
        ),
        ("chunks twice", chunked("Transfer-Encoding: chunked, chunked", |n| format!("{n:x}"), "0\r\n\r\n")),
        (
            "chunks named twice",
            chunked(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                |n| format!("{n:x}"),
                "0\r\n\r\n",
            ),
        ),
        (
            "chunks without the last line",
            chunked("Transfer-Encoding: chunked", |n| format!("{n:x}"), "0\r\n"),
        ),
        ("a chunk with 0x", chunked("Transfer-Encoding: chunked", |n| format!("0x{n:x}"), "0\r\n\r\n")),
        ("to a whole path", redirected(|path| format!("{path}?again"))),
        ("to a name", redirected(|path| format!("{}?again", last(path)))),
        ("to ./name", redirected(|path| format!("./{}?again", last(path)))),
        ("to ../@v/name", redirected(|path| format!("../@v/{}?again", last(path)))),
        ("to many ..", redirected(|path| format!("../../../../../../..{path}?again"))),
        ("to a query", redirected(|_| "?again".to_owned())),
        ("to a blank in the query", redirected(|path| format!("{path}?a b&again"))),
        ("to odd letters", redirected(|path| format!("{path}?again=<{{|}}>^`\"\\"))),
        ("to letters beyond ASCII", redirected(|path| format!("{path}?again=h\u{e9}"))),
        ("to a fragment", redirected(|path| format!("{path}?again#there"))),
        ("to a broken escape", redirected(|path| format!("{path}?again=%zz"))),
        ("to a broken escape in the path", redirected(|path| format!("{path}%zz?again"))),
        ("to blanks around", redirected(|path| format!("  {path}?again  "))),
        ("to two slashes", redirected(|path| format!("//{path}?again"))),
        ("to an empty place", redirected(|_| String::new())),
        ("to a colon", redirected(|path| format!(":{path}?again"))),
        ("to a scheme of nobody", redirected(|path| format!("gopher://h{path}?again"))),
        ("to a tab", redirected(|path| format!("\t{path}?again"))),
    ]
}

fn download(project: &Project, relay: &str, fill: &str) -> Outcome {
    project
        .gox(["mod", "download"])
        .env("GOX_RELAY", relay)
        .env("GOX_FILL", fill)
        .env("GOX_BUDGET", "6s")
        .run()
}

/// Each of them is asked for by go and by gox, and gox gets what go gets.
#[test]
fn what_go_can_read_gox_gets() {
    let lab = Lab::new().modules(2).size(3_000).start();
    let mut wrong = String::new();
    let mut read = 0;
    for (what, manner) in manners() {
        let front = Front::of(&lab.host(0), move |path, body| manner(path, body));
        let project = Project::new(&lab).env("GOPROXY", front.url());
        let plain = project.go(["mod", "download"]).run();
        read += usize::from(plain.code() == Some(0));
        for (relay, fill) in [("always", "off"), ("auto", "auto")] {
            let project = Project::new(&lab).env("GOPROXY", front.url());
            let first = download(&project, relay, fill);
            if plain.code() == Some(0) && first.code() != Some(0) {
                wrong.push_str(&format!("{what}, relay {relay}, fill {fill}:\n{first}\n"));
            }
            // What gox takes, go takes; an empty line before an answer belongs to the one before it.
            if what != "an empty line first" && plain.code() != Some(0) && first.code() == Some(0) {
                wrong.push_str(&format!("{what}, relay {relay}, fill {fill}: go refuses\n{plain}\n"));
            }
        }
    }
    assert!(read > 40, "go itself reads {read} of them");
    assert!(wrong.is_empty(), "{wrong}");
}

/// An upstream that is left to go costs no attempt, and no later run is the worse for it.
#[test]
fn an_upstream_that_is_left_to_go_costs_no_attempt_and_nothing_later() {
    let lab = Lab::new().modules(6).start();
    let odd = with("HTTP/1.1 200 OK\r\nX Odd : yes\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n");
    let front = Front::of(&lab.host(0), move |path, body| odd(path, body));
    let project = Project::new(&lab).env("GOPROXY", front.url());
    for round in 0..3 {
        let outcome = download(&project, "auto", "auto").success();
        let report = outcome.report();
        assert_eq!(report["attempts"].as_array().map(Vec::len), Some(1), "{round}\n{outcome}");
        assert!(
            report["fetch"]["left_to_go"][0].as_str().is_some_and(|why| why.contains("127.0.0.1")),
            "{outcome}"
        );
        assert!(outcome.said().is_empty(), "{round}\n{outcome}");
        project.clear_module_cache();
    }
    let heard = front.heard();
    assert!(heard.iter().any(|(_, agent)| !agent.contains("gox")), "go asks itself: {heard:?}");
}

/// Behind one that only go can talk to, go walks on as it would alone: in the first run, and in those that
/// remember.
#[test]
fn go_walks_on_behind_an_upstream_that_is_left_to_it() {
    let lab = Lab::new().modules(3).start();
    for separator in [",", "|"] {
        let absent = Front::saying(
            "HTTP/1.1 404 Not Found\r\nX Odd : yes\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
        let list = format!("{}{separator}{}", absent.url(), lab.url(0));
        for args in [&["mod", "download"][..], &["get", "example.test/m000@v1.0.0"]] {
            let project = Project::new(&lab).env("GOPROXY", &list);
            for round in 0..2 {
                project.clear_module_cache();
                let outcome = project.gox(args.iter().copied()).run().success();
                assert!(outcome.attempts() + round <= 2, "{separator} {args:?} {round}\n{outcome}");
            }
        }
    }
}

/// What earlier runs met starts nothing where nothing is missing, and the relay where something is.
#[test]
fn a_bad_network_is_nothing_to_a_whole_cache() {
    let lab = Lab::new().modules(2).fault(Fault::Eof, first_of_each(1)).start();
    let project = Project::new(&lab).env("GOX_FILL", "off");
    assert!(project.gox(["mod", "download"]).run().success().attempts() > 1);
    let whole = project.gox(["list", "-m", "all"]).run().success();
    assert!(whole.report()["relay"].is_null(), "{whole}");
    project.clear_module_cache();
    let missing = project.gox(["list", "-m", "all"]).run().success();
    assert!(!missing.report()["relay"].is_null(), "{missing}");
}

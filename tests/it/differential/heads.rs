//! A generator of answers that HTTP libraries read differently: status lines, header lines, framings, redirects,
//! each by itself and several together.

use std::sync::Arc;

/// What a host makes of a file: its path and body to the bytes that go out.
type Manner = Arc<dyn Fn(&str, &[u8]) -> Vec<u8> + Send + Sync>;

/// One way to answer.
#[derive(Clone)]
pub(super) struct Form {
    pub(super) name: String,
    /// gox reads it by itself, so that many of them may be asked for in one run.
    pub(super) plain: bool,
    pub(super) manner: Manner,
}

/// Status lines, ends of lines included. `!` stands before what gox leaves to go, or go refuses.
const STATUSES: &[(&str, &str)] = &[
    ("200 OK", "HTTP/1.1 200 OK\r\n"),
    ("no reason", "HTTP/1.1 200\r\n"),
    ("an empty reason", "HTTP/1.1 200 \r\n"),
    ("a reason of many words", "HTTP/1.1 200 All is well: here it is\r\n"),
    ("a reason in quotes", "HTTP/1.1 200 \"OK\"\r\n"),
    ("a reason with a tab", "HTTP/1.1 200 O\tK\r\n"),
    ("a reason beyond ASCII", "HTTP/1.1 200 \u{597d}\r\n"),
    ("HTTP/1.0", "HTTP/1.0 200 OK\r\n"),
    ("100 first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"),
    ("102 first", "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n"),
    (
        "103 twice first",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n",
    ),
    ("!199 first", "HTTP/1.1 199 Odd\r\n\r\nHTTP/1.1 200 OK\r\n"),
    ("!six times 100 first", SIX),
    ("!two blanks in the status", "HTTP/1.1  200 OK\r\n"),
    ("!two blanks before the reason", "HTTP/1.1 200  OK\r\n"),
    ("!a tab in the status", "HTTP/1.1\t200 OK\r\n"),
    ("!a blank first", " HTTP/1.1 200 OK\r\n"),
    ("!HTTP/1.2", "HTTP/1.2 200 OK\r\n"),
    ("!HTTP/1.10", "HTTP/1.10 200 OK\r\n"),
    ("!HTTP/01.1", "HTTP/01.1 200 OK\r\n"),
    ("!HTTP/1", "HTTP/1 200 OK\r\n"),
    ("!HTTP/0.9", "HTTP/0.9 200 OK\r\n"),
    ("!HTTP/2.0 in plain text", "HTTP/2.0 200 OK\r\n"),
    ("!small letters", "http/1.1 200 OK\r\n"),
    ("!ICY", "ICY 200 OK\r\n"),
    ("!a plus", "HTTP/1.1 +200 OK\r\n"),
    ("!a minus", "HTTP/1.1 -200 OK\r\n"),
    ("!0200", "HTTP/1.1 0200 OK\r\n"),
    ("!20", "HTTP/1.1 20 OK\r\n"),
    ("!2000", "HTTP/1.1 2000 OK\r\n"),
    ("!2OO", "HTTP/1.1 2OO OK\r\n"),
    ("!a dot behind", "HTTP/1.1 200. OK\r\n"),
    ("!299", "HTTP/1.1 299 Fine\r\n"),
    ("!203", "HTTP/1.1 203 Changed\r\n"),
    ("!201", "HTTP/1.1 201 Created\r\n"),
    ("!204", "HTTP/1.1 204 Nothing\r\n"),
    ("!206 unasked", "HTTP/1.1 206 Part\r\n"),
    ("!a control in the reason", "HTTP/1.1 200 O\u{1}K\r\n"),
    ("!a NUL in the reason", "HTTP/1.1 200 O\0K\r\n"),
    ("!two CR", "HTTP/1.1 200 OK\r\r\n"),
    ("!a header line before", "X-Odd: yes\r\nHTTP/1.1 200 OK\r\n"),
];

/// As many informal answers as go takes, and one more.
const SIX: &str = "HTTP/1.1 100 A\r\n\r\nHTTP/1.1 100 B\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 D\r\n\r\n\
                   HTTP/1.1 100 E\r\n\r\nHTTP/1.1 100 F\r\n\r\nHTTP/1.1 200 OK\r\n";

/// Further lines of a head, ends included.
const LINES: &[(&str, &str)] = &[
    ("an empty value", "X-Odd:\r\n"),
    ("no blank behind the colon", "X-Odd:yes\r\n"),
    ("tabs around a value", "X-Odd:\t yes \t\r\n"),
    ("a value with colons", "X-Odd: a:b:c\r\n"),
    ("bytes beyond ASCII", "X-Odd: h\u{e9}\u{4e2d}\r\n"),
    ("the same line thrice", "X-Odd: 1\r\nX-Odd: 2\r\nx-odd: 3\r\n"),
    ("an underscore in a name", "X_Odd: yes\r\n"),
    ("every letter of a token in a name", "!#$%&'*+-.^_`|~09azAZ: yes\r\n"),
    ("text/html of a file server", "Content-Type: text/html\r\n"),
    ("a content type that is none", "Content-Type: ;;=\r\n"),
    ("identity named", "Content-Encoding: identity\r\n"),
    ("a coding of nobody", "Content-Encoding: zebra\r\n"),
    ("cookies", "Set-Cookie: a=b; Path=/; HttpOnly\r\nSet-Cookie: ;;\r\n"),
    ("an upgrade offered", "Upgrade: h2c, websocket\r\n"),
    ("an Alt-Svc", "Alt-Svc: h3=\":443\"; ma=1\r\n"),
    ("a date that is none", "Date: tomorrow\r\nLast-Modified: 0\r\nExpires: -1\r\n"),
    ("a Location without a redirect", "Location: http://nowhere.invalid/\r\n"),
    ("an ETag without quotes", "ETag: abc\r\nAccept-Ranges: bytes\r\n"),
    ("ranges refused", "Accept-Ranges: none\r\n"),
    ("Retry-After at 200", "Retry-After: 100000\r\n"),
    ("a warning", "Warning: 110 proxy \"stale\"\r\nAge: 99999999999\r\n"),
    ("an ssl policy", "Strict-Transport-Security: max-age=1\r\n"),
    ("keep-alive claimed", "Keep-Alive: timeout=100\r\n"),
    ("!a blank in a name", "X Odd: yes\r\n"),
    ("!a blank behind a name", "X-Odd : yes\r\n"),
    ("a folded line", "X-Odd: yes,\r\n  and no\r\n"),
    ("a folded line with a tab", "X-Odd: yes,\r\n\tand no\r\n"),
    ("!a folded line of blanks", "X-Odd: yes\r\n  \r\n"),
    ("!brackets in a name", "X(Odd): yes\r\n"),
    ("!a slash in a name", "X/Odd: yes\r\n"),
    ("!letters beyond ASCII in a name", "X-\u{e9}: yes\r\n"),
    ("!a line without a colon", "X-Odd\r\n"),
    ("!a name of nothing", ": yes\r\n"),
    ("!a control in a value", "X-Odd: a\u{1}b\r\n"),
    ("!a DEL in a value", "X-Odd: a\u{7f}b\r\n"),
    ("!a NUL in a value", "X-Odd: a\0b\r\n"),
    ("!a CR in a value", "X-Odd: a\rb\r\n"),
    ("!an LF alone", "X-Odd: yes\nX-Other: no\r\n"),
    ("!gzip claimed", "Content-Encoding: gzip\r\n"),
    ("!a trailer announced", "Trailer: Content-Length\r\n"),
];

/// How a body is framed: the lines of the head, and the bytes.
type Framing = fn(&[u8]) -> (String, Vec<u8>);

fn length(value: &str, body: &[u8]) -> (String, Vec<u8>) {
    (value.replace("LENGTH", &body.len().to_string()), body.to_vec())
}

/// The body in chunks of a thousand.
fn chunks(header: &str, body: &[u8], size: fn(usize) -> String, end: &str) -> (String, Vec<u8>) {
    let mut out = Vec::new();
    for piece in body.chunks(1000) {
        out.extend_from_slice(format!("{}\r\n", size(piece.len())).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(end.as_bytes());
    (header.to_owned(), out)
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// The framings. Long, for it is a table.
const FRAMINGS: &[(&str, Framing)] = &[
    ("a length", |b| length("Content-Length: LENGTH\r\n", b)),
    ("a length with blanks", |b| length("Content-Length:   LENGTH  \r\n", b)),
    ("a length with zeros", |b| length("Content-Length: 000LENGTH\r\n", b)),
    ("the length twice", |b| length("Content-Length: LENGTH\r\nContent-Length: LENGTH\r\n", b)),
    ("no length", |b| length("", b)),
    ("!the length twice in a line", |b| length("Content-Length: LENGTH, LENGTH\r\n", b)),
    ("!two lengths", |b| length("Content-Length: LENGTH\r\nContent-Length: 7\r\n", b)),
    ("!a length with a plus", |b| length("Content-Length: +LENGTH\r\n", b)),
    ("!a negative length", |b| length("Content-Length: -1\r\n", b)),
    ("!a length in hexadecimals", |b| length(&format!("Content-Length: 0x{:x}\r\n", b.len()), b)),
    ("!a length with a dot", |b| length("Content-Length: LENGTH.0\r\n", b)),
    ("!an empty length", |b| length("Content-Length: \r\n", b)),
    ("!a length beyond all", |b| length("Content-Length: 99999999999999999999\r\n", b)),
    ("!a shorter length", |b| length(&format!("Content-Length: {}\r\n", b.len() - 1), b)),
    ("!a longer length", |b| length(&format!("Content-Length: {}\r\n", b.len() + 1), b)),
    ("!transfer identity", |b| length("Transfer-Encoding: identity\r\nContent-Length: LENGTH\r\n", b)),
    ("!transfer gzip", |b| length("Transfer-Encoding: gzip\r\nContent-Length: LENGTH\r\n", b)),
    ("!an empty transfer coding", |b| length("Transfer-Encoding:\r\nContent-Length: LENGTH\r\n", b)),
    ("chunks", |b| chunks(CHUNKED, b, |n| format!("{n:x}"), "0\r\n\r\n")),
    ("chunks in capitals", |b| {
        chunks("Transfer-Encoding: CHUNKED\r\n", b, |n| format!("{n:X}"), "0\r\n\r\n")
    }),
    ("chunks with extensions", |b| chunks(CHUNKED, b, |n| format!("{n:x};a=b"), "0;c\r\n\r\n")),
    ("chunks with extensions in quotes", |b| chunks(CHUNKED, b, |n| format!("{n:x};a=\"b;c\""), "0\r\n\r\n")),
    // What this HTTP library takes of them in a whole body go takes of a few chunks.
    ("!chunks with long extensions", |b| {
        let mut out = Vec::new();
        for piece in b.chunks(100) {
            out.extend_from_slice(format!("{:x};a={}\r\n", piece.len(), "b".repeat(700)).as_bytes());
            out.extend_from_slice(piece);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"0\r\n\r\n");
        (CHUNKED.to_owned(), out)
    }),
    ("chunks with zeros", |b| chunks(CHUNKED, b, |n| format!("{n:08x}"), "000\r\n\r\n")),
    ("chunks with a trailer", |b| chunks(CHUNKED, b, |n| format!("{n:x}"), "0\r\nX-End: yes\r\n\r\n")),
    ("!chunks with blanks", |b| chunks(CHUNKED, b, |n| format!("{n:x}   "), "0\r\n\r\n")),
    ("!chunks with a blank before", |b| chunks(CHUNKED, b, |n| format!(" {n:x}"), "0\r\n\r\n")),
    ("!chunks with many zeros", |b| chunks(CHUNKED, b, |n| format!("{n:020x}"), "0\r\n\r\n")),
    ("!a chunk with 0x", |b| chunks(CHUNKED, b, |n| format!("0x{n:x}"), "0\r\n\r\n")),
    ("!a chunk with a plus", |b| chunks(CHUNKED, b, |n| format!("+{n:x}"), "0\r\n\r\n")),
    ("!chunks without the last line", |b| chunks(CHUNKED, b, |n| format!("{n:x}"), "0\r\n")),
    ("!chunks without the last chunk", |b| chunks(CHUNKED, b, |n| format!("{n:x}"), "")),
    ("!chunks with an odd trailer", |b| chunks(CHUNKED, b, |n| format!("{n:x}"), "0\r\nX Odd\r\n\r\n")),
    ("!chunks and a length", |b| {
        chunks("Transfer-Encoding: chunked\r\nContent-Length: 7\r\n", b, |n| format!("{n:x}"), "0\r\n\r\n")
    }),
    ("!chunks twice", |b| {
        chunks("Transfer-Encoding: chunked, chunked\r\n", b, |n| format!("{n:x}"), "0\r\n\r\n")
    }),
    ("!chunks named twice", |b| {
        let twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
        chunks(twice, b, |n| format!("{n:x}"), "0\r\n\r\n")
    }),
    ("!chunks behind identity", |b| {
        chunks("Transfer-Encoding: identity, chunked\r\n", b, |n| format!("{n:x}"), "0\r\n\r\n")
    }),
    ("!chunks in quotes", |b| {
        chunks("Transfer-Encoding: \"chunked\"\r\n", b, |n| format!("{n:x}"), "0\r\n\r\n")
    }),
];

/// A Location, made of the path that was asked for.
type Target = fn(&str) -> String;

/// Where a redirect leads: from the path asked for. What is asked for again has `again` in it.
const TARGETS: &[(&str, Target)] = &[
    ("a whole path", |p| format!("{p}?again")),
    ("a name", |p| format!("{}?again", last(p))),
    ("./name", |p| format!("./{}?again", last(p))),
    ("../@v/name", |p| format!("../@v/{}?again", last(p))),
    ("many ..", |p| format!("../../../../../../..{p}?again")),
    ("a query", |_| "?again".to_owned()),
    ("a blank in the query", |p| format!("{p}?a b&again")),
    ("a fragment", |p| format!("{p}?again#there")),
    ("blanks around", |p| format!("  {p}?again  ")),
    ("a tab before", |p| format!("\t{p}?again")),
    ("two slashes inside", |p| format!("/x/..//{}?again", &p[1..])),
    ("escaped letters", |p| format!("{}?again", p.replace("@v", "%40v"))),
    ("a plus and a semicolon", |p| format!("{p}?again;a+b;c")),
    ("!odd letters in the query", |p| format!("{p}?again=<{{|}}>^`\"\\")),
    ("!letters beyond ASCII", |p| format!("{p}?again=h\u{e9}")),
    ("a broken escape in the query", |p| format!("{p}?again=%zz")),
    ("!an empty query and a fragment", |_| "?#again".to_owned()),
    ("!a broken escape in the path", |p| format!("{p}%zz?again")),
    ("!two slashes", |p| format!("//{p}?again")),
    ("!an empty place", |_| String::new()),
    ("!a fragment alone", |_| "#again".to_owned()),
    ("!a colon", |p| format!(":{p}?again")),
    ("!a scheme of nobody", |p| format!("gopher://h{p}?again")),
    ("!a scheme without slashes", |p| format!("http:{p}?again")),
    ("!a host of nothing", |p| format!("http://{p}?again")),
    ("!a port that is none", |p| format!("http://127.0.0.1:x{p}?again")),
    ("!a backslash", |p| format!("\\{p}?again")),
    ("!a control", |p| format!("{p}?again\u{1}")),
    ("!itself", |p| p.to_owned()),
];

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

fn whole(status: &str, lines: &str, (framing, bytes): (String, Vec<u8>)) -> Vec<u8> {
    let mut out = format!("{status}{lines}{framing}Connection: close\r\n\r\n").into_bytes();
    out.extend_from_slice(&bytes);
    out
}

fn good(body: &[u8]) -> Vec<u8> {
    whole("HTTP/1.1 200 OK\r\n", "", length("Content-Length: LENGTH\r\n", body))
}

fn form(name: &str, manner: impl Fn(&str, &[u8]) -> Vec<u8> + Send + Sync + 'static) -> Form {
    Form {
        name: name.trim_start_matches('!').to_owned(),
        plain: !name.contains('!'),
        manner: Arc::new(manner),
    }
}

/// What needs more than a line of a table.
fn special() -> Vec<Form> {
    let unix = |text: Vec<u8>| -> Vec<u8> {
        let end = text.windows(4).position(|w| w == b"\r\n\r\n").expect("a head") + 4;
        let head: Vec<u8> = text[..end].iter().copied().filter(|b| *b != b'\r').collect();
        [head, text[end..].to_vec()].concat()
    };
    let with = |lines: String, body: &[u8]| {
        whole("HTTP/1.1 200 OK\r\n", &lines, length("Content-Length: LENGTH\r\n", body))
    };
    let many = |n: usize| (0..n).map(|n| format!("X-{n}: {n}\r\n")).collect::<String>();
    let large = |n: usize| format!("X-Large: {}\r\n", "x".repeat(n));
    vec![
        form("lines end with LF", move |_, body| unix(good(body))),
        form("!an empty line first", |_, body| [b"\r\n", &good(body)[..]].concat()),
        form("!the first line folded", |_, body| {
            whole("HTTP/1.1 200 OK\r\n", " X-Odd: yes\r\n", length("Content-Length: LENGTH\r\n", body))
        }),
        form("!more behind the end", |_, body| [&good(body)[..], b"HTTP/1.1 200 OK\r\n\r\n"].concat()),
        form("keep-alive claimed alone", |_, body| {
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            [head.as_bytes(), body].concat()
        }),
        form("90 headers", move |_, body| with(many(90), body)),
        form("!300 headers", move |_, body| with(many(300), body)),
        form("a head of 100 KB", move |_, body| with(large(100_000), body)),
        form("!a head of 700 KB", move |_, body| with(large(700_000), body)),
        form("!a head of 12 MB", move |_, body| with(large(12 << 20), body)),
        form("!only zips are odd", move |path, body| {
            let lines = if path.ends_with(".zip") { "X Odd : yes\r\n" } else { "" };
            with(lines.to_owned(), body)
        }),
        form("!a thousand informal answers first", |_, body| {
            [b"HTTP/1.1 103 Early\r\n\r\n".repeat(1000), good(body)].concat()
        }),
        form("!informal answers beyond every bound", |_, body| {
            [b"HTTP/1.1 103 Early\r\n\r\n".repeat(1 << 19), good(body)].concat()
        }),
        form("!nothing", |_, _| Vec::new()),
        form("!a head without its end", |_, _| b"HTTP/1.1 200 OK\r\nContent-Le".to_vec()),
        form("!the body alone", |_, body| body.to_vec()),
    ]
}

fn redirect(status: u16, target: Target) -> impl Fn(&str, &[u8]) -> Vec<u8> {
    move |path, body| {
        if path.contains("again") {
            return good(body);
        }
        let location = target(path);
        let head = format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n");
        format!("{head}Connection: close\r\n\r\n").into_bytes()
    }
}

/// All of them; every form that is in no table alone comes from here.
pub(super) fn forms() -> Vec<Form> {
    let framed = |body: &[u8]| length("Content-Length: LENGTH\r\n", body);
    let mut all = special();
    for &(name, status) in STATUSES {
        all.push(form(name, move |_, body| whole(status, "", framed(body))));
    }
    for &(name, lines) in LINES {
        all.push(form(name, move |_, body| whole("HTTP/1.1 200 OK\r\n", lines, framed(body))));
    }
    for &(name, framing) in FRAMINGS {
        all.push(form(name, move |_, body| whole("HTTP/1.1 200 OK\r\n", "", framing(body))));
    }
    for &(name, target) in TARGETS {
        all.push(form(&format!("{}to {}", bang(name), bare(name)), redirect(302, target)));
    }
    for status in [301, 303, 307, 308] {
        all.push(form(&format!("{status}"), redirect(status, TARGETS[0].1)));
    }
    for status in [300, 304, 305, 306, 309] {
        all.push(form(&format!("!{status}"), redirect(status, TARGETS[0].1)));
    }
    // Several at once: each status line, header line and framing that gox reads, in turn.
    let plain = |table: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> {
        table.iter().copied().filter(|(name, _)| !name.starts_with('!')).collect()
    };
    let (statuses, lines) = (plain(STATUSES), plain(LINES));
    let framings: Vec<_> = FRAMINGS.iter().copied().filter(|(name, _)| !name.starts_with('!')).collect();
    for n in 0..statuses.len() * framings.len() / 2 {
        let (status, framing) = (statuses[n % statuses.len()], framings[n * 7 % framings.len()]);
        let line = lines[n * 5 % lines.len()];
        let name = format!("{}, {}, {}", status.0, line.0, framing.0);
        all.push(form(&name, move |_, body| whole(status.1, line.1, framing.1(body))));
    }
    all
}

fn bang(name: &str) -> &str {
    if name.starts_with('!') { "!" } else { "" }
}

fn bare(name: &str) -> &str {
    name.trim_start_matches('!')
}

//! The lab itself: each fault makes plain go say what it says in the wild.

use crate::harness::{Outcome, Project, remove_all};
use crate::lab::{Entry, Fault, Lab, Place, SIGNATURE, SUMDB_NAME, always, rate};
use std::io::{Read, Write};
use std::time::{Duration, Instant};

/// `go mod download` of three modules through one entry with one fault, all the time.
fn download(entry: Entry, fault: Fault) -> Outcome {
    download_where(entry, fault, ".")
}

fn download_where(entry: Entry, fault: Fault, path: &str) -> Outcome {
    let lab = Lab::new().entry(entry).fault(fault, always().path(path)).start();
    Project::new(&lab).go(["mod", "download"]).run()
}

#[test]
fn without_a_fault_go_succeeds() {
    for entry in [Entry::plain(), Entry::tls(), Entry::tls_http1(), Entry::plain().prefix("/goproxy")] {
        let lab = Lab::new().modules(20).entry(entry).start();
        Project::new(&lab).go(["mod", "download"]).run().success();
        let zips = lab.requests().iter().filter(|seen| seen.path.ends_with(".zip") && seen.whole).count();
        assert_eq!(zips, 20);
        assert!(lab.wasted().is_empty());
    }
}

#[test]
fn a_chain_is_walked_and_built() {
    let lab = Lab::new().modules(8).chain().start();
    let project = Project::new(&lab).no_file("go.sum").shared_build_cache();
    project.go(["mod", "tidy"]).run().success();
    let run = project.go(["run", "."]).run().success();
    assert_eq!(run.out(), "modules: 8\n");
    assert_eq!(std::fs::read_to_string(project.dir().join("go.sum")).unwrap(), lab.go_sum());
}

#[test]
fn ends_of_a_connection() {
    let url = r#""http://127\.0\.0\.1:\d+/example\.test/m00\d/@v/v1\.0\.0\.(mod|info|zip)""#;
    download(Entry::plain(), Fault::Eof).exited(1).matches(&format!("Get {url}: EOF"));
    download(Entry::plain(), Fault::EofInHeaders).exited(1).matches(&format!("Get {url}: .*EOF"));
    download(Entry::plain(), Fault::EofInBody).exited(1).matches(&format!("read {url}: unexpected EOF"));
    download(Entry::plain(), Fault::ShortChunked).exited(1).matches(&format!("read {url}: unexpected EOF"));
    download(Entry::plain(), Fault::Reset)
        .exited(1)
        .matches(&format!("Get {url}: .*connection reset by peer"));
    download_where(Entry::plain(), Fault::ResetInBody, "zip$")
        .exited(1)
        .matches(&format!("read {url}: .*connection reset by peer"));
}

#[test]
fn rates_are_the_same_for_the_same_seed() {
    let faults = |seed| {
        let lab = Lab::new().modules(30).seed(seed).fault(Fault::Late(1), rate(0.2)).start();
        Project::new(&lab).go(["mod", "download"]).run().success();
        let mut hit: Vec<String> =
            lab.requests().iter().filter(|seen| seen.fault.is_some()).map(|seen| seen.path.clone()).collect();
        hit.sort();
        hit
    };
    assert_eq!(faults(7), faults(7));
    assert_ne!(faults(7), faults(8));
    assert!((8..35).contains(&faults(7).len()), "{}", faults(7).len());
}

#[test]
fn statuses_and_pages() {
    for status in [401, 403, 404, 410, 500, 502, 503, 504] {
        download(Entry::plain(), Fault::Status(status))
            .exited(1)
            .matches(&format!("reading http://.*: {status} "));
    }
    download(Entry::plain(), Fault::RateLimited(7)).exited(1).says("429 Too Many Requests");
    // A proxy's answer for .mod is checked by nothing but go.sum.
    download_where(Entry::plain(), Fault::Html, "mod$").exited(1).says("SECURITY ERROR");
    download_where(Entry::plain(), Fault::Html, "info$").exited(1).says("invalid character '<'");
    download_where(Entry::plain(), Fault::Html, "zip$").exited(1).says("zip: not a valid zip file");
    download_where(Entry::plain(), Fault::Empty, "info$").exited(1).says("unexpected end of JSON input");
    download(Entry::plain(), Fault::RedirectLoop).exited(1).says("stopped after 10 redirects");
    download(Entry::plain(), Fault::Garbage).exited(1).says("malformed HTTP");
}

#[test]
fn altered_and_short_bytes() {
    for fault in [Fault::AlterZip, Fault::AlterZipSame, Fault::AlterMod, Fault::AlterModSame, Fault::Alter] {
        download(Entry::plain(), fault).exited(1).says("checksum mismatch").says("SECURITY ERROR");
    }
    download(Entry::plain(), Fault::AlterZipCrc).exited(1).says("zip: checksum error");
    for fault in [Fault::ShortWithRightLength, Fault::ShortChunkedEnded] {
        download_where(Entry::plain(), fault, "zip$").exited(1).says("zip: not a valid zip file");
        download_where(Entry::plain(), fault, "mod$").exited(1).says("SECURITY ERROR");
    }
}

#[test]
fn faults_of_http2() {
    download(Entry::tls(), Fault::RstStream)
        .exited(1)
        .matches("Get .*: stream error: stream ID \\d+; INTERNAL_ERROR");
    download_where(Entry::tls(), Fault::RstStreamInBody, "zip$")
        .exited(1)
        .matches("read .*: stream error: stream ID \\d+; INTERNAL_ERROR");
    download(Entry::tls(), Fault::GoAway).exited(1).says("GOAWAY");
    // Closing a connection whose other side has just written is a reset to that side.
    download(Entry::tls(), Fault::Eof).exited(1).matches("EOF|connection reset by peer");
    download_where(Entry::tls(), Fault::EofInBody, "zip$").exited(1).matches("EOF|connection reset by peer");
    // The kernel tells of a reset once; where a write got to know of it, the read sees an end.
    download(Entry::tls(), Fault::Reset).exited(1).matches("connection reset by peer|broken pipe|EOF");
    download_where(Entry::tls(), Fault::ShortChunkedEnded, "zip$")
        .exited(1)
        .says("zip: not a valid zip file");
}

#[test]
fn entries_that_never_serve() {
    download(Entry::untrusted_tls(), Fault::Eof)
        .exited(1)
        .says("tls: failed to verify certificate: x509: certificate signed by unknown authority");
    download(Entry::closed(), Fault::Eof).exited(1).says("connect: connection refused");
    download(Entry::unresolvable(), Fault::Eof).exited(1).says("dial tcp: lookup proxy.invalid");
    download(Entry::silent_tls(), Fault::Eof).exited(1).says("net/http: TLS handshake timeout");
}

#[test]
fn names_lead_to_the_lab_alone() {
    let lab = Lab::new()
        .entry(Entry::tls().named("proxy.golang.org"))
        .entry(Entry::tls().named("goproxy.io"))
        .fault(Fault::Status(404), always().proxy(0))
        .start();
    assert_eq!(lab.goproxy(), "https://proxy.golang.org,https://goproxy.io");
    let project = Project::new(&lab);
    project.go(["mod", "download"]).run().success();
    assert!(lab.requests().iter().all(|seen| seen.protocol == "HTTP/2"));
    project
        .go(["list", "-m", "example.test/m000@latest"])
        .env("GOPROXY", "https://unknown.example")
        .run()
        .exited(1)
        .says("Bad Gateway");
}

#[test]
fn storage_wants_its_signature() {
    for entry in [Entry::plain(), Entry::tls()] {
        let lab = Lab::new().entry(entry).storage().start();
        Project::new(&lab).go(["mod", "download"]).run().success();
        let stored: Vec<_> = lab.requests().into_iter().filter(|seen| seen.place == Place::Storage).collect();
        assert_eq!(stored.len(), 3);
        assert!(stored.iter().all(|seen| seen.query.as_deref() == Some(SIGNATURE) && seen.whole));
    }
    let lab = Lab::new().storage().fault(Fault::EofInBody, always().at(Place::Storage)).start();
    Project::new(&lab).go(["mod", "download"]).run().exited(1).matches("zip\": unexpected EOF");
}

#[test]
fn credentials_are_asked_for() {
    let lab = Lab::new().entry(Entry::tls().credentials("lab:secret")).start();
    let project = Project::new(&lab);
    project.go(["mod", "download"]).run().success();
    project.clear_module_cache();
    let open = lab.goproxy().replace("lab:secret@", "");
    project.go(["mod", "download"]).env("GOPROXY", open).run().exited(1).says("401 Unauthorized");
}

#[test]
fn an_outage_ends() {
    let lab = Lab::new().modules(1).entry(Entry::closed_for(Duration::from_secs(3))).start();
    let project = Project::new(&lab);
    let begun = Instant::now();
    project.go(["mod", "download"]).run().exited(1).says("connection refused");
    while project.go(["mod", "download"]).run().code() != Some(0) {
        assert!(begun.elapsed() < Duration::from_secs(60), "the outage did not end");
    }
    assert!(begun.elapsed() >= Duration::from_secs(2));
}

#[test]
fn the_checksum_database_is_believed() {
    for lab in [Lab::new().modules(300).sumdb(), Lab::new().modules(300).sumdb_through_proxies()] {
        let lab = lab.start();
        let project = Project::new(&lab).no_file("go.sum");
        project.go(["mod", "download"]).run().success();
        assert!(
            lab.requests()
                .iter()
                .any(|seen| seen.path.contains("/tile/8/0/") || seen.path.starts_with("tile/8/0/"))
        );
        assert!(lab.requests().iter().any(|seen| seen.path.contains("tile/8/1/")));
        assert_eq!(lab.requests().iter().filter(|seen| seen.path.contains("lookup/")).count(), 300);
    }
}

#[test]
fn faults_of_the_checksum_database() {
    let run = |lab: Lab| {
        let lab = lab.modules(3).sumdb().start();
        let project = Project::new(&lab).no_file("go.sum");
        project.go(["mod", "download"]).run()
    };
    run(Lab::new().sumdb_lies_about("example.test/m001"))
        .exited(1)
        .says("sum.example.test: h1:")
        .says("SECURITY ERROR");
    run(Lab::new().fault(Fault::BadSignature, always().at(Place::Sumdb)))
        .exited(1)
        .says("reading tree note: invalid signature");
    run(Lab::new().fault(Fault::Status(404), always().at(Place::Sumdb).path("lookup")))
        .exited(1)
        .matches("verifying module|go.mod: .*404");
    run(Lab::new().fault(Fault::Eof, always().at(Place::Sumdb))).exited(1).says("EOF");

    let lab = Lab::new().modules(3).sumdb().start();
    let project = Project::new(&lab).no_file("go.sum");
    let other = lab.gosumdb_of_another_key();
    project
        .go(["mod", "download"])
        .env("GOSUMDB", other)
        .run()
        .exited(1)
        .says("note has no verifiable signatures");
    project.go(["mod", "download"]).run().success();
    lab.fork_sumdb();
    // With the old tree's tiles at hand go can prove that the new tree is not its continuation.
    remove_all(&project.cached("example.test"));
    remove_all(&project.module_cache().join("example.test"));
    remove_all(&project.cached("sumdb").join(SUMDB_NAME).join("lookup"));
    let project = project.no_file("go.sum");
    project.go(["mod", "download"]).run().exited(1).says("go.sum database server misbehavior detected!");
}

#[test]
fn a_range_resumes() {
    let lab = Lab::new().big(0, 100_000).start();
    let whole = lab.modules()[0].zip();
    let get = |range: &str| {
        let mut stream = std::net::TcpStream::connect(lab.host(0)).unwrap();
        write!(stream, "GET /example.test/m000/@v/v1.0.0.zip HTTP/1.1\r\nhost: lab\r\n{range}\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end..].to_vec())
    };
    let (head, body) = get("");
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(body == whole);
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let (head, body) = get("range: bytes=60000-\r\n");
    assert!(head.starts_with("HTTP/1.1 206 "), "{head}");
    assert!(body == whole[60_000..]);
    assert!(get(&format!("range: bytes=60000-\r\nif-range: {tag}\r\n")).0.starts_with("HTTP/1.1 206 "));
    assert!(get("range: bytes=60000-\r\nif-range: \"other\"\r\n").0.starts_with("HTTP/1.1 200 "));
    assert!(get("range: bytes=99999999-\r\n").0.starts_with("HTTP/1.1 416 "));
}

/// go never ends by itself here; what is waited for is that the bytes before the silence have come.
#[test]
fn silence_stalls_go() {
    for (entry, fault) in [
        (Entry::plain(), Fault::Silence),
        (Entry::plain(), Fault::SilenceInBody),
        (Entry::tls(), Fault::Silence),
        (Entry::tls(), Fault::SilenceInBody),
        (Entry::blackhole(), Fault::Silence),
    ] {
        let lab = Lab::new()
            .modules(1)
            .big(0, 50_000)
            .entry(entry.clone())
            .fault(fault, always().path("zip$"))
            .start();
        let project = Project::new(&lab);
        let mut run = project.go(["mod", "download"]).start();
        assert!(run.ended_within(Duration::from_secs(3)).is_none(), "{entry:?} {fault:?}");
        run.kill();
        let outcome = run.wait();
        assert_eq!(outcome.signal(), Some(9), "{outcome}");
    }
}

#[test]
fn a_drip_comes_through() {
    let lab = Lab::new().modules(1).fault(Fault::Drip(400), always().path("zip$")).start();
    let run = Project::new(&lab).go(["mod", "download"]).run().success();
    assert!(run.elapsed > Duration::from_millis(500), "{run}");
}

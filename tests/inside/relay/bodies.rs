//! What the relay makes of the bytes of an answer: damaged, other than they should be, cut, changed, packed.

use super::faulty::{Reply, Server, go_mod, good, module_file, module_zip};
use super::{Options, ask, options, pinned, relay, start, with_sums};
use crate::formats::h1;
use crate::vocabulary::Cause;
use std::sync::Arc;
use std::time::Duration;

const MOD: &str = "e.test/m1/@v/v1.0.0.mod";
const ZIP: &str = "e.test/m1/@v/v1.0.0.zip";

#[test]
fn a_wrong_copy_is_exchanged_for_another_upstreams() {
    let lying = Server::start(|_| Reply::Ok(b"module e.test/m1\n\nrequire evil.test/x v1.0.0\n".to_vec()));
    let server = Server::start(good);
    let relay = start(pinned(&format!("{},{}", lying.url(), server.url()))).unwrap();
    let answer = ask(&format!("{}/{MOD}", relay.goproxy()), "GET");
    assert_eq!(answer, (200, go_mod("e.test/m1").into_bytes()));
    let stats = relay.stop();
    assert_eq!((stats.verified, stats.cured.len()), (1, 1));
    assert_eq!(stats.cured[0].cause, Cause::ChecksumMismatch);
    assert!(stats.cured[0].facts.go_mod && stats.cured[0].facts.got.is_some());
}

#[test]
fn a_mismatch_that_stays_is_left_to_gos_judgement_and_one_that_varies_is_not() {
    let known = [("e.test/m1/go.mod", h1::of_go_mod(b"another"))];
    let steady = Server::start(good);
    let relay = start(with_sums(&steady.url(), &known)).unwrap();
    let answer = ask(&format!("{}/{MOD}", relay.goproxy()), "GET");
    assert_eq!(answer, (200, go_mod("e.test/m1").into_bytes()));
    assert_eq!(steady.log().len(), 3);
    let tally = relay.stop();
    assert_eq!(tally.failed.len(), 3);
    let [settled] = &tally.settled[..] else { panic!("{:?}", tally.settled) };
    assert_eq!((settled.tries, settled.failure.cause), (3, Cause::ChecksumMismatch));
    let varying = Server::start(|seen| Reply::Ok(format!("module e.test/m1\n// {}\n", seen.before).into()));
    let relay = start(with_sums(&varying.url(), &known)).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 502);
}

#[test]
fn a_file_that_is_damaged_at_its_upstream_is_named_as_that() {
    let server = Server::start(|_| Reply::Ok(b"PK\x03\x04 and no more".to_vec()));
    let relay = start(pinned(&server.url())).unwrap();
    assert_eq!(ask(&format!("{}/{ZIP}", relay.goproxy()), "GET").0, 200, "go judges");
    let tally = relay.stop();
    let [settled] = &tally.settled[..] else { panic!("{:?}", tally.settled) };
    assert_eq!((settled.bytes, settled.failure.cause), (16, Cause::CaptiveOrHtml));
    assert_eq!(settled.failure.named(), "e.test/m1@v1.0.0");
    assert!(settled.tries > 3 && settled.failure.host.is_some(), "{settled:?}");
}

#[test]
fn a_page_for_everything_is_no_mismatch_of_one() {
    let server = Server::start(|_| Reply::Ok(b"please log in\n".to_vec()));
    let relay = start(pinned(&server.url())).unwrap();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let urls = ["e.test/m1", "e.test/m2"].map(|m| format!("{}/{m}/@v/v1.0.0.mod", relay.goproxy()));
        let asked = urls.map(|url| scope.spawn(move || ask(&url, "GET").0));
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    assert_eq!(answers, [502, 502], "damage on the way");
    assert!(relay.stop().settled.is_empty());
    let alone = start(options(&server.url())).unwrap();
    for path in ["e.test/m1/@v/list", "e.test/m1/@latest", "e.test/m2/@latest"] {
        let answer = ask(&format!("{}/{path}", alone.goproxy()), "GET");
        assert_eq!(answer, (200, b"please log in\n".to_vec()), "nothing verifies {path}: go says what it is");
    }
}

#[test]
fn the_same_wrong_copy_from_two_upstreams_is_believed() {
    let known = [("e.test/m1/go.mod", h1::of_go_mod(b"another"))];
    let (one, two) = (Server::start(good), Server::start(good));
    let relay = start(with_sums(&format!("{}|{}", one.url(), two.url()), &known)).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    assert_eq!((one.log().len(), two.log().len()), (1, 1));
}

#[test]
fn a_forks_module_line_costs_one_more_request() {
    let fork = Server::start(|_| Reply::Ok(b"module upstream.test/m1\n".to_vec()));
    let relay = relay(&fork.url());
    assert_eq!(
        ask(&format!("{}/{MOD}", relay.goproxy()), "GET"),
        (200, b"module upstream.test/m1\n".to_vec())
    );
    assert_eq!(fork.log().len(), 2);
}

#[test]
fn a_zip_cut_five_times_is_continued() {
    let whole = Arc::new(module_zip("e.test/m1", 3 << 20));
    let body = whole.clone();
    let piece = whole.len() / 6 + 1;
    let server = Server::start(move |seen| {
        if seen.before < 5 { Reply::CutAfter(body.to_vec(), piece) } else { Reply::Ranged(body.to_vec()) }
    });
    let relay = relay(&server.url());
    assert_eq!(ask(&format!("{}/{ZIP}", relay.goproxy()), "GET"), (200, whole.to_vec()));
    let stats = relay.stop();
    assert_eq!((stats.resumed, stats.retries), (5, 5));
    assert_eq!(stats.bytes, whole.len() as u64, "no byte twice");
}

#[test]
fn a_changed_zip_is_not_glued_to_the_old_piece() {
    let whole = Arc::new(module_zip("e.test/m1", 1 << 20));
    let body = whole.clone();
    let server = Server::start(move |seen| match seen.before {
        0 => Reply::CutAfter(body.to_vec(), 1000),
        // Another ETag than the one If-Range names: the whole again.
        _ => Reply::Headers(200, "ETag: \"other\"\r\n".into(), body.to_vec()),
    });
    let relay = relay(&server.url());
    assert_eq!(ask(&format!("{}/{ZIP}", relay.goproxy()), "GET"), (200, whole.to_vec()));
}

#[test]
fn a_stalled_body_is_ended_and_continued() {
    let whole = Arc::new(module_zip("e.test/m1", 1 << 20));
    let body = whole.clone();
    let server = Server::start(move |seen| match seen.before {
        0 => Reply::SilentAfter(body.to_vec(), 500_000),
        _ => Reply::Ranged(body.to_vec()),
    });
    let relay = start(Options { stall: Duration::from_secs(1), ..options(&server.url()) }).unwrap();
    assert_eq!(ask(&format!("{}/{ZIP}", relay.goproxy()), "GET"), (200, whole.to_vec()));
    assert_eq!(relay.stop().cured[0].cause, Cause::Stalled);
}

#[test]
fn bytes_move_before_go_gets_any() {
    let body = module_file(ZIP).unwrap();
    let server = Server::start(move |_| Reply::Drip(body.clone(), 64_000));
    let relay = relay(&server.url());
    assert_eq!(relay.fetcher().bytes_moving(), 0);
    ask(&format!("{}/{ZIP}", relay.goproxy()), "GET");
    assert_eq!(relay.fetcher().bytes_moving(), module_file(ZIP).unwrap().len() as u64);
}

#[test]
fn what_go_itself_would_read_is_no_page_and_no_damage() {
    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut writer, plain).unwrap();
        writer.finish().unwrap()
    }
    let zip = module_zip("e.test/m1", 300_000);
    let sums = [("e.test/m1/go.mod", h1::of_go_mod(go_mod("e.test/m1").as_bytes()))];
    let html = "Content-Type: text/html; charset=utf-8\r\n";
    for (headers, packed) in [(html.to_owned(), false), (format!("{html}Content-Encoding: gzip\r\n"), true)] {
        let copy = zip.clone();
        let server = Server::start(move |seen| {
            let body = if seen.path.ends_with(".zip") {
                copy.clone()
            } else if seen.path.ends_with("@v/list") {
                b"<!DOCTYPE html><title>Sign in</title>".to_vec()
            } else {
                module_file(&seen.path).unwrap()
            };
            Reply::Headers(200, headers.clone(), if packed { gzip(&body) } else { body })
        });
        let relay = start(with_sums(&server.url(), &sums)).unwrap();
        let root = relay.goproxy();
        assert_eq!(ask(&format!("{root}/{MOD}"), "GET"), (200, go_mod("e.test/m1").into_bytes()));
        let (status, body) = ask(&format!("{root}/{ZIP}"), "GET");
        assert!(status == 200 && body == zip, "{status}, {} bytes", body.len());
        // What looks like a page is one, whatever else it says it is.
        assert_eq!(ask(&format!("{root}/e.test/m1/@v/list"), "GET").0, 502);
    }
    let cut = Server::start(|seen| {
        let mut body = gzip(&module_file(&seen.path).unwrap());
        if seen.before == 0 {
            body.truncate(body.len() - 4);
        }
        Reply::Headers(200, "Content-Encoding: gzip\r\n".into(), body)
    });
    let relay = start(with_sums(&cut.url(), &sums)).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET"), (200, go_mod("e.test/m1").into_bytes()));
    assert_eq!(cut.log().len(), 2);
}

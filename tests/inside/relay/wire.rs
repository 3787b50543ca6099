//! The relay asked directly, without go: who is asked, in what order, how often, and what comes.

use super::faulty::{Reply, Server, go_mod, good};
use super::{Options, ask, options, pinned, relay, start, start_with_room};
use crate::formats::goproxy::List;
use crate::judgement::privacy::Rules;
use crate::vocabulary::{Action, Cause, Source};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const MOD: &str = "e.test/m1/@v/v1.0.0.mod";

/// An address where nobody listens, nor anybody will while it is held.
fn closed() -> (String, std::os::fd::OwnedFd) {
    use rustix::net::{AddressFamily, SocketAddrV4, SocketType};
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = SocketAddrV4::try_from(rustix::net::getsockname(&socket).unwrap()).unwrap();
    (format!("http://{address}"), socket)
}

#[test]
fn only_the_secret_path_and_the_protocol_are_served() {
    let server = Server::start(good);
    let relay = relay(&server.url());
    let root = relay.goproxy();
    let outside = root.rsplit_once('/').unwrap().0.to_owned();
    for url in [
        format!("{outside}/{MOD}"),
        format!("{outside}/0123456789abcdef0123456789abcdef/{MOD}"),
        format!("{root}/e.test/m1/../m2/@v/v1.0.0.mod"),
        format!("{root}/e.test/%2e%2e/m2/@v/v1.0.0.mod"),
        format!("{root}/e.test/m1%0d%0aX/@v/v1.0.0.mod"),
        format!("{root}/{MOD}?x=1"),
        format!("{root}/http://elsewhere.test/@v/list"),
    ] {
        assert_eq!(ask(&url, "GET").0, 404, "{url}");
    }
    assert_eq!(ask(&format!("{root}/{MOD}"), "POST").0, 404);
    assert_eq!(ask(&format!("{root}/{MOD}/{}", "x".repeat(20_000)), "GET").0 / 100, 4);
    assert_eq!(server.log().len(), 0, "nothing of this reached an upstream");
    assert_eq!(ask(&format!("{root}/{MOD}"), "GET").0, 200);
    assert!(server.log()[0].headers["user-agent"].starts_with("Go-http-client/2.0 gox/"));
}

#[test]
fn nothing_listens_once_it_is_stopped_or_dropped() {
    let server = Server::start(good);
    for drop_it in [false, true] {
        let relay = relay(&server.url());
        let address = relay.goproxy()["http://".len()..].split('/').next().unwrap().to_owned();
        // Open and idle: it must not keep anything alive.
        let idle = TcpStream::connect(&address).unwrap();
        if drop_it {
            drop(relay)
        } else {
            drop(relay.stop())
        }
        assert!(TcpStream::connect(&address).is_err());
        drop(idle);
    }
}

#[test]
fn a_request_is_in_flight_until_its_answer() {
    let (asked, is_asked) = std::sync::mpsc::channel();
    let (answer, may_answer) = std::sync::mpsc::channel();
    let may_answer = std::sync::Mutex::new(may_answer);
    let server = Server::start(move |seen| {
        asked.send(()).unwrap();
        may_answer.lock().unwrap().recv().unwrap();
        good(seen)
    });
    let relay = relay(&server.url());
    assert_eq!(relay.fetcher().in_flight(), 0);
    let url = format!("{}/{MOD}", relay.goproxy());
    let go = std::thread::spawn(move || ask(&url, "GET").0);
    is_asked.recv().unwrap();
    assert_eq!(relay.fetcher().in_flight(), 1);
    answer.send(()).unwrap();
    assert_eq!(go.join().unwrap(), 200);
    assert_eq!(relay.fetcher().in_flight(), 0);
}

/// Whoever finds the port may connect to it, and say nothing or nonsense: go finds room all the same.
#[test]
fn strangers_at_the_port_keep_nobody_out() {
    let server = Server::start(good);
    let relay = start_with_room(options(&server.url()), 40);
    let address = relay.goproxy()["http://".len()..].split('/').next().unwrap().to_owned();
    let url = format!("{}/{MOD}", relay.goproxy());
    for said in [&b""[..], b"GET / HTTP/1.1\r\n", b"\0\xff", b"GET /0/x HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let strangers: Vec<TcpStream> = (0..45)
            .map(|_| {
                let mut stream = TcpStream::connect(&address).unwrap();
                // One that was sent away already does not hear it.
                let _ = stream.write_all(said);
                stream
            })
            .collect();
        let begun = Instant::now();
        assert_eq!(ask(&url, "GET").0, 200, "{said:?}");
        assert!(begun.elapsed() < Duration::from_secs(30), "{said:?}");
        drop(strangers);
    }
    // Those who know the secret are waited for.
    let known: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).unwrap();
            let path = url.strip_prefix(&format!("http://{address}")).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            stream.read_exact(&mut [0; 12]).unwrap();
            stream
        })
        .collect();
    let go = std::thread::spawn(move || ask(&url, "GET").0);
    std::thread::sleep(Duration::from_millis(200));
    assert!(!go.is_finished(), "a connection of go's own was ended for another");
    drop(known);
    assert_eq!(go.join().unwrap(), 200);
}

#[test]
fn what_stays_gos_keeps_its_separator() {
    for (list, tail) in [
        ("http://a.test,direct", ",direct"),
        ("http://a.test|direct", "|direct"),
        ("http://a.test|http://b.test|direct,off", "|direct"),
        ("http://a.test,http://b.test|direct", ",direct"),
        ("http://a.test,off", ",off"),
        ("http://a.test", ""),
    ] {
        let goproxy = relay(list).goproxy();
        let (_, rest) = goproxy["http://127.0.0.1:".len()..].split_once('/').unwrap();
        assert_eq!(rest.len(), 32 + tail.len());
        assert!(rest.ends_with(tail) && rest[..32].chars().all(|c| c.is_ascii_hexdigit()));
    }
    for list in ["direct", "off", "file:///x,direct", "nonsense,direct", "http://u:p@a.test"] {
        assert!(start(options(list)).is_err(), "{list}");
    }
}

#[test]
fn a_dead_first_proxy_costs_three_tries_and_the_next_run_none() {
    let (dead, _held) = closed();
    let server = Server::start(good);
    let list = format!("{dead},{}", server.url());
    let relay = start(pinned(&list)).unwrap();
    for n in 0..20 {
        let (status, body) = ask(&format!("{}/e.test/m{n}/@v/v1.0.0.mod", relay.goproxy()), "GET");
        assert_eq!((status, body), (200, go_mod(&format!("e.test/m{n}")).into_bytes()));
    }
    let stats = relay.stop();
    assert_eq!((stats.upstreams[0].faults, stats.retries), (3, 0), "what go asks next is no retry");
    assert_eq!(stats.upstreams[0].cause, Some(Cause::ConnRefused));
    assert!(stats.upstreams[0].down && !stats.upstreams[1].down);
    assert_eq!(stats.cured.len(), 3);
    let next = start(Options { resting: vec![stats.upstreams[0].entry.clone()], ..pinned(&list) }).unwrap();
    ask(&format!("{}/{MOD}", next.goproxy()), "GET");
    assert_eq!(next.stop().upstreams[0].faults, 0);
}

#[test]
fn a_refusal_by_ones_own_proxy_is_its_word_and_no_bad_health() {
    let refusing = Server::start(|_| Reply::Status(403, "Forbidden"));
    let server = Server::start(good);
    let relay = start(pinned(&format!("{},{}", refusing.url(), server.url()))).unwrap();
    for n in 0..10 {
        let answer = ask(&format!("{}/e.test/m{n}/@v/v1.0.0.mod", relay.goproxy()), "GET");
        assert_eq!(answer, (403, b"Forbidden".to_vec()));
    }
    assert_eq!((refusing.log().len(), server.log().len()), (10, 0));
    let tally = relay.stop();
    assert!(!tally.upstreams[0].down, "it answers");
    assert_eq!((tally.failed[0].cause, tally.failed[0].action()), (Cause::Http403, Action::Private));
    assert_eq!(tally.failed[0].module.as_deref(), Some("e.test/m0"));
    let piped = start(pinned(&format!("{}|{}", refusing.url(), server.url()))).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", piped.goproxy()), "GET").0, 200, "a pipe leads on, as with go");
}

#[test]
fn not_found_leads_on_over_commas_and_ends_with_the_upstreams_words() {
    let lacking = Server::start(|_| Reply::Status(404, "not found: nobody has it"));
    let server = Server::start(good);
    let relay = relay(&format!("{},{}", lacking.url(), server.url()));
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    let gone = ask(&format!("{}/other.test/x/@v/list", relay.goproxy()), "GET");
    assert_eq!(gone, (404, b"not found".to_vec()));
    assert_eq!((lacking.log().len(), server.log().len()), (2, 2));
    let stats = relay.stop();
    assert_eq!((stats.not_found, stats.retries), (1, 0));
    assert!(stats.failed.is_empty());
}

#[test]
fn what_go_sum_pins_is_asked_for_again_until_the_proxy_has_it() {
    let slow =
        Server::start(|seen| if seen.before == 0 { Reply::Status(404, "not yet") } else { good(seen) });
    let relay = start(pinned(&slow.url())).unwrap();
    for url in [format!("{}/{MOD}", relay.goproxy()), format!("{}/e.test/m2/@v/v1.0.0.zip", relay.goproxy())]
    {
        assert_eq!(ask(&url, "GET").0, 200, "{url}");
    }
    assert_eq!(slow.log().len(), 4);
    assert_eq!(ask(&format!("{}/e.test/m1/@latest", relay.goproxy()), "GET").0, 404, "an answer like others");
}

#[test]
fn what_stays_away_is_asked_for_three_times_for_all() {
    let lacking = Server::start(|_| Reply::Status(404, "no"));
    let relay = start(Options { budget: Duration::from_secs(8), ..pinned(&lacking.url()) }).unwrap();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let url = format!("{}/e.test/m{n}/@v/v1.0.0.mod", relay.goproxy());
            scope.spawn(move || assert_eq!(ask(&url, "GET").0, 404));
        }
    });
    assert_eq!(lacking.log().len(), 12, "within the budget");
    let late = Instant::now();
    assert_eq!(ask(&format!("{}/e.test/m9/@v/v1.0.0.mod", relay.goproxy()), "GET").0, 404);
    assert!(late.elapsed() < Duration::from_secs(2), "one series for all of them");
}

#[test]
fn a_silent_first_proxy_is_hedged_and_then_passed_over() {
    let silent = Server::start(|_| Reply::Silent);
    let server = Server::start(good);
    let relay = start(pinned(&format!("{},{}", silent.url(), server.url()))).unwrap();
    let started = Instant::now();
    for n in 0..8 {
        assert_eq!(ask(&format!("{}/e.test/m{n}/@v/v1.0.0.mod", relay.goproxy()), "GET").0, 200);
    }
    let stats = relay.stop();
    assert_eq!(stats.hedged, 3);
    assert_eq!(silent.log().len(), 3);
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(stats.upstreams[0].down);
}

#[test]
fn lists_are_never_hedged_and_stay_with_who_answered_first() {
    let first = Server::start(|seen| if seen.before == 0 { good(seen) } else { Reply::Eof });
    let second = Server::start(good);
    let relay = relay(&format!("{}|{}", first.url(), second.url()));
    let url = format!("{}/e.test/m1/@v/list", relay.goproxy());
    assert_eq!(ask(&url, "GET").0, 200);
    assert_eq!(ask(&url, "GET").0, 502, "another's list may be another list");
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    assert_eq!(second.count("@v/list"), 0);
}

#[test]
fn likely_private_modules_are_asked_as_go_would() {
    let failing = Server::start(|_| Reply::Status(500, "down"));
    let other = Server::start(good);
    let private = Rules { configured: "e.test/m1".into(), ..Rules::default() };
    let of = |separator: &str| {
        let list = format!("{}{separator}{}", failing.url(), other.url());
        start(Options { private: private.clone(), ..pinned(&list) }).unwrap()
    };
    let comma = of(",");
    for _ in 0..2 {
        assert_eq!(ask(&format!("{}/{MOD}", comma.goproxy()), "GET").0, 500);
        assert_eq!(other.log().len(), 0, "a comma is not crossed for it, not even with an open breaker");
    }
    assert_eq!(ask(&format!("{}/e.test/m2/@v/v1.0.0.mod", comma.goproxy()), "GET").0, 200);
    let asked = failing.log().len();
    let pipe = of("|");
    assert_eq!(ask(&format!("{}/{MOD}", pipe.goproxy()), "GET").0, 200);
    assert_eq!(failing.log().len() - asked, 2, "a second chance before anybody else learns of it");
}

#[test]
fn health_of_earlier_runs_sends_no_private_name_past_a_healthy_proxy() {
    let (first, second) = (Server::start(good), Server::start(good));
    let list = format!("{}|{}", first.url(), second.url());
    let private = Rules { configured: "e.test/m1".into(), ..Rules::default() };
    let resting = List::parse(&first.url()).entries;
    let relay = start(Options { private, resting, ..pinned(&list) }).unwrap();
    assert_eq!(ask(&format!("{}/e.test/m2/@v/v1.0.0.mod", relay.goproxy()), "GET").0, 200);
    assert_eq!((first.log().len(), second.log().len()), (0, 1));
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    assert_eq!((first.log().len(), second.log().len()), (1, 1));
}

#[test]
fn a_pause_that_is_asked_for_is_kept_by_all() {
    let opened = Instant::now() + Duration::from_millis(900);
    let server = Server::start(move |seen| {
        if Instant::now() < opened {
            Reply::Headers(429, "Retry-After: 1\r\n".into(), Vec::new())
        } else {
            good(seen)
        }
    });
    let relay = relay(&server.url());
    let root = relay.goproxy();
    let ask_one = |n: usize| ask(&format!("{root}/e.test/m{n}/@v/v1.0.0.mod"), "GET").0;
    assert_eq!(ask_one(0), 200);
    std::thread::scope(|scope| {
        let all: Vec<_> = (1..5).map(|n| scope.spawn(move || ask_one(n))).collect();
        all.into_iter().for_each(|one| assert_eq!(one.join().unwrap(), 200));
    });
    assert_eq!(relay.stop().retries, 1);
}

#[test]
fn an_outage_is_told_in_words_that_go_prints() {
    let server = Server::start(|_| Reply::Status(503, "maintenance\nsecond line"));
    let relay = relay(&format!("{}/base?token=hush", server.url()));
    let (status, words) = ask(&format!("{}/{MOD}", relay.goproxy()), "GET");
    let words = String::from_utf8(words).unwrap();
    assert_eq!(status, 503);
    assert!(words.starts_with("gox tried 4 times:\n"), "{words}");
    assert!(words.contains("503 Service Unavailable (maintenance) (4 times)"), "{words}");
    assert!(!words.contains("hush") && words.lines().count() <= 8 && words.len() <= 648);
    assert_eq!(server.log()[0].path, format!("base/{MOD}?token=hush"), "go keeps the query too");
    let stats = relay.stop();
    assert_eq!((stats.failed.len(), stats.gave_up), (4, 1));
    let failure = &stats.failed[0];
    assert_eq!((failure.cause, failure.source), (Cause::Http5xx, Some(Source::Proxy)));
    assert!(!format!("{stats:?}").contains("hush"));
}

#[test]
fn nonsense_is_bounded() {
    let server = Server::start(|seen| match seen.path.as_str() {
        p if p.contains("m1/") => Reply::Endless,
        p if p.contains("m2/") => Reply::Headers(302, format!("Location: /{p}\r\n"), Vec::new()),
        p if p.contains("m3/") => Reply::Raw(b"\0\xff\xfenonsense".repeat(100_000)),
        p if p.contains("m4/") => {
            Reply::Raw(format!("HTTP/1.1 200 OK\r\nX: {}\r\n", "y".repeat(1 << 20)).into())
        }
        p if p.contains("m5/") => {
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec())
        }
        p if p.contains("m6/") => {
            Reply::Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabc".to_vec())
        }
        _ => Reply::Headers(302, "Location: javascript:alert(1)\r\n".into(), Vec::new()),
    });
    let relay = relay(&server.url());
    for n in 1..=7 {
        let (status, words) = ask(&format!("{}/e.test/m{n}/@v/v1.0.0.mod", relay.goproxy()), "GET");
        // What go reads in its own way is left to it.
        assert_eq!(status, if [1, 5].contains(&n) { 502 } else { 307 }, "m{n}");
        assert!(words.len() <= 648, "m{n}");
    }
}

#[test]
fn redirects_are_followed_and_their_signatures_kept_quiet() {
    let storage = Server::start(|seen| {
        if seen.path.contains("m1") && seen.path.ends_with("?sig=hush") {
            return Reply::Ok(go_mod("e.test/m1").into());
        }
        Reply::Status(500, "broken")
    });
    let at = storage.url();
    let server = Server::start(move |seen| {
        Reply::Headers(302, format!("Location: {at}/{}?sig=hush\r\n", seen.path), Vec::new())
    });
    let relay = relay(&server.url());
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    let (status, words) = ask(&format!("{}/e.test/m2/@v/v1.0.0.mod", relay.goproxy()), "GET");
    assert_eq!(status, 500);
    let stats = relay.stop();
    assert_eq!(stats.failed[0].host.as_deref(), Some(storage.address.to_string().as_str()));
    assert!(!format!("{stats:?}{}", String::from_utf8_lossy(&words)).contains("hush"));
}

#[test]
fn a_checksum_database_is_carried_and_never_answered_for() {
    let record = "go.sum database tree\n3\nx=\n\n— sum.golang.org 8w==\n";
    let without = Server::start(|_| Reply::Status(404, "no"));
    let with = Server::start(move |seen| match seen.path.as_str() {
        "sumdb/sum.golang.org/supported" => Reply::Ok(Vec::new()),
        "sumdb/sum.golang.org/latest" if seen.before == 0 => Reply::Eof,
        "sumdb/sum.golang.org/latest" => Reply::Ok(record.into()),
        _ => Reply::Status(410, "gone: never heard of it"),
    });
    let relay1 = relay(&format!("{},{}", without.url(), with.url()));
    let root = format!("{}/sumdb/sum.golang.org", relay1.goproxy());
    assert_eq!(ask(&format!("{root}/latest"), "GET").0, 404, "not before `supported`");
    assert_eq!(ask(&format!("{root}/supported"), "GET").0, 200);
    assert_eq!(ask(&format!("{root}/latest"), "GET"), (200, record.as_bytes().to_vec()));
    let verdict = ask(&format!("{root}/lookup/e.test/m1@v1.0.0"), "GET");
    assert_eq!(verdict, (410, b"gone: never heard of it".to_vec()));
    let relay2 = relay(&without.url());
    assert_eq!(ask(&format!("{}/sumdb/sum.golang.org/supported", relay2.goproxy()), "GET").0, 404);
    assert_eq!(ask(&format!("{}/sumdb/other.test/supported", relay2.goproxy()), "GET").0, 404);
}

#[test]
fn a_look_up_goes_to_the_carrier_alone() {
    let record = "1\ne.test/m1 v1.0.0 h1:x=\n\ngo.sum database tree\n3\nx=\n\n— sum.golang.org 8w==\n";
    let carrier = |status: u16| {
        Server::start(move |seen| match seen.path.as_str() {
            p if p.ends_with("/supported") && seen.before == 0 && status == 500 => Reply::Eof,
            p if p.ends_with("/supported") => Reply::Ok(Vec::new()),
            _ if status == 200 => Reply::Ok(record.into()),
            _ => Reply::Status(status, "not here"),
        })
    };
    for (status, answer) in [(404, 404), (410, 410), (403, 403), (500, 500)] {
        let (first, second) = (carrier(status), carrier(200));
        for separator in [",", "|"] {
            let relay = relay(&format!("{}{separator}{}", first.url(), second.url()));
            let root = format!("{}/sumdb/sum.golang.org", relay.goproxy());
            assert_eq!(ask(&format!("{root}/supported"), "GET").0, 200);
            for path in ["lookup/e.test/m1@v1.0.0", "latest"] {
                assert_eq!(ask(&format!("{root}/{path}"), "GET").0, answer, "{status} {path}");
            }
        }
        assert_eq!(second.count("lookup/") + second.count("/latest"), 0, "{status}");
    }
}

#[test]
fn a_private_name_is_looked_up_only_where_go_would_have_looked() {
    let record = "1\ne.test/m1 v1.0.0 h1:x=\n\ngo.sum database tree\n3\nx=\n\n— sum.golang.org 8w==\n";
    let carrier = || {
        Server::start(move |seen| {
            if seen.path.ends_with("/supported") { Reply::Ok(Vec::new()) } else { Reply::Ok(record.into()) }
        })
    };
    let without = |status: u16| Server::start(move |_| Reply::Status(status, "none here"));
    let private = Rules { configured: "e.test/m1".into(), ..Rules::default() };
    let asked = |first: &Server, separator: &str, resting: bool, carrier: &Server| {
        let list = format!("{}{separator}{}", first.url(), carrier.url());
        let resting = if resting { List::parse(&first.url()).entries } else { Vec::new() };
        let relay = start(Options { private: private.clone(), resting, ..options(&list) }).unwrap();
        let root = format!("{}/sumdb/sum.golang.org", relay.goproxy());
        assert_eq!(ask(&format!("{root}/supported"), "GET").0, 200);
        assert_eq!(ask(&format!("{root}/lookup/e.test/m2@v1.0.0"), "GET").0, 200);
        ask(&format!("{root}/lookup/e.test/m1@v1.0.0"), "GET").0
    };
    let second = carrier();
    assert_eq!(asked(&without(404), ",", false, &second), 200, "go's own walk over 404");
    assert_eq!(asked(&without(500), "|", false, &second), 200, "and over a pipe");
    let second = carrier();
    assert_eq!(asked(&without(404), "|", true, &second), 404, "a breaker led there, not go's walk");
    assert_eq!(second.count("m1@"), 0);
}

#[test]
fn statuses_that_ask_for_another_try_get_one() {
    for status in [408, 429, 500, 504] {
        let server =
            Server::start(
                move |seen| {
                    if seen.before == 0 { Reply::Status(status, "once more") } else { good(seen) }
                },
            );
        let relay = relay(&server.url());
        assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200, "{status}");
        assert_eq!(server.log().len(), 2, "{status}");
    }
}

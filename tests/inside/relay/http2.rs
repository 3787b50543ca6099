//! HTTP/2 upstreams that end their streams and connections in odd ways.

use super::faulty::{go_mod, module_file};
use super::{Options, Surroundings, ask, options, start};
use bytes::Bytes;
use h2::server::SendResponse;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MOD: &str = "e.test/m1/@v/v1.0.0.mod";

/// What became of each connection and stream of a server.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    streams: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

type Answer = fn(&str, usize, SendResponse<Bytes>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// A server with a certificate of its own, in a thread of its own.
struct Http2 {
    address: SocketAddr,
    dir: tempfile::TempDir,
    seen: Arc<Seen>,
}

impl Http2 {
    /// `streams` is what its SETTINGS allow; after `goes_away` streams a connection is ended in peace.
    fn start(streams: u32, goes_away: usize, answer: Answer) -> Http2 {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("root.pem"), made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let counted = seen.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    counted.connections.fetch_add(1, Ordering::Relaxed);
                    let (acceptor, counted) = (acceptor.clone(), counted.clone());
                    tokio::spawn(async move {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        let mut builder = h2::server::Builder::new();
                        builder.max_concurrent_streams(streams);
                        let Ok(mut connection) = builder.handshake(stream).await else { return };
                        let mut here = 0;
                        while let Some(Ok((request, respond))) = connection.accept().await {
                            here += 1;
                            if here == goes_away {
                                connection.graceful_shutdown();
                            }
                            let number = counted.streams.fetch_add(1, Ordering::Relaxed);
                            let open = counted.open.fetch_add(1, Ordering::Relaxed) + 1;
                            counted.most_open.fetch_max(open, Ordering::Relaxed);
                            let path = request.uri().path().trim_start_matches('/').to_owned();
                            let counted = counted.clone();
                            tokio::spawn(async move {
                                answer(&path, number, respond).await;
                                counted.open.fetch_sub(1, Ordering::Relaxed);
                            });
                        }
                    });
                }
            });
        });
        Http2 { address, dir, seen }
    }

    fn options(&self) -> Options {
        let surroundings =
            Surroundings { cert_file: Some(self.dir.path().join("root.pem")), ..Surroundings::default() };
        Options { surroundings, ..options(&format!("https://localhost:{}", self.address.port())) }
    }

    fn count(&self, of: fn(&Seen) -> &AtomicUsize) -> usize {
        of(&self.seen).load(Ordering::Relaxed)
    }
}

/// The body in one frame; whether the stream ends with it.
fn send(respond: &mut SendResponse<Bytes>, body: Vec<u8>, ends: bool) -> h2::SendStream<Bytes> {
    let mut stream = respond.send_response(http::Response::new(()), false).unwrap();
    stream.send_data(body.into(), ends).unwrap();
    stream
}

#[test]
fn a_stream_that_is_reset_without_an_error_is_no_whole_body() {
    // Once: the first bytes of the file, and RST_STREAM(NO_ERROR) in place of END_STREAM.
    let cut: Answer = |path, number, mut respond| {
        let body = match path {
            p if p.ends_with("/list") => b"v1.0.0\nv1.1.0\n".to_vec(),
            p if p.ends_with(".mod") => format!("{}\nrequire e.test/m2 v1.0.0\n", go_mod("e.test/m1")).into(),
            p => module_file(p).unwrap(),
        };
        Box::pin(async move {
            if number % 2 == 1 {
                send(&mut respond, body, true);
                return;
            }
            let half = match body.iter().position(|b| *b == b'\n') {
                Some(line) if body.starts_with(b"v1") => line + 1,
                _ => body.len() / 2,
            };
            let mut stream = send(&mut respond, body[..half].to_vec(), false);
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            stream.send_reset(h2::Reason::NO_ERROR);
        })
    };
    for (path, whole) in [
        ("e.test/m1/@v/list", b"v1.0.0\nv1.1.0\n".to_vec()),
        (MOD, format!("{}\nrequire e.test/m2 v1.0.0\n", go_mod("e.test/m1")).into()),
        ("e.test/m1/@v/v1.0.0.info", module_file("e.test/m1/@v/v1.0.0.info").unwrap()),
        ("e.test/m1/@v/v1.0.0.zip", module_file("e.test/m1/@v/v1.0.0.zip").unwrap()),
    ] {
        let server = Http2::start(100, usize::MAX, cut);
        let relay = start(server.options()).unwrap();
        assert_eq!(ask(&format!("{}/{path}", relay.goproxy()), "GET"), (200, whole), "{path}");
        assert_eq!(server.count(|seen| &seen.streams), 2, "{path}");
        assert_eq!(relay.stop().cured.len(), 1, "{path}");
    }
}

#[test]
fn informal_answers_without_end_are_no_answer() {
    let flood: Answer = |path, number, mut respond| {
        let body = module_file(path).unwrap();
        Box::pin(async move {
            for _ in 0..if number == 0 { 300 } else { 5 } {
                let early = http::Response::builder().status(103).body(()).unwrap();
                // A stream that was given up takes no more.
                if respond.send_informational(early).is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
            let Ok(mut stream) = respond.send_response(http::Response::new(()), false) else { return };
            let _ = stream.send_data(body.into(), true);
        })
    };
    let server = Http2::start(100, usize::MAX, flood);
    let relay = start(server.options()).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    assert_eq!(server.count(|seen| &seen.streams), 2, "a few are nothing, hundreds a fault");
}

#[test]
fn a_mismatch_is_confirmed_over_a_connection_of_its_own() {
    let steady: Answer = |path, _, mut respond| {
        let body = module_file(path).unwrap();
        Box::pin(async move { drop(send(&mut respond, body, true)) })
    };
    let server = Http2::start(100, usize::MAX, steady);
    let go_sum = crate::formats::go_sum::GoSum::parse("e.test/m1 v1.0.0/go.mod h1:another\n");
    let relay = start(Options { go_sum: Arc::new(go_sum), ..server.options() }).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200, "go judges");
    assert_eq!((server.count(|seen| &seen.streams), server.count(|seen| &seen.connections)), (3, 2));
}

#[test]
fn trailers_end_a_body_as_well_and_a_wrong_length_breaks_it() {
    let trailing: Answer = |path, _, mut respond| {
        let body = module_file(path).unwrap();
        Box::pin(async move {
            let mut stream = send(&mut respond, body, false);
            stream.send_trailers(http::HeaderMap::new()).unwrap();
        })
    };
    let server = Http2::start(100, usize::MAX, trailing);
    let relay = start(server.options()).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    let short: Answer = |path, number, mut respond| {
        let body = module_file(path).unwrap();
        Box::pin(async move {
            let length = body.len() + usize::from(number == 0);
            let head = http::Response::builder().header("content-length", length).body(()).unwrap();
            let mut stream = respond.send_response(head, false).unwrap();
            stream.send_data(body.into(), true).unwrap();
        })
    };
    let server = Http2::start(100, usize::MAX, short);
    let relay = start(server.options()).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    assert_eq!(server.count(|seen| &seen.streams), 2);
}

fn ask_many(options: Options, times: usize) -> crate::fetch::Tally {
    let relay = start(options).unwrap();
    let root = relay.goproxy();
    std::thread::scope(|scope| {
        for n in 0..times {
            let url = format!("{root}/e.test/m{}/@v/v1.0.0.mod", n % 32);
            scope.spawn(move || assert_eq!(ask(&url, "GET").0, 200));
        }
    });
    relay.stop()
}

/// Slow enough that all of them would be open at once.
const LATE: Answer = |path, _, mut respond| {
    let body = module_file(path).unwrap();
    Box::pin(async move {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        send(&mut respond, body, true);
    })
};

#[test]
fn one_connection_carries_many_first_requests_within_the_peers_settings() {
    for (allowed, most) in [(1, 1), (10, 10), (250, 64)] {
        let server = Http2::start(allowed, usize::MAX, LATE);
        let tally = ask_many(server.options(), 100);
        assert_eq!(server.count(|seen| &seen.connections), 1, "{allowed}");
        assert!(server.count(|seen| &seen.most_open) <= most, "{allowed}");
        assert_eq!((server.count(|seen| &seen.streams), tally.retries), (100, 0), "{allowed}");
    }
}

#[test]
fn a_peer_that_goes_away_in_peace_costs_a_connection_and_no_try() {
    // One stream at a time: the farewell is here before the tenth answer, and so before the next request.
    let server = Http2::start(1, 10, LATE);
    let tally = ask_many(server.options(), 60);
    assert_eq!((tally.retries, tally.gave_up), (0, 0), "{tally:?}");
    let connections = server.count(|seen| &seen.connections);
    assert_eq!(connections, 6);
}

//! TLS, HTTP proxies and credentials: the ways out that the user's environment prescribes.

use super::faulty::{Reply, Server, good};
use super::{Options, Surroundings, ask, options, start};
use crate::vocabulary::{Cause, Detail};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

const MOD: &str = "e.test/m1/@v/v1.0.0.mod";

struct Certified {
    dir: tempfile::TempDir,
    config: Arc<rustls::ServerConfig>,
}

impl Certified {
    fn new(names: &[&str]) -> Certified {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("root.pem"), made.cert.pem()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        Certified { dir, config: Arc::new(config) }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("root.pem")
    }
}

/// An HTTP proxy that leads every CONNECT to one address; logs what it was told.
struct ConnectProxy {
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    fn start(to: SocketAddr) -> ConnectProxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let lines = log.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let lines = lines.clone();
                std::thread::spawn(move || tunnel(client, to, &lines));
            }
        });
        ConnectProxy { address, log }
    }
}

/// A SOCKS 5 proxy that gives these answers to a greeting and to a login, and leads everything to one
/// address; keeps what it was told.
struct Socks {
    address: SocketAddr,
    log: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Socks {
    fn start(to: SocketAddr, greeting: &'static [u8], login: &'static [u8]) -> Socks {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let told = log.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let told = told.clone();
                std::thread::spawn(move || lead(client, to, [greeting, login], &told));
            }
        });
        Socks { address, log }
    }
}

fn lead(
    mut client: TcpStream,
    to: SocketAddr,
    answers: [&[u8]; 2],
    log: &Mutex<Vec<Vec<u8>>>,
) -> std::io::Result<()> {
    let mut buffer = [0; 512];
    let n = client.read(&mut buffer)?;
    let mut said = buffer[..n].to_vec();
    for answer in answers {
        client.write_all(answer)?;
        let n = client.read(&mut buffer)?;
        said.extend(&buffer[..n]);
        if n == 0 || answer == b"\x01\x01" {
            log.lock().unwrap().push(said);
            return Ok(());
        }
    }
    log.lock().unwrap().push(said);
    let mut server = TcpStream::connect(to)?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    let mut up = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut up.0, &mut up.1));
    std::io::copy(&mut server, &mut client)?;
    Ok(())
}

fn tunnel(client: TcpStream, to: SocketAddr, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim_end().is_empty() {
            break;
        }
        log.lock().unwrap().push(line.trim_end().to_owned());
    }
    let mut client = client;
    let mut server = TcpStream::connect(to)?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let mut up = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut up.0, &mut up.1));
    std::io::copy(&mut server, &mut client)?;
    Ok(())
}

#[test]
fn https_goes_through_connect_with_the_roots_and_credentials_of_the_environment() {
    let certified = Certified::new(&["proxy.test"]);
    let server = Server::start_tls(certified.config.clone(), good);
    let connect = ConnectProxy::start(server.address);
    let netrc = certified.dir.path().join("netrc");
    std::fs::write(&netrc, "machine proxy.test login me password secret\n").unwrap();
    let surroundings = Surroundings {
        https_proxy: Some(format!("http://user:word@{}", connect.address)),
        cert_file: Some(certified.root()),
        netrc: Some(netrc),
        ..Surroundings::default()
    };
    let relay = start(Options { surroundings, ..options("https://proxy.test") }).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    let log = connect.log.lock().unwrap().clone();
    assert_eq!(log[0], "CONNECT proxy.test:443 HTTP/1.1");
    assert!(log.iter().any(|l| l.eq_ignore_ascii_case("Proxy-Authorization: Basic dXNlcjp3b3Jk")), "{log:?}");
    assert_eq!(server.log()[0].headers["authorization"], "Basic bWU6c2VjcmV0");
    assert!(!format!("{:?}", relay.stop()).contains("secret"));
}

#[test]
fn credentials_do_not_follow_a_redirect_to_another_host() {
    let certified = Certified::new(&["localhost", "127.0.0.1"]);
    let storage = Server::start_tls(certified.config.clone(), good);
    let port = storage.address.port();
    let server = Server::start_tls(certified.config.clone(), move |seen| match seen.path.as_str() {
        p if p.contains("m1") => {
            Reply::Headers(302, format!("Location: https://127.0.0.1:{port}/{p}\r\n"), Vec::new())
        }
        p if p.starts_with("moved/") => {
            good(&super::faulty::Seen { path: p["moved/".len()..].into(), ..seen.clone() })
        }
        p if p.contains("m2") => Reply::Headers(307, format!("Location: /moved/{p}\r\n"), Vec::new()),
        p => Reply::Headers(302, format!("Location: http://127.0.0.1:1/{p}\r\n"), Vec::new()),
    });
    let list = format!("https://me:secret@localhost:{}", server.address.port());
    let surroundings = Surroundings { cert_file: Some(certified.root()), ..Surroundings::default() };
    let relay = start(Options { surroundings, ..options(&list) }).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    assert!(server.log()[0].headers.contains_key("authorization"));
    assert!(!storage.log()[0].headers.contains_key("authorization"));
    assert_eq!(ask(&format!("{}/e.test/m2/@v/v1.0.0.mod", relay.goproxy()), "GET").0, 200);
    let moved = server.log().into_iter().find(|seen| seen.path.starts_with("moved/")).unwrap();
    assert!(moved.headers.contains_key("authorization"), "a place told relative to this one keeps its login");
    let (status, words) = ask(&format!("{}/e.test/m3/@v/v1.0.0.mod", relay.goproxy()), "GET");
    assert_eq!((status, &words[..]), (307, &b""[..]), "go has the last word");
    let stats = relay.stop();
    assert!(stats.left_to_go[0].contains("redirected from secure URL"), "{stats:?}");
    assert!(!format!("{stats:?}").contains("secret@"));
}

#[test]
fn credentials_of_netrc_stay_within_their_host_and_its_subdomains() {
    let certified = Certified::new(&["proxy.test", "store.proxy.test", "elsewhere.test"]);
    let server = Server::start_tls(certified.config.clone(), |seen| {
        let to = |place: &str| Reply::Headers(302, format!("Location: {place}\r\n"), Vec::new());
        match (seen.headers["host"].as_str(), seen.path.as_str()) {
            ("proxy.test", p) if p.contains("m1") => to(&format!("https://store.proxy.test/moved/{p}")),
            ("proxy.test", p) if p.contains("m2") => to(&format!("https://elsewhere.test/away/{p}")),
            ("elsewhere.test", p) if p.starts_with("away/") => {
                to(&format!("https://proxy.test/back/{}", p["away/".len()..].replace("m2", "m3")))
            }
            (_, p) => {
                let path = p.split_once('/').unwrap().1.replace("m3", "m2");
                good(&super::faulty::Seen { path, ..seen.clone() })
            }
        }
    });
    let connect = ConnectProxy::start(server.address);
    let netrc = certified.dir.path().join("netrc");
    std::fs::write(&netrc, "machine proxy.test login me password secret\n").unwrap();
    let surroundings = Surroundings {
        https_proxy: Some(connect.address.to_string()),
        cert_file: Some(certified.root()),
        netrc: Some(netrc),
        ..Surroundings::default()
    };
    let relay = start(Options { surroundings, ..options("https://proxy.test") }).unwrap();
    for n in 1..3 {
        let url = format!("{}/e.test/m{n}/@v/v1.0.0.mod", relay.goproxy());
        assert_eq!(ask(&url, "GET").0, 200, "m{n}");
    }
    let known = |part: &str| {
        let seen = server.log().into_iter().find(|seen| seen.path.starts_with(part)).unwrap();
        seen.headers.contains_key("authorization")
    };
    assert!(known("e.test/m1") && known("moved/"), "a subdomain is within");
    assert!(!known("away/") && !known("back/"), "once gone, it stays gone");
}

#[test]
fn a_socks_password_is_for_the_socks_proxy_alone() {
    let server = Server::start(good);
    let socks = Socks::start(server.address, b"\x05\x02", b"\x01\x00");
    let surroundings = Surroundings {
        http_proxy: Some(format!("socks5://user:hush@{}", socks.address)),
        ..Surroundings::default()
    };
    let relay = start(Options { surroundings, ..options("http://far.test") }).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    let seen = &server.log()[0];
    assert!(!seen.headers.contains_key("proxy-authorization"), "{:?}", seen.headers);
    assert_eq!((seen.path.as_str(), seen.headers["host"].as_str()), (MOD, "far.test"));
    let said = socks.log.lock().unwrap().concat();
    assert!(said.windows(10).any(|w| w == b"\x08far.test\x00"), "the name is resolved there: {said:?}");
    assert!(said.ends_with(b"\x00\x50"), "port 80: {said:?}");
}

#[test]
fn a_wrong_password_is_tried_once_in_a_run() {
    let server = Server::start(good);
    let socks = Socks::start(server.address, b"\x05\x02", b"\x01\x01");
    let refusing = Server::start(|_| Reply::Headers(407, "Proxy-Authenticate: Basic\r\n".into(), Vec::new()));
    for (proxy, tried) in [
        (
            format!("socks5://u:wrong@{}", socks.address),
            Box::new(|| socks.log.lock().unwrap().len()) as Box<dyn Fn() -> usize>,
        ),
        (format!("http://u:wrong@{}", refusing.address), Box::new(|| refusing.log().len())),
    ] {
        let surroundings = Surroundings { http_proxy: Some(proxy), ..Surroundings::default() };
        let relay = start(Options { surroundings, ..options("http://far.test") }).unwrap();
        let root = relay.goproxy();
        std::thread::scope(|scope| {
            for n in 0..8 {
                let url = format!("{root}/e.test/m{n}/@v/v1.0.0.mod");
                scope.spawn(move || assert_eq!(ask(&url, "GET").0, 307, "go tries for itself"));
            }
        });
        assert_eq!(tried(), 1);
        let failed = relay.stop().failed;
        assert_eq!((failed[0].cause, failed[0].detail), (Cause::Http403, Detail::HttpProxy));
    }
}

#[test]
fn a_proxy_that_is_not_understood_is_never_gone_around() {
    let server = Server::start(good);
    let of = |proxy: &str| Surroundings { http_proxy: Some(proxy.into()), ..Surroundings::default() };
    for odd in ["ftp://127.0.0.1:1", "http://u:p w@127.0.0.1:1", "127.0.0.1:99999"] {
        let refused = start(Options { surroundings: of(odd), ..options("http://far.test") });
        assert!(refused.unwrap_err().starts_with("HTTP_PROXY"), "{odd}");
    }
    // A redirect may lead to where it counts, while the upstream itself is reached without.
    let at = server.url().replace("127.0.0.1", "far.test");
    let leading = Server::start(move |seen| {
        Reply::Headers(302, format!("Location: {at}/{}\r\n", seen.path), Vec::new())
    });
    let relay = start(Options { surroundings: of("ftp://127.0.0.1:1"), ..options(&leading.url()) }).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 307, "go fails closed as well");
    assert!(relay.stop().left_to_go[0].contains("HTTP_PROXY"));
    assert!(server.log().is_empty());
}

#[test]
fn a_certificate_the_relay_rejects_is_left_to_go() {
    let certified = Certified::new(&["localhost"]);
    let server = Server::start_tls(certified.config.clone(), good);
    let relay = {
        let list = format!("https://localhost:{}", server.address.port());
        let surroundings = Surroundings {
            cert_file: Some(Certified::new(&["other.test"]).root()),
            ..Surroundings::default()
        };
        start(Options { surroundings, ..options(&list) }).unwrap()
    };
    for _ in 0..3 {
        assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 307);
    }
    let stats = relay.stop();
    assert_eq!(stats.left_to_go.len(), 1);
    assert_eq!(stats.failed[0].cause, Cause::TlsCert);
    assert_eq!(stats.asked, 2, "a certificate is not argued with, and what is left to go is not asked");
}

#[test]
fn plain_http_through_a_proxy_names_the_whole_url() {
    let proxy = Server::start(|seen| {
        let path = seen.named.strip_prefix("http://far.test/base/").unwrap_or("").to_owned();
        good(&super::faulty::Seen { path, ..seen.clone() })
    });
    let surroundings = Surroundings { http_proxy: Some(proxy.url()), ..Surroundings::default() };
    let relay = start(Options { surroundings, ..options("http://far.test/base") }).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 200);
    assert_eq!(proxy.log()[0].headers["host"], "far.test");
}

#[test]
fn a_dead_http_proxy_is_named_as_such() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let surroundings = Surroundings { https_proxy: Some(gone.to_string()), ..Surroundings::default() };
    let relay = start(Options { surroundings, ..options("https://far.test") }).unwrap();
    assert_eq!(ask(&format!("{}/{MOD}", relay.goproxy()), "GET").0, 502);
    let failed = relay.stop().failed;
    assert_eq!(failed[0].cause, Cause::ConnRefused);
    assert_eq!(failed[0].detail, crate::vocabulary::Detail::HttpProxy);
}

//! What is wrong between here and the hosts.

use super::{Told, tells, well};
use crate::harness::Project;
use crate::lab::{Entry, Fault, Lab, Place, SIGNATURE, always};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

/// A database beside a proxy of this kind.
fn lab(entry: Entry) -> Lab {
    Lab::new().entry(entry).sumdb()
}

/// A server whose own certificate is made like this; nobody trusts it.
fn certified(change: impl FnOnce(&mut CertificateParams)) -> Entry {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    params.subject_alt_names.push(rcgen::SanType::IpAddress([127, 0, 0, 1].into()));
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").der().to_vec();
    Entry::tls_with(server(certificate, &key))
}

/// Serves with this certificate.
fn server(certificate: Vec<u8>, key: &KeyPair) -> Arc<rustls::ServerConfig> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key in a known form");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the library's own versions")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], key)
        .expect("a key that fits its certificate");
    Arc::new(config)
}

#[test]
fn s01_all_well() {
    for entry in [Entry::plain(), Entry::tls(), Entry::tls_http1()] {
        let lab = lab(entry).storage().start();
        let found = tells(&Project::new(&lab), &[], well());
        let names: Vec<&str> = found["checks"]
            .as_array()
            .expect("checks")
            .iter()
            .filter_map(|check| check["name"].as_str())
            .collect();
        for name in ["go", "setting", "route", "proxy", "store", "database", "cache", "git"] {
            assert!(names.contains(&name), "{name}: {found}");
        }
        assert!(!found.to_string().contains(SIGNATURE), "{found}");
    }
}

#[test]
fn s04_one_name_does_not_resolve() {
    let lab = lab(Entry::unresolvable()).entry(Entry::plain()).start();
    let told = Told { verdict: "dns", what: "proxy.invalid does not resolve", advice: "is spelt" };
    let found = tells(&Project::new(&lab), &[], told);
    assert_eq!(found["host"], "proxy.invalid");
}

#[test]
fn s05_poisoned_name() {
    let lab = lab(certified(|params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("else.example".try_into().expect("a name"))];
    }))
    .start();
    let told = Told { verdict: "dns", what: "else.example", advice: "another resolver" };
    assert_eq!(tells(&Project::new(&lab), &[], told)["host"], lab.host(0));
}

#[test]
fn s06_proxy_refuses_connections() {
    let lab = lab(Entry::closed()).start();
    let told = Told { verdict: "proxy", what: "nobody listens at 127.0.0.1", advice: "another proxy first" };
    assert_eq!(tells(&Project::new(&lab), &[], told)["host"], lab.host(0));
}

#[test]
fn s07_proxy_silent() {
    let lab = lab(Entry::blackhole()).start();
    let told = Told { verdict: "proxy", what: "(TCP)", advice: "another proxy first" };
    assert_eq!(tells(&Project::new(&lab), &[], told)["host"], lab.host(0));
}

#[test]
fn s07_proxy_silent_in_the_handshake() {
    let lab = lab(Entry::silent_tls()).start();
    tells(
        &Project::new(&lab),
        &[],
        Told { verdict: "proxy", what: "(TLS handshake)", advice: "another proxy" },
    );
}

#[test]
fn s07_proxy_silent_to_the_request() {
    let lab = lab(Entry::plain()).fault(Fault::Silence, always()).start();
    tells(&Project::new(&lab), &[], Told { verdict: "proxy", what: "(HTTP)", advice: "another proxy first" });
}

#[test]
fn s08_proxy_answers_503() {
    let lab =
        lab(Entry::plain().pipe()).entry(Entry::plain()).fault(Fault::Status(503), always().proxy(0)).start();
    let told = Told { verdict: "proxy", what: "answers 503", advice: "first in GOPROXY: it is well" };
    let found = tells(&Project::new(&lab), &[], told);
    assert_eq!(found["host"], lab.host(0));
    assert!(found["advice"].as_str().is_some_and(|advice| advice.contains(&lab.host(1))), "{found}");
    assert!(found["advice"].as_str().is_some_and(|advice| !advice.contains("comma")), "{found}");
}

#[test]
fn s08_the_other_proxy_stands_behind_a_comma() {
    // A comma is no failover.
    let lab = lab(Entry::plain()).entry(Entry::plain()).fault(Fault::Status(503), always().proxy(0)).start();
    tells(
        &Project::new(&lab),
        &[],
        Told {
            verdict: "proxy",
            what: "answers 503",
            advice: "behind a comma go asks it only after a 404 or 410",
        },
    );
}

#[test]
fn s09_proxy_refuses_everything_with_a_reason() {
    let lab = lab(Entry::plain())
        .fault(Fault::Says(403, "this network is closed until Monday, says Ms Miller"), always())
        .start();
    let told = Told { verdict: "proxy", what: "says Ms Miller", advice: "ask who runs 127.0.0.1" };
    tells(&Project::new(&lab), &[], told);
}

#[test]
fn s10_store_behind_the_redirect_refuses() {
    for entry in [Entry::plain(), Entry::tls()] {
        let lab = lab(entry).storage().fault(Fault::Status(403), always().at(Place::Storage)).start();
        let told = Told { verdict: "store", what: "its store", advice: "let through" };
        let found = tells(&Project::new(&lab), &[], told);
        assert_ne!(found["host"], lab.host(0));
        assert!(!found.to_string().contains(SIGNATURE), "{found}");
    }
}

#[test]
fn s11_login_page() {
    let lab = lab(Entry::plain()).fault(Fault::Html, always().at(Place::Anywhere)).start();
    tells(
        &Project::new(&lab),
        &[],
        Told { verdict: "local-network", what: "login first", advice: "in a browser" },
    );
}

#[test]
fn s12_interception_with_a_root_that_is_not_trusted() {
    for name in [None, Some("proxy.golang.org")] {
        let entry = Entry::untrusted_tls();
        let lab = lab(name.map_or(entry.clone(), |name| entry.named(name))).start();
        let told = Told { verdict: "interception", what: "lab authority", advice: "SSL_CERT_FILE" };
        tells(&Project::new(&lab), &[], told);
    }
}

#[test]
fn s13_interception_with_a_root_that_is_trusted() {
    let lab = lab(Entry::tls().named("proxy.golang.org")).start();
    let told = Told { verdict: "interception", what: "this machine trusts it", advice: "nothing needs" };
    assert_eq!(tells(&Project::new(&lab), &[], told)["host"], "proxy.golang.org");
    let own = lab_of_ones_own();
    tells(&Project::new(&own), &[], well());
}

/// A proxy of somebody's own, with a certificate of somebody's own.
fn lab_of_ones_own() -> crate::lab::Running {
    lab(Entry::tls().named("proxy.corp.example")).start()
}

/// Resets each connection whose first message holds this name, and answers others with an alert.
fn filter(name: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut hello = [0; 4096];
            let length = stream.read(&mut hello).unwrap_or(0);
            if hello[..length].windows(name.len()).any(|part| part == name.as_bytes()) {
                let _ = rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO));
            } else {
                let _ = stream.write_all(&[0x15, 3, 3, 0, 2, 2, 0x28]);
            }
        }
    });
    format!("https://{name}:{port}")
}

#[test]
fn s14_the_name_is_filtered() {
    let lab = lab(Entry::literal(&filter("localhost"))).start();
    let told = Told { verdict: "interception", what: "with another name", advice: "another network" };
    tells(&Project::new(&lab), &[], told);
}

#[test]
fn s15_certificate_expired() {
    let lab = lab(certified(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 2))).start();
    let told = Told { verdict: "proxy", what: "expired on 2020-01-02", advice: "new certificate" };
    tells(&Project::new(&lab), &[], told);
}

#[test]
fn s16_this_clock_is_wrong() {
    let lab = lab(certified(|params| {
        params.not_before = rcgen::date_time_ymd(2090, 1, 2);
        params.not_after = rcgen::date_time_ymd(2095, 1, 2);
    }))
    .start();
    let told = Told { verdict: "settings", what: "clock is behind", advice: "set this machine's clock" };
    tells(&Project::new(&lab), &[], told);
}

/// A server whose certificate was good in 2014 and 2015, by an authority that is trusted, and what it says the
/// time is. Gives the certificate of the authority as well.
fn of_2015(date: &'static str) -> (crate::lab::Running, String) {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    authority.not_before = rcgen::date_time_ymd(2010, 1, 1);
    authority.not_after = rcgen::date_time_ymd(2090, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let pem = authority.self_signed(&key).expect("a certificate").pem();
    let issuer = rcgen::Issuer::new(authority, key);
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.subject_alt_names.push(rcgen::SanType::IpAddress([127, 0, 0, 1].into()));
    params.not_before = rcgen::date_time_ymd(2014, 1, 1);
    params.not_after = rcgen::date_time_ymd(2016, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let entry = Entry::tls_with(server(certificate.der().to_vec(), &key));
    let lab = Lab::new().entry(entry).script(move |_, _| crate::lab::Say::answer(200, date, ""));
    (lab.start(), pem)
}

#[test]
fn s16_the_host_says_what_time_it_is() {
    let (lab, pem) = of_2015("Date: Wed, 01 Jul 2015 12:00:00 GMT\r\n");
    let project = Project::new(&lab);
    let file = project.root().join("root.pem");
    std::fs::write(&file, pem).expect("a file");
    let project = project.env("SSL_CERT_FILE", &file);
    let told = Told { verdict: "settings", what: "clock is ahead", advice: "set this machine's clock" };
    tells(&project, &[], told);
    let heard = lab.requests();
    assert!(
        !heard.is_empty() && heard.iter().all(|seen| seen.path.is_empty()),
        "no name goes along: {heard:?}"
    );
}

#[test]
fn s17_a_private_proxy_wants_a_login() {
    let lab = lab(Entry::tls().named("proxy.corp.example").credentials("me:hush-hush")).start();
    let list = "https://me:wrong-hush@proxy.corp.example";
    let project = Project::new(&lab).env("GOPROXY", list);
    let told = Told {
        verdict: "credentials",
        what: "proxy.corp.example wants a login",
        advice: "machine proxy.corp.example login",
    };
    let found = tells(&project, &[], told);
    assert!(!found.to_string().contains("hush"), "{found}");
    tells(&Project::new(&lab), &[], well());
}

#[test]
fn s20_the_checksum_database_cannot_be_reached() {
    for fault in [Fault::Reset, Fault::Status(502), Fault::Silence] {
        let lab = lab(Entry::plain()).fault(fault, always().at(Place::Sumdb)).start();
        let told = Told { verdict: "settings", what: "checksum database", advice: "leave the check on" };
        tells(&Project::new(&lab), &[], told);
    }
    // It is asked as go asks: by way of the proxy that passes it on.
    let passed = Lab::new().entry(Entry::plain()).sumdb_through_proxies().start();
    tells(&Project::new(&passed), &[], well());
}

#[test]
fn s25_an_http_proxy_with_a_password() {
    let lab = lab_of_ones_own();
    let project = Project::new(&lab);
    let url = project.var("HTTPS_PROXY").expect("the lab's HTTP proxy").replace("//", "//me:hush-hush@");
    let project = project.env("HTTPS_PROXY", &url).env("HTTP_PROXY", &url);
    let found = tells(&project, &[], well());
    assert!(!found.to_string().contains("hush"), "{found}");
    // Nobody is behind it.
    let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address");
    let project = project.env("HTTPS_PROXY", format!("http://me:hush-hush@{gone}"));
    let told = Told { verdict: "local-network", what: "HTTP proxy", advice: "HTTPS_PROXY" };
    let found = tells(&project, &[], told);
    assert!(!found.to_string().contains("hush"), "{found}");
}

/// A resolver that knows one address for whatever name, and what it was asked for.
fn resolver() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut length = [0; 2];
            while stream.read_exact(&mut length).is_ok() {
                let mut asked = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut asked).expect("a question");
                let kind = asked[asked.len() - 3];
                let _ = tell.send(String::from_utf8_lossy(&asked[12..asked.len() - 5]).into_owned());
                asked[2] = 0x81;
                if kind == 1 {
                    asked[7] = 1;
                    asked.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 9]);
                }
                let length = u16::try_from(asked.len()).expect("a short answer").to_be_bytes();
                stream.write_all(&[&length[..], &asked].concat()).expect("somebody who reads");
            }
        }
    });
    (address, told)
}

#[test]
fn another_resolver_and_the_mirrors_are_asked_by_wish_and_hear_of_public_names_alone() {
    let lab = Lab::new()
        .entry(Entry::tls().named("goproxy.cn"))
        .entry(Entry::tls().named("proxy.corp.example"))
        .sumdb()
        .start();
    let (address, told) = resolver();
    let project = Project::new(&lab);
    let plain = project.gox(["doctor", "--format", "json"]).run();
    assert!(!plain.out().contains("mirror") && told.try_recv().is_err(), "{plain}");
    lab.forget();
    let outcome = project.gox(["doctor", "--format", "json", "--mirrors", "--resolver", &address]).run();
    let found = super::parsed(&outcome);
    let of = |name: &str| {
        let all = found["checks"].as_array().expect("checks").iter().filter(|check| check["name"] == name);
        all.map(|check| (check["host"].as_str().expect("a host").to_owned(), check["ok"] == true))
            .collect::<Vec<_>>()
    };
    let mirrors = of("mirror");
    assert!(mirrors.contains(&("goproxy.cn".into(), true)), "{outcome}");
    assert!(mirrors.contains(&("proxy.golang.org".into(), false)) && mirrors.len() > 3, "{outcome}");
    assert_eq!(of("resolver"), [("goproxy.cn".to_owned(), true)], "{outcome}");
    assert!(outcome.out().contains("says 192.0.2.9"), "{outcome}");
    let names: Vec<String> = told.try_iter().collect();
    assert!(!names.is_empty() && names.iter().all(|name| name.contains("goproxy")), "{names:?}");
    let strange =
        |seen: &&crate::lab::Seen| seen.place == Place::Proxy(0) && seen.path.contains("golang.org");
    assert_eq!(lab.requests().iter().filter(strange).count(), 1, "what everybody knows");
}

#[test]
fn the_verdict_is_told_in_chinese_too() {
    let lab = lab(Entry::closed()).start();
    let outcome = Project::new(&lab).env("GOX_LANG", "zh").gox(["doctor"]).run();
    let text = outcome.out();
    let first = format!("该代理：{} 没有服务在监听", lab.host(0));
    assert_eq!(text.lines().next(), Some(first.as_str()), "{outcome}");
    assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("解决办法：")), "{outcome}");
}

#[test]
fn a_password_that_go_would_not_send_is_not_sent() {
    let lab = lab(Entry::plain().credentials("me:hush-hush")).start();
    let told = Told { verdict: "credentials", what: "wants a login", advice: "over https://" };
    let found = tells(&Project::new(&lab), &[], told);
    assert!(!found.to_string().contains("hush"), "{found}");
    let sent = |seen: &crate::lab::Seen| seen.headers.iter().any(|(name, _)| name == "authorization");
    assert!(!lab.requests().iter().any(sent));
}

//! Peers as people have them: nginx as a file server and a cache, squid, a SOCKS server, an intercepting proxy. Where
//! go gets through, gox does, in one attempt; where go fails, gox fails as well, or waits as it is told to.

mod stage;

use crate::harness::Outcome;
use crate::lab::{Lab, Running};
use stage::{Stage, program};

/// Addresses that are loopback for the system, and none for the rule that sends loopback past all proxies.
const ANYWHERE: &str = "0.0.0.0";

/// What the pairs of runs found.
struct Pairs<'a> {
    lab: &'a Running,
    stage: &'a Stage,
    wrong: String,
}

impl Pairs<'_> {
    fn run(&self, list: &str, env: &[(&str, &str)], args: &[&str], ours: bool) -> Outcome {
        let mut project = self.stage.project(self.lab, list);
        if let Some((_, netrc)) = env.iter().find(|(name, _)| *name == "netrc") {
            std::fs::write(project.root().join("home/.netrc"), netrc).expect("a file");
        }
        for (name, value) in env.iter().filter(|(name, _)| *name != "netrc") {
            project = project.env(name, value);
        }
        if ours { project.gox(args).run() } else { project.go(args).run() }
    }

    /// Both get through, gox in one attempt.
    fn good(&mut self, what: &str, list: &str, env: &[(&str, &str)]) {
        for args in [&["mod", "download"][..], &["get", "example.test/m001@v1.0.0"]] {
            let plain = self.run(list, env, args, false);
            let ours = self.run(list, env, args, true);
            if plain.code() != Some(0) || ours.code() != Some(0) || ours.attempts() != 1 {
                self.wrong.push_str(&format!("{what}\n{plain}\n{ours}\n"));
            }
        }
    }

    /// Both fail.
    fn bad(&mut self, what: &str, list: &str, env: &[(&str, &str)]) {
        let plain = self.run(list, env, &["mod", "download"], false);
        let ours = self.run(list, env, &["mod", "download"], true);
        if plain.code() != Some(1) || ours.code() != Some(1) {
            self.wrong.push_str(&format!("{what}\n{plain}\n{ours}\n"));
        }
    }

    fn ends(&mut self, good: bool, what: &str, list: &str, env: &[(&str, &str)]) {
        if good { self.good(what, list, env) } else { self.bad(what, list, env) }
    }

    /// gox must get through, whatever go does.
    fn through(&mut self, what: &str, list: &str) {
        let ours = self.run(list, &[], &["mod", "download"], true);
        if ours.code() != Some(0) {
            self.wrong.push_str(&format!("{what}\n{ours}\n"));
        }
    }
}

fn pairs<'a>(lab: &'a Running, stage: &'a Stage) -> Pairs<'a> {
    Pairs { lab, stage, wrong: String::new() }
}

#[test]
fn nginx_serves_files() {
    let lab = Lab::new().modules(30).size(20_000).start();
    let mut stage = Stage::new(&lab);
    let [http, http2, login, below, short, few, old, redirect, cache] = stage.nginx([
        "; TREE;",
        " ssl http2; CERT TREE;",
        " ssl; CERT TREE; auth_basic modules; auth_basic_user_file DIR/users;",
        "; location /go/proxy/ { alias DIR/tree/; }",
        "; keepalive_requests 3; TREE;",
        " ssl http2; keepalive_requests 10; http2_max_concurrent_streams 2; CERT TREE;",
        " ssl; ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA; CERT TREE;",
        "; TREE; location ~ \\.zip$ { return 302 http://FIRST$request_uri; }",
        "; location / { proxy_pass http://FIRST; proxy_cache cache; proxy_cache_valid 200 1h; gzip on; \
         gzip_types *; }",
    ]);
    let mut pairs = pairs(&lab, &stage);
    let plain = |port: u16| format!("http://127.0.0.1:{port}");
    let secure = |port: u16| format!("https://127.0.0.1:{port}");
    pairs.good("files", &plain(http), &[]);
    pairs.good("HTTP/2", &secure(http2), &[]);
    pairs.bad("a private authority that nobody trusts", &secure(http2), &[("SSL_CERT_FILE", "/dev/null")]);
    let in_url = secure(login).replace("//", "//user:p%40ss%3Aw%25rd@");
    pairs.good("a login in the URL", &in_url, &[]);
    let netrc = "machine 127.0.0.1:PORT login user password p@ss:w%rd\n".replace("PORT", &login.to_string());
    pairs.good("a login in .netrc", &secure(login), &[("netrc", &netrc)]);
    pairs.bad("no login", &secure(login), &[]);
    pairs.good("below a path", &format!("{}/go/proxy", plain(below)), &[]);
    pairs.good("three requests a connection", &plain(short), &[]);
    pairs.good("ten requests and two streams a connection", &secure(few), &[]);
    pairs.good("no cipher suite in common with gox", &secure(old), &[]);
    pairs.good("redirects", &plain(redirect), &[]);
    pairs.good("a cache that compresses", &plain(cache), &[]);
    assert!(pairs.wrong.is_empty(), "{}", pairs.wrong);
}

#[test]
fn nginx_limits_the_rate() {
    let lab = Lab::new().modules(12).start();
    let mut stage = Stage::new(&lab);
    let [many, busy] = stage.nginx([
        "; TREE; limit_req zone=rate burst=5 nodelay; limit_req_status 429;",
        "; TREE; limit_req zone=rate burst=5 nodelay;",
    ]);
    let mut pairs = pairs(&lab, &stage);
    pairs.through("429 beyond 20 requests a second", &format!("http://127.0.0.1:{many}"));
    pairs.through("503 beyond 20 requests a second", &format!("http://127.0.0.1:{busy}"));
    assert!(pairs.wrong.is_empty(), "{}", pairs.wrong);
}

#[test]
fn squid_lets_through_whom_it_shall() {
    let lab = Lab::new().modules(10).start();
    let mut stage = Stage::new(&lab);
    let [http, tls] = stage.nginx(["; TREE;", " ssl http2; CERT TREE;"]);
    let open = stage.squid("");
    let basic = program("basic_ncsa_auth");
    let login = stage.squid(&format!(
        "auth_param basic program {} DIR/users\nacl known proxy_auth REQUIRED\nhttp_access deny !known",
        basic.display()
    ));
    let list = stage.squid("acl few dst 192.0.2.1\nhttp_access deny !few");
    let mut pairs = pairs(&lab, &stage);
    let (plain, secure) = (format!("http://{ANYWHERE}:{http}"), format!("https://{ANYWHERE}:{tls}"));
    let at = |user: &str, port: u16| format!("http://{user}127.0.0.1:{port}");
    for (good, what, proxy) in [
        (true, "open", at("", open)),
        (true, "the right password", at("user:p%40ss%3Aw%25rd@", login)),
        (false, "the wrong password", at("user:no@", login)),
        (false, "no password", at("", login)),
        (false, "another list", at("", list)),
    ] {
        for (list, env) in [
            (&secure, ("HTTPS_PROXY", &proxy[..])),
            (&plain, ("HTTP_PROXY", &proxy)),
            (&secure, ("HTTPS_PROXY", &proxy[7..])),
        ] {
            pairs.ends(good, &format!("{what}, {list} by {}", env.1), list, &[env]);
        }
    }
    pairs.good("past it", &secure, &[("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", "0.0.0.0/8")]);
    // A wrong password locks accounts: it is not tried more often than go would.
    let wrong = at("user:no@", login);
    stage.turned_away(login);
    pairs.run(&secure, &[("HTTPS_PROXY", &wrong)], &["mod", "download"], false);
    let gos = stage.turned_away(login);
    pairs.run(&secure, &[("HTTPS_PROXY", &wrong)], &["mod", "download"], true);
    let ours = stage.turned_away(login);
    assert!(ours > 0 && ours <= gos + 1, "go tries {gos} times, gox {ours}");
    assert!(pairs.wrong.is_empty(), "{}", pairs.wrong);
}

#[test]
fn a_socks_server_is_a_way_out() {
    let lab = Lab::new().modules(10).start();
    let mut stage = Stage::new(&lab);
    let [http, tls] = stage.nginx(["; TREE;", " ssl http2; CERT TREE;"]);
    let (open, login) = (stage.socks(None), stage.socks(Some(("user", "pw"))));
    let mut pairs = pairs(&lab, &stage);
    let (plain, secure) = (format!("http://{ANYWHERE}:{http}"), format!("https://{ANYWHERE}:{tls}"));
    for (good, what, user, port) in [
        (true, "open", "", open),
        (true, "a password that nobody wants", "user:pw@", open),
        (true, "the right password", "user:pw@", login),
        (false, "the wrong password", "user:no@", login),
        (false, "no password", "", login),
    ] {
        let proxy = format!("socks5://{user}127.0.0.1:{port}");
        pairs.ends(good, &format!("{what}, https"), &secure, &[("HTTPS_PROXY", &proxy)]);
        pairs.ends(good, &format!("{what}, http"), &plain, &[("HTTP_PROXY", &proxy)]);
    }
    assert!(pairs.wrong.is_empty(), "{}", pairs.wrong);
}

#[test]
fn an_interception_is_believed_where_go_believes_it() {
    let lab = Lab::new().modules(10).start();
    let mut stage = Stage::new(&lab);
    let [tls] = stage.nginx([" ssl http2; CERT TREE;"]);
    let port = stage.interception();
    let both = stage.path("both.pem").display().to_string();
    let mut pairs = pairs(&lab, &stage);
    let (list, proxy) = (format!("https://{ANYWHERE}:{tls}"), format!("http://127.0.0.1:{port}"));
    pairs.good("trusted", &list, &[("HTTPS_PROXY", &proxy), ("SSL_CERT_FILE", &both)]);
    pairs.bad("not trusted", &list, &[("HTTPS_PROXY", &proxy)]);
    assert!(pairs.wrong.is_empty(), "{}", pairs.wrong);
}

//! Ways out: HTTP and SOCKS proxies as the environment spells them, exceptions from them, addresses of the list, user
//! informations, .netrc, redirects that lead elsewhere. Compared are the status, the route of each request, and the
//! credentials that each server saw.

use super::world::{Ask, World};
use super::{gathered, got};
use crate::harness::{Outcome, Project, go_minor};
use crate::lab::{Lab, Running};
use std::collections::BTreeSet;

/// One environment and one list.
struct Way {
    name: String,
    list: String,
    env: Vec<(&'static str, String)>,
    netrc: &'static str,
    /// gox reads all of it by itself.
    by_itself: bool,
}

impl Way {
    fn new(name: &str, list: impl Into<String>) -> Way {
        let env = Vec::new();
        Way { name: name.to_owned(), list: list.into(), env, netrc: "", by_itself: false }
    }

    fn env(mut self, name: &'static str, value: impl Into<String>) -> Way {
        self.env.push((name, value.into()));
        self
    }
}

/// What the hosts of these tests say: the host `end.test` has the file, those named `r` and a number redirect, the
/// others have nothing.
fn answer(lab: &Running, ask: &Ask) -> Vec<u8> {
    let host = ask.host.split(':').next().unwrap_or_default();
    let number =
        host.strip_suffix(".test").and_then(|h| h.strip_prefix('r')).and_then(|n| n.parse::<usize>().ok());
    if let Some((_, target)) = number.and_then(|n| REDIRECTS.get(n)).filter(|_| !ask.path.contains("again")) {
        let location = target.replace("PATH", &format!("{}?again", ask.path));
        return format!(
            "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .into_bytes();
    }
    let path = ask.path.split('?').next().unwrap_or_default();
    match lab.file(path.trim_start_matches('/')).filter(|_| host == "end.test" || host == "127.0.0.1") {
        Some(body) => {
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            [head.as_bytes(), &body[..]].concat()
        }
        None => b"HTTP/1.1 404 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
    }
}

/// Where `https://rN.test` with credentials of its own leads.
const REDIRECTS: &[(&str, &str)] = &[
    ("to itself", "PATH"),
    ("to itself by name", "https://r1.testPATH"),
    ("to itself in capitals", "https://R2.TESTPATH"),
    ("to itself with its port", "https://r3.test:443PATH"),
    ("to another port", "https://r4.test:8443PATH"),
    ("to a subdomain", "https://a.r5.testPATH"),
    ("to a subdomain of a subdomain", "https://b.a.r6.testPATH"),
    ("to one that looks like it", "https://notr7.testPATH"),
    ("to the domain above", "https://testPATH"),
    ("to another host", "https://other.testPATH"),
    ("to a host of .netrc", "https://netrc.testPATH"),
    ("to a host with a login", "https://in:url@other.testPATH"),
    ("to a host with a user", "https://in@other.testPATH"),
    ("to itself with a login", "https://in:url@r13.testPATH"),
    ("to a relative place of no scheme", "//other.testPATH"),
    ("to a host with a dot", "https://r15.test.PATH"),
    ("to another and back", "https://r0.test/backPATH"),
];

/// Each with a login in .netrc.
const NETRC: &str = "machine r0.test login n0 password p0\nmachine r1.test login n1 password p1\n\
    machine r2.test login n2 password p2\nmachine r3.test login n3 password p3\n\
    machine r4.test login n4 password p4\nmachine r5.test login n5 password p5\n\
    machine r6.test login n6 password p6\nmachine r7.test login n7 password p7\n\
    machine r8.test login n8 password p8\nmachine r9.test login n9 password p9\n\
    machine r10.test login n10 password p10\nmachine r11.test login n11 password p11\n\
    machine r12.test login n12 password p12\nmachine r13.test login n13 password p13\n\
    machine r14.test login n14 password p14\nmachine r15.test login n15 password p15\n\
    machine r16.test login n16 password p16\n\
    machine netrc.test login other password host\n";

/// Odd ones: what go's reader makes of them is the truth.
const ODD_NETRC: &str = "# a comment machine n0.test login no password no\nmachine n1.test login only\n\
    machine n2.test password only\nmachine n3.test\n  login lines\n  password apart\n\
    machine n4.test password first login second\nmachine n5.test login a password b account c\n\
    machine n6.test login \"quoted\" password \"pass word\"\nmachine n7.test\tlogin\ttab\tpassword\ttab2\n\
    machine n8.test login one password two\r\nmachine n8.test login late password late\n\
    machine n9.test:443 login port password port\nmachine N10.test login capital password capital\n\
    machine n11.test/example.test login path password path\nmachine n12.test login p%40ct password p%2Fct\n\
    machine https://n13.test login url password url\nmachine n14.test login h\u{e9} password \u{597d}\n\
    macdef init\nmachine n15.test login macro password macro\n\n\
    machine n16.test login after password macro\nmachine n17.test login machine password login\n\
    machine n18.test login user password #hash\nmachine n19.test login user password a#b\n\
    machine n20.test/ login slash password slash\ndefault login def password def\n\
    machine n21.test login behind password default\n";

/// User informations that go takes.
const USERS: &[&str] = &[
    "user:pw",
    "user",
    "user:",
    ":pw",
    ":",
    "us%40er:p%2Fw",
    "us%3aer:p%3Aw",
    "a:b:c",
    "u!$&'()*+;=-._~:p!$&'()*+;=-._~",
    "%C3%A9:%E5%A5%BD",
    "user:%00%0a",
    "user:p%20w",
    "user:%25",
];

/// Hosts as they may be spelt.
const HOSTS: &[&str] = &[
    "https://CAPITAL.Test",
    "https://port.test:443",
    "https://port.test:8443",
    "https://port.test:",
    "https://under_score.test",
    "https://dot.test.",
    "https://path.test/",
    "https://path.test/a/",
    "https://path.test/a//b",
    "https://path.test/a/../b",
    "https://path.test/a%2Fb",
    "https://path.test/a%20b",
    "https://path.test/a+b",
    "https://path.test/a@b",
    "https://path.test/a:b",
    "https://query.test/a?b=c",
    "https://fragment.test/a#b",
    "HTTPS://scheme.test",
    "http://plain.test",
    "http://plain.test:80",
    "http://plain.test:8080/a",
    "HTTP://Plain.test",
];

/// Spellings of addresses of which some are loopback, to which no HTTP proxy leads.
const LOOPBACK: &[&str] = &[
    "127.0.0.1:PORT",
    "127.0.0.2:PORT",
    "localhost:PORT",
    "LOCALHOST:PORT",
    "localhost.:PORT",
    "0.0.0.0:PORT",
    "127.1:PORT",
    "2130706433:PORT",
    "0x7f.1:PORT",
    "127.0.0.01:PORT",
    "[::1]:PORT",
    "[::ffff:127.0.0.1]:PORT",
    "[::]:PORT",
];

/// Whole lists that may be no list, or hold an address that is none.
const LISTS: &[&str] = &[
    "https://end.test/%zz",
    "https://end.test/%2f",
    "https://end.test/a%2Fb",
    "https://u%zz:p@end.test",
    "https://u:p w@end.test",
    "https://u:p@q@end.test",
    "https://u:p[@end.test",
    "https://u:p<@end.test",
    "https://u:\u{e9}@end.test",
    "https://end.test:x",
    "https://end.test:99999",
    "https://end.test:-1",
    "https://end test",
    "https://end%2etest",
    "https://\u{e9}.test|https://end.test",
    "https:///a|https://end.test",
    "https:end.test|https://end.test",
    "https:/end.test",
    "//end.test",
    "end.test",
    "ftp://end.test|https://end.test",
    "https://end.test\\a",
    "https://[end.test]",
    "https://[::1|https://end.test",
    "http://u:p@end.test|https://end.test",
    "http://u@end.test|https://end.test",
    " https://end.test ",
    "https://none.test, https://end.test",
    "https://none.test,,https://end.test,",
    "https://none.test||https://end.test",
    "https://end.test,direct,https://none.test",
    "https://none.test,noproxy",
    "https://denied.test|https://end.test",
    "https://denied.test,https://end.test",
    "file:///nowhere|https://end.test",
    "file:///nowhere,https://end.test",
    "https://none.test,file:///nowhere|https://end.test",
];

/// Spellings of HTTPS_PROXY and HTTP_PROXY; WORLD is where the proxy listens.
const PROXIES: &[&str] = &[
    "http://WORLD",
    "WORLD",
    "HTTP://WORLD",
    "http://WORLD/",
    "http://WORLD/path?query",
    "http://WORLD#fragment",
    "http://u:p@WORLD",
    "u:p@WORLD",
    "http://u@WORLD",
    "http://u:@WORLD",
    "http://:p@WORLD",
    "http://u%40v:p%2Fw%3A@WORLD",
    "http://u:p%zz@WORLD",
    "http://u:p w@WORLD",
    "http://u:p@q@WORLD",
    "http://u:p/w@WORLD",
    "http://u:p?w@WORLD",
    "http://u:p#w@WORLD",
    "http://\u{e9}:p@WORLD",
    "//WORLD",
    "://WORLD",
    "http:WORLD",
    "http:/WORLD",
    "http:///WORLD",
    " http://WORLD",
    "http://WORLD ",
    "http://",
    "socks5://WORLD",
    "socks5h://WORLD",
    "SOCKS5://WORLD",
    "socks5://u:p@WORLD",
    "socks5://u@WORLD",
    "socks5://:p@WORLD",
    "socks5://u:@WORLD",
    "socks5h://u%3A:p%2F@WORLD",
    "socks://WORLD",
    "socks4://WORLD",
    "ftp://WORLD",
    "https://WORLD",
    "https://u:p@WORLD",
    "direct",
    "none",
    "127.0.0.1:x",
    "127.0.0.1:99999",
    "[::1]:1",
    "http://[::1",
];

/// Exceptions, and hosts that they may be meant for. Nobody listens where these addresses lead, which no connection
/// can be made to (multicast), nor has one of the names an address.
const EXCEPTIONS: &[&str] = &[
    "239.1.2.3",
    "239.1.2.3:443",
    "239.1.2.3:80",
    "239.1.0.0/16",
    "239.1.2.3/33",
    "239.0.0.0/4 , x",
    "ff02::7",
    "[ff02::7]:443",
    "ff02::/16",
    "a.invalid",
    ".invalid",
    "*.invalid",
    "invalid",
    "A.INVALID",
    "a.invalid:443",
    "a.invalid:80",
    "a.invalid.",
    "*a.invalid",
    "https://a.invalid",
    "a.invalid b.invalid",
    "b.invalid;a.invalid",
    " a.invalid ,",
    "*",
    "*,x",
    " * ",
    "*.",
    ".",
    ",",
    "::1/128,127.0.0.0/8",
];

/// All of them.
fn ways(world: &str) -> Vec<Way> {
    let proxied = |way: Way| way.env("HTTPS_PROXY", world).env("HTTP_PROXY", world);
    let behind = |entries: Vec<String>| format!("{},https://end.test", entries.join(","));
    let mut all = vec![
        Way {
            by_itself: true,
            ..proxied(Way::new(
                "user informations",
                behind(USERS.iter().enumerate().map(|(n, u)| format!("https://{u}@u{n}.test")).collect()),
            ))
        },
        Way {
            by_itself: true,
            netrc: ODD_NETRC,
            ..proxied(Way::new("odd .netrc", behind((0..22).map(|n| format!("https://n{n}.test")).collect())))
        },
        Way {
            by_itself: true,
            netrc: "machine u1.test login net password rc\nmachine u0.test login net password rc\n",
            ..proxied(Way::new("both", "https://in:list@u0.test,https://u1.test,https://end.test"))
        },
        proxied(Way::new("hosts", behind(HOSTS.iter().map(|&h| h.to_owned()).collect()))),
    ];
    let port = world.rsplit(':').next().unwrap_or_default();
    for host in LOOPBACK {
        let list = format!("http://{}|http://end.test", host.replace("PORT", port));
        all.push(proxied(Way::new(&format!("loopback as {host}"), list)));
    }
    for (number, (what, _)) in REDIRECTS.iter().enumerate() {
        // Older releases take a host in capitals for another one.
        if what.contains("capitals") && go_minor() < 27 {
            continue;
        }
        let list = format!("https://r{number}.test,https://end.test");
        all.push(Way { netrc: NETRC, ..proxied(Way::new(&format!("redirected {what}, .netrc"), list)) });
        let list = format!("https://li:st@r{number}.test,https://end.test");
        all.push(proxied(Way::new(&format!("redirected {what}, login in the list"), list)));
    }
    for list in LISTS {
        all.push(proxied(Way::new(&format!("the list {list}"), *list)));
    }
    for proxy in PROXIES {
        let text = proxy.replace("WORLD", world.trim_start_matches("http://"));
        let way = Way::new(&format!("through {proxy}"), "http://none.test|https://end.test");
        all.push(way.env("https_proxy", text.clone()).env("http_proxy", text));
    }
    // Names that are too long for any resolver: nobody is asked for them.
    let long = |text: &str| {
        let text = text.replace("a.invalid", &format!("{}a.invalid", "l".repeat(64)));
        text.replace("A.INVALID", &format!("{}A.INVALID", "L".repeat(64)))
    };
    for no in EXCEPTIONS {
        let hosts = ["239.1.2.3", "[ff02::7]", "a.invalid", "x.a.invalid", "nota.invalid"];
        let hosts = hosts.map(long);
        // Without TLS, which takes no names as long as these.
        let list: Vec<String> = hosts.iter().map(|host| format!("http://{host}")).collect();
        let way = Way::new(&format!("except {no}"), format!("{}|http://{}", list.join("|"), &world[7..]));
        all.push(proxied(way).env("NO_PROXY", long(no)));
    }
    all
}

/// One run of go, or of gox with so many attempts.
fn run(lab: &Running, world: &World, way: &Way, attempts: Option<&str>) -> (Outcome, Vec<Ask>) {
    let mut project = Project::new(lab)
        .env("GOPROXY", &way.list)
        .env("SSL_CERT_FILE", world.ca())
        .env("GOX_BUDGET", "2s")
        .env("GOX_RELAY", "always")
        .env("GOX_FILL", "off");
    for (name, value) in &way.env {
        project = project.env(name, value);
    }
    let netrc = project.root().join("home/.netrc");
    std::fs::write(netrc, way.netrc).expect("a file in the temporary folder");
    let args = ["mod", "download", "-json", "example.test/m000@v1.0.0"];
    let outcome = match attempts {
        Some(attempts) => project.gox(args).env("GOX_ATTEMPTS", attempts).run(),
        None => project.go(args).run(),
    };
    (outcome, world.heard())
}

fn routes(heard: &[Ask]) -> BTreeSet<String> {
    heard.iter().map(Ask::route).collect()
}

fn differs(lab: &Running, world: &World, way: &Way) -> Result<(), String> {
    let (plain, gos) = run(lab, world, way, None);
    // What go does not get need be asked for once.
    let attempts = if got(&plain).is_empty() { "1" } else { "4" };
    let (outcome, ours) = run(lab, world, way, Some(attempts));
    let (gos, ours) = (routes(&gos), routes(&ours));
    let mut wrong = Vec::new();
    if got(&plain).is_empty() != got(&outcome).is_empty() {
        wrong.push(format!("go gets it: {}, gox: {}", !got(&plain).is_empty(), !got(&outcome).is_empty()));
    }
    wrong.extend(ours.difference(&gos).map(|route| format!("gox alone: {route}")));
    if plain.code() == Some(0) {
        wrong.extend(gos.difference(&ours).map(|route| format!("go alone: {route}")));
    }
    let left = outcome.report.as_ref().map(|report| report["fetch"]["left_to_go"].clone());
    let left = left.and_then(|left| left.as_array().cloned()).unwrap_or_default();
    if way.by_itself && !left.is_empty() {
        wrong.push(format!("left to go: {left:?}"));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("{}:\n{}\n{plain}\n{outcome}\n", way.name, wrong.join("\n")))
    }
}

#[test]
fn release_ways_out_are_gos() {
    let lab = std::sync::Arc::new(Lab::new().modules(1).start());
    // Each of the threads has a world of its own, which hears nothing of the others.
    let start = || {
        let lab = std::sync::Arc::clone(&lab);
        World::start(|_, _| {}, move |ask| answer(&lab, ask))
    };
    let count = ways("http://127.0.0.1:1").len();
    let numbers: Vec<usize> = (0..count).collect();
    let wrong = gathered(&numbers, |number| {
        let world = start();
        let ways = ways(&format!("http://{}", world.address()));
        differs(&lab, &world, &ways[*number])
    });
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 100, "{count}");
}

//! What a person reads at the end of a failed run: for each situation of the lab a small reader finds the host,
//! the thing to do, and no internal name in gox's last three lines, in both languages.

use crate::harness::Project;
use crate::lab::{Entry, Fault, Lab, Place, Running, always};
use std::io::{Read, Write};
use std::net::TcpListener;

/// What ends a run: a name for it, and the lab that does it. The database's have its name in theirs.
fn situations() -> Vec<(&'static str, Lab)> {
    let plain = |fault| Lab::new().fault(fault, always());
    let tls = |fault| Lab::new().entry(Entry::tls()).fault(fault, always());
    let sumdb = |fault, path: &str| Lab::new().sumdb().fault(fault, always().at(Place::Sumdb).path(path));
    vec![
        ("ends before the answer", plain(Fault::Eof)),
        ("ends in the body", plain(Fault::EofInBody)),
        ("reset", plain(Fault::Reset)),
        ("reset stream", tls(Fault::RstStream)),
        ("GOAWAY", tls(Fault::GoAway)),
        ("401", plain(Fault::Status(401))),
        ("403", plain(Fault::Status(403))),
        ("403 with a reason", plain(Fault::Says(403, "quarantined by the licence team"))),
        ("404", plain(Fault::Status(404))),
        ("418", plain(Fault::Status(418))),
        ("429", plain(Fault::RateLimited(1))),
        ("500", plain(Fault::Status(500))),
        ("503", plain(Fault::Status(503))),
        ("a page", plain(Fault::Html)),
        ("nothing", plain(Fault::Empty)),
        ("an altered zip", plain(Fault::AlterZipSame)),
        ("an altered .mod", plain(Fault::AlterModSame)),
        ("a zip cut short", Lab::new().fault(Fault::ShortWithRightLength, always().path("zip$"))),
        ("no HTTP", plain(Fault::Garbage)),
        ("silence", plain(Fault::Silence)),
        ("silence in a body", plain(Fault::SilenceInBody)),
        ("a loop", plain(Fault::RedirectLoop)),
        ("nobody listens", Lab::new().entry(Entry::closed())),
        ("an unknown certificate", Lab::new().entry(Entry::untrusted_tls())),
        ("a name that does not resolve", Lab::new().entry(Entry::unresolvable())),
        ("a database that does not know", sumdb(Fault::Status(404), "lookup/")),
        ("a database in trouble", sumdb(Fault::Status(503), ".")),
        ("a database with a wrong signature", sumdb(Fault::BadSignature, ".")),
    ]
}

/// Names that only gox's code and reports know.
const INTERNAL: &[&str] = &[
    "captive-or-html",
    "conn-refused",
    "conn-reset",
    "http-",
    "eof",
    "tls-cert",
    "sumdb-",
    "dns:",
    "timeout:",
    "checksum-mismatch",
    "private-auth",
    "cache-corrupt",
    "stalled",
    "fetcher",
    "upstream",
    "diagnos",
    "{",
    "}",
];

/// How a line begins that says what to do.
const TO_DO: [(&str, &str); 2] = [("en", "gox: hint: "), ("zh", "gox: 建议：")];

/// Where the trouble is: the address that stands in the list, or the database's.
fn culprit(name: &str, lab: &Running) -> String {
    let url = if name.contains("database") { lab.gosumdb() } else { lab.url(0).to_owned() };
    let (_, rest) = url.split_once("://").expect("a URL");
    rest.split('/').next().expect("a host").to_owned()
}

/// Reads the last three lines as somebody would who knows nothing of gox.
fn read(part: usize, (language, to_do): (&str, &str)) {
    for (name, lab) in situations().into_iter().skip(part).step_by(2) {
        let lab = lab.start();
        let mut project = Project::new(&lab)
            .env("GOX_BUDGET", "3s")
            .env("GOX_ATTEMPTS", "2")
            .env("GOX_STALL", "1s")
            .env("GOX_LANG", language);
        if name.contains("database") {
            project = project.no_file("go.sum");
        }
        let outcome = project.gox(["mod", "download"]).run().exited(1);
        let said = outcome.said();
        let last = said[said.len().saturating_sub(3)..].join("\n");
        let host = culprit(name, &lab);
        assert!(last.contains(&host), "{name}: {host} is not named\n{outcome}");
        let end = said.last().expect("a line");
        assert!(end.starts_with(to_do) && end.contains("`gox explain`"), "{name}: nothing to do\n{outcome}");
        let internal = INTERNAL.iter().find(|word| last.contains(**word));
        assert!(internal.is_none(), "{name}: says {internal:?}\n{outcome}");
        let chinese = last.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        assert_eq!(chinese, language == "zh", "{name}\n{outcome}");
    }
}

#[test]
fn the_last_lines_name_the_machine_and_what_to_do_in_english() {
    read(0, TO_DO[0]);
}

#[test]
fn the_last_lines_name_the_machine_and_what_to_do_in_english_2() {
    read(1, TO_DO[0]);
}

#[test]
fn the_last_lines_name_the_machine_and_what_to_do_in_chinese() {
    read(0, TO_DO[1]);
}

#[test]
fn the_last_lines_name_the_machine_and_what_to_do_in_chinese_2() {
    read(1, TO_DO[1]);
}

#[test]
fn the_locale_chooses_the_language_and_the_setting_stands_above_it() {
    let lab = Lab::new().fault(Fault::Status(403), always()).start();
    let hint = |vars: &[(&str, &str)]| {
        let project = Project::new(&lab);
        let run =
            vars.iter().fold(project.gox(["mod", "download"]), |run, (name, value)| run.env(name, value));
        run.run().exited(1).said().pop().expect("a line")
    };
    assert!(hint(&[("LANG", "zh_CN.UTF-8")]).starts_with(TO_DO[1].1));
    assert!(hint(&[("LANG", "zh_CN.UTF-8"), ("GOX_LANG", "en")]).starts_with(TO_DO[0].1));
    assert!(hint(&[("LANG", "zh_CN.UTF-8"), ("LC_ALL", "C")]).starts_with(TO_DO[0].1));
}

/// What gox says of a wrong call, a wrong file and a go that is not there, and its help, in the language that is chosen
/// by whatever can still be read.
#[test]
fn what_is_wrong_with_a_call_is_said_in_the_language_that_is_chosen() {
    let lab = Lab::new().start();
    let said = |args: &[&str], name: &str, value: &str, code: i32| {
        let outcome = Project::new(&lab).gox(args.iter().copied()).env(name, value).run();
        assert_eq!(outcome.code(), Some(code), "{outcome}");
        outcome.said().join("\n")
    };
    for (args, en, zh) in [
        (&["--stal", "3s", "mod", "download"][..], "unknown option", "没有选项"),
        (&["--stall", "3", "mod", "download"], "has no unit", "没有单位"),
        (&["evict"], "is missing", "缺少"),
        (&["history", "--since", "7y"], "is expected", "应为"),
        (&["config", "set", "budgte", "5m"], "did you mean \"budget\"?", "您是想写 \"budget\" 吗？"),
    ] {
        let told = said(args, "GOX_LANG", "en", 125);
        assert!(told.contains(en) && told.is_ascii(), "{told}");
        for (name, value) in [("GOX_LANG", "zh"), ("LC_ALL", "zh_CN.UTF-8")] {
            let told = said(args, name, value, 125);
            assert!(told.contains(zh), "{name}: {told}");
        }
    }
    let told = said(&["--lang", "zh", "--go", "/nowhere/go", "mod", "download"], "LC_ALL", "C", 127);
    assert!(told.contains("没有这个文件"), "{told}");
    let help = Project::new(&lab).gox(["doctor", "--help"]).env("GOX_LANG", "zh").run().success();
    assert!(
        help.out().contains("用法：gox doctor") && help.out().contains("输出格式：text, json [text]"),
        "{help}"
    );
    // The file alone chooses as well.
    let project = Project::new(&lab);
    let settings = project.root().join("own.toml");
    std::fs::write(&settings, "lang = \"zh\"\n").expect("a file of ours");
    let file = |args: &[&str]| {
        project.gox(args.iter().copied()).env("LC_ALL", "C").env("GOX_CONFIG", &settings).run()
    };
    for args in [&["--help"][..], &["explain", "--help"]] {
        assert!(file(args).out().contains("用法："), "{args:?}");
    }
    assert!(file(&["evict"]).said().join("").contains("缺少"));
}

#[test]
fn the_store_behind_a_redirect_is_named_where_it_refuses() {
    let refuses = always().at(Place::Storage);
    let lab = Lab::new().storage().fault(Fault::Status(403), refuses).start();
    let outcome = Project::new(&lab).gox(["mod", "download"]).run().exited(1);
    let line = format!(r"gox: \S+, where {} keeps its files, does not give out example\.test/m", lab.host(0));
    let outcome = outcome.matches(&line);
    assert!(!outcome.said().join("\n").contains(&format!("gox: {}, where", lab.host(0))), "{outcome}");
}

/// A proxy on the way that wants a login is blamed by its own name, and never the host behind it.
#[test]
fn the_http_proxy_is_named_where_it_refuses() {
    let squid = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = squid.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        for mut asked in squid.incoming().flatten() {
            let _ = asked.read(&mut [0; 4096]);
            let _ = asked.write_all(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
    });
    let lab = Lab::new().start();
    for scheme in ["http", "https"] {
        let project = Project::new(&lab)
            .env("GOPROXY", format!("{scheme}://mods.corp.test"))
            .env("HTTP_PROXY", format!("http://me:hunter2@{address}"))
            .env("HTTPS_PROXY", format!("http://me:hunter2@{address}"));
        let outcome = project.gox(["mod", "download"]).run().exited(1);
        let last = outcome.said().join("\n");
        assert!(last.contains(&format!("the HTTP proxy {address} refuses")), "{outcome}");
        assert!(last.contains("HTTPS_PROXY") && !last.contains("hunter2"), "{outcome}");
    }
}

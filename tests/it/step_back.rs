//! Hosts that go can talk to and others may not: what a second plain go gets through, gox gets through.

use crate::harness::{Outcome, Project};
use crate::lab::{Entry, Fault, Front, Lab, first_of_each};
use std::sync::Arc;

/// What a host makes of an answer: its path and body to the bytes that go out.
type Manner = Arc<dyn Fn(&str, &[u8]) -> Vec<u8> + Send + Sync>;

fn head(lines: &str, body: &[u8]) -> Vec<u8> {
    let mut out = lines.replace("LENGTH", &body.len().to_string()).into_bytes();
    out.extend_from_slice(body);
    out
}

/// A head of these lines before the body.
fn with(lines: &'static str) -> Manner {
    Arc::new(move |_, body| head(lines, body))
}

fn download(project: &Project, relay: &str, fill: &str) -> Outcome {
    project
        .gox(["mod", "download"])
        .env("GOX_RELAY", relay)
        .env("GOX_FILL", fill)
        .env("GOX_BUDGET", "6s")
        .run()
}

/// An upstream that is left to go costs no attempt, and no later run is the worse for it.
#[test]
fn an_upstream_that_is_left_to_go_costs_no_attempt_and_nothing_later() {
    let lab = Lab::new().modules(6).start();
    let odd = with("HTTP/1.1 200 OK\r\nX Odd : yes\r\nContent-Length: LENGTH\r\nConnection: close\r\n\r\n");
    let front = Front::of(&lab.host(0), move |path, body| odd(path, body));
    let project = Project::new(&lab).env("GOPROXY", front.url());
    for round in 0..3 {
        let outcome = download(&project, "auto", "auto").success();
        let report = outcome.report();
        assert_eq!(report["attempts"].as_array().map(Vec::len), Some(1), "{round}\n{outcome}");
        assert!(
            report["fetch"]["left_to_go"][0].as_str().is_some_and(|why| why.contains("127.0.0.1")),
            "{outcome}"
        );
        assert!(outcome.said().is_empty(), "{round}\n{outcome}");
        project.clear_module_cache();
    }
    // Where go was sent on from names what it asks for here, and nothing else.
    let referred = front.referred();
    assert!(!referred.is_empty());
    for (path, referer) in referred {
        assert!(referer.ends_with(&path) && referer.starts_with("http://127.0.0.1:"), "{path} {referer}");
    }
    let heard = front.heard();
    assert!(heard.iter().any(|(_, agent)| !agent.contains("gox")), "go asks itself: {heard:?}");
}

/// Behind one that only go can talk to, go walks on as it would alone: in the first run, and in those that
/// remember.
#[test]
fn go_walks_on_behind_an_upstream_that_is_left_to_it() {
    let lab = Lab::new().modules(3).start();
    for separator in [",", "|"] {
        let absent = Front::saying(
            "HTTP/1.1 404 Not Found\r\nX Odd : yes\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        );
        let list = format!("{}{separator}{}", absent.url(), lab.url(0));
        for args in [&["mod", "download"][..], &["get", "example.test/m000@v1.0.0"]] {
            let project = Project::new(&lab).env("GOPROXY", &list);
            for round in 0..2 {
                project.clear_module_cache();
                let outcome = project.gox(args.iter().copied()).run().success();
                assert!(outcome.attempts() + round <= 2, "{separator} {args:?} {round}\n{outcome}");
            }
        }
    }
}

/// What earlier runs met starts nothing where nothing is missing, and the relay where something is.
#[test]
fn a_bad_network_is_nothing_to_a_whole_cache() {
    let lab = Lab::new().modules(2).fault(Fault::Eof, first_of_each(1)).start();
    let project = Project::new(&lab).env("GOX_FILL", "off");
    assert!(project.gox(["mod", "download"]).run().success().attempts() > 1);
    let whole = project.gox(["list", "-m", "all"]).run().success();
    assert!(whole.report()["relay"].is_null(), "{whole}");
    project.clear_module_cache();
    let missing = project.gox(["list", "-m", "all"]).run().success();
    assert!(!missing.report()["relay"].is_null(), "{missing}");
}

/// What only go can ask keeps its place in the list, before the relay or behind it, and is asked as by go alone.
#[test]
fn the_relay_serves_around_what_only_go_can_ask() {
    let lab = Lab::new().modules(3).fault(Fault::Eof, first_of_each(1).path("m00[12]")).start();
    // A folder that holds the first module, as a module cache does.
    let folder = Project::new(&lab);
    folder.go(["mod", "download", "example.test/m000@v1.0.0"]).env("GOPROXY", lab.url(0)).run().success();
    lab.forget();
    let files = format!("file://{}", folder.module_cache().join("cache/download").display());
    let url = lab.url(0);
    for list in [format!("{files},{url}"), format!("{files}|{url},off"), format!("{url}|{files}")] {
        let project = Project::new(&lab).env("GOPROXY", &list).env("GOX_RELAY", "always");
        let outcome = project.gox(["mod", "download"]).run().success();
        assert_eq!(outcome.attempts(), 1, "{list}\n{outcome}");
        assert!(outcome.report()["relay"]["requests"].as_u64() > Some(0), "{list}\n{outcome}");
        let asked = lab.requests().iter().any(|seen| seen.path.contains("m000"));
        assert_eq!(asked, !list.starts_with("file:"), "{list}: the folder has it\n{outcome}");
        lab.forget();
    }
}

/// GOAUTH names a command: who may want its credentials is left to go, and the others are not.
#[test]
fn goauth_leaves_to_go_whom_it_may_be_for() {
    let lab = Lab::new()
        .entry(Entry::tls().named("goproxy.cn"))
        .entry(Entry::tls().named("own.test"))
        .fault(Fault::Eof, first_of_each(1).path("zip$").proxy(0))
        .start();
    let project = Project::new(&lab).env("GOX_RELAY", "always").env("GOX_FILL", "off");
    for (goauth, list, served) in [
        ("/nowhere/tool", "https://goproxy.cn|https://own.test", 1),
        ("/nowhere/tool", "https://own.test", 0),
        ("netrc", "https://goproxy.cn|https://own.test", 2),
    ] {
        let outcome =
            project.gox(["mod", "download"]).env("GOPROXY", list).env("GOAUTH", goauth).run().success();
        let upstreams = outcome.report()["relay"]["upstreams"].as_array().map_or(0, Vec::len);
        assert_eq!(upstreams, served, "{goauth} {list}\n{outcome}");
        project.clear_module_cache();
    }
}

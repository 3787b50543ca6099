//! Where go is quick to fail and waiting cures nothing: how much longer gox takes to say so.

use crate::cases::{Case, Place, Want, plain};
use crate::gate::Weather;
use crate::lab::{Entry, Fault, Lab, always};
use crate::resolver::Trouble;
use std::time::Duration;

/// What a few of them may take beyond go, ...
const MORE: Duration = Duration::from_secs(10);

/// ... and the others.
const LITTLE: Duration = Duration::from_secs(2);

fn case(
    name: &str,
    args: &[&'static str],
    goproxy: &'static str,
    lab: fn(Lab) -> Lab,
    more: Duration,
) -> Case {
    let case = plain(format!("quick {name}"), vec![(Weather::Up, Duration::ZERO)], Want::Quick(more));
    Case {
        place: Place::Resolver(Trouble::Unknown),
        args: args.to_vec(),
        goproxy: Some(goproxy),
        lab,
        modules: 4,
        ..case
    }
}

/// Twelve ways to mistype something, or to have no network. `LAB` is the address of the lab, without a scheme.
pub(crate) fn all() -> Vec<Case> {
    let same: fn(Lab) -> Lab = |lab| lab;
    let offline = |case| Case { place: Place::Nowhere, ..case };
    // Whoever gets the first module has no other yet.
    let bare = |case| Case { modules: 0, lacking: vec!["go.sum", "main.go"], ..case };
    vec![
        bare(case("mistyped-host", &["get", "exmaple.invalid/x"], "http://LAB,direct", same, LITTLE)),
        bare(case("mistyped-owner", &["get", "example.test/nobody"], "http://LAB", same, LITTLE)),
        bare(case("unknown-version", &["get", "example.test/m000@v9.9.9"], "http://LAB", same, LITTLE)),
        bare(case(
            "unknown-module-500",
            &["get", "example.test/nobody"],
            "http://LAB",
            |lab| lab.fault(Fault::Status(500), always().path("nobody")),
            LITTLE,
        )),
        case(
            "revoked-token-401",
            &["mod", "download"],
            "http://LAB",
            |lab| lab.fault(Fault::Status(401), always()),
            LITTLE,
        ),
        offline(case(
            "offline-editor-list",
            &["list", "-json", "./..."],
            "http://proxy.nowhere.test",
            same,
            MORE,
        )),
        offline(bare(case(
            "offline-get",
            &["get", "example.test/m000"],
            "http://proxy.nowhere.test",
            same,
            MORE,
        ))),
        bare(case(
            "captive-portal",
            &["get", "example.test/m000"],
            "http://LAB",
            |lab| lab.fault(Fault::Html, always()),
            LITTLE,
        )),
        bare(case("wrong-port", &["get", "example.test/m000"], "http://127.0.0.1:9", same, LITTLE)),
        case(
            "untrusted-certificate",
            &["mod", "download"],
            "https://LAB",
            |lab| lab.entry(Entry::untrusted_tls()),
            LITTLE,
        ),
        bare(case("direct-unknown-host", &["get", "exmaple.invalid/x"], "direct", same, LITTLE)),
        case(
            "retraction-look-up",
            &["list", "-m", "-u", "all"],
            "http://LAB",
            |lab| lab.fault(Fault::Status(500), always().path("(list|@latest)$")),
            MORE,
        ),
    ]
}

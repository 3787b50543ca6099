//! What is tried: the outages, and how gox is to come through each.

use crate::gate::Begin;
use crate::gate::Weather::{
    self, Closed, Drip, Held, Late, Paused, Refused, Reset, Silent, Status, Swallowed, Up,
};
use crate::lab::Lab;
use crate::quick;
use crate::resolver::Trouble;
use std::time::Duration;

/// What has the outage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// The module proxy, which is the only one.
    Proxy,
    /// The same, which speaks HTTP/2 over TLS.
    TlsProxy,
    /// The first of two.
    FirstOfTwo,
    /// The HTTP proxy through which all is asked, for https and for http.
    HttpProxy { https: bool },
    /// The same, of SOCKS.
    Socks,
    /// The checksum database.
    Database,
    /// The resolver.
    Resolver(Trouble),
    /// Everywhere: there is no resolver, and nothing leads out.
    Nowhere,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Want {
    /// Success, at most so long after the weather is good again.
    Through(Duration),
    /// Failure, in this span after the first trouble.
    Ends(Duration, Duration),
    /// Success where go succeeds, in at most 1.3 times as long.
    AsGo,
    /// Success, at most so much longer than without trouble.
    Beside(Duration),
    /// What becomes of go, at most so much later.
    Quick(Duration),
}

/// One try.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) begin: Begin,
    pub(crate) timetable: Vec<(Weather, Duration)>,
    pub(crate) modules: usize,
    pub(crate) args: Vec<&'static str>,
    pub(crate) env: Vec<(&'static str, &'static str)>,
    /// Files of the project that are not there.
    pub(crate) lacking: Vec<&'static str>,
    pub(crate) terminal: bool,
    /// GOPROXY, with the lab's address for `LAB`.
    pub(crate) goproxy: Option<&'static str>,
    /// What is special about the lab.
    pub(crate) lab: fn(Lab) -> Lab,
    /// How many run at once, on one state folder, each with a module cache of its own.
    pub(crate) at_once: usize,
    pub(crate) want: Want,
}

/// In place of a value: the variable is not set.
pub(crate) const UNSET: &str = "-";

/// Beyond the end of any case.
const EVER: Duration = Duration::from_secs(899);

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One as `mod download` meets it, with nothing special.
pub(crate) fn plain(name: String, timetable: Vec<(Weather, Duration)>, want: Want) -> Case {
    Case {
        name,
        place: Place::Proxy,
        begin: Begin::AtStart,
        timetable,
        modules: 40,
        args: vec!["mod", "download"],
        env: vec![],
        lacking: vec![],
        terminal: false,
        goproxy: None,
        lab: |lab| lab,
        at_once: 1,
        want,
    }
}

/// How soon after an outage everything is to be here.
fn soon(weather: Weather) -> Duration {
    match weather {
        Silent | Swallowed => s(15),
        _ => s(6),
    }
}

/// The forms of an outage.
const FORMS: [(&str, Weather); 6] = [
    ("refused", Refused),
    ("reset", Reset),
    ("closed", Closed),
    ("silent", Silent),
    ("swallowed", Swallowed),
    ("503", Status(503)),
];

const BEGINNINGS: [(&str, Begin); 2] = [("start", Begin::AtStart), ("middle", Begin::After(50))];

const RESOLVERS: [(&str, Trouble); 3] =
    [("no-answer", Trouble::Silence), ("servfail", Trouble::Failure), ("unknown", Trouble::Unknown)];

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    let mut all = outages();
    all.extend(endless());
    all.extend(between());
    all.extend(database());
    all.extend(mixed());
    all.extend(verbs());
    all.extend(slow());
    all.extend(many());
    all.extend(quick::all());
    all
}

fn outages() -> Vec<Case> {
    let mut all = Vec::new();
    for seconds in [12, 20, 30, 60, 120, 200] {
        for (when, begin) in BEGINNINGS {
            for (form, weather) in FORMS {
                let name = format!("outage {when} {form} {seconds}");
                let want = Want::Through(soon(weather));
                all.push(Case { begin, ..plain(name, vec![(weather, s(seconds))], want) });
            }
            for (form, trouble) in RESOLVERS {
                let name = format!("outage {when} dns-{form} {seconds}");
                // What a resolver knows not, and no resolver, may be no network at all: half a minute.
                let case = plain(name, vec![(Up, s(seconds))], Want::Through(s(15)));
                all.push(Case { begin, place: Place::Resolver(trouble), ..case });
            }
        }
    }
    // In TLS nobody else can answer.
    let connections = || FORMS.into_iter().filter(|(_, weather)| !matches!(weather, Status(_)));
    for seconds in [12, 30, 60] {
        for (form, weather) in connections() {
            for (when, begin) in [("start", Begin::AtStart), ("middle", Begin::UnderWay)] {
                let name = format!("tls {when} {form} {seconds}");
                let case = plain(name, vec![(weather, s(seconds))], Want::Through(soon(weather)));
                // Slow enough for one that carries all to be under way.
                let lab: fn(Lab) -> Lab = |lab| lab.latency(Duration::from_millis(150));
                all.push(Case { begin, place: Place::TlsProxy, lab, ..case });
            }
        }
        for (when, begin) in BEGINNINGS {
            let (name, want) = (format!("outage {when} no-relay"), |w| Want::Through(soon(w)));
            for (form, weather) in FORMS {
                let case =
                    plain(format!("{name} {form} {seconds}"), vec![(weather, s(seconds))], want(weather));
                all.push(Case { begin, env: vec![("GOX_RELAY", "never"), ("GOX_FILL", "off")], ..case });
            }
        }
    }
    all
}

fn endless() -> Vec<Case> {
    let mut all = Vec::new();
    let ends = |from, to| Want::Ends(s(from), s(to));
    for (when, begin) in BEGINNINGS {
        for (form, weather) in FORMS {
            let case = |kind: &str, want| Case {
                begin,
                ..plain(format!("endless {when} {kind}{form}"), vec![(weather, EVER)], want)
            };
            all.push(case("", ends(300, 310)));
            all.push(Case { terminal: true, ..case("terminal ", ends(120, 130)) });
            let budget = vec![("GOX_BUDGET", "20s")];
            all.push(Case { env: budget, ..case("budget ", ends(20, 24)) });
            let budget = vec![("GOX_BUDGET", "20s"), ("GOX_RELAY", "never"), ("GOX_FILL", "off")];
            all.push(Case { env: budget, ..case("budget no-relay ", ends(20, 24)) });
        }
    }
    all
}

/// An HTTP or SOCKS proxy between, which has the outage.
fn between() -> Vec<Case> {
    let mut all = Vec::new();
    let places = [
        ("https", Place::HttpProxy { https: true }),
        ("http", Place::HttpProxy { https: false }),
        ("socks", Place::Socks),
    ];
    for (sort, place) in places {
        for (form, weather) in FORMS.into_iter().chain([("502", Status(502))]) {
            if matches!((place, weather), (Place::Socks, Status(_))) {
                continue;
            }
            for (when, begin) in BEGINNINGS {
                // One connection carries all.
                let carried = place == Place::Socks || place == Place::HttpProxy { https: true };
                let begin = if begin != Begin::AtStart && carried { Begin::UnderWay } else { begin };
                let lab: fn(Lab) -> Lab = |lab| lab.latency(Duration::from_millis(150));
                for seconds in [12, 30, 60] {
                    let name = format!("between {sort} {when} {form} {seconds}");
                    let want = Want::Through(soon(weather));
                    all.push(Case { begin, place, lab, ..plain(name, vec![(weather, s(seconds))], want) });
                }
            }
            let name = format!("between {sort} no-relay {form} 20");
            let env = vec![("GOX_RELAY", "never"), ("GOX_FILL", "off")];
            all.push(Case {
                place,
                env,
                ..plain(name, vec![(weather, s(20))], Want::Through(soon(weather)))
            });
            let name = format!("between {sort} budget {form}");
            let env = vec![("GOX_BUDGET", "20s")];
            all.push(Case { place, env, ..plain(name, vec![(weather, EVER)], Want::Ends(s(20), s(24))) });
        }
    }
    all
}

/// The checksum database alone, of which go asks what no go.sum tells.
fn database() -> Vec<Case> {
    let mut all = Vec::new();
    for (form, weather) in FORMS.into_iter().filter(|(_, weather)| !matches!(weather, Status(_))) {
        for seconds in [12, 30, 60] {
            let case = plain(
                format!("database {form} {seconds}"),
                vec![(weather, s(seconds))],
                Want::Through(soon(weather) + s(4)),
            );
            all.push(Case { place: Place::Database, modules: 5, lacking: vec!["go.sum"], ..case });
        }
    }
    all
}

/// Weather that changes.
fn mixed() -> Vec<Case> {
    let flapping: Vec<_> = (0..8).flat_map(|_| [(Refused, s(5)), (Up, s(3))]).collect();
    let breathing: Vec<_> = (0..8).flat_map(|_| [(Silent, s(5)), (Up, s(3))]).collect();
    let tables = [
        ("refused-silent-503", vec![(Refused, s(15)), (Silent, s(15)), (Status(503), s(15))], s(15)),
        ("silent-refused-reset", vec![(Silent, s(20)), (Refused, s(10)), (Reset, s(10))], s(15)),
        ("503-silent", vec![(Status(503), s(20)), (Silent, s(20))], s(15)),
        ("flapping", flapping, s(6)),
        ("breathing", breathing, s(15)),
        ("refused-then-drip", vec![(Refused, s(20)), (Drip(20_000), s(60))], s(15)),
        ("502-504", vec![(Status(502), s(10)), (Status(504), s(10)), (Status(500), s(10))], s(6)),
        ("short-breaks", vec![(Refused, s(25)), (Up, Duration::from_millis(300)), (Refused, s(25))], s(6)),
    ];
    let mut all = Vec::new();
    for (when, begin) in BEGINNINGS {
        for (name, table, soon) in &tables {
            let name = format!("mixed {when} {name}");
            all.push(Case { begin, ..plain(name, table.clone(), Want::Through(*soon)) });
        }
    }
    for (form, weather) in FORMS {
        let name = format!("two first-is-{form}");
        let want = Want::Beside(s(3));
        all.push(Case { place: Place::FirstOfTwo, ..plain(name, vec![(weather, EVER)], want) });
    }
    all
}

/// Other commands than `mod download`.
fn verbs() -> Vec<Case> {
    let verbs: [(&str, Vec<&'static str>, Vec<&'static str>); 6] = [
        ("build", vec!["build", "-o", "/dev/null", "."], vec![]),
        ("tidy", vec!["mod", "tidy"], vec![]),
        ("tidy-anew", vec!["mod", "tidy"], vec!["go.sum"]),
        ("vet", vec!["vet", "."], vec![]),
        ("list", vec!["list", "-m", "all"], vec![]),
        ("get", vec!["get", "example.test/m000@v1.0.0"], vec![]),
    ];
    let mut all = Vec::new();
    for (verb, args, lacking) in verbs {
        for (form, weather) in FORMS {
            for (when, begin) in [("start", Begin::AtStart), ("middle", Begin::After(20))] {
                let case = plain(
                    format!("verb {verb} {when} {form} 30"),
                    vec![(weather, s(30))],
                    Want::Through(soon(weather)),
                );
                // A CI system, so that nobody takes it for an editor.
                let env = vec![("CI", "true")];
                all.push(Case { begin, args: args.clone(), lacking: lacking.clone(), env, ..case });
            }
        }
    }
    all
}

/// Servers that take their time.
fn slow() -> Vec<Case> {
    let case = |name: &str, modules, weather, relay| {
        let name = format!("slow {name} relay-{relay}");
        Case { modules, env: vec![("GOX_RELAY", relay)], ..plain(name, vec![(weather, EVER)], Want::AsGo) }
    };
    let mut all = Vec::new();
    for relay in ["auto", "always", "never"] {
        all.push(case("first-byte-100", 1, Late(s(100)), relay));
        all.push(case("first-byte-35", 4, Late(s(35)), relay));
        all.push(case("held-45", 2, Held(s(45)), relay));
        all.push(case("paused-25", 4, Paused(s(25)), relay));
        all.push(case("drip", 4, Drip(3_000), relay));
    }
    all
}

/// Sixteen at once.
fn many() -> Vec<Case> {
    let mut all = Vec::new();
    for (form, weather) in FORMS {
        let name = format!("many no-home {form} 20");
        let case = plain(name, vec![(weather, s(20))], Want::Through(soon(weather) + s(4)));
        // As in a docker build.
        let env = vec![("HOME", UNSET), ("GOX_STATE_DIR", UNSET), ("CI", UNSET)];
        all.push(Case { at_once: 4, modules: 10, env, ..case });
        for seconds in [20, 60] {
            let name = format!("many sixteen {form} {seconds}");
            let case = plain(name, vec![(weather, s(seconds))], Want::Through(soon(weather) + s(4)));
            all.push(Case { at_once: 16, modules: 10, ..case });
        }
    }
    all
}

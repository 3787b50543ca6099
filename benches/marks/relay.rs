//! The relay from the first byte (`relay = always`), against clean runs of plain go.

use crate::figure::{Table, Unit, median, ratio};
use crate::plan::{Plan, Saw, Serving};
use crate::run::{Place, Ran, Tools};
use std::time::Duration;

/// The requests of an altered 64 MB zip are the same; its size is what counts.
const ZIP: usize = 64 << 20;

/// One ratio to be measured.
struct Case {
    name: String,
    clean: Plan,
    fault: &'static str,
    share: f64,
    mark: f64,
    verb: Verb,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Download,
    Tidy,
    Get,
}

impl Verb {
    fn args(self) -> &'static [&'static str] {
        match self {
            Verb::Download => &["mod", "download"],
            Verb::Tidy => &["mod", "tidy"],
            Verb::Get => &["get", "example.test/m000@v1.0.0"],
        }
    }

    fn lacking(self) -> &'static [&'static str] {
        if self == Verb::Download { &[] } else { &["go.sum"] }
    }
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |name: String, clean: Plan, fault, share, mark| {
        all.push(Case { name, clean, fault, share, mark, verb: Verb::Download });
    };
    for modules in [100, 300] {
        add(format!("relay clean {modules}"), Plan::clean(modules), "none", 0.0, 1.10);
    }
    let closing = |modules| Plan { keep_alive: false, ..Plan::clean(modules) };
    let tls = |modules| Plan { tls: true, ..Plan::clean(modules) };
    add("relay clean 100, no keep-alive".to_owned(), closing(100), "none", 0.0, 1.10);
    add("relay clean 100, h2".to_owned(), tls(100), "none", 0.0, 1.10);
    for (share, mark) in [(0.05, 1.25), (0.2, 1.6)] {
        for fault in ["eof", "5xx", "rst", "altered", "html"] {
            let clean = if fault == "rst" { tls(100) } else { Plan::clean(100) };
            add(format!("relay {:.0}% {fault} 100", share * 100.0), clean, fault, share, mark);
        }
    }
    add("relay 5% eof 100, no keep-alive".to_owned(), closing(100), "eof", 0.05, 1.25);
    add("relay 20% eof 100, no keep-alive".to_owned(), closing(100), "eof", 0.2, 1.6);
    add("relay 5% mixed 1000".to_owned(), Plan::clean(1000), "mixed", 0.05, 1.3);
    for (word, verb) in [("tidy", Verb::Tidy), ("get", Verb::Get)] {
        for (share, mark) in [(0.05, 1.4), (0.2, 2.0)] {
            all.push(Case {
                name: format!("relay {:.0}% eof {word}, chain of 60", share * 100.0),
                clean: Plan { chain: true, ..Plan::clean(60) },
                fault: "eof",
                share,
                mark,
                verb,
            });
        }
    }
    all
}

pub(crate) fn measure(tools: &Tools, table: &mut Table) {
    for case in cases() {
        if table.wants(&case.name) {
            compare(tools, table, &case);
        }
    }
    if table.wants("relay 5% 429 100") {
        limited(tools, table);
    }
    for first in ["closed", "403", "silent", "dripping"] {
        let name = format!("relay first of two {first}");
        if table.wants(&name) {
            first_of_two(tools, table, &name, first);
        }
    }
    if table.wants("relay zip of 64 MB") {
        large(tools, table);
    }
}

/// One run of plain go on a good proxy.
fn plain(place: &mut Place, tools: &Tools, lab: &mut Serving, verb: Verb) -> (Ran, Saw) {
    place.turn_to(lab, verb.lacking());
    prepare(place, verb);
    let ran = place.run(&tools.go, verb.args());
    assert!(ran.ok, "plain go on a good proxy: {}", ran.stderr);
    (ran, lab.saw())
}

/// One run of gox with the relay.
fn relayed(place: &mut Place, tools: &Tools, lab: &mut Serving, verb: Verb) -> (Ran, Saw) {
    place.turn_to(lab, verb.lacking());
    prepare(place, verb);
    place.set("GOX_RELAY", "always");
    let ran = place.run(&tools.gox, verb.args());
    (ran, lab.saw())
}

fn prepare(place: &Place, verb: Verb) {
    place.forget_modules();
    if verb == Verb::Get {
        let text = "module example.test/main\n\ngo 1.21\n";
        std::fs::write(place.dir().join("go.mod"), text).expect("a file in the temporary folder");
    }
}

fn compare(tools: &Tools, table: &mut Table, case: &Case) {
    let rounds = table.rounds(7, 5);
    let mut place = Place::new(tools);
    let mut good = Serving::start(&case.clean);
    // The first of each is slower than all others.
    plain(&mut place, tools, &mut good, case.verb);
    let (mut these, mut those) = (Vec::new(), Vec::new());
    let (mut these_cpu, mut those_cpu) = (Vec::new(), Vec::new());
    let (mut well, mut frugal) = (0, 0);
    let mut faults = 0;
    for round in 0..rounds {
        let (go, clean) = plain(&mut place, tools, &mut good, case.verb);
        let mut bad = Serving::start(&case.clean.with(case.fault, case.share, 1 + round as u64));
        place.forget_state();
        let (gox, saw) = relayed(&mut place, tools, &mut bad, case.verb);
        well += usize::from(gox.in_one_attempt(&format!("{}, seed {}", case.name, 1 + round)));
        let needed = clean.requests + saw.faults;
        if saw.requests <= needed + needed / 20 {
            frugal += 1;
        } else {
            println!("    {}: {} requests where {needed} are needed", case.name, saw.requests);
        }
        faults += saw.faults;
        these.push(gox.elapsed);
        those.push(go.elapsed);
        these_cpu.push(gox.cpu);
        those_cpu.push(go.cpu);
    }
    let note = format!(
        "go {:.2} s, CPU {:.2} x; {rounds} rounds, {faults} faults, {frugal} frugal",
        median(&those).as_secs_f64(),
        ratio(&these_cpu, &those_cpu),
    );
    // What did not end well took for ever.
    let value = if well == rounds { ratio(&these, &those) } else { f64::INFINITY };
    table.at_most(&case.name, value, case.mark, Unit::Times, &note);
    if frugal < rounds {
        table.all_of(&format!("{}: requests", case.name), frugal, rounds, "clean + faults + 5%");
    }
}

/// The pauses that are asked for, shared over the downloads that go runs side by side.
fn limited(tools: &Tools, table: &mut Table) {
    let clean = Plan::clean(100);
    let mut place = Place::new(tools);
    let mut good = Serving::start(&clean);
    let (mut these, mut those, mut pauses) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..table.rounds(5, 3) {
        let (go, _) = plain(&mut place, tools, &mut good, Verb::Download);
        let mut bad = Serving::start(&clean.with("429", 0.05, 1 + round as u64));
        place.forget_state();
        let (gox, saw) = relayed(&mut place, tools, &mut bad, Verb::Download);
        let well = gox.in_one_attempt("relay 5% 429");
        these.push(if well { gox.elapsed } else { Duration::MAX });
        those.push(go.elapsed);
        // go downloads as many modules side by side as it has CPUs.
        pauses.push(Duration::from_secs(saw.faults as u64) / crate::run::cpus() as u32);
    }
    let mark = (median(&those) + median(&pauses)).as_secs_f64() * 1.25;
    let note = format!("pauses of {:.1} s, shared", median(&pauses).as_secs_f64());
    table.at_most("relay 5% 429 100", median(&these).as_secs_f64(), mark, Unit::Seconds, &note);
}

fn first_of_two(tools: &Tools, table: &mut Table, name: &str, first: &str) {
    let clean = Plan::clean(100);
    let mut place = Place::new(tools);
    let mut good = Serving::start(&clean);
    let (mut these, mut those, mut next) = (Vec::new(), Vec::new(), Vec::new());
    let mut well = 0;
    let rounds = table.rounds(5, 2);
    for _ in 0..rounds {
        let (go, _) = plain(&mut place, tools, &mut good, Verb::Download);
        let mut bad = Serving::start(&Plan { first: Some(first.to_owned()), ..clean.clone() });
        place.forget_state();
        let (gox, _) = relayed(&mut place, tools, &mut bad, Verb::Download);
        let (again, _) = relayed(&mut place, tools, &mut bad, Verb::Download);
        well += usize::from(gox.in_one_attempt(name)) + usize::from(again.in_one_attempt(name));
        these.push(gox.elapsed);
        next.push(again.elapsed);
        those.push(go.elapsed);
    }
    let over = |times: &[Duration]| {
        // What did not end well took for ever.
        let above = median(times).as_secs_f64() - median(&those).as_secs_f64();
        if well == 2 * rounds { above } else { f64::INFINITY }
    };
    table.at_most(name, over(&these), 12.0, Unit::Seconds, "above clean");
    table.at_most(&format!("{name}, next run"), over(&next), 0.2, Unit::Seconds, "above clean");
}

fn large(tools: &Tools, table: &mut Table) {
    let plan = Plan { size: ZIP, ..Plan::clean(1) };
    let mut place = Place::new(tools);
    place.set("GOX_RELAY", "always");
    let mut good = Serving::start(&plan);
    let (go, clean) = plain(&mut place, tools, &mut good, Verb::Download);
    let mut bad = Serving::start(&plan.with("cut", 5.0, 1));
    place.turn_to(&bad, &[]);
    place.forget_modules();
    let gox = place.observed(&tools.gox, Verb::Download.args(), true);
    let saw = bad.saw();
    let ok = gox.in_one_attempt("relay zip of 64 MB") && saw.faults == 5;
    let note = format!("go {:.2} s, gox {:.2} s", go.elapsed.as_secs_f64(), gox.elapsed.as_secs_f64());
    table.all_of("relay zip of 64 MB, cut five times", usize::from(ok), 1, &note);
    let bytes = saw.bytes as f64 / clean.bytes as f64;
    table.at_most("relay zip of 64 MB: bytes", bytes, 1.1, Unit::Times, "of what plain go needs");
    table.at_most(
        "relay zip of 64 MB: memory",
        gox.peak_kib as f64 / 1024.0,
        32.0,
        Unit::Megabytes,
        "of gox",
    );
}

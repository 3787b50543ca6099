//! The loop with its defaults (`relay = auto`): seeded runs of every fault, all of which must end well but at a gate.

use crate::figure::{Table, ratio};
use crate::plan::{Plan, Serving};
use crate::run::{Place, Tools};

const MODULES: usize = 100;

pub(crate) fn measure(tools: &Tools, table: &mut Table) {
    let faults = [
        ("eof", 0.05),
        ("eof", 0.2),
        ("5xx", 0.1),
        ("429", 0.1),
        ("rst", 0.05),
        ("altered", 0.05),
        ("html", 0.05),
    ];
    for (fault, share) in faults {
        let name = format!("loop50 {:.0}% {fault}", share * 100.0);
        if table.wants(&name) {
            one(tools, table, &name, fault, share);
        }
    }
    // A proxy that no table knows, and that refuses, is a gate: its word stands, as with go.
    for (first, passes) in [("closed", true), ("403", false), ("silent", true)] {
        let name = format!("loop first of two {first}");
        if table.wants(&name) {
            let mut place = Place::new(tools);
            let plan = Plan { first: Some(first.to_owned()), ..Plan::clean(MODULES) };
            let serving = Serving::start(&plan);
            place.turn_to(&serving, &[]);
            let ran = place.run(&tools.gox, &["mod", "download"]);
            let note = format!("{:.1} s, {} attempts", ran.elapsed.as_secs_f64(), ran.attempts());
            let as_meant = ran.ok == passes && (passes || ran.attempts() == 1);
            table.all_of(&name, usize::from(as_meant), 1, &note);
        }
    }
}

fn one(tools: &Tools, table: &mut Table, name: &str, fault: &str, share: f64) {
    let rounds = table.rounds(50, 5);
    let clean = Plan { tls: fault == "rst", ..Plan::clean(MODULES) };
    let mut good = Serving::start(&clean);
    let mut place = Place::new(tools);
    let (mut plain, mut wrapped) = (Vec::new(), Vec::new());
    let (mut succeeded, mut wasteless, mut frugal, mut attempts) = (0, 0, 0, 0);
    for round in 0..rounds {
        // One clean run in five is enough to compare with.
        if round % 5 == 0 {
            place.turn_to(&good, &[]);
            place.forget_modules();
            let go = place.run(&tools.go, &["mod", "download"]);
            assert!(go.ok, "{name}: {}", go.stderr);
            plain.push(go.elapsed);
        }
        let mut bad = Serving::start(&clean.with(fault, share, 100 + round as u64));
        place.turn_to(&bad, &[]);
        place.forget_modules();
        place.forget_state();
        bad.watch(&place.module_cache());
        let gox = place.run(&tools.gox, &["mod", "download"]);
        if !gox.ok {
            println!("    {name}, seed {}: {}", 100 + round, gox.stderr.trim_end());
        }
        wrapped.push(gox.elapsed);
        let saw = bad.saw();
        succeeded += usize::from(gox.ok);
        wasteless += usize::from(saw.wasted == 0);
        let needed = MODULES * 3 + saw.faults;
        // What go asked in the attempt that failed and had not stored is asked once more.
        frugal += usize::from(saw.requests <= needed + needed / 20);
        attempts += gox.attempts();
    }
    good.saw();
    let note = format!(
        "{:.2} x clean go, {:.1} attempts a run",
        ratio(&wrapped, &plain),
        attempts as f64 / rounds as f64
    );
    table.all_of(name, succeeded, rounds, &note);
    table.all_of(&format!("{name}: nothing asked twice"), wasteless, rounds, "");
    table.all_of(&format!("{name}: requests"), frugal, rounds, "clean + faults + 5%");
}

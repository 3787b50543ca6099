//! The fill, as it is by default, against clean runs of plain go.

use crate::figure::{Table, Unit, median, ratio};
use crate::plan::{Plan, Saw, Serving};
use crate::run::{Place, Ran, Tools};
use std::time::Duration;

const ARGS: [&str; 2] = ["mod", "download"];

/// One figure: what gox meets, and what plain go meets beside it.
struct Case {
    name: &'static str,
    ours: Plan,
    plain: Plan,
    /// The share of plain go's time that gox may take, or seconds.
    mark: f64,
    unit: Unit,
}

fn cases() -> Vec<Case> {
    let near = Plan { each: 40_000, ..Plan::clean(100) };
    let near_tls = Plan { tls: true, ..near.clone() };
    let far = Plan { latency: 100, ..near_tls.clone() };
    let mut all = Vec::new();
    let mut add = |name, ours: Plan, plain: &Plan, mark, unit| {
        all.push(Case { name, ours, plain: plain.clone(), mark, unit });
    };
    add("fill near, h2", near_tls.clone(), &near_tls, 0.5, Unit::Times);
    add("fill near, plain HTTP", near.clone(), &near, 0.7, Unit::Times);
    add("fill at 100 ms, h2", far.clone(), &far, 0.1, Unit::Times);
    for (name, name_tls, fault, share) in [
        ("fill 10% 429", "fill 10% 429, h2", "429", 0.1),
        ("fill 10% 429 no pause told", "fill 10% 429 no pause told, h2", "429, no pause told", 0.1),
        ("fill 10% 503", "fill 10% 503, h2", "503", 0.1),
        ("fill 30% 429 no pause told", "fill 30% 429 no pause told, h2", "429, no pause told", 0.3),
        ("fill 30% 503", "fill 30% 503, h2", "503", 0.3),
    ] {
        let mark = if share > 0.2 { 5.0 } else { 3.0 };
        add(name, near.with(fault, share, 1), &near, mark, Unit::Seconds);
        add(name_tls, near_tls.with(fault, share, 1), &near_tls, mark, Unit::Seconds);
    }
    for (name, limit, mark) in [
        ("fill 20 a second", "20 a second", 20.0),
        ("fill 20 a second, no pause told", "20 a second, no pause told", 20.0),
        ("fill 20 a second, 503", "20 a second, 503", 20.0),
        ("fill 8 at once", "8 at once", 3.0),
        ("fill 8 connections", "8 connections", 3.0),
        ("fill GOAWAY each 10", "GOAWAY each 10", 3.0),
    ] {
        add(name, near_tls.limited(limit), &near_tls, mark, Unit::Seconds);
    }
    for (name, limit, mark) in [
        ("fill at 100 ms, 20 a second", "20 a second", 1.0),
        ("fill at 100 ms, 8 at once", "8 at once", 0.5),
        ("fill at 100 ms, GOAWAY each 10", "GOAWAY each 10", 0.3),
    ] {
        add(name, far.limited(limit), &far, mark, Unit::Times);
    }
    all
}

pub(crate) fn measure(tools: &Tools, table: &mut Table) {
    for case in cases() {
        if table.wants(case.name) {
            compare(tools, table, &case);
        }
    }
}

fn run(place: &mut Place, program: &std::path::Path, lab: &mut Serving) -> (Ran, Saw) {
    place.turn_to(lab, &[]);
    place.forget_modules();
    place.forget_state();
    let ran = place.run(program, &ARGS);
    (ran, lab.saw())
}

fn compare(tools: &Tools, table: &mut Table, case: &Case) {
    let rounds = table.rounds(5, 3);
    let mut place = Place::new(tools);
    let mut good = Serving::start(&case.plain);
    let (mut these, mut those) = (Vec::new(), Vec::new());
    let (mut these_cpu, mut those_cpu) = (Vec::new(), Vec::new());
    let (mut well, mut extra, mut connections) = (0, 0, 0);
    for round in 0..rounds {
        let (go, clean) = run(&mut place, &tools.go, &mut good);
        assert!(go.ok, "plain go on a good proxy: {}", go.stderr);
        let mut bad = Serving::start(&Plan { seed: 1 + round as u64, ..case.ours.clone() });
        let (gox, saw) = run(&mut place, &tools.gox, &mut bad);
        well += usize::from(gox.in_one_attempt(case.name));
        extra += saw.requests.saturating_sub(clean.requests);
        connections = connections.max(gox.report["fetch"]["connections"].as_u64().unwrap_or(0));
        these.push(gox.elapsed);
        those.push(go.elapsed);
        these_cpu.push(gox.cpu);
        those_cpu.push(go.cpu);
    }
    let longest = these.iter().max().copied().unwrap_or(Duration::MAX);
    let note = format!(
        "go {:.2} s, gox {:.2} s (at most {:.2}), CPU {:.2} x; {} requests more a run, {connections} connections",
        median(&those).as_secs_f64(),
        median(&these).as_secs_f64(),
        longest.as_secs_f64(),
        ratio(&these_cpu, &those_cpu),
        extra / rounds,
    );
    let value = match case.unit {
        // What did not end well took for ever.
        _ if well < rounds => f64::INFINITY,
        Unit::Seconds => median(&these).as_secs_f64(),
        _ => ratio(&these, &those),
    };
    table.at_most(case.name, value, case.mark, case.unit, &note);
}

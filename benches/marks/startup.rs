//! What gox costs where it has nothing to do.

use crate::figure::{Table, Unit, median};
use crate::run::{Place, Tools};
use std::time::Duration;

/// `go version` through gox; a bare exec costs 0.5 to 1.0 ms of that.
const VERSION_MS: f64 = 1.2;

/// `go list -m` on a warm cache, supervised.
const LIST_MS: f64 = 2.5;

pub(crate) fn measure(tools: &Tools, table: &mut Table) {
    let cases: [(&str, &[&str], f64); 3] = [
        ("startup version", &["version"], VERSION_MS),
        ("startup list -m", &["list", "-m"], LIST_MS),
        ("startup list -m all", &["list", "-m", "all"], LIST_MS),
    ];
    for (name, args, mark) in cases {
        if !table.wants(name) {
            continue;
        }
        let mut place = Place::new(tools);
        let serving = crate::plan::Serving::start(&crate::plan::Plan::clean(10));
        place.turn_to(&serving, &[]);
        place.run(&tools.go, &["mod", "download"]);
        let (mut plain, mut wrapped) = (Vec::new(), Vec::new());
        let rounds = table.rounds(150, 100);
        let (mut plain_cpu, mut wrapped_cpu) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let go = place.run(&tools.go, args);
            let gox = place.run(&tools.gox, args);
            assert!(go.ok && gox.ok, "{name}: {} {}", go.stderr, gox.stderr);
            plain.push(go.elapsed);
            wrapped.push(gox.elapsed);
            plain_cpu.push(go.cpu);
            wrapped_cpu.push(gox.cpu);
        }
        let ms = |times: &[Duration]| median(times).as_secs_f64() * 1e3;
        let note = format!(
            "go {:.2} ms; CPU +{:.2} ms; {rounds} rounds",
            ms(&plain),
            ms(&wrapped_cpu) - ms(&plain_cpu)
        );
        table.at_most(name, ms(&wrapped) - ms(&plain), mark, Unit::Milliseconds, &note);
    }
}

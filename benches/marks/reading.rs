//! What it costs to read what was said: a whole log, and a failure that nothing can be done about.

use crate::figure::{Table, Unit, median};
use crate::run::{Place, Tools};
use std::fmt::Write;
use std::time::Duration;

/// 200 MB a second.
const LOG_SECONDS: f64 = 0.5;
const LOG_BYTES: usize = 100_000_000;

/// How much longer than with go a compile error takes to be told.
const COMPILE_ERROR_MS: f64 = 3.0;

pub(crate) fn measure(tools: &Tools, table: &mut Table) {
    if table.wants("reading a log") {
        let mut place = Place::new(tools);
        let serving = crate::plan::Serving::start(&crate::plan::Plan::clean(1));
        place.turn_to(&serving, &[]);
        std::fs::write(place.dir().join("build.log"), log()).expect("a file of ours");
        let times: Vec<Duration> = (0..table.rounds(9, 5))
            .map(|_| {
                let ran = place.run(&tools.gox, &["explain", "build.log"]);
                assert!(ran.ok, "{}", ran.stderr);
                ran.elapsed
            })
            .collect();
        let seconds = median(&times).as_secs_f64();
        let note = format!("100 MB of a build's log, {:.0} MB/s", 100.0 / seconds);
        table.at_most("reading a log", seconds, LOG_SECONDS, Unit::Seconds, &note);
    }
    if table.wants("reading a compile error") {
        let mut place = Place::new(tools);
        let serving = crate::plan::Serving::start(&crate::plan::Plan::clean(1));
        place.turn_to(&serving, &[]);
        let folder = place.dir().join("broken");
        std::fs::create_dir(&folder).expect("a folder of ours");
        std::fs::write(folder.join("broken.go"), "package broken\n\nfunc f() { undefined() }\n")
            .expect("a file of ours");
        let (mut plain, mut wrapped) = (Vec::new(), Vec::new());
        for _ in 0..table.rounds(60, 30) {
            for (program, times) in [(&tools.go, &mut plain), (&tools.gox, &mut wrapped)] {
                let ran = place.run(program, &["build", "./broken"]);
                assert!(!ran.ok && ran.stderr.contains("undefined"), "{}", ran.stderr);
                times.push(ran.elapsed);
            }
        }
        let ms = |times: &[Duration]| median(times).as_secs_f64() * 1e3;
        let note = format!("go {:.2} ms", ms(&plain));
        let more = ms(&wrapped) - ms(&plain);
        table.at_most("reading a compile error", more, COMPILE_ERROR_MS, Unit::Milliseconds, &note);
    }
}

/// The log of a build in which many programs speak, go's tests most of all.
fn log() -> String {
    let mut log = String::with_capacity(LOG_BYTES + 1000);
    for n in 0.. {
        if log.len() >= LOG_BYTES {
            break;
        }
        let lines = [
            format!("npm http fetch GET 200 https://registry.example.test/lodash {n}ms"),
            format!("=== RUN   TestThing{n}/sub"),
            format!("    thing_test.go:{n}: value"),
            format!("--- PASS: TestThing{n} (0.01s)"),
            format!("ok  \ta.test/pkg{n}\t0.1s"),
            format!("go: downloading a.test/dep{n} v1.0.0"),
            format!("[{n}/99999] Building CXX object something/with/a/long/path/file.cpp.o"),
            format!("Get:{n} http://deb.example.test/debian bookworm/main amd64 libfoo amd64 1.0 [12 kB]"),
        ];
        for line in lines {
            writeln!(log, "2026-03-04T10:11:12.1234567Z {line}").expect("a string takes it");
        }
    }
    log
}

//! The marks: what gox may cost, measured against plain go in the same invocation.
//!
//! ```sh
//! cargo bench --bench marks                     # everything (half an hour)
//! cargo bench --bench marks -- startup relay    # the figures whose names hold one of these words
//! cargo bench --bench marks -- --quick          # fewer rounds
//! ```
//!
//! Each figure is a ratio to, or a difference from, plain go, the two run in turns and compared by their
//! medians, so that a busy machine slows both alike. The module proxy is the test lab, in a process of its
//! own (this program once more). A missed mark makes the exit status 1. The real go comes from
//! `GOX_TEST_GO`, else from what tests/run.sh has got; the gox is the one just built, or `GOX_BENCH_GOX`.

#![allow(unsafe_code, reason = "what a child used is told by libc alone")]

mod figure;
mod fill;
mod looping;
mod plan;
mod reading;
mod relay;
mod run;
mod startup;

#[allow(dead_code, unused_imports, reason = "the test lab is a toolbox; this uses a part of it")]
#[path = "../../tests/it/lab/mod.rs"]
mod lab;

#[allow(dead_code, reason = "the finder of the tests; this uses a part of it")]
#[path = "../../tests/it/harness/releases.rs"]
mod releases;

use figure::{Choice, Table};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|first| first == plan::SERVE) {
        return plan::serve(args.get(1).map_or("", String::as_str));
    }
    // cargo itself adds --bench.
    args.retain(|arg| arg != "--bench");
    let quick = args.iter().any(|arg| arg == "--quick");
    let words = args.into_iter().filter(|arg| arg != "--quick").collect();
    let tools = run::Tools { go: releases::go(), gox: run::find_gox() };
    let mut table = Table::new(Choice { words, quick });
    println!("go {}, {} CPUs, load {}", tools.go.display(), run::cpus(), run::load());
    startup::measure(&tools, &mut table);
    looping::measure(&tools, &mut table);
    reading::measure(&tools, &mut table);
    relay::measure(&tools, &mut table);
    fill::measure(&tools, &mut table);
    println!("load at the end {}", run::load());
    table.finish()
}

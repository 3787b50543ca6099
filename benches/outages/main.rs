//! Outages in real time: whether gox comes through those that end, and ends with those that do not.
//!
//! ```sh
//! cargo bench --bench outages                         # every case: hours of waiting, most of it side by side
//! cargo bench --bench outages -- --list               # their names
//! cargo bench --bench outages -- 'start refused' socks   # those whose names hold one of these
//! cargo bench --bench outages -- --at-once 30 endless
//! ```
//!
//! The module proxy is the test lab, behind a door that has weather (`gate`); names are asked of a resolver of
//! its own in a network of its own (`resolver`, which wants `unshare` and `ip`). Each case runs in a process of
//! its own. A missed mark makes the exit status 1. go and gox are found as in `marks`.

#![allow(unsafe_code, reason = "a terminal is taken between fork and exec")]

mod cases;
mod gate;
mod quick;
mod resolver;
mod run;

#[allow(dead_code, unused_imports, reason = "the test lab is a toolbox; this uses a part of it")]
#[path = "../../tests/it/lab/mod.rs"]
mod lab;

#[allow(dead_code, reason = "the finder of the tests; this uses a part of it")]
#[path = "../../tests/it/harness/releases.rs"]
mod releases;

use cases::{Case, Place};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The argument that makes this program one case.
const ONE: &str = "--one-case";

/// Cases side by side, where nothing else is said: nearly all of their time is waiting.
const AT_ONCE: usize = 16;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let all = cases::all();
    if args.first().is_some_and(|first| first == ONE) {
        let gox =
            std::env::var_os("GOX_BENCH_GOX").map_or_else(|| env!("CARGO_BIN_EXE_gox").into(), PathBuf::from);
        let tools = run::Tools { go: releases::go(), gox };
        let case = all.iter().find(|case| Some(&case.name) == args.get(1));
        return case.map_or(ExitCode::from(2), |case| run::case(case, &tools));
    }
    let mut at_once = AT_ONCE;
    if let Some(at) = args.iter().position(|arg| arg == "--at-once") {
        at_once = args.get(at + 1).and_then(|n| n.parse().ok()).unwrap_or(AT_ONCE);
        args.drain(at..(at + 2).min(args.len()));
    }
    let only_names = args.iter().any(|arg| arg == "--list");
    args.retain(|arg| arg != "--list");
    let wanted = |case: &&Case| args.is_empty() || args.iter().any(|word| case.name.contains(word.as_str()));
    let wanted: Vec<Case> = all.iter().filter(wanted).cloned().collect();
    if only_names {
        wanted.iter().for_each(|case| println!("{}", case.name));
        return ExitCode::SUCCESS;
    }
    let next = AtomicUsize::new(0);
    let missed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once.min(wanted.len()) {
            scope.spawn(|| {
                while let Some(case) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if !in_a_process(case) {
                        missed.lock().expect("no thread panics with it").push(case.name.clone());
                    }
                }
            });
        }
    });
    let missed = missed.into_inner().expect("no thread panics with it");
    println!("{} cases, {} missed", wanted.len(), missed.len());
    missed.iter().for_each(|name| println!("    {name}"));
    if missed.is_empty() && !wanted.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn in_a_process(case: &Case) -> bool {
    let program = std::env::current_exe().expect("this program");
    let mut command = match case.place {
        Place::Resolver(_) | Place::Nowhere => {
            resolver::in_a_world_of_its_own(&program, case.place == Place::Nowhere)
        }
        _ => Command::new(program),
    };
    match command.args([ONE, &case.name]).output() {
        Ok(output) => {
            print!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            output.status.success()
        }
        Err(error) => {
            println!("MISS {}: {error}", case.name);
            false
        }
    }
}

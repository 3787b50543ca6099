//! The fill at module proxies that bear little: so many requests a second or at a time, few connections, few requests
//! over each of them.

use crate::harness::{Outcome, Project};
use crate::lab::{Entry, Fault, Lab, Limits, Running, first_of_each, rate};
use std::collections::HashSet;
use std::time::Duration;

const MODULES: usize = 40;

/// What go would ask for.
const REQUESTS: usize = 3 * MODULES;

fn lab(entry: Entry, limits: Limits) -> Running {
    Lab::new()
        .modules(MODULES)
        .size(5_000)
        .keep_alive()
        .latency(Duration::from_millis(2))
        .entry(entry)
        .limits(limits)
        .start()
}

/// All is placed by the fill, in one attempt, without a word to the user.
#[track_caller]
fn gets_through(lab: &Running, most: usize) -> Outcome {
    let outcome = Project::new(lab).gox(["mod", "download"]).run().success();
    let filled = outcome.report()["fetch"]["filled"].as_u64();
    assert_eq!((outcome.attempts(), filled), (1, Some(MODULES as u64)), "{outcome}");
    let asked = lab.requests().len();
    assert!(asked <= most, "{asked} requests, {REQUESTS} of them needed\n{outcome}");
    outcome
}

#[test]
fn so_many_requests_a_second() {
    for entry in [Entry::plain, Entry::tls] {
        for limits in [
            Limits::default().rate(30.0, 20.0).retry_after(1),
            Limits::default().rate(30.0, 20.0),
            Limits::default().rate(30.0, 1.0).status(503),
        ] {
            let lab = lab(entry(), limits.clone());
            gets_through(&lab, REQUESTS * 3);
            let seen = lab.requests();
            let (first, last) = (seen.first().expect("asked"), seen.last().expect("asked"));
            // A third more than the limit leaves time for; on a busy machine too.
            assert!(last.at - first.at < Duration::from_secs(30), "{limits:?}: {:?}", last.at - first.at);
        }
    }
}

#[test]
fn so_many_requests_at_a_time() {
    for limits in [Limits::default().at_once(8).status(503), Limits::default().at_once(4)] {
        gets_through(&lab(Entry::tls(), limits), REQUESTS * 3);
    }
}

#[test]
fn few_connections() {
    for most in [8, 4] {
        gets_through(&lab(Entry::tls(), Limits::default().connections(most)), REQUESTS);
    }
    gets_through(&lab(Entry::plain(), Limits::default().connections(8)), REQUESTS);
}

/// go, with its two connections, would not notice; gox opens more and must not wait at those.
#[test]
fn connections_that_are_left_unanswered() {
    for entry in [Entry::plain, Entry::tls_http1] {
        for most in [1, 2, 4] {
            let lab = lab(entry(), Limits::default().connections(most).leaves_the_others());
            gets_through(&lab, REQUESTS + MODULES);
            let seen = lab.requests();
            let took = seen.last().expect("asked").at - seen.first().expect("asked").at;
            // The patience for one silent connection after the other would be 12 s and more; these are idle.
            assert!(took < Duration::from_secs(8), "{most}: {took:?}");
        }
    }
}

#[test]
fn few_requests_over_each_connection() {
    for each in [10, 3] {
        gets_through(&lab(Entry::tls(), Limits::default().each(each)), REQUESTS * 8);
        gets_through(&lab(Entry::plain(), Limits::default().each(each)), REQUESTS);
    }
}

#[test]
fn refusals_by_chance_are_asked_again_without_a_pause_for_the_others() {
    for fault in [Fault::RateLimited(1), Fault::Status(429), Fault::Status(503)] {
        for entry in [Entry::plain, Entry::tls] {
            let lab = Lab::new()
                .modules(MODULES)
                .size(5_000)
                .keep_alive()
                .latency(Duration::from_millis(2))
                .entry(entry())
                .fault(fault, rate(0.1))
                .start();
            gets_through(&lab, REQUESTS + lab.modules().len());
            let seen = lab.requests();
            let refused: Vec<_> = seen.iter().filter(|seen| seen.fault.is_some()).collect();
            assert!(refused.len() > 3, "{fault:?}: {}", refused.len());
            // Others are answered while the one that was refused waits.
            let beside = |at: Duration| {
                seen.iter().any(|s| s.fault.is_none() && s.at > at && s.at < at + Duration::from_millis(900))
            };
            assert!(refused[..2].iter().all(|seen| beside(seen.at)), "{fault:?}");
        }
    }
}

#[test]
fn those_that_rest_leave_their_places_to_others() {
    // More of them than are asked for at a time over HTTP/1.1, and none next to another.
    let some = first_of_each(1).path("m0(00|04|08|12|16|20|24|28)/@v/v1.0.0.mod$");
    let lab = Lab::new()
        .modules(MODULES)
        .keep_alive()
        .latency(Duration::from_millis(2))
        .entry(Entry::plain())
        .fault(Fault::RateLimited(5), some)
        .start();
    gets_through(&lab, REQUESTS + 8);
    let seen = lab.requests();
    let mut before = HashSet::new();
    let again = seen.iter().position(|seen| !before.insert(seen.path.clone())).expect("asked again");
    let mods = seen[..again].iter().filter(|seen| seen.path.ends_with(".mod")).count();
    assert_eq!(mods, MODULES, "{:?}", seen[..again].iter().map(|seen| &seen.path).collect::<Vec<_>>());
}

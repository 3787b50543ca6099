//! The fill of large zips over lines that carry little in each connection: in parts side by side, and in one piece
//! where an upstream does not give them.

use crate::harness::{Outcome, Project};
use crate::lab::{Entry, Fault, Lab, Limits, Ranges, Running, rate};

/// What one connection carries in a second.
const CEILING: u32 = 2_000_000;

/// Of the large zip: four seconds over one connection.
const LARGE: usize = 8_000_000;

fn lab() -> Lab {
    Lab::new().modules(3).size(5_000).big(1, LARGE).keep_alive().limits(Limits::default().ceiling(CEILING))
}

#[track_caller]
fn gets_through(lab: &Running) -> Outcome {
    let project = Project::new(lab);
    let outcome = project.gox(["mod", "download"]).run().success();
    let filled = outcome.report()["fetch"]["filled"].as_u64();
    assert_eq!((outcome.attempts(), filled), (1, Some(3)), "{outcome}");
    project.go(["mod", "verify"]).run().success();
    outcome
}

/// How many requests asked for a part of the large zip.
fn parts(lab: &Running) -> usize {
    let asked = |seen: &&crate::lab::Seen| seen.headers.iter().any(|(name, _)| name == "range");
    lab.requests().iter().filter(asked).count()
}

fn bytes(lab: &Running) -> usize {
    lab.requests().iter().map(|seen| seen.sent).sum()
}

#[test]
fn a_large_zip_comes_in_parts_over_several_connections() {
    for (entry, storage) in [(Entry::tls(), false), (Entry::tls(), true), (Entry::plain(), false)] {
        let lab = if storage { lab().storage() } else { lab() };
        let lab = lab.entry(entry).start();
        let outcome = gets_through(&lab);
        // Behind a redirect the first request for each part goes to the upstream.
        let most = if storage { 6 } else { 3 };
        assert!((3..=most).contains(&parts(&lab)), "{} parts\n{outcome}", parts(&lab));
        assert!(bytes(&lab) < LARGE + LARGE / 4, "{} bytes\n{outcome}", bytes(&lab));
        assert!(outcome.report()["fetch"]["connections"].as_u64() >= Some(3), "{outcome}");
    }
}

#[test]
fn what_comes_fast_enough_comes_in_one_piece() {
    let lab = Lab::new().modules(3).big(1, LARGE).keep_alive().entry(Entry::tls()).start();
    gets_through(&lab);
    assert_eq!(parts(&lab), 0);
}

#[test]
fn who_does_not_give_parts_is_left_at_that() {
    for (ranges, most) in [(Ranges::Unknown, 0), (Ranges::Ignored, 3), (Ranges::Shifted, 3)] {
        let lab = lab().big(2, LARGE / 2 + 500_000).ranges(ranges).entry(Entry::tls()).start();
        let outcome = gets_through(&lab);
        // Two zips may have begun before it is known.
        assert!(parts(&lab) <= 2 * most, "{ranges:?}: {} parts\n{outcome}", parts(&lab));
        assert!(bytes(&lab) < 4 * LARGE, "{ranges:?}: {} bytes\n{outcome}", bytes(&lab));
    }
}

#[test]
fn parts_that_break_off_are_gone_on_with() {
    for seed in 1..4 {
        let faults = [Fault::EofInBody, Fault::ResetInBody, Fault::RstStreamInBody];
        let lab = lab().seed(seed).faults(&faults, rate(0.4).path("m001.*zip$")).entry(Entry::tls()).start();
        let outcome = gets_through(&lab);
        assert!(bytes(&lab) < 4 * LARGE, "{} bytes\n{outcome}", bytes(&lab));
    }
}

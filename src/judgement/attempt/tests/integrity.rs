//! Wrong bytes, and what lies damaged here.

use super::*;

fn mismatch(module: &str, got: &str, host: &str) -> Failure {
    let mut f = failure(Cause::ChecksumMismatch, Source::Proxy, host);
    f.module = Some(module.into());
    f.facts.got = Some(got.into());
    f.facts.expected = Some(Claim::new("h1:right"));
    f
}

#[test]
fn the_same_wrong_hash_from_two_hosts_is_confirmed_and_ends_the_run() {
    let p = policy(&format!("{A},{B}"));
    let (h, stop) = run_to_stop(
        &p,
        vec![
            seen(vec![mismatch("github.com/o/m", "h1:x", "")]),
            seen(vec![mismatch("github.com/o/m", "h1:x", "")]),
        ],
    );
    assert!(h[0].retry.remedies.contains(&Remedy::Rest(vec![entry(&p, 0)])));
    assert!(stop.reason.contains("h1:x") && stop.reason.contains("h1:right"));
}

#[test]
fn the_same_wrong_hash_from_the_only_host_is_confirmed_by_all_its_attempts() {
    let p = policy(A);
    let (h, stop) = run_to_stop(&p, vec![seen(vec![mismatch("github.com/o/m", "h1:x", "")]); 4]);
    assert!(h.iter().all(|s| ceiling(&s.retry) > Duration::ZERO));
    assert!(stop.reason.contains("separate downloads"));
}

#[test]
fn other_modules_that_come_through_are_no_new_chance_for_a_wrong_one() {
    let p = policy(A);
    let mut o = seen(vec![mismatch("github.com/o/m", "h1:x", "")]);
    o.progress = true;
    let (_, stop) = run_to_stop(&p, vec![o; 4]);
    assert!(stop.reason.contains("4 separate downloads"), "{}", stop.reason);
}

#[test]
fn wrong_bytes_that_differ_or_are_the_same_for_two_modules_are_damage_on_the_way() {
    let p = policy(&format!("{A},{B}"));
    // Each of them is followed by a retry.
    run(
        &p,
        vec![
            seen(vec![mismatch("github.com/o/m", "h1:x", "")]),
            seen(vec![mismatch("github.com/o/m", "h1:y", "")]),
        ],
    );
    run(
        &p,
        vec![
            seen(vec![mismatch("github.com/o/m", "h1:page", "")]),
            seen(vec![mismatch("github.com/o/n", "h1:page", "")]),
            seen(vec![mismatch("github.com/o/m", "h1:page", "")]),
        ],
    );
    let both =
        || seen(vec![mismatch("github.com/o/m", "h1:page", ""), mismatch("github.com/o/n", "h1:page", "")]);
    run(&p, vec![both(), both()]);
}

#[test]
fn local_damage_is_evicted_and_tried_again_at_once() {
    let p = policy(A);
    let mut o = seen(vec![mismatch("github.com/o/m", "h1:x", "")]);
    o.repairs = vec![Repair {
        failure: 0,
        kind: RepairKind::Evict,
        what: "m@v1.0.0".into(),
        path: "/c/m.zip".into(),
    }];
    let h = run(&p, vec![o.clone()]);
    assert_eq!(last(&h).remedies, [Remedy::Evict { what: "m@v1.0.0".into(), path: "/c/m.zip".into() }]);
    assert_eq!(last(&h).pause, Pause::NONE);
    let (_, stop) = run_to_stop(&p, vec![o.clone(), o.clone(), o]);
    assert!(stop.reason.contains("again and again"), "something else damages it");
}

#[test]
fn what_mod_verify_finds_is_never_cured() {
    let mut p = policy(A);
    p.verifying = true;
    let mut o = seen(vec![failure(Cause::CacheCorrupt, Source::Cache, "")]);
    o.repairs =
        vec![Repair { failure: 0, kind: RepairKind::Evict, what: "m@v1.0.0".into(), path: "/c/m".into() }];
    assert!(is_stop(&decide(&p, &[], &o)));
    // Words that name nobody would be diagnosed elsewhere.
    o.repairs.clear();
    o.failures[0].detail = Detail::Hidden;
    assert!(is_stop(&decide(&p, &[], &o)));
}

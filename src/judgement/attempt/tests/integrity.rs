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
    assert!(stop.reason.en.contains("h1:x") && stop.reason.en.contains("h1:right"));
}

#[test]
fn the_same_wrong_hash_from_the_only_host_is_confirmed_by_all_its_attempts() {
    let p = policy(A);
    let (h, stop) = run_to_stop(&p, vec![seen(vec![mismatch("github.com/o/m", "h1:x", "")]); 4]);
    assert!(h.iter().all(|s| ceiling(&s.retry) > Duration::ZERO));
    assert!(stop.reason.en.contains("separate downloads"));
}

#[test]
fn other_modules_that_come_through_are_no_new_chance_for_a_wrong_one() {
    let p = policy(A);
    let mut o = seen(vec![mismatch("github.com/o/m", "h1:x", "")]);
    o.progress = true;
    let (_, stop) = run_to_stop(&p, vec![o; 4]);
    assert!(stop.reason.en.contains("4 separate downloads"), "{}", stop.reason.en);
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
fn a_page_that_gox_saw_itself_is_no_mismatch_whoever_sent_it() {
    let p = policy(&format!("{A},{B}"));
    let wrong = || {
        let mut observation = seen(vec![mismatch("github.com/o/m", "h1:page", "")]);
        observation.proofs.witness_page("h1:page");
        observation
    };
    run(&p, vec![wrong(), wrong()]);
    let (_, stop) = run_to_stop(&p, vec![wrong(); 4]);
    assert!(stop.reason.en.starts_with("gave up"), "{}", stop.reason.en);
}

#[test]
fn what_the_fetcher_found_out_is_final() {
    let p = policy(&format!("{A},{B}"));
    let found = |failure: Failure| {
        let settled = Settled {
            failure: failure.clone(),
            why: Text { en: "not a valid zip file".into(), zh: "不是有效的 zip 文件".into() },
            bytes: 12,
            tries: 8,
        };
        Observation { settled: vec![settled], relayed: true, ..seen(vec![failure]) }
    };
    let damaged = found(failure(Cause::CaptiveOrHtml, Source::Proxy, "a.example:1"));
    let stop = stopped(decide(&p, &[], &damaged));
    assert_eq!(
        stop.reason.en,
        "a.example:1 sends a damaged github.com/o/m@v1.0.0: not a valid zip file, the same 12 bytes in 8 tries"
    );
    assert!(stop.reason.zh.contains("（不是有效的 zip 文件）"), "{}", stop.reason.zh);
    let stop = stopped(decide(&p, &[], &found(mismatch("github.com/o/m", "h1:x", "a.example:1"))));
    assert!(stop.reason.en.contains("8 separate downloads of github.com/o/m@v1.0.0"), "{}", stop.reason.en);
    // ... but for the origin, which may have a sound copy of what go.sum pins.
    let mut p = policy("https://goproxy.cn,direct");
    p.versions_fixed = true;
    premises(&mut p).modules = vec!["github.com/o/m".into()];
    premises(&mut p).pinned = vec![("github.com/o/m".into(), "v1.0.0".into())];
    assert!(is_retry(&decide(&p, &[], &found(failure(Cause::CaptiveOrHtml, Source::Proxy, "goproxy.cn")))));
    assert!(is_stop(&decide(&p, &[], &found(mismatch("github.com/o/m", "h1:x", "goproxy.cn")))));
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
    assert!(stop.reason.en.contains("again and again"), "something else damages it");
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

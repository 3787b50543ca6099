use super::*;
use crate::formats::goproxy::{List, Rotate};
use crate::judgement::privacy::Neighbour;
use crate::vocabulary::{Cause, Claim, Detail, Failure, Source};
use std::sync::Arc;

fn policy(list: &str) -> Policy {
    Policy::example(list)
}

fn premises(policy: &mut Policy) -> &mut Premises {
    Arc::make_mut(policy.premises.as_mut().unwrap())
}

fn entry(policy: &Policy, at: usize) -> Entry {
    policy.premises.as_ref().unwrap().list.entries[at].clone()
}

fn failure(cause: Cause, source: Source, host: &str) -> Failure {
    let mut f = Failure::new(cause, Some(source), "words of go");
    f.module = Some("github.com/o/m".into());
    f.version = Some("v1.0.0".into());
    f.host = (!host.is_empty()).then(|| host.to_owned());
    f
}

/// Of which gox saw for itself whatever can be seen.
fn seen(failures: Vec<Failure>) -> Observation {
    Observation { proofs: Proofs::supposed(), ..told(failures) }
}

/// Of which there are words alone.
fn told(failures: Vec<Failure>) -> Observation {
    Observation::new(AttemptEnd::Code(1), failures)
}

/// Runs the machine over one observation after another, each followed by a retry, and returns the steps.
fn run(policy: &Policy, observations: Vec<Observation>) -> Vec<Step> {
    let mut history = Vec::new();
    for observation in observations {
        let retry = retried(decide(policy, &history, &observation));
        history.push(Step { observation, retry });
    }
    history
}

/// The same, and how the run stops at the last of them.
fn run_to_stop(policy: &Policy, mut observations: Vec<Observation>) -> (Vec<Step>, Stop) {
    let end = observations.pop().unwrap();
    let history = run(policy, observations);
    let stop = stopped(decide(policy, &history, &end));
    (history, stop)
}

fn last(history: &[Step]) -> &Retry {
    &history.last().unwrap().retry
}

fn is_stop(decision: &Decision) -> bool {
    matches!(decision, Decision::Stop(_))
}

fn is_retry(decision: &Decision) -> bool {
    matches!(decision, Decision::Retry(_))
}

fn retried(decision: Decision) -> Retry {
    let Decision::Retry(retry) = decision else { panic!("{decision:?}") };
    retry
}

fn stopped(decision: Decision) -> Stop {
    let Decision::Stop(stop) = decision else { panic!("{decision:?}") };
    stop
}

fn ceiling(retry: &Retry) -> Duration {
    let Pause::Delay { ceiling, .. } = retry.pause else { panic!("{retry:?}") };
    ceiling
}

fn proxy_var(policy: &Policy, history: &[Step]) -> Option<String> {
    let state = State::before(policy, history);
    overlay::overlay(policy, &state, None).into_iter().find(|(n, _)| n == "GOPROXY").map(|(_, v)| v)
}

const A: &str = "http://a.example:1";
const B: &str = "http://b.example:2";

fn eof_at(host: &str) -> Observation {
    seen(vec![failure(Cause::Eof, Source::Proxy, host)])
}

#[test]
fn success_and_unknown_failures_end_the_run_at_once() {
    let p = policy(A);
    assert_eq!(decide(&p, &[], &Observation::new(AttemptEnd::Code(0), vec![])), Decision::Done);
    assert!(is_stop(&decide(&p, &[], &seen(vec![]))));
    assert!(is_stop(&decide(&p, &[], &Observation::new(AttemptEnd::Signal(9), vec![]))));
    let mixed = seen(vec![
        failure(Cause::Eof, Source::Proxy, "a.example:1"),
        failure(Cause::CompileError, Source::Local, ""),
    ]);
    assert!(is_stop(&decide(&p, &[], &mixed)), "every failure needs a remedy");
}

#[test]
fn causes_that_repeating_cannot_help_are_never_retried() {
    let p = policy(&format!("{A},{B},direct"));
    for cause in [
        Cause::SumdbMisbehaviour,
        Cause::CachePermission,
        Cause::DiskFull,
        Cause::PrivateAuth,
        Cause::VcsMissing,
        Cause::UnknownRevision,
        Cause::PathMismatch,
        Cause::MissingPackage,
        Cause::GoVersion,
        Cause::GoModSyntax,
        Cause::AmbiguousImport,
        Cause::ImportRestriction,
        Cause::CompileError,
        Cause::TestFailure,
        Cause::ProxyOff,
        Cause::OomKilled,
        Cause::Other,
        Cause::Http404410,
    ] {
        let mut o = seen(vec![failure(cause, Source::Proxy, "a.example:1")]);
        o.diagnosed = true;
        let d = decide(&p, &[], &o);
        assert!(is_stop(&d), "{cause}");
    }
}

#[test]
fn a_lone_proxy_is_asked_again_with_growing_delays_until_the_attempts_are_used_up() {
    let p = policy(A);
    let (h, _) = run_to_stop(&p, vec![eof_at("a.example:1"); 4]);
    let waits: Vec<u64> = h.iter().map(|s| ceiling(&s.retry).as_millis() as u64).collect();
    assert_eq!(waits, [500, 1000, 2000]);
    assert_eq!(proxy_var(&p, &h), None, "the list is the user's own");
}

#[test]
fn progress_renews_attempts_and_delay() {
    let p = policy(A);
    let mut grown = eof_at("a.example:1");
    grown.progress = true;
    let h = run(&p, vec![grown; 20]);
    assert!(h.iter().all(|s| ceiling(&s.retry).as_millis() == 500));
    let mut late = eof_at("a.example:1");
    late.progress = true;
    late.since_first_failure = p.budget;
    assert!(is_stop(&decide(&p, &h, &late)), "the budget bounds even that");
}

#[test]
fn the_next_proxy_is_asked_at_once_and_waiting_begins_when_the_list_wraps() {
    let p = policy(&format!("{A},{B},direct"));
    let h = run(&p, vec![eof_at("a.example:1")]);
    assert_eq!(last(&h).remedies, [Remedy::Rotate(entry(&p, 1))]);
    assert_eq!(last(&h).pause, Pause::NONE);
    assert_eq!(proxy_var(&p, &h).unwrap(), format!("{B},{A},direct"));
    let h = run(&p, vec![eof_at("a.example:1"), eof_at("b.example:2")]);
    assert_eq!(ceiling(last(&h)), Duration::from_millis(500));
    assert_eq!(proxy_var(&p, &h).unwrap(), format!("{A},{B},direct"));
}

#[test]
fn a_dead_proxy_leaves_the_list_unless_its_answer_is_needed_first() {
    let refused = |h: &str| seen(vec![failure(Cause::ConnRefused, Source::Proxy, h)]);
    let p = policy("https://goproxy.cn,https://goproxy.io,direct");
    let h = run(&p, vec![refused("goproxy.cn")]);
    assert_eq!(proxy_var(&p, &h).unwrap(), "https://goproxy.io,direct");
    // Own proxies: `direct` behind them may not be asked without the dead one's answer.
    let p = policy(&format!("{A},{B},direct"));
    let h = run(&p, vec![refused("a.example:1")]);
    assert_eq!(proxy_var(&p, &h).unwrap(), format!("{B},{A},direct"));
}

#[test]
fn an_outage_of_the_users_own_proxy_stays_one() {
    let p = policy("https://athens.corp,https://proxy.golang.org,direct");
    let h = run(&p, vec![eof_at("athens.corp"); 3]);
    assert_eq!(proxy_var(&p, &h), None);
    assert!(h.iter().all(|s| s.retry.remedies.iter().all(|r| !matches!(r, Remedy::Rotate(_)))));
}

#[test]
fn the_list_is_not_reordered_while_the_graph_holds_a_private_module() {
    let mut p = policy(&format!("{A},{B},direct"));
    p.named = vec!["git.corp/team/x".into()];
    let h = run(&p, vec![eof_at("a.example:1"); 3]);
    assert!(h.iter().all(|s| s.retry.remedies.is_empty()));
}

#[test]
fn direct_stands_in_only_after_the_proxies_had_their_backoff_and_never_ends_the_run() {
    let p = policy("https://goproxy.cn,direct");
    let mut missing = seen(vec![failure(Cause::VcsMissing, Source::Vcs, "")]);
    missing.diagnosed = true;
    let h = run(&p, vec![eof_at("goproxy.cn"), eof_at("goproxy.cn"), missing]);
    assert_eq!(h[0].retry.remedies, []);
    assert_eq!(h[1].retry.remedies, [Remedy::Rotate(Entry::Direct)]);
    assert_eq!(proxy_var(&p, &h).unwrap(), "https://goproxy.cn,direct");
}

#[test]
fn mirrors_come_after_the_listed_proxies_and_only_where_permitted() {
    let permit = |list: &str, change: &dyn Fn(&mut Policy)| {
        let mut p = policy(list);
        p.mirrors = List::parse("https://goproxy.cn,https://mirrors.aliyun.com/goproxy").entries;
        change(&mut p);
        State::start(&p).mirrors
    };
    let list = "https://goproxy.cn,direct";
    assert_eq!(permit(list, &|_| ()).len(), 1, "one of them is listed already");
    assert!(permit(list, &|p| p.on_ci = true).is_empty());
    assert!(!permit(list, &|p| (p.on_ci, p.mirrors_by_hand) = (true, true)).is_empty());
    assert!(permit(list, &|p| premises(p).gosumdb = "off".into()).is_empty());
    assert!(permit(list, &|p| premises(p).gonosumdb = "a.example".into()).is_empty());
    assert!(permit(list, &|p| premises(p).vendored = true).is_empty());
    assert!(permit(list, &|p| p.named = vec!["git.corp/x".into()]).is_empty());
    assert!(permit(list, &|p| p.rotate = Rotate::Go).is_empty());
    for text in ["https://athens.corp,direct", "off", "https://goproxy.cn,off"] {
        assert!(permit(text, &|p| p.mirrors_by_hand = true).is_empty(), "{text}");
    }
    let mut p = policy("https://goproxy.cn,direct");
    p.mirrors = List::parse("https://mirrors.aliyun.com/goproxy").entries;
    let h = run(&p, vec![eof_at("goproxy.cn"), eof_at("goproxy.cn")]);
    assert_eq!(proxy_var(&p, &h).unwrap(), "https://mirrors.aliyun.com/goproxy,https://goproxy.cn,direct");
}

#[test]
fn http2_goes_off_from_the_second_fault_and_on_again_when_that_did_not_help() {
    let p = policy(A);
    let h2 = || seen(vec![failure(Cause::Http2, Source::Proxy, "a.example:1")]);
    let h = run(&p, vec![h2(), h2()]);
    assert!(h[0].retry.remedies.is_empty());
    assert_eq!(last(&h).remedies, [Remedy::Http1]);
    let mut own = p.clone();
    own.godebug = "netdns=go".into();
    let vars = overlay::overlay(&own, &State::before(&own, &h), None);
    assert!(vars.contains(&("GODEBUG".into(), "netdns=go,http2client=0".into())));
    let h = run(&p, vec![h2(), h2(), eof_at("a.example:1")]);
    assert_eq!(last(&h).remedies, [Remedy::Http2Again]);
    assert!(overlay::overlay(&p, &State::before(&p, &h), None).is_empty());
}

#[test]
fn too_many_requests_mean_a_longer_wait() {
    let p = policy(A);
    let h = run(&p, vec![seen(vec![failure(Cause::Http429, Source::Proxy, "a.example:1")])]);
    assert_eq!(last(&h).remedies, []);
    assert_eq!(
        last(&h).pause,
        Pause::Delay { floor: Duration::from_millis(500), ceiling: Duration::from_secs(1) }
    );
}

#[test]
fn patience_doubles_and_the_last_attempt_waits_ten_times() {
    let p = policy(A);
    let stalled = || Observation::new(AttemptEnd::Stalled, vec![]);
    let h = run(&p, vec![stalled(), stalled(), stalled()]);
    let patience: Vec<u64> = h.iter().map(|s| s.retry.patience.as_secs()).collect();
    assert_eq!(patience, [60, 120, 300]);
}

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
fn the_checksum_database_has_one_other_address_and_only_the_public_one() {
    let down = || seen(vec![failure(Cause::Dns, Source::Sumdb, "sum.golang.org")]);
    let p = policy(A);
    let h = run(&p, vec![down()]);
    assert_eq!(last(&h).remedies, [Remedy::Sumdb(Proven::example("sum.golang.google.cn"))]);
    // The classifier's own word for it, and what it made of go's words.
    let unreachable = |detail| {
        let mut f = failure(Cause::SumdbUnreachable, Source::Sumdb, "sum.golang.org");
        f.detail = detail;
        seen(vec![f])
    };
    let away = unreachable(Detail::Away);
    assert_eq!(
        retried(decide(&p, &[], &away)).remedies,
        [Remedy::Sumdb(Proven::example("sum.golang.google.cn"))]
    );
    let chance = unreachable(Detail::Plain);
    let h = run(&p, vec![chance.clone(), chance]);
    assert!(h[0].retry.remedies.is_empty());
    assert_eq!(last(&h).remedies, [Remedy::Sumdb(Proven::example("sum.golang.google.cn"))]);
    let mut own = policy(A);
    premises(&mut own).gosumdb = "sum.corp+1234+key".into();
    let untrusted = unreachable(Detail::Untrusted);
    assert!(is_stop(&decide(&own, &[], &untrusted)));
    let h = run(&own, vec![down(), down()]);
    assert!(h.iter().all(|s| s.retry.remedies.is_empty()));
    let mut gone = failure(Cause::Http404410, Source::Sumdb, "sum.golang.org");
    gone.facts.status = Some(410);
    assert!(is_stop(&decide(&p, &[], &seen(vec![gone]))));
}

#[test]
fn goprivate_is_set_for_named_patterns_and_hosts_private_by_spelling_alone() {
    let refused = |module: &str, status: u16| {
        let mut f = failure(
            if status == 403 { Cause::Http403 } else { Cause::Http404410 },
            Source::Proxy,
            "goproxy.cn",
        );
        f.module = Some(module.into());
        f.facts.status = Some(status);
        let mut o = seen(vec![f]);
        o.diagnosed = true;
        o.serving = List::parse("https://goproxy.cn").entries;
        o
    };
    let mut p = policy("https://goproxy.cn,direct");
    premises(&mut p).goprivate = "old.example".into();
    premises(&mut p).gonoproxy = "old.example".into();
    let h = run(&p, vec![refused("git.corp/team/x", 403)]);
    assert_eq!(last(&h).remedies, [Remedy::Private(Proven::example("git.corp/team/x"))]);
    let vars = overlay::overlay(&p, &State::before(&p, &h), None);
    assert_eq!(vars, [("GOPRIVATE".to_owned(), "old.example,git.corp/team/x".to_owned())]);
    assert!(is_stop(&decide(&p, &h, &refused("git.corp/team/x", 403))), "once only");

    premises(&mut p).private.configured = "github.com/acme/*,x.example".into();
    let h = run(&p, vec![refused("github.com/acme/lib", 404)]);
    assert_eq!(last(&h).remedies, [Remedy::Private(Proven::example("github.com/acme/*"))]);

    // The owner of the git origin: GONOPROXY alone, and only where go.sum vouches.
    premises(&mut p).private.configured.clear();
    premises(&mut p).private.origins = vec![Neighbour::Owner("github.com/acme".into())];
    assert!(is_stop(&decide(&p, &[], &refused("github.com/acme/lib", 404))));
    premises(&mut p).pinned = vec![("github.com/acme/lib".into(), "v1.0.0".into())];
    let h = run(&p, vec![refused("github.com/acme/lib", 404)]);
    assert_eq!(last(&h).remedies, [Remedy::NoProxy(Proven::example("github.com/acme/lib"))]);

    // A public module, or a list without `direct`: never.
    assert!(is_stop(&decide(&p, &[], &refused("github.com/other/lib", 404))));
    let strict = policy("https://goproxy.cn");
    assert!(is_stop(&decide(&strict, &[], &refused("git.corp/team/x", 403))));
}

#[test]
fn a_diagnosis_that_succeeds_excuses_only_what_the_network_did() {
    let p = policy(&format!("{A},{B}"));
    let mut nameless = failure(Cause::CacheCorrupt, Source::Cache, "");
    nameless.detail = Detail::Hidden;
    let healed = |with: Option<Failure>| Observation {
        diagnosed: true,
        healed: true,
        ..seen([nameless.clone()].into_iter().chain(with).collect())
    };
    assert!(is_retry(&decide(&p, &[], &healed(None))));
    for (cause, source) in [(Cause::CompileError, Source::Local), (Cause::SumdbMisbehaviour, Source::Sumdb)] {
        let mixed = healed(Some(failure(cause, source, "")));
        assert!(is_stop(&decide(&p, &[], &mixed)), "{cause}");
    }
}

#[test]
fn while_direct_stands_in_only_its_own_failures_are_no_verdict() {
    let p = policy("https://goproxy.cn,direct");
    let before = run(&p, vec![eof_at("goproxy.cn"), eof_at("goproxy.cn")]);
    assert_eq!(State::before(&p, &before).first(), Some(&Entry::Direct));
    let after = |cause, source| decide(&p, &before, &seen(vec![failure(cause, source, "")]));
    assert!(is_retry(&after(Cause::VcsMissing, Source::Vcs)));
    assert!(is_retry(&after(Cause::PrivateAuth, Source::Vcs)));
    assert!(is_stop(&after(Cause::CompileError, Source::Local)));
    assert!(is_stop(&after(Cause::DiskFull, Source::Local)));
    assert!(is_stop(&after(Cause::SumdbMisbehaviour, Source::Sumdb)));
}

#[test]
fn a_refusal_is_a_verdict_until_a_public_proxy_refused_two_pinned_modules_and_served_none() {
    let refused = |host: &str, modules: &[&str]| {
        let failures = modules.iter().map(|module| {
            let mut f = failure(Cause::Http403, Source::Proxy, host);
            f.module = Some((*module).into());
            f
        });
        seen(failures.collect())
    };
    let mut p = policy("https://goproxy.cn,https://goproxy.io,direct");
    let one = refused("goproxy.cn", &["github.com/a/x"]);
    assert_eq!(decide(&p, &[], &one), Decision::Diagnose, "who serves what?");
    let looked = |o: &Observation| Observation { diagnosed: true, ..o.clone() };
    let both = looked(&refused("goproxy.cn", &["github.com/a/x", "github.com/a/y"]));
    assert!(
        is_stop(&decide(&p, &[], &looked(&one))) && is_stop(&decide(&p, &[], &both)),
        "nothing is pinned"
    );
    let pins: Vec<(String, String)> =
        ["github.com/a/x", "github.com/a/y"].map(|m| (m.to_owned(), "v1.0.0".to_owned())).to_vec();
    premises(&mut p).pinned.clone_from(&pins);
    assert!(is_stop(&decide(&p, &[], &looked(&one))), "one module alone");
    assert!(last(&run(&p, vec![both.clone()])).remedies.contains(&Remedy::Rotate(entry(&p, 1))));
    let traced = Observation { refusals: both.failures.clone(), ..looked(&one) };
    assert!(is_retry(&decide(&p, &[], &traced)), "a trace is evidence on the proxy");
    let serving = Observation { serving: vec![entry(&p, 0)], ..both.clone() };
    assert!(is_stop(&decide(&p, &[], &serving)), "a verdict on two modules");
    let mut own = policy(&format!("{A},{B}"));
    premises(&mut own).pinned = pins;
    let told = decide(&own, &[], &looked(&refused("a.example:1", &["github.com/a/x", "github.com/a/y"])));
    assert!(matches!(told, Decision::Stop(Stop { hint: None, .. })), "an own proxy is obeyed: {told:?}");
}

#[test]
fn without_a_network_gox_waits_for_one_and_no_longer() {
    let p = policy(A);
    let mut o = seen(vec![failure(Cause::Dns, Source::Proxy, "a.example:1")]);
    o.no_network = Some("no route".into());
    assert_eq!(retried(decide(&p, &[], &o)).pause, Pause::Network(Duration::from_secs(30)));
}

#[test]
fn the_relay_serves_from_the_first_network_failure_on() {
    let mut p = policy(&format!("{A},{B},direct"));
    p.relay = true;
    let h = run(&p, vec![eof_at("a.example:1")]);
    assert_eq!(last(&h).remedies, [Remedy::Relay]);
    assert_eq!(last(&h).pause, Pause::NONE);
    let vars = overlay::overlay(&p, &State::before(&p, &h), Some("http://127.0.0.1:9/s,direct"));
    assert_eq!(vars, [("GOPROXY".to_owned(), "http://127.0.0.1:9/s,direct".to_owned())]);
}

#[test]
fn the_relay_passes_over_what_is_dead() {
    let mut p = policy(&format!("{A},{B},direct"));
    p.relay = true;
    let h = run(&p, vec![seen(vec![failure(Cause::ConnRefused, Source::Proxy, "a.example:1")])]);
    let (a, b) = (entry(&p, 0), entry(&p, 1));
    assert_eq!(last(&h).remedies, [Remedy::Relay, Remedy::Rest(vec![a]), Remedy::Rotate(b)]);
}

#[test]
fn no_overlay_ever_weakens_a_check() {
    let p = policy(&format!("{A},{B},direct"));
    let mut state = State::start(&p);
    state.rotated_to = Some(Entry::Direct);
    (state.http1, state.no_mlkem, state.git_patience) = (true, true, true);
    state.sumdb = Some("sum.golang.google.cn".into());
    state.private = vec!["git.corp/x".into()];
    state.no_proxy = vec!["github.com/acme/x".into()];
    for (name, value) in overlay::overlay(&p, &state, None) {
        assert!(
            !matches!(
                name.as_str(),
                "GONOSUMDB" | "GONOSUMCHECK" | "GOINSECURE" | "GIT_SSL_NO_VERIFY" | "GOFLAGS" | "GOENV"
            ),
            "{name}"
        );
        assert!(name != "GOSUMDB" || value != "off", "{name}={value}");
        assert!(!value.contains("insecure"), "{name}={value}");
    }
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

#[test]
fn what_a_comma_held_back_is_told_when_the_run_ends() {
    let hint = |list: &str| {
        let p = policy(list);
        run_to_stop(&p, vec![eof_at("athens.corp"); 4]).1.hint
    };
    let told = hint("https://u:pw@athens.corp,https://proxy.golang.org,direct").unwrap();
    assert!(told.contains("GOPROXY='https://athens.corp|https://proxy.golang.org|direct'"), "{told}");
    assert!(!told.contains("pw"));
    assert_eq!(hint("https://athens.corp|https://proxy.golang.org|direct"), None);
    assert_eq!(hint("https://athens.corp,off"), None);
    assert_eq!(hint("https://athens.corp"), None);
}

#[test]
fn a_run_begins_with_what_earlier_ones_learned() {
    let mut p = policy(&format!("{A},{B},direct"));
    let (a, b) = (entry(&p, 0), entry(&p, 1));
    assert!(opening(&p).is_empty());
    p.resting = vec![b.clone()];
    assert!(opening(&p).is_empty(), "the first is well");
    (p.resting, p.bad_lately) = (vec![a.clone()], true);
    assert_eq!(opening(&p), [Remedy::Rest(vec![a.clone()]), Remedy::Rotate(b.clone())]);
    assert_eq!(proxy_var(&p, &[]).unwrap(), format!("{B},{A},direct"));
    p.resting = vec![a.clone(), b];
    assert!(opening(&p).is_empty(), "nobody else is left");
    let mut corp = policy("https://athens.corp,https://proxy.golang.org,direct");
    corp.resting = vec![entry(&corp, 0)];
    assert!(opening(&corp).is_empty());
    (p.relay, p.resting) = (true, vec![]);
    assert_eq!(opening(&p), [Remedy::Relay]);
    (p.bad_lately, p.relay_always) = (false, true);
    assert_eq!(opening(&p), [Remedy::Relay]);
    (p.relay, p.resting, p.named) = (false, vec![a], vec!["git.corp/team/x".into()]);
    assert!(opening(&p).is_empty());
}

#[test]
fn what_is_learned_later_is_folded_and_the_policy_stays() {
    let mut late = policy(A);
    let known = late.premises.take();
    let mut first = eof_at("a.example:1");
    first.premises = known;
    late.relay = true;
    let h = run(&late, vec![first]);
    assert_eq!(last(&h).remedies, [Remedy::Relay], "read after the first failure");
    let mut second = eof_at("a.example:1");
    second.no_relay = Some("no port".into());
    second.failures[0].module = Some("git.corp/team/x".into());
    let state = State::after(&late, &h, &second);
    assert!(!state.may_relay(&late) && state.graph_private);
}

#[test]
fn no_hint_takes_a_plainly_public_name_out_of_the_database() {
    let p = policy(&format!("{A},direct"));
    let hint = |module: &str| {
        let mut f = failure(Cause::Http404410, Source::Sumdb, "sum.golang.org");
        f.module = Some(module.into());
        stopped(decide(&p, &[], &seen(vec![f]))).hint
    };
    assert_eq!(hint("github.com/spf13/cobra"), None);
    assert!(hint("example.test/m").is_some_and(|words| words.contains("GOPRIVATE=example.test/m")));
}

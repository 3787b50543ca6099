//! Who is asked next, how long is waited before, and when the relay serves.

use super::*;

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
fn what_go_sum_pins_is_asked_for_again_before_its_absence_counts() {
    let mut p = policy(A);
    p.attempts = 9;
    let absent = || {
        let mut f = failure(Cause::Http404410, Source::Proxy, "a.example:1");
        f.facts.status = Some(404);
        told(vec![f])
    };
    assert!(is_stop(&decide(&p, &[], &absent())), "an unpinned one is a verdict");
    premises(&mut p).pinned = vec![("github.com/o/m".into(), "v1.0.0".into())];
    let (h, stop) = run_to_stop(&p, vec![absent(); 4]);
    let pauses: Vec<Pause> = h.iter().map(|step| step.retry.pause).collect();
    let exactly = |secs| {
        let wait = Duration::from_secs(secs);
        Pause::Delay { floor: wait, ceiling: wait }
    };
    assert_eq!(pauses, [2, 5, 10].map(exactly));
    assert!(stop.reason.en.contains("go.sum pins"), "{}", stop.reason.en);
    let mut relaying = p.clone();
    relaying.relay = true;
    let h = run(&relaying, vec![absent()]);
    assert_eq!((&last(&h).remedies[..], last(&h).pause), (&[Remedy::Relay][..], Pause::NONE));
    let asked = Observation { relayed: true, ..absent() };
    assert!(is_stop(&decide(&relaying, &h, &asked)), "the relay has asked again by itself");
    let mut leads_on = policy(&format!("{A},direct"));
    premises(&mut leads_on).pinned = vec![("github.com/o/m".into(), "v1.0.0".into())];
    assert!(is_stop(&decide(&leads_on, &[], &absent())), "go has asked the origin");
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
fn without_a_network_gox_waits_for_one_and_no_longer() {
    let mut p = policy(A);
    let mut o = seen(vec![failure(Cause::Dns, Source::Proxy, "a.example:1")]);
    o.no_network = Some("no route".into());
    let waits = |p: &Policy| retried(decide(p, &[], &o)).pause;
    assert_eq!(waits(&p), Pause::Network(Duration::from_secs(30)));
    // Somebody has typed `get`, and looks on.
    p.versions_fixed = false;
    assert_eq!(waits(&p), Pause::Network(Duration::from_secs(8)));
    p.on_ci = true;
    assert_eq!(waits(&p), Pause::Network(Duration::from_secs(30)));
}

#[test]
fn a_resolver_that_is_away_is_waited_out_and_a_wrong_name_is_not() {
    let after_many = |detail| {
        let mut p = policy(A);
        (p.patient, p.versions_fixed) = (true, true);
        let mut dns = failure(Cause::Dns, Source::Proxy, "a.example:1");
        dns.detail = detail;
        let mut history = Vec::new();
        for _ in 0..12 {
            let observation = seen(vec![dns.clone()]);
            match decide(&p, &history, &observation) {
                Decision::Retry(retry) => history.push(Step { observation, retry }),
                Decision::Done | Decision::Stop(_) | Decision::Diagnose => break,
            }
        }
        history.len()
    };
    assert_eq!(after_many(Detail::Resolver), 12);
    assert_eq!(after_many(Detail::Unknown), 12);
    assert_eq!(after_many(Detail::Plain), 3);
}

/// `go mod tidy` chooses versions, but not those that go.mod has.
#[test]
fn what_go_mod_requires_is_waited_for_and_what_is_being_chosen_is_not() {
    let mut p = policy(A);
    (p.patient, p.versions_fixed) = (true, false);
    premises(&mut p).required = vec![("github.com/o/m".into(), "v1.0.0".into())];
    let waits = |version: &str| {
        let mut refused = failure(Cause::ConnRefused, Source::Proxy, "a.example:1");
        (refused.module, refused.version) = (Some("github.com/o/m".into()), Some(version.into()));
        let mut history = Vec::new();
        while history.len() < 12 {
            let observation = Observation { relayed: true, ..seen(vec![refused.clone()]) };
            match decide(&p, &history, &observation) {
                Decision::Retry(retry) => history.push(Step { observation, retry }),
                Decision::Done | Decision::Stop(_) | Decision::Diagnose => break,
            }
        }
        (is_worth_waiting(&p, &[], &seen(vec![refused])), history.len())
    };
    assert_eq!(waits("v1.0.0"), (true, 12));
    let (is_waited_for, attempts) = waits("v1.0.1");
    assert!(!is_waited_for && attempts < 12, "{attempts}");
}

#[test]
fn an_http_proxy_that_is_away_is_waited_out_and_one_that_refuses_is_not() {
    let mut p = policy(A);
    (p.patient, p.versions_fixed) = (true, true);
    let waits = |cause| {
        let mut between = failure(cause, Source::Proxy, "a.example:1");
        between.detail = Detail::HttpProxy;
        is_worth_waiting(&p, &[], &seen(vec![between]))
    };
    for cause in [Cause::ConnRefused, Cause::ConnReset, Cause::Eof, Cause::Timeout, Cause::Http5xx] {
        assert!(waits(cause), "{cause:?}");
    }
    // A mistyped name, a login page, a verdict.
    for cause in [Cause::Dns, Cause::CaptiveOrHtml, Cause::Http403, Cause::TlsCert] {
        assert!(!waits(cause), "{cause:?}");
    }
}

#[test]
fn origins_and_databases_that_are_away_are_waited_out_where_what_is_wanted_exists() {
    let mut p = policy(A);
    p.patient = true;
    let waits = |p: &Policy, failure: Failure| is_worth_waiting(p, &[], &seen(vec![failure]));
    let git = || failure(Cause::GitNetwork, Source::Vcs, "git.example");
    let discovery = || failure(Cause::Timeout, Source::Direct, "git.example");
    let database = || failure(Cause::SumdbUnreachable, Source::Sumdb, "sum.example");
    let unreachable = || failure(Cause::Unreachable, Source::Proxy, "a.example:1");
    for fixed in [true, false] {
        p.versions_fixed = fixed;
        assert_eq!((waits(&p, git()), waits(&p, discovery())), (fixed, fixed), "it may be mistyped");
        assert!(waits(&p, database()), "the module is here already");
    }
    p.versions_fixed = true;
    let mut word = database();
    word.facts.status = Some(500);
    assert!(!waits(&p, word), "it may be its word on this module");
    let mut untrusted = database();
    untrusted.detail = Detail::Untrusted;
    assert!(!waits(&p, untrusted));
    // A host that no way leads to, where there is a network, is away.
    assert!(waits(&p, unreachable()));
    let mut offline = seen(vec![unreachable()]);
    offline.no_network = Some("no route".into());
    assert!(!is_worth_waiting(&p, &[], &offline));
    assert!(!waits(&p, failure(Cause::Dns, Source::Proxy, "a.example:1")), "a name may be mistyped");
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
fn what_a_comma_held_back_is_told_when_the_run_ends() {
    let hint = |list: &str| {
        let p = policy(list);
        run_to_stop(&p, vec![eof_at("athens.corp"); 4]).1.hint.unwrap().en
    };
    let told = hint("https://u:pw@athens.corp,https://proxy.golang.org,direct");
    assert!(told.contains("GOPROXY='https://athens.corp|https://proxy.golang.org|direct'"), "{told}");
    assert!(!told.contains("pw"));
    for list in [
        "https://athens.corp|https://proxy.golang.org|direct",
        "https://athens.corp,off",
        "https://athens.corp",
    ] {
        assert!(!hint(list).contains("GOPROXY='"), "{list}: {}", hint(list));
    }
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

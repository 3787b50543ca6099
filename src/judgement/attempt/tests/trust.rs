//! What is set for a run, whose refusal counts, and what no decision ever does.

use super::*;

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
    let words = stopped(told).hint.unwrap().en;
    assert!(words.starts_with("ask who runs a.example:1"), "an own proxy is obeyed: {words}");
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
fn no_hint_takes_a_plainly_public_name_out_of_the_database() {
    let p = policy(&format!("{A},direct"));
    let hint = |module: &str| {
        let mut f = failure(Cause::Http404410, Source::Sumdb, "sum.golang.org");
        f.module = Some(module.into());
        stopped(decide(&p, &[], &seen(vec![f]))).hint.unwrap().en
    };
    assert!(!hint("github.com/spf13/cobra").contains("private"), "{}", hint("github.com/spf13/cobra"));
    assert!(hint("example.test/m").contains("gox private add example.test/m"));
}

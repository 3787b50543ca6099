//! What holds for every history, whatever was observed.

use super::*;
use crate::formats::goproxy::{List, Rotate};
use crate::vocabulary::{Cause, Claim, Detail, Failure, Source};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::path::PathBuf;
use std::sync::Arc;

const LISTS: &[&str] = &[
    "https://proxy.golang.org,direct",
    "https://proxy.golang.org,https://goproxy.cn,direct",
    "https://goproxy.cn|https://goproxy.io|direct",
    "http://a.example:1,http://b.example:2",
    "https://athens.corp,https://proxy.golang.org,direct",
    "direct,https://goproxy.io",
    "https://goproxy.cn,off,https://goproxy.io",
    "off",
    "direct",
];

const HOSTS: &[&str] = &[
    "proxy.golang.org",
    "goproxy.cn",
    "a.example:1",
    "b.example:2",
    "athens.corp",
    "store.example",
    "sum.golang.org",
];

const MODULES: &[&str] = &[
    "github.com/someone/lib",
    "github.com/acme/secret",
    "example.test/m",
    "git.corp/team/x",
    "golang.org/x/net",
];

fn policies() -> impl Strategy<Value = Policy> {
    let settings = (1u32..6, 1u64..400, select(&[Rotate::Listed, Rotate::Go, Rotate::Never][..]));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let project =
        (vec(select(MODULES), 0..3), vec(select(MODULES), 0..3), select(&["", "github.com/acme"][..]));
    (select(LISTS), settings, flags, project).prop_map(
        |(
            list,
            (attempts, budget, rotate),
            (relay, mirrors, ci, verifying, bad),
            (modules, pinned, private),
        )| {
            let mut policy = Policy::example(list);
            (policy.attempts, policy.rotate, policy.relay) = (attempts, rotate, relay);
            policy.backoff_base = Duration::from_millis(500 * (budget % 7));
            policy.budget = Duration::from_secs(budget);
            (policy.on_ci, policy.verifying, policy.bad_lately) = (ci, verifying, bad);
            if mirrors {
                policy.mirrors = List::parse("https://goproxy.cn,https://mirrors.aliyun.com/goproxy").entries;
            }
            if let Some(premises) = policy.premises.as_mut().map(Arc::make_mut) {
                premises.modules = modules.into_iter().map(str::to_owned).collect();
                premises.pinned =
                    pinned.into_iter().map(|module| (module.to_owned(), "v1.0.0".to_owned())).collect();
                premises.private.configured = private.to_owned();
            }
            policy
        },
    )
}

fn failures() -> impl Strategy<Value = Failure> {
    let kind = (select(Cause::ALL), proptest::option::of(select(Source::ALL)), select(Detail::ALL));
    let names = (select(MODULES), proptest::option::of(select(HOSTS)), any::<bool>());
    let facts =
        (proptest::option::of(select(&[400u16, 403, 404, 410, 429, 503][..])), select(&["h1:a", "h1:b"][..]));
    (kind, names, facts, "\\PC{0,40}").prop_map(
        |((cause, source, detail), (module, host, located), (status, got), words)| {
            let mut failure = Failure::new(cause, source, words);
            failure.detail = detail;
            failure.module = Some(module.to_owned());
            failure.version = Some("v1.0.0".into());
            failure.host = host.map(str::to_owned);
            failure.url = host.map(|host| format!("https://{host}/{module}/@v/v1.0.0.zip"));
            failure.facts.status = status;
            failure.facts.got = Some(got.into());
            failure.facts.expected = Some(Claim::new("h1:c"));
            failure.facts.path = located.then(|| PathBuf::from("/cache/x.zip"));
            failure
        },
    )
}

/// An observation of an attempt that failed; the time since the first failure is the caller's to set.
fn observations() -> impl Strategy<Value = Observation> {
    let end = prop_oneof![
        8 => Just(AttemptEnd::Code(1)),
        1 => Just(AttemptEnd::Stalled),
        1 => Just(AttemptEnd::NoConnection),
    ];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (end, vec(failures(), 0..3), flags, vec(select(LISTS), 0..2), proptest::option::of(0u64..100)).prop_map(
        |(end, failures, (progress, diagnosed, relayed, healed, damaged), serving, retry_after)| {
            let mut observation = Observation::new(end, failures);
            (observation.progress, observation.diagnosed) = (progress, diagnosed);
            (observation.relayed, observation.healed) = (relayed, diagnosed && healed);
            observation.serving = serving.iter().flat_map(|list| List::parse(list).entries).collect();
            observation.retry_after = retry_after.map(Duration::from_secs);
            if damaged && !observation.failures.is_empty() {
                let kind = if relayed { RepairKind::SetAside } else { RepairKind::Evict };
                let (what, path) = ("m@v1.0.0".into(), "/cache/x.zip".into());
                observation.repairs = vec![Repair { failure: 0, kind, what, path }];
            }
            observation
        },
    )
}

/// Lets the machine run over what is observed, each time `step` later, and returns the steps and the last
/// decision.
fn play(policy: &Policy, observed: &[Observation], step: Duration) -> (Vec<Step>, Option<Decision>) {
    let mut history = Vec::new();
    let mut decision = None;
    for (n, observation) in (0u32..).zip(observed) {
        let mut observation = observation.clone();
        observation.since_first_failure = step * n;
        let mut decided = decide(policy, &history, &observation);
        if decided == Decision::Diagnose {
            observation.diagnosed = true;
            decided = decide(policy, &history, &observation);
        }
        match decided {
            Decision::Retry(retry) => history.push(Step { observation, retry }),
            end => {
                decision = Some(end);
                break;
            }
        }
    }
    (history, decision)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_run_ends(policy in policies(), observed in vec(observations(), 1..12), seconds in 1u64..60) {
        let step = Duration::from_secs(seconds);
        // As often as it takes to use the budget up.
        let enough = (policy.budget.as_secs() / seconds + 2) as usize;
        let long: Vec<Observation> = observed.iter().cycle().take(enough).cloned().collect();
        let (history, end) = play(&policy, &long, step);
        prop_assert!(matches!(end, Some(Decision::Stop(_))), "{} attempts and no end", history.len());
        let mut without = 0;
        for step in &history {
            without = if step.observation.progress { 1 } else { without + 1 };
            prop_assert!(without < policy.attempts.max(2), "{without} attempts without progress");
            prop_assert!(step.observation.since_first_failure < policy.budget);
        }
    }

    #[test]
    fn waits_stay_within_what_is_left(policy in policies(), observed in vec(observations(), 1..8)) {
        let (history, _) = play(&policy, &observed, Duration::from_secs(7));
        for step in &history {
            let left = policy.budget.saturating_sub(step.observation.since_first_failure);
            let longest = match step.retry.pause {
                Pause::Delay { floor, ceiling } => {
                    prop_assert!(floor <= ceiling);
                    ceiling
                }
                Pause::Network(length) => length,
            };
            prop_assert!(longest <= left, "{longest:?} of {left:?}");
        }
    }

    #[test]
    fn more_attempts_and_more_time_never_end_a_run_sooner(
        policy in policies(),
        observed in vec(observations(), 1..6),
        more in 1u32..4,
    ) {
        let (history, _) = play(&policy, &observed, Duration::from_secs(1));
        let mut patient = policy.clone();
        patient.attempts += more;
        patient.budget *= more + 1;
        for step in 0..history.len() {
            let again = decide(&patient, &history[..step], &history[step].observation);
            prop_assert!(!matches!(again, Decision::Stop(_)), "{again:?} at {step} of {}", history.len());
        }
    }

    #[test]
    fn a_recorded_observation_decides_alike(policy in policies(), observed in vec(observations(), 1..5)) {
        let written = serde_json::to_string(&(&policy, &observed)).unwrap();
        let (policy_read, observed_read): (Policy, Vec<Observation>) = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(&policy_read, &policy);
        let step = Duration::from_secs(3);
        let (history, end) = play(&policy, &observed, step);
        let (history_read, end_read) = play(&policy_read, &observed_read, step);
        prop_assert_eq!(end, end_read);
        let retries = |history: Vec<Step>| history.into_iter().map(|step| step.retry).collect::<Vec<_>>();
        prop_assert_eq!(retries(history), retries(history_read));
    }

    #[test]
    fn no_remedy_comes_without_its_proof(policy in policies(), observed in vec(observations(), 1..6)) {
        let (history, _) = play(&policy, &observed, Duration::from_secs(1));
        let premises = policy.premises.as_deref().unwrap();
        for step in &history {
            for remedy in &step.retry.remedies {
                match remedy {
                    Remedy::Evict { path, .. } | Remedy::SetAside { path, .. } => {
                        let found = &step.observation.repairs;
                        prop_assert!(found.iter().any(|repair| repair.path == *path));
                    }
                    Remedy::Sumdb(_) | Remedy::Private(_) | Remedy::NoProxy(_) => {
                        prop_assert!(false, "{remedy} by words");
                    }
                    // go's own walk, or back.
                    Remedy::Rotate(entry) => {
                        let list = &premises.list;
                        let at = list.reachable().iter().position(|e| e == entry);
                        prop_assert!(at.is_some_and(|at| list.only_pipes(0, at)), "{entry:?} by words");
                        prop_assert!(*entry != Entry::Off);
                    }
                    Remedy::Rest(_)
                    | Remedy::Http1
                    | Remedy::Http2Again
                    | Remedy::NoMlkem
                    | Remedy::GitPatience
                    | Remedy::Relay => {}
                }
            }
        }
    }
}

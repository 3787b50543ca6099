mod integrity;
mod places;
mod trust;

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

//! Verdicts on one module (403, 404, 410, credentials), and the narrow GOPRIVATE they may justify.
//!
//! GOPRIVATE is also the default of GONOSUMDB, so it takes its prefix out of the checksum database:
//! gox sets it only for patterns the user named and for hosts that are not public by their very
//! spelling, and only where going direct is something the user's own list allows.

use super::cures::Cure;
use super::places::placed;
use super::{Policy, State, Stop};
use crate::formats::patterns;
use crate::judgement::privacy::Why;
use crate::judgement::publicity::Publicity;
use crate::judgement::table::Row;
use crate::vocabulary::Failure;
use crate::words::{self, Text, verdicts};

/// What may be set for the failing module, by the reason it counts as private.
pub(super) fn verdict_pattern(state: &State, failure: &Failure) -> Option<(Why, String)> {
    let module = failure.module.as_deref()?;
    let why = state.premises.private.why(module)?;
    let pattern = match why {
        // The user's own pattern is as narrow as the user made it.
        Why::Configured => state
            .premises
            .private
            .configured
            .split(',')
            .map(str::trim)
            .find(|p| patterns::matches(p, module))
            .unwrap_or(module)
            .to_owned(),
        _ => module.to_owned(),
    };
    Some((why, pattern))
}

/// What can be done, where that is worth a line; nobody is told to call a plainly public name private, which
/// takes it out of the checksum database for ever.
pub(super) fn hint(state: &State, row: &Row, failure: &Failure) -> Option<Text> {
    let module = failure.module.as_deref();
    let public = module.is_some_and(|m| state.premises.private.publicity(m) == Publicity::PlainlyPublic);
    let advice = if public { words::advice_on_a_public_module } else { words::advice };
    let speaks = row.speaks || failure.facts.behind.is_some();
    speaks.then(|| advice(&placed(state, failure)))
}

/// A verdict on one module: 401, 403, 404 or 410 where the host otherwise serves.
pub(super) fn verdict(policy: &Policy, state: &State, failure: &Failure) -> Result<Cure, Stop> {
    let row = failure.row();
    let refused = words::happened(&placed(state, failure));
    let stop = |reason| Err(Stop { hint: hint(state, &row, failure), ..Stop::because(reason) });
    let Some((why, pattern)) = verdict_pattern(state, failure) else {
        return stop(refused);
    };
    let may_go_direct = state.list().has_direct() || why == Why::Configured;
    let already = state.private.contains(&pattern) || state.no_proxy.contains(&pattern);
    let user_says_none = state.premises.gonoproxy == "none" || state.premises.goprivate == "none";
    if already
        || !may_go_direct
        || user_says_none
        || state.premises.doubt.is_some()
        || policy.offline.is_some()
    {
        return stop(refused);
    }
    // Words of a refusal are no refusal.
    let proof = failure.module.as_deref().and_then(|module| state.proofs.refused(module));
    match (why, proof) {
        (Why::Configured | Why::Spelling, Some(proof)) => Ok(Cure::Private(proof.allows(pattern))),
        (Why::Origin, Some(proof)) if knows_hash(state, failure) => Ok(Cure::NoProxy(proof.allows(pattern))),
        (Why::Origin | Why::Module | Why::Suffix, _) => {
            Err(Stop::with_hint(refused, verdicts::SAY_PRIVATE.with(&[("pattern", &pattern)])))
        }
        (Why::NoProxy | Why::Named | Why::Confidential, _) | (Why::Configured | Why::Spelling, None) => {
            stop(refused)
        }
    }
}

/// Whether a version is there that failed: go.mod requires it.
pub(super) fn is_required(state: &State, failure: &Failure) -> bool {
    let (Some(module), Some(version)) = (&failure.module, &failure.version) else { return false };
    state.premises.required.iter().any(|(m, v)| m == module && v == version)
}

pub(super) fn knows_hash(state: &State, failure: &Failure) -> bool {
    let module = failure.module.as_deref().unwrap_or("");
    state
        .premises
        .pinned
        .iter()
        .any(|(m, v)| m == module && failure.version.as_ref().is_none_or(|version| version == v))
}

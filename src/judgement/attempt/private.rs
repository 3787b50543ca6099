//! Verdicts on one module (403, 404, 410, credentials), and the narrow GOPRIVATE they may justify.
//!
//! GOPRIVATE is also the default of GONOSUMDB, so it takes its prefix out of the checksum database:
//! gox sets it only for patterns the user named and for hosts that are not public by their very
//! spelling, and only where going direct is something the user's own list allows.

use super::cures::Cure;
use super::{Policy, State, Stop};
use crate::formats::patterns;
use crate::judgement::privacy::Why;
use crate::vocabulary::{Failure, Source};

/// What may be set for the failing module, by the reason it counts as private.
pub(super) fn verdict_pattern(policy: &Policy, failure: &Failure) -> Option<(Why, String)> {
    let module = failure.module.as_deref()?;
    let why = policy.private.why(module)?;
    let pattern = match why {
        // The user's own pattern is as narrow as the user made it.
        Why::Configured => policy
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

/// A verdict on one module: 403, 404 or 410 where the host otherwise serves.
pub(super) fn verdict(policy: &Policy, state: &State, failure: &Failure) -> Result<Cure, Stop> {
    let refused = format!(
        "{} answers {} for {}",
        failure.host.as_deref().unwrap_or("the proxy"),
        failure.detail.status.map_or_else(|| failure.cause.to_string(), |s| s.to_string()),
        failure.module.as_deref().unwrap_or("this module"),
    );
    let Some((why, pattern)) = verdict_pattern(policy, failure) else {
        return Err(Stop::because(refused));
    };
    let may_go_direct = policy.list.has_direct() || why == Why::Configured;
    let already = state.private.contains(&pattern) || state.no_proxy.contains(&pattern);
    let user_says_none = policy.gonoproxy == "none" || policy.goprivate == "none";
    if already || !may_go_direct || user_says_none || policy.offline.is_some() {
        return Err(Stop::because(refused));
    }
    match why {
        Why::Configured | Why::Spelling => Ok(Cure::Private(pattern)),
        Why::Origin if knows_hash(policy, failure) => Ok(Cure::NoProxy(pattern)),
        Why::Origin | Why::Module => Err(Stop::with_hint(
            refused,
            format!(
                "if it is private, say so: go env -w GOPRIVATE={pattern} (or GOX_PRIVATE={pattern} for gox alone)"
            ),
        )),
        Why::NoProxy => Err(Stop::because(refused)),
    }
}

fn knows_hash(policy: &Policy, failure: &Failure) -> bool {
    let module = failure.module.as_deref().unwrap_or("");
    policy
        .in_go_sum
        .iter()
        .any(|(m, v)| m == module && failure.version.as_ref().is_none_or(|version| version == v))
}

/// The checksum database does not know the module: a verdict, and typical of a private one.
pub(super) fn unknown_to_sumdb(policy: &Policy, state: &State, failure: &Failure) -> Result<Cure, Stop> {
    if let Some((Why::Configured | Why::Spelling, pattern)) = verdict_pattern(policy, failure)
        && !state.private.contains(&pattern)
        && policy.list.has_direct()
    {
        return Ok(Cure::Private(pattern));
    }
    let module = failure.module.as_deref().unwrap_or("the module");
    Err(Stop::with_hint(
        format!("the checksum database does not know {module}"),
        format!("if {module} is private, take it out of the public database: go env -w GOPRIVATE={module}"),
    ))
}

/// A repository asked for credentials.
pub(super) fn credentials(policy: &Policy, state: &State, failure: &Failure) -> Result<Cure, Stop> {
    // A 401 of a module proxy for a module that the user named private is a verdict like 403.
    if failure.source == Some(Source::Proxy)
        && let Some((Why::Configured | Why::Spelling, _)) = verdict_pattern(policy, failure)
    {
        return verdict(policy, state, failure);
    }
    let host = failure.host.as_deref().unwrap_or("the host");
    Err(Stop::with_hint(
        format!("{host} asks for credentials"),
        format!(
            "give git or go credentials for {host}: ~/.netrc, GOAUTH, or git config url.\"git@{host}:\".insteadOf https://{host}/"
        ),
    ))
}

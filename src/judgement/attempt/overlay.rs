//! The overlay: the environment of the next attempt, as names and values.
//!
//! A variable in the environment replaces what `go env -w` set, so lists are appended to go's
//! *effective* values. Nothing here can turn a check of Go's off: GOSUMDB is only ever another
//! address of the same database, and GONOSUMDB, GOINSECURE and GOFLAGS are never set.

use super::{Policy, State, arrange};
use crate::formats::goproxy::Entry;

/// The variables of the next attempt, in a fixed order. `relay` is the GOPROXY value that leads to
/// a relay, where one serves.
pub(crate) fn overlay(policy: &Policy, state: &State, relay: Option<&str>) -> Vec<(String, String)> {
    let mut vars: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: String| vars.push((name.to_owned(), value));
    if let Some(value) = &policy.offline {
        set("GOPROXY", value.clone());
        return vars;
    }

    match (&state.rotated_to, relay) {
        (Some(Entry::Direct), _) => {
            set("GOPROXY", "direct".into());
            // Standing in for proxies takes git and nothing else, whatever an origin's page names.
            set("GOVCS", "*:git".into());
        }
        (_, Some(value)) => set("GOPROXY", value.to_owned()),
        // Once a private module was met, the list is the user's own again.
        (Some(first), None) if !state.graph_private => {
            set("GOPROXY", arrange(policy, state, first).to_string())
        }
        _ => {}
    }
    // Lists that are not wholly known are not replaced.
    let may_append = state.premises.doubt.is_none();
    if may_append && !state.private.is_empty() {
        set("GOPRIVATE", append(&state.premises.goprivate, &state.private));
    }
    // GONOPROXY follows GOPRIVATE by itself unless the user gave it a value of its own.
    let own_noproxy =
        !state.premises.gonoproxy.is_empty() && state.premises.gonoproxy != state.premises.goprivate;
    if may_append && (!state.no_proxy.is_empty() || (own_noproxy && !state.private.is_empty())) {
        let mut patterns = state.private.clone();
        patterns.extend(state.no_proxy.iter().cloned());
        set("GONOPROXY", append(&state.premises.gonoproxy, &patterns));
    }
    if let Some(value) = &state.sumdb {
        set("GOSUMDB", value.clone());
    }

    let mut debug: Vec<String> = Vec::new();
    let user_has = |key: &str| policy.godebug.split(',').any(|kv| kv.trim().split('=').next() == Some(key));
    if state.http1 && !user_has("http2client") {
        debug.push("http2client=0".into());
    }
    if state.no_mlkem && !user_has("tlsmlkem") {
        debug.push("tlsmlkem=0".into());
    }
    if !debug.is_empty() {
        set("GODEBUG", append(&policy.godebug, &debug));
    }

    let user_set = |name: &str| policy.user_env.iter().any(|n| n == name);
    if state.git_patience && !user_set("GIT_HTTP_LOW_SPEED_LIMIT") && !user_set("GIT_HTTP_LOW_SPEED_TIME") {
        set("GIT_HTTP_LOW_SPEED_LIMIT", "10".into());
        set("GIT_HTTP_LOW_SPEED_TIME", policy.stall.as_secs().max(1).to_string());
    }
    if state.git_patience && state.http1 && !user_set("GIT_CONFIG_COUNT") {
        set("GIT_CONFIG_COUNT", "1".into());
        set("GIT_CONFIG_KEY_0", "http.version".into());
        set("GIT_CONFIG_VALUE_0", "HTTP/1.1".into());
    }
    vars
}

/// `list` with `more` behind it, each once.
fn append(list: &str, more: &[String]) -> String {
    let mut words: Vec<&str> = list.split(',').filter(|w| !w.is_empty()).collect();
    for word in more {
        if !words.contains(&word.as_str()) {
            words.push(word);
        }
    }
    words.join(",")
}

//! The report of a run: the JSON that `GOX_REPORT` asks for and the journal keeps.
//!
//! Pure. The shape is a contract: outside scripts read it.

use crate::judgement::attempt::{AttemptEnd, Observation, Remedy, Step, Stop};
use crate::judgement::table;
use crate::redact;
use crate::vocabulary::Failure;
use serde::Serialize;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// The whole report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    /// 1.
    pub schema: u32,
    /// Names the run.
    pub run: String,
    /// Start, RFC 3339.
    pub started: String,
    /// gox's version.
    pub gox: String,
    /// go's version, empty where unknown.
    pub go: String,
    /// The arguments of go, secrets removed.
    pub argv: Vec<String>,
    /// The exit status of gox (128+n for a signal).
    pub exit: i32,
    /// Every attempt.
    pub attempts: Vec<Attempt>,
    /// What gox itself fetched, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch: Option<Fetched>,
    /// The whole run.
    pub elapsed_ms: u64,
    /// go succeeded after a failure.
    pub recovered: bool,
    /// What the relay did, where one served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<serde_json::Value>,
}

/// What gox itself fetched, for go or before go asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Fetched {
    /// Requests to upstreams.
    pub requests: u64,
    /// Bytes of bodies that they sent.
    pub bytes: u64,
    /// Module versions that were placed in the module cache.
    pub filled: u64,
    /// Files that were fetched ahead and that go did not ask for.
    pub unused: u64,
    /// Files that came after all, though somebody failed to send them.
    pub cured: u64,
    /// Connections that were opened.
    pub connections: u64,
    /// Upstreams that were left to go, each with the reason.
    pub left_to_go: Vec<String>,
}

/// One attempt.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Attempt {
    /// From 1.
    pub n: usize,
    /// go's exit status (128+n for a signal).
    pub exit: i32,
    /// gox ended it because nothing moved.
    pub stalled: bool,
    /// The module cache grew.
    pub progress: bool,
    /// Its length.
    pub elapsed_ms: u64,
    /// What was seen.
    #[serde(serialize_with = "table::shown")]
    pub failures: Vec<Failure>,
    /// `retry`, `stop` or `done`.
    pub decision: &'static str,
    /// What was done before the next one.
    pub remedies: Vec<String>,
    /// Why.
    pub reason: String,
}

impl Attempt {
    /// The report of an attempt that another followed. `waited` is the delay the caller chose; `exit`
    /// go's status.
    pub(crate) fn retried(
        n: usize,
        Step { observation, retry }: &Step,
        exit: i32,
        waited: Duration,
    ) -> Attempt {
        let mut remedies: Vec<String> =
            retry.remedies.iter().filter(|r| r.is_reported()).map(Remedy::to_string).collect();
        if waited > Duration::ZERO {
            remedies.push(format!("wait:{}", waited.as_millis()));
        }
        Attempt { decision: "retry", remedies, ..Attempt::plain(n, observation, exit, &retry.reason.en) }
    }

    /// The report of the last attempt; `stop` says why no other followed a bad one.
    pub(crate) fn last(n: usize, observation: &Observation, stop: Option<&Stop>, exit: i32) -> Attempt {
        match stop {
            None => Attempt { decision: "done", ..Attempt::plain(n, observation, exit, "") },
            Some(stop) => Attempt::plain(n, observation, exit, &stop.reason.en),
        }
    }

    fn plain(n: usize, observation: &Observation, exit: i32, reason: &str) -> Attempt {
        Attempt {
            n,
            exit,
            stalled: matches!(observation.end, AttemptEnd::Stalled | AttemptEnd::NoConnection),
            progress: observation.progress,
            elapsed_ms: millis(observation.elapsed),
            failures: observation.failures.clone(),
            decision: "stop",
            remedies: vec![],
            reason: reason.to_owned(),
        }
    }
}

/// The journal's line of a run that was told to be plain go.
pub(crate) fn bypassed(args: &[OsString], dir: &Path, started: &str) -> String {
    let line = serde_json::json!({
        "schema": 1,
        "started": started,
        "gox": env!("CARGO_PKG_VERSION"),
        "argv": redact::argv(args.iter().map(|a| a.to_string_lossy())),
        "bypass": true,
        "project": redact::line(&dir.to_string_lossy()),
    });
    redact::steady(&line.to_string()).into()
}

/// Whole milliseconds.
pub(crate) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judgement::attempt::{Pause, Proven, Retry};
    use crate::vocabulary::{Cause, Source};
    use crate::words::Text;

    #[test]
    fn the_contract_has_its_keys_in_order() {
        let mut failure = Failure::new(Cause::Eof, Some(Source::Proxy), "words");
        failure.line = 3;
        let observation = Observation::new(AttemptEnd::Code(1), vec![failure]);
        let retry = Retry {
            remedies: vec![
                Remedy::Rotate(crate::formats::goproxy::Entry::Proxy("http://u:p@b.example:2/x".into())),
                Remedy::Evict { what: "m@v1".into(), path: "/c".into() },
                Remedy::Private(Proven::example("git.corp/x")),
                Remedy::Sumdb(Proven::example("sum.golang.google.cn")),
                Remedy::Http1,
                Remedy::Relay,
            ],
            pause: Pause::NONE,
            patience: Duration::ZERO,
            reason: Text::plain("eof"),
        };
        let report = Report {
            schema: 1,
            run: "r".into(),
            started: "t".into(),
            gox: "0".into(),
            go: "go1".into(),
            argv: vec!["mod".into()],
            exit: 1,
            attempts: vec![Attempt::retried(1, &Step { observation, retry }, 1, Duration::from_millis(250))],
            elapsed_ms: 5,
            recovered: false,
            fetch: Some(Fetched {
                requests: 4,
                filled: 3,
                left_to_go: vec!["h: why".into()],
                ..Fetched::default()
            }),
            relay: None,
        };
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"schema":1,"run":"r","started":"t","gox":"0","go":"go1","argv":["mod"],"exit":1,"attempts":[{"n":1,"exit":1,"stalled":false,"progress":false,"elapsed_ms":0,"failures":[{"cause":"eof","source":"proxy","action":"retry","module":null,"version":null,"host":null,"url":null,"line":3,"evidence":"words"}],"decision":"retry","remedies":["rotate:b.example:2","evict:m@v1","private:git.corp/x","sumdb:sum.golang.google.cn","http1","relay","wait:250"],"reason":"eof"}],"fetch":{"requests":4,"bytes":0,"filled":3,"unused":0,"cured":0,"connections":0,"left_to_go":["h: why"]},"elapsed_ms":5,"recovered":false}"#
        );
    }
}

//! What a run is given: gox's settings, which hold from beginning to end, and what go's settings and
//! the project's files say, which is read when it is first needed.

use crate::formats::goproxy::{Entry, List, Rotate};
use crate::formats::module_path;
use crate::judgement::privacy::{self, Why};
use crate::judgement::publicity::Publicity;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Settings and surroundings of one run, as they are before its first attempt. They never change;
/// what is learned later stands in the observations and is folded into the [`super::State`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Policy {
    /// Attempts without progress.
    pub attempts: u32,
    /// The user has set no bound on them: a host that answers nobody is waited for until the budget ends.
    #[serde(default)]
    pub patient: bool,
    /// Recovery budget, from the first failure.
    pub budget: Duration,
    /// Silence after which go counts as stalled, for a first attempt.
    pub stall: Duration,
    /// First delay.
    pub backoff_base: Duration,
    /// Longest delay.
    pub backoff_max: Duration,
    /// How far the list may be reordered.
    pub rotate: Rotate,
    /// The mirrors of the settings; which of them this run may ask is [`super::State::mirrors`].
    pub mirrors: Vec<Entry>,
    /// A person named the mirrors, rather than gox.
    pub mirrors_by_hand: bool,
    /// A CI system runs this.
    pub on_ci: bool,
    /// A relay may serve this run.
    pub relay: bool,
    /// It serves from the first attempt on.
    pub relay_always: bool,
    /// A fill runs beside go, and needs a relay from the first attempt on.
    #[serde(default)]
    pub fills: bool,
    /// GOPROXY while `--offline` was asked for.
    pub offline: Option<String>,
    /// The user's own GODEBUG.
    pub godebug: String,
    /// Environment names that the user has set and that an overlay would otherwise set.
    pub user_env: Vec<String>,
    /// This is `go mod verify`: what it finds may be evidence and is never cured.
    pub verifying: bool,
    /// The command chooses no versions: what it needs go.mod names.
    #[serde(default)]
    pub versions_fixed: bool,
    /// A person sits at a terminal of a machine with a locale or a time zone of mainland China.
    #[serde(default)]
    pub at_home_there: bool,
    /// Module paths of the command line.
    pub named: Vec<String>,
    /// Entries that earlier runs could not talk to a short while ago.
    pub resting: Vec<Entry>,
    /// A network fault was met not long ago.
    pub bad_lately: bool,
    /// Versions are chosen, or a toolchain is looked for: what may be asked for is not known before.
    pub chooses: bool,
    /// Upstreams that an earlier run of this gox could not talk to as go may.
    pub left: Vec<Entry>,
    /// Read already, where something made that worth while before the first attempt.
    pub premises: Option<Arc<Premises>>,
}

/// What go's settings and the project's files say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Premises {
    /// The user's effective GOPROXY.
    pub list: List,
    /// go's effective GOPRIVATE.
    pub goprivate: String,
    /// go's effective GONOPROXY.
    pub gonoproxy: String,
    /// go's effective GONOSUMDB.
    pub gonosumdb: String,
    /// go's effective GOSUMDB, which may hold an address.
    #[serde(serialize_with = "without_secrets")]
    pub gosumdb: String,
    /// go's effective GOVCS: where the user has one, nobody but the user says which programs are run.
    #[serde(default)]
    pub govcs: String,
    /// Major and minor of the running go, where known.
    pub release: Option<(u32, u32)>,
    /// `-mod=vendor` is in force: go asks nobody for modules, so gox makes no diagnostic attempt
    /// that would.
    pub vendored: bool,
    /// The path of the main module.
    pub main: Option<String>,
    /// Module paths that go.mod, go.work's members or go.sum name.
    pub modules: Vec<String>,
    /// Modules that a `replace` of the project's stands for.
    #[serde(default)]
    pub replaced: Vec<String>,
    /// Modules that go.mod requires, with their versions, for commands that ask for no others by name.
    #[serde(default)]
    pub required: Vec<(String, String)>,
    /// Modules (with versions) of which go.sum holds both hashes, that of the zip and that of go.mod.
    pub pinned: Vec<(String, String)>,
    /// What is known of private modules.
    pub private: privacy::Rules,
    /// Why no relay can stand in for the list; `None` where one can.
    pub unrelayable: Option<String>,
    /// Why go's settings, or the names that this project keeps private, are not wholly known, as a
    /// sentence: then gox goes nowhere where go would not go by itself, and replaces none of go's
    /// lists. `None` where they are known.
    pub doubt: Option<String>,
}

fn without_secrets<S: serde::Serializer>(value: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&crate::redact::text(value))
}

impl Premises {
    /// True where one of `paths`, which lie outside of the main module, is likely private and yet asked
    /// of proxies.
    pub(super) fn hold_private<'a>(&self, mut paths: impl Iterator<Item = &'a String>) -> bool {
        let own = |path: &str| self.main.as_deref().is_some_and(|main| module_path::covers(main, path));
        paths.any(|path| !own(path) && !matches!(self.private.why(path), None | Some(Why::NoProxy)))
    }

    /// True where the user's list names a public proxy other than Go's default one: whoever wrote it chose
    /// that world.
    fn names_another(&self) -> bool {
        let default = |host: &str| host.split(':').next() == Some("proxy.golang.org");
        self.list.entries.iter().any(|e| e.is_public_proxy() && e.host().is_some_and(|host| !default(&host)))
    }

    /// True where every one of `paths`, which lie outside of the main module, is plainly public.
    pub(super) fn are_public<'a>(&self, mut paths: impl Iterator<Item = &'a String>) -> bool {
        let own = |path: &str| self.main.as_deref().is_some_and(|main| module_path::covers(main, path));
        self.doubt.is_none()
            && paths.all(|path| own(path) || self.private.publicity(path) == Publicity::PlainlyPublic)
    }

    /// The mirrors of `policy` that may be asked at all: only where every listed entry is a known public
    /// proxy or `direct`, the checksum database is on, and either no CI is detected or the user named the
    /// mirrors by hand.
    pub(super) fn permitted_mirrors(&self, policy: &Policy) -> Vec<Entry> {
        // Modules that the user took out of the database, but not away from proxies, would come from a
        // mirror with nothing to judge them.
        let unchecked = !self.gonosumdb.is_empty() && self.gonosumdb != self.gonoproxy;
        let allowed = policy.rotate == Rotate::Listed
            && self.list.all_public()
            && self.gosumdb != "off"
            && !self.vendored
            && !unchecked
            && (policy.mirrors_by_hand || (!policy.on_ci && (policy.at_home_there || self.names_another())));
        if !allowed {
            return vec![];
        }
        let listed = |mirror: &Entry| self.list.entries.iter().any(|e| e.host() == mirror.host());
        policy.mirrors.iter().filter(|m| m.is_network_proxy() && !listed(m)).cloned().collect()
    }
}

impl Policy {
    /// A relay serves from the first attempt on for the fill's sake alone.
    pub(crate) fn relays_for_the_fill(&self) -> bool {
        (self.fills || self.chooses) && !self.relay_always && !self.bad_lately
    }
}

#[cfg(test)]
impl Policy {
    /// One for tests: this list, the public checksum database, no mirrors, no relay, and a project of
    /// which nothing is known.
    pub(crate) fn example(list: &str) -> Policy {
        Policy {
            attempts: 4,
            patient: false,
            budget: Duration::from_secs(300),
            stall: Duration::from_secs(30),
            backoff_base: Duration::from_millis(500),
            backoff_max: Duration::from_secs(15),
            rotate: Rotate::Listed,
            mirrors: vec![],
            mirrors_by_hand: false,
            on_ci: false,
            relay: false,
            relay_always: false,
            fills: false,
            offline: None,
            godebug: String::new(),
            user_env: vec![],
            verifying: false,
            versions_fixed: true,
            at_home_there: false,
            named: vec![],
            resting: vec![],
            bad_lately: false,
            chooses: false,
            left: vec![],
            premises: Some(Arc::new(Premises {
                list: List::parse(list),
                gosumdb: "sum.golang.org".into(),
                release: Some((1, 27)),
                ..Premises::default()
            })),
        }
    }
}

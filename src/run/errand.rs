//! What go is started with: the user's own command, or what is fetched before it, and its environment.

use super::{Job, Prepare, Run, filling};
use crate::child::Command;
use crate::judgement::attempt::overlay;
use crate::machine::find_go::MARKER;
use std::ffi::OsString;

impl Run {
    /// The child's environment: the overlay and what every supervised child gets.
    pub(super) fn envs(&self) -> Vec<(OsString, Option<OsString>)> {
        let mut envs: Vec<(OsString, Option<OsString>)> =
            overlay::overlay(&self.policy, &self.state(), self.relaying.goproxy().as_deref())
                .into_iter()
                .map(|(name, value)| (name.into(), Some(value.into())))
                .collect();
        envs.push((MARKER.into(), Some(self.job.nesting.marker(true, &self.job.go))));
        if self.job.prepare == Prepare::Version {
            envs.push(("GOWORK".into(), Some("off".into())));
            envs.push(("GOFLAGS".into(), Some("-mod=mod".into())));
        }
        if self.job.invocation.english_git {
            // gox reads git's words; no compiler runs under these verbs.
            envs.push(("LC_ALL".into(), Some("C".into())));
        }
        envs
    }

    /// What go is started with.
    pub(super) fn command(&self) -> Command {
        let Job { go, args, dir, prepare, .. } = &*self.job;
        let (args, dir) = match prepare {
            Prepare::Nothing => (args.clone(), None),
            Prepare::Toolchain => (vec!["version".into()], Some(dir.clone())),
            Prepare::Packages => (filling::listing(&self.job.invocation, &self.packages), Some(dir.clone())),
            Prepare::Version => {
                let at = self.scratch.as_ref().map(|scratch| scratch.path().to_owned());
                (filling::getting(&self.job.invocation), at)
            }
        };
        Command { program: go.clone(), args, envs: self.envs(), dir }
    }
}

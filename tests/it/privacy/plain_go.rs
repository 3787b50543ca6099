//! The model held against real go releases: for random situations the lab's log shows exactly the names
//! that the model predicts, host by host.

use super::cases;
use super::model::situation::{Host, Situation};
use super::model::{Healed, random, told};
use super::stage::{Stage, arguments, shown};
use crate::harness::go_releases;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Runs go in the situation; what differs from the model, if anything does.
fn differs(situation: &Situation, go: &Path) -> Option<String> {
    let stage = Stage::new(situation, &[]);
    let project = stage.project(situation);
    let run = project.program(go, arguments(&situation.verb)).run();
    let (heard, predicted) = (stage.heard(), told(situation, Healed::No));
    let more: Vec<_> = heard.difference(&predicted.names).collect();
    let less: Vec<_> = predicted.names.difference(&heard).collect();
    if more.is_empty() && (less.is_empty() || predicted.cut_short) {
        return None;
    }
    Some(format!(
        "go told beyond the model: {more:?}\nthe model told beyond go: {less:?}\n{}{}\n{run}",
        shown(situation),
        stage.log()
    ))
}

fn hold_against(release: &(Vec<u32>, PathBuf)) {
    let (version, go) = release;
    let mut wrong = Vec::new();
    for seed in cases("GOX_TEST_MODEL", 30) {
        let mut situation = random::situation(seed);
        situation.release = version[1];
        if let Some(difference) = differs(&situation, go) {
            wrong.push(format!("seed {seed}: {difference}"));
        }
    }
    assert!(wrong.is_empty(), "go {version:?}: {} runs differ\n{}", wrong.len(), wrong.join("\n----\n"));
}

#[test]
fn the_model_predicts_whom_the_oldest_go_tells_what() {
    hold_against(go_releases().first().expect("a go release"));
}

#[test]
fn the_model_predicts_whom_the_newest_go_tells_what() {
    hold_against(go_releases().last().expect("a go release"));
}

/// A generator that draws the same thing over and over would prove nothing.
#[test]
fn the_situations_are_of_every_kind() {
    let mut seen = BTreeMap::<&str, usize>::new();
    let all = 2000;
    for seed in 0..all {
        let situation = random::situation(seed);
        let names = told(&situation, Healed::No).names;
        let hosts: BTreeSet<_> = names.iter().map(|(host, _)| host).collect();
        let mut note = |kind, holds: bool| *seen.entry(kind).or_default() += usize::from(holds);
        note("somebody hears", !names.is_empty());
        note("two proxies hear", hosts.iter().filter(|host| matches!(host, Host::Proxy(_))).count() > 1);
        note("a database hears", hosts.iter().any(|host| matches!(host, Host::Database(_))));
        note("an origin hears", hosts.iter().any(|host| matches!(host, Host::Origin(_))));
        note(
            "a shorter path is asked for",
            names.iter().any(|(_, name)| !situation.modules.contains_key(name)),
        );
        note("trouble hides names", told(&situation, Healed::Yes).names.len() > names.len());
    }
    assert!(seen.values().all(|count| *count as u64 * 20 > all), "of {all} situations: {seen:#?}");
}

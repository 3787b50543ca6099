//! gox held against the model: in random situations every name it tells goes to somebody whom plain go would
//! have told it, or whom the design's rules allow; and what plain go gets through, gox gets through.

use super::cases;
use super::model::permit::{Permit, Surroundings};
use super::model::random;
use super::model::random::Draw;
use super::model::situation::{Hop, Host, Situation};
use super::stage::{Stage, arguments, shown};
use crate::harness::{Outcome, Project, go_minor};
use std::collections::BTreeSet;
use std::fs;

fn project(stage: &Stage, situation: &Situation, around: &Surroundings, relay: &str) -> Project {
    let mirrors: Vec<String> = around
        .mirrors
        .iter()
        .filter_map(|n| around.names[*n].map(|name| format!("https://{name}")))
        .collect();
    let mut project = stage
        .project(situation)
        .env("GOX_RELAY", relay)
        .env("GOX_ROTATE", format!("{:?}", around.rotate).to_lowercase())
        .env("GOX_MIRRORS", if mirrors.is_empty() { "none".to_owned() } else { mirrors.join(",") })
        .env("GOX_ATTEMPTS", "5")
        .env("GOX_BUDGET", "2s");
    if !around.resting.is_empty() {
        fs::write(project.state().join("health.json"), stage.bad_health(&around.resting))
            .expect("a file of ours");
    }
    if !around.private.is_empty() {
        project = project.env("GOX_PRIVATE", &around.private);
    }
    if let Some(origin) = around.origin {
        let (host, owner) = origin.split_once('/').expect("host/owner");
        let config = format!("[remote \"origin\"]\n\turl = git@{host}:{owner}/app.git\n");
        project = project.file(".git/HEAD", "ref: refs/heads/main\n").file(".git/config", config);
    }
    project
}

/// What is wrong with what gox told.
fn violations(heard: &BTreeSet<(Host, String)>, permit: &Permit<'_>) -> Vec<String> {
    let forbidden = |(host, name): &(Host, String)| {
        permit.forbids(host, name).map(|why| format!("{host:?} heard {name}: {why}"))
    };
    heard.iter().filter_map(forbidden).collect()
}

fn check(seed: u64, relay: &str) -> Option<String> {
    let mut situation = random::situation(seed);
    situation.release = go_minor();
    let mut draw = Draw::new(seed ^ 0x5eed);
    let around = random::surroundings(&mut draw);
    // A mirror is no entry of the list.
    for mirror in &around.mirrors {
        situation.settings.goproxy.retain(|(hop, _)| *hop != Hop::Proxy(*mirror));
    }
    if situation.settings.goproxy.is_empty() {
        return None;
    }
    let stage = Stage::new(&situation, &around.names);
    let go = project(&stage, &situation, &around, relay).go(arguments(&situation.verb)).run();
    stage.forget();
    let project = project(&stage, &situation, &around, relay);
    let run = project.gox(arguments(&situation.verb)).run();
    let mut wrong = violations(&stage.heard(), &Permit::new(&situation, &around));
    wrong.extend(stage.strangers().into_iter().map(|host| format!("{host} was asked")));
    if go.code() == Some(0) && (run.code() != Some(0) || run.stdout != go.stdout) {
        wrong.push("what plain go gets through, gox does not".to_owned());
    }
    if matches!(run.code(), Some(125..=127)) || run.report.is_none() {
        wrong.push("gox did not get to run go".to_owned());
    }
    if wrong.is_empty() { None } else { Some(report(seed, relay, &wrong, &situation, &around, &stage, &run)) }
}

fn report(
    seed: u64,
    relay: &str,
    wrong: &[String],
    situation: &Situation,
    around: &Surroundings,
    stage: &Stage,
    run: &Outcome,
) -> String {
    let wrong = wrong.join("\n  ");
    format!("seed {seed}, relay={relay}:\n  {wrong}\n{}{around:?}\n{}\n{run}", shown(situation), stage.log())
}

fn hold_against_the_rules(relay: &str) {
    let wrong: Vec<String> = cases("GOX_TEST_PRIVACY", 8).filter_map(|seed| check(seed, relay)).collect();
    assert!(wrong.is_empty(), "{} runs tell too much\n{}", wrong.len(), wrong.join("\n----\n"));
}

/// A look-up asks for the paths above a module as well, entry by entry: where the first has the module, no other
/// hears of its owner.
#[test]
fn the_paths_above_a_private_module_stay_where_it_is_found() {
    let wrong: Vec<String> =
        [222, 254, 287, 844].into_iter().filter_map(|seed| check(seed, "always")).collect();
    assert!(wrong.is_empty(), "{} runs tell too much\n{}", wrong.len(), wrong.join("\n----\n"));
}

#[test]
fn gox_tells_nobody_whom_the_rules_do_not_name() {
    hold_against_the_rules("auto");
}

#[test]
fn gox_with_a_relay_from_the_start_tells_nobody_whom_the_rules_do_not_name() {
    hold_against_the_rules("always");
}

#[test]
fn gox_without_a_relay_tells_nobody_whom_the_rules_do_not_name() {
    hold_against_the_rules("never");
}

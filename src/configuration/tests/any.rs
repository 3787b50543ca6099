//! Whatever files hold: a project brings gox only nearer to go, and no text ends without its place.

use super::*;
use crate::formats::goproxy::Rotate;
use proptest::prelude::*;

/// Right TOML values for each key that a file may hold.
const VALUES: &[(Key, &[&str])] = &[
    (Key::Go, &["\"\"", "\"go\"", "\"/opt/go/bin/go\""]),
    (Key::Attempts, &["1", "4", "9"]),
    (Key::Budget, &["\"0s\"", "\"5m\"", "\"1h\""]),
    (Key::Stall, &["\"1ms\"", "\"30s\"", "\"10m\""]),
    (Key::BackoffBase, &["\"1ms\"", "\"500ms\"", "\"5s\""]),
    (Key::BackoffMax, &["\"1ms\"", "\"15s\"", "\"5m\""]),
    (Key::Rotate, &["\"listed\"", "\"go\"", "\"never\""]),
    (Key::Mirrors, &["\"none\"", "[\"goproxy.cn\"]", "[\"goproxy.cn\", \"m.example\"]"]),
    (Key::Private, &["\"none\"", "\"git.corp\"", "\"git.corp,github.com\""]),
    (Key::Fill, &["\"auto\"", "\"off\""]),
    (Key::Relay, &["\"auto\"", "\"always\"", "\"never\""]),
    (Key::Verbosity, &["\"quiet\"", "\"normal\"", "\"verbose\""]),
    (Key::Progress, &["\"auto\"", "\"off\""]),
    (Key::Lang, &["\"auto\"", "\"en\"", "\"zh\""]),
    (Key::Report, &["\"\"", "\"/r.json\""]),
    (Key::StateDir, &["\"\"", "\"/s\""]),
];

fn text() -> impl Strategy<Value = String> {
    let lines: Vec<_> = VALUES
        .iter()
        .map(|(key, values)| {
            proptest::option::of(proptest::sample::select(*values))
                .prop_map(|value| value.map(|value| format!("{} = {value}\n", key.name())))
        })
        .collect();
    let rules = proptest::collection::vec(proptest::sample::select(&["retry", "stop"][..]), 0..3)
        .prop_map(|all| all.iter().map(|a| format!("[[rule]]\nmatch = \"x\"\naction = \"{a}\"\n")).collect());
    (lines, rules).prop_map(|(lines, rules): (Vec<Option<String>>, String)| {
        lines.into_iter().flatten().collect::<String>() + &rules
    })
}

proptest! {
    /// The promise of the design's "trust of files", for any user and any project.
    #[test]
    fn project_brings_gox_only_nearer_to_go(user in text(), project in text()) {
        let without = given().user(&user).resolved().settings;
        let with = given().user(&user).project(&project).resolved().settings;
        prop_assert!(with.attempts <= without.attempts && with.budget <= without.budget);
        prop_assert!(with.stall >= without.stall);
        prop_assert!(with.backoff_base >= without.backoff_base && with.backoff_max >= without.backoff_max);
        prop_assert!(with.rotate == without.rotate || with.rotate == Rotate::Never || without.rotate == Rotate::Listed);
        prop_assert!(with.mirrors.iter().all(|mirror| without.mirrors.contains(mirror)));
        prop_assert!(with.relay == without.relay || with.relay == Relay::Never || without.relay == Relay::Always);
        prop_assert!(with.verbosity >= without.verbosity);
        prop_assert_eq!(
            (&with.go, &with.private, &with.report, &with.state_dir),
            (&without.go, &without.private, &without.report, &without.state_dir)
        );
        let (added, own) = with.rules.split_at(with.rules.len() - without.rules.len());
        prop_assert!(added.iter().all(|rule| rule.action == RuleAction::Stop));
        prop_assert_eq!(own, &without.rules[..]);
    }

    /// Whatever a file holds, the outcome is settings or an error that names the file.
    #[test]
    fn text_is_settled_or_refused_with_its_place(
        text in "([a-z-]{0,12} ?= ?[\"\\[\\]{}0-9a-z,#\\\\ ]{0,12}\n|\\PC{0,20}\n|\\[\\[rule\\]\\]\n){0,6}",
    ) {
        if let Err(error) = given().project(&text).try_resolve() {
            let words = error.to_string();
            prop_assert!(words.starts_with("/src/tool/gox.toml:"), "{}", words);
        }
    }
}

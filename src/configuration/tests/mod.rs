//! Layers, locks, what a project may do, and the exact words of what goes wrong.

mod any;

use super::*;
use crate::formats::goproxy::Rotate;
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Default)]
struct Given {
    cli: CliOptions,
    env: BTreeMap<&'static str, OsString>,
    files: Vec<FileText>,
}

impl Given {
    fn option(mut self, key: Key, value: &str) -> Given {
        self.cli.given.push((key, value.into()));
        self
    }

    fn var(mut self, name: &'static str, value: &str) -> Given {
        self.env.insert(name, value.into());
        self
    }

    fn file(mut self, kind: FileKind, text: &str) -> Given {
        let path = match kind {
            FileKind::System => "/etc/gox/gox.toml",
            FileKind::User => "/home/me/.config/gox/gox.toml",
            FileKind::Project => "/src/tool/gox.toml",
        };
        self.files.push(FileText { path: path.into(), text: text.into(), kind });
        self
    }

    fn system(self, text: &str) -> Given {
        self.file(FileKind::System, text)
    }

    fn user(self, text: &str) -> Given {
        self.file(FileKind::User, text)
    }

    fn project(self, text: &str) -> Given {
        self.file(FileKind::Project, text)
    }

    fn try_resolve(&self) -> Result<Resolved, Error> {
        resolve(&self.cli, &|name| self.env.get(name).cloned(), &self.files)
    }

    fn resolved(&self) -> Resolved {
        self.try_resolve().unwrap()
    }

    fn error(&self) -> String {
        self.try_resolve().unwrap_err().to_string()
    }

    fn notices(&self) -> Vec<String> {
        self.resolved().notices.iter().map(ToString::to_string).collect()
    }

    fn ignored(&self) -> Vec<String> {
        self.resolved().ignored.iter().map(ToString::to_string).collect()
    }
}

fn given() -> Given {
    Given::default()
}

/// One value other than the built-in for each key, as a word and as TOML.
const OTHERS: &[(Key, &str, &str)] = &[
    (Key::Go, "/opt/go/bin/go", "\"/opt/go/bin/go\""),
    (Key::Attempts, "6", "6"),
    (Key::Budget, "1m30s", "\"1m30s\""),
    (Key::Stall, "10s", "\"10s\""),
    (Key::BackoffBase, "100ms", "\"100ms\""),
    (Key::BackoffMax, "1m", "\"1m\""),
    (Key::Rotate, "never", "\"never\""),
    (Key::Mirrors, "https://m.example", "[\"https://m.example\"]"),
    (Key::Private, "git.corp/*,a.example/b", "[\"git.corp/*\", \"a.example/b\"]"),
    (Key::Confidential, "git.acme.dev", "\"git.acme.dev\""),
    (Key::Fill, "off", "\"off\""),
    (Key::Relay, "never", "\"never\""),
    (Key::Verbosity, "verbose", "\"verbose\""),
    (Key::Progress, "off", "\"off\""),
    (Key::Lang, "zh", "\"zh\""),
    (Key::Report, "/tmp/r.json", "\"/tmp/r.json\""),
    (Key::Record, "/tmp/r.jsonl", "\"/tmp/r.jsonl\""),
    (Key::Journal, "off", "\"off\""),
    (Key::StateDir, "/var/lib/gox", "\"/var/lib/gox\""),
    (Key::Offline, "1", ""),
    (Key::Config, "none", ""),
    (Key::Bypass, "1", ""),
];

#[test]
fn every_key_is_taken_from_each_place_and_knows_it() {
    assert_eq!(OTHERS.iter().map(|o| o.0).collect::<Vec<_>>(), Key::ALL);
    for (key, word, toml) in OTHERS {
        let want = parse(*key, &Raw::Text(word.into())).unwrap();
        assert_ne!(Settings::built_in().get(*key).0, want);

        let cli = given().option(*key, word).resolved().settings;
        assert_eq!(cli.get(*key), (want.clone(), &Origin::CommandLine));

        let env = given().var(key.env(), word).resolved().settings;
        assert_eq!(env.get(*key), (want.clone(), &Origin::Environment(key.env())));

        if key.in_file() {
            for kind in [FileKind::System, FileKind::User] {
                let with = given().file(kind, &format!("\n# a comment\n{} = {toml}\n", key.name()));
                let settings = with.resolved().settings;
                let path = with.files[0].path.clone();
                assert_eq!(settings.get(*key), (want.clone(), &Origin::File { kind, path, line: 3 }));
            }
        } else {
            let error = given().user(&format!("{} = true", key.name())).error();
            assert!(error.contains("is about one run and cannot stand in a file; use "), "{error}");
        }
    }
}

#[test]
fn a_higher_place_wins_key_by_key() {
    let all = given()
        .system("attempts = 9\nstall = \"9s\"\nbudget = \"9m\"\nbackoff-base = \"9ms\"\nbackoff-max = \"9s\"")
        .user("attempts = 8\nstall = \"8s\"\nbudget = \"8m\"\nbackoff-base = \"8ms\"")
        .project("attempts = 7\n\nbudget = \"7m\"")
        .var("GOX_ATTEMPTS", "20")
        .var("GOX_STALL", "1s")
        .option(Key::Attempts, "30");
    let settings = all.resolved().settings;
    let origin = |key| settings.origin(key).to_string();
    assert_eq!((settings.attempts, origin(Key::Attempts).as_str()), (30, "command line"));
    assert_eq!((settings.stall, origin(Key::Stall).as_str()), (Duration::from_secs(1), "GOX_STALL"));
    assert_eq!(settings.budget, Duration::from_secs(420));
    assert_eq!(origin(Key::Budget), "/src/tool/gox.toml:3");
    assert_eq!(settings.backoff_base, Duration::from_millis(8));
    assert_eq!(origin(Key::BackoffBase), "/home/me/.config/gox/gox.toml:4");
    assert_eq!(settings.backoff_max, Duration::from_secs(9));
    assert_eq!(origin(Key::BackoffMax), "/etc/gox/gox.toml:5");
    assert_eq!(origin(Key::Rotate), "built in");
    assert_eq!(all.notices(), Vec::<String>::new());
    let kinds: Vec<_> = all.resolved().files.iter().map(|f| f.0).collect();
    assert_eq!(kinds, [FileKind::System, FileKind::User, FileKind::Project]);
}

#[test]
fn the_last_of_a_repeated_option_counts_and_all_are_checked() {
    let twice = given().option(Key::Attempts, "2").option(Key::Attempts, "3");
    assert_eq!(twice.resolved().settings.attempts, 3);
    let bad = given().option(Key::Attempts, "x").option(Key::Attempts, "3");
    assert_eq!(bad.error(), "--attempts: \"x\" is no whole number of at least 1 (such as 4), nor none");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    for key in Key::ALL {
        let settings = given().user("attempts = 6").var(key.env(), "").resolved().settings;
        assert_eq!(settings.attempts, 6);
        assert!(!matches!(settings.origin(key), Origin::Environment(_)));
    }
}

#[test]
fn errors_name_place_value_and_what_is_right() {
    let user = "/home/me/.config/gox/gox.toml";
    for (text, want) in [
        ("\natempts = 6", "2: unknown key \"atempts\"; did you mean \"attempts\"?"),
        ("[gox]\nattempts = 6", "1: unknown key \"gox\"; did you mean \"go\"?"),
        ("backoff_base = \"1s\"", "1: unknown key \"backoff_base\"; did you mean \"backoff-base\"?"),
        (
            "zzz = 1",
            "1: unknown key \"zzz\"; the keys are go, attempts, budget, stall, backoff-base, backoff-max, rotate, \
             mirrors, private, confidential, fill, relay, verbosity, progress, lang, report, record, journal, state-dir, \
             rule, locked",
        ),
        (
            "# x\r\nattempts = \"many\"",
            "2: attempts: \"many\" is no whole number of at least 1 (such as 4), nor none",
        ),
        ("attempts = 0", "1: attempts: \"0\" is no whole number of at least 1 (such as 4), nor none"),
        ("attempts = 1.5", "1: attempts: a number with a fraction is not expected here; a whole number is"),
        ("budget = 5", "1: budget: 5 has no unit; write \"5s\", \"5m\" or the like"),
        (
            "rotate = \"neve\"",
            "1: rotate: \"neve\" is not allowed; did you mean \"never\"? Allowed: listed, go, never",
        ),
        (
            "mirrors = [1]",
            "1: mirrors: a list with other things than strings is not expected here; a list of strings is",
        ),
        ("go = 1", "1: go: 1 is a number; a string in quotes is expected"),
        (
            "bypass = true",
            "1: bypass is about one run and cannot stand in a file; use GOX_BYPASS or --bypass",
        ),
        ("locked = [\"mirrors\"]", "1: locked: only the system file (/etc/gox/gox.toml) may lock keys"),
        ("[[rule]]\naction = \"stop\"", "1: [[rule]] has no match"),
        ("[[rule]]\nmatch = \"x\"", "1: [[rule]] has no action"),
        (
            "[rule]\nmatch = \"x\"",
            "1: rules are written as [[rule]] with match = \"...\" and action = \"retry\" or \"stop\"",
        ),
        (
            "[[rule]]\nmatch = \"(\"\naction = \"stop\"",
            "2: match: \"(\" is no regular expression: unclosed group",
        ),
        ("[[rule]]\nmatch = \"\"\naction = \"stop\"", "2: match: an empty expression would match everything"),
        (
            "[[rule]]\nmatch = \"x\"\naction = \"retyr\"",
            "3: action: \"retyr\" is not allowed; did you mean \"retry\"? Allowed: retry, stop",
        ),
        (
            "[[rule]]\nmtach = \"x\"\naction = \"stop\"",
            "2: unknown key \"mtach\" in [[rule]]; did you mean \"match\"?",
        ),
    ] {
        assert_eq!(given().user(text).error(), format!("{user}:{want}"));
    }
    for text in ["attempts = 6\nattempts = 7", "x", "a = ", "mirrors = [", "go = \"\u{1}\""] {
        let error = given().user(text).error();
        assert!(error.starts_with(user) && error.contains(": not valid TOML"), "{error}");
    }
    assert_eq!(
        given().user("attempts = 6\n\nattempts = 7").error(),
        format!("{user}:3: not valid TOML: duplicate key")
    );
    assert_eq!(given().user("attempts = 0x10").resolved().settings.attempts, 16);
    assert_eq!(
        given().var("GOX_STALL", "30").error(),
        "GOX_STALL: 30 has no unit; write \"30s\", \"30m\" or the like"
    );
    assert_eq!(given().option(Key::Mirrors, "").error(), "--mirrors: needs a value, or none");
    assert_eq!(
        given().option(Key::Relay, "sometimes").error(),
        "--relay: \"sometimes\" is not allowed; allowed: auto, always, never"
    );
}

#[test]
fn the_first_fault_of_a_file_is_told_first() {
    // Keys come out of the parser by name; people read by line.
    let error = given().user("verbosity = \"x\"\nattempts = 0").error();
    assert!(error.contains(":1: verbosity: "), "{error}");
}

#[cfg(unix)]
#[test]
fn variables_that_are_not_utf8_are_named() {
    use std::os::unix::ffi::OsStringExt;
    let mut with = given();
    with.env.insert("GOX_ROTATE", OsString::from_vec(b"\xff".to_vec()));
    assert_eq!(with.error(), "GOX_ROTATE: \"\u{fffd}\" is not valid UTF-8");
}

#[test]
fn mirrors_by_their_words() {
    let mirrors = |with: &Given| {
        let settings = with.resolved().settings;
        (settings.mirrors.len(), settings.origin(Key::Mirrors).by_hand())
    };
    assert_eq!(mirrors(&given()), (2, false));
    assert_eq!(mirrors(&given().user("mirrors = \"cn\"")), (2, true), "consent");
    assert_eq!(mirrors(&given().user("mirrors = \"cn,https://m.example\"")), (3, true));
    // Whatever stood below, auto is as if nobody had said anything.
    for below in ["mirrors = \"none\"", "mirrors = \"cn\""] {
        let mut with = given().user(below);
        with.env.insert("GOX_MIRRORS", "auto".into());
        assert_eq!(mirrors(&with), (2, false), "{below}");
    }
    // A project gives no consent, and widens nothing.
    assert_eq!(mirrors(&given().project("mirrors = \"cn\"")), (2, false));
    assert_eq!(mirrors(&given().user("mirrors = \"none\"").project("mirrors = \"auto\"")), (0, true));
    let mut with = given();
    with.env.insert("GOX_MIRRORS", "auto,cn".into());
    assert_eq!(with.error(), "GOX_MIRRORS: \"auto\" stands alone");
}

#[test]
fn a_project_only_narrows() {
    let narrow = given().project(
        "attempts = 1\nbudget = \"1m\"\nrotate = \"never\"\nmirrors = \"none\"\nconfidential = \"git.acme.dev\"",
    );
    assert_eq!((narrow.ignored(), narrow.notices()), (vec![], vec![]));
    let settings = narrow.resolved().settings;
    assert_eq!((settings.attempts, settings.mirrors.len()), (1, 0));
    assert_eq!((settings.budget, settings.rotate), (Duration::from_secs(60), Rotate::Never));
    assert_eq!(settings.confidential, ["git.acme.dev"]);
    assert!(!settings.origin(Key::Mirrors).by_hand());
}

#[test]
fn whatever_else_a_project_asks_is_ignored_and_ends_nothing() {
    let wide = given().user("rotate = \"go\"\nattempts = 6").project(
        "attempts = 20\nrotate = \"listed\"\nmirrors = [\"evil.example\"]\nprivate = [\"github.com\"]\n\
         go = \"./go\"\nreport = \"x\"\n\"locked\" = [\"mirrors\"]\nbackoff-base = \"24h\"\nstall = \"1ms\"\n\
         relay = \"never\"\nfuture = 1\nbudget = \"soon\"\n[[rule]]\nmatch = \"(\"\naction = \"stop\"",
    );
    let mut quiet = wide.resolved();
    quiet.ignored.clear();
    quiet.files.pop();
    assert_eq!(quiet, given().user("rotate = \"go\"\nattempts = 6").resolved());
    assert_eq!(wide.notices(), Vec::<String>::new());
    let at = "/src/tool/gox.toml";
    let may = "is ignored: a project may";
    let own = "or put it into your own gox.toml";
    let mut want = vec![
        format!("{at}:1: attempts = \"20\" {may} only lower it; to have it, set GOX_ATTEMPTS=20 {own}"),
        format!("{at}:2: rotate = \"listed\" {may} only narrow it; to have it, set GOX_ROTATE=listed {own}"),
        format!(
            "{at}:3: mirrors = \"https://evil.example\" {may} only leave mirrors out; to have it, set \
             GOX_MIRRORS=https://evil.example {own}"
        ),
        format!(
            "{at}:4: private = \"github.com\" {may} not name private modules; it may name them confidential"
        ),
        format!(
            "{at}:5: go = \"/src/tool/./go\" {may} not choose the program that runs; set GOX_GO or go in your \
             own gox.toml if you want one"
        ),
        format!(
            "{at}:6: report = \"/src/tool/x\" {may} not choose where files are written; set GOX_REPORT or \
             report in your own gox.toml if you want one"
        ),
        format!(
            "{at}:8: backoff-base = \"24h\" {may} not set it; to have it, set GOX_BACKOFF_BASE=24h {own}"
        ),
        format!("{at}:9: stall = \"1ms\" {may} not set it; to have it, set GOX_STALL=1ms {own}"),
        format!("{at}:10: relay = \"never\" {may} not set it; to have it, set GOX_RELAY=never {own}"),
        format!("{at}:7: locked is ignored: only /etc/gox/gox.toml may lock keys"),
        format!("{at}:13: [[rule]] {may} add no rules"),
    ];
    let told = wide.ignored();
    let (odd, known): (Vec<String>, Vec<String>) =
        told.into_iter().partition(|line| line.contains(":11: ") || line.contains(":12: "));
    assert!(odd[0].starts_with("/src/tool/gox.toml:11: unknown key \"future\""), "{odd:?}");
    assert!(odd[1].starts_with("/src/tool/gox.toml:12: budget: \"soon\" is no length of time"), "{odd:?}");
    assert_eq!(odd.len(), 2);
    want.sort();
    let mut known = known;
    known.sort();
    assert_eq!(known, want);
    let broken = given().project("attempts = 1\nx = [");
    assert_eq!(broken.resolved().settings.attempts, NO_BOUND);
    assert!(
        broken.ignored()[0].starts_with("/src/tool/gox.toml:2: not valid TOML"),
        "{:?}",
        broken.ignored()
    );
}

#[test]
fn a_project_is_measured_against_the_user_and_not_told_what_the_user_decided() {
    let wider = given()
        .user("attempts = 20\nprivate = [\"git.corp\"]")
        .project("attempts = 10\nprivate = \"git.corp\"");
    assert_eq!((wider.resolved().settings.attempts, wider.ignored().len()), (10, 0));
    assert_eq!(wider.resolved().settings.private_list(), "git.corp");
    let decided = given().project("attempts = 20").var("GOX_ATTEMPTS", "20");
    assert_eq!((decided.resolved().settings.attempts, decided.ignored().len()), (20, 0));
}

#[test]
fn confidential_patterns_of_a_project_stand_beside_the_users() {
    let of = |with: Given| with.resolved().settings.confidential.join(" ");
    let project = || given().project("confidential = [\"p.example\", \"u.example\"]");
    assert_eq!(of(project().user("confidential = \"u.example\"")), "u.example p.example");
    assert_eq!(of(project().var("GOX_CONFIDENTIAL", "e.example")), "e.example p.example u.example");
    assert_eq!(of(project().option(Key::Confidential, "none")), "");
    let locked = project().system("confidential = \"s.example\"\nlocked = [\"confidential\"]");
    assert_eq!(of(locked), "s.example");
}

#[test]
fn a_project_cannot_drive_the_terminal() {
    for text in [
        "rotate = \"\\u001b[2J\"",
        "private = \"\\u001b[2J\"",
        "\"\\u001b[2J\" = 1",
        "budget = \"\\u001b[2J\"",
    ] {
        let words = given().project(text).ignored().concat();
        assert!(!words.is_empty() && !words.contains(char::is_control), "{words:?}");
    }
}

#[test]
fn no_error_tells_a_secret() {
    let token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
    for text in [
        format!("mirrors = \"ftp://me:{token}@h.example\""),
        "mirrors = \"https:/me:hunter2@h.example,x y\"".to_owned(),
        format!("rotate = \"{token}\""),
        format!("relay = {token}"),
        format!("report = \"{token}"),
        format!("{token} = 1"),
    ] {
        let error = given().user(&text).error();
        assert!(!error.contains(token) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn rules_are_bounded() {
    let rule = |pattern: &str| format!("[[rule]]\nmatch = '{pattern}'\naction = \"stop\"\n");
    assert_eq!(given().user(&rule("x").repeat(100)).resolved().settings.rules.len(), 100);
    let error = given().user(&rule("x").repeat(101)).error();
    assert!(error.ends_with(":1: more than 100 rules"), "{error}");
    let error = given().user(&rule(&"x".repeat(1001))).error();
    assert!(error.contains("it is longer than 1000 bytes"), "{error}");
    let error = given().user(&rule(r"(\w{100}){100}")).error();
    assert!(error.contains("it would take too much room"), "{error}");
}

#[test]
fn locked_keys_stay_as_the_system_file_has_them() {
    let system = "mirrors = \"none\"\nlocked = [\"mirrors\", \"attempts\", \"rule\"]\n[[rule]]\nmatch = \"s\"\naction = \"stop\"";
    let with = given()
        .system(system)
        .user("mirrors = \"m.example\"\n[[rule]]\nmatch = \"u\"\naction = \"retry\"")
        .project("attempts = 1")
        .var("GOX_ATTEMPTS", "none")
        .option(Key::Mirrors, "o.example");
    let settings = with.resolved().settings;
    assert_eq!((settings.mirrors.len(), settings.attempts, settings.rules.len()), (0, NO_BOUND, 1));
    assert_eq!(with.ignored().len(), 0, "the user decided already");
    assert_eq!(
        with.notices(),
        [
            "/home/me/.config/gox/gox.toml:1: mirrors = \"https://m.example\" is ignored: mirrors is locked by \
             /etc/gox/gox.toml:2",
            "/home/me/.config/gox/gox.toml:2: [[rule]] is ignored: rule is locked by /etc/gox/gox.toml:2",
            "--mirrors: mirrors = \"https://o.example\" is ignored: mirrors is locked by /etc/gox/gox.toml:2",
        ]
    );
    assert_eq!(
        given().system("locked = [\"mirors\"]").error(),
        "/etc/gox/gox.toml:1: locked: unknown key \"mirors\"; did you mean \"mirrors\"?"
    );
}

#[test]
fn rules_are_tried_from_the_user_down() {
    let rule = |word: &str, action: &str| format!("[[rule]]\nmatch = \"{word}\"\naction = \"{action}\"\n");
    let with = given().system(&rule("s", "retry")).user(&(rule("u1", "retry") + &rule("u2", "stop")));
    let settings = with.resolved().settings;
    let patterns: Vec<_> = settings.rules.iter().map(|r| r.pattern.as_str()).collect();
    assert_eq!(patterns, ["u1", "u2", "s"]);
    assert_eq!(settings.rules[1].origin.to_string(), "/home/me/.config/gox/gox.toml:4");
}

#[test]
fn paths_in_a_file_mean_its_folder_and_home() {
    let settings = given()
        .var("HOME", "/home/me")
        .user("go = \"~/sdk/go/bin/go\"\nreport = \"r.json\"\nstate-dir = \"/abs\"")
        .resolved()
        .settings;
    assert_eq!(settings.go.as_deref(), Some(Path::new("/home/me/sdk/go/bin/go")));
    assert_eq!(settings.report.as_deref(), Some(Path::new("/home/me/.config/gox/r.json")));
    assert_eq!(settings.state_dir.as_deref(), Some(Path::new("/abs")));
    assert_eq!(given().user("go = \"go1.24\"").resolved().settings.go.as_deref(), Some(Path::new("go1.24")));
    let relative = given().var("GOX_REPORT", "r.json").resolved().settings;
    assert_eq!(relative.report.as_deref(), Some(Path::new("r.json")));
}

#[test]
fn the_choice_of_files_is_read_before_them() {
    let choice = |with: &Given| files(&with.cli, &|name| with.env.get(name).cloned());
    assert_eq!(choice(&given()), Ok(Files::Usual));
    assert_eq!(choice(&given().var("GOX_CONFIG", "none")), Ok(Files::None));
    assert_eq!(choice(&given().var("GOX_CONFIG", "a.toml")), Ok(Files::Only("a.toml".into())));
    let both = given().var("GOX_CONFIG", "none").option(Key::Config, "b.toml");
    assert_eq!(choice(&both), Ok(Files::Only("b.toml".into())));
    assert!(choice(&given().option(Key::Config, "")).is_err());
}

#[test]
fn default_toml_holds_every_key_with_its_built_in_value() {
    let file = FileText { path: "/x/default.toml".into(), text: DEFAULT_TOML.into(), kind: FileKind::User };
    let found = contents(&file, None).unwrap();
    let built_in = Settings::built_in();
    for key in Key::ALL.into_iter().filter(|key| key.in_file()) {
        let all: Vec<_> = found.settings.iter().filter(|(s, _)| s.key() == key).collect();
        assert_eq!(all.len(), 1, "{}", key.name());
        assert_eq!(all[0].0, built_in.get(key).0, "{}", key.name());
    }
    assert!(found.rules.is_empty() && found.locked_line.is_none());
    let order: Vec<_> = found.settings.iter().map(|(s, _)| s.key()).collect();
    assert!(order.is_sorted(), "the keys stand in the order of `gox config`");
}

#[test]
fn what_default_toml_shows_commented_out_is_right_too() {
    let example: String = DEFAULT_TOML
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| ["[[rule]]", "match =", "action =", "locked ="].iter().any(|w| line.starts_with(w)))
        .map(|line| format!("{line}\n"))
        .collect();
    // A key after a [[rule]] would be the rule's: the text says where `locked` belongs.
    let (locked, rules): (Vec<&str>, Vec<&str>) = example.lines().partition(|l| l.starts_with("locked"));
    let text = locked.join("\n") + "\n" + &rules.join("\n");
    let resolved = given().system(&text).resolved();
    assert_eq!(resolved.settings.rules.len(), 2);
    assert_eq!(locked.len(), 1);
}

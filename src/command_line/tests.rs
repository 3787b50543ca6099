//! What is gox's and what is go's on a command line.

use super::*;

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn gox(args: &[&str]) -> Result<CommandLine, Error> {
    split(OsStr::new("/usr/bin/gox"), &words(args))
}

fn own(args: &[&str]) -> OwnVerb {
    match gox(args).unwrap().command {
        Command::Own(verb) => verb,
        other => panic!("{args:?}: {other:?}"),
    }
}

#[test]
fn what_is_gos_begins_at_the_first_word_that_is_no_option_of_goxs() {
    for (args, first) in [
        (&[][..], 0),
        (&["mod", "download"], 0),
        (&["version"], 0),
        (&["help"], 0),
        (&["-h"], 0),
        (&["-x"], 0),
        (&["-C", "dir", "build"], 0),
        (&["--C=dir", "build"], 0),
        (&["--C", "dir", "build"], 0),
        (&["--attempts", "6", "mod", "download"], 2),
        (&["--attempts=6", "--offline", "mod"], 2),
        (&["--attempts", "6"], 2),
        (&["--", "config"], 1),
        (&["--offline", "--", "--foo"], 2),
        (&["run", ".", "--help", "--attempts"], 0),
        (&["Config"], 0),
        (&[""], 0),
    ] {
        assert_eq!(gox(args).unwrap().command, Command::Go { first }, "{args:?}");
    }
}

#[test]
fn through_a_link_named_go_everything_is_gos() {
    for program in ["go", "/home/me/bin/go"] {
        for args in [&["config"][..], &["--help"], &["--attempts", "6"], &["--version"]] {
            let split = split(OsStr::new(program), &words(args)).unwrap();
            assert_eq!(split.command, Command::Go { first: 0 });
            assert!(split.options.given.is_empty());
        }
    }
    for program in ["gox", "./gox", "gox-1.0", "go1.27", "/x/go/gox"] {
        assert!(!is_called_go(OsStr::new(program)), "{program}");
    }
}

#[test]
fn every_key_is_an_option_in_both_spellings() {
    for key in Key::ALL {
        if key.takes_value() {
            let spaced = gox(&[key.option(), "a=b", "mod"]).unwrap();
            let joined = gox(&[&format!("{}=a=b", key.option()), "mod"]).unwrap();
            assert_eq!(spaced.options, joined.options);
            assert_eq!(spaced.options.given, [(key, "a=b".into())]);
            assert_eq!(
                gox(&[key.option()]).unwrap_err().to_string(),
                format!("{}: needs a value", key.option())
            );
        } else {
            assert_eq!(gox(&[key.option(), "mod"]).unwrap().options.given, [(key, "1".into())]);
            let error = gox(&[&format!("{}=1", key.option())]).unwrap_err().to_string();
            assert_eq!(error, format!("{}: takes no value", key.option()));
        }
    }
}

#[test]
fn values_are_taken_whatever_they_look_like() {
    let split = gox(&["--report", "--x", "--private", "", "--go", "config", "build"]).unwrap();
    assert_eq!(split.command, Command::Go { first: 6 });
    assert_eq!(split.options.last(Key::Report), Some(&"--x".into()));
    let raw = OsStr::from_bytes(b"--report=/\xff").to_owned();
    let split = super::split(OsStr::new("gox"), &[raw]).unwrap();
    assert_eq!(split.options.given, [(Key::Report, OsStr::from_bytes(b"/\xff").to_owned())]);
}

#[test]
fn an_unknown_option_is_told_the_nearest() {
    for (option, want) in [
        ("--atempts", "unknown option \"--atempts\"; did you mean --attempts?"),
        ("--atempts=6", "unknown option \"--atempts\"; did you mean --attempts?"),
        ("--offlin", "unknown option \"--offlin\"; did you mean --offline?"),
        ("--Help", "unknown option \"--Help\"; did you mean --help?"),
        ("--zzz", "unknown option \"--zzz\"; `gox --help` lists gox's own, and go's stand after the verb"),
    ] {
        assert_eq!(gox(&[option, "mod", "download"]).unwrap_err().to_string(), want);
    }
    let raw = OsStr::from_bytes(b"--\xff").to_owned();
    assert!(super::split(OsStr::new("gox"), &[raw]).is_err());
}

#[test]
fn own_verbs_are_parsed() {
    use OwnVerb::{Completions, Config, Explain, History, Shim};
    let (text, json) = (Format::Text, Format::Json);
    assert_eq!(own(&["explain"]), Explain { format: text, replay: None, file: None });
    assert_eq!(
        own(&["explain", "--format", "json", "-"]),
        Explain { format: json, replay: None, file: Some("-".into()) }
    );
    assert_eq!(
        own(&["explain", "--format=json", "x.log"]),
        Explain { format: json, replay: None, file: Some("x.log".into()) }
    );
    assert_eq!(
        own(&["explain", "x.log", "--format=json"]),
        Explain { format: json, replay: None, file: Some("x.log".into()) }
    );
    assert_eq!(
        own(&["explain", "--replay", "r.jsonl"]),
        Explain { format: text, replay: Some("r.jsonl".into()), file: None }
    );
    assert_eq!(own(&["history"]), History { number: None, since: None, summary: false, format: text });
    assert_eq!(
        own(&["history", "-n", "5", "--format", "json"]),
        History { number: Some(5), since: None, summary: false, format: json }
    );
    assert_eq!(
        own(&["history", "--since", "7d", "--summary"]),
        History { number: None, since: Some(Duration::from_secs(7 * 86400)), summary: true, format: text }
    );
    assert_eq!(own(&["config"]), Config { format: text, command: None });
    assert_eq!(
        own(&["--attempts", "6", "config", "--format", "json"]),
        Config { format: json, command: None }
    );
    let init = |project| Config { format: text, command: Some(ConfigVerb::Init { project, place: None }) };
    assert_eq!(own(&["config", "init"]), init(false));
    assert_eq!(own(&["config", "init", "--project"]), init(true));
    assert_eq!(own(&["shim"]), Shim { command: None });
    assert_eq!(own(&["shim", "status"]), Shim { command: Some(ShimVerb::Status) });
    assert_eq!(
        own(&["shim", "install", "d"]),
        Shim { command: Some(ShimVerb::Install { dir: Some("d".into()), wrapper: false }) }
    );
    let wrapper = ShimVerb::Install { dir: None, wrapper: true };
    assert_eq!(own(&["shim", "install", "--wrapper"]), Shim { command: Some(wrapper) });
    assert_eq!(own(&["shim", "remove"]), Shim { command: Some(ShimVerb::Remove { dir: None }) });
    assert_eq!(own(&["completions", "zsh"]), Completions { shell: clap_complete::Shell::Zsh });
}

#[test]
fn the_scan_and_the_parser_know_the_same_verbs() {
    let parsed: Vec<String> = Gox::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
    assert_eq!(parsed, OWN_VERBS);
    parser().debug_assert();
    completion_parser().debug_assert();
}

#[test]
fn wrong_arguments_of_own_verbs_are_usage_errors() {
    for args in [
        &["explain", "--fromat", "json"][..],
        &["explain", "a", "b"],
        &["explain", "--replay", "a", "b"],
        &["history", "-n", "x"],
        &["history", "--since", "7y"],
        &["history", "--since", "99999999999999999999d"],
        &["evict"],
        &["config", "show"],
        &["completions"],
        &["completions", "csh"],
        &["shim", "install", "a", "b"],
        &["doctor", "--resolver", "dns.example", "a.test/m"],
        &["doctor", "--max-latency", "5", "a.test/m"],
        &["doctor", "--max-latency", "5s"],
    ] {
        let error = gox(args).unwrap_err();
        for language in [crate::words::Language::English, crate::words::Language::Chinese] {
            let told = error.in_language(language);
            assert!(told.starts_with(args[0]) && !told.contains(['\u{1b}', '\n']), "{told}");
            assert_eq!(told.is_ascii(), language == crate::words::Language::English, "{told}");
        }
    }
}

#[test]
fn a_doctor_is_told_what_to_look_at() {
    let Command::Own(OwnVerb::Doctor(found)) = gox(&[
        "doctor",
        "--resolver=223.5.5.5",
        "--max-latency=500ms",
        "--deep",
        "a.test/m",
        "b.test/m@v1.0.0",
    ])
    .unwrap()
    .command
    else {
        panic!()
    };
    assert_eq!(found.modules, ["a.test/m", "b.test/m@v1.0.0"]);
    assert_eq!(found.resolver, Some((std::net::Ipv4Addr::new(223, 5, 5, 5).into(), 53)));
    assert_eq!(found.max_latency, Some(Duration::from_millis(500)));
    assert!(found.deep && !found.fix && !found.mirrors);
}

#[test]
fn help_and_version_are_goxs_only_with_two_dashes() {
    assert_eq!(gox(&["--help"]).unwrap().command, Command::Help);
    assert_eq!(gox(&["--version"]).unwrap().command, Command::Print(version()));
    for (args, word) in [
        (&["config", "--help"][..], "init"),
        (&["explain", "-h"], "--format"),
        (&["shim", "install", "--help"], "DIR"),
    ] {
        let Command::VerbHelp(path) = gox(args).unwrap().command else { panic!() };
        let help = described(&path).render_help().to_string();
        assert!(help.contains(word), "{help}");
    }
}

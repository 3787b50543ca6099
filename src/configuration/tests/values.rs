use super::*;

/// As [`super::parse`], the error in English.
fn parse(key: Key, raw: &Raw) -> Result<Setting, String> {
    super::parse(key, raw).map_err(|why| why.en)
}

fn from(key: Key, word: &str) -> Result<Setting, String> {
    parse(key, &Raw::Text(word.into()))
}

#[test]
fn values_are_shown_as_they_are_taken() {
    for (key, word) in [
        (Key::Go, "/usr/lib/go/bin/go"),
        (Key::Attempts, "6"),
        (Key::Budget, "5m"),
        (Key::Budget, "1h"),
        (Key::Stall, "1m30s"),
        (Key::BackoffBase, "500ms"),
        (Key::BackoffMax, "15s"),
        (Key::Rotate, "listed"),
        (Key::Rotate, "go"),
        (Key::Rotate, "never"),
        (Key::Mirrors, "https://goproxy.cn,https://mirrors.aliyun.com/goproxy"),
        (Key::Mirrors, "none"),
        (Key::Private, "git.corp/*,example.com/team"),
        (Key::Private, "none"),
        (Key::Confidential, "git.acme.dev/*"),
        (Key::Fill, "auto"),
        (Key::Fill, "off"),
        (Key::Relay, "auto"),
        (Key::Relay, "always"),
        (Key::Relay, "never"),
        (Key::Verbosity, "quiet"),
        (Key::Verbosity, "verbose"),
        (Key::Progress, "auto"),
        (Key::Progress, "off"),
        (Key::Lang, "auto"),
        (Key::Lang, "zh"),
        (Key::Report, "out.json"),
        (Key::Record, "out.jsonl"),
        (Key::StateDir, "/var/tmp/gox"),
        (Key::Offline, "true"),
        (Key::Config, "none"),
        (Key::Config, "/etc/other.toml"),
        (Key::Bypass, "true"),
    ] {
        let setting = from(key, word).unwrap_or_else(|e| panic!("{word}: {e}"));
        assert_eq!((setting.key(), setting.to_string().as_str()), (key, word));
        assert_eq!(from(key, &setting.to_string()), Ok(setting));
    }
}

#[test]
fn times_need_a_unit_and_a_sensible_length() {
    for (word, want) in [
        ("5", "5 has no unit; write \"5s\", \"5m\" or the like"),
        ("0", "0 has no unit; write \"0s\", \"0m\" or the like"),
        ("-5s", "\"-5s\" is no length of time (such as \"30s\", \"500ms\", \"1m30s\" or \"5m\")"),
        ("soon", "\"soon\" is no length of time (such as \"30s\", \"500ms\", \"1m30s\" or \"5m\")"),
        ("25h", "\"25h\" is too long; at most 24h is expected"),
        ("0s", "\"0s\" is too short; at least 1ms is expected"),
    ] {
        assert_eq!(from(Key::Stall, word).unwrap_err(), want);
    }
    for bad in ["1d", "1y", "9999999999999999999s", "5 minutes ago", "", "1e3s"] {
        assert!(from(Key::Budget, bad).is_err(), "{bad}");
    }
    for (word, millis) in
        [("1 minute 30 seconds", 90_000), ("1.5s", 1500), ("2h", 7_200_000), ("PT5M", 300_000)]
    {
        // The last is refused or understood, never misread.
        match from(Key::Budget, word) {
            Ok(Setting::Budget(d)) => assert_eq!(d, Duration::from_millis(millis)),
            other => assert_eq!((word, other.is_err()), ("PT5M", true)),
        }
    }
    assert_eq!(
        parse(Key::Stall, &Raw::Number("30".into())).unwrap_err(),
        "30 has no unit; write \"30s\", \"30m\" or the like"
    );
}

#[test]
fn attempts_are_whole_and_positive() {
    for bad in ["0", "-1", "many", "4.5", "", "99999999999"] {
        assert!(from(Key::Attempts, bad).unwrap_err().contains("no whole number of at least 1"), "{bad}");
    }
    assert_eq!(parse(Key::Attempts, &Raw::Number("4".into())), Ok(Setting::Attempts(4)));
}

#[test]
fn a_wrong_word_is_told_the_nearest_and_all() {
    assert_eq!(
        from(Key::Rotate, "lsited").unwrap_err(),
        "\"lsited\" is not allowed; did you mean \"listed\"? Allowed: listed, go, never"
    );
    assert_eq!(from(Key::Relay, "x").unwrap_err(), "\"x\" is not allowed; allowed: auto, always, never");
    assert_eq!(
        parse(Key::Relay, &Raw::Flag(true)).unwrap_err(),
        "true is no value here; a string in quotes is expected; allowed: auto, always, never"
    );
}

#[test]
fn lists_come_as_arrays_or_with_commas() {
    let array = Raw::Words(vec!["goproxy.cn".into(), "https://m.example/go/".into()]);
    let commas = from(Key::Mirrors, " goproxy.cn , https://m.example/go,,goproxy.cn");
    assert_eq!(parse(Key::Mirrors, &array), commas);
    assert_eq!(commas.unwrap().to_string(), "https://goproxy.cn,https://m.example/go");
    assert_eq!(parse(Key::Mirrors, &Raw::Words(vec![])), from(Key::Mirrors, "none"));
    for bad in ["direct", "none,goproxy.cn", "a|b", "ftp://x.example", "file:///x", "two words.example"] {
        assert!(from(Key::Mirrors, bad).is_err(), "{bad}");
    }
    for bad in ["https://git.corp/x", "a b", "none,x"] {
        assert!(from(Key::Private, bad).is_err(), "{bad}");
    }
}

#[test]
fn errors_tell_no_secret() {
    let problem = from(Key::Mirrors, "ftp://me:secret@h.example/").unwrap_err();
    assert!(!problem.contains("secret"), "{problem}");
    let shown = from(Key::Mirrors, "https://me:secret@h.example/").unwrap().to_string();
    assert_eq!(shown, "https://h.example");
}

#[cfg(unix)]
#[test]
fn only_paths_may_be_other_than_utf8() {
    use std::os::unix::ffi::OsStringExt;
    let raw = Raw::Text(OsString::from_vec(b"/x\xff".to_vec()));
    assert!(matches!(parse(Key::Go, &raw), Ok(Setting::Go(Some(_)))));
    assert_eq!(parse(Key::Rotate, &raw).unwrap_err(), "\"/x\u{fffd}\" is not valid UTF-8");
}

#[test]
fn bypass_is_never_an_error() {
    for (word, on) in [("1", true), ("yes", true), ("0", false), ("false", false), ("", false)] {
        assert_eq!(bypasses(OsStr::new(word)), on, "{word}");
    }
}

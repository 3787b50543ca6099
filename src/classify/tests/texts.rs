//! Whole texts as people paste them: logs of CI systems, of builders and editors, in other languages, broken and quoted.

use super::*;

/// Two spellings of one name: a package stands for its module where go names no more.
fn is_same(want: &str, got: &str) -> bool {
    let (short, long) = if want.len() < got.len() { (want, got) } else { (got, want) };
    want == got || long.strip_prefix(short).is_some_and(|rest| rest.starts_with('/'))
}

#[test]
fn texts_of_the_field_are_read_right() {
    let mut wrong = Vec::new();
    for line in include_str!("../../../tests/texts.jsonl").lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect(line);
        let text = row["text"].as_str().expect(line);
        let reading = classify(&Rules::default(), Stream::Log, text.as_bytes());
        let seen = reading.dominant();
        let cause = seen.map_or(Cause::None, |f| f.cause);
        let stop = seen.is_none_or(|f| f.action() == Action::Stop);
        let module = seen.and_then(|f| f.asked().0).unwrap_or_default();
        let host = seen.and_then(|f| f.host.as_deref()).unwrap_or_default();
        let right = row["cause"] == cause.as_str()
            && row["stop"].as_bool().is_none_or(|want| want == stop)
            && row["module"].as_str().is_none_or(|want| is_same(want, module))
            && row["host"].as_str().is_none_or(|want| want == host);
        if !right {
            wrong.push(format!("{cause}, stop {stop}, {module:?} at {host:?}:\n{line}"));
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// What was asked for is what go.mod requires; what stands in for it is what was fetched.
#[test]
fn a_replaced_module_is_told_by_the_name_that_was_asked_for() {
    let read = |text: &str| {
        let failure = classify(&Rules::default(), Stream::Stderr, text.as_bytes()).failures.remove(0);
        let asked = failure.asked();
        let asked = format!("{}@{}", asked.0.unwrap_or_default(), asked.1.unwrap_or_default());
        (failure.named(), asked)
    };
    let (fetched, asked) = read(
        "go: a.test/b@v1.0.0 (replaced by c.test/d@v1.2.0): Get \"https://p.test/c.test/d/@v/v1.2.0.mod\": EOF\n",
    );
    assert_eq!((fetched.as_str(), asked.as_str()), ("c.test/d@v1.2.0", "a.test/b@v1.0.0"));
    let (fetched, asked) = read(
        "go: a.test/b@v1.0.0 (replaced by ../d): reading ../d/go.mod: open /w/d/go.mod: no such file or directory\n",
    );
    assert_eq!((fetched.as_str(), asked.as_str()), ("a.test/b@v1.0.0", "a.test/b@v1.0.0"));
}

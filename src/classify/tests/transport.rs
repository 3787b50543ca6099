//! The words of networks, systems and version control: each stands in fixtures of its own, and none is dead.

use super::*;

/// Where go's own clones lie.
const CLONE: &str =
    "/root/go/pkg/mod/cache/vcs/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A message of an old release of go's and one of a new release, with these words in it.
fn framed(place: &str, words: &str) -> [String; 2] {
    let module = "go: a.test/b@v1.0.0:";
    let url = "https://p.test/a.test/b/@v/v1.0.0.mod";
    let site = "unrecognized import path \"a.test/b\"";
    match place {
        "net" => [format!("{module} Get {url}: {words}\n"), format!("{module} Get \"{url}\": {words}\n")],
        "git" => [
            format!("{module} git fetch -f origin in {CLONE}: exit status 128:\n\t{words}\n"),
            format!(
                "{module} invalid version: git ls-remote -q --end-of-options https://a.test/b in {CLONE}: exit status 128:\n\t{words}\n"
            ),
        ],
        "page" => [format!("{module} {site} ({words})\n"), format!("{module} {site}: {words}\n")],
        other => panic!("{other}"),
    }
}

#[test]
fn each_word_of_the_network_and_of_git_has_two_fixtures() {
    let text = include_str!("../../../tests/transport.txt");
    let mut wrong = Vec::new();
    let mut fixtures = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let [who, place, want, words] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let words = words.replace("\\n", "\n").replace("\\t", "\t");
        for text in framed(place, &words) {
            for stream in [Stream::Stderr, Stream::Log] {
                let reading = classify(&Rules::default(), stream, text.as_bytes());
                let got = reading.dominant().map_or(Cause::None, |f| f.cause).to_string();
                if got != want {
                    wrong.push(format!("{got}, not {want}, for {stream:?} {text}"));
                }
            }
        }
        fixtures.push((who, words.to_lowercase()));
    }
    for words in git::LISTS.iter().chain(inner::LISTS).flat_map(|list| list.iter()) {
        let said = |text: &str| text.contains(words) || git::answered(text).contains(words);
        let mut told: Vec<&str> =
            fixtures.iter().filter(|(_, text)| said(text)).map(|(who, _)| *who).collect();
        told.sort_unstable();
        told.dedup();
        if told.len() < 2 {
            wrong.push(format!("{words:?} has {told:?} only"));
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

/// A word with another one of its list in it never decides anything.
#[test]
fn no_word_of_a_list_is_dead() {
    for list in git::LISTS.iter().chain(inner::LISTS) {
        for word in *list {
            let within: Vec<&str> =
                list.iter().copied().filter(|other| other != word && word.contains(other)).collect();
            assert!(within.is_empty(), "{word:?} is found by {within:?}");
        }
    }
}

//! Holds both READMEs to the code and to each other: what they name must exist.

use crate::command_line::split;
use crate::configuration::{DEFAULT_TOML, Key};
use crate::verb::{self, Invocation, Kind, Scope};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;

const ENGLISH: &str = include_str!("../../README.md");
const CHINESE: &str = include_str!("../../README.zh-CN.md");
const BOTH: [(&str, &str); 2] = [("README.md", ENGLISH), ("README.zh-CN.md", CHINESE)];

/// The fenced blocks of a text: language and lines.
fn blocks(text: &str) -> Vec<(&str, Vec<&str>)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            found.push((language, lines.by_ref().take_while(|line| *line != "```").collect()));
        }
    }
    found
}

/// The lines outside fenced blocks.
fn prose(text: &str) -> Vec<&str> {
    let mut inside = false;
    text.lines()
        .filter(|line| {
            let fence = line.starts_with("```");
            inside ^= fence;
            !inside && !fence
        })
        .collect()
}

/// The commands of a block that call gox, as words without the program's name.
fn gox_commands(language: &str, lines: &[&str]) -> Vec<Vec<OsString>> {
    let shown = |line: &&&str| language != "console" || line.starts_with("$ ");
    let mut commands = Vec::new();
    for line in lines.iter().filter(shown) {
        let line = line.trim_start_matches("$ ").trim_start_matches("RUN ");
        for command in line.split(['|', ';', '&']) {
            let mut words = command.split_whitespace().skip_while(|word| word.contains('='));
            if words.next() == Some("gox") {
                commands.push(words.map(OsString::from).collect());
            }
        }
    }
    commands
}

#[test]
fn every_setting_is_told_and_none_that_does_not_exist() {
    let variable = Regex::new(r"GOX_[A-Z_]+").unwrap();
    let known: BTreeSet<&str> = Key::ALL.into_iter().map(Key::env).collect();
    for (name, text) in BOTH {
        let told: BTreeSet<&str> = variable.find_iter(text).map(|found| found.as_str()).collect();
        let of_gox = told.iter().filter(|variable| !variable.starts_with("GOX_TEST_")).copied();
        assert_eq!(of_gox.collect::<BTreeSet<_>>(), known, "{name}");
        for key in Key::ALL {
            let written = if key.in_file() { key.name() } else { key.option() };
            assert!(text.contains(&format!("`{written}`")), "{name}: {written}");
        }
        for key in ["locked", "[[rule]]"] {
            assert!(DEFAULT_TOML.contains(key) && text.contains(key), "{name}: {key}");
        }
    }
}

#[test]
fn the_keys_of_the_reference_are_those_of_the_table() {
    let line = Regex::new(r"(?m)^([a-z-]+) = (.+)$").unwrap();
    let written: Vec<&str> =
        line.captures_iter(DEFAULT_TOML).map(|found| found.get(1).map_or("", |m| m.as_str())).collect();
    let known: Vec<&str> = Key::ALL.into_iter().filter(|key| key.in_file()).map(Key::name).collect();
    assert_eq!(written, known);
    for found in line.captures_iter(DEFAULT_TOML) {
        let (key, value) = (&found[1], &found[2]);
        // Lists and empty values are told in words.
        if !value.starts_with('[') && value != "\"\"" {
            for (name, text) in BOTH {
                let row = text.lines().find(|line| line.starts_with(&format!("| `{key}` |")));
                assert!(row.is_some_and(|row| row.contains(&format!("| `{value}` |"))), "{name}: {key}");
            }
        }
    }
}

#[test]
fn every_command_in_a_block_is_one_that_gox_takes() {
    for (name, text) in BOTH {
        let commands: Vec<_> =
            blocks(text).iter().flat_map(|(language, lines)| gox_commands(language, lines)).collect();
        assert!(commands.len() >= 8, "{name}: {commands:?}");
        for command in commands {
            if let Err(error) = split(OsStr::new("gox"), &command) {
                panic!("{name}: {command:?}: {error}");
            }
        }
    }
}

/// What the table of verbs says of one, in each language: what is fetched, and what follows a failure.
fn told_of(verb: &str) -> [[&'static str; 2]; 2] {
    let mut words: Vec<&str> = verb.split(' ').collect();
    // Without a name it is a list of tools.
    words.extend((verb == "tool").then_some("x"));
    let read = Invocation::read(&words, OsStr::new(""));
    let loads = read.loads.as_ref();
    let fetched = match (read.downloads.is_some(), loads.map(|loads| (loads.scope, loads.any)), read.graph) {
        (true, _, _) => ["all of go.mod's list", "go.mod 所列的全部"],
        (_, Some((Scope::Packages, true)), _) => ["what all packages import", "所有包所导入的"],
        (_, Some((Scope::Packages, false)), _) => ["what the packages import", "这些包所导入的"],
        (_, Some((Scope::Directives, _)), _) => {
            ["what the packages import and their directives run", "这些包所导入的及其指令所运行的"]
        }
        (_, Some((Scope::Tool, _)), _) => ["what a tool of go.mod's imports", "go.mod 里的工具所导入的"],
        (_, None, true) => ["the go.mod files of the module graph", "模块图里的各个 go.mod 文件"],
        (_, None, false) => ["", ""],
    };
    let when = if read.kind == Kind::Supervised {
        [", beside go", "，与 go 同时"]
    } else {
        [", before go", "，在 go 之前"]
    };
    let after = match read.kind {
        Kind::Supervised => ["run again", "再跑一遍"],
        Kind::RunsUserCode => ["never run twice", "绝不跑两遍"],
        Kind::PassThrough => panic!("{verb} passes through"),
    };
    [0, 1].map(|language| {
        let all = match fetched[language] {
            "" => ["nothing", "不下载"][language].to_owned(),
            some => format!("{some}{}", when[language]),
        };
        [&*all.leak(), after[language]]
    })
}

#[test]
fn the_table_of_verbs_is_that_of_the_code() {
    for (language, (name, text)) in BOTH.into_iter().enumerate() {
        let mut rows: BTreeMap<[&str; 2], Vec<String>> = BTreeMap::new();
        for verb in verb::table() {
            rows.entry(told_of(&verb)[language]).or_default().push(format!("`{verb}`"));
        }
        let comma = [", ", "、"][language];
        let wanted: BTreeSet<String> = rows
            .into_iter()
            .map(|([fetched, after], verbs)| format!("| {} | {fetched} | {after} |", verbs.join(comma)))
            .collect();
        let told = text.split("<!-- verbs -->").nth(1).unwrap_or_else(|| panic!("{name}: no table"));
        let told: BTreeSet<String> =
            told.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
        assert_eq!(told, wanted, "{name}");
    }
}

#[test]
fn both_languages_say_the_same() {
    let shape = |text: &str| -> Vec<usize> {
        let headings = prose(text).into_iter().filter(|line| line.starts_with('#'));
        headings.map(|line| line.bytes().take_while(|byte| *byte == b'#').count()).collect()
    };
    let rows = |text: &str| prose(text).iter().filter(|line| line.starts_with('|')).count();
    assert_eq!(shape(ENGLISH), shape(CHINESE), "headings");
    assert_eq!(rows(ENGLISH), rows(CHINESE), "rows of tables");
    assert_eq!(blocks(ENGLISH), blocks(CHINESE), "code");
}

#[test]
fn every_link_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, text) in BOTH {
        let anchors: Vec<String> = prose(text)
            .into_iter()
            .filter(|line| line.starts_with('#'))
            .map(|line| {
                let title = line.trim_start_matches('#').trim().to_lowercase();
                let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
                kept.map(|c| if c == ' ' { '-' } else { c }).collect()
            })
            .collect();
        for found in link.captures_iter(text) {
            let target = &found[1];
            if let Some(anchor) = target.strip_prefix('#') {
                assert!(anchors.iter().any(|known| known == anchor), "{name}: {target} in {anchors:?}");
            } else if !target.starts_with("https://") {
                assert!(root.join(target).exists(), "{name}: {target}");
            }
        }
    }
}

//! Holds SECURITY.md to the code: every purpose of a connection has a row, and what a run connects to is in one.

use crate::harness::Project;
use crate::lab::{Fault, Lab, first_of_each};
use std::collections::BTreeSet;

const TEXT: &str = include_str!("../../SECURITY.md");
const DIAL: &str = include_str!("../../src/machine/dial.rs");

/// The rows of the first table whose head has this cell, as cells.
fn rows(text: &str, head: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect();
    let lines = text.lines().map(|line| line.trim_start_matches("//! "));
    let table = lines.skip_while(|line| !line.starts_with(&format!("| {head} |")));
    table.skip(2).take_while(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn the_table_of_requests_is_the_codes_own() {
    let purpose = regex::Regex::new(r" \(\[`Purpose::(\w+)`\]\)").expect("a regex");
    let of_code: Vec<Vec<String>> = rows(DIAL, "request")
        .into_iter()
        .map(|row| row.iter().map(|cell| purpose.replace(cell, "").into_owned()).collect())
        .collect();
    assert!(of_code.len() > 3, "{of_code:?}");
    assert_eq!(rows(TEXT, "request"), of_code, "SECURITY.md and src/machine/dial.rs have one table");

    let declared =
        DIAL.split("enum Purpose").nth(1).and_then(|t| t.split("\n}").next()).expect("the purposes");
    let variants: BTreeSet<&str> = declared
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with(char::is_uppercase))
        .filter_map(|line| line.split(['(', ',']).next())
        .collect();
    let told: BTreeSet<&str> =
        purpose.captures_iter(DIAL).filter_map(|found| found.get(1)).map(|name| name.as_str()).collect();
    assert_eq!(told, variants, "a row for each purpose, and no other");
}

/// The connections that a run itself tells of are those that the lab saw, and are for what they carried.
#[test]
fn a_run_tells_of_its_own_connections() {
    let lab = Lab::new().modules(4).fault(Fault::Eof, first_of_each(1)).start();
    let outcome = Project::new(&lab).gox(["mod", "download"]).env("GOX_RELAY", "always").run().success();
    let report = outcome.report();
    let told = report["connections"].as_array().or(report["relay"]["connections"].as_array());
    let told =
        told.or(report["fetch"]["connections"].as_array()).unwrap_or_else(|| panic!("none told\n{outcome}"));
    assert!(!told.is_empty(), "{outcome}");
    for connection in told {
        assert_eq!(connection["to"], lab.host(0).as_str(), "{outcome}");
        let purpose = connection["for"].as_str().expect("words");
        assert!(
            purpose.starts_with("example.test/m00") || purpose == "a sign of life",
            "{purpose}\n{outcome}"
        );
    }
}

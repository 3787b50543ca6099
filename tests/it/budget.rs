//! What gox is made of stays within release/budget.toml; the program's size is held by release/build.sh.

use crate::tidy::root;
use std::fs;

/// A number of the budget.
fn allowed(key: &str) -> usize {
    let text = fs::read_to_string(root().join("release/budget.toml")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{key} = ")));
    line.unwrap_or_else(|| panic!("no {key}")).replace('_', "").parse().unwrap()
}

#[test]
fn no_package_comes_unnoticed() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages = lock.lines().filter(|line| *line == "[[package]]").count();
    let most = allowed("locked");
    assert!(packages <= most, "{packages} packages in Cargo.lock, and release/budget.toml allows {most}");
    // A budget far above what is used guards nothing.
    assert!(packages + 10 > most, "only {packages} packages in Cargo.lock: lower release/budget.toml");
}

//! The order of the modules: lib.rs gives it, and the `use` lines keep it.
//!
//! A module may use what stands above it in lib.rs' table, never what stands below; and no two files lean on
//! each other. Types that a folder's `mod.rs` holds for all of its files are no circle: they are that
//! folder's own vocabulary.

use super::tidy::{code, root, sources};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The modules in the order of lib.rs' table, the one that others rest on first.
fn order() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("lib.rs");
    let mut found = Vec::new();
    for line in text.lines().filter_map(|l| l.strip_prefix("//! | ")) {
        let cell = line.split('|').next().unwrap_or_default();
        found.extend(cell.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    found
}

/// Paths of the crate that a piece of code names, as their elements: `use` trees with braces are unfolded.
fn paths(code: &str, from: &Path) -> Vec<Vec<String>> {
    let here = module_of(from);
    let parent = &here[..here.len() - 1];
    let mut found = Vec::new();
    for (at, word) in code.match_indices("crate::").chain(code.match_indices("super::")) {
        if code[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || "_:".contains(c)) {
            continue;
        }
        let mut base: Vec<String> = if word == "crate::" { vec![] } else { parent.to_vec() };
        let mut rest = &code[at + word.len()..];
        while let Some(deeper) = rest.strip_prefix("super::") {
            base.pop();
            rest = deeper;
        }
        unfold(rest, &base, &mut found);
    }
    found
}

/// One tree of a `use` line, or a path within code, below `base`.
fn unfold(tree: &str, base: &[String], found: &mut Vec<Vec<String>>) {
    let end = tree.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(tree.len());
    let (name, rest) = tree.split_at(end);
    let mut path = base.to_vec();
    if !name.is_empty() {
        path.push(name.to_owned());
    }
    match rest.strip_prefix("::") {
        Some(rest) if rest.starts_with('{') => {
            let mut depth = 0;
            let mut start = 1;
            for (i, c) in rest.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if (c == ',' && depth == 1) || (c == '}' && depth == 0) {
                    unfold(rest[start..i].trim(), &path, found);
                    start = i + 1;
                }
                if depth == 0 {
                    return;
                }
            }
        }
        Some(rest) if !name.is_empty() => unfold(rest, &path, found),
        _ => found.push(path),
    }
}

/// `src/a/b.rs` is `a::b`, `src/a/mod.rs` is `a`.
fn module_of(file: &Path) -> Vec<String> {
    let below = file.strip_prefix(root().join("src")).expect("a file of src").with_extension("");
    let mut path: Vec<String> =
        below.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

/// The file that a path leads to: the deepest module that is a file. `None` for a folder's own `mod.rs`.
fn file_of(path: &[String]) -> Option<PathBuf> {
    let src = root().join("src");
    (1..=path.len()).rev().find_map(|n| {
        let below: PathBuf = path[..n].iter().collect();
        let file = src.join(&below).with_extension("rs");
        if file.is_file() { Some(Some(file)) } else { src.join(&below).is_dir().then_some(None) }
    })?
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let order = order();
    let place = |name: &str| order.iter().position(|m| m == name);
    assert!(order.len() > 10, "lib.rs has no table of its modules any more");
    let mut wrong = BTreeSet::new();
    for file in sources(&root().join("src")) {
        let module = module_of(&file);
        let Some(own) = place(&module[0]) else {
            assert!(
                ["lib", "main", "test_go"].contains(&module[0].as_str()),
                "{} is in no row of lib.rs",
                file.display()
            );
            continue;
        };
        for path in paths(&code(&file), &file) {
            if let Some(used) = path.first().and_then(|first| place(first))
                && used > own
            {
                wrong.insert(format!("{} uses {}", module.join("::"), path.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "against the order of lib.rs:\n{}", Vec::from_iter(wrong).join("\n"));
}

#[test]
fn no_two_files_lean_on_each_other() {
    let mut uses: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    for file in sources(&root().join("src")) {
        let targets =
            paths(&code(&file), &file).iter().filter_map(|p| file_of(p)).filter(|f| *f != file).collect();
        uses.insert(file, targets);
    }
    let edges: usize = uses.values().map(BTreeSet::len).sum();
    assert!(edges > 100, "only {edges} uses were found: is this test still able to read them?");
    let mut circles = BTreeSet::new();
    for start in uses.keys() {
        let mut seen = BTreeSet::new();
        let mut next: Vec<&PathBuf> = uses[start].iter().collect();
        while let Some(file) = next.pop() {
            if file == start {
                circles.insert(module_of(start).join("::"));
                break;
            }
            if seen.insert(file)
                && let Some(further) = uses.get(file)
            {
                next.extend(further);
            }
        }
    }
    assert!(circles.is_empty(), "files that lean on each other: {}", Vec::from_iter(circles).join(", "));
}

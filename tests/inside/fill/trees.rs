//! Projects in the shapes of real ones, and the modules that they need: generated, the same from the same seed.

use crate::inside::lab::{Draw, Files, Module};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// In what a tree is like others that people have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One command over a few libraries.
    Cli,
    /// Many packages over many modules.
    Service,
    /// Libraries of which each imports the next.
    Deep,
    /// A library whose tests need most.
    Library,
    /// Modules inside each other's paths.
    Nested,
    /// Files for other systems, with cgo and under tags.
    Conditions,
    /// Modules from before go 1.17, some of them replaced.
    Old,
    /// Two main modules in a workspace.
    Workspace,
    /// With tools in go.mod.
    Tools,
}

/// All shapes.
pub(super) const SHAPES: [Shape; 9] = [
    Shape::Cli,
    Shape::Service,
    Shape::Deep,
    Shape::Library,
    Shape::Nested,
    Shape::Conditions,
    Shape::Old,
    Shape::Workspace,
    Shape::Tools,
];

/// A project and what it needs.
pub(super) struct Tree {
    /// What is served.
    pub(super) modules: Vec<Module>,
    /// The files of the project, by name; without requirements and hashes.
    pub(super) files: BTreeMap<String, String>,
    /// The folders of its main modules.
    pub(super) mains: Vec<String>,
    /// The tools that its go.mod names.
    pub(super) tools: bool,
}

/// One module that is generated.
struct Plan {
    path: String,
    /// Folders of its packages; the empty one is its own.
    packages: Vec<String>,
    /// Modules that it imports, by number.
    uses: BTreeSet<usize>,
    go: &'static str,
    files: BTreeMap<String, String>,
}

/// Draws a number below `most`.
fn below(draw: &mut Draw, most: usize) -> usize {
    usize::try_from(draw.next() % most.max(1) as u64).expect("a small number")
}

fn once_in(draw: &mut Draw, times: usize) -> bool {
    below(draw, times) == 0
}

/// The heads under which a file is built in some places only.
const HEADS: [(&str, &str); 12] = [
    ("_windows", ""),
    ("_linux", ""),
    ("_amd64", ""),
    ("_arm64", ""),
    ("_darwin_test", ""),
    ("_cgo", "//go:build cgo\n\n"),
    ("_other", "//go:build !linux && !darwin\n\n"),
    ("_unix", "// Copyright.\n\n//go:build unix || mine\n\n"),
    ("_tools", "//go:build tools\n\n"),
    ("_old", "// +build linux,!never\n\n"),
    ("_never", "// +build ignore\n\n"),
    ("_new", "//go:build go1.20 && !go1.99\n\n"),
];

impl Plan {
    fn import_path(&self, package: &str) -> String {
        if package.is_empty() { self.path.clone() } else { format!("{}/{package}", self.path) }
    }

    fn add(&mut self, package: &str, file: &str, head: &str, imports: &[String]) {
        let name = self.import_path(package).rsplit('/').next().unwrap_or("x").replace(['.', '-'], "");
        let name = if name.starts_with('v') { "v" } else { &name };
        let mut text = format!("{head}package {name}\n\n");
        if !imports.is_empty() {
            text.push_str("import (\n");
            for import in imports {
                let _ = writeln!(text, "\t_ {import:?}");
            }
            text.push_str(")\n");
        }
        let at = if package.is_empty() { file.to_owned() } else { format!("{package}/{file}") };
        self.files.insert(at, text);
    }
}

/// A package of one of the later modules, which `from` uses then.
fn pick(plans: &[Plan], from: usize, draw: &mut Draw, near: bool) -> Option<(usize, String)> {
    let left = plans.len().checked_sub(from + 1).filter(|left| *left > 0)?;
    let at = from + 1 + below(draw, if near { left.min(3) } else { left });
    let package = below(draw, plans[at].packages.len());
    Some((at, plans[at].import_path(&plans[at].packages[package])))
}

/// Generates a tree.
pub(super) fn tree(shape: Shape, seed: u64) -> Tree {
    let mut draw = Draw::new(seed, &format!("{shape:?}"));
    let count = match shape {
        Shape::Cli | Shape::Tools => 8 + below(&mut draw, 6),
        Shape::Service => 24 + below(&mut draw, 16),
        _ => 12 + below(&mut draw, 10),
    };
    let mut plans: Vec<Plan> = (0..count).map(|n| skeleton(shape, n, &mut draw)).collect();
    for at in 0..count {
        fill(shape, &mut plans, at, &mut draw);
    }
    let modules = (0..count).flat_map(|at| served(&plans, at)).collect();
    let mut tree = Tree { modules, files: BTreeMap::new(), mains: vec![String::new()], tools: false };
    main(shape, &plans, &mut tree, &mut draw);
    tree
}

/// A module without files: its path, its packages, its release.
fn skeleton(shape: Shape, n: usize, draw: &mut Draw) -> Plan {
    let owner = ["example.test", "code.example.test/group", "example.test/Big-Org"][below(draw, 3)];
    let path = match n % 5 {
        // Inside the path of the one before, which may have a package of the same name.
        1 if shape == Shape::Nested || once_in(draw, 3) => format!("example.test/m{:03}/sub", n - 1),
        0 => format!("example.test/m{n:03}"),
        3 if once_in(draw, 2) => format!("{owner}/m{n:03}/v2"),
        _ => format!("{owner}/m{n:03}"),
    };
    let mut packages = vec![String::new()];
    for package in ["api", "internal/util", "pkg/client", "deep/er/still"] {
        if once_in(draw, 2) {
            packages.push(package.to_owned());
        }
    }
    let go = match shape {
        Shape::Old if once_in(draw, 2) => "1.14",
        _ => ["1.17", "1.20", "1.21"][below(draw, 3)],
    };
    Plan { path, packages, uses: BTreeSet::new(), go, files: BTreeMap::new() }
}

/// Gives a module its files.
fn fill(shape: Shape, plans: &mut [Plan], at: usize, draw: &mut Draw) {
    for package in plans[at].packages.clone() {
        let mut imports = vec!["fmt".to_owned()];
        let most = if shape == Shape::Deep { 2 } else { 3 };
        for _ in 0..below(draw, most + 1) {
            if let Some((used, path)) = pick(plans, at, draw, shape == Shape::Deep)
                && !path.contains("/internal/")
            {
                plans[at].uses.insert(used);
                imports.push(path);
            }
        }
        imports.dedup();
        plans[at].add(&package, "a.go", "// Package comment.\n", &imports);
        for (suffix, head) in HEADS {
            let odds = if shape == Shape::Conditions { 3 } else { 12 };
            if once_in(draw, odds)
                && let Some((used, path)) = pick(plans, at, draw, false)
                && !path.contains("/internal/")
            {
                plans[at].uses.insert(used);
                plans[at].add(&package, &format!("b{suffix}.go"), head, &[path]);
            }
        }
        if once_in(draw, 3)
            && let Some((used, path)) = pick(plans, at, draw, false)
            && !path.contains("/internal/")
        {
            plans[at].uses.insert(used);
            plans[at].add(&package, "a_test.go", "", &["testing".to_owned(), path]);
        }
    }
    if once_in(draw, 4) {
        let path = pick(plans, at, draw, false).map(|(_, path)| path).unwrap_or_default();
        // Nobody builds what lies here.
        plans[at].files.insert("testdata/x.go".to_owned(), format!("package x\n\nimport _ {path:?}\n"));
    }
}

/// What a module requires: all that it uses and, from go 1.17 on, all that these do.
fn requires(plans: &[Plan], at: usize) -> BTreeSet<usize> {
    let mut all = plans[at].uses.clone();
    if plans[at].go != "1.14" {
        let mut waiting: Vec<usize> = all.iter().copied().collect();
        while let Some(used) = waiting.pop() {
            waiting.extend(plans[used].uses.iter().copied().filter(|next| all.insert(*next)));
        }
    }
    all
}

/// The versions of a module, as they are served.
fn served(plans: &[Plan], at: usize) -> Vec<Module> {
    let plan = &plans[at];
    let mut go_mod = format!("module {}\n\ngo {}\n", plan.path, plan.go);
    for used in requires(plans, at) {
        let _ = writeln!(go_mod, "require {} {}", plans[used].path, version(plans, used, at));
    }
    let files: Files =
        plan.files.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())).collect();
    let one = |minor: usize| {
        let major = if plan.path.ends_with("/v2") { 2 } else { 1 };
        Module::new(&plan.path, &format!("v{major}.{minor}.0"), &go_mod, files.clone())
    };
    (0..3).map(one).collect()
}

/// The version in which a module is required by another.
fn version(plans: &[Plan], of: usize, by: usize) -> String {
    let major = if plans[of].path.ends_with("/v2") { 2 } else { 1 };
    format!("v{major}.{}.0", (of + by) % 2)
}

/// Gives the project its files.
fn main(shape: Shape, plans: &[Plan], tree: &mut Tree, draw: &mut Draw) {
    let go = if shape == Shape::Tools { "1.24" } else { "1.21" };
    tree.mains = match shape {
        Shape::Workspace => vec!["one".to_owned(), "two".to_owned()],
        _ => vec![String::new()],
    };
    for top in tree.mains.clone() {
        let at = |name: &str| if top.is_empty() { name.to_owned() } else { format!("{top}/{name}") };
        let module = at("example.test/main").replace(&format!("{top}/example"), "example");
        let module = if top.is_empty() { module } else { format!("{module}/{top}") };
        let mut go_mod = format!("module {module}\n\ngo {go}\n");
        let folders: &[&str] = match shape {
            Shape::Cli | Shape::Tools => &["cmd/a", "internal/b"],
            Shape::Library => &["", "b"],
            _ => &["cmd/a", "cmd/c", "internal/b", "internal/d", "pkg/e"],
        };
        for folder in folders {
            let command = folder.starts_with("cmd/");
            let name = if command {
                "main"
            } else {
                folder.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or("lib")
            };
            let file = |name: &str| {
                at(&if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") })
            };
            let mut imports: Vec<String> =
                (0..1 + below(draw, 3)).filter_map(|_| importable(plans, draw)).collect();
            if command && top != "two" {
                imports.push(format!("{module}/internal/b"));
            }
            if command && top == "one" {
                // By the workspace alone.
                imports.push("example.test/main/two/pkg/e".to_owned());
            }
            let end = if command { "\nfunc main() {}\n" } else { "" };
            tree.files.insert(file("a.go"), source(name, "", &imports, end));
            let in_tests: Vec<String> = importable(plans, draw).into_iter().collect();
            if shape == Shape::Library || once_in(draw, 2) {
                tree.files.insert(file("a_test.go"), source(name, "", &in_tests, ""));
                let outside: Vec<String> = importable(plans, draw).into_iter().collect();
                tree.files.insert(
                    file("b_test.go"),
                    source(&format!("{name}_test"), "//go:build integration\n\n", &outside, ""),
                );
            }
            for (suffix, head) in HEADS {
                let odds = if shape == Shape::Conditions { 3 } else { 10 };
                if once_in(draw, odds) {
                    let imports: Vec<String> = importable(plans, draw).into_iter().collect();
                    tree.files.insert(file(&format!("c{suffix}.go")), source(name, head, &imports, ""));
                }
            }
        }
        // What patterns pass by.
        tree.files.insert(
            at("testdata/x.go"),
            source("x", "", &importable(plans, draw).into_iter().collect::<Vec<_>>(), ""),
        );
        tree.files.insert(
            at("_old/x.go"),
            source("x", "", &importable(plans, draw).into_iter().collect::<Vec<_>>(), ""),
        );
        if shape == Shape::Tools {
            let tools: BTreeSet<String> = (0..2).filter_map(|_| importable(plans, draw)).collect();
            go_mod.extend(tools.iter().map(|tool| format!("tool {tool}\n")));
            tree.tools = true;
        }
        if shape == Shape::Old {
            let replaced = below(draw, plans.len());
            let of = &plans[replaced];
            let major = if of.path.ends_with("/v2") { 2 } else { 1 };
            let _ = writeln!(go_mod, "replace {} => {} v{major}.2.0", of.path, of.path);
        }
        tree.files.insert(at("go.mod"), go_mod);
    }
    beside(shape, plans, tree, draw);
}

/// What stands beside the main modules.
fn beside(shape: Shape, plans: &[Plan], tree: &mut Tree, draw: &mut Draw) {
    if shape == Shape::Workspace {
        tree.files.insert("go.work".to_owned(), "go 1.21\n\nuse ./one\nuse ./two\n".to_owned());
    }
    if shape == Shape::Service {
        // A module of its own, which patterns of the one around it pass by.
        let imports: Vec<String> = importable(plans, draw).into_iter().collect();
        tree.files
            .insert("tools/go.mod".to_owned(), "module example.test/main/tools\n\ngo 1.21\n".to_owned());
        tree.files.insert("tools/x.go".to_owned(), source("tools", "", &imports, ""));
    }
}

/// A package that anybody may import.
fn importable(plans: &[Plan], draw: &mut Draw) -> Option<String> {
    let plan = &plans[below(draw, plans.len())];
    let package = &plan.packages[below(draw, plan.packages.len())];
    (!package.contains("internal")).then(|| plan.import_path(package))
}

fn source(name: &str, head: &str, imports: &[String], end: &str) -> String {
    let mut text = format!("{head}package {name}\n\n");
    let imports: BTreeSet<&String> = imports.iter().collect();
    text.extend(imports.iter().map(|import| format!("import _ {import:?}\n")));
    text.push_str(end);
    text
}

//! What the packages of a command surely need first: the modules that the main module's own files import.
//!
//! Read from the files themselves, by their names and heads, before go is started: what is found missing here go
//! will ask for as its first. What those modules import in turn shows when they are there, to go.

use super::plan::Swaps;
use crate::formats::go_mod::{GoMod, ModuleVersion};
use crate::formats::go_source::{self, Target};
use crate::formats::module_path::covers;
use crate::module_cache::Cache;
use crate::verb::Loads;
use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Files that are read, at most: some five milliseconds. Where the cache is cold the first few tell.
const FILES: usize = 400;

/// Folders that are looked into for `...`, at most.
const FOLDERS: usize = 400;

/// Bytes of a file that are read; a longer head is another go's.
const HEAD: u64 = 16 * 1024;

/// The main module, as its files tell.
pub(crate) struct Project<'a> {
    /// Its go.mod.
    pub(crate) go_mod: &'a GoMod,
    /// Where that lies.
    pub(crate) top: &'a Path,
    /// Where go works.
    pub(crate) dir: &'a Path,
    /// What is built for.
    pub(crate) target: &'a Target,
    /// Where modules are looked for.
    pub(crate) cache: &'a Cache,
}

/// What is known so far.
struct Walk<'a> {
    project: &'a Project<'a>,
    swaps: Swaps,
    waiting: VecDeque<(PathBuf, bool)>,
    seen: HashSet<PathBuf>,
    known: HashSet<String>,
    missing: Vec<ModuleVersion>,
    files: usize,
    folders: usize,
}

/// What is missing of the first that go will ask for.
pub(crate) struct First {
    /// The modules of go.mod's list that packages of the main module import and that are not in the cache, as
    /// go.mod names them.
    pub(crate) missing: Vec<ModuleVersion>,
    /// All files were read: there are no others.
    pub(crate) all: bool,
}

/// Looks for what is missing.
pub(crate) fn missing(project: &Project<'_>, loads: &Loads) -> First {
    let mut walk = Walk {
        project,
        swaps: Swaps::of(project.go_mod),
        waiting: VecDeque::new(),
        seen: HashSet::new(),
        known: HashSet::new(),
        missing: Vec::new(),
        files: 0,
        folders: 0,
    };
    for pattern in &loads.patterns {
        walk.begin(pattern, loads.tests);
    }
    while let Some((folder, tests)) = walk.waiting.pop_front().filter(|_| walk.files < FILES) {
        walk.read(&folder, tests);
    }
    First { all: walk.files < FILES && walk.folders < FOLDERS, missing: walk.missing }
}

impl Walk<'_> {
    /// Takes one pattern of the command line.
    fn begin(&mut self, pattern: &str, tests: bool) {
        let Project { dir, top, go_mod, .. } = *self.project;
        let (path, below) = match pattern.strip_suffix("...") {
            Some(path) => (path.trim_end_matches('/'), true),
            None => (pattern, false),
        };
        let main = go_mod.module.as_deref().unwrap_or_default();
        let folder = if path.starts_with('.') || path.ends_with(".go") {
            plain(&dir.join(path))
        } else if covers(main, path) {
            top.join(path[main.len()..].trim_start_matches('/'))
        } else {
            self.import(path);
            return;
        };
        if path.ends_with(".go") {
            self.head(&folder);
        } else if folder.starts_with(top) {
            self.add(folder.clone(), tests);
            if below {
                self.below(&folder, tests);
            }
        }
    }

    /// Takes the packages in the folders below.
    fn below(&mut self, folder: &Path, tests: bool) {
        for (name, path) in sorted(folder).into_iter().filter(|(_, path)| path.is_dir()) {
            let left_out = name.starts_with(['.', '_']) || ["testdata", "vendor"].contains(&&*name);
            if left_out || path.join("go.mod").exists() || self.folders >= FOLDERS {
                continue;
            }
            self.folders += 1;
            self.add(path.clone(), tests);
            self.below(&path, tests);
        }
    }

    fn add(&mut self, folder: PathBuf, tests: bool) {
        if self.seen.insert(folder.clone()) {
            self.waiting.push_back((folder, tests));
        }
    }

    /// Reads the package in a folder.
    fn read(&mut self, folder: &Path, tests: bool) {
        for (name, path) in sorted(folder) {
            if name.ends_with(".go") && (tests || !name.ends_with("_test.go")) && self.files < FILES {
                self.head(&path);
            }
        }
    }

    /// Reads the head of a file.
    fn head(&mut self, file: &Path) {
        self.files += 1;
        let mut head = Vec::new();
        let read = File::open(file).and_then(|file| file.take(HEAD).read_to_end(&mut head));
        let name = file.file_name().and_then(|name| name.to_str());
        let (Ok(_), Some(name)) = (read, name) else { return };
        for path in go_source::imports(name, &String::from_utf8_lossy(&head), self.project.target) {
            self.import(&path);
        }
    }

    /// Takes an import: a package of the main module's, or one of the module that it is in.
    fn import(&mut self, path: &str) {
        let Project { go_mod, top, cache, .. } = *self.project;
        if !self.known.insert(path.to_owned()) {
            return;
        }
        let holding = go_mod.require.iter().map(|require| &require.module).filter(|m| covers(&m.path, path));
        let longest = holding.max_by_key(|module| module.path.len());
        let main = go_mod.module.as_deref().filter(|main| covers(main, path));
        match (longest, main) {
            (Some(module), main) if main.is_none_or(|main| main.len() < module.path.len()) => {
                let lacks = |m: ModuleVersion| !cache.has_source(&m.path, &m.version);
                if self.swaps.taken(module).is_some_and(lacks) && !self.missing.contains(module) {
                    self.missing.push(module.clone());
                }
            }
            (_, Some(main)) => self.add(top.join(path[main.len()..].trim_start_matches('/')), false),
            _ => {}
        }
    }
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// What is in a folder, by name.
fn sorted(folder: &Path) -> Vec<(String, PathBuf)> {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<_> =
        items.filter_map(|item| Some((item.file_name().into_string().ok()?, item.path()))).collect();
    all.sort();
    all
}

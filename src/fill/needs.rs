//! What the packages of a command need: their imports are followed from file to file, and on into each module as it
//! arrives, as go's own loader follows them.
//!
//! A package's imports are those of its files that are built here. Each path is looked for in every listed module whose
//! own path begins it, for go fetches all of these to be sure that no two have the package. What is not in the cache is
//! missing; whoever waits in there goes on when it has come.

mod directives;
mod lookup;

use super::mains::{Main, Mains};
use super::plan::Swaps;
use crate::formats::go_mod::ModuleVersion;
use crate::formats::go_source::Target;
use crate::formats::module_path::covers;
use crate::module_cache::Cache;
use crate::verb::{Loads, Scope};
pub(crate) use lookup::prefixes;
use lookup::{Package, Place, sorted};
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};

/// Files that are read before go is started, at most: some two milliseconds. Where the cache is cold the first few tell.
const LOOK: usize = 200;

/// Folders that are looked into for `...`, at most, before go is started.
const FOLDERS: usize = 100;

/// So many times as much where nothing of the list is here: then something surely is missing that is needed.
const COLD: usize = 20;

/// Listed modules that are looked for to know that.
const SAMPLE: usize = 256;

/// A package that is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Wish {
    path: String,
    /// With its tests.
    tests: bool,
}

/// What a wish or a pattern waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Waiting {
    Package(Wish),
    /// All packages whose path begins so.
    Below(Wish),
    /// All packages in a folder of a main module's and below.
    Folder {
        main: usize,
        folder: PathBuf,
        tests: bool,
    },
    /// The directives in a folder's files, and in those below.
    Directives {
        folder: PathBuf,
        below: bool,
    },
}

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// Something is missing.
    Lacking,
    /// All that is needed is here.
    AllHere,
    /// That is not known.
    Unsure,
}

/// The way through the imports.
pub(crate) struct Walk {
    mains: Vec<Main>,
    /// Their tools.
    tools: Vec<String>,
    /// Where go works.
    dir: PathBuf,
    target: Target,
    cache: Cache,
    swaps: Swaps,
    /// The listed modules, by path.
    listed: HashMap<String, ModuleVersion>,
    /// Those that are looked into where no listed one has a package.
    behind: HashMap<String, ModuleVersion>,
    /// Where the modules are that were looked for.
    places: HashMap<String, Place>,
    waiting: VecDeque<Waiting>,
    /// What the command itself wants, where directives and names of tools tell it.
    roots: Vec<String>,
    /// What was wanted, and whether with tests.
    known: HashMap<String, bool>,
    /// Folders that were read, and whether with tests.
    read: HashSet<(PathBuf, bool)>,
    /// The tests of all packages count, be they in other modules.
    all_tests: bool,
    /// Modules that were found missing and not told of yet.
    missing: Vec<ModuleVersion>,
    /// Files and folders that may still be read.
    files: usize,
    folders: usize,
}

impl Walk {
    /// Begins with the packages that a command names.
    pub(crate) fn new(mains: &Mains, dir: &Path, target: Target, cache: &Cache, loads: &Loads) -> Walk {
        let listed = mains.listed.require.iter().map(|require| &require.module);
        let mut walk = Walk {
            mains: mains.all.clone(),
            tools: mains.listed.tool.clone(),
            dir: dir.to_owned(),
            target,
            cache: cache.clone(),
            swaps: Swaps::of(&mains.listed),
            listed: listed.map(|module| (module.path.clone(), module.clone())).collect(),
            behind: HashMap::new(),
            places: HashMap::new(),
            waiting: VecDeque::new(),
            roots: match loads.scope {
                Scope::Packages | Scope::Directives => [&loads.patterns[..], &loads.also].concat(),
                Scope::Tool => vec![],
            },
            known: HashMap::new(),
            read: HashSet::new(),
            all_tests: false,
            missing: Vec::new(),
            files: LOOK,
            folders: FOLDERS,
        };
        if walk.is_cold() {
            (walk.files, walk.folders) = (LOOK * COLD, FOLDERS * COLD);
        }
        for pattern in &loads.patterns {
            match loads.scope {
                Scope::Packages => walk.begin(pattern, loads.tests),
                Scope::Directives => walk.begin_directives(pattern),
                Scope::Tool => walk.begin_tool(pattern),
            }
        }
        for pattern in &loads.also {
            walk.begin(pattern, false);
        }
        if loads.scope != Scope::Packages {
            walk.read_directives();
            walk.roots.extend(walk.known.keys().cloned());
            walk.roots.sort();
            // go loads the packages themselves, too.
            let packages = if loads.scope == Scope::Directives { &loads.patterns[..] } else { &[] };
            packages.iter().for_each(|pattern| walk.begin(pattern, false));
        }
        walk
    }

    /// Whether nothing of what is listed is here.
    fn is_cold(&self) -> bool {
        let mut sample = self.listed.values().take(SAMPLE).filter_map(|module| self.swaps.taken(module));
        !sample.any(|module| self.cache.has_source(&module.path, &module.version))
    }

    /// The packages that stand for what the command wants.
    pub(crate) fn roots(&self) -> &[String] {
        &self.roots
    }

    /// The modules whose files were looked for.
    #[cfg(test)]
    pub(crate) fn looked_into(&self) -> impl Iterator<Item = &ModuleVersion> {
        let paths = self.places.keys();
        paths.filter_map(|path| self.listed.get(path).or_else(|| self.behind.get(path)))
    }

    /// Also looks into these where no listed module has a package.
    pub(crate) fn look_behind(&mut self, modules: impl Iterator<Item = ModuleVersion>) {
        self.behind = modules
            .filter(|module| !self.listed.contains_key(&module.path))
            .map(|module| (module.path.clone(), module))
            .collect();
    }

    /// Goes on until something is missing, or until it would take too long.
    pub(crate) fn look(&mut self) -> Look {
        while self.missing.is_empty() && self.files > 0 && self.folders > 0 {
            if !self.step() {
                break;
            }
        }
        match (self.missing.is_empty(), self.waiting.is_empty() && self.files > 0 && self.folders > 0) {
            (false, _) => Look::Lacking,
            (true, true) if !self.places.values().any(Place::is_packed) => Look::AllHere,
            (true, _) => Look::Unsure,
        }
    }

    /// Goes on as far as there is something to read; the modules that turned out missing on the way, as they are listed.
    pub(crate) fn follow(&mut self) -> Vec<ModuleVersion> {
        (self.files, self.folders) = (usize::MAX, usize::MAX);
        while self.step() {}
        // Whoever unpacks them is waited for as well.
        let packed = self.places.iter_mut().filter(|(_, place)| place.is_packed());
        for (path, place) in packed {
            if let Some(module) = place.ask()
                && !self.missing.iter().any(|missing| missing.path == *path)
            {
                self.missing.push(module);
            }
        }
        std::mem::take(&mut self.missing)
    }

    /// Takes note that a module is here, or that it will not come.
    pub(crate) fn arrived(&mut self, path: &str, folder: Option<PathBuf>) {
        let place = folder.map_or(Place::Lost, |folder| Place::Here { folder, local: false });
        if let Some(Place::Missing { waiting, .. }) = self.places.insert(path.to_owned(), place) {
            self.waiting.extend(waiting);
        }
    }

    /// Takes one pattern of the command line.
    fn begin(&mut self, pattern: &str, tests: bool) {
        match pattern {
            "all" => {
                self.all_tests |= tests;
                for (main, top) in self.mains.iter().map(|main| main.top.clone()).enumerate() {
                    self.waiting.push_back(Waiting::Folder { main, folder: top, tests: true });
                }
                self.begin("tool", tests);
            }
            "tool" => self.tools.clone().iter().for_each(|tool| self.want(tool, tests)),
            "std" | "cmd" => {}
            _ => self.begin_path(pattern, tests),
        }
    }

    fn begin_path(&mut self, pattern: &str, tests: bool) {
        let (path, below) = match pattern.strip_suffix("...") {
            // `x/...` has x itself, `x...` also what begins with it; that is not followed.
            Some(path) => (path.strip_suffix('/').unwrap_or(path), true),
            None => (pattern, false),
        };
        if path.ends_with(".go") {
            let file = super::mains::plain(&self.dir.join(path));
            self.head(&file, true, &mut Package::default());
            return;
        }
        if path.starts_with('.') || path.starts_with('/') {
            let folder = super::mains::plain(&self.dir.join(path));
            let Some(main) = self.main_of(&folder) else { return };
            if below {
                self.waiting.push_back(Waiting::Folder { main, folder, tests });
            } else {
                self.want(&path_in(&self.mains[main], &folder), tests);
            }
            return;
        }
        if below {
            let wish = Wish { path: path.to_owned(), tests };
            self.waiting.push_back(Waiting::Below(wish));
        } else {
            self.want(path, tests);
        }
    }

    /// The main module that a folder lies in, by its place.
    fn main_of(&self, folder: &Path) -> Option<usize> {
        let holding = self.mains.iter().enumerate().filter(|(_, main)| folder.starts_with(&main.top));
        holding.max_by_key(|(_, main)| main.top.as_os_str().len()).map(|(at, _)| at)
    }

    /// Wants all packages of a main module in a folder and below.
    fn below_main(&mut self, at: usize, folder: &Path, tests: bool) {
        self.folders = self.folders.saturating_sub(1);
        let main = self.mains[at].clone();
        let items = sorted(folder);
        if folder != main.top && items.iter().any(|item| item.name == "go.mod" && !item.folder) {
            // Another module's.
            return;
        }
        let path = path_in(&main, folder);
        if prefixes(&path).any(|prefix| self.listed.contains_key(prefix)) {
            self.want(&path, tests);
        } else if self.is_news(&path, tests) {
            self.read_items(folder, &items, &Wish { path, tests }, true);
        }
        for item in items.into_iter().filter(|item| item.folder && !item.is_passed_by()) {
            if !ignores(&main, &item.path) {
                self.waiting.push_back(Waiting::Folder { main: at, folder: item.path, tests });
            }
        }
    }

    /// Wants a package.
    fn want(&mut self, path: &str, tests: bool) {
        if self.is_news(path, tests) {
            let wish = Wish { path: path.to_owned(), tests };
            self.waiting.push_back(Waiting::Package(wish));
        }
    }

    /// Notes that a package is wanted; false where it was already, with as much.
    fn is_news(&mut self, path: &str, tests: bool) -> bool {
        match self.known.get_mut(path) {
            None => {
                self.known.insert(path.to_owned(), tests);
                true
            }
            Some(with) => {
                let more = tests && !*with;
                *with |= tests;
                more
            }
        }
    }
}

/// The import path of a folder of a main module's.
fn path_in(main: &Main, folder: &Path) -> String {
    match folder.strip_prefix(&main.top).ok().and_then(Path::to_str) {
        None | Some("") => main.path.clone(),
        Some(below) => format!("{}/{below}", main.path),
    }
}

/// Whether an `ignore` line of a main module's names a folder: from the top where it begins with `./`.
fn ignores(main: &Main, folder: &Path) -> bool {
    let Ok(below) = folder.strip_prefix(&main.top) else { return false };
    main.ignore.iter().any(|ignored| match ignored.strip_prefix("./") {
        Some(exact) => below == Path::new(exact.trim_end_matches('/')),
        None => below.ends_with(ignored.trim_matches('/')),
    })
}

/// The package in a module's folder, where it lies in there.
fn folder_in(module: &str, folder: &Path, path: &str) -> Option<PathBuf> {
    covers(module, path).then(|| folder.join(path[module.len()..].trim_start_matches('/')))
}

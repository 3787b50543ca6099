//! Looks for packages where go looks for them, and reads what they import.

use super::{Waiting, Walk, Wish, folder_in};
use crate::formats::go_mod::ModuleVersion;
use crate::formats::go_source::{self, Head};
use crate::formats::module_path::covers;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Bytes of a file that are read first ...
const HEAD: u64 = 16 * 1024;

/// ... and at most: a longer head is another go's.
const WHOLE: u64 = 1 << 20;

/// Where a module is.
#[derive(Debug)]
pub(super) enum Place {
    /// Its files can be read.
    Here {
        /// Where.
        folder: PathBuf,
        /// It is a folder of the user's: modules may lie inside.
        local: bool,
    },
    /// It is not in the cache, or packed there.
    Missing {
        /// What is listed, until it was told that it is missing.
        untold: Option<ModuleVersion>,
        /// go needs no network for it, and unpacks it.
        packed: bool,
        /// Who goes on when it has come.
        waiting: Vec<Waiting>,
    },
    /// It will not come.
    Lost,
}

impl Place {
    pub(super) fn is_packed(&self) -> bool {
        matches!(self, Place::Missing { packed: true, .. })
    }

    /// The module, the first time.
    pub(super) fn ask(&mut self) -> Option<ModuleVersion> {
        match self {
            Place::Missing { untold, .. } => untold.take(),
            Place::Here { .. } | Place::Lost => None,
        }
    }
}

/// What the files of a package import.
#[derive(Debug, Default)]
pub(super) struct Package {
    imports: Vec<String>,
    of_tests: Vec<String>,
    /// There are Go files, whatever they are built for.
    is_there: bool,
}

/// Something in a folder.
pub(super) struct Item {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// It is a folder, and no link to one.
    pub(super) folder: bool,
}

impl Item {
    /// Whether patterns pass by a folder of this name.
    pub(super) fn is_passed_by(&self) -> bool {
        self.name.starts_with(['.', '_']) || ["testdata", "vendor"].contains(&&*self.name)
    }
}

/// What is in a folder, by name.
pub(super) fn sorted(folder: &Path) -> Vec<Item> {
    let items = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut all: Vec<Item> = items
        .filter_map(|item| {
            let folder = item.file_type().is_ok_and(|kind| kind.is_dir());
            Some(Item { name: item.file_name().into_string().ok()?, path: item.path(), folder })
        })
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

impl Walk {
    /// Takes the next one that waits; false where none does.
    pub(super) fn step(&mut self) -> bool {
        match self.waiting.pop_front() {
            None => return false,
            Some(Waiting::Package(wish)) => self.look_up(&wish),
            Some(Waiting::Below(wish)) => self.look_below(&wish),
            Some(Waiting::Folder { main, folder, tests }) => self.below_main(main, &folder, tests),
            Some(Waiting::Directives { folder, below }) => self.directives_in(&folder, below),
        }
        true
    }

    /// Looks for a package in all modules that may have it.
    fn look_up(&mut self, wish: &Wish) {
        let path = &*wish.path;
        let mut found = false;
        for main in self.mains.clone().iter().filter(|main| covers(&main.path, path)) {
            let there = folder_in(&main.path, &main.top, path).filter(|there| is_own(&main.top, there));
            found |= there.is_some_and(|folder| self.read(&folder, wish, true));
        }
        let mut waits = false;
        let mut candidates = prefixes(path).filter_map(|prefix| self.listed.get(prefix)).cloned().peekable();
        let listed = candidates.peek().is_some();
        for module in candidates.collect::<Vec<_>>() {
            self.look_into(&module, wish, &mut found, &mut waits);
        }
        // Of the standard library nobody knows here; a host has a dot in its name.
        let foreign = || path.split('/').next().is_some_and(|first| first.contains('.'));
        if !found && !waits && (listed || foreign()) {
            let behind = prefixes(path).filter_map(|prefix| self.behind.get(prefix)).cloned();
            for module in behind.collect::<Vec<_>>() {
                self.look_into(&module, wish, &mut found, &mut waits);
            }
        }
    }

    fn look_into(&mut self, module: &ModuleVersion, wish: &Wish, found: &mut bool, waits: &mut bool) {
        let Some((folder, local)) = self.folder_of(module, || Waiting::Package(wish.clone()), waits) else {
            return;
        };
        let there = folder_in(&module.path, &folder, &wish.path);
        if let Some(there) = there.filter(|there| !local || is_own(&folder, there)) {
            *found |= self.read(&there, wish, false);
        }
    }

    /// All packages whose path begins so.
    fn look_below(&mut self, wish: &Wish) {
        for (at, main) in self.mains.clone().iter().enumerate() {
            if let Some(folder) = folder_in(&main.path, &main.top, &wish.path) {
                self.below_main(at, &folder, wish.tests);
            } else if covers(&wish.path, &main.path) {
                self.below_main(at, &main.top, wish.tests);
            }
        }
        let may_have =
            |module: &&ModuleVersion| covers(&wish.path, &module.path) || covers(&module.path, &wish.path);
        let modules: Vec<ModuleVersion> = self.listed.values().filter(may_have).cloned().collect();
        for module in modules {
            let found = self.folder_of(&module, || Waiting::Below(wish.clone()), &mut false);
            let Some((folder, _)) = found else { continue };
            let (top, path) = match folder_in(&module.path, &folder, &wish.path) {
                Some(there) => (there, wish.path.clone()),
                None => (folder, module.path.clone()),
            };
            self.below(&top, &path, wish.tests);
        }
    }

    /// Wants all packages in a folder of another module's and below.
    fn below(&mut self, folder: &Path, path: &str, tests: bool) {
        self.want(path, tests);
        for item in sorted(folder).into_iter().filter(|item| item.folder) {
            if !item.is_passed_by() {
                self.below(&item.path, &format!("{path}/{}", item.name), tests);
            }
        }
    }

    /// Where a module's files are; else who waits goes on when they have come.
    fn folder_of(
        &mut self,
        module: &ModuleVersion,
        who: impl FnOnce() -> Waiting,
        waits: &mut bool,
    ) -> Option<(PathBuf, bool)> {
        if !self.places.contains_key(&module.path) {
            let place = self.place_of(module);
            self.places.insert(module.path.clone(), place);
        }
        match self.places.get_mut(&module.path)? {
            Place::Here { folder, local } => Some((folder.clone(), *local)),
            Place::Missing { untold, packed, waiting } => {
                waiting.push(who());
                *waits = true;
                if !*packed {
                    self.missing.extend(untold.take());
                }
                None
            }
            Place::Lost => None,
        }
    }

    fn place_of(&self, module: &ModuleVersion) -> Place {
        if let Some(folder) = self.swaps.folder(module) {
            return Place::Here { folder: folder.to_owned(), local: true };
        }
        let Some(taken) = self.swaps.taken(module) else { return Place::Lost };
        let packed = self.cache.has_source(&taken.path, &taken.version);
        match self.cache.source(&taken.path, &taken.version).filter(|_| packed) {
            Some(folder) => Place::Here { folder, local: false },
            None => Place::Missing { untold: Some(module.clone()), packed, waiting: vec![] },
        }
    }

    /// Reads the package in a folder, and wants what it imports. False where there is none.
    fn read(&mut self, folder: &Path, wish: &Wish, main: bool) -> bool {
        if self.read.contains(&(folder.to_owned(), wish.tests))
            || self.read.contains(&(folder.to_owned(), true))
        {
            return true;
        }
        self.read_items(folder, &sorted(folder), wish, main)
    }

    /// The same with what is in the folder in hand.
    pub(super) fn read_items(&mut self, folder: &Path, items: &[Item], wish: &Wish, main: bool) -> bool {
        let mut package = Package::default();
        for item in items {
            if item.folder || !item.name.ends_with(".go") {
                continue;
            }
            package.is_there = true;
            if go_source::may_be_built(&item.name, &self.target)
                && (wish.tests || !item.name.ends_with("_test.go"))
            {
                self.head(&item.path, false, &mut package);
            }
        }
        if !package.is_there {
            return false;
        }
        self.read.insert((folder.to_owned(), wish.tests));
        let all = self.all_tests && wish.tests;
        package.imports.iter().for_each(|path| self.want(path, all));
        package.of_tests.iter().for_each(|path| self.want(path, all && main));
        true
    }

    /// Reads the head of a file; one that the command line names counts whatever it is built for, at once.
    pub(super) fn head(&mut self, file: &Path, by_name: bool, package: &mut Package) {
        self.files = self.files.saturating_sub(1);
        let Ok((text, whole)) = beginning(file, HEAD) else { return };
        let mut head = go_source::head(&String::from_utf8_lossy(&text), whole, &self.target, by_name);
        if head == Head::CutOff {
            let Ok((text, _)) = beginning(file, WHOLE) else { return };
            head = go_source::head(&String::from_utf8_lossy(&text), true, &self.target, by_name);
        }
        let Head::Imports(found) = head else { return };
        if by_name {
            found.iter().for_each(|path| self.want(path, false));
        } else if file.to_str().is_some_and(|name| name.ends_with("_test.go")) {
            package.of_tests.extend(found);
        } else {
            package.imports.extend(found);
        }
    }
}

/// The paths of the modules that may have a package: its own and all that begin it, the longest first.
pub(crate) fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let shorter = path.rmatch_indices('/').map(|(end, _)| &path[..end]);
    std::iter::once(path).chain(shorter)
}

/// Whether no other module lies between a module's folder and one inside.
fn is_own(top: &Path, folder: &Path) -> bool {
    folder.ancestors().take_while(|above| *above != top).all(|above| !above.join("go.mod").is_file())
}

/// The beginning of a file, and whether that is all of it.
fn beginning(file: &Path, most: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut text = Vec::new();
    File::open(file)?.take(most).read_to_end(&mut text)?;
    let whole = (text.len() as u64) < most;
    Ok((text, whole))
}

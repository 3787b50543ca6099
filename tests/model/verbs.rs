//! What each verb asks for, in which order, and what ends it.

use super::go::{Answer, File, Go};
use super::query::Query;
use super::situation::{FIRST, Host, ModFlag, Pin, Replacement, Situation, Verb};
use super::{Healed, Told};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// go gives up: what it would ask next it does not ask.
struct End;

/// Runs the verb; how it ends is of no interest.
pub(super) fn run(situation: &Situation, healed: Healed) -> Told {
    let mut run = Run { go: Go::new(situation, healed), situation, versions: BTreeMap::new() };
    for requirement in &situation.requirements {
        run.versions.insert(requirement.path.clone(), FIRST);
    }
    let _: Result<(), End> = match &situation.verb {
        Verb::Download => run.download(),
        Verb::DownloadOf(module, version) => run.download_of(module, version),
        Verb::Get(module, version) => run.get(module, version),
        Verb::ListVersions(module) => run.list_versions(module),
        Verb::Tidy => run.load_packages(Missing::Resolved),
        Verb::Build => run.build(),
    };
    run.go.told()
}

/// Asks for a name's list and its versions, one after the other.
pub(super) fn walk_alone(situation: &Situation, name: &str) -> BTreeSet<(Host, String)> {
    let mut go = Go::new(situation, Healed::No);
    let versions = situation.modules.get(name).map_or(&[FIRST][..], |module| &module.versions);
    for file in versions.iter().map(|version| File::Info(version)).chain([File::List]) {
        go.try_entries(|go, entry| go.ask(entry, name, file));
    }
    go.told().asked
}

/// What becomes of an import that no module provides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// A module is looked for.
    Resolved,
    /// An error.
    Reported,
}

/// Whether what a module requires has to be read for the graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Pruning {
    Pruned,
    Unpruned,
}

struct Run<'a> {
    go: Go<'a>,
    situation: &'a Situation,
    /// The main module's requirements as they stand now.
    versions: BTreeMap<String, &'static str>,
}

impl Run<'_> {
    fn download(&mut self) -> Result<(), End> {
        self.graph()?;
        for requirement in &self.situation.requirements {
            if let Some(module) = self.actual(&requirement.path) {
                self.download_module(&module, FIRST);
            }
        }
        Ok(())
    }

    /// `DownloadModule`: one file after the other, as long as they come.
    fn download_module(&mut self, module: &str, version: &'static str) {
        for file in [File::Info(version), File::Mod(version), File::Zip(version)] {
            if !self.go.get(module, file) {
                return;
            }
        }
    }

    fn download_of(&mut self, module: &str, version: &'static str) -> Result<(), End> {
        self.download_module(module, version);
        Ok(())
    }

    fn get(&mut self, module: &str, query: &'static str) -> Result<(), End> {
        self.graph()?;
        let version = self.go.query_pattern(module, Query::parse(query)).ok_or(End)?;
        self.require(module, version)?;
        // What is imported from now on has to be there, and is looked at for retractions.
        let loaded = self.import(vec![module.to_owned()], Missing::Resolved)?;
        for module in loaded.into_iter().chain([module.to_owned()]).collect::<BTreeSet<_>>() {
            self.go.read_retractions(&module);
        }
        Ok(())
    }

    fn list_versions(&mut self, module: &str) -> Result<(), End> {
        let required = self.versions.contains_key(module);
        if !required {
            self.graph()?;
        }
        let mut listed = vec![module.to_owned()];
        if required && let Some(actual) = self.actual(module) {
            if self.go.get(&actual, File::Info(FIRST)) && self.may_read(&actual, Pin::GoMod) {
                self.go.get(&actual, File::Mod(FIRST));
            }
            if actual != module {
                listed.push(actual);
            }
        }
        for module in listed {
            let replaced = self.actual(&module).as_ref() != Some(&module);
            self.go.try_entries(|go, entry| match go.ask(entry, &module, File::List) {
                // A `replace` is version enough (`replacementRepo`).
                Answer::Missing if replaced => Answer::Found,
                answer => answer,
            });
            self.go.read_retractions(&module);
        }
        Ok(())
    }

    fn build(&mut self) -> Result<(), End> {
        match self.situation.settings.mod_flag {
            // The vendor folder contradicts go.mod, and nobody is asked.
            Some(ModFlag::Vendor) => Ok(()),
            Some(ModFlag::Mod) => self.load_packages(Missing::Resolved),
            Some(ModFlag::Readonly) | None => self.load_packages(Missing::Reported),
        }
    }

    /// The packages of the main module and all that they import.
    fn load_packages(&mut self, missing: Missing) -> Result<(), End> {
        let imported = self.situation.requirements.iter().filter(|r| r.imported).map(|r| r.path.clone());
        let all = imported.chain(self.situation.new_imports.iter().cloned()).collect();
        self.import(all, missing)?;
        Ok(())
    }

    /// Loads packages and what they import; gives the modules that provide them.
    fn import(&mut self, packages: Vec<String>, missing: Missing) -> Result<BTreeSet<String>, End> {
        let mut queue = VecDeque::from(packages);
        let (mut done, mut loaded, mut unknown) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
        while let Some(package) = queue.pop_front() {
            if !done.insert(package.clone()) {
                continue;
            }
            let version = match self.versions.get(&package).copied() {
                Some(version) => version,
                // Not among the requirements: perhaps something requires it.
                None => match self.graph() {
                    Ok(paths) if paths.contains(&package) => FIRST,
                    Ok(_) => {
                        unknown.push(package);
                        continue;
                    }
                    Err(End) => continue,
                },
            };
            let Some(module) = self.actual(&package) else {
                loaded.insert(package);
                continue;
            };
            let whole = [(Pin::Both, File::Zip(version)), (Pin::GoMod, File::Mod(version))];
            if whole.iter().all(|(hash, file)| self.may_read(&module, *hash) && self.go.get(&module, *file)) {
                queue.extend(self.requires(&module));
                loaded.insert(package);
            }
        }
        if missing == Missing::Reported {
            // For a package that was not loaded go wants to know the whole graph (`keepSums`).
            if loaded.len() < done.len() {
                let _: Result<_, End> = self.graph();
            }
            return Ok(loaded);
        }
        if self.situation.verb == Verb::Tidy {
            // go.mod is to have what is needed, and that is put together before anything new is looked for.
            let roots =
                loaded.iter().map(|path| (path.clone(), self.versions.get(path).copied().unwrap_or(FIRST)));
            self.graph_of(roots.collect())?;
        }
        if unknown.is_empty() {
            return Ok(loaded);
        }
        self.graph()?;
        let mut found = Vec::new();
        for package in unknown {
            if let Some(version) = self.go.query_pattern(&package, Query::Latest) {
                found.push((package, version));
            }
        }
        for (module, version) in &found {
            self.require(module, version)?;
        }
        if !found.is_empty() {
            loaded.extend(self.import(found.into_iter().map(|(module, _)| module).collect(), missing)?);
        }
        Ok(loaded)
    }

    /// One more requirement.
    fn require(&mut self, module: &str, version: &'static str) -> Result<(), End> {
        self.versions.insert(module.to_owned(), version);
        self.graph()?;
        Ok(())
    }

    /// The module graph of all requirements.
    fn graph(&mut self) -> Result<BTreeSet<String>, End> {
        let roots: Vec<_> = self.versions.iter().map(|(path, version)| (path.clone(), *version)).collect();
        self.graph_of(roots)
    }

    /// Reads the go.mod of every root, and all that those before `go 1.17` lead to (`readModGraph`). All are
    /// asked for, and one that does not come ends the run. Gives the paths of the graph.
    fn graph_of(&mut self, roots: Vec<(String, &'static str)>) -> Result<BTreeSet<String>, End> {
        let mut queue: VecDeque<_> =
            roots.into_iter().map(|(path, version)| (path, version, Pruning::Pruned)).collect();
        let (mut seen, mut paths, mut whole) = (BTreeSet::new(), BTreeSet::new(), true);
        while let Some((path, version, pruning)) = queue.pop_front() {
            paths.insert(path.clone());
            if !seen.insert((path.clone(), version, pruning)) {
                continue;
            }
            let Some(module) = self.actual(&path) else { continue };
            if !self.may_read(&module, Pin::GoMod) || !self.go.get(&module, File::Mod(version)) {
                whole = false;
                continue;
            }
            let requires = self.requires(&module);
            paths.extend(requires.iter().cloned());
            if pruning == Pruning::Unpruned || !self.situation.modules[&module].pruned {
                queue.extend(requires.into_iter().map(|path| (path, FIRST, Pruning::Unpruned)));
            }
        }
        if whole { Ok(paths) } else { Err(End) }
    }

    /// Without leave to write go.sum what it lacks is not asked for (`mustHaveSums`).
    fn may_read(&self, module: &str, hash: Pin) -> bool {
        let writes = match self.situation.verb {
            Verb::Build => self.situation.settings.mod_flag == Some(ModFlag::Mod),
            Verb::ListVersions(_) => self.situation.settings.mod_flag == Some(ModFlag::Mod),
            _ => true,
        };
        writes || self.go.is_pinned(module, FIRST, hash)
    }

    /// What stands for a module: itself, another, or (nothing to fetch) a folder.
    fn actual(&self, path: &str) -> Option<String> {
        let requirement = self.situation.requirements.iter().find(|r| r.path == path);
        match requirement.map(|r| &r.replacement) {
            None | Some(Replacement::Nothing) => Some(path.to_owned()),
            Some(Replacement::Module(other)) => Some(other.clone()),
            Some(Replacement::Folder) => None,
        }
    }

    fn requires(&self, module: &str) -> Vec<String> {
        self.situation.modules.get(module).map(|m| m.requires.clone()).unwrap_or_default()
    }
}

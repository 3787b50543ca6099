//! What each verb asks for, in which order, and what ends it.

use super::go::{Answer, File, Go};
use super::query::Query;
use super::situation::{FIRST, Host, ModFlag, Pin, Replacement, Situation, Verb};
use super::{Healed, StandIn, Told};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// go gives up: what it would ask next it does not ask.
struct End;

/// Runs the verb; how it ends is of no interest.
pub(super) fn run<'a>(
    situation: &'a Situation,
    healed: Healed,
    stand_in: Option<&'a mut dyn StandIn>,
) -> Told {
    let mut run = Run { go: Go::new(situation, healed, stand_in), situation, versions: BTreeMap::new() };
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
    let mut go = Go::new(situation, Healed::No, None);
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

/// The module graph, as far as it could be read.
struct Graph {
    paths: BTreeSet<String>,
    whole: bool,
}

impl Graph {
    /// Its paths; one go.mod that does not come ends the run.
    fn or_end(self) -> Result<BTreeSet<String>, End> {
        if self.whole { Ok(self.paths) } else { Err(End) }
    }
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
        let graph = if required { None } else { Some(self.graph_of(self.roots())) };
        let known = required || graph.as_ref().is_some_and(|graph| graph.paths.contains(module));
        if !known && graph.is_some_and(|graph| !graph.whole) {
            // Perhaps it stands in the part that is missing.
            return Err(End);
        }
        let mut listed = vec![module.to_owned()];
        if known && let Some(actual) = self.actual(module) {
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
                // For each version: is it retracted?
                Answer::Found => go.read_retractions(&module),
                answer => answer,
            });
            if self.go.is_healed() {
                self.go.read_retractions(&module);
            }
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

    /// Loads packages and what they import; gives those that were loaded.
    fn import(&mut self, packages: Vec<String>, missing: Missing) -> Result<BTreeSet<String>, End> {
        let mut queue = VecDeque::from(packages);
        let (mut done, mut loaded) = (BTreeSet::new(), BTreeSet::new());
        loop {
            let unknown = self.load(&mut queue, &mut done, &mut loaded);
            if missing == Missing::Reported {
                break;
            }
            // What provides a package becomes a requirement, and what it requires is known from then on.
            for path in &loaded {
                self.versions.entry(path.clone()).or_insert(FIRST);
            }
            if self.situation.verb == Verb::Tidy {
                // go.mod is to have what is needed, and that is put together before anything new is looked for.
                let needed = self.roots().into_iter().filter(|(path, _)| loaded.contains(path));
                self.graph_of(needed.collect()).or_end()?;
            }
            if unknown.is_empty() {
                break;
            }
            let paths = self.graph()?;
            let (known, unknown): (Vec<String>, Vec<String>) =
                unknown.into_iter().partition(|package| paths.contains(package));
            let mut found = known;
            if found.is_empty() {
                for package in unknown {
                    if let Some(version) = self.go.query_pattern(&package, Query::Latest) {
                        self.versions.insert(package.clone(), version);
                        found.push(package);
                    }
                }
                if found.is_empty() {
                    break;
                }
                self.graph()?;
            } else {
                found.extend(unknown);
            }
            done.retain(|package| !found.contains(package));
            queue.extend(found);
        }
        // For a package that was not loaded go wants to know the whole graph (`keepSums`).
        let lacking = loaded.len() < done.len() || self.go.is_healed();
        if self.situation.verb == Verb::Build && lacking {
            self.graph_of(self.roots());
        }
        Ok(loaded)
    }

    /// Loads what can be loaded; gives the packages that no module of the graph provides.
    fn load(
        &mut self,
        queue: &mut VecDeque<String>,
        done: &mut BTreeSet<String>,
        loaded: &mut BTreeSet<String>,
    ) -> Vec<String> {
        let mut unknown = Vec::new();
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
        unknown
    }

    /// One more requirement.
    fn require(&mut self, module: &str, version: &'static str) -> Result<(), End> {
        self.versions.insert(module.to_owned(), version);
        self.graph()?;
        Ok(())
    }

    /// The module graph of all requirements: the paths in it.
    fn graph(&mut self) -> Result<BTreeSet<String>, End> {
        self.graph_of(self.roots()).or_end()
    }

    fn roots(&self) -> Vec<(String, &'static str)> {
        self.versions.iter().map(|(path, version)| (path.clone(), *version)).collect()
    }

    /// Reads the go.mod of every root, and all that those before `go 1.17` lead to (`readModGraph`): all are
    /// asked for, whether the others come or not.
    fn graph_of(&mut self, roots: Vec<(String, &'static str)>) -> Graph {
        let mut queue: VecDeque<_> =
            roots.into_iter().map(|(path, version)| (path, version, Pruning::Pruned)).collect();
        let mut graph = Graph { paths: BTreeSet::new(), whole: true };
        let mut seen = BTreeSet::new();
        while let Some((path, version, pruning)) = queue.pop_front() {
            graph.paths.insert(path.clone());
            if !seen.insert((path.clone(), version, pruning)) {
                continue;
            }
            let Some(module) = self.actual(&path) else { continue };
            if !self.may_read(&module, Pin::GoMod) || !self.go.get(&module, File::Mod(version)) {
                graph.whole = false;
                continue;
            }
            let requires = self.requires(&module);
            graph.paths.extend(requires.iter().cloned());
            if pruning == Pruning::Unpruned || !self.situation.modules[&module].pruned {
                queue.extend(requires.into_iter().map(|path| (path, FIRST, Pruning::Unpruned)));
            }
        }
        graph
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

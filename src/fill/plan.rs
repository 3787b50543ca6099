//! What `go mod download` will ask for, before it asks: exactly that, and nothing more.
//!
//! Pure. go takes the module versions of go.mod, after `replace` and `exclude`, and for each its
//! `.info`, its `.mod` and its zip. The `.mod` files of further modules follow from what each of them
//! says (graph pruning, `readModGraph` in cmd/go's modload): one that says go 1.17 or later ends there,
//! an older one brings in all of its requirements, and all of theirs.

use crate::formats::go_mod::{GoMod, ModuleVersion, Replacement};
use crate::formats::go_sum::GoSum;
use crate::formats::go_version::GoVersion;
use crate::formats::version::{is_canonical, is_later};
use crate::judgement::privacy::Rules;
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// The first release whose go.mod names every module that a build needs.
const PRUNES: (u32, u32) = (1, 17);

/// Most modules that are planned for. The largest projects known have some two thousand; whoever has more
/// waits for go.
const MOST: usize = 20_000;

/// What go will ask for.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The module versions of which go wants all files, in go's order.
    pub(crate) modules: Vec<ModuleVersion>,
    swaps: Swaps,
    private: Rules,
    /// The modules whose `.mod` go reads, after `replace`.
    nodes: HashMap<ModuleVersion, Node>,
}

/// A module version that an argument names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// It.
    pub(crate) module: ModuleVersion,
    /// With its version; else go chooses one, most likely go.mod's.
    pub(crate) exact: bool,
}

impl Named {
    /// What the arguments of `mod download` name; `None` where go looks for one of them first.
    pub(crate) fn of(words: &[String], go_mod: &GoMod) -> Option<Vec<Named>> {
        let is_main = |path: &str| go_mod.module.as_deref() == Some(path);
        let of = |word: &String| match word.split_once('@') {
            Some((path, version)) => {
                let module = ModuleVersion { path: path.to_owned(), version: version.to_owned() };
                (is_canonical(version) && !is_main(path)).then_some(Named { module, exact: true })
            }
            None => {
                let of_list = go_mod.require.iter().find(|require| require.module.path == *word)?;
                Some(Named { module: of_list.module.clone(), exact: false })
            }
        };
        words.iter().map(of).collect()
    }
}

/// A module of the graph.
#[derive(Debug)]
struct Node {
    /// All of its requirements count, whatever release it names.
    whole: bool,
    /// What its `.mod` requires, once that is here.
    requires: Option<Vec<ModuleVersion>>,
}

/// The main modules' `replace` and `exclude`.
#[derive(Debug, Default)]
pub(super) struct Swaps {
    /// By path and version, and by path alone.
    by: HashMap<(String, Option<String>), Replacement>,
    excluded: HashSet<ModuleVersion>,
}

impl Swaps {
    pub(super) fn of(go_mod: &GoMod) -> Swaps {
        let by = go_mod.replace.iter();
        let by = by.map(|replace| ((replace.path.clone(), replace.version.clone()), replace.by.clone()));
        Swaps { by: by.collect(), excluded: go_mod.exclude.iter().cloned().collect() }
    }

    fn replacement(&self, module: &ModuleVersion) -> Option<&Replacement> {
        let ModuleVersion { path, version } = module;
        self.by.get(&(path.clone(), Some(version.clone()))).or_else(|| self.by.get(&(path.clone(), None)))
    }

    /// What go takes in a module version's place; `None` where that is a folder.
    pub(super) fn taken(&self, module: &ModuleVersion) -> Option<ModuleVersion> {
        match self.replacement(module) {
            None => Some(module.clone()),
            Some(Replacement::Module(by)) => Some(by.clone()),
            Some(Replacement::Folder(_)) => None,
        }
    }

    /// The folder in a module version's place.
    pub(super) fn folder(&self, module: &ModuleVersion) -> Option<&Path> {
        match self.replacement(module)? {
            Replacement::Folder(folder) => Some(folder),
            Replacement::Module(_) => None,
        }
    }
}

impl Plan {
    /// The plan for `go mod download` without arguments, and whose `.mod` files are known to be needed.
    /// `None` where go does something else: a main module before go 1.17, or one that go refuses.
    pub(crate) fn of_download(
        go_mod: &GoMod,
        sums: &GoSum,
        private: &Rules,
    ) -> Option<(Plan, Vec<ModuleVersion>)> {
        let refused = !go_mod.faults.is_empty() || sums.is_malformed();
        if refused || !prunes(go_mod) || go_mod.require.len() > MOST {
            return None;
        }
        let swaps = Swaps::of(go_mod);
        let roots: Vec<&ModuleVersion> = go_mod.require.iter().map(|require| &require.module).collect();
        if roots.iter().any(|root| !is_canonical(&root.version) || swaps.excluded.contains(root)) {
            // go will choose another version first.
            return None;
        }
        let latest = latest_versions(sums);
        let mut planned = HashSet::new();
        let modules = roots
            .iter()
            // One that go.sum knows in a later version may not be what go chooses, but for what is replaced.
            .filter(|root| {
                latest.get(root.path.as_str()).is_none_or(|known| !is_later(known, &root.version))
                    || swaps.taken(root).as_ref() != Some(**root)
            })
            .filter_map(|root| swaps.taken(root))
            .filter(|module| is_proven(sums, module) && !private.likely_private(&module.path))
            .filter(|module| planned.insert(module.clone()))
            .collect();
        let mut plan = Plan { modules, swaps, private: private.clone(), nodes: HashMap::new() };
        let needed = plan.want(roots.into_iter().cloned(), false);
        Some((plan, needed))
    }

    /// The same for module versions that the arguments of `mod download` name: go asks for the files of these alone.
    pub(crate) fn of_named(
        go_mod: &GoMod,
        named: &[Named],
        sums: &GoSum,
        private: &Rules,
    ) -> Option<(Plan, Vec<ModuleVersion>)> {
        if !prunes(go_mod) || !go_mod.faults.is_empty() || named.len() > MOST {
            return None;
        }
        let swaps = Swaps::of(go_mod);
        let latest = latest_versions(sums);
        let chosen = |named: &&Named| {
            named.exact || latest.get(&*named.module.path).is_none_or(|known| *known == named.module.version)
        };
        let as_it_is = |module: &&ModuleVersion| {
            !swaps.excluded.contains(*module) && swaps.taken(module).as_ref() == Some(*module)
        };
        let mut planned = HashSet::new();
        let modules: Vec<ModuleVersion> = named
            .iter()
            .filter(chosen)
            .map(|named| &named.module)
            .filter(as_it_is)
            .filter(|module| is_proven(sums, module) && !private.likely_private(&module.path))
            .filter(|module| planned.insert((*module).clone()))
            .cloned()
            .collect();
        let plan = Plan { modules, swaps, private: private.clone(), nodes: HashMap::new() };
        let needed = plan.modules.clone();
        Some((plan, needed))
    }

    /// The same for a command that needs some of the list, which is found out on the way: nothing is planned for yet
    /// but the `.mod` files, where it reads the `graph`.
    pub(crate) fn of_some(
        go_mod: &GoMod,
        sums: &GoSum,
        private: &Rules,
        graph: bool,
    ) -> Option<(Plan, Vec<ModuleVersion>)> {
        let (mut plan, mut needed) = Plan::of_download(go_mod, sums, private)?;
        plan.modules.clear();
        // What go.sum says nothing of go has not read before, and may have no need to.
        needed.retain(|module| !sums.lookup(&module.path, &module.version, true).is_empty());
        if !graph {
            needed.clear();
            plan.nodes.clear();
        }
        Some((plan, needed))
    }

    /// The module version that go will want all files of, where a listed one turned out to be needed; `None` where that
    /// is left to go.
    pub(crate) fn admit(&self, module: &ModuleVersion, sums: &GoSum) -> Option<ModuleVersion> {
        let taken = self.swaps.taken(module).filter(|taken| is_canonical(&taken.version))?;
        (is_proven(sums, &taken) && !self.private.likely_private(&taken.path)).then_some(taken)
    }

    /// Takes the `.mod` of a module that was needed; whose are needed for what it says.
    pub(crate) fn arrived(&mut self, module: &ModuleVersion, go_mod: &GoMod) -> Vec<ModuleVersion> {
        let requires: Vec<_> = go_mod.require.iter().map(|require| require.module.clone()).collect();
        let Some(node) = self.nodes.get_mut(module) else { return Vec::new() };
        node.whole |= !prunes(go_mod);
        let followed = if node.whole { requires.clone() } else { Vec::new() };
        node.requires = Some(requires);
        self.want(followed.into_iter(), true)
    }

    /// Notes that go reads the `.mod` of these, as they are required; those of which it is news.
    fn want(&mut self, modules: impl Iterator<Item = ModuleVersion>, whole: bool) -> Vec<ModuleVersion> {
        let mut waiting: Vec<ModuleVersion> = modules.collect();
        waiting.reverse();
        let mut needed = Vec::new();
        while let Some(module) = waiting.pop() {
            if self.swaps.excluded.contains(&module) || !is_canonical(&module.version) {
                continue;
            }
            let Some(module) = self.swaps.taken(&module) else { continue };
            let full = self.nodes.len() >= MOST;
            match self.nodes.get_mut(&module) {
                Some(node) if whole && !node.whole => {
                    node.whole = true;
                    waiting.extend(node.requires.iter().flatten().cloned());
                }
                Some(_) => {}
                None if full || self.private.likely_private(&module.path) => {}
                None => {
                    self.nodes.insert(module.clone(), Node { whole, requires: None });
                    needed.push(module);
                }
            }
        }
        needed
    }
}

/// Whether a go.mod names all that its packages need.
fn prunes(go_mod: &GoMod) -> bool {
    go_mod.go.as_deref().and_then(GoVersion::parse).is_some_and(|go| go.release() >= PRUNES)
}

/// Whether go.sum has the hashes of a version's files.
fn is_proven(sums: &GoSum, module: &ModuleVersion) -> bool {
    let has = |go_mod| !sums.lookup(&module.path, &module.version, go_mod).is_empty();
    has(true) && has(false)
}

/// What go.sum knows the files of, in the latest version each.
pub(crate) fn latest_known(sums: &GoSum) -> impl Iterator<Item = ModuleVersion> {
    let latest = latest_versions(sums).into_iter();
    latest.map(|(path, version)| ModuleVersion { path: path.to_owned(), version: version.to_owned() })
}

/// The latest version of each path whose files go.sum knows.
fn latest_versions(sums: &GoSum) -> HashMap<&str, &str> {
    let mut latest: HashMap<&str, &str> = HashMap::new();
    for (module, version) in sums.modules().filter(|(m, v)| !sums.lookup(m, v, false).is_empty()) {
        let known = latest.entry(module).or_insert(version);
        if is_later(version, known) {
            *known = version;
        }
    }
    latest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::go_mod::Role;

    fn sums(of: &[&str]) -> GoSum {
        let lines = of.iter().map(|m| format!("{m} h1:x=\n{m}/go.mod h1:y=\n"));
        GoSum::parse(&lines.collect::<String>())
    }

    fn names<'a>(modules: impl Iterator<Item = &'a ModuleVersion>) -> Vec<String> {
        modules.map(|m| format!("{} {}", m.path, m.version)).collect()
    }

    fn plan(go_mod: &str, of: &[&str]) -> Option<(Plan, Vec<ModuleVersion>)> {
        let go_mod = GoMod::parse(go_mod, Role::Main);
        Plan::of_download(&go_mod, &sums(of), &Rules::default())
    }

    #[test]
    fn it_is_the_list_of_go_mod_after_replace() {
        let text = "module m.test\ngo 1.21\nrequire (\n a.test/a v1.0.0\n b.test/b v1.1.0 // indirect\n c.test/c v1.0.0\n \
                    d.test/d v1.0.0\n)\nreplace b.test/b => x.test/b v1.2.0\nreplace c.test/c v1.0.0 => ../c\n";
        let all = ["a.test/a v1.0.0", "x.test/b v1.2.0", "d.test/d v1.0.0", "e.test/e v1.0.0"];
        let (known, mods) = plan(text, &all).expect("a plan");
        assert_eq!(names(known.modules.iter()), ["a.test/a v1.0.0", "x.test/b v1.2.0", "d.test/d v1.0.0"]);
        assert_eq!(mods.len(), 3);
        // What go.sum does not prove is left to go, its .mod is asked for by go all the same.
        let (known, mods) = plan(text, &["a.test/a v1.0.0"]).expect("a plan");
        assert_eq!(names(known.modules.iter()), ["a.test/a v1.0.0"]);
        assert_eq!(mods.len(), 3);
    }

    #[test]
    fn where_go_does_something_else_there_is_no_plan() {
        let all = ["a.test/a v1.0.0"];
        for text in [
            "module m.test\nrequire a.test/a v1.0.0\n",
            "module m.test\ngo 1.16\nrequire a.test/a v1.0.0\n",
            "module m.test\ngo 1.21\nrequire a.test/a master\n",
            "module m.test\ngo 1.21\nrequire a.test/a v1.0.0\nexclude a.test/a v1.0.0\n",
            "module m.test\ngo 1.21\nrequire a.test/a v1.0.0\nnonsense\n",
        ] {
            assert!(plan(text, &all).is_none(), "{text}");
        }
        let go_mod = GoMod::parse("module m.test\ngo 1.21\nrequire a.test/a v1.0.0\n", Role::Main);
        let malformed = GoSum::parse("a.test/a v1.0.0 h1:x=\na.test/a v1.0.0/go.mod h1:y=\n<<<<<<< HEAD\n");
        assert!(Plan::of_download(&go_mod, &malformed, &Rules::default()).is_none());
        // A later version that go.sum knows may be the one that go chooses.
        let (known, _) = plan(
            "module m.test\ngo 1.21\nrequire a.test/a v1.0.0\n",
            &["a.test/a v1.0.0", "a.test/a v1.2.0"],
        )
        .expect("a plan");
        assert_eq!(known.modules, []);
    }

    #[test]
    fn what_arguments_name_is_all_that_go_asks_for() {
        let text = "module m.test\ngo 1.21\nrequire (\n a.test/a v1.0.0\n b.test/b v1.1.0\n r.test/r v1.0.0\n)\n\
                    replace r.test/r => x.test/x v1.2.0\nexclude e.test/e v1.0.0\n";
        let go_mod = GoMod::parse(text, Role::Main);
        let sums = sums(&[
            "a.test/a v1.0.0",
            "a.test/a v1.1.0",
            "b.test/b v1.1.0",
            "r.test/r v1.0.0",
            "x.test/x v1.2.0",
            "e.test/e v1.0.0",
        ]);
        let plan = |words: &str| {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            let named = Named::of(&words, &go_mod)?;
            let (plan, needed) = Plan::of_named(&go_mod, &named, &sums, &Rules::default())?;
            assert_eq!(plan.modules, needed);
            Some(names(needed.iter()).join(", "))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            plan("a.test/a@v1.0.0 b.test/b a.test/a@v1.0.0"),
            some("a.test/a v1.0.0, b.test/b v1.1.0")
        );
        // go may choose the later version that go.sum knows.
        assert_eq!(plan("a.test/a"), some(""));
        // What go.sum does not prove, what is replaced and what is excluded is left to go.
        assert_eq!(plan("b.test/b@v1.2.0 r.test/r r.test/r@v1.0.0 e.test/e@v1.0.0"), some(""));
        for looked_for in ["a.test/a@latest", "a.test/a@v1", "a.test/a@master", "u.test/u", "m.test@v1.0.0"] {
            assert_eq!(plan(looked_for), None, "{looked_for}");
        }
    }

    #[test]
    fn likely_private_modules_are_left_to_go() {
        let go_mod = GoMod::parse("module m.test\ngo 1.21\nrequire corp.test/a v1.0.0\n", Role::Main);
        let private = Rules { confidential: "corp.test".into(), ..Rules::default() };
        let (known, mods) =
            Plan::of_download(&go_mod, &sums(&["corp.test/a v1.0.0"]), &private).expect("a plan");
        assert_eq!((known.modules.len(), mods.len()), (0, 0));
    }

    #[test]
    fn old_modules_bring_in_all_that_they_require() {
        let text = "module m.test\ngo 1.21\nrequire old.test/a v1.0.0\nrequire new.test/n v1.0.0\nexclude x.test/x v1.0.0\n\
                    replace r.test/r => s.test/s v1.0.0\n";
        let (mut plan, mods) = plan(text, &[]).expect("a plan");
        let parse = |text: &str| GoMod::parse(text, Role::Dependency);
        let old = parse(
            "module old.test/a\nrequire b.test/b v1.0.0\nrequire x.test/x v1.0.0\nrequire r.test/r v1.0.0\n",
        );
        assert_eq!(names(mods.iter()), ["old.test/a v1.0.0", "new.test/n v1.0.0"]);
        // One that says go 1.17 ends there ...
        let new = parse("module new.test/n\ngo 1.17\nrequire n.test/n v1.0.0\n");
        assert_eq!(plan.arrived(&mods[1], &new), []);
        let next = plan.arrived(&mods[0], &old);
        assert_eq!(names(next.iter()), ["b.test/b v1.0.0", "s.test/s v1.0.0"]);
        // ... unless an old one requires it; and each is asked for once.
        let pruned = parse("module b.test/b\ngo 1.21\nrequire c.test/c v1.0.0\nrequire new.test/n v1.0.0\n");
        let next = plan.arrived(&next[0], &pruned);
        assert_eq!(names(next.iter()), ["c.test/c v1.0.0", "n.test/n v1.0.0"]);
        assert_eq!(plan.arrived(&mods[1], &new), []);
    }
}

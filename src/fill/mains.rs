//! The main modules of a command: the one whose go.mod governs, or those of a workspace, and what they list together.
//!
//! Read from their files before go is started.

use crate::formats::go_mod::{GoMod, GoWork, Replace, Replacement, Require, Role};
use crate::formats::go_sum::GoSum;
use crate::formats::go_version::GoVersion;
use crate::formats::version::is_later;
use crate::formats::zip::MAX_GO_MOD;
use crate::machine::bounded::{self, MOST_SUMS};
use crate::machine::go_env::GoEnv;
use crate::machine::toolchain::{find_up, governing_file, has_vendor_folder};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// One main module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Main {
    /// Its path.
    pub(crate) path: String,
    /// Where its go.mod lies.
    pub(crate) top: PathBuf,
    /// Folders that patterns pass by.
    pub(crate) ignore: Vec<String>,
}

/// All main modules of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mains {
    /// Each of them.
    pub(crate) all: Vec<Main>,
    /// What they list together, in the highest version; folders of `replace` are absolute. Its `go` line is the lowest
    /// of theirs.
    pub(crate) listed: GoMod,
    /// They stand in a workspace.
    pub(crate) workspace: bool,
    /// go takes their packages from a vendor folder, unless it is told not to.
    pub(crate) vendored: bool,
    /// Where a go.sum may lie.
    sums: Vec<PathBuf>,
    /// The newest go or toolchain that one of them wants.
    wants: Option<GoVersion>,
}

impl Mains {
    /// Those of a command that works in `dir`, be it on the one module around it `alone`; `None` where there are none, or
    /// one cannot be read.
    pub(crate) fn read(dir: &Path, go_env: &GoEnv, alone: bool) -> Option<Mains> {
        let file = if alone { find_up(dir, "go.mod")? } else { governing_file(dir, go_env)? };
        let top = file.parent()?;
        if alone || file.file_name()? == "go.mod" {
            return Some(Mains::of(vec![(top.to_owned(), go_mod(&file)?)], None));
        }
        let work = GoWork::parse(bounded::read(&file, MAX_GO_MOD).ok()?);
        let folders = work.uses.iter().map(|folder| plain(&top.join(folder)));
        let mods: Option<Vec<_>> =
            folders.map(|folder| Some((folder.clone(), go_mod(&folder.join("go.mod"))?))).collect();
        Some(Mains::of(mods?, Some((top.to_owned(), work))))
    }

    fn of(mods: Vec<(PathBuf, GoMod)>, work: Option<(PathBuf, GoWork)>) -> Mains {
        let mut listed = GoMod::default();
        let (mut all, mut wants, mut lowest) = (Vec::new(), None, None);
        let workspace = work.is_some();
        let vendor = work.as_ref().map_or_else(|| mods.first().map(|(top, _)| top), |(top, _)| Some(top));
        let vendored = vendor.is_some_and(|top| has_vendor_folder(top));
        let mut want = |version: &Option<String>| {
            wants = wants.take().max(version.as_deref().and_then(GoVersion::parse));
        };
        let mut sums: Vec<PathBuf> = mods.iter().map(|(top, _)| top.join("go.sum")).collect();
        sums.extend(work.as_ref().map(|(top, _)| top.join("go.work.sum")));
        let mut at: HashMap<String, usize> = HashMap::new();
        for (top, go_mod) in mods {
            want(&go_mod.go);
            want(&go_mod.toolchain);
            let go = go_mod.go.as_deref().and_then(GoVersion::parse);
            if all.is_empty() || go < lowest {
                (lowest, listed.go) = (go, go_mod.go);
            }
            for require in go_mod.require {
                add(&mut listed.require, &mut at, require);
            }
            listed.replace.extend(go_mod.replace.into_iter().map(|replace| anchored(replace, &top)));
            listed.exclude.extend(go_mod.exclude);
            listed.tool.extend(go_mod.tool);
            listed.faults.extend(go_mod.faults);
            listed.module = listed.module.or_else(|| go_mod.module.clone());
            all.push(Main { path: go_mod.module.unwrap_or_default(), top, ignore: go_mod.ignore });
        }
        if let Some((top, work)) = work {
            want(&work.go);
            want(&work.toolchain);
            // The workspace's own come last: they count in the place of others.
            listed.replace.extend(work.replace.into_iter().map(|replace| anchored(replace, &top)));
            listed.faults.extend(work.faults);
        }
        // One main module may require another: that is the folder.
        listed.require.retain(|require| all.iter().all(|main: &Main| main.path != require.module.path));
        Mains { all, listed, workspace, vendored, sums, wants }
    }

    /// The hashes that their files know.
    pub(crate) fn sums(&self) -> GoSum {
        let mut all = GoSum::default();
        for text in self.sums.iter().filter_map(|file| bounded::read(file, MOST_SUMS).ok()) {
            all.merge(GoSum::parse(&text));
        }
        all
    }

    /// Whether one of them wants a newer go than this.
    pub(crate) fn want_more_than(&self, found: &GoVersion) -> bool {
        self.wants.as_ref().is_some_and(|wanted| wanted > found)
    }
}

/// Adds a requirement; of two versions the higher one counts.
fn add(to: &mut Vec<Require>, at: &mut HashMap<String, usize>, require: Require) {
    match at.get(&require.module.path).map(|at| &mut to[*at]) {
        Some(known) => {
            if is_later(&require.module.version, &known.module.version) {
                *known = require;
            }
        }
        None => {
            at.insert(require.module.path.clone(), to.len());
            to.push(require);
        }
    }
}

fn go_mod(file: &Path) -> Option<GoMod> {
    Some(GoMod::parse(bounded::read(file, MAX_GO_MOD).ok()?, Role::Main))
}

fn anchored(replace: Replace, top: &Path) -> Replace {
    let by = match replace.by {
        Replacement::Folder(folder) => Replacement::Folder(plain(&top.join(folder))),
        module @ Replacement::Module(_) => module,
    };
    Replace { by, ..replace }
}

/// A path without `.` and `..`.
pub(super) fn plain(path: &Path) -> PathBuf {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn mains(files: &[(&str, &str)], dir: &str) -> Option<Mains> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text.replace("ROOT", &root.path().display().to_string())).unwrap();
        }
        Mains::read(&root.path().join(dir), &GoEnv::default(), false)
    }

    #[test]
    fn a_workspace_lists_what_its_modules_list_in_the_highest_version() {
        let found = mains(
            &[
                ("go.work", "go 1.22\nuse (\n ./a\n b\n)\nreplace x.test/x => ./x\n"),
                ("a/go.mod", "module m.test/a\ngo 1.21\nrequire (\n m.test/b v1.0.0\n r.test/r v1.2.0\n)\n"),
                (
                    "b/go.mod",
                    "module m.test/b\ngo 1.20\nrequire (\n r.test/r v1.10.0\n s.test/s v1.0.0\n)\nreplace s.test/s => ../s\n",
                ),
            ],
            "b/deep",
        )
        .expect("two modules");
        let listed: Vec<_> = found.listed.require.iter().map(|r| &*r.module.version).collect();
        assert_eq!(listed, ["v1.10.0", "v1.0.0"]);
        assert_eq!((found.listed.go.as_deref(), found.workspace), (Some("1.20"), true));
        assert!(found.want_more_than(&GoVersion::parse("1.21.13").unwrap()));
        assert!(!found.want_more_than(&GoVersion::parse("1.22.0").unwrap()));
        let folders = found.listed.replace.iter().filter_map(|replace| match &replace.by {
            Replacement::Folder(folder) => folder.file_name(),
            Replacement::Module(_) => None,
        });
        assert_eq!(folders.collect::<Vec<_>>(), ["s", "x"]);
        let Replacement::Folder(folder) = &found.listed.replace[0].by else { panic!("a folder") };
        assert!(folder.is_absolute() && !folder.components().any(|part| part == Component::ParentDir));
    }

    #[test]
    fn what_cannot_be_read_is_no_list() {
        assert_eq!(mains(&[("go.work", "go 1.22\nuse ./gone\n")], ""), None);
        assert_eq!(mains(&[("a.go", "package a")], ""), None);
        let one = mains(&[("go.mod", "module m.test\ngo 1.21\n")], "deep").expect("one module");
        assert_eq!((one.all.len(), one.workspace, one.vendored), (1, false, false));
        let files = [("go.mod", "module m.test\n"), ("vendor/README", "")];
        assert!(mains(&files, "").expect("one module").vendored);
    }
}

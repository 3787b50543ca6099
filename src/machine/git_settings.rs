//! What git and ssh know of this repository and its places: the URLs of its origin, and every other
//! name that a host or an owner may have here. Read without running git.
//!
//! Files are read bounded and followed through their includes, whatever the conditions of those say: a
//! name too many costs a detour, a name too few tells strangers. Where a file cannot be read, or git
//! would refuse it, [`GitSettings::doubt`] says so.

use super::bounded::{self, MOST_SETTINGS};
use super::configuration_files::{home, repository_root};
use crate::configuration::Environment;
use crate::formats::git_config::GitConfig;
use crate::formats::patterns::glob_matches;
use crate::formats::ssh_config::SshConfig;
use crate::judgement::privacy::{Aliases, Neighbour};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Files that one reading goes through at most; more belong to nobody.
const MOST_FILES: usize = 200;

/// The system's file of git, where `GIT_CONFIG_SYSTEM` names no other.
const GIT_SYSTEM: &str = "/etc/gitconfig";

/// The system's file of ssh.
const SSH_SYSTEM: &str = "/etc/ssh/ssh_config";

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct GitSettings {
    /// Whose modules stand near those of this repository.
    pub neighbours: Vec<Neighbour>,
    /// Why something may have been missed, as a sentence.
    pub doubt: Option<String>,
}

/// Reads what concerns the repository around `folder`.
pub(crate) fn read(folder: &Path, env: Environment<'_>) -> GitSettings {
    let mut reader = Reader { home: home(env), doubt: None, left: MOST_FILES };
    let mut shared = Vec::new();
    for file in shared_files(env) {
        reader.git(&file, &mut shared);
    }
    shared.push(from_environment(env));
    let mut own = Vec::new();
    if let Some(root) = repository_root(folder) {
        for file in reader.repository_files(root) {
            reader.git(&file, &mut own);
        }
    }
    let mut ssh = Vec::new();
    let users = reader.home.as_ref().map(|home| home.join(".ssh/config"));
    for file in users.into_iter().chain([PathBuf::from(SSH_SYSTEM)]) {
        reader.ssh(&file, &mut ssh);
    }
    let instead_of = shared.iter().chain(&own).flat_map(rewritings).collect();
    let aliases = Aliases { instead_of, ssh };
    let mut neighbours = aliases.rewritten();
    neighbours.extend(origin_urls(&own).iter().flat_map(|url| aliases.neighbours(url)));
    neighbours.sort();
    neighbours.dedup();
    GitSettings { neighbours, doubt: reader.doubt }
}

/// The files that every repository of this user shares.
fn shared_files(env: Environment<'_>) -> Vec<PathBuf> {
    let path = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let mut files = Vec::new();
    if env("GIT_CONFIG_NOSYSTEM")
        .is_none_or(|v| matches!(v.as_bytes(), b"" | b"0" | b"false" | b"no" | b"off"))
    {
        files.push(path("GIT_CONFIG_SYSTEM").unwrap_or_else(|| GIT_SYSTEM.into()));
    }
    match path("GIT_CONFIG_GLOBAL") {
        Some(file) => files.push(file),
        None => {
            let configured = path("XDG_CONFIG_HOME").or_else(|| Some(home(env)?.join(".config")));
            files.extend(configured.map(|folder| folder.join("git/config")));
            files.extend(home(env).map(|home| home.join(".gitconfig")));
        }
    }
    files
}

/// `GIT_CONFIG_COUNT` with its keys and values.
fn from_environment(env: Environment<'_>) -> GitConfig {
    let number = |text: &OsStr| text.to_str().and_then(|n| n.parse::<usize>().ok());
    let count = env("GIT_CONFIG_COUNT").and_then(|n| number(&n)).unwrap_or(0).min(MOST_FILES);
    let mut config = GitConfig::default();
    for n in 0..count {
        if let (Some(key), Some(value)) =
            (env(&format!("GIT_CONFIG_KEY_{n}")), env(&format!("GIT_CONFIG_VALUE_{n}")))
        {
            config.set(key.as_bytes(), value.as_bytes());
        }
    }
    config
}

/// `url.BASE.insteadOf` and `pushInsteadOf`: what stands in place, and what it stands for.
fn rewritings(config: &GitConfig) -> impl Iterator<Item = (String, String)> + '_ {
    config.entries().iter().filter_map(|entry| {
        let is_one = entry.section == b"url" && matches!(&entry.key[..], b"insteadof" | b"pushinsteadof");
        let (base, prefix) = (entry.subsection.as_ref()?, entry.value.as_ref()?);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        is_one.then(|| (text(base), text(prefix)))
    })
}

/// The URLs of the remote `origin`; of every remote where none has that name.
fn origin_urls(configs: &[GitConfig]) -> Vec<String> {
    let urls = |of_origin: bool| -> Vec<String> {
        let entries = configs.iter().flat_map(GitConfig::entries).filter(|entry| {
            entry.section == b"remote"
                && matches!(&entry.key[..], b"url" | b"pushurl")
                && (!of_origin || entry.subsection.as_deref() == Some(b"origin"))
        });
        entries.filter_map(|e| e.value.as_ref()).map(|v| String::from_utf8_lossy(v).into_owned()).collect()
    };
    let of_origin = urls(true);
    if of_origin.is_empty() { urls(false) } else { of_origin }
}

struct Reader {
    home: Option<PathBuf>,
    doubt: Option<String>,
    /// So many files may still be read.
    left: usize,
}

impl Reader {
    /// A file that need not be there.
    fn file(&mut self, path: &Path) -> Option<Vec<u8>> {
        if self.left == 0 {
            self.doubt.get_or_insert_with(|| "git's and ssh's configuration has too many files".into());
            return None;
        }
        self.left -= 1;
        match bounded::read(path, MOST_SETTINGS) {
            Ok(text) => Some(text),
            Err(why) => {
                if why.hides() {
                    self.doubt.get_or_insert_with(|| format!("{} {why}", path.display()));
                }
                None
            }
        }
    }

    /// A file of git's, and those that it includes.
    fn git(&mut self, path: &Path, found: &mut Vec<GitConfig>) {
        self.following(path, |reader, path, text| {
            let config = GitConfig::parse(text);
            if !config.is_whole() {
                reader.doubt.get_or_insert_with(|| format!("{} has a line that git refuses", path.display()));
            }
            let folder = path.parent().unwrap_or(Path::new("/"));
            let included = config.includes().map(|name| reader.anchored(name, folder)).collect();
            found.push(config);
            included
        });
    }

    /// Reads a file and those that it includes, each once: `read` takes one and tells which those are.
    fn following(&mut self, path: &Path, mut read: impl FnMut(&mut Reader, &Path, &[u8]) -> Vec<PathBuf>) {
        let mut waiting = vec![path.to_owned()];
        let mut seen: Vec<PathBuf> = Vec::new();
        while let Some(path) = waiting.pop() {
            if seen.contains(&path) {
                continue;
            }
            let Some(text) = self.file(&path) else { continue };
            waiting.extend(read(self, &path, &text));
            seen.push(path);
        }
    }

    /// The files that configure the repository with this root, and its work tree.
    fn repository_files(&mut self, root: &Path) -> Vec<PathBuf> {
        let git = root.join(".git");
        let (own, common) = if git.is_dir() {
            (git.clone(), git)
        } else {
            // A linked work tree or a submodule: a file that names the real folder.
            let Some(text) = self.file(&git) else { return Vec::new() };
            let named = text.strip_prefix(b"gitdir:").unwrap_or_default().trim_ascii();
            let own = root.join(OsStr::from_bytes(named));
            let common = self.file(&own.join("commondir"));
            let common =
                common.map_or_else(|| own.clone(), |text| own.join(OsStr::from_bytes(text.trim_ascii())));
            (own, common)
        };
        vec![common.join("config"), own.join("config.worktree")]
    }

    /// A file of ssh's, and those that it includes.
    fn ssh(&mut self, path: &Path, found: &mut Vec<SshConfig>) {
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        self.following(path, |reader, _, text| {
            let config = SshConfig::parse(text);
            // Relative ones lie beside the first file, as ssh has it.
            let names = config.includes().iter().map(|pattern| reader.anchored(pattern, &folder));
            let included = names.flat_map(|path| matching(&path)).collect();
            found.push(config);
            included
        });
    }

    fn anchored(&self, name: &[u8], folder: &Path) -> PathBuf {
        match (name.strip_prefix(b"~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(OsStr::from_bytes(rest)),
            _ => folder.join(OsStr::from_bytes(name)),
        }
    }
}

/// The files that a path with a pattern in its last element means.
fn matching(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(pattern)) = (path.parent(), path.file_name()) else { return Vec::new() };
    if !pattern.as_bytes().iter().any(|b| b"*?[".contains(b)) {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_FILES);
    let fits = |name: &OsStr| glob_matches(pattern.as_bytes(), name.as_bytes()).unwrap_or(false);
    entries.map(|entry| entry.path()).filter(|path| path.file_name().is_some_and(fits)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    struct Machine {
        root: tempfile::TempDir,
    }

    impl Machine {
        fn new() -> Machine {
            Machine { root: tempfile::tempdir().unwrap() }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Machine {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        fn read(&self, folder: &str, variables: &[(&str, &str)]) -> GitSettings {
            let env = |name: &str| match name {
                "HOME" => Some(self.path("home").into_os_string()),
                "GIT_CONFIG_NOSYSTEM" => Some("1".into()),
                _ => variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).into()),
            };
            fs::create_dir_all(self.path(folder)).unwrap();
            read(&self.path(folder), &env)
        }
    }

    fn owner(text: &str) -> Neighbour {
        Neighbour::Owner(text.into())
    }

    #[test]
    fn the_origin_is_read_from_a_plain_and_a_linked_tree() {
        let machine = Machine::new();
        machine.write(
            "main/.git/config",
            b"[user]\n name = Andr\xe9\n[remote \"up\"]\n url = git@github.com:up/r\n[Remote \"origin\"]\n\tURL = git@github.com:o/r.git\n",
        );
        let found = machine.read("main/cmd/x", &[]);
        assert_eq!((found.neighbours, found.doubt), (vec![owner("github.com/o")], None));
        machine
            .write("linked/.git", format!("gitdir: {}\n", machine.path("main/.git/worktrees/w").display()));
        machine.write("main/.git/worktrees/w/commondir", "../..\n");
        assert_eq!(machine.read("linked", &[]).neighbours, [owner("github.com/o")]);
        machine.write("other/.git/config", "[remote \"corp\"]\nurl = https://git.acme.dev/t/r\n");
        assert_eq!(machine.read("other", &[]).neighbours, [Neighbour::Host("git.acme.dev".into())]);
        assert_eq!(machine.read("none", &[]).neighbours, []);
    }

    #[test]
    fn other_names_are_followed_through_includes_and_ssh() {
        let machine = Machine::new();
        machine.write("repo/.git/config", "[remote \"origin\"]\nurl = work:acme/app\n");
        machine.write("home/.gitconfig", "[includeIf \"gitdir:/nowhere/\"]\npath = .config/git/more\n");
        machine.write(
            "home/.config/git/more",
            "[url \"git@hub:\"]\ninsteadOf = work:\n[include]\npath = more\n",
        );
        machine.write("home/.ssh/config", "Include conf.d/*\n");
        machine.write("home/.ssh/conf.d/one", "Host hub\nHostName GitHub.com\n");
        let found = machine.read("repo", &[]);
        assert!(found.neighbours.contains(&owner("github.com/acme")), "{found:?}");
        assert_eq!(found.doubt, None);
        let variables = [
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "url.https://gitlab.com/.insteadOf"),
            ("GIT_CONFIG_VALUE_0", "work:"),
        ];
        let found = machine.read("repo", &variables);
        assert!(found.neighbours.contains(&owner("gitlab.com/acme")), "{found:?}");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let machine = Machine::new();
        machine.write("repo/.git/config", "[remote \"origin\"]\nurl = git@github.com:o/r\nnonsense !\n");
        let found = machine.read("repo", &[]);
        assert_eq!(found.neighbours, [owner("github.com/o")]);
        assert!(found.doubt.unwrap().ends_with("has a line that git refuses"));
        fs::remove_file(machine.path("repo/.git/config")).unwrap();
        fs::create_dir(machine.path("repo/.git/config")).unwrap();
        assert!(machine.read("repo", &[]).doubt.unwrap().ends_with("is no file"));
        machine.write("odd/.git", vec![b'x'; 2 << 20]);
        assert!(machine.read("odd", &[]).doubt.unwrap().contains("is larger than"));
    }
}

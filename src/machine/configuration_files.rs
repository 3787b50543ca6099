//! Finds and reads the gox.toml files of a run, and settles every key with them.

use super::bounded::{self, MOST_SETTINGS};
use crate::configuration::{
    CliOptions, Environment, Error, FileKind, FileText, Files, Key, Notice, Resolved, files, resolve,
};
use crate::words::{Text, faults};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The name of a configuration file, everywhere.
pub(crate) const FILE_NAME: &str = "gox.toml";

/// The system's file.
pub(crate) const SYSTEM_FILE: &str = "/etc/gox/gox.toml";

/// Most bytes of a project's file: what a project may say has room in a tenth of it.
const MOST_OF_PROJECT: u64 = 64 << 10;

/// How long a pipe that was named as a configuration file may be silent.
const PATIENCE: Duration = Duration::from_secs(5);

/// Reads what there is and settles every key. `folder` is where go will work: the current folder,
/// or that of `go -C`; `None` where it cannot be told.
///
/// # Errors
/// A wrong command line, environment or file of the user's or the system's, or one that is there and
/// cannot be read. A project's file makes no error.
pub(crate) fn load(cli: &CliOptions, env: Environment<'_>, folder: Option<&Path>) -> Result<Resolved, Error> {
    load_below(&system_file(env), cli, env, folder)
}

/// The system's file. What a machine has there is none of the tests' business, so a debug build takes another
/// one from the environment; one for users reads no such variable, since nobody escapes what is locked there.
fn system_file(env: Environment<'_>) -> PathBuf {
    let tests = cfg!(debug_assertions).then(|| env("GOX_TEST_SYSTEM_FILE")).flatten();
    tests.map_or_else(|| SYSTEM_FILE.into(), PathBuf::from)
}

fn load_below(
    system: &Path,
    cli: &CliOptions,
    env: Environment<'_>,
    folder: Option<&Path>,
) -> Result<Resolved, Error> {
    let files = files(cli, env)?;
    // Whoever looks after the machine speaks whatever the user chooses.
    let mut found: Vec<FileText> = read_if_there(system, FileKind::System)?.into_iter().collect();
    let mut refused = None;
    match files {
        Files::None => {}
        Files::Only(path) => found.push(read_chosen(&path, cli)?),
        Files::Usual => {
            let user = user_file(env);
            if let Some(path) = &user {
                found.extend(read_if_there(path, FileKind::User)?);
            }
            if let Some(path) = folder.and_then(|folder| project_file(folder, home(env).as_deref())) {
                // Somebody who works in ~/.config/gox or /etc/gox has one file, not two.
                let same = |other: &Path| match (fs::canonicalize(other), fs::canonicalize(&path)) {
                    (Ok(a), Ok(b)) => a == b,
                    _ => false,
                };
                if !same(system) && !user.as_deref().is_some_and(same) {
                    match read_project(&path) {
                        Ok(text) => found.push(FileText { path, text, kind: FileKind::Project }),
                        Err(why) => {
                            refused = Some(Error::file(&path, faults::IGNORED.with(&[("why", &why)])));
                        }
                    }
                }
            }
        }
    }
    let mut resolved = resolve(cli, env, &found)?;
    resolved.ignored.extend(refused.map(|error| Notice { text: error.text() }));
    Ok(resolved)
}

/// The user's own file: `$XDG_CONFIG_HOME/gox/gox.toml`, or `~/.config/gox/gox.toml`. `None`
/// without a home folder.
pub(crate) fn user_file(env: Environment<'_>) -> Option<PathBuf> {
    let configured = env("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = configured.or_else(|| Some(home(env)?.join(".config")))?;
    Some(folder.join("gox").join(FILE_NAME))
}

/// The home folder, where one is set and absolute.
pub(crate) fn home(env: Environment<'_>) -> Option<PathBuf> {
    env("HOME").map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The root of the repository that `folder` lies in: the nearest folder upwards with a `.git`
/// (a file in linked work trees). `None` outside a repository.
pub(crate) fn repository_root(folder: &Path) -> Option<&Path> {
    folder.ancestors().find(|above| above.join(".git").symlink_metadata().is_ok())
}

/// The project's file: the nearest gox.toml from `folder` up to the root of the repository.
///
/// Outside a repository the search ends below the home folder, and below a folder that everybody
/// may write to: a gox.toml in /tmp speaks for nobody.
fn project_file(folder: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let root = repository_root(folder);
    // The current folder is told without symbolic links, HOME as the user wrote it.
    let homes = [home.map(Path::to_owned), home.and_then(|home| fs::canonicalize(home).ok())];
    let is_home = |above: &Path| homes.iter().flatten().any(|home| home == above);
    for (depth, above) in folder.ancestors().enumerate() {
        if depth > 0 && root.is_none() && (is_home(above) || anybody_may_write(above)) {
            return None;
        }
        let file = above.join(FILE_NAME);
        if file.is_file() {
            return Some(file);
        }
        if root == Some(above) {
            return None;
        }
    }
    None
}

#[cfg(unix)]
fn anybody_may_write(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(folder).is_ok_and(|found| found.mode() & 0o002 != 0)
}

#[cfg(not(unix))]
fn anybody_may_write(_: &Path) -> bool {
    false
}

/// The text of a project's file, or why it does not count. It is a stranger's: a link that leads out
/// of the project would have gox tell lines of another file of the user's.
fn read_project(path: &Path) -> Result<String, Text> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let root = repository_root(folder).unwrap_or(folder);
    match (fs::canonicalize(path), fs::canonicalize(root)) {
        (Ok(file), Ok(root)) if file.starts_with(&root) => {}
        _ => return Err(faults::OUT_OF_PROJECT.into()),
    }
    let text = bounded::read(path, MOST_OF_PROJECT).map_err(|why| why.text())?;
    String::from_utf8(text).map_err(|_| faults::FILE_NOT_UTF8.into())
}

/// The text of a file that need not exist. A folder on the way that may not be entered (HOME of
/// another user, as under sudo or in a container) counts as no file; a file that is there and
/// cannot be read is an error.
fn read_if_there(path: &Path, kind: FileKind) -> Result<Option<FileText>, Error> {
    if !path.is_file() {
        return Ok(None);
    }
    let wrong = |problem: Text| Error::file(path, problem);
    let text = bounded::read(path, MOST_SETTINGS).map_err(|why| wrong(why.text()))?;
    let text = String::from_utf8(text).map_err(|_| wrong(faults::FILE_NOT_UTF8.into()))?;
    Ok(Some(FileText { path: path.to_owned(), text, kind }))
}

/// The text of the file that `--config` or `GOX_CONFIG` names. It may be a pipe.
fn read_chosen(path: &Path, cli: &CliOptions) -> Result<FileText, Error> {
    let wrong = |why: Text| {
        let problem = faults::SAID_BY.with(&[("verb", &path.display()), ("why", &why)]);
        match cli.last(Key::Config) {
            Some(_) => Error::option(Key::Config.option(), problem),
            None => Error::environment(Key::Config, problem),
        }
    };
    let absolute = std::path::absolute(path).map_err(|e| wrong(Text::plain(e.to_string())))?;
    let text = bounded::read_named(&absolute, MOST_SETTINGS, PATIENCE).map_err(|why| wrong(why.text()))?;
    let text = String::from_utf8(text).map_err(|_| wrong(faults::FILE_NOT_UTF8.into()))?;
    Ok(FileText { path: absolute, text, kind: FileKind::User })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::NO_BOUND;
    use std::ffi::OsString;
    use tempfile::TempDir;

    struct Machine {
        root: TempDir,
    }

    impl Machine {
        fn new() -> Machine {
            Machine { root: TempDir::new().unwrap() }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn write(&self, name: &str, text: &str) -> &Machine {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
            self
        }

        fn load_with(&self, config: Option<&str>, folder: &str) -> Result<Resolved, Error> {
            let home = self.path("home").into_os_string();
            let env = |name: &str| match name {
                "HOME" => Some(home.clone()),
                "GOX_CONFIG" => config.map(OsString::from),
                _ => None,
            };
            fs::create_dir_all(self.path(folder)).unwrap();
            load_below(&self.path("etc/gox.toml"), &CliOptions::default(), &env, Some(&self.path(folder)))
        }

        fn attempts(&self, folder: &str) -> u32 {
            self.load_with(None, folder).unwrap().settings.attempts
        }
    }

    #[test]
    fn the_three_files_are_found_and_ranked() {
        let machine = Machine::new();
        machine.write("etc/gox.toml", "attempts = 3\nbudget = \"1m\"\nstall = \"9s\"");
        machine.write("home/.config/gox/gox.toml", "attempts = 2\nbudget = \"2m\"");
        machine.write("home/src/tool/gox.toml", "attempts = 1");
        fs::create_dir_all(machine.path("home/src/tool/.git")).unwrap();
        let resolved = machine.load_with(None, "home/src/tool/cmd/x").unwrap();
        assert_eq!(resolved.settings.attempts, 1);
        assert_eq!(resolved.settings.budget.as_secs(), 120);
        assert_eq!(resolved.settings.stall.as_secs(), 9);
        let kinds: Vec<_> = resolved.files.iter().map(|f| f.0).collect();
        assert_eq!(kinds, [FileKind::System, FileKind::User, FileKind::Project]);
    }

    #[test]
    fn none_reads_the_systems_alone_and_a_file_stands_for_project_and_user() {
        let machine = Machine::new();
        machine.write("etc/gox.toml", "budget = \"1m\"");
        machine.write("home/.config/gox/gox.toml", "stall = \"2s\"");
        machine.write("home/src/gox.toml", "attempts = 1");
        machine.write("other.toml", "attempts = 9");
        let none = machine.load_with(Some("none"), "home/src").unwrap();
        assert_eq!(none.files.iter().map(|f| f.0).collect::<Vec<_>>(), [FileKind::System]);
        assert_eq!((none.settings.attempts, none.settings.budget.as_secs()), (NO_BOUND, 60));
        machine.write("etc/gox.toml", "budget = \"1m\"\nlocked = [\"attempts\"]");
        let cli = CliOptions { given: vec![(Key::Attempts, "9".into())] };
        let env = |name: &str| (name == "GOX_CONFIG").then(|| "none".into());
        let locked = load_below(&machine.path("etc/gox.toml"), &cli, &env, None).unwrap();
        assert_eq!(
            (locked.settings.attempts, locked.notices.len()),
            (NO_BOUND, 1),
            "locks hold without any other file"
        );
        machine.write("etc/gox.toml", "budget = \"1m\"");
        let other = machine.path("other.toml");
        let only = machine.load_with(other.to_str(), "home/src").unwrap();
        assert_eq!((only.settings.attempts, only.settings.stall.as_secs()), (9, 30));
        assert_eq!(only.settings.budget.as_secs(), 60);
        let missing = machine.path("missing.toml");
        let error = machine.load_with(missing.to_str(), "home/src").unwrap_err().to_string();
        assert!(error.starts_with(&format!("GOX_CONFIG: {}: is not there", missing.display())), "{error}");
    }

    #[test]
    fn the_search_ends_at_the_repository_or_below_home() {
        let machine = Machine::new();
        machine.write("home/gox.toml", "attempts = 1");
        assert_eq!(machine.attempts("home/loose/folder"), NO_BOUND);
        assert_eq!(machine.attempts("home"), 1);
        machine.write("home/group/gox.toml", "attempts = 2");
        assert_eq!(machine.attempts("home/group/loose/folder"), 2);
        // A linked work tree has a file named .git.
        machine.write("home/group/repo/.git", "gitdir: elsewhere");
        assert_eq!(machine.attempts("home/group/repo/sub"), NO_BOUND);
        machine.write("home/group/repo/gox.toml", "attempts = 3");
        assert_eq!(machine.attempts("home/group/repo/sub"), 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_anybody_may_write_to_ends_the_search() {
        use std::os::unix::fs::PermissionsExt;
        let machine = Machine::new();
        machine.write("everybodys/gox.toml", "attempts = 1");
        fs::set_permissions(machine.path("everybodys"), fs::Permissions::from_mode(0o1777)).unwrap();
        assert_eq!(machine.attempts("everybodys/mine"), NO_BOUND);
    }

    #[test]
    fn the_users_folder_is_no_project() {
        let machine = Machine::new();
        machine.write("home/.config/gox/gox.toml", "attempts = 9");
        let resolved = machine.load_with(None, "home/.config/gox").unwrap();
        assert_eq!(resolved.files.len(), 1);
        assert_eq!(resolved.settings.attempts, 9);
    }

    #[test]
    fn files_that_are_no_text_or_too_large_are_errors_and_folders_are_none() {
        let machine = Machine::new();
        let file = "home/.config/gox/gox.toml";
        machine.write(file, "");
        fs::write(machine.path(file), b"# \xff").unwrap();
        let error = machine.load_with(None, "home/x").unwrap_err().to_string();
        assert_eq!(error, format!("{}: not valid UTF-8", machine.path(file).display()));
        fs::write(machine.path(file), "#".repeat(MOST_SETTINGS as usize + 1)).unwrap();
        let error = machine.load_with(None, "home/x").unwrap_err().to_string();
        assert!(error.ends_with(": is larger than 1048576 bytes"), "{error}");
        fs::remove_file(machine.path(file)).unwrap();
        fs::create_dir_all(machine.path(file)).unwrap();
        assert_eq!(machine.attempts("home/x"), NO_BOUND);
    }

    #[test]
    fn a_projects_file_is_bounded_and_leads_nowhere_else() {
        let machine = Machine::new();
        fs::create_dir_all(machine.path("home/repo/.git")).unwrap();
        let ignored = |machine: &Machine| {
            let resolved = machine.load_with(None, "home/repo/sub").unwrap();
            assert_eq!(resolved.settings.attempts, NO_BOUND);
            resolved.ignored.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let at = machine.path("home/repo/gox.toml");
        fs::write(&at, b"attempts = 1 # \xff").unwrap();
        assert_eq!(ignored(&machine), [format!("{}: not valid UTF-8: ignored", at.display())]);
        fs::write(&at, "#".repeat(MOST_OF_PROJECT as usize + 1)).unwrap();
        assert_eq!(ignored(&machine), [format!("{}: is larger than 65536 bytes: ignored", at.display())]);
        machine.write("home/secret", "attempts = 1\npassword = hunter2");
        fs::remove_file(&at).unwrap();
        std::os::unix::fs::symlink("../secret", &at).unwrap();
        assert_eq!(ignored(&machine), [format!("{}: leads out of the project: ignored", at.display())]);
        fs::remove_file(&at).unwrap();
        machine.write("home/repo/ci/gox.toml", "attempts = 1");
        std::os::unix::fs::symlink("ci/gox.toml", &at).unwrap();
        assert_eq!(machine.attempts("home/repo/sub"), 1, "one within is as good as a file");
    }

    #[test]
    fn without_home_there_is_no_user_file() {
        assert_eq!(user_file(&|_| None), None);
        assert_eq!(user_file(&|name| (name == "HOME").then(|| "".into())), None);
        let env = |name: &str| match name {
            "HOME" => Some("/h".into()),
            "XDG_CONFIG_HOME" => Some("relative".into()),
            _ => None,
        };
        assert_eq!(user_file(&env), Some("/h/.config/gox/gox.toml".into()));
    }
}

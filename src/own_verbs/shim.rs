//! `gox shim`: a link named go that leads to gox, or a script of two lines in its place, for everything that calls go
//! by name.

use super::{columns, say};
use crate::command_line::ShimVerb;
use crate::configuration::{Environment, Error};
use crate::machine::configuration_files::home;
use crate::machine::find_go::{is_wrapper, wrapper};
use crate::machine::look_up::programs;
use crate::words::{Part, Text, faults, keeping};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Does one of the shim verbs. `gox` is the file of the running program.
///
/// # Errors
/// A file named go that is not gox's stands in the way (it is left alone), a folder that cannot
/// be written, or no folder given and no home folder known.
pub(crate) fn run(
    verb: &ShimVerb,
    env: Environment<'_>,
    gox: &Path,
    out: &mut dyn Write,
) -> Result<i32, Error> {
    match verb {
        ShimVerb::Status => say(out, &status(env, gox), env),
        ShimVerb::Install { dir, wrapper } => {
            let folder = folder(dir.as_deref(), env)?;
            let text = install(&folder, *wrapper, env, gox)?;
            say(out, &text, env)
        }
        ShimVerb::Remove { dir } => {
            let folder = folder(dir.as_deref(), env)?;
            let text = remove(&folder, gox, dir.is_none())?;
            say(out, &text, env)
        }
    }
}

/// Where the link goes when no folder is given: one of gox's own, which holds nothing else and so
/// can stand first on PATH without hiding anything.
fn folder(given: Option<&Path>, env: Environment<'_>) -> Result<PathBuf, Error> {
    let folder = match given {
        Some(folder) => folder.to_owned(),
        None => {
            let data = env("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
            data.or_else(|| Some(home(env)?.join(".local/share")))
                .ok_or_else(|| Error::usage(faults::SHIM_WHERE))?
                .join("gox/bin")
        }
    };
    std::path::absolute(&folder).map_err(|e| Error::file(&folder, Text::plain(e.to_string())))
}

/// What stands at the place of the link.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Nothing,
    /// A link that leads to this gox, or to a gox that is gone.
    Ours,
    /// A script that calls a gox.
    Script,
    Other,
}

fn standing(link: &Path, gox: &Path) -> Standing {
    let Ok(found) = link.symlink_metadata() else { return Standing::Nothing };
    if !found.is_symlink() {
        return if is_wrapper(link) { Standing::Script } else { Standing::Other };
    }
    let target_is_named_gox =
        || fs::read_link(link).is_ok_and(|target| target.file_name() == gox.file_name());
    match fs::canonicalize(link) {
        Ok(_) if is_same_file(link, gox) => Standing::Ours,
        Ok(_) => Standing::Other,
        Err(_) if target_is_named_gox() => Standing::Ours,
        Err(_) => Standing::Other,
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    }
}

fn install(folder: &Path, as_script: bool, env: Environment<'_>, gox: &Path) -> Result<Text, Error> {
    let link = folder.join("go");
    let failed = |e: std::io::Error| Error::file(&link, faults::UNMAKABLE.with(&[("why", &e)]));
    let script = wrapper(&quoted_for_shell(gox));
    let mut text = Text::default();
    match standing(&link, gox) {
        Standing::Other => return Err(Error::file(&link, faults::NOT_OURS)),
        Standing::Ours if !as_script && is_same_file(&link, gox) => {
            text.line(keeping::LINK_ALREADY.with(&[("link", &link.display())]));
        }
        Standing::Script if as_script && fs::read_to_string(&link).is_ok_and(|found| found == script) => {
            text.line(keeping::SCRIPT_ALREADY.with(&[("link", &link.display())]));
        }
        standing => {
            fs::create_dir_all(folder).map_err(failed)?;
            if standing != Standing::Nothing {
                fs::remove_file(&link).map_err(failed)?;
            }
            if as_script {
                write_script(&link, &script).map_err(failed)?;
                let parts: &[(&str, &dyn Part)] = &[("link", &link.display()), ("gox", &gox.display())];
                text.line(keeping::SCRIPT_CALLS.with(parts));
            } else {
                std::os::unix::fs::symlink(gox, &link).map_err(failed)?;
                text.line(Text::plain(format!("{} -> {}", link.display(), gox.display())));
            }
        }
    }
    if candidates(env).first() != Some(&link) {
        text.line(keeping::NOT_FIRST);
        text.line(Text::plain(format!("  export PATH={}:\"$PATH\"", quoted_for_shell(folder))));
    }
    Ok(text)
}

/// Writes a program that is new there.
fn write_script(file: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut made = fs::OpenOptions::new().write(true).create_new(true).mode(0o777).open(file)?;
    made.write_all(text.as_bytes())
}

fn remove(folder: &Path, gox: &Path, own_folder: bool) -> Result<Text, Error> {
    let link = folder.join("go");
    let mut text = Text::default();
    match standing(&link, gox) {
        Standing::Nothing => text.line(keeping::LINK_ABSENT.with(&[("link", &link.display())])),
        Standing::Other => return Err(Error::file(&link, faults::NO_LINK)),
        Standing::Ours | Standing::Script => {
            let failed = |e: std::io::Error| Error::file(&link, faults::UNREMOVABLE.with(&[("why", &e)]));
            fs::remove_file(&link).map_err(failed)?;
            if own_folder {
                // Only where it is empty; a folder that stays harms nobody.
                let _ = fs::remove_dir(folder);
            }
            text.line(keeping::LINK_REMOVED.with(&[("link", &link.display())]));
        }
    }
    Ok(text)
}

/// Every executable named go on PATH, in order.
fn candidates(env: Environment<'_>) -> Vec<PathBuf> {
    programs("go", env("PATH").as_deref()).map(|p| std::path::absolute(&p).unwrap_or(p)).collect()
}

fn status(env: Environment<'_>, gox: &Path) -> Text {
    let found = candidates(env);
    let other = Text::from(keeping::OTHER_GO);
    let rows = |other: &str| {
        let whose = |file: &PathBuf| if leads_here(file, gox) { "gox".to_owned() } else { other.to_owned() };
        columns(&found.iter().map(|file| [file.display().to_string(), whose(file)]).collect::<Vec<_>>())
    };
    let mut text = Text { en: rows(&other.en), zh: rows(&other.zh) };
    text.line(match found.first() {
        None => keeping::NO_GO_ON_PATH,
        Some(first) if leads_here(first, gox) => keeping::FINDS_GOX,
        Some(_) => keeping::FINDS_GO,
    });
    text
}

fn leads_here(file: &Path, gox: &Path) -> bool {
    is_same_file(file, gox) || is_wrapper(file)
}

/// A path as one word of a POSIX shell.
fn quoted_for_shell(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|c| c.is_ascii_alphanumeric() || "._-/+@".contains(c)) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use tempfile::TempDir;

    struct Machine {
        root: TempDir,
        gox: PathBuf,
    }

    impl Machine {
        fn new() -> Machine {
            let root = TempDir::new().unwrap();
            let machine = Machine { gox: root.path().join("bin/gox"), root };
            machine.program("bin/gox");
            machine
        }

        fn path(&self, name: &str) -> PathBuf {
            self.root.path().join(name)
        }

        fn program(&self, name: &str) -> PathBuf {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, name).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
            path
        }

        fn run(&self, verb: ShimVerb, path: &[&str]) -> Result<String, String> {
            let path = std::env::join_paths(path.iter().map(|folder| self.path(folder))).unwrap();
            let home = self.path("home").into_os_string();
            let env = |name: &str| -> Option<OsString> {
                match name {
                    "HOME" => Some(home.clone()),
                    "PATH" => Some(path.clone()),
                    _ => None,
                }
            };
            let mut out = Vec::new();
            run(&verb, &env, &self.gox, &mut out).map_err(|e| e.to_string())?;
            Ok(String::from_utf8(out).unwrap())
        }
    }

    const OWN: &str = "home/.local/share/gox/bin";

    #[test]
    fn install_status_and_remove_take_each_other_back() {
        let machine = Machine::new();
        machine.program("sdk/go");
        let link = machine.path(OWN).join("go");
        let said = machine.run(ShimVerb::Install { dir: None, wrapper: false }, &["sdk"]).unwrap();
        assert_eq!(
            said,
            format!(
                "{} -> {}\nshells do not find it first yet; put this into your shell's start file:\n  \
                 export PATH={}:\"$PATH\"\n",
                link.display(),
                machine.gox.display(),
                machine.path(OWN).display()
            )
        );
        assert_eq!(fs::canonicalize(&link).unwrap(), fs::canonicalize(&machine.gox).unwrap());
        let again = machine.run(ShimVerb::Install { dir: None, wrapper: false }, &[OWN, "sdk"]).unwrap();
        assert_eq!(again, format!("{} leads to gox already\n", link.display()));
        let status = machine.run(ShimVerb::Status, &[OWN, "sdk"]).unwrap();
        assert!(status.ends_with("a shell that looks for go finds gox\n"), "{status}");
        assert!(status.contains("another go\n"), "{status}");
        let removed = machine.run(ShimVerb::Remove { dir: None }, &[]).unwrap();
        assert_eq!(removed, format!("removed {}\n", link.display()));
        assert!(!machine.path(OWN).exists());
        let status = machine.run(ShimVerb::Status, &["sdk"]).unwrap();
        assert!(status.contains("finds go itself"), "{status}");
        let nothing = machine.run(ShimVerb::Remove { dir: None }, &[]).unwrap();
        assert_eq!(nothing, format!("{} is not there\n", link.display()));
        assert_eq!(machine.run(ShimVerb::Status, &[]).unwrap(), "no go on PATH\n");
    }

    #[test]
    fn what_is_not_goxs_is_left_alone() {
        let machine = Machine::new();
        let real = machine.program("sdk/go");
        let dir = Some(machine.path("sdk"));
        let error = machine.run(ShimVerb::Install { dir: dir.clone(), wrapper: false }, &[]).unwrap_err();
        assert_eq!(error, format!("{}: is there already, is not gox, and is left alone", real.display()));
        let error = machine.run(ShimVerb::Remove { dir }, &[]).unwrap_err();
        assert_eq!(error, format!("{}: is not a link to gox and is left alone", real.display()));
        fs::create_dir(machine.path("links")).unwrap();
        symlink(&real, machine.path("links/go")).unwrap();
        let dir = Some(machine.path("links"));
        assert!(machine.run(ShimVerb::Install { dir: dir.clone(), wrapper: false }, &[]).is_err());
        assert!(machine.run(ShimVerb::Remove { dir }, &[]).is_err());
        assert!(real.is_file() && machine.path("links/go").exists());
    }

    #[test]
    fn a_link_to_a_gox_that_is_gone_is_renewed() {
        let machine = Machine::new();
        fs::create_dir(machine.path("links")).unwrap();
        symlink(machine.path("old/gox"), machine.path("links/go")).unwrap();
        let dir = Some(machine.path("links"));
        machine.run(ShimVerb::Install { dir: dir.clone(), wrapper: false }, &["links"]).unwrap();
        assert!(is_same_file(&machine.path("links/go"), &machine.gox));
        machine.run(ShimVerb::Remove { dir }, &[]).unwrap();
        // A folder that was named is not gox's to remove.
        assert!(machine.path("links").is_dir());
    }

    #[test]
    fn a_script_takes_the_links_place_and_the_link_the_scripts() {
        let machine = Machine::new();
        machine.program("sdk/go");
        let file = machine.path(OWN).join("go");
        let script = || ShimVerb::Install { dir: None, wrapper: true };
        let said = machine.run(script(), &["sdk"]).unwrap();
        assert!(said.starts_with(&format!("{} calls {}\n", file.display(), machine.gox.display())), "{said}");
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o111, 0o111);
        let again = machine.run(script(), &[OWN, "sdk"]).unwrap();
        assert_eq!(again, format!("{} calls gox already\n", file.display()));
        let status = machine.run(ShimVerb::Status, &[OWN, "sdk"]).unwrap();
        assert!(status.ends_with("a shell that looks for go finds gox\n"), "{status}");
        machine.run(ShimVerb::Install { dir: None, wrapper: false }, &[OWN]).unwrap();
        assert!(file.is_symlink());
        machine.run(script(), &[OWN]).unwrap();
        assert!(!file.is_symlink());
        machine.run(ShimVerb::Remove { dir: None }, &[OWN]).unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn paths_are_one_word_for_a_shell() {
        assert_eq!(quoted_for_shell(Path::new("/a/b-c")), "/a/b-c");
        assert_eq!(quoted_for_shell(Path::new("/a $b/'c")), r"'/a $b/'\''c'");
    }
}

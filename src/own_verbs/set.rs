//! `gox config set`: one key of the user's own gox.toml; what else stands there stays as it is written.

use super::say;
use crate::configuration::{
    CliOptions, Environment, Error, FileKind, FileText, Key, Setting, Settings, nearest, quoted, resolve,
};
use crate::machine::bounded::{self, MOST_SETTINGS, Unread};
use crate::machine::configuration_files::{load, user_file};
use crate::words::{Text, faults, keeping};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// Sets the key `name` to `value`, as it would be written on the command line.
///
/// # Errors
/// No such key, a value that it does not take, a file that is wrong already or cannot be written.
pub(crate) fn run(
    name: &str,
    value: &str,
    env: Environment<'_>,
    folder: Option<&Path>,
    out: &mut dyn Write,
) -> Result<i32, Error> {
    let names = || Key::ALL.into_iter().filter(|key| key.in_file()).map(Key::name);
    let key = Key::named(name).filter(|key| key.in_file()).ok_or_else(|| {
        let given = quoted(name);
        Error::usage(match nearest(name, names()) {
            Some(near) => faults::NEARLY_KEY_OF_FILE.with(&[("given", &given), ("near", &near)]),
            None => faults::NO_KEY_OF_FILE.with(&[("given", &given)]),
        })
    })?;
    // Wrong values are told as those of the command line are.
    let given = CliOptions { given: vec![(key, OsString::from(value))] };
    let (setting, _) = resolve(&given, &|_| None, &[])?.settings.get(key);
    let literal = match &setting {
        Setting::Mirrors(_) | Setting::Private(_) | Setting::Confidential(_) if value.contains(',') => {
            list(&value.split(',').map(|word| word.trim().to_owned()).collect::<Vec<_>>())
        }
        Setting::Private(patterns) | Setting::Confidential(patterns) => list(patterns),
        // A relative path would mean another folder in the file.
        Setting::Go(Some(path)) if path.components().count() < 2 => text(value),
        Setting::Go(Some(path)) => absolute(path),
        Setting::Report(Some(path)) | Setting::Record(Some(path)) | Setting::StateDir(Some(path)) => {
            absolute(path)
        }
        Setting::Attempts(_) if value.bytes().all(|b| b.is_ascii_digit()) => value.to_owned(),
        _ => text(value),
    };
    let file = Own::read(env)?;
    file.write(key, &literal)?;
    let mut told = Text::default();
    let line = format!("{}: {} = {}", file.path.display(), key.name(), shown(&setting, &literal));
    told.line(Text::plain(line));
    elsewhere(key, &file.path, env, folder, &mut told);
    say(out, &told, env)
}

/// The value as it may be shown: an address may hold a password.
fn shown(setting: &Setting, literal: &str) -> String {
    match setting {
        Setting::Mirrors(_) if !["auto", "cn"].contains(&literal.trim_matches('"')) => setting.to_string(),
        _ => literal.to_owned(),
    }
}

/// A line for a key whose value comes from elsewhere here, so that what was written has no effect.
pub(super) fn elsewhere(key: Key, path: &Path, env: Environment<'_>, folder: Option<&Path>, told: &mut Text) {
    let Ok(resolved) = load(&CliOptions::default(), env, folder) else { return };
    let origin = resolved.settings.origin(key);
    let here = match origin {
        crate::configuration::Origin::File { path: from, .. } => from == path,
        // What was written means just that.
        other => other == &crate::configuration::Origin::BuiltIn,
    };
    if !here {
        told.line(keeping::ELSEWHERE.with(&[("key", &key.name()), ("origin", origin)]));
    }
}

/// A TOML string.
fn text(value: &str) -> String {
    toml::Value::String(value.to_owned()).to_string()
}

fn absolute(path: &Path) -> String {
    text(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy())
}

/// A TOML list of strings.
pub(super) fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| text(word)).collect();
    format!("[{}]", words.join(", "))
}

/// The user's own gox.toml.
#[derive(Debug)]
pub(super) struct Own {
    /// Where it is, or would be.
    pub(super) path: PathBuf,
    text: String,
}

impl Own {
    /// Reads it; a file that is not there is empty.
    ///
    /// # Errors
    /// No home folder, a file that cannot be read.
    pub(super) fn read(env: Environment<'_>) -> Result<Own, Error> {
        let path = user_file(env);
        let path = path.ok_or_else(|| Error::usage(faults::NO_HOME))?;
        let bytes = match bounded::read(&path, MOST_SETTINGS) {
            Err(Unread::Absent) => Vec::new(),
            read => read.map_err(|why| Error::file(&path, why.text()))?,
        };
        let text = String::from_utf8(bytes).map_err(|_| Error::file(&path, faults::FILE_NOT_UTF8))?;
        Ok(Own { path, text })
    }

    /// What it alone sets.
    ///
    /// # Errors
    /// What is wrong in it.
    pub(super) fn settings(&self) -> Result<Settings, Error> {
        meant(&self.path, &self.text)
    }

    /// Writes `literal` as the value of `key` and leaves the rest as it is.
    ///
    /// # Errors
    /// A file that is wrong already, or cannot be written.
    pub(super) fn write(&self, key: Key, literal: &str) -> Result<(), Error> {
        self.settings()?;
        let text = edited(&self.text, key.name(), literal);
        meant(&self.path, &text)?;
        let cannot =
            |error: std::io::Error| Error::file(&self.path, faults::UNWRITABLE.with(&[("why", &error)]));
        // What a link leads to is the file.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(cannot)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(cannot)?;
        file.write_all(text.as_bytes()).map_err(cannot)?;
        if let Ok(meta) = fs::metadata(&path) {
            fs::set_permissions(file.path(), meta.permissions()).map_err(cannot)?;
        }
        file.persist(&path).map_err(|error| cannot(error.error))?;
        Ok(())
    }
}

fn meant(path: &Path, text: &str) -> Result<Settings, Error> {
    let file = FileText { path: path.to_owned(), text: text.to_owned(), kind: FileKind::User };
    resolve(&CliOptions::default(), &|_| None, &[file]).map(|resolved| resolved.settings)
}

/// `text` with `name = literal` in its root table: in place of the value that is there, else under the
/// comment that explains the key, else on top (where no table has begun).
pub(super) fn edited(text: &str, name: &str, literal: &str) -> String {
    if let Ok(table) = DeTable::parse(text)
        && let Some((_, value)) = table.get_ref().iter().find(|(key, _)| key.get_ref().as_ref() == name)
    {
        let span = value.span();
        return format!("{}{literal}{}", &text[..span.start], &text[span.end..]);
    }
    let comment = format!("# {name} = ");
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with('[') {
            break;
        }
        at += line.len();
        if line.starts_with(&comment) && line.ends_with('\n') {
            return format!("{}{name} = {literal}\n{}", &text[..at], &text[at..]);
        }
    }
    format!("{name} = {literal}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::DEFAULT_TOML;

    #[test]
    fn the_rest_of_the_file_stays_as_it_is() {
        for (text, want) in [
            ("", "private = [\"b\"]\n"),
            (
                "private = [\n  \"a\", # mine\n] # all\nstall = \"9s\"",
                "private = [\"b\"] # all\nstall = \"9s\"",
            ),
            (
                "# x\n# private = []\n\nstall = \"9s\"\n",
                "# x\n# private = []\nprivate = [\"b\"]\n\nstall = \"9s\"\n",
            ),
            (
                "[[rule]]\nmatch = \"x\"\naction = \"stop\"\n# private = []\n",
                "private = [\"b\"]\n[[rule]]\nmatch = \"x\"\naction = \"stop\"\n# private = []\n",
            ),
        ] {
            let text = edited(text, "private", "[\"b\"]");
            assert_eq!(text, want);
            assert_eq!(meant(Path::new("/x"), &text).unwrap().private, ["b"]);
        }
        let text = edited(DEFAULT_TOML, "private", "[\"b\"]");
        assert_eq!(text, DEFAULT_TOML.replace("\nprivate = []", "\nprivate = [\"b\"]"));
    }
}

//! Where each of go's settings comes from: a variable, the file that go writes, the Go release.

use super::bounded::{self, MOST_SETTINGS};
use super::go_env::{goroot_of, user_file};
use crate::configuration::Environment;
use crate::formats::env_file;
use crate::judgement::diagnosis::Origin;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a file of settings says.
type Values = BTreeMap<Vec<u8>, Vec<u8>>;

/// The places, read once.
pub(crate) struct Origins<'a> {
    env: Environment<'a>,
    /// Each with what it says.
    files: Vec<(Origin, Values)>,
}

/// Reads the files that go reads.
pub(crate) fn read<'a>(go: &Path, env: Environment<'a>) -> Origins<'a> {
    let set = |name: &str| env(name).filter(|value| !value.is_empty());
    let mut files = Vec::new();
    let mut add = |file: PathBuf, origin: &dyn Fn(String) -> Origin| {
        let text = bounded::read(&file, MOST_SETTINGS).unwrap_or_default();
        let mut found = BTreeMap::new();
        for (name, value) in env_file::parse(&text) {
            found.entry(name).or_insert(value);
        }
        files.push((origin(file.display().to_string()), found));
    };
    if let Some(file) = user_file(&set) {
        add(file, &Origin::File);
    }
    if let Some(root) = set("GOROOT").map(PathBuf::from).or_else(|| goroot_of(go)) {
        add(root.join("go.env"), &Origin::GoRoot);
    }
    Origins { env, files }
}

impl Origins<'_> {
    /// The value of a setting as its first place has it, and that place; `None` where it has none.
    pub(crate) fn of(&self, name: &str) -> Option<(String, Origin)> {
        if let Some(value) = (self.env)(name).filter(|value| !value.is_empty()) {
            return Some((value.to_string_lossy().into_owned(), Origin::Shell));
        }
        self.files.iter().find_map(|(origin, found)| {
            let value = found.get(name.as_bytes())?;
            Some((String::from_utf8_lossy(value).into_owned(), origin.clone()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_counts_before_the_file_and_the_file_before_the_release() {
        let dir = tempfile::tempdir().unwrap();
        let (file, root) = (dir.path().join("env"), dir.path().join("go"));
        std::fs::create_dir_all(&root).unwrap();
        std::fs::write(&file, "GOPRIVATE=*\nGOPROXY=https://file.example\n").unwrap();
        std::fs::write(root.join("go.env"), "GOPROXY=https://proxy.golang.org,direct\nGOSUMDB=x\n").unwrap();
        let env = |name: &str| match name {
            "GOENV" => Some(file.clone().into_os_string()),
            "GOROOT" => Some(root.clone().into_os_string()),
            "GOFLAGS" => Some("-v".into()),
            "GOPRIVATE" => Some("".into()),
            _ => None,
        };
        let origins = read(Path::new("/nowhere/bin/go"), &env);
        assert_eq!(origins.of("GOFLAGS"), Some(("-v".into(), Origin::Shell)));
        let by_file = Origin::File(file.display().to_string());
        assert_eq!(origins.of("GOPRIVATE"), Some(("*".into(), by_file)));
        assert!(matches!(origins.of("GOSUMDB"), Some((_, Origin::GoRoot(_)))));
        assert_eq!(origins.of("GONOSUMCHECK"), None);
    }
}

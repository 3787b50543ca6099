//! What `go generate` and `go tool` run of the project's own: packages that are built for it.

use super::lookup::sorted;
use super::{Waiting, Walk};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Folders that are looked into for directives.
const FOLDERS: usize = 4_000;

/// Bytes of a file that are looked through.
const MOST: u64 = 1 << 20;

impl Walk {
    /// Wants the packages of the tools with this name.
    pub(super) fn begin_tool(&mut self, name: &str) {
        for tool in self.tools.clone().iter().filter(|tool| *tool == name || program_of(tool) == name) {
            self.want(tool, false);
        }
    }

    /// Wants what the directives in the packages of a pattern run.
    pub(super) fn begin_directives(&mut self, pattern: &str) {
        let (path, below) = match pattern.strip_suffix("...") {
            Some(path) => (path.strip_suffix('/').unwrap_or(path), true),
            None => (pattern, false),
        };
        let at = crate::fill::mains::plain(&self.dir.join(path));
        if path.ends_with(".go") {
            let folder = at.parent().unwrap_or(&at).to_owned();
            self.directives_of(&at, &folder);
        } else if path.starts_with('.') {
            self.waiting.push_back(Waiting::Directives { folder: at, below });
        }
    }

    /// Reads the directives before anything else is looked for.
    pub(super) fn read_directives(&mut self) {
        self.folders = FOLDERS;
        let is_one = |waiting: &Waiting| matches!(waiting, Waiting::Directives { .. });
        while let Some(at) = self.waiting.iter().position(is_one).filter(|_| self.folders > 0) {
            if let Some(Waiting::Directives { folder, below }) = self.waiting.remove(at) {
                self.directives_in(&folder, below);
            }
        }
        (self.files, self.folders) = (super::LOOK, super::FOLDERS);
    }

    pub(super) fn directives_in(&mut self, folder: &Path, below: bool) {
        self.folders = self.folders.saturating_sub(1);
        for item in sorted(folder) {
            if !item.folder && item.name.ends_with(".go") {
                self.directives_of(&item.path, folder);
            } else if below && item.folder && !item.is_passed_by() && !item.path.join("go.mod").is_file() {
                self.waiting.push_back(Waiting::Directives { folder: item.path, below });
            }
        }
    }

    fn directives_of(&mut self, file: &Path, folder: &Path) {
        self.files = self.files.saturating_sub(1);
        let mut text = Vec::new();
        if File::open(file).and_then(|file| file.take(MOST).read_to_end(&mut text)).is_err() {
            return;
        }
        let text = String::from_utf8_lossy(&text);
        for line in text.lines().filter_map(|line| line.strip_prefix("//go:generate ")) {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["go", "run", ref rest @ ..] => {
                    // A flag's value would be no path with a host, nor begin with a dot.
                    let is_named =
                        |word: &&&str| word.starts_with('.') || word.contains('/') || word.ends_with(".go");
                    let named = rest.iter().find(is_named);
                    if let Some(path) = named.filter(|word| !word.contains('@')) {
                        self.begin_from(folder, path);
                    }
                }
                ["go", "tool", name, ..] => self.begin_tool(name),
                _ => {}
            }
        }
    }

    /// Wants a package as a command in this folder names it.
    fn begin_from(&mut self, folder: &Path, path: &str) {
        if path.starts_with('.') || path.ends_with(".go") {
            let at = folder.join(path);
            self.begin_path(&at.display().to_string(), false);
        } else {
            self.begin_path(path, false);
        }
    }
}

/// The name of the program that a package makes: its last element that is no version.
fn program_of(package: &str) -> &str {
    let mut elements = package.rsplit('/');
    let last = elements.next().unwrap_or(package);
    let is_version = last
        .strip_prefix('v')
        .is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty());
    if is_version { elements.next().unwrap_or(last) } else { last }
}

//! Makes a folder of real module sources, such as Debian's /usr/share/gocode/src, into modules to serve.
//!
//! The folder has one copy of each module and no versions, and some modules that others require are not
//! there at all. So each module is served in every version that somebody's go.mod asks for, with the same
//! content; where a module or a package of it is missing, an empty package stands in (imports that build
//! tags exclude, mostly, which `go mod tidy` wants all the same). The go.mod files are the real ones.

use super::modules::{Files, Module};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What [`REAL_PROGRAM`] requires. gin's and viper's versions are those of the sources; nobody in the set
/// requires them.
pub(crate) const REAL_ROOTS: &[(&str, &str)] = &[
    ("github.com/gin-gonic/gin", "v1.8.1"),
    ("github.com/spf13/viper", "v1.12.0"),
    ("google.golang.org/grpc", "v1.43.0"),
];

/// Answers a request, reads a setting and starts no server.
pub(crate) const REAL_PROGRAM: &str = r#"package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"
	"github.com/spf13/viper"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func main() {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/hello/:name", func(c *gin.Context) { c.JSON(200, gin.H{"hello": c.Param("name")}) })
	recorder := httptest.NewRecorder()
	engine.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/hello/lab", nil))
	viper.SetConfigType("yaml")
	if err := viper.ReadConfig(bytes.NewBufferString("depth: {of: 3}\n")); err != nil {
		panic(err)
	}
	grpc.NewServer().Stop()
	fmt.Println(recorder.Body.String(), viper.GetInt("depth.of"), status.Code(status.Error(codes.NotFound, "")))
}
"#;

/// go.mod of [`REAL_PROGRAM`].
pub(crate) fn real_go_mod() -> String {
    let lines: String = REAL_ROOTS.iter().map(|(path, version)| format!("\t{path} {version}\n")).collect();
    format!("module example.test/main\n\ngo 1.21\n\nrequire (\n{lines})\n")
}

/// Everything below `root`, in the versions asked for; `roots` are asked for besides (path and version).
///
/// # Errors
/// A folder or file that cannot be read.
pub(crate) fn modules_below(root: &Path, roots: &[(&str, &str)]) -> io::Result<Vec<Module>> {
    let mut found = Tree::default();
    found.walk(root, "")?;
    let mut asked: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, version) in roots {
        asked.entry((*path).to_owned()).or_default().insert((*version).to_owned());
    }
    for go_mod in found.go_mods.values() {
        for (path, version) in requirements(go_mod) {
            asked.entry(path).or_default().insert(version);
        }
    }
    let homes: BTreeMap<String, String> =
        asked.keys().filter_map(|path| found.home_of(path).map(|home| (path.clone(), home))).collect();
    let missing = found.missing_packages(&asked);
    let mut contents = found.contents(&homes);
    let mut modules = Vec::new();
    for (path, versions) in &asked {
        let home = homes.get(path);
        let go_mod = home
            .and_then(|home| found.go_mods.get(home))
            .cloned()
            .unwrap_or_else(|| format!("module {path}\n\ngo 1.16\n"));
        let mut files = home.and_then(|home| contents.remove(home)).unwrap_or_default();
        files.extend(stubs(path, missing.get(path)));
        let plain = Arc::new(files.clone());
        files.push(("go.mod".to_owned(), go_mod.clone().into_bytes()));
        let with_go_mod = Arc::new(files);
        for version in versions {
            let files = if version.ends_with("+incompatible") { &plain } else { &with_go_mod };
            modules.push(Module::sharing(path, version, &go_mod, Arc::clone(files)));
        }
    }
    Ok(modules)
}

/// What was found below the root; folders are relative to it.
#[derive(Default)]
struct Tree {
    /// go.mod by folder.
    go_mods: BTreeMap<String, String>,
    /// All other files by folder.
    files: BTreeMap<String, Files>,
    /// Every folder, and those above them.
    folders: BTreeSet<String>,
    /// Paths that some file imports.
    imports: BTreeSet<String>,
}

impl Tree {
    fn walk(&mut self, dir: &Path, name: &str) -> io::Result<()> {
        self.folders.insert(name.to_owned());
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let Ok(file) = entry.file_name().into_string() else { continue };
            let path = entry.path();
            if kind.is_dir() && file != "debian" {
                let below = if name.is_empty() { file } else { format!("{name}/{file}") };
                self.walk(&path, &below)?;
            } else if kind.is_file() && file == "go.mod" {
                self.go_mods.insert(name.to_owned(), fs::read_to_string(&path)?);
            } else if kind.is_file() {
                let bytes = fs::read(&path)?;
                if file.ends_with(".go") {
                    self.imports.extend(imports(&bytes));
                }
                self.files.entry(name.to_owned()).or_default().push((file, bytes));
            }
        }
        Ok(())
    }

    /// The folder with the module's content: the one whose go.mod says so, else the one of its name.
    fn home_of(&self, path: &str) -> Option<String> {
        let declared = self.go_mods.iter().find(|(_, text)| declared(text).is_some_and(|name| name == path));
        declared.map(|(dir, _)| dir.clone()).or_else(|| self.folders.contains(path).then(|| path.to_owned()))
    }

    /// The files of each home: what lies below it and not below another module in it.
    fn contents(&self, homes: &BTreeMap<String, String>) -> BTreeMap<String, Files> {
        let homes: BTreeSet<&str> = homes.values().chain(self.go_mods.keys()).map(String::as_str).collect();
        let mut contents: BTreeMap<String, Files> = BTreeMap::new();
        for (dir, files) in &self.files {
            let Some(home) = upwards(dir).find(|above| homes.contains(above)) else { continue };
            let inside = below(dir, home).unwrap_or_default();
            let content = contents.entry(home.to_owned()).or_default();
            for (name, bytes) in files {
                let name = if inside.is_empty() { name.clone() } else { format!("{inside}/{name}") };
                content.push((name, bytes.clone()));
            }
        }
        contents
    }

    /// Imports of packages that no folder has, by the module in which go will look for them.
    fn missing_packages(&self, asked: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, Vec<String>> {
        let mut missing: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for import in self.imports.iter().filter(|import| !self.files.contains_key(*import)) {
            if let Some(module) = upwards(import).find(|above| asked.contains_key(*above)) {
                missing.entry(module.to_owned()).or_default().push(import.clone());
            }
        }
        missing
    }
}

/// A path and all above it.
fn upwards(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(above, _)| above))
}

/// `inside` if `path` is `parent/inside`; empty if it is the parent itself.
fn below<'a>(path: &'a str, parent: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(parent)?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// Empty packages.
fn stubs(module: &str, packages: Option<&Vec<String>>) -> Files {
    let file = |package: &String| match below(package, module) {
        Some("") | None => "stub.go".to_owned(),
        Some(inside) => format!("{inside}/stub.go"),
    };
    let text = b"// Package stub has nothing.\npackage stub\n";
    packages.into_iter().flatten().map(|package| (file(package), text.to_vec())).collect()
}

/// The path of the `module` line.
fn declared(go_mod: &str) -> Option<&str> {
    go_mod.lines().find_map(|line| line.strip_prefix("module ")).map(|rest| rest.trim().trim_matches('"'))
}

/// The `require` lines: path and version.
fn requirements(go_mod: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut block = false;
    for line in go_mod.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["require", "("] => block = true,
            [")"] => block = false,
            ["require", path, version] => all.push(((*path).to_owned(), (*version).to_owned())),
            [path, version] if block => all.push((path.trim_matches('"').to_owned(), (*version).to_owned())),
            _ => {}
        }
    }
    all
}

/// What a Go file imports from other modules (host names have a dot).
fn imports(source: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(source);
    // Imports stand before everything else.
    let head = text
        .lines()
        .take_while(|line| !["func ", "type ", "var ", "const "].iter().any(|word| line.starts_with(word)));
    head.filter_map(|line| line.split_once('"')?.1.split_once('"').map(|(path, _)| path.to_owned()))
        .filter(|path| {
            path.split_once('/').is_some_and(|(host, _)| host.contains('.') && !host.starts_with('.'))
        })
        .filter(|path| path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b)))
        .collect()
}

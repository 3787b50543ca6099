//! The go releases that the tests run.

use std::fs;
use std::path::{Path, PathBuf};

/// The go that the tests run: `GOX_TEST_GO`, else the newest below `target/go-releases`.
pub(crate) fn go() -> PathBuf {
    if let Some(path) = std::env::var_os("GOX_TEST_GO") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "GOX_TEST_GO={} is no file; run tests/run.sh", path.display());
        return path;
    }
    go_releases().pop().map(|(_, path)| path).expect("a go release for the tests: run tests/run.sh")
}

/// Every go below `GOX_TEST_GO_DIR` (default `target/go-releases`): version numbers and path, ascending.
pub(crate) fn go_releases() -> Vec<(Vec<u32>, PathBuf)> {
    let dir = std::env::var_os("GOX_TEST_GO_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/go-releases"), PathBuf::from);
    let mut found: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let numbers = name.split('.').map(|n| n.parse().ok()).collect::<Option<Vec<u32>>>()?;
            let go = entry.path().join("go/bin/go");
            go.is_file().then_some((numbers, go))
        })
        .collect();
    found.sort();
    found
}

/// The major and minor number of the go that [`go`] gives, from its VERSION file.
pub(crate) fn go_minor() -> u32 {
    let root = go().canonicalize().expect("a go that exists");
    let file = root.ancestors().nth(2).expect("GOROOT/bin/go").join("VERSION");
    let text = fs::read_to_string(&file).expect("GOROOT/VERSION");
    let minor = text.trim_start_matches("go1.").split(|c: char| !c.is_ascii_digit()).next();
    minor.and_then(|n| n.parse().ok()).expect("goN.N in GOROOT/VERSION")
}

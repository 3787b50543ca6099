//! The real go releases that unit tests run: `GOX_TEST_GO`, or what `tests/go-releases.sh` unpacked.

use crate::formats::go_version::GoVersion;
use std::path::{Path, PathBuf};

/// Every go there is, the oldest release first. Fails the test where there is none: a test that needs
/// go and does not run it has shown nothing.
pub(crate) fn all() -> Vec<PathBuf> {
    if let Some(go) = std::env::var_os("GOX_TEST_GO") {
        return vec![go.into()];
    }
    let releases = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/go-releases");
    let mut found: Vec<(Option<GoVersion>, PathBuf)> = std::fs::read_dir(&releases)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (GoVersion::parse(&entry.file_name().to_string_lossy()), entry.path().join("go/bin/go")))
        .filter(|(_, go)| go.exists())
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no go to test with in {}: run tests/run.sh", releases.display());
    found.into_iter().map(|(_, go)| go).collect()
}

/// The newest go there is.
pub(crate) fn newest() -> PathBuf {
    all().pop().expect("at least one")
}

//! Finds the real go without ever finding gox, however it is linked or copied.
//!
//! A gox that execs or spawns go leaves a marker in the environment ([`MARKER`]). It carries the
//! device and inode of every gox executable on the way, so that a symlink and a copy of gox on one
//! PATH do not call each other for ever, and it says whether a supervising gox waits above.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The environment variable that one gox leaves for a gox below it:
/// `supervised` or `exec`, then `;DEV:INODE` for each gox executable.
pub const MARKER: &str = "GOX_MARKER";

/// Where go is kept when PATH does not have it.
const USUAL_PLACE: &str = "/usr/local/go/bin/go";

/// Why no go can be run.
#[derive(Debug, PartialEq, Eq)]
pub enum Error {
    /// None found: exit 127. Holds what was looked at.
    NotFound(String),
    /// Found, but it cannot be run: exit 126.
    NotExecutable(String),
    /// The settings name something that cannot be right: exit 125.
    Settings(String),
}

impl Error {
    /// gox's exit status for this error (the shell's own convention).
    pub fn exit_code(&self) -> i32 {
        match self {
            Error::NotFound(_) => 127,
            Error::NotExecutable(_) => 126,
            Error::Settings(_) => 125,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Error::NotFound(text) | Error::NotExecutable(text) | Error::Settings(text)) = self;
        f.write_str(text)
    }
}

/// What the marker in our environment told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nesting {
    /// A gox above supervises this process: it retries, so this one must not.
    pub supervised: bool,
    /// Device and inode of executables known to be gox.
    pub known: Vec<(u64, u64)>,
}

impl Nesting {
    /// Reads the marker and adds the running executable.
    pub fn from_env() -> Nesting {
        let mut nesting = std::env::var(MARKER).map(|text| Nesting::parse(&text)).unwrap_or_default();
        if let Some(id) = std::env::current_exe().ok().and_then(|exe| identity(&exe))
            && !nesting.known.contains(&id)
        {
            nesting.known.push(id);
        }
        nesting
    }

    fn parse(text: &str) -> Nesting {
        let mut parts = text.split(';');
        Nesting {
            supervised: parts.next() == Some("supervised"),
            known: parts
                .filter_map(|p| p.split_once(':'))
                .filter_map(|(d, i)| Some((d.parse().ok()?, i.parse().ok()?)))
                .collect(),
        }
    }

    /// The marker's value for a child.
    pub fn marker(&self, supervised: bool) -> OsString {
        let mut text = String::from(if supervised { "supervised" } else { "exec" });
        for (dev, ino) in &self.known {
            text.push_str(&format!(";{dev}:{ino}"));
        }
        text.into()
    }
}

/// Device and inode of the file behind every link.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Finds the real go: `named` (GOX_GO or the key `go`), else each `go` on PATH that is not gox,
/// else GOROOT/bin, else `/usr/local/go/bin/go`.
///
/// # Errors
/// [`Error`], with every place that was looked at.
pub fn find_go(named: Option<&OsStr>, nesting: &Nesting) -> Result<PathBuf, Error> {
    if let Some(named) = named.filter(|n| !n.is_empty()) {
        return find_named(named, nesting);
    }
    let is_gox = |path: &Path| identity(path).is_some_and(|id| nesting.known.contains(&id));
    let mut looked = Vec::new();
    let mut unusable = None;
    if let Some(path) = std::env::var_os("PATH") {
        for dir in std::env::split_paths(&path) {
            // An empty element means the working folder; go refuses to run from there, so do we.
            if dir.as_os_str().is_empty() {
                continue;
            }
            let candidate = dir.join("go");
            if is_executable(&candidate) {
                if !is_gox(&candidate) {
                    return Ok(candidate);
                }
                looked.push(format!("{} (is gox)", candidate.display()));
            } else if candidate.is_file() {
                looked.push(format!("{} (not executable)", candidate.display()));
                unusable.get_or_insert(candidate);
            }
        }
        looked.push("PATH".into());
    }
    let goroot =
        std::env::var_os("GOROOT").filter(|r| !r.is_empty()).map(|r| PathBuf::from(r).join("bin/go"));
    for candidate in goroot.into_iter().chain([PathBuf::from(USUAL_PLACE)]) {
        if is_executable(&candidate) && !is_gox(&candidate) {
            return Ok(candidate);
        }
        looked.push(candidate.display().to_string());
    }
    if let Some(candidate) = unusable {
        return Err(Error::NotExecutable(format!(
            "{} is not executable and no other go was found; mend its mode or set GOX_GO",
            candidate.display()
        )));
    }
    Err(Error::NotFound(format!(
        "no go found: looked in {}; install Go or set GOX_GO to the go executable",
        looked.join(", ")
    )))
}

fn find_named(named: &OsStr, nesting: &Nesting) -> Result<PathBuf, Error> {
    let path = if named.as_encoded_bytes().contains(&b'/') {
        PathBuf::from(named)
    } else {
        which::which(named).map_err(|_| {
            Error::NotFound(format!("GOX_GO={}: no such program on PATH", named.to_string_lossy()))
        })?
    };
    let shown = path.display();
    if !path.exists() {
        return Err(Error::NotFound(format!(
            "GOX_GO={shown}: no such file; name the go executable or unset it"
        )));
    }
    if !is_executable(&path) {
        return Err(Error::NotExecutable(format!("GOX_GO={shown} is not an executable file")));
    }
    if identity(&path).is_some_and(|id| nesting.known.contains(&id)) {
        return Err(Error::Settings(format!("GOX_GO={shown} is gox itself; name the real go or unset it")));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_survives_a_round_trip() {
        let nesting = Nesting { supervised: true, known: vec![(1, 2), (3, 4)] };
        assert_eq!(Nesting::parse(&nesting.marker(true).to_string_lossy()), nesting);
        assert_eq!(Nesting::parse("rubbish;1;x:y"), Nesting::default());
    }

    #[test]
    fn a_named_go_must_exist_and_be_executable() {
        let nesting = Nesting::default();
        let code = |p: &str| find_go(Some(OsStr::new(p)), &nesting).unwrap_err().exit_code();
        assert_eq!(code("/nowhere/at/all/go"), 127);
        assert_eq!(code("/dev/null"), 126);
        let own = Nesting::from_env();
        let exe = std::env::current_exe().unwrap();
        assert_eq!(find_go(Some(exe.as_os_str()), &own).unwrap_err().exit_code(), 125);
    }
}

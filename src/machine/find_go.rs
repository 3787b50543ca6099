//! Finds the real go without ever finding gox, however it is linked or copied.
//!
//! A gox that execs or spawns go leaves a marker in the environment ([`MARKER`]). It carries the
//! device and inode of every gox executable on the way, so that a symlink and a copy of gox on one
//! PATH do not call each other for ever, and it says whether a supervising gox waits above.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The environment variable that one gox leaves for a gox below it:
/// `supervised` or `exec`, then `;N`, how many gox there are on the way, then `;DEV:INODE` for each
/// gox executable.
pub(crate) const MARKER: &str = "GOX_MARKER";

/// Where go is kept when PATH does not have it.
const USUAL_PLACE: &str = "/usr/local/go/bin/go";

/// More gox than this below each other are no builds that call builds, but a script named go that
/// calls gox: no identity of a file tells the two apart.
const DEEPEST: u32 = 100;

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
pub(crate) struct Nesting {
    /// A gox above supervises this process: it retries, so this one must not.
    pub supervised: bool,
    /// How many gox led to this one, itself not counted.
    pub depth: u32,
    /// Device and inode of executables known to be gox.
    pub known: Vec<(u64, u64)>,
}

/// A go that the user named, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    /// A path, or a name to be found on PATH.
    pub go: &'a OsStr,
    /// `GOX_GO`, `--go`, or the words for a key of gox.toml.
    pub by: &'a str,
}

impl Nesting {
    /// Reads the marker and adds the running executable.
    pub(crate) fn from_env() -> Nesting {
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
            depth: text.split(';').nth(1).and_then(|n| n.parse().ok()).unwrap_or(0),
            known: parts
                .filter_map(|p| p.split_once(':'))
                .filter_map(|(d, i)| Some((d.parse().ok()?, i.parse().ok()?)))
                .collect(),
        }
    }

    /// The marker's value for a child that this gox watches, or for the go it becomes. What a gox
    /// further up watches stays watched, however many gox become go in between.
    pub(crate) fn marker(&self, supervised: bool) -> OsString {
        let word = if supervised || self.supervised { "supervised" } else { "exec" };
        let mut text = format!("{word};{}", self.depth.saturating_add(1));
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

/// Finds the real go: `named`, else each `go` on PATH that is not gox, else GOROOT/bin, else
/// `/usr/local/go/bin/go`. The path is absolute, so that it means the same in every folder.
///
/// # Errors
/// [`Error`], with every place that was looked at.
pub(crate) fn find_go(named: Option<Named<'_>>, nesting: &Nesting) -> Result<PathBuf, Error> {
    let go = match named.filter(|n| !n.go.is_empty()) {
        Some(named) => find_named(named, nesting)?,
        None => find_unnamed(&Places::of_this_process(), nesting)?,
    };
    if nesting.depth >= DEEPEST {
        return Err(Error::Settings(format!(
            "{} calls gox again and again: it is not the real go; set GOX_GO to that one",
            go.display()
        )));
    }
    Ok(std::path::absolute(&go).unwrap_or(go))
}

/// Where a go that nobody named is looked for, in this order.
struct Places {
    /// `PATH`.
    path: Option<OsString>,
    /// `GOROOT`.
    goroot: Option<OsString>,
    /// The file that is tried last.
    usual: PathBuf,
}

impl Places {
    fn of_this_process() -> Places {
        Places {
            path: std::env::var_os("PATH"),
            goroot: std::env::var_os("GOROOT"),
            usual: USUAL_PLACE.into(),
        }
    }
}

fn find_unnamed(places: &Places, nesting: &Nesting) -> Result<PathBuf, Error> {
    let is_gox = |path: &Path| identity(path).is_some_and(|id| nesting.known.contains(&id));
    let mut looked = Vec::new();
    let mut unusable = None;
    if let Some(path) = &places.path {
        for dir in std::env::split_paths(path) {
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
    let goroot = places.goroot.as_ref().filter(|root| !root.is_empty());
    let goroot = goroot.map(|root| PathBuf::from(root).join("bin/go"));
    for candidate in goroot.into_iter().chain([places.usual.clone()]) {
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

fn find_named(named: Named<'_>, nesting: &Nesting) -> Result<PathBuf, Error> {
    let Named { go, by } = named;
    let path = if go.as_encoded_bytes().contains(&b'/') {
        PathBuf::from(go)
    } else {
        which::which(go).map_err(|_| {
            Error::NotFound(format!("{by}: {}: no such program on PATH", go.to_string_lossy()))
        })?
    };
    let shown = path.display();
    if !path.exists() {
        return Err(Error::NotFound(format!(
            "{by}: {shown}: no such file; name the go executable or nothing"
        )));
    }
    if !is_executable(&path) {
        return Err(Error::NotExecutable(format!("{by}: {shown} is not an executable file")));
    }
    if identity(&path).is_some_and(|id| nesting.known.contains(&id)) {
        return Err(Error::Settings(format!("{by}: {shown} is gox itself; name the real go or nothing")));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_survives_a_round_trip() {
        let nesting = Nesting { supervised: true, depth: 4, known: vec![(1, 2), (3, 4)] };
        let below = Nesting::parse(&nesting.marker(false).to_string_lossy());
        assert_eq!(below, Nesting { depth: 5, ..nesting }, "a gox further up still watches");
        assert_eq!(Nesting::parse("rubbish;z;x:y"), Nesting::default());
    }

    /// A folder with what is looked through: `path/`, `goroot/bin/` and `usual/`.
    fn machine() -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["path", "goroot/bin", "usual"] {
            std::fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let places = Places {
            path: Some(std::env::join_paths([PathBuf::new(), dir.path().join("path")]).unwrap()),
            goroot: Some(dir.path().join("goroot").into()),
            usual: dir.path().join("usual/go"),
        };
        (dir, places)
    }

    fn put(file: &Path, mode: u32) {
        std::fs::write(file, file.display().to_string()).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn places_are_looked_at_in_their_order() {
        let (dir, places) = machine();
        for place in ["usual/go", "goroot/bin/go", "path/go"] {
            let go = dir.path().join(place);
            put(&go, 0o755);
            assert_eq!(find_unnamed(&places, &Nesting::default()), Ok(go));
        }
        let unset = Places { goroot: Some("".into()), path: None, ..places };
        assert_eq!(find_unnamed(&unset, &Nesting::default()), Ok(dir.path().join("usual/go")));
    }

    #[test]
    fn without_any_go_every_place_is_told() {
        let (dir, places) = machine();
        let error = find_unnamed(&places, &Nesting::default()).unwrap_err();
        let root = dir.path().display();
        assert_eq!(
            error.to_string(),
            format!(
                "no go found: looked in PATH, {root}/goroot/bin/go, {root}/usual/go; install Go or set \
                 GOX_GO to the go executable"
            )
        );
        assert_eq!(error.exit_code(), 127);
        // gox itself is none, wherever it is.
        let go = dir.path().join("path/go");
        put(&go, 0o755);
        for other in ["goroot/bin/go", "usual/go"] {
            std::fs::hard_link(&go, dir.path().join(other)).unwrap();
        }
        let gox = Nesting { known: vec![identity(&go).unwrap()], ..Nesting::default() };
        let error = find_unnamed(&places, &gox).unwrap_err();
        assert!(error.to_string().contains(&format!("{} (is gox), PATH", go.display())), "{error}");
        // One that cannot be run is told instead.
        put(&go, 0o644);
        let error = find_unnamed(&places, &gox).unwrap_err();
        assert_eq!(error.exit_code(), 126);
        assert!(error.to_string().starts_with(&format!("{} is not executable", go.display())), "{error}");
    }

    #[test]
    fn a_named_go_must_exist_and_be_executable() {
        let nesting = Nesting::default();
        let named = |p| Some(Named { go: OsStr::new(p), by: "GOX_GO" });
        let code = |p: &'static str| find_go(named(p), &nesting).unwrap_err().exit_code();
        assert_eq!(code("/nowhere/at/all/go"), 127);
        assert_eq!(code("/dev/null"), 126);
        let own = Nesting::from_env();
        let exe = std::env::current_exe().unwrap();
        let exe = Named { go: exe.as_os_str(), by: "GOX_GO" };
        assert_eq!(find_go(Some(exe), &own).unwrap_err().exit_code(), 125);
    }
}

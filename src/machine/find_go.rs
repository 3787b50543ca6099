//! Finds the real go without ever finding gox, however it is linked or copied.
//!
//! A gox that execs or spawns go leaves a marker in the environment ([`MARKER`]). It carries the
//! device and inode of every gox executable on the way, so that a symlink and a copy of gox on one
//! PATH do not call each other for ever, and it says whether a supervising gox waits above.

use super::look_up::{folders, is_executable, programs};
use super::own_file::own_file;
use crate::words::{Phrase, Text, faults};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The environment variable that one gox leaves for a gox below it:
/// `supervised` or `exec`, then `;N`, how many gox there are on the way since a real go ran, then
/// `;DEV:INODE` for each gox executable. Anything else in it is ignored.
pub(crate) const MARKER: &str = "GOX_MARKER";

/// Where go is kept when PATH does not have it.
const USUAL_PLACE: &str = "/usr/local/go/bin/go";

/// More gox than this below each other, and no real go between any two of them, are a script named go
/// that calls gox.
const DEEPEST: u32 = 100;

/// Why no go can be run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// None found: exit 127. Holds what was looked at.
    NotFound(Text),
    /// Found, but it cannot be run: exit 126.
    NotExecutable(Text),
    /// The settings name something that cannot be right: exit 125.
    Settings(Text),
}

impl Error {
    /// gox's exit status for this error (the shell's own convention).
    pub(crate) fn exit_code(&self) -> i32 {
        match self {
            Error::NotFound(_) => 127,
            Error::NotExecutable(_) => 126,
            Error::Settings(_) => 125,
        }
    }
}

impl Error {
    /// What is wrong, for people.
    pub(crate) fn text(&self) -> &Text {
        let (Error::NotFound(text) | Error::NotExecutable(text) | Error::Settings(text)) = self;
        text
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text().en)
    }
}

/// What the marker in our environment told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nesting {
    /// A gox above supervises this process: it retries, so this one must not.
    pub supervised: bool,
    /// How many gox led to this one since the last real go, itself not counted.
    pub depth: u32,
    /// The process number of the gox that supervises.
    pub by: Option<u32>,
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
        let marker = std::env::var(MARKER).ok();
        let mut nesting = marker.and_then(|text| Nesting::parse(&text)).unwrap_or_default();
        if let Some(id) = own_file().and_then(|file| identity(&file))
            && !nesting.known.contains(&id)
        {
            nesting.known.push(id);
        }
        nesting
    }

    /// `None` for what no gox wrote.
    fn parse(text: &str) -> Option<Nesting> {
        let mut parts = text.split(';');
        let supervised = match parts.next()? {
            "supervised" => true,
            "exec" => false,
            _ => return None,
        };
        let depth = parts.next()?.parse().ok()?;
        let mut parts = parts.peekable();
        let by = match parts.peek().and_then(|part| part.strip_prefix("by:")) {
            Some(number) => Some(number.parse().ok()?),
            None => None,
        };
        parts.next_if(|_| by.is_some());
        let id =
            |part: &str| part.split_once(':').and_then(|(d, i)| Some((d.parse().ok()?, i.parse().ok()?)));
        Some(Nesting { supervised, depth, by, known: parts.map(id).collect::<Option<_>>()? })
    }

    /// The process number of the gox whose go bears this marker.
    pub(crate) fn supervisor(marker: &str) -> Option<u32> {
        Nesting::parse(marker)?.by
    }

    /// The marker's value for the `go` that this gox watches or becomes. What a gox further up watches stays
    /// watched, however many gox become go in between.
    pub(crate) fn marker(&self, supervised: bool, go: &Path) -> OsString {
        let word = if supervised || self.supervised { "supervised" } else { "exec" };
        // A real go calls gox for its user's reasons alone: programs that build programs may go deep.
        let above = if self.depth > 0 && is_real(go) { 0 } else { self.depth };
        let mut text = format!("{word};{}", above.saturating_add(1));
        // The one that watches is the outermost: those below it become go.
        let by = if self.supervised { self.by } else { supervised.then(std::process::id) };
        if let Some(by) = by {
            text.push_str(&format!(";by:{by}"));
        }
        for (dev, ino) in &self.known {
            text.push_str(&format!(";{dev}:{ino}"));
        }
        text.into()
    }
}

/// True for a go that surely is one: a program, no script, that stands in a GOROOT with its tools.
fn is_real(go: &Path) -> bool {
    let Ok(go) = std::fs::canonicalize(go) else { return false };
    let tools = |go: &Path| Some(go.parent()?.parent()?.join("pkg/tool"));
    let mut start = [0; 2];
    let begins = std::fs::File::open(&go).and_then(|mut file| file.read_exact(&mut start));
    begins.is_ok() && start != *b"#!" && tools(&go).is_some_and(|tools| tools.is_dir())
}

/// How a script in place of go begins, and how it ends, with the file of gox between them.
const WRAPPER: (&str, &str) = ("#!/bin/sh\nexec ", " -- \"$@\" # gox\n");

/// Longest script that is looked at.
const LONGEST_WRAPPER: u64 = 8 << 10;

/// The script of two lines that calls gox in place of go; `gox` is its file as one word of a shell.
pub(crate) fn wrapper(gox: &str) -> String {
    format!("{}{gox}{}", WRAPPER.0, WRAPPER.1)
}

/// Whether a file is such a script, whichever gox it calls.
pub(crate) fn is_wrapper(file: &Path) -> bool {
    let is_short =
        std::fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() < LONGEST_WRAPPER);
    is_short
        && std::fs::read(file)
            .is_ok_and(|text| text.starts_with(WRAPPER.0.as_bytes()) && text.ends_with(WRAPPER.1.as_bytes()))
}

/// Device and inode of the file behind every link.
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
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
    if nesting.depth >= DEEPEST && !is_real(&go) {
        return Err(Error::Settings(faults::CIRCLE.with(&[("go", &go.display())])));
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
    let is_gox =
        |path: &Path| identity(path).is_some_and(|id| nesting.known.contains(&id)) || is_wrapper(path);
    let mut looked = Vec::new();
    let mut unusable = None;
    if let Some(path) = &places.path {
        for dir in folders(path) {
            let candidate = dir.join("go");
            if is_executable(&candidate) {
                if !is_gox(&candidate) {
                    return not_from_here(candidate, "PATH");
                }
                looked.push(faults::IS_GOX.with(&[("go", &candidate.display())]));
            } else if candidate.is_file() {
                looked.push(faults::IS_NOT_EXECUTABLE.with(&[("go", &candidate.display())]));
                unusable.get_or_insert(candidate);
            }
        }
        looked.push(Text::plain("PATH"));
    }
    let goroot = places.goroot.as_ref().filter(|root| !root.is_empty());
    let goroot = goroot.map(|root| PathBuf::from(root).join("bin/go"));
    for candidate in goroot.into_iter().chain([places.usual.clone()]) {
        if is_executable(&candidate) && !is_gox(&candidate) {
            return Ok(candidate);
        }
        looked.push(Text::plain(candidate.display().to_string()));
    }
    if let Some(candidate) = unusable {
        return Err(Error::NotExecutable(faults::GO_NOT_EXECUTABLE.with(&[("go", &candidate.display())])));
    }
    let joined = |words: fn(&Text) -> &str, by: &str| looked.iter().map(words).collect::<Vec<_>>().join(by);
    let places = Text { en: joined(|text| &text.en, ", "), zh: joined(|text| &text.zh, "、") };
    Err(Error::NotFound(faults::NO_GO.with(&[("places", &places)])))
}

/// A program that a relative element of PATH holds is none: whoever brings a folder would choose it.
fn not_from_here(found: PathBuf, by: &str) -> Result<PathBuf, Error> {
    if found.is_absolute() {
        return Ok(found);
    }
    Err(Error::NotExecutable(faults::RELATIVE_PATH.with(&[("by", &by), ("go", &found.display())])))
}

fn find_named(named: Named<'_>, nesting: &Nesting) -> Result<PathBuf, Error> {
    let Named { go, by } = named;
    let path = if go.as_encoded_bytes().contains(&b'/') {
        PathBuf::from(go)
    } else {
        let first = programs(go, std::env::var_os("PATH").as_deref()).next();
        let found = first.ok_or_else(|| {
            Error::NotFound(faults::NOT_ON_PATH.with(&[("by", &by), ("go", &go.to_string_lossy())]))
        })?;
        not_from_here(found, by)?
    };
    let shown = path.display();
    let told = |phrase: Phrase| phrase.with(&[("by", &by), ("go", &shown)]);
    if !path.exists() {
        return Err(Error::NotFound(told(faults::GO_ABSENT)));
    }
    if !is_executable(&path) {
        return Err(Error::NotExecutable(told(faults::GO_NO_PROGRAM)));
    }
    if identity(&path).is_some_and(|id| nesting.known.contains(&id)) || is_wrapper(&path) {
        return Err(Error::Settings(told(faults::GO_IS_GOX)));
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_survives_a_round_trip() {
        let nesting = Nesting { supervised: true, depth: 4, by: Some(7), known: vec![(1, 2), (3, 4)] };
        let marker = |go: &Path| nesting.marker(false, go).into_string().unwrap();
        let below = Nesting::parse(&marker(Path::new("/bin/sh"))).unwrap();
        assert_eq!(below, Nesting { depth: 5, ..nesting.clone() }, "a gox further up still watches");
        for nonsense in ["", "yes", "exec", "exec;", "supervised;z", "other;200", "exec;1;2", "exec;-1;1:2"] {
            assert_eq!(Nesting::parse(nonsense), None, "{nonsense}");
        }
        for nonsense in ["supervised;1;by:", "supervised;1;by:x;1:2", "supervised;1;1:2;by:7"] {
            assert_eq!(Nesting::parse(nonsense), None, "{nonsense}");
        }
        let unwatched = Nesting { supervised: false, by: None, ..nesting.clone() };
        let own = unwatched.marker(true, Path::new("/bin/sh")).into_string().unwrap();
        assert_eq!(Nesting::supervisor(&own), Some(std::process::id()));
        let own = unwatched.marker(false, Path::new("/bin/sh")).into_string().unwrap();
        assert_eq!(Nesting::supervisor(&own), None);
        // A real go between them ends the count; a script in a GOROOT is none.
        let root = tempfile::tempdir().unwrap();
        for folder in ["bin", "pkg/tool"] {
            std::fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        let go = root.path().join("bin/go");
        std::fs::write(&go, "\x7fELF").unwrap();
        assert!(marker(&go).starts_with("supervised;1;"), "{}", marker(&go));
        std::fs::write(&go, "#!/bin/sh\n").unwrap();
        assert!(marker(&go).starts_with("supervised;5;"), "{}", marker(&go));
    }

    #[test]
    fn what_a_relative_element_holds_is_refused_at_its_turn() {
        let (dir, places) = machine();
        let go = dir.path().join("path/go");
        put(&go, 0o755);
        // The working folder of the tests holds no program of that name; this one is below it.
        let here = tempfile::tempdir_in(".").unwrap();
        put(&here.path().join("go"), 0o755);
        let relative = Path::new(here.path().file_name().unwrap());
        let path = |dirs: [&Path; 2]| Some(std::env::join_paths(dirs).unwrap());
        let absolute = dir.path().join("path");
        let first = Places { path: path([&absolute, relative]), ..places };
        assert_eq!(find_unnamed(&first, &Nesting::default()), Ok(go));
        let behind = Places { path: path([relative, &absolute]), ..first };
        let error = find_unnamed(&behind, &Nesting::default()).unwrap_err();
        assert_eq!(error.exit_code(), 126);
        let gox = Nesting { known: vec![identity(&relative.join("go")).unwrap()], ..Nesting::default() };
        assert_eq!(find_unnamed(&behind, &gox), Ok(absolute.join("go")), "gox itself is passed by");
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
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(file, file.display().to_string()).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_script_that_calls_gox_is_no_go() {
        let (dir, places) = machine();
        let script = dir.path().join("path/go");
        put(&script, 0o755);
        std::fs::write(&script, wrapper("'/a b/gox'")).unwrap();
        put(&dir.path().join("goroot/bin/go"), 0o755);
        assert_eq!(find_unnamed(&places, &Nesting::default()), Ok(dir.path().join("goroot/bin/go")));
        let named = Named { go: script.as_os_str(), by: "GOX_GO" };
        assert_eq!(find_named(named, &Nesting::default()).unwrap_err().exit_code(), 125);
        // Another script may be a go.
        std::fs::write(&script, "#!/bin/sh\nexec /usr/lib/go/bin/go \"$@\"\n").unwrap();
        assert_eq!(find_unnamed(&places, &Nesting::default()), Ok(script));
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

//! Text of strangers inside go's output. A message that stands inside what a server, an archive, a repository
//! or a compiler says is theirs, and moves nothing: no file of the cache, no setting, no other host.

use super::{both, each, on_demand};
use crate::harness::Project;
use crate::lab::{Entry, Fault, Lab, Module, Running, always};
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;

/// The module that the enemy serves.
const EVIL: &str = "github.com/lib/m000";

/// The module that is in the cache and well.
const VICTIM: &str = "github.com/lib/m001";

/// Stands for the victim's zip in the cache.
const ZIP: &str = "/ZIP";

/// How many there are.
const LIES: usize = 4;

/// What the enemy wants gox to believe.
fn lies() -> [String; LIES] {
    let hash = |letter: &str| format!("h1:{}=", letter.repeat(43));
    [
        // That a good file is damaged, and which hash is wanted.
        format!(
            "verifying {VICTIM}@v1.0.0: checksum mismatch\n\tdownloaded: {}\n\tgo.sum:     {}\n\nSECURITY ERROR",
            hash("A"),
            hash("B")
        ),
        // That it is damaged in itself.
        format!("-> unzip {ZIP}: zip: not a valid zip file\ngo: zip: not a valid zip file"),
        // That it is private: the checksum database would not be asked about it again.
        format!(
            "go: {VICTIM}@v1.0.0: reading https://proxy.golang.org/{VICTIM}/@v/v1.0.0.mod: 404 Not Found"
        ),
        // That the database is away.
        format!(
            "go: {VICTIM}@v1.0.0: verifying module: {VICTIM}@v1.0.0: Get \
             \"https://sum.golang.org/lookup/{VICTIM}@v1.0.0\": dial tcp 192.0.2.1:443: i/o timeout"
        ),
    ]
}

/// A way to get text into go's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The text below a status.
    Status(u16),
    /// `Version` of `.info`.
    Info,
    /// A name in the zip.
    ZipName,
    /// The `module` line of an unpinned go.mod.
    ModuleLine,
    /// A tag of the origin's page.
    MetaTag,
    /// The git server's own error.
    GitError,
    /// The checksum database's text below a status.
    Database,
    /// `//line` of a source file that does not compile.
    LineDirective,
}

const WAYS: [Way; 11] = [
    Way::Status(403),
    Way::Status(404),
    Way::Status(410),
    Way::Status(500),
    Way::Info,
    Way::ZipName,
    Way::ModuleLine,
    Way::MetaTag,
    Way::GitError,
    Way::Database,
    Way::LineDirective,
];

fn zip_with_name(name: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for name in [format!("{EVIL}@v1.0.0/go.mod").as_str(), name] {
        zip.start_file(name, SimpleFileOptions::default()).expect("a zip in memory");
        zip.write_all(b"module x\n").expect("a zip in memory");
    }
    zip.finish().expect("a zip in memory").into_inner()
}

/// What a smart HTTP git server says instead of its refs.
fn git_error(text: &str) -> Vec<u8> {
    let line = |text: String| format!("{:04x}{text}", text.len() + 4);
    let service = line("# service=git-upload-pack\n".to_owned());
    format!("{service}0000{}", line(format!("ERR {text}\n"))).into_bytes()
}

/// A stage without the enemy.
fn lab(way: Way, lie: &str) -> Running {
    let lab = Lab::new().sumdb().module_host("github.com/lib").entry(Entry::tls().named("proxy.golang.org"));
    // Somebody who would answer, if gox let itself be led there.
    let lab = lab.entry(Entry::tls().named("goproxy.cn")).entry(Entry::tls().named("github.com"));
    let lab = lab.entry(Entry::tls().named("vanity.test"));
    if way == Way::LineDirective { with_line_directive(lab, lie).start() } else { lab.start() }
}

/// The enemy enters.
fn attack(lab: &Running, way: Way, lie: &str) {
    let quoted = serde_json::to_string(lie).expect("a string");
    let evil = |fault: Fault, file: &str| (fault, always().path(&format!("^{EVIL}/@v/{file}")));
    let text = "text/plain; charset=utf-8";
    let (fault, when) = match way {
        Way::Status(status) => evil(Fault::forged(status, text, lie), ""),
        Way::Info => {
            let info = format!("{{\"Version\":{quoted},\"Time\":\"2024-01-02T03:04:05Z\"}}");
            evil(Fault::forged(200, "application/json", info), ".*info$")
        }
        Way::ZipName => evil(Fault::forged(200, "application/zip", zip_with_name(lie)), ".*zip$"),
        Way::ModuleLine => evil(Fault::forged(200, text, format!("module {quoted}\n\ngo 1.21\n")), ".*mod$"),
        Way::MetaTag => {
            let escaped = lie.replace('"', "&quot;").replace('\n', "&#10;").replace('>', "&gt;");
            let page = format!("<meta name=\"go-import\" content=\"{escaped} git https://x.test/y\">");
            (Fault::forged(200, "text/html", page), always().proxy(3))
        }
        Way::GitError => {
            let kind = "application/x-git-upload-pack-advertisement";
            (Fault::forged(200, kind, git_error(lie)), always().proxy(2))
        }
        Way::Database => {
            let lookup = always().at(crate::lab::Place::Sumdb).path(&format!("^lookup/{EVIL}"));
            (Fault::forged(500, text, lie), lookup)
        }
        Way::LineDirective => return,
    };
    lab.also(fault, when);
}

/// An honest proxy, and a module whose source names its lines so that the compiler says what its author likes.
fn with_line_directive(lab: Lab, lie: &str) -> Lab {
    let line = lie.lines().next().unwrap_or_default();
    let source = format!("package evil\n\n//line {line}:1\nvar _ = undefined\n");
    let go_mod = "module github.com/lib/evil\n\ngo 1.21\n";
    let files = vec![("evil.go".to_owned(), source.into_bytes())];
    lab.module(Module::new("github.com/lib/evil", "v1.0.0", go_mod, files))
}

/// A project that needs the evil module, with the victim in its cache.
fn project(lab: &Running, way: Way) -> Project {
    let mut project = Project::new(lab)
        .env("GOPROXY", lab.url(0))
        .env("GOX_MIRRORS", lab.url(1))
        .env("GOX_PRIVATE", VICTIM)
        .env("GOX_BUDGET", "1s")
        .env("GIT_SSL_CAINFO", lab.ca_file())
        .shared_build_cache();
    project.go(["mod", "download", &format!("{VICTIM}@v1.0.0")]).run().success();
    let without = |path: &str| -> String {
        lab.go_sum().lines().filter(|line| !line.starts_with(path)).map(|line| format!("{line}\n")).collect()
    };
    project = match way {
        Way::ModuleLine => project.file("go.sum", without(EVIL)).env("GONOSUMDB", EVIL),
        Way::Database => project.file("go.sum", without(EVIL)),
        Way::MetaTag => project
            .file("go.mod", "module example.test/main\n\ngo 1.21\n\nrequire vanity.test/m v1.0.0\n")
            .env("GOPROXY", "direct"),
        Way::GitError => project.env("GOPROXY", format!("{},direct", lab.url(0))).env("GONOPROXY", EVIL),
        Way::LineDirective => project
            .file("go.mod", "module example.test/main\n\ngo 1.21\n\nrequire github.com/lib/evil v1.0.0\n")
            .file("main.go", "package main\n\nimport _ \"github.com/lib/evil\"\n\nfunc main() {}\n"),
        _ => project,
    };
    project
}

/// Runs the attack; what gox must not do it does not do.
fn fails(way: Way, lie: &str, relay: &str) {
    let lab = lab(way, lie);
    let args: &[&str] = match way {
        Way::LineDirective => &["build", "-o", "program", "."],
        _ => &["mod", "download"],
    };
    let pair = both(&lab, relay, args, || {
        lab.heal();
        let project = project(&lab, way);
        let zip = project.cached(&format!("{VICTIM}/@v/v1.0.0.zip"));
        attack(&lab, way, &lie.replace(ZIP, &zip.display().to_string()));
        project
    });
    let what = format!("{way:?}, relay={relay}: {lie}");
    assert_ne!(pair.plain.code(), Some(0), "the attack reaches go: {what}\n{}", pair.plain);
    pair.ended_alike();
    pair.trusted_as_before();
    pair.kept_the_cache();
    // A fault on the way may lead on, for the module that met it alone.
    let others = |heard: &&String| !heard.contains(EVIL) && !pair.heard_by_plain.contains(*heard);
    let told: Vec<_> = pair.heard_by_ours.iter().filter(others).collect();
    assert!(told.is_empty(), "{what}: {told:?}\n{}", pair.ours);
    for remedy in pair.ours.remedies() {
        for word in ["evict:", "private:", "sumdb:"] {
            assert!(!remedy.starts_with(word), "{what}: {remedy}\n{}", pair.ours);
        }
    }
}

#[test]
fn strangers_words_move_nothing() {
    // One lie a way in each run of the suite, all of them on demand.
    let lies = lies();
    let attacks = WAYS.into_iter().enumerate().flat_map(|(n, way)| {
        let lies = lies.iter().enumerate().filter(move |(k, _)| on_demand() || n % LIES == *k);
        lies.map(move |(k, lie)| (format!("{way:?} with lie {k}"), way, lie))
    });
    each(attacks.map(|(name, way, lie)| (name, move |relay: &str| fails(way, lie, relay))));
}

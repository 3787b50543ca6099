//! The workbench: a module source in a folder, a cache, a project, and a real go that uses them.
//! Nothing is contacted but files.

use crate::formats::go_sum::GoSum;
use crate::module_cache::finding::{Damage, DamageProof};
use crate::module_cache::{Cache, Effect, Finding};
use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The modules on offer: path, version, and for each how go spells it on disk.
pub(super) const MODULES: &[(&str, &str, &str, &str)] = &[
    ("example.test/dep", "v1.0.0", "example.test/dep", "v1.0.0"),
    ("example.test/Cap", "v1.0.0-RC1", "example.test/!cap", "v1.0.0-!r!c1"),
    ("example.test/old", "v2.0.0+incompatible", "example.test/old", "v2.0.0+incompatible"),
    (
        "example.test/pseudo",
        "v0.0.0-20180604122334-1234abcdef78",
        "example.test/pseudo",
        "v0.0.0-20180604122334-1234abcdef78",
    ),
];

/// See the module.
pub(super) struct Bench {
    pub go: PathBuf,
    pub top: PathBuf,
    pub proxy: String,
    pub extra: Vec<(String, String)>,
}

/// What a go run said.
#[derive(Debug)]
pub(super) struct Said {
    pub ok: bool,
    pub text: String,
}

impl Bench {
    /// A bench whose cache is warm and whose go.sum is written.
    pub(super) fn warm(go: &Path) -> Bench {
        let bench = Bench::cold(go);
        let said = bench.run(&["mod", "tidy"]);
        assert!(said.ok, "{}", said.text);
        let said = bench.run(&["mod", "download"]);
        assert!(said.ok, "{}", said.text);
        bench
    }

    /// A bench with nothing in its cache.
    pub(super) fn cold(go: &Path) -> Bench {
        let top = tempfile::Builder::new().prefix("gox-cache").tempdir().unwrap().keep();
        let top = fs::canonicalize(top).unwrap();
        for folder in ["mod", "project", "home", "source"] {
            fs::create_dir_all(top.join(folder)).unwrap();
        }
        let proxy = format!("file://{}", top.join("source").display());
        let bench = Bench { go: go.to_owned(), top, proxy, extra: Vec::new() };
        let mut go_mod = "module example.test/main\n\ngo 1.21\n\nrequire (\n".to_owned();
        let mut main = "package main\n\nimport (\n".to_owned();
        let mut body = String::new();
        for (module, version, path, file) in MODULES {
            bench.offer(module, version, path, file);
            go_mod.push_str(&format!("\t{module} {version}\n"));
            let name = module.rsplit('/').next().unwrap().to_lowercase();
            main.push_str(&format!("\t{name} \"{module}\"\n"));
            body.push_str(&format!("\tprintln({name}.Name())\n"));
        }
        fs::write(bench.top.join("project/go.mod"), go_mod + ")\n").unwrap();
        fs::write(bench.top.join("project/main.go"), format!("{main})\n\nfunc main() {{\n{body}}}\n"))
            .unwrap();
        bench
    }

    fn offer(&self, module: &str, version: &str, path: &str, file: &str) {
        let at = self.top.join("source").join(path).join("@v");
        fs::create_dir_all(&at).unwrap();
        let name = module.rsplit('/').next().unwrap().to_lowercase();
        let go_mod = format!("module {module}\n\ngo 1.21\n");
        let code = format!(
            "package {name}\n\n// Name is this package's.\nfunc Name() string {{ return other() }}\n"
        );
        let other = format!("package {name}\n\nfunc other() string {{ return \"{name}\" }}\n");
        // Something that does not compress, so that a flipped bit falls into it.
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .take(20_000)
        .collect();
        let mut files = vec![
            ("b/noise.bin", noise),
            ("name.go", code.into_bytes()),
            ("other.go", other.into_bytes()),
            ("LICENSE", b"MIT\n".to_vec()),
        ];
        if !version.ends_with("+incompatible") {
            files.push(("go.mod", go_mod.clone().into_bytes()));
        }
        write_zip(&at.join(format!("{file}.zip")), &format!("{module}@{version}/"), &files);
        let go_mod = if version.ends_with("+incompatible") { format!("module {module}\n") } else { go_mod };
        fs::write(at.join(format!("{file}.mod")), go_mod).unwrap();
        let info = format!("{{\"Version\":\"{version}\",\"Time\":\"2018-06-04T12:23:34Z\"}}");
        fs::write(at.join(format!("{file}.info")), info).unwrap();
        fs::write(at.join("list"), format!("{version}\n")).unwrap();
    }

    /// go, with nothing of this machine's settings, ready to start in the project.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.go);
        command.args(args).current_dir(self.top.join("project")).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let top = self.top.display();
        for (name, value) in [
            ("HOME", format!("{top}/home")),
            ("GOPATH", format!("{top}/gopath")),
            ("GOMODCACHE", format!("{top}/mod")),
            ("GOCACHE", format!("{top}/build")),
            ("GOENV", "off".to_owned()),
            ("GOPROXY", self.proxy.clone()),
            ("GOSUMDB", "off".to_owned()),
            ("GOTOOLCHAIN", "local".to_owned()),
            ("GOTELEMETRY", "off".to_owned()),
            ("GOFLAGS", "-mod=mod".to_owned()),
            ("GOMAXPROCS", "2".to_owned()),
            ("CGO_ENABLED", "0".to_owned()),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("LC_ALL", "C".to_owned()),
        ] {
            command.env(name, value);
        }
        command.envs(self.extra.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs go to its end.
    pub(super) fn run(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().unwrap();
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Said { ok: output.status.success(), text }
    }

    pub(super) fn cache(&self) -> Cache {
        Cache::new(self.top.join("mod"), Some(self.top.join("gopath/pkg/sumdb")))
    }

    pub(super) fn go_sum(&self) -> GoSum {
        GoSum::parse(&fs::read_to_string(self.top.join("project/go.sum")).unwrap_or_default())
    }

    /// A file of `example.test/dep`'s `@v`.
    pub(super) fn dep(&self, suffix: &str) -> PathBuf {
        self.top.join("mod/cache/download/example.test/dep/@v/v1.0.0").with_extension(format!("0.{suffix}"))
    }

    /// The extracted folder of `example.test/dep`.
    pub(super) fn dep_tree(&self) -> PathBuf {
        self.top.join("mod/example.test/dep@v1.0.0")
    }

    /// Every plain file below the module cache: inode and time of change of content. Locks and
    /// version lists, which go rewrites as it likes, are left out.
    pub(super) fn files(&self) -> BTreeMap<PathBuf, (u64, i64, i64)> {
        let mut files = BTreeMap::new();
        walk(&self.top.join("mod"), &mut |path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.ends_with(".lock") && name != "lock" && name != "list" {
                let meta = fs::symlink_metadata(path).unwrap();
                files.insert(path.to_owned(), (meta.ino(), meta.mtime(), meta.mtime_nsec()));
            }
        });
        files
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        remove(&self.top);
    }
}

/// Removes a folder of read-only folders.
pub(super) fn remove(top: &Path) {
    if !top.exists() {
        return;
    }
    let mut folders = vec![top.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let _ = fs::set_permissions(&folder, fs::Permissions::from_mode(0o755));
        for item in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if item.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(item.path());
            }
        }
    }
    let _ = fs::remove_dir_all(top);
}

/// Calls `visit` with every plain file below `top`.
pub(super) fn walk(top: &Path, visit: &mut dyn FnMut(&Path)) {
    for item in fs::read_dir(top).into_iter().flatten().flatten() {
        if item.file_type().unwrap().is_dir() {
            walk(&item.path(), visit);
        } else {
            visit(&item.path());
        }
    }
}

/// Writes a zip of the given files, each name with `prefix` in front.
pub(super) fn write_zip(path: &Path, prefix: &str, files: &[(&str, Vec<u8>)]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
    let options = zip::write::SimpleFileOptions::default();
    for (name, content) in files {
        zip.start_file(format!("{prefix}{name}"), options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
}

/// Overwrites a file in place, whatever its modes and its folder's.
pub(super) fn overwrite(path: &Path, content: impl AsRef<[u8]>) {
    if path.exists() {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    fs::write(path, content).unwrap();
}

/// Removes one file from a read-only folder.
pub(super) fn remove_file(path: &Path) {
    let folder = path.parent().unwrap();
    let modes = fs::metadata(folder).unwrap().permissions();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(path).unwrap();
    fs::set_permissions(folder, modes).unwrap();
}

/// Cuts a file to its first `length` bytes.
pub(super) fn cut(path: &Path, length: usize) {
    let bytes = fs::read(path).unwrap();
    overwrite(path, &bytes[..length.min(bytes.len())]);
}

/// The findings by path alone.
pub(super) fn paths(found: &[Finding]) -> Vec<PathBuf> {
    found.iter().map(|finding| finding.path().to_owned()).collect()
}

/// The findings by what is damaged; nothing may be disputed.
#[track_caller]
pub(super) fn damages(found: &[Finding]) -> Vec<Damage> {
    let damage = |finding: &Finding| match finding {
        Finding::Damage(DamageProof { damage, .. }) => damage.clone(),
        Finding::Dispute(disputed) => panic!("{disputed:?}"),
    };
    found.iter().map(damage).collect()
}

/// Uses up what was found; each must still be there.
#[track_caller]
pub(super) fn remove_all(cache: &Cache, found: Vec<Finding>) {
    for finding in found {
        let done = cache.repair(finding);
        assert!(matches!(done, Ok(Effect::Removed)), "{done:?}");
    }
}

/// The same where somebody else was faster.
#[track_caller]
pub(super) fn not_needed(cache: &Cache, finding: Finding) {
    let done = cache.repair(finding);
    assert!(matches!(done, Ok(Effect::Nothing)), "{done:?}");
}

/// The same where it is refused.
#[track_caller]
pub(super) fn refused(cache: &Cache, finding: Finding) -> std::io::Error {
    match cache.repair(finding) {
        Err(error) => error,
        done => panic!("{done:?}"),
    }
}

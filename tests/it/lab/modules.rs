//! The modules a lab serves: generated, or given as files.

use super::fault::Draw;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::sync::{Arc, OnceLock};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

/// Names relative to the module's root, and contents.
pub(crate) type Files = Vec<(String, Vec<u8>)>;

/// One version of one module, ready to be served. Zip and hashes are made when they are first wanted.
#[derive(Clone)]
pub(crate) struct Module {
    /// `example.test/m007`.
    pub(crate) path: String,
    /// `v1.0.0`.
    pub(crate) version: String,
    /// The bytes of `V.mod`.
    pub(crate) go_mod: Bytes,
    files: Arc<Files>,
    zip: Arc<OnceLock<Bytes>>,
    sums: Arc<OnceLock<(String, String)>>,
}

impl Module {
    /// Builds a module from its go.mod and its other files.
    pub(crate) fn new(path: &str, version: &str, go_mod: &str, mut files: Files) -> Module {
        // Versions from before modules have none in their zip; `V.mod` is made up for them.
        if !version.ends_with("+incompatible") && !files.iter().any(|(name, _)| name == "go.mod") {
            files.push(("go.mod".to_owned(), go_mod.as_bytes().to_vec()));
        }
        Module::sharing(path, version, go_mod, Arc::new(files))
    }

    /// The same with files that other versions have, too (go.mod among them).
    pub(super) fn sharing(path: &str, version: &str, go_mod: &str, files: Arc<Files>) -> Module {
        Module {
            path: path.to_owned(),
            version: version.to_owned(),
            go_mod: Bytes::copy_from_slice(go_mod.as_bytes()),
            files,
            zip: Arc::default(),
            sums: Arc::default(),
        }
    }

    /// The files under the names they have in the zip.
    fn named(&self) -> BTreeMap<String, &[u8]> {
        let Module { path, version, .. } = self;
        self.files
            .iter()
            .map(|(name, bytes)| (format!("{path}@{version}/{name}"), bytes.as_slice()))
            .collect()
    }

    /// The bytes of `V.zip`.
    pub(crate) fn zip(&self) -> Bytes {
        self.zip.get_or_init(|| zip_of(&self.named()).into()).clone()
    }

    fn sums(&self) -> &(String, String) {
        self.sums.get_or_init(|| {
            let named = self.named();
            let all = hash1(named.iter().map(|(name, bytes)| (name.as_str(), *bytes)));
            (all, hash1([("go.mod", &self.go_mod[..])]))
        })
    }

    /// The two lines of go.sum.
    pub(crate) fn go_sum(&self) -> String {
        let Module { path, version, .. } = self;
        let (sum, mod_sum) = self.sums();
        format!("{path} {version} {sum}\n{path} {version}/go.mod {mod_sum}\n")
    }
}

/// The hash that go.sum calls `h1`: of the sorted names and hashes of the files.
fn hash1<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let sorted: BTreeMap<&str, &[u8]> = files.into_iter().collect();
    let mut lines = String::new();
    for (name, bytes) in sorted {
        let _ = writeln!(lines, "{}  {name}", hex(&Sha256::digest(bytes)));
    }
    format!("h1:{}", base64(&Sha256::digest(lines.as_bytes())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, b| {
        let _ = write!(text, "{b:02x}");
        text
    })
}

/// Standard base64, padded.
pub(super) fn base64(bytes: &[u8]) -> String {
    use ::base64::Engine as _;
    ::base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn zip_of(files: &BTreeMap<String, &[u8]>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let large = files.values().map(|bytes| bytes.len()).sum::<usize>() > 1 << 20;
    for (name, bytes) in files {
        // Filler does not shrink, and compressing large modules would only cost time.
        let method = if large || name.ends_with(".bin") {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(name.as_str(), options).expect("a zip in memory");
        zip.write_all(bytes).expect("a zip in memory");
    }
    zip.finish().expect("a zip in memory").into_inner()
}

/// The same zip with one file changed; `mark` says how.
pub(super) fn altered_zip(original: &[u8], mark: &str) -> Bytes {
    packed_zip(original, mark, 0)
}

/// The same, packed at that minute: other bytes each minute, and the same content.
pub(super) fn packed_zip(original: &[u8], mark: &str, minute: usize) -> Bytes {
    let minute = u8::try_from(minute % 60).expect("less than 60");
    let packed = zip::DateTime::from_date_and_time(2020, 1, 1, 1, minute, 0).expect("a time");
    let mut archive = zip::ZipArchive::new(Cursor::new(original)).expect("the lab's own zip");
    let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let victim = (0..archive.len())
        .find(|&i| archive.by_index(i).is_ok_and(|f| f.name().is_ok_and(|name| name.ends_with(".go"))))
        .unwrap_or(archive.len().saturating_sub(1));
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).expect("the lab's own zip");
        let options = SimpleFileOptions::default().compression_method(file.compression());
        let options = options.last_modified_time(packed);
        let name = file.name().expect("a name that the lab gave").into_owned();
        out.start_file(name, options).expect("a zip in memory");
        std::io::copy(&mut file, &mut out).expect("a zip in memory");
        if i == victim {
            writeln!(out, "// altered on the way: {mark}").expect("a zip in memory");
        }
    }
    out.finish().expect("a zip in memory").into_inner().into()
}

/// The same zip, the CRC of its first file wrong in the central directory.
pub(super) fn wrong_crc(original: &[u8]) -> Bytes {
    let mut zip = original.to_vec();
    // The end record is the last 22 bytes (no comment); 16 bytes into it stands the directory's offset,
    // and 16 bytes into the directory the first file's CRC.
    let offset_at = zip.len() - 22 + 16;
    let offset = u32::from_le_bytes(zip[offset_at..offset_at + 4].try_into().expect("four bytes")) as usize;
    zip[offset + 16] ^= 0x55;
    zip.into()
}

/// How generated modules hang together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing requires anything but the main module, which requires all.
    Flat,
    /// Module N requires and imports module N+1; the main module requires the first.
    Chain,
}

/// What to generate.
#[derive(Clone)]
pub(super) struct Recipe {
    pub(super) count: usize,
    pub(super) seed: u64,
    pub(super) shape: Shape,
    pub(super) versions: Vec<String>,
    /// Bytes of filler in each module.
    pub(super) size: usize,
    /// Filler of single modules.
    pub(super) big: BTreeMap<usize, usize>,
    pub(super) host: String,
}

impl Recipe {
    /// The path of the n-th module.
    pub(super) fn path(&self, n: usize) -> String {
        format!("{}/m{n:03}", self.host)
    }

    /// Every module in every version; the same recipe gives the same bytes.
    pub(super) fn generate(&self) -> Vec<Module> {
        let mut all = Vec::new();
        for n in 0..self.count {
            for version in &self.versions {
                all.push(self.one(n, version));
            }
        }
        all
    }

    fn one(&self, n: usize, version: &str) -> Module {
        let path = self.path(n);
        let mut go_mod = format!("module {path}\n\ngo 1.21\n");
        let mut source = format!("// Package m{n:03} was generated.\npackage m{n:03}\n\n");
        if self.shape == Shape::Chain && n + 1 < self.count {
            let next = self.path(n + 1);
            // Without pruning (go < 1.17) each go.mod leads to the next alone: the walk is sequential.
            go_mod = format!("module {path}\n\ngo 1.16\n\nrequire {next} {version}\n");
            let _ =
                write!(source, "import next {next:?}\n\n// Value adds up.\nconst Value = 1 + next.Value\n");
        } else {
            let _ = write!(source, "// Value is one.\nconst Value = 1\n");
        }
        let mut files = vec![(format!("m{n:03}.go"), source.into_bytes())];
        let size = self.big.get(&n).copied().unwrap_or(self.size);
        if size > 0 {
            let mut draw = Draw::new(self.seed, &format!("{path}@{version}"));
            let mut filler = Vec::with_capacity(size + 8);
            while filler.len() < size {
                filler.extend_from_slice(&draw.next().to_le_bytes());
            }
            filler.truncate(size);
            files.push(("filler.bin".to_owned(), filler));
        }
        Module::new(&path, version, &go_mod, files)
    }
}

/// The GOPROXY protocol over a set of modules.
pub(crate) struct Shelf {
    files: BTreeMap<String, File>,
    modules: Vec<Module>,
}

enum File {
    Info(String),
    Text(Bytes),
    /// Of the module with this number.
    Zip(usize),
}

impl Shelf {
    /// Puts the modules up, with their lists and `@latest`.
    pub(crate) fn new(modules: Vec<Module>) -> Shelf {
        let mut files = BTreeMap::new();
        let mut versions: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (number, Module { path, version, go_mod, .. }) in modules.iter().enumerate() {
            let at = format!("{}/@v/{}", escape(path), escape(version));
            files.insert(format!("{at}.info"), File::Info(version.clone()));
            files.insert(format!("{at}.mod"), File::Text(go_mod.clone()));
            files.insert(format!("{at}.zip"), File::Zip(number));
            versions.entry(escape(path)).or_default().push(version);
        }
        for (path, mut list) in versions {
            list.sort_by_key(|version| version_key(version));
            let text: String = list.iter().map(|version| format!("{version}\n")).collect();
            files.insert(format!("{path}/@v/list"), File::Text(text.into()));
            if let Some(last) = list.last() {
                files.insert(format!("{path}/@latest"), File::Info((*last).to_owned()));
            }
        }
        Shelf { files, modules }
    }

    /// The file at a path below the proxy's root: its content type and bytes.
    pub(super) fn get(&self, path: &str) -> Option<(&'static str, Bytes)> {
        match self.files.get(path)? {
            File::Info(version) => Some(("application/json", info(version))),
            File::Text(bytes) => Some(("text/plain; charset=UTF-8", bytes.clone())),
            File::Zip(number) => Some(("application/zip", self.modules[*number].zip())),
        }
    }

    /// What is on it.
    pub(crate) fn modules(&self) -> &[Module] {
        &self.modules
    }
}

fn info(version: &str) -> Bytes {
    format!("{{\"Version\":\"{version}\",\"Time\":\"2024-01-02T03:04:05Z\"}}").into()
}

/// Orders `v1.10.0` after `v1.9.0`, and pre-releases before their release.
fn version_key(version: &str) -> (Vec<u64>, bool, String) {
    let core = version.trim_start_matches('v');
    let core = core.split('+').next().unwrap_or(core);
    let (numbers, pre) = core.split_once('-').map_or((core, ""), |(numbers, pre)| (numbers, pre));
    (numbers.split('.').map(|n| n.parse().unwrap_or(0)).collect(), pre.is_empty(), pre.to_owned())
}

/// The form of paths and versions in URLs and file names: `!x` for `X`.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

//! A lab at work: where it is, what it saw, and what it shall do from now on.

use super::fault::{Fault, Rule, When};
use super::modules::{Module, Shape};
use super::names::Strangers;
use super::record::Seen;
use super::site::Shared;
use super::sumdb::Database;
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use tokio::sync::watch;

/// A lab at work; dropping it ends it.
pub(crate) struct Running {
    pub(super) shared: Arc<Shared>,
    pub(super) urls: Vec<String>,
    pub(super) separators: Vec<char>,
    pub(super) addresses: Vec<Option<SocketAddr>>,
    pub(super) sumdb: Option<SocketAddr>,
    pub(super) http_proxy: Option<SocketAddr>,
    pub(super) strangers: Strangers,
    pub(super) ca_file: PathBuf,
    pub(super) required: Vec<(String, String)>,
    pub(super) shape: Shape,
    pub(super) _files: tempfile::TempDir,
    pub(super) end: Option<watch::Sender<()>>,
    pub(super) thread: Option<JoinHandle<()>>,
}

impl Running {
    /// The GOPROXY list.
    pub(crate) fn goproxy(&self) -> String {
        let mut list = String::new();
        for (i, url) in self.urls.iter().enumerate() {
            list.push_str(url);
            if i + 1 < self.urls.len() {
                list.push(self.separators[i]);
            }
        }
        list
    }

    /// The URL of one entry.
    pub(crate) fn url(&self, index: usize) -> &str {
        &self.urls[index]
    }

    /// `127.0.0.1:PORT` of one entry, as it stands in go's errors.
    pub(crate) fn host(&self, index: usize) -> String {
        self.addresses[index].expect("an entry with an address").to_string()
    }

    /// A file with the certificate that signs all others: the value for SSL_CERT_FILE.
    pub(crate) fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The environment that leads go to this lab.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let mut env = vec![
            ("GOPROXY".to_owned(), self.goproxy()),
            ("GOSUMDB".to_owned(), self.gosumdb()),
            ("SSL_CERT_FILE".to_owned(), self.ca_file.display().to_string()),
        ];
        if let Some(address) = self.http_proxy {
            let url = format!("http://{address}");
            env.push(("HTTP_PROXY".to_owned(), url.clone()));
            env.push(("HTTPS_PROXY".to_owned(), url));
            // What must not resolve is looked up by go itself.
            env.push(("NO_PROXY".to_owned(), ".invalid".to_owned()));
        }
        env
    }

    /// The value for GOSUMDB: key and, where it stands alone, URL; `off` without a database.
    pub(crate) fn gosumdb(&self) -> String {
        self.gosumdb_with(Database::verifier)
    }

    /// The same with a key that signed nothing here.
    pub(crate) fn gosumdb_of_another_key(&self) -> String {
        self.gosumdb_with(Database::strange_verifier)
    }

    fn gosumdb_with(&self, key: impl Fn(&Database) -> String) -> String {
        match (&self.shared.database, self.sumdb) {
            (None, _) => "off".to_owned(),
            (Some(database), None) => key(database),
            (Some(database), Some(address)) => format!("{} http://{address}", key(database)),
        }
    }

    /// From now on the checksum database shows another history than before, rightly signed.
    pub(crate) fn fork_sumdb(&self) {
        self.shared.database.as_ref().expect("a lab with a checksum database").fork();
    }

    /// Every module served.
    pub(crate) fn modules(&self) -> &[Module] {
        self.shared.shelf.modules()
    }

    /// What a good proxy has at a path, without the leading slash.
    pub(crate) fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.shared.shelf.get(path).map(|(_, bytes)| bytes.to_vec())
    }

    /// Everything asked so far.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.shared.lock().seen.clone()
    }

    /// `host:port` of those hosts that somebody wanted by name and the lab does not have.
    pub(crate) fn strangers(&self) -> BTreeSet<String> {
        self.strangers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// The requests for files that the module cache given to [`Running::watch`] had already.
    pub(crate) fn wasted(&self) -> Vec<Seen> {
        self.requests().into_iter().filter(|seen| seen.cached).collect()
    }

    /// From now on compares each request with what this GOMODCACHE has.
    pub(crate) fn watch(&self, module_cache: &Path) {
        self.shared.lock().watched = Some(module_cache.to_owned());
    }

    /// Takes all faults away.
    pub(crate) fn heal(&self) {
        self.shared.lock().rules.clear();
    }

    /// One more fault, from now on.
    pub(crate) fn also(&self, fault: Fault, when: When) {
        self.shared.lock().rules.push(Rule { faults: vec![fault], when, done: 0 });
    }

    /// Forgets what was asked so far (the counts of faults by number too).
    pub(crate) fn forget(&self) {
        let mut state = self.shared.lock();
        state.seen.clear();
        state.of_path.clear();
        state.overall.clear();
        state.first = None;
    }

    /// go.mod of the main module.
    pub(crate) fn go_mod(&self) -> String {
        let mut text = "module example.test/main\n\ngo 1.21\n".to_owned();
        if !self.required.is_empty() {
            text.push_str("\nrequire (\n");
            for (path, version) in &self.required {
                text.push_str(&format!("\t{path} {version}\n"));
            }
            text.push_str(")\n");
        }
        text
    }

    /// A whole go.sum: the hashes of everything served.
    pub(crate) fn go_sum(&self) -> String {
        self.modules().iter().map(Module::go_sum).collect()
    }

    /// A program that imports all that go.mod requires, and prints one line.
    pub(crate) fn main_go(&self) -> String {
        let mut text = "package main\n\nimport (\n\t\"fmt\"\n\n".to_owned();
        let mut sum = "0".to_owned();
        for (path, _) in &self.required {
            let name = path.rsplit('/').next().unwrap_or(path);
            text.push_str(&format!("\t{path:?}\n"));
            sum.push_str(&format!(" + {name}.Value"));
        }
        text.push_str(&format!(")\n\nfunc main() {{\n\tfmt.Println(\"modules:\", {sum})\n}}\n"));
        text
    }

    /// Writes the main module into a folder: go.mod, go.sum and main.go.
    pub(crate) fn write_project(&self, dir: &Path) -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        std::fs::write(dir.join("go.mod"), self.go_mod())?;
        std::fs::write(dir.join("go.sum"), self.go_sum())?;
        std::fs::write(dir.join("main.go"), self.main_go())
    }

    /// How the generated modules hang together.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

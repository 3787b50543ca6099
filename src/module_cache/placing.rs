//! Places a module version in the cache as go itself would: under go's lock, in go's order, with go's
//! names and modes. What is there already is left alone, and nothing that go would believe is ever
//! there before it is whole.
//!
//! The order is what makes a crash harmless. `.partial` stands before the folder does, and go trusts no
//! folder beside one; zip and `.ziphash` come when the folder is whole and has the hash that go.sum
//! wants; `.partial` goes last. go's own process does the same in another order (zip first).

use super::Cache;
use super::evict::remove_tree;
use super::place::Files;
use crate::formats::module_zip::{self, Unfit};
use crate::formats::zip::Manifest;
use crate::machine::file_lock::Lock;
use rustix::fs::{AtFlags, Mode, OFlags};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// What all modules that one run places have in common.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// Folders keep their write bits (`-modcacherw`).
    pub(crate) writable: bool,
    /// Set to end the work at the next file.
    pub(crate) stop: AtomicBool,
}

/// A zip that is to be kept.
#[derive(Debug)]
pub(crate) enum Packed {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file, at its start.
    File(File),
}

/// What kept a module version from being placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// The cache.
    Cache(String),
    /// Its zip, which is left to go.
    Zip(String),
}

/// A module version that is being placed. Dropped before it was finished, it leaves nothing.
#[derive(Debug)]
pub(crate) struct Placing {
    files: Files,
    /// The hashes that go.sum knows; one of them must be met.
    wanted: Vec<String>,
    order: Arc<Order>,
    stage: Mutex<Stage>,
    /// go's own lock on the version; held until all is done.
    _lock: Lock,
}

/// How far it is.
#[derive(Debug)]
enum Stage {
    /// Nothing stands; why the last copy was not unpacked.
    Begun(Option<String>),
    /// The folder stands beside its `.partial`; the zip had this hash.
    Unpacked {
        /// As in go.sum.
        h1: String,
        /// Its folders, each behind the one it lies in.
        folders: Vec<String>,
    },
    /// The cache does not take it, and why.
    Failed(io::Error),
    /// All stands.
    Done,
}

impl Cache {
    /// Begins to place a module version whose zip must have one of the hashes `wanted`. `None` where
    /// something of it is there, or somebody else holds its lock: it is theirs then.
    ///
    /// # Errors
    /// Where the cache takes no files or no locks: no other module will do better.
    pub(crate) fn begin_placing(
        &self,
        module: &str,
        version: &str,
        wanted: &[String],
        order: &Arc<Order>,
    ) -> io::Result<Option<Placing>> {
        let Some(files) = Files::of(&self.root, module, version) else { return Ok(None) };
        let folder = files.lock.parent().ok_or(io::ErrorKind::NotFound)?;
        fs::create_dir_all(folder)?;
        let lock = match Lock::exclusive(&files.lock, Duration::ZERO) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(None),
            Err(error) => return Err(error),
        };
        let there = [&files.tree, &files.partial, &files.zip, &files.ziphash];
        if there.into_iter().any(|path| fs::symlink_metadata(path).is_ok()) {
            return Ok(None);
        }
        let stage = Mutex::new(Stage::Begun(None));
        Ok(Some(Placing { files, wanted: wanted.to_vec(), order: order.clone(), stage, _lock: lock }))
    }

    /// The go.mod of a module version, where it is cached.
    pub(crate) fn go_mod(&self, module: &str, version: &str) -> Option<Vec<u8>> {
        let files = Files::of(&self.root, module, version)?;
        crate::machine::bounded::read(&files.mod_file, crate::formats::zip::MAX_GO_MOD).ok()
    }

    /// Whether a module version's `.mod` is cached.
    pub(crate) fn has_go_mod(&self, module: &str, version: &str) -> bool {
        Files::of(&self.root, module, version).is_some_and(|files| files.mod_file.is_file())
    }

    /// Whether any version of a module was ever fetched.
    pub(crate) fn has_versions(&self, module: &str) -> bool {
        let files = Files::of(&self.root, module, "v0.0.0");
        let list = files.map(|files| files.lock.with_file_name("list"));
        list.is_some_and(|list| fs::metadata(list).is_ok_and(|found| found.len() > 0))
    }

    /// Whether a module version's `.info` is cached.
    pub(crate) fn has_info(&self, module: &str, version: &str) -> bool {
        Files::of(&self.root, module, version).is_some_and(|files| files.info.is_file())
    }
}

impl Placing {
    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Unpacks a zip beside a `.partial`. `None` where this zip, or this cache, is not made for it. A
    /// copy that was unpacked before gives way.
    pub(crate) fn unpack(&self, mut zip: impl Read + Seek) -> Option<Manifest> {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Failed(_) | Stage::Done) {
            return None;
        }
        *stage = Stage::Begun(None);
        let unpacked = self.clear().map_err(Unfit::Io).and_then(|()| self.write_folder(&mut zip));
        match unpacked {
            Ok((manifest, folders)) => {
                *stage = Stage::Unpacked { h1: manifest.h1().to_owned(), folders };
                Some(manifest)
            }
            Err(unfit) => {
                // Where it cannot be cleared either, `.partial` tells go.
                let _ = self.clear();
                *stage = match unfit {
                    Unfit::Zip(why) => Stage::Begun(Some(why)),
                    Unfit::Io(error) => Stage::Failed(error),
                };
                None
            }
        }
    }

    fn write_folder(&self, zip: &mut (impl Read + Seek)) -> Result<(Manifest, Vec<String>), Unfit> {
        File::create(&self.files.partial).map_err(Unfit::Io)?;
        let mut folder = Folder::create(&self.files.tree, &self.order).map_err(Unfit::Io)?;
        let manifest = module_zip::unpack(zip, &self.files.prefix, &mut folder)?;
        Ok((manifest, folder.folders))
    }

    /// Removes the folder, then its `.partial`.
    fn clear(&self) -> io::Result<()> {
        let gone = |result: io::Result<()>| match result {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        };
        gone(remove_tree(&self.files.tree))?;
        gone(fs::remove_file(&self.files.partial))
    }

    /// Whether the zip that was unpacked last is the one that go.sum wants.
    pub(crate) fn is_proven(&self) -> bool {
        matches!(&*self.stage(), Stage::Unpacked { h1, .. } if self.wanted.contains(h1))
    }

    /// Puts zip and `.ziphash` beside the folder, and lets go see all of it. Does nothing where the zip is
    /// not proven.
    ///
    /// # Errors
    /// Of the file system; nothing stands then.
    pub(crate) fn finish(&self, zip: Packed) -> io::Result<()> {
        let mut stage = self.stage();
        let (h1, folders) = match &*stage {
            Stage::Unpacked { h1, folders } if self.wanted.contains(h1) => (h1.clone(), folders.clone()),
            Stage::Begun(_) | Stage::Unpacked { .. } | Stage::Failed(_) | Stage::Done => return Ok(()),
        };
        let done = self.put(zip, &h1, &folders);
        *stage = if done.is_ok() { Stage::Done } else { Stage::Begun(None) };
        if done.is_err() {
            let _ = fs::remove_file(&self.files.zip);
            let _ = fs::remove_file(&self.files.ziphash);
            let _ = self.clear();
        }
        done
    }

    fn put(&self, zip: Packed, h1: &str, folders: &[String]) -> io::Result<()> {
        // Created as go creates its files, so that the mask has been applied.
        let mode = fs::metadata(&self.files.partial)?.permissions();
        if !self.order.writable {
            for folder in folders.iter().rev() {
                protect(&self.files.tree.join(folder))?;
            }
            protect(&self.files.tree)?;
        }
        let mut hash =
            OpenOptions::new().write(true).create(true).truncate(true).open(&self.files.ziphash)?;
        hash.write_all(h1.as_bytes())?;
        let mut name = self.files.zip.clone().into_os_string();
        name.push(format!("{}.tmp", fastrand::u32(100_000_000..)));
        let new = Path::new(&name);
        let written = store(zip, new, mode).and_then(|()| fs::rename(new, &self.files.zip));
        if written.is_err() {
            let _ = fs::remove_file(new);
        }
        written?;
        fs::remove_file(&self.files.partial)
    }

    /// Why it was not placed, if that is known: what the file system said holds for others too.
    pub(crate) fn obstacle(&self) -> Option<Obstacle> {
        match &*self.stage() {
            Stage::Failed(error) => Some(Obstacle::Cache(error.to_string())),
            Stage::Begun(Some(why)) => {
                Some(Obstacle::Zip(format!("{} is {why}", self.files.prefix.trim_end_matches('/'))))
            }
            Stage::Begun(None) | Stage::Unpacked { .. } | Stage::Done => None,
        }
    }
}

impl Drop for Placing {
    fn drop(&mut self) {
        let stands = matches!(*self.stage(), Stage::Unpacked { .. });
        if stands {
            let _ = self.clear();
        }
    }
}

/// Writes the zip under a name of its own: the very file that it is in, where that has no name yet.
fn store(zip: Packed, to: &Path, mode: fs::Permissions) -> io::Result<()> {
    let new = || OpenOptions::new().write(true).create_new(true).open(to);
    let mut file = match zip {
        Packed::Bytes(bytes) => return new()?.write_all(&bytes),
        Packed::File(file) => file,
    };
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    match rustix::fs::linkat(rustix::fs::CWD, &own, rustix::fs::CWD, to, AtFlags::SYMLINK_FOLLOW) {
        Ok(()) => file.set_permissions(mode),
        // Another file system, or one without such files.
        Err(_) => io::copy(&mut file, &mut new()?).map(drop),
    }
}

/// Takes the write bits off a folder, as go does.
fn protect(folder: &Path) -> io::Result<()> {
    let mode = fs::symlink_metadata(folder)?.permissions().mode();
    fs::set_permissions(folder, fs::Permissions::from_mode(mode & !0o222))
}

/// The folder of a module version while it is written. All is created below one descriptor, and
/// nothing that is there is followed or overwritten.
struct Folder<'a> {
    top: OwnedFd,
    order: &'a Order,
    /// As they were made.
    folders: Vec<String>,
    known: HashSet<String>,
    /// Of the last file.
    last: String,
    file: Option<File>,
}

impl<'a> Folder<'a> {
    /// Makes the folder, which must not be there.
    fn create(at: &Path, order: &'a Order) -> io::Result<Folder<'a>> {
        if let Some(above) = at.parent() {
            fs::create_dir_all(above)?;
        }
        fs::create_dir(at)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let top = rustix::fs::open(at, flags, Mode::empty())?;
        Ok(Folder { top, order, folders: vec![], known: HashSet::new(), last: String::new(), file: None })
    }

    fn make(&mut self, folder: &str) -> io::Result<()> {
        let ends = folder.match_indices('/').map(|(at, _)| at).chain([folder.len()]);
        for end in ends {
            let folder = &folder[..end];
            if !self.known.contains(folder) {
                rustix::fs::mkdirat(&self.top, folder, Mode::from_raw_mode(0o777))?;
                self.known.insert(folder.to_owned());
                self.folders.push(folder.to_owned());
            }
        }
        Ok(())
    }
}

impl module_zip::Files for Folder<'_> {
    fn begin(&mut self, name: &str, _: u64) -> io::Result<()> {
        if self.order.stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if let Some((folder, _)) = name.rsplit_once('/')
            && folder != self.last
        {
            self.make(folder)?;
            folder.clone_into(&mut self.last);
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.top.as_fd(), name, flags, Mode::from_raw_mode(0o444))?;
        self.file = Some(file.into());
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }

    fn end(&mut self) -> io::Result<()> {
        self.file = None;
        Ok(())
    }
}

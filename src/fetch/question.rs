//! What the fetcher is asked: one file of the module proxy protocol.
//!
//! Pure.

use crate::machine::dial::Purpose;

/// The files of a module, by their place in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `MODULE/@v/list`.
    List,
    /// `MODULE/@latest`.
    Latest,
    /// `MODULE/@v/VERSION.info` of a canonical version.
    Info,
    /// `MODULE/@v/QUERY.info` of a branch, a commit or a shortened version.
    Query,
    /// `MODULE/@v/VERSION.mod`.
    Mod,
    /// `MODULE/@v/VERSION.zip`.
    Zip,
}

impl Kind {
    /// True for what never changes once published, so that any upstream's copy will do.
    pub(crate) fn is_fixed(self) -> bool {
        match self {
            Kind::Info | Kind::Mod | Kind::Zip => true,
            Kind::List | Kind::Latest | Kind::Query => false,
        }
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum File {
    /// A file of a module.
    Module {
        /// The module's path, unescaped.
        module: String,
        /// The version or query, unescaped; empty where the file has none.
        version: String,
        /// Which of its files.
        kind: Kind,
    },
    /// A file of a checksum database that a module proxy carries.
    Database {
        /// The database's name, which may hold a path of its own.
        name: String,
        /// What follows the name: `supported`, `latest`, `lookup/...` or `tile/...`.
        path: String,
    },
}

impl File {
    /// Whether this is the question whether a proxy carries the database at all.
    pub(crate) fn is_supported(&self) -> bool {
        matches!(self, File::Database { path, .. } if path == "supported")
    }

    /// Module and version, which may be empty; none for what the database has.
    pub(crate) fn module(&self) -> Option<(&str, &str)> {
        match self {
            File::Module { module, version, .. } => Some((module, version)),
            File::Database { .. } => None,
        }
    }

    /// True for what never changes once published.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self, File::Module { kind, .. } if kind.is_fixed())
    }

    /// True for a zip: the one kind that may be large.
    pub(crate) fn is_zip(&self) -> bool {
        matches!(self, File::Module { kind: Kind::Zip, .. })
    }

    /// True for what is read line by line, so that it may be cut and still look whole.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, File::Module { kind: Kind::List | Kind::Mod, .. })
    }

    /// What a connection for it is for.
    pub(super) fn purpose(&self) -> Purpose<'_> {
        match self {
            File::Module { module, .. } => Purpose::Module(module),
            File::Database { path, .. } => match path.strip_prefix("lookup/") {
                Some(record) => Purpose::LookUp(record),
                None => Purpose::Database,
            },
        }
    }

    /// The module whose name goes out with the question: in a look-up of a checksum database too.
    /// `None` where no name goes out; the error where it cannot be told.
    pub(crate) fn names(&self) -> Result<Option<String>, Unreadable> {
        match self {
            File::Module { module, .. } => Ok(Some(module.clone())),
            File::Database { path, .. } => match path.strip_prefix("lookup/") {
                None => Ok(None),
                Some(record) => {
                    let module = record.rsplit_once('@').map(|(module, _)| module);
                    let module = module.and_then(crate::formats::escape::unescape_path);
                    module.map(Some).ok_or(Unreadable)
                }
            },
        }
    }
}

/// A look-up whose module cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// A file, and the path under which every upstream has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// What is asked.
    pub(crate) file: File,
    /// Its path below an upstream's URL, escaped, without a leading slash.
    pub(crate) path: String,
}

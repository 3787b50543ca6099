//! Who may answer a question, and who may hear the name in it.

use super::Fetcher;
use super::ledger::Books;
use super::question::{File, Kind};
use crate::judgement::publicity::Publicity;
use crate::judgement::request::UpstreamId;

/// Who alone may answer, where that is settled already.
pub(super) enum Route {
    /// Nobody alone.
    Any,
    /// This one.
    Only(UpstreamId),
    /// Nobody at all.
    Nobody,
}

/// Who may hear the name that goes out with this file. A name that cannot be read is kept.
pub(super) fn publicity(fetcher: &Fetcher, file: &File) -> Publicity {
    match file.names() {
        Ok(None) => Publicity::Ordinary,
        Ok(Some(module)) => fetcher.options.private.publicity(&module),
        Err(_) => Publicity::LikelyPrivate,
    }
}

/// Who alone may answer a question about this file.
pub(super) fn route(books: &Books, file: &File, publicity: Publicity) -> Route {
    let known = |upstream: Option<&UpstreamId>| upstream.map_or(Route::Any, |at| Route::Only(*at));
    match file {
        File::Module { module, kind, .. } => match kind {
            // What nothing verifies is answered by one upstream a run.
            Kind::List | Kind::Latest | Kind::Query => known(books.answered_by.get(module)),
            Kind::Info | Kind::Mod | Kind::Zip => Route::Any,
        },
        File::Database { name, .. } => match books.carriers.get(name) {
            // A private name is not carried by somebody whom go would not have come to.
            Some(carrier) if carrier.go_walks || publicity != Publicity::LikelyPrivate => {
                Route::Only(carrier.upstream)
            }
            None if file.is_supported() => Route::Any,
            // go asks `supported` first; without an answer to that nobody carries the database.
            Some(_) | None => Route::Nobody,
        },
    }
}

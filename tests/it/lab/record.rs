//! What the lab saw, in the order in which it came.

use super::fault::{Fault, Place};
use std::time::Duration;

/// One request and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Since the lab was started.
    pub(crate) at: Duration,
    /// Which server of the lab got it.
    pub(crate) place: Place,
    /// `GET`, mostly.
    pub(crate) method: String,
    /// Below the root of that server, without the leading slash and without the query.
    pub(crate) path: String,
    /// What stood after the question mark.
    pub(crate) query: Option<String>,
    /// Path and query as they came, or the whole URL where one came (through an HTTP proxy).
    pub(crate) named: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// `HTTP/1.1` or `HTTP/2`.
    pub(crate) protocol: &'static str,
    /// The status sent; 0 where the answer ended before it.
    pub(crate) status: u16,
    /// What was done to it.
    pub(crate) fault: Option<Fault>,
    /// Bytes of the body sent.
    pub(crate) sent: usize,
    /// Whether a right and whole answer was sent (known after it ended).
    pub(crate) whole: bool,
    /// Whether the watched module cache had the file already when the request came.
    pub(crate) cached: bool,
}

impl Seen {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

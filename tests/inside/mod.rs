//! What tests of the library's inside share with the integration tests: the one lab, the one harness.
//!
//! Tests that need a process, a socket or a real go, but also what the library keeps to itself, stand in the
//! folders beside this file, one for each module of the library; its `mod tests` leads there.

#![allow(unsafe_code, reason = "terminals, namespaces and what runs between fork and exec")]

#[allow(dead_code, unused_imports, reason = "a toolbox: not every tool is used here")]
#[path = "../it/lab/mod.rs"]
pub(crate) mod lab;

#[allow(dead_code, unused_imports, reason = "a toolbox: not every tool is used here")]
#[path = "../it/harness/mod.rs"]
pub(crate) mod harness;

mod privacy;
mod readme;

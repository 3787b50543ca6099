//! Damages real caches of real go releases and has them mended.

mod bench;
mod matrix;
mod sharing;
mod sumdb;
mod vcs;

//! Damages real caches of real go releases and has them mended.

mod aside;
mod bench;
mod matrix;
mod sharing;
mod sumdb;
mod sumdb_real;
mod vcs;

//! Go's own formats, and those of its neighbours that gox reads with it: how they are spelled,
//! written and read.
//!
//! Pure, over bytes or text in hand; nothing here opens a file. Whatever a stranger or a user may
//! have written is read without a panic, in time in proportion to its length, line by line where it
//! has lines: one line that cannot be read spoils no other.

pub(crate) mod authority;
pub(crate) mod env_file;
pub(crate) mod escape;
pub(crate) mod git_config;
pub(crate) mod go_mod;
pub(crate) mod go_source;
pub(crate) mod go_sum;
pub(crate) mod go_version;
pub(crate) mod goproxy;
pub(crate) mod h1;
pub(crate) mod module_path;
pub(crate) mod module_zip;
pub(crate) mod netrc;
pub(crate) mod patterns;
pub(crate) mod percent;
pub(crate) mod quoted;
pub(crate) mod ssh_config;
#[cfg(test)]
#[path = "../../tests/inside/formats/mod.rs"]
mod tests;
pub(crate) mod version;
pub(crate) mod zip;

//! Go's own formats, and those of its neighbours that gox reads with it: how they are spelled,
//! written and read.
//!
//! Pure, over bytes or text in hand; nothing here opens a file. Whatever a stranger or a user may
//! have written is read without a panic, in time in proportion to its length, line by line where it
//! has lines: one line that cannot be read spoils no other.

pub mod authority;
pub mod env_file;
pub mod escape;
pub mod git_config;
pub mod go_mod;
pub mod go_sum;
pub mod go_version;
pub mod goproxy;
pub mod h1;
pub mod module_path;
pub mod netrc;
pub mod patterns;
pub(crate) mod percent;
pub mod quoted;
pub mod ssh_config;
pub mod version;
pub mod zip;

//! What gox finds on this machine: the real go and its settings, toolchains, gox.toml, the network;
//! and go's way to lock a file.

pub mod bounded;
pub mod configuration_files;
pub(crate) mod dial;
pub(crate) mod file_lock;
pub mod find_go;
pub mod git_settings;
pub mod go_env;
pub(crate) mod limits;
pub mod network;
pub mod toolchain;

//! What gox finds on this machine: the real go and its settings, toolchains, gox.toml, the network;
//! and go's way to lock a file.

pub(crate) mod answer;
pub(crate) mod bounded;
pub(crate) mod configuration_files;
pub(crate) mod dial;
pub(crate) mod file_lock;
pub(crate) mod find_go;
pub(crate) mod git_settings;
pub(crate) mod go_env;
pub(crate) mod limits;
pub(crate) mod locale;
pub(crate) mod look_up;
pub(crate) mod names;
pub(crate) mod network;
pub(crate) mod origins;
pub(crate) mod own_file;
pub(crate) mod resolver;
pub(crate) mod toolchain;

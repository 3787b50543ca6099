//! What gox finds on this machine: the real go and its settings, toolchains, gox.toml, the network.

pub mod configuration_files;
pub mod find_go;
pub mod go_env;
pub mod network;
pub mod toolchain;

//! gox.
pub mod decide;
pub mod find_go;
pub mod go_env;
pub mod child;
pub mod command_line;
pub mod configuration;
pub mod configuration_files;
pub mod goproxy;
pub mod health;
pub mod network;
pub mod module_cache;
pub mod private;
pub mod redact;
pub mod report;
pub mod toolchain;
pub mod verb;
pub mod vocabulary;

//! gox.
pub mod decide;
pub mod find_go;
pub mod go_env;
pub mod child;
pub mod goproxy;
pub mod health;
pub mod network;
pub mod private;
pub mod redact;
pub mod report;
pub mod toolchain;
pub mod verb;
pub mod vocabulary;

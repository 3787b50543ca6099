//! gox.
pub mod decide;
pub mod find_go;
pub mod go_env;
pub mod goproxy;
pub mod private;
pub mod redact;
pub mod verb;
pub mod vocabulary;

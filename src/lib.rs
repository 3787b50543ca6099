//! gox.
pub mod goproxy;
pub mod module_cache;
pub mod private;
pub mod redact;
pub mod vocabulary;

//! gox.
pub mod classify;
pub mod explain;
pub mod goproxy;
pub mod private;
pub mod redact;
pub mod vocabulary;

//! gox.
pub mod child;
pub mod goproxy;
pub mod private;
pub mod redact;
pub mod vocabulary;

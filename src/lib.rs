//! gox.
pub mod configuration;
pub mod goproxy;
pub mod private;
pub mod redact;
pub mod vocabulary;

//! gox.
pub mod goproxy;
pub mod private;
pub mod redact;
pub mod relay;
pub mod vocabulary;

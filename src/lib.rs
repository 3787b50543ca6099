//! gox.
pub mod command_line;
pub mod configuration;
pub mod configuration_files;
pub mod goproxy;
pub mod own_verbs;
pub mod private;
pub mod redact;
pub mod vocabulary;

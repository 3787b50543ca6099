//! Go's own formats: how it spells, writes and reads what others must understand too.
//!
//! Pure, over bytes or text in hand; nothing here opens a file.

pub mod escape;
pub mod go_sum;
pub mod goproxy;
pub(crate) mod percent;

//! All judgement: what a failure means, what follows it, and who may be asked about what.
//!
//! Pure. [`attempt`] decides what follows a failed attempt of go's, [`request`] what follows a failed
//! request of the fetcher's, [`privacy`] which names must be kept from whom.

pub mod attempt;
pub mod privacy;
pub mod request;

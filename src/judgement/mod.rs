//! All judgement: what a failure means, what follows it, and who may be asked about what.
//!
//! Pure. [`table`] says what each failure means. `attempt` decides what follows a failed attempt of go's, `request` what follows a failed
//! request of the fetcher's, `privacy` and `publicity` which names must be kept from whom, `refusal`
//! whether a host that refuses gives a reason, `diagnosis` what is wrong where `gox doctor` has looked.

pub(crate) mod attempt;
pub(crate) mod backoff;
pub(crate) mod diagnosis;
pub(crate) mod privacy;
pub(crate) mod publicity;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod table;

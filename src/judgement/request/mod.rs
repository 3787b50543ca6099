//! What follows a failed request: whom to ask next, when, and when to give up.

pub mod breaker;
pub mod crossings;
pub mod hedge;
pub mod policy;

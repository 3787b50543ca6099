//! The relay against the real go and a module proxy that misbehaves.

mod faulty;
mod with_go;

use super::{Options, Relay, Surroundings, start};
use crate::goproxy::List;
use std::time::Duration;

/// Options with short times: nothing here waits for real networks.
fn options(list: &str) -> Options {
    Options {
        backoff_base: Duration::from_millis(20),
        backoff_max: Duration::from_millis(100),
        stall: Duration::from_secs(2),
        budget: Duration::from_secs(30),
        ..Options::new(List::parse(list), Surroundings::default())
    }
}

fn relay(list: &str) -> Relay {
    start(options(list)).unwrap()
}

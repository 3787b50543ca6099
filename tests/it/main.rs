//! The integration tests: the real gox and real go releases against a misbehaving module proxy.

#![allow(unsafe_code, reason = "terminals, namespaces and what runs between fork and exec")]

#[allow(
    dead_code,
    unused_imports,
    reason = "a toolbox: also used by the examples, and not every tool by every one"
)]
mod lab;

#[allow(dead_code, unused_imports, reason = "a toolbox")]
mod harness;

mod attacks;
mod budget;
mod cache_damage;
mod checksums;
mod ci_output;
mod configuration;
mod day;
mod differential;
mod disputed;
mod doctor;
mod endings;
mod evict;
mod explain;
mod fetcher;
mod fill;
mod fill_limits;
mod fill_parts;
mod gets_through;
mod harness_tools;
mod install;
mod journal;
mod lab_faults;
mod layers;
mod obedience;
mod peers;
mod power_loss;
mod privacy;
mod private;
mod progress;
mod quick_to_fail;
mod ready_made;
mod real;
mod record;
mod rotation;
mod secrets;
mod security;
mod settings;
mod shim;
mod speech;
mod step_back;
mod strangers;
mod streams;
mod sumdb;
mod tidy;
mod together;
mod toolchain;
mod words;

//! gox: the go command that gets module downloads through bad networks.
//!
//! gox finds the real go, runs it as a child with everything passed on unchanged, reads what it says
//! and watches whether it moves. When it fails for a cause that can be cured, gox cures that cause,
//! for the child alone, and runs it again: within a budget, and with every check of Go's left on.
//! A relay inside gox does the same for single requests.
//!
//! # Architecture
//!
//! The modules below stand in reading order. First the *pure* ones, which touch no file, clock,
//! process, network or randomness (a test holds them to it), then those that touch the system, then
//! the loop that joins them.
//!
//! | module | duty |
//! | --- | --- |
//! | [`vocabulary`] | the words all others speak: cause, source, detail, failure, action |
//! | [`redact`] | takes secrets out of URLs before anything is printed or stored |
//! | [`formats`] | go's own formats: names, sums, lists |
//! | [`verb`] | the one table of go's verbs: pass through, supervised, runs the user's code |
//! | [`judgement`] | what a failure means (one table), what follows a failed attempt or request, who may be asked about what |
//! | [`classify`] | from go's words to failures |
//! | [`configuration`], [`command_line`] | every setting, from where, and in which order |
//! | [`machine`] | the real go and its settings, toolchains, gox.toml, the network |
//! | [`memory`] | the report of a run, and what runs leave for later ones |
//! | [`child`] | runs go once: streams, signals, process groups, the stall watch |
//! | [`module_cache`] | finds what is damaged and evicts exactly that, under go's own locks |
//! | [`fetch`] | gets one file through faults: routes, repeats, resumes, hedges, checks |
//! | [`relay`] | the loopback module proxy that serves go what the fetcher gets |
//! | [`exit`] | how gox ends: a status, a signal, becoming go |
//! | [`run`] | the loop: observe, decide, report, apply, wait |
//! | [`own_verbs`] | gox's own verbs |
//! | [`shim`] | what happens between the shell and go |
//!
//! # Invariants of absence
//!
//! Nothing in gox sets GOSUMDB=off, GONOSUMDB, GONOSUMCHECK, GOINSECURE or GIT_SSL_NO_VERIFY; nothing
//! edits go.mod, go.sum, `go env -w`, git's or a shell's configuration. The decision never sleeps and
//! never reads a clock: the loop does. A failure that gox does not recognise is not retried.

pub mod vocabulary;

pub mod redact;

pub mod formats;

pub mod verb;

pub mod judgement;

pub mod classify;

pub mod configuration;

pub mod command_line;

pub mod machine;

pub mod memory;

pub mod child;

pub mod module_cache;

pub mod fetch;

pub mod relay;

pub mod exit;

pub mod run;

pub mod own_verbs;

pub mod shim;

#[cfg(test)]
#[path = "../tests/inside/mod.rs"]
mod inside;

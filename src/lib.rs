//! gox: the go command that gets module downloads through bad networks.
//!
//! gox finds the real go, runs it as a child with everything passed on unchanged, reads what it says
//! and watches whether it moves. When it fails for a cause that can be cured, gox cures that cause,
//! for the child alone, and runs it again: within a budget, and with every check of Go's left on.
//! A relay inside gox does the same for single requests, and a fill fetches what go.sum proves before go asks.
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
//! | [`words`] | every sentence for people, in English and in Chinese |
//! | [`progress`] | how far a run has come: when it is shown, and as which lines |
//! | [`verb`] | the one table of go's verbs: pass through, supervised, runs the user's code |
//! | [`judgement`] | what a failure means (one table), what follows a failed attempt or request, who may be asked about what |
//! | [`classify`] | from go's words to failures |
//! | [`configuration`], [`command_line`] | every setting, from where, and in which order |
//! | [`guide`] | gox's help, and the way for those who mistyped a verb |
//! | [`machine`] | the real go and its settings, toolchains, gox.toml, the network |
//! | [`memory`] | the report of a run, and what runs leave for later ones |
//! | [`child`] | runs go once: streams, signals, process groups, the stall watch |
//! | [`module_cache`] | finds what is damaged and evicts exactly that, and places what go.sum proves, under go's own locks |
//! | [`fetch`] | gets one file through faults: routes, repeats, resumes, hedges, checks |
//! | [`relay`] | the loopback module proxy that serves go what the fetcher gets |
//! | [`fill`] | fetches what go.sum proves before go asks, and places it in the module cache |
//! | [`exit`] | how gox ends: a status, a signal, becoming go |
//! | [`run`] | the loop: observe, decide, report, apply, wait |
//! | [`own_verbs`] | gox's own verbs |
//! | [`shim`] | what happens between the shell and go |
//!
//! # Where to change things
//!
//! Each way begins at one place, and the compiler or the named test leads to the rest:
//!
//! - *A message of go's or git's*: its words in the file of [`classify`] whose speaker it is (go's own lines,
//!   git's, the network library's, a compiler's), then a fixture in `tests/stderr` whose head says what is to be seen
//!   in it, or for a sentence of go's two lines of `tests/rules.txt`: the tests of [`classify`] read every one.
//! - *A cause* or a detail: its variant in [`vocabulary`]; the table in [`judgement`] is exhaustive and no longer
//!   compiles, nor do the sentence and the advice in [`words`]; `tests/actions.txt` is held complete by a test.
//! - *A sentence of gox's*: its row in [`words`], with the Chinese beside it.
//! - *A remedy*: its variant beside the decision in [`judgement`]; the fold over the history, the overlay, the
//!   report's spelling and the loop's doing are exhaustive matches. One that removes, reveals or distrusts
//!   takes a proof: a finding that only [`module_cache`] can construct, or what gox itself saw of a host, which is
//!   written down in one file of [`run`] alone (`tidy::proofs_are_written_down_where_gox_looks_for_itself`).
//! - *A situation that `gox doctor` should name*: its test in [`judgement`]'s `diagnosis`, then the row of the verdict
//!   there, its words, and the look that finds it (hosts in [`fetch`]'s `probe`, this machine in [`own_verbs`]).
//! - *A configuration key*: its row in [`configuration`]'s keys, its line in `default.toml`, README: the tests
//!   named `readme` compare the three.
//! - *A rule of the fetcher's* (whom to ask next, when to stop): the request half of [`judgement`]; [`fetch`] does
//!   what it is told. A new reason to connect is a purpose of the one dialling function in [`machine`], with its
//!   row in the table there (`tidy::one_function_dials`).
//! - *A verb of go's*: its row in [`verb`]. *One of gox's own*: a variant in [`command_line`]; [`shim`]'s match
//!   and [`own_verbs`] follow.
//! - *A file or a folder*: its duty in its first line (`tidy`), a module's row in the table above (`layers`).
//!
//! # Invariants of absence
//!
//! Nothing in gox sets GOSUMDB=off, GONOSUMDB, GONOSUMCHECK, GOINSECURE or GIT_SSL_NO_VERIFY; nothing
//! edits go.mod, go.sum, `go env -w`, git's or a shell's configuration. The decision never sleeps and
//! never reads a clock: the loop does. A failure that gox does not recognise is not retried.

// Others of the crate are its readers (.clippy.toml says: what modules share, not what they keep).
// The documentation is built with private items.
#![allow(rustdoc::private_intra_doc_links)]
#![cfg_attr(not(test), warn(clippy::missing_docs_in_private_items))]

mod vocabulary;

mod redact;

mod words;

mod progress;

mod formats;

mod verb;

mod judgement;

mod classify;

mod configuration;

mod command_line;

mod guide;

mod machine;

mod memory;

mod child;

mod module_cache;

mod fetch;

mod relay;

mod fill;

mod exit;

mod run;

mod own_verbs;

mod shim;

pub use shim::main;

/// What the fuzz target feeds: nothing else of gox is for other programs.
#[doc(hidden)]
pub mod fuzzed {
    pub use crate::classify::{Classifier, Rules, Stream, classify, trace};
    pub use crate::own_verbs::explain::{json, text};
}

#[cfg(test)]
#[path = "../tests/inside/mod.rs"]
mod inside;

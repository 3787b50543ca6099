//! Who hears which module name: the model of plain go held against the real one, and gox against the model.

#[allow(dead_code, unused_imports, reason = "a specification: not every part of it by every one")]
#[path = "../../model/mod.rs"]
mod model;

mod gox;
mod plain_go;
mod stage;

/// The seeds of a test: a few in each run of the suite; `NAME_CASES` and `NAME_FIRST` in the environment give
/// thousands on demand, or one that failed.
fn cases(name: &str, usual: u64) -> std::ops::Range<u64> {
    let number = |what: &str, usual: u64| {
        let name = format!("{name}_{what}");
        std::env::var(&name).map_or(usual, |n| n.parse().unwrap_or_else(|_| panic!("{name}: a number")))
    };
    let first = number("FIRST", 0);
    first..first + number("CASES", usual)
}

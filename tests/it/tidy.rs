//! Invariants of absence: what must not stand in the code, checked as text.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below a path, tests of a module left out.
pub(crate) fn sources(below: &Path) -> Vec<PathBuf> {
    if below.is_file() {
        return vec![below.to_owned()];
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(below).expect("a source folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tests") {
                found.extend(sources(&path));
            }
        } else if path.extension().is_some_and(|e| e == "rs")
            && path.file_name().is_some_and(|n| n != "tests.rs")
        {
            found.push(path);
        }
    }
    found
}

/// The code of a file: comments and the tests at its end left out.
pub(crate) fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source file");
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn pure_modules_touch_nothing() {
    let pure = [
        "vocabulary.rs",
        "redact.rs",
        "words",
        "progress",
        "formats",
        "verb.rs",
        "classify",
        "judgement",
        "configuration",
        "command_line.rs",
        "guide.rs",
        "memory/report.rs",
        "memory/record.rs",
        "fetch/question.rs",
        "fetch/redirect.rs",
        "relay/path.rs",
    ];
    let forbidden = [
        "std::fs",
        "std::env",
        "std::process",
        "std::net::Tcp",
        "std::net::Udp",
        "time::Instant",
        "SystemTime",
        "fastrand",
        "getrandom",
        "tokio::",
        "std::thread",
    ];
    for module in pure {
        let files = sources(&root().join("src").join(module));
        assert!(!files.is_empty(), "{module} is gone");
        for file in files {
            let code = code(&file);
            for word in forbidden {
                assert!(!code.contains(word), "{} is pure and names {word}", file.display());
            }
        }
    }
}

#[test]
fn one_function_dials() {
    let ways = [
        "TcpStream::connect",
        "TcpSocket",
        "UnixStream",
        "to_socket_addrs",
        "lookup_host",
        "net::connect",
        "HttpConnector",
    ];
    let dial = root().join("src/machine/dial.rs");
    for file in sources(&root().join("src")).into_iter().filter(|file| *file != dial) {
        let code = code(&file);
        for way in ways {
            // Names alone are looked up in one place beside it.
            if way == "lookup_host" && file.ends_with("machine/names.rs") {
                continue;
            }
            assert!(!code.contains(way), "{} names {way}: connections are machine::dial's", file.display());
        }
    }
    let text = fs::read_to_string(dial).expect("a source file");
    let purposes =
        text.split("enum Purpose").nth(1).and_then(|t| t.split("\n}").next()).expect("the purposes");
    let table = text.split("use std::").next().expect("the table");
    for line in purposes.lines().map(str::trim).filter(|l| l.starts_with(char::is_uppercase)) {
        let name = line.split(['(', ',']).next().unwrap_or_default();
        assert!(table.contains(&format!("[`Purpose::{name}`]")), "{name} is in no row of the table");
    }
}

#[test]
fn no_code_weakens_gos_checks() {
    let setters = ["GONOSUMDB", "GONOSUMCHECK", "GOINSECURE", "GIT_SSL_NO_VERIFY"];
    for file in sources(&root().join("src")) {
        let code = code(&file);
        for name in setters {
            for way in [format!("set(\"{name}\""), format!("env(\"{name}\""), format!("(\"{name}\".into()")] {
                assert!(!code.contains(&way), "{} sets {name}", file.display());
            }
        }
        for danger in ["danger_accept", "dangerous()", "insecureSkip", "sslVerify", "::assertion()"] {
            // The one verifier beside the library's, which takes a root itself where go does.
            let once = file.ends_with("fetch/tls.rs") && ["dangerous()", "::assertion()"].contains(&danger);
            assert!(code.matches(danger).count() <= usize::from(once), "{} names {danger}", file.display());
        }
    }
}

#[test]
fn only_main_ends_the_process() {
    for file in sources(&root().join("src")) {
        // `Exit::leave`, which main calls, and the signal it may end by.
        if file.ends_with("src/exit.rs") || file.ends_with("child/signals.rs") {
            continue;
        }
        let code = code(&file);
        for way in ["process::exit", "process::abort", "-> !", ".leave()"] {
            let in_main = file.ends_with("src/main.rs") && way == ".leave()";
            assert!(in_main || !code.contains(way), "{} ends the process: {way}", file.display());
        }
    }
}

#[test]
fn a_cause_is_matched_in_the_table_alone() {
    // An arm, an alternative, a guard; and `matches!` with a cause in its pattern.
    let arm = regex::Regex::new(r"\bCause::\w+[\s)]*(?:=>|\|[^|]|if\b)|[^|]\|\s*Cause::").expect("fixed");
    let matches = regex::Regex::new(r"matches!\((?:[^()]|\([^()]*\))*?\bCause::").expect("fixed");
    let table = root().join("src/judgement/table");
    // What a cause is called for people decides nothing.
    let words = root().join("src/words");
    for file in sources(&root().join("src")) {
        let found = code(&file);
        for pattern in [&arm, &matches] {
            let hit = pattern.find(&found).map(|m| m.as_str());
            if file.starts_with(&table) || file.starts_with(&words) {
                continue;
            }
            assert_eq!(hit, None, "{} judges a cause: that is for the table", file.display());
        }
    }
    assert!(arm.is_match(&code(&table.join("causes.rs"))), "the table is gone");
}

#[test]
fn files_stay_readable() {
    for folder in ["src", "tests", "examples", "benches"] {
        let below = root().join(folder);
        if !below.exists() {
            continue;
        }
        for file in sources(&below) {
            let lines = fs::read_to_string(&file).expect("a source file").lines().count();
            assert!(lines <= 520, "{} has {lines} lines: is there a second duty in it?", file.display());
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for file in sources(&root().join("src")) {
        let text = fs::read_to_string(&file).expect("a source file");
        assert!(text.starts_with("//! "), "{} begins without its duty", file.display());
    }
}

#[test]
fn every_test_file_is_compiled() {
    let folder = root().join("tests/it");
    let main = fs::read_to_string(folder.join("main.rs")).expect("a source file");
    for entry in fs::read_dir(&folder).expect("the folder of tests") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        assert!(name == "main" || main.contains(&format!("\nmod {name};\n")), "{name} is in no mod line");
    }
}

/// What moves trust is built from what gox saw itself: proofs are written down in one place, and what only
/// looks cannot make one.
#[test]
fn proofs_are_written_down_where_gox_looks_for_itself() {
    let proof = root().join("src/judgement/attempt/proof.rs");
    let witness = root().join("src/run/witness.rs");
    for file in sources(&root().join("src")).into_iter().filter(|file| *file != proof) {
        let code = code(&file);
        for word in [
            ".witness_refusal(",
            ".witness_fault(",
            ".witness_page(",
            ".witness_database_away(",
            "Proofs::supposed(",
        ] {
            assert!(file == witness || !code.contains(word), "{} says {word}", file.display());
        }
    }
    let text = fs::read_to_string(proof).expect("a source file");
    for open in [
        "Refused(pub",
        "Faulty(pub",
        "Away(pub",
        "Proven(pub",
        "pub refused",
        "pub faulty",
        "pub pages",
        "pub database",
    ] {
        assert!(!text.contains(open), "{open} is open to everybody");
    }
}

//! gox's readers of go's formats against go's own: the same answers to thousands of odd questions.
//!
//! The oracle is a program of this project, built against the packages inside a real go release.

use crate::formats::go_mod::{GoMod, GoWork, Replace, Replacement, Role};
use crate::formats::go_version::GoVersion;
use crate::formats::{escape, module_path, patterns, quoted, version};
use crate::inside::harness::{Project, go, go_releases};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// The random sequence of a test: the same in every run, so that a difference can be found again.
struct Dice(fastrand::Rng);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(fastrand::Rng::with_seed(seed))
    }

    fn of<'a>(&mut self, faces: &[&'a str]) -> &'a str {
        faces[self.0.usize(..faces.len())]
    }

    /// Up to `most` pieces, one after the other; now and then a byte that is no text.
    fn text(&mut self, pieces: &[&str], most: usize) -> Vec<u8> {
        let mut text = Vec::new();
        for _ in 0..self.0.usize(..=most) {
            match self.0.u8(..40) {
                0 => text.push(self.0.u8(..)),
                _ => text.extend(self.of(pieces).as_bytes()),
            }
        }
        text
    }
}

type Question = (&'static str, Vec<u8>, Vec<u8>);

/// go's answers, in the order of the questions.
fn ask(questions: &[Question]) -> Vec<Value> {
    // The newest go knows all statements.
    let newest = go_releases().pop().map_or_else(go, |(_, go)| go);
    let project = Project::empty().shared_build_cache().with_go(&newest);
    let root: PathBuf =
        newest.canonicalize().expect("a go that exists").ancestors().nth(2).expect("GOROOT").into();
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/inside/formats/oracle.go");
    let overlay = json!({ "Replace": { root.join("src/cmd/goxoracle/main.go").to_string_lossy(): source } });
    let project = project.file("overlay.json", overlay.to_string());
    // An index of GOROOT's packages knows none that only an overlay has.
    let build = project
        .go(["build", "-overlay", "overlay.json", "-o", "oracle", "cmd/goxoracle"])
        .env("GODEBUG", "goindex=0")
        .timeout(Duration::from_secs(600));
    build.run().success();
    let mut input = String::new();
    for (ask, one, other) in questions {
        let line = json!({ "Ask": ask, "One": STANDARD.encode(one), "Other": STANDARD.encode(other) });
        input += &format!("{line}\n");
    }
    let none: [&str; 0] = [];
    let outcome = project.program(&project.dir().join("oracle"), none).stdin(input).run().success();
    let answers: Vec<Value> = outcome
        .stdout
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("one JSON answer a line"))
        .collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

/// Holds `ours` against go's answer to every question.
fn agree(questions: &[Question], ours: impl Fn(&Question) -> Value) {
    let mut interesting = 0;
    for (question, theirs) in questions.iter().zip(ask(questions)) {
        interesting += usize::from(!matches!(theirs, Value::Null | Value::Bool(false)));
        let (ask, one, other) = question;
        assert_eq!(
            ours(question),
            theirs,
            "{ask}: {:?} {:?}",
            String::from_utf8_lossy(one),
            String::from_utf8_lossy(other)
        );
    }
    // Questions that are all refused would prove little.
    assert!(interesting * 50 > questions.len(), "{interesting} of {}", questions.len());
}

const NAMES: &[&str] =
    &["a", "B", "é", "1", "0", "v", "v2", "v1", "-", ".", "_", "~", "/", "!", "+", "@", " "];

fn names_and_versions() -> Vec<Question> {
    let mut dice = Dice::new(1);
    let mut questions = Vec::new();
    let paths = [
        "a.b/",
        "c",
        "github.com/",
        "Azure",
        "gopkg.in/",
        "yaml",
        ".v2",
        ".v1",
        "/v2",
        "/v3",
        "/v1",
        "/v02",
        "-unstable",
        "con",
        "~1",
        "/",
        "-",
        "x",
    ];
    let numbers = [
        "v",
        "1",
        "0",
        "2",
        ".",
        ".",
        "-",
        "+",
        "incompatible",
        "rc",
        "v1.2.3",
        "v0.0.0-",
        "v2.0.0",
        "01",
        "x",
    ];
    for _ in 0..3000 {
        let path = [b"a.b/".to_vec(), dice.text(NAMES, 5)].concat();
        questions.push(("path", path.clone(), vec![]));
        questions.push(("escape", path.clone(), vec![]));
        questions.push(("unescape", path, vec![]));
        let path = dice.text(&paths, 5);
        questions.push(("path", path.clone(), vec![]));
        let version = dice.text(&numbers, 7);
        questions.push(("canonical", version.clone(), vec![]));
        let fitting = dice.of(&[
            "v1.2.3",
            "v0.1.0",
            "v2.0.0",
            "v3.1.0-rc.1",
            "v2.0.0+incompatible",
            "v0.0.0-20200101000000-abcdefabcdef",
        ]);
        questions.push(("fits", fitting.into(), path));
    }
    questions
}

#[test]
fn names_and_versions_are_judged_as_by_go() {
    agree(&names_and_versions(), |(ask, one, other)| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (one, other) = (text(one), text(other));
        match *ask {
            "path" => json!(module_path::is_module_path(&one)),
            "escape" => json!(escape::path(&one)),
            "unescape" => json!(escape::unescape_path(&one)),
            "canonical" => json!(version::canonical(&one).unwrap_or_default()),
            "fits" => json!(version::fits_path(&one, &other)),
            ask => panic!("{ask}"),
        }
    });
}

#[test]
fn patterns_match_as_in_go() {
    let mut dice = Dice::new(2);
    let pattern = [
        "a", "b", "é", "*", "*", "?", "[", "]", "[a-c]", "[^a]", "-", "^", "\\", "/", ",", "a.b", "a.b/c",
        " ",
    ];
    let name = ["a", "b", "c", "é", "-", "/", "a.b", "a.b/c", "*", "]"];
    let mut questions = Vec::new();
    for _ in 0..6000 {
        questions.push(("glob", dice.text(&pattern, 6), dice.text(&name, 4)));
        questions.push(("patterns", dice.text(&pattern, 8), dice.text(&name, 5)));
    }
    agree(&questions, |(ask, one, other)| match *ask {
        "glob" => patterns::glob_matches(one, other).map_or(json!("bad"), |found| json!(found)),
        _ => json!(patterns::matches(one, other)),
    });
}

#[test]
fn flags_and_versions_of_go_are_read_as_by_go() {
    let mut dice = Dice::new(3);
    let flags = ["-x", "'", "\"", " ", "\t", "\n", "a", "=", "-toolexec=", "\\", "é"];
    let releases = [
        "1.20",
        "1.20.3",
        "1.21",
        "1.21rc1",
        "1.21beta2",
        "1.21.0",
        "1.21.13",
        "1.27",
        "1.27rc2",
        "1.27.3",
        "1.9",
        "2.0.0",
        "1.100.1",
    ];
    let mut questions = Vec::new();
    for _ in 0..3000 {
        questions.push(("quoted", dice.text(&flags, 8), vec![]));
        questions.push(("order", dice.of(&releases).into(), dice.of(&releases).into()));
    }
    agree(&questions, |(ask, one, other)| match *ask {
        "quoted" => quoted::split(one)
            .map_or(Value::Null, |words| words.iter().map(|word| json!(STANDARD.encode(word))).collect()),
        _ => {
            let read = |bytes: &[u8]| GoVersion::parse(&String::from_utf8_lossy(bytes)).expect("a version");
            json!(read(one).cmp(&read(other)) as i8)
        }
    });
}

const STATEMENTS: &[&str] = &[
    "module a.b/c\n",
    "module \"a.b/c\"\n",
    "module (\n\ta.b/c\n)\n",
    "module a.b/c extra\n",
    "module `a.b/c`\n",
    "go 1.21\n",
    "go 1.27.3\n",
    "go 1.22rc1\n",
    "go v1.22-x\n",
    "go 1\n",
    "go 01.2\n",
    "toolchain go1.27.3\n",
    "toolchain default\n",
    "toolchain 1.27\n",
    "require x.y/z v1.0.0\n",
    "require x.y/z v1.0.0 // indirect\n",
    "require x.y/z v1.2 // indirect; why\n",
    "require x.y/z v1.0.0 //indirect\n",
    "require x.y/z/v2 v1.0.0\n",
    "require x.y/z latest\n",
    "require (\n",
    "require(\n",
    "require ()\n",
    "require ( )\n",
    "require x ()\n",
    ")\n",
    ") // end\n",
    ") x\n",
    "(\n",
    "\tx.y/z v1.0.0\n",
    "\t\"x.y/z\" \"v1.0.0\" // indirect\n",
    "\tx.y/w v2.0.0+incompatible\n",
    "\t// alone\n",
    "\n",
    "\r\n",
    "exclude x.y/z v1.1.0\n",
    "exclude (\n",
    "replace x.y/z => ../z\n",
    "replace x.y/z v1.0.0 => p.q/r v1.2.3\n",
    "replace x.y/z => p.q/r\n",
    "replace x.y/z => ./r v1.0.0\n",
    "replace (\n",
    "\tx.y/z => C:\\x\n",
    "\tx.y/z v1.0.0 => /abs\n",
    "\tx.y/z => \"./a b\"\n",
    "retract v1.0.0\n",
    "retract [v1.0.0, v1.1.0]\n",
    "retract [v1.0.0,v1.1.0] // why\n",
    "retract [v1.0.0 v1.1.0]\n",
    "retract (\n",
    "\tv1.0.0\n",
    "\t[v1.0.0, v1.2.0]\n",
    "tool x.y/z/cmd\n",
    "tool (\n",
    "ignore ./x\n",
    "godebug a=b\n",
    "godebug (\n",
    "\ta=b\n",
    "use ./a\n",
    "use (\n",
    "\t./b\n",
    "future x\n",
    "future (\n",
    "/* old */\n",
    "// a comment\n",
    "require x.y/z \"v1.0.0\n",
    "module \"a\\x2eb\"\n",
    "require x.y/z v1.0.0 x\n",
    "module a.b/c//d\n",
    "module a/*b\n",
    "\u{feff}module x\n",
];

fn files(seed: u64, asks: &[&'static str], starts: &[&str]) -> Vec<Question> {
    let mut dice = Dice::new(seed);
    let mut questions: Vec<Question> = asks
        .iter()
        .flat_map(|ask| STATEMENTS.iter().map(|one| (*ask, one.as_bytes().to_vec(), vec![])))
        .collect();
    for _ in 0..4000 {
        let mut text = dice.of(starts).as_bytes().to_vec();
        for _ in 0..dice.0.usize(1..6) {
            text.extend(dice.of(STATEMENTS).as_bytes());
        }
        if dice.0.u8(..3) == 0 {
            text.extend(b")\n");
        }
        if dice.0.u8(..12) == 0 {
            let at = dice.0.usize(..text.len());
            // Only ASCII: a name that is no text is a name to go, and a fault to gox.
            text[at] = dice.0.u8(..128);
        }
        questions.extend(asks.iter().map(|ask| (*ask, text.clone(), vec![])));
    }
    questions
}

fn replaced(list: &[Replace]) -> Value {
    list.iter()
        .map(|r| {
            let (path, version) = match &r.by {
                Replacement::Module(module) => (module.path.clone(), canonical(&module.version)),
                Replacement::Folder(folder) => (folder.to_string_lossy().into_owned(), String::new()),
            };
            json!([r.path, r.version.as_deref().map(canonical).unwrap_or_default(), path, version])
        })
        .collect()
}

/// The oracle asks nobody what a query in a main module's file means: it knows versions only.
fn canonical(text: &str) -> String {
    version::canonical(text).unwrap_or_default().into_owned()
}

fn all_versions(file: &GoMod) -> bool {
    let replaced = file.replace.iter().flat_map(|r| {
        let by = match &r.by {
            Replacement::Module(module) => Some(module.version.as_str()),
            Replacement::Folder(_) => None,
        };
        r.version.as_deref().into_iter().chain(by)
    });
    let named = file.require.iter().map(|r| &r.module).chain(&file.exclude).map(|m| m.version.as_str());
    named.chain(replaced).all(|text| version::canonical(text).is_some())
}

#[test]
fn go_mod_is_read_as_by_go() {
    let questions = files(4, &["main", "dependency"], &["module a.b/c\n", "module a.b/c\ngo 1.21\n", ""]);
    agree(&questions, |(ask, text, _)| {
        let main = *ask == "main";
        let file = GoMod::parse(text, if main { Role::Main } else { Role::Dependency });
        if !file.faults.is_empty() || (main && !all_versions(&file)) {
            return Value::Null;
        }
        let pairs = |list: Vec<(&str, &str)>| -> Value {
            list.into_iter().map(|(path, version)| json!([path, canonical(version)])).collect()
        };
        let require: Vec<Value> = file
            .require
            .iter()
            .map(|r| json!([r.module.path, canonical(&r.module.version), r.indirect]))
            .collect();
        json!({
            "module": file.module, "go": file.go, "toolchain": file.toolchain, "require": require,
            "exclude": pairs(file.exclude.iter().map(|m| (&m.path[..], &m.version[..])).collect()),
            "retract": file.retract.iter().map(|r| json!([r.low, r.high])).collect::<Vec<_>>(),
            "tool": file.tool, "ignore": file.ignore, "replace": replaced(&file.replace),
        })
    });
}

#[test]
fn go_work_is_read_as_by_go() {
    let questions = files(5, &["work"], &["go 1.21\n", "go 1.21\nuse ./a\n", "use (\n"]);
    agree(&questions, |(_, text, _)| {
        let file = GoWork::parse(text);
        let versions = GoMod { replace: file.replace.clone(), ..GoMod::default() };
        if !file.faults.is_empty() || !all_versions(&versions) {
            return Value::Null;
        }
        let uses: Vec<_> = file.uses.iter().map(|folder| folder.to_string_lossy()).collect();
        json!({ "go": file.go, "toolchain": file.toolchain, "uses": uses, "replace": replaced(&file.replace) })
    });
}

use super::*;

fn main_file(text: &str) -> GoMod {
    GoMod::parse(text, Role::Main)
}

fn mv(path: &str, version: &str) -> ModuleVersion {
    ModuleVersion { path: path.into(), version: version.into() }
}

#[test]
fn every_statement_is_read_alone_and_in_blocks() {
    let file = main_file(
        "// A file.\nmodule \"example.test/x\" // why\n\ngo 1.24.0\ntoolchain go1.27.3\r\n\
         require a.b/c v1.0.0\nrequire(\n\td.e/f v1.2.3 // indirect\n\n\t// alone\n\tg.h/i v0.1.0 // indirect; why\n)\n\
         exclude a.b/c v1.1.0\nreplace (\n\ta.b/c => ../c\n\tg.h/i v0.1.0 => j.k/l v1.0.0\n)\n\
         retract [v1.0.0, v1.0.9] // bad\nretract v0.9.0\ntool a.b/c/cmd/x\nignore ./node_modules\ngodebug default=go1.21\n",
    );
    assert_eq!(file.faults, []);
    assert_eq!(file.module.as_deref(), Some("example.test/x"));
    assert_eq!((file.go.as_deref(), file.toolchain.as_deref()), (Some("1.24.0"), Some("go1.27.3")));
    let require = |path, version, indirect| Require { module: mv(path, version), indirect };
    assert_eq!(
        file.require,
        [
            require("a.b/c", "v1.0.0", false),
            require("d.e/f", "v1.2.3", true),
            require("g.h/i", "v0.1.0", true)
        ]
    );
    assert_eq!(file.exclude, [mv("a.b/c", "v1.1.0")]);
    assert_eq!(
        file.replace,
        [
            Replace { path: "a.b/c".into(), version: None, by: Replacement::Folder("../c".into()) },
            Replace {
                path: "g.h/i".into(),
                version: Some("v0.1.0".into()),
                by: Replacement::Module(mv("j.k/l", "v1.0.0")),
            },
        ]
    );
    let retract = |low: &str, high: &str| Retract { low: low.into(), high: high.into() };
    assert_eq!(file.retract, [retract("v1.0.0", "v1.0.9"), retract("v0.9.0", "v0.9.0")]);
    assert_eq!(
        (&file.tool[..], &file.ignore[..]),
        (&["a.b/c/cmd/x".to_owned()][..], &["./node_modules".to_owned()][..])
    );
    assert_eq!(file.godebug, ["default=go1.21"]);
}

#[test]
fn what_go_refuses_is_a_fault_and_the_rest_is_read() {
    use FaultKind::*;
    for (text, line, kind) in [
        ("module x\n/* old */\n", 2, Syntax),
        ("module x\nrequire a.b/c \"v1.0.0\n", 2, Syntax),
        ("module x\nrequire (\n\ta.b/c v1.0.0\n", 2, Unterminated),
        ("module x\nrequire (\n) // fine\n) x\n", 4, UnknownStatement),
        ("module x\nrequire (\n) x\n", 3, Syntax),
        ("module x\nrequire now (\n\ta.b/c v1.0.0\n)\n", 2, UnknownBlock),
        ("module x\nrequires a.b/c v1.0.0\n", 2, UnknownStatement),
        ("module x\nfuture (\n\ta\n)\n", 2, UnknownBlock),
        ("module x\ngo (\n\t1.21\n)\n", 2, UnknownBlock),
        ("module x\nmodule y\n", 2, Repeated),
        ("module x\nrequire a.b/c\n", 2, Malformed),
        ("module x\ngo v1.21\n", 2, Malformed),
        ("module x\ngo 1\n", 2, Malformed),
        ("module x\ntoolchain 1.21\n", 2, Malformed),
        ("module x\nrequire a.b/c/v2 v1.0.0\n", 2, BadMajor),
        ("module x\nrequire a.b/c/v1 v1.0.0\n", 2, BadMajor),
        ("module x\nrequire 'a.b/c' v1.0.0\n", 2, BadString),
        ("module x\nrequire `a.b/c` v1.0.0\n", 2, BadString),
        ("module x\nreplace a.b/c => d.e/f\n", 2, Malformed),
        ("module x\nreplace a.b/c => ../f v1.0.0\n", 2, Malformed),
        ("module x\nretract (\n\t( v1.0.0\n)\n", 3, Malformed),
    ] {
        let file = main_file(text);
        assert_eq!(file.faults, [Fault { line, kind }], "{text}");
        assert_eq!(file.module.as_deref(), Some("x"), "{text}");
    }
}

#[test]
fn a_dependencys_file_is_read_leniently() {
    let text = "module x\ngo v1.22-future\nreplace a.b/c =>\nexclude y\nfuture z\nfuture (\n\ta\n)\ntoolchain x\n\
                require now (\n)\nrequire a.b/c v1.2\nretract someday\n";
    let file = GoMod::parse(text, Role::Dependency);
    assert_eq!(file.faults, []);
    assert_eq!((file.go.as_deref(), file.toolchain), (Some("1.22"), None));
    assert_eq!(file.require[0].module, mv("a.b/c", "v1.2.0"));
    let fault = GoMod::parse("module x\nrequire a.b/c latest\n", Role::Dependency).faults;
    assert_eq!(fault, [Fault { line: 2, kind: FaultKind::Malformed }]);
}

#[test]
fn strings_are_undone_as_by_go() {
    let module = |word: &str| main_file(&format!("module {word}\n")).module;
    assert_eq!(module("\"a.b/c\\x2dd\\055e\\u002df\"").as_deref(), Some("a.b/c-d-e-f"));
    assert_eq!(module("\"a b // c\"").as_deref(), Some("a b // c"));
    assert_eq!(module("a//b").as_deref(), Some("a"));
    for word in
        ["\"\\q\"", "\"\\'\"", "\"\\x1\"", "\"\\777\"", "\"\\ud800\"", "'a'", "`a`", "a\"b", "\"a\"\"b\""]
    {
        assert_eq!(module(word), None, "{word}");
    }
}

#[test]
fn bytes_that_are_no_text_spoil_no_other_line() {
    let file =
        GoMod::parse(b"module x // \xe9t\xe9\nrequire a.b/c v1.0.0\nreplace a.b/c => ./d\xff\n", Role::Main);
    assert_eq!(file.faults, []);
    assert_eq!(file.require.len(), 1);
    use std::os::unix::ffi::OsStrExt;
    let Replacement::Folder(folder) = &file.replace[0].by else { panic!("{file:?}") };
    assert_eq!(folder.as_os_str().as_bytes(), b"./d\xff");
}

#[test]
fn go_work_names_its_folders() {
    let work = GoWork::parse(
        "go 1.21\n// one\nuse ./a\nuse (\n\t./b // two\n\t\"./c d\"\n\t.\n)\nreplace a.b/c => ../c\n",
    );
    assert_eq!(work.faults, []);
    assert_eq!(work.uses, ["./a", "./b", "./c d", "."].map(PathBuf::from));
    assert_eq!((work.go.as_deref(), work.replace.len()), (Some("1.21"), 1));
    assert_eq!(GoWork::parse("require a.b/c v1.0.0\n").faults[0].kind, FaultKind::UnknownStatement);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read(text: Vec<u8>) {
        let _ = GoMod::parse(&text, Role::Main);
        let _ = GoMod::parse(&text, Role::Dependency);
        let _ = GoWork::parse(&text);
    }
}

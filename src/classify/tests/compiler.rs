use super::super::compiler::alone;
use super::*;

/// The reading without the short way.
fn whole(text: &str) -> Reading {
    let mut classifier = Classifier::new(&Rules::default(), Stream::Stderr);
    classifier.held = None;
    classifier.push(text.as_bytes());
    classifier.finish()
}

/// What real compilers of several releases print.
const ERRORS: &[&str] = &[
    "# x.test/y\n./a.go:2:23: undefined: y\n",
    "# x.test/y\n./a.go:2:27: undefined: y\n./a.go:2:19: declared and not used: x\n",
    "# example.com/a/b\n../b/b.go:14:9: cannot use \"x\" (untyped string constant) as int value in return statement\n",
    "# x.test/y\n./a.go:3:9: not enough arguments in call to f\n\thave (number)\n\twant (int, string)\n",
    "# x.test/y\n./a.go:1:1: syntax error: unexpected }\n# x.test/z\nz/z.go:7:2: missing return\n",
    "# x.test/y\n./a.go:10:2: a\n./a.go:11:2: too many errors\n",
    "# command-line-arguments\n./a.go:3:8: \"os\" imported and not used",
];

/// Which are not the compiler's alone, or not certainly.
const OTHERS: &[&str] = &[
    "",
    "\n",
    "# x.test/y\n",
    "./a.go:2:23: undefined: y\n",
    "# x.test/y [x.test/y.test]\n./a.go:2:23: undefined: y\n",
    "# x.test/y\n./a.go:2:23: undefined: y\nnote: module requires Go 1.30\n",
    "# x.test/y\n./a.go:2:8: could not import x (open /root/go/pkg/mod/x: permission denied)\n",
    "# x.test/y\n/root/go/pkg/mod/example.com/a@v1.0.0/a.go:2:23: undefined: y\n",
    "# x.test/y\n./a.go:2: undefined: y\n",
    "# x.test/y\n./a.go:2:3: \x1b[1mundefined\x1b[0m: y\n",
    "# x.test/y\n./a.go:2:3: no space left on device\n",
    "go: downloading example.com/a v1.0.0\n# x.test/y\n./a.go:2:23: undefined: y\n",
    "# x.test/y\n./a.go:2:3: example.com/a@v1.0.0: Get \"https://h/x\": EOF\n",
];

#[test]
fn errors_of_the_compiler_alone_are_read_as_the_whole_reader_reads_them() {
    for text in ERRORS {
        let read = alone(text.as_bytes()).unwrap_or_else(|| panic!("not taken: {text}"));
        assert_eq!(read, whole(text), "{text}");
        assert_eq!(read, classify(&Rules::default(), Stream::Stderr, text.as_bytes()), "{text}");
    }
}

#[test]
fn anything_else_is_left_to_the_whole_reader() {
    for text in OTHERS {
        assert_eq!(alone(text.as_bytes()), None, "{text}");
    }
    let long = format!("# x.test/y\n{}", "./a.go:2:23: undefined: y\n".repeat(2_000));
    assert_eq!(classify(&Rules::default(), Stream::Stderr, long.as_bytes()), whole(&long));
}

/// Whatever go is known to say, put where the compiler speaks: it is read as before, or not taken.
#[test]
fn no_words_of_others_are_taken_for_the_compilers() {
    let mut taken = 0;
    for (path, fixture) in fixtures() {
        let lines: Vec<&str> = fixture.lines().skip(1).collect();
        let texts = lines.iter().flat_map(|l| {
            [
                format!("# x.test/y\n./a.go:1:2: {l}\n"),
                format!("# x.test/y\n./a.go:1:2: undefined: y\n{l}\n"),
                format!("# x.test/y\n./a.go:1:2: undefined: y\n\t{l}\n"),
            ]
        });
        for text in texts.chain([lines.join("\n")]) {
            if let Some(read) = alone(text.as_bytes()) {
                taken += 1;
                assert_eq!(read, whole(&text), "{}: {text}", path.display());
            }
        }
    }
    assert!(taken > 10, "only {taken} taken: the test sees nothing");
}

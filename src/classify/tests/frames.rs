//! Whatever a log puts around go's words, they are read as they were.

use super::*;

type Frame = (&'static str, fn(&str) -> String);

fn each(text: &str, frame: impl Fn(usize, &str) -> String) -> String {
    text.lines().enumerate().map(|(n, line)| frame(n, line)).collect::<Vec<_>>().join("\n")
}

fn broken(text: &str, width: usize) -> String {
    each(text, |_, line| {
        let line: Vec<char> = line.chars().collect();
        line.chunks(width).map(String::from_iter).collect::<Vec<_>>().join("\n")
    })
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

fn page(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// One for each kind, as the tools write them.
const FRAMES: &[Frame] = &[
    ("a time stamp", |t| each(t, |n, l| format!("2026-03-04T10:11:{:02}.1234567Z {l}", n % 60))),
    ("job, step and time", |t| each(t, |_, l| format!("build (1.27)\tRun go\t2026-03-04T10:11:12.1Z {l}"))),
    ("a runner's streams", |t| each(t, |_, l| format!("2026-03-04T10:11:12.345678Z 01E {l}"))),
    ("a container's streams", |t| each(t, |_, l| format!("2026-03-04T10:11:12.345678901Z stderr F {l}"))),
    ("a build step", |t| each(t, |n, l| format!("#12 {n}.250 {l}"))),
    ("a terminal's marks", |t| each(t, |_, l| format!("\x1b_bk;t=1772617872123\x07\x1b[31m{l}\x1b[0m"))),
    ("written escapes", |t| each(t, |_, l| format!("^[[31m{l}^[[0m"))),
    ("lost escapes", |t| each(t, |_, l| format!("[31m{l}[0m"))),
    ("a quoted mail", |t| each(t, |_, l| format!("> > {l}"))),
    ("a margin", |t| each(t, |_, l| format!("│ {l}"))),
    ("a box", |t| each(t, |_, l| format!("│ {l:<100} │"))),
    ("a string of a log", |t| format!("time=2026-03-04T10:11:12Z level=ERROR msg=failed stderr={}", json(t))),
    ("an object", |t| format!("{{\"level\":\"error\",\"msg\":\"go failed\",\"stderr\":{}}}", json(t))),
    ("an object behind words", |t| format!("12:00\tERROR\tgo failed\t{{\"error\": {}}}", json(t))),
    ("a cut object", |t| format!("fatal: [host]: FAILED! => {{\"rc\": 1, \"stderr\": {}", json(t))),
    ("a page", |t| format!("<pre><code>{}</code></pre>", page(t))),
    ("carriage returns", |t| t.replace('\n', "\r\n")),
    ("a rewritten line", |t| each(t, |n, l| format!("progress {n}%\rprogress 99%\r{l}"))),
    ("a runner's time and step", |t| each(t, |n, l| format!("[10:11:{:02}][Step 1/2] {l}", n % 60))),
    ("kind and time in columns", |t| each(t, |n, l| format!("error\t04-Mar-2026 10:11:{:02}\t{l}", n % 60))),
    ("a target's output", |t| each(t, |_, l| format!("     [exec] {l}"))),
    ("a system's log", |t| each(t, |n, l| format!("Mar  4 10:11:{:02} host build[123]: {l}", n % 60))),
    ("a system's log, newer", |t| {
        each(t, |_, l| format!("<14>1 2026-03-04T10:11:12.123Z host build 123 - - {l}"))
    }),
    ("a build below a push", |t| each(t, |_, l| format!("remote:        {l}"))),
    ("a step's name in marks", |t| each(t, |_, l| format!("Step #1 - \"build\": {l}"))),
    ("a pod", |t| each(t, |_, l| format!("[pod/build-abc/step-build] {l}"))),
    ("seconds of the world", |t| each(t, |_, l| format!("1772617872.123 {l}"))),
    ("a Windows clock", |t| each(t, |_, l| format!("3/4/2026 10:11:12 AM {l}"))),
    ("an object a line", |t| {
        each(t, |_, l| format!("{{\"log\":{},\"stream\":\"stderr\"}}", json(&format!("{l}\n"))))
    }),
    ("an object's lines", |t| {
        let lines: Vec<&str> = t.lines().collect();
        format!("fatal: [h]: FAILED! => {}", serde_json::json!({"rc": 1, "stderr_lines": lines}))
    }),
    ("an object over many lines", |t| {
        serde_json::to_string_pretty(&serde_json::json!({"rc": 1, "stderr": t})).unwrap()
    }),
    ("lines in an object over many lines", |t| {
        let lines: Vec<&str> = t.lines().collect();
        serde_json::to_string_pretty(&serde_json::json!({"rc": 1, "stderr_lines": lines})).unwrap()
    }),
    ("broken lines of a page", |t| page(t).replace('\n', "<br>\n")),
    ("a comment of SQL's", |t| each(t, |_, l| format!("-- {l}"))),
];

/// Frames that show only by their repetition.
const LABELS: &[Frame] = &[
    ("a tool's label", |t| each(t, |_, l| format!("npm ERR! {l}"))),
    ("a resource's label", |t| each(t, |_, l| format!("null_resource.b (local-exec): {l}"))),
    ("a step's label", |t| each(t, |_, l| format!("Step #1 - build: {l}"))),
    ("a target's label", |t| each(t, |_, l| format!("   +build | {l}"))),
    ("a task's label", |t| each(t, |_, l| format!("api:build: {l}"))),
    ("numbers in columns", |t| each(t, |n, l| format!("{:6}\t{l}", n + 7))),
    ("numbers", |t| each(t, |n, l| format!("{:4}  {l}", n + 98))),
];

fn seen(text: &str) -> Option<(Cause, Option<String>, Option<String>)> {
    let reading = classify(&Rules::default(), Stream::Log, text.as_bytes());
    reading.dominant().map(|f| (f.cause, f.module.clone(), f.host.clone()))
}

#[test]
fn what_stands_around_go_s_words_changes_nothing() {
    let mut wrong = Vec::new();
    for (path, fixture) in fixtures() {
        let (header, text) = fixture.split_once('\n').unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bare = seen(text);
        if header.contains(" stream=json") || bare.is_none() || text.contains('\x1b') {
            continue;
        }
        let repeated = text.lines().count() > 2;
        for (frame, put) in FRAMES.iter().chain(LABELS.iter().filter(|_| repeated)) {
            let framed = seen(&put(text.trim_end()));
            if framed != bare {
                wrong.push(format!("{name} in {frame}: {framed:?}, not {bare:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn lines_that_a_console_broke_are_joined() {
    let text = "go: example.test/some/very/long/path/of/a/module@v1.2.3: Get \"https://proxy.example.test/example.test/some/very/long/path/of/a/module/@v/v1.2.3.mod\": dial tcp: lookup proxy.example.test on 192.0.2.1:53: no such host\nmake: *** [all] Error 1";
    for width in [72, 80, 100, 120] {
        assert_eq!(seen(&broken(text, width)), seen(text), "{width} columns");
        assert!(seen(text).is_some_and(|(cause, ..)| cause == Cause::Dns));
    }
    // A line that happens to be as long is whole.
    let whole = format!("go: a.test/{}@v1.0.0: Get \"https://p.test/x/@v/v1.0.0.mod\": EOF", "x".repeat(19));
    assert_eq!(whole.chars().count(), 80);
    assert_eq!(seen(&format!("{whole}\nProcess completed with exit code 1.")), seen(&whole));
}

#[test]
fn a_frame_makes_no_failure_of_other_words() {
    for text in [
        // A service's own trouble, with the labels of its containers.
        "api-1  | 2026/03/04 10:11:12 dial tcp 192.0.2.1:443: connect: connection refused",
        "{\"level\":\"error\",\"msg\":\"fetch failed\",\"error\":\"Get \\\"https://api.example.test/v1\\\": EOF\"}",
        "worker[12]: request: unexpected EOF\nworker[12]: request: unexpected EOF",
        "npm ERR! network timeout at: https://registry.example.test/x\nnpm ERR! network timeout",
        // A test that holds what go prints.
        "    main_test.go:12: go: a.test/b@v1.0.0: Get \"https://p.test/a.test/b/@v/v1.0.0.mod\": EOF",
    ] {
        assert_eq!(seen(text), None, "{text}");
    }
}

/// Text that was written with its escapes, where it shows that it is such a text.
#[test]
fn written_escapes_are_undone() {
    let go = "go: a.test/b@v1.0.0: invalid version: git fetch -f origin in /x/cache/vcs/0a: exit status 128:\n\tfatal: unable to access 'https://git.test/b/': Could not resolve host: git.test\n";
    let escaped = go.replace('\n', "\\n").replace('\t', "\\t");
    for text in [
        escaped.clone(),
        format!("subprocess.CalledProcessError: output: b\"{escaped}\""),
        format!("Error: exit status 1: stderr: {}", json(go)),
        format!("[stderr] {escaped}"),
    ] {
        assert_eq!(
            seen(&text),
            Some((Cause::GitNetwork, Some("a.test/b".into()), Some("git.test".into()))),
            "{text}"
        );
    }
    // A path has backslashes too.
    let path = "go: a.test/b@v1.0.0: open C:\\net\\new\\pkg\\mod\\cache\\lock: Access is denied.";
    assert_eq!(seen(path).map(|(cause, ..)| cause), Some(Cause::CachePermission));
    let code = format!("\tmsg := \"{escaped}\"");
    assert_eq!(seen(&code), None, "{code}");
}

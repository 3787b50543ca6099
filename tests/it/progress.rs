//! How far a run is: a block on a terminal, one line each half minute elsewhere, and nothing where nobody wants it.

use crate::harness::{Outcome, Project, Run, go, gox, screen};
use crate::lab::{Fault, Lab, Running, always, first, outage};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

/// The first words of the block.
const BLOCK: &str = " of 3 modules";

/// How a plain line begins.
const LINE: &str = "gox: waiting for the network for";

/// A lab whose last zip comes when it is healed.
fn slow() -> Running {
    Lab::new().modules(3).fault(Fault::Held, always().path(r"m002/@v/.*\.zip")).start()
}

/// Ten times faster than a clock: the times themselves are tested where no clock is.
fn project(lab: &Running) -> Project {
    Project::new(lab).env("GOX_TEST_HASTE", "10").env("TERM", "xterm")
}

/// Whether time goes faster in this gox: a released one has no ear for it.
fn is_hasty() -> bool {
    std::env::var_os("GOX_UNDER_TEST").is_none()
}

fn download(project: &Project) -> Run<'_> {
    project.gox(["mod", "download"])
}

/// Runs it on a terminal until this is seen there, and then to its end.
#[track_caller]
fn until_seen(lab: &Running, run: Run<'_>, text: &str) -> Outcome {
    let terminal = run.start_on_terminal();
    terminal.shows(text);
    lab.heal();
    terminal.wait()
}

#[test]
fn on_a_terminal_a_block_is_seen_and_is_gone_at_the_end() {
    let lab = slow();
    let project = project(&lab);
    let outcome = until_seen(&lab, download(&project), "slowest: example.test/m002 v1.0.0, ").success();
    assert!(outcome.out().contains("gox: 2 of 3 modules, "), "{outcome}");
    assert_eq!(screen(&outcome.stdout, 80), [""; 0], "{outcome}");
}

#[test]
fn gos_own_lines_stay_whole_around_it() {
    let lab = slow();
    let project = project(&lab);
    let outcome = until_seen(&lab, project.gox(["mod", "download", "-x"]), BLOCK).success();
    let rows = screen(&outcome.stdout, 10_000);
    assert!(rows.len() > 6, "{outcome}");
    for row in rows {
        assert!(row.starts_with("# get http") && !row.contains("gox: "), "{row:?}\n{outcome}");
    }
}

/// A lab whose last zip comes so many milliseconds late.
fn late(ms: u32) -> Running {
    Lab::new().modules(3).fault(Fault::Late(ms), always().path(r"m002/@v/.*\.zip")).start()
}

#[test]
fn who_wants_nothing_gets_nothing() {
    let lab = late(1200);
    let project = project(&lab);
    for (key, value) in [("GOX_PROGRESS", "off"), ("GOX_VERBOSITY", "quiet"), ("TERM", "dumb")] {
        for terminal in [true, false] {
            project.clear_module_cache();
            let run = download(&project).env(key, value).env("GOX_TEST_HASTE", "40");
            let outcome = if terminal { run.start_on_terminal().wait() } else { run.run() }.success();
            assert_eq!((outcome.out(), outcome.err()), (String::new(), String::new()), "{key}");
        }
    }
}

#[test]
fn without_a_terminal_a_line_is_told_and_no_block() {
    if !is_hasty() {
        return;
    }
    // Half a minute, made short.
    let lab = late(3000);
    let project = project(&lab).env("GOX_TEST_HASTE", "60");
    let outcome = download(&project).run().success();
    let told: Vec<String> = outcome.said().into_iter().filter(|line| line.starts_with(LINE)).collect();
    assert!(!told.is_empty(), "{outcome}");
    assert!(told[0].contains(BLOCK) && told[0].contains("m002 v1.0.0"), "{outcome}");
    assert!(!outcome.err().contains('\u{1b}'), "{outcome}");
    // Programs read what go says.
    project.clear_module_cache();
    let link = project.root().join("go");
    symlink(gox(), &link).expect("a link in the temporary folder");
    let run = project.program(&link, ["mod", "download"]).env("GOX_GO", go());
    assert_eq!(run.run().success().err(), "");
}

#[test]
fn before_half_a_minute_nothing_is_told_without_a_terminal() {
    let lab = late(1200);
    let outcome = download(&project(&lab).env("GOX_TEST_HASTE", "1")).run().success();
    assert_eq!(outcome.err(), "");
}

#[test]
fn between_two_attempts_the_next_one_is_counted_down_to() {
    let lab = Lab::new().modules(1).fault(Fault::Status(503), always()).start();
    let project =
        project(&lab).env("GOX_RELAY", "never").env("GOX_BACKOFF_BASE", "5s").env("GOX_BACKOFF_MAX", "5s");
    let outcome = until_seen(&lab, download(&project), " begins in ").success();
    let rows = screen(&outcome.stdout, 10_000);
    assert!(!rows.is_empty() && rows.iter().all(|row| !row.contains("begins in")), "{outcome}");
}

#[test]
fn a_go_that_downloads_alone_is_told_of_by_its_last_word() {
    if !is_hasty() {
        return;
    }
    let lab = slow();
    let project = project(&lab).env("GOX_FILL", "off").shared_build_cache();
    let outcome =
        until_seen(&lab, project.gox(["build", "./..."]), " since go began to download example.test/m00");
    let rows = screen(&outcome.success().stdout, 10_000);
    assert!(rows.iter().all(|row| row.starts_with("go: downloading ")), "{rows:?}");
}

#[test]
fn a_host_that_fails_is_named_with_what_it_does() {
    let lab = Lab::new().modules(3).fault(Fault::Status(503), always()).start();
    let project =
        project(&lab).without("GOX_ATTEMPTS").env("GOX_BACKOFF_BASE", "3s").env("GOX_BACKOFF_MAX", "3s");
    let host = lab.host(0);
    until_seen(&lab, download(&project), &format!("{host} is asked again in ")).success();
}

/// A shell that has jobs.
fn bash() -> Option<&'static Path> {
    ["/bin/bash", "/usr/bin/bash"].map(Path::new).into_iter().find(|bash| bash.is_file())
}

#[test]
fn a_stopped_run_leaves_the_screen_to_the_shell() {
    let Some(bash) = bash() else { return };
    let lab = slow();
    let project = project(&lab).env("GOX_GO", go()).env("PS1", "ready ").env("TERM", "dumb");
    let mut terminal = project.program(bash, ["--norc", "--noediting", "-i"]).start_on_terminal();
    terminal.shows("ready ");
    terminal.types(&format!("TERM=xterm {} mod download\n", gox().display()));
    terminal.shows("slowest: ");
    terminal.types("\x1a");
    terminal.shows("Stopped");
    terminal.types("echo be\\tween\n");
    terminal.shows("between");
    terminal.types("fg\n");
    // The block is up again.
    terminal.shows_after(terminal.length(), "slowest: ");
    let before = terminal.length();
    lab.heal();
    terminal.shows_after(before, "ready ");
    terminal.types("exit\n");
    let outcome = terminal.wait();
    let rows = screen(&outcome.stdout, 10_000);
    let traces = ["of 3 modules", "slowest", "has sent nothing"];
    assert!(rows.iter().all(|row| traces.iter().all(|trace| !row.contains(trace))), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("Stopped")), "{rows:#?}");
}

#[test]
fn in_the_background_nothing_is_drawn() {
    let Some(bash) = bash() else { return };
    let lab = late(1500);
    let project = project(&lab).env("GOX_GO", go()).env("PS1", "ready ").env("TERM", "dumb");
    let mut terminal = project.program(bash, ["--norc", "--noediting", "-i"]).start_on_terminal();
    terminal.shows("ready ");
    terminal.types(&format!("TERM=xterm {} mod download &\n", gox().display()));
    terminal.types("wait\necho o\\ver\nexit\n");
    terminal.shows("over");
    let outcome = terminal.wait();
    assert!(!outcome.out().contains('\u{1b}'), "{outcome}");
    assert!(project.cached("example.test/m002/@v/v1.0.0.zip").is_file(), "{outcome}");
}

/// Twenty modules at a distance of 400 ms, for a go that does one thing at a time.
fn far() -> Project {
    // The lab lives as long as the test's program.
    let lab: &'static Running =
        Box::leak(Box::new(Lab::new().modules(20).latency(Duration::from_millis(400)).start()));
    let all = lab.modules().iter().map(|m| format!("require {} {}\n", m.path, m.version)).collect::<String>();
    Project::new(lab)
        .env("GOMAXPROCS", "1")
        .file("go.mod", format!("module example.test/main\n\ngo 1.21\n\n{all}"))
}

#[test]
fn a_receipt_tells_what_was_saved_where_that_is_much() {
    let project = far();
    let outcome = download(&project).run().success();
    let told = r"(?m)\Agox: 20 modules, \d+ kB in \d+ s; go alone would have waited at least 60 round trips of 4\d\d ms$";
    let outcome = outcome.matches(told);
    assert_eq!(outcome.said().len(), 1, "{outcome}");
    for (key, value) in [("GOX_VERBOSITY", "quiet"), ("GOX_FILL", "off")] {
        project.clear_module_cache();
        // Without the fill go asks in turn.
        let args: &[&str] =
            if key == "GOX_FILL" { &["mod", "download", "example.test/m000"] } else { &["mod", "download"] };
        assert_eq!(project.gox(args).env(key, value).run().success().err(), "", "{key}");
    }
}

#[test]
fn a_recovery_tells_what_failed_what_helped_and_what_it_cost() {
    let lab = Lab::new().modules(1).fault(Fault::EofInBody, first(1)).start();
    let outcome = download(&Project::new(&lab).env("GOX_FILL", "off")).run().success();
    let told = r"(?m)^gox: got through with attempt 2 after this: 127\.0\.0\.1:\d+ ended the connection before its answer was whole; what helped: asked file by file; \d+\.\d s in all, \d+\.\d s of them in that attempt$";
    outcome.matches(told);
}

#[test]
fn an_outage_that_was_waited_out_is_told() {
    let lab = Lab::new().modules(2).fault(Fault::Status(503), outage(Duration::from_secs(7))).start();
    let outcome =
        download(&Project::new(&lab).without("GOX_ATTEMPTS").env("GOX_BACKOFF_MAX", "1s")).run().success();
    assert_eq!(outcome.attempts(), 1, "{outcome}");
    outcome
        .matches(r"(?m)\Agox: 127\.0\.0\.1:\d+ .*; asked again until it was over: \d+ s without progress$");
}

//! The lab itself: each fault makes plain go say what it says in the wild.

use crate::harness::{Outcome, Project};
use crate::lab::{Entry, Fault, Lab, always, rate};

/// `go mod download` of three modules through one entry with one fault, all the time.
fn download(entry: Entry, fault: Fault) -> Outcome {
    download_where(entry, fault, ".")
}

fn download_where(entry: Entry, fault: Fault, path: &str) -> Outcome {
    let lab = Lab::new().entry(entry).fault(fault, always().path(path)).start();
    Project::new(&lab).go(["mod", "download"]).run()
}

#[test]
fn without_a_fault_go_succeeds() {
    for entry in [Entry::plain(), Entry::tls(), Entry::tls_http1(), Entry::plain().prefix("/goproxy")] {
        let lab = Lab::new().modules(20).entry(entry).start();
        Project::new(&lab).go(["mod", "download"]).run().success();
        let zips = lab.requests().iter().filter(|seen| seen.path.ends_with(".zip") && seen.whole).count();
        assert_eq!(zips, 20);
        assert!(lab.wasted().is_empty());
    }
}

#[test]
fn a_chain_is_walked_and_built() {
    let lab = Lab::new().modules(8).chain().start();
    let project = Project::new(&lab).no_file("go.sum").shared_build_cache();
    project.go(["mod", "tidy"]).run().success();
    let run = project.go(["run", "."]).run().success();
    assert_eq!(run.out(), "modules: 8\n");
    assert_eq!(std::fs::read_to_string(project.dir().join("go.sum")).unwrap(), lab.go_sum());
}

#[test]
fn ends_of_a_connection() {
    let url = r#""http://127\.0\.0\.1:\d+/example\.test/m00\d/@v/v1\.0\.0\.(mod|info|zip)""#;
    download(Entry::plain(), Fault::Eof).exited(1).matches(&format!("Get {url}: EOF"));
    download(Entry::plain(), Fault::EofInHeaders).exited(1).matches(&format!("Get {url}: .*EOF"));
    download(Entry::plain(), Fault::EofInBody).exited(1).matches(&format!("read {url}: unexpected EOF"));
    download(Entry::plain(), Fault::ShortChunked).exited(1).matches(&format!("read {url}: unexpected EOF"));
    download(Entry::plain(), Fault::Reset)
        .exited(1)
        .matches(&format!("Get {url}: .*connection reset by peer"));
    download_where(Entry::plain(), Fault::ResetInBody, "zip$")
        .exited(1)
        .matches(&format!("read {url}: .*connection reset by peer"));
}

#[test]
fn rates_are_the_same_for_the_same_seed() {
    let faults = |seed| {
        let lab = Lab::new().modules(30).seed(seed).fault(Fault::Late(1), rate(0.2)).start();
        Project::new(&lab).go(["mod", "download"]).run().success();
        let mut hit: Vec<String> =
            lab.requests().iter().filter(|seen| seen.fault.is_some()).map(|seen| seen.path.clone()).collect();
        hit.sort();
        hit
    };
    assert_eq!(faults(7), faults(7));
    assert_ne!(faults(7), faults(8));
    assert!((8..35).contains(&faults(7).len()), "{}", faults(7).len());
}

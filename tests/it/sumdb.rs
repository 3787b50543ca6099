//! The checksum database: an outage is waited for, a verdict and a lie are final, and no other database is
//! asked than the user's own.

use crate::harness::{Act, FakeGo, Outcome, Project, WatchedGo};
use crate::lab::{Entry, Fault, Lab, Place, Running, always, first, first_of_each};

fn project(lab: &Running) -> Project {
    Project::new(lab).env("GOX_RELAY", "never").no_file("go.sum")
}

#[track_caller]
fn one_attempt(outcome: Outcome) -> Outcome {
    let outcome = outcome.exited(1);
    assert_eq!(outcome.attempts(), 1, "{outcome}");
    assert!(outcome.remedies().is_empty(), "{outcome}");
    outcome
}

#[test]
fn an_outage_of_ones_own_database_is_waited_for() {
    for fault in [Fault::Status(503), Fault::Eof, Fault::Reset, Fault::Html, Fault::EofInBody] {
        let lab = Lab::new().sumdb().fault(fault, first(2).at(Place::Sumdb)).start();
        let go = WatchedGo::new();
        let outcome = project(&lab).with_go(&go.path()).gox(["mod", "download"]).run().success();
        assert!(outcome.attempts() > 1, "{fault:?}\n{outcome}");
        go.never_weakened(&lab.gosumdb());
    }
}

#[test]
fn ones_own_database_that_stays_away_is_never_replaced() {
    let lab = Lab::new().sumdb().fault(Fault::Status(503), always().at(Place::Sumdb)).start();
    let go = WatchedGo::new();
    let outcome = project(&lab).with_go(&go.path()).gox(["mod", "download"]).run().exited(1);
    assert_eq!(outcome.attempts(), 4, "{outcome}");
    assert!(outcome.remedies().iter().all(|r| r.starts_with("wait:")), "{outcome}");
    go.never_weakened(&lab.gosumdb());
}

#[test]
fn what_the_database_does_not_know_is_a_verdict() {
    for status in [404, 410] {
        let lab = Lab::new()
            .sumdb()
            .fault(Fault::Status(status), always().at(Place::Sumdb).path("lookup/"))
            .start();
        let outcome = one_attempt(project(&lab).gox(["mod", "download"]).run());
        outcome.matches(r"gox: hint: .*gox private add example\.test/m00\d");
    }
}

#[test]
fn a_record_that_stays_wrong_is_the_databases_word_after_three_attempts() {
    for fault in [Fault::FlippedBit(9), Fault::BadSignature] {
        let lab = Lab::new().sumdb().fault(fault, always().at(Place::Sumdb).path("lookup/")).start();
        let outcome = project(&lab).gox(["mod", "download"]).run().exited(1);
        assert_eq!(outcome.attempts(), 3, "{outcome}");
        assert!(outcome.causes().iter().all(|c| c == "sumdb-misbehaviour"), "{outcome}");
        assert!(outcome.remedies().iter().all(|r| r.starts_with("wait:")), "{outcome}");
    }
}

#[test]
fn a_bit_that_flips_once_in_what_the_database_sends_ends_no_run() {
    // The number of the record, its path, its hash; in the note the size of the tree, its hash and the signature.
    let records = [0, 9, 60, 189, 210, 300].map(|at| ("lookup/", at));
    for (file, at) in records.into_iter().chain([("tile/", 5), ("tile/", 70)]) {
        for relay in ["never", "auto", "always"] {
            let once = first_of_each(1).at(Place::Sumdb).path(file).times(1);
            let lab = Lab::new().sumdb().fault(Fault::FlippedBit(at), once).start();
            let go = WatchedGo::new();
            let project = Project::new(&lab).no_file("go.sum").env("GOX_RELAY", relay).with_go(&go.path());
            let outcome = project.gox(["mod", "download"]).run().success();
            assert!(outcome.attempts() > 1, "{file} {at} did not hit\n{outcome}");
            outcome.silent_about("GOPRIVATE");
            go.never_weakened(&lab.gosumdb());
        }
    }
}

#[test]
fn an_answer_that_is_none_is_asked_for_three_times_of_those_whom_go_asks() {
    // Of the public database's, carried by a proxy: what any enemy can make up.
    let other = "12\nexample.test/other v1.0.0 h1:AAAA=\n\ngo.sum database tree\n12\nAAAA=\n\n";
    for said in ["<html>login</html>", "12", other] {
        for relay in ["auto", "never"] {
            let enemy = Fault::forged(200, "text/plain", said);
            let lab = Lab::new().entry(Entry::plain()).fault(enemy, always().path("^sumdb/")).start();
            let project = Project::new(&lab).without("GOX_ATTEMPTS").no_file("go.sum");
            let project = project.env("GOX_RELAY", relay).env("GOSUMDB", "sum.golang.org");
            let outcome = project.gox(["mod", "download"]).run().exited(1);
            assert!(outcome.attempts() <= 3, "{said:?} {relay}\n{outcome}");
            assert!(
                outcome.remedies().iter().all(|r| !r.starts_with("sumdb:")),
                "{said:?} {relay}\n{outcome}"
            );
            let report = outcome.report().to_string();
            assert!(!report.contains("google.cn") && !report.contains("https://sum.golang.org"), "{outcome}");
            outcome.silent_about("google.cn").silent_about("sum.golang.org still");
        }
    }
}

#[test]
fn a_database_that_misbehaves_is_asked_once() {
    let lab = Lab::new().sumdb().start();
    let strange = project(&lab).env("GOSUMDB", lab.gosumdb_of_another_key());
    let outcome = one_attempt(strange.gox(["mod", "download"]).run());
    assert!(outcome.causes().iter().all(|c| c == "sumdb-misbehaviour"), "{outcome}");
}

#[test]
fn a_fork_is_told_whole_and_nothing_of_it_is_removed() {
    let lab = Lab::new().sumdb().start();
    let project = project(&lab);
    project.gox(["mod", "download", "example.test/m000@v1.0.0"]).run().success();
    let note = project.root().join("gopath/pkg/sumdb").join(crate::lab::SUMDB_NAME).join("latest");
    let before = std::fs::read(&note).expect("go remembers the tree");
    lab.fork_sumdb();
    let outcome = one_attempt(project.gox(["mod", "download", "example.test/m001@v1.0.0"]).run());
    outcome.says("SECURITY ERROR");
    assert_eq!(std::fs::read(&note).expect("the note stays"), before);
}

#[test]
fn a_database_behind_proxies_is_asked_through_the_next_one() {
    let lab = Lab::new()
        .module_host("github.com/lib")
        .entry(Entry::tls().named("proxy.golang.org"))
        .entry(Entry::tls().named("goproxy.io"))
        .sumdb_through_proxies()
        .fault(Fault::Status(503), always().proxy(0).path("^sumdb/"))
        .start();
    let go = WatchedGo::new();
    let outcome = project(&lab).with_go(&go.path()).gox(["mod", "download"]).run().success();
    assert!(outcome.remedies().contains(&"rotate:goproxy.io".to_owned()), "{outcome}");
    go.never_weakened(&lab.gosumdb());
}

/// What go says when the public database does not answer.
fn unreachable() -> Vec<u8> {
    b"go: example.test/m000@v1.0.0: verifying module: example.test/m000@v1.0.0: Get \"https://sum.golang.org/lookup/example.test/m000@v1.0.0\": dial tcp 192.0.2.1:443: i/o timeout\n".to_vec()
}

fn with_database(fake: &FakeGo, gosumdb: &str) -> Project {
    Project::empty()
        .with_go(&fake.path())
        .env("GOX_RELAY", "never")
        .env("GOPROXY", "http://127.0.0.1:9")
        .env("GOSUMDB", gosumdb)
        // Whatever network this machine has, the database cannot be reached from here.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .file("go.mod", "module example.test/main\n\ngo 1.21\n")
}

#[test]
fn the_public_database_has_a_second_address_for_the_child_alone() {
    let fake =
        FakeGo::new().attempt(&[Act::Err(&unreachable()), Act::Exit(1)]).attempt(&[Act::Out(b"done\n")]);
    let project = with_database(&fake, "sum.golang.org");
    let outcome = project.gox(["mod", "download"]).run().success();
    assert!(outcome.remedies().contains(&"sumdb:sum.golang.google.cn".to_owned()), "{outcome}");
    let asked: Vec<String> =
        fake.calls().iter().map(|c| c.var("GOSUMDB").unwrap_or_default().to_owned()).collect();
    assert_eq!(asked, ["sum.golang.org", "sum.golang.google.cn"]);
    let told = outcome.said().join("\n");
    assert!(told.contains("asking the checksum database at sum.golang.google.cn"), "{outcome}");
}

#[test]
fn a_database_that_the_user_chose_keeps_its_address() {
    for gosumdb in ["sum.golang.org https://sums.corp.example", "sum.golang.google.cn"] {
        let fake = FakeGo::new().attempt(&[Act::Err(&unreachable()), Act::Exit(1)]);
        let project = with_database(&fake, gosumdb);
        let outcome = project.gox(["mod", "download"]).run().exited(1);
        assert!(!outcome.remedies().iter().any(|r| r.starts_with("sumdb:")), "{outcome}");
        assert!(fake.calls().iter().all(|c| c.var("GOSUMDB") == Some(gosumdb)), "{outcome}");
    }
}

#[test]
fn words_that_the_database_is_away_move_nothing_while_it_answers() {
    let lab = crate::lab::Lab::new().entry(Entry::tls().named("sum.golang.org")).start();
    let fake = FakeGo::new().attempt(&[Act::Err(&unreachable()), Act::Exit(1)]);
    let project = Project::new(&lab)
        .with_go(&fake.path())
        .env("GOX_RELAY", "never")
        .env("GOX_ATTEMPTS", "2")
        .env("GOPROXY", "http://127.0.0.1:9")
        .env("GOSUMDB", "sum.golang.org");
    let outcome = project.gox(["mod", "download"]).run().exited(1);
    assert!(!outcome.remedies().iter().any(|r| r.starts_with("sumdb:")), "{outcome}");
    assert!(fake.calls().iter().all(|call| call.var("GOSUMDB") == Some("sum.golang.org")), "{outcome}");
}

use super::*;
use crate::vocabulary::{Behind, Cause, Detail, Failure, Source};

fn all() -> impl Iterator<Item = (&'static str, Phrase)> {
    let tables = [
        causes::ALL,
        advice::ALL,
        verdicts::ALL,
        running::ALL,
        progressing::ALL,
        explaining::ALL,
        faults::ALL,
        manual::ALL,
        damages::ALL,
        flaws::ALL,
        keeping::ALL,
        diagnosing::ALL,
        helping::ALL,
        naming::ALL,
    ];
    tables.into_iter().flat_map(|table| table.iter().copied())
}

fn places(words: &str) -> Vec<&str> {
    let mut found: Vec<&str> =
        words.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
    found.sort_unstable();
    found
}

/// Every failure that the vocabulary can tell apart, with and without what may be known beside it.
fn failures() -> impl Iterator<Item = Failure> {
    let sources = || Source::ALL.iter().copied().map(Some).chain([None]);
    let each = move |cause| {
        sources().flat_map(move |source| Detail::ALL.iter().map(move |detail| (cause, source, *detail)))
    };
    Cause::ALL.iter().flat_map(move |cause| each(*cause)).flat_map(|(cause, source, detail)| {
        let bare = Failure { detail, ..Failure::new(cause, source, "words") };
        let mut full = bare.clone();
        full.module = Some("example.test/m".into());
        full.version = Some("v1.0.0".into());
        full.host = Some("proxy.test".into());
        full.url = Some("https://proxy.test/example.test/m/@v/v1.0.0.mod".into());
        full.facts.status = Some(418);
        full.facts.path = Some("/cache/m.zip".into());
        [bare, full]
    })
}

#[test]
fn every_phrase_says_the_same_in_both_languages() {
    for (name, phrase) in all() {
        assert_eq!(places(phrase.en), places(phrase.zh), "{name}");
        assert!(!phrase.en.trim().is_empty() && phrase.en.is_ascii(), "{name}: {}", phrase.en);
        let bare = phrase.zh.replace(|c: char| c.is_ascii(), "");
        let needs_none = ["URL", "GOX"].contains(&name) || phrase.en.starts_with('{') && phrase.en.len() < 24;
        assert!(!bare.is_empty() || needs_none, "{name} is not Chinese: {}", phrase.zh);
    }
}

/// A name that only gox knows means nothing to a person, and some advice does harm.
#[test]
fn no_phrase_has_an_internal_name_or_harms() {
    let harms = [
        "go env -w",
        "GOSUMDB=off",
        "GONOSUMDB",
        "GONOSUMCHECK",
        "GOINSECURE",
        "-insecure",
        "by hand:",
        "-p=2",
    ];
    for (name, phrase) in all() {
        for words in [phrase.en, phrase.zh] {
            for id in Cause::ALL.iter().map(|c| c.as_str()).filter(|id| id.contains('-')) {
                assert!(!words.contains(id), "{name} says {id}: {words}");
            }
            for harm in harms.iter().filter(|harm| **harm != "by hand:") {
                assert!(!words.contains(harm), "{name} says {harm}: {words}");
            }
        }
    }
}

#[test]
fn each_cause_at_each_source_has_a_whole_sentence_and_one_thing_to_do() {
    for failure in failures() {
        for text in [happened(&failure), advice(&failure)] {
            for words in [&text.en, &text.zh] {
                let about = format!("{} {:?} {:?}: {words}", failure.cause, failure.source, failure.detail);
                assert!(
                    words.chars().count() > 3 && !words.contains(['{', '}']) && !words.contains("  "),
                    "{about}"
                );
                assert!(!words.ends_with(['.', '。', ' ']) && !words.contains("()"), "{about}");
            }
        }
    }
}

#[test]
fn what_is_filled_in_is_not_read_for_places() {
    let text = verdicts::HELPLESS.with(&[("what", &"a {what} of a stranger's {"), ("other", &1)]);
    assert_eq!(text.en, "a {what} of a stranger's {: repeating cannot help");
}

fn failure(cause: Cause, source: Source, evidence: &str) -> Failure {
    let mut failure = Failure::new(cause, Some(source), evidence);
    failure.host = Some("mods.corp".into());
    failure.url = Some("https://mods.corp/a.test/m/@v/v1.0.0.mod".into());
    failure.module = Some("a.test/m".into());
    failure
}

#[test]
fn a_certificate_has_five_faults_with_five_cures() {
    let told = |words: &str| {
        let failure = failure(
            Cause::TlsCert,
            Source::Proxy,
            &format!("tls: failed to verify certificate: x509: {words}"),
        );
        (happened(&failure).en, advice(&failure).en)
    };
    let over = "certificate has expired or is not yet valid: current time 2026-11-27T01:00:00Z is";
    let cases = [
        (format!("{over} after 2020-01-01T00:00:00Z"), "has expired", "unless this machine's clock is wrong"),
        (
            format!("{over} before 2030-01-01T00:00:00Z"),
            "clock (2026-11-27T01:00:00Z)",
            "set this machine's clock",
        ),
        ("certificate is valid for other.corp, not mods.corp".into(), "another name", "the name that"),
        ("certificate signed by unknown authority".into(), "signed by nobody", "SSL_CERT_FILE"),
        ("cannot verify signature: insecure algorithm SHA1-RSA".into(), "too weak", "that go accepts"),
    ];
    for (words, happened, advice) in cases {
        let (what, cure) = told(&words);
        assert!(what.contains(happened) && what.contains("mods.corp"), "{what}");
        assert!(cure.contains(advice), "{cure}");
    }
}

#[test]
fn the_machine_that_failed_is_named() {
    let dialled =
        failure(Cause::ConnRefused, Source::Proxy, "dial tcp 10.77.0.98:443: connect: connection refused");
    assert_eq!(happened(&dialled).en, "nobody listens at mods.corp (at 10.77.0.98:443)");
    let wrong =
        failure(Cause::ConnRefused, Source::Proxy, "dial tcp 0.0.0.0:443: connect: connection refused");
    assert!(happened(&wrong).zh.contains("0.0.0.0:443"));
    let mut squid = failure(Cause::Http403, Source::Proxy, "Proxy Authentication Required");
    squid.detail = Detail::HttpProxy;
    squid.facts.status = Some(407);
    assert_eq!(
        happened(&squid).en,
        "the HTTP proxy on the way to mods.corp refuses to let this machine through"
    );
    squid.host = Some("10.0.0.1:3128".into());
    assert!(happened(&squid).en.starts_with("the HTTP proxy 10.0.0.1:3128 "));
    squid.host = Some("mods.corp".into());
    squid.facts.between = Some("squid.corp:3128".into());
    assert!(happened(&squid).en.starts_with("the HTTP proxy squid.corp:3128 refuses"));
    let mut database = failure(Cause::Timeout, Source::Sumdb, "504 Gateway Timeout");
    database.url = Some("https://mods.corp/sumdb/sum.golang.org/lookup/a.test/m@v1.0.0".into());
    assert!(
        happened(&database).en.starts_with("mods.corp (for the checksum database) "),
        "{:?}",
        happened(&database)
    );
    assert!(advice(&database).en.contains("before mods.corp in GOPROXY"), "{:?}", advice(&database));
}

#[test]
fn advice_helps_where_it_is_followed() {
    let told = |cause, source, words: &str| advice(&failure(cause, source, words)).en;
    let fake = "dial tcp 198.18.0.12:443: connect: connection refused";
    assert!(told(Cause::ConnRefused, Source::Proxy, fake).contains("198.18.0.0/15"));
    assert!(told(Cause::Http429, Source::Proxy, "").contains("GOMAXPROCS"));
    assert!(
        told(Cause::VcsMissing, Source::Local, "GOVCS disallows using hg for public a.test/m")
            .contains("GOVCS")
    );
    assert!(told(Cause::VcsMissing, Source::Local, "error obtaining VCS status").contains("-buildvcs=false"));
    assert!(
        told(Cause::ToolchainDownload, Source::Toolchain, "invalid GOTOOLCHAIN \"asdf\"")
            .contains("GOTOOLCHAIN to auto")
    );
    assert!(
        told(Cause::CachePermission, Source::Cache, "RLock /x: function not implemented")
            .contains("local disk")
    );
    assert!(told(Cause::CacheCorrupt, Source::Cache, "").starts_with("try again"));
    // Whoever quotes a question for a login is not whom the login is for; over http go sends none.
    let login = |url: &str, source| {
        let mut failure = failure(Cause::PrivateAuth, source, "401 Unauthorized");
        failure.url = Some(url.into());
        advice(&failure).en
    };
    let said = login("https://mods.corp/x", Source::Proxy);
    assert!(said.contains("~/.netrc") && said.contains("GOPROXY") && !said.contains("git"), "{said}");
    assert!(login("http://mods.corp/x", Source::Proxy).contains("over https://"));
}

/// What a proxy quotes is told of whom it quotes, and never as the module's absence.
#[test]
fn what_failed_behind_a_proxy_is_told_as_that() {
    let told = |behind| {
        let mut failure = failure(Cause::Http404410, Source::Proxy, "404 Not Found");
        failure.facts.behind = Some(behind);
        (happened(&failure).en, advice(&failure).en)
    };
    let (what, cure) = told(Behind::Login("gitlab.corp".into()));
    assert_eq!(what, "mods.corp cannot see a.test/m: gitlab.corp wants a login");
    assert!(cure.contains("login for gitlab.corp") && !cure.contains("mods.corp"), "{cure}");
    let (what, cure) = told(Behind::Store("store.test".into()));
    assert_eq!(what, "store.test, where mods.corp keeps its files, does not give out a.test/m");
    assert!(cure.contains("store.test") && cure.contains("another proxy"), "{cure}");
    let (what, cure) = told(Behind::Trouble);
    assert_eq!(what, "mods.corp could not fetch a.test/m itself");
    assert!(cure.contains("another proxy") && !cure.contains("private"), "{cure}");
}

#[test]
fn a_file_system_is_blamed_for_what_it_lacks_alone() {
    let told = |words: &str| happened(&failure(Cause::Other, Source::Local, words)).en;
    assert!(told("go: RLock /mnt/x/cache/lock: function not implemented").contains("file system"));
    assert!(told("rename /a /b: invalid cross-device link").contains("file system"));
    assert!(!told("go: -race is not supported on linux/386").contains("file system"));
}

/// Reports spell causes and remedies by identifiers, which no list for people shows.
#[test]
fn each_cause_and_remedy_has_a_short_name() {
    for cause in Cause::ALL {
        let name = naming::cause(cause.as_str());
        assert!(name.en != cause.as_str() || *cause == Cause::None, "{cause}");
        assert!(!name.zh.is_ascii(), "{cause}: {}", name.zh);
    }
    for remedy in [
        "rotate:h",
        "evict:m@v1",
        "aside:m@v1",
        "private:p",
        "sumdb:h",
        "http1",
        "no-mlkem",
        "git-patience",
        "relay",
        "wait:5",
        "rotate",
    ] {
        let name = naming::remedy(remedy);
        assert!(name.en != remedy && !name.zh.is_ascii(), "{remedy}: {name:?}");
    }
}

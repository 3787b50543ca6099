//! Each situation that people meet, as the facts that it leaves, and the verdict on it.

use super::*;

const PROXY: &str = "proxy.example";
const DATABASE: &str = "sum.golang.org";

fn look(part: Part, host: &str, found: Found) -> Look {
    Look { part, host: host.into(), module: None, found, public: false, secure: true, issuer: None, ms: 20 }
}

fn proxy(found: Found) -> Look {
    look(Part::Proxy(0), PROXY, found)
}

fn database(found: Found) -> Look {
    look(Part::Database, DATABASE, found)
}

fn store(found: Found) -> Look {
    look(Part::Store(0, PROXY.into()), "store.example", found)
}

fn of(module: &str, look: Look) -> Look {
    Look { module: Some(module.into()), ..look }
}

/// A public host with this issuer.
fn public(issuer: &str, look: Look) -> Look {
    Look { public: true, issuer: Some(issuer.into()), ..look }
}

fn facts(looks: &[Look]) -> Facts {
    Facts { looks: looks.to_vec(), now: "2026-11-27".into(), ..Facts::default() }
}

fn setting(name: &str, value: &str, origin: Origin, harm: Harm) -> Setting {
    Setting { name: name.into(), value: value.into(), origin, harm }
}

/// The verdict, the host, and what must stand in its sentence and in its advice.
#[track_caller]
fn is(facts: &Facts, verdict: Verdict, host: Option<&str>, what: &str, advice: &str) {
    let found = judge(facts);
    assert_eq!((found.verdict, found.host.as_deref()), (verdict, host), "{found:?}");
    assert!(found.what.en.contains(what), "{what}: {found:?}");
    let said = found.advice.clone().unwrap_or_default();
    assert!(said.en.contains(advice) && (said.en.is_empty() == advice.is_empty()), "{advice}: {found:?}");
    assert!(!format!("{found:?}").contains('{') || !found.what.zh.contains('{'), "{found:?}");
}

#[test]
fn s01_all_well() {
    is(
        &facts(&[proxy(Found::Well), store(Found::Well), database(Found::Well)]),
        Verdict::Well,
        None,
        "well",
        "",
    );
    // A proxy that has not what it was asked for serves all the same.
    is(&facts(&[proxy(Found::Absent(404)), database(Found::Well)]), Verdict::Well, None, "well", "");
    // Behind one that serves, go asks no other.
    let second = look(Part::Proxy(1), "second.example", Found::Silent(Stage::Dial));
    is(&facts(&[proxy(Found::Well), second]), Verdict::Well, None, "well", "");
}

#[test]
fn s02_no_route() {
    let facts = Facts { no_route: true, ..facts(&[proxy(Found::NoRoute), database(Found::NoName)]) };
    is(&facts, Verdict::LocalNetwork, None, "no route", "connect this machine");
    // Where somebody answers there is a way, whatever leads nowhere else.
    let answered = Facts { no_route: true, ..super::tests::facts(&[proxy(Found::Well)]) };
    is(&answered, Verdict::Well, None, "well", "");
}

#[test]
fn s03_resolver_dead() {
    for found in [Found::NoResolver, Found::NoName] {
        let facts = facts(&[proxy(found.clone()), database(found)]);
        is(&facts, Verdict::Dns, None, "resolver does not answer", "/etc/resolv.conf");
    }
    let facts = Facts { no_name: true, ..facts(&[proxy(Found::NoName)]) };
    is(&facts, Verdict::Dns, None, "resolver does not answer", "/etc/resolv.conf");
}

#[test]
fn s04_one_name_does_not_resolve() {
    let facts = facts(&[proxy(Found::NoName), database(Found::Well)]);
    is(&facts, Verdict::Dns, Some(PROXY), "proxy.example does not resolve", "how proxy.example is spelt");
}

#[test]
fn s05_poisoned_name() {
    let facts = facts(&[proxy(Found::OtherName("*.facebook.example".into())), database(Found::Well)]);
    is(&facts, Verdict::Dns, Some(PROXY), "somebody else", "another resolver");
}

#[test]
fn s05_a_name_that_leads_to_this_machine() {
    let facts = facts(&[proxy(Found::Misled("0.0.0.0".into())), database(Found::Well)]);
    is(&facts, Verdict::Dns, Some(PROXY), "leads to 0.0.0.0", "/etc/hosts");
}

#[test]
fn s06_proxy_refuses_connections() {
    let facts = facts(&[proxy(Found::Refused), database(Found::Well)]);
    is(&facts, Verdict::Proxy, Some(PROXY), "nobody listens", "another proxy");
}

#[test]
fn s07_proxy_silent() {
    for stage in [Stage::Dial, Stage::Tls, Stage::Http, Stage::Body] {
        let facts = facts(&[proxy(Found::Silent(stage)), database(Found::Well)]);
        is(&facts, Verdict::Proxy, Some(PROXY), "does not answer", "another proxy");
    }
    // Where no host at all answers it is not the proxy.
    let facts = facts(&[proxy(Found::Silent(Stage::Dial)), database(Found::Silent(Stage::Dial))]);
    is(&facts, Verdict::LocalNetwork, None, "none of the 2 hosts", "this machine's network");
}

#[test]
fn s08_proxy_answers_503() {
    let second = look(Part::Proxy(1), "second.example", Found::Well);
    let facts = facts(&[proxy(Found::Status(503, String::new())), second, database(Found::Well)]);
    is(&facts, Verdict::Proxy, Some(PROXY), "answers 503", "put second.example first");
    let facts = Facts { commas: vec![0], ..facts };
    is(&facts, Verdict::Proxy, Some(PROXY), "answers 503", "behind | it would after any failure");
    let facts = Facts { commas: vec![1], ..facts };
    is(&facts, Verdict::Proxy, Some(PROXY), "answers 503", "first in GOPROXY: it is well");
}

#[test]
fn s09_proxy_refuses_everything_with_a_reason() {
    let facts = facts(&[proxy(Found::Gate(403, "ask the security team".into())), database(Found::Well)]);
    is(&facts, Verdict::Proxy, Some(PROXY), "ask the security team", "ask who runs proxy.example");
}

#[test]
fn s10_store_behind_the_redirect_refuses() {
    let facts = facts(&[proxy(Found::Well), store(Found::Status(403, String::new())), database(Found::Well)]);
    is(&facts, Verdict::Store, Some("store.example"), "proxy.example sends", "store.example let through");
}

#[test]
fn s11_login_page() {
    let page = facts(&[proxy(Found::Page), database(Found::Page)]);
    is(&page, Verdict::LocalNetwork, Some(PROXY), "wants a login first", "browser");
    // Over https it has a certificate of its own.
    let portal = || Found::OtherName("portal.hotel.example".into());
    let told = "whatever host is asked";
    is(&facts(&[proxy(portal()), database(portal())]), Verdict::LocalNetwork, None, told, "browser");
    let wrong = facts(&[proxy(Found::Page), database(Found::Well)]);
    is(&wrong, Verdict::Proxy, Some(PROXY), "no module proxy at that address", "GOPROXY");
}

#[test]
fn s12_interception_with_a_root_that_is_not_trusted() {
    let facts = facts(&[public("Corp Inspection", proxy(Found::Untrusted)), database(Found::Untrusted)]);
    is(&facts, Verdict::Interception, Some(PROXY), "Corp Inspection", "SSL_CERT_FILE");
}

#[test]
fn s13_interception_with_a_root_that_is_trusted() {
    let corp = facts(&[public("Corp Inspection", proxy(Found::Well)), database(Found::Well)]);
    is(&corp, Verdict::Interception, Some(PROXY), "Corp Inspection", "nothing needs mending");
    let usual = facts(&[public("Google Trust Services WE2", proxy(Found::Well)), database(Found::Well)]);
    is(&usual, Verdict::Well, None, "well", "");
}

#[test]
fn s14_the_name_is_filtered() {
    let facts = facts(&[proxy(Found::NameCut), database(Found::Well)]);
    is(&facts, Verdict::Interception, Some(PROXY), "with another name", "another network");
}

#[test]
fn s15_certificate_expired() {
    let facts = facts(&[proxy(Found::Expired("2026-01-02".into())), database(Found::Well)]);
    is(&facts, Verdict::Proxy, Some(PROXY), "expired on 2026-01-02", "new certificate");
}

#[test]
fn s16_this_clock_is_wrong() {
    let expired = || Found::Expired("2026-01-02".into());
    is(
        &facts(&[proxy(expired()), database(expired())]),
        Verdict::Settings,
        None,
        "clock is ahead: it says 2026-11-27",
        "clock",
    );
    let told = Facts { clock: Some(90_000), ..facts(&[proxy(expired()), database(Found::Well)]) };
    is(&told, Verdict::Settings, None, "ahead", "clock");
    let one = facts(&[proxy(Found::NotYet), database(Found::Well)]);
    is(&one, Verdict::Proxy, Some(PROXY), "not valid yet", "new certificate");
    let right = Facts { clock: Some(3), ..facts(&[proxy(expired()), database(expired())]) };
    is(&right, Verdict::Proxy, Some(PROXY), "expired", "new certificate");
    // Before any root was made none is trusted.
    let unset = Facts { too_early: true, ..facts(&[proxy(Found::Untrusted), database(Found::Untrusted)]) };
    is(&unset, Verdict::Settings, None, "behind", "clock");
    let early = facts(&[proxy(Found::NotYet), database(Found::NotYet)]);
    is(&early, Verdict::Settings, None, "behind", "clock");
}

#[test]
fn s17_a_private_proxy_wants_a_login() {
    let facts = facts(&[proxy(Found::NeedsLogin), database(Found::Well)]);
    is(&facts, Verdict::Credentials, Some(PROXY), "wants a login", "machine proxy.example login");
    let plain = Look { secure: false, ..proxy(Found::NeedsLogin) };
    is(&super::tests::facts(&[plain]), Verdict::Credentials, Some(PROXY), "wants a login", "over https://");
}

#[test]
fn s18_a_private_module_behind_a_public_proxy() {
    let module = "git.example/acme/secret";
    let facts = facts(&[
        proxy(Found::Well),
        database(Found::Well),
        of(module, proxy(Found::Absent(404))),
        of(module, look(Part::Origin(module.into()), "git.example", Found::NeedsLogin)),
    ]);
    is(&facts, Verdict::Credentials, Some("git.example"), "it is private", "gox private add");
}

#[test]
fn s19_the_version_does_not_exist() {
    let module = "example.com/m@v9.9.9";
    let facts = facts(&[proxy(Found::Well), of(module, proxy(Found::Absent(404)))]);
    is(&facts, Verdict::Module, Some(PROXY), "has no version v9.9.9", "-versions example.com/m");
}

#[test]
fn s20_the_checksum_database_cannot_be_reached() {
    for found in [Found::Refused, Found::Silent(Stage::Tls), Found::Broken(Stage::Tls)] {
        let facts = facts(&[proxy(Found::Well), database(found)]);
        is(&facts, Verdict::Settings, Some(DATABASE), "checksum database", "leave the check on");
    }
}

fn with_cache(fault: CacheFault) -> Facts {
    Facts { cache: vec![fault], ..facts(&[proxy(Found::Well), database(Found::Well)]) }
}

#[test]
fn s21_a_damaged_zip_in_the_cache() {
    let facts = with_cache(CacheFault::Damaged("a.test/m@v1.0.0".into(), Text::plain("no zip")));
    is(&facts, Verdict::Cache, None, "a.test/m@v1.0.0 damaged", "gox evict a.test/m@v1.0.0 --refetch");
}

#[test]
fn s22_the_cache_cannot_be_written() {
    let facts = with_cache(CacheFault::Unwritable("/c".into(), "Permission denied".into()));
    is(&facts, Verdict::Cache, None, "/c", "GOMODCACHE");
    let facts = with_cache(CacheFault::Unlockable("/c".into(), "not implemented".into()));
    is(&facts, Verdict::Cache, None, "locked", "local disk");
}

#[test]
fn s23_the_disk_is_full() {
    let facts = with_cache(CacheFault::Full("/c".into()));
    is(&facts, Verdict::Cache, None, "no room", "make room");
    // Whatever the network does, nothing can be stored.
    let bad = Facts { looks: vec![proxy(Found::Refused)], ..facts };
    is(&bad, Verdict::Cache, None, "no room", "make room");
}

#[test]
fn s24_everything_was_declared_private() {
    let by = |origin| Facts {
        settings: vec![setting("GOPRIVATE", "*", origin, Harm::AllPrivate)],
        ..facts(&[proxy(Found::Well)])
    };
    is(&by(Origin::Shell), Verdict::Settings, None, "GOPRIVATE=* (environment)", "unset GOPRIVATE");
    is(&by(Origin::File("/h/env".into())), Verdict::Settings, None, "/h/env", "go env -u GOPRIVATE");
}

#[test]
fn s25_an_http_proxy_with_a_password_is_well() {
    is(&facts(&[proxy(Found::Well)]), Verdict::Well, None, "well", "");
    let wrong = facts(&[proxy(Found::HttpProxyLogin("407".into()))]);
    is(&wrong, Verdict::Credentials, Some(PROXY), "407", "HTTPS_PROXY");
    let dead = facts(&[proxy(Found::HttpProxy("dial tcp 127.0.0.1:7890: refused".into()))]);
    is(&dead, Verdict::LocalNetwork, Some(PROXY), "7890", "HTTPS_PROXY");
}

#[test]
fn s26_s27_ipv6_alone_and_made_up_addresses_are_well() {
    // Which address was taken is no fact of a verdict: what counts is who answers there.
    is(&facts(&[proxy(Found::Well), database(Found::Well)]), Verdict::Well, None, "well", "");
}

#[test]
fn s28_a_private_forge_with_a_login_is_well() {
    let module = "gitlab.corp/team/lib";
    let origin = look(Part::Origin(module.into()), "gitlab.corp", Found::Well);
    let facts = facts(&[proxy(Found::Well), of(module, origin)]);
    is(&facts, Verdict::Well, None, "well", "");
}

#[test]
fn s29_offline_is_well() {
    is(&facts(&[]), Verdict::Well, None, "leads to no network", "");
    let unchecked =
        Facts { settings: vec![setting("GOSUMDB", "off", Origin::Shell, Harm::Useless)], ..facts(&[]) };
    is(&unchecked, Verdict::Well, None, "leads to no network", "");
}

#[test]
fn settings_are_named_with_what_undoes_them() {
    let with = |name: &str, value: &str, harm| Facts {
        settings: vec![setting(name, value, Origin::Shell, harm)],
        ..facts(&[proxy(Found::Well)])
    };
    for (name, value, harm) in [
        ("GOPROXY", "off", Harm::Off),
        ("GO111MODULE", "off", Harm::NoModules),
        ("GOFLAGS", "-x", Harm::UnknownFlag),
        ("GOSUMDB", "off", Harm::Unchecked),
    ] {
        is(&with(name, value, harm), Verdict::Settings, None, name, &format!("unset {name}"));
    }
    is(&with("GOPROXY", "direct", Harm::NoGit), Verdict::Settings, None, "git", "install git");
    is(&with("GODEBUG", "gomodulesync=1", Harm::Useless), Verdict::Well, None, "well", "");
}

#[test]
fn a_module_may_be_refused_or_too_slow() {
    let module = "example.com/m@v1.0.0";
    let refused = facts(&[proxy(Found::Well), of(module, proxy(Found::RefusesThis(403, "licence".into())))]);
    is(&refused, Verdict::Module, Some(PROXY), "licence", "to allow example.com/m");
    let slow = Look { ms: 900, ..of(module, proxy(Found::Well)) };
    let slow = Facts { most_ms: Some(500), ..facts(&[proxy(Found::Well), slow]) };
    is(&slow, Verdict::Module, Some(PROXY), "900 ms", "another proxy");
}

#[test]
fn public_authorities_are_told_from_others() {
    for issuer in ["Let's Encrypt R11", "Google Trust Services WR2", "DigiCert Inc", "TrustAsia Technologies"]
    {
        assert!(is_public_authority(issuer), "{issuer}");
    }
    for issuer in ["lab authority", "Corp Inspection CA", "Zscaler Inc.", "mitmproxy"] {
        assert!(!is_public_authority(issuer), "{issuer}");
    }
}

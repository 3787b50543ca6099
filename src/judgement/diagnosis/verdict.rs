//! The table of verdicts: its rows in their order, the first that fits counts.
//!
//! What is certain and near comes before what is far: a machine without a network says nothing about a proxy,
//! a login page nothing about a certificate.

use super::hosts::{Other, blame, what};
use super::is_public_authority;
use super::{CacheFault, Diagnosis, Facts, Found, Harm, Look, Origin, Part, Setting, Verdict};
use crate::formats::authority;
use crate::words::diagnosing as say;
use crate::words::{Phrase, Text};
use std::collections::BTreeSet;

/// By how many seconds a clock may be wrong: certificates live for weeks.
const CLOCK: i64 = 24 * 3600;

/// The verdict.
pub(crate) fn judge(facts: &Facts) -> Diagnosis {
    let looks = reached(&facts.looks);
    let rows: [&dyn Fn() -> Option<Diagnosis>; 13] = [
        &|| no_network(facts, &looks),
        &|| http_proxy(&looks),
        &|| facts.cache.iter().find(|fault| !is_damage(fault)).map(cache),
        &|| facts.settings.iter().find(|s| s.harm.stops()).map(setting),
        &|| page(&looks),
        &|| clock(facts, &looks),
        &|| same_for_all(&looks),
        &|| nobody(&looks),
        &|| hosts(&looks, facts),
        &|| modules(facts),
        &|| facts.cache.first().map(cache),
        &|| read_by_trusted(&looks),
        &|| facts.settings.iter().find(|s| s.harm.counts()).map(setting),
    ];
    rows.iter().find_map(|row| row()).unwrap_or_else(|| {
        let offline = facts.looks.is_empty();
        said(Verdict::Well, None, if offline { say::ALL_WELL_OFFLINE } else { say::ALL_WELL }, None::<Text>)
    })
}

/// Puts a diagnosis together.
fn said(
    verdict: Verdict,
    host: Option<&str>,
    what: impl Into<Text>,
    advice: Option<impl Into<Text>>,
) -> Diagnosis {
    Diagnosis { verdict, host: host.map(str::to_owned), what: what.into(), advice: advice.map(Into::into) }
}

/// The looks that matter: behind a proxy that serves, go asks no other.
fn reached(looks: &[Look]) -> Vec<&Look> {
    let is_general = |look: &&Look| look.module.is_none();
    let failing_store = |at: usize| {
        looks.iter().any(|l| matches!(&l.part, Part::Store(of, _) if *of == at) && !l.found.is_well())
    };
    let first = looks.iter().filter(is_general).find_map(|look| match look.part {
        Part::Proxy(at) if look.found == Found::Well && !failing_store(at) => Some(at),
        _ => None,
    });
    let matters = |look: &&Look| match (&look.part, first) {
        (Part::Proxy(at) | Part::Store(at, _), Some(first)) => *at <= first,
        _ => true,
    };
    looks.iter().filter(is_general).filter(matters).collect()
}

/// No route, or a resolver that is away.
fn no_network(facts: &Facts, looks: &[&Look]) -> Option<Diagnosis> {
    let answered = facts.looks.iter().any(|look| look.found.answered());
    let no_route = facts.no_route || looks.iter().any(|look| look.found == Found::NoRoute);
    if no_route && !answered {
        return Some(said(Verdict::LocalNetwork, None, say::NO_ROUTE, Some(say::CONNECT)));
    }
    let all = |found: &dyn Fn(&Found) -> bool| facts.looks.iter().all(|look| found(&look.found));
    let names: BTreeSet<&str> = facts.looks.iter().map(|look| authority::name(&look.host)).collect();
    let away = facts.no_name
        || facts.looks.iter().any(|look| look.found == Found::NoResolver)
        || names.len() > 1 && all(&|found| *found == Found::NoName);
    away.then(|| said(Verdict::Dns, None, say::RESOLVER_AWAY, Some(say::MEND_RESOLVER)))
}

/// The HTTP proxy between.
fn http_proxy(looks: &[&Look]) -> Option<Diagnosis> {
    let is_its = |look: &&&Look| matches!(look.found, Found::HttpProxy(_) | Found::HttpProxyLogin(_));
    looks.iter().find(is_its).map(|look| of_host(look, None))
}

/// A web page in place of an answer: the network's, unless others of its hosts are well.
fn page(looks: &[&Look]) -> Option<Diagnosis> {
    let page = looks.iter().find(|look| look.found == Found::Page)?;
    if looks.iter().any(|look| look.found == Found::Well && !matches!(look.part, Part::Store(..))) {
        let host = &page.host;
        let what = say::NO_PROXY_THERE.with(&[("host", host)]);
        let advice = say::CHECK_ADDRESS.with(&[("host", host)]);
        return Some(said(Verdict::Proxy, Some(host), what, Some(advice)));
    }
    Some(of_host(page, None))
}

/// A clock that is wrong: by what hosts say, or since several of them would have to be.
fn clock(facts: &Facts, looks: &[&Look]) -> Option<Diagnosis> {
    let expired: BTreeSet<&str> = looks
        .iter()
        .filter(|look| matches!(look.found, Found::Expired(_)))
        .map(|look| look.host.as_str())
        .collect();
    let early = looks.iter().any(|look| look.found == Found::NotYet);
    let trusted = looks.iter().any(|look| look.secure && look.found.answered());
    let off = facts.clock.filter(|by| by.abs() > CLOCK);
    let distrusted = looks.iter().any(|look| look.found == Found::Untrusted);
    let (wrong, is_ahead) = if facts.too_early && (early || distrusted) {
        (true, false)
    } else if expired.is_empty() && !early {
        (false, false)
    } else if let Some(by) = off {
        (true, by > 0)
    } else if facts.clock.is_some() {
        // Hosts say that this clock is right.
        (false, false)
    } else if early {
        (!trusted, false)
    } else {
        (expired.len() > 1 && !trusted, true)
    };
    let phrase = if is_ahead { say::CLOCK_AHEAD } else { say::CLOCK_BEHIND };
    wrong.then(|| said(Verdict::Settings, None, phrase.with(&[("now", &facts.now)]), Some(say::SET_CLOCK)))
}

/// Several hosts, and the same one answers for all of them.
fn same_for_all(looks: &[&Look]) -> Option<Diagnosis> {
    let names: BTreeSet<&str> = looks
        .iter()
        .filter_map(
            |look| if let Found::OtherName(names) = &look.found { Some(names.as_str()) } else { None },
        )
        .collect();
    let hosts: BTreeSet<&str> = looks.iter().map(|look| look.host.as_str()).collect();
    let all = looks.iter().all(|look| matches!(look.found, Found::OtherName(_)));
    if hosts.len() < 2 || names.len() != 1 || !all {
        return None;
    }
    let what = say::SAME_FOR_ALL.with(&[("names", names.first()?)]);
    Some(said(Verdict::LocalNetwork, None, what, Some(say::OPEN_BROWSER)))
}

/// Several hosts, and none of them answers: that is not their fault.
fn nobody(looks: &[&Look]) -> Option<Diagnosis> {
    let silent = |look: &&Look| matches!(look.found, Found::Silent(_) | Found::Refused);
    let hosts: BTreeSet<&str> = looks.iter().map(|look| authority::name(&look.host)).collect();
    let loopback = |host: &&str| *host == "localhost" || host.starts_with("127.") || *host == "::1";
    if hosts.len() < 2 || hosts.iter().any(loopback) || !looks.iter().all(silent) {
        return None;
    }
    let what = say::NOBODY_ANSWERS.with(&[("hosts", &hosts.len())]);
    let advice = if cfg!(target_os = "macos") { say::CHECK_NETWORK_ON_MACOS } else { say::CHECK_NETWORK };
    Some(said(Verdict::LocalNetwork, None, what, Some(advice)))
}

/// The first host in go's order that something is wrong with.
fn hosts(looks: &[&Look], facts: &Facts) -> Option<Diagnosis> {
    let bad = looks.iter().find(|look| !look.found.is_well())?;
    let is_well = |look: &&Look| {
        look.module.is_none()
            && matches!(look.part, Part::Proxy(_))
            && look.found == Found::Well
            && look.host != bad.host
    };
    let listed = facts.looks.iter().find(is_well).map(|look| Other {
        host: &look.host,
        behind_a_comma: matches!((&bad.part, &look.part), (Part::Proxy(bad), Part::Proxy(well))
            if facts.commas.iter().any(|comma| (bad..well).contains(&comma))),
    });
    let other = listed.or(facts.mirror.as_deref().map(|host| Other { host, behind_a_comma: false }));
    Some(of_host(bad, other))
}

/// The diagnosis of one host.
fn of_host(look: &Look, other: Option<Other<'_>>) -> Diagnosis {
    let (verdict, advice) = blame(look, other);
    let found = what(look).unwrap_or_default();
    let what = match &look.part {
        Part::Store(_, proxy) if verdict == Verdict::Store => {
            say::STORE_FAILS.with(&[("proxy", proxy), ("what", &found)])
        }
        Part::Database if verdict == Verdict::Settings => say::DATABASE_FAILS.with(&[("what", &found)]),
        Part::Origin(module) if verdict == Verdict::Module => {
            say::ORIGIN_FAILS.with(&[("module", module), ("what", &found)])
        }
        _ => found,
    };
    said(verdict, Some(&look.host), what, Some(advice))
}

/// Modules that were asked about: had by nobody, refused, or slow.
fn modules(facts: &Facts) -> Option<Diagnosis> {
    let mut names: Vec<&str> = facts.looks.iter().filter_map(|look| look.module.as_deref()).collect();
    names.dedup();
    names.iter().find_map(|name| {
        let looks: Vec<&Look> =
            facts.looks.iter().filter(|look| look.module.as_deref() == Some(name)).collect();
        module(name, &looks, facts.most_ms)
    })
}

/// One of them.
fn module(name: &str, looks: &[&Look], most: Option<u64>) -> Option<Diagnosis> {
    let (bare, version) = name.split_once('@').map_or((name, None), |(m, v)| (m, Some(v)));
    if let Some(had) = looks.iter().find(|look| look.found == Found::Well) {
        let slow = most.is_some_and(|most| had.ms > most);
        let what =
            say::SLOW_MODULE.with(&[("module", &name), ("ms", &had.ms), ("most", &most.unwrap_or_default())]);
        return slow.then(|| said(Verdict::Module, Some(&had.host), what, Some(say::OTHER_PROXY)));
    }
    let asked_proxy = looks.iter().any(|look| matches!(look.part, Part::Proxy(_)) && look.found.answered());
    let origin = looks.iter().find(|look| matches!(look.part, Part::Origin(_)));
    if let Some(origin) = origin.filter(|look| look.found == Found::NeedsLogin) {
        let host = authority::name(&origin.host);
        let phrase = if asked_proxy { say::PRIVATE_MODULE } else { say::ORIGIN_LOGIN };
        let what = phrase.with(&[("module", &bare), ("host", &host)]);
        let advice = match asked_proxy {
            true => say::CALL_PRIVATE.with(&[("bare", &bare), ("host", &host)]),
            false => say::GIVE_LOGIN.with(&[("bare", &host)]),
        };
        return Some(said(Verdict::Credentials, Some(&origin.host), what, Some(advice)));
    }
    if let Some(bad) = looks.iter().find(|look| !look.found.is_well()) {
        return Some(of_host(bad, None));
    }
    let absent = looks.iter().find(|look| matches!(look.found, Found::Absent(_)))?;
    let (what, advice) = match version {
        Some(version) => (
            say::NO_VERSION.with(&[("bare", &bare), ("version", &version)]),
            say::SEE_VERSIONS.with(&[("bare", &bare)]),
        ),
        None => (say::NO_MODULE.with(&[("module", &name)]), say::CHECK_PATH.with(&[("module", &name)])),
    };
    Some(said(Verdict::Module, Some(&absent.host), what, Some(advice)))
}

/// A public host that is vouched for by nobody public, and that this machine trusts.
fn read_by_trusted(looks: &[&Look]) -> Option<Diagnosis> {
    let read = |look: &&&Look| {
        look.public && look.issuer.as_ref().is_some_and(|issuer| !is_public_authority(issuer))
    };
    let look = looks.iter().find(read)?;
    let issuer = look.issuer.clone().unwrap_or_default();
    let what = say::READ_BY_TRUSTED.with(&[("host", &look.host), ("issuer", &issuer)]);
    Some(said(Verdict::Interception, Some(&look.host), what, Some(say::IF_COMPANY)))
}

/// What a look into the files found, rather than an attempt to use them.
fn is_damage(fault: &CacheFault) -> bool {
    matches!(fault, CacheFault::Damaged(..) | CacheFault::Changed(..))
}

/// The module cache.
fn cache(fault: &CacheFault) -> Diagnosis {
    let (what, advice): (Text, Text) = match fault {
        CacheFault::Unwritable(path, words) => {
            (say::CANNOT_WRITE.with(&[("path", path), ("words", words)]), say::OWN_FOLDER.into())
        }
        CacheFault::Unlockable(path, words) => {
            (say::CANNOT_LOCK.with(&[("path", path), ("words", words)]), say::LOCAL_DISK.into())
        }
        CacheFault::Full(path) => (say::FULL.with(&[("path", path)]), say::MAKE_ROOM.into()),
        CacheFault::Damaged(name, words) => {
            (say::DAMAGED.with(&[("name", name), ("words", words)]), say::EVICT.with(&[("name", name)]))
        }
        CacheFault::Changed(name, words) => {
            (say::CHANGED.with(&[("name", name), ("words", words)]), say::FIND_OUT.with(&[("name", name)]))
        }
    };
    said(Verdict::Cache, None, what, Some(advice))
}

/// Where a setting comes from, in words.
pub(crate) fn origin(origin: &Origin) -> Text {
    match origin {
        Origin::Shell => say::BY_SHELL.into(),
        Origin::File(file) => say::BY_FILE.with(&[("file", file)]),
        Origin::GoRoot(file) => say::BY_GOROOT.with(&[("file", file)]),
        Origin::Git => Text::plain("git config"),
        Origin::BuiltIn => say::BUILT_IN.into(),
    }
}

/// What a setting does, in words.
pub(crate) fn harm(setting: &Setting) -> Text {
    let phrase: Phrase = match setting.harm {
        Harm::Silent => return say::SILENT_GO.with(&[("go", &setting.value)]),
        Harm::Off => say::NOBODY_ASKED,
        Harm::AllPrivate => say::NO_PROXY_ASKED,
        Harm::TooWide => say::TOO_WIDE,
        Harm::NoModules => say::NO_MODULES,
        Harm::UnknownFlag => say::UNKNOWN_FLAG,
        Harm::NoGit => say::NO_GIT,
        Harm::Unchecked => say::UNCHECKED,
        Harm::NoGitCheck => say::NO_GIT_CHECK,
        Harm::OnlyDirect => say::ONLY_DIRECT,
        Harm::Useless => say::USELESS,
    };
    let shown = format!("{}={}", setting.name, setting.value);
    phrase.with(&[("setting", &shown), ("origin", &origin(&setting.origin))])
}

/// What undoes a setting.
fn undo(setting: &Setting) -> Text {
    let name = &setting.name;
    match &setting.origin {
        _ if setting.harm == Harm::Silent => say::NAME_GO.into(),
        _ if setting.harm == Harm::NoGit => say::INSTALL_GIT.into(),
        Origin::Shell => say::UNSET.with(&[("name", name)]),
        Origin::File(_) => say::UNSET_IN_FILE.with(&[("name", name)]),
        Origin::GoRoot(file) => say::IN_GOROOT.with(&[("name", name), ("file", file)]),
        Origin::Git => say::UNSET_GIT.with(&[("name", name)]),
        Origin::BuiltIn => say::UNSET.with(&[("name", name)]),
    }
}

/// A setting that harms.
fn setting(setting: &Setting) -> Diagnosis {
    said(Verdict::Settings, None, harm(setting), Some(undo(setting)))
}

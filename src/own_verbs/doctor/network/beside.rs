//! What is looked at by the user's wish alone: public mirrors side by side, and another resolver's answers.
//!
//! Both hear what everybody knows: a module that is public, the names of public hosts.

use super::{Check, KNOWN_TO_ALL, Part, Seen, Way, file_at, is_public, settings_names};
use crate::fetch::probe::{Asked, Expect};
use crate::formats::goproxy::Entry;
use crate::machine::dial::Address;
use crate::machine::{names, resolver as other};
use crate::words::{Text, diagnosing as say};
use std::net::IpAddr;
use tokio::task::JoinHandle;
use tokio::time::timeout_at;

/// Public mirrors that are looked at, beside those that gox is told of.
const MIRRORS: &[&str] = &[
    "https://proxy.golang.org",
    "https://goproxy.cn",
    "https://goproxy.io",
    "https://mirrors.aliyun.com/goproxy",
];

/// Looks at the mirrors; the fastest that is well comes first.
pub(super) fn mirrors(way: &Way, told: &[Entry]) -> JoinHandle<Vec<Check>> {
    let mut entries: Vec<Entry> = told.iter().filter(|entry| entry.is_public_proxy()).cloned().collect();
    for url in MIRRORS {
        let entry = Entry::Proxy((*url).to_owned());
        if !entries.iter().any(|known| known.host() == entry.host()) {
            entries.push(entry);
        }
    }
    let way = way.clone();
    tokio::spawn(async move {
        let known = KNOWN_TO_ALL.iter().rev().find(|(module, _)| !way.rules.likely_private(module));
        let Some((module, version)) = known else { return Vec::new() };
        let looks = entries.into_iter().filter_map(|entry| {
            let asked = Asked {
                url: file_at(&entry, module, &format!("@v/{version}.zip"))?,
                expect: Expect::Zip,
                module: (*module).to_owned(),
            };
            let way = way.clone();
            Some(tokio::spawn(async move {
                let host = entry.host().unwrap_or_default();
                let mut seen = Seen::default();
                let sights = way.prober.look(&asked, way.until).await;
                let ms = sights.iter().map(|sight| sight.ms).sum();
                if let Some(last) = sights.into_iter().next_back() {
                    seen.add(&way, "mirror", Part::Proxy(0), None, last);
                }
                seen.checks.pop().map(|check| Check { host: Some(host), ms: Some(ms), ..check })
            }))
        });
        let mut checks = Vec::new();
        for look in looks.collect::<Vec<_>>() {
            checks.extend(look.await.ok().flatten());
        }
        checks.sort_by_key(|check| (!check.ok, check.ms));
        checks
    })
}

/// Asks another resolver for the public hosts that go's settings name, beside the system's.
pub(super) fn resolver(way: &Way, (ip, port): (IpAddr, u16)) -> JoinHandle<Vec<Check>> {
    let way = way.clone();
    tokio::spawn(async move {
        let to = Address { host: ip.to_string(), port };
        let mut checks = Vec::new();
        for name in settings_names(&way).into_iter().filter(|name| is_public(&way, name)) {
            let begun = std::time::Instant::now();
            let theirs = timeout_at(way.until, other::ask(&to, &name)).await;
            let ms = u64::try_from(begun.elapsed().as_millis()).ok();
            let (ok, theirs) = match theirs {
                Ok(Ok(found)) => (!found.is_empty(), shown(found)),
                Ok(Err(error)) => (false, Text::plain(error.to_string())),
                Err(_) => (false, say::NO_ADDRESS.into()),
            };
            let ours = timeout_at(way.until, names::resolve(&name, 443)).await;
            let ours = ours.ok().and_then(Result::ok).unwrap_or_default();
            let ours = shown(ours.into_iter().map(|address| address.ip()).collect());
            let parts: [(&str, &dyn crate::words::Part); 3] =
                [("resolver", &ip), ("theirs", &theirs), ("ours", &ours)];
            let detail = say::RESOLVES.with(&parts);
            checks.push(Check { name: "resolver", host: Some(name), ok, ms, detail });
        }
        checks
    })
}

/// Addresses for people.
fn shown(mut found: Vec<IpAddr>) -> Text {
    found.dedup();
    found.truncate(4);
    match found.as_slice() {
        [] => say::NO_ADDRESS.into(),
        found => Text::plain(found.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ")),
    }
}

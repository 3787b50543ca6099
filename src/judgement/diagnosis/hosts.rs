//! What is wrong with one host: whose fault it is, in a sentence, and what mends it.

use super::{Found, Look, Part, Stage, Verdict};
use crate::formats::authority;
use crate::words::diagnosing as say;
use crate::words::{Phrase, Text};

/// Where a connection had come to, in words.
fn at(stage: Stage) -> Phrase {
    match stage {
        Stage::Dial => say::AT_DIAL,
        Stage::Tls => say::AT_TLS,
        Stage::Http => say::AT_HTTP,
        Stage::Body => say::AT_BODY,
    }
}

/// Who signed the certificate.
fn issuer(look: &Look) -> String {
    look.issuer.clone().unwrap_or_else(|| "?".into())
}

/// What was found at a host, as a sentence; `None` where nothing is wrong with it.
pub(crate) fn what(look: &Look) -> Option<Text> {
    let host = &look.host;
    Some(match &look.found {
        Found::Well | Found::Absent(_) => return None,
        Found::NoName => say::NO_SUCH_NAME.with(&[("host", host)]),
        Found::NoResolver => say::RESOLVER_AWAY.into(),
        Found::NoRoute => say::NO_ROUTE.into(),
        Found::Refused => say::REFUSED.with(&[("host", host)]),
        Found::Silent(stage) => say::SILENT.with(&[("host", host), ("where", &at(*stage))]),
        Found::Broken(stage) => say::BROKEN.with(&[("host", host), ("where", &at(*stage))]),
        Found::HttpProxy(words) => say::HTTP_PROXY_FAILS.with(&[("words", words)]),
        Found::HttpProxyLogin(words) => say::HTTP_PROXY_LOGIN.with(&[("words", words)]),
        Found::Untrusted if look.public => say::UNTRUSTED.with(&[("host", host), ("issuer", &issuer(look))]),
        Found::Untrusted => say::PRIVATE_AUTHORITY.with(&[("host", host), ("issuer", &issuer(look))]),
        Found::Expired(until) => say::EXPIRED.with(&[("host", host), ("until", until)]),
        Found::NotYet => say::NOT_YET.with(&[("host", host)]),
        Found::OtherName(names) => say::POISONED.with(&[("host", host), ("names", names)]),
        Found::Misled(address) => say::MISLED.with(&[("host", host), ("address", address)]),
        Found::NameCut => say::NAME_CUT.with(&[("host", host)]),
        Found::NeedsLogin => say::NEEDS_LOGIN.with(&[("host", host)]),
        Found::RefusesThis(status, words) => say::MODULE_REFUSED.with(&[
            ("host", host),
            ("module", &look.module.clone().unwrap_or_default()),
            ("status", status),
            ("words", words),
        ]),
        Found::Gate(status, words) => say::GATE.with(&[("host", host), ("status", status), ("words", words)]),
        Found::Status(status, words) if words.is_empty() => {
            say::STATUS.with(&[("host", host), ("status", status)])
        }
        Found::Status(status, words) => {
            say::STATUS_SAYS.with(&[("host", host), ("status", status), ("words", words)])
        }
        Found::Page => say::LOGIN_PAGE.with(&[("host", host)]),
        Found::Odd(words) => say::ODD.with(&[("host", host), ("words", words)]),
    })
}

/// A proxy that is well, where another is not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Other<'a> {
    /// Its host.
    pub(super) host: &'a str,
    /// It stands behind the other one and a comma: go comes to it after few failures only.
    pub(super) behind_a_comma: bool,
}

/// Whose fault it is where nothing else explains it, and what mends it.
pub(super) fn blame(look: &Look, other: Option<Other<'_>>) -> (Verdict, Text) {
    let host = &look.host;
    let others = || match other {
        Some(Other { host, behind_a_comma: true }) => {
            say::THIS_PROXY_BEHIND_A_COMMA.with(&[("other", &host)])
        }
        Some(Other { host, .. }) => say::THIS_PROXY_FIRST.with(&[("other", &host)]),
        None => say::OTHER_PROXY.into(),
    };
    let (own, usual): (Verdict, Text) = match &look.part {
        Part::Proxy(_) => (Verdict::Proxy, others()),
        Part::Store(..) => (Verdict::Store, say::LET_STORE.with(&[("host", host)])),
        Part::Database => (Verdict::Settings, say::DATABASE_BY_PROXY.into()),
        Part::Origin(_) => (Verdict::Module, say::BY_PROXY.into()),
    };
    match &look.found {
        Found::Well
        | Found::Absent(_)
        | Found::Refused
        | Found::Silent(_)
        | Found::Broken(_)
        | Found::Status(..)
        | Found::Odd(_) => (own, usual),
        Found::NoName => (Verdict::Dns, say::MEND_NAME.with(&[("host", host)])),
        Found::NoResolver => (Verdict::Dns, say::MEND_RESOLVER.into()),
        Found::NoRoute => (Verdict::LocalNetwork, say::CONNECT.into()),
        Found::HttpProxy(_) => (Verdict::LocalNetwork, say::CHECK_HTTP_PROXY.into()),
        Found::HttpProxyLogin(_) => (Verdict::Credentials, say::GIVE_HTTP_PROXY_LOGIN.into()),
        Found::Untrusted => (Verdict::Interception, say::TRUST_ROOT.into()),
        Found::Expired(_) | Found::NotYet => (own, say::RENEW.with(&[("host", host)])),
        Found::OtherName(_) => (Verdict::Dns, say::MEND_POISONED.into()),
        Found::Misled(_) => (Verdict::Dns, say::MEND_HOSTS.with(&[("host", host)])),
        Found::NameCut => (
            Verdict::Interception,
            match other {
                Some(other) => say::THIS_PROXY_FIRST.with(&[("other", &other.host)]),
                None => say::BY_ANOTHER_WAY.into(),
            },
        ),
        Found::NeedsLogin if !look.secure => (Verdict::Credentials, say::ONLY_HTTPS.with(&[("host", host)])),
        Found::NeedsLogin => {
            let bare = authority::name(host);
            (Verdict::Credentials, say::GIVE_LOGIN.with(&[("bare", &bare)]))
        }
        Found::RefusesThis(..) => (
            Verdict::Module,
            say::ASK_FOR_MODULE.with(&[("host", host), ("module", &look.module.clone().unwrap_or_default())]),
        ),
        Found::Gate(..) => (own, say::ASK_GATE.with(&[("host", host)])),
        Found::Page => (Verdict::LocalNetwork, say::OPEN_BROWSER.into()),
    }
}

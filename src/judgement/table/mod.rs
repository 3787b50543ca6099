//! The one table of judgement: what each failure means, and what it asks for.
//!
//! Pure. [`row`] is exhaustive in cause, source and detail: a new one of either is a compile error
//! here, and nowhere else in the code is a cause matched (a test searches for it). `gox explain`, the
//! loop and the fetcher all start from it; `tests/actions.txt` shows all of it.

mod causes;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use status::{Meaning, detail_of_status, of_status};

use crate::vocabulary::{Action, Cause, Detail, Failure, Source, UserAction};
use crate::words::{Phrase, verdicts};
use causes::of_cause;
use serde::{Serialize, Serializer};

/// What kind of remedy a failure asks for. What comes of it is decided where the settings, the
/// history and the list are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The request failed on its way: the next place at once, or the same one later.
    Again,
    /// The place is dead for now: it rests, the next one is asked.
    Elsewhere,
    /// The place's certificate is rejected, or it redirects in circles: as a dead one; where nobody else may be
    /// asked, once more (for a middlebox in between), then the user must act.
    Certificate,
    /// The place counts requests: longer waits.
    Slower,
    /// An HTTP proxy between failed; it is the same for every host, so nobody rests.
    Way,
    /// Version control met the network's trouble; nobody stands in for an origin.
    Origin,
    /// The checksum database, by another way to the same one.
    Database,
    /// Bytes with another hash than go.sum's: local damage, damage on the way, or confirmed.
    Mismatch,
    /// A damaged file of this machine's, or damaged bytes that look like one.
    Damage,
    /// The host refused: a verdict on one module, or on everything from here.
    Refusal,
    /// The host has no such thing: a verdict on one module.
    Absence,
    /// A module proxy wants credentials: a verdict on one module as well.
    Login,
    /// A status without a meaning of its own: once more from a host that serves others.
    Repeats,
    /// What hides behind `toolchain not available`, once it is known to be the network.
    Toolchain,
    /// Repeating cannot help.
    Stop,
}

impl Class {
    /// Every class, in the order of declaration.
    pub const ALL: &'static [Class] = &[
        Class::Again,
        Class::Elsewhere,
        Class::Certificate,
        Class::Slower,
        Class::Way,
        Class::Origin,
        Class::Database,
        Class::Mismatch,
        Class::Damage,
        Class::Refusal,
        Class::Absence,
        Class::Login,
        Class::Repeats,
        Class::Toolchain,
        Class::Stop,
    ];

    /// What `gox explain` says of it: the first decision of a run of which nothing else is known.
    pub const fn action(self) -> Action {
        match self {
            Class::Again | Class::Slower | Class::Way | Class::Origin => Action::Retry,
            Class::Elsewhere | Class::Certificate | Class::Database | Class::Toolchain => Action::Reroute,
            Class::Mismatch | Class::Damage => Action::Repair,
            Class::Refusal | Class::Absence | Class::Login => Action::Private,
            Class::Repeats | Class::Stop => Action::Stop,
        }
    }
}

/// Whose trouble a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A name or a route is missing: the host's, or this machine has no network.
    Network,
    /// The host's: it cannot be talked to at all just now.
    Dead,
    /// The host's: it says nothing.
    Silent,
    /// The host's, or the way's: this request failed, others may pass.
    Host,
    /// An HTTP proxy's on the way.
    HttpProxy,
    /// The module's, its version's or its origin's: other modules are not concerned.
    Module,
    /// This machine's, its settings' or the code's.
    Here,
}

/// A change of the child's settings that a kind of failure may call for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// HTTP/2 off, from the second time.
    Http1,
    /// git ends its own stalls.
    GitPatience,
    /// Post-quantum key exchange off: middleboxes drop its large first message.
    NoMlkem,
}

/// Which local damage may explain a failure, so that the cache is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// None.
    Nothing,
    /// The files of this module version.
    Version,
    /// As `Version`, or the `.info` file of another version of the module.
    Info,
    /// The files of this module version; where none is named, any.
    Anything,
    /// What is kept of the checksum database.
    Database,
    /// The folders of the modules that may hold the package which is named.
    Package,
    /// The clones of the module's repository: git keeps it to itself that an object is damaged, and go
    /// then knows no such revision.
    Clone,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// What kind of remedy it asks for.
    pub class: Class,
    /// Whose trouble it is.
    pub trouble: Trouble,
    /// Which setting of the child's it may call for.
    pub setting: Option<Setting>,
    /// Which local damage may explain it.
    pub suspicion: Suspicion,
    /// The place in the order of domination, lowest first; equals go by line.
    pub rank: u8,
    /// Why gox stops, where more than what happened is to be said.
    pub reason: Option<Phrase>,
    /// What can be done about it is worth a line of gox's, even where nothing was tried again.
    pub speaks: bool,
}

impl Row {
    /// What gox does about it seen alone.
    pub const fn action(&self) -> Action {
        self.class.action()
    }

    /// A fault of transport: nothing was said about the module itself.
    pub const fn is_transport(&self) -> bool {
        match self.class {
            Class::Again | Class::Elsewhere | Class::Certificate | Class::Slower | Class::Way => true,
            Class::Origin
            | Class::Database
            | Class::Mismatch
            | Class::Damage
            | Class::Refusal
            | Class::Absence
            | Class::Login
            | Class::Repeats
            | Class::Toolchain
            | Class::Stop => false,
        }
    }

    /// The host cannot be talked to at all just now.
    pub const fn is_dead_host(&self) -> bool {
        match self.trouble {
            Trouble::Network | Trouble::Dead => true,
            Trouble::Silent | Trouble::Host | Trouble::HttpProxy | Trouble::Module | Trouble::Here => false,
        }
    }

    /// The host's own trouble, as an outage is: waiting may cure it, be it a proxy, an origin or the checksum
    /// database. A name or a route that is missing is rather a typing error, or no network.
    pub const fn may_pass(&self) -> bool {
        let waits = match self.class {
            Class::Again | Class::Elsewhere | Class::Slower | Class::Way | Class::Origin => true,
            // With a reason there is nothing to be waited for.
            Class::Database => self.reason.is_none(),
            Class::Certificate
            | Class::Mismatch
            | Class::Damage
            | Class::Refusal
            | Class::Absence
            | Class::Login
            | Class::Repeats
            | Class::Toolchain
            | Class::Stop => false,
        };
        waits
            && match self.trouble {
                Trouble::Dead | Trouble::Silent | Trouble::Host => true,
                Trouble::Network | Trouble::HttpProxy | Trouble::Module | Trouble::Here => false,
            }
    }

    /// Later runs had better begin elsewhere: the host could not be talked to, or refused everything.
    pub const fn is_remembered(&self) -> bool {
        match self.trouble {
            Trouble::Network | Trouble::Dead | Trouble::Silent => true,
            Trouble::Module => matches!(self.class, Class::Refusal),
            Trouble::Host | Trouble::HttpProxy | Trouble::Here => false,
        }
    }

    /// Whether another attempt, or a look at the cache, can change anything.
    pub const fn is_curable(&self) -> bool {
        match self.class {
            Class::Stop => false,
            Class::Again
            | Class::Elsewhere
            | Class::Certificate
            | Class::Slower
            | Class::Way
            | Class::Origin
            | Class::Database
            | Class::Mismatch
            | Class::Damage
            | Class::Refusal
            | Class::Absence
            | Class::Login
            | Class::Repeats
            | Class::Toolchain => true,
        }
    }
}

impl Failure {
    /// The row that judges this failure.
    pub fn row(&self) -> Row {
        row(self.cause, self.source, self.detail)
    }

    /// True where the words stand for another failure that a diagnostic attempt may tell.
    pub const fn hides(&self) -> bool {
        match self.detail {
            Detail::Hidden | Detail::NoMetaTags => true,
            Detail::Plain
            | Detail::HttpProxy
            | Detail::Handshake
            | Detail::PlainHttp
            | Detail::Reasoned
            | Detail::Odd
            | Detail::Away
            | Detail::Untrusted
            | Detail::Absent
            | Detail::Refused
            | Detail::Verify
            | Detail::Unfit
            | Detail::Resolver
            | Detail::Unknown
            | Detail::Astray => false,
        }
    }

    /// What gox does about this failure seen alone: the user's own rule, else the table's word.
    pub fn action(&self) -> Action {
        match self.rule {
            Some(UserAction::Retry) => Action::Retry,
            Some(UserAction::Stop) => Action::Stop,
            None => self.row().action(),
        }
    }
}

/// Whether go says this of a host that it cannot talk to, be it well or not.
pub(crate) fn is_of_talking(cause: Cause) -> bool {
    matches!(cause, Cause::TlsCert | Cause::CaptiveOrHtml)
}

/// Whether it is a server's word that it has trouble of its own.
pub(crate) fn is_of_a_server(cause: Cause) -> bool {
    matches!(cause, Cause::Http5xx)
}

/// Whether what was answered once will most likely be answered again, at whatever time: a page, a name that nobody
/// has.
pub(crate) fn is_certain_to_stay(cause: Cause) -> bool {
    matches!(cause, Cause::CaptiveOrHtml | Cause::Dns)
}

/// Whether waiting may cure a failure: the trouble of a host that answers nobody just now, or of the proxy on the
/// way to it. A page that somebody else sent waits for a person, not for time.
pub(crate) fn is_waited_out(cause: Cause, source: Option<Source>, detail: Detail) -> bool {
    // A proxy on the way comes back as any host does.
    let of_host = if detail == Detail::HttpProxy { Detail::Plain } else { detail };
    cause != Cause::CaptiveOrHtml && detail != Detail::Unfit && row(cause, source, of_host).may_pass()
        || is_away(cause, detail)
}

/// Whether a name did not resolve for a trouble of the resolver's, as far as anything tells, or a host cannot be reached although there is
/// a network here: both pass.
fn is_away(cause: Cause, detail: Detail) -> bool {
    cause == Cause::Dns && matches!(detail, Detail::Resolver | Detail::Unknown)
        || cause == Cause::Unreachable && detail == Detail::Away
}

/// The row for a failure: the cause's, with the sources nested in the causes that have them,
/// narrowed by the detail where the row has it.
pub(crate) const fn row(cause: Cause, source: Option<Source>, detail: Detail) -> Row {
    let row = of_cause(cause, source, detail);
    match detail {
        Detail::Plain => row,
        // Nested in the causes that have them.
        Detail::Hidden
        | Detail::NoMetaTags
        | Detail::Handshake
        | Detail::PlainHttp
        | Detail::Odd
        | Detail::Away
        | Detail::Untrusted
        | Detail::Absent
        | Detail::Refused
        | Detail::Astray => row,
        Detail::HttpProxy => at_http_proxy(row),
        Detail::Reasoned if matches!(row.class, Class::Refusal | Class::Repeats) => {
            Row { class: Class::Stop, ..row }
        }
        Detail::Verify if matches!(row.class, Class::Damage | Class::Mismatch) => {
            Row { class: Class::Stop, reason: Some(verdicts::VERIFY), speaks: false, ..row }
        }
        Detail::Reasoned | Detail::Verify | Detail::Unfit | Detail::Resolver | Detail::Unknown => row,
    }
}

/// The verdict of an HTTP proxy between, or its trouble: what says nothing of the network is none.
const fn at_http_proxy(row: Row) -> Row {
    let at_proxy = Row { trouble: Trouble::HttpProxy, reason: None, ..row };
    match row.class {
        Class::Again | Class::Elsewhere | Class::Way => Row { class: Class::Way, ..at_proxy },
        Class::Slower => at_proxy,
        Class::Certificate | Class::Refusal | Class::Absence | Class::Login | Class::Repeats => {
            Row { class: Class::Stop, speaks: true, ..at_proxy }
        }
        Class::Origin
        | Class::Database
        | Class::Mismatch
        | Class::Damage
        | Class::Toolchain
        | Class::Stop => row,
    }
}

/// The failure that dominates: a user's rule first, then by rank, then by line; of the same cause one
/// that names its module.
pub(crate) fn dominant(failures: &[Failure]) -> Option<usize> {
    let order = |at: &usize| {
        let failure = &failures[*at];
        (failure.rule.is_none(), failure.row().rank, failure.line)
    };
    let first = (0..failures.len()).min_by_key(order)?;
    if failures[first].module.is_some() {
        return Some(first);
    }
    // Go may say the same twice, first without the module (`go: missing Git command`).
    let named = |at: &usize| failures[*at].cause == failures[first].cause && failures[*at].module.is_some();
    Some((0..failures.len()).filter(named).min_by_key(order).unwrap_or(first))
}

/// A failure as `gox explain` and the report print it.
#[derive(Serialize)]
struct Shown<'f> {
    cause: Cause,
    source: Option<Source>,
    action: Action,
    module: Option<&'f str>,
    version: Option<&'f str>,
    host: Option<&'f str>,
    url: Option<&'f str>,
    line: u64,
    evidence: &'f str,
}

/// Serialises failures with the contract's fields (`#[serde(serialize_with = "table::shown")]`).
///
/// # Errors
/// Those of the serialiser.
pub(crate) fn shown<S: Serializer>(failures: &[Failure], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(failures.iter().map(|f| Shown {
        cause: f.cause,
        source: f.source,
        action: f.action(),
        module: f.asked().0,
        version: f.asked().1,
        host: f.host.as_deref(),
        url: f.url.as_deref(),
        line: f.line,
        evidence: &f.evidence,
    }))
}

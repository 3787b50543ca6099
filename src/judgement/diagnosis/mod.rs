//! What is wrong, by what `gox doctor` found: one verdict, its sentence and the one thing that mends it.
//!
//! Pure. What was found comes in as [`Facts`]; [`verdict::judge`] is the table, the first row that fits counts.

mod hosts;
pub(crate) mod settings;
#[cfg(test)]
mod tests;
mod verdict;

pub(crate) use hosts::what;
pub(crate) use verdict::{harm, judge, origin};

use crate::words::Text;

/// What is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing.
    Well,
    /// The network that this machine is in.
    LocalNetwork,
    /// Names and the resolver.
    Dns,
    /// A module proxy.
    Proxy,
    /// The store that a module proxy redirects to.
    Store,
    /// Somebody between who reads or cuts connections.
    Interception,
    /// A login that is missing or wrong.
    Credentials,
    /// The module that was asked about.
    Module,
    /// The module cache.
    Cache,
    /// Settings of go's or of this machine.
    Settings,
}

impl Verdict {
    /// As it stands in the JSON.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Verdict::Well => "well",
            Verdict::LocalNetwork => "local-network",
            Verdict::Dns => "dns",
            Verdict::Proxy => "proxy",
            Verdict::Store => "store",
            Verdict::Interception => "interception",
            Verdict::Credentials => "credentials",
            Verdict::Module => "module",
            Verdict::Cache => "cache",
            Verdict::Settings => "settings",
        }
    }
}

/// The end of it all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnosis {
    /// What is to blame.
    pub(crate) verdict: Verdict,
    /// Where, if it is a host.
    pub(crate) host: Option<String>,
    /// What is wrong.
    pub(crate) what: Text,
    /// What mends it.
    pub(crate) advice: Option<Text>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// There is no route out of this machine.
    pub(crate) no_route: bool,
    /// Of the names that go's settings hold none resolves, and there are several.
    pub(crate) no_name: bool,
    /// What this machine's clock says, for people.
    pub(crate) now: String,
    /// The clock stands before this gox was made.
    pub(crate) too_early: bool,
    /// By how many seconds the clock is ahead of what hosts say that answered.
    pub(crate) clock: Option<i64>,
    /// Hosts, in the order in which go comes to them.
    pub(crate) looks: Vec<Look>,
    /// Behind which entries of GOPROXY a comma stands, by their places.
    pub(crate) commas: Vec<usize>,
    /// A public mirror that is well.
    pub(crate) mirror: Option<String>,
    /// What is wrong with the module cache, the worst first.
    pub(crate) cache: Vec<CacheFault>,
    /// Settings that do harm or nothing.
    pub(crate) settings: Vec<Setting>,
    /// Most milliseconds that a module may take.
    pub(crate) most_ms: Option<u64>,
}

/// One look at one host.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// What it is to go.
    pub(crate) part: Part,
    /// Host, and port where it is an unusual one.
    pub(crate) host: String,
    /// The module that was asked for by the user's wish: MODULE or MODULE@VERSION.
    pub(crate) module: Option<String>,
    /// What became of it.
    pub(crate) found: Found,
    /// It is known to all as a public host: what public authorities vouch for.
    pub(crate) public: bool,
    /// Over https.
    pub(crate) secure: bool,
    /// Who vouches for it, where that was seen.
    pub(crate) issuer: Option<String>,
    /// How long it took.
    pub(crate) ms: u64,
}

/// What a host is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// An entry of GOPROXY, by its place.
    Proxy(usize),
    /// The store that this host redirects to, by the place of its entry.
    Store(usize, String),
    /// The checksum database, or who passes it on.
    Database,
    /// The own host of a module.
    Origin(String),
}

/// Where a connection has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The connection.
    Dial,
    /// The handshake.
    Tls,
    /// The head of the answer.
    Http,
    /// The body.
    Body,
}

/// What became of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It serves.
    Well,
    /// It serves, and has not what was asked for: 404 or 410.
    Absent(u16),
    /// The name does not exist.
    NoName,
    /// The resolver does not answer.
    NoResolver,
    /// There is no route to it.
    NoRoute,
    /// Nobody listens there.
    Refused,
    /// Nothing came in time.
    Silent(Stage),
    /// The connection ended.
    Broken(Stage),
    /// The HTTP proxy between fails or refuses, in these words.
    HttpProxy(String),
    /// The HTTP proxy between wants another login.
    HttpProxyLogin(String),
    /// The certificate is signed by nobody whom this machine trusts.
    Untrusted,
    /// The certificate's time is over, since this day.
    Expired(String),
    /// The certificate's time has not begun.
    NotYet,
    /// The certificate is for these names.
    OtherName(String),
    /// The name of a public host leads to this machine itself, at this address.
    Misled(String),
    /// TLS ends where this name is said, and goes well with another.
    NameCut,
    /// It wants a login.
    NeedsLogin,
    /// It refuses this module, and not others.
    RefusesThis(u16, String),
    /// It refuses whatever is asked, with a reason.
    Gate(u16, String),
    /// Another status, with the words beside it.
    Status(u16, String),
    /// A web page in place of a file.
    Page,
    /// Something else that no module proxy says.
    Odd(String),
}

impl Found {
    /// Nothing is wrong with the host.
    pub(crate) fn is_well(&self) -> bool {
        matches!(self, Found::Well | Found::Absent(_))
    }

    /// Something came from the host itself.
    pub(crate) fn answered(&self) -> bool {
        matches!(
            self,
            Found::Well
                | Found::Absent(_)
                | Found::NeedsLogin
                | Found::RefusesThis(..)
                | Found::Gate(..)
                | Found::Status(..)
                | Found::Odd(_)
        )
    }
}

/// What is wrong with the module cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CacheFault {
    /// It cannot be written.
    Unwritable(String, String),
    /// Files in it cannot be locked.
    Unlockable(String, String),
    /// No room is left.
    Full(String),
    /// A version is damaged in itself: its name, and how.
    Damaged(String, Text),
    /// A version is whole and not what go.sum says.
    Changed(String, Text),
}

/// A setting that does harm, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Its name.
    pub(crate) name: String,
    /// Its value, without secrets.
    pub(crate) value: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
    /// What it does.
    pub(crate) harm: Harm,
}

/// Where a setting comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A variable of the environment.
    Shell,
    /// The file that go itself writes.
    File(String),
    /// The go.env of the Go release.
    GoRoot(String),
    /// git's own configuration.
    Git,
    /// go's own default.
    BuiltIn,
}

/// What a setting does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Harm {
    /// The program that go should be does not answer.
    Silent,
    /// Nobody is asked.
    Off,
    /// Everything counts as private.
    AllPrivate,
    /// Public modules count as private.
    TooWide,
    /// Modules are off.
    NoModules,
    /// go fails because of it.
    UnknownFlag,
    /// Every module comes by git, and there is no git.
    NoGit,
    /// Nothing is checked.
    Unchecked,
    /// git takes any certificate.
    NoGitCheck,
    /// Every module comes by git.
    OnlyDirect,
    /// Nothing at all.
    Useless,
}

impl Harm {
    /// go cannot get what it needs with it, whatever the network is like.
    pub(crate) fn stops(self) -> bool {
        matches!(
            self,
            Harm::Silent
                | Harm::Off
                | Harm::AllPrivate
                | Harm::TooWide
                | Harm::NoModules
                | Harm::UnknownFlag
                | Harm::NoGit
        )
    }

    /// Worth a verdict where nothing else is wrong.
    pub(crate) fn counts(self) -> bool {
        self.stops() || matches!(self, Harm::Unchecked | Harm::NoGitCheck)
    }
}

/// Organisations whose certificates public hosts have, in lower case: parts of what stands in the issuer.
const PUBLIC_AUTHORITIES: &[&str] = &[
    "actalis",
    "alibaba cloud",
    "amazon",
    "apple inc",
    "asseco",
    "baidu",
    "buypass",
    "certum",
    "cfca",
    "china financial certification authority",
    "cloudflare",
    "comodo",
    "d-trust",
    "deutsche telekom",
    "digicert",
    "dnspod",
    "e-tugra",
    "entrust",
    "geotrust",
    "globalsign",
    "godaddy",
    "google trust services",
    "guang dong certificate authority",
    "harica",
    "hellenic academic",
    "hongkong post",
    "identrust",
    "internet security research group",
    "isrg",
    "kpn",
    "let's encrypt",
    "microsoft corporation",
    "network solutions",
    "quovadis",
    "racknerd",
    "rapidssl",
    "secom",
    "sectigo",
    "shanghai electronic certification",
    "sheca",
    "ssl corp",
    "starfield",
    "swisscom",
    "swisssign",
    "symantec",
    "taiwan-ca",
    "telekom security",
    "tencent cloud",
    "thawte",
    "trustasia",
    "trustwave",
    "usertrust",
    "wotrus",
    "xinchacha",
    "zerossl",
    "zotrus",
];

/// True for an issuer that public hosts have.
pub(crate) fn is_public_authority(issuer: &str) -> bool {
    let issuer = issuer.to_lowercase();
    PUBLIC_AUTHORITIES.iter().any(|name| issuer.contains(name))
}

//! What the caller's environment says about the way out: HTTP proxies, certificates, credentials.
//!
//! Pure but for reading the files named. Semantics are those of Go's net/http and of `go help
//! goauth`, because the user set these variables for go.

use super::fault::{Blame, Fault};
use super::login::Login;
use super::proxy::Proxy;
use crate::formats::{authority, netrc};
use crate::machine::bounded::{self, MOST_SETTINGS};
use crate::machine::dial::Address;
use crate::vocabulary::Cause;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The variables that matter, captured once.
#[derive(Clone, Default)]
pub(crate) struct Surroundings {
    /// HTTPS_PROXY or https_proxy.
    pub(crate) https_proxy: Option<String>,
    /// HTTP_PROXY or http_proxy.
    pub(crate) http_proxy: Option<String>,
    /// NO_PROXY or no_proxy.
    pub(crate) no_proxy: String,
    /// REQUEST_METHOD is set: a CGI program, where go refuses HTTP_PROXY.
    pub(crate) cgi: bool,
    /// SSL_CERT_FILE.
    pub(crate) cert_file: Option<PathBuf>,
    /// SSL_CERT_DIR, a list with `:` between.
    pub(crate) cert_dirs: Option<String>,
    /// go's effective GOAUTH; empty means `netrc`.
    pub(crate) goauth: String,
    /// The .netrc file, whether it exists or not.
    pub(crate) netrc: Option<PathBuf>,
    /// go's release, where it is known; else the newest is meant.
    pub(crate) release: Option<(u32, u32)>,
    /// GODEBUG holds `http2client=0`.
    pub(crate) http1_only: bool,
    /// A variable that is not UTF-8: what go makes of it cannot be told.
    pub(crate) odd: Option<&'static str>,
}

impl Surroundings {
    /// Reads the variables through `var`. GOAUTH is go's effective one, which may come from a file.
    pub(crate) fn capture(var: impl Fn(&str) -> Option<OsString>) -> Surroundings {
        let var = |name: &str| var(name).filter(|v| !v.is_empty());
        let mut odd = None;
        let mut text = |name: &'static str| {
            let value = var(name)?;
            value.into_string().inspect_err(|_| odd = Some(name)).ok()
        };
        let mut either = |upper: &'static str, lower: &'static str| text(upper).or_else(|| text(lower));
        let (https_proxy, http_proxy) =
            (either("HTTPS_PROXY", "https_proxy"), either("HTTP_PROXY", "http_proxy"));
        let no_proxy = either("NO_PROXY", "no_proxy").unwrap_or_default();
        let goauth = text("GOAUTH").unwrap_or_default();
        let cert_dirs = text("SSL_CERT_DIR");
        let debug = text("GODEBUG").unwrap_or_default();
        Surroundings {
            https_proxy,
            http_proxy,
            no_proxy,
            cgi: var("REQUEST_METHOD").is_some(),
            cert_file: var("SSL_CERT_FILE").map(PathBuf::from),
            cert_dirs,
            goauth,
            netrc: var("NETRC")
                .map(PathBuf::from)
                .or_else(|| var("HOME").map(|home| Path::new(&home).join(".netrc"))),
            release: None,
            http1_only: debug.split(',').any(|setting| setting.trim() == "http2client=0"),
            odd,
        }
    }

    /// True where GOAUTH asks for credentials in a way that only go can follow.
    pub(crate) fn needs_go_for_auth(&self) -> bool {
        self.goauth.split(';').map(str::trim).any(|word| !matches!(word, "" | "netrc" | "off"))
    }

    /// The way to `to` for a URL of this `scheme`, as Go decides it: never a proxy for loopback.
    ///
    /// Fails where go fails, and where a proxy is named in words that are not understood here: then go is
    /// asked, never the host itself.
    pub(super) fn way(&self, scheme: &str, to: &Address) -> Result<Way, Fault> {
        let (name, proxy) = match scheme {
            "https" => ("HTTPS_PROXY", self.https_proxy.as_ref()),
            _ => ("HTTP_PROXY", self.http_proxy.as_ref()),
        };
        let Some(proxy) = proxy else { return Ok(Way::Straight) };
        let left_to_go =
            |why: &str| Fault::new(Cause::Other, format!("{name}: {why}")).blaming(Blame::Verdict);
        if scheme != "https" && self.cgi {
            return Err(left_to_go("refused in a CGI environment"));
        }
        // An IPv4 address in the form of IPv6 is one of IPv4.
        let ip = to.host.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        if to.host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return Ok(Way::Straight);
        }
        if is_excepted(&self.no_proxy, &to.host.to_ascii_lowercase(), to.port, ip) {
            return Ok(Way::Straight);
        }
        let newer = self.release.is_none_or(|release| release >= GOAUTH);
        let is_known = newer || !proxy.to_ascii_lowercase().starts_with("socks5h:");
        let proxy = Proxy::parse(proxy).filter(|_| is_known);
        proxy.map(Way::Through).ok_or_else(|| left_to_go("no proxy that is understood"))
    }

    /// The logins of .netrc; none where GOAUTH names others alone, or where it cannot be read.
    pub(super) fn read_netrc(&self) -> Netrc {
        let counts = self.goauth.is_empty() || self.goauth.split(';').any(|word| word.trim() == "netrc");
        let file = self.netrc.as_ref().filter(|_| counts);
        let text = file.and_then(|file| bounded::read(file, MOST_SETTINGS).ok()).unwrap_or_default();
        let logins = netrc::parse(&text).into_iter();
        let logins = logins.map(|l| (l.machine, Login { user: l.login, password: l.password })).collect();
        Netrc { logins, release: self.release.unwrap_or((1, u32::MAX)) }
    }
}

/// How a host is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By itself.
    Straight,
    /// Through a proxy.
    Through(Proxy),
}

/// The first release with GOAUTH, whose .netrc may have `https://` before a machine, and never comes before the login
/// of a URL; it knows `socks5h` too.
const GOAUTH: (u32, u32) = (1, 24);

/// The first release that has the login of a host and path.
const PREFIXES: (u32, u32) = (1, 27);

/// The logins of a .netrc file.
pub(super) struct Netrc {
    logins: Vec<(Vec<u8>, Login)>,
    /// The release of the go that reads it.
    release: (u32, u32),
}

impl Netrc {
    /// The login for `https://HOST/PATH` (given without scheme): of the longest prefix that is a machine, the first
    /// of equal ones.
    pub(super) fn for_url(&self, url: &str) -> Option<&Login> {
        if self.logins.is_empty() {
            return None;
        }
        let bare = |machine: &'_ [u8]| {
            let bare =
                machine.strip_prefix(b"https://").filter(|_| self.release >= GOAUTH).unwrap_or(machine);
            bare.strip_suffix(b"/").filter(|_| self.release >= PREFIXES).unwrap_or(bare).to_vec()
        };
        if self.release < PREFIXES {
            let host = url.split('/').next().unwrap_or_default().as_bytes();
            return self.logins.iter().find(|(machine, _)| bare(machine) == host).map(|(_, login)| login);
        }
        let mut prefix = url.strip_suffix('/').unwrap_or(url);
        loop {
            let named = |machine: &[u8]| bare(machine) == prefix.as_bytes();
            if let Some((_, login)) = self.logins.iter().find(|(machine, _)| named(machine)) {
                return Some(login);
            }
            prefix = &prefix[..prefix.rfind('/')?];
        }
    }

    /// Whether it comes before the login of a URL.
    pub(super) fn comes_first(&self) -> bool {
        self.release < GOAUTH
    }
}

/// NO_PROXY as Go reads it: `*`, addresses, CIDR, names with subdomains, `.name` for subdomains
/// only, each but the CIDR with an optional port.
fn is_excepted(no_proxy: &str, host: &str, port: u16, ip: Option<IpAddr>) -> bool {
    no_proxy.split(',').map(|word| word.trim().to_ascii_lowercase()).any(|word| {
        if word.is_empty() {
            return false;
        }
        if word == "*" {
            return true;
        }
        if let Some((network, bits)) = word.split_once('/') {
            return match (network.parse::<IpAddr>(), bits.parse::<u32>(), ip) {
                (Ok(network), Ok(bits), Some(ip)) => in_network(ip, network, bits),
                _ => false,
            };
        }
        let (name, wanted_port) = authority::split_port(&word);
        let wanted_port = wanted_port.and_then(|digits| digits.parse::<u16>().ok());
        if wanted_port.is_some_and(|p| p != port) {
            return false;
        }
        if let Ok(address) = name.parse::<IpAddr>() {
            return ip == Some(address.to_canonical());
        }
        let name = if name.starts_with("*.") { &name[1..] } else { name };
        match name.strip_prefix('.') {
            Some(_) => host.ends_with(name),
            None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
        }
    })
}

fn in_network(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    match (ip, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        (IpAddr::V6(a), IpAddr::V6(b)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            a.to_bits() & mask == b.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(vars: &[(&str, &str)]) -> Surroundings {
        Surroundings::capture(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).into()))
    }

    #[test]
    fn http_proxies_are_chosen_as_go_does() {
        let env = with(&[
            ("https_proxy", "proxy.example:3128"),
            ("HTTP_PROXY", "http://u:p@plain.example:1"),
            ("NO_PROXY", "exact.test, .sub.test,10.0.0.0/8,[2001:db8::1]:443,port.test:8443,192.0.2.7"),
        ]);
        let way = |env: &Surroundings, scheme: &str, host: &str, port| match env
            .way(scheme, &Address { host: host.into(), port })
        {
            Ok(Way::Straight) => Some(String::new()),
            Ok(Way::Through(proxy)) => Some(proxy.address.to_string()),
            Err(_) => None,
        };
        let https = |host: &str, port| way(&env, "https", host, port).unwrap() == "proxy.example:3128";
        assert!(https("a.b", 443));
        assert_eq!(way(&env, "http", "a.b", 80).as_deref(), Some("plain.example:1"));
        assert!(!https("localhost", 443) && !https("127.0.0.9", 443) && !https("::1", 443));
        assert!(!https("exact.test", 443) && !https("x.exact.test", 1) && https("notexact.test", 443));
        assert!(!https("x.sub.test", 443) && https("sub.test", 443));
        assert!(!https("10.200.0.1", 443) && https("11.0.0.1", 443) && !https("192.0.2.7", 1));
        assert!(!https("::ffff:127.0.0.1", 443) && !https("::ffff:10.1.1.1", 443) && https("LOCALHOST", 443));
        assert!(!https("2001:db8::1", 443) && https("2001:db8::1", 444));
        assert!(!https("port.test", 8443) && https("port.test", 443));
        let none = with(&[("HTTPS_PROXY", "p"), ("NO_PROXY", "*")]);
        assert_eq!(way(&none, "https", "a.b", 443).as_deref(), Some(""));
        let cgi = with(&[("HTTP_PROXY", "p"), ("REQUEST_METHOD", "GET")]);
        assert_eq!(way(&cgi, "http", "a.b", 80), None, "go refuses as well");
        for odd in ["ftp://p", "http://u:p w@h", "h:99999"] {
            let env = with(&[("HTTPS_PROXY", odd), ("HTTP_PROXY", odd)]);
            for scheme in ["http", "https"] {
                assert_eq!(way(&env, scheme, "a.b", 443), None, "{odd} is no reason to go without");
            }
        }
    }

    #[test]
    fn netrc_is_read_as_go_does() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("netrc");
        std::fs::write(
            &file,
            "machine a.test login me password one\nmacdef init\nmachine evil login x password y\n\n\
             machine b.test:8443\n login you\n password two\nmachine a.test login late password no\n\
             machine c.test/deep login d password four\ndefault login z password z\n",
        )
        .unwrap();
        let env = Surroundings { netrc: Some(file), ..Surroundings::default() };
        let login = |user: &str, password: &str| Login { user: user.into(), password: password.into() };
        assert_eq!(env.read_netrc().for_url("a.test/x/y").cloned(), Some(login("me", "one")));
        assert_eq!(env.read_netrc().for_url("b.test:8443/x").cloned(), Some(login("you", "two")));
        assert_eq!(
            env.read_netrc().for_url("b.test/x").cloned(),
            None,
            "with a port in the URL the machine needs it too"
        );
        assert_eq!(env.read_netrc().for_url("c.test/deep/m").cloned(), Some(login("d", "four")));
        assert_eq!(env.read_netrc().for_url("c.test/m").cloned(), None);
        assert_eq!(env.read_netrc().for_url("evil").cloned(), None);
        let older = Surroundings { release: Some((1, 26)), ..env.clone() };
        assert_eq!(older.read_netrc().for_url("c.test/deep/m").cloned(), None, "hosts alone");
        assert_eq!(older.read_netrc().for_url("a.test/x/y").cloned(), Some(login("me", "one")));
        let none = Surroundings { netrc: Some("/dev/zero".into()), ..env.clone() };
        assert_eq!(none.read_netrc().for_url("a.test/x").cloned(), None, "no file, and without an end");
        let off = Surroundings { goauth: "off".into(), ..env };
        assert_eq!(off.read_netrc().for_url("a.test/x").cloned(), None);
    }

    #[test]
    fn a_variable_that_is_no_text_is_told_and_paths_need_be_none() {
        use std::os::unix::ffi::OsStringExt;
        let raw = || OsString::from_vec(b"/x\xff".to_vec());
        for name in ["HTTPS_PROXY", "http_proxy", "NO_PROXY", "SSL_CERT_DIR", "GOAUTH", "GODEBUG"] {
            let found = Surroundings::capture(|n| (n == name).then(raw));
            assert_eq!(found.odd, Some(name));
        }
        let found = Surroundings::capture(|n| matches!(n, "HOME" | "SSL_CERT_FILE").then(raw));
        assert_eq!((found.odd, found.cert_file), (None, Some(raw().into())));
        assert_eq!(found.netrc, Some(Path::new(&raw()).join(".netrc")));
    }

    #[test]
    fn goauth_commands_stay_with_go() {
        for (goauth, want) in
            [("", false), ("netrc", false), ("off", false), ("git /x", true), ("netrc; my-tool", true)]
        {
            let env = Surroundings { goauth: goauth.into(), ..Surroundings::default() };
            assert_eq!(env.needs_go_for_auth(), want, "{goauth}");
        }
    }
}

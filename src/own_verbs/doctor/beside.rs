//! What stands beside go on this machine: a firewall that lets nothing out by itself, a proxy that the desktop knows
//! and go does not. Both are told and neither is a verdict: where the hosts answer, they are nobody's trouble.

use super::{Check, Grounds};
use crate::formats::goproxy::Entry;
use crate::machine::answer::answer;
use crate::machine::bounded::{self, MOST_SETTINGS};
use crate::machine::configuration_files::home;
use crate::machine::look_up;
use crate::words::{Text, diagnosing as say};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a program of the system's may take to answer; all of them need some milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where ufw, the firewall of most desktops, keeps whether it is on, and what becomes of what no rule names.
const UFW: [&str; 2] = ["/etc/ufw/ufw.conf", "/etc/default/ufw"];

/// Variables that every login has.
const LOGIN: &str = "/etc/environment";

/// Looks at both.
pub(super) fn look(grounds: &Grounds<'_>) -> Vec<Check> {
    let checks = [firewall(grounds), proxy(grounds)];
    checks.into_iter().flatten().collect()
}

fn told(name: &'static str, detail: Text) -> Check {
    Check { name, host: None, ok: true, ms: None, detail }
}

/// What a program says, where it is on PATH.
fn ask(grounds: &Grounds<'_>, program: &str, arguments: &[&str]) -> Option<String> {
    let path = (grounds.around.env)("PATH");
    let found = look_up::programs(program, path.as_deref()).find(|found| found.is_absolute())?;
    let until = grounds.until.min(Instant::now() + PATIENCE);
    let said = answer(Command::new(found).args(arguments), until)?;
    Some(String::from_utf8_lossy(&said).into_owned())
}

fn read(file: &Path) -> Option<String> {
    let bytes = bounded::read(file, MOST_SETTINGS).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A firewall of this machine's that holds back what goes out, as far as it can be read: most need root.
fn firewall(grounds: &Grounds<'_>) -> Option<Check> {
    let [on, policy] = UFW.map(|file| read(Path::new(file)).unwrap_or_default());
    let rule = by_ufw(&on, &policy)
        .or_else(|| by_nft(&ask(grounds, "nft", &["list", "chains"])?))
        .or_else(|| by_iptables(&ask(grounds, "iptables", &["-S", "OUTPUT"])?))
        .or_else(|| {
            by_macos(&ask(grounds, "/usr/libexec/ApplicationFirewall/socketfilterfw", &["--getblockall"])?)
        })?;
    Some(told("firewall", say::FIREWALL.with(&[("rule", &rule)])))
}

/// ufw that is on and drops what no rule lets out.
fn by_ufw(on: &str, policy: &str) -> Option<String> {
    let value = |text: &str, name: &str| {
        let mut lines = text.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        lines.next_back().map(|value| value.trim_matches(['"', '\'', ' ']).to_ascii_lowercase())
    };
    let is_on = value(on, "ENABLED").as_deref() == Some("yes");
    let policy = value(policy, "DEFAULT_OUTPUT_POLICY").filter(|policy| policy != "accept");
    policy.filter(|_| is_on).map(|policy| format!("ufw: DEFAULT_OUTPUT_POLICY={policy}"))
}

/// A chain for what goes out whose policy is to drop it.
fn by_nft(chains: &str) -> Option<String> {
    let line = chains.lines().map(str::trim).find(|line| {
        line.contains("hook output") && line.contains("policy drop") && line.starts_with("type filter")
    })?;
    Some(format!("nft: {}", line.trim_end_matches(';')))
}

fn by_iptables(rules: &str) -> Option<String> {
    let line = rules.lines().find(|line| matches!(line.trim(), "-P OUTPUT DROP" | "-P OUTPUT REJECT"))?;
    Some(format!("iptables: {}", line.trim()))
}

fn by_macos(said: &str) -> Option<String> {
    said.contains("ENABLED").then(|| "application firewall: block all".to_owned())
}

/// A proxy that the desktop, logins or git use while go asks without one.
fn proxy(grounds: &Grounds<'_>) -> Option<Check> {
    let env = grounds.around.env;
    let set = |name: &&str| env(name).is_some_and(|value| !value.is_empty());
    if ["HTTPS_PROXY", "https_proxy"].iter().any(set) {
        return None;
    }
    let kde = home(env).map(|home| home.join(".config/kioslaverc"));
    let kde = || Some(("KDE", by_kde(&read(&kde.clone()?)?)?));
    let login = || Some((LOGIN, by_login(&read(&PathBuf::from(LOGIN))?)?));
    let gnome = || {
        let key = |schema: &str, key: &str| ask(grounds, "gsettings", &["get", schema, key]);
        let mode = key("org.gnome.system.proxy", "mode")?;
        let https = "org.gnome.system.proxy.https";
        Some(("GNOME", by_gnome(&mode, &key(https, "host")?, &key(https, "port")?)?))
    };
    let macos = || Some(("macOS", by_scutil(&ask(grounds, "scutil", &["--proxy"])?)?));
    let git = || Some(("git", ask(grounds, "git", &["config", "--get", "http.proxy"])?.trim().to_owned()));
    let (by, proxy) = gnome().or_else(kde).or_else(macos).or_else(login).or_else(git)?;
    let shown = Entry::Proxy(proxy).shown();
    (!shown.is_empty()).then(|| told("http-proxy", say::OTHERS_PROXY.with(&[("by", &by), ("proxy", &shown)])))
}

fn by_gnome(mode: &str, host: &str, port: &str) -> Option<String> {
    let bare = |text: &str| text.trim().trim_matches('\'').to_owned();
    let (host, port) = (bare(host), bare(port));
    (bare(mode) == "manual" && !host.is_empty() && port != "0").then(|| format!("http://{host}:{port}"))
}

/// KDE's file: a kind of proxy, and `http://host port`.
fn by_kde(file: &str) -> Option<String> {
    let value = |name: &str| file.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
    let proxy = value("httpsProxy").filter(|_| value("ProxyType") == Some("1"))?;
    (!proxy.is_empty()).then(|| proxy.replace(' ', ":"))
}

fn by_login(file: &str) -> Option<String> {
    file.lines().find_map(|line| {
        let line = line.trim().trim_start_matches("export ");
        let value = line.strip_prefix("https_proxy=").or(line.strip_prefix("HTTPS_PROXY="))?;
        let value = value.trim_matches(['"', '\'']);
        (!value.is_empty()).then(|| value.to_owned())
    })
}

fn by_scutil(said: &str) -> Option<String> {
    let value = |name: &str| {
        let mut pairs = said.lines().filter_map(|line| line.split_once(" : "));
        pairs.find_map(|(key, value)| (key.trim() == name).then(|| value.trim().to_owned()))
    };
    value("HTTPSEnable").filter(|on| on == "1")?;
    Some(format!("http://{}:{}", value("HTTPSProxy")?, value("HTTPSPort")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_firewall_is_read_where_it_holds_back_what_goes_out() {
        let (on, off) = ("LOGLEVEL=low\nENABLED=yes\n", "ENABLED=no\n");
        let drop = "# set\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"DROP\"\n";
        let accept = "DEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\n";
        assert_eq!(by_ufw(on, drop).as_deref(), Some("ufw: DEFAULT_OUTPUT_POLICY=drop"));
        assert_eq!((by_ufw(off, drop), by_ufw(on, accept), by_ufw("", "")), (None, None, None));
        let chain = |hook: &str, policy: &str| {
            format!(
                "table inet filter {{\n\tchain x {{\n\t\ttype filter hook {hook} priority filter; policy {policy};\n\t}}\n}}\n"
            )
        };
        assert!(
            by_nft(&chain("output", "drop"))
                .is_some_and(|rule| rule.starts_with("nft: type filter hook output"))
        );
        assert_eq!((by_nft(&chain("input", "drop")), by_nft(&chain("output", "accept"))), (None, None));
        assert_eq!(
            by_iptables("-P OUTPUT DROP\n-A OUTPUT -j ACCEPT\n").as_deref(),
            Some("iptables: -P OUTPUT DROP")
        );
        assert_eq!(by_iptables("-P OUTPUT ACCEPT\n"), None);
    }

    #[test]
    fn a_proxy_of_the_desktop_is_read_where_it_is_on() {
        let some = |proxy: &str| Some(proxy.to_owned());
        assert_eq!(by_gnome("'manual'\n", "'10.0.0.1'\n", "7890\n"), some("http://10.0.0.1:7890"));
        assert_eq!((by_gnome("'none'", "'x'", "1"), by_gnome("'manual'", "''", "0")), (None, None));
        let kde = "[Proxy Settings]\nProxyType=1\nhttpsProxy=http://10.0.0.1 7890\n";
        assert_eq!(by_kde(kde), some("http://10.0.0.1:7890"));
        assert_eq!(by_kde(&kde.replace("=1\n", "=0\n")), None);
        assert_eq!(by_login("PATH=\"/bin\"\nhttps_proxy=\"http://p:3128\"\n"), some("http://p:3128"));
        assert_eq!(by_login("PATH=/bin\n"), None);
        let mac = "<dictionary> {\n  HTTPSEnable : 1\n  HTTPSPort : 7890\n  HTTPSProxy : 127.0.0.1\n}\n";
        assert_eq!(by_scutil(mac), some("http://127.0.0.1:7890"));
        assert_eq!(by_scutil(&mac.replace(": 1\n", ": 0\n")), None);
    }
}

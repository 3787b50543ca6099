//! go, git and their settings: what each is, where it comes from, and whether it does harm.

use super::{Check, Grounds};
use crate::formats::goproxy::{Entry, List};
use crate::formats::netrc;
use crate::judgement::diagnosis::settings::{NAMES, harm_of};
use crate::judgement::diagnosis::{self, Harm, Origin, Setting};
use crate::machine::answer::answer;
use crate::machine::bounded::{self, MOST_SETTINGS};
use crate::machine::configuration_files::home;
use crate::machine::{look_up, origins};
use crate::redact;
use crate::words::Text;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Variables that lead through an HTTP proxy, or to certificates and logins.
const WAYS: &[&str] = &[
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GOAUTH",
];

/// How long git may take to tell its settings; it needs some milliseconds, and the network needs the time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Hosts of logins that are shown, at most.
const LOGINS: usize = 5;

/// Settings that do harm, the worst first, and every one that is set.
pub(super) fn look(grounds: &Grounds<'_>) -> (Vec<Setting>, Vec<Check>) {
    let around = grounds.around;
    let go = &around.go_env;
    let git = look_up::programs("git", (around.env)("PATH").as_deref()).next();
    let mut harms = Vec::new();
    let mut checks = Vec::new();
    if around.answers {
        checks.push(of("go", None, true, format!("{} {}", go.get("GOVERSION"), around.go.display())));
    } else {
        let program = around.go.display().to_string();
        let silent = Setting { name: "go".into(), value: program, origin: Origin::Shell, harm: Harm::Silent };
        let detail = diagnosis::harm(&silent);
        checks.push(Check { name: "go", host: None, ok: false, ms: None, detail });
        harms.push(silent);
    }
    let origins = origins::read(&around.go, around.env);
    for name in NAMES {
        let from = origins.of(name);
        let effective = go.get(name);
        let value = match &from {
            Some((value, _)) if effective.is_empty() => value.clone(),
            _ => effective.to_owned(),
        };
        // What another setting implies is told by that one.
        if value.is_empty() || from.is_none() && !matches!(*name, "GOPROXY" | "GOSUMDB") {
            continue;
        }
        let origin = from.map_or(Origin::BuiltIn, |(_, origin)| origin);
        add(
            &mut harms,
            &mut checks,
            name,
            &value,
            origin,
            harm_of(name, &value, &grounds.list, git.is_some()),
        );
    }
    for name in WAYS {
        if let Some(value) = (around.env)(name).filter(|value| !value.is_empty()) {
            let value = value.to_string_lossy();
            let shown = if name.ends_with("PROXY") || name.ends_with("proxy") {
                List::parse(&value).entries.iter().map(Entry::shown).collect::<Vec<_>>().join(",")
            } else {
                value.into_owned()
            };
            let shown = shown.trim_start_matches("https://").to_owned();
            checks.push(setting_check(name, &shown, &Origin::Shell, true));
        }
    }
    checks.extend(logins(grounds));
    match git {
        None => checks.push(of("git", None, !grounds.list.has_direct(), "-".into())),
        Some(git) => git_settings(grounds, &git, &mut harms, &mut checks),
    }
    harms.sort_by_key(|setting| (!setting.harm.stops(), !setting.harm.counts()));
    (harms, checks)
}

/// One check of this machine's.
fn of(name: &'static str, host: Option<&str>, ok: bool, detail: String) -> Check {
    Check { name, host: host.map(str::to_owned), ok, ms: None, detail: Text::plain(detail) }
}

/// One setting as a check.
fn setting_check(name: &str, value: &str, origin: &Origin, ok: bool) -> Check {
    let from = diagnosis::origin(origin);
    let detail = Text { en: format!("{value} ({})", from.en), zh: format!("{value}（{}）", from.zh) };
    Check { name: "setting", host: Some(name.to_owned()), ok, ms: None, detail }
}

/// Notes a setting, and its harm.
fn add(
    harms: &mut Vec<Setting>,
    checks: &mut Vec<Check>,
    name: &str,
    value: &str,
    origin: Origin,
    harm: Option<Harm>,
) {
    let value = match name {
        "GOPROXY" => List::parse(value).shown(),
        "GOFLAGS" => redact::argv(value.split_whitespace().map(Into::into)).join(" "),
        _ => redact::value(value).into_owned(),
    };
    let Some(harm) = harm else {
        checks.push(setting_check(name, &value, &origin, true));
        return;
    };
    let setting = Setting { name: name.to_owned(), value, origin, harm };
    let detail = diagnosis::harm(&setting);
    let ok = !harm.counts();
    checks.push(Check { name: "setting", host: Some(name.to_owned()), ok, ms: None, detail });
    harms.push(setting);
}

/// The hosts that .netrc has logins for.
fn logins(grounds: &Grounds<'_>) -> Option<Check> {
    let env = grounds.around.env;
    let file = env("NETRC").filter(|f| !f.is_empty()).map(PathBuf::from);
    let file = file.or_else(|| home(env).map(|home| home.join(".netrc")))?;
    let text = bounded::read(&file, MOST_SETTINGS).ok()?;
    let mut hosts: Vec<String> = netrc::parse(&text)
        .iter()
        .map(|login| String::from_utf8_lossy(&login.machine).into_owned())
        .collect();
    let more = if hosts.len() > LOGINS { ", ..." } else { "" };
    hosts.truncate(LOGINS);
    Some(of("setting", Some("netrc"), true, format!("{}{more}", hosts.join(", "))))
}

/// git's version, and its settings that concern downloads.
fn git_settings(
    grounds: &Grounds<'_>,
    git: &std::path::Path,
    harms: &mut Vec<Setting>,
    checks: &mut Vec<Check>,
) {
    let until = grounds.until.min(Instant::now() + PATIENCE);
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(git);
        let said = answer(command.args(arguments).current_dir(&grounds.around.dir), until)?;
        Some(String::from_utf8_lossy(&said).trim().to_owned())
    };
    let Some(version) = ask(&["--version"]) else {
        checks.push(of("git", None, !grounds.list.has_direct(), format!("- {}", git.display())));
        return;
    };
    checks.push(of("git", None, true, format!("{version} {}", git.display())));
    // Names of keys are the same in any letter case.
    for (key, harmful) in [("http.sslverify", Some("false")), ("http.followredirects", None)] {
        let Some(value) = ask(&["config", "--get", key]) else { continue };
        let harm = harmful.filter(|bad| *bad == value).map(|_| Harm::NoGitCheck);
        add(harms, checks, key, &value, Origin::Git, harm);
    }
    for line in ask(&["config", "--get-regexp", "^url\\..*\\.insteadof$"]).unwrap_or_default().lines() {
        let line = redact::secrets(line).into_owned();
        checks.push(of("setting", Some("insteadOf"), true, line));
    }
}

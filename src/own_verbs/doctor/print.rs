//! Shows the verdict first, then what mends it, then the checks; or all as one JSON object.

use super::Check;
use crate::command_line::Format;
use crate::configuration::Error;
use crate::judgement::diagnosis::{Diagnosis, Verdict};
use crate::own_verbs::{columns, put};
use crate::redact;
use crate::words::{Language, Phrase, Text, diagnosing as say};
use serde_json::{Value, json};
use std::io::Write;

/// The schema of the JSON.
const SCHEMA: u32 = 1;

/// A verdict for people.
fn kind(verdict: Verdict) -> Phrase {
    match verdict {
        Verdict::Well => say::WELL,
        Verdict::LocalNetwork => say::LOCAL_NETWORK,
        Verdict::Dns => say::DNS,
        Verdict::Proxy => say::PROXY,
        Verdict::Store => say::STORE,
        Verdict::Interception => say::INTERCEPTION,
        Verdict::Credentials => say::CREDENTIALS,
        Verdict::Module => say::MODULE,
        Verdict::Cache => say::CACHE,
        Verdict::Settings => say::SETTINGS,
    }
}

/// What a check is called for people.
fn name(check: &str) -> Phrase {
    match check {
        "setting" => say::SETTING,
        "route" => say::ROUTE,
        "proxy" => say::CHECK_PROXY,
        "store" => say::CHECK_STORE,
        "database" => say::CHECK_DATABASE,
        "origin" => say::CHECK_ORIGIN,
        "module" => say::CHECK_MODULE,
        "cache" => say::CHECK_CACHE,
        "mirror" => say::CHECK_MIRROR,
        "resolver" => say::CHECK_RESOLVER,
        "temporary" => say::CHECK_TEMPORARY,
        "git" => say::CHECK_GIT,
        "firewall" => say::CHECK_FIREWALL,
        "http-proxy" => say::CHECK_OTHERS_PROXY,
        _ => say::CHECK_GO,
    }
}

/// Prints it.
pub(super) fn print(
    format: Format,
    language: Language,
    found: &Diagnosis,
    checks: &[Check],
    out: &mut dyn Write,
) -> Result<i32, Error> {
    match format {
        Format::Json => put(out, &format!("{}\n", as_json(found, checks))),
        Format::Text => put(out, &as_text(language, found, checks)),
    }
}

fn as_json(found: &Diagnosis, checks: &[Check]) -> Value {
    let checks: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name,
                "host": check.host.as_deref().map(redact::line),
                "ok": check.ok,
                "ms": check.ms,
                "detail": redact::line(&check.detail.en),
            })
        })
        .collect();
    json!({
        "schema": SCHEMA,
        "verdict": found.verdict.as_str(),
        "host": found.host.as_deref().map(redact::line),
        "advice": found.advice.as_ref().map(|advice| redact::line(&advice.en)),
        "checks": checks,
    })
}

fn as_text(language: Language, found: &Diagnosis, checks: &[Check]) -> String {
    let say_it = |text: Text| redact::line(text.in_language(language));
    let mut text = say_it(say::VERDICT.with(&[("kind", &kind(found.verdict)), ("what", &found.what)])) + "\n";
    if let Some(advice) = &found.advice {
        text += &(say_it(say::MEND.with(&[("advice", advice)])) + "\n");
    }
    let rows: Vec<[String; 5]> = checks
        .iter()
        .map(|check| {
            let mark = if check.ok { say::OK } else { say::BAD };
            let ms = check.ms.map(|ms| say_it(say::MS.with(&[("ms", &ms)]))).unwrap_or_default();
            [
                say_it(mark.into()),
                say_it(name(check.name).into()),
                check.host.as_deref().map(redact::line).unwrap_or_default(),
                ms,
                say_it(check.detail.clone()),
            ]
        })
        .collect();
    text.push('\n');
    text + &columns(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnosis() -> Diagnosis {
        Diagnosis {
            verdict: Verdict::Proxy,
            host: Some("proxy.example".into()),
            what: say::REFUSED.with(&[("host", &"proxy.example")]),
            advice: Some(say::OTHER_PROXY.into()),
        }
    }

    fn checks() -> Vec<Check> {
        vec![Check {
            name: "proxy",
            host: Some("proxy.example".into()),
            ok: false,
            ms: Some(3),
            detail: Text::plain("see https://u:hush@proxy.example/x?sig=hush"),
        }]
    }

    #[test]
    fn the_contract_of_the_json() {
        let found = as_json(&diagnosis(), &checks()).to_string();
        assert_eq!(
            found,
            r#"{"schema":1,"verdict":"proxy","host":"proxy.example","advice":"put another proxy first in GOPROXY, or try again later","checks":[{"name":"proxy","host":"proxy.example","ok":false,"ms":3,"detail":"see https://proxy.example/x"}]}"#
        );
    }

    #[test]
    fn the_verdict_comes_first_in_both_languages() {
        let text = as_text(Language::English, &diagnosis(), &checks());
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("this proxy: nobody listens at proxy.example"));
        assert!(lines.next().unwrap().starts_with("what mends it: put another proxy first"));
        assert!(text.contains("bad  proxy  proxy.example  3 ms") && !text.contains("hush"), "{text}");
        let chinese = as_text(Language::Chinese, &diagnosis(), &checks());
        assert!(chinese.starts_with("该代理：proxy.example 没有服务在监听"), "{chinese}");
    }
}

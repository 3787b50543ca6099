use super::*;
use crate::formats::goproxy::Rotate;
use crate::judgement::attempt::{AttemptEnd, Decision, Observation, Policy, Proofs, decide};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

fn sources() -> impl Iterator<Item = Option<Source>> {
    std::iter::once(None).chain(Source::ALL.iter().copied().map(Some))
}

fn line(row: &Row) -> String {
    let setting = row.setting.map_or(String::new(), |s| format!("  {s:?}"));
    let (class, trouble) = (format!("{:?}", row.class), format!("{:?}", row.trouble));
    format!("{:<9}{class:<13}{trouble:<10}{setting}", row.action().to_string()).trim_end().to_owned()
}

/// Every row of the table. A change here is a change of what gox does; write the new table with
/// `GOX_BLESS=1 cargo test`.
#[test]
fn the_table_is_as_committed() {
    let mut table = String::from(
        "cause and rank; below it the sources and details that differ: action, class, whose trouble, setting\n\n",
    );
    for &cause in Cause::ALL {
        let base = row(cause, None, Detail::Plain);
        let name = format!("{:<22}{:>2}", cause.as_str(), base.rank);
        writeln!(table, "{name:<31}{}", line(&base)).unwrap();
        let mut told: Vec<(String, Vec<String>)> = Vec::new();
        for source in sources() {
            let plain = row(cause, source, Detail::Plain);
            let place = source.map_or("anywhere".to_owned(), |s| s.to_string());
            for &detail in Detail::ALL {
                let this = row(cause, source, detail);
                let (known, words) = match detail {
                    Detail::Plain => (line(&base), line(&this)),
                    _ => (line(&plain), format!("{detail}\t{}", line(&this))),
                };
                if line(&this) == known {
                    continue;
                }
                match told.iter_mut().find(|(w, _)| *w == words) {
                    Some((_, places)) => places.push(place.clone()),
                    None => told.push((words, vec![place.clone()])),
                }
            }
        }
        for (words, places) in told {
            let rest: Vec<String> = sources()
                .map(|s| s.map_or("anywhere".to_owned(), |s| s.to_string()))
                .filter(|p| !places.contains(p))
                .collect();
            let places = match rest.len() {
                0 => "everywhere".to_owned(),
                1..4 => format!("all but {}", rest.join(" ")),
                _ => places.join(" "),
            };
            let (detail, line) = words.split_once('\t').unwrap_or(("", &words));
            writeln!(table, "  {:<29}{line}  ({places})", detail).unwrap();
        }
    }
    table += "\nHTTP status: cause, meaning\n\n";
    let mut last = (None, String::new());
    for status in 0..=700u16 {
        let words = of_status(status).map(|(cause, meaning)| format!("{cause}, {meaning:?}"));
        if words != last.0 {
            if let Some(words) = &words {
                writeln!(table, "{status} and on: {words}").unwrap();
            }
            last.0 = words;
        }
    }
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/actions.txt");
    if std::env::var_os("GOX_BLESS").is_some() {
        std::fs::write(&committed, &table).unwrap();
    }
    assert_eq!(table, std::fs::read_to_string(committed).unwrap());
}

/// One public proxy, and nobody who may be asked in its place.
fn plain() -> Policy {
    Policy { rotate: Rotate::Listed, ..Policy::example("https://proxy.golang.org,direct") }
}

fn first_decision(cause: Cause, source: Option<Source>, detail: Detail, module: &str) -> Decision {
    let mut failure = Failure::new(cause, source, "words of go");
    failure.detail = detail;
    failure.module = Some(module.into());
    failure.version = Some("v1.0.0".into());
    failure.host = Some("proxy.golang.org".into());
    let mut observation = Observation::new(AttemptEnd::Code(1), vec![failure]);
    // A refusal is looked at once more before it is judged; here it has been.
    observation.diagnosed = row(cause, source, detail).action() == Action::Private;
    // ... and the words are true.
    observation.proofs = Proofs::supposed();
    decide(&plain(), &[], &observation)
}

#[test]
fn explain_says_stop_exactly_where_the_first_decision_stops() {
    let mut wrong = Vec::new();
    for &cause in Cause::ALL {
        for source in sources() {
            for &detail in Detail::ALL {
                let action = row(cause, source, detail).action();
                let public = first_decision(cause, source, detail, "github.com/someone/lib");
                let private = first_decision(cause, source, detail, "git.corp/team/lib");
                // `private` means: GOPRIVATE where the name allows it, else stop.
                let (stops, stops_private) = match action {
                    Action::Stop => (true, true),
                    Action::Private => (true, false),
                    Action::Retry | Action::Repair | Action::Reroute => (false, false),
                };
                // No other address of the database hears a private name.
                let ours_alone = row(cause, source, detail).class == Class::Database
                    && row(cause, source, detail).reason.is_some()
                    && !matches!(detail, Detail::Hidden | Detail::NoMetaTags);
                let stops_private = stops_private || ours_alone;
                let ends = |decision: &Decision| matches!(decision, Decision::Stop(_));
                if (ends(&public), ends(&private)) != (stops, stops_private) {
                    wrong.push(format!(
                        "{cause} {source:?} {detail}: {action}, decided {public:?}, for a private name {private:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_class_is_used_and_listed_once() {
    let used: BTreeSet<String> = Cause::ALL
        .iter()
        .flat_map(|c| sources().map(|s| (*c, s)))
        .flat_map(|(c, s)| Detail::ALL.iter().map(move |d| format!("{:?}", row(c, s, *d).class)))
        .collect();
    let listed: BTreeSet<String> = Class::ALL.iter().map(|c| format!("{c:?}")).collect();
    assert_eq!(used, listed);
    assert_eq!(listed.len(), Class::ALL.len());
}

#[test]
fn integrity_stands_above_everything() {
    for &cause in Cause::ALL {
        let rank = row(cause, None, Detail::Plain).rank;
        let integrity = [Cause::SumdbMisbehaviour, Cause::ChecksumMismatch].contains(&cause);
        assert_eq!(rank < 2, integrity, "{cause}");
    }
}

#[test]
fn a_users_rule_decides_over_the_table() {
    let mut failure = Failure::new(Cause::CompileError, Some(Source::Local), "x");
    failure.rule = Some(UserAction::Retry);
    assert_eq!(failure.action(), Action::Retry);
    failure.cause = Cause::Eof;
    failure.rule = Some(UserAction::Stop);
    assert_eq!(failure.action(), Action::Stop);
}

//! What a project's own gox.toml may do: bring gox nearer to plain go, never further from it.
//!
//! A repository is somebody else's text, and its gox.toml is read before anybody has looked at it. So
//! it may do five things, each of which makes gox do less or tell less; everything else is for the
//! user to set, is ignored, and never ends a command:
//!
//! | key | a project may |
//! | --- | --- |
//! | attempts, budget | lower them |
//! | rotate | go from listed to go to never |
//! | mirrors | leave some or all out |
//! | confidential | name patterns, which are added to the user's |

use super::error::quoted;
use super::keys::Key;
use super::settings::Settings;
use super::values::Setting;
use crate::formats::goproxy::Rotate;
use crate::words::{Phrase, Text, faults};

/// What becomes of a project's wish.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It holds.
    Allowed,
    /// It is what holds anyway.
    Same,
    /// It is not for a project to ask; the reason, as the end of a sentence.
    Refused(Phrase),
}

/// Judges a project's value against what holds without it.
pub(crate) fn judge(below: &Settings, asked: &Setting) -> Verdict {
    let refused_unless = |allowed: bool, why: Phrase| {
        if allowed { Verdict::Allowed } else { Verdict::Refused(why) }
    };
    if below.get(asked.key()).0 == *asked {
        return Verdict::Same;
    }
    match asked {
        Setting::Attempts(n) => refused_unless(*n <= below.attempts, faults::ONLY_LOWER),
        Setting::Budget(d) => refused_unless(*d <= below.budget, faults::ONLY_LOWER),
        Setting::Rotate(rotate) => refused_unless(reach(*rotate) <= reach(below.rotate), faults::ONLY_NARROW),
        Setting::MirrorsAuto => {
            refused_unless(below.mirrors == Settings::built_in().mirrors, faults::ONLY_LEAVE_OUT)
        }
        Setting::Mirrors(entries) => {
            refused_unless(entries.iter().all(|entry| below.mirrors.contains(entry)), faults::ONLY_LEAVE_OUT)
        }
        Setting::Confidential(_) => Verdict::Allowed,
        Setting::Private(_) => Verdict::Refused(faults::NOT_PRIVATE),
        Setting::Go(_) => Verdict::Refused(faults::NOT_PROGRAM),
        Setting::Report(_) | Setting::Record(_) | Setting::StateDir(_) => Verdict::Refused(faults::NOT_WHERE),
        Setting::Stall(_)
        | Setting::BackoffBase(_)
        | Setting::BackoffMax(_)
        | Setting::Fill(_)
        | Setting::Journal(_)
        | Setting::Relay(_)
        | Setting::Lang(_)
        | Setting::Progress(_)
        | Setting::Verbosity(_) => Verdict::Refused(faults::NOT_PROJECT),
        Setting::Offline(_) | Setting::Config(_) | Setting::Bypass(_) => Verdict::Refused(faults::NOT_FILE),
    }
}

const fn reach(rotate: Rotate) -> u8 {
    match rotate {
        Rotate::Never => 0,
        Rotate::Go => 1,
        Rotate::Listed => 2,
    }
}

/// How the user could have it all the same; nothing for keys whose value a project should not
/// even propose.
pub(crate) fn by_hand(asked: &Setting) -> Text {
    match asked.key() {
        // A pattern of a stranger's would be taken out of the checksum database.
        Key::Private => faults::CONFIDENTIAL.into(),
        Key::Go | Key::Report | Key::Record | Key::StateDir => {
            faults::OWN_IF_WANTED.with(&[("env", &asked.key().env()), ("key", &asked.key().name())])
        }
        key => faults::OWN_TO_HAVE.with(&[("env", &key.env()), ("value", &shell(&asked.to_string()))]),
    }
}

/// A word that a shell takes literally: the value is a stranger's, and the line invites to copy.
fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else if word.contains(|c: char| c == '\'' || c.is_control()) {
        quoted("...")
    } else {
        format!("'{word}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::values::{Raw, parse};

    fn asked(key: Key, word: &str) -> Setting {
        parse(key, &Raw::Text(word.into())).unwrap()
    }

    #[test]
    fn each_key_narrows_in_one_direction() {
        let mut middle = Settings::built_in();
        for (key, word) in [
            (Key::Rotate, "go"),
            (Key::Private, "git.corp"),
            (Key::Go, "/usr/lib/go/bin/go"),
            (Key::Verbosity, "normal"),
        ] {
            middle.set(asked(key, word), super::super::Origin::CommandLine);
        }
        use Verdict::{Allowed, Same};
        for (key, word, want) in [
            (Key::Attempts, "3", Some(Allowed)),
            (Key::Attempts, "none", Some(Same)),
            (Key::Budget, "1m", Some(Allowed)),
            (Key::Budget, "6m", None),
            (Key::Stall, "2m", None),
            (Key::BackoffBase, "24h", None),
            (Key::BackoffMax, "1m", None),
            (Key::Rotate, "never", Some(Allowed)),
            (Key::Rotate, "go", Some(Same)),
            (Key::Rotate, "listed", None),
            (Key::Mirrors, "none", Some(Allowed)),
            (Key::Mirrors, "goproxy.cn", Some(Allowed)),
            (Key::Mirrors, "evil.example", None),
            (Key::Mirrors, "goproxy.cn,evil.example", None),
            (Key::Private, "git.corp", Some(Same)),
            (Key::Private, "github.com", None),
            (Key::Confidential, "github.com/acme", Some(Allowed)),
            (Key::Fill, "off", None),
            (Key::Relay, "never", None),
            (Key::Relay, "always", None),
            (Key::Verbosity, "verbose", None),
            (Key::Verbosity, "quiet", None),
            (Key::Lang, "zh", None),
            (Key::Progress, "off", None),
            (Key::Go, "/usr/lib/go/bin/go", Some(Same)),
            (Key::Go, "./go", None),
            (Key::Report, "x.json", None),
            (Key::Record, "x.jsonl", None),
            (Key::StateDir, "x", None),
        ] {
            let verdict = judge(&middle, &asked(key, word));
            match want {
                Some(want) => assert_eq!(verdict, want, "{key:?} {word}"),
                None => assert!(matches!(verdict, Verdict::Refused(_)), "{key:?} {word}"),
            }
        }
    }

    #[test]
    fn what_is_proposed_for_copying_is_safe_in_a_shell() {
        assert_eq!(
            by_hand(&asked(Key::Mirrors, "https://a.b/$(reboot)")).en,
            "to have it, set GOX_MIRRORS='https://a.b/$(reboot)' or put it into your own gox.toml"
        );
        assert!(!by_hand(&asked(Key::Mirrors, "https://a.b/'`reboot`'")).en.contains("reboot"));
        assert!(!by_hand(&asked(Key::Private, "evil")).en.contains("evil"));
        assert!(!by_hand(&asked(Key::Go, "./evil")).en.contains("evil"));
    }
}

//! Every sentence that gox says to a person, in English and beside it in Chinese.
//!
//! Pure. A [`Phrase`] is one row of a table: the same sentence twice, with the same `{places}` to be filled
//! in. A [`Text`] is a filled phrase, in both languages until somebody shows it, so that decisions, reports
//! (which are English) and lines come from the same words. `causes` says what happened, `advice` what to do
//! about it, `verdicts` why gox stops, `running` what a run does, `progressing` how far it has come, `explaining` what `gox explain` adds, `diagnosing` what `gox doctor` found, `faults` what is wrong with settings and calls,
//! `naming` short names for lists, `helping` what help says, `manual` what the help of each verb says,
//! `keeping` what the verbs say that keep or remove something, `damages` what is wrong with files of the module
//! cache, `flaws` with what a host sent.

mod advice;
mod causes;
pub(crate) mod damages;
pub(crate) mod diagnosing;
pub(crate) mod explaining;
pub(crate) mod faults;
pub(crate) mod flaws;
pub(crate) mod helping;
pub(crate) mod keeping;
pub(crate) mod manual;
pub(crate) mod naming;
pub(crate) mod progressing;
mod reading;
pub(crate) mod running;
#[cfg(test)]
mod tests;
pub(crate) mod verdicts;

pub(crate) use advice::{
    advice, advice_on_a_public_module, advice_on_what_stays_damaged, advice_on_what_was_there,
};
pub(crate) use causes::{happened, module, who};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::Display;

/// The language of gox's own lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    /// English.
    #[default]
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// The language of a locale such as `zh_CN.UTF-8`.
    pub(crate) fn of_locale(locale: &str) -> Language {
        if locale.to_ascii_lowercase().starts_with("zh") { Language::Chinese } else { Language::English }
    }
}

/// A sentence in both languages, with places to fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// In English.
    pub en: &'static str,
    /// In Chinese.
    pub zh: &'static str,
}

/// What is filled into a place: the same in both languages, or itself in two.
pub(crate) trait Part {
    /// In English.
    fn english(&self) -> String;
    /// In Chinese.
    fn chinese(&self) -> String;
}

impl<T: Display> Part for T {
    fn english(&self) -> String {
        self.to_string()
    }

    fn chinese(&self) -> String {
        self.to_string()
    }
}

impl Part for Phrase {
    fn english(&self) -> String {
        self.en.to_owned()
    }

    fn chinese(&self) -> String {
        self.zh.to_owned()
    }
}

impl Part for Text {
    fn english(&self) -> String {
        self.en.clone()
    }

    fn chinese(&self) -> String {
        self.zh.clone()
    }
}

impl Phrase {
    /// The phrase with its places filled in. What is filled in is not read for places again: it may be a
    /// stranger's.
    pub(crate) fn with(self, parts: &[(&str, &dyn Part)]) -> Text {
        let fill = |words: &str, value: &dyn Fn(&dyn Part) -> String| {
            let mut out = String::new();
            let mut rest = words;
            while let Some((before, after)) = rest.split_once('{') {
                out += before;
                let Some((name, then)) = after.split_once('}') else { break };
                if let Some((_, part)) = parts.iter().find(|(known, _)| *known == name) {
                    out += &value(*part);
                }
                rest = then;
            }
            out + rest
        };
        Text { en: fill(self.en, &|part| part.english()), zh: fill(self.zh, &|part| part.chinese()) }
    }
}

/// A sentence in both languages, as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Text {
    /// In English: what reports and records hold.
    pub(crate) en: String,
    /// In Chinese.
    pub(crate) zh: String,
}

impl Text {
    /// What needs no words: a name, a URL, a number, the words of a system's.
    pub(crate) fn plain(words: impl Into<String>) -> Text {
        let en = words.into();
        Text { zh: en.clone(), en }
    }

    /// Puts a line behind what is there.
    pub(crate) fn line(&mut self, more: impl Into<Text>) {
        let more = more.into();
        for (lines, line) in [(&mut self.en, more.en), (&mut self.zh, more.zh)] {
            lines.push_str(&line);
            lines.push('\n');
        }
    }

    /// In this language.
    pub(crate) fn in_language(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }
}

/// What needs no words of gox's: a system's, a library's.
impl From<String> for Text {
    fn from(words: String) -> Text {
        Text::plain(words)
    }
}

/// Records are English.
impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.en)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
        String::deserialize(from).map(Text::plain)
    }
}

impl From<Phrase> for Text {
    fn from(phrase: Phrase) -> Text {
        Text { en: phrase.en.to_owned(), zh: phrase.zh.to_owned() }
    }
}

/// Declares phrases, each with its English and its Chinese, and the list of all for the tests.
macro_rules! phrases {
    ($($name:ident = $en:literal, $zh:literal;)+) => {
        $(#[doc = concat!("```text\n", $en, "\n```")] pub(crate) const $name: $crate::words::Phrase =
            $crate::words::Phrase { en: $en, zh: $zh };)+

        /// Every phrase of this table.
        #[allow(dead_code, reason = "most tables are read as a whole by tests alone")]
        pub(crate) const ALL: &[(&str, $crate::words::Phrase)] = &[$((stringify!($name), $name),)+];
    };
}
use phrases;

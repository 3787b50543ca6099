//! The language that the user's environment asks for.

use super::configuration_files;
use crate::configuration::{CliOptions, Environment, Key};
use crate::words::Language;

/// The language of gox's lines: what the settings say, else the locale's.
pub(crate) fn language(chosen: Option<Language>) -> Language {
    chosen.unwrap_or_else(|| of_locale(&|name| std::env::var(name).ok()))
}

/// The language of gox's own failures, whatever else is wrong.
pub(crate) fn of_failures() -> Language {
    of_lines(&|name: &str| std::env::var_os(name))
}

/// The language of a line: as the command line, this environment and the user's own file say, where they can be read,
/// else the locale's.
pub(crate) fn of_lines(env: Environment<'_>) -> Language {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let var = |name: &str| env(name).and_then(|value| value.into_string().ok());
    let named = of_words(&words).or_else(|| var(Key::Lang.env()));
    let named = named.and_then(|word| match word.as_str() {
        "zh" => Some(Language::Chinese),
        "en" => Some(Language::English),
        _ => None,
    });
    let filed = || configuration_files::load(&CliOptions::default(), env, None).ok()?.settings.lang;
    named.or_else(filed).unwrap_or_else(|| of_locale(&var))
}

/// What options before the verb say of the language.
fn of_words(words: &[String]) -> Option<String> {
    let own = words.iter().take_while(|word| *word != "--");
    let mut own = own.skip_while(|word| *word != Key::Lang.option() && !word.starts_with("--lang="));
    let found = own.next()?;
    found.strip_prefix("--lang=").map(str::to_owned).or_else(|| own.next().cloned())
}

/// The first of the three that is set decides, as everywhere.
fn of_locale(var: &dyn Fn(&str) -> Option<String>) -> Language {
    let set = |name: &&str| var(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set);
    locale.map_or(Language::English, |locale| Language::of_locale(&locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_is_set_decides() {
        let told = |vars: &[(&str, &str)]| {
            of_locale(&|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
        };
        assert_eq!(told(&[]), Language::English);
        assert_eq!(told(&[("LANG", "zh_CN.UTF-8")]), Language::Chinese);
        assert_eq!(told(&[("LC_ALL", ""), ("LANG", "zh_TW")]), Language::Chinese);
        assert_eq!(told(&[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")]), Language::English);
        assert_eq!(language(Some(Language::Chinese)), Language::Chinese);
    }

    #[test]
    fn an_option_is_found_whatever_is_wrong_with_the_others() {
        let told = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            of_words(&words)
        };
        assert_eq!(told("--lang zh --stall x mod"), Some("zh".into()));
        assert_eq!(told("--stal 3 --lang=en"), Some("en".into()));
        assert_eq!(told("--lang"), None);
        assert_eq!(told("mod -- --lang zh"), None);
    }
}

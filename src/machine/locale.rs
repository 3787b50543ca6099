//! The language that the user's environment asks for.

use crate::words::Language;

/// The language of gox's lines: what the settings say, else the locale's.
pub(crate) fn language(chosen: Option<Language>) -> Language {
    chosen.unwrap_or_else(|| of_locale(&|name| std::env::var(name).ok()))
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
}

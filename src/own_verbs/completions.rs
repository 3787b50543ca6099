//! `gox completions SHELL`: gox's options and verbs, and go's verbs beside them.

use crate::command_line::completion_parser;
use crate::configuration::Error;
use clap_complete::Shell;
use std::io::Write;

/// Prints the completions of `shell` for the command `gox`.
///
/// # Errors
/// Where `out` cannot be written.
pub(crate) fn run(shell: Shell, out: &mut dyn Write) -> Result<i32, Error> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut completion_parser(), "gox", &mut text);
    super::put(out, &String::from_utf8_lossy(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn every_shell_is_told_of_gox_and_go() {
        for shell in Shell::value_variants() {
            let mut out = Vec::new();
            assert_eq!(run(*shell, &mut out), Ok(0));
            let text = String::from_utf8(out).unwrap();
            for word in ["attempts", "completions", "vet"] {
                assert!(text.contains(word), "{shell}: {word}");
            }
        }
    }
}

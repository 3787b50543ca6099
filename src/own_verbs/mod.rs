//! The verbs that are gox's own: each does its work, writes to a given output and returns the exit
//! status.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod evict;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod private;
pub(crate) mod set;
pub(crate) mod shim;

use crate::configuration::{Environment, Error};
use crate::machine::locale;
use crate::words::{Text, faults};
use std::io::{ErrorKind, Write};

/// Writes the whole of a verb's output, without characters that steer a terminal: settings of a cloned
/// project, arguments and go's words may hold some. A reader that has gone away (`gox config | head -1`) is
/// no failure.
fn put(out: &mut dyn Write, text: &str) -> Result<i32, Error> {
    match out.write_all(crate::redact::steady(text).as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != ErrorKind::BrokenPipe => Err(Error::usage(faults::STDOUT.with(&[("why", &e)]))),
        _ => Ok(0),
    }
}

/// As [`put`], in the language that is chosen.
fn say(out: &mut dyn Write, text: &Text, env: Environment<'_>) -> Result<i32, Error> {
    put(out, text.in_language(locale::of_lines(env)))
}

/// Columns, each as wide as its widest cell, the last one left as it is.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    // A Chinese character is two columns wide.
    let wide = |cell: &str| cell.chars().map(|c| if c >= '\u{1100}' { 2 } else { 1 }).sum::<usize>();
    let width = |at: usize| rows.iter().map(|row| wide(&row[at])).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, cell) in row.iter().enumerate() {
            line += cell;
            if at + 1 < N {
                line.extend(std::iter::repeat_n(' ', width(at) + 2 - wide(cell)));
            }
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    struct Failing(ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_failure_and_a_full_disk_is() {
        assert_eq!(put(&mut Failing(ErrorKind::BrokenPipe), "x"), Ok(0));
        assert!(put(&mut Failing(ErrorKind::StorageFull), "x").is_err());
    }

    #[test]
    fn columns_line_up() {
        let rows = [["a", "1", "x"], ["bcd", "", "y"]].map(|row| row.map(String::from));
        assert_eq!(columns(&rows), "a    1  x\nbcd     y\n");
        let rows = [["正常", "x"], ["bcd", "y"]].map(|row| row.map(String::from));
        assert_eq!(columns(&rows), "正常  x\nbcd   y\n");
    }
}

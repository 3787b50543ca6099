//! A go that does what a script says, for situations that no real go gets into on demand.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// One thing that the fake go does.
pub(crate) enum Act<'a> {
    /// Writes to standard output.
    Out(&'a [u8]),
    /// Writes to standard error.
    Err(&'a [u8]),
    /// Does nothing for so long.
    Sleep(Duration),
    /// Appends bytes to a file (a download that grows, say).
    Grow(&'a Path, &'a [u8]),
    /// Reads its standard input to the end; [`Call::stdin`] has it.
    ReadInput,
    /// Starts a child that does nothing for so long, holding neither output.
    Child(Duration),
    /// Any words of POSIX sh.
    Sh(&'a str),
    /// Ends by this signal (`TERM`, `KILL`, ...).
    Die(&'a str),
    /// Ends with this code. Without it (or [`Act::Die`]) an attempt ends with 0.
    Exit(i32),
}

/// A folder with a program `go` in it.
pub(crate) struct FakeGo {
    dir: TempDir,
    attempts: usize,
    bodies: usize,
}

/// How it was called once.
#[derive(Debug)]
pub(crate) struct Call {
    /// The arguments.
    pub(crate) args: Vec<String>,
    /// Lines `NAME=value`.
    pub(crate) env: Vec<String>,
    /// What it read, if it did.
    pub(crate) stdin: Option<Vec<u8>>,
}

impl Call {
    /// The value of a variable.
    pub(crate) fn var(&self, name: &str) -> Option<&str> {
        self.env.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }
}

/// `env` and `version` are answered from the environment and are no attempts; whatever else is asked is
/// the next attempt, and the last one is repeated for ever.
const SCRIPT: &str = r#"#!/bin/sh
here=$(dirname "$0")
kind=call
case "${1-}" in
env | version) kind=aside ;;
esac
n=1
until mkdir "$here/$kind-$n" 2>/dev/null; do n=$((n + 1)); done
me=$here/$kind-$n
for argument in "$@"; do printf '%s\n' "$argument"; done >"$me/args"
env >"$me/env"
if [ "$kind" = aside ]; then
	if [ "$1" = version ]; then
		echo 'go version go1.27.3 linux/amd64'
		exit 0
	fi
	shift
	if [ "${1-}" = -json ]; then
		shift
		json=1
	else
		json=
	fi
	first=1
	[ -n "$json" ] && printf '{\n'
	for name in "$@"; do
		eval "value=\${$name-}"
		if [ -n "$json" ]; then
			[ -n "$first" ] || printf ',\n'
			printf '\t"%s": "%s"' "$name" "$value"
			first=
		else
			printf '%s\n' "$value"
		fi
	done
	[ -n "$json" ] && printf '\n}\n'
	exit 0
fi
last=$(cat "$here/last")
[ "$n" -gt "$last" ] && n=$last
. "$here/attempt-$n.sh"
"#;

impl FakeGo {
    /// A go that succeeds in silence until attempts are described.
    pub(crate) fn new() -> FakeGo {
        let dir = tempfile::Builder::new().prefix("gox-fake-go-").tempdir().expect("a temporary folder");
        let go = dir.path().join("go");
        fs::write(&go, SCRIPT).expect("a file in the temporary folder");
        fs::set_permissions(&go, fs::Permissions::from_mode(0o755)).expect("a file of ours");
        fs::write(dir.path().join("attempt-0.sh"), "exit 0\n").expect("a file in the temporary folder");
        fs::write(dir.path().join("last"), "0\n").expect("a file in the temporary folder");
        FakeGo { dir, attempts: 0, bodies: 0 }
    }

    /// What the next attempt does.
    pub(crate) fn attempt(mut self, acts: &[Act<'_>]) -> FakeGo {
        let mut script = String::new();
        for act in acts {
            let _ = match act {
                Act::Out(bytes) => writeln!(script, "cat {}", self.body(bytes)),
                Act::Err(bytes) => writeln!(script, "cat {} >&2", self.body(bytes)),
                Act::Sleep(time) => writeln!(script, "sleep {}", time.as_secs_f64()),
                Act::Grow(file, bytes) => writeln!(script, "cat {} >>{}", self.body(bytes), quoted(file)),
                Act::ReadInput => writeln!(script, "cat >\"$me/stdin\""),
                Act::Child(time) => {
                    writeln!(script, "sleep {} </dev/null >/dev/null 2>&1 &", time.as_secs_f64())
                }
                Act::Sh(text) => writeln!(script, "{text}"),
                Act::Die(signal) => writeln!(script, "kill -{signal} $$"),
                Act::Exit(code) => writeln!(script, "exit {code}"),
            };
        }
        script.push_str("exit 0\n");
        self.attempts += 1;
        let write = |name: &str, text: &str| {
            fs::write(self.dir.path().join(name), text).expect("a file in the temporary folder");
        };
        write(&format!("attempt-{}.sh", self.attempts), &script);
        write("last", &format!("{}\n", self.attempts));
        self
    }

    fn body(&mut self, bytes: &[u8]) -> String {
        self.bodies += 1;
        let file = self.dir.path().join(format!("body-{}", self.bodies));
        fs::write(&file, bytes).expect("a file in the temporary folder");
        quoted(&file)
    }

    /// The program.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("go")
    }

    /// The attempts that were made, in order.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.recorded("call")
    }

    /// The calls of `go env` and `go version`, in order.
    pub(crate) fn asides(&self) -> Vec<Call> {
        self.recorded("aside")
    }

    fn recorded(&self, kind: &str) -> Vec<Call> {
        let lines = |path: PathBuf| -> Vec<String> {
            let bytes = fs::read(path).unwrap_or_default();
            String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
        };
        let folder = |n: usize| self.dir.path().join(format!("{kind}-{n}"));
        (1..)
            .map(folder)
            .take_while(|dir| dir.is_dir())
            .map(|dir| Call {
                args: lines(dir.join("args")),
                env: lines(dir.join("env")),
                stdin: fs::read(dir.join("stdin")).ok(),
            })
            .collect()
    }
}

/// Temporary paths have no quote in them, but may have anything else.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

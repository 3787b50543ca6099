//! Somebody at the terminal who takes a while to answer is no stall.
#![cfg(target_os = "linux")]

use super::*;
use std::os::unix::fs::PermissionsExt;

/// Silence after which go counts as stalled in these tests, ...
const STALL: &str = "2s";

/// ... and how long somebody here thinks.
const THINKS: Duration = Duration::from_secs(7);

/// A go whose first attempt runs an `ssh` that asks in these words of a shell, and then does `rest`.
fn asking(ssh: &str, rest: Vec<Act<'_>>) -> FakeGo {
    let mut acts = vec![Act::Sh("\"$(dirname \"$0\")/ssh\" git@git.corp.test || exit 1")];
    acts.extend(rest);
    let fake = FakeGo::new().attempt(&acts).attempt(&[Act::Exit(0)]);
    let program = fake.path().with_file_name("ssh");
    fs::write(&program, format!("#!/bin/sh\n{ssh}\n")).expect("a file in the temporary folder");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a file of ours");
    fake
}

/// A passphrase: the echo is gone meanwhile, as with ssh, gpg and sudo.
const PASSPHRASE: &str = "exec 3<>/dev/tty; stty -echo <&3; printf 'Enter passphrase: ' >&3; read -r pin <&3
stty echo <&3; echo >&3; [ \"$pin\" = 1234 ]";

/// An unknown host: what is typed can be seen.
const UNKNOWN_HOST: &str =
    "printf 'continue connecting (yes/no)? ' >/dev/tty; read -r word </dev/tty; [ \"$word\" = yes ]";

/// Waits for somebody who never comes, without any help.
const WAITS: &str = "mkfifo \"$0.pipe\" 2>/dev/null; read -r word <\"$0.pipe\"";

/// An agent asks in ssh's place, which waits for it.
const AGENT: &str = "stty -echo </dev/tty; printf 'PIN: ' >/dev/tty
mkfifo \"$0.pipe\" 2>/dev/null; read -r word <\"$0.pipe\"";

#[test]
fn who_types_slowly_is_not_cut_off() {
    for (question, shown, answer) in
        [(PASSPHRASE, "Enter passphrase", "1234\n"), (UNKNOWN_HOST, "(yes/no)", "yes\n")]
    {
        let fake = asking(question, vec![]);
        let project = Project::empty().with_go(&fake.path()).env("GOX_STALL", STALL);
        let mut terminal = project.gox(["get", "git.corp.test/x"]).start_on_terminal();
        terminal.shows(shown);
        std::thread::sleep(THINKS);
        terminal.types(answer);
        let outcome = terminal.wait();
        assert_eq!((outcome.code(), fake.calls().len()), (Some(0), 1), "{shown}\n{outcome}");
        none_left(&outcome);
    }
}

/// The echo that is gone tells of it, whoever took it, while go waits for somebody.
#[test]
fn an_agent_that_asks_for_a_pin_is_a_person_at_work() {
    let fake = asking(AGENT, vec![]);
    let project = Project::empty().with_go(&fake.path()).env("GOX_STALL", STALL);
    let mut terminal = project.gox(["get", "git.corp.test/x"]).start_on_terminal();
    terminal.shows("PIN:");
    std::thread::sleep(THINKS);
    assert_eq!(fake.calls().len(), 1, "it is still the first attempt");
    terminal.types("\x03");
    let outcome = terminal.interrupts();
    assert_eq!(fake.calls().len(), 1, "{outcome}");
    none_left(&outcome);
}

/// A silence that nobody's thinking explains is a stall as ever.
#[test]
fn an_ssh_that_asks_nobody_stalls_on_a_terminal_too() {
    let fake = asking(WAITS, vec![]);
    let project = Project::empty().with_go(&fake.path()).env("GOX_STALL", STALL);
    let outcome = project.gox(["get", "git.corp.test/x"]).start_on_terminal().wait();
    assert!(fake.calls().len() > 1, "{outcome}");
    none_left(&outcome);
}

#[test]
fn an_attempt_that_asked_somebody_is_not_repeated_without_a_word() {
    let fake = asking(PASSPHRASE, vec![Act::Err(EOF), Act::Exit(1)]);
    let project = Project::empty().with_go(&fake.path()).env("GOX_VERBOSITY", "quiet");
    let mut terminal = project.gox(["get", "git.corp.test/x"]).start_on_terminal();
    terminal.shows("Enter passphrase");
    // Longer than between two looks.
    std::thread::sleep(Duration::from_secs(3));
    terminal.types("1234\n");
    terminal.shows("will ask again");
    let outcome = terminal.wait();
    assert_eq!((outcome.code(), fake.calls().len()), (Some(0), 2), "{outcome}");
}

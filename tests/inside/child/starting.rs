//! What go finds when it begins, and what is said of one that cannot begin.

use super::*;
use std::path::Path;

/// What the command says on stderr.
fn said(command: &Command) -> io::Result<String> {
    let file = tempfile::tempfile().unwrap();
    on_runtime(async {
        let mut supervisor = supervisor(null(), file.try_clone().unwrap(), true);
        supervisor.run(command, StderrMode::Live, PATIENT, &mut ()).await
    })?;
    Ok(String::from_utf8(whole(&file)).unwrap())
}

#[test]
fn go_gets_the_folder_the_environment_and_no_descriptor_of_goxs() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = sh("pwd -P >&2; echo \"$KEPT:${GONE-none}:${EMPTY-none}\" >&2");
    command.dir = Some(dir.path().to_owned());
    command.envs.extend([var("KEPT", Some("a=b")), var("EMPTY", Some("")), var("GONE", None)]);
    let folder = dir.path().canonicalize().unwrap();
    assert_eq!(said(&command).unwrap(), format!("{}\na=b:none:\n", folder.display()));
    if Path::new("/proc/self/fd").exists() {
        // Whoever runs the tests may have left some open to all its children.
        let plain =
            std::process::Command::new("/bin/sh").args(["-c", "exec ls /proc/self/fd"]).output().unwrap();
        let ours = said(&sh("exec ls /proc/self/fd >&2")).unwrap();
        assert_eq!(ours, String::from_utf8(plain.stdout).unwrap());
    }
}

#[test]
fn what_cannot_be_started_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let plain = dir.path().join("plain");
    std::fs::write(&plain, "no program").unwrap();
    let with = |program: &Path| Command { program: program.to_owned(), ..sh("true") };
    let nul = Command { args: vec!["a\0b".into()], ..sh("true") };
    let nowhere = Command { dir: Some(dir.path().join("none")), ..sh("true") };
    for (command, kind) in [
        (with(&dir.path().join("none")), io::ErrorKind::NotFound),
        (with(&plain), io::ErrorKind::PermissionDenied),
        (nowhere, io::ErrorKind::NotFound),
        (nul, io::ErrorKind::InvalidInput),
    ] {
        assert_eq!(said(&command).unwrap_err().kind(), kind, "{command:?}");
    }
}

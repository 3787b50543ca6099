//! The real go under the watch, against servers on the loopback that say nothing.

use super::*;
use crate::inside::harness::go;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

/// Answers the first request of each connection with `answer` and then keeps it open in silence,
/// until the test program ends.
fn silent_server(answer: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open: Vec<TcpStream> = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines();
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let _ = stream.write_all(answer.as_bytes());
            open.push(stream);
        }
    });
    port
}

fn mod_download(go: &std::path::Path, dir: &std::path::Path, port: u16) -> Command {
    std::fs::write(dir.join("go.mod"), "module m\n\ngo 1.21\n\nrequire example.test/a v1.0.0\n").unwrap();
    let proxy = format!("http://127.0.0.1:{port}");
    let mut command = Command {
        program: go.into(),
        args: vec!["mod".into(), "download".into()],
        dir: Some(dir.into()),
        ..Command::default()
    };
    for (name, value) in [
        ("GOPROXY", proxy.as_str()),
        ("GOSUMDB", "off"),
        ("GOFLAGS", "-modcacherw"),
        ("GOTOOLCHAIN", "local"),
        ("GOTELEMETRY", "off"),
        ("GONOPROXY", "none"),
    ] {
        command.envs.push(var(name, Some(value)));
    }
    for (name, below) in [("HOME", "home"), ("GOPATH", "path"), ("GOMODCACHE", "mod"), ("GOCACHE", "build")] {
        command.envs.push((name.into(), Some(dir.join(below).into())));
    }
    command
}

#[test]
#[cfg(target_os = "linux")]
fn release_a_real_go_waiting_for_a_silent_server_is_stalled() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nmodule example";
    let go = go();
    for answer in ["", half] {
        let port = silent_server(answer);
        let dir = tempfile::tempdir().unwrap();
        let growth = WatchedFolders { modcache: dir.path().join("mod"), gocache: dir.path().join("build") };
        let watch = Watch { stall: Some(Duration::from_secs(4)), quiet: Duration::from_secs(2) };
        let outcome = on_runtime(async {
            let mut supervisor = supervisor(null(), null(), true);
            let go = mod_download(&go, dir.path(), port);
            let mut hooks = Folders(growth);
            supervisor.run(&go, StderrMode::Live, watch, &mut hooks).await.unwrap()
        });
        assert_eq!(outcome.ended, Ended::Stalled);
        assert_eq!(outcome.go, Status::Signaled(libc::SIGTERM));
        // Its own noise must not have put it off.
        assert!(outcome.elapsed < Duration::from_secs(40), "{:?}", outcome.elapsed);
    }
}

struct Folders(WatchedFolders);

impl Hooks for Folders {
    fn growth(&mut self) -> Option<Later<Option<WatchedFolders>>> {
        let growth = self.0.clone();
        Some(Box::pin(async move { Some(growth) }))
    }
}

#[test]
fn release_a_real_gos_exit_code_and_words_come_through() {
    let go = go();
    let stderr = tempfile::tempfile().unwrap();
    let command = Command {
        program: go,
        args: vec!["nonsense".into()],
        envs: vec![var("GOTELEMETRY", Some("off"))],
        dir: None,
    };
    let outcome = on_runtime(async {
        let mut supervisor = supervisor(null(), stderr.try_clone().unwrap(), true);
        supervisor.run(&command, StderrMode::Live, PATIENT, &mut ()).await.unwrap()
    });
    assert_eq!(outcome.ended, Ended::Exited(2));
    assert_eq!(whole(&stderr), b"go nonsense: unknown command\nRun 'go help' for usage.\n");
}

//! The real go under the watch, against a module proxy that falls silent.

use super::*;
use crate::inside::harness::{Project, go};
use crate::inside::lab::{Fault, Lab, always};
#[test]
#[cfg(target_os = "linux")]
fn release_a_real_go_waiting_for_a_silent_server_is_stalled() {
    for fault in [Fault::Silence, Fault::SilenceInBody] {
        let lab = Lab::new().fault(fault, always()).start();
        let project = Project::new(&lab);
        let growth =
            WatchedFolders { modcache: project.module_cache(), gocache: project.root().join("gocache") };
        let watch = Watch { stall: Some(Duration::from_secs(4)), quiet: Duration::from_secs(2) };
        let outcome = on_runtime(async {
            let mut supervisor = supervisor(null(), null(), true);
            let go = Command {
                program: go(),
                args: vec!["mod".into(), "download".into()],
                envs: project.overlay(),
                dir: Some(project.dir()),
            };
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
    let stderr = tempfile::tempfile().unwrap();
    let project = Project::empty();
    let command =
        Command { program: go(), args: vec!["nonsense".into()], envs: project.overlay(), dir: None };
    let outcome = on_runtime(async {
        let mut supervisor = supervisor(null(), stderr.try_clone().unwrap(), true);
        supervisor.run(&command, StderrMode::Live, PATIENT, &mut ()).await.unwrap()
    });
    assert_eq!(outcome.ended, Ended::Exited(2));
    assert_eq!(whole(&stderr), b"go nonsense: unknown command\nRun 'go help' for usage.\n");
}

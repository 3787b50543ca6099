//! One case from beginning to end, in a process of its own.

use crate::cases::{Case, Place, UNSET, Want};
use crate::gate::{Begin, Behind, Gate, Seen, Weather};
use crate::lab::{Entry, Lab, Running};
use crate::resolver;
use rustix::process::ioctl_tiocsctty;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Requests that a server which is away may hear.
const MOST_REQUESTS: usize = 200;

/// The programs.
pub(crate) struct Tools {
    pub(crate) go: PathBuf,
    pub(crate) gox: PathBuf,
}

/// Surroundings of one case.
struct Stage {
    root: TempDir,
    lab: Running,
    gate: Gate,
    env: Vec<(String, String)>,
}

impl Stage {
    fn set(case: &Case) -> Stage {
        let name = |https| if https { Entry::tls().named(resolver::NAME) } else { Entry::plain() };
        let lab = (case.lab)(Lab::new().modules(case.modules).size(20_000));
        let lab = match case.place {
            Place::HttpProxy { .. } | Place::Socks => lab.entry(name(true)).entry(Entry::plain()),
            Place::FirstOfTwo => lab.entry(Entry::plain()).entry(Entry::plain()),
            Place::Database => lab.sumdb(),
            Place::TlsProxy => lab.entry(Entry::tls()),
            Place::Proxy | Place::Resolver(_) | Place::Nowhere => lab,
        };
        let lab = lab.start();
        let host = |at| lab.host(at).parse().expect("an address");
        let mut env = lab.env();
        let mut set = |key: &str, value: String| env.push((key.to_owned(), value));
        let proxy = |env: &[(String, String)]| {
            let of = env.iter().find(|(key, _)| key == "HTTPS_PROXY").map(|(_, url)| url.clone());
            of.and_then(|url| url.strip_prefix("http://")?.parse().ok()).expect("the lab's HTTP proxy")
        };
        let behind = match case.place {
            Place::HttpProxy { https: true } => Behind::Server(proxy(&lab.env())),
            // What is asked in plain words, the server itself reads as well.
            Place::HttpProxy { https: false } => Behind::Server(host(1)),
            Place::Socks => Behind::Socks(host(0)),
            Place::Database => {
                let set = lab.gosumdb();
                let address = set.rsplit("http://").next().and_then(|address| address.parse().ok());
                Behind::Server(address.expect("the database's address"))
            }
            Place::Proxy | Place::TlsProxy | Place::FirstOfTwo | Place::Resolver(_) | Place::Nowhere => {
                Behind::Server(host(0))
            }
        };
        let gate = match case.place {
            Place::Resolver(_) | Place::Nowhere => {
                Gate::open(behind, Begin::AtStart, vec![(Weather::Up, Duration::ZERO)])
            }
            _ => Gate::open(behind, case.begin, case.timetable.clone()),
        };
        let here = gate.address;
        match case.place {
            Place::Proxy | Place::Nowhere => set("GOPROXY", format!("http://{here}")),
            Place::Database => {
                let of_lab = lab.gosumdb();
                let (key, _) = of_lab.split_once(' ').expect("a key and an address");
                set("GOSUMDB", format!("{key} http://{here}"));
            }
            Place::TlsProxy => set("GOPROXY", format!("https://{here}")),
            Place::FirstOfTwo => set("GOPROXY", format!("http://{here}|{}", lab.url(1))),
            Place::HttpProxy { https } => {
                let scheme = if https { "https" } else { "http" };
                set("GOPROXY", format!("{scheme}://{}", resolver::NAME));
                set("HTTPS_PROXY", format!("http://{here}"));
                set("HTTP_PROXY", format!("http://{here}"));
            }
            Place::Socks => {
                set("GOPROXY", format!("https://{}", resolver::NAME));
                set("HTTPS_PROXY", format!("socks5://{here}"));
            }
            Place::Resolver(_) => set("GOPROXY", format!("http://{}:{}", resolver::NAME, here.port())),
        }
        if let Some(list) = case.goproxy {
            env.push(("GOPROXY".to_owned(), list.replace("LAB", &here.to_string())));
        }
        env.extend(case.env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let root = tempfile::Builder::new().prefix("gox-outages-").tempdir().expect("a temporary folder");
        Stage { root, lab, gate, env }
    }

    /// A command in a project of its own; the state folder is one for all.
    fn command(&self, case: &Case, tools: &Tools, program: &Path, number: usize) -> Command {
        let top = self.root.path().join(number.to_string());
        let at = |name: &str| {
            let dir = top.join(name);
            fs::create_dir_all(&dir).expect("a folder in the temporary one");
            dir
        };
        let dir = at("main");
        self.lab.write_project(&dir).expect("a project in the temporary folder");
        for name in &case.lacking {
            fs::remove_file(dir.join(name)).expect("a file of the project");
        }
        let telemetry = at("home/.config/go/telemetry");
        fs::write(telemetry.join("mode"), "off").expect("a file in the temporary folder");
        let mut path = tools.go.parent().expect("a file in a folder").as_os_str().to_owned();
        path.push(":/usr/local/bin:/usr/bin:/bin");
        let mut command = Command::new(program);
        command.args(&case.args).current_dir(&dir).env_clear().env("PATH", path);
        command.env("HOME", at("home")).env("TMPDIR", at("tmp")).env("GOPATH", at("gopath"));
        command.env("GOMODCACHE", at("modcache"));
        // What is compiled has nothing to do with the network.
        command.env("GOCACHE", std::env::temp_dir().join("gox-outages-build-cache"));
        command.env("GOX_STATE_DIR", self.root.path().join("state")).env("GOX_CONFIG", "none");
        for (key, value) in [
            ("GOTOOLCHAIN", "local"),
            ("GOENV", "off"),
            ("GOWORK", "off"),
            ("GOFLAGS", "-modcacherw"),
            ("CGO_ENABLED", "0"),
        ] {
            command.env(key, value);
        }
        command.env("GOX_REPORT", top.join("report.json")).envs(self.env.iter().map(|(k, v)| (k, v)));
        for (key, _) in case.env.iter().filter(|(_, value)| *value == UNSET) {
            command.env_remove(key);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        command
    }

    fn report(&self, number: usize) -> serde_json::Value {
        let file = self.root.path().join(number.to_string()).join("report.json");
        fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }
}

/// How a program ended.
struct Ended {
    ok: bool,
    begun: Instant,
    at: Instant,
    said: String,
}

/// On a terminal of its own, which nobody reads but this.
fn on_a_terminal(command: &mut Command) -> File {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("a terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("a terminal");
    let name = ptsname(&ours, Vec::new()).expect("its name").into_string().expect("ASCII");
    let theirs = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(name);
    let theirs = theirs.expect("the other end");
    let side = || Stdio::from(theirs.try_clone().expect("a second handle"));
    command.stdin(side()).stdout(side()).stderr(side());
    // SAFETY: system calls that are safe between fork and exec, and allocate nothing.
    unsafe {
        command.pre_exec(|| {
            rustix::process::setsid()?;
            Ok(ioctl_tiocsctty(rustix::stdio::stdin())?)
        });
    }
    ours.into()
}

fn run(mut command: Command, terminal: bool) -> Ended {
    let screen = if terminal {
        // The leader of a group cannot begin a session.
        let program = command.get_program().to_owned();
        let mut anew = Command::new(program);
        anew.args(command.get_args())
            .env_clear()
            .envs(command.get_envs().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))));
        if let Some(dir) = command.get_current_dir() {
            anew.current_dir(dir);
        }
        command = anew;
        Some(on_a_terminal(&mut command))
    } else {
        command.stderr(Stdio::piped());
        None
    };
    let begun = Instant::now();
    let mut child: Child = command.spawn().expect("a program to measure");
    drop(command);
    let said = Arc::new(Mutex::new(Vec::new()));
    let (heard, words) = (said.clone(), child.stderr.take());
    let reader = std::thread::spawn(move || {
        let mut piece = [0; 4096];
        let mut words: Box<dyn Read> = match (screen, words) {
            (Some(screen), _) => Box::new(screen),
            (None, Some(words)) => Box::new(words),
            (None, None) => return,
        };
        while let Ok(n @ 1..) = words.read(&mut piece) {
            heard.lock().expect("no thread panics with it").extend_from_slice(&piece[..n]);
        }
    });
    let ok = child.wait().is_ok_and(|status| status.success());
    let at = Instant::now();
    let _ = reader.join();
    let said = String::from_utf8_lossy(&said.lock().expect("no thread panics with it")).into_owned();
    Ended { ok, begun, at, said }
}

/// The verdict on one run, and what was measured.
fn judge(case: &Case, ended: &Ended, seen: &Seen, go: Option<&Ended>) -> (bool, String) {
    let took = ended.at - ended.begun;
    let at = |moment: &Mutex<Option<Instant>>| *moment.lock().expect("no thread panics with it");
    let how = if ended.ok { "through" } else { "failed" };
    match case.want {
        Want::Through(soon) => match at(&seen.cleared) {
            Some(cleared) => {
                let after = ended.at.saturating_duration_since(cleared);
                (
                    ended.ok && after <= soon,
                    format!("{how}, {:.1} s after (<= {:.0})", after.as_secs_f64(), soon.as_secs_f64()),
                )
            }
            // In a break between two, or over a connection that it did not touch.
            None => (ended.ok, format!("{how} after {:.1} s, before it was over", took.as_secs_f64())),
        },
        Want::Ends(from, to) => {
            let since = at(&seen.broke).map_or(ended.begun, |broke| broke.max(ended.begun));
            let after = ended.at.saturating_duration_since(since);
            let words = format!(
                "{how} after {:.1} s ({:.0} to {:.0})",
                after.as_secs_f64(),
                from.as_secs_f64(),
                to.as_secs_f64()
            );
            (!ended.ok && (from..=to).contains(&after), words)
        }
        Want::AsGo => {
            let Some(go) = go else { return (false, "go was not run".to_owned()) };
            let of_go = go.at - go.begun;
            let ratio = took.as_secs_f64() / of_go.as_secs_f64();
            let words = format!(
                "{how} in {:.1} s, go {} in {:.1} s: {ratio:.2}",
                took.as_secs_f64(),
                go.ok,
                of_go.as_secs_f64()
            );
            ((ended.ok || !go.ok) && ratio <= 1.3, words)
        }
        Want::Quick(more) => {
            let Some(go) = go else { return (false, "go was not run".to_owned()) };
            let of_go = go.at - go.begun;
            let words = format!("{how} in {:.1} s, go {:.1} s", took.as_secs_f64(), of_go.as_secs_f64());
            (ended.ok == go.ok && took <= of_go + more, words)
        }
        Want::Beside(more) => {
            // Without trouble it is well below a second.
            let most = more + Duration::from_secs(1);
            (ended.ok && took <= most, format!("{how} in {:.1} s", took.as_secs_f64()))
        }
    }
}

/// Tries one case, and prints what came of it.
pub(crate) fn case(case: &Case, tools: &Tools) -> ExitCode {
    let stage = Stage::set(case);
    let seen = stage.gate.seen.clone();
    if let Place::Resolver(trouble) = case.place {
        trouble_with_names(case, trouble, &seen);
    }
    let go = matches!(case.want, Want::AsGo | Want::Quick(_)).then(|| {
        let stage = Stage::set(case);
        run(stage.command(case, tools, &tools.go, 0), false)
    });
    let runs: Vec<_> = (0..case.at_once)
        .map(|number| {
            let command = stage.command(case, tools, &tools.gox, number);
            let terminal = case.terminal;
            std::thread::spawn(move || run(command, terminal))
        })
        .collect();
    let mut met = true;
    let mut notes = Vec::new();
    for (number, run) in runs.into_iter().enumerate() {
        let ended = run.join().expect("no panic in a run");
        let (good, mut words) = judge(case, &ended, &seen, go.as_ref());
        met &= good;
        let attempts = stage.report(number)["attempts"].as_array().map_or(0, Vec::len);
        words.push_str(&format!("; {attempts} attempts"));
        if !good || number + 1 == case.at_once {
            notes.push(words);
        }
        if !good {
            notes.extend(ended.said.trim_end().lines().map(|line| format!("    | {line}")));
        }
    }
    let away = seen.away.load(Ordering::Relaxed);
    let asks = !matches!(case.want, Want::AsGo) && case.at_once == 1 && away > MOST_REQUESTS;
    println!(
        "{} {}: {}; {away} requests",
        if met && !asks { "ok  " } else { "MISS" },
        case.name,
        notes.join("\n")
    );
    if met && !asks { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The resolver of this world, with the trouble of the timetable's length.
fn trouble_with_names(case: &Case, trouble: resolver::Trouble, seen: &Arc<Seen>) {
    let length = case.timetable.iter().map(|(_, length)| *length).sum();
    let bad = Arc::new(Mutex::new(None));
    resolver::serve(trouble, bad.clone());
    *seen.cleared.lock().expect("no thread panics with it") = None;
    let begin = match case.begin {
        Begin::AtStart | Begin::UnderWay => 0,
        Begin::After(connections) => connections,
    };
    let start = move |seen: &Seen| {
        *seen.broke.lock().expect("no thread panics with it") = Some(Instant::now());
        *bad.lock().expect("no thread panics with it") = Some((Instant::now(), length));
    };
    if begin == 0 {
        start(seen);
    }
    let seen = seen.clone();
    std::thread::spawn(move || {
        while seen.all.load(Ordering::Relaxed) < begin {
            std::thread::sleep(Duration::from_millis(2));
        }
        if begin > 0 {
            start(&seen);
        }
        std::thread::sleep(length);
        *seen.cleared.lock().expect("no thread panics with it") = Some(Instant::now());
    });
}

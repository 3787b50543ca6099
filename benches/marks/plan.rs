//! The lab in a process of its own: what it shall serve travels as JSON, what it saw comes back.
//!
//! A process, so that its memory and its time are nobody else's; the kernel shares the machine between it
//! and go, or gox and go, as it would with a real server.

use crate::lab::{Entry, Fault, Lab, Limits, Place, When, always, first_of_each, rate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

/// The argument that makes this program the lab.
pub(crate) const SERVE: &str = "--serve-lab";

/// What a lab shall be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) modules: usize,
    pub(crate) seed: u64,
    pub(crate) chain: bool,
    /// Filler of the first module, in bytes.
    pub(crate) size: usize,
    /// TLS with HTTP/2.
    pub(crate) tls: bool,
    /// HTTP/1.1 connections live on after an answer, as with every real proxy.
    pub(crate) keep_alive: bool,
    /// What the one proxy, or the last of two, does wrong, and how often.
    pub(crate) fault: String,
    pub(crate) rate: f64,
    /// What is wrong with a proxy before that one: closed, 403, silence, drip.
    pub(crate) first: Option<String>,
    /// What each server bears, in a word.
    pub(crate) limit: String,
    /// Filler of each module, in bytes.
    pub(crate) each: usize,
    /// Of an answer, in milliseconds.
    pub(crate) latency: u64,
}

impl Plan {
    /// Flat modules behind one good proxy.
    pub(crate) fn clean(modules: usize) -> Plan {
        Plan {
            modules,
            seed: 1,
            chain: false,
            size: 0,
            tls: false,
            keep_alive: true,
            fault: "none".to_owned(),
            rate: 0.0,
            first: None,
            limit: "none".to_owned(),
            each: 0,
            latency: 2,
        }
    }

    /// The same with this fault in that share of the answers.
    pub(crate) fn with(&self, fault: &str, rate: f64, seed: u64) -> Plan {
        Plan { fault: fault.to_owned(), rate, seed, ..self.clone() }
    }

    /// The same with a limit.
    pub(crate) fn limited(&self, limit: &str) -> Plan {
        Plan { limit: limit.to_owned(), ..self.clone() }
    }

    /// What the lab needs.
    fn lab(&self) -> Option<Lab> {
        let entry = || if self.tls { Entry::tls() } else { Entry::plain() };
        let mut lab = Lab::new().modules(self.modules).seed(self.seed).size(self.each);
        lab = lab.latency(Duration::from_millis(self.latency)).limits(limits(&self.limit)?);
        if self.chain {
            lab = lab.chain();
        }
        if self.size > 0 {
            lab = lab.big(0, self.size);
        }
        if self.keep_alive {
            lab = lab.keep_alive();
        }
        let mut last = 0;
        if let Some(first) = &self.first {
            last = 1;
            lab = match first.as_str() {
                "closed" => lab.entry(Entry::closed()),
                "403" => lab.entry(entry()).fault(Fault::Status(403), always().proxy(0)),
                "silent" => lab.entry(entry()).fault(Fault::Silence, always().proxy(0)),
                "dripping" => lab.entry(entry()).fault(Fault::Drip(1024), always().proxy(0)),
                _ => return None,
            };
        }
        lab = lab.entry(entry());
        let when = |when: When| when.at(Place::Proxy(last));
        Some(match self.fault.as_str() {
            "none" => lab,
            // The zips alone, each so often.
            "cut" => lab.fault(Fault::EofInBody, when(first_of_each(self.rate as usize).path("zip$"))),
            name => lab.faults(named(name)?, when(rate(self.rate))),
        })
    }
}

/// The limits behind one word.
fn limits(name: &str) -> Option<Limits> {
    let none = Limits::default();
    Some(match name {
        "none" => none,
        "20 a second" => none.rate(20.0, 20.0).retry_after(1),
        "20 a second, no pause told" => none.rate(20.0, 20.0),
        "20 a second, 503" => none.rate(20.0, 5.0).status(503),
        "8 at once" => none.at_once(8).status(503),
        "8 connections" => none.connections(8),
        "GOAWAY each 10" => none.each(10),
        "1 Mbit a connection" => none.ceiling(125_000),
        _ => return None,
    })
}

/// The faults behind one word.
fn named(name: &str) -> Option<&'static [Fault]> {
    Some(match name {
        "eof" => &[Fault::Eof],
        "5xx" => &[Fault::Status(500), Fault::Status(502), Fault::Status(503), Fault::Status(504)],
        "rst" => &[Fault::RstStream],
        "altered" => &[Fault::Alter],
        "html" => &[Fault::Html],
        "429" => &[Fault::RateLimited(1)],
        "429, no pause told" => &[Fault::Status(429)],
        "503" => &[Fault::Status(503)],
        // Without pauses that were asked for: those have a mark of their own.
        "mixed" => &[
            Fault::Eof,
            Fault::EofInBody,
            Fault::Reset,
            Fault::ResetInBody,
            Fault::Status(500),
            Fault::Status(502),
            Fault::Status(503),
            Fault::Html,
            Fault::Alter,
            Fault::ShortChunked,
        ],
        _ => return None,
    })
}

/// What a lab has to say for itself when it is ready.
#[derive(Debug, Serialize, Deserialize)]
struct Ready {
    env: Vec<(String, String)>,
    files: BTreeMap<String, String>,
}

/// What it saw since it was last asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Saw {
    /// Requests, those with a fault included.
    pub(crate) requests: usize,
    /// Answers that were spoiled.
    pub(crate) faults: usize,
    /// Requests for files that the module cache had already.
    pub(crate) wasted: usize,
    /// Bytes of bodies.
    pub(crate) bytes: usize,
}

/// The lab's side: serves until its standard input ends.
pub(crate) fn serve(plan: &str) -> ExitCode {
    let lab = serde_json::from_str::<Plan>(plan).ok().and_then(|plan| plan.lab());
    let Some(lab) = lab else {
        eprintln!("marks: not a plan of a lab: {plan}");
        return ExitCode::from(2);
    };
    let lab = lab.start();
    // Packing is the lab's own business, and no part of any download.
    for module in lab.modules() {
        module.zip();
    }
    let files = [("go.mod", lab.go_mod()), ("go.sum", lab.go_sum()), ("main.go", lab.main_go())];
    let files = files.map(|(name, text)| (name.to_owned(), text)).into();
    say(&Ready { env: lab.env(), files });
    for line in std::io::stdin().lines() {
        match line.as_deref().map(|line| line.split_once(' ').unwrap_or((line, ""))) {
            Ok(("saw", _)) => {
                let seen = lab.requests();
                lab.forget();
                say(&Saw {
                    requests: seen.len(),
                    faults: seen.iter().filter(|s| s.fault.is_some()).count(),
                    wasted: seen.iter().filter(|s| s.cached).count(),
                    bytes: seen.iter().map(|s| s.sent).sum(),
                });
            }
            Ok(("watch", dir)) => lab.watch(Path::new(dir)),
            _ => break,
        }
    }
    ExitCode::SUCCESS
}

fn say(what: &impl Serialize) {
    let mut out = std::io::stdout().lock();
    let text = serde_json::to_string(what).expect("plain data");
    // Whoever started this lab and is gone needs no answer.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A lab at work in a process of its own; dropping it ends it.
pub(crate) struct Serving {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    /// What leads go there.
    pub(crate) env: Vec<(String, String)>,
    /// go.mod, go.sum and main.go of the main module.
    pub(crate) files: BTreeMap<String, String>,
}

impl Serving {
    /// Starts one.
    pub(crate) fn start(plan: &Plan) -> Serving {
        let me = std::env::current_exe().expect("the name of this program");
        let text = serde_json::to_string(plan).expect("plain data");
        let mut child = Command::new(me)
            .args([SERVE, &text])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program, once more");
        let orders = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let Ready { env, files } = hear(&mut answers);
        Serving { child, orders, answers, env, files }
    }

    /// What it saw since it was last asked.
    pub(crate) fn saw(&mut self) -> Saw {
        self.order("saw");
        hear(&mut self.answers)
    }

    /// Counts from now on what that module cache has and is asked for again.
    pub(crate) fn watch(&mut self, module_cache: &Path) {
        self.order(&format!("watch {}", module_cache.display()));
    }

    fn order(&mut self, what: &str) {
        let orders = self.orders.as_mut().expect("there until dropped");
        writeln!(orders, "{what}").and_then(|()| orders.flush()).expect("a lab that listens");
    }
}

fn hear<T: for<'a> Deserialize<'a>>(from: &mut impl BufRead) -> T {
    let mut line = String::new();
    from.read_line(&mut line).expect("a lab that speaks");
    serde_json::from_str(&line).expect("a lab that started")
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Without orders it ends by itself.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}

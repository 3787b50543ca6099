//! A module proxy that fails on purpose, to try gox (or anything else) against.
//!
//! ```sh
//! cargo run --example bad_proxy -- --rate 0.2 --project /tmp/demo
//! ```
//!
//! It listens on loopback only, prints its URL and the environment that leads go to it, and ends after
//! `--seconds`, when its standard input is closed (`--until-eof`), or with Ctrl-C.

use clap::Parser;
use lab::{Entry, Fault, Lab, always, first_of_each, rate};
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

#[allow(dead_code, unused_imports, reason = "the test lab is a toolbox; this uses a part of it")]
#[path = "../tests/it/lab/mod.rs"]
mod lab;

/// A module proxy that fails on purpose.
#[derive(Parser)]
#[command(name = "bad_proxy")]
struct Options {
    /// How many modules it serves: example.test/m000 and on.
    #[arg(long, default_value_t = 40)]
    modules: usize,
    /// What happens: eof, reset, 403, 404, 429, 5xx, html, altered, short, silence, drip, http2, network, mixed,
    /// none.
    #[arg(long, default_value = "mixed")]
    fault: String,
    /// To which share of the requests, from 0 to 1.
    #[arg(long, default_value_t = 0.1)]
    rate: f64,
    /// Only to the first N requests of each file, whatever the rate.
    #[arg(long)]
    first: Option<usize>,
    /// Only where the path matches this regular expression.
    #[arg(long)]
    path: Option<String>,
    /// What the draws start from; the same seed gives the same faults.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Milliseconds before each answer.
    #[arg(long, default_value_t = 2)]
    latency: u64,
    /// Bytes of filler in each module.
    #[arg(long, default_value_t = 0)]
    size: usize,
    /// TLS with HTTP/2 instead of plain HTTP/1.1 (SSL_CERT_FILE makes go trust it).
    #[arg(long)]
    tls: bool,
    /// How long it lives.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Ends as soon as standard input is closed, too.
    #[arg(long)]
    until_eof: bool,
    /// Writes a main module that requires all of them into this folder, and an env.sh to source.
    #[arg(long)]
    project: Option<PathBuf>,
}

fn main() {
    let options = Options::parse();
    if let Err(message) = serve(&options) {
        eprintln!("bad_proxy: {message}");
        std::process::exit(2);
    }
}

fn serve(options: &Options) -> Result<(), String> {
    let mut when = match options.first {
        Some(n) => first_of_each(n),
        None if options.rate >= 1.0 => always(),
        None => rate(options.rate),
    };
    if let Some(path) = &options.path {
        regex::Regex::new(path).map_err(|e| e.to_string())?;
        when = when.path(path);
    }
    let faults =
        faults_named(&options.fault).ok_or_else(|| format!("there is no fault {:?}", options.fault))?;
    let mut plan = Lab::new()
        .modules(options.modules)
        .seed(options.seed)
        .size(options.size)
        .latency(Duration::from_millis(options.latency))
        .entry(if options.tls { Entry::tls() } else { Entry::plain() });
    if !faults.is_empty() {
        plan = plan.faults(faults, when);
    }
    let lab = plan.start();
    let mut settings = lab.env();
    settings.push(("GOFLAGS".to_owned(), "-modcacherw".to_owned()));
    let lines: String = settings.iter().map(|(key, value)| format!("export {key}='{value}'\n")).collect();
    if let Some(dir) = &options.project {
        let wrong = |e: std::io::Error| format!("{}: {e}", dir.display());
        lab.write_project(dir).map_err(wrong)?;
        std::fs::write(dir.join("env.sh"), &lines).map_err(wrong)?;
    }
    // The first line is all that scripts need.
    println!("{}", lab.goproxy());
    print!("{lines}");
    let life = Duration::from_secs(options.seconds);
    let (done, ended) = std::sync::mpsc::channel();
    if options.until_eof {
        let done = done.clone();
        std::thread::spawn(move || {
            let mut waste = Vec::new();
            let _ = std::io::stdin().read_to_end(&mut waste);
            let _ = done.send(());
        });
    }
    // Either way it is time to go; the sender above lives until then.
    let _ = ended.recv_timeout(life);
    drop(done);
    let seen = lab.requests();
    let faulty = seen.iter().filter(|request| request.fault.is_some()).count();
    eprintln!("bad_proxy: {} requests, {faulty} of them spoiled", seen.len());
    Ok(())
}

fn faults_named(name: &str) -> Option<&'static [Fault]> {
    Some(match name {
        "none" => &[],
        "eof" => &[Fault::Eof, Fault::EofInBody],
        "reset" => &[Fault::Reset, Fault::ResetInBody],
        "403" => &[Fault::Status(403)],
        "404" => &[Fault::Status(404)],
        "429" => &[Fault::RateLimited(1)],
        "5xx" => &[Fault::Status(500), Fault::Status(502), Fault::Status(503), Fault::Status(504)],
        "html" => &[Fault::Html],
        "altered" => &[Fault::Alter],
        "short" => &[Fault::ShortWithRightLength, Fault::ShortChunked, Fault::ShortChunkedEnded],
        "silence" => &[Fault::Silence, Fault::SilenceInBody],
        "drip" => &[Fault::Drip(20)],
        "http2" => Fault::HTTP2,
        // What go tells as what it is; some of the mixed ones it takes for an attack.
        "network" => &[
            Fault::Eof,
            Fault::EofInBody,
            Fault::Reset,
            Fault::ResetInBody,
            Fault::Status(502),
            Fault::Status(503),
        ],
        "mixed" => Fault::MIXED,
        _ => return None,
    })
}

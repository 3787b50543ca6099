//! Serves real module sources (such as Debian's, see tests/real-modules.sh) through a module proxy with
//! faults, and writes a program of them to try gox on.
//!
//! ```sh
//! cargo run --example real_modules -- "$(tests/real-modules.sh)" --project /tmp/real
//! . /tmp/real/env.sh && cd /tmp/real && gox mod tidy && gox build
//! ```

use clap::Parser;
use lab::{Fault, Lab, REAL_PROGRAM, REAL_ROOTS, modules_below, rate, real_go_mod};
use std::path::PathBuf;
use std::time::Duration;

#[allow(dead_code, unused_imports, reason = "the test lab is a toolbox; this uses a part of it")]
#[path = "../tests/it/lab/mod.rs"]
mod lab;

/// Serves real module sources through faults.
#[derive(Parser)]
#[command(name = "real_modules")]
struct Options {
    /// The folder with the sources: import paths for folders.
    sources: PathBuf,
    /// The share of the requests that is spoiled.
    #[arg(long, default_value_t = 0.1)]
    rate: f64,
    /// What the draws start from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// How long it serves.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Writes go.mod and main.go of a program into this folder, and an env.sh to source.
    #[arg(long)]
    project: Option<PathBuf>,
}

fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let modules = modules_below(&options.sources, REAL_ROOTS)?;
    let lab = Lab::new()
        .modules(0)
        .given(modules)
        .seed(options.seed)
        .faults(Fault::MIXED, rate(options.rate))
        .start();
    let lines: String = lab.env().iter().map(|(key, value)| format!("export {key}='{value}'\n")).collect();
    if let Some(dir) = &options.project {
        std::fs::create_dir_all(dir)?;
        std::fs::write(dir.join("go.mod"), real_go_mod())?;
        std::fs::write(dir.join("main.go"), REAL_PROGRAM)?;
        std::fs::write(dir.join("env.sh"), &lines)?;
    }
    println!("{}", lab.goproxy());
    print!("{lines}");
    std::thread::sleep(Duration::from_secs(options.seconds));
    Ok(())
}

//! Links gox for the machine it is built on.
//!
//! gox is started with every go command. What a position-independent program has the loader write into its
//! tables before its first step takes a fifth of what gox adds to `go version`; go's own program is linked for
//! a fixed address, too. Where a linker of another kind decides (musl: release/build.sh), nothing is said here.

fn main() {
    println!("cargo::rerun-if-changed=release/link.rs");
    let target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    let (system, libc, machine) = (target("OS"), target("ENV"), target("ARCH"));
    if system == "linux" && libc == "gnu" && matches!(machine.as_str(), "x86_64" | "aarch64") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

//! The gox command; see the library's documentation for how it works.

/// musl's own allocator takes one lock for all threads, which the fill and the relay would wait for.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    gox::main().leave()
}

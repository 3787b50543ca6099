//! The gox command; see the library's documentation for how it works.

fn main() {
    gox::main().leave()
}

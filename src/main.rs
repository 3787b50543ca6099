//! The gox command.
fn main() {}

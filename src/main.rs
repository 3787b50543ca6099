<<<<<<< HEAD
//! The gox command; see the library's documentation for how it works.

fn main() {
    gox::shim::main()
=======
//! The gox command.
use std::io;
fn main() -> std::process::ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|a| a == "explain") {
        let format = if args.iter().any(|a| a == "json") {
            gox::explain::Format::Json
        } else {
            gox::explain::Format::Text
        };
        let input = args
            .last()
            .filter(|a| *a != "json" && *a != "text" && *a != "explain")
            .map(std::path::PathBuf::from);
        if let Err(e) = gox::explain::main(
            format,
            input.as_deref(),
            &gox::classify::Rules::default(),
            &mut io::stdout().lock(),
        ) {
            eprintln!("gox: {e}");
            return std::process::ExitCode::from(125);
        }
    }
    std::process::ExitCode::SUCCESS
>>>>>>> classify
}

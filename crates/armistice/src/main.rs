//! `armistice`: make an Intel Linux machine run Arm containers, and other
//! foreign ones.
//!
//! Thin: each verb is a module that plans with the libraries, applies, and
//! prints. Exit codes are decided here and nowhere else.

mod cli;
mod engine;
mod outcome;
mod output;
mod pinned;
mod proving;
mod report;
mod request;
mod select;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Verb};
use outcome::Outcome;
use output::Output;

fn main() -> ExitCode {
    run(Cli::parse()).into()
}

/// Runs one command line. Errors are printed here, once, with their chain.
fn run(cli: Cli) -> Outcome {
    let output = Output::new(cli.global);
    let result = match cli.verb {
        Verb::Register(args) => verbs::register::run(&args, output),
        Verb::Unregister(args) => verbs::unregister::run(&args, output),
        Verb::Status(args) => verbs::status::run(&args, output),
        Verb::Verify(args) => verbs::verify::run(&args, output),
        Verb::Explain(args) => verbs::explain::run(&args, output),
        Verb::Guard(args) => verbs::guard::run(&args, output),
        Verb::Shell(args) => verbs::shell::run(&args, output),
        Verb::Image(args) => verbs::image::run(&args, output),
        Verb::Generate(args) => verbs::generate::run(&args, output),
        Verb::Entrypoint { args } => return verbs::entrypoint::run(args, cli.global),
    };
    result.unwrap_or_else(|error| outcome::failed(&error, output))
}

//! `armistice`: make an Intel Linux machine run Arm containers, and other
//! foreign ones.
//!
//! Thin: each verb is a module of [`verbs`] that plans with the libraries, applies, and
//! prints. Here a command line finds its verb; [`outcome`] says how a run ends.

mod cli;
mod engine;
mod inherited;
mod judging;
mod native;
mod obtain;
mod outcome;
mod output;
mod own;
mod parallel;
mod pinned;
mod proving;
mod refused;
mod registration;
mod remedy;
mod rootless;
mod select;
mod usage;
mod verbs;
mod warm;

use std::process::ExitCode;

use cli::{Cli, Verb};
use inherited::Inherited;
use outcome::Outcome;
use output::Output;
use verbs::entrypoint::Line;

fn main() -> ExitCode {
    armistice_container::run::go_on_inside(verbs::run::foreign::by_engine);
    let inherited = Inherited::mend();
    let mut args = std::env::args_os();
    // Not read as a verb of the command: the image's `--help`, `--version` and
    // options before a verb are its own.
    if args.nth(1).is_some_and(|first| first == "entrypoint") {
        let outcome = match verbs::entrypoint::run(args.collect()) {
            Line::Ordinary(cli) => run(*cli, &inherited),
            Line::Done(outcome) => outcome,
        };
        return outcome.unless_unwritten(true).into();
    }
    let (outcome, changed) = match outcome::read(std::env::args_os()) {
        Ok(cli) => {
            let changes = cli.verb.changes();
            (run(cli, &inherited), changes)
        }
        Err(outcome) => (outcome, false),
    };
    outcome.unless_unwritten(changed).into()
}

/// Runs one command line. Errors are printed here, once, with their chain.
fn run(cli: Cli, inherited: &Inherited) -> Outcome {
    let output = Output::new(cli.global);
    let in_json = cli.verb.answers_in_json();
    let failed = |error: &anyhow::Error| {
        if in_json {
            outcome::failed_in_json(error, output)
        } else {
            outcome::failed(error, output)
        }
    };
    if let Err(error) = inherited::proc_is_there(&cli.verb) {
        let own = matches!(cli.verb, Verb::Shell(_) | Verb::Run(_));
        let outcome = failed(&error);
        return if own {
            Outcome::Command(outcome::OWN_FAILURE)
        } else {
            outcome
        };
    }
    let result = match cli.verb {
        Verb::Register(args) => verbs::register::run(&args, output),
        Verb::Unregister(args) => verbs::unregister::run(&args, output),
        Verb::Status(args) => verbs::status::run(&args, output),
        Verb::Verify(args) => verbs::verify::run(&args, output),
        Verb::Explain(args) => verbs::explain::run(&args, output),
        Verb::Guard(args) => verbs::guard::run(&args, output),
        Verb::Shell(args) => verbs::shell::run(&args, inherited, output),
        Verb::Run(args) => verbs::run::run(&args, inherited, output),
        Verb::Pull(args) => verbs::pull::run(&args, output),
        Verb::Images(args) => verbs::images::run(&args, output),
        Verb::Rmi(args) => verbs::images::remove(&args, output),
        Verb::Prune(args) => verbs::images::prune(&args, output),
        Verb::Cache(args) => verbs::cache::run(&args, output),
        Verb::Image(args) => verbs::image::run(&args, output),
        Verb::Generate(args) => verbs::generate::run(&args, output),
    };
    result.unwrap_or_else(|error| failed(&error))
}

//! How a command line is read, and how its run ends: the exit code; for an error the
//! text, the answer in JSON, and the command that has the missing right.

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use armistice_arch::UnknownArch;
use armistice_binfmt::BinfmtError;
use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use serde::Serialize;

use crate::cli::{self, Cli, Global};
use crate::output::{self, Output, quoted};
use crate::refused;
use crate::remedy;
pub(crate) use crate::usage::Usage;

/// The code for Armistice's own failure, as `docker run` has it.
pub(crate) const OWN_FAILURE: u8 = 125;

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is as it should be.
    Done,
    /// It is not, and that has been said.
    NotWorking,
    /// What was typed makes no sense.
    Usage,
    /// The code of the command that was run.
    Command(u8),
}

impl Outcome {
    /// The same, unless data could not be written, which is said here; also that
    /// the table was changed all the same, where it was.
    pub(crate) fn unless_unwritten(self, changed: bool) -> Outcome {
        let Err(error) = output::written() else {
            return self;
        };
        let all_the_same = if changed && self == Outcome::Done {
            "; what was asked for was done all the same"
        } else {
            ""
        };
        output::complain(format!(
            "cannot write to standard output: {error}{all_the_same}"
        ));
        match self {
            Outcome::Done => Outcome::NotWorking,
            other => other,
        }
    }
}

/// Reads a command line. Help and version are answers, written like all others.
///
/// # Errors
/// How the run ends where there is nothing more to do than what is printed here.
pub(crate) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Cli, Outcome> {
    let args: Vec<OsString> = args.into_iter().collect();
    let is_run = cli::verb_of(args.iter().skip(1)).is_some_and(|verb| verb == "run");
    let in_json = !is_run && asks_for_json(&args);
    Cli::try_parse_from(args).map_err(|error| {
        let text = error.render();
        if error.use_stderr() {
            let given = |kind| match error.get(kind) {
                Some(ContextValue::String(word)) => Some(word),
                _ => None,
            };
            let flag = given(ContextKind::InvalidArg).filter(|_| is_run);
            let verb = given(ContextKind::InvalidSubcommand);
            let of_docker = flag.and_then(|flag| refused::why(flag));
            match of_docker.or_else(|| refused::instead(verb?)) {
                Some(why) => output::complain(why),
                None => drop(write!(anstream::stderr(), "{}", text.ansi())),
            }
            if in_json {
                let text = text.to_string();
                let first = text.lines().next().unwrap_or_default();
                let first = first.strip_prefix("error: ").unwrap_or(first).to_owned();
                answer_failure(Outcome::Usage, first, Output::new(Global::default()));
            }
            // What the command would exit with is told apart from what is wrong before it.
            return if is_run {
                Outcome::Command(OWN_FAILURE)
            } else {
                Outcome::Usage
            };
        }
        output::to_stdout(|stdout| write!(stdout, "{}", text.ansi()));
        Outcome::Done
    })
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> ExitCode {
        match outcome {
            Outcome::Done => ExitCode::SUCCESS,
            Outcome::NotWorking => ExitCode::from(1),
            Outcome::Usage => ExitCode::from(2),
            Outcome::Command(code) => ExitCode::from(code),
        }
    }
}

/// The answer for programs where there is no other: what went wrong.
#[derive(Debug, Serialize)]
struct Failure {
    schema: u32,
    verdict: FailureVerdict,
}

#[derive(Debug, Serialize)]
struct FailureVerdict {
    /// What `register` and `verify` say.
    works: bool,
    /// What `explain` says.
    runs: bool,
    /// `usage`: what was typed makes no sense; else `failed`.
    code: &'static str,
    text: String,
}

/// Answers programs that something went wrong, unless they have an answer.
fn answer_failure(outcome: Outcome, text: String, output: Output) {
    if output::has_answered() {
        return;
    }
    let code = if outcome == Outcome::Usage {
        "usage"
    } else {
        "failed"
    };
    let verdict = FailureVerdict {
        works: false,
        runs: false,
        code,
        text,
    };
    // Text and words alone: it can be written as JSON.
    let _ = output.json(&Failure { schema: 1, verdict });
}

/// The same as [`failed`], for who reads JSON.
pub(crate) fn failed_in_json(error: &anyhow::Error, output: Output) -> Outcome {
    let outcome = failed(error, output);
    answer_failure(outcome, in_full(error), output);
    outcome
}

/// Whether a command line that could not be read asks for JSON. What follows `--` is
/// none of this command's.
fn asks_for_json(args: &[OsString]) -> bool {
    let words = args.iter().map_while(|word| word.to_str());
    let words: Vec<&str> = words.take_while(|word| *word != "--").collect();
    let pairs = words.windows(2);
    let mut pairs = pairs.filter(|pair| matches!(pair[0], "-o" | "--output"));
    pairs.any(|pair| pair[1] == "json")
        || words
            .iter()
            .any(|word| matches!(*word, "-ojson" | "-o=json" | "--output=json"))
}

/// Prints an error and says how the run ends.
pub(crate) fn failed(error: &anyhow::Error, output: Output) -> Outcome {
    // It may tell what a registry or an archive says.
    output.error(output::shown(&in_full(error)));
    if let Some(command) = with_rights(error) {
        output.error(remedy::on_the_machine(&command));
    }
    let usage = error
        .chain()
        .any(|e| e.is::<Usage>() || e.is::<UnknownArch>());
    if usage {
        Outcome::Usage
    } else {
        Outcome::NotWorking
    }
}

/// An error with its causes and what mends it, on one line.
pub(crate) fn in_full(error: &anyhow::Error) -> String {
    match remedy::of(error) {
        Some(remedy) => format!("{error:#}; {remedy}"),
        None => format!("{error:#}"),
    }
}

/// The same command with the right it lacked.
fn with_rights(error: &anyhow::Error) -> Option<String> {
    let lacks = error
        .chain()
        .any(|e| matches!(e.downcast_ref(), Some(BinfmtError::NoRight { .. })));
    if !lacks || rustix::process::geteuid().is_root() {
        return None;
    }
    let words: Vec<String> = std::env::args().map(|word| quoted(&word)).collect();
    Some(words.join(" "))
}

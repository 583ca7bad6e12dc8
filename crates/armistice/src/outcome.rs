//! How a run ends: the exit code, and for an error the text and the command
//! that has the missing right.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use armistice_arch::UnknownArch;
use armistice_binfmt::BinfmtError;
use clap::Parser;
use clap::error::{ContextKind, ContextValue};

use crate::cli::Cli;
use crate::output::{self, Output, quoted};
use crate::remedy;
use crate::verbs::run::refused;
use crate::verbs::shell::OWN_FAILURE;

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
    let is_run = args
        .iter()
        .skip(1)
        .find(|word| !word.as_bytes().starts_with(b"-"));
    let is_run = is_run.is_some_and(|verb| verb == "run");
    Cli::try_parse_from(args).map_err(|error| {
        let text = error.render();
        if error.use_stderr() {
            match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::String(flag)) if is_run && refused::why(flag).is_some() => {
                    output::complain(refused::why(flag).unwrap_or_default());
                }
                _ => drop(write!(anstream::stderr(), "{}", text.ansi())),
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

/// Something typed that makes no sense, beyond what clap can know.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

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

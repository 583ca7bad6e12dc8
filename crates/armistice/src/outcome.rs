//! How a run ends: the exit code, and for an error the text and the command
//! that has the missing right.

use std::process::ExitCode;

use armistice_arch::UnknownArch;
use armistice_binfmt::BinfmtError;

use crate::output::{Output, quoted};

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
    output.error(format!("{error:#}"));
    if let Some(command) = with_rights(error) {
        output.error(format!("try: {command}"));
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

/// The same command with the right it lacked.
fn with_rights(error: &anyhow::Error) -> Option<String> {
    let lacks = error
        .chain()
        .any(|e| matches!(e.downcast_ref(), Some(BinfmtError::NoRight { .. })));
    if !lacks || rustix::process::geteuid().is_root() {
        return None;
    }
    let words: Vec<String> = std::env::args().map(|word| quoted(&word)).collect();
    Some(format!("sudo {}", words.join(" ")))
}

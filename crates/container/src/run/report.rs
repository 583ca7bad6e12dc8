//! Process 1's ways to the process outside, and what it tells there of what failed before
//! the command: a code, and words.

use std::fmt;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;

/// The ways to the process outside.
pub(super) struct Outside {
    /// What fails is told here; closed when the command starts.
    pub(super) report: OwnedFd,
    /// A terminal is handed over here, where there is to be one.
    pub(super) terminal: Option<OwnedFd>,
    /// Who plays identities is asked for here, where they are to be played.
    pub(super) players: Option<OwnedFd>,
}

/// Why the command was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// As `docker run` has it: 127 where the command is not there, 126 where it
    /// cannot be executed, 125 for all else.
    pub code: u8,
    /// What failed, and why.
    pub said: String,
}

impl Failure {
    pub(super) fn own(said: impl Into<String>) -> Failure {
        Failure {
            code: 125,
            said: said.into(),
        }
    }

    /// For `map_err`: what was being done.
    pub(super) fn doing<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Failure {
        move |error| Failure::own(format!("cannot {what}: {error}"))
    }
}

/// Tells a failure.
pub(super) fn tell(to: OwnedFd, failure: &Failure) {
    let bytes = [&[failure.code], failure.said.as_bytes()].concat();
    let _ = File::from(to).write_all(&bytes);
}

/// Waits until the command has started, or something failed.
pub(super) fn hear(from: OwnedFd) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    let _ = File::from(from).read_to_end(&mut bytes);
    match bytes.split_first() {
        None => Ok(()),
        Some((code, said)) => Err(Failure {
            code: *code,
            said: String::from_utf8_lossy(said).into_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_arrive_as_they_were() {
        let pipe = || rustix::pipe::pipe().unwrap();
        let (from, to) = pipe();
        let failure = Failure {
            code: 127,
            said: "no sh".into(),
        };
        tell(to, &failure);
        assert_eq!(hear(from), Err(failure));
        let (from, to) = pipe();
        drop(to);
        assert_eq!(hear(from), Ok(()));
    }
}

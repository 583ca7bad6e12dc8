//! Who is measured, one run, and what many runs come to.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Result;

/// Who runs a program.
pub(super) const NATIVE: usize = 0;
pub(super) const QEMU: usize = 1;
pub(super) const INSTALLED: usize = 2;
pub(super) const OURS: usize = 3;
pub(super) const CANDIDATES: usize = 4;

pub(super) const CANDIDATE_NAMES: [&str; CANDIDATES] =
    ["native", "newest QEMU", "installed QEMU", "ours"];

/// A program for both machines.
pub(super) struct Program {
    pub(super) native: PathBuf,
    pub(super) guest: PathBuf,
}

/// The candidates' emulators; native code needs none.
pub(super) struct Machines {
    pub(super) emulators: [Option<PathBuf>; CANDIDATES],
}

/// What one run printed, or how it failed.
pub(super) type Outcome = Result<String, String>;

impl Machines {
    pub(super) fn command(&self, candidate: usize, program: &Program) -> Command {
        match &self.emulators[candidate] {
            None => Command::new(&program.native),
            Some(emulator) => {
                let mut command = Command::new(emulator);
                command.arg(&program.guest);
                command
            }
        }
    }

    /// Runs a program once: seconds, and what it printed.
    pub(super) fn time(
        &self,
        candidate: usize,
        program: &Program,
        args: &[&str],
    ) -> Result<(f64, Outcome)> {
        let mut command = self.command(candidate, program);
        command.args(args).stdin(Stdio::null());
        let started = Instant::now();
        let output = command.output()?;
        let seconds = started.elapsed().as_secs_f64();
        let outcome = if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{}; {}", output.status, said.trim()))
        };
        Ok((seconds, outcome))
    }
}

/// The times of one thing, by candidate.
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) seconds: [Vec<f64>; CANDIDATES],
    /// Whose runs did not all print what native code does.
    pub(super) failed: [bool; CANDIDATES],
    /// What went wrong, for the page and the exit code.
    pub(super) wrong: Vec<String>,
}

impl Measured {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seconds: Default::default(),
            failed: [false; CANDIDATES],
            wrong: Vec::new(),
        }
    }

    /// One round: every candidate once; native's answer is the measure.
    pub(super) fn round(
        &mut self,
        machines: &Machines,
        program: &Program,
        args: &[&str],
    ) -> Result<()> {
        let mut expected = None;
        for (candidate, who) in CANDIDATE_NAMES.iter().enumerate() {
            let (seconds, outcome) = machines.time(candidate, program, args)?;
            let expected = expected.get_or_insert_with(|| outcome.clone());
            if outcome.is_ok() && outcome == *expected {
                self.seconds[candidate].push(seconds);
                continue;
            }
            self.failed[candidate] = true;
            let what = match outcome {
                Ok(text) => format!("prints {}", text.trim()),
                Err(error) => error,
            };
            let line = format!("{}, {who}: {what}", self.name);
            if !self.wrong.contains(&line) {
                self.wrong.push(line);
            }
        }
        Ok(())
    }

    /// A candidate's median, unless a run of it failed.
    pub(super) fn median(&self, candidate: usize) -> Option<f64> {
        if self.failed[candidate] {
            return None;
        }
        median(&self.seconds[candidate])
    }

    /// Its fastest run, unless one failed: what other work on the machine has
    /// disturbed least.
    pub(super) fn fastest(&self, candidate: usize) -> Option<f64> {
        if self.failed[candidate] {
            return None;
        }
        self.seconds[candidate].iter().copied().reduce(f64::min)
    }

    pub(super) fn ratio(&self, over: usize, under: usize) -> Option<f64> {
        Some(self.median(over)? / self.median(under)?)
    }
}

pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

pub(super) fn geometric_mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let count = u32::try_from(values.len()).ok()?;
    Some((values.iter().map(|v| v.ln()).sum::<f64>() / f64::from(count)).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_of_what_there_is() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[]), None);
        let mean = geometric_mean(&[2.0, 8.0]).unwrap_or_default();
        assert!((mean - 4.0).abs() < 1e-12);
        assert_eq!(geometric_mean(&[]), None);
    }
}

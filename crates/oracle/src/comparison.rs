//! A comparison: batches of random programs, run three ways, from what the environment
//! asks for to what is said of them in the end.

use a64::decode::Op;

use crate::case::{Batch, MAX_STATES};
use crate::drive::{Executors, Report, Settings, With};
use crate::random::Rng;

/// A comparison of a name.
#[derive(Debug)]
pub struct Comparison {
    name: &'static str,
    settings: Settings,
    /// How much is to be compared.
    pub count: usize,
    /// Who runs the batches.
    pub executors: Executors,
    /// What came of those so far.
    pub report: Report,
}

impl Comparison {
    /// Starts one that compares so many of something: the first number, or with
    /// `ARMISTICE_LONG` the second. `temporary` is `CARGO_TARGET_TMPDIR`.
    ///
    /// # Panics
    /// When an executor can't be had.
    #[must_use]
    #[allow(clippy::print_stderr, reason = "tests show what they run")]
    pub fn start(name: &'static str, temporary: &str, [short, long]: [usize; 2], of: &str) -> Self {
        let settings = Settings::read(temporary);
        let usual = if settings.long { long } else { short };
        let count = settings.states.unwrap_or(usual);
        let executors = Executors::start(&settings).expect("all executors");
        let version = &executors.qemu.version;
        eprintln!("{version}, seed {}, {count} {of}", settings.seed);
        Self {
            name,
            settings,
            count,
            executors,
            report: Report::default(),
        }
    }

    /// The random numbers for a subject.
    #[must_use]
    pub fn random(&self, subject: &str) -> Rng {
        Rng::named(self.settings.seed, subject)
    }

    /// Runs a batch about a subject. Returns the states that differ, and with whom.
    ///
    /// # Panics
    /// When QEMU ends.
    pub fn take(&mut self, subject: &str, batch: &Batch) -> Vec<(usize, With)> {
        let three = self.executors.run(batch);
        let three = three.unwrap_or_else(|error| panic!("{subject}: QEMU: {error}"));
        let version = &self.executors.qemu.version;
        self.report.take(subject, batch, &three, version)
    }

    /// Compares all states about each instruction that is asked for, if it is one of
    /// these. `batch` makes at most so many states of them.
    pub fn each_instruction(
        &mut self,
        is_one: impl Fn(Op) -> bool,
        batch: impl Fn(&mut Rng, Op, usize) -> Batch,
    ) {
        for &op in Op::ALL {
            if !self.settings.wants(op.name()) || !is_one(op) {
                continue;
            }
            let mut rng = self.random(op.name());
            let mut left = self.count;
            while left > 0 {
                let batch = batch(&mut rng, op, left.min(MAX_STATES));
                self.take(op.name(), &batch);
                left -= batch.states.len();
            }
        }
    }

    /// Says what came of it.
    ///
    /// # Panics
    /// When executors differ, or nothing was translated.
    pub fn finish(self) {
        self.executors
            .finish(self.name, &self.settings, &self.report);
    }
}

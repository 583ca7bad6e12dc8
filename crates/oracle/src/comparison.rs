//! A comparison: batches of random programs, run three ways, from what the environment
//! asks for to what is said of them in the end.

use std::io;

use crate::case::{Batch, MAX_STATES};
use crate::compare::differences;
use crate::drive::{Executors, Report, Settings, Three, With};
use crate::known::{context, excuse};
use crate::random::Rng;
use crate::shrink::{alone, shrink};
use crate::tested::{SEQUENCES, State as _, Tested};

/// How many differences of sequences are made short and shown.
const SHOWN: usize = 12;

/// A comparison of a name.
#[derive(Debug)]
pub struct Comparison<G: Tested> {
    name: &'static str,
    settings: Settings,
    /// How much is to be compared.
    pub count: usize,
    /// Who runs the batches.
    pub executors: Executors<G>,
    /// What came of those so far.
    pub report: Report,
    /// How many differences were shown.
    shown: usize,
}

impl<G: Tested> Comparison<G> {
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
            shown: 0,
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
    pub fn take(&mut self, subject: &str, batch: &Batch<G>) -> Vec<(usize, With)> {
        let three = self.executors.run(batch);
        let mut three = three.unwrap_or_else(|error| panic!("{subject}: QEMU: {error}"));
        self.report.repeated += self
            .repeat_what_others_reached(subject, batch, &mut three)
            .unwrap_or_else(|error| panic!("{subject}: QEMU: {error}"));
        let version = &self.executors.qemu.version;
        self.report.take(subject, batch, &three, version)
    }

    /// Where QEMU is known to go on behind an instruction at which the others end, what comes
    /// behind may write anywhere in its process, over the results of other states, too. So a state
    /// that differs in such a batch is run alone, and that is QEMU's result. How many differ no more.
    fn repeat_what_others_reached(
        &mut self,
        subject: &str,
        batch: &Batch<G>,
        three: &mut Three<G>,
    ) -> io::Result<u64> {
        let version = &self.executors.qemu.version;
        let mut differing = Vec::new();
        let mut goes_on = false;
        for n in 0..batch.states.len() {
            let found = differences(&three.interpreter, &three.qemu, n);
            if found.is_empty() {
                continue;
            }
            let context = context(subject, batch, (&three.interpreter, &three.qemu), n);
            let ends = |state: &G::Registers| (state.end().signal, state.pc());
            match excuse(&found, &context, version) {
                None => differing.push(n),
                Some(_) => goes_on |= ends(context.ours) != ends(context.theirs),
            }
        }
        let mut reached = 0;
        for n in differing.into_iter().filter(|_| goes_on) {
            let alone = self.executors.run(&alone(batch, n))?.qemu;
            three.qemu.put(n, &alone);
            reached += u64::from(differences(&three.interpreter, &three.qemu, n).is_empty());
        }
        Ok(reached)
    }

    /// Runs a batch of sequences. The first differences are made as short as they get, and shown.
    ///
    /// # Panics
    /// When QEMU ends.
    #[allow(clippy::print_stderr, reason = "tests show what they found")]
    pub fn sequences(&mut self, batch: &Batch<G>) {
        for (n, with) in self.take(SEQUENCES, batch) {
            if self.shown < SHOWN {
                let shorter = shrink(&mut self.executors, batch, n, with).expect("QEMU");
                eprintln!("Shortened:\n{shorter}");
                self.shown += 1;
            }
        }
    }

    /// Whether many states are compared.
    #[must_use]
    pub const fn is_long(&self) -> bool {
        self.settings.long
    }

    /// Compares all states about each instruction whose name is asked for. `batch` makes at most so many states of
    /// them.
    pub fn each_instruction<I: Copy>(
        &mut self,
        instructions: impl IntoIterator<Item = (String, I)>,
        batch: impl Fn(&mut Rng, I, usize) -> Batch<G>,
    ) {
        for (name, instruction) in instructions {
            if !self.settings.wants(&name) {
                continue;
            }
            let mut rng = self.random(&name);
            let mut left = self.count;
            while left > 0 {
                let batch = batch(&mut rng, instruction, left.min(MAX_STATES));
                self.take(&name, &batch);
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

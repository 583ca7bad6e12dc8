//! Running batches three ways and keeping count of what came of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use x64::features::HostFeatures;

use crate::case::{Batch, Results};
use crate::compare::{Difference, differences, show};
use crate::interpreter;
use crate::known::{context, excuse};
use crate::qemu::{self, Qemu};
use crate::tested::{State as _, Tested};
use crate::translator::Translator;

/// What the environment asks for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `ARMISTICE_LONG`: many states instead of a few.
    pub long: bool,
    /// `ARMISTICE_SEED`.
    pub seed: u64,
    /// `ARMISTICE_OP`: only instructions whose name starts so.
    pub op: Option<String>,
    /// `ARMISTICE_STATES`: how many states an instruction.
    pub states: Option<usize>,
    /// Cargo's target folder.
    pub target: PathBuf,
}

/// The target folder of `CARGO_TARGET_TMPDIR`; a target triple may lie between.
fn target_of(temporary: &Path) -> PathBuf {
    let folders = || temporary.ancestors().skip(1).take(2);
    folders()
        .find(|folder| folder.join(qemu::NEWEST).is_dir())
        .or_else(|| folders().next())
        .map(Path::to_owned)
        .unwrap_or_default()
}

impl Settings {
    /// As the environment has them. `temporary` is `CARGO_TARGET_TMPDIR`.
    ///
    /// # Panics
    /// When a number is none.
    #[must_use]
    pub fn read(temporary: &str) -> Self {
        let text = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let number = |name| {
            text(name).map(|t| {
                t.parse::<u64>()
                    .unwrap_or_else(|_| panic!("{name} is no number"))
            })
        };
        Self {
            long: text("ARMISTICE_LONG").is_some_and(|text| text != "0"),
            seed: number("ARMISTICE_SEED").unwrap_or(1),
            op: text("ARMISTICE_OP"),
            states: number("ARMISTICE_STATES").map(|n| n as usize),
            target: target_of(Path::new(temporary)),
        }
    }

    /// Whether the instruction is asked for: by its name, or by the part behind `A32.` or
    /// `T32.`.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        let own = name.split_once('.').map_or(name, |(_, own)| own);
        self.op
            .as_deref()
            .is_none_or(|op| name.starts_with(op) || own.starts_with(op))
    }
}

/// The three executors. `ARMISTICE_WITHOUT_AVX512` makes the translator's that
/// of a host without AVX-512.
#[derive(Debug)]
pub struct Executors<G: Tested> {
    /// QEMU.
    pub qemu: Qemu<G>,
    /// The translator. The interpreter needs nothing.
    pub translator: Translator<G>,
}

/// What each made of a batch.
#[derive(Debug)]
pub struct Three<G: Tested> {
    /// QEMU.
    pub qemu: Results<G>,
    /// The interpreter.
    pub interpreter: Results<G>,
    /// The translator.
    pub translator: Results<G>,
}

/// With whom the interpreter differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// The translator.
    Translator,
    /// QEMU.
    Qemu,
}

impl With {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Translator => "translator",
            Self::Qemu => "QEMU",
        }
    }
}

impl<G: Tested> Executors<G> {
    /// Starts all.
    ///
    /// # Errors
    /// When one of them can't be had.
    pub fn start(settings: &Settings) -> io::Result<Self> {
        let folder = settings.target.join("tmp/oracle").join(G::EMULATOR.name);
        let host = if std::env::var_os("ARMISTICE_WITHOUT_AVX512").is_some() {
            HostFeatures::detect().without_avx512()
        } else {
            HostFeatures::detect()
        };
        Ok(Self {
            qemu: Qemu::start(&qemu::binary::<G>(&settings.target), &folder)?,
            translator: Translator::new(host)?,
        })
    }

    /// Runs a batch three ways, QEMU beside the others.
    ///
    /// # Errors
    /// QEMU's.
    pub fn run(&mut self, batch: &Batch<G>) -> io::Result<Three<G>> {
        self.qemu.post(batch)?;
        let interpreter = interpreter::run(batch);
        let translator = self.translator.run(batch);
        Ok(Three {
            qemu: self.qemu.collect()?,
            interpreter,
            translator,
        })
    }
}

/// What came of the states about one subject.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// How many were compared.
    pub states: u64,
    /// How many ended in a fault.
    pub faults: u64,
    /// In how many QEMU differs in a known way.
    pub known: u64,
    /// In how many QEMU and the interpreter differ otherwise.
    pub qemu: u64,
    /// In how many translator and interpreter differ.
    pub translator: u64,
    /// In how many translator and QEMU agree against the interpreter.
    pub alone: u64,
    /// The first of each, shown.
    pub examples: Vec<String>,
}

impl Tally {
    /// Whether nothing unexplained differs.
    #[must_use]
    pub const fn clean(&self) -> bool {
        self.qemu == 0 && self.translator == 0
    }
}

/// What came of all.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By subject: the instruction, or the kind of sequence.
    pub tallies: BTreeMap<String, Tally>,
    /// How often each entry of the known differences was met, by its reason.
    pub known: BTreeMap<&'static str, u64>,
    /// How many results of QEMU's another state of the batch had written over, in which QEMU goes on
    /// behind an end: these were run alone.
    pub repeated: u64,
}

impl Report {
    /// Compares what the three made of a batch about one subject. The result
    /// is the states that differ, and with whom.
    pub fn take<G: Tested>(
        &mut self,
        subject: &str,
        batch: &Batch<G>,
        three: &Three<G>,
        version: &str,
    ) -> Vec<(usize, With)> {
        let mut differing = Vec::new();
        let tally = self.tallies.entry(subject.into()).or_default();
        let context = |theirs, n| context(subject, batch, (&three.interpreter, theirs), n);
        for n in 0..batch.states.len() {
            let ours = &three.interpreter.states[n];
            tally.states += 1;
            tally.faults += u64::from(ours.end().signal != 0);
            let found = differences(&three.interpreter, &three.qemu, n);
            if !found.is_empty() {
                if let Some(reason) = excuse(&found, &context(&three.qemu, n), version) {
                    tally.known += 1;
                    *self.known.entry(reason).or_default() += 1;
                } else {
                    tally.qemu += 1;
                    differing.push((n, With::Qemu));
                    let count = tally.qemu;
                    example(tally, count, batch, n, "QEMU", &found);
                }
                let alone = differences(&three.translator, &three.qemu, n).is_empty();
                tally.alone += u64::from(alone);
            }
            let found = differences(&three.interpreter, &three.translator, n);
            if !found.is_empty() && !G::is_open(&found, &context(&three.translator, n)) {
                tally.translator += 1;
                differing.push((n, With::Translator));
                let count = tally.translator;
                example(tally, count, batch, n, "translator", &found);
            }
        }
        differing
    }

    /// The subjects with differences that are not known, shown.
    #[must_use]
    pub fn failures(&self) -> String {
        let mut text = String::new();
        for (subject, tally) in self.tallies.iter().filter(|(_, tally)| !tally.clean()) {
            let _ = writeln!(
                text,
                "{subject}: of {} states, interpreter and QEMU differ in {}, interpreter and \
                 translator in {}, and the interpreter is alone in {}",
                tally.states, tally.qemu, tally.translator, tally.alone
            );
            for example in &tally.examples {
                let _ = writeln!(text, "{example}");
            }
        }
        text
    }

    /// The sums over all subjects.
    #[must_use]
    pub fn sum(&self) -> Tally {
        self.tallies
            .values()
            .fold(Tally::default(), |mut sum, tally| {
                sum.states += tally.states;
                sum.faults += tally.faults;
                sum.known += tally.known;
                sum.qemu += tally.qemu;
                sum.translator += tally.translator;
                sum.alone += tally.alone;
                sum
            })
    }
}

/// Keeps the first case of each kind.
fn example<G: Tested>(
    tally: &mut Tally,
    count: u64,
    batch: &Batch<G>,
    n: usize,
    with: &str,
    found: &[Difference],
) {
    if count == 1 {
        tally
            .examples
            .push(show(batch, n, ("interpreter", with), found));
    }
}

impl<G: Tested> Executors<G> {
    /// Says what came of it, and panics when something differs.
    ///
    /// # Panics
    /// When executors differ, or nothing was translated.
    pub fn finish(&self, name: &str, settings: &Settings, report: &Report) {
        let sum = report.sum();
        let counts = &self.translator.counts;
        let text = self.results(name, settings, report);
        if let Some(folder) = std::env::var_os("ARMISTICE_RESULTS") {
            let place = Path::new(&folder).join(name).with_extension("md");
            std::fs::write(place, &text).expect("the results are written");
        }
        #[allow(
            clippy::print_stderr,
            reason = "the sums are shown by tests that pass too"
        )]
        {
            eprintln!("{text}");
        }
        if sum.states == 0 && settings.op.is_some() {
            // No instruction of that name is this test's.
            return;
        }
        assert!(sum.states > 0, "nothing was compared");
        assert!(
            counts.regions > 0 && counts.bytes > 0,
            "nothing was translated"
        );
        assert!(
            sum.clean(),
            "seed {}:\n{}\n{text}",
            settings.seed,
            report.failures()
        );
    }

    /// The results as a part of a page.
    fn results(&self, name: &str, settings: &Settings, report: &Report) -> String {
        let sum = report.sum();
        let counts = &self.translator.counts;
        let mut text = format!(
            "## {name}\n\nSeed {}, {}. {} subjects, {} states, of which {} ended in a fault. \
             {} regions of {} instructions were translated to {} bytes; {} of the instructions, of {} \
             rows of the tables, were left to the interpreter.\n\n\
             Differences: interpreter and translator {}, interpreter and QEMU {} beside {} that \
             are known.\n",
            settings.seed,
            self.qemu.version,
            report.tallies.len(),
            sum.states,
            sum.faults,
            counts.regions,
            counts.instructions,
            counts.bytes,
            counts.interpreted.values().sum::<u64>(),
            counts.interpreted.len(),
            sum.translator,
            sum.qemu,
            sum.known,
        );
        if !report.known.is_empty() {
            text.push_str("\nKnown differences that were met:\n\n");
        }
        for (reason, count) in &report.known {
            let _ = writeln!(text, "- {count} times: {reason}");
        }
        if report.repeated > 0 {
            let _ = writeln!(
                text,
                "\n{} of QEMU's results are of runs alone: another state of the batch, in which QEMU goes on behind an \
                 end, had written over them.",
                report.repeated
            );
        }
        if !sum.clean() {
            text.push_str("\nSubjects that differ: states, with the translator, with QEMU, the interpreter alone\n\n");
        }
        for (subject, tally) in report.tallies.iter().filter(|(_, tally)| !tally.clean()) {
            let _ = writeln!(
                text,
                "- {subject}: {}, {}, {}, {}",
                tally.states, tally.translator, tally.qemu, tally.alone
            );
        }
        text
    }
}

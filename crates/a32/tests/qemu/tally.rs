//! Batches run by all executors, and what came of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use armistice_a32::decode::{Insn, decode};

use crate::case::{Batch, Results, State};
use crate::compare::{Place, differences};
use crate::qemu::Qemu;
use crate::sandbox::Sandbox;
use crate::translator::Translator;
use crate::{interpreter, known, setting};

/// The executors, what was compared, and what differed.
pub(crate) struct Tally {
    qemu: Qemu,
    pub(crate) sandbox: Sandbox,
    translator: Translator,
    /// How many rows, or programs.
    pub(crate) subjects: usize,
    states: u32,
    pub(crate) faults: u32,
    known: BTreeMap<&'static str, u32>,
    /// How often a subject differs, and an example.
    failures: BTreeMap<String, (u32, String)>,
}

impl Tally {
    /// Starts the executors.
    pub(crate) fn start() -> Self {
        let (sandbox, translator) = (Sandbox::new(), Translator::new());
        Self {
            qemu: Qemu::start(),
            sandbox,
            translator,
            subjects: 0,
            states: 0,
            faults: 0,
            known: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Runs a batch about a subject; `row` names the row that a difference of a state is about.
    ///
    /// # Panics
    /// When QEMU doesn't answer.
    pub(crate) fn compare(
        &mut self,
        batch: &Batch,
        subject: &str,
        row: impl Fn(usize, &State) -> Option<String>,
    ) {
        self.qemu.start_batch(batch);
        let leave = self.qemu.leave;
        let ours = interpreter::run(&mut self.sandbox, batch, leave);
        let translated = self.translator.run(&mut self.sandbox, batch, leave);
        let theirs = self
            .qemu
            .results(batch)
            .unwrap_or_else(|error| panic!("{subject}: QEMU: {error}"));
        for n in 0..batch.states.len() {
            let left = &ours.states[n];
            self.states += 1;
            self.faults += u32::from(left.signal != 0);
            let row = row(n, left).unwrap_or_default();
            let found = between(&ours, &translated, n);
            let places: Vec<Place> = found.iter().map(|f| f.0).collect();
            if !found.is_empty() && !known::is_open(&row, &places, left) {
                self.fails(batch, subject, n, ("translator", &found));
            }
            let found = between(&ours, &theirs, n);
            if found.is_empty() {
                continue;
            }
            let places: Vec<Place> = found.iter().map(|f| f.0).collect();
            match known::explained(&row, &places, left, &theirs.states[n]) {
                Some(entry) => *self.known.entry(entry.reason).or_default() += 1,
                None => self.fails(batch, subject, n, ("QEMU", &found)),
            }
        }
    }

    fn fails(
        &mut self,
        batch: &Batch,
        subject: &str,
        n: usize,
        (other, found): (&str, &[(Place, u64, u64)]),
    ) {
        let failure = self
            .failures
            .entry(subject.to_owned())
            .or_insert_with(|| (0, show(batch, n, found, other)));
        failure.0 += 1;
    }

    /// Says what came of it, and panics when something differs.
    ///
    /// # Panics
    /// When the executors differ, or nothing was compared though all was asked for.
    pub(crate) fn finish(&self, name: &str, seed: u64) {
        let text = self.results(name, seed);
        if let Some(folder) = std::env::var_os("ARMISTICE_RESULTS") {
            let place = std::path::Path::new(&folder).join(format!("{name}.md"));
            std::fs::write(place, &text).expect("the results are written");
        }
        eprintln!("{text}");
        let mut examples = String::new();
        for (name, (count, example)) in &self.failures {
            let _ = writeln!(examples, "{name}: {count}\n{example}");
        }
        assert!(
            self.failures.is_empty(),
            "{} subjects differ:\n{examples}",
            self.failures.len()
        );
        let some = self.states > 0 || setting("ARMISTICE_OP").is_some();
        assert!(some, "nothing was compared");
    }

    /// The results as a part of a page.
    fn results(&self, name: &str, seed: u64) -> String {
        let differences: u32 = self.failures.values().map(|failure| failure.0).sum();
        let known: u32 = self.known.values().sum();
        let mut text = format!(
            "## {name}\n\nSeed {seed}, {}. {} subjects, {} states, of which {} ended in a \
             fault. {} instructions were translated, of which {} were left to the interpreter, \
             of {} rows.\n\nDifferences: {differences} beside {known} from QEMU that \
             are known.\n",
            self.qemu.version,
            self.subjects,
            self.states,
            self.faults,
            self.translator.counts.all,
            self.translator.counts.left.values().sum::<u64>(),
            self.translator.counts.left.len(),
        );
        if known > 0 {
            text.push_str("\nKnown differences that were met:\n\n");
        }
        for (reason, count) in &self.known {
            let _ = writeln!(text, "- {count} times: {reason}");
        }
        text
    }
}

/// Where a state differs between the interpreter and another executor.
fn between(ours: &Results, theirs: &Results, n: usize) -> Vec<(Place, u64, u64)> {
    differences(
        (&ours.states[n], ours.data_of(n)),
        (&theirs.states[n], theirs.data_of(n)),
    )
}

/// A case and its differences from another executor as text.
fn show(batch: &Batch, n: usize, found: &[(Place, u64, u64)], other: &str) -> String {
    let (program, before) = &batch.states[n];
    let program = &batch.programs[*program];
    let mut text = format!("  at {:#x}:", program.address);
    for &word in &program.words {
        let name = decode(program.set, word).map_or("-", Insn::name);
        let _ = write!(text, " {word:08x} {name};");
    }
    let _ = writeln!(
        text,
        "\n  before: {:08x?} cpsr {:08x} fpscr {:08x}",
        before.r, before.cpsr, before.fpscr
    );
    for (place, ours, theirs) in found.iter().take(8) {
        let _ = writeln!(
            text,
            "  {place:?}: interpreter {ours:#x}, {other} {theirs:#x}"
        );
    }
    text
}

//! Applying planned changes as one transaction, in an order that may be cut off
//! anywhere.
//!
//! Invariants, also if the process is killed between two writes:
//! - What ran before still runs. Until a handler is proven it takes test programs
//!   only, so that neither the programs of its architecture nor this machine's
//!   own depend on it. An old entry is removed only when the proven one that
//!   takes its place is there.
//! - An entry that is left over has a name by which the next run finds it.
//!
//! Dropping a [`Transaction`] without [`Transaction::commit`] leaves the table
//! as it was found.

use crate::entry::Entry;
use crate::error::BinfmtError;
use crate::line::Registration;
use crate::lock::Locked;
use crate::plan::{Action, Change};
use crate::table::Snapshot;

/// What the name of an entry ends with until it is committed.
const TEMPORARY: &str = ".new";

/// Changes that can be proven, and still be taken back.
#[derive(Debug)]
pub struct Transaction<'t> {
    table: &'t Locked<'t>,
    steps: Vec<Step>,
    /// Names made by us, in order; removed by a rollback.
    made: Vec<String>,
    /// Entries of ours that the new ones make needless: an earlier run that was
    /// killed left them, or they have another name.
    needless: Vec<String>,
}

/// One entry that is to be made.
#[derive(Debug)]
struct Step {
    /// Which of the changes.
    index: usize,
    name: String,
    /// Its name meanwhile.
    temporary: String,
    /// Whether an entry of that name is there and gives way.
    replaces: bool,
}

impl<'t> Transaction<'t> {
    /// Registers all that is new for a trial: handlers for test programs only
    /// ([`armistice_arch::trial`]), beside what is there.
    ///
    /// # Errors
    /// As [`Locked::register`]; what was made until then has been removed.
    pub fn begin(
        table: &'t Locked<'t>,
        live: &Snapshot,
        changes: &[Change],
    ) -> Result<Self, BinfmtError> {
        let steps = changes.iter().enumerate();
        let steps = steps.filter(|(_, change)| change.action != Action::Keep);
        let mut transaction = Transaction {
            table,
            steps: steps
                .map(|(i, change)| Step::new(live, i, change))
                .collect(),
            made: Vec::new(),
            needless: needless(live, changes),
        };
        match transaction.try_out(changes) {
            Ok(()) => Ok(transaction),
            Err(error) => Err(transaction.undo_after(error)),
        }
    }

    /// Takes everything back; the table is what it was.
    ///
    /// # Errors
    /// [`BinfmtError::Io`] where an entry could not be removed.
    pub fn rollback(mut self) -> Result<(), BinfmtError> {
        self.undo()
    }

    /// Gives the entries their real patterns, names and final form, and removes
    /// what they replace. `finals` are the wanted entries, in the order of the
    /// changes: the same, with all that has become known of their emulators.
    ///
    /// # Errors
    /// As [`Locked::register`], then the table is what it was;
    /// [`BinfmtError::HalfDone`] where the kernel refuses now what it took
    /// under another name a moment ago; the handler stays under that name.
    pub fn commit(mut self, finals: &[Registration]) -> Result<(), BinfmtError> {
        if let Err(error) = self.put_in_front(finals) {
            return Err(self.undo_after(error));
        }
        // From here on all that is new is in effect, and stays.
        self.made.clear();
        for step in self.steps.iter().filter(|step| step.replaces) {
            self.table.remove(&step.name)?;
            self.table
                .register(&finals[step.index].named(&step.name))
                .map_err(|error| BinfmtError::HalfDone {
                    original: Box::new(error),
                    undo: format!(
                        "the handler is registered and works, under the name {}",
                        step.temporary
                    ),
                })?;
            self.table.remove(&step.temporary)?;
        }
        self.needless
            .iter()
            .try_for_each(|name| self.table.remove(name))
    }

    fn try_out(&mut self, changes: &[Change]) -> Result<(), BinfmtError> {
        for step in &self.steps {
            let trial = changes[step.index].wanted.for_trial(&step.temporary)?;
            self.table.register(&trial)?;
            self.made.push(step.temporary.clone());
        }
        Ok(())
    }

    /// Each trial's handler gives way to the real one, which comes before what
    /// it will replace.
    fn put_in_front(&mut self, finals: &[Registration]) -> Result<(), BinfmtError> {
        for step in &self.steps {
            self.table.remove(&step.temporary)?;
            self.made.retain(|name| *name != step.temporary);
            let name = if step.replaces {
                &step.temporary
            } else {
                &step.name
            };
            self.table.register(&finals[step.index].named(name))?;
            self.made.push(name.clone());
        }
        Ok(())
    }

    fn undo(&mut self) -> Result<(), BinfmtError> {
        let made = std::mem::take(&mut self.made);
        let results: Vec<_> = made
            .iter()
            .rev()
            .map(|name| self.table.remove(name))
            .collect();
        results.into_iter().collect()
    }

    fn undo_after(&mut self, error: BinfmtError) -> BinfmtError {
        match self.undo() {
            Ok(()) => error,
            Err(undo) => BinfmtError::HalfDone {
                original: Box::new(error),
                undo: undo.to_string(),
            },
        }
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // Reached with entries still made only where the caller panicked or
        // returned early; nobody is left to be told of a failure.
        let _ = self.undo();
    }
}

impl Step {
    fn new(live: &Snapshot, index: usize, change: &Change) -> Step {
        let name = change.wanted.name.clone();
        let mut temporary = format!("{name}{TEMPORARY}");
        while live.get(&temporary).is_some() {
            temporary.push('+');
        }
        Step {
            index,
            replaces: live.get(&name).is_some(),
            name,
            temporary,
        }
    }
}

/// The name that a temporary entry was to get.
fn base(name: &str) -> Option<&str> {
    name.trim_end_matches('+').strip_suffix(TEMPORARY)
}

/// Entries of ours that nothing depends on once the changes are made.
fn needless(live: &Snapshot, changes: &[Change]) -> Vec<String> {
    let replaced = |entry: &Entry| {
        let name = base(&entry.name).unwrap_or(&entry.name);
        changes
            .iter()
            .any(|c| c.wanted.is_called(name) && c.wanted.name != entry.name)
    };
    // Of other architectures: a trial's handler, and a new one whose old one is there.
    let left_over = |entry: &Entry| {
        let trial = entry
            .pattern()
            .is_some_and(armistice_arch::Pattern::is_for_trial);
        base(&entry.name).is_some_and(|name| {
            let old = live.get(name);
            trial || old.is_some_and(|old| old.enabled && old.mark.is_ours())
        })
    };
    live.entries
        .iter()
        .filter(|e| e.mark.is_ours() && (replaced(e) || left_over(e)))
        .map(|e| e.name.clone())
        .collect()
}

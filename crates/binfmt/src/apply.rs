//! Applying planned changes as one transaction.
//!
//! Invariants: while a [`Transaction`] lives, every handler that was in the
//! table is still in it; dropping it without [`Transaction::commit`] leaves the
//! table as it was found. What is new works under a temporary name from `begin`
//! on (the newest entry wins), so that it can be proven beside the old.

use crate::error::BinfmtError;
use crate::line::Registration;
use crate::plan::{Action, Change};
use crate::table::{Snapshot, Table};

/// What the name of an entry ends with until it is committed.
const TEMPORARY: &str = ".new";

/// Changes that work but can still be taken back.
#[derive(Debug)]
pub struct Transaction<'t> {
    table: &'t Table,
    changes: Vec<Change>,
    /// Names made by us, in order; removed by a rollback.
    made: Vec<String>,
    /// Temporary entries that an earlier run left behind.
    leftovers: Vec<String>,
}

impl<'t> Transaction<'t> {
    /// Registers all that is new, beside what is there.
    ///
    /// # Errors
    /// As [`Table::register`]; what was made until then has been removed.
    pub fn begin(
        table: &'t Table,
        live: &Snapshot,
        changes: Vec<Change>,
    ) -> Result<Self, BinfmtError> {
        let leftovers = leftovers(live, &changes);
        let mut transaction = Transaction {
            table,
            changes,
            made: Vec::new(),
            leftovers,
        };
        match transaction.make_all(live) {
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

    /// Gives the entries their real names and final form, and removes what they
    /// replace. `finals` are the wanted entries, in the order of the changes:
    /// the same, with all that has become known of their emulators.
    ///
    /// # Errors
    /// [`BinfmtError::HalfDone`] where the kernel refuses now what it took
    /// under another name a moment ago; the handler stays under that name.
    pub fn commit(mut self, finals: &[Registration]) -> Result<(), BinfmtError> {
        let made = std::mem::take(&mut self.made);
        let changed = self
            .changes
            .iter()
            .zip(finals)
            .filter(|(c, _)| c.action != Action::Keep);
        for ((_, wanted), made) in changed.zip(made) {
            self.table.remove(&wanted.name)?;
            self.table
                .register(wanted)
                .map_err(|error| BinfmtError::HalfDone {
                    original: Box::new(error),
                    undo: format!("the handler is registered and works, under the name {made}"),
                })?;
            self.table.remove(&made)?;
        }
        self.leftovers
            .iter()
            .try_for_each(|name| self.table.remove(name))
    }

    fn make_all(&mut self, live: &Snapshot) -> Result<(), BinfmtError> {
        for change in &self.changes {
            if change.action == Action::Keep {
                continue;
            }
            let name = free_name(live, &change.wanted.name);
            self.table.register(&change.wanted.named(&name))?;
            self.made.push(name);
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

fn free_name(live: &Snapshot, name: &str) -> String {
    let mut candidate = format!("{name}{TEMPORARY}");
    while live.get(&candidate).is_some() {
        candidate.push('+');
    }
    candidate
}

/// Our own temporary entries for the wanted names, left by a run that was killed.
fn leftovers(live: &Snapshot, changes: &[Change]) -> Vec<String> {
    live.entries
        .iter()
        .filter(|e| e.mark.is_ours())
        .filter(|e| {
            changes
                .iter()
                .any(|c| e.name.starts_with(&format!("{}{TEMPORARY}", c.wanted.name)))
        })
        .map(|e| e.name.clone())
        .collect()
}

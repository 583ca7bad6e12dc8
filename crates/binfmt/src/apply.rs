//! Applying planned changes as one transaction.
//!
//! Invariants: while a [`Transaction`] lives, every handler that was in the
//! table is still in it; dropping it without [`Transaction::commit`] leaves the
//! table as it was found. A replacement works under a temporary name from
//! `begin` on (the newest entry wins), so that it can be proven beside the old.

use crate::error::BinfmtError;
use crate::plan::{Action, Change};
use crate::table::{Snapshot, Table};

/// What the name of a replacement ends with until it is committed.
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

    /// Lets the replacements take their real names and removes what they replace.
    ///
    /// # Errors
    /// [`BinfmtError::HalfDone`] where the kernel refuses now what it took
    /// under another name a moment ago; the handler stays under that name.
    pub fn commit(mut self) -> Result<(), BinfmtError> {
        let made = std::mem::take(&mut self.made);
        for (change, made) in self
            .changes
            .iter()
            .filter(|c| c.action != Action::Keep)
            .zip(made)
        {
            if made == change.wanted.name {
                continue;
            }
            self.table.remove(&change.wanted.name)?;
            self.table
                .register(&change.wanted)
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
            let name = match change.action {
                Action::Keep => continue,
                Action::Add => change.wanted.name.clone(),
                Action::Replace { .. } => free_name(live, &change.wanted.name),
            };
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

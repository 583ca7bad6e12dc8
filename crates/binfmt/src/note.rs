//! A note in the table: "somebody has chosen what runs here".
//!
//! The table is all that a container leaves for the next one. If a container was told what to
//! register and found nothing to register (all of it runs already), the note tells that to the
//! next one. It lasts as long as registrations do.
//!
//! Invariant: the note is no handler. It is a disabled entry for an ending that
//! no file has, and [`Table::snapshot`](crate::Table::snapshot) leaves it out.

use rustix::io::Errno;

use crate::error::BinfmtError;
use crate::table::{NOTE, Table};

impl Table {
    /// Whether the note is there.
    #[must_use]
    pub fn has_note(&self) -> bool {
        self.contains(NOTE)
    }

    /// Leaves the note; one that is there already is no error.
    ///
    /// # Errors
    /// [`BinfmtError::NoRight`].
    pub fn leave_note(&self) -> Result<(), BinfmtError> {
        let line = format!(":{NOTE}:E::{NOTE}::/nonexistent:");
        match self.write("register", &line) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(errno) => return Err(refused(errno)),
        }
        self.write(NOTE, "0").map_err(refused)
    }

    /// Takes the note away, if it is there.
    ///
    /// # Errors
    /// [`BinfmtError::Io`].
    pub fn take_note_away(&self) -> Result<(), BinfmtError> {
        self.remove_probe(NOTE)
    }
}

fn refused(errno: Errno) -> BinfmtError {
    BinfmtError::NoRight {
        missing: "the kernel refused a note in the table".to_owned(),
        source: Some(errno.into()),
    }
}

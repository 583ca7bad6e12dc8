//! The note in the table that an image's `--install` had nothing to register.
//!
//! Later runs of the image see nothing of an earlier one but the table. By the note they know
//! that something was chosen, and register nothing by themselves.

use anyhow::Result;

use crate::output::Output;
use crate::own;
use crate::registration::live;

/// Whether an earlier run has left the note.
///
/// # Errors
/// Where the table cannot be opened.
pub(crate) fn is_there() -> Result<bool> {
    Ok(live::readable()?.has_note())
}

/// Leaves the note. Where not even a note may be written, no later run could register either.
pub(crate) fn leave(output: Output) {
    if let Ok(table) = live::writable()
        && let Err(error) = table.leave_note()
    {
        output.detail(format!("armistice: {error}"));
    }
}

/// Takes the note away, if there is one.
///
/// # Errors
/// Where it may not be taken away.
pub(crate) fn forget(output: Output) -> Result<()> {
    if is_there().is_ok_and(|there| there) {
        let table = live::writable()?;
        own::lock(&table, output)?.take_note_away()?;
    }
    Ok(())
}

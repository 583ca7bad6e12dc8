//! `unregister`: remove what Armistice registered, and nothing else unless told.

use anyhow::{Result, bail};
use armistice_binfmt::situation;
use armistice_binfmt::{BinfmtError, Entry, Snapshot};

use crate::cli::Unregister;
use crate::outcome::Outcome;
use crate::output::{Output, shown};
use crate::select::Wanted;
use crate::verbs::persist;

pub(crate) fn run(args: &Unregister, output: Output) -> Result<Outcome> {
    let wanted = Wanted::read(&args.names.names)?;
    if args.only_persist {
        persist::undo(&wanted, output)?;
        return Ok(Outcome::Done);
    }
    let live = look()?;
    let going = choose(&live, &wanted, args.replace)?;
    if args.dry_run {
        going
            .iter()
            .for_each(|e| output.data(format!("would remove {}", shown(&e.name))));
        return Ok(Outcome::Done);
    }
    // Only where something is to go: opening the table for writing may mount it.
    if !going.is_empty() {
        let table = situation::open_for_writing()?.table;
        for entry in &going {
            table.remove(&entry.name)?;
            output.report(format!("Removed {}", shown(&entry.name)));
        }
    }
    if !matches!(wanted, Wanted::These(_)) {
        forget_choice()?;
    }
    if args.persist {
        persist::undo(&wanted, output)?;
    } else if persist::is_persisted(&wanted) {
        output.note("It comes back at the next boot: it was registered with --persist; undo that with: armistice unregister --persist");
    }
    if going.is_empty() {
        output.note("Nothing of Armistice's was registered.");
    }
    Ok(Outcome::Done)
}

/// Takes away the note that an image's `--install` has left, if there is one.
///
/// # Errors
/// Where it may not be taken away.
pub(crate) fn forget_choice() -> Result<()> {
    if situation::open_for_reading().is_ok_and(|table| table.has_note()) {
        situation::open_for_writing()?.table.take_note_away()?;
    }
    Ok(())
}

/// The table as it is.
///
/// # Errors
/// Where it is out of sight: the right that is missing to change it.
pub(crate) fn look() -> Result<Snapshot> {
    match situation::open_for_reading() {
        Ok(table) => Ok(table.snapshot()?),
        Err(error) if error.is_no_view() => Ok(situation::open_for_writing()?.table.snapshot()?),
        Err(error) => Err(error.into()),
    }
}

/// The entries that go: ours among those meant; somebody else's only if told.
fn choose<'s>(live: &'s Snapshot, wanted: &Wanted, foreign_too: bool) -> Result<Vec<&'s Entry>> {
    let meant = live.entries.iter().filter(|e| is_meant(e, wanted));
    let (ours, foreign): (Vec<_>, Vec<_>) = meant.partition(|e| e.mark.is_ours() || foreign_too);
    match (wanted, foreign.first()) {
        // Named by the user, but not ours: not to be passed over in silence.
        (Wanted::These(_), Some(entry)) => bail!(BinfmtError::Foreign {
            name: entry.name.clone(),
            interpreter: entry.interpreter.clone(),
            flags: entry.flags.to_string(),
        }),
        _ => Ok(ours),
    }
}

/// An entry of Armistice's naming: `qemu-<arch>`, or a temporary one of ours.
fn is_meant(entry: &Entry, wanted: &Wanted) -> bool {
    armistice_arch::ARCHES
        .iter()
        .filter(|a| wanted.includes(a))
        .any(|a| {
            let name = a.entry_name();
            entry.name == name
                || (entry.mark.is_ours() && entry.name.starts_with(&format!("{name}.")))
        })
}

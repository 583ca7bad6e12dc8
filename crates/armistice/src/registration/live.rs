//! The table in which exec looks: looked at, and opened for reading or for writing, in one
//! way by all verbs. Each verb decides what it does where the table is out of sight.
//!
//! Nobody else opens the table (the house test, `xtask/tests/house/layers.rs`). Who changes
//! it takes the lock (`own::lock`) after opening it, and reads it again then.

use anyhow::Result;
use armistice_binfmt::situation::{self, How, Opened, Scope, Situation};
use armistice_binfmt::{BinfmtError, STANDARD_PATH, Snapshot, Table};

use crate::output::Output;
use crate::rootless;

/// What a look at the table gave.
#[derive(Debug)]
pub(crate) enum Live {
    /// What is registered.
    Seen(Snapshot),
    /// The table cannot be looked at from here, and why: what there is, exec alone tells.
    OutOfSight(BinfmtError),
}

/// Looks at the table.
///
/// # Errors
/// Where there is none, or it cannot be read.
pub(crate) fn look() -> Result<Live> {
    of(readable())
}

/// The table, for reading it.
///
/// # Errors
/// Where there is none, or it is out of sight.
pub(crate) fn readable() -> Result<Table, BinfmtError> {
    situation::open_for_reading()
}

/// The same, of a table that was looked for.
///
/// # Errors
/// As [`look`].
pub(crate) fn of(table: Result<Table, BinfmtError>) -> Result<Live> {
    match table {
        Ok(table) => Ok(Live::Seen(table.snapshot()?)),
        Err(error) if error.is_no_view() => Ok(Live::OutOfSight(error)),
        Err(error) => Err(error.into()),
    }
}

impl Live {
    /// What is registered, as far as that is in sight.
    pub(crate) fn or_nothing(self) -> Snapshot {
        match self {
            Live::Seen(live) => live,
            Live::OutOfSight(_) => Snapshot::empty(),
        }
    }

    /// What is registered.
    ///
    /// # Errors
    /// Where it is out of sight.
    pub(crate) fn in_sight(self) -> Result<Snapshot> {
        match self {
            Live::Seen(live) => Ok(live),
            Live::OutOfSight(error) => Err(error.into()),
        }
    }
}

/// What is registered, for who is going to change it.
///
/// # Errors
/// Where it is out of sight: the right that is missing to change it.
pub(crate) fn look_to_change() -> Result<Snapshot> {
    match look()? {
        Live::Seen(live) => Ok(live),
        Live::OutOfSight(_) => Ok(writable()?.snapshot()?),
    }
}

/// What is registered in a table of this user namespace's own; nothing where it has none.
///
/// # Errors
/// Where it cannot be read.
pub(crate) fn look_at_private() -> Result<Snapshot> {
    let Situation { scope, table, .. } = situation::look();
    Ok(match scope {
        Scope::Private => of(table)?.or_nothing(),
        Scope::Initial | Scope::Inherited | Scope::Unclear => Snapshot::empty(),
    })
}

/// The table, for registering in it, mounted so that what is registered will last. Says where
/// the table was found, whose it is, and what an ordinary user can do without it.
///
/// # Errors
/// What is missing.
pub(crate) fn open(output: Output) -> Result<Table> {
    let opened = situation::open_for_writing().map_err(|error| rootless::hint(error, output))?;
    say_how(&opened, output);
    Ok(opened.table)
}

/// The same without a word: for who takes something away, or has said whose table it is.
///
/// # Errors
/// What is missing.
pub(crate) fn writable() -> Result<Table, BinfmtError> {
    Ok(situation::open_for_writing()?.table)
}

/// Says where a table was found, where that is not the usual place, and who else
/// uses it.
fn say_how(opened: &Opened, output: Output) {
    match opened.how {
        How::Mounted => output.detail("binfmt_misc is mounted here."),
        How::HeldElsewhere => output.detail("binfmt_misc is mounted on the host, where this container does not see it."),
        How::MountedHere => output.note(format!("Mounted binfmt_misc at {STANDARD_PATH}.")),
        How::MountedOnHost => output.note(format!(
            "Mounted binfmt_misc on the host, at {STANDARD_PATH}: nothing there held it, and the registrations would \
             have been lost with this container."
        )),
    }
    if let Some(at) = &opened.bystander {
        output.note(format!(
            "The binfmt_misc at {} is another user namespace's table, in which exec does not look from here; it stays \
             as it is.",
            at.display()
        ));
    }
    match opened.scope {
        Scope::Initial => {}
        Scope::Private => output.note(
            "This table is private to this user namespace: programs outside of it do not see what is registered in it, \
             and it ends with the namespace.",
        ),
        Scope::Inherited => output.note(
            "This table is that of an outer user namespace (the machine's, an outer container's, or that of `armistice \
             shell`), as this one has none of its own: what is registered in it holds for all programs there, too.",
        ),
        Scope::Unclear => output.note(
            "This table is this user namespace's own or that of an outer one, which only CAP_SYS_ADMIN would show: what \
             is registered in it may hold for programs outside, too.",
        ),
    }
}

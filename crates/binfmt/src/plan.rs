//! Comparing what is wanted with what is there. Changes nothing.

use crate::entry::Entry;
use crate::error::BinfmtError;
use crate::flags::Flags;
use crate::kernel::KernelVersion;
use crate::line::Registration;
use crate::mark::Mark;
use crate::replay::overlapping;
use crate::table::Snapshot;

/// What is to be done about one wanted entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The entry as it is wanted.
    pub wanted: Registration,
    /// What that takes.
    pub action: Action,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The very entry is there.
    Keep,
    /// No entry of that name is there.
    Add,
    /// Another is there and gives way.
    Replace {
        /// The entry that goes.
        old: Box<Entry>,
        /// Why.
        why: Reason,
    },
}

/// Why an entry is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was switched off.
    Disabled,
    /// It matches other files.
    Pattern,
    /// Another interpreter.
    Interpreter,
    /// Other flags.
    Flags,
    /// The file it pinned is no longer the one on disk.
    Stale,
    /// A newer entry, somebody else's, takes its programs before it.
    Hidden,
    /// It was somebody else's, and `--replace` was given.
    TakenOver,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reason::Disabled => "it was disabled",
            Reason::Pattern => "its pattern was another",
            Reason::Interpreter => "its interpreter was another",
            Reason::Flags => "its flags were others",
            Reason::Stale => "it pinned another file than is there now",
            Reason::Hidden => "another handler came before it",
            Reason::TakenOver => "it was somebody else's",
        })
    }
}

/// Plans all wanted entries against the live table. One that may not be had
/// refuses all of them.
///
/// # Errors
/// [`BinfmtError::Foreign`] unless `replace_foreign`;
/// [`BinfmtError::KernelTooOld`] for a flag; [`BinfmtError::BadRegistration`].
pub fn plan(
    live: &Snapshot,
    wanted: Vec<Registration>,
    replace_foreign: bool,
    kernel: KernelVersion,
) -> Result<Vec<Change>, BinfmtError> {
    wanted
        .into_iter()
        .map(|wanted| {
            check_flags(&wanted.flags, kernel)?;
            wanted.line()?;
            let action = match live.get(&wanted.name) {
                None => Action::Add,
                Some(old) => compare(live, old, &wanted, replace_foreign)?,
            };
            Ok(Change { wanted, action })
        })
        .collect()
}

fn check_flags(flags: &Flags, running: KernelVersion) -> Result<(), BinfmtError> {
    if flags.fix_binary && running < KernelVersion::FIX_BINARY {
        let needs = KernelVersion::FIX_BINARY;
        return Err(BinfmtError::KernelTooOld {
            flag: 'F',
            needs,
            running,
            option: "--no-fix-binary",
        });
    }
    Ok(())
}

fn compare(
    live: &Snapshot,
    old: &Entry,
    wanted: &Registration,
    replace_foreign: bool,
) -> Result<Action, BinfmtError> {
    let hidden = || old.mark.is_ours() && overlapping(live, old).iter().any(|(_, first)| *first);
    let Some(why) = difference(old, wanted).or_else(|| hidden().then_some(Reason::Hidden)) else {
        return Ok(Action::Keep);
    };
    if old.mark.is_ours() {
        Ok(Action::Replace {
            old: Box::new(old.clone()),
            why,
        })
    } else if replace_foreign {
        Ok(Action::Replace {
            old: Box::new(old.clone()),
            why: Reason::TakenOver,
        })
    } else {
        Err(BinfmtError::Foreign {
            name: old.name.clone(),
            interpreter: old.interpreter.clone(),
            flags: old.flags.to_string(),
        })
    }
}

/// In what the live entry differs from the wanted one; `None` where in nothing.
fn difference(old: &Entry, wanted: &Registration) -> Option<Reason> {
    if !old.enabled {
        Some(Reason::Disabled)
    } else if !old.pattern().is_some_and(|p| p.same_files(&wanted.pattern)) {
        Some(Reason::Pattern)
    } else if old.interpreter != wanted.interpreter {
        Some(Reason::Interpreter)
    } else if old.flags != Flags::parse(&wanted.flags.to_string()) {
        Some(Reason::Flags)
    } else {
        match &old.mark {
            Mark::Ours(pin) if pin.same_file(&wanted.pin) => None,
            Mark::Ours(_) | Mark::OursOtherLayout(_) => Some(Reason::Stale),
            Mark::Foreign => None,
        }
    }
}

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
    /// It was somebody else's, and the caller takes its name.
    TakenOver,
    /// Its name was the other one of the two that it may have.
    Name,
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
            Reason::Name => "it had another name",
        })
    }
}

/// How entries of somebody else's are dealt with.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// One that has the wanted name is removed for good; else it stays, and ours
    /// is put before it under its second name.
    pub replace_foreign: bool,
    /// Names that others will register at the next boot.
    pub reserved: Vec<String>,
}

/// Plans all wanted entries against the live table. One that may not be had
/// refuses all of them. Each change's entry has the name that it will have.
///
/// # Errors
/// [`BinfmtError::Foreign`] where others have both names;
/// [`BinfmtError::KernelTooOld`] for a flag; [`BinfmtError::BadRegistration`].
pub fn plan(
    live: &Snapshot,
    wanted: Vec<Registration>,
    rules: &Rules,
    kernel: KernelVersion,
) -> Result<Vec<Change>, BinfmtError> {
    wanted
        .into_iter()
        .map(|wanted| {
            check_flags(&wanted.flags, kernel)?;
            wanted.line()?;
            wanted.for_trial(&wanted.name)?;
            let name = name(live, &wanted, rules)?;
            let wanted = wanted.named(&name);
            let action = action(live, &wanted, rules);
            Ok(Change { wanted, action })
        })
        .collect()
}

/// The first of both names that is free or to be had.
fn name(live: &Snapshot, wanted: &Registration, rules: &Rules) -> Result<String, BinfmtError> {
    let may_have = |name: &&String| match live.get(name) {
        Some(old) if old.mark.is_ours() => rules.replace_foreign || !rules.reserved.contains(name),
        Some(old) => rules.replace_foreign || difference(old, wanted).is_none(),
        None => rules.replace_foreign || !rules.reserved.contains(name),
    };
    if let Some(name) = wanted.names.iter().find(may_have) {
        return Ok(name.clone());
    }
    let [usual, second] = wanted.names.clone();
    let old = live.get(&usual);
    Err(BinfmtError::Foreign {
        name: usual,
        second,
        interpreter: old.map(|e| e.interpreter.clone()).unwrap_or_default(),
        flags: old.map(|e| e.flags.to_string()).unwrap_or_default(),
    })
}

fn check_flags(flags: &Flags, running: KernelVersion) -> Result<(), BinfmtError> {
    if flags.fix_binary && running < KernelVersion::FIX_BINARY {
        let needs = KernelVersion::FIX_BINARY;
        return Err(BinfmtError::KernelTooOld {
            flag: 'F',
            needs,
            running,
        });
    }
    Ok(())
}

/// What it takes to have the entry under the name that was chosen.
fn action(live: &Snapshot, wanted: &Registration, rules: &Rules) -> Action {
    let replace = |old: &Entry, why| Action::Replace {
        old: Box::new(old.clone()),
        why,
    };
    let Some(old) = live.get(&wanted.name) else {
        // Ours under the other name: the names' owners have changed.
        return match other_of_ours(live, wanted) {
            Some(old) => replace(old, Reason::Name),
            None => Action::Add,
        };
    };
    let hidden = || overlapping(live, old).iter().any(|(_, first)| *first);
    match (difference(old, wanted), old.mark.is_ours()) {
        (None, true) if hidden() => replace(old, Reason::Hidden),
        (None, _) => Action::Keep,
        (Some(why), true) => replace(old, why),
        (Some(_), false) => {
            debug_assert!(rules.replace_foreign, "else it has the second name");
            replace(old, Reason::TakenOver)
        }
    }
}

/// Our entry for the same programs under the name that was not chosen.
fn other_of_ours<'s>(live: &'s Snapshot, wanted: &Registration) -> Option<&'s Entry> {
    live.entries
        .iter()
        .find(|e| e.mark.is_ours() && e.name != wanted.name && wanted.is_called(&e.name))
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

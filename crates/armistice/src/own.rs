//! Armistice's own entries for an architecture: their names, and the lock that
//! is taken to change them.

use std::time::Duration;

use anyhow::Result;
use armistice_arch::{ARCHES, Arch};
use armistice_binfmt::{Entry, Locked, Snapshot, Table, replay};

use crate::output::{Output, shown};

/// How long another run may keep the table: longer than any takes.
const LIMIT: Duration = Duration::from_secs(60);

/// The names that an architecture's entry may have: the usual one, and the one
/// beside somebody else's.
pub(crate) fn names(arch: &Arch) -> [String; 2] {
    [arch.entry_name(), arch.second_entry_name()]
}

/// Whether an entry is one of Armistice's for this architecture, be it one that
/// a killed run left under a temporary name.
pub(crate) fn is_for(entry: &Entry, arch: &Arch) -> bool {
    let called = |name: &String| {
        let rest = entry.name.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    entry.mark.is_ours() && names(arch).iter().any(called)
}

/// The architecture whose programs an entry takes, whoever made it.
pub(crate) fn arch_of(entry: &Entry) -> Option<&'static Arch> {
    let pattern = entry.pattern()?;
    let takes = |a: &&Arch| pattern.matches(&a.sample_header(2, 0));
    ARCHES.iter().find(takes)
}

/// Waits until no other run changes the table.
///
/// # Errors
/// Where it takes too long, or the right is missing.
pub(crate) fn lock(table: &Table, output: Output) -> Result<Locked<'_>> {
    let locked = table.lock(LIMIT, |who| {
        let who = who.map(|who| format!(": {}", shown(&who.to_string())));
        output.note(format!(
            "Waiting: another armistice is changing binfmt_misc{} (up to {} s)",
            who.unwrap_or_default(),
            LIMIT.as_secs()
        ));
    });
    Ok(locked?)
}

/// Somebody else's entry that takes the architecture's programs where no entry
/// of Armistice's does.
pub(crate) fn behind<'s>(live: &'s Snapshot, arch: &Arch) -> Option<&'s Entry> {
    let foreign = Snapshot {
        enabled: live.enabled,
        entries: live
            .entries
            .iter()
            .filter(|e| !e.mark.is_ours())
            .cloned()
            .collect(),
    };
    let winner = replay::winner(&foreign, &arch.sample_header(2, 0), "")?;
    live.get(&winner.name)
}

/// An entry as a message names it.
pub(crate) fn described(entry: &Entry) -> String {
    format!(
        "{} ({})",
        shown(&entry.name),
        shown(&entry.interpreter.to_string_lossy())
    )
}

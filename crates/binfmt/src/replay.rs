//! The kernel's matching, replayed over a snapshot of the table.
//!
//! Order and rules of `search_binfmt_handler` in `fs/binfmt_misc.c`: newest
//! entry first; disabled ones are passed over; by bytes of the file's first
//! 256, or by the ending of its name. binfmt_misc is asked before the kernel's
//! own ELF loader.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use armistice_arch::pattern::Mismatch;

use crate::entry::{Entry, Matching};
use crate::table::Snapshot;

/// How one entry answers for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It takes the file, or would if none before it did.
    Takes,
    /// It would, but its own switch is off.
    Disabled,
    /// A byte is not as wanted.
    Byte(Mismatch),
    /// The name ends otherwise.
    Ending,
    /// It matches by something this version does not know.
    Unknown,
}

/// Whether and why an entry takes a file with these first bytes, called by
/// this path.
#[must_use]
pub fn ask(entry: &Entry, head: &[u8], path: impl AsRef<Path>) -> Answer {
    let takes = match &entry.matching {
        Matching::Magic(pattern) => match pattern.first_mismatch(&head[..head.len().min(256)]) {
            None => Answer::Takes,
            Some(mismatch) => Answer::Byte(mismatch),
        },
        Matching::Extension(ending) => match ending_of(path.as_ref()) {
            Some(own) if own == ending.as_str() => Answer::Takes,
            _ => Answer::Ending,
        },
        Matching::Unknown => Answer::Unknown,
    };
    if takes == Answer::Takes && !entry.enabled {
        Answer::Disabled
    } else {
        takes
    }
}

/// The entry that takes the file, whatever the main switch says.
#[must_use]
pub fn winner<'s>(live: &'s Snapshot, head: &[u8], path: impl AsRef<Path>) -> Option<&'s Entry> {
    let path = path.as_ref();
    live.entries
        .iter()
        .find(|e| ask(e, head, path) == Answer::Takes)
}

/// Enabled entries that compete for some file with `entry`, in the kernel's
/// order, each with whether it comes before `entry`.
#[must_use]
pub fn overlapping<'s>(live: &'s Snapshot, entry: &Entry) -> Vec<(&'s Entry, bool)> {
    let position = |name: &str| live.entries.iter().position(|e| e.name == name);
    let own = position(&entry.name);
    live.entries
        .iter()
        .filter(|other| other.name != entry.name && other.enabled)
        .filter(|other| match (&other.matching, &entry.matching) {
            (Matching::Magic(other), Matching::Magic(own)) => other.overlaps(own),
            (Matching::Extension(other), Matching::Extension(own)) => other == own,
            _ => false,
        })
        .map(|other| (other, position(&other.name) < own))
        .collect()
}

/// The entry that takes every file that `entry` would, before `entry` is asked.
/// To compete for some files ([`overlapping`]) is not enough for that.
#[must_use]
pub fn hidden_by<'s>(live: &'s Snapshot, entry: &Entry) -> Option<&'s Entry> {
    live.entries
        .iter()
        .take_while(|other| other.name != entry.name)
        .filter(|other| other.enabled)
        .find(|other| match (&other.matching, &entry.matching) {
            (Matching::Magic(other), Matching::Magic(own)) => other.covers(own),
            (Matching::Extension(other), Matching::Extension(own)) => other == own,
            (Matching::Magic(other), Matching::Extension(_)) => other.mask.iter().all(|m| *m == 0),
            _ => false,
        })
}

/// The name that an entry by ending sees.
fn ending_of(path: &Path) -> Option<&OsStr> {
    let bytes = path.as_os_str().as_bytes();
    let at = bytes.iter().rposition(|b| *b == b'.')?;
    Some(OsStr::from_bytes(&bytes[at + 1..]))
}

//! How each entry of the table answers the kernel's question, and why.
//!
//! The verdict says which entry takes a program; the answers of the others say why they do not.

use armistice_binfmt::exec::Run;
use armistice_binfmt::replay::{self, Answer};
use armistice_binfmt::{Entry, Matching, Snapshot};
use serde::Serialize;

use crate::judging::describe;
use crate::output::shown;

/// How one entry answered, for people and programs.
#[derive(Debug, Clone, Serialize)]
pub(super) struct EntryAnswer {
    name: String,
    takes: bool,
    why: String,
    /// Whether people want to know: it takes the file, would, or is for the
    /// file's machine.
    #[serde(skip)]
    pub(super) related: bool,
}

impl std::fmt::Display for EntryAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", shown(&self.name), self.why)
    }
}

/// Every entry's answer, in the kernel's order, to the file that decides: the
/// first that an entry takes, else the last on the way.
pub(super) fn answers(live: &Snapshot, run: &Run<'_>) -> Vec<EntryAnswer> {
    let at = run.handler().map(|(at, _)| at);
    let Some(step) = at.map_or(run.steps.last(), |at| run.steps.get(at)) else {
        return Vec::new();
    };
    let head = &step.program.head;
    let mut taken = false;
    let answer = |entry: &Entry| {
        let answer = replay::ask(entry, head, &step.path);
        let takes = answer == Answer::Takes && !taken && live.enabled;
        let why = match answer {
            Answer::Takes if !live.enabled => "would take it, but all are switched off".to_owned(),
            Answer::Takes if taken => "would take it, but an entry before it does".to_owned(),
            Answer::Takes => "takes it".to_owned(),
            Answer::Disabled => "would take it, but is disabled".to_owned(),
            Answer::Byte(m) => format!(
                "byte {} is {:02x}, wanted {:02x} (mask {:02x}){}",
                m.at,
                m.found,
                m.wanted,
                m.mask,
                describe::meaning(m.at, m.wanted, head)
            ),
            Answer::Ending => "the name ends otherwise".to_owned(),
            Answer::Unknown => "matches by a rule this version does not know".to_owned(),
        };
        taken |= takes;
        EntryAnswer {
            name: entry.name.clone(),
            takes,
            why,
            related: match answer {
                Answer::Takes | Answer::Disabled | Answer::Unknown => true,
                Answer::Byte(_) => is_for_the_machine_of(entry, head),
                Answer::Ending => false,
            },
        }
    };
    live.entries.iter().map(answer).collect()
}

/// Whether an entry is for the machine of an ELF file, whatever else it wants.
fn is_for_the_machine_of(entry: &Entry, head: &[u8]) -> bool {
    let Matching::Magic(pattern) = &entry.matching else {
        return false;
    };
    let bits = |at: usize| {
        let at = at.checked_sub(pattern.offset)?;
        Some((*pattern.magic.get(at)?, *pattern.mask.get(at)?))
    };
    let fits = |at: usize| {
        let found = head.get(at).copied().unwrap_or(0);
        bits(at).is_none_or(|(magic, mask)| (found ^ magic) & mask == 0)
    };
    let compares = |at: usize| bits(at).is_some_and(|(_, mask)| mask != 0);
    // The mark, class and byte order, and the machine.
    (0..6).chain(18..20).all(fits) && (18..20).any(compares)
}

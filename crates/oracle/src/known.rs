//! Where QEMU is known to differ, and why that is no mistake of ours.
//!
//! Each entry says which instruction, which version, which of the differences
//! it explains, who is right, and by which paragraph of the Arm Architecture
//! Reference Manual (DDI 0487). A case all of whose differences are explained
//! is compared between interpreter and translator only.

use a64::decode::{Op, decode};

use crate::case::{Program, State};
use crate::compare::{Difference, Place};

/// What an explanation may look at.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The program.
    pub program: &'a Program,
    /// What it started from.
    pub before: &'a State,
    /// What the interpreter made of it.
    pub ours: &'a State,
    /// What QEMU made of it.
    pub theirs: &'a State,
}

/// An entry of the table.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// The instructions; a star at the end stands for any rest.
    pub instructions: &'static [&'static str],
    /// The versions, by how their number starts; none for all.
    pub versions: &'static [&'static str],
    /// Whether a difference is this one.
    pub explains: fn(&Difference, &Context<'_>) -> bool,
    /// Who is right.
    pub right: &'static str,
    /// Why.
    pub reason: &'static str,
}

/// All of them.
pub const KNOWN: &[Known] = &[Known {
    instructions: &[
        "MRS_CTR_EL0",
        "MRS_DCZID_EL0",
        "MRS_ID",
        "MRS_CNTFRQ_EL0",
        "MRS_CNTVCT_EL0",
    ],
    versions: &[],
    explains: |difference, _| matches!(difference.place, Place::X(_)),
    right: "both",
    reason: "D24.2, the registers' descriptions: the values are IMPLEMENTATION DEFINED. The \
                 executors stand for different processors at different times.",
}];

impl Known {
    fn concerns(&self, op: Op, version: &str) -> bool {
        let number = version
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or_default();
        let name = op.name();
        (self.versions.is_empty() || self.versions.iter().any(|v| number.starts_with(v)))
            && self.instructions.iter().any(|i| match i.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *i,
            })
    }
}

/// The entry that explains all differences of a case, if there is one.
#[must_use]
pub fn explained(
    differences: &[Difference],
    context: &Context<'_>,
    version: &str,
) -> Option<&'static Known> {
    let ops: Vec<Op> = context
        .program
        .words
        .iter()
        .filter_map(|&word| decode(word))
        .map(|insn| insn.op)
        .collect();
    KNOWN.iter().find(|known| {
        ops.iter().any(|&op| known.concerns(op, version))
            && differences.iter().all(|d| (known.explains)(d, context))
    })
}

/// Whether an instruction of the program has an entry: what follows it in a
/// sequence may differ in any way.
#[must_use]
pub fn concerned(program: &Program, version: &str) -> bool {
    program
        .words
        .iter()
        .filter_map(|&word| decode(word))
        .any(|insn| KNOWN.iter().any(|known| known.concerns(insn.op, version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_concerns_an_instruction() {
        for known in KNOWN {
            for name in known.instructions {
                let start = name.trim_end_matches('*');
                assert!(
                    Op::ALL.iter().any(|op| op.name().starts_with(start)),
                    "{name}"
                );
            }
            assert!(!known.right.is_empty() && known.reason.len() > 20);
        }
    }
}

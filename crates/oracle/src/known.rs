//! Where QEMU is known to differ, and why that is no mistake of ours.
//!
//! Each entry of a guest's table ([`Tested::KNOWN`]) says which instruction, which version, which of the differences
//! it explains, who is right, and by which paragraph of the Arm Architecture
//! Reference Manual (DDI 0487). A case all of whose differences are explained
//! is compared between interpreter and translator only.

use crate::case::{Batch, Results};
use crate::place::Difference;
use crate::tested::{Context, Known, Tested};

/// What may be looked at of a batch's state, of which two executors made something.
#[must_use]
pub fn context<'a, G: Tested>(
    subject: &'a str,
    batch: &'a Batch<G>,
    (ours, theirs): (&'a Results<G>, &'a Results<G>),
    n: usize,
) -> Context<'a, G> {
    let (program, before) = &batch.states[n];
    Context {
        program: &batch.programs[*program],
        subject,
        before,
        ours: &ours.states[n],
        theirs: &theirs.states[n],
    }
}

fn concerns<G: Tested>(known: &Known<G>, context: &Context<'_, G>, version: &str) -> bool {
    let number = version
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .unwrap_or_default();
    let named = |name: &str| {
        known
            .instructions
            .iter()
            .any(|i| match i.strip_suffix('*') {
                Some(start) => name.starts_with(start),
                None => name == *i,
            })
    };
    (known.versions.is_empty() || known.versions.iter().any(|v| number.starts_with(v)))
        && G::is_about(context, &named)
}

/// Why the differences to QEMU are none of ours, if so: the reason of the entry that explains all of
/// them, or that an instruction of a sequence has an entry that spreads.
#[must_use]
pub fn excuse<G: Tested>(
    found: &[Difference],
    context: &Context<'_, G>,
    version: &str,
) -> Option<&'static str> {
    let known = G::KNOWN.iter().find(|known| {
        concerns(known, context, version) && found.iter().all(|d| (known.explains)(d, context))
    });
    if let Some(known) = known {
        return Some(known.reason);
    }
    let spread = |known: &Known<G>| known.spreads && concerns(known, context, version);
    (context.is_sequence() && G::KNOWN.iter().any(spread))
        .then_some("A sequence with an instruction in which QEMU is known to differ.")
}

#[cfg(test)]
mod tests {
    use a32::Aarch32;
    use a64::Aarch64;

    use super::*;

    fn every_entry_concerns_an_instruction<G: Tested>() {
        assert!(!G::KNOWN.is_empty());
        for known in G::KNOWN {
            for name in known.instructions {
                let start = name.trim_end_matches('*');
                let mut rows = (0..G::ROWS).map(G::row_name);
                assert!(rows.any(|row| row.starts_with(start)), "{name}");
            }
            assert!(!known.right.is_empty() && known.reason.len() > 20);
        }
    }

    #[test]
    fn every_entry_of_arm64_concerns_an_instruction() {
        every_entry_concerns_an_instruction::<Aarch64>();
    }

    #[test]
    fn every_entry_of_arm_concerns_an_instruction() {
        every_entry_concerns_an_instruction::<Aarch32>();
    }
}

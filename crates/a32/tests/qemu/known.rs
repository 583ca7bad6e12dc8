//! Where the interpreter and QEMU differ and that is known: the rows, what is seen, and the
//! manual's rule.

use crate::case::State;
use crate::compare::Place;

/// A difference that is known.
pub(crate) struct Known {
    /// How names of rows start, after the set.
    pub(crate) rows: &'static [&'static str],
    /// Whether all that differs is this.
    pub(crate) explains: fn(&[Place], ours: &State, theirs: &State) -> bool,
    /// The rule.
    pub(crate) reason: &'static str,
}

/// All of them.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        rows: &["MRC_CNTFRQ", "MRRC_CNTVCT"],
        explains: |_, _, theirs| theirs.signal == 4,
        reason: "G8.7, CNTKCTL: EL0 may read the virtual counter and its frequency if the kernel \
                 says so, which Linux does. QEMU raises SIGILL.",
    },
    Known {
        rows: &["SETPAN"],
        explains: |_, _, theirs| theirs.signal == 4,
        reason: "F5.1, SETPAN does nothing at EL0. QEMU's user mode has no FEAT_PAN, and raises \
                 SIGILL.",
    },
    Known {
        rows: &["LD", "POP", "BX", "MOV"],
        explains: |places, ours, theirs| places == [Place::Pc] && theirs.pc == ours.pc | 2,
        reason: "Shared pseudocode BXWritePC: whether bit 1 of an address in A32 state is cleared \
                 is CONSTRAINED UNPREDICTABLE. In ours it is.",
    },
    Known {
        rows: &["LDM", "LDRD", "POP", "VLDM", "VLDR"],
        explains: |places, ours, theirs| {
            ours.signal == 11
                && theirs.signal == 11
                && places
                    .iter()
                    .all(|p| matches!(p, Place::R(_) | Place::D(_)))
        },
        reason: "G1.12, a load of several registers that takes a Data Abort leaves those loaded, but \
                 for the base, UNKNOWN. QEMU has loaded the first ones.",
    },
    Known {
        rows: &["STM", "STRD", "PUSH", "VSTM", "VSTR"],
        explains: |places, ours, theirs| {
            ours.signal == 11
                && theirs.signal == 11
                && places.iter().all(|p| matches!(p, Place::Data(_)))
        },
        reason: "G1.12, what a store of several registers that takes a Data Abort has stored is \
                 UNKNOWN.",
    },
];

/// The entry that explains the differences of a row's state.
pub(crate) fn explained(
    row: &str,
    places: &[Place],
    ours: &State,
    theirs: &State,
) -> Option<&'static Known> {
    let (_, name) = row.split_once('.')?;
    KNOWN.iter().find(|known| {
        known.rows.iter().any(|start| name.starts_with(start))
            && (known.explains)(places, ours, theirs)
    })
}

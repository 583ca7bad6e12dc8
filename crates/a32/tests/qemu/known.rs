//! Where the interpreter and QEMU differ and that is known: the rows, what is seen, and the
//! manual's rule, by the sections of DDI 0487, issue M.a.

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
        reason: "G8.7.15, CNTKCTL.PL0VCTEN: EL0 may read the virtual counter and its frequency if the kernel \
                 says so, which Linux does. QEMU raises SIGILL.",
    },
    Known {
        rows: &["SETPAN"],
        explains: |_, _, theirs| theirs.signal == 4,
        reason: "F5.1.184, SETPAN does nothing at EL0. QEMU's user mode has no FEAT_PAN, and raises \
                 SIGILL.",
    },
    Known {
        rows: &["LD", "POP", "BX", "MOV"],
        explains: |places, ours, theirs| places == [Place::Pc] && theirs.pc == ours.pc | 2,
        reason: "J1.2.3.56, BXWritePC: whether bit 1 of an address in A32 state is cleared \
                 is CONSTRAINED UNPREDICTABLE. In ours it is.",
    },
    Known {
        rows: &["LDM", "LDRD", "POP", "VLD"],
        explains: |places, ours, theirs| {
            ours.signal == 11
                && theirs.signal == 11
                && places
                    .iter()
                    .all(|p| matches!(p, Place::R(_) | Place::D(_)))
        },
        reason: "G1.17.8.3, a load of several registers that takes a Data Abort leaves UNKNOWN values \
                 in those, but for PC and the base. QEMU has loaded the first ones.",
    },
    Known {
        rows: &["STM", "STRD", "PUSH", "VST"],
        explains: |places, ours, theirs| {
            ours.signal == 11
                && theirs.signal == 11
                && places.iter().all(|p| matches!(p, Place::Data(_)))
        },
        reason: "G1.17.8.3, what a store of several registers that takes a Data Abort stores to is \
                 UNKNOWN where there is no fault.",
    },
    Known {
        rows: &[
            "VLD1_single",
            "VLD2_single",
            "VLD4_single",
            "VST1_single",
            "VST2_single",
            "VST4_single",
        ],
        explains: |_, ours, theirs| ours.signal == 7 && [0, 11].contains(&theirs.signal),
        reason: "F6.1, VLD1 to VLD4 (single n-element structure to one lane): an address that is not \
                 aligned as index_align says takes an Alignment fault. QEMU checks that of all other \
                 structures, not of these.",
    },
];

/// Whether interpreter and translator may differ so: in what a load or store of several registers
/// leaves that faults, which the manual leaves open.
pub(crate) fn is_open(row: &str, places: &[Place], ours: &State) -> bool {
    let several = ["LDM", "LDRD", "POP", "VLD", "STM", "STRD", "PUSH", "VST"];
    let name = row.split_once('.').map_or(row, |(_, name)| name);
    let of_load = |place: &Place| matches!(place, Place::R(_) | Place::D(_));
    let of_store = |place: &Place| matches!(place, Place::Data(_));
    ours.signal == 11
        && several.iter().any(|start| name.starts_with(start))
        && (places.iter().all(of_load) || places.iter().all(of_store))
}

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

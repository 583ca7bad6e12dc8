//! Where QEMU is known to differ on A32 and T32 code ([`crate::known`]). The manual's sections are those of
//! DDI 0487, issue M.a.

use a32::Aarch32;

use super::Context;
use crate::place::{Difference, Place};
use crate::tested::{Known, Tested as _};

/// All of them.
pub(super) const KNOWN: &[Known<Aarch32>] = &[
    Known {
        instructions: &["MRC_CNTFRQ*", "MRRC_CNTVCT*"],
        versions: &[],
        explains: |_, context| context.theirs.signal == 4,
        spreads: false,
        right: "ours",
        reason: "G8.7.15, CNTKCTL.PL0VCTEN: EL0 may read the virtual counter and its frequency if the kernel \
                 says so, which Linux does. QEMU raises SIGILL.",
    },
    Known {
        instructions: &["SETPAN*"],
        versions: &[],
        explains: |_, context| context.theirs.signal == 4,
        spreads: false,
        right: "ours",
        reason: "F5.1.184, SETPAN does nothing at EL0. QEMU's user mode has no FEAT_PAN, and raises \
                 SIGILL.",
    },
    Known {
        instructions: &["UDF*"],
        versions: &[],
        explains: |_, context| {
            let breaks = |&word: &u32| word & 0x0fff_ffff == 0x07f0_01f0 || word == 0xde01;
            let signals = (context.ours.signal, context.theirs.signal);
            signals == (4, 5) && context.program.words.iter().any(breaks)
        },
        spreads: false,
        right: "both",
        reason: "The kernel takes two undefined instructions for breakpoints (arch/arm/kernel/ptrace.c), and \
                 QEMU's user mode does; for the executors here the instructions are undefined. In the \
                 engine, `linux/abi/arm` answers for the kernel.",
    },
    Known {
        instructions: &["LD*", "POP*", "BX*", "MOV*"],
        versions: &[],
        explains: |difference, context| {
            difference.place == Place::Pc && context.theirs.pc == context.ours.pc | 2
        },
        spreads: false,
        right: "both",
        reason: "J1.2.3.56, BXWritePC: whether bit 1 of an address in A32 state is cleared \
                 is CONSTRAINED UNPREDICTABLE. In ours it is.",
    },
    Known {
        instructions: &["LDM*", "LDRD*", "POP*", "VLD*"],
        versions: &[],
        explains: |difference, context| both_abort(context) && is_loaded(difference),
        spreads: false,
        right: "both",
        reason: "G1.17.8.3, a load of several registers that takes a Data Abort leaves UNKNOWN values \
                 in those, but for PC and the base. QEMU has loaded the first ones.",
    },
    Known {
        instructions: &["STM*", "STRD*", "PUSH*", "VST*"],
        versions: &[],
        explains: |difference, context| both_abort(context) && is_stored(difference),
        spreads: false,
        right: "both",
        reason: "G1.17.8.3, what a store of several registers that takes a Data Abort stores to is \
                 UNKNOWN where there is no fault.",
    },
    Known {
        instructions: &[
            "VLD1_single*",
            "VLD2_single*",
            "VLD4_single*",
            "VST1_single*",
            "VST2_single*",
            "VST4_single*",
        ],
        versions: &[],
        explains: unaligned_lane,
        spreads: false,
        right: "ours",
        reason: "F6.1, VLD1 to VLD4 (single n-element structure to one lane): an address that is not \
                 aligned as index_align says takes an Alignment fault. QEMU checks that of all other \
                 structures, not of these.",
    },
];

/// Whether the access was a fault in both.
fn both_abort(context: &Context<'_>) -> bool {
    (context.ours.signal, context.theirs.signal) == (11, 11)
}

fn is_loaded(difference: &Difference) -> bool {
    matches!(difference.place, Place::General(_) | Place::Vector(_))
}

fn is_stored(difference: &Difference) -> bool {
    matches!(difference.place, Place::Data(_))
}

/// Anything, where ours ends there and QEMU does not: it goes on, to the end or to another fault, or it
/// ends there in the fault of an aligned access.
fn unaligned_lane(_: &Difference, context: &Context<'_>) -> bool {
    let (ours, theirs) = (context.ours, context.theirs);
    ours.signal == 7 && (theirs.signal, theirs.pc) != (7, ours.pc)
}

/// Whether interpreter and translator may differ so: in what a load or store of several registers
/// leaves that faults, which the manual leaves open.
pub(super) fn is_open(found: &[Difference], context: &Context<'_>) -> bool {
    let several = ["LDM", "LDRD", "POP", "VLD", "STM", "STRD", "PUSH", "VST"];
    let named = |name: &str| several.iter().any(|start| name.starts_with(start));
    context.ours.signal == 11
        && Aarch32::is_about(context, &named)
        && (found.iter().all(is_loaded) || found.iter().all(is_stored))
}

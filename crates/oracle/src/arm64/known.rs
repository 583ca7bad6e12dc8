//! Where QEMU is known to differ on A64 code ([`crate::known`]).

use a64::Aarch64;
use a64::decode::{Class, decode};
use a64::insn::Insn;

use super::{Context, NZCV};
use crate::case::DATA_SIZE;
use crate::place::{Difference, Place};
use crate::tested::Known;

/// All of them.
pub(super) const KNOWN: &[Known<Aarch64>] = &[
    Known {
        instructions: &[
            "MRS_CTR_EL0",
            "MRS_DCZID_EL0",
            "MRS_ID",
            "MRS_CNTFRQ_EL0",
            "MRS_CNTVCT_EL0",
        ],
        versions: &[],
        explains: |difference, _| matches!(difference.place, Place::General(_)),
        spreads: true,
        right: "both",
        reason: "D24.2, the registers' descriptions: the values are IMPLEMENTATION DEFINED. The \
                 executors stand for different processors at different times.",
    },
    Known {
        instructions: &[
            "LDP*",
            "LDNP*",
            "LDR_*",
            "LDUR_SIMD_FP",
            "LD1*",
            "LD2*",
            "LD3*",
            "LD4*",
            "STP*",
            "STNP*",
            "STR*",
            "STUR*",
            "STTR*",
            "ST1*",
            "ST2*",
            "ST3*",
            "ST4*",
        ],
        versions: &[],
        explains: a_part_done,
        spreads: false,
        right: "both; in ours the registers are those before the instruction",
        reason: "D1.3.1, definition of a precise exception: where an instruction that makes more \
                 than one single-copy atomic access takes a synchronous Data Abort, the registers \
                 that it loads, but for its base, and the locations that it stores to become \
                 UNKNOWN. QEMU has loaded the first registers where interpreter and translator \
                 have loaded none; how much a store has written differs too.",
    },
    Known {
        instructions: &["*"],
        versions: &[],
        explains: stack_unaligned,
        spreads: false,
        right: "ours",
        reason: "Part D1, SP alignment checking: with SCTLR_EL1.SA0, which Linux sets, a load or store \
                 whose base is an SP that is no multiple of 16 takes an SP alignment fault. QEMU \
                 does not check.",
    },
    Known {
        instructions: &["MRS_ID"],
        versions: &[],
        explains: |_, context| context.theirs.signal == 4,
        spreads: true,
        right: "ours",
        reason: "D24.2.1, the reserved encodings of the ID registers read as zero, and Linux emulates \
                 all of CRm 2 to 7 so (Documentation/arch/arm64/cpu-feature-registers.rst). QEMU \
                 raises SIGILL for some.",
    },
    Known {
        instructions: &["DC_ZVA"],
        versions: &[],
        explains: |difference, _| matches!(difference.place, Place::Data(_)),
        spreads: true,
        right: "both",
        reason: "D24.2, DCZID_EL0: the size of the block is IMPLEMENTATION DEFINED. Ours is 64 bytes, \
                 that of QEMU's default CPU 512.",
    },
    Known {
        instructions: &["STXR*", "STLXR*", "STXP", "STLXP"],
        versions: &[],
        explains: monitor_lost,
        spreads: false,
        right: "both",
        reason: "Part B2, Synchronization and semaphores: whether an access of the same processor between a Load-Exclusive and its \
                 Store-Exclusive makes that fail is IMPLEMENTATION DEFINED. In QEMU it does after an \
                 atomic one that isn't aligned.",
    },
    Known {
        instructions: &["STXR*", "STLXR*", "STXP", "STLXP"],
        versions: &[],
        explains: other_tag,
        spreads: false,
        right: "both",
        reason: "Part B2, Load-Exclusive and Store-Exclusive instruction usage restrictions: whether a \
                 Store-Exclusive succeeds whose virtual address is not that of the Load-Exclusive, \
                 but leads to the same memory, is CONSTRAINED UNPREDICTABLE. In ours it fails where \
                 the tags in the top bytes differ, in QEMU it succeeds.",
    },
    Known {
        instructions: &["DC_CVAC", "DC_CVAU", "DC_CIVAC"],
        versions: &[],
        explains: |_, context| context.ours.signal == 11 && context.theirs.signal == 0,
        spreads: true,
        right: "ours",
        reason: "D7.5.9.2, cache maintenance by virtual address may take a Translation fault, and at EL0 \
                 needs permission to read. QEMU does nothing.",
    },
    Known {
        instructions: &["CPY*", "SETP", "SETM", "SETE"],
        versions: &[],
        explains: copy_fault,
        spreads: false,
        right: "both",
        reason: "C6.2, CPYFP, CPYFM, CPYFE and SETP, SETM, SETE: how much each of the three \
                 instructions copies is IMPLEMENTATION DEFINED, and so is which of them takes a \
                 Data Abort and what is done by then.",
    },
    Known {
        instructions: &["CPYF*"],
        versions: &[],
        explains: |difference, context| {
            matches!(difference.place, Place::Data(_)) && overlaps_forward(context)
        },
        spreads: true,
        right: "both",
        reason: "C6.2, CPYFP, CPYFM, CPYFE: the size of each access is IMPLEMENTATION DEFINED, so \
                 what a forward copy gives is that of no copy where the source overlaps a \
                 destination above it.",
    },
    Known {
        instructions: &["CPY*", "SETP", "SETM", "SETE"],
        versions: &["7."],
        explains: undefined_there,
        spreads: false,
        right: "the interpreter",
        reason: "A2.8, FEAT_MOPS is of Armv8.8: QEMU 7.2 does not have it yet.",
    },
    Known {
        instructions: &["FCVTZS_vector_fixed_point_scalar"],
        versions: &["7."],
        explains: |difference, _| {
            matches!(difference.place, Place::Vector(_))
                && difference.left as u16 == difference.right as u16
        },
        spreads: true,
        right: "the interpreter",
        reason: "C7.2, FCVTZS (vector, fixed-point): V[d, datasize] = result with a datasize of \
                 16 clears the bits above. QEMU extends the sign to 32 bits.",
    },
    Known {
        instructions: &["FJCVTZS"],
        versions: &["7."],
        explains: |difference, context| {
            difference.place == NZCV && context.before.fpcr >> 24 & 1 == 1
        },
        spreads: true,
        right: "the interpreter",
        reason: "Shared pseudocode FPToFixedJS: Z is clear when a zero comes of a value that \
                 isn't zero, thus of a denormal that FPCR.FZ flushed. QEMU sets Z.",
    },
];

/// The instruction at which both stopped for the same fault.
fn faulted(context: &Context<'_>) -> Option<Insn> {
    let (ours, theirs) = (context.ours, context.theirs);
    if !matches!(ours.signal, 7 | 11) || ours.signal != theirs.signal || ours.pc != theirs.pc {
        return None;
    }
    let at = ours.pc.wrapping_sub(context.program.address) / 4;
    decode(*context.program.words.get(at as usize)?)
}

/// Anything, once ours has stopped at an access to such an SP.
fn stack_unaligned(_: &Difference, context: &Context<'_>) -> bool {
    let ours = context.ours;
    let at = ours.pc.wrapping_sub(context.program.address) / 4;
    let word = context.program.words.get(at as usize);
    ours.signal == 7
        && !ours.x[31].is_multiple_of(16)
        && word.and_then(|&word| decode(word)).is_some_and(|insn| {
            insn.rn() == 31 && insn.op.info().fields.iter().any(|f| f.name == "Rn")
        })
}

/// A destination, or a location about an end of the data area.
fn a_part_done(difference: &Difference, context: &Context<'_>) -> bool {
    let Some(insn) = faulted(context) else {
        return false;
    };
    let info = insn.op.info();
    let loads = info.name.starts_with("LD");
    let pair = info.name.starts_with("LDP") || info.name.starts_with("LDNP");
    let structure =
        loads && !pair && !info.name.starts_with("LDR") && !info.name.starts_with("LDU");
    let vector = structure || info.name.contains("SIMD_FP");
    let (rt, rt2) = (insn.rt() as usize, insn.rt2() as usize);
    let first = |n| n == rt || pair && n == rt2;
    match difference.place {
        Place::Data(n) => !loads && !(64..DATA_SIZE as usize - 64).contains(&n),
        Place::General(n) => loads && !vector && first(n) && n != insn.rn() as usize,
        Place::Vector(n) if structure => (n + 32 - rt) % 32 < 4,
        Place::Vector(n) => loads && vector && first(n),
        _ => false,
    }
}

/// In a program with an atomic instruction, what came of a store-exclusive that
/// failed in QEMU only.
fn monitor_lost(difference: &Difference, context: &Context<'_>) -> bool {
    let atomic = |class| matches!(class, Class::atomic | Class::compare_and_swap);
    instructions(context).any(|insn| atomic(insn.op.info().class))
        && exclusive_ended(difference, context, (0, 1))
}

/// With a tag in a register, what came of a store-exclusive that failed in ours
/// only.
fn other_tag(difference: &Difference, context: &Context<'_>) -> bool {
    let tagged = |insn: Insn| {
        insn.op.info().class == Class::ldst_exclusive
            && context.before.x[insn.rn() as usize] >> 56 != 0
    };
    instructions(context).any(tagged) && exclusive_ended(difference, context, (1, 0))
}

/// Whether a difference in a sequence comes of a store-exclusive that ended with
/// one status in ours and another in QEMU: the status, what is stored; anything,
/// as long as the status is still there and tells so.
fn exclusive_ended(difference: &Difference, context: &Context<'_>, status: (u64, u64)) -> bool {
    let ended = |insn: Insn| {
        let rs = insn.rs() as usize;
        insn.op.info().class == Class::ldst_exclusive
            && insn.op.name().starts_with("ST")
            && (context.ours.x[rs], context.theirs.x[rs]) == status
    };
    let (left, right) = (difference.left, difference.right);
    context.is_sequence()
        && match difference.place {
            Place::General(_) if (left, right) == (status.0.into(), status.1.into()) => true,
            Place::Data(_) => true,
            _ => instructions(context).any(ended),
        }
}

/// The program's instructions.
fn instructions(context: &Context<'_>) -> impl Iterator<Item = Insn> {
    let words = context.program.words.iter();
    words.filter_map(|&word| decode(word))
}

/// Anything, after a fault in either of the three instructions.
fn copy_fault(_: &Difference, context: &Context<'_>) -> bool {
    context.ours.signal == 11 && context.theirs.signal == 11
}

/// Whether a forward copy writes to what it has still to read.
fn overlaps_forward(context: &Context<'_>) -> bool {
    let copies = |word: &u32| decode(*word).filter(|insn| insn.op.name().starts_with("CPYF"));
    let Some(insn) = context.program.words.iter().find_map(copies) else {
        return false;
    };
    let x = |n: u32| context.before.x[n as usize] & !(0xff << 56);
    let distance = x(insn.rd()).wrapping_sub(x(insn.rs()));
    distance != 0 && distance < context.before.x[insn.rn() as usize]
}

/// Anything, after SIGILL in QEMU only.
fn undefined_there(_: &Difference, context: &Context<'_>) -> bool {
    context.theirs.signal == 4 && context.ours.signal != 4
}

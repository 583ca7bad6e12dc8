//! Which address an instruction accesses, as a need of its base register.

use a64::decode::{Class, Op};
use a64::insn::Insn;

use super::Need;
use crate::arm64::{DATA, DATA_SIZE};
use crate::random::Rng;

/// Whether instructions of the class access memory at a register.
#[must_use]
pub const fn accesses(class: Class) -> bool {
    matches!(
        class,
        Class::ldst_exclusive
            | Class::ldst_ordered
            | Class::ldst_rcpc
            | Class::ldst_rcpc_unscaled
            | Class::compare_and_swap
            | Class::atomic
            | Class::ldst_literal
            | Class::ldst_pair_nontemporal
            | Class::ldst_pair_post
            | Class::ldst_pair_offset
            | Class::ldst_pair_pre
            | Class::ldst_unscaled
            | Class::ldst_imm_post
            | Class::ldst_imm_pre
            | Class::ldst_unprivileged
            | Class::ldst_register
            | Class::ldst_unsigned
            | Class::ldst_multiple
            | Class::ldst_multiple_post
            | Class::ldst_single
            | Class::ldst_single_post
            | Class::memory_copy_set
            | Class::system
    )
}

/// The binary logarithm of the bytes of one register.
fn scale(insn: Insn) -> u32 {
    let info = insn.op.info();
    let vector = info.name.contains("SIMD_FP");
    let pair = matches!(
        info.class,
        Class::ldst_pair_nontemporal
            | Class::ldst_pair_post
            | Class::ldst_pair_offset
            | Class::ldst_pair_pre
    );
    match (vector, pair) {
        (true, true) => 2 + insn.ldst_opc(),
        (true, false) => insn.ldst_size() | insn.opc1() << 2,
        (false, true) if info.mnemonic == "LDPSW" => 2,
        (false, true) => 2 + insn.sf(),
        (false, false) => insn.ldst_size(),
    }
}

/// What the registers must hold for the access to land in the data area.
/// Nothing for instructions that access no memory at a register.
#[must_use]
pub fn need(insn: Insn) -> Option<Need> {
    let info = insn.op.info();
    let size = 1u64 << scale(insn);
    let base = insn.rn();
    let at = |offset, size, aligned| {
        Some(Need::Address {
            base,
            offset,
            size,
            aligned,
        })
    };
    match info.class {
        Class::ldst_exclusive => {
            let pair = matches!(info.mnemonic, "STXP" | "STLXP" | "LDXP" | "LDAXP");
            at(0, size << u32::from(pair), true)
        }
        Class::compare_and_swap if insn.op == Op::CASP => at(0, 8 << insn.ldst_sz(), true),
        Class::compare_and_swap | Class::atomic | Class::ldst_ordered | Class::ldst_rcpc => {
            at(0, size, true)
        }
        Class::ldst_rcpc_unscaled => at(insn.simm9(), size, true),
        Class::ldst_unscaled | Class::ldst_unprivileged | Class::ldst_imm_pre => {
            at(insn.simm9(), size, false)
        }
        Class::ldst_imm_post => at(0, size, false),
        Class::ldst_unsigned => at(i64::from(insn.imm12()) << scale(insn), size, false),
        Class::ldst_register => Some(Need::Indexed {
            base,
            index: insn.rm(),
            option: insn.option(),
            shift: insn.s() * scale(insn),
            size,
        }),
        Class::ldst_pair_nontemporal | Class::ldst_pair_offset | Class::ldst_pair_pre => {
            at(insn.simm7() << scale(insn), 2 * size, false)
        }
        Class::ldst_pair_post => at(0, 2 * size, false),
        Class::ldst_multiple | Class::ldst_multiple_post => at(0, 64, false),
        Class::ldst_single | Class::ldst_single_post => at(0, 16, false),
        Class::system => Some(Need::Address {
            base: insn.rt(),
            offset: 0,
            size: 64,
            aligned: false,
        }),
        _ => None,
    }
}

/// An address in the data area: of any alignment, across its pages, and now
/// and then over its ends.
pub fn target(rng: &mut Rng, size: u64, aligned: bool) -> u64 {
    let middle = DATA + DATA_SIZE / 2;
    let end = DATA + DATA_SIZE;
    let address = match rng.below(100) {
        0..40 => DATA + rng.below(DATA_SIZE - 64),
        40..65 => middle - rng.below(size + 16).min(64),
        65..85 => end - size - rng.below(40),
        85..93 => DATA + rng.below(40),
        93..98 => end - rng.below(size + 8),
        _ => DATA - 1 - rng.below(size + 2),
    };
    let granule = size.next_power_of_two();
    if aligned && rng.percent(85) {
        address & !(granule - 1)
    } else if aligned && rng.percent(70) {
        // Within sixteen bytes.
        (address & !15) + rng.below(17u64.saturating_sub(size).max(1))
    } else if rng.percent(30) {
        address & !(granule - 1)
    } else {
        address
    }
}

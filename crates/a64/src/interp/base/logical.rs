//! AND, ORR, EOR and their complements.

use super::super::registers::{cut, read, write, write_sp};
use super::{shifted, sign, width};
use crate::cpu::{Cpu, Flags};
use crate::decode::{Class, Op};
use crate::insn::Insn;

/// Executes one of them.
pub(super) fn execute(cpu: &mut Cpu, insn: Insn) {
    use Op::*;
    let bits = width(insn);
    let immediate = insn.op.class() == Class::logical_imm;
    let x = read(cpu, insn.rn());
    let y = if immediate {
        bit_mask(insn)
    } else {
        shifted(read(cpu, insn.rm()), insn.shift(), insn.imm6(), bits)
    };
    let result = match insn.op {
        AND_immediate | AND_shifted_register | ANDS_immediate | ANDS_shifted_register => x & y,
        ORR_immediate | ORR_shifted_register => x | y,
        EOR_immediate | EOR_shifted_register => x ^ y,
        ORN_shifted_register => x | !y,
        EON_shifted_register => x ^ !y,
        // BIC and BICS.
        _ => x & !y,
    };
    let result = cut(result, bits);
    let sets = matches!(
        insn.op,
        ANDS_immediate | ANDS_shifted_register | BICS_shifted_register
    );
    if sets {
        let nz = u8::from(sign(result, bits)) << 3 | u8::from(result == 0) << 2;
        cpu.flags = Flags::from_nzcv(nz);
    }
    if immediate && !sets {
        write_sp(cpu, insn.rd(), result);
    } else {
        write(cpu, insn.rd(), result);
    }
}

/// The manual's `DecodeBitMasks`: an element of 2 to 64 bits, by the highest
/// set bit of N:NOT(imms), with `S + 1` ones rotated right by R, repeated.
fn bit_mask(insn: Insn) -> u64 {
    repeated(
        insn.n() << 6 | (!insn.imms() & 0x3f),
        insn.imms(),
        insn.immr(),
    )
}

/// The element is repeated first: rotating all of it rotates each.
const fn repeated(n_not_imms: u32, imms: u32, immr: u32) -> u64 {
    let size = 1 << n_not_imms.ilog2();
    let ones = (imms & (size - 1)) + 1;
    let element = u64::MAX >> (64 - ones);
    let each = u64::MAX / (u64::MAX >> (64 - size));
    (element * each).rotate_right(immr & (size - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit by bit, as the manual has it.
    fn defined(size: u32, ones: u32, rotation: u32) -> u64 {
        (0..64)
            .filter(|bit| (bit + rotation) % size < ones)
            .fold(0, |mask, bit| mask | 1 << bit)
    }

    #[test]
    fn masks_are_as_defined() {
        for log2 in 1..=6 {
            let size = 1_u32 << log2;
            for s in 0..size - 1 {
                for rotation in 0..size {
                    // N:NOT(imms) has its highest bit there.
                    let n_not_imms = size | (!s & (size - 1));
                    let mask = repeated(n_not_imms, s, rotation);
                    assert_eq!(
                        mask,
                        defined(size, s + 1, rotation),
                        "{size} {s} {rotation}"
                    );
                }
            }
        }
    }
}

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
    let size = 1 << (insn.n() << 6 | (!insn.imms() & 0x3f)).ilog2();
    let (ones, rotation) = ((insn.imms() & (size - 1)) + 1, insn.immr() & (size - 1));
    (0..64)
        .filter(|bit| (bit + rotation) % size < ones)
        .fold(0, |mask, bit| mask | 1 << bit)
}

//! Shifts, bitfields, extraction, reversal and counting.

use super::super::registers::{cut, read, write};
use super::{shifted, sign_extend, width};
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;

/// LSLV, LSRV, ASRV, RORV: by a register modulo the width.
pub(super) fn shift(cpu: &Cpu, insn: Insn) -> Option<u64> {
    let kind = match insn.op {
        Op::LSLV => 0,
        Op::LSRV => 1,
        Op::ASRV => 2,
        Op::RORV => 3,
        _ => return None,
    };
    let bits = width(insn);
    let amount = read(cpu, insn.rm()) as u32 % bits;
    Some(shifted(read(cpu, insn.rn()), kind, amount, bits))
}

/// RBIT, REV16, REV32, REV, CLZ, CLS.
pub(super) fn reverse_and_count(cpu: &mut Cpu, insn: Insn) {
    let bits = width(insn);
    let x = cut(read(cpu, insn.rn()), bits);
    let result = match insn.op {
        Op::RBIT => x.reverse_bits() >> (64 - bits),
        Op::REV16 => (x & 0x00ff_00ff_00ff_00ff) << 8 | x >> 8 & 0x00ff_00ff_00ff_00ff,
        Op::REV32 => x.swap_bytes().rotate_left(32),
        Op::REV => x.swap_bytes() >> (64 - bits),
        Op::CLZ => u64::from(x.leading_zeros() - (64 - bits)),
        // CLS: the bits below the sign that equal it.
        _ => {
            let changes = cut(x ^ sign_extend(x, bits) << 1, bits);
            u64::from((changes | 1).leading_zeros() - (64 - bits))
        }
    };
    write(cpu, insn.rd(), result);
}

/// SBFM, BFM and UBFM, as the manual's aliases have it: with `imms >= immr`
/// bits `immr..=imms` go to the bottom; else the low `imms + 1` bits go to
/// bit `bits - immr`.
pub(super) fn bitfield(cpu: &mut Cpu, insn: Insn) {
    let bits = width(insn);
    let (r, s) = (insn.immr(), insn.imms());
    let source = cut(read(cpu, insn.rn()), bits);
    let (length, place, field) = if s >= r {
        (s - r + 1, 0, source >> r)
    } else {
        (s + 1, bits - r, source)
    };
    let mask = u64::MAX >> (64 - length);
    let result = match insn.op {
        Op::SBFM => sign_extend(field, length) << place,
        Op::UBFM => (field & mask) << place,
        _ => read(cpu, insn.rd()) & !(mask << place) | (field & mask) << place,
    };
    write(cpu, insn.rd(), cut(result, bits));
}

/// EXTR: bits of Rn:Rm from `imms` on.
pub(super) fn extract(cpu: &mut Cpu, insn: Insn) {
    let bits = width(insn);
    let high = u128::from(cut(read(cpu, insn.rn()), bits)) << bits;
    let both = high | u128::from(cut(read(cpu, insn.rm()), bits));
    write(cpu, insn.rd(), cut((both >> insn.imms()) as u64, bits));
}

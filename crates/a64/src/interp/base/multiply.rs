//! Multiplication and division.

use super::super::registers::{cut, read, write};
use super::{sign_extend, width};
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;

/// MADD to UMULH.
pub(super) fn execute(cpu: &mut Cpu, insn: Insn) {
    let (x, y) = (read(cpu, insn.rn()), read(cpu, insn.rm()));
    let addend = read(cpu, insn.ra());
    let signed = |x| sign_extend(x, 32);
    let result = match insn.op {
        Op::MADD => cut(addend.wrapping_add(x.wrapping_mul(y)), width(insn)),
        Op::MSUB => cut(addend.wrapping_sub(x.wrapping_mul(y)), width(insn)),
        Op::SMADDL => addend.wrapping_add(signed(x).wrapping_mul(signed(y))),
        Op::SMSUBL => addend.wrapping_sub(signed(x).wrapping_mul(signed(y))),
        Op::UMADDL => addend.wrapping_add(cut(x, 32).wrapping_mul(cut(y, 32))),
        Op::UMSUBL => addend.wrapping_sub(cut(x, 32).wrapping_mul(cut(y, 32))),
        Op::SMULH => ((i128::from(x as i64) * i128::from(y as i64)) >> 64) as u64,
        // UMULH.
        _ => ((u128::from(x) * u128::from(y)) >> 64) as u64,
    };
    write(cpu, insn.rd(), result);
}

/// UDIV and SDIV: towards zero; by zero gives zero; the one overflow wraps.
pub(super) fn divide(cpu: &Cpu, insn: Insn) -> Option<u64> {
    let bits = width(insn);
    let (x, y) = (read(cpu, insn.rn()), read(cpu, insn.rm()));
    let result = match insn.op {
        Op::UDIV => cut(x, bits).checked_div(cut(y, bits)).unwrap_or(0),
        Op::SDIV => {
            let (x, y) = (sign_extend(x, bits) as i64, sign_extend(y, bits) as i64);
            if y == 0 { 0 } else { x.wrapping_div(y) as u64 }
        }
        _ => return None,
    };
    Some(cut(result, bits))
}

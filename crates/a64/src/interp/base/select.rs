//! CSEL, CSINC, CSINV and CSNEG.

use super::super::condition::holds;
use super::super::registers::{cut, read, write};
use super::width;
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;

/// Executes one of them.
pub(super) fn execute(cpu: &mut Cpu, insn: Insn) {
    let other = read(cpu, insn.rm());
    let result = if holds(cpu, insn.cond()) {
        read(cpu, insn.rn())
    } else {
        match insn.op {
            Op::CSEL => other,
            Op::CSINC => other.wrapping_add(1),
            Op::CSINV => !other,
            _ => other.wrapping_neg(),
        }
    };
    write(cpu, insn.rd(), cut(result, width(insn)));
}

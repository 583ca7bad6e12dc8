//! Branches: where execution goes on.

use super::condition::holds;
use super::registers::{cut, read, write};
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;

/// Executes a branch and returns the next instruction's address.
pub(super) fn execute(cpu: &mut Cpu, insn: Insn) -> u64 {
    let next = cpu.pc.wrapping_add(4);
    let (taken, offset) = match insn.op {
        Op::B => (true, insn.imm26_offset()),
        Op::BL => {
            write(cpu, 30, next);
            return cpu.pc.wrapping_add_signed(insn.imm26_offset());
        }
        Op::B_cond => (holds(cpu, insn.bcond()), insn.imm19_offset()),
        Op::CBZ | Op::CBNZ => {
            let value = cut(read(cpu, insn.rt()), 32 << insn.sf());
            ((value == 0) == (insn.op == Op::CBZ), insn.imm19_offset())
        }
        Op::TBZ | Op::TBNZ => {
            let bit = read(cpu, insn.rt()) >> insn.test_bit() & 1;
            ((bit == 0) == (insn.op == Op::TBZ), insn.imm14_offset())
        }
        // BR, BLR and RET. The target is read first: BLR X30 goes to the old
        // X30.
        op => {
            let target = read(cpu, insn.rn());
            if op == Op::BLR {
                write(cpu, 30, next);
            }
            return target;
        }
    };
    if taken {
        cpu.pc.wrapping_add_signed(offset)
    } else {
        next
    }
}

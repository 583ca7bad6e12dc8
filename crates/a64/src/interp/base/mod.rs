//! The integer instructions on general registers.
//!
//! Every result is computed from the manual's operation on values of `bits`
//! (32 or 64) and zero-extended into the register. Each function answers
//! `None`, and has changed nothing, for rows that aren't its.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "values are cut to the operand's size, and read as signed"
)]

mod arithmetic;
mod bits;
mod checksum;
mod logical;
mod multiply;
mod select;

use super::registers::{cut, read, write};
use crate::cpu::Cpu;
use crate::decode::{Class, Op};
use crate::insn::Insn;

/// Executes an integer instruction; false if it is none.
pub(super) fn execute(cpu: &mut Cpu, insn: Insn) -> bool {
    run(cpu, insn).is_some()
}

fn run(cpu: &mut Cpu, insn: Insn) -> Option<()> {
    match insn.op.class() {
        Class::addsub_imm | Class::addsub_shift | Class::addsub_ext | Class::addsub_carry => {
            arithmetic::add_subtract(cpu, insn);
        }
        Class::cond_compare => arithmetic::conditional_compare(cpu, insn),
        Class::flags => arithmetic::flags(cpu, insn),
        Class::logical_imm | Class::logical_shift => logical::execute(cpu, insn),
        Class::cond_select => select::execute(cpu, insn),
        Class::dp_3src => multiply::execute(cpu, insn),
        Class::dp_2src => {
            let value = multiply::divide(cpu, insn)
                .or_else(|| bits::shift(cpu, insn))
                .or_else(|| checksum::execute(cpu, insn))?;
            write(cpu, insn.rd(), value);
        }
        Class::dp_1src => bits::reverse_and_count(cpu, insn),
        Class::bitfield => bits::bitfield(cpu, insn),
        Class::extract => bits::extract(cpu, insn),
        Class::move_wide => move_wide(cpu, insn),
        Class::pc_rel => address(cpu, insn),
        _ => return None,
    }
    Some(())
}

/// ADR and ADRP.
fn address(cpu: &mut Cpu, insn: Insn) {
    let value = if insn.op == Op::ADR {
        cpu.pc.wrapping_add_signed(insn.adr_offset())
    } else {
        (cpu.pc & !0xfff).wrapping_add_signed(insn.adr_offset() << 12)
    };
    write(cpu, insn.rd(), value);
}

/// MOVZ, MOVN and MOVK.
fn move_wide(cpu: &mut Cpu, insn: Insn) {
    let place = 16 * insn.hw();
    let value = u64::from(insn.imm16()) << place;
    let result = match insn.op {
        Op::MOVZ => value,
        Op::MOVN => !value,
        _ => read(cpu, insn.rd()) & !(0xffff << place) | value,
    };
    write(cpu, insn.rd(), cut(result, width(insn)));
}

/// 32 or 64, by sf.
const fn width(insn: Insn) -> u32 {
    32 << insn.sf()
}

/// The operand's sign bit.
const fn sign(value: u64, bits: u32) -> bool {
    value >> (bits - 1) & 1 == 1
}

/// The low `from` bits, sign-extended.
const fn sign_extend(value: u64, from: u32) -> u64 {
    ((value << (64 - from)) as i64 >> (64 - from)) as u64
}

/// A shifted register operand: LSL, LSR, ASR or ROR by less than `bits`.
fn shifted(value: u64, kind: u32, amount: u32, bits: u32) -> u64 {
    let value = cut(value, bits);
    let result = match kind {
        0 => value << amount,
        1 => value >> amount,
        2 => (sign_extend(value, bits) as i64 >> amount) as u64,
        _ if bits == 32 => u64::from((value as u32).rotate_right(amount)),
        _ => value.rotate_right(amount),
    };
    cut(result, bits)
}

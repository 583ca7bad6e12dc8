//! Data-processing.

use super::shift;
use super::target::{Target, write_pc};
use crate::cpu::{Cpu, Flags};
use crate::operation::{DataOp, Operand, Operation, SetFlags};

/// `AddWithCarry`: the sum, carry and overflow.
const fn add_with_carry(a: u32, b: u32, carry: bool) -> (u32, bool, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(carry as u32);
    let overflow = ((a ^ sum) & (b ^ sum)) >> 31 == 1;
    (sum, first | second, overflow)
}

/// Whether flags are to be set.
pub(super) const fn sets(cpu: &Cpu, flags: SetFlags) -> bool {
    match flags {
        SetFlags::No => false,
        SetFlags::Yes => true,
        SetFlags::OutsideIt => cpu.it() & 15 == 0,
    }
}

/// N, Z, C and V.
fn set_flags(cpu: &mut Cpu, value: u32, carry: bool, overflow: bool) {
    let n = u8::from(value >> 31 == 1) << 3;
    let z = u8::from(value == 0) << 2;
    let c = u8::from(carry) << 1;
    cpu.flags = Flags::from_nzcv(n | z | c | u8::from(overflow));
}

/// Executes one.
pub(super) fn execute(cpu: &mut Cpu, operation: Operation) -> Target {
    let Operation::Data {
        op,
        flags,
        d,
        n,
        operand,
    } = operation
    else {
        return Target::Next;
    };
    let (b, shifter_carry) = shift::operand(cpu, operand);
    let mut a = cpu.reg(n);
    if n == 15 && matches!(operand, Operand::Immediate { .. }) {
        // ADR.
        a &= !3;
    }
    let nzcv = cpu.flags.nzcv();
    let (carry, overflow) = (nzcv & 2 != 0, nzcv & 1 != 0);
    let logical = |value| (value, shifter_carry, overflow);
    let (value, carry, overflow) = match op {
        DataOp::And | DataOp::Tst => logical(a & b),
        DataOp::Eor | DataOp::Teq => logical(a ^ b),
        DataOp::Orr => logical(a | b),
        DataOp::Orn => logical(a | !b),
        DataOp::Bic => logical(a & !b),
        DataOp::Mov => logical(b),
        DataOp::Mvn => logical(!b),
        DataOp::Add | DataOp::Cmn => add_with_carry(a, b, false),
        DataOp::Sub | DataOp::Cmp => add_with_carry(a, !b, true),
        DataOp::Rsb => add_with_carry(!a, b, true),
        DataOp::Adc => add_with_carry(a, b, carry),
        DataOp::Sbc => add_with_carry(a, !b, carry),
        DataOp::Rsc => add_with_carry(!a, b, carry),
    };
    let compares = op.compares();
    if compares || sets(cpu, flags) {
        set_flags(cpu, value, carry, overflow);
    }
    if compares {
        Target::Next
    } else if d == 15 {
        // With flags: an exception return, which is UNPREDICTABLE at EL0.
        write_pc(cpu, value)
    } else {
        cpu.set_reg(d, value);
        Target::Next
    }
}

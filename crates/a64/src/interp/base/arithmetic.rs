//! Addition and subtraction with their flags: the manual's `AddWithCarry`.

use super::super::condition::holds;
use super::super::registers::{cut, read, read_sp, write, write_sp};
use super::{shifted, sign, sign_extend, width};
use crate::cpu::{Cpu, Flags};
use crate::decode::{Class, Op};
use crate::insn::Insn;

/// `x + y + carry` and its NZCV.
fn add_with_carry(x: u64, y: u64, carry: bool, bits: u32) -> (u64, Flags) {
    let whole = u128::from(x) + u128::from(y) + u128::from(carry);
    let result = cut(whole as u64, bits);
    let flags = u8::from(sign(result, bits)) << 3
        | u8::from(result == 0) << 2
        | u8::from(whole >> bits != 0) << 1
        | u8::from(sign(x, bits) == sign(y, bits) && sign(x, bits) != sign(result, bits));
    (result, Flags::from_nzcv(flags))
}

/// Which of the four that a row is: whether it subtracts, whether it sets
/// flags.
const fn kind(op: Op) -> (bool, bool) {
    use Op::*;
    match op {
        ADD_immediate | ADD_shifted_register | ADD_extended_register | ADC => (false, false),
        ADDS_immediate | ADDS_shifted_register | ADDS_extended_register | ADCS => (false, true),
        SUB_immediate | SUB_shifted_register | SUB_extended_register | SBC => (true, false),
        _ => (true, true),
    }
}

/// ADD, ADDS, SUB, SUBS, ADC, ADCS, SBC, SBCS.
pub(super) fn add_subtract(cpu: &mut Cpu, insn: Insn) {
    let bits = width(insn);
    let (subtract, sets) = kind(insn.op);
    let class = insn.op.class();
    // Immediate and extended forms know SP: as source, and where no flags are
    // set as destination.
    let with_sp = matches!(class, Class::addsub_imm | Class::addsub_ext);
    let (n, m) = (insn.rn(), insn.rm());
    let x = if with_sp {
        read_sp(cpu, n)
    } else {
        read(cpu, n)
    };
    let y = match class {
        Class::addsub_imm => u64::from(insn.imm12()) << (12 * insn.sh()),
        Class::addsub_shift => shifted(read(cpu, m), insn.shift(), insn.imm6(), bits),
        Class::addsub_ext => extended(read(cpu, m), insn.option(), insn.imm3()),
        _ => read(cpu, m),
    };
    let carry = match class {
        Class::addsub_carry => cpu.flags.nzcv() & 2 != 0,
        _ => subtract,
    };
    let y = if subtract { !y } else { y };
    let (result, flags) = add_with_carry(cut(x, bits), cut(y, bits), carry, bits);
    if sets {
        cpu.flags = flags;
    }
    if with_sp && !sets {
        write_sp(cpu, insn.rd(), result);
    } else {
        write(cpu, insn.rd(), result);
    }
}

/// An extended register operand: UXTB to SXTX, then a shift left.
fn extended(value: u64, option: u32, amount: u32) -> u64 {
    let from = 8 << (option & 3);
    let value = if option & 4 != 0 {
        sign_extend(value, from)
    } else {
        value & (u64::MAX >> (64 - from))
    };
    value << amount
}

/// CCMP and CCMN.
pub(super) fn conditional_compare(cpu: &mut Cpu, insn: Insn) {
    if !holds(cpu, insn.cond()) {
        cpu.flags = Flags::from_nzcv(insn.nzcv() as u8);
        return;
    }
    let bits = width(insn);
    let y = match insn.op {
        Op::CCMP_immediate | Op::CCMN_immediate => insn.imm5().into(),
        _ => read(cpu, insn.rm()),
    };
    let subtract = matches!(insn.op, Op::CCMP_immediate | Op::CCMP_register);
    let y = if subtract { !y } else { y };
    let x = cut(read(cpu, insn.rn()), bits);
    cpu.flags = add_with_carry(x, cut(y, bits), subtract, bits).1;
}

/// RMIF, SETF8 and SETF16.
pub(super) fn flags(cpu: &mut Cpu, insn: Insn) {
    let value = read(cpu, insn.rn());
    let old = cpu.flags.nzcv();
    let nzcv = if insn.op == Op::RMIF {
        let mask = insn.mask() as u8;
        let rotated = value.rotate_right(insn.rmif_imm6()) as u8;
        old & !mask | rotated & mask
    } else {
        // N and Z of the low part; V where the bit above it differs from its
        // sign; C stays.
        let bits = if insn.op == Op::SETF8 { 8 } else { 16 };
        let low = value & ((1 << bits) - 1);
        let over = (value >> bits ^ value >> (bits - 1)) & 1;
        u8::from(sign(low, bits)) << 3 | u8::from(low == 0) << 2 | old & 2 | over as u8
    };
    cpu.flags = Flags::from_nzcv(nzcv & 15);
}

//! Multiplications and divisions.

use super::data::sets;
use crate::cpu::{Cpu, Flags};
use crate::operation::{Multiply, MultiplyLong, Operation, Reg};

/// Executes one.
pub(super) fn execute(cpu: &mut Cpu, operation: Operation) {
    match operation {
        Operation::Multiply {
            op,
            flags,
            d,
            n,
            m,
            a,
        } => {
            let added = a.map_or(0, |a| cpu.reg(a));
            let value = short(cpu, op, cpu.reg(n), cpu.reg(m), added);
            if sets(cpu, flags) {
                set_nz(cpu, value >> 31 == 1, value == 0);
            }
            cpu.set_reg(d, value);
        }
        Operation::MultiplyLong {
            op,
            flags,
            lo,
            hi,
            n,
            m,
        } => {
            let sum = u64::from(cpu.reg(hi)) << 32 | u64::from(cpu.reg(lo));
            let value = long(op, cpu.reg(n), cpu.reg(m), sum);
            if sets(cpu, flags) {
                set_nz(cpu, value >> 63 == 1, value == 0);
            }
            write_long(cpu, lo, hi, value);
        }
        Operation::Divide { signed, d, n, m } => {
            let value = divide(signed, cpu.reg(n), cpu.reg(m));
            cpu.set_reg(d, value);
        }
        _ => {}
    }
}

/// N and Z; C and V stay.
fn set_nz(cpu: &mut Cpu, n: bool, z: bool) {
    let kept = cpu.flags.nzcv() & 3;
    cpu.flags = Flags::from_nzcv(u8::from(n) << 3 | u8::from(z) << 2 | kept);
}

#[allow(clippy::cast_possible_truncation, reason = "halves of it")]
fn write_long(cpu: &mut Cpu, lo: Reg, hi: Reg, value: u64) {
    cpu.set_reg(hi, (value >> 32) as u32);
    cpu.set_reg(lo, value as u32);
}

/// A half, with its sign.
fn half(value: u32, top: bool) -> i64 {
    let value = if top { value } else { value << 16 };
    i64::from(value.cast_signed() >> 16)
}

/// A word, with its sign.
fn word(value: u32) -> i64 {
    i64::from(value.cast_signed())
}

/// The two products of halves, added or the second subtracted.
fn dual(n: u32, m: u32, subtract: bool, exchange: bool) -> i64 {
    let m = if exchange { m.rotate_right(16) } else { m };
    let first = half(n, false) * half(m, false);
    let second = half(n, true) * half(m, true);
    if subtract {
        first - second
    } else {
        first + second
    }
}

/// A result of 32 bits; Q is set where an addition overflows.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the low word is the result"
)]
fn short(cpu: &mut Cpu, op: Multiply, n: u32, m: u32, added: u32) -> u32 {
    let exact = match op {
        Multiply::Low { subtract } => {
            let product = n.wrapping_mul(m);
            return if subtract {
                added.wrapping_sub(product)
            } else {
                added.wrapping_add(product)
            };
        }
        Multiply::Most { subtract, round } => {
            let product = word(n) * word(m);
            let sum = word(added) << 32;
            let value = if subtract {
                sum.wrapping_sub(product)
            } else {
                sum.wrapping_add(product)
            };
            let rounding = if round { 0x8000_0000 } else { 0 };
            return (value.wrapping_add(rounding) >> 32) as u32;
        }
        Multiply::Differences => {
            let (n, m) = (n.to_le_bytes(), m.to_le_bytes());
            let differences = n.iter().zip(m).map(|(n, m)| u32::from(n.abs_diff(m)));
            return added.wrapping_add(differences.sum());
        }
        Multiply::Halves { n_top, m_top } => half(n, n_top) * half(m, m_top) + word(added),
        Multiply::Wide { m_top } => ((word(n) * half(m, m_top)) >> 16) + word(added),
        Multiply::Dual { subtract, exchange } => dual(n, m, subtract, exchange) + word(added),
    };
    if i32::try_from(exact).is_err() {
        cpu.set_q(1);
    }
    exact as u32
}

/// A result of 64 bits, to which `sum` may be added.
fn long(op: MultiplyLong, n: u32, m: u32, sum: u64) -> u64 {
    let unsigned = u64::from(n) * u64::from(m);
    let signed = (word(n) * word(m)).cast_unsigned();
    match op {
        MultiplyLong::Product { signed: false } => unsigned,
        MultiplyLong::Product { signed: true } => signed,
        MultiplyLong::Accumulate { signed: false } => sum.wrapping_add(unsigned),
        MultiplyLong::Accumulate { signed: true } => sum.wrapping_add(signed),
        MultiplyLong::AccumulateTwo => unsigned + (sum >> 32) + (sum & 0xffff_ffff),
        MultiplyLong::Halves { n_top, m_top } => {
            sum.wrapping_add_signed(half(n, n_top) * half(m, m_top))
        }
        MultiplyLong::Dual { subtract, exchange } => {
            sum.wrapping_add_signed(dual(n, m, subtract, exchange))
        }
    }
}

/// Towards zero; by zero it is zero.
fn divide(signed: bool, n: u32, m: u32) -> u32 {
    if m == 0 {
        0
    } else if signed {
        n.cast_signed()
            .wrapping_div(m.cast_signed())
            .cast_unsigned()
    } else {
        n / m
    }
}

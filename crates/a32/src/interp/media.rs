//! Parallel additions, saturation, extension, packing, selection, bits and checksums.

use guest::memory::Size;

use super::shift::shifted;
use crate::cpu::Cpu;
use crate::operation::{BitField, LaneRule, Lanes, Operation, Part, Unary};

/// Executes one.
pub(super) fn execute(cpu: &mut Cpu, operation: Operation) {
    use Operation as O;
    let (d, value) = match operation {
        O::Unary { op, d, m } => (d, unary(op, cpu.reg(m))),
        O::Extend {
            signed,
            part,
            d,
            n,
            m,
            rotation,
        } => {
            let value = cpu.reg(m).rotate_right(rotation);
            let n = n.map_or(0, |n| cpu.reg(n));
            (d, extend_and_add(part, signed, value, n))
        }
        O::Parallel {
            lanes,
            rule,
            signed,
            d,
            n,
            m,
        } => {
            let (value, ge) = parallel(lanes, rule, signed, cpu.reg(n), cpu.reg(m));
            if rule == LaneRule::Modulo {
                cpu.set_ge(ge);
            }
            (d, value)
        }
        O::Saturating {
            double,
            subtract,
            d,
            n,
            m,
        } => (d, saturating(cpu, double, subtract, cpu.reg(n), cpu.reg(m))),
        O::Saturate {
            signed,
            bits,
            d,
            n,
            shift,
            amount,
        } => {
            let (value, _) = shifted(cpu.reg(n), shift, amount.into(), false);
            (d, saturate(cpu, signed, bits, value.cast_signed().into()))
        }
        O::Saturate16 { signed, bits, d, n } => {
            let value = cpu.reg(n).cast_signed();
            let low = saturate(cpu, signed, bits, (value << 16 >> 16).into());
            let high = saturate(cpu, signed, bits, (value >> 16).into());
            (d, high << 16 | low & 0xffff)
        }
        O::Pack {
            top,
            d,
            n,
            m,
            shift,
            amount,
        } => {
            let (n, m) = (cpu.reg(n), cpu.reg(m));
            (d, pack(top, n, shifted(m, shift, amount.into(), false).0))
        }
        O::Select { d, n, m } => {
            let ge = cpu.ge();
            let mask = (0..4).fold(0, |mask, lane| {
                mask | ((ge >> lane & 1) * 0xff) << (8 * lane)
            });
            (d, cpu.reg(n) & mask | cpu.reg(m) & !mask)
        }
        O::BitField { op, d, n, lsb, msb } => {
            let n = if op == BitField::Bfc { 0 } else { cpu.reg(n) };
            (d, bit_field(op, cpu.reg(d), n, lsb, msb))
        }
        O::Crc32 {
            castagnoli,
            size,
            d,
            n,
            m,
        } => (d, crc32(castagnoli, size, cpu.reg(n), cpu.reg(m))),
        _ => return,
    };
    cpu.set_reg(d, value);
}

const fn unary(op: Unary, value: u32) -> u32 {
    match op {
        Unary::Clz => value.leading_zeros(),
        Unary::Rbit => value.reverse_bits(),
        Unary::Rev => value.swap_bytes(),
        Unary::Rev16 => value.swap_bytes().rotate_right(16),
        Unary::Revsh => (value.swap_bytes().cast_signed() >> 16).cast_unsigned(),
    }
}

/// The low `bits` of a value, extended.
const fn extend(value: u32, bits: u32, signed: bool) -> u32 {
    let high = value << (32 - bits);
    if signed {
        (high.cast_signed() >> (32 - bits)).cast_unsigned()
    } else {
        high >> (32 - bits)
    }
}

const fn extend_and_add(part: Part, signed: bool, value: u32, n: u32) -> u32 {
    match part {
        Part::Byte => n.wrapping_add(extend(value, 8, signed)),
        Part::Half => n.wrapping_add(extend(value, 16, signed)),
        Part::Bytes => {
            let low = n.wrapping_add(extend(value, 8, signed));
            let high = (n >> 16).wrapping_add(extend(value >> 16, 8, signed));
            high << 16 | low & 0xffff
        }
    }
}

/// A lane's number, with its sign if it has one.
const fn lane(value: u32, from: u32, bits: u32, signed: bool) -> i32 {
    extend(value >> from, bits, signed).cast_signed()
}

/// The results, and the bits of GE.
fn parallel(lanes: Lanes, rule: LaneRule, signed: bool, n: u32, m: u32) -> (u32, u32) {
    let (bits, exchange) = match lanes {
        Lanes::Add8 | Lanes::Sub8 => (8, false),
        Lanes::Asx | Lanes::Sax => (16, true),
        Lanes::Add16 | Lanes::Sub16 => (16, false),
    };
    let m = if exchange { m.rotate_right(16) } else { m };
    let (mut value, mut ge) = (0, 0);
    for from in (0..32).step_by(bits as usize) {
        let subtract = match lanes {
            Lanes::Add8 | Lanes::Add16 => false,
            Lanes::Sub8 | Lanes::Sub16 => true,
            Lanes::Asx => from == 0,
            Lanes::Sax => from != 0,
        };
        let (a, b) = (lane(n, from, bits, signed), lane(m, from, bits, signed));
        let exact = if subtract { a - b } else { a + b };
        let is_ge = if signed || subtract {
            exact >= 0
        } else {
            exact >> bits != 0
        };
        if is_ge {
            ge |= (if bits == 8 { 1 } else { 3 }) << (from / 8);
        }
        let result = match rule {
            LaneRule::Modulo => exact,
            LaneRule::Saturate => saturated(exact.into(), bits, signed).0,
            LaneRule::Halve => exact >> 1,
        };
        value |= extend(result.cast_unsigned(), bits, false) << from;
    }
    (value, ge)
}

/// The nearest number of so many bits, and whether it is another.
#[allow(clippy::cast_possible_truncation, reason = "32 bits at most")]
fn saturated(value: i64, bits: u32, signed: bool) -> (i32, bool) {
    let (least, most) = if signed {
        (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1)
    } else {
        (0, (1i64 << bits) - 1)
    };
    let result = value.clamp(least, most);
    (result as i32, result != value)
}

/// The nearest number of so many bits; Q is set where that is another.
fn saturate(cpu: &mut Cpu, signed: bool, bits: u32, value: i64) -> u32 {
    let (result, saturates) = saturated(value, bits, signed);
    cpu.set_q(cpu.q() | u32::from(saturates));
    result.cast_unsigned()
}

fn saturating(cpu: &mut Cpu, double: bool, subtract: bool, n: u32, m: u32) -> u32 {
    let (mut n, m) = (i64::from(n.cast_signed()), i64::from(m.cast_signed()));
    if double {
        n = saturate(cpu, true, 32, 2 * n).cast_signed().into();
    }
    let exact = if subtract { m - n } else { m + n };
    saturate(cpu, true, 32, exact)
}

/// A half of each operand.
const fn pack(top: bool, n: u32, m: u32) -> u32 {
    if top {
        n & 0xffff_0000 | m & 0xffff
    } else {
        m & 0xffff_0000 | n & 0xffff
    }
}

/// A field beyond bit 31, or one that ends before it begins, is UNPREDICTABLE: the bits that are
/// there are meant, or none.
const fn bit_field(op: BitField, d: u32, n: u32, lsb: u32, msb: u32) -> u32 {
    let msb = if msb > 31 { 31 } else { msb };
    if msb < lsb {
        return d;
    }
    let width = msb - lsb + 1;
    let mask = u32::MAX >> (32 - width) << lsb;
    match op {
        BitField::Sbfx => extend(n >> lsb, width, true),
        BitField::Ubfx => extend(n >> lsb, width, false),
        BitField::Bfi | BitField::Bfc => d & !mask | n << lsb & mask,
    }
}

/// The manual's polynomial division of reversed bits, bit by bit.
fn crc32(castagnoli: bool, size: Size, sum: u32, data: u32) -> u32 {
    // The polynomials with their bits reversed.
    let polynomial = if castagnoli { 0x82f6_3b78 } else { 0xedb8_8320 };
    let data = extend(data, size.bits(), false);
    (0..size.bits()).fold(sum ^ data, |sum, _| {
        let reduced = if sum & 1 == 1 { polynomial } else { 0 };
        sum >> 1 ^ reduced
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_that_everybody_has() {
        let of = |castagnoli| {
            let sum = b"123456789".iter().fold(u32::MAX, |sum, &byte| {
                crc32(castagnoli, Size::Byte, sum, byte.into())
            });
            !sum
        };
        assert_eq!(of(false), 0xcbf4_3926);
        assert_eq!(of(true), 0xe306_9283);
    }
}

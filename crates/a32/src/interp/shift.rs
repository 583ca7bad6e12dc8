//! The shifter: shifted operands and the carry that comes of them.

use crate::cpu::Cpu;
use crate::operation::{Operand, Shift};

/// `Shift_C`: the value shifted and the carry; an amount of 0 leaves both.
pub(super) const fn shifted(value: u32, shift: Shift, amount: u32, carry: bool) -> (u32, bool) {
    if amount == 0 {
        return (value, carry);
    }
    match shift {
        Shift::Lsl => {
            let wide = if amount > 32 {
                0
            } else {
                (value as u64) << amount
            };
            (low(wide), wide >> 32 & 1 == 1)
        }
        Shift::Lsr => {
            let wide = if amount > 32 {
                0
            } else {
                (value as u64) << 32 >> amount
            };
            (low(wide >> 32), wide >> 31 & 1 == 1)
        }
        Shift::Asr => {
            let amount = if amount > 32 { 32 } else { amount };
            let wide = ((value.cast_signed() as i64) << 32 >> amount).cast_unsigned();
            (low(wide >> 32), wide >> 31 & 1 == 1)
        }
        Shift::Ror => {
            let value = value.rotate_right(amount & 31);
            (value, value >> 31 == 1)
        }
        Shift::Rrx => (value >> 1 | (carry as u32) << 31, value & 1 == 1),
    }
}

#[allow(clippy::cast_possible_truncation, reason = "what is asked for")]
const fn low(wide: u64) -> u32 {
    wide as u32
}

/// The second operand and the shifter's carry.
pub(super) const fn operand(cpu: &Cpu, operand: Operand) -> (u32, bool) {
    let flag = cpu.flags.nzcv() & 2 != 0;
    match operand {
        Operand::Immediate { value, carry } => {
            let carry = match carry {
                Some(carry) => carry,
                None => flag,
            };
            (value, carry)
        }
        Operand::Register { m, shift, amount } => shifted(cpu.reg(m), shift, amount as u32, flag),
        Operand::Shifted { m, shift, s } => shifted(cpu.reg(m), shift, cpu.reg(s) & 0xff, flag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_of_shifts() {
        let value = 0x8000_0001;
        for (shift, amount, expected) in [
            (Shift::Lsl, 1, (2, true)),
            (Shift::Lsl, 32, (0, true)),
            (Shift::Lsl, 33, (0, false)),
            (Shift::Lsr, 1, (0x4000_0000, true)),
            (Shift::Lsr, 32, (0, true)),
            (Shift::Lsr, 33, (0, false)),
            (Shift::Asr, 1, (0xc000_0000, true)),
            (Shift::Asr, 32, (u32::MAX, true)),
            (Shift::Asr, 200, (u32::MAX, true)),
            (Shift::Ror, 4, (0x1800_0000, false)),
            (Shift::Ror, 32, (value, true)),
            (Shift::Ror, 33, (0xc000_0000, true)),
        ] {
            let found = shifted(value, shift, amount, false);
            assert_eq!(found, expected, "{shift:?} {amount}");
        }
        assert_eq!(shifted(3, Shift::Rrx, 1, true), (0x8000_0001, true));
        assert_eq!(shifted(3, Shift::Lsl, 0, true), (3, true));
    }
}

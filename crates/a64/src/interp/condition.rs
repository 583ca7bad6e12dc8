//! Conditions: the manual's `ConditionHolds`.

use crate::cpu::Cpu;

/// Whether a condition holds, by its four bits; 15 always does, like 14.
pub(super) const fn holds(cpu: &Cpu, cond: u32) -> bool {
    let nzcv = cpu.flags.nzcv();
    let (n, z) = (nzcv & 8 != 0, nzcv & 4 != 0);
    let (c, v) = (nzcv & 2 != 0, nzcv & 1 != 0);
    let base = match cond >> 1 {
        0 => z,
        1 => c,
        2 => n,
        3 => v,
        4 => c && !z,
        5 => n == v,
        6 => n == v && !z,
        _ => return true,
    };
    base != (cond & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::holds;
    use crate::cpu::{Cpu, Flags};

    #[test]
    fn of_each_pair_one_holds_but_always() {
        let mut cpu = Cpu::default();
        for nzcv in 0..16 {
            cpu.flags = Flags::from_nzcv(nzcv);
            for pair in 0..7 {
                assert_ne!(holds(&cpu, pair * 2), holds(&cpu, pair * 2 + 1));
            }
            assert!(holds(&cpu, 14) && holds(&cpu, 15));
        }
    }

    #[test]
    fn greater_than_is_not_zero_and_signs_agree() {
        let mut cpu = Cpu::default();
        for nzcv in 0..16u8 {
            cpu.flags = Flags::from_nzcv(nzcv);
            let agree = nzcv & 8 != 0 && nzcv & 1 != 0 || nzcv & 9 == 0;
            assert_eq!(holds(&cpu, 12), agree && nzcv & 4 == 0);
        }
    }
}

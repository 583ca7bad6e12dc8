//! Registers as others are told of them (arm's `ptrace.h`).

use alloc::vec::Vec;

use a32::cpu::Cpu;

use super::registers::{cpsr, doubles, set_cpsr};
use crate::thread::register_sets::RegisterSets;

pub(super) const NT_ARM_VFP: u32 = 0x400;
/// The thread pointer.
pub(super) const NT_ARM_TLS: u32 = 0x401;

/// R0 to R15, CPSR, and R0 as it was before a call, 32 bits each; D0 to D31 and FPSCR. The
/// old set of floating point is that of FPA, which is empty.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "registers have 32 bits")]
pub(super) fn register_sets(cpu: &Cpu) -> RegisterSets {
    /// `struct user_fp`.
    const FPA: usize = 116;
    let registers = cpu.r[..15].iter().map(|&value| value as u32);
    let rest = [cpu.pc as u32, cpsr(cpu), cpu.r[0] as u32];
    let words = registers.chain(rest);
    let mut vfp: Vec<u8> = doubles(cpu).flatten().collect();
    vfp.extend_from_slice(&cpu.fpscr().to_le_bytes());
    RegisterSets {
        general: words.flat_map(u32::to_le_bytes).collect(),
        float: alloc::vec![0; FPA],
        others: alloc::vec![
            (NT_ARM_VFP, vfp),
            (NT_ARM_TLS, (cpu.tpidruro as u32).to_le_bytes().to_vec()),
        ],
    }
}

/// Takes the registers from the same bytes. A set that is not whole is left out.
pub(super) fn set_register_sets(cpu: &mut Cpu, sets: &RegisterSets) {
    /// R0 to R15, CPSR, and what R0 was.
    const GENERAL: usize = 18;
    const DOUBLES: usize = 32 * 8;
    let (words, _) = sets.general.as_chunks::<4>();
    if let &[.., pc, cpsr, _] = words
        && words.len() == GENERAL
    {
        for (register, &word) in cpu.r[..15].iter_mut().zip(words) {
            *register = u32::from_le_bytes(word).into();
        }
        cpu.pc = u32::from_le_bytes(pc).into();
        set_cpsr(cpu, u32::from_le_bytes(cpsr));
    }
    for (set, bytes) in &sets.others {
        match (*set, bytes.split_at_checked(DOUBLES)) {
            (NT_ARM_VFP, Some((quads, control))) => {
                for (quad, &bytes) in cpu.v.iter_mut().zip(quads.as_chunks().0) {
                    *quad = u128::from_le_bytes(bytes);
                }
                if let Some(&control) = control.first_chunk() {
                    cpu.set_fpscr(u32::from_le_bytes(control));
                }
            }
            (NT_ARM_TLS, _) => {
                if let Some(&bytes) = bytes.first_chunk() {
                    cpu.tpidruro = u32::from_le_bytes(bytes).into();
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_taken() {
        let mut cpu = Cpu::default();
        for (n, register) in (1..).zip(&mut cpu.r[..15]) {
            *register = n * 0x0101_0101;
        }
        for (n, quad) in (1..).zip(&mut cpu.v[..16]) {
            *quad = n << 100 | n;
        }
        (cpu.pc, cpu.tpidruro, cpu.thumb) = (0x1_0002, 0xf7f0_0000, 1);
        cpu.set_it(0x0a);
        cpu.set_ge(5);
        cpu.set_fpscr(0x8040_001f);
        let mut other = Cpu::default();
        set_register_sets(&mut other, &register_sets(&cpu));
        assert_eq!(other, cpu);
        // A part of a set is none.
        let mut sets = register_sets(&cpu);
        sets.general.truncate(17 * 4);
        sets.others
            .iter_mut()
            .for_each(|(_, bytes)| bytes.truncate(3));
        let mut none = Cpu::default();
        set_register_sets(&mut none, &sets);
        assert_eq!(none, Cpu::default());
    }
}

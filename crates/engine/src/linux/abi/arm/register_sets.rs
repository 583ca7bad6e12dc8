//! Registers as others are told of them (arm's `ptrace.h`).

use alloc::vec::Vec;

use a32::cpu::Cpu;

use super::registers::{cpsr, doubles};
use crate::thread::register_sets::RegisterSets;

const NT_ARM_VFP: u32 = 0x400;
const NT_ARM_TLS: u32 = 0x401;

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

//! Registers as arm64 kernels tell others of them (arm64's `ptrace.h`).

use a64::cpu::Cpu;

use super::signal_frame::pstate;
use crate::thread::register_sets::RegisterSets;

const NT_ARM_TLS: u32 = 0x401;

/// `struct user_pt_regs`, `struct user_fpsimd_state`, and the thread pointer.
#[must_use]
pub fn register_sets(cpu: &Cpu) -> RegisterSets {
    // X0 to X30, SP, PC, PSTATE.
    let rest = [cpu.pc, pstate(cpu)];
    let words = cpu.x.iter().chain(&rest);
    // V0 to V31, FPSR, FPCR, and two words that are none.
    let vectors = cpu.v.iter().flat_map(|value| value.to_le_bytes());
    let control = [cpu.fpsr, cpu.fpcr, 0, 0];
    RegisterSets {
        general: words.flat_map(|word| word.to_le_bytes()).collect(),
        float: vectors
            .chain(control.iter().flat_map(|half| half.to_le_bytes()))
            .collect(),
        others: alloc::vec![(NT_ARM_TLS, cpu.tpidr.to_le_bytes().to_vec())],
    }
}

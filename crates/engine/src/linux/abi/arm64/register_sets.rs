//! Registers as arm64 kernels tell others of them (arm64's `ptrace.h`).

use a64::cpu::{Cpu, Flags};

use super::signal_frame::pstate;
use crate::thread::register_sets::RegisterSets;

/// The thread pointer.
pub(super) const NT_ARM_TLS: u32 = 0x401;

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

/// Takes the registers from the same bytes. A set that is not whole is left out.
pub fn set_register_sets(cpu: &mut Cpu, sets: &RegisterSets) {
    /// X0 to X30 and SP, PC, PSTATE.
    const GENERAL: usize = 34;
    const VECTORS: usize = 32 * 16;
    const DIT: u64 = 1 << 24;
    let (words, _) = sets.general.as_chunks::<8>();
    if let &[.., pc, pstate] = words
        && words.len() == GENERAL
    {
        for (x, &word) in cpu.x.iter_mut().zip(words) {
            *x = u64::from_le_bytes(word);
        }
        cpu.pc = u64::from_le_bytes(pc);
        let pstate = u64::from_le_bytes(pstate);
        cpu.flags = Flags::from_nzcv((pstate >> 28 & 15) as u8);
        cpu.dit = pstate & DIT;
    }
    if let Some((vectors, control)) = sets.float.split_at_checked(VECTORS)
        && let Some(&control) = control.first_chunk::<8>()
    {
        for (v, &bytes) in cpu.v.iter_mut().zip(vectors.as_chunks().0) {
            *v = u128::from_le_bytes(bytes);
        }
        let control = u64::from_le_bytes(control);
        #[allow(clippy::cast_possible_truncation, reason = "two halves")]
        let (fpsr, fpcr) = (control as u32, (control >> 32) as u32);
        // The bits that there are.
        cpu.fpsr = fpsr & 0x0800_009f;
        cpu.fpcr = fpcr & 0x07c8_0000;
    }
    for (set, bytes) in &sets.others {
        if *set == NT_ARM_TLS
            && let Some(&bytes) = bytes.first_chunk()
        {
            cpu.tpidr = u64::from_le_bytes(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_taken() {
        let mut cpu = Cpu::default();
        for (n, x) in (1..).zip(&mut cpu.x) {
            *x = n * 0x1111_1111_1111;
        }
        for (n, v) in (1..).zip(&mut cpu.v) {
            *v = n << 100 | n;
        }
        (cpu.pc, cpu.tpidr) = (0x40_0000, 0x7f00);
        cpu.flags = Flags::from_nzcv(0b1010);
        (cpu.fpsr, cpu.fpcr, cpu.dit) = (0x1f, 0x40_0000, 1 << 24);
        let mut other = Cpu::default();
        set_register_sets(&mut other, &register_sets(&cpu));
        assert_eq!(register_sets(&other).general, register_sets(&cpu).general);
        assert_eq!(register_sets(&other).float, register_sets(&cpu).float);
        assert_eq!(other.tpidr, cpu.tpidr);
        // A part of a set is none.
        let mut sets = register_sets(&cpu);
        sets.general.truncate(33 * 8);
        sets.float.truncate(519);
        sets.others.clear();
        let mut none = Cpu::default();
        set_register_sets(&mut none, &sets);
        assert_eq!(none.x, Cpu::default().x);
        assert_eq!(none.v, Cpu::default().v);
    }
}

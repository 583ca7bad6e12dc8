//! Not written yet.
use crate::{cpu::Cpu, insn::Insn};
pub(super) fn execute(cpu: &mut Cpu, _insn: Insn) -> u64 {
    cpu.pc
}

//! Not written yet.
use crate::{cpu::Cpu, insn::Insn};
pub(super) fn execute(_cpu: &mut Cpu, _insn: Insn) -> bool {
    false
}

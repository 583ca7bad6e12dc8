//! Not written yet.
use super::{Environment, Exception};
use crate::{cpu::Cpu, insn::Insn, mem::Memory};
pub(super) fn execute<M: Memory + Environment>(
    _cpu: &mut Cpu,
    _mem: &mut M,
    _insn: Insn,
) -> Result<(), Exception> {
    Err(Exception::Undefined)
}

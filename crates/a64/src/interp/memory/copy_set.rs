//! Not written yet.
use crate::interp::{Environment, Exception};
use crate::{cpu::Cpu, insn::Insn, mem::Memory};
pub(crate) fn execute<M: Memory + Environment>(
    _cpu: &mut Cpu,
    _mem: &mut M,
    _insn: Insn,
) -> Result<u64, Exception> {
    Err(Exception::Undefined)
}

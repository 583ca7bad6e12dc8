//! Not written yet.
pub(super) mod copy_set;
use super::{Environment, Exception};
use crate::{cpu::Cpu, decode::Class, insn::Insn, mem::Memory};
pub(super) fn handles(_class: Class) -> bool {
    false
}
pub(super) fn execute<M: Memory + Environment>(
    _cpu: &mut Cpu,
    _mem: &mut M,
    _insn: Insn,
) -> Result<(), Exception> {
    Err(Exception::Undefined)
}

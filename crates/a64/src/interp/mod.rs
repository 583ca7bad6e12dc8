//! The reference interpreter: what each instruction does, written to be
//! obviously right.
//!
//! It is the oracle of the tests and the fall-back for what translation leaves
//! out, not a fast path. Each encoding class has one function, in the file of
//! its subject; [`step`] is the only way in. Instructions commit their results
//! after their last access: when one raises an [`Exception`], the state is
//! that before it.

mod base;
mod branch;
mod condition;
mod crypto;
mod fp;
mod memory;
mod registers;
mod simd;
mod system;

use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;
use guest::memory::Memory;

pub use guest::{Environment, Exception};

/// Executes one instruction at `cpu.pc`, which is then the next one's.
///
/// # Errors
/// When it raises an exception; nothing else of the state has changed then
/// (but the program counter for [`Exception::Supervisor`]).
pub fn step<M: Memory + Environment>(
    cpu: &mut Cpu,
    mem: &mut M,
    insn: Insn,
) -> Result<(), Exception> {
    let pc = cpu.pc;
    let next = match insn.op.class() {
        Class::branch_cond
        | Class::branch_imm
        | Class::branch_reg
        | Class::compare_branch
        | Class::test_branch => branch::execute(cpu, insn),
        Class::hint => system::hint(cpu, mem, insn.word),
        Class::exception
        | Class::barrier
        | Class::pstate
        | Class::system
        | Class::system_register => {
            system::execute(cpu, mem, insn)?;
            pc.wrapping_add(4)
        }
        Class::memory_copy_set => memory::copy_set::execute(cpu, mem, insn)?,
        class if memory::handles(class) => {
            memory::execute(cpu, mem, insn)?;
            pc.wrapping_add(4)
        }
        _ => {
            let done = base::execute(cpu, insn)
                || simd::execute(cpu, insn)
                || fp::execute(cpu, insn)
                || crypto::execute(cpu, insn);
            if !done {
                return Err(Exception::Undefined);
            }
            pc.wrapping_add(4)
        }
    };
    cpu.pc = next;
    Ok(())
}

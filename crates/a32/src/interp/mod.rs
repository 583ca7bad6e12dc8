//! The reference interpreter: what each instruction does, written to be obviously right.
//!
//! [`step`] executes one instruction in A32 or T32 state. What raises an exception has
//! changed nothing of the registers; what a store of several registers did before it faulted is
//! UNKNOWN. Where the manual says CONSTRAINED UNPREDICTABLE, it is one of the manual's choices.

mod branch;
mod data;
mod exclusive;
mod float;
mod media;
mod memory;
mod multiply;
mod shift;
mod simd;
mod system;
mod target;

pub(crate) use float::expanded as float_constant;
use guest::memory::Memory;
use guest::{Environment, Exception};
pub(crate) use simd::constant as simd_constant;

use crate::cpu::Cpu;
use crate::decode::{Insn, State};
use crate::operation::{Operation, operation};
use target::{Done, Target};

/// The condition of an instruction: its own, or that of the IT block it is in.
fn condition(cpu: &Cpu, insn: Insn) -> u32 {
    match insn {
        // Where 15 is no condition.
        Insn::A32(insn) => insn.word >> 28,
        Insn::Fp(_, Some(cond)) => cond.into(),
        _ if cpu.it() & 15 != 0 => cpu.it() >> 4,
        _ => 14,
    }
}

/// `ITAdvance`.
const fn advance(it: u32) -> u32 {
    if it & 7 == 0 {
        0
    } else {
        it & 0xe0 | it << 1 & 0x1f
    }
}

/// Executes an instruction that was decoded for the state.
///
/// # Errors
/// When it raises an exception; the registers are as they were then, but for the
/// program counter and IT of a supervisor call, which are those of the next instruction.
pub fn step<M: Memory + Environment>(
    cpu: &mut Cpu,
    memory: &mut M,
    insn: Insn,
) -> Result<(), Exception> {
    let next = (cpu.reg(15))
        .wrapping_sub(if cpu.thumb == 0 { 8 } else { 4 })
        .wrapping_add(insn.length());
    let operation = operation(insn);
    let it = match operation {
        Operation::IfThen(it) => it,
        _ => advance(cpu.it()),
    };
    let done = if cpu.holds(condition(cpu, insn)) {
        execute(cpu, memory, operation, next)
    } else {
        Ok(Target::Next)
    };
    let (pc, state) = match done {
        Ok(Target::To(pc, state)) => (pc, state),
        Ok(Target::Next) | Err(Exception::Supervisor(_)) => (next, cpu.state()),
        Err(exception) => return Err(exception),
    };
    cpu.pc = u64::from(pc);
    cpu.thumb = u32::from(state == State::Thumb);
    // What leaves T32 state amid an IT block is UNPREDICTABLE.
    cpu.set_it(if state == State::Thumb { it } else { 0 });
    done.map(|_| ())
}

fn execute<M: Memory + Environment>(
    cpu: &mut Cpu,
    memory: &mut M,
    operation: Operation,
    next: u32,
) -> Done {
    use Operation as O;
    match operation {
        O::Nothing | O::IfThen(_) => Ok(Target::Next),
        O::Call(function) => Ok(system::call(cpu, memory, function, next)),
        O::Data { .. } => Ok(data::execute(cpu, operation)),
        O::MoveTop { d, value } => {
            let low = cpu.reg(d) & 0xffff;
            cpu.set_reg(d, value << 16 | low);
            Ok(Target::Next)
        }
        O::Multiply { .. } | O::MultiplyLong { .. } | O::Divide { .. } => {
            multiply::execute(cpu, operation);
            Ok(Target::Next)
        }
        O::Unary { .. }
        | O::Extend { .. }
        | O::Parallel { .. }
        | O::Saturating { .. }
        | O::Saturate { .. }
        | O::Saturate16 { .. }
        | O::Pack { .. }
        | O::Select { .. }
        | O::BitField { .. }
        | O::Crc32 { .. } => {
            media::execute(cpu, operation);
            Ok(Target::Next)
        }
        O::Load { .. }
        | O::Store { .. }
        | O::LoadDual { .. }
        | O::StoreDual { .. }
        | O::LoadMultiple(_)
        | O::StoreMultiple(_) => memory::execute(cpu, memory, operation),
        O::LoadExclusive { .. }
        | O::StoreExclusive { .. }
        | O::LoadAcquire { .. }
        | O::StoreRelease { .. }
        | O::Swap { .. }
        | O::ClearExclusive => exclusive::execute(cpu, memory, operation),
        O::Branch { .. }
        | O::BranchExchange { .. }
        | O::CompareBranch { .. }
        | O::TableBranch { .. } => branch::execute(cpu, memory, operation, next),
        O::Float(insn) => float::execute(cpu, memory, insn),
        O::Simd(insn) => simd::execute(cpu, memory, insn),
        _ => system::execute(cpu, memory, operation),
    }
}

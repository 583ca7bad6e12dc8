//! Running the guest in the reference interpreter, instruction by
//! instruction: `--interpret`.

use a64::cpu::Cpu;
use a64::decode::decode;
use a64::interp::{Exception, step};
use guest::memory::{Fault, FaultKind, Memory as _, Size};

use crate::memory::guest_memory::GuestMemory;
use crate::thread::attention::Attention;

/// Runs the guest until an exception, or until the thread is wanted.
pub fn run(
    cpu: &mut Cpu,
    memory: &mut GuestMemory<'_>,
    attention: &Attention,
) -> Option<Exception> {
    while !attention.wanted() {
        if let Err(exception) = one(cpu, memory) {
            return Some(exception);
        }
    }
    None
}

/// Runs the instruction at the PC.
///
/// # Errors
/// When it is not done.
pub fn one(cpu: &mut Cpu, memory: &mut GuestMemory<'_>) -> Result<(), Exception> {
    check_aligned(cpu)?;
    let word = memory.fetch(cpu.pc, Size::Word)?;
    let insn = decode(word).ok_or(Exception::Undefined)?;
    step(cpu, memory, insn)
}

/// Runs the instruction at the PC, whether the guest is to stop there or not.
///
/// # Errors
/// When it is not done.
pub fn past(cpu: &mut Cpu, memory: &mut GuestMemory<'_>) -> Result<(), Exception> {
    check_aligned(cpu)?;
    let word = memory.fetch_past(cpu.pc, Size::Word)?;
    let insn = decode(word).ok_or(Exception::Undefined)?;
    step(cpu, memory, insn)
}

const fn check_aligned(cpu: &Cpu) -> Result<(), Exception> {
    if cpu.pc.is_multiple_of(4) {
        return Ok(());
    }
    Err(Exception::Fault(Fault {
        address: cpu.pc,
        kind: FaultKind::Alignment,
        write: false,
    }))
}

//! Running the guest in the reference interpreter, instruction by
//! instruction: `--interpret`.

use a64::cpu::Cpu;
use a64::decode::decode;
use a64::interp::{Exception, step};
use a64::mem::{Fault, FaultKind, Memory as _};

use crate::linux::attention::Attention;
use crate::linux::guest_memory::GuestMemory;

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
fn one(cpu: &mut Cpu, memory: &mut GuestMemory<'_>) -> Result<(), Exception> {
    if !cpu.pc.is_multiple_of(4) {
        return Err(Exception::Fault(Fault {
            address: cpu.pc,
            kind: FaultKind::Alignment,
            write: false,
        }));
    }
    let word = memory.fetch(cpu.pc)?;
    let insn = decode(word).ok_or(Exception::Undefined)?;
    step(cpu, memory, insn)
}

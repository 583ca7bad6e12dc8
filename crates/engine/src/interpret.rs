//! Running the guest in the reference interpreter, instruction by
//! instruction: `--interpret`.

use a64::cpu::Cpu;
use a64::decode::decode;
use a64::interp::{Exception, step};
use a64::mem::{Fault, FaultKind, Memory as _};

use crate::linux::faults::{SIGBUS, SIGILL, SIGSEGV, SIGTRAP};
use crate::linux::guest_memory::GuestMemory;
use crate::linux::process::{Process, Thread};
use crate::linux::syscalls::{self, Control};

/// How the guest's process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With a code.
    Exit(i32),
    /// By a signal that is not handled.
    Signal(i32),
}

/// The signal that Linux sends for a failed access.
#[must_use]
pub const fn signal_of(fault: Fault) -> i32 {
    match fault.kind {
        FaultKind::Translation | FaultKind::Permission => SIGSEGV,
        FaultKind::Alignment | FaultKind::External => SIGBUS,
    }
}

/// Runs the guest to its end.
pub fn run(process: &Process, thread: &mut Thread, cpu: &mut Cpu) -> End {
    let mut memory = GuestMemory::new(&process.space);
    loop {
        let Err(exception) = one(cpu, &mut memory) else {
            continue;
        };
        match exception {
            Exception::Supervisor(_) => match syscalls::call(process, thread, cpu) {
                Control::Continue => {}
                Control::Exit(code) => return End::Exit(code),
            },
            Exception::Fault(fault) => return End::Signal(signal_of(fault)),
            Exception::Breakpoint(_) => return End::Signal(SIGTRAP),
            Exception::Undefined => return End::Signal(SIGILL),
        }
    }
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

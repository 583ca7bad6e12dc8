//! Faults as kernels tell 32-bit Arm programs of them.

use guest::memory::{Fault, FaultKind};

use crate::host::signal::{SIGBUS, SIGSEGV};
use crate::linux::abi::interface::FaultSignal;

const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
const BUS_ADRALN: i32 = 1;
const BUS_ADRERR: i32 = 2;

/// Of the fault's status, frames have only whether it was a write.
const WRITE: u64 = 1 << 11;

/// What is told of a fault at an instruction.
#[must_use]
pub(super) fn describe(fault: Fault, _: u64) -> FaultSignal {
    let (signal, code) = match fault.kind {
        FaultKind::Translation => (SIGSEGV, SEGV_MAPERR),
        FaultKind::Permission => (SIGSEGV, SEGV_ACCERR),
        FaultKind::Alignment => (SIGBUS, BUS_ADRALN),
        FaultKind::External => (SIGBUS, BUS_ADRERR),
    };
    FaultSignal {
        signal,
        code,
        syndrome: if fault.write { WRITE } else { 0 },
    }
}

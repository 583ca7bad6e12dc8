//! Faults as arm64 kernels tell of them: the signal, and the syndrome (`ESR_EL1`).

use guest::memory::{Fault, FaultKind};

use crate::host::signal::{SIGBUS, SIGSEGV};
use crate::linux::abi::interface::FaultSignal;

const SEGV_MAPERR: i32 = 1;
const SEGV_ACCERR: i32 = 2;
const BUS_ADRALN: i32 = 1;
const BUS_ADRERR: i32 = 2;

/// ESR_EL1 of an abort: from EL0, with the syndrome valid.
const DATA_ABORT: u64 = 0x9200_0000;
const INSTRUCTION_ABORT: u64 = 0x8200_0000;
const PC_ALIGNMENT: u64 = 0x8a00_0000;
const WRITE: u64 = 1 << 6;

/// What is told of a fault at an instruction.
#[must_use]
pub(super) fn describe(fault: Fault, pc: u64) -> FaultSignal {
    let fetch = fault.address == pc && !fault.write;
    let (signal, code, status) = match fault.kind {
        FaultKind::Translation => (SIGSEGV, SEGV_MAPERR, 0x07),
        FaultKind::Permission => (SIGSEGV, SEGV_ACCERR, 0x0f),
        FaultKind::Alignment if fetch => {
            return FaultSignal {
                signal: SIGBUS,
                code: BUS_ADRALN,
                syndrome: PC_ALIGNMENT,
            };
        }
        FaultKind::Alignment => (SIGBUS, BUS_ADRALN, 0x21),
        FaultKind::External => (SIGBUS, BUS_ADRERR, 0x07),
    };
    let class = if fetch { INSTRUCTION_ABORT } else { DATA_ABORT };
    let write = if fault.write { WRITE } else { 0 };
    FaultSignal {
        signal,
        code,
        syndrome: class | write | status,
    }
}

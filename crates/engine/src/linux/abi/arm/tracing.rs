//! What tracers see of 32-bit Arm (arm's `ptrace.h`). The sets and the checks are those of an
//! arm64 kernel that runs such programs.

use super::register_sets::{NT_ARM_TLS, NT_ARM_VFP};
use super::registers::bits;
use super::siginfo;
use crate::linux::abi::tracing::{Debug, NT_PRSTATUS, Narrow, Special, Tracing, set};
use crate::thread::traced::sets;

const NT_ARM_SYSTEM_CALL: u64 = 0x404;
/// Bytes of `struct user`.
const USER: u64 = 296;
/// What `PTRACE_GETHBPREGS` says of a machine that has none: Armv8's debug architecture,
/// watchpoints of 8 bytes, and no number of either.
const NONE: u64 = 6 << 24 | 8 << 16;

/// Of 32-bit Arm.
pub(super) static TRACING: Tracing = Tracing {
    float: NT_ARM_VFP,
    pointer: NT_ARM_TLS,
    sets: &[
        set(NT_PRSTATUS, sets::GENERAL, 4),
        set(NT_ARM_VFP as u64, sets::FLOAT, 4),
    ],
    // `user_aarch32_ptrace_view` of an arm64 kernel.
    wider: &[
        set(NT_PRSTATUS, sets::GENERAL, 4),
        set(NT_ARM_VFP as u64, sets::FLOAT, 4),
        set(NT_ARM_TLS as u64, sets::POINTER, 4),
        set(NT_ARM_SYSTEM_CALL, sets::CALL, 4),
    ],
    debug: Debug {
        notes: &[],
        none: 0,
    },
    is_of_user,
    requests: &[
        (3, Special::PeekUser(USER)),
        (6, Special::PokeUser(USER)),
        (12, Special::Get(sets::GENERAL)),
        (13, Special::Set(sets::GENERAL)),
        (21, Special::Options),
        (22, Special::Pointer),
        (23, Special::SetCall),
        (27, Special::Get(sets::FLOAT)),
        (28, Special::Set(sets::FLOAT)),
        (29, Special::GetDebug(NONE)),
        (30, Special::SetDebug),
    ],
    narrow: Some(Narrow {
        to_guest: siginfo::to_guest,
        to_host: siginfo::to_host,
    }),
};

/// Whether CPSR is one of user mode, with no interrupts masked.
fn is_of_user(general: &[u8]) -> bool {
    const CPSR: usize = 16 * 4;
    let cpsr = general.get(CPSR..).and_then(|rest| rest.first_chunk());
    cpsr.is_some_and(|&cpsr| u32::from_le_bytes(cpsr) & (bits::MODE | bits::MASKED) == bits::USER)
}

//! What tracers see of arm64 (arm64's `ptrace.h`).

use super::register_sets::NT_ARM_TLS;
use crate::linux::abi::tracing::{Debug, NT_PRSTATUS, Special, Tracing, set};
use crate::thread::traced::sets;

const NT_PRFPREG: u32 = 2;
const NT_ARM_HW_BREAK: u64 = 0x402;
const NT_ARM_HW_WATCH: u64 = 0x403;
const NT_ARM_SYSTEM_CALL: u64 = 0x404;

/// Of arm64.
pub(super) static TRACING: Tracing = Tracing {
    float: NT_PRFPREG,
    pointer: NT_ARM_TLS,
    sets: &[
        set(NT_PRSTATUS, sets::GENERAL, 8),
        set(NT_PRFPREG as u64, sets::FLOAT, 4),
        set(NT_ARM_TLS as u64, sets::POINTER, 8),
        set(NT_ARM_SYSTEM_CALL, sets::CALL, 4),
    ],
    // No words are wider.
    wider: &[],
    // Armv8's debug architecture, and a count of 0.
    debug: Debug {
        notes: &[NT_ARM_HW_BREAK, NT_ARM_HW_WATCH],
        none: 6 << 8,
    },
    is_of_user,
    requests: &[(31, Special::Emulate), (32, Special::EmulateStep)],
    narrow: None,
};

/// Whether PSTATE, the last of the general registers, is one that EL0 can have: no mode
/// and no masked interrupts.
fn is_of_user(general: &[u8]) -> bool {
    const PSTATE: usize = 33 * 8;
    const MODE_AND_MASKS: u64 = 0x3df;
    let pstate = general.get(PSTATE..).and_then(|rest| rest.first_chunk());
    pstate.is_some_and(|&pstate| u64::from_le_bytes(pstate) & MODE_AND_MASKS == 0)
}

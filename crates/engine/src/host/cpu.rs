//! What the engine's lowest rooms ask of the host's processor while the guest runs: memory
//! protection keys, and to read changed code anew.
//!
//! The machine below knows no `x64`, which reads what the processor has
//! (`x64::features::Words`). So whoever starts the engine tells it here, once ([`note`]).

use core::arch::asm;
use core::arch::x86_64::__cpuid;
use core::sync::atomic::{AtomicBool, Ordering};

static KEYS: AtomicBool = AtomicBool::new(false);
static SERIALIZES: AtomicBool = AtomicBool::new(false);

/// The processor has these: memory protection keys, which the kernel lets be used, and the
/// instruction SERIALIZE.
///
/// # Safety
/// There is SERIALIZE if `serializes` says so.
pub unsafe fn note(keys: bool, serializes: bool) {
    KEYS.store(keys, Ordering::Release);
    SERIALIZES.store(serializes, Ordering::Release);
}

/// Whether there are memory protection keys, and the kernel lets them be used: no, before
/// [`note`] has said so.
#[must_use]
pub fn has_keys() -> bool {
    KEYS.load(Ordering::Acquire)
}

/// Has this processor read anew what it executes from here on, since code was changed
/// through another mapping.
///
/// Where the processor has SERIALIZE, SERIALIZE does it. CPUID does it everywhere, but leaves
/// a virtual machine: that takes a microsecond, or 35 in a machine within a machine. IRET to
/// the next instruction would do it without leaving. It is not used: in a machine that QEMU
/// 7.2 emulates without KVM, the thread that executed it never went on.
pub fn serialize() {
    if SERIALIZES.load(Ordering::Relaxed) {
        // SAFETY: the processor has the instruction, as the caller of `note` answers for. It
        // changes no register and no flag and touches no memory. The bytes are SERIALIZE,
        // whatever the assembler knows.
        unsafe { asm!(".byte 0x0f, 0x01, 0xe8", options(nostack, preserves_flags)) };
    } else {
        let _ = __cpuid(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_where_it_was() {
        let before = [1_u64, 2, 3];
        serialize();
        assert_eq!(before.iter().sum::<u64>(), 6);
    }
}

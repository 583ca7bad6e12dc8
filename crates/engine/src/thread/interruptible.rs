//! System calls of the guest that a signal must not get lost before.
//!
//! Looking at the attention word and `syscall` lie between labels. A signal
//! handler that finds the thread there (`interrupt`) makes it give up: the
//! call has not happened, or the kernel has gone back to do it again after the
//! handler, which is the same.

use core::arch::global_asm;

use super::attention::Attention;
use crate::host::signal::Registers;
use crate::host::sys::Errno;

/// Two registers: rax and rdx.
#[repr(C)]
struct Pair {
    /// The kernel's result.
    result: u64,
    /// Not 0 when the call has not been made.
    given_up: u64,
}

// The arguments are read again when a call is repeated.
global_asm!(
    ".p2align 4",
    "armistice_interruptible_call:",
    "push rbx",
    "push r12",
    "mov rbx, rdi",
    "mov r12, rsi",
    "armistice_interruptible_again:",
    "mov rax, [rbx]",
    "mov rdi, [rbx + 8]",
    "mov rsi, [rbx + 16]",
    "mov rdx, [rbx + 24]",
    "mov r10, [rbx + 32]",
    "mov r8, [rbx + 40]",
    "mov r9, [rbx + 48]",
    "armistice_interruptible_start:",
    "cmp dword ptr [r12], 0",
    "jne armistice_interruptible_give_up",
    "syscall",
    "armistice_interruptible_end:",
    "xor edx, edx",
    "2:",
    "pop r12",
    "pop rbx",
    "ret",
    "armistice_interruptible_give_up:",
    "mov edx, 1",
    "jmp 2b",
);

unsafe extern "C" {
    fn armistice_interruptible_call(call: &[u64; 7], word: *const u32) -> Pair;
    static armistice_interruptible_again: u8;
    static armistice_interruptible_start: u8;
    static armistice_interruptible_end: u8;
    static armistice_interruptible_give_up: u8;
}

/// Calls the kernel, unless something wants the thread's attention before that;
/// then the error is [`Errno::RESTART`].
///
/// # Safety
/// The call does with the process's memory what its manual says; whoever calls
/// answers for that.
pub unsafe fn syscall(
    attention: &Attention,
    number: u32,
    arguments: [u64; 6],
) -> Result<u64, Errno> {
    let [a, b, c, d, e, f] = arguments;
    let call = [u64::from(number), a, b, c, d, e, f];
    // SAFETY: the function keeps to the calling convention; the caller answers
    // for the call.
    let Pair { result, given_up } =
        unsafe { armistice_interruptible_call(&call, attention.word.as_ptr()) };
    if given_up != 0 {
        return Err(Errno::RESTART);
    }
    match u16::try_from(result.wrapping_neg()) {
        Ok(error @ 1..=4095) => Err(Errno(error)),
        _ => Ok(result),
    }
}

/// A signal has arrived that the guest will be told: a call that has not
/// happened is given up.
pub(super) fn interrupt(registers: &mut Registers) {
    let window = &raw const armistice_interruptible_start as u64
        ..&raw const armistice_interruptible_end as u64;
    if window.contains(&registers.rip) {
        registers.rip = &raw const armistice_interruptible_give_up as u64;
    }
}

/// A signal has arrived that the guest is not told: a call that was
/// interrupted only by it is made once more.
pub(super) fn resume(registers: &mut Registers) {
    if registers.rip == &raw const armistice_interruptible_end as u64
        && registers.rax == Errno::EINTR.as_result()
    {
        registers.rip = &raw const armistice_interruptible_again as u64;
    }
}

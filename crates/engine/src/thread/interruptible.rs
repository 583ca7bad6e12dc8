//! System calls of the guest before which no signal may get lost.
//!
//! Looking at the attention word and `syscall` lie between labels. A signal
//! handler that finds the thread there (`interrupt`) makes it give up: the
//! call has not happened, or the kernel has gone back to do it again after the
//! handler, which is the same.

use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::attention::Attention;
use crate::host::signal::Registers;
use crate::host::sys::{self, Errno};

/// Two registers: rax and rdx.
#[repr(C)]
struct Pair {
    /// The kernel's result.
    result: u64,
    /// Not 0 when the call has not been made.
    given_up: u64,
}

// The arguments are read again when a call is repeated. They are used where they are: who
// copies what was just written waits until it is.
global_asm!(
    ".p2align 4",
    "armistice_interruptible_call:",
    "push rbx",
    "push r12",
    "push r13",
    "mov rbx, rdi",
    "mov r12, rsi",
    "mov r13d, edx",
    "armistice_interruptible_again:",
    "mov eax, r13d",
    "mov rdi, [rbx]",
    "mov rsi, [rbx + 8]",
    "mov rdx, [rbx + 16]",
    "mov r10, [rbx + 24]",
    "mov r8, [rbx + 32]",
    "mov r9, [rbx + 40]",
    "armistice_interruptible_start:",
    "cmp dword ptr [r12], 0",
    "jne armistice_interruptible_give_up",
    "syscall",
    "armistice_interruptible_end:",
    "xor edx, edx",
    "2:",
    "pop r13",
    "pop r12",
    "pop rbx",
    "ret",
    "armistice_interruptible_give_up:",
    "mov edx, 1",
    "jmp 2b",
    // The same by the entry for programs of 32 bits, whose sixth argument is in ebp.
    ".p2align 4",
    "armistice_interruptible_narrow_call:",
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "push r14",
    "mov r12, rdi",
    "mov r13, rsi",
    "mov r14d, edx",
    "armistice_interruptible_narrow_again:",
    "mov eax, r14d",
    "mov ebx, [r12]",
    "mov ecx, [r12 + 8]",
    "mov edx, [r12 + 16]",
    "mov esi, [r12 + 24]",
    "mov edi, [r12 + 32]",
    "mov ebp, [r12 + 40]",
    "armistice_interruptible_narrow_start:",
    "cmp dword ptr [r13], 0",
    "jne armistice_interruptible_narrow_give_up",
    "armistice_interruptible_narrow_enter:",
    "int 0x80",
    "armistice_interruptible_narrow_end:",
    "xor edx, edx",
    "3:",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "ret",
    "armistice_interruptible_narrow_give_up:",
    "mov edx, 1",
    "jmp 3b",
);

// SAFETY: the routines and places in them above, with these arguments.
unsafe extern "C" {
    fn armistice_interruptible_call(arguments: &[u64; 6], word: *const u32, number: u32) -> Pair;
    fn armistice_interruptible_narrow_call(
        arguments: &[u64; 6],
        word: *const u32,
        number: u32,
    ) -> Pair;
    static armistice_interruptible_narrow_again: u8;
    static armistice_interruptible_narrow_start: u8;
    static armistice_interruptible_narrow_enter: u8;
    static armistice_interruptible_narrow_end: u8;
    static armistice_interruptible_narrow_give_up: u8;
    static armistice_interruptible_again: u8;
    static armistice_interruptible_start: u8;
    static armistice_interruptible_end: u8;
    static armistice_interruptible_give_up: u8;
}

/// Which of the kernel's entries a call goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// That of 64-bit programs.
    Wide,
    /// That of i386's: numbers, structures and results are as these have them, and all
    /// addresses are below 4 GiB. A kernel without it answers [`Errno::ENOSYS`].
    Narrow,
}

/// Whether a filter of system calls refuses [`Entry::Narrow`], or ends who uses it. It is set
/// before the guest runs.
static IS_NARROW_OUT: AtomicBool = AtomicBool::new(false);

/// From now on [`Entry::Narrow`] is as on a kernel that does not have it.
pub fn leave_out_narrow() {
    IS_NARROW_OUT.store(true, Ordering::Relaxed);
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
    arguments: &[u64; 6],
) -> Result<u64, Errno> {
    // SAFETY: the caller's.
    unsafe { enter(&attention.word, Entry::Wide, number, arguments) }
}

/// Calls the kernel by an entry, unless the word is not zero; then the error is
/// [`Errno::RESTART`].
///
/// # Safety
/// As for [`syscall`].
pub unsafe fn enter(
    word: &AtomicU32,
    entry: Entry,
    number: u32,
    arguments: &[u64; 6],
) -> Result<u64, Errno> {
    if entry == Entry::Narrow && IS_NARROW_OUT.load(Ordering::Relaxed) {
        return Err(Errno::ENOSYS);
    }
    let word = word.as_ptr();
    // SAFETY: the functions keep to the calling convention; the caller answers
    // for the call.
    let Pair { result, given_up } = unsafe {
        match entry {
            Entry::Wide => armistice_interruptible_call(arguments, word, number),
            Entry::Narrow => armistice_interruptible_narrow_call(arguments, word, number),
        }
    };
    if given_up != 0 {
        return Err(Errno::RESTART);
    }
    sys::outcome(result)
}

/// The addresses that divide a function that calls the kernel into its parts.
struct Window {
    again: u64,
    start: u64,
    end: u64,
    give_up: u64,
}

fn windows() -> [Window; 2] {
    [
        Window {
            again: &raw const armistice_interruptible_again as u64,
            start: &raw const armistice_interruptible_start as u64,
            end: &raw const armistice_interruptible_end as u64,
            give_up: &raw const armistice_interruptible_give_up as u64,
        },
        Window {
            again: &raw const armistice_interruptible_narrow_again as u64,
            start: &raw const armistice_interruptible_narrow_start as u64,
            end: &raw const armistice_interruptible_narrow_end as u64,
            give_up: &raw const armistice_interruptible_narrow_give_up as u64,
        },
    ]
}

/// Where the call was made that a signal has just interrupted, if one was.
fn interrupted(registers: &Registers) -> Option<Window> {
    let is_here =
        |window: &Window| window.end == registers.rip && registers.rax == Errno::EINTR.as_result();
    windows().into_iter().find(is_here)
}

/// A signal has arrived that the guest will be told: a call that has not
/// happened is given up.
pub(super) fn interrupt(registers: &mut Registers) {
    let found = windows()
        .into_iter()
        .find(|window| (window.start..window.end).contains(&registers.rip));
    if let Some(window) = found {
        registers.rip = window.give_up;
    }
}

/// A tracer's engine has changed the signal that interrupted: a call that has done
/// nothing is given up, to be made again after what comes of the signal.
pub(super) fn give_up(registers: &mut Registers) {
    if let Some(window) = interrupted(registers) {
        registers.rip = window.give_up;
    }
    interrupt(registers);
}

/// A signal has arrived that the guest is not told: a call that was
/// interrupted only by it is made once more.
pub(super) fn resume(registers: &mut Registers) {
    if let Some(window) = interrupted(registers) {
        registers.rip = window.again;
    }
}

/// A fault may be that of the narrow entry, which this kernel does not have.
pub(super) fn without_entry(registers: &mut Registers) -> bool {
    let enter = &raw const armistice_interruptible_narrow_enter as u64;
    if registers.rip != enter {
        return false;
    }
    registers.rax = Errno::ENOSYS.as_result();
    registers.rip = &raw const armistice_interruptible_narrow_end as u64;
    true
}

//! `clone` and `clone3` on the host, and the end of a thread.
//!
//! The guest's flags and its addresses for TIDs go to the kernel as they are.
//! Only the stack is the engine's, and `SETTLS` its own matter: the guest's
//! thread pointer is a register of the guest's.

use core::arch::global_asm;
use core::ops::Range;

use crate::host::signal;
use crate::host::sys::{Errno, number};

/// `CLONE_...`, as far as they matter here.
#[allow(missing_docs, reason = "the names are the kernel's")]
mod flag {
    pub const VM: u64 = 0x100;
    pub const FILES: u64 = 0x400;
    pub const SIGHAND: u64 = 0x800;
    pub const PTRACE: u64 = 0x2000;
    pub const VFORK: u64 = 0x4000;
    pub const THREAD: u64 = 0x1_0000;
    pub const SETTLS: u64 = 0x8_0000;
    pub const UNTRACED: u64 = 0x80_0000;
    pub const CLEAR_SIGHAND: u64 = 0x1_0000_0000;
}
pub use flag::*;

/// `struct clone_args`, the same on all architectures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs, reason = "the names are the kernel's")]
pub struct Arguments {
    pub flags: u64,
    pub pidfd: u64,
    pub child_tid: u64,
    pub parent_tid: u64,
    pub exit_signal: u64,
    pub stack: u64,
    pub stack_size: u64,
    pub tls: u64,
    pub set_tid: u64,
    pub set_tid_size: u64,
    pub cgroup: u64,
}

/// What the guest asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// As for `clone3`.
    pub arguments: Arguments,
    /// Whether it was `clone3`: then the host's is called, which may refuse
    /// where `clone` does not.
    pub third: bool,
}

impl Request {
    /// Where the child's stack ends; 0 when it goes on with its parent's.
    #[must_use]
    pub const fn stack_top(&self) -> u64 {
        if self.arguments.stack == 0 {
            return 0;
        }
        self.arguments.stack.wrapping_add(self.arguments.stack_size)
    }

    /// Whether any of the flags is set.
    #[must_use]
    pub const fn has(&self, flags: u64) -> bool {
        self.arguments.flags & flags != 0
    }
}

// rdi: the number; rsi: five arguments; rdx: what the child calls, or 0 when it
// returns as the parent does; rcx: its argument. The child has all registers but
// rax, rcx, r11 and rsp from its parent.
global_asm!(
    ".p2align 4",
    "armistice_clone:",
    "push rbx",
    "push r12",
    "push r13",
    "mov rax, rdi",
    "mov rbx, rsi",
    "mov r12, rdx",
    "mov r13, rcx",
    "mov rdi, [rbx]",
    "mov rsi, [rbx + 8]",
    "mov rdx, [rbx + 16]",
    "mov r10, [rbx + 24]",
    "mov r8, [rbx + 32]",
    "syscall",
    "armistice_clone_made:",
    "test rax, rax",
    "jnz 2f",
    "test r12, r12",
    "jz 2f",
    "xor ebp, ebp",
    "mov rdi, r13",
    "call r12",
    "ud2",
    "2:",
    "pop r13",
    "pop r12",
    "pop rbx",
    "ret",
    // rdi: the system call that gives the stack back; rsi: its six arguments,
    // on that stack; rdx: the exit code.
    ".p2align 4",
    "armistice_leave:",
    "mov rbx, rdx",
    "mov rax, rdi",
    "mov rcx, rsi",
    "mov rdi, [rcx]",
    "mov rsi, [rcx + 8]",
    "mov rdx, [rcx + 16]",
    "mov r10, [rcx + 24]",
    "mov r8, [rcx + 32]",
    "mov r9, [rcx + 40]",
    "syscall",
    "mov rdi, rbx",
    "mov eax, 60", // exit
    "syscall",
    "ud2",
);

// SAFETY: the routines and the place in them above, with these arguments.
unsafe extern "C" {
    fn armistice_clone(number: u64, arguments: *const u64, start: u64, argument: u64) -> u64;
    fn armistice_leave(number: u64, arguments: *const u64, code: u64) -> !;
    static armistice_clone_made: u8;
}

/// Where maker and child go on.
pub(super) fn made() -> u64 {
    &raw const armistice_clone_made as u64
}

/// What a child on a stack of its own runs.
pub type Start = unsafe extern "C" fn(*mut core::ffi::c_void) -> !;

/// Makes the child. With a stack it calls the function there; without, it
/// returns from here as the parent does, with 0.
///
/// # Safety
/// With `VM`, there must be a stack; `start` and its argument must be good for
/// a thread that starts there with all signals blocked that are blocked here.
///
/// # Errors
/// The kernel's.
pub unsafe fn clone(
    request: &Request,
    stack: Option<(Range<u64>, Start, *mut core::ffi::c_void)>,
) -> Result<u64, Errno> {
    let mut arguments = Arguments {
        flags: request.arguments.flags & !SETTLS,
        tls: 0,
        stack: 0,
        stack_size: 0,
        ..request.arguments
    };
    let mut start = (0, 0);
    if let Some((stack, function, argument)) = stack {
        arguments.stack = stack.start;
        arguments.stack_size = stack.end - stack.start;
        start = (function as *const () as u64, argument as u64);
    }
    let (number, five) = if request.third {
        let size = size_of::<Arguments>() as u64;
        (435, [&raw const arguments as u64, size, 0, 0, 0])
    } else {
        let top = arguments.stack + arguments.stack_size;
        let flags = arguments.flags | arguments.exit_signal;
        (
            56,
            [flags, top, arguments.parent_tid, arguments.child_tid, 0],
        )
    };
    // SAFETY: the caller answers for the child; the arrays live until the
    // parent is back, and the child reads them no more.
    let result = unsafe { armistice_clone(number, five.as_ptr(), start.0, start.1) };
    match u16::try_from(result.wrapping_neg()) {
        Ok(error @ 1..=4095) => Err(Errno(error)),
        _ => Ok(result),
    }
}

/// Ends the calling thread, not the process, and gives the mapping back that
/// holds its stack.
///
/// # Safety
/// The mapping is the thread's [`super::attention::Block`], and nothing in it
/// is used any more.
pub unsafe fn leave(mapping: Option<Range<u64>>, code: i32) -> ! {
    // No handler may run while its stack goes.
    let _ = signal::set_whole_mask(!0);
    let code = u64::from(code.cast_unsigned());
    if let Some(mapping) = mapping {
        crate::host::own::remove(&mapping);
        let (number, arguments) = crate::host::own::unmapping(&mapping);
        // SAFETY: the caller's; the arguments are read before the call.
        unsafe { armistice_leave(u64::from(number), arguments.as_ptr(), code) }
    }
    loop {
        // SAFETY: the call does not return.
        let _ = unsafe { crate::host::sys::syscall(number::EXIT, [code, 0, 0, 0, 0, 0]) };
    }
}

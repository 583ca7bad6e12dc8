//! Faults of the process itself: `SIGSEGV` and `SIGBUS`, as the host delivers
//! them.
//!
//! A fault in a range of the exception table becomes an error that the range
//! returns ([`super::guest_memory`]); one in translated code is given to the
//! [`Hook`]; a signal that somebody sent ends the process as it does by
//! default; any other fault is the engine's own and is said so.
//!
//! The handler runs on its own stack, with every other signal blocked, and
//! touches no lock, no heap and no guest memory.

use core::arch::global_asm;
use core::sync::atomic::{AtomicPtr, Ordering};
use core::{mem, ptr};

use super::sys::{self, Errno, number};
use super::{guest_memory, own, signals};
use crate::message;

/// Illegal instruction.
pub const SIGILL: i32 = 4;
/// Breakpoint.
pub const SIGTRAP: i32 = 5;
/// Access that the memory behind an address cannot serve.
pub const SIGBUS: i32 = 7;
/// Access that the address space does not allow.
pub const SIGSEGV: i32 = 11;

const SA_SIGINFO: u64 = 4;
const SA_RESTORER: u64 = 0x0400_0000;
const SA_ONSTACK: u64 = 0x0800_0000;
const SA_NODEFER: u64 = 0x4000_0000;

/// The stack of the handlers: the kernel's frame has up to 11 KiB with
/// AVX-512 and AMX, the rest is for saying what went wrong.
const STACK: u64 = 64 * 1024;

/// `siginfo_t` of a fault.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Info {
    /// The signal.
    pub signal: i32,
    error: i32,
    /// `si_code`: what kind of fault; not positive when somebody sent it.
    pub code: i32,
    padding: i32,
    /// The address whose access faulted.
    pub address: u64,
}

/// The host's registers in a signal frame (`gregset_t`), in its order.
#[derive(Debug)]
#[repr(C)]
#[allow(missing_docs, reason = "the names are the registers'")]
pub struct Registers {
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub rdx: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rsp: u64,
    pub rip: u64,
    pub eflags: u64,
    pub selectors: u64,
    /// The page fault's error code: bit 1 is set for a write.
    pub error: u64,
    pub trap: u64,
    pub old_mask: u64,
    pub cr2: u64,
    /// The saved vector registers (`struct _fpstate`), or null.
    pub vectors: *mut u8,
}

/// `ucontext_t`, as far as it is read and written here.
#[derive(Debug)]
#[repr(C)]
pub struct Context {
    flags: u64,
    link: u64,
    stack: [u64; 3],
    /// What the interrupted code goes on with.
    pub registers: Registers,
    reserved: [u64; 8],
    /// The signals blocked in the interrupted code.
    pub mask: u64,
}

/// Takes a fault that happened in translated code: changes the registers and
/// returns true, or leaves them and returns false.
pub type Hook = unsafe fn(&Info, &mut Context) -> bool;

static HOOK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Sets who takes faults in translated code.
pub fn set_hook(hook: Hook) {
    HOOK.store(hook as *mut (), Ordering::Release);
}

fn hook() -> Option<Hook> {
    let hook = HOOK.load(Ordering::Acquire);
    // SAFETY: only `set_hook` stores there, and it stores a `Hook`.
    (!hook.is_null()).then(|| unsafe { mem::transmute::<*mut (), Hook>(hook) })
}

/// The kernel's `struct sigaction`, the same on x86-64 and arm64.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Action {
    /// 0 for the default, 1 to ignore, or a function.
    pub handler: u64,
    /// `SA_...`.
    pub flags: u64,
    /// Where the handler returns to.
    pub restorer: u64,
    /// What is blocked while it runs.
    pub mask: u64,
}

global_asm!(
    ".p2align 4",
    "armistice_signal_return:",
    "mov eax, 15", // rt_sigreturn
    "syscall",
    "ud2",
);

unsafe extern "C" {
    fn armistice_signal_return();
}

/// Sets what the host does on a signal.
///
/// # Safety
/// A handler must be one that may run at any instruction of the process.
pub unsafe fn set_action(signal: i32, action: &Action) -> Result<(), Errno> {
    // SAFETY: the kernel reads the struct only; the caller answers for the
    // handler.
    unsafe {
        sys::syscall(
            number::RT_SIGACTION,
            [
                u64::from(signal.cast_unsigned()),
                ptr::from_ref(action) as u64,
                0,
                8,
                0,
                0,
            ],
        )
    }
    .map(drop)
}

/// Gives the calling thread a stack for signal handlers.
///
/// # Errors
/// The kernel's, when it has no memory.
pub fn give_stack() -> Result<(), Errno> {
    #[repr(C)]
    struct Stack {
        base: u64,
        flags: u64,
        size: u64,
    }
    // SAFETY: the mapping takes free addresses, and becomes nobody else's.
    unsafe {
        let base = own::map(
            STACK,
            sys::PROT_READ | sys::PROT_WRITE,
            sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE,
        )?;
        let stack = Stack {
            base,
            flags: 0,
            size: STACK,
        };
        sys::syscall(
            number::SIGALTSTACK,
            [ptr::from_ref(&stack) as u64, 0, 0, 0, 0, 0],
        )
    }
    .map(drop)
}

/// Takes `SIGSEGV` and `SIGBUS` for the process, on a stack of the calling
/// thread.
///
/// # Errors
/// The kernel's.
pub fn install() -> Result<(), Errno> {
    give_stack()?;
    let action = Action {
        handler: handler as *const () as u64,
        flags: SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_NODEFER,
        restorer: armistice_signal_return as *const () as u64,
        mask: !(signals::bit(SIGSEGV) | signals::bit(SIGBUS)),
    };
    for signal in [SIGSEGV, SIGBUS] {
        // SAFETY: the handler keeps to the rules at the top.
        unsafe { set_action(signal, &action) }?;
    }
    Ok(())
}

/// What the kernel calls.
///
/// # Safety
/// The pointers are those of a signal frame.
unsafe extern "C" fn handler(signal: i32, info: *const Info, context: *mut Context) {
    // SAFETY: the kernel made both, on this stack.
    let (info, context) = unsafe { (&*info, &mut *context) };
    if guest_memory::recover(info, context) {
        return;
    }
    if let Some(hook) = hook() {
        // SAFETY: this is a fault, as the hook expects.
        if unsafe { hook(info, context) } {
            return;
        }
    }
    if info.code <= 0 {
        if signals::ignored(signal) {
            return;
        }
        signals::die(signal);
    }
    message::internal_error(format_args!(
        "{} at {:#x} for address {:#x}",
        if signal == SIGBUS {
            "SIGBUS"
        } else {
            "SIGSEGV"
        },
        context.registers.rip,
        info.address
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_the_kernels() {
        assert_eq!(mem::offset_of!(Info, address), 16);
        assert_eq!(mem::offset_of!(Context, registers), 40);
        assert_eq!(mem::offset_of!(Context, registers.rip), 168);
        assert_eq!(mem::offset_of!(Context, registers.error), 192);
        assert_eq!(mem::offset_of!(Context, mask), 296);
        assert_eq!(size_of::<Action>(), 32);
    }
}

//! Signals of the host's kernel: numbers, structures, and what a thread asks of
//! the kernel about them. But for the saved registers, all is as most architectures
//! of 64 bits have it.

use core::ptr;

use super::sys::{self, Errno, number};

/// How many signals there are.
pub const COUNT: i32 = 64;
/// Ends the process, whatever it wants.
pub const SIGKILL: i32 = 9;
/// Arithmetic that has no result.
pub const SIGFPE: i32 = 8;
/// A system call that is none.
pub const SIGSYS: i32 = 31;
/// Stops the process.
pub const SIGSTOP: i32 = 19;

/// Illegal instruction.
pub const SIGILL: i32 = 4;
/// Breakpoint.
pub const SIGTRAP: i32 = 5;
/// Access that the memory behind an address cannot serve.
pub const SIGBUS: i32 = 7;
/// Access that the address space does not allow.
pub const SIGSEGV: i32 = 11;

/// `SA_NOCLDSTOP`.
pub const SA_NOCLDSTOP: u64 = 1;
/// `SA_NOCLDWAIT`.
pub const SA_NOCLDWAIT: u64 = 2;
/// `SA_SIGINFO`.
pub const SA_SIGINFO: u64 = 4;
/// `SA_RESTORER`.
pub const SA_RESTORER: u64 = 0x0400_0000;
/// `SA_ONSTACK`.
pub const SA_ONSTACK: u64 = 0x0800_0000;
/// `SA_RESTART`.
pub const SA_RESTART: u64 = 0x1000_0000;
/// `SA_NODEFER`.
pub const SA_NODEFER: u64 = 0x4000_0000;
/// `SA_RESETHAND`.
pub const SA_RESETHAND: u64 = 0x8000_0000;

/// The default action.
pub const SIG_DFL: u64 = 0;
/// Ignoring.
pub const SIG_IGN: u64 = 1;

/// Whether there is such a signal.
#[must_use]
pub const fn is_signal(number: i32) -> bool {
    number >= 1 && number <= COUNT
}

/// A signal's bit in a mask.
#[must_use]
pub const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// What nobody can block.
pub const UNBLOCKABLE: u64 = bit(SIGKILL) | bit(SIGSTOP);

/// `si_code` of `tgkill`, which sends to a thread.
pub const SI_TKILL: i32 = -6;

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

/// The kernel's `siginfo_t`, the same on most architectures of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct SignalInfo(pub [u64; 16]);

impl SignalInfo {
    /// A fault's.
    #[must_use]
    pub fn fault(signal: i32, code: i32, address: u64) -> Self {
        let mut words = [0; 16];
        words[0] = u64::from(signal.cast_unsigned());
        words[1] = u64::from(code.cast_unsigned());
        words[2] = address;
        Self(words)
    }

    /// The signal.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
    pub const fn signal(&self) -> i32 {
        self.0[0] as i32
    }

    /// `si_code`.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
    pub const fn code(&self) -> i32 {
        self.0[1] as i32
    }

    /// Of a timer's: its number.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
    pub const fn timer(&self) -> u32 {
        self.0[2] as u32
    }

    /// The bytes, as a frame has them.
    #[must_use]
    pub fn bytes(&self) -> [u8; 128] {
        let mut bytes = [0; 128];
        for (to, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// The kernel's `struct sigaction`, as architectures of 64 bits with `SA_RESTORER` have it.
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

/// Sets what the host does on a signal, and gives what it did before.
///
/// # Safety
/// A handler must be one that may run at any instruction of the process.
pub unsafe fn set_action(signal: i32, action: &Action) -> Result<Action, Errno> {
    let mut before = Action::default();
    // SAFETY: the kernel reads one struct and writes the other; the caller answers
    // for the handler.
    unsafe {
        sys::syscall(
            number::RT_SIGACTION,
            [
                u64::from(signal.cast_unsigned()),
                ptr::from_ref(action) as u64,
                ptr::from_mut(&mut before) as u64,
                8,
                0,
                0,
            ],
        )
    }?;
    Ok(before)
}

/// What the host does on a signal now.
#[must_use]
pub fn action(signal: i32) -> Action {
    let mut action = Action::default();
    // SAFETY: the kernel writes the struct only. Failing leaves the default.
    let _ = unsafe {
        sys::syscall(
            number::RT_SIGACTION,
            [
                u64::from(signal.cast_unsigned()),
                0,
                ptr::from_mut(&mut action) as u64,
                8,
                0,
                0,
            ],
        )
    };
    action
}

/// `SIG_SETMASK`.
pub const SIG_SETMASK: u64 = 2;

fn exchange_mask(new: Option<u64>) -> u64 {
    let mut old = 0_u64;
    let new = new.as_ref().map_or(0, |new| ptr::from_ref(new) as u64);
    // SAFETY: the kernel reads and writes the two masks only.
    let _ = unsafe {
        sys::syscall(
            number::RT_SIGPROCMASK,
            [SIG_SETMASK, new, ptr::from_mut(&mut old) as u64, 8, 0, 0],
        )
    };
    old
}

/// The calling thread's mask.
#[must_use]
pub fn mask() -> u64 {
    exchange_mask(None)
}

/// Sets the calling thread's mask as it is: where no fault may come, or another
/// program is to inherit it. Returns the one before.
#[must_use]
pub fn set_whole_mask(mask: u64) -> u64 {
    exchange_mask(Some(mask))
}

/// Sends the calling thread a signal.
pub fn raise(signal: i32) {
    // SAFETY: the calls touch nothing but signals.
    unsafe {
        let process = sys::syscall(number::GETPID, [0; 6]).unwrap_or(0);
        let thread = sys::syscall(number::GETTID, [0; 6]).unwrap_or(0);
        let signal = u64::from(signal.cast_unsigned());
        let _ = sys::syscall(number::TGKILL, [process, thread, signal, 0, 0, 0]);
    }
}

#[cfg(test)]
mod tests {
    use core::mem;

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

//! What a thread that a guest traces shows its tracer, and the places in the engine's code
//! by which a tracer's engine knows what a stop means (docs/ptrace-design.md).
//!
//! The thread writes its [`Record`] and executes `int3` behind a label ([`stop`]). While it
//! stands there, the tracer's engine reads the record and writes orders into it, as one
//! piece. Only such a stop is the guest's: no guest code is executable on the host, so it
//! can't lead there.
//!
//! Both sides run on the same file, so the labels lie at the same places of it.

use core::arch::global_asm;
use core::sync::atomic::{AtomicU64, Ordering};

use super::clone;
use crate::host::own;
use crate::host::signal::{SIGTRAP, SignalInfo};
use crate::host::sys::{self, number};

/// `si_code` of a `SIGTRAP` that a tracer's engine put in the place of another signal, or
/// by which it asks the thread to stop. Next to those of [`super::handlers`].
pub const CHANGED: i32 = -0x4b49 - 4;

global_asm!(
    // rdi: the record.
    ".p2align 4",
    "armistice_traced_stop:",
    "push rbx",
    "mov rbx, rdi",
    "int3",
    "armistice_traced_stopped:",
    "pop rbx",
    "ret",
    // rdi, rsi, rdx: the arguments of tgkill; r8: the record.
    ".p2align 4",
    "armistice_traced_raise:",
    "push rbx",
    "mov rbx, r8",
    "mov eax, 234", // tgkill
    "syscall",
    "armistice_traced_raised:",
    "pop rbx",
    "ret",
);

// SAFETY: the routines and places in them above, with these arguments.
unsafe extern "C" {
    fn armistice_traced_stop(record: *mut Record);
    fn armistice_traced_raise(process: u64, thread: u64, signal: u64, x: u64, record: *mut Record);
    static armistice_traced_stopped: u8;
    static armistice_traced_raised: u8;
}

/// Where a stop was made in the engine's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// By [`stop`].
    Stop,
    /// By [`raise`].
    Raise,
    /// In a child that has just been made.
    Child,
    /// At the first instruction of a program.
    Entry,
}

impl Place {
    /// How far behind the engine's first address it is.
    #[must_use]
    pub fn offset(self) -> Option<u64> {
        let first = own::first()?;
        let at = match self {
            Self::Stop => &raw const armistice_traced_stopped as u64,
            Self::Raise => &raw const armistice_traced_raised as u64,
            Self::Child => clone::made(),
            // `e_entry` of the file's header, which lies there.
            // SAFETY: the engine's first page is its own, and stays.
            Self::Entry => return Some(unsafe { *((first + 24) as *const u64) }),
        };
        at.checked_sub(first)
    }
}

/// How far behind the engine's first address `WORD` is.
#[must_use]
pub fn word_offset() -> Option<u64> {
    (WORD.as_ptr() as u64).checked_sub(own::first()?)
}

/// Not 0 in a program that is traced from its first instruction on: the tracer's engine
/// has written it before that ([`Beginning`]).
static WORD: AtomicU64 = AtomicU64::new(0);

/// How a program is traced when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// `PTRACE_O_...`.
    pub options: u32,
    /// How its thread was sent on before.
    pub mode: Mode,
    /// It was seized.
    pub seized: bool,
    /// The number, for its tracer, that its thread had before it became this program.
    pub former: u32,
}

impl Beginning {
    const TRACED: u64 = 1 << 32;
    const CALLS: u64 = 1 << 33;
    const SEIZED: u64 = 1 << 34;
    const EMULATES: u64 = 1 << 35;
    /// Numbers of threads have at most 22 bits.
    const FORMER: u32 = 40;

    /// Of this program, if it is.
    #[must_use]
    pub fn own() -> Option<Self> {
        let word = WORD.swap(0, Ordering::Relaxed);
        (word & Self::TRACED != 0).then_some(Self {
            #[allow(clippy::cast_possible_truncation, reason = "options are the low half")]
            options: word as u32,
            mode: if word & Self::CALLS != 0 {
                Mode::Calls
            } else if word & Self::EMULATES != 0 {
                Mode::Emulate
            } else {
                Mode::Continue
            },
            seized: word & Self::SEIZED != 0,
            former: (word >> Self::FORMER) as u32,
        })
    }

    /// As the word says it.
    #[must_use]
    pub const fn word(self) -> u64 {
        let mut word = Self::TRACED | self.options as u64 | (self.former as u64) << Self::FORMER;
        if matches!(self.mode, Mode::Calls) {
            word |= Self::CALLS;
        }
        if self.mode.emulates() {
            word |= Self::EMULATES;
        }
        if self.seized {
            word |= Self::SEIZED;
        }
        word
    }
}

/// How far a thread goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// To the next signal or event.
    #[default]
    Continue,
    /// To the next system call's entry or exit.
    Calls,
    /// One instruction.
    Step,
    /// Nobody traces it any more.
    Detached,
    /// To the next system call's entry; the call is not done.
    Emulate,
    /// To the next system call's entry, which is not done, or one instruction.
    EmulateStep,
}

impl Mode {
    /// In a record.
    #[must_use]
    pub const fn number(self) -> u32 {
        self as u32
    }

    /// It makes one step.
    #[must_use]
    pub const fn steps(self) -> bool {
        matches!(self, Self::Step | Self::EmulateStep)
    }

    /// The next system call stops it at its entry and is not done.
    #[must_use]
    pub const fn emulates(self) -> bool {
        matches!(self, Self::Emulate | Self::EmulateStep)
    }

    /// Of a record; what is no mode lets the thread go on.
    #[must_use]
    pub const fn of(number: u32) -> Self {
        match number {
            1 => Self::Calls,
            2 => Self::Step,
            3 => Self::Detached,
            4 => Self::Emulate,
            5 => Self::EmulateStep,
            _ => Self::Continue,
        }
    }
}

/// Bytes of the largest set of registers.
pub const LARGEST: usize = 528;
/// How many ranges of memory a record can name that the tracer has written.
pub const WRITES: usize = 16;

/// A set of registers.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Set {
    /// How many of the bytes there are.
    pub length: u32,
    /// The tracer has changed them.
    pub written: u32,
    /// They.
    pub bytes: [u8; LARGEST],
}

impl Set {
    const EMPTY: Self = Self {
        length: 0,
        written: 0,
        bytes: [0; LARGEST],
    };

    /// They, of whatever length a record says.
    #[must_use]
    pub fn get(&self) -> &[u8] {
        let length = usize::try_from(self.length).unwrap_or(0).min(LARGEST);
        &self.bytes[..length]
    }

    /// Sets them.
    pub fn set(&mut self, bytes: &[u8]) {
        let length = bytes.len().min(LARGEST);
        self.bytes[..length].copy_from_slice(&bytes[..length]);
        self.length = u32::try_from(length).unwrap_or(0);
        self.written = 0;
    }
}

/// Which set.
pub mod sets {
    /// `NT_PRSTATUS`.
    pub const GENERAL: usize = 0;
    /// `NT_PRFPREG`.
    pub const FLOAT: usize = 1;
    /// The thread pointer.
    pub const POINTER: usize = 2;
    /// The number of the system call, an `int`.
    pub const CALL: usize = 3;
    /// The signals that are blocked.
    pub const MASK: usize = 4;
    /// How many.
    pub const COUNT: usize = 5;
}

/// What a stop is in, for `PTRACE_GET_SYSCALL_INFO`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct CallInfo {
    /// 0 for none, or one of those below.
    pub kind: u64,
    /// The number.
    pub number: u64,
    /// The arguments.
    pub arguments: [u64; 6],
    /// The result, as the guest's register has it.
    pub result: u64,
    /// The program counter.
    pub pc: u64,
    /// The stack pointer.
    pub sp: u64,
}

impl CallInfo {
    /// It is entered.
    pub const ENTRY: u64 = 1;
    /// It is left.
    pub const EXIT: u64 = 2;
    /// A filter asks about it.
    pub const FILTER: u64 = 3;
}

/// What a thread shows its tracer, and what the tracer answers. All of it may be read
/// from another process as it is: every pattern of bits is a value.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Record {
    /// Not 0 while the registers are those that the thread has: it stands, or is in a
    /// system call.
    pub still: u32,
    /// What `wait` says: a signal, and an event from bit 8 on.
    pub status: u32,
    /// `PTRACE_GETEVENTMSG`.
    pub message: u64,
    /// `PTRACE_GETSIGINFO`.
    pub info: SignalInfo,
    /// The system call that it stops for.
    pub call: CallInfo,
    /// The registers.
    pub sets: [Set; sets::COUNT],
    /// Whose they are: `e_machine` of the guest's programs.
    pub machine: u64,
    /// Not 0 once the tracer's engine has answered.
    pub answered: u32,
    /// [`Mode`].
    pub mode: u32,
    /// `PTRACE_O_...`.
    pub options: u32,
    /// Not 0 when the tracer seized it.
    pub seized: u32,
    /// The signal that it is to be told.
    pub signal: u32,
    /// How many of the ranges there are; one more than there is room for stands for all
    /// memory.
    pub writes: u32,
    /// The ranges of memory that the tracer has written.
    pub ranges: [[u64; 2]; WRITES],
}

impl Record {
    /// Of a thread that has not stopped yet.
    pub const NEW: Self = Self {
        still: 0,
        status: 0,
        message: 0,
        info: SignalInfo([0; 16]),
        call: CallInfo {
            kind: 0,
            number: 0,
            arguments: [0; 6],
            result: 0,
            pc: 0,
            sp: 0,
        },
        sets: [Set::EMPTY; sets::COUNT],
        machine: 0,
        answered: 0,
        mode: 0,
        options: 0,
        seized: 0,
        signal: 0,
        writes: 0,
        ranges: [[0; 2]; WRITES],
    };

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        // SAFETY: it has no padding (asserted below), so all bytes are there.
        unsafe { core::slice::from_raw_parts(core::ptr::from_ref(self).cast(), size_of::<Self>()) }
    }

    /// Its bytes, to be written.
    #[must_use]
    pub const fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: it has no padding (asserted below), and all of the fields are numbers, so any
        // bytes may be written.
        unsafe {
            core::slice::from_raw_parts_mut(core::ptr::from_mut(self).cast(), size_of::<Self>())
        }
    }
}

const _: () = {
    let set = 2 * 4 + LARGEST;
    let words = 4 + 4 + 8 + 128 + 88 + sets::COUNT * set + 8 + 6 * 4 + WRITES * 16;
    assert!(size_of::<Record>() == words);
};

/// Lets the tracer look at the record, until it sends the thread on. Without a tracer it
/// returns at once.
///
/// # Safety
/// The record is the thread's alone, and may change.
pub unsafe fn stop(record: *mut Record) {
    // SAFETY: the function keeps to the calling convention; the caller answers for the
    // record.
    unsafe { armistice_traced_stop(record) }
}

/// Stops the group by a signal that has its default action. The tracer's engine knows it
/// by the place.
///
/// # Safety
/// As for [`stop`].
pub unsafe fn raise(signal: i32, record: *mut Record) {
    // SAFETY: the calls touch no memory, and the function keeps to the calling convention; the
    // caller answers for the record.
    unsafe {
        let process = sys::syscall(number::GETPID, [0; 6]).unwrap_or(0);
        let thread = sys::syscall(number::GETTID, [0; 6]).unwrap_or(0);
        armistice_traced_raise(process, thread, signal.unsigned_abs().into(), 0, record);
    }
}

/// Whether a trap is that of [`stop`], which nobody traces.
pub(super) fn is_stop(rip: u64) -> bool {
    rip == &raw const armistice_traced_stopped as u64
}

/// A signal that the engine of a tracer puts in the place of another one: that one's
/// fields stay, its number is in `si_errno`, and its code where `siginfo` has nothing.
#[must_use]
pub fn changed(info: &SignalInfo) -> SignalInfo {
    let mut words = info.0;
    let number = u64::from(info.signal().unsigned_abs());
    words[0] = u64::from(SIGTRAP.unsigned_abs()) | number << 32;
    let code = u64::from(info.code().cast_unsigned());
    words[1] = u64::from(CHANGED.cast_unsigned()) | code << 32;
    // What the kernel does not know the form of it takes no more of.
    words[6..].fill(0);
    SignalInfo(words)
}

/// The signal that one was in the place of; of signal 0 none: the thread is only to stop.
#[must_use]
pub fn original(info: &SignalInfo) -> SignalInfo {
    let mut words = info.0;
    words[0] >>= 32;
    words[1] >>= 32;
    SignalInfo(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::signal::SIGSTOP;

    #[test]
    fn a_changed_signal_has_the_first_one_in_it() {
        for (signal, code) in [(10, -1), (SIGSTOP, 0), (17, 4), (64, -60)] {
            let info = SignalInfo::fault(signal, code, 0x1234_5678_9abc);
            let changed = changed(&info);
            assert_eq!((changed.signal(), changed.code()), (SIGTRAP, CHANGED));
            assert_eq!(original(&changed), info);
        }
    }

    #[test]
    fn a_beginning_is_a_word() {
        let beginning = Beginning {
            options: 0x10_0001,
            mode: Mode::Calls,
            seized: true,
            former: 0x3f_ffff,
        };
        WORD.store(beginning.word(), Ordering::Relaxed);
        assert_eq!(Beginning::own(), Some(beginning));
        assert_eq!(Beginning::own(), None);
    }

    #[test]
    fn modes_are_numbers() {
        for mode in [
            Mode::Continue,
            Mode::Calls,
            Mode::Step,
            Mode::Detached,
            Mode::Emulate,
            Mode::EmulateStep,
        ] {
            assert_eq!(Mode::of(mode.number()), mode);
        }
        assert_eq!(Mode::of(99), Mode::Continue);
    }
}

//! What signal handlers and other threads tell a thread, and the mapping it
//! lies in.
//!
//! A thread's mapping is aligned to its signal stack's size: at its start is
//! the [`Attention`], behind it the stack of signal handlers, then a guard page
//! and the thread's stack. So a handler finds the attention by its stack pointer
//! (`current`). The first thread has such a mapping from its first instruction
//! on (`start/`): the stack that the kernel made is the guest's.
//!
//! Invariants: a bit of the word is set after what it speaks of was written,
//! and cleared by the thread itself before it is read. `inside` is not zero
//! while the thread may be in translated code ([`super::gate`]).

use core::cell::UnsafeCell;
use core::ops::Range;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::gate::{Gate, Gated};
use super::taken::TAKEN_LIST;
use crate::host::own;
use crate::host::signal::{SI_TKILL, SignalInfo};
use crate::host::sys::{self, Errno, number};

/// The size and alignment of the first part: the kernel's frame has up to
/// 11 KiB with AVX-512 and AMX, the rest is for saying what went wrong.
const FIRST: u64 = 64 * 1024;
/// The attention's part of it.
const HEAD: u64 = 4096;
const GUARD: u64 = 4096;
const STACK: u64 = 512 * 1024;
const LENGTH: u64 = FIRST + GUARD + STACK;

/// What is mapped for a thread: with room to align it.
pub const WHOLE: u64 = LENGTH + FIRST;
/// As what.
pub const PROTECTION: u32 = sys::PROT_READ | sys::PROT_WRITE;
/// And how.
pub const FLAGS: u32 = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS | sys::MAP_NORESERVE;
/// From the first address in it that is a multiple of [`ALIGNMENT`] to the end
/// of the thread's stack.
pub const TOP: u64 = LENGTH;
/// What a thread's mapping is aligned to.
pub const ALIGNMENT: u64 = FIRST;

/// Translations that the thread may know of are gone.
pub const FORGET: u32 = 1;
/// A signal has arrived: [`Attention::take_signal`].
pub const SIGNAL: u32 = 2;
/// The first of the bits of the signals that the engine takes
/// ([`crate::thread::taken::TAKEN`]) and that were sent to the process.
const TAKEN_FIRST: u32 = 4;
/// A debugger wants the thread to stop.
pub const LOOK: u32 = 32;
/// A system call that the thread is in is to be broken off.
pub const BREAK_OFF: u32 = 64;
/// Another process of the same memory wants the thread to stop
/// ([`super::holds`]).
pub const HOLD: u32 = 128;
/// A signal that is kept ([`crate::linux::pending`]) may be this thread's to have.
pub const KEPT: u32 = 256;
/// The first of the bits of those that were sent to the thread.
const OWN_FIRST: u32 = 512;
/// A kept signal is this thread's to take, and no other thread was told.
pub const TAKE: u32 = 4096;
/// A tracer's engine wants the thread to stop ([`super::traced`]).
pub const TRACE: u32 = 8192;
/// A tracer's engine wants the thread to stop by SIGSTOP ([`Attention::take_stop`]).
pub const TRACE_STOP: u32 = 32768;
/// Another thread needs something that only this one can do, as the one that traces.
pub const SERVE: u32 = 16384;
/// All of the bits of the signals that the engine takes.
pub const TAKEN_ALL: u32 = 7 * (TAKEN_FIRST | OWN_FIRST);
/// How many of those can be noted at a time: each signal for the process, then
/// each for the thread.
pub const NOTES: usize = 2 * TAKEN_LIST.len();

/// Beside what a thread observes: it waits for that. No kept signal has this bit.
pub const WAITS: u64 = 1;

/// The bit of a note.
const fn bit_of(note: usize) -> u32 {
    match note.checked_sub(TAKEN_LIST.len()) {
        None => TAKEN_FIRST << note,
        Some(own) => OWN_FIRST << own,
    }
}

/// What a thread is told.
#[derive(Debug)]
#[repr(C)]
pub struct Attention {
    /// Not zero when there is something; see the bits above. Stubs look at it.
    pub word: AtomicU32,
    /// Not zero while translated code may be running. Stubs set it.
    pub inside: AtomicU32,
    /// The thread's process and its number, as threads see it that kick it.
    pub process: AtomicU32,
    /// Its own number.
    pub thread: AtomicU32,
    /// Not zero when its system calls are judged ([`crate::linux::seccomp`]).
    pub watched: AtomicU32,
    /// Not zero while the thread's personality has `READ_IMPLIES_EXEC`, which the host's kernel
    /// is not told: it would make pages executable.
    pub read_implies_exec: AtomicU32,
    /// The signals that the guest blocks here, also for the time of a call.
    pub blocked: AtomicU64,
    /// The signals that are kept for this thread alone ([`crate::linux::pending`]).
    pub kept: AtomicU64,
    /// Those that it may see although it blocks them, in the call that it is in;
    /// with [`WAITS`], that call takes them.
    pub observes: AtomicU64,
    /// Not zero once a tracer's engine has sent it a signal.
    pub traced: AtomicU32,
    signal: UnsafeCell<SignalInfo>,
    /// The SIGSTOP by which a tracer's engine wants it to stop.
    stop: UnsafeCell<SignalInfo>,
    taken: [UnsafeCell<SignalInfo>; NOTES],
}

// SAFETY: the cells are written by the thread's own signal handler, and read by
// the thread after the bit, which keeps the handler from writing again.
unsafe impl Sync for Attention {}

impl Gated for Attention {
    type Word = AtomicU32;

    #[inline]
    fn gate(&self) -> Gate<'_, AtomicU32> {
        Gate {
            word: &self.word,
            inside: &self.inside,
        }
    }
}

/// Of nobody: what states have that no thread has taken over.
pub static NOBODY: Attention = Attention::new();

impl Attention {
    const fn new() -> Self {
        Self {
            word: AtomicU32::new(0),
            inside: AtomicU32::new(0),
            process: AtomicU32::new(0),
            thread: AtomicU32::new(0),
            watched: AtomicU32::new(0),
            read_implies_exec: AtomicU32::new(0),
            blocked: AtomicU64::new(!0),
            kept: AtomicU64::new(0),
            observes: AtomicU64::new(0),
            traced: AtomicU32::new(0),
            signal: UnsafeCell::new(SignalInfo([0; 16])),
            stop: UnsafeCell::new(SignalInfo([0; 16])),
            taken: [const { UnsafeCell::new(SignalInfo([0; 16])) }; NOTES],
        }
    }

    /// Whether there is anything.
    #[must_use]
    #[inline]
    pub fn wanted(&self) -> bool {
        self.word.load(Ordering::Acquire) != 0
    }

    /// Whether the thread's personality has `READ_IMPLIES_EXEC`.
    #[must_use]
    pub fn reads_imply_exec(&self) -> bool {
        self.read_implies_exec.load(Ordering::Relaxed) != 0
    }

    /// Says whether it has.
    pub fn set_read_implies_exec(&self, has: bool) {
        self.read_implies_exec.store(has.into(), Ordering::Relaxed);
    }

    /// Whether a signal has been noted.
    #[must_use]
    pub fn has_signal(&self) -> bool {
        self.word.load(Ordering::Acquire) & SIGNAL != 0
    }

    /// The number of the signal that has arrived, for the thread itself.
    #[must_use]
    pub fn arrived(&self) -> Option<i32> {
        // SAFETY: the handler does not write while the bit is set.
        self.has_signal()
            .then(|| unsafe { *self.signal.get() }.signal())
    }

    /// Notes a signal, in the thread's own handler.
    pub(super) fn note_signal(&self, info: SignalInfo) {
        // SAFETY: the handler blocks all signals that come here until the
        // thread has taken this one.
        unsafe { *self.signal.get() = info };
        self.word.fetch_or(SIGNAL, Ordering::Release);
    }

    /// Notes that a tracer's engine wants it to stop, in the thread's own handler: by
    /// SIGSTOP, or by no signal. Each kind is noted apart, so that neither hides the other. A
    /// second SIGSTOP is dropped, as the kernel drops it while one is pending.
    pub(super) fn note_halt(&self, stop: Option<SignalInfo>) {
        let Some(info) = stop else {
            self.word.fetch_or(TRACE, Ordering::Release);
            return;
        };
        if self.word.load(Ordering::Relaxed) & TRACE_STOP == 0 {
            // SAFETY: the bit is not set, so the thread does not read.
            unsafe { *self.stop.get() = info };
            self.word.fetch_or(TRACE_STOP, Ordering::Release);
        }
    }

    /// Whether a tracer's engine wants it to stop by no signal, for the thread itself.
    #[must_use]
    pub fn take_halt(&self) -> bool {
        self.word.load(Ordering::Relaxed) & TRACE != 0
            && self.word.fetch_and(!TRACE, Ordering::AcqRel) & TRACE != 0
    }

    /// The SIGSTOP by which a tracer's engine wants it to stop, for the thread itself.
    #[must_use]
    pub fn take_stop(&self) -> Option<SignalInfo> {
        if self.word.load(Ordering::Acquire) & TRACE_STOP == 0 {
            return None;
        }
        // SAFETY: the handler does not write while the bit is set.
        let info = unsafe { *self.stop.get() };
        self.word.fetch_and(!TRACE_STOP, Ordering::Release);
        Some(info)
    }

    /// Notes a sent one of those the engine takes, by its place in their list;
    /// the same once more is dropped, as the kernel does while one is pending.
    pub(super) fn note_taken(&self, index: usize, info: SignalInfo) {
        let own = info.code() == SI_TKILL;
        let index = if own { index + TAKEN_LIST.len() } else { index };
        let bit = bit_of(index);
        if self.word.load(Ordering::Relaxed) & bit == 0 {
            // SAFETY: the bit is not set, so the thread does not read.
            unsafe { *self.taken[index].get() = info };
            self.word.fetch_or(bit, Ordering::Release);
        }
    }

    /// The signal that has arrived, for the thread itself.
    #[must_use]
    pub fn take_signal(&self) -> Option<SignalInfo> {
        if self.word.load(Ordering::Acquire) & SIGNAL == 0 {
            return None;
        }
        // SAFETY: the handler does not write while the bit is set.
        let info = unsafe { *self.signal.get() };
        self.word.fetch_and(!SIGNAL, Ordering::Release);
        Some(info)
    }

    /// One of the [`NOTES`] of those the engine takes, for the thread itself.
    #[must_use]
    pub fn take_taken(&self, index: usize) -> Option<SignalInfo> {
        let bit = bit_of(index);
        if self.word.load(Ordering::Acquire) & bit == 0 {
            return None;
        }
        // SAFETY: the handler does not write while the bit is set.
        let info = unsafe { *self.taken[index].get() };
        self.word.fetch_and(!bit, Ordering::Release);
        Some(info)
    }

    /// The calling thread becomes the one it speaks of.
    pub fn claim(&self) {
        // SAFETY: the calls touch no memory.
        let number = |call| unsafe { sys::syscall(call, [0; 6]) }.unwrap_or(0);
        #[allow(
            clippy::cast_possible_truncation,
            reason = "numbers of threads are ints"
        )]
        let set = |to: &AtomicU32, value: u64| to.store(value as u32, Ordering::Relaxed);
        set(&self.process, number(number::GETPID));
        set(&self.thread, number(number::GETTID));
    }
}

/// The attention of the thread on whose signal stack this runs.
///
/// # Safety
/// To be called in signal handlers that run on a stack of [`Block`]'s.
pub(super) unsafe fn current() -> &'static Attention {
    let here = 0_u8;
    let base = (&raw const here as u64) & !(FIRST - 1);
    // SAFETY: the mapping's start is the attention, and the thread is in it.
    unsafe { &*(base as *const Attention) }
}

/// A thread's mapping. It is not given back when dropped.
#[derive(Debug)]
pub struct Block {
    /// The mapping's start.
    start: u64,
    /// The first address in it that is aligned.
    base: u64,
}

impl Block {
    /// A mapping for a new thread.
    ///
    /// # Errors
    /// The kernel's, when it has no memory.
    pub fn new() -> Result<Self, Errno> {
        let at = own::map(WHOLE, PROTECTION, FLAGS)?;
        // SAFETY: it was just mapped, and nobody uses it.
        unsafe { Self::within(at) }
    }

    /// The first thread's, which it runs in already: made by `start/`, or 0
    /// when the kernel had no memory.
    ///
    /// # Safety
    /// At the address is a mapping as the constants above say, and of it only
    /// the stack is used.
    ///
    /// # Errors
    /// `ENOMEM`, and the kernel's.
    pub unsafe fn first(at: u64) -> Result<Self, Errno> {
        if at == 0 {
            return Err(Errno::ENOMEM);
        }
        own::add(at..at + WHOLE);
        // SAFETY: the caller's.
        unsafe { Self::within(at) }
    }

    /// # Safety
    /// At the address are [`WHOLE`] bytes of the engine's, of which nothing is
    /// used but the stack.
    unsafe fn within(at: u64) -> Result<Self, Errno> {
        let base = at.next_multiple_of(FIRST);
        // SAFETY: neither the guard nor the attention's place is used.
        unsafe {
            sys::mprotect(base + FIRST, GUARD, 0)?;
            (base as *mut Attention).write(Attention::new());
        }
        Ok(Self { start: at, base })
    }

    /// What the thread is told.
    #[must_use]
    pub const fn attention(&self) -> &'static Attention {
        // SAFETY: `new` has written it, and the mapping stays as long as
        // the thread does.
        unsafe { &*(self.base as *const Attention) }
    }

    /// The thread's stack.
    #[must_use]
    pub const fn stack(&self) -> Range<u64> {
        self.base + FIRST + GUARD..self.base + LENGTH
    }

    /// All of it.
    #[must_use]
    pub const fn range(&self) -> Range<u64> {
        self.start..self.start + WHOLE
    }

    /// Lets the calling thread's signal handlers run here.
    ///
    /// # Errors
    /// The kernel's.
    pub fn use_for_signals(&self) -> Result<(), Errno> {
        #[repr(C)]
        struct Stack {
            base: u64,
            flags: u64,
            size: u64,
        }
        let stack = Stack {
            base: self.base + HEAD,
            flags: 0,
            size: FIRST - HEAD,
        };
        // SAFETY: the stack is this thread's alone.
        unsafe {
            sys::syscall(
                number::SIGALTSTACK,
                [&raw const stack as u64, 0, 0, 0, 0, 0],
            )
        }
        .map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::signal::SIGSTOP;

    /// ATTACH's SIGSTOP is not lost where somebody else wants a stop at the same time.
    #[test]
    fn each_kind_of_stop_is_noted_for_itself() {
        let attention = Attention::new();
        let stop = |sender: u64| {
            let mut info = SignalInfo::fault(SIGSTOP, 0, 0);
            info.0[2] = sender;
            info
        };
        attention.note_halt(None);
        attention.note_halt(Some(stop(1)));
        attention.note_halt(Some(stop(2)));
        attention.note_halt(None);
        assert!(attention.wanted());
        assert!(attention.take_halt());
        assert!(!attention.take_halt());
        assert_eq!(attention.take_stop(), Some(stop(1)));
        assert_eq!(attention.take_stop(), None);
        assert!(!attention.wanted());
    }
}

//! The guest's process and its threads, as far as the engine keeps them and
//! the host's kernel doesn't.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::ops::Range;
use core::sync::atomic::Ordering;

use super::abi::platform::{Guests, Platform};
use super::core_file::Parking;
use super::executable::{Held, Identity, Own};
use super::loader::Loaded;
use super::loader::prefix::Prefix;
use super::pending::Pending;
use super::ptrace::tracee::Tracee;
use super::ptrace::tracees::Tracees;
use super::seccomp::Seccomp;
use super::signals::{self, Actions};
use super::told::Places;
use super::views::shown::Shown;
use crate::host::lock::SpinLock;
use crate::host::signal::{self, SIG_IGN, SignalInfo, UNBLOCKABLE};
use crate::host::sys::Errno;
use crate::memory::address_space::AddressSpace;
use crate::thread::attention::{Attention, Block};
use crate::thread::clone;
use crate::thread::holds::Holds;
use crate::thread::leaving::Leaving;
use crate::thread::taken::TAKEN;
use crate::thread::tracer::Tracer;

/// The bit of a personality by which what may be read may be executed.
pub const READ_IMPLIES_EXEC: u64 = 0x40_0000;

/// What all threads of the guest share, and a child of `vfork` too.
#[derive(Debug)]
pub struct Process {
    /// What of the guest's architecture is data.
    pub platform: &'static Platform,
    /// The same of the engine's other guest, whose programs it may become.
    pub other: &'static Platform,
    /// What of the address space the host's does not know.
    pub space: AddressSpace,
    /// The heap that `brk` moves the end of.
    pub heap: SpinLock<Heap>,
    /// The program's path without symbolic links, as it was at the start.
    pub executable: Vec<u8>,
    /// Which file the program is.
    pub program: Identity,
    /// Its first thread's SP at the start.
    pub stack: u64,
    /// The page of the vDSO.
    pub vdso: Range<u64>,
    /// Shared memory of System V: where it was attached, and its length.
    pub attached: SpinLock<BTreeMap<u64, u64>>,
    /// Whether system calls are printed (`--strace`).
    pub trace: bool,
    /// The file of translations that it uses (`--kept`).
    pub kept: Option<&'static CStr>,
    /// The file of notes that what it ran is added to (`--learn`), and who does it.
    pub notes: Option<(&'static CStr, &'static dyn Leaving)>,
    /// Who follows its threads.
    pub tracer: Option<&'static dyn Tracer>,
    /// Those of its threads that are stopped by another process.
    pub holds: Holds,
    /// The threads that it traces.
    pub tracees: Tracees,
    /// Those that have stopped for good, since it dies and has a core file.
    pub parking: Parking,
    /// Where its arguments lie, and its auxiliary vector.
    pub places: Places,
    /// The filters of its system calls.
    pub seccomp: Seccomp,
    /// Whether it has rights that its caller has not (`AT_SECURE`).
    pub secure: bool,
    /// Where absolute paths are looked for first.
    pub prefix: Option<Prefix>,
    /// The texts that it was shown in place of the host's.
    pub shown: Shown,
}

impl Process {
    /// The process of a program that was loaded into the address space.
    #[must_use]
    pub fn new(space: AddressSpace, loaded: &Loaded, seccomp: Seccomp) -> Self {
        Self {
            platform: loaded.guests.own,
            other: loaded.guests.other,
            space,
            heap: SpinLock::new(Heap {
                start: loaded.heap,
                end: loaded.heap,
                data: loaded.places.data.end - loaded.places.data.start,
            }),
            executable: loaded.executable.clone(),
            program: loaded.program,
            stack: loaded.stack,
            vdso: loaded.vdso.clone(),
            attached: SpinLock::new(BTreeMap::new()),
            trace: false,
            kept: None,
            notes: None,
            tracer: None,
            holds: Holds::default(),
            tracees: Tracees::default(),
            parking: Parking::default(),
            places: loaded.places.clone(),
            seccomp,
            secure: loaded.secure,
            prefix: loaded.prefix.clone(),
            shown: Shown::default(),
        }
    }

    /// The engine's guests.
    #[must_use]
    pub const fn guests(&self) -> Guests {
        Guests {
            own: self.platform,
            other: self.other,
        }
    }

    /// Guest code that calls `rt_sigreturn`: where handlers return to that
    /// name no other place, and what unwinders know a signal frame by.
    #[must_use]
    pub const fn trampoline(&self) -> u64 {
        self.vdso.start + self.platform.signal_return
    }

    /// The ranges that have a name in `/proc/self/maps`.
    #[must_use]
    pub fn names(&self) -> Vec<(Range<u64>, &'static str)> {
        let heap = self.heap.with(|heap| heap.start..heap.end);
        let mut names = alloc::vec![(self.stack..self.stack + 1, "[stack]"), (heap, "[heap]"),];
        names.extend(self.platform.names_of_pages(self.vdso.clone()));
        names
    }
}

/// The addresses from the heap's start, a page's, to the end that `brk` set.
/// Other processes read it ([`super::other`]).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Heap {
    /// The first address.
    pub start: u64,
    /// The address past the last.
    pub end: u64,
    /// How many bytes the program has as data: they count for the limit of the
    /// heap.
    pub data: u64,
}

/// What each thread of the guest has for itself, beside its registers.
#[derive(Debug)]
pub struct Thread {
    /// The signals it blocks.
    pub mask: u64,
    /// The stack for signal handlers, as it was set.
    pub alternate_stack: AlternateStack,
    /// What is done on signals; shared as `CLONE_SIGHAND` says.
    pub actions: Arc<SpinLock<Actions>>,
    /// The mask of the call that was interrupted, for the handler.
    pub suspended: Option<u64>,
    /// The signals that the engine takes and that wait; all threads of a process
    /// share it.
    pub pending: Arc<Pending>,
    /// Whether addresses that it gives to system calls may have tags.
    pub takes_tags: bool,
    /// The last signal that it was told: what it dies of.
    pub cause: SignalInfo,
    /// The address of the last fault.
    pub fault_address: u64,
    /// And its syndrome, which frames show from then on.
    pub syndrome: u64,
    /// Words and bytes that a system call of this thread needs until it
    /// returns; a call that does not return leaves them to who made the
    /// thread.
    pub words: Vec<u64>,
    /// The bytes of these.
    pub bytes: Vec<u8>,
    /// Lists of pointers that a system call needs until it returns, and that the guest has in
    /// words of another length.
    pub lists: Vec<u64>,
    /// Of a process that shares the memory of the one that made it: that one.
    pub maker: Option<u32>,
    /// What it knows of its tracing, while a guest traces it.
    pub tracee: Option<Box<Tracee>>,
    /// The descriptor of the program's file, shared as `CLONE_FILES` says.
    pub executable: Arc<Held>,
    /// The thread's mapping.
    pub block: Block,
}

impl Thread {
    /// The first thread: it blocks the signals that the engine was started
    /// with, and of those that the engine takes, these were ignored.
    #[must_use]
    pub fn inherited(block: Block, ignored: u64, executable: Held) -> Self {
        Self {
            mask: signal::mask(),
            alternate_stack: AlternateStack::NONE,
            actions: Arc::new(SpinLock::new(Actions::inherited(ignored))),
            suspended: None,
            pending: Arc::new(Pending::new()),
            takes_tags: false,
            cause: SignalInfo([0; 16]),
            fault_address: 0,
            syndrome: 0,
            words: Vec::new(),
            bytes: Vec::new(),
            lists: Vec::new(),
            maker: None,
            tracee: None,
            executable: Arc::new(executable),
            block,
        }
    }

    /// A thread that this one makes, with these flags of `clone`.
    #[must_use]
    pub fn child(&self, block: Block, flags: u64) -> Self {
        block
            .attention()
            .set_read_implies_exec(self.attention().reads_imply_exec());
        let actions = if flags & clone::SIGHAND == 0 {
            Arc::new(SpinLock::new(self.actions.with(|actions| actions.clone())))
        } else {
            Arc::clone(&self.actions)
        };
        let pending = if flags & clone::THREAD == 0 {
            Arc::new(Pending::new())
        } else {
            Arc::clone(&self.pending)
        };
        let maker = match flags & (clone::VM | clone::VFORK | clone::THREAD) {
            clone::VM => Some(self.attention().process.load(Ordering::Relaxed)),
            _ if flags & clone::THREAD != 0 => self.maker,
            _ => None,
        };
        let executable = if flags & clone::FILES == 0 {
            Arc::new(self.executable.copied())
        } else {
            Arc::clone(&self.executable)
        };
        let keeps_stack = flags & (clone::VM | clone::VFORK) != clone::VM;
        Self {
            mask: self.mask,
            alternate_stack: if keeps_stack {
                self.alternate_stack
            } else {
                AlternateStack::NONE
            },
            actions,
            suspended: None,
            pending,
            takes_tags: self.takes_tags,
            cause: SignalInfo([0; 16]),
            fault_address: 0,
            syndrome: 0,
            words: Vec::new(),
            bytes: Vec::new(),
            lists: Vec::new(),
            maker,
            tracee: None,
            executable,
            block,
        }
    }

    /// What the process knows of its own executable.
    #[must_use]
    pub fn own(&self, process: &Process) -> Own {
        Own {
            number: self.executable.number(),
            file: process.program,
        }
    }

    /// What others tell it.
    #[must_use]
    pub const fn attention(&self) -> &'static Attention {
        self.block.attention()
    }

    /// Says what the thread blocks from now on, maybe only for a call.
    pub fn block(&self, mask: u64) {
        self.attention().blocked.store(mask, Ordering::SeqCst);
    }

    /// What the thread blocks now.
    #[must_use]
    pub fn blocked(&self) -> u64 {
        self.attention().blocked.load(Ordering::Relaxed)
    }

    /// Whether the process ignores a signal.
    #[must_use]
    pub fn ignores(&self, signal: i32) -> bool {
        let action = self.actions.with(|actions| actions.of(signal));
        action.is_some_and(|action| action.handler == SIG_IGN)
    }

    /// Sets the mask, on the host too. When a signal has been noted, the host
    /// goes on blocking all until that is told.
    pub fn set_mask(&mut self, mask: u64) {
        self.mask = mask & !UNBLOCKABLE;
        self.block(self.mask);
        if signals::try_mask(self.attention(), self.mask) {
            return;
        }
        // Something is wanted: is it a signal? No other must come before it
        // is told.
        let _ = signal::set_whole_mask(!TAKEN);
        if !self.attention().has_signal() {
            signals::set_mask(self.mask);
        }
    }
}

/// The kernel's `stack_t`, as its generic headers have it with 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct AlternateStack {
    /// The lowest address.
    pub base: u64,
    /// `SS_...`; the upper half is padding.
    pub flags: u64,
    /// In bytes; 0 when there is none.
    pub size: u64,
}

impl AlternateStack {
    /// `SS_ONSTACK`.
    pub const IN_USE: u64 = 1;
    /// `SS_DISABLE`.
    pub const DISABLED: u64 = 2;
    /// `SS_AUTODISARM`: gone while a handler runs on it.
    pub const AUTODISARM: u64 = 1 << 31;
    /// None is set.
    pub const NONE: Self = Self {
        base: 0,
        flags: Self::DISABLED,
        size: 0,
    };

    /// Whether code with this SP runs on it.
    #[must_use]
    pub const fn holds(&self, sp: u64) -> bool {
        self.flags & Self::AUTODISARM == 0 && sp > self.base && sp - self.base <= self.size
    }

    /// As `sigaltstack` tells it to code with this SP.
    #[must_use]
    pub const fn seen_from(&self, sp: u64) -> Self {
        let state = if self.size == 0 {
            Self::DISABLED
        } else if self.holds(sp) {
            Self::IN_USE
        } else {
            0
        };
        Self {
            base: self.base,
            flags: self.flags & Self::AUTODISARM | state,
            size: self.size,
        }
    }

    /// Another one, set by code with this SP, on a platform where it has so many bytes.
    ///
    /// # Errors
    /// As `sigaltstack`.
    pub fn replace(&mut self, new: Self, sp: u64, smallest: u64) -> Result<(), Errno> {
        // An int, with padding behind it.
        let flags = new.flags & 0xffff_ffff;
        if self.holds(sp) {
            return Err(Errno::EPERM);
        }
        *self = match flags & !Self::AUTODISARM {
            Self::DISABLED => Self {
                base: 0,
                flags,
                size: 0,
            },
            // 0 and SS_ONSTACK both set it.
            0 | Self::IN_USE if new.size < smallest => return Err(Errno::ENOMEM),
            0 | Self::IN_USE => Self {
                base: new.base,
                flags: flags & Self::AUTODISARM,
                size: new.size,
            },
            _ => return Err(Errno::EINVAL),
        };
        Ok(())
    }
}

//! The guest's process and its threads, as far as the engine keeps them and
//! the host's kernel doesn't.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::AtomicBool;

use super::address_space::AddressSpace;
use super::loader::Loaded;
use super::signals::{self, Actions};
use crate::lock::SpinLock;

/// What all threads of the guest share.
#[derive(Debug)]
pub struct Process {
    /// What of the address space the host's does not know.
    pub space: AddressSpace,
    /// The heap that `brk` moves the end of.
    pub heap: SpinLock<Heap>,
    /// What is done on signals.
    pub actions: SpinLock<Actions>,
    /// The program's path without symbolic links: what `/proc/self/exe` leads
    /// to.
    pub executable: Vec<u8>,
    /// Its first thread's stack.
    pub stack: Range<u64>,
    /// The page of the vDSO.
    pub vdso: Range<u64>,
    /// Shared memory of System V: where it was attached, and its length.
    pub attached: SpinLock<BTreeMap<u64, u64>>,
    /// Whether system calls are printed (`--strace`).
    pub trace: bool,
    /// `READ_IMPLIES_EXEC` of the personality.
    pub read_implies_exec: AtomicBool,
}

impl Process {
    /// The process of a program that was loaded into the address space.
    #[must_use]
    pub fn new(space: AddressSpace, loaded: &Loaded) -> Self {
        Self {
            space,
            heap: SpinLock::new(Heap {
                start: loaded.heap,
                end: loaded.heap,
            }),
            actions: SpinLock::new(Actions::default()),
            executable: loaded.executable.clone(),
            stack: loaded.stack.clone(),
            vdso: loaded.vdso.clone(),
            attached: SpinLock::new(BTreeMap::new()),
            trace: false,
            read_implies_exec: AtomicBool::new(false),
        }
    }
}

impl Process {
    /// The ranges that have a name in `/proc/self/maps`.
    #[must_use]
    pub fn names(&self) -> Vec<(Range<u64>, &'static str)> {
        let heap = self.heap.with(|heap| heap.start..heap.end);
        alloc::vec![
            (self.stack.clone(), "[stack]"),
            (heap, "[heap]"),
            (self.vdso.clone(), "[vdso]"),
        ]
    }
}

/// The addresses from the heap's start, a page's, to the end that `brk` set.
#[derive(Clone, Copy, Debug)]
pub struct Heap {
    /// The first address.
    pub start: u64,
    /// The address past the last.
    pub end: u64,
}

/// What each thread of the guest has for itself, beside its registers.
#[derive(Debug)]
pub struct Thread {
    /// The signals it blocks.
    pub mask: u64,
    /// The stack for signal handlers: base, `SS_...` and size, as it was set.
    pub alternate_stack: AlternateStack,
}

impl Thread {
    /// The first thread: it blocks the signals that the engine was started
    /// with.
    #[must_use]
    pub fn inherited() -> Self {
        Self {
            mask: signals::mask(),
            alternate_stack: AlternateStack {
                base: 0,
                flags: AlternateStack::DISABLED,
                size: 0,
            },
        }
    }
}

/// The kernel's `stack_t`, the same on x86-64 and arm64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct AlternateStack {
    /// The lowest address.
    pub base: u64,
    /// `SS_...`; the upper half is padding.
    pub flags: u64,
    /// In bytes.
    pub size: u64,
}

impl AlternateStack {
    /// `SS_DISABLE`.
    pub const DISABLED: u64 = 2;
}

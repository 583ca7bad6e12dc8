//! The protocol of `engine::thread::gate`, run by loom in every order in which threads may
//! take their steps and see each other's writes.
//!
//! One thread runs code and another one changes it, twice. The code and what is known of it
//! are two cells: loom fails where one is read while it is written, and the thread itself
//! where the code is not what it has caught up with. The protocol that is run is the
//! engine's; what is made here are the words, the lock and the two threads.
//!
//! Each ordering and step is also taken away, one at a time: then the model has to fail.
//! One step is not in Rust: that the stub enters as `Gate::enter` does is looked at in the
//! stub's instructions.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use armistice_engine::thread::attention::Attention;
use armistice_engine::thread::gate::{Gate, Gated, Word, stop};
use armistice_engine::translator::vcpu::layout;
use iced_x86::{Decoder, DecoderOptions, Mnemonic, OpKind};
use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, fence};
use loom::sync::{Arc, Mutex, MutexGuard};
use x64::asm::Asm;
use x64::convention::Convention;
use x64::features::HostFeatures;

/// What the thread is told.
const FORGET: u32 = 1;

/// What is taken away of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    Nothing,
    /// The fence between `inside` and the look at the word.
    FenceOfEntering,
    /// The fence between the word and the look at `inside`.
    FenceOfWaiting,
    /// What the thread did inside comes before its leaving.
    ReleaseOfLeaving,
    /// Its leaving comes before what is done then.
    AcquireOfWaiting,
    /// The thread's saying that it is inside.
    SayingInside,
    /// Telling the thread.
    Telling,
    /// Waiting for it.
    Waiting,
    /// The lock while it catches up.
    LockOfCatchingUp,
    /// Catching up before it enters again.
    CatchingUp,
}

impl Without {
    const BROKEN: [Self; 9] = [
        Self::FenceOfEntering,
        Self::FenceOfWaiting,
        Self::ReleaseOfLeaving,
        Self::AcquireOfWaiting,
        Self::SayingInside,
        Self::Telling,
        Self::Waiting,
        Self::LockOfCatchingUp,
        Self::CatchingUp,
    ];
}

/// A word of loom's.
struct Modelled {
    word: AtomicU32,
    without: Without,
    is_inside: bool,
}

impl Modelled {
    fn lacks(&self, what: Without) -> bool {
        self.without == what
    }
}

impl Word for Modelled {
    fn load(&self, order: Ordering) -> u32 {
        if self.is_inside && self.lacks(Without::AcquireOfWaiting) {
            return self.word.load(Ordering::Relaxed);
        }
        self.word.load(order)
    }

    fn store(&self, value: u32, order: Ordering) {
        match value {
            0 if self.lacks(Without::ReleaseOfLeaving) => self.word.store(0, Ordering::Relaxed),
            1 if self.lacks(Without::SayingInside) => {}
            _ => self.word.store(value, order),
        }
    }

    fn set(&self, bits: u32, order: Ordering) {
        if !self.lacks(Without::Telling) {
            self.word.fetch_or(bits, order);
        }
    }

    fn clear(&self, bits: u32, order: Ordering) {
        self.word.fetch_and(!bits, order);
    }

    fn fence(&self) {
        let lacking = if self.is_inside {
            Without::FenceOfEntering
        } else {
            Without::FenceOfWaiting
        };
        if !self.lacks(lacking) {
            fence(Ordering::SeqCst);
        }
    }
}

/// The thread that runs code, as others know it.
struct Thread {
    word: Modelled,
    inside: Modelled,
}

impl Gated for Thread {
    type Word = Modelled;

    fn gate(&self) -> Gate<'_, Modelled> {
        Gate {
            word: &self.word,
            inside: &self.inside,
        }
    }
}

/// What both threads have.
struct Process {
    thread: Thread,
    /// What stands in code memory: the number of the last change.
    code: UnsafeCell<u32>,
    /// The same, written down for threads to catch up with.
    changes: UnsafeCell<u32>,
    threads: Mutex<()>,
    without: Without,
}

// SAFETY: that the cells are used by one thread at a time is what loom checks.
unsafe impl Sync for Process {}

impl Process {
    fn new(without: Without) -> Self {
        let word = |is_inside| Modelled {
            word: AtomicU32::new(0),
            without,
            is_inside,
        };
        Self {
            thread: Thread {
                word: word(false),
                inside: word(true),
            },
            code: UnsafeCell::new(0),
            changes: UnsafeCell::new(0),
            threads: Mutex::new(()),
            without,
        }
    }

    fn lacks(&self, what: Without) -> bool {
        self.without == what
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.threads.lock().unwrap_or_else(|_| panic!("poisoned"))
    }

    /// The code becomes another.
    fn change(&self) {
        let held = self.lock();
        stop([&self.thread].into_iter(), FORGET, |_, _| {
            loom::thread::yield_now();
            !self.lacks(Without::Waiting)
        });
        // SAFETY: loom checks that nobody else uses it now.
        self.code.with_mut(|code| unsafe { *code += 1 });
        // SAFETY: loom checks that nobody else uses the count now.
        self.changes.with_mut(|changes| unsafe { *changes += 1 });
        drop(held);
    }

    /// Goes to the code once, by what the thread knows of it.
    fn run(&self, known: &mut u32) {
        let gate = self.thread.gate();
        if gate.enter() {
            // SAFETY: loom checks that nobody writes the code now.
            let code = self.code.with(|code| unsafe { *code });
            assert_eq!(code, *known, "the code is not what is known of it");
            gate.leave();
            return;
        }
        gate.leave();
        let lock = || (!self.lacks(Without::LockOfCatchingUp)).then(|| self.lock());
        let held = gate.catch_up(FORGET, lock);
        if !self.lacks(Without::CatchingUp) {
            // SAFETY: loom checks that nobody writes the count now.
            *known = self.changes.with(|changes| unsafe { *changes });
        }
        drop(held);
    }
}

/// Runs all that may happen.
fn model(without: Without) {
    /// How often the code is gone to, and how often it changes.
    const TIMES: u32 = 2;
    loom::model(move || {
        let process = Arc::new(Process::new(without));
        let runner = Arc::clone(&process);
        let runner = loom::thread::spawn(move || {
            let mut known = 0;
            for _ in 0..=TIMES {
                runner.run(&mut known);
            }
        });
        for _ in 0..TIMES {
            process.change();
        }
        assert!(runner.join().is_ok());
    });
}

#[test]
fn no_thread_runs_code_that_changes_or_that_it_does_not_know() {
    model(Without::Nothing);
}

#[test]
fn no_ordering_and_no_step_is_too_much() {
    for without in Without::BROKEN {
        let failed = catch_unwind(AssertUnwindSafe(|| model(without))).is_err();
        assert!(failed, "the model does not notice it without {without:?}");
    }
}

#[test]
fn the_stub_says_that_it_is_inside_then_looks() {
    let mut asm = Asm::default();
    let stubs = x64::stubs::emit(
        &mut asm,
        &Convention::new(layout::<a64::Aarch64>(), HostFeatures::ALL),
    );
    let code = &asm.code()[stubs.enter..];
    let decoder = Decoder::new(64, code, DecoderOptions::NONE);
    // In memory behind rax, where the attention is: an offset.
    let accesses: Vec<(Mnemonic, u64)> = decoder
        .into_iter()
        .skip_while(|insn| insn.mnemonic() == Mnemonic::Mov)
        .take(2)
        .inspect(|insn| assert_eq!(insn.op0_kind(), OpKind::Memory))
        .map(|insn| (insn.mnemonic(), insn.memory_displacement64()))
        .collect();
    let attention = |field: usize| field as u64;
    let inside = attention(std::mem::offset_of!(Attention, inside));
    let word = attention(std::mem::offset_of!(Attention, word));
    assert_eq!(accesses, [(Mnemonic::Xchg, inside), (Mnemonic::Cmp, word)]);
}

//! Ranges of code that change (`engine::memory::unsettled`), run by loom in every order in
//! which two threads may take their steps and see each other's writes, with few interruptions.
//!
//! One thread has a page of code replaced by data, and then by other code. Another one
//! fetches instructions there: it may get the old code, the new code or a fault, but never
//! the data. The engine's file is compiled into this test, with loom's words in place of the
//! processor's. What the two threads do around it is written here, in the steps of
//! `memory/address_space.rs` (`changing`, `change`) and `memory/guest_memory.rs`
//! (`fetch_here`, `fetch_anywhere`).
//!
//! The kernel changes the page. It lets no processor use the old page any more before the
//! system call ends, so the page is a word that is written with release and read with acquire.
//!
//! Each step, and each ordering on which the protocol relies, is also taken away, one at a
//! time: then the model has to fail.

// The file that is compiled in takes its words from `core`: here, from this test.
extern crate self as core;

/// The engine's file.
#[path = "../src/memory/unsettled.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "a file of the engine's, of which the model uses a part"
)]
mod unsettled;

pub(crate) use std::{array, ops};

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use unsettled::Unsettled;

/// What is taken away of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    Nothing,
    /// The range is entered before the page changes.
    Entering,
    /// What has changed is noted before the range is left.
    NotingFirst,
    /// The thread that has read looks whether the range is unsettled.
    Looking,
    /// It compares the generation of the notes afterwards.
    Comparing,
    /// Who sees that no range is entered any more sees the notes.
    AcquireOfLooking,
    /// The notes come before the range is left.
    ReleaseOfLeaving,
}

impl Without {
    const BROKEN: [Self; 6] = [
        Self::Entering,
        Self::NotingFirst,
        Self::Looking,
        Self::Comparing,
        Self::AcquireOfLooking,
        Self::ReleaseOfLeaving,
    ];
}

thread_local! {
    /// What the model that runs lacks. `None` outside of a model, in the unit tests of the
    /// file that is compiled in. Loom runs all of a model's threads in one of the host's.
    static LACKS: Cell<Option<Without>> = const { Cell::new(None) };
}

fn lacks(what: Without) -> bool {
    LACKS.get() == Some(what)
}

/// The words of the file: loom's in a model, the processor's else. Both are made when they are
/// first used, since loom's can't be constants.
pub(crate) mod sync {
    pub(crate) mod atomic {
        use std::sync::OnceLock;
        use std::sync::atomic::AtomicUsize as Plain;

        use loom::sync::atomic::AtomicUsize as Modelled;
        pub(crate) use loom::sync::atomic::Ordering;

        use crate::{LACKS, Without, lacks};

        #[derive(Debug)]
        pub(crate) struct AtomicUsize {
            modelled: OnceLock<Modelled>,
            plain: Plain,
        }

        impl AtomicUsize {
            pub(crate) const fn new(value: usize) -> Self {
                assert!(value == 0, "both words begin with 0");
                Self {
                    modelled: OnceLock::new(),
                    plain: Plain::new(value),
                }
            }

            fn word<R>(&self, modelled: impl Fn(&Modelled) -> R, plain: impl Fn(&Plain) -> R) -> R {
                match LACKS.get() {
                    Some(_) => modelled(self.modelled.get_or_init(|| Modelled::new(0))),
                    None => plain(&self.plain),
                }
            }

            pub(crate) fn load(&self, order: Ordering) -> usize {
                let order = match lacks(Without::AcquireOfLooking) {
                    true => Ordering::Relaxed,
                    false => order,
                };
                self.word(|word| word.load(order), |word| word.load(order))
            }

            pub(crate) fn store(&self, value: usize, order: Ordering) {
                self.word(
                    |word| word.store(value, order),
                    |word| word.store(value, order),
                );
            }

            pub(crate) fn fetch_add(&self, value: usize, order: Ordering) -> usize {
                self.word(
                    |word| word.fetch_add(value, order),
                    |word| word.fetch_add(value, order),
                )
            }

            pub(crate) fn fetch_sub(&self, value: usize, order: Ordering) -> usize {
                let order = match lacks(Without::ReleaseOfLeaving) {
                    true => Ordering::Relaxed,
                    false => order,
                };
                self.word(
                    |word| word.fetch_sub(value, order),
                    |word| word.fetch_sub(value, order),
                )
            }
        }
    }
}

/// What else the file takes of the engine.
mod host {
    pub(crate) mod lock {
        use std::cell::UnsafeCell;
        use std::sync::OnceLock;

        use crate::LACKS;

        /// A value that one thread at a time may use.
        pub(crate) struct SpinLock<T> {
            modelled: OnceLock<loom::sync::Mutex<()>>,
            plain: std::sync::Mutex<()>,
            value: UnsafeCell<T>,
        }

        // SAFETY: the value is reached by one thread at a time.
        unsafe impl<T: Send> Sync for SpinLock<T> {}

        impl<T> std::fmt::Debug for SpinLock<T> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("SpinLock").finish_non_exhaustive()
            }
        }

        /// Unlocks when dropped.
        #[allow(dead_code, reason = "what is held is dropped")]
        pub(crate) enum Unlock<'a> {
            Modelled(loom::sync::MutexGuard<'a, ()>),
            Plain(std::sync::MutexGuard<'a, ()>),
        }

        impl<T> SpinLock<T> {
            pub(crate) const fn new(value: T) -> Self {
                Self {
                    modelled: OnceLock::new(),
                    plain: std::sync::Mutex::new(()),
                    value: UnsafeCell::new(value),
                }
            }

            pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
                let held = self.hold();
                // SAFETY: the lock is held until `held` is dropped.
                let result = f(unsafe { &mut *self.value.get() });
                drop(held);
                result
            }

            pub(crate) fn hold(&self) -> Unlock<'_> {
                if LACKS.get().is_some() {
                    let lock = self.modelled.get_or_init(|| loom::sync::Mutex::new(()));
                    return Unlock::Modelled(lock.lock().unwrap_or_else(|_| panic!("poisoned")));
                }
                Unlock::Plain(self.plain.lock().unwrap_or_else(|_| panic!("poisoned")))
            }
        }
    }

    pub(crate) mod sys {
        pub(crate) fn yield_processor() {
            match crate::LACKS.get() {
                Some(_) => loom::thread::yield_now(),
                None => std::thread::yield_now(),
            }
        }
    }
}

/// The page.
const PAGE: std::ops::Range<u64> = 0x1000..0x2000;

/// What is in it.
const OLD_CODE: u32 = 0;
const DATA: u32 = 1;
const NEW_CODE: u32 = 2;

/// What both threads have.
struct Process {
    unsettled: Unsettled,
    page: AtomicU32,
    /// The notes: whether the page may be executed.
    executable: Mutex<bool>,
    /// Grows with them.
    generation: AtomicUsize,
}

/// What a thread knows of the notes.
struct Known {
    executable: bool,
    generation: usize,
}

impl Process {
    fn new() -> Self {
        let process = Self {
            unsettled: Unsettled::new(),
            page: AtomicU32::new(OLD_CODE),
            executable: Mutex::new(true),
            generation: AtomicUsize::new(0),
        };
        // Made before there are two threads.
        drop(process.unsettled.hold());
        assert!(process.unsettled.is_empty());
        process
    }

    fn may_execute(&self) -> loom::sync::MutexGuard<'_, bool> {
        self.executable
            .lock()
            .unwrap_or_else(|_| panic!("poisoned"))
    }

    /// A system call that puts something else there.
    fn replace(&self, content: u32, executable: bool) {
        let changing = (!lacks(Without::Entering)).then(|| self.unsettled.enter(PAGE));
        self.page.store(content, Ordering::Release);
        let changing = changing.filter(|_| !lacks(Without::NotingFirst));
        *self.may_execute() = executable;
        self.generation.fetch_add(1, Ordering::AcqRel);
        drop(changing);
    }

    fn look_up(&self) -> Known {
        let generation = self.generation.load(Ordering::Acquire);
        Known {
            executable: *self.may_execute(),
            generation,
        }
    }

    fn is_of(&self, known: &Known) -> bool {
        lacks(Without::Comparing) || self.generation.load(Ordering::Acquire) == known.generation
    }

    /// The instruction there by what is known; `None` where something has changed since.
    fn fetch_here(&self, known: &Known) -> Option<u32> {
        if !known.executable || !self.is_of(known) {
            return None;
        }
        let word = self.page.load(Ordering::Acquire);
        let settled = lacks(Without::Looking) || self.unsettled.is_empty();
        (settled && self.is_of(known)).then_some(word)
    }

    /// The instruction there; `None` where the page may not be executed.
    fn fetch_anywhere(&self, known: &mut Known) -> Option<u32> {
        loop {
            if !self.is_of(known) {
                *known = self.look_up();
            }
            if !known.executable {
                return None;
            }
            let word = self.page.load(Ordering::Acquire);
            if !lacks(Without::Looking) {
                self.unsettled.wait(PAGE.start);
            }
            if self.is_of(known) {
                return Some(word);
            }
        }
    }
}

/// How often a thread is interrupted at most where it could go on. With five, the model takes
/// a minute, and finds no more.
const PREEMPTIONS: usize = 3;

/// Runs all that may happen.
fn model(without: Without) {
    /// Takes the mark away that a model runs.
    struct Ended;
    impl Drop for Ended {
        fn drop(&mut self) {
            LACKS.set(None);
        }
    }
    LACKS.set(Some(without));
    let _ended = Ended;
    let mut runs = loom::model::Builder::new();
    runs.preemption_bound = Some(PREEMPTIONS);
    runs.check(|| {
        let process = Arc::new(Process::new());
        let reader = Arc::clone(&process);
        let reader = loom::thread::spawn(move || {
            let mut known = reader.look_up();
            let word = match reader.fetch_here(&known) {
                Some(word) => Some(word),
                None => reader.fetch_anywhere(&mut known),
            };
            assert_ne!(word, Some(DATA), "data were taken for code");
        });
        process.replace(DATA, false);
        process.replace(NEW_CODE, true);
        assert!(reader.join().is_ok());
    });
}

#[test]
fn no_thread_takes_for_code_what_has_taken_its_place() {
    model(Without::Nothing);
}

#[test]
fn no_step_and_no_ordering_is_too_much() {
    for without in Without::BROKEN {
        let failed = catch_unwind(AssertUnwindSafe(|| model(without))).is_err();
        assert!(failed, "the model does not notice it without {without:?}");
    }
}

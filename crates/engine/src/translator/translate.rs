//! Translating and running: from a guest address to code, into it and out.
//!
//! [`Translator::run`] runs translated code until the guest wants something that
//! only its surroundings have (a system call, a signal). On the way it
//! translates what is missing, links exits, fills the table of indirect
//! targets, and finds the guest's state again after a fault.
//!
//! Threads share one translator. What has been translated is behind one lock, which
//! is not held while guest code runs. How it is forgotten is in
//! `forget.rs`.
//!
//! Invariants: a thread is counted as inside as long as it holds an address of
//! code that it may go on at, or that its state is to be found by; numbers of
//! exits are used only in the epoch that they come from. `threads` is locked
//! before `shared`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_void;
use core::marker::PhantomData;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use guest::memory::{Fault, FaultKind, Memory};
use guest::{Environment, Exception, Guest, is_aligned};
use ir::{Key, Mode};
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::flags::FlagsAt;
use x64::lower::{FaultPoint, Leave, Lowerer, Swaps};
use x64::stubs;

use super::code::arena::{Arena, Points};
use super::code::cache::{Cache, Entry};
use super::cold::{self, Heat, Led};
use super::kept::cluster::Kept;
use super::kept::file::File;
use super::kept::format::Identity;
use super::kept::learn::Learner;
use super::source::{Code, Observer};
use super::state::{compute, from_eflags, interpret, interpreter, set_mode, take_float_flags};
use super::tally::Tally;
use super::threads::Threads;
use super::translations::{Translations, WAKING};
use super::vcpu::{Calls, Interrupted, Vcpu, layout};
use crate::host::lock::Lock;
use crate::host::sys::Errno;
use crate::host::{clock, heap};
use crate::thread::attention::{Attention, FORGET};
use crate::thread::handlers::Event;

/// So much code is kept even when memory is low.
const KEPT_WHEN_LOW: u64 = 256 << 10;

/// A translator and all that it has translated.
#[derive(Debug)]
pub struct Translator<G: Guest> {
    pub(super) shared: Lock<Translations>,
    pub(super) threads: Lock<Threads>,
    /// The version of the guest's code that the translations are of.
    pub(super) version: AtomicU64,
    /// Grows with each forgetting: `threads::Gone`'s next number.
    pub(super) epoch: AtomicU64,
    pub(super) stubs: stubs::Stubs,
    /// The stubs' address, and how many bytes they take.
    pub(super) base: u64,
    pub(super) stub_bytes: u64,
    pub(super) code: Range<u64>,
    pub(super) points: Points,
    /// The slot of `rdx`.
    spilled_slot: Option<usize>,
    heat: Heat,
    tally: Option<&'static Tally>,
    /// Who notes what runs first.
    learner: Option<&'static Learner>,
    /// Where kept code is, and where the guest's state is known there.
    pub(super) kept: Option<(Range<u64>, &'static [u8])>,
    /// There is no memory for code: everything is interpreted.
    pub(super) without_code: AtomicBool,
    /// Whether code memory is closed.
    closed: AtomicBool,
    /// The layout of states that code is made for.
    guest: PhantomData<G>,
}

/// How a thread is to go on at its program counter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Ready {
    /// The interpreter does what comes next.
    Not,
    /// What comes next has run so often that its code is looked for, or made.
    Often,
    /// Its code lies there.
    At(u64),
    /// The same; the table of targets has it, or an exit leads there, so it is not remembered.
    Linked(u64),
}

impl<G: Guest> Translator<G> {
    /// A translator for this host, which interprets what has not run often.
    ///
    /// # Errors
    /// When there is no memory for code.
    pub fn new(host: HostFeatures) -> Result<Self, Errno> {
        Ok(Self {
            heat: Heat::cold()?,
            ..Self::eager(host)?
        })
    }

    /// A translator that translates everything before it runs.
    ///
    /// # Errors
    /// When there is no memory for code.
    pub fn eager(host: HostFeatures) -> Result<Self, Errno> {
        let mut lowerer = Lowerer::new(Convention::new(layout::<G>(), host));
        let mut arena = Arena::new()?;
        let convention = lowerer.convention().clone();
        let stubs = stubs::emit(&mut lowerer.asm, &convention);
        let base = arena.add(lowerer.asm.code()).unwrap_or_default();
        Ok(Self {
            stubs,
            base,
            stub_bytes: arena.used(),
            code: arena.range(),
            points: arena.points(),
            spilled_slot: convention.spilled_slot(),
            shared: Lock::new(Translations::new(lowerer, arena)),
            threads: Lock::new(Threads::default()),
            version: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            heat: Heat::hot(),
            tally: None,
            learner: None,
            kept: None,
            without_code: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            guest: PhantomData,
        })
    }

    /// What the interpreter does for threads that are made from here on is
    /// counted, and blocks may be.
    pub const fn count(&mut self, tally: &'static Tally) {
        self.tally = Some(tally);
    }

    /// What others have translated is used from here on.
    pub fn keep(&mut self, file: File) {
        self.kept = Some((file.range(), file.known));
        self.shared.hold().cache.kept = Some(Kept::new(file));
    }

    /// perf is to find the code in its map.
    pub fn show_to_perf(&mut self) {
        self.shared.hold().arena.show_to_perf();
    }

    /// It is noted from here on what runs.
    pub const fn learn(&mut self, learner: &'static Learner) {
        self.learner = Some(learner);
    }

    /// What code that is kept is bound to.
    #[must_use]
    pub fn identity(&self, build: [u8; 20]) -> Identity {
        Identity::new(build, self.shared.hold().lowerer.convention())
    }

    /// From now on translated code can't be written by who means to, as far as
    /// that is possible: [`Arena::close`].
    pub fn close(&self) {
        if !self.closed.load(Ordering::Relaxed) {
            self.shared.hold().arena.close();
            self.closed.store(true, Ordering::Relaxed);
        }
    }

    /// A thread of the guest, whose interpreter is `M`.
    #[must_use]
    pub fn thread<M: Memory + Environment>(&self, cpu: G::State) -> Box<Vcpu<G>> {
        let calls = Calls {
            leave: self.base + self.stubs.leave as u64,
            interpret: self.base + self.stubs.interpret as u64,
            interpreter: interpreter::<G, M> as *const () as u64,
            functions: clock::functions(),
        };
        let mut vcpu = Vcpu::new(cpu, calls);
        if let Some(tally) = self.tally {
            vcpu.host.tally = Some(tally);
            vcpu.host.counters = tally.blocks.as_ptr();
        }
        vcpu
    }

    /// Where the code lies that all regions share.
    #[must_use]
    pub const fn stubs(&self) -> Range<u64> {
        self.base..self.base + self.stub_bytes
    }

    /// A thread may be inside from now on.
    pub fn join(&self, vcpu: &mut Vcpu<G>, attention: &'static Attention) {
        vcpu.set_attention(attention);
        let mut threads = self.threads.hold();
        vcpu.host.epoch = self.epoch.load(Ordering::Relaxed);
        threads.inside.push(attention);
    }

    /// A thread is never inside again. Returns whether none is left.
    pub fn part(&self, attention: &'static Attention) -> bool {
        let mut threads = self.threads.hold();
        threads
            .inside
            .retain(|&thread| !core::ptr::eq(thread, attention));
        threads.inside.is_empty()
    }

    /// The numbers of a thread's process's other threads.
    pub fn others(&self, own: &'static Attention) -> Vec<u32> {
        self.threads.hold().others(own)
    }

    /// At a safe point: what the guest has changed of its code is forgotten, and what
    /// other threads have forgotten. Code memory is closed once system calls of the thread
    /// are judged, as it may want to get past that.
    #[inline]
    pub fn at_safe_point<C: Code>(&self, vcpu: &mut Vcpu<G>, code: &C) {
        self.refresh(vcpu, code);
        let attention = vcpu.attention();
        if attention.watched.load(Ordering::Relaxed) != 0 {
            self.close();
        }
        if attention.word.load(Ordering::Relaxed) & FORGET != 0 {
            self.catch_up(vcpu);
        }
    }

    /// Runs the guest until an exception, or until the thread is wanted.
    pub fn run<M: Memory + Environment + Code>(
        &self,
        vcpu: &mut Vcpu<G>,
        memory: &mut M,
        observer: &mut dyn Observer,
    ) -> Option<Exception> {
        vcpu.host.context = core::ptr::from_mut(memory).cast();
        set_mode(vcpu);
        let mut led = Led::Head;
        // The code at the program counter, if the exit that was just left leads there now.
        let mut linked = None;
        while !vcpu.attention().wanted() {
            let pc = G::pc(&vcpu.cpu);
            if !is_aligned::<G>(pc) {
                let kind = FaultKind::Alignment;
                return Some(Exception::Fault(Fault {
                    address: pc,
                    kind,
                    write: false,
                }));
            }
            let ready = match (linked.take(), led) {
                (Some(host), _) => Ready::Linked(host),
                (None, Led::On) => Ready::Not,
                (None, Led::Head) => self.ready(vcpu, memory, pc),
            };
            if ready == Ready::Not {
                if let Some(learner) = self.learner {
                    let mode = vcpu.host.mode;
                    learner.note(Key { pc, mode }, led == Led::Head);
                }
                let result = cold::run(&self.heat, vcpu, memory);
                set_mode(vcpu);
                self.refresh(vcpu, memory);
                match result {
                    Ok(to) => led = to,
                    Err(exception) => return Some(exception),
                }
                continue;
            }
            led = Led::Head;
            let Some(host) = self.host(vcpu, memory, ready, observer) else {
                continue;
            };
            let (why, mode, payload) = self.enter(vcpu, host);
            take_float_flags(vcpu);
            vcpu.set_mode(match why {
                Leave::Link => mode,
                Leave::Indirect => {
                    let is_set = G::BY_TARGET.number() != 0 && G::mode(&vcpu.cpu).has(G::BY_TARGET);
                    mode.with(G::BY_TARGET, is_set)
                }
                _ => G::mode(&vcpu.cpu),
            });
            if why != Leave::Interrupted {
                vcpu.outside();
            }
            if why == Leave::Link {
                linked = self.follow(vcpu, memory, payload, observer);
                continue;
            }
            if let Some(exception) = self.left(vcpu, memory, why, payload) {
                return Some(exception);
            }
        }
        None
    }

    /// Where the thread is to go on in code; nothing if there is no memory for it.
    fn host<C: Code>(
        &self,
        vcpu: &mut Vcpu<G>,
        code: &C,
        ready: Ready,
        observer: &mut dyn Observer,
    ) -> Option<u64> {
        let pc = G::pc(&vcpu.cpu);
        let host = match ready {
            Ready::Linked(host) => return Some(host),
            Ready::At(host) => host,
            _ => self.find_or_translate(vcpu, code, pc, observer)?,
        };
        vcpu.set_target(pc, host);
        Some(host)
    }

    /// How the thread goes on at an address: in code if that has run often, or is kept.
    #[inline]
    fn ready<C: Code>(&self, vcpu: &Vcpu<G>, code: &C, pc: u64) -> Ready {
        if self.without_code.load(Ordering::Relaxed) {
            return Ready::Not;
        }
        // Where system calls return to is found without a lock.
        if let Some(host) = vcpu.target(pc) {
            return Ready::Linked(host);
        }
        self.ready_by_count(vcpu, code, pc)
    }

    fn ready_by_count<C: Code>(&self, vcpu: &Vcpu<G>, code: &C, pc: u64) -> Ready {
        if self.heat.is_hot(pc) {
            return Ready::Often;
        }
        if self.kept.is_none() || self.heat.has_run(pc) {
            return Ready::Not;
        }
        let mode = vcpu.host.mode;
        // The counts stay as they are. Live regions end at code that has not run as they end at
        // translated code, and most processes then make do with the small table of counts.
        let found = self.shared.hold().find(Key { pc, mode }, code);
        found.map_or(Ready::Not, |entry| Ready::At(entry.host))
    }

    /// After leaving translated code: an exception, or nothing to go on.
    fn left<M: Memory + Environment + Code>(
        &self,
        vcpu: &mut Vcpu<G>,
        memory: &mut M,
        why: Leave,
        payload: u32,
    ) -> Option<Exception> {
        let pc = G::pc(&vcpu.cpu);
        match why {
            Leave::Supervisor => Some(Exception::Supervisor(payload)),
            #[allow(clippy::cast_possible_truncation, reason = "sixteen bits were put in")]
            Leave::Breakpoint => Some(Exception::Breakpoint(payload as u16)),
            Leave::Undefined => Some(Exception::Undefined),
            Leave::NoFetch => match Self::fetch(vcpu, memory) {
                Err(fault) => Some(Exception::Fault(fault)),
                // It has come since: look again.
                Ok(_) => {
                    self.forget_at(vcpu, memory, pc);
                    None
                }
            },
            Leave::Interpret => {
                let exception = interpret(vcpu, memory, payload);
                // The guest may have made new code visible: what comes next is looked at anew.
                self.refresh(vcpu, memory);
                exception
            }
            // None when it left for attention only, or because SP is another way
            // aligned now.
            Leave::Exception => vcpu.host.exception.take(),
            Leave::Interrupted => self.interrupted(vcpu, memory),
            Leave::Link | Leave::Indirect | Leave::Attention => None,
        }
    }

    /// After an exit, which has a number, was left for the program counter: links the exit to the
    /// code there, unless the interpreter is to go on. Gives that code, so that the thread need
    /// not look for it again.
    fn follow<C: Code>(
        &self,
        vcpu: &mut Vcpu<G>,
        code: &C,
        exit: u32,
        observer: &mut dyn Observer,
    ) -> Option<u64> {
        let pc = G::pc(&vcpu.cpu);
        if !is_aligned::<G>(pc) || self.without_code.load(Ordering::Relaxed) {
            return None;
        }
        if let Some(host) = self.link(vcpu, exit, pc, |cache, key| cache.led(exit, key, code)) {
            return Some(host);
        }
        let found = |cache: &mut Cache, key| cache.find(key);
        if self.ready(vcpu, code, pc) == Ready::Not {
            return None;
        }
        let epoch = vcpu.host.epoch;
        if let Some(host) = self.link(vcpu, exit, pc, found) {
            return Some(host);
        }
        self.find_or_translate(vcpu, code, pc, observer)?;
        // Where all was forgotten for that, another exit has the number now.
        let is_it = vcpu.host.epoch == epoch;
        is_it.then(|| self.link(vcpu, exit, pc, found)).flatten()
    }

    /// The instruction at the program counter.
    fn fetch<M: Memory>(vcpu: &Vcpu<G>, memory: &mut M) -> Result<u32, Fault> {
        let (mode, pc) = (G::mode(&vcpu.cpu), G::pc(&vcpu.cpu));
        guest::fetch::<G>(mode, pc, memory)
    }

    /// Links an exit, if it is still there, to what is found awake at `pc`, and says where that
    /// is.
    fn link(
        &self,
        vcpu: &mut Vcpu<G>,
        exit: u32,
        pc: u64,
        find: impl FnOnce(&mut Cache, Key) -> Option<Entry>,
    ) -> Option<u64> {
        let mut shared = self.shared.hold();
        let Translations { arena, cache, .. } = &mut *shared;
        let mode = vcpu.host.mode;
        // If another thread has forgotten something meanwhile, another exit may have the number.
        let is_it = vcpu.host.epoch == self.epoch.load(Ordering::Relaxed);
        let entry = is_it.then(|| find(cache, Key { pc, mode })).flatten()?;
        cache.link(arena, exit, entry);
        let thaw = arena.wants_to_thaw();
        drop(shared);
        let epoch = vcpu.host.epoch;
        if thaw {
            self.thaw(vcpu);
        }
        // While the thread waited, another may have forgotten the code there.
        (vcpu.host.epoch == epoch).then_some(entry.host)
    }

    /// The code for a guest address; nothing if there is no memory for any.
    fn find_or_translate<C: Code>(
        &self,
        vcpu: &mut Vcpu<G>,
        code: &C,
        pc: u64,
        observer: &mut dyn Observer,
    ) -> Option<u64> {
        let mode = vcpu.host.mode;
        let key = Key { pc, mode };
        let mut forgotten = false;
        loop {
            let mut shared = self.shared.hold();
            if let Some(entry) = shared.cache.find(key) {
                return Some(entry.host);
            }
            // With hardly any memory left, what is known of old code is given up.
            let give_up = !forgotten
                && heap::is_low()
                && shared.arena.used() > self.stub_bytes + KEPT_WHEN_LOW;
            let from = (code, &self.heat);
            if !give_up && let Some(host) = shared.make::<G, C>(key, from, observer, WAKING) {
                return Some(host);
            }
            drop(shared);
            if forgotten {
                self.without_code.store(true, Ordering::Relaxed);
                return None;
            }
            // The arena is full: start again.
            self.forget(vcpu);
            forgotten = true;
        }
    }

    /// Runs translated code. Gives why it was left, in which mode it goes on if it
    /// does by itself, and the payload.
    fn enter(&self, vcpu: &mut Vcpu<G>, host: u64) -> (Leave, Mode, u32) {
        type Enter = unsafe extern "sysv64" fn(*mut c_void, u64) -> u64;
        let stub = self.base + self.stubs.enter as u64;
        // SAFETY: `stub` is the stub of that signature in the arena, which is
        // mapped executable as long as `self` lives.
        let enter = unsafe { core::mem::transmute::<u64, Enter>(stub) };
        // SAFETY: `host` is code of this translator's, made for this struct's
        // layout; it writes the struct, guest memory, and its own stack frame.
        let result = unsafe { enter(core::ptr::from_mut(vcpu).cast(), host) };
        #[allow(clippy::cast_possible_truncation, reason = "the two halves")]
        let (why, payload) = ((result >> 32) as u32, result as u32);
        let (why, mode) = Leave::taken_apart(why);
        (why.unwrap_or(Leave::Exception), mode, payload)
    }

    /// Finds the guest's state where translated code was left in its middle. If that was
    /// for a fault, the interpreter does the instruction: it finds which fault it is for
    /// the guest, or does what the host can't address (a tag in the top byte).
    fn interrupted<M: Memory + Environment>(
        &self,
        vcpu: &mut Vcpu<G>,
        memory: &mut M,
    ) -> Option<Exception> {
        let interrupted = vcpu.host.interrupted;
        let shared = self.shared.hold();
        let point = shared.cache.fault_point(interrupted.rip);
        drop(shared);
        let Some((point, swaps)) = point else {
            panic!("no state is known at {:#x}", interrupted.rip)
        };
        vcpu.outside();
        self.recover(vcpu, &interrupted, &point, &swaps);
        match interrupted.by {
            Event::Stop => None,
            Event::Fault => match Self::fetch(vcpu, memory) {
                Ok(word) => interpret(vcpu, memory, word),
                Err(fault) => Some(Exception::Fault(fault)),
            },
        }
    }

    /// The guest's state at such a place: the program counter, the flags, and the
    /// registers that were in use.
    fn recover(&self, vcpu: &mut Vcpu<G>, at: &Interrupted, point: &FaultPoint, swaps: &Swaps) {
        G::set_pc(&mut vcpu.cpu, point.pc);
        vcpu.recover(self.spilled_slot.filter(|_| point.spilled), point, swaps);
        match point.flags {
            FlagsAt::State => {}
            FlagsAt::Host(form) => *G::flags(&mut vcpu.cpu) = from_eflags(at.eflags, form),
            FlagsAt::Setter(setter) => {
                let saved = *G::flags(&mut vcpu.cpu);
                let flags = compute(G::ints(&mut vcpu.cpu), &setter, saved);
                *G::flags(&mut vcpu.cpu) = flags;
            }
        }
    }
}

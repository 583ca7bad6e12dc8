//! Translating and running: from a guest address to code, into it and out.
//!
//! [`Engine::run`] runs translated code until the guest wants something that
//! only its surroundings have (a system call, a signal). On the way it
//! translates what is missing, links exits, fills the table of indirect
//! targets, and finds the guest's state again after a fault.
//!
//! Threads share one engine. What has been translated is behind one lock, which
//! is not held while guest code runs. Forgetting it all ([`Engine::forget`]) takes
//! three steps: every thread's attention word is set, so that none enters
//! any more; those inside are waited for; then the memory is used again. A
//! thread goes on after it has cleared its table of targets.
//!
//! Invariants: a thread is counted as inside as long as it holds an address of
//! code that it may go on at, or that its state is to be found by; numbers of
//! exits are used only in the epoch that they come from. `threads` is locked
//! before `shared`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering, fence};

use a64::cpu::{Cpu, Flags};
use a64::decode::decode;
use a64::interp::{Environment, Exception, step};
use a64::lift::A64;
use a64::mem::{Fault, FaultKind, Memory};
use hashbrown::HashSet;
use ir::Region;
use ir::form::{Former, Limits, Source};
use ir::live::Live;
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::flags::{Compare, FlagsAt, Form, Setter, Value};
use x64::lower::{FaultPoint, Leave, Lowered, Lowerer, Options};
use x64::stubs;

use crate::code::arena::{Arena, CodeCopy, Points};
use crate::code::cache::Cache;
use crate::cold::{self, Heat, Led};
use crate::heap;
use crate::inspect::tally::Tally;
use crate::linux::address_space::PAGE;
use crate::linux::attention::{Attention, FORGET};
use crate::linux::faults;
use crate::linux::sys::{self, Errno};
use crate::lock::{Held, Lock};
use crate::vcpu::{Calls, HostFault, Vcpu, layout};

/// So much code is kept even when memory is low.
const KEPT_WHEN_LOW: u64 = 256 << 10;
/// How large a region may be.
const LIMITS: Limits = Limits { insns: 512 };

/// FPCR bits that the host's modes can't give: AHP, DN, FZ and FZ16.
const FPCR_SOFT: u32 = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 19;

/// Where guest instructions are read from.
pub trait Code {
    /// The word at `pc` as the guest would fetch it.
    fn fetch(&self, pc: u64) -> Option<u32>;

    /// A number that grows whenever what was fetched may be another word now.
    fn version(&self) -> u64 {
        0
    }

    /// Where that is so since the last call.
    fn changed(&self) -> Vec<Range<u64>> {
        Vec::new()
    }
}

/// Looks at what is translated.
pub trait Observer {
    /// The code that all regions share lies there.
    fn started(&mut self, stubs: core::ops::Range<u64>) {
        let _ = stubs;
    }

    /// A region has been formed, and is about to be translated. Gives a
    /// counter for each of its blocks, if it is to count.
    fn formed(
        &mut self,
        head: u64,
        region: &Region,
        code: &dyn Code,
    ) -> Option<&'static [AtomicU64]> {
        let _ = (head, region, code);
        None
    }

    /// A region has been translated and placed.
    fn translated(&mut self, region: &Region, lowered: &Lowered, host: u64, code: &[u8]);
}

/// Looks at nothing.
#[derive(Debug)]
pub struct Nobody;

impl Observer for Nobody {
    fn translated(&mut self, _: &Region, _: &Lowered, _: u64, _: &[u8]) {}
}

/// A translator and all that it has translated.
#[derive(Debug)]
pub struct Engine {
    shared: Lock<Shared>,
    /// Those that may be inside, each until it parts.
    threads: Lock<Vec<&'static Attention>>,
    /// The version of the guest's code that the translations are of.
    version: AtomicU64,
    /// How often everything has been forgotten.
    epoch: AtomicU64,
    stubs: stubs::Stubs,
    /// The stubs' address, and how many bytes they take.
    base: u64,
    stub_bytes: u64,
    code: Range<u64>,
    points: Points,
    /// The slot of `rdx`.
    spilled_slot: Option<usize>,
    heat: Heat,
    tally: Option<&'static Tally>,
}

/// What one thread at a time uses.
#[derive(Debug)]
struct Shared {
    lowerer: Lowerer,
    former: Former,
    region: Region,
    lowered: Lowered,
    arena: Arena,
    /// By whether floating point is soft.
    caches: [Cache; 2],
    /// The guest's pages that translations are of, by their numbers.
    pages: HashSet<u64>,
}

/// Where the signal handler finds what it needs.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// Where translated code may lie.
    pub code: (u64, u64),
    /// Where the stubs end, which come first.
    pub stubs_end: u64,
    /// Where stubs are about to enter guest code.
    pub inward: [(u64, u64); 2],
    /// Where a thread goes on that is to leave.
    pub fault: u64,
    /// Where the guest's state is known.
    pub points: Points,
}

struct Fetcher<'a, C> {
    code: &'a C,
    cache: &'a Cache,
    heat: &'a Heat,
}

impl<C: Code> Source for Fetcher<'_, C> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        self.code.fetch(pc)
    }

    fn translated(&self, pc: u64) -> bool {
        // Entries are hot: most addresses need no look-up.
        self.heat.is_hot(pc) && self.cache.find(pc).is_some()
    }

    fn has_run(&self, pc: u64) -> bool {
        self.heat.has_run(pc)
    }
}

impl Engine {
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
        let mut lowerer = Lowerer::new(Convention::new(layout(), host));
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
            shared: Lock::new(Shared {
                lowerer,
                former: Former::default(),
                region: Region::default(),
                lowered: Lowered::default(),
                arena,
                caches: [Cache::default(), Cache::default()],
                pages: HashSet::new(),
            }),
            threads: Lock::new(Vec::new()),
            version: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            heat: Heat::hot(),
            tally: None,
        })
    }

    /// What the interpreter does for threads that are made from here on is
    /// counted.
    pub const fn count(&mut self, tally: &'static Tally) {
        self.tally = Some(tally);
    }

    /// A thread of the guest, whose interpreter is `M`.
    #[must_use]
    pub fn thread<M: Memory + Environment>(&self, cpu: Cpu) -> Box<Vcpu> {
        let calls = Calls {
            leave: self.base + self.stubs.leave as u64,
            interpret: self.base + self.stubs.interpret as u64,
            interpreter: interpreter::<M> as *const () as u64,
        };
        let mut vcpu = Vcpu::new(cpu, calls);
        vcpu.host.tally = self.tally;
        vcpu
    }

    /// What the signal handler has to know.
    #[must_use]
    pub fn places(&self) -> Places {
        let inward = self.stubs.inward;
        Places {
            code: (self.code.start, self.code.end),
            stubs_end: self.base + self.stub_bytes,
            inward: inward.map(|(from, to)| (self.base + from as u64, self.base + to as u64)),
            fault: self.base + self.stubs.fault as u64,
            points: self.points,
        }
    }

    /// Where the code lies that all regions share.
    #[must_use]
    pub const fn stubs(&self) -> Range<u64> {
        self.base..self.base + self.stub_bytes
    }

    /// A thread may be inside from now on.
    pub fn join(&self, vcpu: &mut Vcpu, attention: &'static Attention) {
        vcpu.set_attention(attention);
        let mut threads = self.threads.hold();
        vcpu.host.epoch = self.epoch.load(Ordering::Relaxed);
        threads.push(attention);
    }

    /// A thread is never inside again. Returns whether none is left.
    pub fn part(&self, attention: &'static Attention) -> bool {
        let mut threads = self.threads.hold();
        threads.retain(|&thread| !core::ptr::eq(thread, attention));
        threads.is_empty()
    }

    /// Forgets all translations.
    pub fn forget(&self, vcpu: &mut Vcpu) {
        let threads = self.threads.hold();
        self.forget_all(&threads, vcpu.attention());
        drop(threads);
        self.catch_up(vcpu);
    }

    /// Forgets all translations if the guest's code is another by now.
    pub fn refresh<C: Code>(&self, vcpu: &mut Vcpu, code: &C) {
        if code.version() == self.version.load(Ordering::Acquire) {
            return;
        }
        let threads = self.threads.hold();
        // Another thread may have done it meanwhile.
        let version = code.version();
        if version != self.version.load(Ordering::Relaxed) {
            let changed = code.changed();
            let shared = self.shared.hold();
            let known = changed.iter().any(|range| shared.has_pages(range));
            drop(shared);
            if known {
                self.forget_all(&threads, vcpu.attention());
            }
            self.version.store(version, Ordering::Release);
        }
        drop(threads);
        self.catch_up(vcpu);
    }

    /// The thread forgets what others have forgotten.
    pub fn catch_up(&self, vcpu: &mut Vcpu) {
        // Whoever is forgetting has done so once the lock is free.
        let threads = self.threads.hold();
        let attention = vcpu.attention();
        attention.word.fetch_and(!FORGET, Ordering::AcqRel);
        let epoch = self.epoch.load(Ordering::Acquire);
        drop(threads);
        if vcpu.host.epoch != epoch {
            vcpu.host.epoch = epoch;
            vcpu.clear_targets();
        }
    }

    fn forget_all(&self, threads: &[&'static Attention], own: &'static Attention) {
        let others = || {
            threads
                .iter()
                .filter(|&&thread| !core::ptr::eq(thread, own))
        };
        for thread in others() {
            thread.word.fetch_or(FORGET, Ordering::SeqCst);
        }
        fence(Ordering::SeqCst);
        for thread in others() {
            wait_until_outside(thread);
        }
        let mut shared = self.shared.hold();
        shared.clear(self.stub_bytes);
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Runs the guest until an exception, or until the thread is wanted.
    pub fn run<M: Memory + Environment + Code>(
        &self,
        vcpu: &mut Vcpu,
        memory: &mut M,
        observer: &mut dyn Observer,
    ) -> Option<Exception> {
        vcpu.host.context = core::ptr::from_mut(memory).cast();
        set_mode(vcpu);
        let mut led = Led::Head;
        while !vcpu.attention().wanted() {
            let pc = vcpu.cpu.pc;
            if !pc.is_multiple_of(4) {
                let kind = FaultKind::Alignment;
                return Some(Exception::Fault(Fault {
                    address: pc,
                    kind,
                    write: false,
                }));
            }
            // Translated code takes SP for aligned.
            if led == Led::On || !self.heat.is_hot(pc) || !stack_aligned(&vcpu.cpu) {
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
            // Where system calls return to is found without a lock.
            let host = match vcpu.target(pc) {
                Some(host) => host,
                None => {
                    let host = self.find_or_translate(vcpu, memory, pc, observer);
                    vcpu.set_target(pc, host);
                    host
                }
            };
            let (why, payload) = self.enter(vcpu, host);
            take_float_flags(vcpu);
            if why != Leave::Fault {
                vcpu.outside();
            }
            if let Some(exception) = self.left(vcpu, memory, observer, why, payload) {
                return Some(exception);
            }
        }
        None
    }

    /// After leaving translated code: an exception, or nothing to go on.
    fn left<M: Memory + Environment + Code>(
        &self,
        vcpu: &mut Vcpu,
        memory: &mut M,
        observer: &mut dyn Observer,
        why: Leave,
        payload: u32,
    ) -> Option<Exception> {
        let pc = vcpu.cpu.pc;
        match why {
            Leave::Link => {
                if self.heat.is_hot(pc) {
                    let host = self.find_or_translate(vcpu, memory, pc, observer);
                    self.link(vcpu, payload, pc, host);
                }
                None
            }
            #[allow(clippy::cast_possible_truncation, reason = "sixteen bits were put in")]
            Leave::Supervisor => Some(Exception::Supervisor(payload as u16)),
            #[allow(clippy::cast_possible_truncation, reason = "sixteen bits were put in")]
            Leave::Breakpoint => Some(Exception::Breakpoint(payload as u16)),
            Leave::Undefined => Some(Exception::Undefined),
            Leave::NoFetch => match memory.fetch(pc) {
                Err(fault) => Some(Exception::Fault(fault)),
                // It has come since: look again.
                Ok(_) => {
                    self.forget(vcpu);
                    None
                }
            },
            Leave::Interpret => {
                let exception = interpret(vcpu, memory, payload);
                // IC IVAU is done so: what comes next may be new.
                self.refresh(vcpu, memory);
                exception
            }
            // None when it left for attention only, or for SP's alignment.
            Leave::Exception => vcpu.host.exception.take(),
            Leave::Fault => self.faulted(vcpu, memory),
            Leave::Indirect | Leave::Attention => None,
        }
    }

    /// Links an exit, if it is still there.
    fn link(&self, vcpu: &Vcpu, exit: u32, pc: u64, host: u64) {
        let mut shared = self.shared.hold();
        let Shared { arena, caches, .. } = &mut *shared;
        let cache = &mut caches[usize::from(vcpu.host.soft)];
        let here = cache.find(pc).is_some_and(|entry| entry.host == host);
        if here && vcpu.host.epoch == self.epoch.load(Ordering::Relaxed) {
            cache.link(arena, exit, host);
        }
    }

    fn find_or_translate<C: Code>(
        &self,
        vcpu: &mut Vcpu,
        code: &C,
        pc: u64,
        observer: &mut dyn Observer,
    ) -> u64 {
        loop {
            let mut shared = self.shared.hold();
            if let Some(entry) = shared.caches[usize::from(vcpu.host.soft)].find(pc) {
                return entry.host;
            }
            // With hardly any memory left, what is known of old code is given up.
            let give_up = heap::is_low() && shared.arena.used() > self.stub_bytes + KEPT_WHEN_LOW;
            let soft = vcpu.host.soft;
            if !give_up && let Some(host) = shared.translate(soft, code, &self.heat, pc, observer) {
                return host;
            }
            // The arena is full: start again.
            drop(shared);
            self.forget(vcpu);
        }
    }

    fn enter(&self, vcpu: &mut Vcpu, host: u64) -> (Leave, u32) {
        type Enter = unsafe extern "sysv64" fn(*mut Vcpu, u64) -> u64;
        let stub = self.base + self.stubs.enter as u64;
        // SAFETY: `stub` is the stub of that signature in the arena, which is
        // mapped executable as long as `self` lives.
        let enter = unsafe { core::mem::transmute::<u64, Enter>(stub) };
        // SAFETY: `host` is code of this engine's, made for this struct's
        // layout; it writes the struct, guest memory, and its own stack frame.
        let result = unsafe { enter(vcpu, host) };
        #[allow(clippy::cast_possible_truncation, reason = "the two halves")]
        let (why, payload) = ((result >> 32) as u32, result as u32);
        (Leave::from_number(why).unwrap_or(Leave::Exception), payload)
    }

    /// Finds the guest's state after a fault in translated code. What the
    /// host can't address (a tag in the top byte) the interpreter does.
    fn faulted<M: Memory + Environment>(
        &self,
        vcpu: &mut Vcpu,
        memory: &mut M,
    ) -> Option<Exception> {
        let fault = vcpu.host.fault;
        let shared = self.shared.hold();
        let point = shared
            .caches
            .iter()
            .find_map(|c| c.fault_point(fault.rip))
            .copied();
        drop(shared);
        let Some(point) = point else {
            panic!("no instruction can fault at {:#x}", fault.rip)
        };
        vcpu.outside();
        self.recover(vcpu, &fault, &point);
        if fault.signal == 0 || !stack_aligned(&vcpu.cpu) {
            // It was stopped before the instruction, or is not to run.
            return None;
        }
        // The interpreter finds out what the fault is, or that there is none.
        let word = match memory.fetch(point.pc) {
            Ok(word) => word,
            Err(fault) => return Some(Exception::Fault(fault)),
        };
        interpret(vcpu, memory, word)
    }

    /// The guest's state at a fault: the program counter, the flags, and the
    /// register that was in use.
    fn recover(&self, vcpu: &mut Vcpu, fault: &HostFault, point: &FaultPoint) {
        vcpu.cpu.pc = point.pc;
        if point.spilled
            && let Some(slot) = self.spilled_slot
        {
            vcpu.cpu.x[slot] = vcpu.spilled();
        }
        match point.flags {
            FlagsAt::State => {}
            FlagsAt::Host(form) => vcpu.cpu.flags = from_eflags(fault.eflags, form),
            FlagsAt::Setter(setter) => vcpu.cpu.flags = compute(&vcpu.cpu, &setter),
        }
    }
}

impl Shared {
    /// Forgets all but the stubs.
    fn clear(&mut self, stub_bytes: u64) {
        for cache in &mut self.caches {
            cache.clear();
        }
        self.pages.clear();
        self.arena.clear(stub_bytes);
    }

    /// Whether there are translations of a page of the range.
    fn has_pages(&self, range: &Range<u64>) -> bool {
        let numbers = range.start / PAGE..range.end.div_ceil(PAGE);
        if numbers.end - numbers.start > self.pages.len() as u64 {
            self.pages.iter().any(|number| numbers.contains(number))
        } else {
            numbers
                .into_iter()
                .any(|number| self.pages.contains(&number))
        }
    }

    /// Notes the pages that the region which was just formed is of.
    fn note_pages(&mut self) {
        for block in &self.region.blocks {
            let length = 4 * u64::from(block.insns).max(1);
            for number in block.pc / PAGE..=block.pc.saturating_add(length - 1) / PAGE {
                self.pages.insert(number);
            }
        }
    }

    fn translate<C: Code>(
        &mut self,
        soft: bool,
        code: &C,
        heat: &Heat,
        pc: u64,
        observer: &mut dyn Observer,
    ) -> Option<u64> {
        let Self {
            lowerer,
            former,
            region,
            lowered,
            arena,
            caches,
            ..
        } = self;
        let cache = &mut caches[usize::from(soft)];
        let guest = A64 { soft_float: soft };
        former.form(&guest, &Fetcher { code, cache, heat }, pc, LIMITS, region);
        let outside = |pc| cache.find(pc).map_or(Live::Live, |entry| entry.flags);
        let counters = observer.formed(pc, region, code).map(|counters| {
            assert!(counters.len() >= region.blocks.len(), "a counter a block");
            counters.as_ptr() as u64
        });
        lowerer.lower(region, Options { counters }, outside, lowered);
        let placed = cache.place(arena, pc, lowerer.asm.code_mut(), lowered)?;
        observer.translated(region, lowered, placed.host.start, lowerer.asm.code());
        for entry in &lowered.entries {
            heat.translated(entry.pc);
        }
        let host = cache.find(pc).map(|entry| entry.host);
        self.note_pages();
        host
    }
}

/// Everything of an engine held, so that a `fork` finds it sound.
#[derive(Debug)]
pub struct Forking<'a> {
    engine: &'a Engine,
    threads: Held<'a, Vec<&'static Attention>>,
    shared: Held<'a, Shared>,
    copy: CodeCopy,
}

impl Engine {
    /// To be called before a `fork`.
    #[must_use]
    pub fn before_fork(&self) -> Forking<'_> {
        let threads = self.threads.hold();
        let shared = self.shared.hold();
        let copy = shared.arena.copy(self.stub_bytes);
        Forking {
            engine: self,
            threads,
            shared,
            copy,
        }
    }
}

impl Forking<'_> {
    /// In the parent, after it.
    pub fn parent(self) {
        self.copy.release();
    }

    /// In the child, whose only thread this is.
    ///
    /// # Errors
    /// When its code memory cannot be its own; it must not run guest code
    /// then.
    pub fn child(mut self, vcpu: &mut Vcpu) -> Result<(), Errno> {
        let own = vcpu.attention();
        self.threads.retain(|&thread| core::ptr::eq(thread, own));
        if !self.shared.arena.replace(&self.copy)? {
            self.engine.epoch.fetch_add(1, Ordering::Relaxed);
            let keep = self.engine.stub_bytes;
            self.shared.clear(keep);
            vcpu.host.epoch = self.engine.epoch.load(Ordering::Relaxed);
            vcpu.clear_targets();
        }
        Ok(())
    }
}

/// Waits until a thread that may not enter any more is outside.
fn wait_until_outside(thread: &Attention) {
    /// It usually leaves within microseconds; a kick can get lost when there is
    /// no memory for it.
    const KICK_EVERY: u32 = 1000;
    let mut round = 0_u32;
    while thread.inside.load(Ordering::SeqCst) != 0 {
        if round.is_multiple_of(KICK_EVERY) && !faults::kick(thread) {
            // It died inside.
            return;
        }
        round = round.wrapping_add(1);
        // It may have less priority: yielding is not enough then.
        if round.is_multiple_of(100) {
            sys::pause(50_000);
        } else {
            sys::yield_processor();
        }
    }
}

/// Whether SP is as translated code wants it; else all is the interpreter's,
/// which finds the fault of an access whose base it is.
const fn stack_aligned(cpu: &Cpu) -> bool {
    cpu.x[31].is_multiple_of(16)
}

/// One instruction that translated code leaves to the interpreter.
fn interpret<M: Memory + Environment>(
    vcpu: &mut Vcpu,
    memory: &mut M,
    word: u32,
) -> Option<Exception> {
    let Some(insn) = decode(word) else {
        return Some(Exception::Undefined);
    };
    vcpu.tally(insn.op);
    let result = step(&mut vcpu.cpu, memory, insn);
    set_mode(vcpu);
    result.err()
}

/// Brings the host's modes in line with FPCR.
fn set_mode(vcpu: &mut Vcpu) {
    let fpcr = vcpu.cpu.fpcr;
    // RMode: nearest, plus, minus, zero; MXCSR: nearest, minus, plus, zero.
    let rounding = [0, 2, 1, 3][(fpcr >> 22 & 3) as usize];
    vcpu.host.mxcsr = 0x1f80 | rounding << 13;
    let soft = fpcr & FPCR_SOFT != 0;
    if soft != vcpu.host.soft {
        vcpu.host.soft = soft;
        vcpu.clear_targets();
    }
}

/// The interpreter as translated code calls it.
///
/// # Safety
/// `vcpu` is the thread's, and its `context` an `M` that nobody else uses now.
unsafe extern "sysv64" fn interpreter<M: Memory + Environment>(vcpu: *mut Vcpu, word: u32) -> u32 {
    // SAFETY: as above: `run` has set both, and waits in `enter`.
    let (vcpu, memory) = unsafe { (&mut *vcpu, &mut *(*vcpu).host.context.cast::<M>()) };
    let Some(insn) = decode(word) else {
        vcpu.host.exception = Some(Exception::Undefined);
        return 1;
    };
    vcpu.tally(insn.op);
    let next = vcpu.cpu.pc.wrapping_add(4);
    match step(&mut vcpu.cpu, memory, insn) {
        // It leaves too when it goes on elsewhere: a copy of memory that is only
        // a part done.
        Ok(()) => u32::from(vcpu.cpu.pc != next || !stack_aligned(&vcpu.cpu)),
        Err(exception) => {
            vcpu.host.exception = Some(exception);
            1
        }
    }
}

/// MXCSR's sticky bits become FPSR's, and saturation QC.
fn take_float_flags(vcpu: &mut Vcpu) {
    let sticky = vcpu.host.mxcsr & 0x3f;
    // IE, (DE), ZE, OE, UE, PE to IOC, DZC, OFC, UFC, IXC.
    vcpu.cpu.fpsr |= sticky & 1 | sticky >> 1 & 0x1e;
    vcpu.host.mxcsr &= !0x3f;
    if vcpu.host.saturated != 0 {
        vcpu.cpu.fpsr |= 1 << 27;
        vcpu.host.saturated = 0;
    }
}

/// The guest's flags in EFLAGS.
fn from_eflags(eflags: u64, form: Form) -> Flags {
    let bit = |n: u32| (eflags >> n & 1) as u8;
    let (cf, pf, zf, sf, of) = (bit(0), bit(2), bit(6), bit(7), bit(11));
    Flags::from_nzcv(match form {
        Form::Plain => sf << 3 | zf << 2 | cf << 1 | of,
        Form::Inverted => sf << 3 | zf << 2 | (cf ^ 1) << 1 | of,
        Form::Float => match (zf, pf, cf) {
            (_, 1, _) => 0b0011,
            (1, ..) => 0b0110,
            (.., 1) => 0b1000,
            _ => 0b0010,
        },
    })
}

/// The flags of a comparison whose operands are still there.
fn compute(cpu: &Cpu, setter: &Setter) -> Flags {
    let bits = u32::from(setter.w.bits());
    let value = |value| {
        let value = match value {
            Value::Const(c) => c,
            Value::Slot(reg) if reg.is_zero() => 0,
            Value::Slot(reg) => cpu.x[usize::from(reg.0)],
            Value::Plus(reg, c) => cpu.x[usize::from(reg.0)].wrapping_add(c),
        };
        u128::from(value & setter.w.mask())
    };
    let (a, b) = (value(setter.a), value(setter.b));
    let mask = u128::from(setter.w.mask());
    let (result, carry, overflow) = match setter.op {
        Compare::Constant => return Flags::from_nzcv(setter.a.nzcv()),
        Compare::And => (a & b, false, false),
        Compare::Add => {
            let sum = a + b;
            (
                sum & mask,
                sum > mask,
                (!(a ^ b) & (a ^ sum)) >> (bits - 1) & 1 == 1,
            )
        }
        Compare::Sub => {
            let difference = a.wrapping_sub(b) & mask;
            (
                difference,
                a >= b,
                ((a ^ b) & (a ^ difference)) >> (bits - 1) & 1 == 1,
            )
        }
    };
    let n = u8::from(result >> (bits - 1) & 1 == 1);
    Flags::from_nzcv(
        n << 3 | u8::from(result == 0) << 2 | u8::from(carry) << 1 | u8::from(overflow),
    )
}

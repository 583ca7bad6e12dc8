//! Translating and running: from a guest address to code, into it and out.
//!
//! [`Engine::run`] runs translated code until the guest wants something that
//! only its surroundings have (a system call, a signal). On the way it
//! translates what is missing, links exits, fills the table of indirect
//! targets, and finds the guest's state again after a fault.
//!
//! Threads share one engine. What has been translated is behind one lock, which
//! is not held while guest code runs. How it is forgotten is in
//! [`super::forget`].
//!
//! Invariants: a thread is counted as inside as long as it holds an address of
//! code that it may go on at, or that its state is to be found by; numbers of
//! exits are used only in the epoch that they come from. `threads` is locked
//! before `shared`.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use a64::cpu::{Cpu, Flags};
use a64::decode::decode;
use a64::interp::{Environment, Exception, step};
use a64::lift::{A64, ANY_STACK, SOFT_FLOAT};
use a64::mem::{Fault, FaultKind, Memory};
use ir::form::{Former, Limits, Source};
use ir::live::Live;
use ir::{Key, Mode, Region};
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::flags::{Compare, FlagsAt, Form, Setter, Value};
use x64::lower::{FaultPoint, Leave, Lowered, Lowerer, Options, Swaps};
use x64::stubs;

use super::code::arena::{Arena, CodeCopy, Points};
use super::code::cache::Cache;
use super::cold::{self, Heat, Led};
use super::forget::Threads;
use super::tally::Tally;
use super::vcpu::{Calls, HostFault, Vcpu, layout};
use crate::host::lock::{Held, Lock};
use crate::host::sys::Errno;
use crate::host::{clock, heap};
use crate::thread::attention::Attention;

/// So much code is kept even when memory is low.
const KEPT_WHEN_LOW: u64 = 256 << 10;
/// How large a region may be.
const LIMITS: Limits = Limits { insns: 512 };

/// How many regions are woken or translated for one that is wanted and relies on
/// them, one on the other; behind that it is translated anew.
const WAKING: u32 = 32;

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

    /// The page where instructions may call functions ([`a64::call`]).
    fn calls(&self) -> Option<u64> {
        None
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

    /// A region has been formed, and is about to be translated. Gives the first of
    /// the counters of its blocks, if it is to count.
    fn formed(&mut self, head: u64, region: &Region, code: &dyn Code) -> Option<u32> {
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
    pub(crate) shared: Lock<Shared>,
    pub(crate) threads: Lock<Threads>,
    /// The version of the guest's code that the translations are of.
    pub(crate) version: AtomicU64,
    /// Grows with each forgetting: [`super::forget::Gone`]'s next number.
    pub(crate) epoch: AtomicU64,
    stubs: stubs::Stubs,
    /// The stubs' address, and how many bytes they take.
    base: u64,
    pub(crate) stub_bytes: u64,
    code: Range<u64>,
    points: Points,
    /// The slot of `rdx`.
    spilled_slot: Option<usize>,
    heat: Heat,
    tally: Option<&'static Tally>,
    /// Whether code memory is closed.
    closed: AtomicBool,
}

/// What one thread at a time uses.
#[derive(Debug)]
pub(crate) struct Shared {
    lowerer: Lowerer,
    former: Former,
    region: Region,
    lowered: Lowered,
    arena: Arena,
    cache: Cache,
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
    mode: Mode,
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
        let mode = self.mode;
        self.heat.is_hot(pc) && self.cache.find(Key { pc, mode }).is_some()
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
                cache: Cache::default(),
            }),
            threads: Lock::new(Threads::default()),
            version: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            heat: Heat::hot(),
            tally: None,
            closed: AtomicBool::new(false),
        })
    }

    /// What the interpreter does for threads that are made from here on is
    /// counted, and blocks may be.
    pub const fn count(&mut self, tally: &'static Tally) {
        self.tally = Some(tally);
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
    pub fn thread<M: Memory + Environment>(&self, cpu: Cpu) -> Box<Vcpu> {
        let calls = Calls {
            leave: self.base + self.stubs.leave as u64,
            interpret: self.base + self.stubs.interpret as u64,
            interpreter: interpreter::<M> as *const () as u64,
            functions: clock::functions(),
        };
        let mut vcpu = Vcpu::new(cpu, calls);
        if let Some(tally) = self.tally {
            vcpu.host.tally = Some(tally);
            vcpu.host.counters = tally.blocks.as_ptr();
        }
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
            if led == Led::On || !self.heat.is_hot(pc) {
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
            let (why, mode, payload) = self.enter(vcpu, host);
            take_float_flags(vcpu);
            vcpu.host.mode = match why {
                Leave::Link | Leave::Indirect => mode,
                _ => mode_of(&vcpu.cpu),
            };
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
                    self.forget_at(vcpu, memory, pc);
                    None
                }
            },
            Leave::Interpret => {
                let exception = interpret(vcpu, memory, payload);
                // IC IVAU is done so: what comes next may be new.
                self.refresh(vcpu, memory);
                exception
            }
            // None when it left for attention only, or because SP is another way
            // aligned now.
            Leave::Exception => vcpu.host.exception.take(),
            Leave::Fault => self.faulted(vcpu, memory),
            Leave::Indirect | Leave::Attention => None,
        }
    }

    /// Links an exit, if it is still there.
    fn link(&self, vcpu: &Vcpu, exit: u32, pc: u64, host: u64) {
        let mut shared = self.shared.hold();
        let Shared { arena, cache, .. } = &mut *shared;
        let mode = vcpu.host.mode;
        let here = cache
            .find(Key { pc, mode })
            .is_some_and(|entry| entry.host == host);
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
        let mode = vcpu.host.mode;
        let key = Key { pc, mode };
        loop {
            let mut shared = self.shared.hold();
            if let Some(entry) = shared.cache.find(key) {
                return entry.host;
            }
            // With hardly any memory left, what is known of old code is given up.
            let give_up = heap::is_low() && shared.arena.used() > self.stub_bytes + KEPT_WHEN_LOW;
            let from = (code, &self.heat);
            if !give_up && let Some(host) = shared.make(key, from, observer, WAKING) {
                return host;
            }
            // The arena is full: start again.
            drop(shared);
            self.forget(vcpu);
        }
    }

    /// Runs translated code. Gives why it was left, in which mode it goes on if it
    /// does by itself, and the payload.
    fn enter(&self, vcpu: &mut Vcpu, host: u64) -> (Leave, Mode, u32) {
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
        let (why, mode) = Leave::taken_apart(why);
        (why.unwrap_or(Leave::Exception), mode, payload)
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
        let point = shared.cache.fault_point(fault.rip);
        let point = point.map(|(point, swaps)| (*point, *swaps));
        drop(shared);
        let Some((point, swaps)) = point else {
            panic!("no instruction can fault at {:#x}", fault.rip)
        };
        vcpu.outside();
        self.recover(vcpu, &fault, &point, &swaps);
        if fault.signal == 0 {
            // It was stopped before the instruction.
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
    /// registers that were in use.
    fn recover(&self, vcpu: &mut Vcpu, fault: &HostFault, point: &FaultPoint, swaps: &Swaps) {
        vcpu.cpu.pc = point.pc;
        vcpu.recover(self.spilled_slot.filter(|_| point.spilled), point, swaps);
        match point.flags {
            FlagsAt::State => {}
            FlagsAt::Host(form) => vcpu.cpu.flags = from_eflags(fault.eflags, form),
            FlagsAt::Setter(setter) => vcpu.cpu.flags = compute(&vcpu.cpu, &setter),
        }
    }
}

impl Shared {
    /// Forgets all but the stubs.
    pub(crate) fn clear(&mut self, stub_bytes: u64) {
        self.cache.clear();
        self.arena.clear(stub_bytes);
    }

    /// The regions that are of code in one of the ranges, and not of what is
    /// there now.
    pub(crate) fn touched<C: Code>(&self, ranges: &[Range<u64>], code: &C) -> Vec<u32> {
        self.cache.touched(ranges, |pc| code.fetch(pc))
    }

    /// Puts regions to sleep, and gives the guest addresses that have lost their
    /// code. No thread may be running translated code.
    pub(crate) fn sleep(&mut self, regions: Vec<u32>) -> Vec<u64> {
        let mut gone = Vec::new();
        self.cache.sleep(&mut self.arena, regions, &mut gone);
        gone
    }

    /// The code for a guest address in a mode: found, woken or translated. Nothing
    /// if the arena is full.
    fn make<C: Code>(
        &mut self,
        key: Key,
        from: (&C, &Heat),
        observer: &mut dyn Observer,
        waking: u32,
    ) -> Option<u64> {
        if let Some(entry) = self.cache.find(key) {
            return Some(entry.host);
        }
        let Some(left) = waking.checked_sub(1) else {
            return self.translate(key, from, observer);
        };
        if let Some(region) = self.cache.sleeping(key, |pc| from.0.fetch(pc)) {
            while let Some(other) = self.cache.missing(region) {
                self.make(other, from, observer, left)?;
            }
            if let Some(entry) = self.cache.wake(region, key) {
                return Some(entry.host);
            }
        }
        self.translate(key, from, observer)
    }

    fn translate<C: Code>(
        &mut self,
        key: Key,
        (code, heat): (&C, &Heat),
        observer: &mut dyn Observer,
    ) -> Option<u64> {
        let Self {
            lowerer,
            former,
            region,
            lowered,
            arena,
            cache,
        } = self;
        let mode = key.mode;
        let guest = A64 {
            mode,
            calls: code.calls(),
        };
        let fetcher = Fetcher {
            mode,
            code,
            cache,
            heat,
        };
        former.form(&guest, &fetcher, key.pc, LIMITS, region);
        let outside = |key| cache.find(key).map_or(Live::Live, |entry| entry.flags);
        let counters = observer.formed(key.pc, region, code);
        lowerer.lower(region, Options { counters }, outside, lowered);
        let placed = cache.place(arena, region, lowerer.asm.code_mut(), lowered)?;
        observer.translated(region, lowered, placed.host.start, lowerer.asm.code());
        for entry in &lowered.entries {
            heat.translated(entry.pc);
        }
        cache.find(key).map(|entry| entry.host)
    }
}

/// Everything of an engine held, so that a `fork` finds it sound.
#[derive(Debug)]
pub struct Forking<'a> {
    engine: &'a Engine,
    threads: Held<'a, Threads>,
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
        self.threads
            .inside
            .retain(|&thread| core::ptr::eq(thread, own));
        if !self.shared.arena.replace(&self.copy)? {
            self.shared.clear(self.engine.stub_bytes);
            self.engine.forgotten_by_parent(&mut self.threads, vcpu);
        }
        Ok(())
    }
}

/// Whether an access whose base is SP finds it aligned.
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

/// The mode of translations for what the guest's registers hold.
const fn mode_of(cpu: &Cpu) -> Mode {
    Mode::PLAIN
        .with(SOFT_FLOAT, cpu.fpcr & FPCR_SOFT != 0)
        .with(ANY_STACK, !stack_aligned(cpu))
}

/// Brings the modes of the host and of translations in line with the guest's
/// registers.
fn set_mode(vcpu: &mut Vcpu) {
    let fpcr = vcpu.cpu.fpcr;
    // RMode: nearest, plus, minus, zero; MXCSR: nearest, minus, plus, zero.
    let rounding = [0, 2, 1, 3][(fpcr >> 22 & 3) as usize];
    vcpu.host.mxcsr = 0x1f80 | rounding << 13;
    let before = core::mem::replace(&mut vcpu.host.mode, mode_of(&vcpu.cpu));
    if before.has(SOFT_FLOAT) != vcpu.host.mode.has(SOFT_FLOAT) {
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
    let aligned = stack_aligned(&vcpu.cpu);
    match step(&mut vcpu.cpu, memory, insn) {
        // It leaves too when it goes on elsewhere: a copy of memory that is only
        // a part done. And when translated code may take SP for aligned no more.
        Ok(()) => u32::from(vcpu.cpu.pc != next || aligned && !stack_aligned(&vcpu.cpu)),
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

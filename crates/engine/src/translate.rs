//! Translating and running: from a guest address to code, into it and out.
//!
//! [`Engine::run`] runs translated code until the guest wants something that
//! only its surroundings have (a system call, a signal). On the way it
//! translates what is missing, links exits, fills the table of indirect
//! targets, and finds the guest's state again after a fault.

use alloc::boxed::Box;
use core::sync::atomic::AtomicU64;

use a64::cpu::{Cpu, Flags};
use a64::decode::decode;
use a64::interp::{Environment, Exception, step};
use a64::lift::A64;
use a64::mem::{Fault, FaultKind, Memory};
use ir::Region;
use ir::form::{Former, Limits, Source};
use ir::live::Live;
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::flags::{Compare, FlagsAt, Form, Setter, Value};
use x64::lower::{FaultPoint, Leave, Lowered, Lowerer, Options};
use x64::stubs;

use crate::code::arena::Arena;
use crate::code::cache::Cache;
use crate::linux::sys::Errno;
use crate::vcpu::{Calls, HostFault, Vcpu, layout};

/// How large a region may be.
const LIMITS: Limits = Limits { insns: 512 };

/// FPCR bits that the host's modes can't give: AHP, DN, FZ and FZ16.
const FPCR_SOFT: u32 = 1 << 26 | 1 << 25 | 1 << 24 | 1 << 19;

/// Where guest instructions are read from.
pub trait Code {
    /// The word at `pc` as the guest would fetch it.
    fn fetch(&self, pc: u64) -> Option<u32>;

    /// Whether what was fetched since the last call may be another word now.
    fn stale(&self) -> bool {
        false
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
    lowerer: Lowerer,
    former: Former,
    region: Region,
    lowered: Lowered,
    arena: Arena,
    stubs: stubs::Stubs,
    /// The stubs' address, and how many bytes they take.
    base: u64,
    stub_bytes: u64,
    /// By whether floating point is soft.
    caches: [Cache; 2],
    soft: bool,
}

struct Fetcher<'a, C> {
    code: &'a C,
    cache: &'a Cache,
}

impl<C: Code> Source for Fetcher<'_, C> {
    fn fetch(&self, pc: u64) -> Option<u32> {
        self.code.fetch(pc)
    }

    fn translated(&self, pc: u64) -> bool {
        self.cache.find(pc).is_some()
    }
}

impl Engine {
    /// A translator for this host.
    ///
    /// # Errors
    /// When there is no memory for code.
    pub fn new(host: HostFeatures) -> Result<Self, Errno> {
        let mut lowerer = Lowerer::new(Convention::new(layout(), host));
        let mut arena = Arena::new()?;
        let convention = lowerer.convention().clone();
        let stubs = stubs::emit(&mut lowerer.asm, &convention);
        let base = arena.add(lowerer.asm.code()).unwrap_or_default();
        Ok(Self {
            lowerer,
            former: Former::default(),
            region: Region::default(),
            lowered: Lowered::default(),
            stub_bytes: arena.used(),
            arena,
            stubs,
            base,
            caches: [Cache::default(), Cache::default()],
            soft: false,
        })
    }

    /// A thread of the guest, whose interpreter is `M`.
    #[must_use]
    pub fn thread<M: Memory + Environment>(&self, cpu: Cpu) -> Box<Vcpu> {
        let calls = Calls {
            leave: self.base + self.stubs.leave as u64,
            interpret: self.base + self.stubs.interpret as u64,
            interpreter: interpreter::<M> as *const () as u64,
        };
        Vcpu::new(cpu, calls)
    }

    /// Where translated code may lie, and where the signal handler sends a
    /// thread that faulted there.
    #[must_use]
    pub const fn fault_stub(&self) -> (core::ops::Range<u64>, u64) {
        (self.arena.range(), self.base + self.stubs.fault as u64)
    }

    /// Where the code lies that all regions share.
    #[must_use]
    pub const fn stubs(&self) -> core::ops::Range<u64> {
        self.base..self.base + self.stub_bytes
    }

    /// Forgets all translations.
    pub fn forget(&mut self, vcpu: &mut Vcpu) {
        for cache in &mut self.caches {
            cache.clear();
        }
        self.arena.clear(self.stub_bytes);
        vcpu.clear_targets();
    }

    /// Runs the guest until an exception.
    pub fn run<M: Memory + Environment + Code>(
        &mut self,
        vcpu: &mut Vcpu,
        memory: &mut M,
        observer: &mut dyn Observer,
    ) -> Exception {
        vcpu.host.context = core::ptr::from_mut(memory).cast();
        self.set_mode(vcpu);
        loop {
            let pc = vcpu.cpu.pc;
            if !pc.is_multiple_of(4) {
                let kind = FaultKind::Alignment;
                return Exception::Fault(Fault {
                    address: pc,
                    kind,
                    write: false,
                });
            }
            let host = self.find_or_translate(vcpu, memory, pc, observer);
            let (why, payload) = self.enter(vcpu, host);
            take_float_flags(vcpu);
            if let Some(exception) = self.left(vcpu, memory, observer, why, payload) {
                return exception;
            }
        }
    }

    /// After leaving translated code: an exception, or nothing to go on.
    fn left<M: Memory + Environment + Code>(
        &mut self,
        vcpu: &mut Vcpu,
        memory: &mut M,
        observer: &mut dyn Observer,
        why: Leave,
        payload: u32,
    ) -> Option<Exception> {
        let pc = vcpu.cpu.pc;
        match why {
            Leave::Link => {
                let host = self.find_or_translate(vcpu, memory, pc, observer);
                let Self {
                    caches,
                    arena,
                    soft,
                    ..
                } = self;
                caches[usize::from(*soft)].link(arena, payload, host);
                None
            }
            Leave::Indirect => {
                if pc.is_multiple_of(4) {
                    let host = self.find_or_translate(vcpu, memory, pc, observer);
                    vcpu.set_target(pc, host);
                }
                None
            }
            #[allow(clippy::cast_possible_truncation, reason = "sixteen bits were put in")]
            Leave::Supervisor => Some(Exception::Supervisor(payload as u16)),
            #[allow(clippy::cast_possible_truncation, reason = "sixteen bits were put in")]
            Leave::Breakpoint => Some(Exception::Breakpoint(payload as u16)),
            Leave::Undefined => Some(Exception::Undefined),
            Leave::NoFetch => Some(match memory.fetch(pc) {
                Err(fault) => Exception::Fault(fault),
                // It has come since: look again.
                Ok(_) => return self.forget_and_go_on(vcpu),
            }),
            Leave::Interpret => {
                let exception = self.interpret(vcpu, memory, payload);
                // IC IVAU is done so: what comes next may be new.
                if memory.stale() {
                    self.forget(vcpu);
                }
                exception
            }
            Leave::Exception => vcpu.host.exception.take(),
            Leave::Fault => self.faulted(vcpu, memory),
        }
    }

    fn forget_and_go_on(&mut self, vcpu: &mut Vcpu) -> Option<Exception> {
        self.forget(vcpu);
        None
    }

    /// One instruction that translated code leaves to the interpreter.
    fn interpret<M: Memory + Environment>(
        &mut self,
        vcpu: &mut Vcpu,
        memory: &mut M,
        word: u32,
    ) -> Option<Exception> {
        let Some(insn) = decode(word) else {
            return Some(Exception::Undefined);
        };
        let result = step(&mut vcpu.cpu, memory, insn);
        self.set_mode(vcpu);
        result.err()
    }

    /// Brings the host's modes in line with FPCR.
    fn set_mode(&mut self, vcpu: &mut Vcpu) {
        let fpcr = vcpu.cpu.fpcr;
        // RMode: nearest, plus, minus, zero; MXCSR: nearest, minus, plus, zero.
        let rounding = [0, 2, 1, 3][(fpcr >> 22 & 3) as usize];
        vcpu.host.mxcsr = 0x1f80 | rounding << 13;
        let soft = fpcr & FPCR_SOFT != 0;
        if soft != self.soft {
            self.soft = soft;
            vcpu.clear_targets();
        }
    }

    fn find_or_translate<C: Code>(
        &mut self,
        vcpu: &mut Vcpu,
        code: &C,
        pc: u64,
        observer: &mut dyn Observer,
    ) -> u64 {
        if let Some(entry) = self.caches[usize::from(self.soft)].find(pc) {
            return entry.host;
        }
        if let Some(host) = self.translate(code, pc, observer) {
            return host;
        }
        // The arena is full: start again.
        self.forget(vcpu);
        self.translate(code, pc, observer).unwrap_or_default()
    }

    fn translate<C: Code>(
        &mut self,
        code: &C,
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
            soft,
            ..
        } = self;
        let cache = &mut caches[usize::from(*soft)];
        let guest = A64 { soft_float: *soft };
        former.form(&guest, &Fetcher { code, cache }, pc, LIMITS, region);
        let outside = |pc| cache.find(pc).map_or(Live::Live, |entry| entry.flags);
        let counters = observer.formed(pc, region, code).map(|counters| {
            assert!(counters.len() >= region.blocks.len(), "a counter a block");
            counters.as_ptr() as u64
        });
        lowerer.lower(region, Options { counters }, outside, lowered);
        let placed = cache.place(arena, pc, lowerer.asm.code_mut(), lowered)?;
        observer.translated(region, lowered, placed.host.start, lowerer.asm.code());
        cache.find(pc).map(|entry| entry.host)
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
        &mut self,
        vcpu: &mut Vcpu,
        memory: &mut M,
    ) -> Option<Exception> {
        let fault = vcpu.host.fault;
        let point = self
            .caches
            .iter()
            .find_map(|c| c.fault_point(fault.rip))
            .copied();
        let Some(point) = point else {
            panic!("no instruction can fault at {:#x}", fault.rip)
        };
        self.recover(vcpu, &fault, &point);
        // The interpreter finds out what the fault is, or that there is none.
        let word = match memory.fetch(point.pc) {
            Ok(word) => word,
            Err(fault) => return Some(Exception::Fault(fault)),
        };
        self.interpret(vcpu, memory, word)
    }

    /// The guest's state at a fault: the program counter, the flags, and the
    /// register that was in use.
    fn recover(&self, vcpu: &mut Vcpu, fault: &HostFault, point: &FaultPoint) {
        vcpu.cpu.pc = point.pc;
        if point.spilled {
            let slot = self.lowerer.convention().spilled_slot();
            if let Some(slot) = slot {
                vcpu.cpu.x[slot] = vcpu.spilled();
            }
        }
        match point.flags {
            FlagsAt::State => {}
            FlagsAt::Host(form) => vcpu.cpu.flags = from_eflags(fault.eflags, form),
            FlagsAt::Setter(setter) => vcpu.cpu.flags = compute(&vcpu.cpu, &setter),
        }
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
    match step(&mut vcpu.cpu, memory, insn) {
        Ok(()) => 0,
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

//! One guest thread's state as translated code sees it: the guest's registers,
//! what the host keeps beside them, and the tables of indirect targets.
//!
//! The struct is reached from translated code by offsets that [`layout`] takes
//! from it; nothing else may depend on where a field lies.

use alloc::boxed::Box;
use core::mem::offset_of;

use core::sync::atomic::AtomicU64;

use guest::surroundings::FUNCTIONS;
use guest::{Exception, Guest, Places};
use ir::Mode;
use ir::form::Lifter;
use x64::constants;
use x64::convention::Layout;
use x64::lower::{ASIDE, FaultPoint, SWAPS, Swaps};

use super::tally::Tally;
use crate::thread::attention::{self, Attention};
use crate::thread::gate::Gated as _;
use crate::thread::handlers::Event;

/// The binary logarithm of the entries of the table of targets.
const TARGETS_LOG2: u32 = 14;
/// How many there are.
const TARGETS: usize = 1 << TARGETS_LOG2;
/// How many are on a page, roughly: the table is forgotten by such parts, and
/// only those of them that were used.
const PART: usize = TARGETS / 64;

/// How many tables there are: one for modes with the guest's [`Guest::APART`], and
/// one for those without. Translated code looks in that of its mode, so going from one
/// to the other clears none, nor does [`Guest::BY_TARGET`], which is a part of what is looked
/// for. What else modes tell seldom changes: then both are cleared.
const TABLES: usize = 2;

/// An indirect target. An entry that is all zeros is unused: address 0 would be
/// in the first one only, which has `nobody`'s then. None lies in two lines of the
/// cache.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Target {
    /// The guest's address, and in bit 0 whether it is for modes with
    /// [`Guest::BY_TARGET`].
    pub guest: u64,
    /// The host's.
    pub host: u64,
}

impl Target {
    /// An address that is looked up in another entry.
    const fn nobody<G: Guest>() -> Self {
        let guest = 1 << G::UNIT_LOG2;
        Self { guest, host: 0 }
    }

    const UNUSED: Self = Self { guest: 0, host: 0 };

    /// An address as it is looked for in a mode.
    const fn named<G: Guest>(guest: u64, mode: Mode) -> u64 {
        let is_set = G::BY_TARGET.number() != 0 && mode.has(G::BY_TARGET);
        guest | is_set as u64
    }

    const fn index<G: Guest>(guest: u64) -> usize {
        #[allow(clippy::cast_possible_truncation, reason = "the low bits count")]
        let index = (guest >> G::UNIT_LOG2) as usize;
        index % TARGETS
    }
}

/// Where a signal handler has made the thread leave translated code.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    /// The instruction that comes next, or has faulted.
    pub rip: u64,
    /// The flags before it.
    pub eflags: u64,
    /// Whether it was a fault or is to stop.
    pub by: Event,
}

impl Interrupted {
    const NOWHERE: Self = Self {
        rip: 0,
        eflags: 0,
        by: Event::Stop,
    };
}

/// What the host keeps for a guest thread.
#[derive(Debug)]
#[repr(C)]
pub struct Host {
    /// Scratch of translated code, 16-byte aligned.
    scratch: [u64; 8],
    constants: [u128; constants::COUNT],
    /// Vector slots that translated code has put aside.
    aside: [u128; ASIDE],
    /// Not zero once a result has saturated since the guest's status of
    /// floating point was last looked at.
    pub saturated: u128,
    spill: u64,
    swapped: [u64; SWAPS],
    rsp: u64,
    leave: u64,
    interpret: u64,
    interpreter: u64,
    functions: [u64; FUNCTIONS],
    /// What translated code counts in, where blocks are counted.
    pub counters: *const AtomicU64,
    /// The guest's MXCSR.
    pub mxcsr: u32,
    host_mxcsr: u32,
    /// The guest's MXCSR around what flushes denormals.
    status_before: u32,
    status_after: u32,
    /// Exceptions that translated code took out of MXCSR.
    pub status: u32,
    /// What the interpreter met when translated code called it.
    pub exception: Option<Exception>,
    /// Where the signal handler found it last.
    pub interrupted: Interrupted,
    /// What the interpreter's memory and environment are.
    pub context: *mut core::ffi::c_void,
    /// What the thread is told; stubs look at it.
    pub attention: *const Attention,
    /// What of `threads::Gone` the table has been cleared of.
    pub epoch: u64,
    /// The mode of the translations that are run. Translated code goes from one
    /// mode to another by itself: while it runs, this is the one that it was
    /// entered in.
    pub mode: Mode,
    /// Where the interpreter's work is counted, if it is.
    pub tally: Option<&'static Tally>,
}

/// The state of a guest thread.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Vcpu<G: Guest> {
    /// The guest's registers.
    pub cpu: G::State,
    /// The host's.
    pub host: Host,
    /// Bit n: part n of the table has been written.
    used: [u64; TABLES],
    targets: [[Target; TARGETS]; TABLES],
}

/// The addresses that translated code calls.
#[derive(Clone, Copy, Debug)]
pub struct Calls {
    /// The stub that leaves.
    pub leave: u64,
    /// The stub that calls the interpreter.
    pub interpret: u64,
    /// `extern "sysv64" fn(&mut Vcpu, word: u32) -> u32`: not 0 for an
    /// exception.
    pub interpreter: u64,
    /// What the guest's vDSO calls ([`guest::surroundings`]).
    pub functions: [u64; FUNCTIONS],
}

impl Host {
    fn new(calls: Calls) -> Self {
        Self {
            scratch: [0; 8],
            constants: constants::VALUES,
            aside: [0; ASIDE],
            saturated: 0,
            spill: 0,
            swapped: [0; SWAPS],
            rsp: 0,
            leave: calls.leave,
            interpret: calls.interpret,
            interpreter: calls.interpreter,
            functions: calls.functions,
            counters: core::ptr::null(),
            mxcsr: 0x1f80,
            host_mxcsr: 0x1f80,
            status_before: 0x1f80,
            status_after: 0x1f80,
            status: 0,
            exception: None,
            interrupted: Interrupted::NOWHERE,
            context: core::ptr::null_mut(),
            attention: &raw const attention::NOBODY,
            epoch: 0,
            mode: Mode::PLAIN,
            tally: None,
        }
    }
}

impl<G: Guest> Vcpu<G> {
    /// A thread with this state.
    #[must_use]
    pub fn new(cpu: G::State, calls: Calls) -> Box<Self> {
        // The table stays as the kernel gives it: pages that are not there
        // before they are used.
        let layout = alloc::alloc::Layout::new::<Self>();
        // SAFETY: the fields lie in what was allocated with the struct's
        // layout, and those that are not written may be all zeros.
        unsafe {
            let at = alloc::alloc::alloc_zeroed(layout).cast::<Self>();
            if at.is_null() {
                alloc::alloc::handle_alloc_error(layout);
            }
            (&raw mut (*at).cpu).write(cpu);
            (&raw mut (*at).host).write(Host::new(calls));
            for table in 0..TABLES {
                (&raw mut (*at).targets[table][0]).write(Target::nobody::<G>());
            }
            Box::from_raw(at)
        }
    }

    /// Becomes another thread's, as if new.
    pub fn start_again(&mut self, cpu: G::State) {
        self.cpu = cpu;
        let host = &mut self.host;
        (host.saturated, host.mxcsr, host.exception) = (0, 0x1f80, None);
        host.status = 0;
        (host.interrupted, host.mode) = (Interrupted::NOWHERE, Mode::PLAIN);
        host.attention = &raw const attention::NOBODY;
        self.clear_targets();
    }

    /// The thread goes on in a mode.
    #[inline]
    pub(crate) fn set_mode(&mut self, mode: Mode) {
        let before = core::mem::replace(&mut self.host.mode, mode);
        let rest = |mode: Mode| mode.with(G::APART, false).with(G::BY_TARGET, false);
        if rest(before) != rest(mode) {
            self.clear_targets();
        }
    }

    /// Remembers where the code for an indirect target is, in the mode that the
    /// thread is in.
    pub fn set_target(&mut self, guest: u64, host: u64) {
        let (table, index) = (table::<G>(self.host.mode), Target::index::<G>(guest));
        self.used[table] |= 1 << (index / PART);
        let guest = Target::named::<G>(guest, self.host.mode);
        self.targets[table][index] = Target { guest, host };
    }

    /// What the thread is told.
    #[must_use]
    pub const fn attention(&self) -> &'static Attention {
        // SAFETY: it is that of nobody, or what `set_attention` was given.
        unsafe { &*self.host.attention }
    }

    /// The state becomes that of the thread that is told this.
    pub const fn set_attention(&mut self, attention: &'static Attention) {
        self.host.attention = attention;
    }

    /// Translated code has been left, and what is known of it is no longer
    /// needed.
    pub fn outside(&self) {
        self.attention().gate().leave();
    }

    /// Where the code for an indirect target is, in the mode that the thread is
    /// in, if that is remembered.
    #[must_use]
    #[inline]
    pub fn target(&self, guest: u64) -> Option<u64> {
        let (table, index) = (table::<G>(self.host.mode), Target::index::<G>(guest));
        // A page that nothing was written to is not looked at: it would fault
        // once for that, and again to be written.
        if self.used[table] & 1 << (index / PART) == 0 {
            return None;
        }
        let target = self.targets[table][index];
        let named = Target::named::<G>(guest, self.host.mode);
        (target.guest == named).then_some(target.host)
    }

    /// Forgets an indirect target, if it is remembered in any mode.
    pub fn clear_target(&mut self, guest: u64) {
        let index = Target::index::<G>(guest);
        let names = [Mode::PLAIN, G::BY_TARGET].map(|mode| Target::named::<G>(guest, mode));
        for (used, table) in self.used.iter().zip(&mut self.targets) {
            if used & 1 << (index / PART) != 0 && names.contains(&table[index].guest) {
                table[index] = if index == 0 {
                    Target::nobody::<G>()
                } else {
                    Target::UNUSED
                };
            }
        }
    }

    /// Forgets all indirect targets.
    pub fn clear_targets(&mut self) {
        for (used, targets) in self.used.iter_mut().zip(&mut self.targets) {
            while *used != 0 {
                let part = used.trailing_zeros() as usize;
                *used &= *used - 1;
                targets[part * PART..][..PART].fill(Target::UNUSED);
            }
            targets[0] = Target::nobody::<G>();
        }
    }

    /// Counts an instruction that translated code leaves to the interpreter, if
    /// that is counted.
    #[inline]
    pub(crate) fn tally(&self, row: usize) {
        if let Some(tally) = self.host.tally {
            tally.left(row);
        }
    }

    /// The guest's registers after a fault, where they are not where the stub that
    /// leaves has stored them to: `spilled` is the slot that was spilled, if one
    /// was.
    pub(crate) fn recover(&mut self, spilled: Option<usize>, point: &FaultPoint, swaps: &Swaps) {
        let ints = G::ints(&mut self.cpu);
        if let Some(slot) = spilled {
            ints[slot] = self.host.spill;
        }
        swaps.recovered(ints, &self.host.swapped);
        for (word, slot) in self.host.scratch.into_iter().zip(point.stand_ins) {
            if let Some(x) = ints.get_mut(usize::from(slot.0)) {
                *x = word;
            }
        }
    }
}

/// The table of a mode.
const fn table<G: Guest>(mode: Mode) -> usize {
    mode.has(G::APART) as usize
}

/// Where translated code finds the fields.
#[must_use]
pub fn layout<G: Guest>() -> Layout {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the struct is some kilobytes large"
    )]
    const fn at(offset: usize) -> u32 {
        offset as u32
    }
    let cpu = offset_of!(Vcpu<G>, cpu);
    let Places {
        int,
        vec,
        pc,
        flags,
        thread,
        monitor,
        float_control,
        float_status,
        by_target,
        hot_int,
        hot_vec,
        kept_vec,
    } = G::places();
    let in_cpu = |offset: u32| at(cpu) + offset;
    let host = |offset| at(offset_of!(Vcpu<G>, host) + offset);
    Layout {
        slots: <G::Lifter as Lifter>::SLOTS,
        int: in_cpu(int),
        vec: in_cpu(vec),
        pc: in_cpu(pc),
        flags: in_cpu(flags),
        thread: in_cpu(thread),
        attention: host(offset_of!(Host, attention)),
        counters: host(offset_of!(Host, counters)),
        functions: host(offset_of!(Host, functions)),
        monitor: in_cpu(monitor),
        spill: host(offset_of!(Host, spill)),
        swapped: host(offset_of!(Host, swapped)),
        scratch: host(offset_of!(Host, scratch)),
        mxcsr: host(offset_of!(Host, mxcsr)),
        host_mxcsr: host(offset_of!(Host, host_mxcsr)),
        host_rsp: host(offset_of!(Host, rsp)),
        leave: host(offset_of!(Host, leave)),
        interpret: host(offset_of!(Host, interpret)),
        interpreter: host(offset_of!(Host, interpreter)),
        saturated: host(offset_of!(Host, saturated)),
        constants: host(offset_of!(Host, constants)),
        aside: host(offset_of!(Host, aside)),
        status_before: host(offset_of!(Host, status_before)),
        status_after: host(offset_of!(Host, status_after)),
        status: host(offset_of!(Host, status)),
        float_control: in_cpu(float_control),
        float_status: in_cpu(float_status),
        by_target: by_target.map(|at| (in_cpu(at), G::BY_TARGET)),
        targets: core::array::from_fn(|mode| {
            let table = table::<G>(Mode::from_number(at(mode)));
            at(offset_of!(Vcpu<G>, targets) + table * size_of::<[Target; TARGETS]>())
        }),
        targets_log2: TARGETS_LOG2,
        unit_log2: G::UNIT_LOG2,
        narrow: G::IGNORED >> 32 == u64::from(u32::MAX),
        hot_int,
        hot_vec,
        kept_vec,
    }
}

#[cfg(test)]
mod tests {
    use a64::Aarch64;
    use a64::cpu::Cpu;
    use a64::lift::{ANY_STACK, FLUSHES, SOFT_FLOAT};

    use super::*;

    #[test]
    fn a_target_is_that_of_a_mode() {
        let calls = Calls {
            leave: 0,
            interpret: 0,
            interpreter: 0,
            functions: [0; FUNCTIONS],
        };
        let mut vcpu = Vcpu::<Aarch64>::new(Cpu::default(), calls);
        let far = 4 * TARGETS as u64;
        for pc in [0, 4, far] {
            for (mode, host) in [(Mode::PLAIN, 0x100), (ANY_STACK, 0x200)] {
                vcpu.host.mode = mode;
                assert_eq!(vcpu.target(pc), None, "{pc:#x} {mode:?}");
                vcpu.set_target(pc, host + pc);
            }
            for (mode, host) in [(Mode::PLAIN, 0x100), (ANY_STACK, 0x200)] {
                vcpu.host.mode = mode;
                assert_eq!(vcpu.target(pc), Some(host + pc));
                // What is at the same place of the table, and is no address.
                for other in [pc + far, pc + 1, pc + 2] {
                    assert_eq!(vcpu.target(other), None);
                }
            }
            vcpu.clear_target(pc);
            for mode in [Mode::PLAIN, ANY_STACK] {
                vcpu.host.mode = mode;
                assert_eq!(vcpu.target(pc), None);
                vcpu.set_target(pc, 1);
            }
            vcpu.clear_targets();
        }
    }

    #[test]
    fn an_entry_that_is_unused_is_no_address() {
        let mask = (TARGETS as u64 - 1) << Aarch64::UNIT_LOG2;
        let nobody = Target::nobody::<Aarch64>();
        assert_ne!(nobody.guest & mask, 0, "translated code would find it");
    }

    #[test]
    fn modes_that_differ_in_floats_share_a_table() {
        let targets = layout::<Aarch64>().targets;
        let of = |mode: Mode| targets[mode.number()];
        assert_eq!(of(Mode::PLAIN), of(SOFT_FLOAT));
        assert_eq!(of(Mode::PLAIN), of(FLUSHES));
        assert_eq!(of(ANY_STACK), of(ANY_STACK.with(SOFT_FLOAT, true)));
        assert_ne!(of(Mode::PLAIN), of(ANY_STACK));
    }
}

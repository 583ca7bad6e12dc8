//! Lowers a region to host code.
//!
//! One pass over the blocks in their order. Each operation finds its slots in registers or
//! in the state (`operand`). The flags stay in EFLAGS as long as nothing overwrites them
//! ([`flags`]). Code that is rarely run (exits not linked yet, entries, repairs) is put
//! behind the blocks ([`cold`]).
//!
//! Invariants:
//! - At the boundary of any two operations the pinned registers, the state and the flags'
//!   tracker together hold the guest's state.
//! - Each host instruction that can fault has a [`FaultPoint`], which says where the flags
//!   are and to which guest instruction the host's belongs. Nothing of that guest
//!   instruction has been committed then.
//! - No byte depends on where guest or host lie, except those that are listed
//!   ([`Relocations`]).

pub mod cold;
pub mod flags;
pub mod verify;

mod address;
mod atomic;
mod bits;
mod branch;
mod bulk;
mod call;
mod carry;
mod condition;
mod early;
mod imm32;
mod int;
mod memory;
mod merge_flags;
mod operand;
mod product;
mod stack;
mod swap;
mod vector;

use crate::asm::{Asm, Label};
use crate::convention::Convention;
pub use address::{Kind, Relocation, Relocations};
use alloc::vec::Vec;
use cold::Cold;
use condition::Begun;
use early::Early;
use flags::{FlagsAt, Tracker};
use ir::live::Live;
use ir::{Key, Mode, Op, Reg, Region};
use product::Products;
pub use swap::{SWAPS, Swap, Swaps};
pub use vector::ASIDE;

/// Why translated code is left; what `leave` finds in `cl`. The payload is
/// in `eax`, the guest's program counter in the state. Where it goes on by itself,
/// the mode's number is above `cl`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Leave {
    /// By a direct exit that is not linked, to the mode; payload: the exit's number.
    Link = 0,
    /// By an indirect branch in the mode, whose target the table lacks.
    Indirect = 1,
    /// To the supervisor; payload: the instruction's constant. The program
    /// counter is that of the next instruction.
    Supervisor = 2,
    /// At a breakpoint; payload: its constant.
    Breakpoint = 3,
    /// At a word that is no instruction; payload: the word.
    Undefined = 4,
    /// At an address that can't be fetched from.
    NoFetch = 5,
    /// At an instruction that only the interpreter does; payload: the word.
    Interpret = 6,
    /// The interpreter, called from translated code, met an exception.
    Exception = 7,
    /// In the middle of translated code: the signal handler has found a fault there, or
    /// is to stop the thread.
    Interrupted = 8,
    /// Translated code was not entered, or was left between two instructions,
    /// since the attention word is set; or what an operation does otherwise comes
    /// next.
    Attention = 9,
}

impl Leave {
    /// What the stub gets that leaves so, to go on in a mode.
    #[must_use]
    pub const fn into(self, mode: Mode) -> u64 {
        self as u64 | (mode.number() as u64) << 8
    }

    /// The reason and the mode of what the stub got.
    #[must_use]
    pub const fn taken_apart(n: u32) -> (Option<Self>, Mode) {
        (Self::from_number(n & 0xff), Mode::from_number(n >> 8))
    }

    /// The reason with this number.
    const fn from_number(n: u32) -> Option<Self> {
        Some(match n {
            0 => Self::Link,
            1 => Self::Indirect,
            2 => Self::Supervisor,
            3 => Self::Breakpoint,
            4 => Self::Undefined,
            5 => Self::NoFetch,
            6 => Self::Interpret,
            7 => Self::Exception,
            8 => Self::Interrupted,
            9 => Self::Attention,
            _ => return None,
        })
    }
}

/// A place where the region can be entered.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The guest's address.
    pub pc: u64,
    /// The host code's, from the region's start.
    pub offset: u32,
    /// What of the flags it looks at.
    pub flags: Live,
}

/// A direct way out, to be linked.
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    /// Where it leads.
    pub target: Key,
    /// Where the 4-byte displacement of its branch lies.
    pub patch: u32,
    /// Where its thunk starts: the branch's target while it is not linked.
    pub thunk: u32,
    /// Where the thunk's 4-byte number lies, to be filled in.
    pub number: u32,
    /// In code that is used in place: where the thunk's jump through a word outside
    /// the code has its displacement, to be filled in. Behind these four bytes is where the
    /// word leads while the exit is not linked.
    pub slot: Option<u32>,
}

/// A place where the guest's state is known: a host instruction that can
/// fault, or the start of a block.
#[derive(Clone, Copy, Debug)]
pub struct FaultPoint {
    /// Its offset from the region's start.
    pub host: u32,
    /// The guest instruction.
    pub pc: u64,
    /// Where the flags are.
    pub flags: FlagsAt,
    /// The slot of `rdx` is in the state's spill word.
    pub spilled: bool,
    /// The slots that words of the state's scratch have, or [`Reg::ZERO`].
    pub stand_ins: [Reg; 8],
}

/// What lowering a region gives, besides the bytes in the emitter.
#[derive(Debug, Default)]
pub struct Lowered {
    /// Where it can be entered.
    pub entries: Vec<Entry>,
    /// Where it is left.
    pub exits: Vec<Exit>,
    /// Where the guest's state is known, ascending.
    pub faults: Vec<FaultPoint>,
    /// Where each block's code starts: guest address and offset.
    pub blocks: Vec<(u64, u32)>,
    /// What slots are in other registers than elsewhere.
    pub swaps: Swaps,
    /// What of the code depends on where the guest's lies.
    pub relocations: Relocations,
    /// Where displacements to the base word are to be filled in, ascending; each is
    /// the end of its instruction.
    pub base_words: Vec<u32>,
}

/// Options of lowering.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The first of the 64-bit counters to raise, one a block, in the table that the
    /// state points to.
    pub counters: Option<u32>,
    /// The code is to be used in place: guest addresses are distances from this one,
    /// which the base word has, and exits go through words outside the code.
    pub base: Option<u64>,
}

/// Lowers regions; keeps its memory from one to the next.
#[derive(Debug)]
pub struct Lowerer {
    /// The emitter; after [`Lowerer::lower`] it holds the region's code.
    pub asm: Asm,
    convention: Convention,
    liveness: ir::live::Flags,
    uppers: ir::upper::Uppers,
}

impl Lowerer {
    /// For this convention.
    #[must_use]
    pub fn new(convention: Convention) -> Self {
        Self {
            asm: Asm::new(),
            convention,
            liveness: ir::live::Flags::default(),
            uppers: ir::upper::Uppers::default(),
        }
    }

    /// The convention.
    #[must_use]
    pub const fn convention(&self) -> &Convention {
        &self.convention
    }

    /// Lowers `region`. `outside` says what of the flags is seen at a key that
    /// the region does not have.
    pub fn lower(
        &mut self,
        region: &Region,
        options: Options,
        outside: impl Fn(Key) -> Live,
        out: &mut Lowered,
    ) {
        out.entries.clear();
        out.exits.clear();
        out.faults.clear();
        out.blocks.clear();
        out.relocations.list.clear();
        out.base_words.clear();
        out.relocations.origin = region.blocks.first().map_or(0, |block| block.pc);
        self.asm.clear();
        self.liveness.compute(region, &outside);
        ir::verify::assert(region, || {
            ir::verify::flags(region, &self.liveness, &outside)
        });
        self.uppers.compute(region);
        ir::verify::assert(region, || ir::verify::uppers(region, &self.uppers));
        out.swaps = Swaps::choose(region, &self.convention);
        let mut lowering = Lowering {
            labels: region.blocks.iter().map(|_| self.asm.new_label()).collect(),
            block_in: alloc::vec![None; region.blocks.len()],
            a: &mut self.asm,
            c: &self.convention,
            live: &self.liveness,
            uppers: &self.uppers,
            outside: &outside,
            region,
            flags: Tracker::default(),
            cold: Vec::new(),
            pending_back: Vec::new(),
            begun: None,
            known: ir::upper::Upper::default(),
            joining: false,
            flushes: false,
            status_kept: None,
            held: [ir::Reg::ZERO; 2],
            products: Products::default(),
            early: 0,
            ahead: Early::default(),
            swaps: out.swaps,
            swapped: !out.swaps.is_empty(),
            base: options.base,
            out,
            index: 0,
            start: 0,
            at: 0,
            end: 0,
            pc: 0,
        };
        for index in 0..region.blocks.len() {
            lowering.block(index, options);
        }
        lowering.finish();
        self.asm.resolve();
        let code = self.asm.code();
        ir::verify::assert(region, || verify::lowered(region, out, code));
    }
}

/// One region being lowered.
pub(crate) struct Lowering<'a> {
    pub(crate) a: &'a mut Asm,
    pub(crate) c: &'a Convention,
    live: &'a ir::live::Flags,
    uppers: &'a ir::upper::Uppers,
    outside: &'a dyn Fn(Key) -> Live,
    region: &'a Region,
    out: &'a mut Lowered,
    labels: Vec<Label>,
    /// The flags' place at each block's start, once it is settled.
    block_in: Vec<Option<Tracker>>,
    flags: Tracker,
    cold: Vec<(Label, Cold)>,
    /// Where detours of the operation being lowered come back to.
    pending_back: Vec<Label>,
    /// What is being lowered under a condition.
    begun: Option<Begun>,
    /// Of vector slots, before the operation being lowered.
    known: ir::upper::Upper,
    /// Results are looked at later, together.
    joining: bool,
    /// The operation being lowered flushes ([`ir::region::Inst::flushes`]).
    flushes: bool,
    /// Where MXCSR was kept as it was before the instruction, which can be begun there again.
    status_kept: Option<Label>,
    /// The slots in memory whose values `rax` and `rcx` were given last.
    held: [ir::Reg; 2],
    /// What is borrowed and put aside to multiply.
    products: Products,
    /// The operations in front of this one are done: accesses that an operation let
    /// go first.
    early: usize,
    /// The loads and stores behind the operation being lowered that are done.
    ahead: Early,
    /// What registers hold other slots in this region.
    swaps: Swaps,
    /// Whether they do where the emitter is.
    swapped: bool,
    /// [`Options::base`].
    base: Option<u64>,
    /// The block being lowered.
    index: usize,
    /// Where the block starts in the region's list of operations.
    start: usize,
    /// The operation being lowered in that list; the block's end when
    /// its terminator is.
    at: usize,
    /// Where the block ends there.
    end: usize,
    /// Its guest address.
    pc: u64,
}

impl Lowering<'_> {
    fn block(&mut self, index: usize, options: Options) {
        let block = &self.region.blocks[index];
        self.index = index;
        (self.start, self.end) = (block.start as usize, block.end as usize);
        self.flags = self.settle_in(index, None);
        self.swapped = !self.swaps.is_empty();
        self.a.bind(self.labels[index]);
        self.known = self.uppers.at_start[index];
        self.out.blocks.push((block.pc, self.position()));
        // A thread may be stopped here: the state is known.
        self.pc = block.pc;
        self.fault_point();
        self.entry(index);
        if let Some(counters) = options.counters {
            self.count(counters, index);
        }
        self.early = 0;
        self.ahead = Early::default();
        let mut at = self.start;
        while at < self.end {
            at = match self.joined(at).or_else(|| self.keep_and_merge(at)) {
                Some(behind) => behind,
                None => {
                    self.one(at);
                    at + 1
                }
            };
        }
        self.at = self.end;
        self.give_back();
        self.term(index, block);
    }

    /// Does one operation of the block.
    fn one(&mut self, at: usize) {
        self.at = at;
        let inst = &self.region.ops[at];
        self.pc = (self.region.blocks[self.index].pc).wrapping_add(inst.offset.into());
        let op = inst.op;
        self.flushes = inst.flushes;
        if op.plain_reads().is_none() {
            self.give_back();
        }
        self.keep_flags(&op);
        if self.swapped {
            self.loads_first(&op);
            self.store_first(&op);
        }
        if at >= self.early && !self.ahead.did(at) {
            self.op(&op);
            if !self.goes_on() {
                self.bind_back();
                self.status_kept = None;
            }
        }
        self.known.after(&op);
        self.forget_overwritten(&op);
    }

    /// Makes the block's entry known, if it is one.
    fn entry(&mut self, index: usize) {
        let block = &self.region.blocks[index];
        if !block.entry {
            return;
        }
        let flags = self.live.live_in[index];
        if self.flags.fits_entry() && self.swaps.is_empty() {
            let offset = self.position();
            self.out.entries.push(Entry {
                pc: block.pc,
                offset,
                flags,
            });
        } else {
            let label = self.a.new_label();
            self.cold.push((label, Cold::Entry { block: index }));
        }
    }

    /// Adds one to a counter, leaving the flags alone.
    fn count(&mut self, first: u32, block: usize) {
        use crate::asm::{Mem, Size};
        use crate::convention::{RAX, RCX};
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            reason = "the table is some megabytes"
        )]
        let counter = Mem::disp(RCX, 8 * (first as i32 + block as i32));
        let table = self.c.state(self.c.layout.counters);
        self.a.mov_rm(Size::B64, RCX, table);
        self.a.mov_rm(Size::B64, RAX, counter);
        self.a.lea(Size::B64, RAX, Mem::disp(RAX, 1));
        self.a.mov_mr(Size::B64, counter, RAX);
    }

    fn op(&mut self, op: &Op) {
        match *op {
            Op::Imm { d, value } => self.imm(d, value),
            Op::Address { d, value } => self.address_to(d, value),
            Op::Mov { w, d, a } => self.mov(w, d, a),
            Op::MovKeep { w, d, value, shift } => self.mov_keep(w, d, value, shift),
            Op::Bin {
                op,
                w,
                d,
                a,
                b,
                set,
            } => self.bin(op, w, d, a, b, set),
            Op::Carry {
                sub,
                w,
                d,
                a,
                b,
                set,
            } => self.carry(sub, w, d, a, b, set),
            Op::Shift { op, w, d, a, b } => self.shift(op, w, d, a, b),
            Op::Extract {
                signed,
                w,
                d,
                a,
                lsb,
                width,
            } => {
                self.extract(signed, w, d, a, lsb, width);
            }
            Op::Deposit {
                signed,
                w,
                d,
                a,
                lsb,
                width,
            } => {
                self.deposit(signed, w, d, a, lsb, width);
            }
            Op::Insert {
                w,
                d,
                a,
                to,
                from,
                width,
            } => self.insert(w, d, a, to, from, width),
            Op::ExtractPair { w, d, a, b, lsb } => self.extract_pair(w, d, a, b, lsb),
            Op::MulAdd { sub, w, d, a, b, c } => self.mul_add(sub, w, d, a, b, c),
            Op::MulLong {
                signed,
                sub,
                d,
                a,
                b,
                c,
            } => self.mul_long(signed, sub, d, a, b, c),
            Op::MulHigh { signed, d, a, b } => self.mul_high(signed, d, a, b),
            Op::Div { signed, w, d, a, b } => self.div(signed, w, d, a, b),
            Op::Bits { op, w, d, a } => self.bits(op, w, d, a),
            Op::Select {
                op,
                w,
                d,
                a,
                b,
                cond,
            } => self.select(op, w, d, a, b, cond),
            Op::CondCompare {
                neg,
                w,
                a,
                b,
                cond,
                nzcv,
            } => {
                self.cond_compare(neg, w, a, b, cond, nzcv);
            }
            Op::Crc {
                castagnoli,
                size,
                d,
                a,
                b,
            } => self.crc(castagnoli, size, d, a, b),
            Op::ReadFlags { d } => self.read_flags(d),
            Op::WriteFlags { a } => self.write_flags(a),
            Op::ShiftFlags { op, d, a, amount } => self.shift_flags(op, d, a, amount),
            Op::InvertCarry => self.invert_carry(),
            Op::KeepFlags { .. } => self.flags_kept(),
            Op::MergeFlags { kept } => self.flags_merged(kept),
            Op::ReadThread { d } => self.read_thread(d),
            Op::ReadFloatControl { d } => self.read_float_control(d),
            Op::WriteThread { a } => self.write_thread(a),
            Op::Load {
                size,
                fill,
                d,
                addr,
            } => self.load(size, fill, d, addr),
            Op::LoadAcquire {
                size,
                fill,
                d,
                addr,
            } => self.load_acquire(size, fill, d, addr),
            Op::Store { size, a, addr } => self.store(size, a, addr),
            Op::LoadPair {
                size,
                fill,
                d,
                e,
                addr,
            } => self.load_pair(size, fill, d, e, addr),
            Op::StorePair { size, a, b, addr } => self.store_pair(size, a, b, addr),
            Op::StoreRelease { size, a, addr } => self.store_release(size, a, addr),
            Op::Rmw {
                op,
                size,
                d,
                a,
                base,
            } => self.rmw(op, size, d, a, base),
            Op::CompareSwap { size, d, a, base } => self.compare_swap(size, d, a, base),
            Op::LoadExclusive { size, d, base } => self.load_exclusive(size, d, base),
            Op::StoreExclusive { size, d, a, base } => self.store_exclusive(size, d, a, base),
            Op::Fence { kind } => self.fence(kind),
            Op::ZeroLine { a } => self.zero_line(a),
            Op::BulkStart { kind, d, s, n } => self.bulk_start(kind, d, s, n),
            Op::BulkRun { kind, d, s, n } => self.bulk_run(kind, d, s, n),
            Op::CheckAligned { size, a } => self.check_aligned(size, a),
            Op::If { cond } => self.begin_if(cond),
            Op::EndIf => self.end_if(),
            Op::CheckStack { a, to } => self.check_stack(a, to),
            Op::Call {
                function,
                d,
                e,
                f,
                a,
                otherwise,
            } => self.call(function, [d, e, f], a, otherwise),
            Op::Vector(ref v) => self.vector(v),
            Op::Interpret { word } => self.interpret(word),
        }
    }

    /// Whether the next operation is of the same instruction: detours of vector operations, which
    /// have that done whole, come back behind it.
    pub(crate) fn goes_on(&self) -> bool {
        match self.rest_of_block() {
            [this, next, ..] => next.offset == this.offset && next.op != Op::EndIf,
            _ => false,
        }
    }

    /// Where the emitter is.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a region's code is some kilobytes"
    )]
    fn position(&self) -> u32 {
        self.a.pos() as u32
    }

    /// The guest instruction being lowered.
    fn word(&self) -> u32 {
        self.region.ops.get(self.at).map_or(0, |inst| inst.word)
    }

    /// The block being lowered, for what looks ahead in it.
    fn rest_of_block(&self) -> &[ir::region::Inst] {
        &self.region.ops[self.at..self.end]
    }

    /// What of the flags is seen once the operation being lowered has begun:
    /// also its own faults show them, and the condition that it is under.
    fn live_from_here(&self) -> Live {
        let op = self.rest_of_block().first().map(|inst| &inst.op);
        let faults = op.is_some_and(Op::may_fault);
        // The interpreter, which may have to do such an instruction after all, asks the condition
        // once more.
        let asks = self.begun.is_some() && matches!(op, Some(Op::Vector(_)));
        let shows = faults || asks;
        (self.live_after()).max(if shows { Live::Weak } else { Live::Dead })
    }

    /// What of the flags is seen after the operation being lowered, or the
    /// block.
    fn live_after(&self) -> Live {
        if self.ahead.calms(self.at) {
            Live::Dead
        } else if self.at < self.end {
            self.live.after[self.at]
        } else {
            self.live.live_out[self.index]
        }
    }
}

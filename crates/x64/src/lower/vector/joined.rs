//! Floating-point results that are looked at together.
//!
//! Each result has to be looked at ([`super::float`]), which costs as much as the
//! arithmetic. So the instructions of a run do not look one by one. What they find is
//! gathered in a register, and one branch behind the run leaves to the interpreter if there
//! was anything. The interpreter does the whole run again, from the state before it, one
//! instruction after the other.
//!
//! A run goes from one floating-point instruction to another of the same block. Between
//! them may be loads of vector slots, which go first, and plain integer work, which goes
//! last, behind the branch. Wherever the guest's state is told, it is one that the guest
//! could have: if a load faults, the state before the run is told; the interpreter does the
//! instructions that stood in front of the load, comes to the load, and the load faults
//! there. Slots that the run both reads and overwrites are kept in the state.
//!
//! A NaN among the sources of these operations gives a NaN. So a result that another
//! operation of the run takes is not looked at for NaNs. Until the branch, a NaN may be
//! another one than the guest's. It must raise no exception that the guest's would not: so
//! all numbers of a run have one format, in which a NaN is a NaN.

use super::float::Check;
use crate::asm::{Label, Mem, V, Xmm, XmmMem};
use crate::constants::Const;
use crate::convention::SLOTS;
use crate::lower::Lowering;
use crate::lower::cold::{Again, Cold, KEPT};
use crate::lower::flags::Tracker;
use ir::vector::{Arg, FloatBin, FloatUnary, Fp, Shape, VOp};
use ir::{Op, Reg, Size, VReg};

/// How many operations a run may have.
const REACH: usize = 32;
/// How many words the state has for vector slots. The first has an operand that a VEX
/// form can't name, for as long as one instruction takes.
pub const ASIDE: usize = 1 + KEPT;

/// What an operation of a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    /// Arithmetic, whose result is looked at.
    Arithmetic { check: Check, f: Fp, shape: Shape },
    /// It only moves numbers of a format, or of any, between vector slots.
    Moves(Option<Fp>),
    /// A load of vector slots: it goes first.
    Load,
    /// Plain integer work that cannot fault: it goes last.
    Plain,
}

/// A run: which operations it has, and what is to be kept for it.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The first operation, in the region's list.
    from: usize,
    /// The one behind the last.
    to: usize,
    /// Of the operations from `from` on, a bit each: those that load.
    loads: u32,
    /// Those that work on vector slots.
    vectors: u32,
    /// Those whose NaNs another of them shows.
    shown: u32,
    /// The slots that are kept, each from before it is written first.
    kept: [Option<VReg>; KEPT],
}

impl Run {
    const fn has(&self, bits: u32, at: usize) -> bool {
        bits >> (at - self.from) & 1 != 0
    }

    /// What is done again.
    const fn again(&self) -> Again {
        Again {
            from: self.from,
            to: self.to,
            kept: self.kept,
        }
    }

    /// The place of what is kept of a slot.
    fn place(&self, reg: VReg) -> Option<usize> {
        self.kept.iter().position(|&kept| kept == Some(reg))
    }
}

/// Sets of vector slots, a bit each.
const fn bit(reg: VReg) -> u64 {
    1 << (reg.0 & 63)
}

/// The slots that an operation of a run reads, and the one that it writes.
fn slots(op: &VOp) -> (u64, VReg) {
    let of = |arg: Arg| match arg {
        Arg::Each(reg) | Arg::Lane(reg, _) => bit(reg),
        Arg::Const(_) | Arg::Zero => 0,
    };
    match *op {
        VOp::Float { d, a, b, .. } => (bit(a) | of(b), d),
        VOp::MulAdd { d, a, b, c, .. } => (bit(a) | of(b) | bit(c), d),
        VOp::FloatUnary { d, a, .. }
        | VOp::Mov { d, a, .. }
        | VOp::Dup { d, a, .. }
        | VOp::Lane { d, a, .. } => (bit(a), d),
        VOp::Imm { d, .. } => (0, d),
        // No others are in runs.
        _ => (u64::MAX, VReg(0)),
    }
}

/// The slots that an operation takes as they are, all lanes of them.
fn whole(op: &VOp) -> u64 {
    let of = |arg: Arg| match arg {
        Arg::Each(reg) => bit(reg),
        _ => 0,
    };
    match *op {
        VOp::Float { a, b, .. } => bit(a) | of(b),
        VOp::MulAdd { a, b, c, .. } => bit(a) | of(b) | bit(c),
        VOp::FloatUnary { a, .. } => bit(a),
        _ => 0,
    }
}

/// Whether operations of one shape look at all lanes that those of another write.
const fn covers(shape: Shape, other: Shape) -> bool {
    matches!(
        (shape, other),
        (Shape::Full, _)
            | (Shape::Half, Shape::Half | Shape::Scalar)
            | (Shape::Scalar, Shape::Scalar)
    )
}

/// What an operation would be in a run, if it can be in one. It leaves scratch 3 alone,
/// unless it goes first or last.
fn part(op: &Op) -> Option<Part> {
    let Op::Vector(v) = op else {
        let plain = matches!(
            op,
            Op::Imm { .. }
                | Op::Address { .. }
                | Op::Mov { .. }
                | Op::MovKeep { .. }
                | Op::Bin { .. }
                | Op::Shift { .. }
                | Op::Extract { .. }
                | Op::Deposit { .. }
                | Op::Insert { .. }
        );
        return plain.then_some(Part::Plain);
    };
    // A scalar is looked at by two instructions, so that nothing is gained.
    let arithmetic =
        |check, f, shape| (shape != Shape::Scalar).then_some(Part::Arithmetic { check, f, shape });
    match *v {
        VOp::Float { op, f, shape, .. } => match op {
            FloatBin::Add | FloatBin::Sub | FloatBin::Abd => arithmetic(Check::Nan, f, shape),
            FloatBin::Mul | FloatBin::NegMul | FloatBin::Div => arithmetic(Check::Tiny, f, shape),
            _ => None,
        },
        VOp::MulAdd { f, shape, .. } => arithmetic(Check::Tiny, f, shape),
        VOp::FloatUnary { op, f, shape, .. } => match op {
            FloatUnary::Sqrt => arithmetic(Check::Nan, f, shape),
            FloatUnary::Abs | FloatUnary::Neg => Some(Part::Moves(Some(f))),
            FloatUnary::Round(_) => None,
        },
        VOp::Mov { .. } | VOp::Imm { .. } => Some(Part::Moves(None)),
        VOp::Dup { e: Size::B4, .. } | VOp::Lane { e: Size::B4, .. } => {
            Some(Part::Moves(Some(Fp::S)))
        }
        VOp::Dup { e: Size::B8, .. }
        | VOp::Lane {
            e: Size::B8,
            lane: 1,
            ..
        } => Some(Part::Moves(Some(Fp::D))),
        VOp::Load { .. } | VOp::LoadPair { .. } => Some(Part::Load),
        _ => None,
    }
}

/// A run that is being put together.
struct Gathering {
    run: Run,
    /// Slots that were read before anything wrote them, and those that were written.
    read: u64,
    written: u64,
    /// The kept slots.
    kept: usize,
    /// Integer slots that what goes last writes, a bit each.
    moved: u64,
    /// Whether what goes last sets the flags.
    flags: bool,
    /// How much arithmetic there is, and of which format.
    checks: usize,
    format: Option<Fp>,
}

impl Gathering {
    const fn new(from: usize) -> Self {
        Self {
            run: Run {
                from,
                to: from,
                loads: 0,
                vectors: 0,
                shown: 0,
                kept: [None; KEPT],
            },
            read: 0,
            written: 0,
            kept: 0,
            moved: 0,
            flags: false,
            checks: 0,
            format: None,
        }
    }

    /// Takes an operation in, if it may be in the run.
    fn take(&mut self, at: usize, op: &Op) -> Option<Part> {
        let part = part(op)?;
        let this = 1 << (at - self.run.from);
        match (part, op) {
            (Part::Plain, _) => {
                self.flags |= op.sets_flags();
                for reg in op.written().into_iter().flatten() {
                    self.moved |= 1_u64.checked_shl(reg.0.into()).unwrap_or(0);
                }
            }
            (Part::Load, Op::Vector(v)) => {
                self.load(v)?;
                self.run.loads |= this;
            }
            (Part::Arithmetic { .. } | Part::Moves(_), Op::Vector(v)) => {
                if let Part::Arithmetic { f, .. } | Part::Moves(Some(f)) = part {
                    let same = *self.format.get_or_insert(f) == f;
                    same.then_some(())?;
                }
                self.vector(v)?;
                self.run.vectors |= this;
                self.checks += usize::from(matches!(part, Part::Arithmetic { .. }));
            }
            _ => return None,
        }
        Some(part)
    }

    /// A load can go first if nothing in front of it touches what it writes, or writes
    /// what it reads; and if a fault there shows the flags as they were before.
    fn load(&mut self, op: &VOp) -> Option<()> {
        let (d, e, addr) = match *op {
            VOp::Load { d, addr, .. } => (d, d, addr),
            VOp::LoadPair { d, e, addr, .. } => (d, e, addr),
            _ => return None,
        };
        let moved = |reg: Reg| !reg.is_zero() && self.moved >> (reg.0 & 63) & 1 != 0;
        let into = bit(d) | bit(e);
        let apart = (self.read | self.written) & into == 0;
        (apart && !self.flags && !addr.slots().into_iter().any(moved)).then_some(())?;
        // From here on it is as if it had always been so.
        self.written |= into;
        Some(())
    }

    fn vector(&mut self, op: &VOp) -> Option<()> {
        let (reads, d) = slots(op);
        let read = self.read | reads & !self.written;
        let first = self.written & bit(d) == 0;
        if first && read & bit(d) != 0 {
            *self.run.kept.get_mut(self.kept)? = Some(d);
            self.kept += 1;
        }
        self.read = read;
        self.written |= bit(d);
        Some(())
    }
}

impl Lowering<'_> {
    /// Does a run of operations that begins here, and says where it ends.
    pub(crate) fn joined(&mut self, at: usize) -> Option<usize> {
        let first = &self.region.ops[at].op;
        self.flushes = self.region.ops[at].flushes;
        let begins = matches!(first, Op::Vector(_))
            && matches!(part(first), Some(Part::Arithmetic { .. }))
            && self.swaps.is_empty();
        let run = begins.then(|| self.gather(at)).flatten()?;
        self.run(&run);
        Some(run.to)
    }

    /// The run that begins here, if it looks at two results or more.
    fn gather(&self, from: usize) -> Option<Run> {
        let ops = self.region.ops.as_slice();
        let ends = |at: usize| at + 1 == self.end || ops[at].offset != ops[at + 1].offset;
        if from > self.start && !ends(from - 1) {
            return None;
        }
        let mut gathering = Gathering::new(from);
        let mut run = None;
        let reach = self.end.min(from + REACH);
        for (at, inst) in (from..).zip(&ops[from..reach]) {
            let Some(part) = gathering.take(at, &inst.op) else {
                break;
            };
            let is_arithmetic = matches!(part, Part::Arithmetic { .. });
            if is_arithmetic && inst.flushes != ops[from].flushes {
                break;
            }
            let last = is_arithmetic && ends(at);
            if last && gathering.checks > 1 {
                run = Some(Run {
                    to: at + 1,
                    ..gathering.run
                });
            }
        }
        let mut run = run?;
        let of_run = u32::MAX >> (32 - (run.to - run.from));
        run.loads &= of_run;
        run.vectors &= of_run;
        run.shown = self.shown(&run);
        Some(run)
    }

    /// The operations whose NaNs come out of another one behind them.
    fn shown(&self, run: &Run) -> u32 {
        let mut shown = 0;
        // For each slot, the operation that gave what it has.
        let mut giver: [Option<(usize, Fp, Shape)>; SLOTS] = [None; SLOTS];
        for at in run.from..run.to {
            let Op::Vector(v) = &self.region.ops[at].op else {
                continue;
            };
            if !run.has(run.vectors, at) {
                continue;
            }
            let (_, d) = slots(v);
            let given = match part(&self.region.ops[at].op) {
                Some(Part::Arithmetic { f, shape, .. }) => {
                    let takes = whole(v);
                    for (slot, giver) in giver.iter().enumerate() {
                        if let Some((by, of, lanes)) = *giver
                            && takes >> slot & 1 != 0
                            && of == f
                            && covers(shape, lanes)
                        {
                            shown |= 1 << (by - run.from);
                        }
                    }
                    Some((at, f, shape))
                }
                _ => None,
            };
            giver[usize::from(d.0) % SLOTS] = given;
        }
        shown
    }

    fn run(&mut self, run: &Run) {
        let block = self.region.blocks[self.index].pc;
        let pc = |ops: &[ir::region::Inst], at: usize| block.wrapping_add(ops[at].offset.into());
        let ops = self.region.ops.as_slice();
        self.at = run.from;
        self.pc = pc(ops, run.from);
        self.give_back();
        // Where the host begins once more, it loads once more: what was loaded is not kept.
        self.keep_status();
        for at in (run.from..run.to).filter(|&at| run.has(run.loads, at)) {
            self.op(&ops[at].op);
            self.known.after(&ops[at].op);
        }
        let flushes = self.status_kept.take();
        let (cold, back) = (self.a.new_label(), self.a.new_label());
        let flags = self.look_at(run, cold);
        for at in run.from..run.to {
            if !run.has(run.loads | run.vectors, at) {
                self.one(at);
            }
        }
        self.give_back();
        self.a.bind(back);
        self.cold.push((
            cold,
            Cold::Again {
                flags,
                block,
                run: run.again(),
                after: self.flags_here(),
                back,
                flushes,
            },
        ));
    }

    /// Does the work on vector slots, and leaves if a result wants it. Gives the place
    /// of the flags then.
    fn look_at(&mut self, run: &Run, cold: Label) -> Tracker {
        let ops = self.region.ops.as_slice();
        let mut found = Found::default();
        self.joining = true;
        for at in (run.from..run.to).filter(|&at| run.has(run.vectors, at)) {
            let inst = &ops[at];
            let Op::Vector(v) = &inst.op else { continue };
            let (_, d) = slots(v);
            if let Some(n) = run.place(d)
                && !found.has_kept(n)
            {
                self.keep(d, n);
            }
            found.forget(self, d);
            self.vector(v);
            self.known.after(&inst.op);
            if let Some(Part::Arithmetic { check, f, .. }) = part(&inst.op) {
                let check = (check == Check::Tiny || !run.has(run.shown, at)).then_some(check);
                found.look(self, check, f, d);
            }
        }
        found.end(self);
        self.joining = false;
        self.at = run.from;
        self.clobber_to_look_once(run.to);
        if found.any {
            self.leave_if_any(Fp::S, self.s(3), cold);
        }
        self.look_at_status(cold);
        self.flags_here()
    }

    /// A slot as it is before the run.
    fn keep(&mut self, reg: VReg, n: usize) {
        let value = self.vread(reg, self.s(0));
        let place = self.aside(n);
        self.a.vstore(V::MovdquStore, place, value);
    }

    #[allow(clippy::cast_possible_truncation, reason = "one of seven")]
    fn aside(&self, n: usize) -> Mem {
        self.c.state(self.c.layout.aside + 16 * (n as u32 + 1))
    }

    /// The state before the run again, and the run by the interpreter.
    pub(crate) fn again(&mut self, run: &Again, block: u64, flushes: Option<Label>) {
        for (n, reg) in (0..).zip(run.kept) {
            let Some(reg) = reg else { break };
            let place = self.aside(n);
            let t = self.vtarget(reg, self.s(0));
            self.a.v2(V::Movdqu, t, place);
            self.vwrite(reg, t);
        }
        self.flags_to_state();
        if let Some(begin) = flushes {
            self.restore_status(begin);
        }
        let mut last = None;
        for inst in &self.region.ops[run.from..run.to] {
            if last != Some(inst.offset) {
                self.pc = block.wrapping_add(inst.offset.into());
                self.call_interpreter(inst.word);
            }
            last = Some(inst.offset);
        }
        self.flags_in_state();
    }
}

/// What was found so far, in scratch 3.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    any: bool,
    /// The slots that were kept, a bit each.
    kept: u32,
    /// A result that is still to be looked at for NaNs.
    waits: Option<(Fp, VReg)>,
}

impl Found {
    fn has_kept(&mut self, n: usize) -> bool {
        let before = self.kept >> n & 1 != 0;
        self.kept |= 1 << n;
        before
    }

    /// A slot is about to be overwritten.
    fn forget(&mut self, lowering: &mut Lowering<'_>, d: VReg) {
        if self.waits.is_some_and(|(_, reg)| reg == d) {
            self.end(lowering);
        }
    }

    /// Looks at a result. Two are looked at for NaNs by one comparison.
    fn look(&mut self, lowering: &mut Lowering<'_>, check: Option<Check>, f: Fp, d: VReg) {
        match (check, self.waits) {
            (None, _) => {}
            (Some(Check::Tiny), _) => {
                let s = lowering.s(0);
                let r = lowering.vread(d, s);
                let (abs, normal) = match f {
                    Fp::S => (Const::AbsS, Const::NormalS),
                    Fp::D => (Const::AbsD, Const::NormalD),
                };
                lowering.v3(V::Andps, s, r, lowering.k(abs));
                // Predicate: equal or unordered, quiet.
                let normal = lowering.k(normal);
                self.compare(lowering, f, s, normal.into(), 8);
            }
            (Some(Check::Nan), Some((of, _))) if of != f => {
                self.end(lowering);
                self.waits = Some((f, d));
            }
            (Some(Check::Nan), Some((_, first))) => {
                self.waits = None;
                self.unordered(lowering, f, first, d);
            }
            (Some(Check::Nan), None) => self.waits = Some((f, d)),
        }
    }

    /// Looks at what waits.
    fn end(&mut self, lowering: &mut Lowering<'_>) {
        if let Some((f, reg)) = self.waits.take() {
            self.unordered(lowering, f, reg, reg);
        }
    }

    fn unordered(&mut self, lowering: &mut Lowering<'_>, f: Fp, first: VReg, second: VReg) {
        let (s, t) = (lowering.s(0), lowering.s(1));
        let x = lowering.vread_low(first, s);
        let y = if first == second {
            x
        } else {
            lowering.vread_low(second, t)
        };
        self.compare(lowering, f, x, y.into(), 3);
    }

    fn compare(&mut self, lowering: &mut Lowering<'_>, f: Fp, x: Xmm, y: XmmMem, predicate: u8) {
        let row = if f == Fp::S { V::Cmpps } else { V::Cmppd };
        let (s, gathered) = (lowering.s(0), lowering.s(3));
        if core::mem::replace(&mut self.any, true) {
            lowering.v3i(row, s, x, y, predicate);
            lowering.v3(V::Orps, gathered, gathered, s);
        } else {
            lowering.v3i(row, gathered, x, y, predicate);
        }
    }
}

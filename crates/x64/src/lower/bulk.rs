//! Runs of memory copied and set.
//!
//! Up to [`INLINE`] bytes are moved here. All of them are loaded before the first is stored,
//! so it does not matter which way the copy goes. And the target must lie on one page, so
//! that a fault finds nothing done. A longer run, and one that might fault half-way, is left
//! to the interpreter, which says after each access how much is left.

use super::Lowering;
use super::cold::Cold;
use super::flags::Tracker;
use crate::asm::{Alu, Cond as Cc, Gpr, Label, Mem, Shift, Size, V, Xmm};
use crate::convention::{RAX, RCX};
use ir::inst::Bulk;
use ir::{Op, Reg};

/// Four vectors of 16.
const INLINE: i32 = 64;
const PAGE: i32 = 4096;

/// A range of memory by a register at its start and how far its end is from
/// there, or the other way round.
#[derive(Clone, Copy)]
struct Run {
    start: Mem,
    end: Mem,
}

impl Run {
    /// `at` is the end, and `n` minus the length.
    fn below(at: Gpr, n: Gpr) -> Self {
        let (start, end) = (Mem::index(at, n, 1, 0), Mem::base(at));
        Self { start, end }
    }

    /// `at` is the start, and `n` the length.
    fn above(at: Gpr, n: Gpr) -> Self {
        let (start, end) = (Mem::base(at), Mem::index(at, n, 1, 0));
        Self { start, end }
    }

    const fn at_start(self, by: i32) -> Mem {
        super::memory::next(self.start, by)
    }

    const fn before_end(self, by: i32) -> Mem {
        super::memory::next(self.end, -by)
    }
}

/// Where the bytes come from.
#[derive(Clone, Copy)]
enum From {
    Memory(Run),
    /// All 16 bytes of it are the one that is set.
    Vector(Xmm),
}

impl Lowering<'_> {
    pub(crate) fn bulk_start(&mut self, kind: Bulk, d: Reg, s: Reg, n: Reg) {
        // Nobody looks at the old flags any more.
        self.flags_are(Tracker::NOWHERE);
        let done = self.a.new_label();
        self.read_to(n, RCX);
        self.a.mov_ri(RAX, kind.most());
        self.a.alu_rr(Size::B64, Alu::Cmp, RCX, RAX);
        self.a.cmov(Size::B64, Cc::A, RCX, RAX);
        if kind == Bulk::Copy {
            self.write(n, RCX);
            self.if_downward(d, s, n, done);
            self.read_to(n, RCX);
        }
        self.add_count(d);
        if kind != Bulk::Set {
            self.add_count(s);
        }
        self.a.neg(Size::B64, RCX);
        self.write(n, RCX);
        self.a.bind(done);
        self.flags_are(Tracker::constant(0));
    }

    /// Jumps if a copy of n bytes begins within its source, after its start. The
    /// top byte of the addresses does not count.
    fn if_downward(&mut self, d: Reg, s: Reg, n: Reg, downward: Label) {
        let upward = self.a.new_label();
        self.read_to(s, RCX);
        self.a.shift_ri(Size::B64, Shift::Shl, RCX, 8);
        self.read_to(d, RAX);
        self.a.shift_ri(Size::B64, Shift::Shl, RAX, 8);
        self.a.alu_rr(Size::B64, Alu::Sub, RAX, RCX);
        self.a.jcc_short(Cc::BE, upward);
        self.a.shift_ri(Size::B64, Shift::Shr, RAX, 8);
        let n = self.read(n, RCX);
        self.a.alu_rr(Size::B64, Alu::Cmp, RAX, n);
        self.a.jcc(Cc::B, downward);
        self.a.bind(upward);
    }

    /// reg += `rcx`
    fn add_count(&mut self, reg: Reg) {
        let r = self.read(reg, RAX);
        self.a.alu_rr(Size::B64, Alu::Add, r, RCX);
        self.write(reg, r);
    }

    pub(crate) fn bulk_run(&mut self, kind: Bulk, d: Reg, s: Reg, n: Reg) {
        let word = self.word();
        // Set flags say that the slots are in another form.
        if self.flags_here() != Tracker::constant(0) {
            return self.interpret(word);
        }
        if self.follows_run(d, s, n) {
            return;
        }
        let source = if s.is_zero() {
            Some(RAX)
        } else {
            self.pinned(s)
        };
        let (Some(d), Some(s), Some(n)) = (self.pinned(d), source, self.pinned(n)) else {
            return self.interpret(word);
        };
        let slow = self.a.new_label();
        let back = self.a.new_label();
        let done = self.a.new_label();
        let cold = Cold::interpret(self.pc, word, self.flags_here(), back);
        self.cold.push((slow, cold));
        if kind == Bulk::Copy {
            let upward = self.a.new_label();
            self.a.test_rr(Size::B64, n, n);
            self.a.jcc(Cc::LE, upward);
            self.downward(d, s, n, slow, done);
            self.a.bind(upward);
        }
        self.upward(kind, d, s, n, slow, done);
        self.a.bind(done);
        self.a.mov_ri(n, 0);
        self.a.bind(back);
    }

    /// Whether the operation before has done all of it.
    fn follows_run(&self, d: Reg, s: Reg, n: Reg) -> bool {
        let run = |op: &Op| match *op {
            Op::BulkRun { d, s, n, .. } => Some([d, s, n]),
            _ => None,
        };
        let before = &self.region.ops[self.start..self.at];
        before.last().and_then(|inst| run(&inst.op)) == Some([d, s, n])
    }

    /// `d` and `s` are the ends, `n` is minus the count, which `rcx` is from
    /// here on.
    fn upward(&mut self, kind: Bulk, d: Gpr, s: Gpr, n: Gpr, slow: Label, done: Label) {
        self.a.mov_rr(Size::B64, RCX, n);
        self.a.neg(Size::B64, RCX);
        self.a.alu_ri(Size::B64, Alu::Cmp, RCX, INLINE);
        self.a.jcc(Cc::A, slow);
        self.a.mov_rr(Size::B32, RAX, d);
        self.a.alu_ri(Size::B32, Alu::And, RAX, PAGE - 1);
        self.a.alu_rr(Size::B32, Alu::Cmp, RAX, RCX);
        self.a.jcc(Cc::B, slow);
        let from = if kind == Bulk::Set {
            From::Vector(self.byte_vector(s))
        } else {
            // What a target inside the source makes of it depends on the pieces.
            self.a.mov_rr(Size::B64, RAX, d);
            self.a.alu_rr(Size::B64, Alu::Sub, RAX, s);
            self.a.alu_rr(Size::B64, Alu::Cmp, RAX, RCX);
            self.a.jcc(Cc::B, slow);
            From::Memory(Run::below(s, n))
        };
        self.pieces(from, Run::below(d, n), done);
    }

    /// `d` and `s` are the starts, `n` is the count, which `rcx` is from here
    /// on.
    fn downward(&mut self, d: Gpr, s: Gpr, n: Gpr, slow: Label, done: Label) {
        self.a.mov_rr(Size::B64, RCX, n);
        self.a.alu_ri(Size::B64, Alu::Cmp, RCX, INLINE);
        self.a.jcc(Cc::A, slow);
        self.a.mov_rr(Size::B32, RAX, d);
        self.a.alu_ri(Size::B32, Alu::And, RAX, PAGE - 1);
        self.a.alu_rr(Size::B32, Alu::Add, RAX, RCX);
        self.a.alu_ri(Size::B32, Alu::Cmp, RAX, PAGE);
        self.a.jcc(Cc::A, slow);
        self.pieces(From::Memory(Run::above(s, n)), Run::above(d, n), done);
        self.a.jmp(done);
    }

    /// The low byte of `s`, or zero for `rax`, which holds no slot.
    fn byte_vector(&mut self, s: Gpr) -> Xmm {
        let x = self.c.vec_scratch[0];
        if s == RAX {
            self.a.v3(V::Pxor, x, x, x);
        } else {
            self.a.vmov_from_gpr(Size::B32, x, s);
            self.a.v2(V::Pbroadcastb, x, x);
        }
        x
    }

    /// Moves `rcx` bytes, from 0 to [`INLINE`], by pieces from both ends that
    /// overlap in the middle.
    fn pieces(&mut self, from: From, to: Run, done: Label) {
        for (least, size, rounds) in [
            (33, 16, 2),
            (16, 16, 1),
            (8, 8, 1),
            (4, 4, 1),
            (2, 2, 1),
            (1, 1, 1),
        ] {
            let less = self.a.new_label();
            self.a.alu_ri(Size::B32, Alu::Cmp, RCX, least);
            self.a.jcc(Cc::B, less);
            match from {
                From::Memory(from) => self.copy_pieces(from, to, size, rounds),
                From::Vector(x) => self.set_pieces(x, to, size, rounds),
            }
            self.a.jmp(done);
            self.a.bind(less);
        }
    }

    fn copy_pieces(&mut self, from: Run, to: Run, size: i32, rounds: i32) {
        let scratch = self.c.vec_scratch;
        let places = (0..rounds).flat_map(|n| {
            let pair = move |run: Run| [run.at_start(n * size), run.before_end((n + 1) * size)];
            pair(from).into_iter().zip(pair(to))
        });
        let moves: alloc::vec::Vec<_> = places.zip(scratch).collect();
        for &((from, _), x) in &moves {
            self.fault_point();
            match size {
                16 => self.a.v2(V::Movdqu, x, from),
                8 => self.a.v2(V::Movq, x, from),
                4 => self.a.vpinsr(Size::B32, x, x, from, 0),
                2 => self.a.vpinsr(Size::B16, x, x, from, 0),
                _ => self.a.vpinsr(Size::B8, x, x, from, 0),
            }
        }
        for &((_, to), x) in &moves {
            self.store_piece(x, to, size);
        }
    }

    fn set_pieces(&mut self, x: Xmm, to: Run, size: i32, rounds: i32) {
        for n in 0..rounds {
            self.store_piece(x, to.at_start(n * size), size);
            self.store_piece(x, to.before_end((n + 1) * size), size);
        }
    }

    fn store_piece(&mut self, x: Xmm, to: Mem, size: i32) {
        self.fault_point();
        match size {
            16 => self.a.vstore(V::MovdquStore, to, x),
            8 => self.a.vstore(V::MovqStore, to, x),
            4 => self.a.vpextr(Size::B32, to, x, 0),
            2 => self.a.vpextr(Size::B16, to, x, 0),
            _ => self.a.vpextr(Size::B8, to, x, 0),
        }
    }
}

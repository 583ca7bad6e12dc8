//! Bit fields and operations on bits: fields taken out and put in, counts, reversals,
//! checksums.
//!
//! BMI2's instructions leave EFLAGS alone; before any other one that changes them, the guest's
//! flags are saved if they are still to be seen (`clobber`). Each operation has forms for the
//! widths that the host has instructions for, and a general one.

use super::Lowering;
use crate::asm::{Alu, Mem, RegMem, Shift, Size};
use crate::constants::Const;
use crate::convention::{RAX, RCX};
use ir::inst::BitOp;
use ir::{Op, Reg, Width};

/// The low `width` bits.
const fn low(width: u8) -> u64 {
    u64::MAX >> (64 - width)
}

/// The operand size of so many bits, if there is one.
const fn whole(width: u8) -> Option<Size> {
    match width {
        8 => Some(Size::B8),
        16 => Some(Size::B16),
        32 => Some(Size::B32),
        64 => Some(Size::B64),
        _ => None,
    }
}

impl Lowering<'_> {
    pub(crate) fn extract(&mut self, signed: bool, w: Width, d: Reg, a: Reg, lsb: u8, width: u8) {
        let size = Size::from(w);
        let t = self.target(d, RAX);
        if let Some(part) = whole(width) {
            let mut from = self.source(a, RAX);
            if lsb != 0 {
                self.a.rorx(size, t, from, lsb);
                from = RegMem::Reg(t);
            }
            self.extend(signed, size, part, t, from);
        } else if lsb + width == w.bits() {
            // A shift right to the end of the register.
            let shift = if signed { Shift::Sar } else { Shift::Shr };
            self.shift_by(size, shift, t, a, lsb);
        } else if !signed && width < 32 {
            self.clobber();
            let mut from = self.source(a, RAX);
            if lsb != 0 {
                self.a.rorx(size, t, from, lsb);
                from = RegMem::Reg(t);
            }
            if from != RegMem::Reg(t) {
                self.mov_any(Size::B32, t, from);
            }
            #[allow(clippy::cast_possible_truncation, reason = "below 32 bits")]
            self.a.alu_ri(Size::B32, Alu::And, t, low(width) as i32);
        } else {
            self.clobber();
            let from = self.source(a, t);
            if from != RegMem::Reg(t) {
                self.mov_any(size, t, from);
            }
            self.a.shift_ri(size, Shift::Shl, t, w.bits() - lsb - width);
            let shift = if signed { Shift::Sar } else { Shift::Shr };
            self.a.shift_ri(size, shift, t, w.bits() - width);
        }
        self.write(d, t);
    }

    /// t = the low part of `from`, extended to `size`.
    fn extend(&mut self, signed: bool, size: Size, part: Size, t: crate::asm::Gpr, from: RegMem) {
        if part == size || (!signed && part == Size::B32) {
            self.mov_any(part, t, from);
        } else if signed {
            self.a.movsx(size, part, t, from);
        } else {
            self.a.movzx(Size::B32, part, t, from);
        }
    }

    /// t = a shifted by a constant.
    fn shift_by(&mut self, size: Size, shift: Shift, t: crate::asm::Gpr, a: Reg, by: u8) {
        if by != 0 && !self.clobber_is_free() {
            self.a.mov_ri(RCX, by.into());
            let from = self.source(a, RAX);
            return self.shift_x(size, shift, t, from, RCX);
        }
        self.clobber();
        let from = self.source(a, t);
        if from != RegMem::Reg(t) || by == 0 {
            self.mov_any(size, t, from);
        }
        if by != 0 {
            self.a.shift_ri(size, shift, t, by);
        }
    }

    pub(crate) fn deposit(&mut self, signed: bool, w: Width, d: Reg, a: Reg, lsb: u8, width: u8) {
        let size = Size::from(w);
        let t = self.target(d, RAX);
        if lsb + width == w.bits() {
            if (1..=3).contains(&lsb) && !(self.pinned(a) == Some(t) && self.clobber_is_free()) {
                let a = self.read(a, RAX);
                let scaled = Mem {
                    base: None,
                    index: Some((a, 1 << lsb)),
                    disp: 0,
                };
                self.a.lea(size, t, scaled);
            } else {
                self.shift_by(size, Shift::Shl, t, a, lsb);
            }
            return self.write(d, t);
        }
        if let Some(part) = whole(width) {
            let from = self.source(a, RAX);
            if (1..=3).contains(&lsb) {
                self.extend(signed, size, part, t, from);
                let scaled = Mem {
                    base: None,
                    index: Some((t, 1 << lsb)),
                    disp: 0,
                };
                self.a.lea(size, t, scaled);
            } else {
                self.clobber();
                let from = self.source(a, RAX);
                self.extend(signed, size, part, t, from);
                if lsb != 0 {
                    self.a.shift_ri(size, Shift::Shl, t, lsb);
                }
            }
            return self.write(d, t);
        }
        self.clobber();
        let from = self.source(a, t);
        if from != RegMem::Reg(t) {
            self.mov_any(size, t, from);
        }
        self.a.shift_ri(size, Shift::Shl, t, w.bits() - width);
        let shift = if signed { Shift::Sar } else { Shift::Shr };
        self.a.shift_ri(size, shift, t, w.bits() - width - lsb);
        self.write(d, t);
    }

    pub(crate) fn insert(&mut self, w: Width, d: Reg, a: Reg, to: u8, from: u8, width: u8) {
        let size = Size::from(w);
        self.clobber();
        // rcx = the field in its place
        let source = self.source(a, RCX);
        if width == w.bits() {
            self.mov_any(size, RCX, source);
            return self.write(d, RCX);
        }
        self.mov_any(size, RCX, source);
        self.a
            .shift_ri(size, Shift::Shl, RCX, w.bits() - from - width);
        self.a.shift_ri(size, Shift::Shr, RCX, w.bits() - width);
        if to != 0 {
            self.a.shift_ri(size, Shift::Shl, RCX, to);
        }
        let hole = !(low(width) << to) & w.mask();
        let t = self.target(d, RAX);
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_possible_wrap,
            reason = "the low 32 bits, or a checked conversion"
        )]
        let imm = match w {
            Width::W32 => Some(hole as u32 as i32),
            Width::W64 => i32::try_from(hole as i64).ok(),
        };
        match imm {
            Some(imm) => {
                if t == RAX {
                    self.read_to(d, RAX);
                }
                self.a.alu_ri(size, Alu::And, t, imm);
                self.a.alu_rr(size, Alu::Or, t, RCX);
                self.write(d, t);
            }
            None => {
                self.a.mov_ri(RAX, hole);
                match self.source(d, RAX) {
                    RegMem::Reg(d) => self.a.alu_rr(size, Alu::And, RAX, d),
                    RegMem::Mem(d) => self.a.alu_rm(size, Alu::And, RAX, d),
                }
                self.a.alu_rr(size, Alu::Or, RAX, RCX);
                self.write(d, RAX);
            }
        }
    }

    pub(crate) fn extract_pair(&mut self, w: Width, d: Reg, a: Reg, b: Reg, lsb: u8) {
        let size = Size::from(w);
        let t = self.target(d, RAX);
        if a == b {
            let source = self.source(a, RAX);
            self.a.rorx(size, t, source, lsb);
            return self.write(d, t);
        }
        if lsb == 0 {
            return self.mov(w, d, b);
        }
        if !self.clobber_is_free() {
            return self.extract_pair_by_shifts(w, d, a, b, lsb);
        }
        self.clobber();
        let b = self.source(b, RAX);
        self.mov_any(size, RAX, b);
        let a = self.read(a, RCX);
        self.a.shrd_rri(size, RAX, a, lsb);
        self.write(d, RAX);
    }

    /// The same, leaving the flags alone: the low half's part plus the high one's.
    fn extract_pair_by_shifts(&mut self, w: Width, d: Reg, a: Reg, b: Reg, lsb: u8) {
        let size = Size::from(w);
        let b = self.source(b, RCX);
        self.a.mov_ri(RAX, lsb.into());
        self.a.shrx(size, RCX, b, RAX);
        if a.is_zero() {
            return self.write(d, RCX);
        }
        let t = self.target(d, RAX);
        let left = w.bits() - lsb;
        if left <= 3 {
            let a = self.read(a, RAX);
            self.a.lea(size, t, Mem::index(RCX, a, 1 << left, 0));
        } else {
            let a = self.unmoved(a);
            self.a.mov_ri(RAX, left.into());
            self.a.shlx(size, RAX, a, RAX);
            self.a.lea(size, t, Mem::index(RAX, RCX, 1, 0));
        }
        self.write(d, t);
    }

    pub(crate) fn bits(&mut self, op: BitOp, w: Width, d: Reg, a: Reg) {
        let size = Size::from(w);
        let t = self.target(d, RAX);
        match op {
            BitOp::Clz => {
                self.clobber();
                match self.reversed_here(d) {
                    Some(from) => {
                        let from = self.source(from, RAX);
                        self.a.tzcnt(size, t, from);
                    }
                    None => {
                        let a = self.source(a, RAX);
                        self.a.lzcnt(size, t, a);
                    }
                }
            }
            BitOp::Cls => {
                self.clobber();
                let a = self.source(a, RAX);
                self.mov_any(size, RAX, a);
                self.a.mov_rr(size, RCX, RAX);
                self.a.shift_ri(size, Shift::Sar, RCX, 1);
                self.a.alu_rr(size, Alu::Xor, RAX, RCX);
                // Bit 63 is clear now: at least one leading zero.
                self.a.lzcnt(size, t, RegMem::Reg(RAX));
                self.a.lea(size, t, Mem::disp(t, -1));
            }
            BitOp::Rbit => return self.reverse_bits(w, d, a),
            BitOp::Rev64 => self.swap_bytes(Size::B64, t, a),
            BitOp::Rev32 if w == Width::W32 => self.swap_bytes(Size::B32, t, a),
            BitOp::Rev32 => {
                self.swap_bytes(Size::B64, t, a);
                self.a.rorx(Size::B64, t, t, 32);
            }
            BitOp::Rev16 => {
                self.clobber();
                let a = self.source(a, RAX);
                self.mov_any(size, RAX, a);
                self.swap_parts(w, 8, Const::LowBytes);
                return self.write(d, RAX);
            }
        }
        self.write(d, t);
    }

    fn swap_bytes(&mut self, size: Size, t: crate::asm::Gpr, a: Reg) {
        let a = self.source(a, t);
        if a != RegMem::Reg(t) {
            self.mov_any(size, t, a);
        }
        self.a.bswap(size, t);
    }

    /// The upper `by` bits of each part of `rax` change places with its lower
    /// ones, which `low` masks. Overwrites `rcx`.
    fn swap_parts(&mut self, w: Width, by: u8, low: Const) {
        let size = Size::from(w);
        let mask = self.k(low);
        self.a.mov_rr(size, RCX, RAX);
        self.a.shift_ri(size, Shift::Shr, RAX, by);
        self.a.alu_rm(size, Alu::And, RAX, mask);
        self.a.alu_rm(size, Alu::And, RCX, mask);
        self.a.shift_ri(size, Shift::Shl, RCX, by);
        self.a.alu_rr(size, Alu::Or, RAX, RCX);
    }

    /// d = the bits of a in opposite order: bytes swapped, then nibbles, pairs
    /// and bits. Nothing if the next operation is to count from the other end.
    fn reverse_bits(&mut self, w: Width, d: Reg, a: Reg) {
        if self.counts_reversed(self.at + 1, d) {
            return;
        }
        self.clobber();
        self.swap_bytes(w.into(), RAX, a);
        self.swap_parts(w, 4, Const::Nibbles);
        self.swap_parts(w, 2, Const::Pairs);
        self.swap_parts(w, 1, Const::Alternate);
        self.write(d, RAX);
    }

    /// What the `Rbit` before this `Clz` was to reverse, if it has been left out.
    fn reversed_here(&self, d: Reg) -> Option<Reg> {
        if self.at == self.start || !self.counts_reversed(self.at, d) {
            return None;
        }
        match self.region.ops[self.at - 1].op {
            Op::Bits { a, .. } => Some(a),
            _ => None,
        }
    }

    /// Whether the operation at `at` counts the leading zeros of what `Rbit` has
    /// left in `d`, and overwrites it.
    fn counts_reversed(&self, at: usize, d: Reg) -> bool {
        let ops = &self.region.ops[..self.end];
        let (Some(rbit), Some(clz)) = (ops.get(at - 1), ops.get(at)) else {
            return false;
        };
        matches!(
            (rbit.op, clz.op),
            (
                Op::Bits { op: BitOp::Rbit, w, d: between, .. },
                Op::Bits { op: BitOp::Clz, w: as_wide, d: over, a },
            ) if w == as_wide && [between, over, a] == [d; 3]
        )
    }

    pub(crate) fn crc(&mut self, castagnoli: bool, size: ir::Size, d: Reg, a: Reg, b: Reg) {
        if !castagnoli && self.c.host.pclmul {
            return self.crc_by_products(size, d, a, b);
        }
        if !castagnoli {
            let word = self.word();
            return self.interpret(word);
        }
        let source = self.source(a, RAX);
        self.mov_any(Size::B32, RAX, source);
        let b = self.read(b, RCX);
        let size = match size {
            ir::Size::B1 => Size::B8,
            ir::Size::B2 => Size::B16,
            ir::Size::B4 => Size::B32,
            ir::Size::B8 | ir::Size::B16 => Size::B64,
        };
        self.a.crc32(size, RAX, b);
        self.write(d, RAX);
    }
}

//! Shifts of lanes by a constant, and operations on the bits of each lane.

use super::lanes::{ADD, SUB, by_size};
use crate::asm::{V, Xmm};
use crate::constants::Const;
use crate::lower::Lowering;
use ir::vector::{ShiftLanes, Unary};
use ir::{Size, VReg};

const LEFT: [V; 4] = [V::PsllwI, V::PsllwI, V::PslldI, V::PsllqI];
const RIGHT: [V; 4] = [V::PsrlwI, V::PsrlwI, V::PsrldI, V::PsrlqI];

#[allow(clippy::cast_possible_truncation, reason = "at most 64")]
const fn bits(e: Size) -> u8 {
    e.bytes() * 8
}

impl Lowering<'_> {
    pub(super) fn shift_lanes(
        &mut self,
        op: ShiftLanes,
        e: Size,
        half: bool,
        d: VReg,
        a: VReg,
        by: u8,
    ) {
        let x = self.vread(a, self.s(0));
        let zero = self.is_zero_above(a, Size::B8);
        let t = self.s(2);
        let cut = match op {
            ShiftLanes::Shl | ShiftLanes::Sshr | ShiftLanes::Ushr => {
                let cut = half && !zero;
                let t = self.last(cut, d, t);
                match op {
                    ShiftLanes::Shl => self.left(e, t, x, by),
                    _ => self.right(op == ShiftLanes::Sshr, e, t, x, by),
                }
                return self.vdone(cut, d, t);
            }
            ShiftLanes::Srshr | ShiftLanes::Urshr => half && !zero,
            _ => half && !(zero && self.is_zero_above(d, Size::B8)),
        };
        let to = self.last(cut, d, t);
        match op {
            ShiftLanes::Ssra | ShiftLanes::Usra => {
                self.right(op == ShiftLanes::Ssra, e, t, x, by);
                let old = self.vread(d, self.s(0));
                self.v3(by_size(e, ADD), to, t, old);
            }
            ShiftLanes::Srshr | ShiftLanes::Urshr => {
                self.right(op == ShiftLanes::Srshr, e, t, x, by);
                let s = self.s(3);
                self.rounding_bit(e, s, x, by);
                self.v3(by_size(e, ADD), to, t, s);
            }
            ShiftLanes::Srsra | ShiftLanes::Ursra => {
                self.right(op == ShiftLanes::Srsra, e, t, x, by);
                let s = self.s(3);
                self.rounding_bit(e, s, x, by);
                self.v3(by_size(e, ADD), t, t, s);
                let old = self.vread(d, self.s(0));
                self.v3(by_size(e, ADD), to, t, old);
            }
            ShiftLanes::Sli if by == 0 => self.a.v2(V::Movdqu, to, x),
            ShiftLanes::Sli => {
                self.left(e, t, x, by);
                {
                    let (s, out) = (self.s(3), bits(e) - by);
                    let old = self.vread(d, s);
                    self.left(e, s, old, out);
                    self.right(false, e, s, s, out);
                    self.v3(V::Por, to, t, s);
                }
            }
            ShiftLanes::Sri => {
                self.right(false, e, t, x, by);
                let (s, out) = (self.s(3), bits(e) - by);
                let old = self.vread(d, s);
                self.right(false, e, s, old, out);
                self.left(e, s, s, out);
                self.v3(V::Por, to, t, s);
            }
            _ => {}
        }
        self.vdone(cut, d, to);
    }

    /// t = x shifted left, by less than the width.
    pub(super) fn left(&mut self, e: Size, t: Xmm, x: Xmm, by: u8) {
        self.vshift(by_size(e, LEFT), t, x, by);
        if e == Size::B1 {
            self.v3(V::Pand, t, t, self.k_at(Const::BytesLeft, by & 7));
        }
    }

    /// t = x shifted right, by at most the width. Uses scratch 1 for signed
    /// doublewords.
    pub(super) fn right(&mut self, signed: bool, e: Size, t: Xmm, x: Xmm, by: u8) {
        if !signed {
            if e == Size::B1 && by == 8 {
                return self.a.v3(V::Pxor, t, t, t);
            }
            self.vshift(by_size(e, RIGHT), t, x, by);
            if e == Size::B1 {
                self.v3(V::Pand, t, t, self.k_at(Const::BytesRight, by & 7));
            }
            return;
        }
        // All bits are the sign's from one less than the width on.
        let by = by.min(bits(e) - 1);
        match e {
            Size::B1 => {
                let sign = self.k_at(Const::BytesSign, by);
                self.vshift(V::PsrlwI, t, x, by);
                self.v3(V::Pand, t, t, self.k_at(Const::BytesRight, by));
                self.v3(V::Pxor, t, t, sign);
                self.v3(V::Psubb, t, t, sign);
            }
            Size::B2 => self.vshift(V::PsrawI, t, x, by),
            Size::B4 => self.vshift(V::PsradI, t, x, by),
            _ if self.c.host.avx512 => self.vshift(V::PsraqI, t, x, by),
            _ if by == 0 => self.a.v2(V::Movdqu, t, x),
            _ => {
                let sign = self.s(1);
                self.a.v3(V::Pxor, sign, sign, sign);
                self.v3(V::Pcmpgtq, sign, sign, x);
                self.vshift(V::PsllqI, sign, sign, 64 - by);
                self.vshift(V::PsrlqI, t, x, by);
                self.v3(V::Por, t, t, sign);
            }
        }
    }

    /// s = the last bit that a right shift drops.
    pub(super) fn rounding_bit(&mut self, e: Size, s: Xmm, x: Xmm, by: u8) {
        let one = match e {
            Size::B1 => Const::OneB,
            Size::B2 => Const::OneH,
            Size::B4 => Const::OneS,
            _ => Const::OneD,
        };
        self.right(false, e, s, x, by.saturating_sub(1));
        self.v3(V::Pand, s, s, self.k(one));
    }

    pub(super) fn unary(&mut self, op: Unary, e: Size, half: bool, d: VReg, a: VReg) {
        let x = self.vread(a, self.s(0));
        let sums = matches!(op, Unary::Sadalp | Unary::Uadalp);
        let zero = self.is_zero_above(a, Size::B8);
        let cut = half
            && match op {
                Unary::Not | Unary::Clz => true,
                _ if sums => !(zero && self.is_zero_above(d, Size::B8)),
                _ => !zero,
            };
        let t = if sums {
            self.s(2)
        } else {
            self.apart(cut, d, &[a])
        };
        let mut to = t;
        let done = match op {
            Unary::Neg => {
                self.a.v3(V::Pxor, t, t, t);
                self.v3(by_size(e, SUB), t, t, x);
                true
            }
            Unary::Not => {
                to = self.last(cut, d, t);
                self.v3(V::Pxor, to, x, self.k(Const::Ones));
                true
            }
            Unary::Abs => {
                self.absolute(e, t, x);
                true
            }
            Unary::Cnt => {
                self.count_bits(t, x);
                true
            }
            Unary::Clz => self.leading_zeros(e, t, x),
            Unary::Rbit => {
                self.reverse_byte_bits(t, x);
                true
            }
            Unary::Rev16 | Unary::Rev32 | Unary::Rev64 => {
                self.reverse_lanes(op, e, t, x);
                true
            }
            _ => {
                self.pair_sums(op, e, t, x);
                if sums {
                    let old = self.vread(d, self.s(0));
                    let wide = by_size(e, [V::Paddw, V::Paddd, V::Paddq, V::Paddq]);
                    to = self.last(cut, d, t);
                    self.v3(wide, to, t, old);
                }
                true
            }
        };
        if !done {
            return self.fall_back();
        }
        self.vdone(cut, d, to);
    }

    fn absolute(&mut self, e: Size, t: Xmm, x: Xmm) {
        match e {
            Size::B1 => self.v2(V::Pabsb, t, x),
            Size::B2 => self.v2(V::Pabsw, t, x),
            Size::B4 => self.v2(V::Pabsd, t, x),
            _ if self.c.host.avx512 => self.v2(V::Pabsq, t, x),
            _ => {
                let s = self.s(3);
                self.a.v3(V::Pxor, s, s, s);
                self.v3(V::Pcmpgtq, s, s, x);
                self.v3(V::Pxor, t, x, s);
                self.v3(V::Psubq, t, t, s);
            }
        }
    }

    /// Looks each nibble up: t = the table's entry for the low one, and
    /// scratch 3 that for the high one.
    fn nibbles(&mut self, t: Xmm, x: Xmm, low: Const, high: Const) {
        let (s, index) = (self.s(3), self.s(1));
        let mask = self.k(Const::Nibbles);
        self.vshift(V::PsrlwI, s, x, 4);
        self.v3(V::Pand, index, x, mask);
        self.v3(V::Pand, s, s, mask);
        self.a.v2(V::Movdqu, t, self.k(low));
        self.v3(V::Pshufb, t, t, index);
        self.a.v2(V::Movdqu, index, self.k(high));
        self.v3(V::Pshufb, s, index, s);
    }

    fn count_bits(&mut self, t: Xmm, x: Xmm) {
        if self.c.host.bitalg {
            return self.v2(V::Popcntb, t, x);
        }
        self.nibbles(t, x, Const::Counts, Const::Counts);
        self.v3(V::Paddb, t, t, self.s(3));
    }

    /// Of bytes: those of the high nibble, and if it is zero those of the low.
    fn leading_zeros(&mut self, e: Size, t: Xmm, x: Xmm) -> bool {
        if e == Size::B4 && self.c.host.avx512 {
            self.v2(V::Plzcntd, t, x);
            return true;
        }
        if e != Size::B1 {
            return false;
        }
        let (s, mask) = (self.s(3), self.s(1));
        self.nibbles(t, x, Const::LeadingZeros, Const::LeadingZeros);
        self.v3(V::Pcmpeqb, mask, s, self.k(Const::Four));
        self.v3(V::Pand, t, t, mask);
        self.v3(V::Paddb, t, t, s);
        true
    }

    fn reverse_byte_bits(&mut self, t: Xmm, x: Xmm) {
        self.nibbles(t, x, Const::ReverseLow, Const::ReverseHigh);
        self.v3(V::Por, t, t, self.s(3));
    }

    fn reverse_lanes(&mut self, op: Unary, e: Size, t: Xmm, x: Xmm) {
        let index = match (op, e) {
            (Unary::Rev64, Size::B4) => return self.v2i(V::Pshufd, t, x, 0xb1),
            (Unary::Rev16, _) => Const::Rev16B,
            (Unary::Rev32, Size::B1) => Const::Rev32B,
            (Unary::Rev32, _) => Const::Rev32H,
            (_, Size::B1) => Const::Rev64B,
            _ => Const::Rev64H,
        };
        self.v3(V::Pshufb, t, x, self.k(index));
    }

    /// Sums of neighbours at twice the width, as products with ones.
    pub(super) fn pair_sums(&mut self, op: Unary, e: Size, t: Xmm, x: Xmm) {
        let signed = matches!(op, Unary::Saddlp | Unary::Sadalp);
        let s = self.s(3);
        match (e, signed) {
            // The first factor's bytes count as unsigned, the second's as signed.
            (Size::B1, false) => self.v3(V::Pmaddubsw, t, x, self.k(Const::OneB)),
            (Size::B1, true) => {
                self.a.v2(V::Movdqu, t, self.k(Const::OneB));
                self.v3(V::Pmaddubsw, t, t, x);
            }
            (Size::B2, true) => self.v3(V::Pmaddwd, t, x, self.k(Const::OneH)),
            (Size::B2, false) => {
                self.vshift(V::PsrldI, s, x, 16);
                self.v3(V::Pand, t, x, self.k(Const::LowHalves));
                self.v3(V::Paddd, t, t, s);
            }
            (_, true) => {
                self.vshift(V::PsrlqI, s, x, 32);
                self.v3(V::Pmuldq, s, s, self.k(Const::OneD));
                self.v3(V::Pmuldq, t, x, self.k(Const::OneD));
                self.v3(V::Paddq, t, t, s);
            }
            (_, false) => {
                self.vshift(V::PsrlqI, s, x, 32);
                self.v3(V::Pand, t, x, self.k(Const::LowWords));
                self.v3(V::Paddq, t, t, s);
            }
        }
    }
}

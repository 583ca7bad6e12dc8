//! Operations that change the width of lanes: longer, narrower, across.

use super::lanes::{ADD, SUB, by_size, direct};
use crate::asm::{V, Xmm};
use crate::constants::Const;
use crate::lower::Lowering;
use ir::vector::{Across, Arg, Lanes, Narrow, Unary, Wide};
use ir::{Size, VReg};

const SIGNED: [V; 4] = [V::Pmovsxbw, V::Pmovsxwd, V::Pmovsxdq, V::Pmovsxdq];
const UNSIGNED: [V; 4] = [V::Pmovzxbw, V::Pmovzxwd, V::Pmovzxdq, V::Pmovzxdq];

const fn double(e: Size) -> Size {
    match e {
        Size::B1 => Size::B2,
        Size::B2 => Size::B4,
        _ => Size::B8,
    }
}

/// Half of what a lane of this size has above it at twice the width.
const fn rounding(e: Size) -> Const {
    match e {
        Size::B1 => Const::HalfH,
        Size::B2 => Const::HalfW,
        _ => Const::HalfX,
    }
}

impl Lowering<'_> {
    /// t = the low (or high) lanes of x at twice the width.
    fn widen(&mut self, signed: bool, e: Size, high: bool, t: Xmm, x: Xmm) {
        let row = by_size(e, [V::Punpckhbw, V::Punpckhwd, V::Punpckhdq, V::Punpckhdq]);
        if high && !signed && t != x {
            self.a.v3(V::Pxor, t, t, t);
            return self.v3(row, t, x, t);
        }
        if high && signed && e < Size::B4 {
            self.v3(row, t, x, x);
            return self.right(true, double(e), t, t, 8 * e.bytes());
        }
        let from = if high {
            self.vshift(V::PsrldqI, t, x, 8);
            t
        } else {
            x
        };
        self.v2(by_size(e, if signed { SIGNED } else { UNSIGNED }), t, from);
    }

    pub(super) fn long(&mut self, signed: bool, e: Size, high: bool, d: VReg, a: VReg, by: u8) {
        let x = self.vread(a, self.s(0));
        let t = self.vtarget(d, self.s(2));
        self.widen(signed, e, high, t, x);
        if by != 0 {
            self.left(double(e), t, t, by);
        }
        self.vwrite(d, t);
    }

    pub(super) fn wide(&mut self, op: Wide, e: Size, high: bool, d: VReg, a: VReg, b: Arg) {
        let x = self.vread(a, self.s(0));
        let y = self.varg(e, b, self.s(1));
        let s = self.s(3);
        let wide = double(e);
        let (add, sub) = (by_size(wide, ADD), by_size(wide, SUB));
        let old = match op {
            Wide::Smlal | Wide::Umlal | Wide::Sabal | Wide::Uabal => Some(add),
            Wide::Smlsl | Wide::Umlsl => Some(sub),
            _ => None,
        };
        let t = self.s(2);
        // The last instruction writes the slot.
        let to = if old.is_some() { t } else { self.vtarget(d, t) };
        match op {
            Wide::Pmull if e == Size::B8 && self.c.host.pclmul => {
                self.v3i(V::Pclmulqdq, to, x, y, if high { 0x11 } else { 0 });
            }
            Wide::Pmull => return self.fall_back(),
            Wide::Smull | Wide::Smlal | Wide::Smlsl => self.multiply(true, e, high, to, x, y),
            Wide::Umull | Wide::Umlal | Wide::Umlsl => self.multiply(false, e, high, to, x, y),
            Wide::Saddl | Wide::Uaddl | Wide::Ssubl | Wide::Usubl => {
                let signed = matches!(op, Wide::Saddl | Wide::Ssubl);
                self.widen(signed, e, high, t, x);
                self.widen(signed, e, high, s, y);
                let row = if matches!(op, Wide::Saddl | Wide::Uaddl) {
                    add
                } else {
                    sub
                };
                self.v3(row, to, t, s);
            }
            Wide::Saddw | Wide::Uaddw | Wide::Ssubw | Wide::Usubw => {
                let signed = matches!(op, Wide::Saddw | Wide::Ssubw);
                self.widen(signed, e, high, s, y);
                let row = if matches!(op, Wide::Saddw | Wide::Uaddw) {
                    add
                } else {
                    sub
                };
                self.v3(row, to, x, s);
            }
            Wide::Sabdl | Wide::Uabdl | Wide::Sabal | Wide::Uabal => {
                let which = if matches!(op, Wide::Sabdl | Wide::Sabal) {
                    Lanes::Sabd
                } else {
                    Lanes::Uabd
                };
                self.distance(which, e, t, x, y);
                self.widen(false, e, high, to, t);
            }
        }
        let to = match old {
            Some(row) => {
                let old = self.vread(d, self.s(0));
                let to = self.vtarget(d, t);
                self.v3(row, to, old, t);
                to
            }
            None => to,
        };
        self.vwrite(d, to);
    }

    /// to = the products of the low (or high) lanes. Uses scratch 2 and 3.
    fn multiply(&mut self, signed: bool, e: Size, high: bool, to: Xmm, x: Xmm, y: Xmm) {
        let (t, s) = (self.s(2), self.s(3));
        match e {
            Size::B1 => {
                self.widen(signed, e, high, t, x);
                self.widen(signed, e, high, s, y);
                self.v3(V::Pmullw, to, t, s);
            }
            Size::B2 => {
                self.v3(V::Pmullw, t, x, y);
                self.v3(if signed { V::Pmulhw } else { V::Pmulhuw }, s, x, y);
                let row = if high { V::Punpckhwd } else { V::Punpcklwd };
                self.v3(row, to, t, s);
            }
            _ => {
                let spread = if high { 0xfa } else { 0x50 };
                self.v2i(V::Pshufd, t, x, spread);
                self.v2i(V::Pshufd, s, y, spread);
                self.v3(if signed { V::Pmuldq } else { V::Pmuludq }, to, t, s);
            }
        }
    }

    /// `e` is the size of the narrow lanes.
    pub(super) fn narrow(&mut self, op: Narrow, e: Size, high: bool, d: VReg, a: VReg, by: u8) {
        let x = self.vread(a, self.s(0));
        let (t, s) = (self.s(2), self.s(3));
        let wide = double(e);
        match op {
            Narrow::Truncate | Narrow::Round => {
                let all = by == 8 * e.bytes();
                let mut from = x;
                if by != 0 && !all {
                    self.right(false, wide, t, x, by);
                    from = t;
                }
                if op == Narrow::Round && all {
                    // As the sum's upper halves.
                    let half = self.k(rounding(e));
                    self.v3(by_size(wide, ADD), t, x, half);
                    from = t;
                } else if op == Narrow::Round && by != 0 {
                    self.rounding_bit(wide, s, x, by);
                    self.v3(by_size(wide, ADD), t, t, s);
                }
                return self.narrow_done(all, e, high, d, from);
            }
            _ if e >= Size::B4 => return self.fall_back(),
            Narrow::Signed
            | Narrow::SignedToUnsigned
            | Narrow::RoundSigned
            | Narrow::RoundSignedToUnsigned => {
                let mut from = x;
                if by != 0 {
                    self.right(true, wide, s, x, by);
                    from = s;
                }
                if matches!(op, Narrow::RoundSigned | Narrow::RoundSignedToUnsigned) {
                    self.rounding_bit(wide, t, x, by);
                    self.v3(by_size(wide, ADD), s, s, t);
                }
                let signed = matches!(op, Narrow::Signed | Narrow::RoundSigned);
                let rows = if signed {
                    [V::Packsswb, V::Packssdw]
                } else {
                    [V::Packuswb, V::Packusdw]
                };
                self.v3(rows[usize::from(e == Size::B2)], t, from, from);
                self.lost(signed, e, t, from);
            }
            Narrow::Unsigned | Narrow::RoundUnsigned => {
                let mut from = x;
                if by != 0 {
                    self.right(false, wide, s, x, by);
                    from = s;
                }
                if op == Narrow::RoundUnsigned {
                    self.rounding_bit(wide, t, x, by);
                    self.v3(by_size(wide, ADD), s, s, t);
                }
                let (min, most, pack) = if e == Size::B1 {
                    (V::Pminuw, Const::LowBytes, V::Packuswb)
                } else {
                    (V::Pminud, Const::LowHalves, V::Packusdw)
                };
                self.v3(min, t, from, self.k(most));
                self.v3(pack, t, t, t);
                self.lost(false, e, t, from);
            }
        }
        self.narrowed(high, d, t);
    }

    /// The low half of d, zero above, or the high one, the low one kept = that of t.
    pub(super) fn narrowed(&mut self, high: bool, d: VReg, t: Xmm) {
        if !high {
            return self.vdone(true, d, t);
        }
        let old = self.vread(d, self.s(0));
        let to = self.vtarget(d, t);
        self.v3(V::Punpcklqdq, to, old, t);
        self.vwrite(d, to);
    }

    /// The upper halves of sums: `e` is the size of the narrow lanes.
    #[allow(clippy::too_many_arguments, reason = "an operation and its operands")]
    pub(super) fn narrow_sum(
        &mut self,
        sub: bool,
        round: bool,
        e: Size,
        high: bool,
        d: VReg,
        a: VReg,
        b: VReg,
    ) {
        let x = self.vread(a, self.s(0));
        let y = self.vread(b, self.s(1));
        let t = self.s(2);
        let wide = double(e);
        self.v3(by_size(wide, if sub { SUB } else { ADD }), t, x, y);
        if round {
            self.v3(by_size(wide, ADD), t, t, self.k(rounding(e)));
        }
        self.narrow_done(true, e, high, d, t);
    }

    /// The low half of d, zero above, or the high one = the even (or odd)
    /// lanes of x.
    fn narrow_done(&mut self, odd: bool, e: Size, high: bool, d: VReg, x: Xmm) {
        let index = self.k_at(Const::Narrow, 2 * e.log2() + u8::from(odd));
        if !high {
            let t = self.vtarget(d, self.s(2));
            self.v3(V::Pshufb, t, x, index);
            self.vwrite(d, t);
            return;
        }
        let old = self.vread(d, self.s(1));
        let t = self.vtarget(d, self.s(2));
        if e == Size::B4 {
            // The low half of the first, then its own words.
            let pick = if odd { 0xd4 } else { 0x84 };
            self.v3i(V::Shufps, t, old, x, pick);
        } else {
            let s = self.s(2);
            self.v3(V::Pshufb, s, x, index);
            self.v3(V::Punpcklqdq, t, old, s);
        }
        self.vwrite(d, t);
    }

    /// Notes whether narrow lanes in t differ from what they were. Uses
    /// scratch 1.
    fn lost(&mut self, signed: bool, e: Size, t: Xmm, from: Xmm) {
        let s = self.s(1);
        self.v2(by_size(e, if signed { SIGNED } else { UNSIGNED }), s, t);
        self.v3(V::Pxor, s, s, from);
        self.saturated(s);
    }

    /// The low lane of t = the sum of all at twice the width, whose size it
    /// gives. Uses scratch 3.
    fn across_long(&mut self, op: Across, e: Size, t: Xmm, x: Xmm) -> Size {
        let s = self.s(3);
        let pairs = if op == Across::Saddl {
            Unary::Saddlp
        } else {
            Unary::Uaddlp
        };
        self.pair_sums(pairs, e, t, x);
        if e == Size::B1 {
            self.v3(V::Pmaddwd, t, t, self.k(Const::OneH));
        }
        let row = if e == Size::B4 { V::Paddq } else { V::Paddd };
        self.vshift(V::PsrldqI, s, t, 8);
        self.v3(row, t, t, s);
        if e != Size::B4 {
            self.vshift(V::PsrldqI, s, t, 4);
            self.v3(row, t, t, s);
        }
        double(e)
    }

    pub(super) fn across(&mut self, op: Across, e: Size, half: bool, d: VReg, a: VReg) {
        let mut x = self.vread(a, self.s(0));
        let (t, s) = (self.s(2), self.s(3));
        if half && !self.is_zero_above(a, Size::B8) {
            self.a.v2(V::Movq, self.s(0), x);
            x = self.s(0);
        }
        let result = match op {
            // Sums of eight bytes each.
            Across::Add | Across::Uaddl if e == Size::B1 => {
                self.a.v3(V::Pxor, s, s, s);
                self.v3(V::Psadbw, t, x, s);
                self.vshift(V::PsrldqI, s, t, 8);
                self.v3(V::Paddw, t, t, s);
                if op == Across::Add { e } else { Size::B2 }
            }
            Across::Saddl | Across::Uaddl => self.across_long(op, e, t, x),
            _ => {
                let row = match op {
                    Across::Add => by_size(e, ADD),
                    Across::Smax => direct(Lanes::Smax, e).map_or(V::Pmaxsd, |d| d.0),
                    Across::Smin => direct(Lanes::Smin, e).map_or(V::Pminsd, |d| d.0),
                    Across::Umax => direct(Lanes::Umax, e).map_or(V::Pmaxud, |d| d.0),
                    _ => direct(Lanes::Umin, e).map_or(V::Pminud, |d| d.0),
                };
                let mut distance = if half { 4 } else { 8 };
                let mut from = x;
                while distance >= e.bytes() {
                    self.vshift(V::PsrldqI, s, from, distance);
                    self.v3(row, t, from, s);
                    from = t;
                    distance /= 2;
                }
                e
            }
        };
        self.vdone_low(result, d, t);
    }
}

//! Interleaving, its opposite, and operations on neighbouring lanes.

use super::lanes::{ADD, by_size, direct};
use crate::asm::{V, Xmm};
use crate::constants::Const;
use crate::lower::Lowering;
use ir::Size;
use ir::vector::Lanes;

const UNPACK_LOW: [V; 4] = [V::Punpcklbw, V::Punpcklwd, V::Punpckldq, V::Punpcklqdq];
const UNPACK_HIGH: [V; 4] = [V::Punpckhbw, V::Punpckhwd, V::Punpckhdq, V::Punpckhqdq];

impl Lowering<'_> {
    /// ZIP, UZP and TRN: t, which may be a source. Of `half`, the upper 64 bits
    /// of t mean nothing. Uses scratch 0, 2 and 3.
    pub(super) fn interleave(&mut self, op: Lanes, e: Size, half: bool, t: Xmm, x: Xmm, y: Xmm) {
        match op {
            Lanes::Zip1 => self.v3(by_size(e, UNPACK_LOW), t, x, y),
            Lanes::Zip2 if half => {
                self.v3(by_size(e, UNPACK_LOW), t, x, y);
                self.vshift(V::PsrldqI, t, t, 8);
            }
            Lanes::Zip2 => self.v3(by_size(e, UNPACK_HIGH), t, x, y),
            Lanes::Trn1 | Lanes::Trn2 => self.transpose(op == Lanes::Trn2, e, t, x, y),
            _ if half => {
                let s = self.s(3);
                self.v3(V::Punpcklqdq, s, x, y);
                self.unzip(op == Lanes::Uzp2, e, t, self.s(2), s, s);
            }
            _ => self.unzip(op == Lanes::Uzp2, e, t, self.s(2), x, y),
        }
    }

    /// t = the even (or odd) lanes of x, then those of y; t may be a source.
    /// Uses `even`, which may be x but not y unless they are the same, and
    /// scratch 0 after x has been read.
    pub(super) fn unzip(&mut self, odd: bool, e: Size, t: Xmm, even: Xmm, x: Xmm, y: Xmm) {
        match (e, odd) {
            (Size::B4, false) => return self.v3i(V::Shufps, t, x, y, 0x88),
            (Size::B4, true) => return self.v3i(V::Shufps, t, x, y, 0xdd),
            (Size::B8 | Size::B16, false) => return self.v3(V::Punpcklqdq, t, x, y),
            (Size::B8 | Size::B16, true) => return self.v3(V::Punpckhqdq, t, x, y),
            _ => {}
        }
        let other = if x == y { even } else { self.s(0) };
        self.isolate(odd, e, even, x);
        if other != even {
            self.isolate(odd, e, other, y);
        }
        let pack = if e == Size::B1 {
            V::Packuswb
        } else {
            V::Packusdw
        };
        self.v3(pack, t, even, other);
    }

    /// t = the even (or odd) bytes or halfwords, at twice the width.
    fn isolate(&mut self, odd: bool, e: Size, t: Xmm, x: Xmm) {
        match (e, odd) {
            (Size::B1, false) => self.v3(V::Pand, t, x, self.k(Const::LowBytes)),
            (Size::B1, true) => self.vshift(V::PsrlwI, t, x, 8),
            (_, false) => self.v3(V::Pand, t, x, self.k(Const::LowHalves)),
            (_, true) => self.vshift(V::PsrldI, t, x, 16),
        }
    }

    /// to = the even (or odd) lanes of x and y in turn.
    fn transpose(&mut self, odd: bool, e: Size, to: Xmm, x: Xmm, y: Xmm) {
        let (t, s) = (self.s(2), self.s(3));
        match (e, odd) {
            (Size::B1, false) => {
                self.vshift(V::PsllwI, s, y, 8);
                self.v3(V::Pand, t, x, self.k(Const::LowBytes));
                self.v3(V::Por, to, t, s);
            }
            (Size::B1, true) => {
                self.vshift(V::PsrlwI, s, x, 8);
                self.v3(V::Pand, t, y, self.k(Const::HighBytes));
                self.v3(V::Por, to, t, s);
            }
            (Size::B2, false) => {
                self.vshift(V::PslldI, s, y, 16);
                self.v3i(V::Pblendw, to, x, s, 0xaa);
            }
            (Size::B2, true) => {
                self.vshift(V::PsrldI, s, x, 16);
                self.v3i(V::Pblendw, to, s, y, 0xaa);
            }
            (Size::B4, false) => {
                self.vshift(V::PsllqI, s, y, 32);
                self.v3i(V::Pblendd, to, x, s, 0xa);
            }
            (Size::B4, true) => {
                self.vshift(V::PsrlqI, s, x, 32);
                self.v3i(V::Pblendd, to, s, y, 0xa);
            }
            (_, false) => self.v3(V::Punpcklqdq, to, x, y),
            (_, true) => self.v3(V::Punpckhqdq, to, x, y),
        }
    }

    /// t = op of the even lanes and the odd ones; it may be a source.
    pub(super) fn pairwise(&mut self, op: Lanes, e: Size, half: bool, t: Xmm, x: Xmm, y: Xmm) {
        let s = self.s(3);
        let row = match op {
            Lanes::Addp => Some(by_size(e, ADD)),
            Lanes::Smaxp => direct(Lanes::Smax, e).map(|d| d.0),
            Lanes::Sminp => direct(Lanes::Smin, e).map(|d| d.0),
            Lanes::Umaxp => direct(Lanes::Umax, e).map(|d| d.0),
            _ => direct(Lanes::Umin, e).map(|d| d.0),
        };
        let Some(row) = row else { return };
        if x == y {
            return self.pairs_of_one(row, e, half, t, x);
        }
        let (mut x, mut y) = (x, y);
        if half {
            self.v3(V::Punpcklqdq, s, x, y);
            (x, y) = (s, s);
        } else if x == self.s(0) {
            // unzip overwrites scratch 0.
            self.a.v2(V::Movdqu, s, x);
            x = s;
        }
        let even = self.s(2);
        self.unzip(false, e, even, even, x, y);
        self.unzip(true, e, s, s, x, y);
        self.v3(row, t, even, s);
    }

    /// An operation on neighbours of one source, which is both: each odd lane is moved to
    /// the even one below it.
    fn pairs_of_one(&mut self, row: V, e: Size, half: bool, t: Xmm, x: Xmm) {
        let s = self.s(3);
        match e {
            Size::B1 => self.vshift(V::PsrlwI, s, x, 8),
            Size::B2 => self.vshift(V::PsrldI, s, x, 16),
            Size::B4 => self.v2i(V::Pshufd, s, x, 0xb1),
            _ => {
                self.v2i(V::Pshufd, s, x, 0x4e);
                return self.v3(row, t, s, x);
            }
        }
        self.v3(row, s, s, x);
        if e == Size::B4 {
            let pick = if half { 0xe4 } else { 0x88 };
            return self.v2i(V::Pshufd, t, s, pick);
        }
        let index = match (e, half) {
            (Size::B1, false) => Const::PairB,
            (Size::B1, true) => Const::PairHalfB,
            (_, false) => Const::PairH,
            (_, true) => Const::PairHalfH,
        };
        self.v3(V::Pshufb, t, s, self.k(index));
    }
}

//! Integer arithmetic, logic and comparisons, lane by lane.

use crate::asm::{K, V, Xmm};
use crate::constants::Const;
use crate::lower::Lowering;
use ir::vector::{Accumulate, Arg, Lanes};
use ir::{Size, VReg};

/// One of four rows, by the size of a lane.
pub(super) const fn by_size(e: Size, rows: [V; 4]) -> V {
    match e {
        Size::B1 => rows[0],
        Size::B2 => rows[1],
        Size::B4 => rows[2],
        Size::B8 | Size::B16 => rows[3],
    }
}

pub(super) const ADD: [V; 4] = [V::Paddb, V::Paddw, V::Paddd, V::Paddq];
pub(super) const SUB: [V; 4] = [V::Psubb, V::Psubw, V::Psubd, V::Psubq];
const EQ: [V; 4] = [V::Pcmpeqb, V::Pcmpeqw, V::Pcmpeqd, V::Pcmpeqq];
const GT: [V; 4] = [V::Pcmpgtb, V::Pcmpgtw, V::Pcmpgtd, V::Pcmpgtq];
const SMIN: [V; 4] = [V::Pminsb, V::Pminsw, V::Pminsd, V::Pminsq];
const SMAX: [V; 4] = [V::Pmaxsb, V::Pmaxsw, V::Pmaxsd, V::Pmaxsq];
const UMIN: [V; 4] = [V::Pminub, V::Pminuw, V::Pminud, V::Pminuq];
const UMAX: [V; 4] = [V::Pmaxub, V::Pmaxuw, V::Pmaxud, V::Pmaxuq];

/// The one instruction that does it, and whether the sources change places.
pub(super) fn direct(op: Lanes, e: Size) -> Option<(V, bool)> {
    let narrow = matches!(e, Size::B1 | Size::B2);
    let row = match op {
        Lanes::Add => by_size(e, ADD),
        Lanes::Sub => by_size(e, SUB),
        Lanes::And => V::Pand,
        Lanes::AndNot => return Some((V::Pandn, true)),
        Lanes::Or => V::Por,
        Lanes::Xor => V::Pxor,
        Lanes::Eq => by_size(e, EQ),
        Lanes::Gt => by_size(e, GT),
        Lanes::Lt => return Some((by_size(e, GT), true)),
        Lanes::Mul if e == Size::B2 => V::Pmullw,
        Lanes::Mul if e == Size::B4 => V::Pmulld,
        Lanes::Smin if e < Size::B8 => by_size(e, SMIN),
        Lanes::Smax if e < Size::B8 => by_size(e, SMAX),
        Lanes::Umin if e < Size::B8 => by_size(e, UMIN),
        Lanes::Umax if e < Size::B8 => by_size(e, UMAX),
        Lanes::Urhadd if narrow => by_size(e, [V::Pavgb, V::Pavgw, V::Pavgw, V::Pavgw]),
        _ => return None,
    };
    Some((row, false))
}

/// Whether zeros in both sources give zeros.
const fn keeps_zeros(op: Lanes) -> bool {
    !matches!(
        op,
        Lanes::OrNot
            | Lanes::Eq
            | Lanes::Ge
            | Lanes::Le
            | Lanes::Hs
            | Lanes::Addp
            | Lanes::Smaxp
            | Lanes::Sminp
            | Lanes::Umaxp
            | Lanes::Uminp
            | Lanes::Zip1
            | Lanes::Zip2
            | Lanes::Uzp1
            | Lanes::Uzp2
            | Lanes::Trn1
            | Lanes::Trn2
    )
}

impl Lowering<'_> {
    pub(super) fn lanes(&mut self, op: Lanes, e: Size, half: bool, d: VReg, a: VReg, b: Arg) {
        let cut = self.must_cut(op, half, a, b);
        let x = self.vread(a, self.s(0));
        let y = self.varg(e, b, self.s(1));
        if let Some((row, swap)) = direct(op, e)
            && !(op == Lanes::Eq && self.prefers_masks(&[x, y]))
        {
            let t = self.vtarget(d, self.s(2));
            let (first, second) = if swap { (y, x) } else { (x, y) };
            self.v3(row, t, first, second);
            return self.vdone(cut, d, t);
        }
        let to = self.last(cut, d, self.s(2));
        if !self.lanes_to(op, e, half, to, x, y) {
            return self.fall_back();
        }
        self.vdone(cut, d, to);
    }

    /// Whether the upper half of what is computed must be cleared.
    fn must_cut(&self, op: Lanes, half: bool, a: VReg, b: Arg) -> bool {
        let (a, b) = (self.is_zero_above(a, Size::B8), self.is_low(b));
        half && !match op {
            Lanes::And | Lanes::Mul => a || b,
            _ => keeps_zeros(op) && a && b,
        }
    }

    /// Whether comparing to a mask costs less than moving to low registers.
    fn prefers_masks(&self, regs: &[Xmm]) -> bool {
        self.c.host.avx512 && regs.iter().any(|r| r.0 >= 16)
    }

    /// to = x op y for operations of several instructions. Only the last of
    /// them writes `to`, which may be a source. Uses scratch 2 and 3.
    fn lanes_to(&mut self, op: Lanes, e: Size, half: bool, to: Xmm, x: Xmm, y: Xmm) -> bool {
        match op {
            Lanes::OrNot => {
                let t = self.s(2);
                self.v3(V::Pxor, t, y, self.k(Const::Ones));
                self.v3(V::Por, to, t, x);
            }
            Lanes::Eq | Lanes::Ge | Lanes::Le | Lanes::Hi | Lanes::Hs | Lanes::Test => {
                self.compare_lanes(op, e, to, x, y);
            }
            Lanes::Mul if e == Size::B1 => self.mul_bytes(to, x, y),
            Lanes::Sabd | Lanes::Uabd if e < Size::B8 => self.distance(op, e, to, x, y),
            Lanes::Sqadd | Lanes::Uqadd | Lanes::Sqsub | Lanes::Uqsub if e < Size::B4 => {
                self.saturating(op, e, half, to, x, y);
            }
            Lanes::Uhadd | Lanes::Shadd | Lanes::Srhadd | Lanes::Urhadd => {
                self.halving(op, e, to, x, y);
            }
            Lanes::Shsub | Lanes::Uhsub => self.halving_difference(op, e, to, x, y),
            Lanes::Sqdmulh | Lanes::Sqrdmulh if e == Size::B2 => {
                self.doubling_high(op, half, to, x, y);
            }
            Lanes::Sshl | Lanes::Ushl if e >= Size::B2 => {
                return self.shift_by_lanes(op, e, to, x, y);
            }
            Lanes::Addp | Lanes::Smaxp | Lanes::Sminp | Lanes::Umaxp | Lanes::Uminp => {
                self.pairwise(op, e, half, to, x, y);
            }
            Lanes::Zip1 | Lanes::Zip2 | Lanes::Uzp1 | Lanes::Uzp2 | Lanes::Trn1 | Lanes::Trn2 => {
                self.interleave(op, e, half, to, x, y);
            }
            _ => return false,
        }
        true
    }

    /// Comparisons that the host has no instruction for, but to masks.
    fn compare_lanes(&mut self, op: Lanes, e: Size, to: Xmm, x: Xmm, y: Xmm) {
        let t = self.s(2);
        // An extreme and its comparison take a third of a mask's time.
        let low = [to, x, y].iter().all(|r| r.0 < 16);
        let extreme = low && e < Size::B8 && !matches!(op, Lanes::Eq | Lanes::Test);
        if self.c.host.avx512 && !extreme {
            return self.compare_by_mask(op, e, to, x, y);
        }
        let ones = self.k(Const::Ones);
        match op {
            Lanes::Ge if e < Size::B8 => {
                self.v3(by_size(e, SMAX), t, x, y);
                self.v3(by_size(e, EQ), to, t, x);
            }
            Lanes::Le if e < Size::B8 => {
                self.v3(by_size(e, SMIN), t, x, y);
                self.v3(by_size(e, EQ), to, t, x);
            }
            Lanes::Ge => {
                self.v3(by_size(e, GT), t, y, x);
                self.v3(V::Pxor, to, t, ones);
            }
            Lanes::Le => {
                self.v3(by_size(e, GT), t, x, y);
                self.v3(V::Pxor, to, t, ones);
            }
            Lanes::Hs | Lanes::Hi if e == Size::B8 => {
                let sign = self.k(Const::SignD);
                let s = self.s(3);
                self.v3(V::Pxor, t, x, sign);
                self.v3(V::Pxor, s, y, sign);
                if op == Lanes::Hi {
                    self.v3(V::Pcmpgtq, to, t, s);
                } else {
                    self.v3(V::Pcmpgtq, t, s, t);
                    self.v3(V::Pxor, to, t, ones);
                }
            }
            Lanes::Hs => {
                self.v3(by_size(e, UMAX), t, x, y);
                self.v3(by_size(e, EQ), to, t, x);
            }
            Lanes::Hi => {
                self.v3(by_size(e, UMIN), t, x, y);
                self.v3(by_size(e, EQ), t, t, x);
                self.v3(V::Pxor, to, t, ones);
            }
            Lanes::Eq => self.v3(by_size(e, EQ), to, x, y),
            _ => {
                let s = self.s(3);
                self.v3(V::Pand, t, x, y);
                self.a.v3(V::Pxor, s, s, s);
                self.v3(by_size(e, EQ), t, t, s);
                self.v3(V::Pxor, to, t, ones);
            }
        }
    }

    fn compare_by_mask(&mut self, op: Lanes, e: Size, t: Xmm, x: Xmm, y: Xmm) {
        const K1: K = K(1);
        let signed = by_size(e, [V::PcmpKb, V::PcmpKw, V::PcmpKd, V::PcmpKq]);
        let unsigned = by_size(e, [V::PcmpuKb, V::PcmpuKw, V::PcmpuKd, V::PcmpuKq]);
        // Predicates: 0 equal, 2 not greater, 5 not less, 6 greater.
        match op {
            Lanes::Eq => self.a.vk3i(signed, K1, x, y, 0),
            Lanes::Ge => self.a.vk3i(signed, K1, x, y, 5),
            Lanes::Le => self.a.vk3i(signed, K1, x, y, 2),
            Lanes::Hs => self.a.vk3i(unsigned, K1, x, y, 5),
            Lanes::Hi => self.a.vk3i(unsigned, K1, x, y, 6),
            _ => {
                let row = by_size(e, [V::PtestmKb, V::PtestmKw, V::PtestmKd, V::PtestmKq]);
                self.a.vk3(row, K1, x, y);
            }
        }
        let spread = by_size(e, [V::Pmovm2b, V::Pmovm2w, V::Pmovm2d, V::Pmovm2q]);
        self.a.vfrom_k(spread, t, K1);
    }

    /// Products of bytes: those of the even ones as words, those of the odd
    /// ones in the upper halves of words.
    fn mul_bytes(&mut self, to: Xmm, x: Xmm, y: Xmm) {
        let (t, s, z) = (self.s(2), self.s(3), self.s(1));
        self.v3(V::Pmullw, t, x, y);
        self.v3(V::Pand, t, t, self.k(Const::LowBytes));
        self.vshift(V::PsrlwI, s, x, 8);
        self.v3(V::Pand, z, y, self.k(Const::HighBytes));
        self.v3(V::Pmullw, s, s, z);
        self.v3(V::Por, to, t, s);
    }

    /// to = the greater minus the less. Uses scratch 2 and 3.
    pub(super) fn distance(&mut self, op: Lanes, e: Size, to: Xmm, x: Xmm, y: Xmm) {
        let (max, min) = if op == Lanes::Sabd {
            (SMAX, SMIN)
        } else {
            (UMAX, UMIN)
        };
        let (t, s) = (self.s(2), self.s(3));
        self.v3(by_size(e, max), t, x, y);
        self.v3(by_size(e, min), s, x, y);
        self.v3(by_size(e, SUB), to, t, s);
    }

    /// Bytes and halfwords: what saturates differs from what wraps.
    fn saturating(&mut self, op: Lanes, e: Size, half: bool, to: Xmm, x: Xmm, y: Xmm) {
        let (byte, word, wrap) = match op {
            Lanes::Sqadd => (V::Paddsb, V::Paddsw, ADD),
            Lanes::Uqadd => (V::Paddusb, V::Paddusw, ADD),
            Lanes::Sqsub => (V::Psubsb, V::Psubsw, SUB),
            _ => (V::Psubusb, V::Psubusw, SUB),
        };
        let s = self.s(3);
        self.v3(by_size(e, wrap), s, x, y);
        self.v3(if e == Size::B1 { byte } else { word }, to, x, y);
        self.v3(V::Pxor, s, s, to);
        if half {
            self.a.v2(V::Movq, s, s);
        }
        self.saturated(s);
    }

    /// (x + y) / 2 and (x + y + 1) / 2 without the carry: what both have, plus
    /// half of what one has; or what either has, minus that.
    fn halving(&mut self, op: Lanes, e: Size, to: Xmm, x: Xmm, y: Xmm) {
        let rounded = matches!(op, Lanes::Srhadd | Lanes::Urhadd);
        let signed = matches!(op, Lanes::Shadd | Lanes::Srhadd);
        let (t, s, z) = (self.s(2), self.s(3), self.s(1));
        let flipped = signed && e == Size::B1;
        let flip = self.k(Const::SignB);
        let (mut x, mut y) = (x, y);
        if flipped {
            self.v3(V::Pxor, z, y, flip);
            self.v3(V::Pxor, self.s(0), x, flip);
            (x, y) = (self.s(0), z);
        }
        self.v3(V::Pxor, s, x, y);
        self.v3(if rounded { V::Por } else { V::Pand }, t, x, y);
        match (e, signed) {
            (Size::B1, _) => {
                self.vshift(V::PsrlwI, s, s, 1);
                self.v3(V::Pand, s, s, self.k_at(Const::BytesRight, 1));
            }
            (Size::B2, false) => self.vshift(V::PsrlwI, s, s, 1),
            (Size::B2, true) => self.vshift(V::PsrawI, s, s, 1),
            (_, false) => self.vshift(V::PsrldI, s, s, 1),
            (_, true) => self.vshift(V::PsradI, s, s, 1),
        }
        let half = if flipped { t } else { to };
        self.v3(by_size(e, if rounded { SUB } else { ADD }), half, t, s);
        if flipped {
            self.v3(V::Pxor, to, t, flip);
        }
    }

    /// (x - y) / 2 without the borrow: half of what one of them has, minus what
    /// y alone has.
    fn halving_difference(&mut self, op: Lanes, e: Size, to: Xmm, x: Xmm, y: Xmm) {
        let (t, s) = (self.s(2), self.s(3));
        self.v3(V::Pxor, t, x, y);
        self.v3(V::Pandn, s, x, y);
        self.right(op == Lanes::Shsub, e, t, t, 1);
        self.v3(by_size(e, SUB), to, t, s);
    }

    /// The upper halves of doubled products of halfwords. Only the square of
    /// the minimum saturates, and only it would give 0x8000.
    fn doubling_high(&mut self, op: Lanes, half: bool, to: Xmm, x: Xmm, y: Xmm) {
        let (t, s) = (self.s(2), self.s(3));
        if op == Lanes::Sqrdmulh {
            self.v3(V::Pmulhrsw, t, x, y);
        } else {
            self.v3(V::Pmullw, s, x, y);
            self.v3(V::Pmulhw, t, x, y);
            self.vshift(V::PsrlwI, s, s, 15);
            self.v3(V::Paddw, t, t, t);
            self.v3(V::Por, t, t, s);
        }
        self.v3(V::Pcmpeqw, s, t, self.k(Const::SignH));
        self.v3(V::Pxor, to, t, s);
        if half {
            self.a.v2(V::Movq, s, s);
        }
        self.saturated(s);
    }

    /// Shifts by lanes: left by what is not negative, right by the opposite.
    /// Counts past the width give zeros on the host too.
    fn shift_by_lanes(&mut self, op: Lanes, e: Size, to: Xmm, x: Xmm, y: Xmm) -> bool {
        let avx512 = self.c.host.avx512;
        if e != Size::B4 && !avx512 {
            return false;
        }
        let (t, s, count) = (self.s(2), self.s(3), self.s(1));
        // Of halfwords, words and doublewords.
        let pick = |rows: [V; 3]| rows[usize::from(e.log2().saturating_sub(1))];
        let bits = 8 * e.bytes();
        let signed = pick([V::PsrawI, V::PsradI, V::PsraqI]);
        // The signed low byte of each lane.
        self.vshift(pick([V::PsllwI, V::PslldI, V::PsllqI]), count, y, bits - 8);
        self.vshift(signed, count, count, bits - 8);
        self.a.v3(V::Pxor, s, s, s);
        self.v3(by_size(e, SUB), s, s, count);
        self.v3(pick([V::Psllvw, V::Psllvd, V::Psllvq]), t, x, count);
        if op == Lanes::Ushl {
            self.v3(pick([V::Psrlvw, V::Psrlvd, V::Psrlvq]), s, x, s);
            self.v3(V::Por, to, t, s);
        } else {
            self.v3(pick([V::Psravw, V::Psravd, V::Psravq]), s, x, s);
            // Where the count is not negative, the right shift is nonsense.
            self.vshift(signed, count, count, bits - 1);
            self.v3(V::Pand, s, s, count);
            self.v3(V::Pandn, t, count, t);
            self.v3(V::Por, to, t, s);
        }
        true
    }

    pub(super) fn accumulate_lanes(
        &mut self,
        op: Accumulate,
        e: Size,
        half: bool,
        d: VReg,
        a: VReg,
        b: Arg,
    ) {
        let x = self.vread(a, self.s(0));
        let y = self.varg(e, b, self.s(1));
        let t = self.s(2);
        let cut = half && !(self.is_zero_above(d, Size::B8) && self.keeps_low(op, a, b));
        let to = self.last(cut, d, t);
        match op {
            Accumulate::Mla | Accumulate::Mls => {
                match direct(Lanes::Mul, e) {
                    Some((row, _)) => self.v3(row, t, x, y),
                    None => self.mul_bytes(t, x, y),
                }
                let rows = if op == Accumulate::Mla { ADD } else { SUB };
                let old = self.vread(d, self.s(0));
                self.v3(by_size(e, rows), to, old, t);
            }
            Accumulate::Saba | Accumulate::Uaba => {
                let which = if op == Accumulate::Saba {
                    Lanes::Sabd
                } else {
                    Lanes::Uabd
                };
                self.distance(which, e, t, x, y);
                let old = self.vread(d, self.s(0));
                self.v3(by_size(e, ADD), to, old, t);
            }
            Accumulate::Bsl | Accumulate::Bit | Accumulate::Bif => {
                self.insert_bits(op, t, to, d, x, y);
            }
            Accumulate::Sdot | Accumulate::Udot | Accumulate::Usdot => {
                self.dot(op, t, x, y);
                let old = self.vread(d, self.s(0));
                self.v3(V::Paddd, to, old, t);
            }
        }
        self.vdone(cut, d, to);
    }

    /// Whether zeros above d stay.
    fn keeps_low(&self, op: Accumulate, a: VReg, b: Arg) -> bool {
        let (a, b) = (self.is_zero_above(a, Size::B8), self.is_low(b));
        match op {
            Accumulate::Saba | Accumulate::Uaba => a && b,
            // What d lacks comes from b, or from a where b has it.
            Accumulate::Bsl => b,
            Accumulate::Bif => a,
            _ => a || b,
        }
    }

    /// to = the result; t is scratch.
    fn insert_bits(&mut self, op: Accumulate, t: Xmm, to: Xmm, d: VReg, x: Xmm, y: Xmm) {
        if self.c.host.avx512 {
            // The place of d itself, if that is where the result goes.
            let t = to;
            self.vread_to(d, t);
            // By d, x and y as bits 2, 1 and 0 of the index.
            let table = match op {
                Accumulate::Bsl => 0xca,
                Accumulate::Bit => 0xd8,
                _ => 0xe4,
            };
            return self.a.v3i(V::Pternlogd, t, x, y, table);
        }
        let old = self.vread(d, self.s(3));
        match op {
            Accumulate::Bsl => {
                self.v3(V::Pxor, t, x, y);
                self.v3(V::Pand, t, t, old);
                self.v3(V::Pxor, to, t, y);
            }
            Accumulate::Bit => {
                self.v3(V::Pxor, t, x, old);
                self.v3(V::Pand, t, t, y);
                self.v3(V::Pxor, to, t, old);
            }
            _ => {
                self.v3(V::Pxor, t, x, old);
                self.v3(V::Pand, t, t, y);
                self.v3(V::Pxor, to, t, x);
            }
        }
    }

    /// Sums of four products of bytes: of the even ones and of the odd ones as
    /// words, two at a time.
    fn dot(&mut self, op: Accumulate, t: Xmm, x: Xmm, y: Xmm) {
        let (s, z) = (self.s(3), self.s(0));
        let (x_signed, y_signed) = match op {
            Accumulate::Sdot => (true, true),
            Accumulate::Udot => (false, false),
            _ => (false, true),
        };
        self.byte_words(false, x_signed, t, x);
        self.byte_words(false, y_signed, s, y);
        self.v3(V::Pmaddwd, t, t, s);
        self.byte_words(true, y_signed, s, y);
        self.byte_words(true, x_signed, z, x);
        self.v3(V::Pmaddwd, s, s, z);
        self.v3(V::Paddd, t, t, s);
    }

    /// t = the even (or odd) bytes as words.
    fn byte_words(&mut self, odd: bool, signed: bool, t: Xmm, x: Xmm) {
        match (odd, signed) {
            (false, false) => self.v3(V::Pand, t, x, self.k(Const::LowBytes)),
            (false, true) => {
                self.vshift(V::PsllwI, t, x, 8);
                self.vshift(V::PsrawI, t, t, 8);
            }
            (true, false) => self.vshift(V::PsrlwI, t, x, 8),
            (true, true) => self.vshift(V::PsrawI, t, x, 8),
        }
    }
}

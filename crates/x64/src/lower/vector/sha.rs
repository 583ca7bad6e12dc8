//! SHA-1 and SHA-256 on the host's SHA instructions, and SHA-3's logic.
//!
//! The host wants the words of a hash's state in the opposite order, SHA-256's also in other
//! pairs, and adds SHA-1's constants itself. Its instructions name only registers below 16,
//! and one of them uses `xmm0`, which holds a slot.

use crate::asm::vector::Sha;
use crate::asm::{V, Xmm};
use crate::constants::Const;
use crate::lower::Lowering;
use ir::vector::{Crypto, Ternary};
use ir::{Size, VReg};

/// Four words in the opposite order.
const REVERSED: u8 = 0x1b;
/// Of two sources, the second and first words; the fourth and third words.
const LOW_PAIRS: u8 = 0x11;
const HIGH_PAIRS: u8 = 0xbb;

impl Lowering<'_> {
    pub(super) fn sha(&mut self, op: Crypto, d: VReg, a: VReg, b: VReg) {
        match op {
            Crypto::Sha1Rotate => self.sha1_rotate(d, a),
            Crypto::Sha1Schedule0 => self.sha1_schedule0(d, a, b),
            Crypto::Sha1Schedule1 => self.sha1_schedule1(d, a),
            Crypto::Sha512First
            | Crypto::Sha512Second
            | Crypto::Sha512Schedule0
            | Crypto::Sha512Schedule1 => self.sha512(op, d, a, b),
            _ if !self.c.host.sha => self.fall_back(),
            Crypto::Sha1Choose => self.sha1_rounds(0, 0, d, a, b),
            Crypto::Sha1Parity => self.sha1_rounds(1, 1, d, a, b),
            Crypto::Sha1Majority => self.sha1_rounds(2, 2, d, a, b),
            Crypto::Sha256First => self.sha256_rounds(HIGH_PAIRS, d, d, a, b),
            Crypto::Sha256Second => self.sha256_rounds(LOW_PAIRS, d, a, d, b),
            Crypto::Sha256Schedule0 => {
                let (t, s) = (self.s(2), self.s(3));
                self.vread_to(d, t);
                self.vread_to(a, s);
                self.a.sha(Sha::Sha256Msg1, t, s);
                self.vwrite(d, t);
            }
            _ => {
                let (t, s) = (self.s(2), self.s(3));
                let x = self.vread(a, self.s(0));
                let old = self.vread(d, self.s(1));
                self.vread_to(b, s);
                self.v3i(V::Palignr, t, s, x, 4);
                self.v3(V::Paddd, t, t, old);
                self.a.sha(Sha::Sha256Msg2, t, s);
                self.vwrite(d, t);
            }
        }
    }

    /// Four rounds: d is the state's first four words, a the fifth, b what is
    /// added with the constants, which the host adds once more.
    fn sha1_rounds(&mut self, function: u8, constant: u8, d: VReg, a: VReg, b: VReg) {
        let (t, s) = (self.s(2), self.s(3));
        let words = self.vread(b, self.s(0));
        self.v3(V::Psubd, s, words, self.k_at(Const::Sha1, constant));
        let mut fifth = self.vread(a, self.s(0));
        if !self.is_zero_above(a, Size::B4) {
            self.clear_above(Size::B4, self.s(0), fifth);
            fifth = self.s(0);
        }
        self.v3(V::Paddd, s, s, fifth);
        self.v2i(V::Pshufd, s, s, REVERSED);
        let state = self.vread(d, self.s(1));
        self.v2i(V::Pshufd, t, state, REVERSED);
        self.a.sha1rnds4(t, s, function);
        let to = self.vtarget(d, t);
        self.v2i(V::Pshufd, to, t, REVERSED);
        self.vwrite(d, to);
    }

    fn sha1_rotate(&mut self, d: VReg, a: VReg) {
        let x = self.vread(a, self.s(0));
        let t = self.s(2);
        self.rotate_words(t, x, 30);
        self.vdone_low(Size::B4, d, t);
    }

    /// t = each word of x rotated left. t may be x; uses scratch 3.
    fn rotate_words(&mut self, t: Xmm, x: Xmm, by: u8) {
        if self.c.host.avx512 {
            return self.vshift(V::ProldI, t, x, by);
        }
        let s = self.s(3);
        self.vshift(V::PslldI, s, x, by);
        self.vshift(V::PsrldI, t, x, 32 - by);
        self.v3(V::Por, t, t, s);
    }

    /// The middle of d and a, with d and b.
    fn sha1_schedule0(&mut self, d: VReg, a: VReg, b: VReg) {
        let old = self.vread(d, self.s(0));
        let x = self.vread(a, self.s(1));
        let t = self.s(2);
        self.v3i(V::Palignr, t, x, old, 8);
        self.v3(V::Pxor, t, t, old);
        let y = self.vread(b, self.s(0));
        let to = self.vtarget(d, t);
        self.v3(V::Pxor, to, t, y);
        self.vwrite(d, to);
    }

    /// Each word rotated by one; the last one has the new first one's, too.
    fn sha1_schedule1(&mut self, d: VReg, a: VReg) {
        let old = self.vread(d, self.s(0));
        let x = self.vread(a, self.s(1));
        let (t, s) = (self.s(2), self.s(1));
        self.vshift(V::PsrldqI, t, x, 4);
        self.v3(V::Pxor, t, t, old);
        self.rotate_words(t, t, 1);
        self.vshift(V::PslldqI, s, t, 12);
        self.rotate_words(s, s, 1);
        let to = self.vtarget(d, t);
        self.v3(V::Pxor, to, t, s);
        self.vwrite(d, to);
    }

    /// Four rounds: d = what `pairs` takes of the new state, of the old one's
    /// first and second half and what is added.
    fn sha256_rounds(&mut self, pairs: u8, d: VReg, first: VReg, second: VReg, b: VReg) {
        const IMPLIED: Xmm = Xmm(0);
        let (even, odd) = (self.s(2), self.s(3));
        let x = self.vread(first, self.s(0));
        let y = self.vread(second, self.s(1));
        self.v3i(V::Shufps, even, y, x, LOW_PAIRS);
        self.v3i(V::Shufps, odd, y, x, HIGH_PAIRS);
        let kept = self.s(1);
        self.a.v2(V::Movdqu, kept, IMPLIED);
        self.vread_to(b, IMPLIED);
        self.a.sha(Sha::Sha256Rnds2, odd, even);
        self.v2i(V::Pshufd, IMPLIED, IMPLIED, 0x0e);
        self.a.sha(Sha::Sha256Rnds2, even, odd);
        self.a.v2(V::Movdqu, IMPLIED, kept);
        let t = self.vtarget(d, even);
        self.v3i(V::Shufps, t, even, odd, pairs);
        self.vwrite(d, t);
    }

    pub(super) fn ternary(&mut self, op: Ternary, d: VReg, a: VReg, b: VReg, c: VReg) {
        let x = self.vread(a, self.s(0));
        let y = self.vread(b, self.s(1));
        let z = self.vread(c, self.s(3));
        let t = self.s(2);
        match (op, self.c.host.avx512) {
            // By a, b and c as bits 2, 1 and 0 of the index.
            (_, true) => {
                self.a.v2(V::Movdqu, t, x);
                let table = if op == Ternary::Xor3 { 0x96 } else { 0xb4 };
                self.v3i(V::Pternlogq, t, y, z, table);
            }
            (Ternary::Xor3, _) => {
                self.v3(V::Pxor, t, x, y);
                self.v3(V::Pxor, t, t, z);
            }
            (Ternary::ClearXor, _) => {
                self.v3(V::Pandn, t, z, y);
                self.v3(V::Pxor, t, t, x);
            }
        }
        self.vwrite(d, t);
    }

    pub(super) fn xor_rotate(&mut self, d: VReg, a: VReg, b: VReg, by: u8) {
        let x = self.vread(a, self.s(0));
        let y = self.vread(b, self.s(1));
        let t = self.s(2);
        self.v3(V::Pxor, t, x, y);
        self.rotate_right(t, t, by);
        self.vwrite(d, t);
    }

    pub(super) fn rotate_xor(&mut self, d: VReg, a: VReg, b: VReg) {
        let x = self.vread(a, self.s(0));
        let y = self.vread(b, self.s(1));
        let t = self.s(2);
        self.rotate_right(t, y, 63);
        self.v3(V::Pxor, t, t, x);
        self.vwrite(d, t);
    }

    /// t = each 64 bits of x rotated right. t may be x; uses scratch 3.
    fn rotate_right(&mut self, t: Xmm, x: Xmm, by: u8) {
        if by == 0 {
            return self.a.v2(V::Movdqu, t, x);
        }
        if self.c.host.avx512 {
            return self.vshift(V::ProrqI, t, x, by);
        }
        let s = self.s(3);
        self.vshift(V::PsllqI, s, x, 64 - by);
        self.vshift(V::PsrlqI, t, x, by);
        self.v3(V::Por, t, t, s);
    }
}

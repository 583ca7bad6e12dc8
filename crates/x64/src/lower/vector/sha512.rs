//! SHA-512, which the host has no instructions for.
//!
//! Two rounds take a and b to d. The computation is in the low 64 bits, to which the words
//! of the upper halves are brought. The names are FIPS 180-4's.

use crate::asm::{V, Xmm};
use crate::lower::Lowering;
use ir::VReg;
use ir::vector::Crypto;

/// The upper half in both.
const HIGH: u8 = 0xee;

/// Two rotations to the right, and a third or a shift.
#[derive(Clone, Copy)]
struct Sigma {
    rotations: [u8; 2],
    last: u8,
    shifts: bool,
}

const BIG_0: Sigma = sigma([28, 34], 39, false);
const BIG_1: Sigma = sigma([14, 18], 41, false);
const SMALL_0: Sigma = sigma([1, 8], 7, true);
const SMALL_1: Sigma = sigma([19, 61], 6, true);

const fn sigma(rotations: [u8; 2], last: u8, shifts: bool) -> Sigma {
    Sigma {
        rotations,
        last,
        shifts,
    }
}

impl Lowering<'_> {
    pub(super) fn sha512(&mut self, op: Crypto, d: VReg, a: VReg, b: VReg) {
        match op {
            Crypto::Sha512First => self.sha512_first(d, a, b),
            Crypto::Sha512Second => self.sha512_second(d, a, b),
            Crypto::Sha512Schedule0 => self.sha512_schedule0(d, a),
            _ => self.sha512_schedule1(d, a, b),
        }
    }

    /// The two new words of e to h, by Ch and the big sigma 1: b is f and e (the
    /// upper half), a is h and g.
    fn sha512_first(&mut self, d: VReg, a: VReg, b: VReg) {
        let (e, sum, t, s) = (self.s(0), self.s(1), self.s(2), self.s(3));
        let words = self.vread(b, t);
        self.v2i(V::Pshufd, e, words, HIGH);
        self.sigma(BIG_1, sum, e, t);
        // g ^ (e & (f ^ g)), of what the first round sees.
        let x = self.vread(a, t);
        self.v2i(V::Pshufd, s, x, HIGH);
        self.v3(V::Pxor, t, x, s);
        self.v3(V::Pand, t, t, e);
        self.v3(V::Pxor, t, t, s);
        self.v3(V::Paddq, sum, sum, t);
        self.add_high(sum, d);
        let y = self.vread(b, t);
        self.v3(V::Paddq, s, sum, y);
        let x = self.vread(a, t);
        self.v3(V::Pxor, e, e, x);
        self.v3(V::Pand, e, e, s);
        self.v3(V::Pxor, e, e, x);
        let added = self.vread(d, t);
        self.v3(V::Paddq, e, e, added);
        self.join_rounds(BIG_1, [e, sum, s], [t, sum]);
        self.vwrite(d, e);
    }

    /// The two new words of a to d, by Maj and the big sigma 0: b is a and b, the
    /// low half of a is c.
    fn sha512_second(&mut self, d: VReg, a: VReg, b: VReg) {
        let (low, sum, t, differ) = (self.s(0), self.s(1), self.s(2), self.s(3));
        self.vread_to(b, low);
        self.sigma(BIG_0, sum, low, t);
        self.v2i(V::Pshufd, differ, low, HIGH);
        self.v3(V::Pxor, differ, differ, low);
        // The majority of x, y and z is ((x ^ z) & (y ^ z)) ^ z.
        let x = self.vread(a, t);
        self.v3(V::Pxor, t, x, low);
        self.v3(V::Pand, t, t, differ);
        self.v3(V::Pxor, t, t, low);
        self.v3(V::Paddq, sum, sum, t);
        self.add_high(sum, d);
        self.v3(V::Pxor, t, sum, low);
        self.v3(V::Pand, t, t, differ);
        self.v3(V::Pxor, t, t, low);
        let added = self.vread(d, low);
        self.v3(V::Paddq, low, t, added);
        self.join_rounds(BIG_0, [low, sum, sum], [t, differ]);
        self.vwrite(d, low);
    }

    /// sum += d's upper half. Uses scratch 2.
    fn add_high(&mut self, sum: Xmm, d: VReg) {
        let t = self.s(2);
        let added = self.vread(d, t);
        self.v2i(V::Pshufd, t, added, HIGH);
        self.v3(V::Paddq, sum, sum, t);
    }

    /// t = the second round's sum, to which its sigma of x is still to be added,
    /// and above it the first round's. s and u are overwritten.
    fn join_rounds(&mut self, sigma: Sigma, [t, first, x]: [Xmm; 3], [s, u]: [Xmm; 2]) {
        self.v3(V::Punpcklqdq, t, t, first);
        self.sigma(sigma, s, x, u);
        self.v2(V::Movq, s, s);
        self.v3(V::Paddq, t, t, s);
    }

    /// Each word of d, and the small sigma 0 of the next one.
    fn sha512_schedule0(&mut self, d: VReg, a: VReg) {
        let (sum, next, t) = (self.s(1), self.s(2), self.s(3));
        let old = self.vread(d, self.s(0));
        let x = self.vread(a, t);
        self.v3i(V::Shufpd, next, old, x, 1);
        self.sigma(SMALL_0, sum, next, t);
        self.v3(V::Paddq, sum, sum, old);
        self.vwrite(d, sum);
    }

    /// Each word of d, that of b, and the small sigma 1 of that of a.
    fn sha512_schedule1(&mut self, d: VReg, a: VReg, b: VReg) {
        let (sum, t) = (self.s(1), self.s(2));
        let x = self.vread(a, self.s(0));
        self.sigma(SMALL_1, sum, x, t);
        for reg in [d, b] {
            let word = self.vread(reg, t);
            self.v3(V::Paddq, sum, sum, word);
        }
        self.vwrite(d, sum);
    }

    /// t = a sigma of each 64 bits of x; s is overwritten.
    fn sigma(&mut self, sigma: Sigma, t: Xmm, x: Xmm, s: Xmm) {
        let [first, second] = sigma.rotations;
        let mut parts = [(V::PsrlqI, 0); 6];
        let count = if self.c.host.avx512 {
            let last = if sigma.shifts { V::PsrlqI } else { V::ProrqI };
            parts[..3].copy_from_slice(&[
                (V::ProrqI, first),
                (V::ProrqI, second),
                (last, sigma.last),
            ]);
            3
        } else {
            // The two shifts of a rotation have no bit in common.
            for (n, by) in [first, second, sigma.last].into_iter().enumerate() {
                parts[2 * n] = (V::PsrlqI, by);
                parts[2 * n + 1] = (V::PsllqI, 64 - by);
            }
            if sigma.shifts { 5 } else { 6 }
        };
        let (op, by) = parts[0];
        self.vshift(op, t, x, by);
        for &(op, by) in &parts[1..count] {
            self.vshift(op, s, x, by);
            self.v3(V::Pxor, t, t, s);
        }
    }
}

//! CRC-32 with the polynomial that the host has no instruction for.
//!
//! Bit i of a number stands for x^i, which is the order that reflected CRCs have. The
//! quotient of 64 bits by the polynomial is their product with its inverse modulo x^64. The
//! remainder is the part above 64 bits of the quotient times the polynomial. Fewer bits come
//! last of 64, behind zeros.

use crate::asm::{Size as Host, V};
use crate::constants::Const;
use crate::convention::{RAX, RCX};
use crate::lower::Lowering;
use ir::{Reg, Size};

impl Lowering<'_> {
    /// d = the CRC of b's low bytes, going on from a.
    pub(crate) fn crc_by_products(&mut self, size: Size, d: Reg, a: Reg, b: Reg) {
        let (before, t) = (self.s(0), self.s(1));
        let a = self.read(a, RAX);
        self.a.vmov_from_gpr(Host::B32, before, a);
        let b = self.read(b, RCX);
        self.a.vmov_from_gpr(Host::B64, t, b);
        self.v3(V::Pxor, t, t, before);
        let bits = 8 * size.bytes();
        if bits < 64 {
            self.vshift(V::PsllqI, t, t, 64 - bits);
        }
        let k = self.k(Const::Crc32);
        self.a.v3i(V::Pclmulqdq, t, t, k, 0);
        self.a.v3i(V::Pclmulqdq, t, t, k, 0x10);
        let to = self.target(d, RAX);
        if bits < 32 {
            self.vshift(V::PsrldqI, t, t, 8);
            self.vshift(V::PsrldI, before, before, bits);
            self.v3(V::Pxor, t, t, before);
            self.a.vmov_to_gpr(Host::B32, to, t);
        } else {
            self.a.vpextr(Host::B32, to, t, 2);
        }
        self.write(d, to);
    }
}

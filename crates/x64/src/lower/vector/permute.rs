//! Lanes moved about: duplicated, inserted, taken out, looked up.

use crate::asm::{Size as Host, V, Xmm};
use crate::constants::Const;
use crate::convention::RAX;
use crate::lower::Lowering;
use ir::{Reg, Size, VReg, Width};

impl Lowering<'_> {
    /// t = one lane of `from` in all lanes; t may be `from`.
    pub(super) fn broadcast(&mut self, e: Size, t: Xmm, from: Xmm, lane: u8) {
        let quarters = (lane & 3) * 0x55;
        match (e, lane) {
            (Size::B1, 0) => self.v2(V::Pbroadcastb, t, from),
            (Size::B2, 0) => self.v2(V::Pbroadcastw, t, from),
            (Size::B4, 0) => self.v2(V::Pbroadcastd, t, from),
            (Size::B8, 0) => self.v2(V::Pbroadcastq, t, from),
            (Size::B1, _) => {
                self.vshift(V::PsrldqI, t, from, lane);
                self.v2(V::Pbroadcastb, t, t);
            }
            (Size::B2, 1..=3) => {
                self.v2i(V::Pshuflw, t, from, quarters);
                self.v3(V::Punpcklqdq, t, t, t);
            }
            (Size::B2, _) => {
                self.v2i(V::Pshufhw, t, from, quarters);
                self.v3(V::Punpckhqdq, t, t, t);
            }
            (Size::B4, _) => self.v2i(V::Pshufd, t, from, quarters),
            _ => self.v3(V::Punpckhqdq, t, from, from),
        }
    }

    pub(super) fn dup(&mut self, e: Size, half: bool, d: VReg, a: VReg, lane: u8) {
        let x = self.vread(a, self.s(0));
        let t = self.last(half, d, self.s(2));
        self.broadcast(e, t, x, lane);
        self.vdone(half, d, t);
    }

    pub(super) fn lane(&mut self, e: Size, d: VReg, a: VReg, lane: u8) {
        let x = self.vread(a, self.s(0));
        let t = self.s(2);
        if e == Size::B4 {
            // The lane to place 0, zeros to the others.
            let t = self.vtarget(d, t);
            self.v3i(V::Insertps, t, x, x, lane << 6 | 0x0e);
            self.vwrite(d, t);
            return;
        }
        if lane == 0 {
            return self.vdone_low(e, d, x);
        }
        let by = lane * e.bytes();
        // The highest lane has nothing above it.
        let to = self.last(by + e.bytes() < 16, d, t);
        self.vshift(V::PsrldqI, to, x, by);
        if by + e.bytes() == 16 {
            return self.vwrite(d, to);
        }
        self.vdone_low(e, d, t);
    }

    pub(super) fn dup_int(&mut self, e: Size, half: bool, d: VReg, a: Reg) {
        let t = self.vtarget(d, self.s(2));
        if a.is_zero() {
            self.a.v3(V::Pxor, t, t, t);
            self.vwrite(d, t);
            return;
        }
        let from = self.read(a, RAX);
        if self.c.host.avx512 {
            let t = self.last(half, d, self.s(2));
            self.a.vbroadcast_gpr(e.into(), t, from);
            return self.vdone(half, d, t);
        }
        let size = if e == Size::B8 { Host::B64 } else { Host::B32 };
        self.a.vmov_from_gpr(size, t, from);
        self.broadcast(e, t, t, 0);
        self.vdone(half, d, t);
    }

    pub(super) fn insert_int(&mut self, e: Size, d: VReg, lane: u8, a: Reg) {
        let from = self.source(a, RAX);
        let old = self.vread(d, self.s(0));
        let t = self.vtarget(d, self.s(2));
        self.a.vpinsr(e.into(), t, old, from, lane);
        self.vwrite(d, t);
    }

    pub(super) fn insert_lane(&mut self, e: Size, d: VReg, to: u8, a: VReg, from: u8) {
        let x = self.vread(a, self.s(0));
        let old = self.vread(d, self.s(1));
        let t = self.vtarget(d, self.s(2));
        match e {
            Size::B4 => self.v3i(V::Insertps, t, old, x, from << 6 | to << 4),
            Size::B8 | Size::B16 => {
                // Each half is chosen: bit 0 of the first source's, bit 1 of
                // the second's.
                let (first, second, pick) = if to == 0 {
                    (x, old, from | 2)
                } else {
                    (old, x, from << 1)
                };
                self.v3i(V::Shufpd, t, first, second, pick);
            }
            _ => {
                self.a.vpextr(e.into(), RAX, x, from);
                self.a.vpinsr(e.into(), t, old, RAX, to);
            }
        }
        self.vwrite(d, t);
    }

    pub(super) fn get_lane(&mut self, e: Size, signed: bool, w: Width, d: Reg, a: VReg, lane: u8) {
        let x = self.vread(a, self.s(0));
        let t = self.target(d, RAX);
        let size = Host::from(e);
        if lane == 0 && e >= Size::B4 {
            self.a.vmov_to_gpr(size, t, x);
        } else {
            self.a.vpextr(size, t, x, lane);
        }
        if signed {
            self.a.movsx(w.into(), size, t, t);
        }
        self.write(d, t);
    }

    pub(super) fn extract_bytes(&mut self, half: bool, d: VReg, a: VReg, b: VReg, by: u8) {
        let x = self.vread(a, self.s(0));
        let y = self.vread(b, self.s(1));
        let t = self.s(2);
        if half {
            self.v3(V::Punpcklqdq, t, x, y);
            self.vshift(V::PsrldqI, t, t, by);
        } else {
            let t = self.vtarget(d, t);
            self.v3i(V::Palignr, t, y, x, by);
            return self.vwrite(d, t);
        }
        self.vdone(half, d, t);
    }

    /// Each slot of the table gives its part: indices below it wrap to large
    /// ones, and those past it get the top bit, which gives zero.
    pub(super) fn table(
        &mut self,
        half: bool,
        keep: bool,
        count: u8,
        d: VReg,
        table: VReg,
        a: VReg,
    ) {
        let x = self.vread(a, self.s(0));
        let s = self.s(3);
        let mut sources = [a; 6];
        for n in 0..count {
            sources[usize::from(n)] = table.after(n);
        }
        if keep {
            sources[4] = d;
        }
        let t = self.apart(half, d, &sources);
        let starts = [Const::Table16, Const::Table32, Const::Table48];
        for n in 0..count {
            let index = if n == 0 {
                x
            } else {
                let start = self.k(starts[usize::from(n - 1)]);
                self.v3(V::Psubb, s, x, start);
                s
            };
            self.v3(V::Paddusb, s, index, self.k(Const::TableBias));
            let part = self.vread(table.after(n), self.s(1));
            let to = if n == 0 { t } else { s };
            self.v3(V::Pshufb, to, part, s);
            if n != 0 {
                self.v3(V::Por, t, t, s);
            }
        }
        if keep {
            let last = [
                Const::Table15,
                Const::Table31,
                Const::Table47,
                Const::Table63,
            ];
            let last = self.k(last[usize::from((count - 1) & 3)]);
            self.v3(V::Pminub, s, x, last);
            self.v3(V::Pcmpeqb, s, s, x);
            let old = self.vread(d, self.s(1));
            self.v3(V::Pandn, s, s, old);
            self.v3(V::Por, t, t, s);
        }
        self.vdone(half, d, t);
    }
}

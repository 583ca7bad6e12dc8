//! Loads and stores of elements dealt to two, three or four slots in turn.
//!
//! Elements that are loaded wait in scratch until the last access is done. Of three slots,
//! each has its elements at places that are all different modulo 16: a blend of the three
//! blocks has all of them, out of order.

use super::structures::{nth, offset};
use crate::asm::{Mem, V, Xmm};
use crate::constants::Const;
use crate::lower::Lowering;
use crate::lower::memory::next;
use ir::vector::Lanes;
use ir::{Addr, Size, VReg};

impl Lowering<'_> {
    pub(super) fn load_dealt(&mut self, e: Size, half: bool, count: u8, d: VReg, addr: Addr) {
        let mem = self.address(addr);
        match count {
            2 => self.load_two(e, half, d, mem),
            3 => self.load_three(e, half, d, mem),
            _ if half => self.load_four_halves(e, d, mem),
            _ => self.load_four(e, d, mem),
        }
    }

    pub(super) fn store_dealt(&mut self, e: Size, half: bool, count: u8, a: VReg, addr: Addr) {
        let mem = self.address(addr);
        match count {
            2 => self.store_two(e, half, a, mem),
            3 => self.store_three(e, half, a, mem),
            _ if half => self.store_four_halves(e, a, mem),
            _ => self.store_four(e, a, mem),
        }
    }

    fn load_two(&mut self, e: Size, half: bool, d: VReg, mem: Mem) {
        let (first, second) = (self.s(1), self.s(3));
        self.vload_to(Size::B16, first, mem);
        if !half {
            self.vload_to(Size::B16, second, next(mem, 16));
        }
        if half {
            let t = self.s(2);
            self.unzip(false, e, t, t, first, first);
            self.unzip(true, e, first, first, first, first);
            self.vdone(true, d, t);
            return self.vdone(true, nth(d, 1), first);
        }
        for (odd, reg, even) in [(false, d, self.s(2)), (true, nth(d, 1), first)] {
            let t = self.vtarget(reg, even);
            self.unzip(odd, e, t, even, first, second);
            self.vwrite(reg, t);
        }
    }

    fn store_two(&mut self, e: Size, half: bool, a: VReg, mem: Mem) {
        let x = self.vread(a, self.s(0));
        let y = self.vread(nth(a, 1), self.s(1));
        let (t, s) = (self.s(2), self.s(3));
        self.interleave(Lanes::Zip1, e, false, t, x, y);
        if !half {
            self.interleave(Lanes::Zip2, e, false, s, x, y);
        }
        self.vstore_from(Size::B16, t, mem);
        if !half {
            self.vstore_from(Size::B16, s, next(mem, 16));
        }
    }

    /// A constant for structures of three: that of a lane's size and a slot.
    fn k3(&self, which: Const, e: Size, slot: usize) -> Mem {
        #[allow(clippy::cast_possible_truncation, reason = "less than 3")]
        self.k_at(which, e.log2() * 3 + slot as u8)
    }

    /// t = of three blocks, from each the lanes of which `first` says which
    /// third they are.
    fn blend3(&mut self, e: Size, t: Xmm, blocks: [Xmm; 3], first: [usize; 3]) {
        let [a, b, c] = blocks;
        let (keep_b, keep_c) = (
            self.k3(Const::Thirds, e, first[1]),
            self.k3(Const::Thirds, e, first[2]),
        );
        if self.c.host.avx512 {
            // The third source chooses the first, and else the second.
            self.a.v2(V::Movdqu, t, a);
            self.v3i(V::Pternlogd, t, b, keep_b, 0xe4);
            self.v3i(V::Pternlogd, t, c, keep_c, 0xe4);
            return;
        }
        for (from, block, keep) in [(a, b, keep_b), (t, c, keep_c)] {
            self.v3(V::Pxor, t, from, block);
            self.v3(V::Pand, t, t, keep);
            self.v3(V::Pxor, t, t, block);
        }
    }

    /// Which third of its lanes a block has of a slot: its first lane is the
    /// 16 * `block` / e-th of all.
    fn which_third(e: Size, block: usize, slot: usize) -> usize {
        let before = block * usize::from(16 / e.bytes());
        (slot + 3 * before - before) % 3
    }

    fn load_three(&mut self, e: Size, half: bool, d: VReg, mem: Mem) {
        let blocks = [self.s(0), self.s(1), self.s(2)];
        self.vload_to(Size::B16, blocks[0], mem);
        if half {
            self.vload_to(Size::B8, blocks[1], next(mem, 16));
        } else {
            self.vload_to(Size::B16, blocks[1], next(mem, 16));
            self.vload_to(Size::B16, blocks[2], next(mem, 32));
        }
        for slot in 0..3 {
            let to = nth(d, slot);
            let t = self.vtarget(to, self.s(3));
            self.blend3(
                e,
                t,
                blocks,
                [0, 1, 2].map(|n| Self::which_third(e, n, slot)),
            );
            self.v3(V::Pshufb, t, t, self.k3(Const::Deal3, e, slot));
            self.vdone(half, to, t);
        }
    }

    fn store_three(&mut self, e: Size, half: bool, a: VReg, mem: Mem) {
        let slots = [self.s(0), self.s(1), self.s(2)];
        for (n, &slot) in slots.iter().enumerate() {
            let x = self.vread(nth(a, n), slot);
            self.v3(V::Pshufb, slot, x, self.k3(Const::Gather3, e, n));
        }
        let t = self.s(3);
        for block in 0..if half { 2 } else { 3 } {
            self.blend3(
                e,
                t,
                slots,
                [0, 1, 2].map(|n| Self::which_third(e, block, n)),
            );
            let size = if half && block == 1 {
                Size::B8
            } else {
                Size::B16
            };
            self.vstore_from(size, t, next(mem, offset(block, Size::B16)));
        }
    }

    /// x and y = what the two rows make of both.
    fn both(&mut self, low: V, high: V, x: Xmm, y: Xmm) {
        if self.c.host.avx512 {
            let spare = self.c.vec_low;
            self.v3(low, spare, x, y);
            self.v3(high, y, x, y);
            return self.a.v2(V::Movdqu, x, spare);
        }
        let spare = self.c.state(self.c.layout.scratch);
        self.a.vstore(V::MovdquStore, spare, y);
        self.v3(high, y, x, y);
        self.v3(low, x, x, spare);
    }

    /// Lanes of 32 bits in the order of rows that those below have.
    fn gather_words(&mut self, e: Size, blocks: &[Xmm]) {
        let index = match e {
            Size::B1 => Const::DealB,
            Size::B2 => Const::DealH,
            _ => return,
        };
        for &x in blocks {
            self.v3(V::Pshufb, x, x, self.k(index));
        }
    }

    fn load_four(&mut self, e: Size, d: VReg, mem: Mem) {
        let x = [0, 1, 2, 3].map(|n| self.s(n));
        for (n, &to) in x.iter().enumerate() {
            self.vload_to(Size::B16, to, next(mem, offset(n, Size::B16)));
        }
        let to = [0, 1, 2, 3].map(|n| self.vpinned(nth(d, n)));
        if let [Some(a), Some(b), Some(c), Some(d)] = to {
            return self.deal_four(e, [a, b, c, d], x);
        }
        let order = if e >= Size::B8 {
            self.both(V::Punpcklqdq, V::Punpckhqdq, x[0], x[2]);
            self.both(V::Punpcklqdq, V::Punpckhqdq, x[1], x[3]);
            [0, 2, 1, 3]
        } else {
            self.gather_words(e, &x);
            self.transpose_words(x);
            [0, 2, 1, 3]
        };
        for (n, from) in order.into_iter().enumerate() {
            self.vwrite(nth(d, n), x[from]);
        }
    }

    /// Four blocks are dealt to other registers.
    fn deal_four(&mut self, e: Size, to: [Xmm; 4], mut x: [Xmm; 4]) {
        let (low, high) = (V::Punpcklqdq, V::Punpckhqdq);
        if e < Size::B8 {
            self.gather_words(e, &x);
            // Of words, what the first two and the last two blocks have.
            self.v3(V::Punpckldq, to[0], x[0], x[1]);
            self.v3(V::Punpckhdq, x[1], x[0], x[1]);
            self.v3(V::Punpckldq, x[0], x[2], x[3]);
            self.v3(V::Punpckhdq, x[3], x[2], x[3]);
            x = [to[0], x[1], x[0], x[3]];
        }
        self.v3(high, to[1], x[0], x[2]);
        self.v3(low, to[0], x[0], x[2]);
        self.v3(low, to[2], x[1], x[3]);
        self.v3(high, to[3], x[1], x[3]);
    }

    /// Four rows of four words become columns: the first, third, second and
    /// fourth.
    fn transpose_words(&mut self, x: [Xmm; 4]) {
        self.both(V::Punpckldq, V::Punpckhdq, x[0], x[1]);
        self.both(V::Punpckldq, V::Punpckhdq, x[2], x[3]);
        self.both(V::Punpcklqdq, V::Punpckhqdq, x[0], x[2]);
        self.both(V::Punpcklqdq, V::Punpckhqdq, x[1], x[3]);
    }

    fn store_four(&mut self, e: Size, a: VReg, mem: Mem) {
        let x = [0, 1, 2, 3].map(|n| self.s(n));
        for (n, &to) in x.iter().enumerate() {
            self.vread_to(nth(a, n), to);
        }
        let order = if e >= Size::B8 {
            self.both(V::Punpcklqdq, V::Punpckhqdq, x[0], x[1]);
            self.both(V::Punpcklqdq, V::Punpckhqdq, x[2], x[3]);
            [0, 2, 1, 3]
        } else {
            self.transpose_words(x);
            self.scatter_words(e, &x);
            [0, 2, 1, 3]
        };
        for (n, from) in order.into_iter().enumerate() {
            self.vstore_from(Size::B16, x[from], next(mem, offset(n, Size::B16)));
        }
    }

    /// The opposite of [`Lowering::gather_words`].
    fn scatter_words(&mut self, e: Size, blocks: &[Xmm]) {
        let index = match e {
            Size::B1 => Const::DealB,
            Size::B2 => Const::GatherH,
            _ => return,
        };
        for &x in blocks {
            self.v3(V::Pshufb, x, x, self.k(index));
        }
    }

    fn load_four_halves(&mut self, e: Size, d: VReg, mem: Mem) {
        let (x, y, t) = (self.s(0), self.s(1), self.s(2));
        self.vload_to(Size::B16, x, mem);
        self.vload_to(Size::B16, y, next(mem, 16));
        self.gather_words(e, &[x, y]);
        self.v3(V::Punpckldq, t, x, y);
        self.v3(V::Punpckhdq, y, x, y);
        for (n, from) in [t, y].into_iter().enumerate() {
            self.vshift(V::PsrldqI, x, from, 8);
            self.vdone(true, nth(d, 2 * n), from);
            self.vdone(true, nth(d, 2 * n + 1), x);
        }
    }

    fn store_four_halves(&mut self, e: Size, a: VReg, mem: Mem) {
        let (t, s) = (self.s(2), self.s(3));
        for (n, to) in [t, s].into_iter().enumerate() {
            let x = self.vread(nth(a, 2 * n), self.s(0));
            let y = self.vread(nth(a, 2 * n + 1), self.s(1));
            self.v3(V::Punpcklqdq, to, x, y);
        }
        let (x, y) = (self.s(0), self.s(1));
        self.v3i(V::Shufps, x, t, s, 0x88);
        self.v3i(V::Shufps, y, t, s, 0xdd);
        self.scatter_words(e, &[x, y]);
        self.vstore_from(Size::B16, x, mem);
        self.vstore_from(Size::B16, y, next(mem, 16));
    }
}

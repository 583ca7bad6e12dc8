//! Loads and stores of several slots, of single lanes, and of one element in
//! all lanes.
//!
//! Values that are loaded wait in scratch until the last access is done.

use super::lanes::by_size;
use crate::asm::{Size as Host, V};
use crate::lower::Lowering;
use crate::lower::memory::next;
use ir::vector::VOp;
use ir::{Addr, Size, VReg};

/// The `n`th slot from `first` on.
pub(super) const fn nth(first: VReg, n: usize) -> VReg {
    #[allow(clippy::cast_possible_truncation, reason = "at most 3")]
    first.after(n as u8)
}

const fn whole(half: bool) -> Size {
    if half { Size::B8 } else { Size::B16 }
}

impl Lowering<'_> {
    pub(super) fn structures(&mut self, op: &VOp) {
        match *op {
            VOp::LoadDup { e, half, d, addr } => self.load_dup(e, half, d, addr),
            VOp::LoadLane { e, lane, d, addr } => self.load_lane(e, lane, d, addr),
            VOp::StoreLane { e, lane, a, addr } => self.store_lane(e, lane, a, addr),
            VOp::LoadMany {
                half,
                count,
                d,
                addr,
            } => self.load_many(half, count, d, addr),
            VOp::StoreMany {
                half,
                count,
                a,
                addr,
            } => self.store_many(half, count, a, addr),
            VOp::LoadDups {
                e,
                half,
                count,
                d,
                addr,
            } => self.load_dups(e, half, count, d, addr),
            VOp::LoadLanes {
                e,
                lane,
                count,
                d,
                addr,
            } => self.load_lanes(e, lane, count, d, addr),
            VOp::StoreLanes {
                e,
                lane,
                count,
                a,
                addr,
            } => self.store_lanes(e, lane, count, a, addr),
            VOp::LoadDealt {
                e,
                half,
                count,
                d,
                addr,
            } => self.load_dealt(e, half, count, d, addr),
            VOp::StoreDealt {
                e,
                half,
                count,
                a,
                addr,
            } => self.store_dealt(e, half, count, a, addr),
            _ => self.fall_back(),
        }
    }

    fn load_dup(&mut self, e: Size, half: bool, d: VReg, addr: Addr) {
        let mem = self.address(addr);
        let t = self.last(half, d, self.s(2));
        self.fault_point();
        let rows = [
            V::Pbroadcastb,
            V::Pbroadcastw,
            V::Pbroadcastd,
            V::Pbroadcastq,
        ];
        self.a.v2(by_size(e, rows), t, mem);
        self.vdone(half, d, t);
    }

    fn load_lane(&mut self, e: Size, lane: u8, d: VReg, addr: Addr) {
        let mem = self.address(addr);
        let old = self.vread(d, self.s(0));
        let t = self.vtarget(d, self.s(2));
        self.fault_point();
        self.a.vpinsr(e.into(), t, old, mem, lane);
        self.vwrite(d, t);
    }

    fn store_lane(&mut self, e: Size, lane: u8, a: VReg, addr: Addr) {
        let mem = self.address(addr);
        let x = self.vread(a, self.s(0));
        self.fault_point();
        self.a.vpextr(Host::from(e), mem, x, lane);
    }

    fn load_many(&mut self, half: bool, count: u8, d: VReg, addr: Addr) {
        let mem = self.address(addr);
        let size = whole(half);
        let count = usize::from(count);
        // The last may go where it belongs: nothing can fault after it.
        let last = nth(d, count - 1);
        let last_to = self.vtarget(last, self.s(count - 1));
        for n in 0..count {
            let to = if n == count - 1 { last_to } else { self.s(n) };
            self.vload_to(size, to, next(mem, offset(n, size)));
        }
        for n in 0..count {
            let from = if n == count - 1 { last_to } else { self.s(n) };
            self.vwrite(nth(d, n), from);
        }
    }

    fn store_many(&mut self, half: bool, count: u8, a: VReg, addr: Addr) {
        let mem = self.address(addr);
        let size = whole(half);
        for n in 0..usize::from(count) {
            let value = self.vread(nth(a, n), self.s(n));
            self.vstore_from(size, value, next(mem, offset(n, size)));
        }
    }

    fn load_dups(&mut self, e: Size, half: bool, count: u8, d: VReg, addr: Addr) {
        let mem = self.address(addr);
        let rows = [
            V::Pbroadcastb,
            V::Pbroadcastw,
            V::Pbroadcastd,
            V::Pbroadcastq,
        ];
        for n in 0..usize::from(count) {
            self.fault_point();
            self.a
                .v2(by_size(e, rows), self.s(n), next(mem, offset(n, e)));
        }
        for n in 0..usize::from(count) {
            self.vdone(half, nth(d, n), self.s(n));
        }
    }

    fn load_lanes(&mut self, e: Size, lane: u8, count: u8, d: VReg, addr: Addr) {
        let mem = self.address(addr);
        for n in 0..usize::from(count) {
            let old = self.vread(nth(d, n), self.s(n));
            self.fault_point();
            self.a
                .vpinsr(e.into(), self.s(n), old, next(mem, offset(n, e)), lane);
        }
        for n in 0..usize::from(count) {
            self.vwrite(nth(d, n), self.s(n));
        }
    }

    fn store_lanes(&mut self, e: Size, lane: u8, count: u8, a: VReg, addr: Addr) {
        let mem = self.address(addr);
        for n in 0..usize::from(count) {
            let x = self.vread(nth(a, n), self.s(n));
            self.fault_point();
            self.a
                .vpextr(Host::from(e), next(mem, offset(n, e)), x, lane);
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "at most 48"
)]
pub(super) const fn offset(n: usize, size: Size) -> i32 {
    n as i32 * size.bytes() as i32
}

//! Loads, stores and moves of vector slots.
//!
//! A load clears the bytes of the slot above what it reads, as the guest's does. Invariant: as in
//! [`crate::lower::memory`], each host instruction that may fault has a fault point.

use crate::asm::{Mem, Size, V, Xmm};
use crate::convention::{RAX, RCX};
use crate::lower::Lowering;
use crate::lower::memory::next;
use ir::{Addr, Reg, VReg};

impl Lowering<'_> {
    pub(super) fn vload(&mut self, size: ir::Size, d: VReg, addr: Addr) {
        let mem = self.address(addr);
        let t = self.vtarget(d, self.c.vec_scratch[0]);
        self.vload_to(size, t, mem);
        self.vwrite(d, t);
    }

    /// t = memory, zero above.
    pub(super) fn vload_to(&mut self, size: ir::Size, t: Xmm, mem: Mem) {
        let row = match size {
            ir::Size::B1 | ir::Size::B2 => {
                let from = Size::from(size);
                self.fault_point();
                self.a.movzx(Size::B32, from, RAX, mem);
                return self.a.vmov_from_gpr(Size::B32, t, RAX);
            }
            ir::Size::B4 => V::MovssLoad,
            ir::Size::B8 => V::Movq,
            ir::Size::B16 => V::Movdqu,
        };
        self.fault_point();
        self.a.v2(row, t, mem);
    }

    pub(super) fn vstore(&mut self, size: ir::Size, a: VReg, addr: Addr) {
        let mem = self.address(addr);
        let value = self.vread(a, self.c.vec_scratch[0]);
        self.vstore_from(size, value, mem);
    }

    /// memory = the low bytes of `value`
    pub(super) fn vstore_from(&mut self, size: ir::Size, value: Xmm, mem: Mem) {
        self.fault_point();
        match size {
            ir::Size::B1 => self.a.vpextr(Size::B8, mem, value, 0),
            ir::Size::B2 => self.a.vpextr(Size::B16, mem, value, 0),
            ir::Size::B4 => self.a.vstore(V::MovssStore, mem, value),
            ir::Size::B8 => self.a.vstore(V::MovqStore, mem, value),
            ir::Size::B16 => self.a.vstore(V::MovdquStore, mem, value),
        }
    }

    /// The first element waits in scratch until the second is there.
    pub(super) fn vload_pair(&mut self, size: ir::Size, d: VReg, e: VReg, addr: Addr) {
        let mem = self.address(addr);
        let [first, second, ..] = self.c.vec_scratch;
        self.vload_to(size, first, mem);
        let t = self.vtarget(e, second);
        self.vload_to(size, t, next(mem, size.bytes().into()));
        self.vwrite(e, t);
        self.vwrite(d, first);
    }

    pub(super) fn vstore_pair(&mut self, size: ir::Size, a: VReg, b: VReg, addr: Addr) {
        let mem = self.address(addr);
        let [first, second, ..] = self.c.vec_scratch;
        let a = self.vread(a, first);
        let b = self.vread(b, second);
        self.vstore_from(size, a, mem);
        self.vstore_from(size, b, next(mem, size.bytes().into()));
    }

    pub(super) fn vimm(&mut self, d: VReg, value: u128) {
        let t = self.vtarget(d, self.c.vec_scratch[0]);
        self.vconst(t, value);
        self.vwrite(d, t);
    }

    /// t = a constant; uses `rax`, leaves the flags alone.
    #[allow(clippy::cast_possible_truncation, reason = "the two halves")]
    pub(crate) fn vconst(&mut self, t: Xmm, value: u128) {
        let (low, high) = (value as u64, (value >> 64) as u64);
        if value == 0 {
            return self.a.v3(V::Pxor, t, t, t);
        }
        self.a.mov_ri(RAX, low);
        if high == low && self.c.host.avx512 {
            return self.a.vbroadcast_gpr(Size::B64, t, RAX);
        }
        self.a.vmov_from_gpr(Size::B64, t, RAX);
        if high == low {
            self.a.v3(V::Punpcklqdq, t, t, t);
        } else if high != 0 {
            self.a.mov_ri(RAX, high);
            self.a.vpinsr(Size::B64, t, t, RAX, 1);
        }
    }

    pub(super) fn vmov(&mut self, half: bool, d: VReg, a: VReg) {
        let t = self.vtarget(d, self.c.vec_scratch[0]);
        let source = self.vsource(a);
        self.a.v2(if half { V::Movq } else { V::Movdqu }, t, source);
        self.vwrite(d, t);
    }

    pub(super) fn vfrom_int(&mut self, size: ir::Size, d: VReg, a: Reg) {
        let t = self.vtarget(d, self.c.vec_scratch[0]);
        let from = match size {
            ir::Size::B1 | ir::Size::B2 => {
                let source = self.source(a, RCX);
                self.a.movzx(Size::B32, size.into(), RAX, source);
                RAX
            }
            _ => self.read(a, RAX),
        };
        let host = if size == ir::Size::B8 {
            Size::B64
        } else {
            Size::B32
        };
        self.a.vmov_from_gpr(host, t, from);
        self.vwrite(d, t);
    }

    pub(super) fn vto_int(&mut self, size: ir::Size, d: Reg, a: VReg) {
        let t = self.target(d, RAX);
        let value = self.vread(a, self.c.vec_scratch[0]);
        match size {
            ir::Size::B1 => self.a.vpextr(Size::B8, t, value, 0),
            ir::Size::B2 => self.a.vpextr(Size::B16, t, value, 0),
            ir::Size::B4 => self.a.vmov_to_gpr(Size::B32, t, value),
            ir::Size::B8 | ir::Size::B16 => self.a.vmov_to_gpr(Size::B64, t, value),
        }
        self.write(d, t);
    }
}

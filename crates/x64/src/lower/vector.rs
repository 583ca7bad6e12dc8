//! Vector slots: loads, stores and moves; SIMD and floating point by subject.

mod access;

use super::Lowering;
use crate::asm::{Xmm, XmmMem};
use ir::VReg;
use ir::vector::VOp;

impl Lowering<'_> {
    /// The register that holds a vector slot, if one does.
    pub(crate) fn vpinned(&self, reg: VReg) -> Option<Xmm> {
        self.c.vec.get(usize::from(reg.0)).copied().flatten()
    }

    /// A vector slot where it is.
    pub(crate) fn vsource(&self, reg: VReg) -> XmmMem {
        match self.vpinned(reg) {
            Some(x) => XmmMem::Reg(x),
            None => XmmMem::Mem(self.c.vec_home(reg.0)),
        }
    }

    /// A vector slot's value in a register: its own, or `scratch`.
    pub(crate) fn vread(&mut self, reg: VReg, scratch: Xmm) -> Xmm {
        use crate::asm::V;
        match self.vsource(reg) {
            XmmMem::Reg(x) => x,
            XmmMem::Mem(m) => {
                self.a.v2(V::Movdqu, scratch, m);
                scratch
            }
        }
    }

    /// Where to compute what a vector slot is to hold; [`Lowering::vwrite`]
    /// ends it.
    pub(crate) fn vtarget(&self, reg: VReg, scratch: Xmm) -> Xmm {
        self.vpinned(reg).unwrap_or(scratch)
    }

    /// The slot is what `value` holds.
    pub(crate) fn vwrite(&mut self, reg: VReg, value: Xmm) {
        use crate::asm::V;
        match self.vsource(reg) {
            XmmMem::Reg(x) if x == value => {}
            XmmMem::Reg(x) => self.a.v2(V::Movdqu, x, value),
            XmmMem::Mem(m) => self.a.vstore(V::MovdquStore, m, value),
        }
    }

    pub(crate) fn vector(&mut self, op: &VOp) {
        match *op {
            VOp::Load { size, d, addr } => self.vload(size, d, addr),
            VOp::Store { size, a, addr } => self.vstore(size, a, addr),
            VOp::LoadPair { size, d, e, addr } => self.vload_pair(size, d, e, addr),
            VOp::StorePair { size, a, b, addr } => self.vstore_pair(size, a, b, addr),
            VOp::Imm { d, value } => self.vimm(d, value),
            VOp::Mov { half, d, a } => self.vmov(half, d, a),
            VOp::FromInt { size, d, a } => self.vfrom_int(size, d, a),
            VOp::ToInt { size, d, a } => self.vto_int(size, d, a),
        }
    }
}

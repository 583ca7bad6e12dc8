//! Vector slots: how they are reached, and which file does which operation.
//!
//! A sequence of several host instructions computes in scratch and writes its
//! destination last, since the destination may be a source too.

mod access;
mod convert;
mod crc;
mod crypto;
mod dealt;
mod float;
mod flushed;
mod half;
mod joined;
mod lanes;
mod pairs;
mod permute;
mod sha;
mod sha512;
mod shift;
mod structures;
mod wide;

use super::Lowering;
use crate::asm::{Mem, V, Xmm, XmmMem};
use crate::constants::Const;
use ir::vector::{Arg, VOp};
use ir::{Size, VReg};
pub use joined::ASIDE;

impl Lowering<'_> {
    /// Scratch, 0 to 3.
    pub(crate) fn s(&self, n: usize) -> Xmm {
        self.c.vec_scratch[n]
    }

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
        match self.vsource(reg) {
            XmmMem::Reg(x) => x,
            XmmMem::Mem(m) => {
                self.a.v2(V::Movdqu, scratch, m);
                scratch
            }
        }
    }

    /// A vector slot's value in that very register.
    pub(crate) fn vread_to(&mut self, reg: VReg, to: Xmm) {
        let source = self.vsource(reg);
        if source != XmmMem::Reg(to) {
            self.a.v2(V::Movdqu, to, source);
        }
    }

    /// The second source, in a register: its own or `scratch`.
    pub(crate) fn varg(&mut self, e: Size, arg: Arg, scratch: Xmm) -> Xmm {
        match arg {
            Arg::Each(reg) => self.vread(reg, scratch),
            Arg::Lane(reg, lane) => {
                let from = self.vread(reg, scratch);
                self.broadcast(e, scratch, from, lane);
                scratch
            }
            Arg::Const(value) => {
                self.vconst(scratch, u128::from(value) << 64 | u128::from(value));
                scratch
            }
            Arg::Zero => {
                self.a.v3(V::Pxor, scratch, scratch, scratch);
                scratch
            }
        }
    }

    /// Where to compute what a vector slot is to hold; [`Lowering::vwrite`]
    /// ends it.
    pub(crate) fn vtarget(&self, reg: VReg, scratch: Xmm) -> Xmm {
        self.vpinned(reg).unwrap_or(scratch)
    }

    /// A vector slot's value in a register that a VEX form can name.
    fn vread_low(&mut self, reg: VReg, scratch: Xmm) -> Xmm {
        let x = self.vread(reg, scratch);
        if x.0 < 16 {
            return x;
        }
        self.a.v2(V::Movdqu, scratch, x);
        scratch
    }

    /// The slot is what `value` holds.
    pub(crate) fn vwrite(&mut self, reg: VReg, value: Xmm) {
        match self.vsource(reg) {
            XmmMem::Reg(x) if x == value => {}
            XmmMem::Reg(x) => self.a.v2(V::Movdqu, x, value),
            XmmMem::Mem(m) => self.a.vstore(V::MovdquStore, m, value),
        }
    }

    /// Where to compute a result in several steps: the slot's own register only
    /// if it is none of the sources', nor on the way to be cleared above.
    pub(crate) fn apart(&self, cut: bool, d: VReg, sources: &[VReg]) -> Xmm {
        match self.vpinned(d) {
            Some(x) if !cut && !sources.contains(&d) => x,
            _ => self.s(2),
        }
    }

    /// Where the last step writes what `t` has been computed for.
    pub(crate) fn last(&self, cut: bool, d: VReg, t: Xmm) -> Xmm {
        if cut { t } else { self.vtarget(d, t) }
    }

    /// Whether a second source is known to be zero above its low 64 bits.
    pub(crate) fn is_low(&self, arg: Arg) -> bool {
        match arg {
            Arg::Each(reg) => self.is_zero_above(reg, Size::B8),
            Arg::Zero => true,
            Arg::Lane(..) | Arg::Const(_) => false,
        }
    }

    /// The slot is what `value` holds; `half`: its low 64 bits, zero above.
    pub(crate) fn vdone(&mut self, half: bool, reg: VReg, value: Xmm) {
        if !half {
            return self.vwrite(reg, value);
        }
        let t = self.cleared(reg, value);
        self.a.v2(V::Movq, t, value);
        self.vwrite(reg, t);
    }

    /// The slot is the low `size` bytes of `value`, zero above.
    pub(crate) fn vdone_low(&mut self, size: Size, reg: VReg, value: Xmm) {
        let t = self.cleared(reg, value);
        self.clear_above(size, t, value);
        self.vwrite(reg, t);
    }

    /// Where `value` is cleared above on its way to a slot: in place only if
    /// it is scratch, since else it is another slot's register.
    fn cleared(&self, reg: VReg, value: Xmm) -> Xmm {
        let own = self.c.vec_scratch.contains(&value);
        let scratch = if own { value } else { self.s(3) };
        self.vtarget(reg, scratch)
    }

    /// t = the low `size` bytes of `value`, zero above.
    pub(crate) fn clear_above(&mut self, size: Size, t: Xmm, value: Xmm) {
        match size {
            Size::B1 => self.a.v3(V::Pand, t, value, self.k(Const::LowB)),
            Size::B2 => self.a.v3(V::Pand, t, value, self.k(Const::LowH)),
            Size::B4 => self.a.v3i(V::Insertps, t, value, value, 0x0e),
            Size::B8 => self.a.v2(V::Movq, t, value),
            Size::B16 => self.a.v2(V::Movdqu, t, value),
        }
    }

    /// Whether the slot is known to be zero above its low `size` bytes.
    pub(crate) fn is_zero_above(&self, reg: VReg, size: Size) -> bool {
        self.known.is_zero_above(reg, size)
    }

    /// A constant's place.
    pub(crate) fn k(&self, which: Const) -> Mem {
        self.k_at(which, 0)
    }

    /// The place of the `n`th constant of a group.
    #[allow(clippy::cast_possible_truncation, reason = "some kilobytes")]
    pub(crate) fn k_at(&self, which: Const, n: u8) -> Mem {
        let index = which as u32 + u32::from(n);
        self.c.state(self.c.layout.constants + 16 * index)
    }

    /// op t, a, b, by way of low registers where only they can be named.
    pub(crate) fn v3(&mut self, op: V, t: Xmm, a: Xmm, b: impl Into<XmmMem>) {
        self.legal(op, t, Some(a), b.into(), None);
    }

    /// op t, a, b, imm
    pub(crate) fn v3i(&mut self, op: V, t: Xmm, a: Xmm, b: impl Into<XmmMem>, imm: u8) {
        self.legal(op, t, Some(a), b.into(), Some(imm));
    }

    /// op t, a
    pub(crate) fn v2(&mut self, op: V, t: Xmm, a: impl Into<XmmMem>) {
        self.legal(op, t, None, a.into(), None);
    }

    /// op t, a, imm
    pub(crate) fn v2i(&mut self, op: V, t: Xmm, a: impl Into<XmmMem>, imm: u8) {
        self.legal(op, t, None, a.into(), Some(imm));
    }

    fn legal(&mut self, op: V, t: Xmm, a: Option<Xmm>, b: XmmMem, imm: Option<u8>) {
        let low = self.c.vec_low;
        let (mut to, mut first, mut second) = (t, a.unwrap_or(Xmm(0)), b);
        if !op.has_evex() {
            let high = |x: Xmm| x.0 >= 16;
            if a.is_some() && high(first) {
                self.a.v2(V::Movdqu, low, first);
                if b == XmmMem::Reg(first) {
                    second = XmmMem::Reg(low);
                }
                first = low;
            }
            if let XmmMem::Reg(b) = second
                && high(b)
            {
                second = if first == low {
                    let place = self.c.state(self.c.layout.aside);
                    self.a.vstore(V::MovdquStore, place, b);
                    XmmMem::Mem(place)
                } else {
                    self.a.v2(V::Movdqu, low, b);
                    XmmMem::Reg(low)
                };
            }
            if high(to) {
                to = low;
            }
        }
        match (a.is_some(), imm) {
            (true, Some(imm)) => self.a.v3i(op, to, first, second, imm),
            (true, None) => self.a.v3(op, to, first, second),
            (false, Some(imm)) => self.a.v2i(op, to, second, imm),
            (false, None) => self.a.v2(op, to, second),
        }
        if to != t {
            self.a.v2(V::Movdqu, t, to);
        }
    }

    /// op t, a, imm: a shift of all lanes by a constant
    pub(crate) fn vshift(&mut self, op: V, t: Xmm, a: Xmm, imm: u8) {
        self.a.vshift_i(op, t, a, imm);
    }

    /// Lanes that are not all zero in `difference` have saturated. Uses it.
    pub(crate) fn saturated(&mut self, difference: Xmm) {
        let home = self.c.state(self.c.layout.saturated);
        self.a.v3(V::Por, difference, difference, home);
        self.a.vstore(V::MovdquStore, home, difference);
    }

    /// The interpreter does the whole instruction after all. The instruction's operations that follow are
    /// jumped over.
    pub(crate) fn fall_back(&mut self) {
        if self.goes_on() {
            // What the interpreter leaves in the state can't become the form of floats again.
            self.clobber();
            let cold = self.detour();
            return self.a.jmp(cold);
        }
        let word = self.word();
        self.interpret(word);
    }

    pub(crate) fn vector(&mut self, op: &VOp) {
        if !self.joining {
            self.keep_status();
        }
        match *op {
            VOp::Load { size, d, addr } => self.vload(size, d, addr),
            VOp::Store { size, a, addr } => self.vstore(size, a, addr),
            VOp::LoadPair { size, d, e, addr } => self.vload_pair(size, d, e, addr),
            VOp::StorePair { size, a, b, addr } => self.vstore_pair(size, a, b, addr),
            VOp::Imm { d, value } => self.vimm(d, value),
            VOp::Mov { half, d, a } => self.vmov(half, d, a),
            VOp::FromInt { size, d, a } => self.vfrom_int(size, d, a),
            VOp::ToInt { size, d, a } => self.vto_int(size, d, a),
            VOp::Lanes {
                op,
                e,
                half,
                d,
                a,
                b,
            } => self.lanes(op, e, half, d, a, b),
            VOp::Accumulate {
                op,
                e,
                half,
                d,
                a,
                b,
            } => self.accumulate_lanes(op, e, half, d, a, b),
            VOp::Unary { op, e, half, d, a } => self.unary(op, e, half, d, a),
            VOp::Shift {
                op,
                e,
                half,
                d,
                a,
                by,
            } => self.shift_lanes(op, e, half, d, a, by),
            VOp::Float {
                op,
                f,
                shape,
                d,
                a,
                b,
            } => self.float(op, f, shape, d, a, b),
            VOp::MulAdd {
                neg_product,
                neg_addend,
                f,
                shape,
                d,
                a,
                b,
                c,
            } => self.fused(neg_product, neg_addend, f, shape, d, a, b, c),
            VOp::FloatUnary { op, f, shape, d, a } => self.float_unary(op, f, shape, d, a),
            _ => self.vector_more(op),
        }
    }

    fn vector_more(&mut self, op: &VOp) {
        match *op {
            VOp::Narrow {
                op,
                e,
                high,
                d,
                a,
                by,
            } => self.narrow(op, e, high, d, a, by),
            VOp::NarrowSum {
                sub,
                round,
                e,
                high,
                d,
                a,
                b,
            } => self.narrow_sum(sub, round, e, high, d, a, b),
            VOp::Long {
                signed,
                e,
                high,
                d,
                a,
                by,
            } => self.long(signed, e, high, d, a, by),
            VOp::Wide {
                op,
                e,
                high,
                d,
                a,
                b,
            } => self.wide(op, e, high, d, a, b),
            VOp::Across { op, e, half, d, a } => self.across(op, e, half, d, a),
            VOp::Dup {
                e,
                half,
                d,
                a,
                lane,
            } => self.dup(e, half, d, a, lane),
            VOp::Lane { e, d, a, lane } => self.lane(e, d, a, lane),
            VOp::DupInt { e, half, d, a } => self.dup_int(e, half, d, a),
            VOp::InsertInt { e, d, lane, a } => self.insert_int(e, d, lane, a),
            VOp::InsertLane { e, d, to, a, from } => self.insert_lane(e, d, to, a, from),
            VOp::GetLane {
                e,
                signed,
                w,
                d,
                a,
                lane,
            } => self.get_lane(e, signed, w, d, a, lane),
            VOp::Extract { half, d, a, b, by } => self.extract_bytes(half, d, a, b, by),
            VOp::Table {
                half,
                keep,
                count,
                d,
                table,
                a,
            } => self.table(half, keep, count, d, table, a),
            VOp::Ternary { op, d, a, b, c } => self.ternary(op, d, a, b, c),
            VOp::XorRotate { d, a, b, by } => self.xor_rotate(d, a, b, by),
            VOp::RotateXor { d, a, b } => self.rotate_xor(d, a, b),
            VOp::Crypto { op, d, a, b } => self.crypto(op, d, a, b),
            VOp::LoadDup { .. }
            | VOp::LoadLane { .. }
            | VOp::StoreLane { .. }
            | VOp::LoadMany { .. }
            | VOp::StoreMany { .. }
            | VOp::LoadDups { .. }
            | VOp::LoadLanes { .. }
            | VOp::StoreLanes { .. }
            | VOp::LoadDealt { .. }
            | VOp::StoreDealt { .. } => self.structures(op),
            _ => self.convert(op),
        }
    }
}

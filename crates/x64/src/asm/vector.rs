//! Vector instructions: VEX and EVEX forms of the rows of the table.
//!
//! A row is written in VEX form when it has one and all registers are below
//! 16, and in EVEX form otherwise. A row that has no form for the registers
//! given is the caller's fault: check [`V::has_vex`], [`V::has_evex`] and the
//! host's features.

use super::vector_table::{Evex, V, Vex};
use super::{Asm, Gpr, K, Mem, RegMem, Size, Xmm, XmmMem};

/// Opmask and zeroing of an EVEX instruction.
#[derive(Clone, Copy, Debug, Default)]
struct Mask {
    k: u8,
    zero: bool,
}

impl From<XmmMem> for RegMem {
    /// The number of a vector register in the place of a general one's.
    fn from(x: XmmMem) -> Self {
        match x {
            XmmMem::Reg(r) => Asm::as_rm(r),
            XmmMem::Mem(m) => Self::Mem(m),
        }
    }
}

impl Asm {
    /// A VEX instruction of 128 bits: prefix, opcode, ModRM.
    #[allow(clippy::too_many_arguments, reason = "the encoding has as many parts")]
    pub(super) fn vex(&mut self, pp: u8, map: u8, w: bool, op: u8, reg: u8, v: u8, rm: RegMem) {
        self.vex_l(pp, map, w, false, op, reg, v, rm);
    }

    #[allow(clippy::too_many_arguments, reason = "the encoding has as many parts")]
    fn vex_l(&mut self, pp: u8, map: u8, w: bool, long: bool, op: u8, reg: u8, v: u8, rm: RegMem) {
        let (x, b) = high(rm);
        let r = reg >> 3 & 1;
        let last = (!v & 15) << 3 | u8::from(long) << 2 | pp;
        if map == 1 && !w && x == 0 && b == 0 {
            self.bytes(&[0xc5, (r ^ 1) << 7 | last, op]);
        } else {
            let first = (r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | map;
            self.bytes(&[0xc4, first, u8::from(w) << 7 | last, op]);
        }
        self.modrm(reg, rm, 1);
    }

    fn evex(&mut self, row: &Evex, reg: u8, v: u8, rm: RegMem, mask: Mask) {
        let (mut x, b) = high(rm);
        if let RegMem::Reg(r) = rm {
            x = r.0 >> 4 & 1;
        }
        let not = |bit: u8| (bit & 1) ^ 1;
        let p0 = not(reg >> 3) << 7 | not(x) << 6 | not(b) << 5 | not(reg >> 4) << 4 | row.map;
        let p1 = u8::from(row.w) << 7 | (!v & 15) << 3 | 4 | row.pp;
        let p2 = u8::from(mask.zero) << 7 | not(v >> 4) << 3 | mask.k;
        self.bytes(&[0x62, p0, p1, p2, row.op]);
        self.modrm(reg, rm, row.unit.into());
    }

    /// A row in the form that the registers allow.
    fn row(&mut self, op: V, reg: u8, v: u8, rm: RegMem) {
        let low = match rm {
            RegMem::Reg(r) => r.0 < 16,
            RegMem::Mem(_) => true,
        };
        let row = op.row();
        match (row.vex, row.evex) {
            (Some(Vex { pp, map, w, op }), _) if low && reg < 16 && v < 16 => {
                self.vex(pp, map, w, op, reg, v, rm);
            }
            (_, Some(evex)) => self.evex(&evex, reg, v, rm, Mask::default()),
            _ => debug_assert!(false, "{op:?} has no form for these registers"),
        }
    }

    /// op dst, a, b
    #[inline]
    pub fn v3(&mut self, op: V, dst: Xmm, a: Xmm, b: impl Into<XmmMem>) {
        self.row(op, dst.0, a.0, b.into().into());
    }

    /// op dst, a, b, imm
    pub fn v3i(&mut self, op: V, dst: Xmm, a: Xmm, b: impl Into<XmmMem>, imm: u8) {
        self.v3(op, dst, a, b);
        self.byte(imm);
    }

    /// op dst, src
    #[inline]
    pub fn v2(&mut self, op: V, dst: Xmm, src: impl Into<XmmMem>) {
        self.row(op, dst.0, 0, src.into().into());
    }

    /// op dst, src, imm
    pub fn v2i(&mut self, op: V, dst: Xmm, src: impl Into<XmmMem>, imm: u8) {
        self.v2(op, dst, src);
        self.byte(imm);
    }

    /// op [mem], src: rows whose name ends in `Store`
    pub fn vstore(&mut self, op: V, mem: Mem, src: Xmm) {
        self.row(op, src.0, 0, mem.into());
    }

    /// op \[mem], src, imm: element stores
    pub fn vstore_i(&mut self, op: V, mem: Mem, src: Xmm, imm: u8) {
        self.vstore(op, mem, src);
        self.byte(imm);
    }

    /// A shift of all lanes by a constant: op dst, src, imm
    pub fn vshift_i(&mut self, op: V, dst: Xmm, src: Xmm, imm: u8) {
        self.row(op, op.row().digit, dst.0, Self::as_rm(src));
        self.byte(imm);
    }

    /// A blend by the sign bits of `mask` (VEX only): mask ? b : a
    pub fn v4(&mut self, op: V, dst: Xmm, a: Xmm, b: impl Into<XmmMem>, mask: Xmm) {
        debug_assert!(mask.0 < 16);
        self.v3(op, dst, a, b);
        self.byte(mask.0 << 4);
    }

    /// A comparison to an opmask: op k, a, b
    pub fn vk3(&mut self, op: V, k: K, a: Xmm, b: impl Into<XmmMem>) {
        let Some(evex) = op.row().evex else {
            return debug_assert!(false, "{op:?}");
        };
        self.evex(&evex, k.0, a.0, b.into().into(), Mask::default());
    }

    /// A comparison to an opmask with a predicate: op k, a, b, imm
    pub fn vk3i(&mut self, op: V, k: K, a: Xmm, b: impl Into<XmmMem>, imm: u8) {
        self.vk3(op, k, a, b);
        self.byte(imm);
    }

    /// A test to an opmask of one operand: op k, a, imm (VFPCLASS)
    pub fn vk2i(&mut self, op: V, k: K, a: impl Into<XmmMem>, imm: u8) {
        self.vk3i(op, k, Xmm(0), a, imm);
    }

    /// op dst{k}, a, b
    pub fn v3k(&mut self, op: V, dst: Xmm, k: K, zero: bool, a: Xmm, b: impl Into<XmmMem>) {
        let Some(evex) = op.row().evex else {
            return debug_assert!(false, "{op:?}");
        };
        self.evex(&evex, dst.0, a.0, b.into().into(), Mask { k: k.0, zero });
    }

    /// op dst{k}, src
    pub fn v2k(&mut self, op: V, dst: Xmm, k: K, zero: bool, src: impl Into<XmmMem>) {
        self.v3k(op, dst, k, zero, Xmm(0), src);
    }

    /// vmovd or vmovq xmm, r
    pub fn vmov_from_gpr(&mut self, size: Size, dst: Xmm, src: Gpr) {
        self.gpr_row(V::MovdFromGpr, size, dst.0, 0, src.into());
    }

    /// vmovd or vmovq r, xmm
    pub fn vmov_to_gpr(&mut self, size: Size, dst: Gpr, src: Xmm) {
        self.gpr_row(V::MovdToGpr, size, src.0, 0, dst.into());
    }

    /// vpinsr of `size`: dst = a with element `lane` from rm
    pub fn vpinsr(&mut self, size: Size, dst: Xmm, a: Xmm, rm: impl Into<RegMem>, lane: u8) {
        let op = match size {
            Size::B8 => V::Pinsrb,
            Size::B16 => V::Pinsrw,
            _ => V::Pinsrd,
        };
        self.gpr_row(op, size, dst.0, a.0, rm.into());
        self.byte(lane);
    }

    /// vpextr of `size`: rm = element `lane`, zero-extended in a register
    pub fn vpextr(&mut self, size: Size, rm: impl Into<RegMem>, src: Xmm, lane: u8) {
        let op = match size {
            Size::B8 => V::Pextrb,
            Size::B16 => V::Pextrw,
            _ => V::Pextrd,
        };
        self.gpr_row(op, size, src.0, 0, rm.into());
        self.byte(lane);
    }

    /// A conversion from a general register or memory: op dst, a, rm
    pub fn vcvt_from_gpr(&mut self, op: V, size: Size, dst: Xmm, a: Xmm, rm: impl Into<RegMem>) {
        self.gpr_row(op, size, dst.0, a.0, rm.into());
    }

    /// A conversion to a general register: op dst, src
    pub fn vcvt_to_gpr(&mut self, op: V, size: Size, dst: Gpr, src: impl Into<XmmMem>) {
        let rm: RegMem = src.into().into();
        // The general register is in the reg field here: below 16.
        let row = op.row();
        let low = !matches!(rm, RegMem::Reg(r) if r.0 >= 16);
        let w = size == Size::B64;
        match (row.vex, row.evex) {
            (Some(vex), _) if low => self.vex(vex.pp, vex.map, w, vex.op, dst.0, 0, rm),
            (_, Some(evex)) => self.evex(&Evex { w, ..evex }, dst.0, 0, rm, Mask::default()),
            _ => debug_assert!(false, "{op:?}"),
        }
    }

    /// A row with a general register or memory as its last operand; W is the
    /// size's.
    fn gpr_row(&mut self, op: V, size: Size, reg: u8, v: u8, rm: RegMem) {
        let row = op.row();
        let w = size == Size::B64;
        match (row.vex, row.evex) {
            (Some(vex), _) if reg < 16 && v < 16 => {
                self.vex(vex.pp, vex.map, w, vex.op, reg, v, rm);
            }
            (_, Some(evex)) => {
                let unit = match size {
                    Size::B8 => 1,
                    Size::B16 => 2,
                    Size::B32 => 4,
                    Size::B64 => 8,
                };
                self.evex(&Evex { w, unit, ..evex }, reg, v, rm, Mask::default());
            }
            _ => debug_assert!(false, "{op:?}"),
        }
    }

    /// kmov r32, k: the low 16 bits
    pub fn kmovw_to_gpr(&mut self, dst: Gpr, k: K) {
        self.vex(0, 1, false, 0x93, dst.0, 0, RegMem::Reg(Gpr(k.0)));
    }

    /// kmov k, r32: the low 16 bits
    pub fn kmovw_from_gpr(&mut self, k: K, src: Gpr) {
        self.vex(0, 1, false, 0x92, k.0, 0, src.into());
    }

    /// kortestw a, b: ZF if nothing is set
    pub fn kortestw(&mut self, a: K, b: K) {
        self.vex(0, 1, false, 0x98, a.0, 0, RegMem::Reg(Gpr(b.0)));
    }

    /// kortestb a, b
    pub fn kortestb(&mut self, a: K, b: K) {
        self.vex(1, 1, false, 0x98, a.0, 0, RegMem::Reg(Gpr(b.0)));
    }

    /// A SHA instruction: the legacy form, dst op= src, registers below 16
    pub fn sha(&mut self, op: Sha, dst: Xmm, src: Xmm) {
        debug_assert!(dst.0 < 16 && src.0 < 16);
        let rex = 0x40 | (dst.0 >> 3) << 2 | src.0 >> 3;
        if rex != 0x40 {
            self.byte(rex);
        }
        self.bytes(&[0x0f, 0x38, op as u8]);
        self.modrm(dst.0, Self::as_rm(src), 1);
    }
}

/// SHA instructions of map 0F38; the number is the opcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Sha {
    /// sha1nexte
    Sha1Nexte = 0xc8,
    /// sha1msg1
    Sha1Msg1 = 0xc9,
    /// sha1msg2
    Sha1Msg2 = 0xca,
    /// sha256rnds2, xmm0 implied
    Sha256Rnds2 = 0xcb,
    /// sha256msg1
    Sha256Msg1 = 0xcc,
    /// sha256msg2
    Sha256Msg2 = 0xcd,
}

/// Bit 3 of the index and of the base or register.
fn high(rm: RegMem) -> (u8, u8) {
    match rm {
        RegMem::Reg(r) => (0, r.0 >> 3 & 1),
        RegMem::Mem(m) => (
            m.index.map_or(0, |(i, _)| i.0 >> 3),
            m.base.map_or(0, |b| b.0 >> 3),
        ),
    }
}

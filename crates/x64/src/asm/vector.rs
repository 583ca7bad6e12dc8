//! Vector instructions: VEX and EVEX forms of the rows of the table.
//!
//! A row is written in VEX form if it has one and all registers are below 16, and
//! otherwise in EVEX form. The caller must choose a row that has a form for the registers
//! (ask [`V::vex_on`] and [`V::evex_on`]), and the function for the row's shape of operands.

use super::vector_table::{Evex, V, Vex};
use super::{Asm, Gpr, K, Last, Mem, RegMem, Shape, Size, Xmm, XmmMem};

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
        let (x, b) = high(rm);
        let r = reg >> 3 & 1;
        let last = (!v & 15) << 3 | pp;
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
        fits(op, rm);
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
        shaped(op, Shape::Three);
        self.row(op, dst.0, a.0, b.into().into());
    }

    /// op dst, a, b, imm
    pub fn v3i(&mut self, op: V, dst: Xmm, a: Xmm, b: impl Into<XmmMem>, imm: u8) {
        shaped(op, Shape::ThreeImm);
        self.row(op, dst.0, a.0, b.into().into());
        self.byte(imm);
    }

    /// op dst, src
    #[inline]
    pub fn v2(&mut self, op: V, dst: Xmm, src: impl Into<XmmMem>) {
        shaped(op, Shape::Two);
        self.row(op, dst.0, 0, src.into().into());
    }

    /// op dst, src, imm
    pub fn v2i(&mut self, op: V, dst: Xmm, src: impl Into<XmmMem>, imm: u8) {
        shaped(op, Shape::TwoImm);
        self.row(op, dst.0, 0, src.into().into());
        self.byte(imm);
    }

    /// op dst, src: rows whose destination may be memory (stores and
    /// narrowings)
    pub fn vto(&mut self, op: V, dst: impl Into<XmmMem>, src: Xmm) {
        shaped(op, Shape::Store);
        self.row(op, src.0, 0, dst.into().into());
    }

    /// op dst, src, imm: likewise
    pub fn vto_i(&mut self, op: V, dst: impl Into<XmmMem>, src: Xmm, imm: u8) {
        shaped(op, Shape::StoreImm);
        self.row(op, src.0, 0, dst.into().into());
        self.byte(imm);
    }

    /// op \[mem], src
    pub fn vstore(&mut self, op: V, mem: Mem, src: Xmm) {
        self.vto(op, mem, src);
    }

    /// vmovdqu \[mem], ymm: `src`, below 16, and its upper half
    pub fn vstore_256(&mut self, mem: Mem, src: Xmm) {
        debug_assert!(src.0 < 16);
        // VEX.L is bit 2 of what the prefix's number is part of.
        self.vex(2 | 4, 1, false, 0x7f, src.0, 0, mem.into());
    }

    /// op \[mem], src, imm
    pub fn vstore_i(&mut self, op: V, mem: Mem, src: Xmm, imm: u8) {
        self.vto_i(op, mem, src, imm);
    }

    /// A shift of all lanes by a constant: op dst, src, imm
    pub fn vshift_i(&mut self, op: V, dst: Xmm, src: Xmm, imm: u8) {
        shaped(op, Shape::Shift);
        self.row(op, op.row().digit, dst.0, Self::as_rm(src));
        self.byte(imm);
    }

    /// A blend by the sign bits of `mask` (VEX only): mask ? b : a
    pub fn v4(&mut self, op: V, dst: Xmm, a: Xmm, b: impl Into<XmmMem>, mask: Xmm) {
        shaped(op, Shape::Blend);
        debug_assert!(mask.0 < 16);
        self.row(op, dst.0, a.0, b.into().into());
        self.byte(mask.0 << 4);
    }

    /// A row in EVEX form whatever the registers are.
    fn evex_row(&mut self, op: V, reg: u8, v: u8, rm: RegMem, mask: Mask) {
        match op.row().evex {
            Some(evex) => {
                fits(op, rm);
                self.evex(&evex, reg, v, rm, mask);
            }
            None => debug_assert!(false, "{op:?} has no EVEX form"),
        }
    }

    /// A comparison to an opmask: op k, a, b
    pub fn vk3(&mut self, op: V, k: K, a: Xmm, b: impl Into<XmmMem>) {
        shaped(op, Shape::MaskThree);
        self.evex_row(op, k.0, a.0, b.into().into(), Mask::default());
    }

    /// A comparison to an opmask with a predicate: op k, a, b, imm
    pub fn vk3i(&mut self, op: V, k: K, a: Xmm, b: impl Into<XmmMem>, imm: u8) {
        shaped(op, Shape::MaskThreeImm);
        self.evex_row(op, k.0, a.0, b.into().into(), Mask::default());
        self.byte(imm);
    }

    /// The sign bits to an opmask: op k, a
    pub fn vk2(&mut self, op: V, k: K, a: Xmm) {
        shaped(op, Shape::MaskTwo);
        self.evex_row(op, k.0, 0, Self::as_rm(a), Mask::default());
    }

    /// A test to an opmask of one operand: op k, a, imm (VFPCLASS)
    pub fn vk2i(&mut self, op: V, k: K, a: impl Into<XmmMem>, imm: u8) {
        shaped(op, Shape::MaskTwoImm);
        self.evex_row(op, k.0, 0, a.into().into(), Mask::default());
        self.byte(imm);
    }

    /// Lanes of ones and zeros from an opmask: op dst, k
    pub fn vfrom_k(&mut self, op: V, dst: Xmm, k: K) {
        shaped(op, Shape::FromMask);
        self.evex_row(op, dst.0, 0, RegMem::Reg(Gpr(k.0)), Mask::default());
    }

    /// op dst{k}, a, b
    pub fn v3k(&mut self, op: V, dst: Xmm, k: K, zero: bool, a: Xmm, b: impl Into<XmmMem>) {
        shaped(op, Shape::Three);
        self.evex_row(op, dst.0, a.0, b.into().into(), Mask { k: k.0, zero });
    }

    /// op dst{k}, src
    pub fn v2k(&mut self, op: V, dst: Xmm, k: K, zero: bool, src: impl Into<XmmMem>) {
        shaped(op, Shape::Two);
        self.evex_row(op, dst.0, 0, src.into().into(), Mask { k: k.0, zero });
    }

    /// vmovd or vmovq xmm, r
    pub fn vmov_from_gpr(&mut self, size: Size, dst: Xmm, src: Gpr) {
        self.gpr_row(V::MovdFromGpr, size, dst.0, 0, src.into());
    }

    /// vpbroadcastb, w, d or q xmm, r
    pub fn vbroadcast_gpr(&mut self, size: Size, dst: Xmm, src: Gpr) {
        let op = match size {
            Size::B8 => V::PbroadcastbGpr,
            Size::B16 => V::PbroadcastwGpr,
            _ => V::PbroadcastdGpr,
        };
        self.gpr_row(op, size, dst.0, 0, src.into());
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
        shaped(op, Shape::FromGpr);
        self.gpr_row(op, size, dst.0, a.0, rm.into());
    }

    /// A conversion or sign bits to a general register: op dst, src
    pub fn vcvt_to_gpr(&mut self, op: V, size: Size, dst: Gpr, src: impl Into<XmmMem>) {
        shaped(op, Shape::ToGpr);
        let rm: RegMem = src.into().into();
        fits(op, rm);
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

    /// vmovmskps or vmovmskpd r, xmm: the lanes' signs
    pub fn vmovmsk(&mut self, double: bool, dst: Gpr, src: Xmm) {
        self.vex(u8::from(double), 1, false, 0x50, dst.0, 0, Self::as_rm(src));
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

    /// sha1rnds4 dst, src, imm: the legacy form, registers below 16
    pub fn sha1rnds4(&mut self, dst: Xmm, src: Xmm, imm: u8) {
        debug_assert!(dst.0 < 16 && src.0 < 16);
        let rex = 0x40 | (dst.0 >> 3) << 2 | src.0 >> 3;
        if rex != 0x40 {
            self.byte(rex);
        }
        self.bytes(&[0x0f, 0x3a, 0xcc]);
        self.modrm(dst.0, Self::as_rm(src), 1);
        self.byte(imm);
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

/// The row must have the shape that the function is for.
#[inline]
fn shaped(op: V, shape: Shape) {
    debug_assert_eq!(op.shape(), shape, "{op:?}");
}

/// The last operand must be of a kind that the row takes.
#[inline]
fn fits(op: V, rm: RegMem) {
    debug_assert!(
        match op.last() {
            Last::Any => true,
            Last::Register => matches!(rm, RegMem::Reg(_)),
            Last::Memory => matches!(rm, RegMem::Mem(_)),
        },
        "{op:?} {rm:?}"
    );
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

//! Lanes of registers, extension, bits, selection and checksums.
//!
//! Lanes are computed in vector scratch. GE is a byte of ones for each bit, as comparisons
//! of lanes give it.

use super::{GE, Of, SCRATCH, W};
use crate::operation::{self, BitField, LaneRule, Lanes, Operation, Part, Shift, Unary};
use guest::memory::Size as Bytes;
use ir::form::Sink;
use ir::inst::BitOp;
use ir::vector::{Across, Arg, Lanes as VLanes, VOp};
use ir::{BinOp, Extend, Op, Operand, Reg, Size, VReg};

const NO: Reg = Reg::ZERO;
const FIRST: VReg = VReg(16);
const SECOND: VReg = VReg(17);
const RESULT: VReg = VReg(18);
const OTHER: VReg = VReg(19);
const MASK: VReg = VReg(20);

const fn binary(op: BinOp, d: Reg, a: Reg, b: Operand) -> Op {
    Op::Bin {
        op,
        w: W,
        d,
        a,
        b,
        set: false,
    }
}

const fn extract(signed: bool, d: Reg, a: Reg, lsb: u8, width: u8) -> Op {
    Op::Extract {
        signed,
        w: W,
        d,
        a,
        lsb,
        width,
    }
}

const fn insert(d: Reg, a: Reg, to: u8, from: u8, width: u8) -> Op {
    Op::Insert {
        w: W,
        d,
        a,
        to,
        from,
        width,
    }
}

impl Of {
    pub(super) fn media(&self, out: &mut Sink<'_>) {
        use Operation as O;
        match self.operation {
            O::MoveTop { d, value } => move_top(Reg(d), value, self.always(), out),
            O::Unary { op, d, m } => unary(op, Reg(d), Reg(m), out),
            O::Extend {
                signed,
                part,
                d,
                n,
                m,
                rotation,
            } => extend(
                signed,
                part,
                Reg(d),
                n.map_or(NO, Reg),
                rotated(Reg(m), rotation, out),
                out,
            ),
            O::Parallel {
                lanes,
                rule,
                signed,
                d,
                n,
                m,
            } => parallel(lanes, rule, signed, [d, n, m].map(Reg), out),
            O::Pack {
                top,
                d,
                n,
                m,
                shift,
                amount,
            } => self.pack(top, [d, n], (m, shift, amount), out),
            O::Select { d, n, m } => {
                out.push(binary(BinOp::AndNot, SCRATCH[0], Reg(m), Operand::Reg(GE)));
                out.push(binary(BinOp::And, SCRATCH[1], Reg(n), Operand::Reg(GE)));
                out.push(binary(
                    BinOp::Or,
                    Reg(d),
                    SCRATCH[0],
                    Operand::Reg(SCRATCH[1]),
                ));
            }
            O::BitField { op, d, n, lsb, msb } => bit_field(op, Reg(d), Reg(n), lsb, msb, out),
            O::Crc32 {
                castagnoli,
                size,
                d,
                n,
                m,
            } => out.push(Op::Crc {
                castagnoli,
                size: match size {
                    Bytes::Byte => Size::B1,
                    Bytes::Half => Size::B2,
                    _ => Size::B4,
                },
                d: Reg(d),
                a: Reg(n),
                b: Reg(m),
            }),
            O::ReadSystem { t, .. } => out.push(Op::ReadThread { d: Reg(t) }),
            _ => {}
        }
    }

    fn pack(
        &self,
        top: bool,
        [d, n]: [u8; 2],
        (m, shift, amount): (u8, Shift, u8),
        out: &mut Sink<'_>,
    ) {
        let operand = operation::Operand::Register { m, shift, amount };
        let b = self.operand(operand, SCRATCH[2], out);
        let whole = SCRATCH[0];
        super::data::move_to(whole, b, out);
        let (to, width) = if top { (16, 16) } else { (0, 16) };
        out.push(insert(whole, Reg(n), to, to, width));
        out.push(Op::Mov {
            w: W,
            d: Reg(d),
            a: whole,
        });
    }
}

/// The upper half, together with the move of the lower one before it.
#[allow(clippy::cast_possible_truncation, reason = "sixteen bits")]
fn move_top(d: Reg, value: u32, always: bool, out: &mut Sink<'_>) {
    if always
        && let Some(Op::Imm { d: of, value: low }) = out.last_of_block()
        && *of == d
    {
        *low = *low & 0xffff | u64::from(value) << 16;
        return;
    }
    out.push(Op::MovKeep {
        w: W,
        d,
        value: value as u16,
        shift: 16,
    });
}

fn unary(op: Unary, d: Reg, a: Reg, out: &mut Sink<'_>) {
    let op = match op {
        Unary::Clz => BitOp::Clz,
        Unary::Rbit => BitOp::Rbit,
        Unary::Rev => BitOp::Rev32,
        Unary::Rev16 => BitOp::Rev16,
        Unary::Revsh => {
            out.push(Op::Bits {
                op: BitOp::Rev16,
                w: W,
                d,
                a,
            });
            return out.push(extract(true, d, d, 0, 16));
        }
    };
    out.push(Op::Bits { op, w: W, d, a });
}

/// A register that is rotated to the right, and by how much of that it still is to be.
#[allow(clippy::cast_possible_truncation, reason = "less than 32")]
fn rotated(m: Reg, rotation: u32, out: &mut Sink<'_>) -> (Reg, u8) {
    if rotation == 24 {
        let d = SCRATCH[0];
        out.push(Op::ExtractPair {
            w: W,
            d,
            a: m,
            b: m,
            lsb: 24,
        });
        return (d, 0);
    }
    (m, rotation as u8)
}

fn extend(signed: bool, part: Part, d: Reg, n: Reg, (m, lsb): (Reg, u8), out: &mut Sink<'_>) {
    let width = match part {
        Part::Byte => 8,
        Part::Half => 16,
        Part::Bytes => return extend_bytes(signed, d, n, (m, lsb), out),
    };
    if n.is_zero() {
        return out.push(extract(signed, d, m, lsb, width));
    }
    out.push(extract(signed, SCRATCH[1], m, lsb, width));
    out.push(binary(BinOp::Add, d, n, Operand::Reg(SCRATCH[1])));
}

/// The lowest bytes of both halves.
fn extend_bytes(signed: bool, d: Reg, n: Reg, (m, lsb): (Reg, u8), out: &mut Sink<'_>) {
    let [_, low, high, ..] = SCRATCH;
    out.push(extract(signed, low, m, lsb, 8));
    out.push(extract(signed, high, m, (lsb + 16) & 31, 8));
    if !n.is_zero() {
        out.push(binary(BinOp::Add, low, low, Operand::Reg(n)));
        let upper = Operand::Ext {
            reg: n,
            extend: Extend::Lsr,
            amount: 16,
        };
        out.push(binary(BinOp::Add, high, high, upper));
    }
    out.push(insert(low, high, 16, 0, 16));
    out.push(Op::Mov { w: W, d, a: low });
}

fn to_vector(d: VReg, a: Reg, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::FromInt {
        size: Size::B4,
        d,
        a,
    }));
}

fn from_vector(d: Reg, a: VReg, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::ToInt {
        size: Size::B4,
        d,
        a,
    }));
}

fn lanes(op: VLanes, e: Size, d: VReg, a: VReg, b: Arg, out: &mut Sink<'_>) {
    out.push(Op::Vector(VOp::Lanes {
        op,
        e,
        half: true,
        d,
        a,
        b,
    }));
}

/// Parallel additions and subtractions; of those that saturate the unsigned ones.
fn parallel(which: Lanes, rule: LaneRule, signed: bool, [d, n, m]: [Reg; 3], out: &mut Sink<'_>) {
    let e = match which {
        Lanes::Add8 | Lanes::Sub8 => Size::B1,
        _ => Size::B2,
    };
    to_vector(FIRST, n, out);
    if matches!(which, Lanes::Asx | Lanes::Sax) {
        out.push(Op::ExtractPair {
            w: W,
            d: SCRATCH[0],
            a: m,
            b: m,
            lsb: 16,
        });
        to_vector(SECOND, SCRATCH[0], out);
    } else {
        to_vector(SECOND, m, out);
    }
    let subtract = matches!(which, Lanes::Sub8 | Lanes::Sub16 | Lanes::Asx);
    sum(subtract, rule, signed, e, RESULT, out);
    if matches!(which, Lanes::Asx | Lanes::Sax) {
        // The upper lane is of the other kind.
        let mask = SCRATCH[1];
        if rule == LaneRule::Modulo {
            from_vector(mask, MASK, out);
        }
        sum(!subtract, rule, signed, e, OTHER, out);
        if rule == LaneRule::Modulo {
            from_vector(GE, MASK, out);
            out.push(insert(GE, mask, 0, 0, 16));
        }
        out.push(Op::Vector(VOp::InsertLane {
            e,
            d: RESULT,
            to: 1,
            a: OTHER,
            from: 1,
        }));
    } else if rule == LaneRule::Modulo {
        from_vector(GE, MASK, out);
    }
    from_vector(d, RESULT, out);
}

/// All lanes; of modular ones also the mask of those that set GE.
fn sum(subtract: bool, rule: LaneRule, signed: bool, e: Size, d: VReg, out: &mut Sink<'_>) {
    use VLanes as L;
    let second = Arg::Each(SECOND);
    let modular = if subtract { L::Sub } else { L::Add };
    if rule == LaneRule::Halve {
        let op = match (signed, subtract) {
            (true, false) => L::Shadd,
            (true, true) => L::Shsub,
            (false, false) => L::Uhadd,
            (false, true) => L::Uhsub,
        };
        return lanes(op, e, d, FIRST, second, out);
    }
    lanes(modular, e, d, FIRST, second, out);
    match (signed, subtract) {
        // Not less than zero before it wraps.
        (true, false) => {
            lanes(L::Shadd, e, MASK, FIRST, second, out);
            lanes(L::Ge, e, MASK, MASK, Arg::Zero, out);
        }
        (true, true) => lanes(L::Ge, e, MASK, FIRST, second, out),
        // It has wrapped.
        (false, false) => lanes(L::Hi, e, MASK, FIRST, Arg::Each(d), out),
        (false, true) => lanes(L::Hs, e, MASK, FIRST, second, out),
    }
    if rule == LaneRule::Saturate {
        // Unsigned: all ones where a sum has wrapped, none where a difference has.
        let op = if subtract { L::And } else { L::Or };
        lanes(op, e, d, d, Arg::Each(MASK), out);
    }
}

/// USAD8 and USADA8: the sum of absolute differences.
pub(super) fn differences(d: Reg, n: Reg, m: Reg, a: Reg, out: &mut Sink<'_>) {
    to_vector(FIRST, n, out);
    to_vector(SECOND, m, out);
    lanes(
        VLanes::Uabd,
        Size::B1,
        RESULT,
        FIRST,
        Arg::Each(SECOND),
        out,
    );
    out.push(Op::Vector(VOp::Across {
        op: Across::Uaddl,
        e: Size::B1,
        half: true,
        d: RESULT,
        a: RESULT,
    }));
    from_vector(SCRATCH[0], RESULT, out);
    let sum = Operand::Reg(SCRATCH[0]);
    if a.is_zero() {
        return out.push(Op::Mov {
            w: W,
            d,
            a: SCRATCH[0],
        });
    }
    out.push(binary(BinOp::Add, d, a, sum));
}

#[allow(clippy::cast_possible_truncation, reason = "less than 32")]
fn bit_field(op: BitField, d: Reg, a: Reg, lsb: u32, msb: u32, out: &mut Sink<'_>) {
    let (lsb, width) = (lsb as u8, (msb - lsb + 1) as u8);
    match op {
        BitField::Sbfx | BitField::Ubfx => {
            out.push(extract(op == BitField::Sbfx, d, a, lsb, width));
        }
        BitField::Bfi => out.push(insert(d, a, lsb, 0, width)),
        BitField::Bfc => {
            let mask = u32::MAX >> (32 - width) << lsb;
            out.push(binary(BinOp::And, d, d, Operand::Imm((!mask).into())));
        }
    }
}

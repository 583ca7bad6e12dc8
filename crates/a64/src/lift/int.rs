//! Lifting of data processing on integer registers.
//!
//! Each instruction becomes one operation; of two that make one constant (MOVZ and MOVK, ADRP and
//! ADD) the first operation makes it whole. Invariant: a field that means SP in one instruction and
//! XZR in another is read by `sp` or `zr`, as the manual says it for that instruction.

use super::{cond, sf, six, sp, zr};
use crate::decode::{Class, Op as A};
use crate::insn::Insn;
use ir::form::Sink;
use ir::inst::{BitOp, SelectOp, ShiftOp};
use ir::{BinOp, Extend, Op, Operand, Reg, Size, Width};

pub(super) fn lift(pc: u64, insn: Insn, class: Class, out: &mut Sink<'_>) -> bool {
    let op = match class {
        Class::pc_rel => pc_rel(pc, insn),
        Class::addsub_imm => addsub_imm(insn),
        Class::addsub_shift => addsub_shift(insn),
        Class::addsub_ext => addsub_ext(insn),
        Class::addsub_carry => addsub_carry(insn),
        Class::logical_imm => logical_imm(insn),
        Class::logical_shift => logical_shift(insn),
        Class::move_wide => move_wide(insn),
        Class::bitfield => bitfield(insn),
        Class::extract => Op::ExtractPair {
            w: sf(insn),
            d: zr(insn.rd()),
            a: zr(insn.rn()),
            b: zr(insn.rm()),
            lsb: six(insn.imms()),
        },
        Class::cond_compare => cond_compare(insn),
        Class::cond_select => cond_select(insn),
        Class::dp_1src => dp_1src(insn),
        Class::dp_2src => dp_2src(insn),
        Class::dp_3src => dp_3src(insn),
        _ => return false,
    };
    match out.last_of_block() {
        Some(before) if let Some(both) = together(*before, op) => *before = both,
        _ => out.push(op),
    }
    true
}

/// One operation for two, of which the first makes a constant that the second
/// changes: MOVZ and MOVK, ADRP and ADD.
fn together(before: Op, op: Op) -> Option<Op> {
    match (before, op) {
        (
            Op::Imm { d: of, value },
            Op::MovKeep {
                w,
                d,
                value: bits,
                shift,
            },
        ) if d == of => {
            let kept = value & !(0xffff << shift);
            let value = (kept | u64::from(bits) << shift) & w.mask();
            Some(Op::Imm { d, value })
        }
        (
            Op::Address { d: of, value },
            Op::Bin {
                op: BinOp::Add,
                w: Width::W64,
                d,
                a,
                b: Operand::Imm(by),
                set: false,
            },
        ) if d == of && a == of => {
            let value = value.wrapping_add(by);
            Some(Op::Address { d, value })
        }
        _ => None,
    }
}

fn pc_rel(pc: u64, insn: Insn) -> Op {
    let value = if insn.op == A::ADR {
        pc.wrapping_add_signed(insn.adr_offset())
    } else {
        (pc & !0xfff).wrapping_add_signed(insn.adr_offset() << 12)
    };
    Op::Address {
        d: zr(insn.rd()),
        value,
    }
}

/// The operation of an addition or subtraction, and whether it sets flags.
const fn addsub(op: A) -> (BinOp, bool) {
    match op {
        A::ADD_immediate | A::ADD_shifted_register | A::ADD_extended_register => {
            (BinOp::Add, false)
        }
        A::ADDS_immediate | A::ADDS_shifted_register | A::ADDS_extended_register => {
            (BinOp::Add, true)
        }
        A::SUB_immediate | A::SUB_shifted_register | A::SUB_extended_register => {
            (BinOp::Sub, false)
        }
        _ => (BinOp::Sub, true),
    }
}

fn addsub_imm(insn: Insn) -> Op {
    let (op, set) = addsub(insn.op);
    let imm = u64::from(insn.imm12()) << (12 * insn.sh());
    let d = if set { zr(insn.rd()) } else { sp(insn.rd()) };
    if imm == 0 && !set {
        return Op::Mov {
            w: sf(insn),
            d,
            a: sp(insn.rn()),
        };
    }
    Op::Bin {
        op,
        w: sf(insn),
        d,
        a: sp(insn.rn()),
        b: Operand::Imm(imm),
        set,
    }
}

/// A shifted register operand.
fn shifted(insn: Insn) -> Operand {
    let (reg, amount) = (zr(insn.rm()), six(insn.imm6()));
    if amount == 0 || reg.is_zero() {
        return Operand::Reg(reg);
    }
    let extend = [Extend::Lsl, Extend::Lsr, Extend::Asr, Extend::Ror][insn.shift() as usize];
    Operand::Ext {
        reg,
        extend,
        amount,
    }
}

fn addsub_shift(insn: Insn) -> Op {
    let (op, set) = addsub(insn.op);
    Op::Bin {
        op,
        w: sf(insn),
        d: zr(insn.rd()),
        a: zr(insn.rn()),
        b: shifted(insn),
        set,
    }
}

/// The extension of an extended register operand.
const fn extension(option: u32) -> Extend {
    match option {
        0 => Extend::Uxtb,
        1 => Extend::Uxth,
        2 => Extend::Uxtw,
        4 => Extend::Sxtb,
        5 => Extend::Sxth,
        6 => Extend::Sxtw,
        // UXTX and SXTX keep all 64 bits.
        _ => Extend::Lsl,
    }
}

fn addsub_ext(insn: Insn) -> Op {
    let (op, set) = addsub(insn.op);
    let w = sf(insn);
    let reg = zr(insn.rm());
    #[allow(clippy::cast_possible_truncation, reason = "a field of three bits")]
    let amount = insn.imm3() as u8;
    let extend = match extension(insn.option()) {
        // The upper half does not count.
        Extend::Uxtw | Extend::Sxtw if w == Width::W32 => Extend::Lsl,
        other => other,
    };
    let b = if reg.is_zero() {
        Operand::Imm(0)
    } else if extend == Extend::Lsl && amount == 0 {
        Operand::Reg(reg)
    } else {
        Operand::Ext {
            reg,
            extend,
            amount,
        }
    };
    let d = if set { zr(insn.rd()) } else { sp(insn.rd()) };
    Op::Bin {
        op,
        w,
        d,
        a: sp(insn.rn()),
        b,
        set,
    }
}

fn addsub_carry(insn: Insn) -> Op {
    Op::Carry {
        sub: matches!(insn.op, A::SBC | A::SBCS),
        w: sf(insn),
        d: zr(insn.rd()),
        a: zr(insn.rn()),
        b: zr(insn.rm()),
        set: matches!(insn.op, A::ADCS | A::SBCS),
    }
}

/// The manual's `DecodeBitMasks`, for the immediates of logical instructions.
#[must_use]
pub(crate) fn bit_mask(n: u32, imms: u32, immr: u32) -> u64 {
    let len = 31 - (n << 6 | (!imms & 0x3f)).leading_zeros();
    let esize = 1_u32 << len;
    let levels = esize - 1;
    let (s, r) = (imms & levels, immr & levels);
    let element = u64::MAX >> (63 - s);
    let mask = u64::MAX >> (64 - esize);
    let rotated = if r == 0 {
        element
    } else {
        element >> r | element << (esize - r)
    };
    let mut result = rotated & mask;
    let mut size = esize;
    while size < 64 {
        result |= result << size;
        size *= 2;
    }
    result
}

fn logical_imm(insn: Insn) -> Op {
    let w = sf(insn);
    let value = bit_mask(insn.n(), insn.imms(), insn.immr()) & w.mask();
    let a = zr(insn.rn());
    let (op, set) = match insn.op {
        A::AND_immediate => (BinOp::And, false),
        A::ANDS_immediate => (BinOp::And, true),
        A::ORR_immediate => (BinOp::Or, false),
        _ => (BinOp::Xor, false),
    };
    let d = if set { zr(insn.rd()) } else { sp(insn.rd()) };
    if a.is_zero() && op == BinOp::Or {
        return Op::Imm { d, value };
    }
    Op::Bin {
        op,
        w,
        d,
        a,
        b: Operand::Imm(value),
        set,
    }
}

fn logical_shift(insn: Insn) -> Op {
    let (op, set) = match insn.op {
        A::AND_shifted_register => (BinOp::And, false),
        A::ANDS_shifted_register => (BinOp::And, true),
        A::BIC_shifted_register => (BinOp::AndNot, false),
        A::BICS_shifted_register => (BinOp::AndNot, true),
        A::ORR_shifted_register => (BinOp::Or, false),
        A::ORN_shifted_register => (BinOp::OrNot, false),
        A::EOR_shifted_register => (BinOp::Xor, false),
        _ => (BinOp::XorNot, false),
    };
    Op::Bin {
        op,
        w: sf(insn),
        d: zr(insn.rd()),
        a: zr(insn.rn()),
        b: shifted(insn),
        set,
    }
}

fn move_wide(insn: Insn) -> Op {
    let w = sf(insn);
    let d = zr(insn.rd());
    #[allow(
        clippy::cast_possible_truncation,
        reason = "fields of two and sixteen bits"
    )]
    let (shift, imm) = ((insn.hw() * 16) as u8, insn.imm16() as u16);
    let value = u64::from(imm) << shift;
    match insn.op {
        A::MOVZ => Op::Imm { d, value },
        A::MOVN => Op::Imm {
            d,
            value: !value & w.mask(),
        },
        _ => Op::MovKeep {
            w,
            d,
            value: imm,
            shift,
        },
    }
}

fn bitfield(insn: Insn) -> Op {
    let (w, d, a) = (sf(insn), zr(insn.rd()), zr(insn.rn()));
    let (immr, imms) = (six(insn.immr()), six(insn.imms()));
    let signed = insn.op == A::SBFM;
    let keep = insn.op == A::BFM;
    if imms >= immr {
        let (lsb, width) = (immr, imms - immr + 1);
        if keep {
            Op::Insert {
                w,
                d,
                a,
                to: 0,
                from: lsb,
                width,
            }
        } else {
            Op::Extract {
                signed,
                w,
                d,
                a,
                lsb,
                width,
            }
        }
    } else {
        let (lsb, width) = (w.bits() - immr, imms + 1);
        if keep {
            Op::Insert {
                w,
                d,
                a,
                to: lsb,
                from: 0,
                width,
            }
        } else {
            Op::Deposit {
                signed,
                w,
                d,
                a,
                lsb,
                width,
            }
        }
    }
}

fn cond_compare(insn: Insn) -> Op {
    let immediate = matches!(insn.op, A::CCMN_immediate | A::CCMP_immediate);
    #[allow(clippy::cast_possible_truncation, reason = "a field of four bits")]
    let nzcv = insn.nzcv() as u8;
    Op::CondCompare {
        neg: matches!(insn.op, A::CCMN_immediate | A::CCMN_register),
        w: sf(insn),
        a: zr(insn.rn()),
        b: if immediate {
            Operand::Imm(insn.imm5().into())
        } else {
            Operand::Reg(zr(insn.rm()))
        },
        cond: cond(insn.cond()),
        nzcv,
    }
}

fn cond_select(insn: Insn) -> Op {
    let op = match insn.op {
        A::CSEL => SelectOp::Same,
        A::CSINC => SelectOp::Inc,
        A::CSINV => SelectOp::Inv,
        _ => SelectOp::Neg,
    };
    let (a, b) = (zr(insn.rn()), zr(insn.rm()));
    Op::Select {
        op,
        w: sf(insn),
        d: zr(insn.rd()),
        a,
        b,
        cond: cond(insn.cond()),
    }
}

fn dp_1src(insn: Insn) -> Op {
    let w = sf(insn);
    let op = match insn.op {
        A::RBIT => BitOp::Rbit,
        A::REV16 => BitOp::Rev16,
        A::CLZ => BitOp::Clz,
        A::CLS => BitOp::Cls,
        A::REV32 => BitOp::Rev32,
        // REV
        _ if w == Width::W64 => BitOp::Rev64,
        _ => BitOp::Rev32,
    };
    Op::Bits {
        op,
        w,
        d: zr(insn.rd()),
        a: zr(insn.rn()),
    }
}

fn dp_2src(insn: Insn) -> Op {
    let (w, d, a, b) = (sf(insn), zr(insn.rd()), zr(insn.rn()), zr(insn.rm()));
    let shift = |op| Op::Shift { op, w, d, a, b };
    let crc = |castagnoli, size| Op::Crc {
        castagnoli,
        size,
        d,
        a,
        b,
    };
    match insn.op {
        A::UDIV => Op::Div {
            signed: false,
            w,
            d,
            a,
            b,
        },
        A::SDIV => Op::Div {
            signed: true,
            w,
            d,
            a,
            b,
        },
        A::LSLV => shift(ShiftOp::Lsl),
        A::LSRV => shift(ShiftOp::Lsr),
        A::ASRV => shift(ShiftOp::Asr),
        A::RORV => shift(ShiftOp::Ror),
        A::CRC32B => crc(false, Size::B1),
        A::CRC32H => crc(false, Size::B2),
        A::CRC32W => crc(false, Size::B4),
        A::CRC32X => crc(false, Size::B8),
        A::CRC32CB => crc(true, Size::B1),
        A::CRC32CH => crc(true, Size::B2),
        A::CRC32CW => crc(true, Size::B4),
        _ => crc(true, Size::B8),
    }
}

fn dp_3src(insn: Insn) -> Op {
    let (d, a, b, c) = (zr(insn.rd()), zr(insn.rn()), zr(insn.rm()), zr(insn.ra()));
    let long = |signed, sub| Op::MulLong {
        signed,
        sub,
        d,
        a,
        b,
        c,
    };
    match insn.op {
        A::MADD => Op::MulAdd {
            sub: false,
            w: sf(insn),
            d,
            a,
            b,
            c,
        },
        A::MSUB => Op::MulAdd {
            sub: true,
            w: sf(insn),
            d,
            a,
            b,
            c,
        },
        A::SMADDL => long(true, false),
        A::SMSUBL => long(true, true),
        A::UMADDL => long(false, false),
        A::UMSUBL => long(false, true),
        A::SMULH => Op::MulHigh {
            signed: true,
            d,
            a,
            b,
        },
        _ => Op::MulHigh {
            signed: false,
            d,
            a,
            b,
        },
    }
}

/// Of use to see that no slot but these is meant.
const _: () = assert!(Reg::ZERO.0 > 31);

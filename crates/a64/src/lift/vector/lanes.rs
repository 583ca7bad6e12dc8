//! Integer arithmetic, logic and comparisons, lane by lane, and permutations.

use super::{d, element, half, is_scalar, m, n, size};
use crate::decode::{Class, Op as A};
use crate::insn::Insn;
use ir::Size;
use ir::vector::{Accumulate, Arg, Lanes, Narrow, Unary, VOp};

pub(super) fn lift(insn: Insn, class: Class) -> Option<VOp> {
    match class {
        Class::simd_three_same | Class::scalar_three_same | Class::simd_three_same_extra => {
            three_same(insn)
        }
        Class::simd_permute => lanes(insn, permute(insn.op)?, Arg::Each(m(insn))),
        Class::simd_by_element => by_element(insn),
        Class::simd_two_misc | Class::scalar_two_misc => two(insn),
        Class::scalar_pairwise if insn.op == A::ADDP_scalar => Some(VOp::Across {
            op: ir::vector::Across::Add,
            e: Size::B8,
            half: false,
            d: d(insn),
            a: n(insn),
        }),
        _ => None,
    }
}

fn lanes(insn: Insn, op: Lanes, b: Arg) -> Option<VOp> {
    let e = size(insn);
    // The lanes above a narrow scalar may saturate.
    (!is_scalar(insn) || e == Size::B8).then(|| VOp::Lanes {
        op,
        e,
        half: half(insn),
        d: d(insn),
        a: n(insn),
        b,
    })
}

const fn permute(op: A) -> Option<Lanes> {
    Some(match op {
        A::ZIP1 => Lanes::Zip1,
        A::ZIP2 => Lanes::Zip2,
        A::UZP1 => Lanes::Uzp1,
        A::UZP2 => Lanes::Uzp2,
        A::TRN1 => Lanes::Trn1,
        A::TRN2 => Lanes::Trn2,
        _ => return None,
    })
}

fn three_same(insn: Insn) -> Option<VOp> {
    if insn.op == A::ORR_vector_register && insn.rn() == insn.rm() {
        return Some(VOp::Mov {
            half: half(insn),
            d: d(insn),
            a: n(insn),
        });
    }
    if let Some(op) = logic(insn.op) {
        return Some(VOp::Lanes {
            op,
            e: Size::B8,
            half: half(insn),
            d: d(insn),
            a: n(insn),
            b: Arg::Each(m(insn)),
        });
    }
    if let Some((op, e)) = accumulate(insn) {
        return Some(VOp::Accumulate {
            op,
            e,
            half: half(insn),
            d: d(insn),
            a: n(insn),
            b: Arg::Each(m(insn)),
        });
    }
    lanes(insn, arithmetic(insn.op)?, Arg::Each(m(insn)))
}

const fn logic(op: A) -> Option<Lanes> {
    Some(match op {
        A::AND_vector => Lanes::And,
        A::BIC_vector_register => Lanes::AndNot,
        A::ORR_vector_register => Lanes::Or,
        A::ORN_vector => Lanes::OrNot,
        A::EOR_vector => Lanes::Xor,
        _ => return None,
    })
}

fn accumulate(insn: Insn) -> Option<(Accumulate, Size)> {
    let op = match insn.op {
        A::MLA_vector => Accumulate::Mla,
        A::MLS_vector => Accumulate::Mls,
        A::SABA => Accumulate::Saba,
        A::UABA => Accumulate::Uaba,
        A::BSL => return Some((Accumulate::Bsl, Size::B8)),
        A::BIT => return Some((Accumulate::Bit, Size::B8)),
        A::BIF => return Some((Accumulate::Bif, Size::B8)),
        A::SDOT_vector => return Some((Accumulate::Sdot, Size::B4)),
        A::UDOT_vector => return Some((Accumulate::Udot, Size::B4)),
        A::USDOT_vector => return Some((Accumulate::Usdot, Size::B4)),
        _ => return None,
    };
    Some((op, size(insn)))
}

const fn arithmetic(op: A) -> Option<Lanes> {
    Some(match op {
        A::ADD_vector | A::ADD_vector_scalar => Lanes::Add,
        A::SUB_vector | A::SUB_vector_scalar => Lanes::Sub,
        A::MUL_vector => Lanes::Mul,
        A::CMEQ_register | A::CMEQ_register_scalar => Lanes::Eq,
        A::CMGT_register | A::CMGT_register_scalar => Lanes::Gt,
        A::CMGE_register | A::CMGE_register_scalar => Lanes::Ge,
        A::CMHI_register | A::CMHI_register_scalar => Lanes::Hi,
        A::CMHS_register | A::CMHS_register_scalar => Lanes::Hs,
        A::CMTST | A::CMTST_scalar => Lanes::Test,
        A::SMIN => Lanes::Smin,
        A::SMAX => Lanes::Smax,
        A::UMIN => Lanes::Umin,
        A::UMAX => Lanes::Umax,
        A::SABD => Lanes::Sabd,
        A::UABD => Lanes::Uabd,
        A::SQADD => Lanes::Sqadd,
        A::UQADD => Lanes::Uqadd,
        A::SQSUB => Lanes::Sqsub,
        A::UQSUB => Lanes::Uqsub,
        A::SHADD => Lanes::Shadd,
        A::UHADD => Lanes::Uhadd,
        A::SRHADD => Lanes::Srhadd,
        A::URHADD => Lanes::Urhadd,
        A::SHSUB => Lanes::Shsub,
        A::UHSUB => Lanes::Uhsub,
        A::SQDMULH_vector => Lanes::Sqdmulh,
        A::SQRDMULH_vector => Lanes::Sqrdmulh,
        A::SSHL | A::SSHL_scalar => Lanes::Sshl,
        A::USHL | A::USHL_scalar => Lanes::Ushl,
        A::ADDP_vector => Lanes::Addp,
        A::SMAXP => Lanes::Smaxp,
        A::SMINP => Lanes::Sminp,
        A::UMAXP => Lanes::Umaxp,
        A::UMINP => Lanes::Uminp,
        _ => return None,
    })
}

fn by_element(insn: Insn) -> Option<VOp> {
    let e = size(insn);
    let b = element(insn, e);
    let op = match insn.op {
        A::MUL_by_element => return lanes(insn, Lanes::Mul, b),
        A::SQDMULH_by_element => return lanes(insn, Lanes::Sqdmulh, b),
        A::SQRDMULH_by_element => return lanes(insn, Lanes::Sqrdmulh, b),
        A::MLA_by_element => Accumulate::Mla,
        A::MLS_by_element => Accumulate::Mls,
        A::SDOT_by_element => Accumulate::Sdot,
        A::UDOT_by_element => Accumulate::Udot,
        A::USDOT_by_element => Accumulate::Usdot,
        _ => return super::wide::by_element(insn, b),
    };
    let dot = !matches!(op, Accumulate::Mla | Accumulate::Mls);
    // Dot products take four bytes for an element.
    let e = if dot { Size::B4 } else { e };
    Some(VOp::Accumulate {
        op,
        e,
        half: half(insn),
        d: d(insn),
        a: n(insn),
        b: element(insn, e),
    })
}

fn two(insn: Insn) -> Option<VOp> {
    let against_zero = match insn.op {
        A::CMGT_zero | A::CMGT_zero_scalar => Some(Lanes::Gt),
        A::CMGE_zero | A::CMGE_zero_scalar => Some(Lanes::Ge),
        A::CMEQ_zero | A::CMEQ_zero_scalar => Some(Lanes::Eq),
        A::CMLE_zero | A::CMLE_zero_scalar => Some(Lanes::Le),
        A::CMLT_zero | A::CMLT_zero_scalar => Some(Lanes::Lt),
        _ => None,
    };
    if let Some(op) = against_zero {
        return lanes(insn, op, Arg::Zero);
    }
    if let Some(op) = narrow(insn.op) {
        return Some(VOp::Narrow {
            op,
            e: size(insn),
            high: insn.q() == 1,
            d: d(insn),
            a: n(insn),
            by: 0,
        });
    }
    let e = size(insn);
    if insn.op == A::SHLL {
        return Some(VOp::Long {
            signed: false,
            e,
            high: insn.q() == 1,
            d: d(insn),
            a: n(insn),
            by: e.bytes() * 8,
        });
    }
    let op = match insn.op {
        A::NEG_vector | A::NEG_vector_scalar => Unary::Neg,
        A::ABS | A::ABS_scalar => Unary::Abs,
        A::NOT => Unary::Not,
        A::CNT => Unary::Cnt,
        A::CLZ_vector => Unary::Clz,
        A::REV16_vector => Unary::Rev16,
        A::REV32_vector => Unary::Rev32,
        A::REV64 => Unary::Rev64,
        A::RBIT_vector => Unary::Rbit,
        A::SADDLP => Unary::Saddlp,
        A::UADDLP => Unary::Uaddlp,
        A::SADALP => Unary::Sadalp,
        A::UADALP => Unary::Uadalp,
        _ => return None,
    };
    Some(VOp::Unary {
        op,
        e,
        half: half(insn),
        d: d(insn),
        a: n(insn),
    })
}

const fn narrow(op: A) -> Option<Narrow> {
    Some(match op {
        A::XTN => Narrow::Truncate,
        A::SQXTN => Narrow::Signed,
        A::UQXTN => Narrow::Unsigned,
        A::SQXTUN => Narrow::SignedToUnsigned,
        _ => return None,
    })
}

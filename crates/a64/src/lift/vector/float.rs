//! Floating-point arithmetic and comparisons, of scalars and vectors.

use super::{d, element, float_size, ftype, m, n, shaped, v};
use crate::decode::{Class, Op as A};
use crate::insn::Insn;
use crate::lift::{A64, SOFT_FLOAT, cond};
use ir::vector::{Arg, FloatBin, FloatTest, FloatUnary, Fp, Rounding, Shape, VOp};

pub(super) fn lift(guest: A64, insn: Insn, class: Class) -> Option<VOp> {
    if let Some(op) = bits(insn, class) {
        return Some(op);
    }
    if guest.mode.has(SOFT_FLOAT) {
        return None;
    }
    match class {
        Class::fp_2src => {
            let f = ftype(insn)?;
            let op = binary(insn.op)?;
            Some(float(insn, op, (f, Shape::Scalar), Arg::Each(m(insn))))
        }
        Class::fp_1src => unary(insn, ftype(insn)?, Shape::Scalar),
        Class::fp_3src => fused(insn),
        Class::fp_compare => compare(insn),
        Class::fp_cond_compare => Some(VOp::FloatCondCompare {
            signal: insn.op == A::FCCMPE,
            f: ftype(insn)?,
            a: n(insn),
            b: m(insn),
            cond: cond(insn.cond()),
            #[allow(clippy::cast_possible_truncation, reason = "a field of four bits")]
            nzcv: insn.nzcv() as u8,
        }),
        Class::simd_three_same | Class::scalar_three_same => three_same(insn),
        Class::simd_two_misc | Class::scalar_two_misc => two(insn),
        Class::simd_by_element | Class::scalar_by_element => by_element(insn),
        Class::scalar_pairwise => {
            let b = Arg::Each(n(insn));
            Some(float(insn, pair(insn.op)?, shaped(insn), b))
        }
        Class::simd_across_lanes => across(insn),
        _ => None,
    }
}

/// What only moves bits, or changes signs, whatever FPCR says.
fn bits(insn: Insn, class: Class) -> Option<VOp> {
    let (f, shape) = match class {
        Class::fp_1src | Class::fp_cond_select => (ftype(insn)?, Shape::Scalar),
        Class::simd_two_misc => shaped(insn),
        _ => return None,
    };
    let op = match insn.op {
        A::FMOV_register => {
            return Some(VOp::Lane {
                e: float_size(f),
                d: d(insn),
                a: n(insn),
                lane: 0,
            });
        }
        A::FCSEL => {
            return Some(VOp::Select {
                size: float_size(f),
                d: d(insn),
                a: n(insn),
                b: m(insn),
                cond: cond(insn.cond()),
            });
        }
        A::FABS_scalar | A::FABS_vector => FloatUnary::Abs,
        A::FNEG_scalar | A::FNEG_vector => FloatUnary::Neg,
        _ => return None,
    };
    Some(VOp::FloatUnary {
        op,
        f,
        shape,
        d: d(insn),
        a: n(insn),
    })
}

fn float(insn: Insn, op: FloatBin, (f, shape): (Fp, Shape), b: Arg) -> VOp {
    VOp::Float {
        op,
        f,
        shape,
        d: d(insn),
        a: n(insn),
        b,
    }
}

const fn binary(op: A) -> Option<FloatBin> {
    Some(match op {
        A::FADD_scalar | A::FADD_vector => FloatBin::Add,
        A::FSUB_scalar | A::FSUB_vector => FloatBin::Sub,
        A::FMUL_scalar | A::FMUL_vector => FloatBin::Mul,
        A::FNMUL_scalar => FloatBin::NegMul,
        A::FDIV_scalar | A::FDIV_vector => FloatBin::Div,
        A::FMAX_scalar | A::FMAX_vector => FloatBin::Max,
        A::FMIN_scalar | A::FMIN_vector => FloatBin::Min,
        A::FMAXNM_scalar | A::FMAXNM_vector => FloatBin::MaxNum,
        A::FMINNM_scalar | A::FMINNM_vector => FloatBin::MinNum,
        A::FABD | A::FABD_scalar => FloatBin::Abd,
        _ => return pair(op),
    })
}

const fn pair(op: A) -> Option<FloatBin> {
    Some(match op {
        A::FADDP_vector | A::FADDP_scalar => FloatBin::AddPair,
        A::FMAXP_vector | A::FMAXP_scalar => FloatBin::MaxPair,
        A::FMINP_vector | A::FMINP_scalar => FloatBin::MinPair,
        A::FMAXNMP_vector | A::FMAXNMP_scalar => FloatBin::MaxNumPair,
        A::FMINNMP_vector | A::FMINNMP_scalar => FloatBin::MinNumPair,
        _ => return None,
    })
}

/// FMAXV and its like: binary32 only.
const fn across(insn: Insn) -> Option<VOp> {
    Some(VOp::FloatAcross {
        max: match insn.op {
            A::FMAXV | A::FMAXNMV => true,
            A::FMINV | A::FMINNMV => false,
            _ => return None,
        },
        f: Fp::S,
        d: d(insn),
        a: n(insn),
    })
}

fn unary(insn: Insn, f: Fp, shape: Shape) -> Option<VOp> {
    let op = match insn.op {
        A::FSQRT_scalar | A::FSQRT_vector => FloatUnary::Sqrt,
        A::FRINTN_scalar | A::FRINTN_vector => FloatUnary::Round(Rounding::Nearest),
        A::FRINTA_scalar | A::FRINTA_vector => FloatUnary::Round(Rounding::Away),
        A::FRINTP_scalar | A::FRINTP_vector => FloatUnary::Round(Rounding::Up),
        A::FRINTM_scalar | A::FRINTM_vector => FloatUnary::Round(Rounding::Down),
        A::FRINTZ_scalar | A::FRINTZ_vector => FloatUnary::Round(Rounding::Zero),
        A::FRINTX_scalar | A::FRINTX_vector => FloatUnary::Round(Rounding::Exact),
        A::FRINTI_scalar | A::FRINTI_vector => FloatUnary::Round(Rounding::Current),
        _ => return None,
    };
    Some(VOp::FloatUnary {
        op,
        f,
        shape,
        d: d(insn),
        a: n(insn),
    })
}

/// FMADD, FMSUB, FNMADD, FNMSUB: ±Ra ± Rn * Rm.
fn fused(insn: Insn) -> Option<VOp> {
    let (neg_product, neg_addend) = match insn.op {
        A::FMADD => (false, false),
        A::FMSUB => (true, false),
        A::FNMADD => (true, true),
        A::FNMSUB => (false, true),
        _ => return None,
    };
    Some(VOp::MulAdd {
        neg_product,
        neg_addend,
        f: ftype(insn)?,
        shape: Shape::Scalar,
        d: d(insn),
        a: n(insn),
        b: Arg::Each(m(insn)),
        c: v(insn.ra()),
    })
}

/// FMLA and FMLS: Rd ± Rn * b.
fn accumulate(insn: Insn, subtract: bool, b: Arg) -> VOp {
    let (f, shape) = shaped(insn);
    VOp::MulAdd {
        neg_product: subtract,
        neg_addend: false,
        f,
        shape,
        d: d(insn),
        a: n(insn),
        b,
        c: d(insn),
    }
}

fn compare(insn: Insn) -> Option<VOp> {
    let b = match insn.op {
        A::FCMP_zero | A::FCMPE_zero => Arg::Zero,
        _ => Arg::Each(m(insn)),
    };
    Some(VOp::FloatCompare {
        signal: matches!(insn.op, A::FCMPE | A::FCMPE_zero),
        f: ftype(insn)?,
        a: n(insn),
        b,
    })
}

fn mask(insn: Insn, test: FloatTest, abs: bool, b: Arg) -> VOp {
    let (f, shape) = shaped(insn);
    VOp::FloatMask {
        test,
        abs,
        f,
        shape,
        d: d(insn),
        a: n(insn),
        b,
    }
}

fn three_same(insn: Insn) -> Option<VOp> {
    let b = Arg::Each(m(insn));
    let (test, abs) = match insn.op {
        A::FMLA_vector => return Some(accumulate(insn, false, b)),
        A::FMLS_vector => return Some(accumulate(insn, true, b)),
        A::FCMEQ_register | A::FCMEQ_register_scalar => (FloatTest::Eq, false),
        A::FCMGE_register | A::FCMGE_register_scalar => (FloatTest::Ge, false),
        A::FCMGT_register | A::FCMGT_register_scalar => (FloatTest::Gt, false),
        A::FACGE | A::FACGE_scalar => (FloatTest::Ge, true),
        A::FACGT | A::FACGT_scalar => (FloatTest::Gt, true),
        op => return Some(float(insn, binary(op)?, shaped(insn), b)),
    };
    Some(mask(insn, test, abs, b))
}

fn two(insn: Insn) -> Option<VOp> {
    let test = match insn.op {
        A::FCMEQ_zero | A::FCMEQ_zero_scalar => FloatTest::Eq,
        A::FCMGE_zero | A::FCMGE_zero_scalar => FloatTest::Ge,
        A::FCMGT_zero | A::FCMGT_zero_scalar => FloatTest::Gt,
        A::FCMLE_zero | A::FCMLE_zero_scalar => FloatTest::Le,
        A::FCMLT_zero | A::FCMLT_zero_scalar => FloatTest::Lt,
        _ => {
            let (f, shape) = shaped(insn);
            return unary(insn, f, shape);
        }
    };
    Some(mask(insn, test, false, Arg::Zero))
}

fn by_element(insn: Insn) -> Option<VOp> {
    let (f, shape) = shaped(insn);
    let b = element(insn, float_size(f));
    let op = match insn.op {
        A::FMLA_by_element | A::FMLA_by_element_scalar => return Some(accumulate(insn, false, b)),
        A::FMLS_by_element | A::FMLS_by_element_scalar => return Some(accumulate(insn, true, b)),
        A::FMUL_by_element | A::FMUL_by_element_scalar => FloatBin::Mul,
        _ => return None,
    };
    Some(float(insn, op, (f, shape), b))
}

//! Advanced SIMD and floating point.
//!
//! The interpreter does what has no operation of its own, or depends on an FPCR that the host's
//! modes can't give. Invariant: a lowering may hand an
//! operation to the interpreter too, so each instruction here becomes exactly
//! one operation (but for a writeback after an access).

mod convert;
mod copy;
mod crypto;
mod float;
mod immediate;
mod lanes;
mod shift;
mod structures;
mod wide;

use super::{A64, FLUSHES, zr};
use crate::decode::Class;
use crate::insn::Insn;
use ir::form::Sink;
use ir::vector::{Arg, Fp, Shape, VOp};
use ir::{Op, Size, VReg};

const SIZES: [Size; 4] = [Size::B1, Size::B2, Size::B4, Size::B8];

pub(super) fn lift(guest: A64, insn: Insn, class: Class, out: &mut Sink<'_>) -> bool {
    let op = match class {
        Class::ldst_multiple
        | Class::ldst_multiple_post
        | Class::ldst_single
        | Class::ldst_single_post => return structures::lift(insn, out),
        Class::simd_copy | Class::scalar_copy => copy::copy(insn),
        Class::simd_extract => Some(copy::extract(insn)),
        Class::simd_table => Some(copy::table(insn)),
        Class::simd_modified_imm | Class::fp_imm => immediate::lift(insn),
        Class::simd_shift_imm | Class::scalar_shift_imm => {
            shift::lift(insn, class).or_else(|| convert::lift(guest, insn, class))
        }
        Class::simd_across_lanes => wide::across(insn).or_else(|| float::lift(guest, insn, class)),
        Class::simd_three_different => wide::three_different(insn),
        Class::crypto_aes
        | Class::crypto_sha_2reg
        | Class::crypto_sha_3reg
        | Class::crypto_4reg
        | Class::crypto_xar
        | Class::crypto_sha512_2reg
        | Class::crypto_sha512_3reg => crypto::lift(insn),
        _ => lanes::lift(insn, class)
            .or_else(|| convert::lift(guest, insn, class))
            .or_else(|| float::lift(guest, insn, class)),
    };
    let op = op.filter(|op| !guest.mode.has(FLUSHES) || can_flush(op));
    if let Some(op) = op {
        if guest.mode.has(FLUSHES) && op.meets_denormals() {
            out.flush();
        }
        out.push(Op::Vector(op));
    }
    op.is_some()
}

/// Whether lowering knows how an operation flushes; those that are rare are left.
const fn can_flush(op: &VOp) -> bool {
    !matches!(
        op,
        VOp::FloatCondCompare { .. }
            | VOp::FromHalf { .. }
            | VOp::ToHalf { .. }
            | VOp::HalvesLong { .. }
            | VOp::HalvesNarrow { .. }
    )
}

#[allow(clippy::cast_possible_truncation, reason = "a field of five bits")]
const fn v(register: u32) -> VReg {
    VReg(register as u8)
}

const fn d(insn: Insn) -> VReg {
    v(insn.rd())
}

const fn n(insn: Insn) -> VReg {
    v(insn.rn())
}

const fn m(insn: Insn) -> VReg {
    v(insn.rm())
}

/// The size of a lane by the field `size`.
fn size(insn: Insn) -> Size {
    SIZES[insn.size() as usize]
}

/// Whether only the low 64 bits count: Q is 0, or the form is scalar, whose
/// bit 28 is set.
const fn half(insn: Insn) -> bool {
    insn.q() == 0 || is_scalar(insn)
}

/// Advanced SIMD's scalar forms.
const fn is_scalar(insn: Insn) -> bool {
    insn.word >> 28 & 1 == 1
}

/// Format and shape of Advanced SIMD floating point: by `sz` and Q.
const fn shaped(insn: Insn) -> (Fp, Shape) {
    let f = if insn.sz() == 1 { Fp::D } else { Fp::S };
    let shape = if is_scalar(insn) {
        Shape::Scalar
    } else if insn.q() == 1 {
        Shape::Full
    } else {
        Shape::Half
    };
    (f, shape)
}

/// The format that `ftype` says; `None` for binary16, which the interpreter does.
const fn ftype(insn: Insn) -> Option<Fp> {
    match insn.ftype() {
        0 => Some(Fp::S),
        1 => Some(Fp::D),
        _ => None,
    }
}

const fn float_size(f: Fp) -> Size {
    match f {
        Fp::S => Size::B4,
        Fp::D => Size::B8,
    }
}

/// The element that the `by element` forms have for second source, of `e`.
#[allow(clippy::cast_possible_truncation, reason = "fields of few bits")]
const fn element(insn: Insn, e: Size) -> Arg {
    let low = insn.rm4();
    let high = insn.m() << 4 | low;
    match e {
        Size::B1 | Size::B2 => Arg::Lane(v(low), insn.hlm() as u8),
        Size::B4 => Arg::Lane(v(high), insn.hl() as u8),
        Size::B8 | Size::B16 => Arg::Lane(v(high), insn.h() as u8),
    }
}

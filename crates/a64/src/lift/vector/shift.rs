//! Shifts by a constant.

use super::{SIZES, d, half, n};
use crate::decode::{Class, Op as A};
use crate::insn::Insn;
use ir::Size;
use ir::vector::{Narrow, ShiftLanes, VOp};

/// The highest bit set of `immh` says the size of a lane (of the narrow ones,
/// where there are two sizes).
fn size(insn: Insn) -> Size {
    SIZES[(31 - insn.immh().leading_zeros()) as usize & 3]
}

/// The size of a lane, and how far a shift right goes.
#[allow(clippy::cast_possible_truncation, reason = "at most 128")]
pub(super) fn right(insn: Insn) -> (Size, u8) {
    let e = size(insn);
    (e, 2 * (e.bytes() * 8) - insn.immhb() as u8)
}

#[allow(clippy::cast_possible_truncation, reason = "at most 128")]
pub(super) fn lift(insn: Insn, class: Class) -> Option<VOp> {
    let e = size(insn);
    let bits = e.bytes() * 8;
    let immhb = insn.immhb() as u8;
    let (left, right) = (immhb - bits, 2 * bits - immhb);
    let scalar = class == Class::scalar_shift_imm;
    if let Some((op, by)) = plain(insn.op, left, right) {
        return Some(VOp::Shift {
            op,
            e,
            half: half(insn),
            d: d(insn),
            a: n(insn),
            by,
        });
    }
    if scalar {
        return None;
    }
    let high = insn.q() == 1;
    let narrow = match insn.op {
        A::SHRN => Narrow::Truncate,
        A::RSHRN => Narrow::Round,
        A::SQSHRN => Narrow::Signed,
        A::UQSHRN => Narrow::Unsigned,
        A::SQSHRUN => Narrow::SignedToUnsigned,
        A::SQRSHRN => Narrow::RoundSigned,
        A::UQRSHRN => Narrow::RoundUnsigned,
        A::SQRSHRUN => Narrow::RoundSignedToUnsigned,
        A::SSHLL | A::USHLL => {
            return Some(VOp::Long {
                signed: insn.op == A::SSHLL,
                e,
                high,
                d: d(insn),
                a: n(insn),
                by: left,
            });
        }
        _ => return None,
    };
    Some(VOp::Narrow {
        op: narrow,
        e,
        high,
        d: d(insn),
        a: n(insn),
        by: right,
    })
}

const fn plain(op: A, left: u8, right: u8) -> Option<(ShiftLanes, u8)> {
    Some(match op {
        A::SHL | A::SHL_scalar => (ShiftLanes::Shl, left),
        A::SLI | A::SLI_scalar => (ShiftLanes::Sli, left),
        A::SRI | A::SRI_scalar => (ShiftLanes::Sri, right),
        A::SSHR | A::SSHR_scalar => (ShiftLanes::Sshr, right),
        A::USHR | A::USHR_scalar => (ShiftLanes::Ushr, right),
        A::SSRA | A::SSRA_scalar => (ShiftLanes::Ssra, right),
        A::USRA | A::USRA_scalar => (ShiftLanes::Usra, right),
        A::SRSHR | A::SRSHR_scalar => (ShiftLanes::Srshr, right),
        A::URSHR | A::URSHR_scalar => (ShiftLanes::Urshr, right),
        A::SRSRA | A::SRSRA_scalar => (ShiftLanes::Srsra, right),
        A::URSRA | A::URSRA_scalar => (ShiftLanes::Ursra, right),
        _ => return None,
    })
}

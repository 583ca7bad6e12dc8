//! Shifts by constants, and constants.

use super::{M, Plan, Vector, low, number, registers, size};
use crate::decode::simd::{Insn, Op as S};
use ir::Size;
use ir::vector::{Arg, Lanes, Narrow, ShiftLanes, VOp};

pub(super) fn immediate(i: Insn) -> Plan {
    let d = Vector::new(number(i.d(), i.vd()), i.q() == 1);
    let constant = crate::interp::simd_constant(i);
    let change = |op, value| VOp::Lanes {
        op,
        e: Size::B8,
        half: !d.quad,
        d: d.target(),
        a: d.target(),
        b: Arg::Const(value),
    };
    let (op, reads_d) = match i.op {
        S::VORR_imm16 | S::VORR_imm32 => (change(Lanes::Or, constant), true),
        S::VBIC_imm16 | S::VBIC_imm32 => (change(Lanes::And, !constant), true),
        _ => {
            let not = matches!(i.op, S::VMVN_imm16 | S::VMVN_imm32 | S::VMVN_ones);
            let value = u128::from(if not { !constant } else { constant });
            let value = if d.quad { value << 64 | value } else { value };
            let d = d.target();
            (VOp::Imm { d, value }, false)
        }
    };
    Plan {
        op,
        more: [None; 3],
        d,
        reads_d,
        n: None,
        m: None,
    }
}

pub(super) fn shift(i: Insn) -> Option<Plan> {
    let number_of_size = i.l() << 6 | i.imm6();
    let log2 = number_of_size.checked_ilog2()?.checked_sub(3)?;
    let (e, bits) = (size(log2), 8 << log2);
    let (left, right) = (low(number_of_size - bits), low(2 * bits - number_of_size));
    let [d, _, m] = registers(i, i.q() == 1);
    let narrows = |op, m: Vector, d: Vector| VOp::Narrow {
        op,
        e,
        high: false,
        d: d.target(),
        a: m.whole(),
        by: right,
    };
    let (op, d, m) = match i.op {
        S::VSHRN | S::VRSHRN | S::VQSHRN | S::VQRSHRN | S::VQSHRUN | S::VQRSHRUN => {
            let (d, m) = (Vector::new(d.number, false), Vector::new(m.number, true));
            let op = match (i.op, i.u()) {
                (S::VSHRN, _) => Narrow::Truncate,
                (S::VRSHRN, _) => Narrow::Round,
                (S::VQSHRUN, _) => Narrow::SignedToUnsigned,
                (S::VQRSHRUN, _) => Narrow::RoundSignedToUnsigned,
                (S::VQSHRN, 0) => Narrow::Signed,
                (S::VQSHRN, _) => Narrow::Unsigned,
                (_, 0) => Narrow::RoundSigned,
                _ => Narrow::RoundUnsigned,
            };
            (narrows(op, m, d), d, m)
        }
        S::VSHLL => {
            let (d, m) = (Vector::new(d.number, true), Vector::new(m.number, false));
            let op = VOp::Long {
                signed: i.u() == 0,
                e,
                high: false,
                d: d.whole(),
                a: m.source(M),
                by: left,
            };
            (op, d, m)
        }
        _ => {
            let (op, by) = shift_of(i, left, right)?;
            let op = VOp::Shift {
                op,
                e,
                half: !d.quad,
                d: d.target(),
                a: m.source(M),
                by,
            };
            (op, d, m)
        }
    };
    let reads_d = matches!(i.op, S::VSRA | S::VRSRA | S::VSRI | S::VSLI);
    Some(Plan {
        op,
        more: [None; 3],
        d,
        reads_d,
        n: None,
        m: Some(m),
    })
}

const fn shift_of(i: Insn, left: u8, right: u8) -> Option<(ShiftLanes, u8)> {
    use ShiftLanes as L;
    let op = match (i.op, i.u()) {
        (S::VSHL_immediate, _) => return Some((L::Shl, left)),
        (S::VSLI, _) => return Some((L::Sli, left)),
        (S::VSRI, _) => L::Sri,
        (S::VSHR, 0) => L::Sshr,
        (S::VSHR, _) => L::Ushr,
        (S::VRSHR, 0) => L::Srshr,
        (S::VRSHR, _) => L::Urshr,
        (S::VSRA, 0) => L::Ssra,
        (S::VSRA, _) => L::Usra,
        (S::VRSRA, 0) => L::Srsra,
        (S::VRSRA, _) => L::Ursra,
        _ => return None,
    };
    Some((op, right))
}

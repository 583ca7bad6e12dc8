//! Vectors of different lengths, and products with a scalar.

use super::{M, N, Plan, Vector, low, number, of_three, registers, size};
use crate::decode::simd::{Insn, Op as S};
use ir::Size;
use ir::vector::{Accumulate, Arg, Lanes, VOp, Wide};

pub(super) fn different(i: Insn) -> Option<Plan> {
    let [d, n, m] = registers(i, false);
    let e = size(i.size());
    if let S::VADDHN | S::VRADDHN | S::VSUBHN | S::VRSUBHN = i.op {
        let [n, m] = [n, m].map(|v| Vector::new(v.number, true));
        let op = VOp::NarrowSum {
            sub: matches!(i.op, S::VSUBHN | S::VRSUBHN),
            round: matches!(i.op, S::VRADDHN | S::VRSUBHN),
            e,
            high: false,
            d: d.target(),
            a: n.whole(),
            b: m.whole(),
        };
        return Some(of_three(op, [d, n, m], false));
    }
    let (op, e) = match i.op {
        S::VMULL_polynomial => (Wide::Pmull, Size::B1),
        S::VMULL_p64 => (Wide::Pmull, Size::B8),
        _ => (wide(i)?, e),
    };
    let d = Vector::new(d.number, true);
    let n = Vector::new(n.number, matches!(i.op, S::VADDW | S::VSUBW));
    let op = VOp::Wide {
        op,
        e,
        high: false,
        d: d.whole(),
        a: n.source(N),
        b: Arg::Each(m.source(M)),
    };
    Some(of_three(op, [d, n, m], true))
}

/// The operations with results twice as large, with a scalar too.
const fn wide(i: Insn) -> Option<Wide> {
    let unsigned = i.u() == 1;
    Some(match (i.op, unsigned) {
        (S::VADDL, false) => Wide::Saddl,
        (S::VADDL, true) => Wide::Uaddl,
        (S::VSUBL, false) => Wide::Ssubl,
        (S::VSUBL, true) => Wide::Usubl,
        (S::VADDW, false) => Wide::Saddw,
        (S::VADDW, true) => Wide::Uaddw,
        (S::VSUBW, false) => Wide::Ssubw,
        (S::VSUBW, true) => Wide::Usubw,
        (S::VABDL, false) => Wide::Sabdl,
        (S::VABDL, true) => Wide::Uabdl,
        (S::VABAL, false) => Wide::Sabal,
        (S::VABAL, true) => Wide::Uabal,
        (S::VMULL_integer | S::VMULL_scalar, false) => Wide::Smull,
        (S::VMULL_integer | S::VMULL_scalar, true) => Wide::Umull,
        (S::VMLAL_integer | S::VMLAL_scalar, false) => Wide::Smlal,
        (S::VMLAL_integer | S::VMLAL_scalar, true) => Wide::Umlal,
        (S::VMLSL_integer | S::VMLSL_scalar, false) => Wide::Smlsl,
        (S::VMLSL_integer | S::VMLSL_scalar, true) => Wide::Umlsl,
        _ => return None,
    })
}

pub(super) fn scalar(i: Insn) -> Option<Plan> {
    let e = size(i.size());
    // Halfwords are among D0 to D7, words among D0 to D15.
    let (register, index) = if e == Size::B2 {
        (i.vm() & 7, number(i.m(), i.vm()) >> 3)
    } else {
        (i.vm(), i.m())
    };
    let lane = low((register % 2) * (8 >> i.size()) + index);
    let b = Arg::Lane(Vector::new(register, true).whole(), lane);
    let quad = i.q24() == 1;
    let [d, n, _] = registers(i, quad);
    let (half, target, a) = (!d.quad, d.target(), n.source(N));
    let accumulates = |op| VOp::Accumulate {
        op,
        e,
        half,
        d: target,
        a,
        b,
    };
    let (op, d, n) = match i.op {
        S::VMUL_scalar | S::VQDMULH_scalar | S::VQRDMULH_scalar => {
            let op = VOp::Lanes {
                op: match i.op {
                    S::VMUL_scalar => Lanes::Mul,
                    S::VQDMULH_scalar => Lanes::Sqdmulh,
                    _ => Lanes::Sqrdmulh,
                },
                e,
                half,
                d: target,
                a,
                b,
            };
            (op, d, n)
        }
        S::VMLA_scalar => (accumulates(Accumulate::Mla), d, n),
        S::VMLS_scalar => (accumulates(Accumulate::Mls), d, n),
        _ => {
            let (d, n) = (Vector::new(d.number, true), Vector::new(n.number, false));
            let op = VOp::Wide {
                op: wide(i)?,
                e,
                high: false,
                d: d.whole(),
                a: n.source(N),
                b,
            };
            (op, d, n)
        }
    };
    Some(Plan {
        op,
        more: [None; 3],
        d,
        reads_d: true,
        n: Some(n),
        m: None,
    })
}

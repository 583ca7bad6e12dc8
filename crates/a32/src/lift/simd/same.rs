//! Three vectors of the same length: logic, arithmetic, comparisons, dot products, and SHA-1 and SHA-256.

use super::{M, N, Plan, Vector, low, of_three, registers, size};
use crate::decode::simd::{Insn, Op as S};
use ir::Size;
use ir::vector::{Accumulate, Arg, Crypto, Lanes, VOp};

pub(super) fn three_same(i: Insn) -> Option<Plan> {
    let [d, n, m] = registers(i, i.q() == 1);
    if i.op == S::VORR_register && n.number == m.number {
        return Some(copy(d, m));
    }
    let (mut a, mut b) = (n.source(N), Arg::Each(m.source(M)));
    let (half, target) = (!d.quad, d.target());
    if let Some(op) = rounds(i.op) {
        let (a, b) = (n.whole(), m.whole());
        let op = VOp::Crypto {
            op,
            d: d.whole(),
            a,
            b,
        };
        return Some(of_three(op, [d, n, m], true));
    }
    if i.op == S::VSHL_register {
        // What is shifted comes last.
        (a, b) = (m.source(M), Arg::Each(n.source(N)));
    }
    if let Some((op, e)) = accumulate(i) {
        let op = VOp::Accumulate {
            op,
            e,
            half,
            d: target,
            a,
            b,
        };
        return Some(of_three(op, [d, n, m], true));
    }
    let (op, e) = logic(i.op)
        .map(|op| (op, Size::B8))
        .or_else(|| Some((arithmetic(i)?, size(i.size()))))?;
    let op = VOp::Lanes {
        op,
        e,
        half,
        d: target,
        a,
        b,
    };
    Some(of_three(op, [d, n, m], false))
}

/// VMOV, which is VORR of a register and itself: the operation names halves of slots, so that none is
/// taken out or put back.
const fn copy(d: Vector, m: Vector) -> Plan {
    let (to, a) = (d.whole(), m.whole());
    let op = if d.quad {
        VOp::Mov {
            half: false,
            d: to,
            a,
        }
    } else {
        VOp::InsertLane {
            e: Size::B8,
            d: to,
            to: d.half(),
            a,
            from: m.half(),
        }
    };
    Plan {
        op,
        more: [None; 3],
        d: Vector { quad: true, ..d },
        reads_d: false,
        n: None,
        m: None,
    }
}

const fn logic(op: S) -> Option<Lanes> {
    Some(match op {
        S::VAND_register => Lanes::And,
        S::VBIC_register => Lanes::AndNot,
        S::VORR_register => Lanes::Or,
        S::VORN_register => Lanes::OrNot,
        S::VEOR => Lanes::Xor,
        _ => return None,
    })
}

/// SHA-1 and SHA-256 with three vectors.
const fn rounds(op: S) -> Option<Crypto> {
    Some(match op {
        S::SHA1C => Crypto::Sha1Choose,
        S::SHA1P => Crypto::Sha1Parity,
        S::SHA1M => Crypto::Sha1Majority,
        S::SHA1SU0 => Crypto::Sha1Schedule0,
        S::SHA256H => Crypto::Sha256First,
        S::SHA256H2 => Crypto::Sha256Second,
        S::SHA256SU1 => Crypto::Sha256Schedule1,
        _ => return None,
    })
}

const fn accumulate(i: Insn) -> Option<(Accumulate, Size)> {
    let op = match i.op {
        S::VBSL => return Some((Accumulate::Bsl, Size::B8)),
        S::VBIT => return Some((Accumulate::Bit, Size::B8)),
        S::VBIF => return Some((Accumulate::Bif, Size::B8)),
        S::VMLA_integer => Accumulate::Mla,
        S::VMLS_integer => Accumulate::Mls,
        S::VABA if i.u() == 1 => Accumulate::Uaba,
        S::VABA => Accumulate::Saba,
        _ => return None,
    };
    Some((op, size(i.size())))
}

const fn arithmetic(i: Insn) -> Option<Lanes> {
    let unsigned = i.u() == 1;
    Some(match (i.op, unsigned) {
        (S::VADD_integer, _) => Lanes::Add,
        (S::VSUB_integer, _) => Lanes::Sub,
        (S::VMUL_integer, _) => Lanes::Mul,
        (S::VTST, _) => Lanes::Test,
        (S::VCEQ_register, _) => Lanes::Eq,
        (S::VCGT_register, false) => Lanes::Gt,
        (S::VCGT_register, true) => Lanes::Hi,
        (S::VCGE_register, false) => Lanes::Ge,
        (S::VCGE_register, true) => Lanes::Hs,
        (S::VMAX_integer, false) => Lanes::Smax,
        (S::VMAX_integer, true) => Lanes::Umax,
        (S::VMIN_integer, false) => Lanes::Smin,
        (S::VMIN_integer, true) => Lanes::Umin,
        (S::VABD_integer, false) => Lanes::Sabd,
        (S::VABD_integer, true) => Lanes::Uabd,
        (S::VHADD, false) => Lanes::Shadd,
        (S::VHADD, true) => Lanes::Uhadd,
        (S::VRHADD, false) => Lanes::Srhadd,
        (S::VRHADD, true) => Lanes::Urhadd,
        (S::VHSUB, false) => Lanes::Shsub,
        (S::VHSUB, true) => Lanes::Uhsub,
        (S::VQADD, false) => Lanes::Sqadd,
        (S::VQADD, true) => Lanes::Uqadd,
        (S::VQSUB, false) => Lanes::Sqsub,
        (S::VQSUB, true) => Lanes::Uqsub,
        (S::VQDMULH, _) => Lanes::Sqdmulh,
        (S::VQRDMULH, _) => Lanes::Sqrdmulh,
        (S::VSHL_register, false) => Lanes::Sshl,
        (S::VSHL_register, true) => Lanes::Ushl,
        (S::VPADD_integer, _) => Lanes::Addp,
        (S::VPMAX_integer, false) => Lanes::Smaxp,
        (S::VPMAX_integer, true) => Lanes::Umaxp,
        (S::VPMIN_integer, false) => Lanes::Sminp,
        (S::VPMIN_integer, true) => Lanes::Uminp,
        _ => return None,
    })
}

/// VUDOT, VSDOT and VUSDOT; with an element of four bytes, which is among D0 to D15.
pub(super) fn dot(i: Insn) -> Option<Plan> {
    let [d, n, m] = registers(i, i.q() == 1);
    let op = match i.op {
        S::VUDOT | S::VUDOT_element => Accumulate::Udot,
        S::VSDOT | S::VSDOT_element => Accumulate::Sdot,
        S::VUSDOT | S::VUSDOT_element => Accumulate::Usdot,
        _ => return None,
    };
    let element = Vector::new(i.vm(), true);
    let by_element = matches!(
        i.op,
        S::VUDOT_element | S::VSDOT_element | S::VUSDOT_element
    );
    let b = if by_element {
        Arg::Lane(element.whole(), low(i.vm() % 2 * 2 + i.m()))
    } else {
        Arg::Each(m.source(M))
    };
    let op = VOp::Accumulate {
        op,
        e: Size::B4,
        half: !d.quad,
        d: d.target(),
        a: n.source(N),
        b,
    };
    Some(Plan {
        op,
        more: [None; 3],
        d,
        reads_d: true,
        n: Some(n),
        m: (!by_element).then_some(m),
    })
}

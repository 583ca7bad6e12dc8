//! Tables, and what exchanges the lanes of two vectors.

use super::{D, M, N, OTHER, Plan, TABLE, Vector, down, low, number, put, registers, size, taken};
use crate::decode::simd::{Class, Insn, Op as S};
use ir::form::Sink;
use ir::vector::{Arg, Lanes, VOp};
use ir::{Op, Size};

/// VTBL and VTBX. A table is made of whole vectors, and the half behind an odd number of registers is zero. So is
/// what VTBL gives beyond its table. VTBX keeps what was there, so it is left if the number is odd.
pub(super) fn table_plan(i: Insn) -> Option<Plan> {
    let [d, _, m] = registers(i, false);
    let keep = i.op == S::VTBX;
    let registers = i.len() + 1;
    if keep && !registers.is_multiple_of(2) {
        return None;
    }
    let op = VOp::Table {
        half: true,
        keep,
        count: low(registers.div_ceil(2)),
        d: D,
        table: TABLE,
        a: m.source(M),
    };
    Some(Plan {
        op,
        more: [None; 3],
        d,
        reads_d: keep,
        n: None,
        m: Some(m),
    })
}

/// The registers of a table, in vectors.
pub(super) fn table(i: Insn, out: &mut Sink<'_>) {
    let (first, registers) = (number(i.n(), i.vn()), i.len() + 1);
    for n in 0..registers {
        let (from, to) = (Vector::new(first + n, false), TABLE.after(low(n / 2)));
        if n % 2 == 0 {
            down(from, to, out);
        } else {
            out.push(Op::Vector(VOp::InsertLane {
                e: Size::B8,
                d: to,
                to: 1,
                a: from.whole(),
                from: from.half(),
            }));
        }
    }
}

/// The operations of VZIP, VUZP and VTRN.
const fn dealt(op: S) -> Option<[Lanes; 2]> {
    Some(match op {
        S::VZIP => [Lanes::Zip1, Lanes::Zip2],
        S::VUZP => [Lanes::Uzp1, Lanes::Uzp2],
        S::VTRN => [Lanes::Trn1, Lanes::Trn2],
        _ => return None,
    })
}

/// Whether it is one of those, or VSWP, of two registers.
pub(super) fn exchanges(i: Insn) -> bool {
    let [d, _, m] = registers(i, i.q() == 1);
    i.op.class() == Class::two_register
        && (dealt(i.op).is_some() || i.op == S::VSWP)
        && d.number != m.number
}

/// Both results in scratch, then in their places.
pub(super) fn exchange(i: Insn, out: &mut Sink<'_>) {
    let [d, _, m] = registers(i, i.q() == 1);
    let (a, b) = (taken(d, N, out), taken(m, M, out));
    let Some(ops) = dealt(i.op) else {
        // VSWP.
        let copy = |d, a| Op::Vector(VOp::Mov { half: false, d, a });
        out.push(copy(D, b));
        out.push(copy(OTHER, a));
        return put_both(d, m, out);
    };
    for (op, to) in [(ops[0], D), (ops[1], OTHER)] {
        out.push(Op::Vector(VOp::Lanes {
            op,
            e: size(i.size18()),
            half: !d.quad,
            d: to,
            a,
            b: Arg::Each(b),
        }));
    }
    put_both(d, m, out);
}

fn put_both(d: Vector, m: Vector, out: &mut Sink<'_>) {
    for (to, a) in [(d, D), (m, OTHER)] {
        if to.quad {
            out.push(Op::Vector(VOp::Mov {
                half: false,
                d: to.whole(),
                a,
            }));
        } else {
            put(to, a, out);
        }
    }
}

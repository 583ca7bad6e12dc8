//! What SHA-3 (FIPS 202) is built of.

use super::{Operands, doubles, of_doubles};
use crate::decode::Op;
use crate::insn::Insn;

pub(super) fn execute(insn: Insn, x: Operands) -> Option<u128> {
    Some(match insn.op {
        Op::EOR3 => x.n ^ x.m ^ x.a,
        Op::BCAX => x.n ^ (x.m & !x.a),
        Op::RAX1 => x.n ^ of_doubles(doubles(x.m).map(|w| w.rotate_left(1))),
        Op::XAR => of_doubles(doubles(x.n ^ x.m).map(|w| w.rotate_right(insn.imm6()))),
        _ => return None,
    })
}

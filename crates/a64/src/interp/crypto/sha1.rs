//! SHA-1.

use super::Operands;
use crate::decode::Op;
use lanes::sha1;

pub(super) fn execute(op: Op, x: Operands) -> Option<u128> {
    Some(match op {
        Op::SHA1C => sha1::choose(x.d, x.n, x.m),
        Op::SHA1P => sha1::parity(x.d, x.n, x.m),
        Op::SHA1M => sha1::majority(x.d, x.n, x.m),
        Op::SHA1H => sha1::fixed_rotate(x.n),
        Op::SHA1SU0 => sha1::schedule_0(x.d, x.n, x.m),
        Op::SHA1SU1 => sha1::schedule_1(x.d, x.n),
        _ => return None,
    })
}

//! SHA-256.

use super::Operands;
use crate::decode::Op;
use lanes::sha256;

pub(super) fn execute(op: Op, x: Operands) -> Option<u128> {
    Some(match op {
        Op::SHA256H => sha256::hash(x.d, x.n, x.m),
        Op::SHA256H2 => sha256::hash_2(x.d, x.n, x.m),
        Op::SHA256SU0 => sha256::schedule_0(x.d, x.n),
        Op::SHA256SU1 => sha256::schedule_1(x.d, x.n, x.m),
        _ => return None,
    })
}

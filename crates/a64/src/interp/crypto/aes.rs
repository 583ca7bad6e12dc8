//! AES: AESE, AESD, AESMC and AESIMC.

use super::Operands;
use crate::decode::Op;
use lanes::aes;

pub(super) fn execute(op: Op, x: Operands) -> Option<u128> {
    Some(match op {
        Op::AESE => aes::encrypt(x.d, x.n),
        Op::AESD => aes::decrypt(x.d, x.n),
        Op::AESMC => aes::mix_columns(x.n),
        Op::AESIMC => aes::inverse_mix_columns(x.n),
        _ => return None,
    })
}

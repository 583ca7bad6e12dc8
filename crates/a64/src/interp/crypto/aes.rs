//! AES (FIPS 197): AESE, AESD, AESMC and AESIMC. Byte `i` of a register is
//! row `i % 4` of column `i / 4` of the state.

use super::Operands;
use super::field::{inverse, multiply};
use crate::decode::Op;

/// x^8 + x^4 + x^3 + x + 1
const MODULUS: u16 = 0x11b;

const fn substitute(x: u8) -> u8 {
    let b = inverse(x, MODULUS);
    b ^ b.rotate_left(1) ^ b.rotate_left(2) ^ b.rotate_left(3) ^ b.rotate_left(4) ^ 0x63
}

/// The S-box, and its inverse.
const BOXES: [[u8; 256]; 2] = {
    let mut boxes = [[0; 256]; 2];
    let mut x = 0;
    while x < 256 {
        let y = substitute(x as u8);
        boxes[0][x] = y;
        boxes[1][y as usize] = x as u8;
        x += 1;
    }
    boxes
};

pub(super) fn execute(op: Op, x: Operands) -> Option<u128> {
    Some(match op {
        Op::AESE => shift_and_substitute(x.d ^ x.n, 5, &BOXES[0]),
        Op::AESD => shift_and_substitute(x.d ^ x.n, 13, &BOXES[1]),
        Op::AESMC => mix(x.n, [2, 3, 1, 1]),
        Op::AESIMC => mix(x.n, [14, 11, 13, 9]),
        _ => return None,
    })
}

/// Row `r` goes `r` columns to the left or, with 13 for 5, to the right: byte
/// `i` comes from `i * step`.
fn shift_and_substitute(state: u128, step: usize, s_box: &[u8; 256]) -> u128 {
    let bytes = state.to_le_bytes();
    u128::from_le_bytes(core::array::from_fn(|i| {
        let from = (i % 4 * step + i / 4 * 4) % 16;
        s_box[usize::from(bytes[from])]
    }))
}

/// Each column times a circulant matrix with this first row.
fn mix(state: u128, row: [u8; 4]) -> u128 {
    let bytes = state.to_le_bytes();
    u128::from_le_bytes(core::array::from_fn(|i| {
        let column = i / 4 * 4;
        (0..4).fold(0, |sum, k| {
            let factor = row[(k + 4 - i % 4) % 4];
            sum ^ multiply(bytes[column + k], factor, MODULUS)
        })
    }))
}

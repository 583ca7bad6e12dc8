//! AES (FIPS 197), as AESE, AESD, AESMC and AESIMC have it. Byte `i` of a register is
//! row `i % 4` of column `i / 4` of the state.

use crate::field::{inverse, multiply};

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

/// AESE: adds the round's key, and makes the rest of a round of encryption but for the columns.
#[must_use]
pub fn encrypt(state: u128, key: u128) -> u128 {
    shift_and_substitute(state ^ key, 5, &BOXES[0])
}

/// AESD: the same of decryption.
#[must_use]
pub fn decrypt(state: u128, key: u128) -> u128 {
    shift_and_substitute(state ^ key, 13, &BOXES[1])
}

/// AESMC: mixes the columns.
#[must_use]
pub fn mix_columns(state: u128) -> u128 {
    mix(state, [2, 3, 1, 1])
}

/// AESIMC: mixes the columns inversely.
#[must_use]
pub fn inverse_mix_columns(state: u128) -> u128 {
    mix(state, [14, 11, 13, 9])
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

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix B: the first round.
    #[test]
    fn a_round_is_the_standards() {
        let of = |bytes: [u8; 16]| u128::from_le_bytes(bytes);
        let input = of([
            0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37,
            0x07, 0x34,
        ]);
        let key = of([
            0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf,
            0x4f, 0x3c,
        ]);
        let mixed = of([
            0x04, 0x66, 0x81, 0xe5, 0xe0, 0xcb, 0x19, 0x9a, 0x48, 0xf8, 0xd3, 0x7a, 0x28, 0x06,
            0x26, 0x4c,
        ]);
        let shifted = encrypt(input, key);
        assert_eq!(mix_columns(shifted), mixed);
        assert_eq!(inverse_mix_columns(mixed), shifted);
        assert_eq!(decrypt(shifted, 0), input ^ key);
    }
}

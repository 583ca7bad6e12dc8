//! SM4 (GB/T 32907).

use super::Operands;
use crate::decode::Op;
use lanes::field::inverse;
use lanes::words::{of_words, words};

/// x^8 + x^7 + x^6 + x^5 + x^4 + x^2 + 1
const MODULUS: u16 = 0x1f5;

/// The affine map: the circulant matrix of 0xA7, plus 0xD3.
const fn affine(x: u8) -> u8 {
    let mut y = 0;
    let mut bit = 0;
    while bit < 8 {
        let row = 0xa7_u8.rotate_left(bit);
        y |= ((x & row).count_ones() as u8 & 1) << bit;
        bit += 1;
    }
    y ^ 0xd3
}

/// The S-box: the map, the inverse, the map.
const S_BOX: [u8; 256] = {
    let mut s_box = [0; 256];
    let mut x = 0;
    while x < 256 {
        s_box[x] = affine(inverse(affine(x as u8), MODULUS));
        x += 1;
    }
    s_box
};

pub(super) fn execute(op: Op, x: Operands) -> Option<u128> {
    Some(match op {
        // Four rounds on the data in Vd with the keys in Vn.
        Op::SM4E => rounds(words(x.d), words(x.n), |b| {
            b ^ b.rotate_left(2) ^ b.rotate_left(10) ^ b.rotate_left(18) ^ b.rotate_left(24)
        }),
        // The next four keys: those in Vn with the constants in Vm.
        Op::SM4EKEY => rounds(words(x.n), words(x.m), |b| {
            b ^ b.rotate_left(13) ^ b.rotate_left(23)
        }),
        _ => return None,
    })
}

fn rounds(mut x: [u32; 4], keys: [u32; 4], linear: fn(u32) -> u32) -> u128 {
    for key in keys {
        let t = x[1] ^ x[2] ^ x[3] ^ key;
        let b = u32::from_le_bytes(t.to_le_bytes().map(|b| S_BOX[usize::from(b)]));
        x = [x[1], x[2], x[3], x[0] ^ linear(b)];
    }
    of_words(x)
}

#[cfg(test)]
mod tests {
    /// The first row of the standard's table.
    #[test]
    fn s_box() {
        let row = [
            0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb,
            0x2c, 0x05,
        ];
        assert_eq!(super::S_BOX[..16], row);
        assert_eq!(super::S_BOX[255], 0x48);
    }
}

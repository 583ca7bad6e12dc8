//! The constants of modified immediates.

/// `AdvSIMDExpandImm`, but for its floating point: a byte made 64 bits by `cmode` and `op`.
#[must_use]
pub fn expanded(op: u32, cmode: u32, imm8: u32) -> u64 {
    let imm8 = u64::from(imm8);
    match cmode {
        0 | 1 => repeated(imm8, 32),
        2 | 3 => repeated(imm8 << 8, 32),
        4 | 5 => repeated(imm8 << 16, 32),
        6 | 7 => repeated(imm8 << 24, 32),
        8 | 9 => repeated(imm8, 16),
        10 | 11 => repeated(imm8 << 8, 16),
        // Shifting ones.
        12 => repeated(imm8 << 8 | 0xff, 32),
        13 => repeated(imm8 << 16 | 0xffff, 32),
        _ if op == 0 => repeated(imm8, 8),
        // Each bit makes a byte.
        _ => (0..8)
            .filter(|bit| imm8 >> bit & 1 == 1)
            .fold(0, |bytes, bit| bytes | 0xff << (8 * bit)),
    }
}

/// An element of `bits`, as often as there is room in 64.
#[must_use]
pub fn repeated(element: u64, bits: usize) -> u64 {
    (0..64)
        .step_by(bits)
        .fold(0, |all, place| all | element << place)
}

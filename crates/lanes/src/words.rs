//! Registers as words and doublewords.

/// The four words of a register, the lowest first.
#[must_use]
pub const fn words(x: u128) -> [u32; 4] {
    [
        x as u32,
        (x >> 32) as u32,
        (x >> 64) as u32,
        (x >> 96) as u32,
    ]
}

/// A register of four words.
#[must_use]
pub fn of_words(w: [u32; 4]) -> u128 {
    w.iter().rev().fold(0, |x, &w| x << 32 | u128::from(w))
}

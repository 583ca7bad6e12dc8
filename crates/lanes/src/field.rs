//! The fields of 256 elements that AES and SM4 take inverses in.

/// The product of two polynomials modulo `modulus` (nine bits).
#[must_use]
pub const fn multiply(x: u8, y: u8, modulus: u16) -> u8 {
    let mut product = 0;
    let mut power = x as u16;
    let mut bit = 0;
    while bit < 8 {
        if y >> bit & 1 == 1 {
            product ^= power;
        }
        power <<= 1;
        if power & 0x100 != 0 {
            power ^= modulus;
        }
        bit += 1;
    }
    product as u8
}

/// The inverse, which is the 254th power; that of 0 is 0.
#[must_use]
pub const fn inverse(x: u8, modulus: u16) -> u8 {
    let mut power = 1;
    let mut n = 0;
    while n < 254 {
        power = multiply(power, x, modulus);
        n += 1;
    }
    power
}

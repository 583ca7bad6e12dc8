//! Values that find mistakes: edges of integers and of every floating-point
//! format, lane by lane, beside plain random bits.

use crate::random::Rng;

/// Exponent and fraction bits of half, single, double precision and BFloat16.
pub const FORMATS: [(u32, u32); 4] = [(5, 10), (8, 23), (11, 52), (8, 7)];

const EDGES: [u64; 12] = [
    0,
    1,
    u64::MAX,
    1 << 63,
    i64::MAX as u64,
    u32::MAX as u64,
    1 << 31,
    i32::MAX as u64,
    1 << 32,
    0xffff_ffff_8000_0000,
    0xffff_ffff_0000_0000,
    64,
];

/// A value for a general register.
pub fn int(rng: &mut Rng) -> u64 {
    let bits = rng.bits();
    match rng.below(9) {
        0 | 1 => bits,
        2 => bits % 130,
        3 => (bits % 130).wrapping_neg(),
        4 => 1 << (bits & 63),
        5 => (1u64 << (bits & 63)).wrapping_sub(1),
        6 => !(1u64 << (bits & 63)),
        7 => (bits & 0xff).wrapping_mul(0x0101_0101_0101_0101),
        _ => rng.pick(&EDGES),
    }
}

/// A value for a general register of 32 bits.
pub fn int_32(rng: &mut Rng) -> u32 {
    let bits = rng.word();
    match rng.below(9) {
        0..3 => bits,
        3 => bits % 70,
        4 => (bits % 70).wrapping_neg(),
        5 => 1 << (bits & 31),
        6 => (1u32 << (bits & 31)).wrapping_sub(1),
        // Halves and bytes about their ends.
        7 => {
            let near = [0x7fffu16, 0x8000, 0xffff, 0, 0x7f80, 0x80ff];
            u32::from(rng.pick(&near)) << 16 | u32::from(rng.pick(&near))
        }
        _ => rng.pick(&[0, 1, u32::MAX, 0x8000_0000, 0x7fff_ffff, 0x8080_8080]),
    }
}

/// A lane of `bits` bits of an integer.
fn int_lane(rng: &mut Rng, bits: u32) -> u64 {
    let mask = u64::MAX >> (64 - bits);
    let random = rng.bits();
    let value = match rng.below(9) {
        0 => random,
        1 => 0,
        2 => u64::MAX,
        // The largest and the least, and what is beside them.
        3 => (mask >> 1).wrapping_add(random & 1),
        4 => (mask >> 1).wrapping_sub(random & 3).wrapping_add(2),
        5 => 1 << (random % u64::from(bits)),
        // Amounts of shifts, and indices into tables.
        6 => (random & 0xff) % (u64::from(bits) + 9),
        7 => ((random & 0xff) % (u64::from(bits) + 9)).wrapping_neg(),
        _ => (1u64 << (random % u64::from(bits))).wrapping_sub(1),
    };
    value & mask
}

/// A floating-point number of the format.
pub fn float(rng: &mut Rng, (exponent, fraction): (u32, u32)) -> u64 {
    let random = rng.bits();
    let sign = (random >> 63) << (exponent + fraction);
    let fractions = (1u64 << fraction) - 1;
    let infinity = ((1u64 << exponent) - 1) << fraction;
    let bias = (1u64 << (exponent - 1)) - 1;
    let quiet = 1u64 << (fraction - 1);
    let random_fraction = random & fractions;
    let near = |rng: &mut Rng, range: u64| {
        (bias + rng.below(2 * range + 1)).saturating_sub(range) << fraction
    };
    let magnitude = match rng.below(18) {
        0 => 0,
        1 => 1 + (random & 3),
        2 => random_fraction,
        3 => fractions,
        4 => 1 << fraction,
        5 => infinity - 1 - (random & 1),
        6 => infinity,
        7 => infinity | quiet,
        8 => infinity | quiet | random_fraction,
        // Signalling: the fraction's top bit is clear, another is set.
        9 => infinity | (random_fraction & (quiet - 1)).max(1),
        10 => near(rng, 3) | random_fraction,
        // Integers and halves, and one bit beside.
        11 => near(rng, u64::from(fraction) + 2) | (fractions ^ (fractions >> (1 + random % 4))),
        12 => near(rng, 70.min(bias - 1)),
        13 => near(rng, 70.min(bias - 1)) | (random & 3),
        14 => near(rng, 70.min(bias - 1)) | (fractions - (random & 3)),
        // Products and sums of these underflow and overflow.
        15 => near(rng, bias / 2 + 3) | random_fraction,
        16 => ((1 + random % 3) << fraction) | random_fraction,
        _ => random & (infinity | fractions),
    };
    sign | magnitude
}

/// A value for a vector register.
pub fn vector(rng: &mut Rng) -> u128 {
    let style = rng.below(16);
    let (bits, format) = match style {
        0 | 1 => return u128::from(rng.bits()) << 64 | u128::from(rng.bits()),
        2 => (8, None),
        3 => (16, None),
        4 => (32, None),
        5 => (64, None),
        6..=8 => (16, Some(FORMATS[0])),
        9..=11 => (32, Some(FORMATS[1])),
        12..=14 => (64, Some(FORMATS[2])),
        _ => (16, Some(FORMATS[3])),
    };
    (0..128 / bits).fold(0, |vector, _| {
        let lane = match format {
            None => int_lane(rng, bits),
            Some(format) => float(rng, format),
        };
        vector << bits | u128::from(lane)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_have_all_kinds() {
        let mut rng = Rng::new(1);
        for (exponent, fraction) in FORMATS {
            let (mut zero, mut denormal, mut infinity, mut quiet, mut signalling) = (0, 0, 0, 0, 0);
            for _ in 0..1000 {
                let value = float(&mut rng, (exponent, fraction));
                assert!(value >> (exponent + fraction) < 2);
                let e = value >> fraction & ((1 << exponent) - 1);
                let f = value & ((1 << fraction) - 1);
                let top = e == (1 << exponent) - 1;
                zero += u32::from(e == 0 && f == 0);
                denormal += u32::from(e == 0 && f != 0);
                infinity += u32::from(top && f == 0);
                quiet += u32::from(top && f >> (fraction - 1) == 1);
                signalling += u32::from(top && f != 0 && f >> (fraction - 1) == 0);
            }
            for count in [zero, denormal, infinity, quiet, signalling] {
                assert!(count > 10, "a kind is missing in {exponent}, {fraction}");
            }
        }
    }
}

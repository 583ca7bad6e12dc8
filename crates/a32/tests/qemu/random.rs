//! Random numbers from a seed (SplitMix64), and values that find mistakes.

/// A generator; the same seed gives the same numbers on every machine.
#[derive(Clone)]
pub(crate) struct Rng(u64);

impl Rng {
    /// One for a part of the work that has a name, so that the part can be repeated alone.
    pub(crate) fn named(seed: u64, name: &str) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed ^ hash)
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn word(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// Less than `n`.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.word()) * u64::from(n)) >> 32) as u32
    }

    /// True in `percent` of a hundred cases.
    pub(crate) fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u32) as usize]
    }

    /// A value for a register.
    pub(crate) fn value(&mut self) -> u32 {
        let bits = self.word();
        match self.below(9) {
            0..3 => bits,
            3 => bits % 70,
            4 => (bits % 70).wrapping_neg(),
            5 => 1 << (bits & 31),
            6 => (1u32 << (bits & 31)).wrapping_sub(1),
            // Halves and bytes about their ends.
            7 => {
                let near = [0x7fffu16, 0x8000, 0xffff, 0, 0x7f80, 0x80ff];
                u32::from(self.pick(&near)) << 16 | u32::from(self.pick(&near))
            }
            _ => self.pick(&[0, 1, u32::MAX, 0x8000_0000, 0x7fff_ffff, 0x8080_8080]),
        }
    }

    /// A floating-point number of a precision: half, single and double are 1, 2 and 3.
    pub(crate) fn float(&mut self, precision: u32) -> u64 {
        let (exponent, fraction) = match precision {
            1 => (5, 10),
            2 => (8, 23),
            _ => (11, 52),
        };
        let random = self.bits();
        let sign = (random >> 63) << (exponent + fraction);
        let fractions = (1u64 << fraction) - 1;
        let infinity = ((1u64 << exponent) - 1) << fraction;
        let bias = (1u64 << (exponent - 1)) - 1;
        let random_fraction = random & fractions;
        let near = |rng: &mut Self, range: u32| {
            (bias + u64::from(rng.below(2 * range + 1))).saturating_sub(range.into()) << fraction
        };
        let magnitude = match self.below(14) {
            0 => 0,
            1 => 1 + (random & 3),
            2 => random_fraction,
            3 => 1 << fraction,
            4 => infinity - 1 - (random & 1),
            5 => infinity,
            6 => infinity | 1 << (fraction - 1) | random_fraction,
            // Signalling: the fraction's top bit is clear, another is set.
            7 => infinity | (random_fraction & (fractions >> 1)).max(1),
            8 => near(self, 3) | random_fraction,
            // Integers and halves, and one bit beside.
            9 => near(self, fraction + 2) | fractions ^ (fractions >> (1 + random % 4)),
            10 => near(self, 34.min(bias as u32 - 1)) | random & 3,
            11 => near(self, bias as u32 / 2 + 3) | random_fraction,
            12 => (1 + random % 3) << fraction | random_fraction,
            _ => random & (infinity | fractions),
        };
        sign | magnitude
    }
}

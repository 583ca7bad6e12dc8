//! Operands for the comparisons of floating point: edges, and random values
//! drawn where something can go wrong.

/// SplitMix64: small, and the same on every run.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn pick(&mut self, from: &[u64]) -> u64 {
        from[self.below(from.len() as u64) as usize]
    }
}

/// The widths of a format's fields.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) exp: u32,
    pub(crate) frac: u32,
}

pub(crate) const HALF: Shape = Shape { exp: 5, frac: 10 };
pub(crate) const SINGLE: Shape = Shape { exp: 8, frac: 23 };
pub(crate) const DOUBLE: Shape = Shape { exp: 11, frac: 52 };

impl Shape {
    pub(crate) fn width(self) -> u32 {
        1 + self.exp + self.frac
    }

    pub(crate) fn mask(self) -> u64 {
        u64::MAX >> (64 - self.width())
    }

    fn pack(self, sign: u64, exp: i64, frac: u64) -> u64 {
        let max = (1 << self.exp) - 1;
        let frac = frac & ((1 << self.frac) - 1);
        sign << (self.width() - 1) | (exp.clamp(0, max) as u64) << self.frac | frac
    }

    /// Zeros, denormals, the ends of the normal range, one, its neighbours,
    /// infinities, NaNs of both kinds; positive.
    fn edges(self) -> Vec<u64> {
        let (one, inf) = (
            ((1_u64 << (self.exp - 1)) - 1) << self.frac,
            ((1 << self.exp) - 1) << self.frac,
        );
        let (normal, quiet) = (1 << self.frac, 1 << (self.frac - 1));
        let two = one + normal;
        vec![
            0,
            1,
            2,
            quiet,
            normal - 1,
            normal,
            normal + 1,
            2 * normal,
            one - normal,
            one - 1,
            one,
            one + 1,
            one + quiet,
            two,
            two + quiet,
            inf - normal,
            inf - 1,
            inf,
            inf + 1,
            inf + quiet - 1,
            inf + quiet,
            inf + quiet + 1,
            inf + normal - 1,
        ]
    }

    /// One operand.
    pub(crate) fn float(self, rng: &mut Rng) -> u64 {
        let sign = rng.next() & 1;
        let bias = (1_i64 << (self.exp - 1)) - 1;
        let any_exp = rng.below(1 << self.exp) as i64;
        let frac = rng.next();
        match rng.below(16) {
            0..4 => rng.pick(&self.edges()) | sign << (self.width() - 1),
            4 | 5 => rng.next() & self.mask(),
            6 => self.pack(sign, 0, frac >> rng.below(64)),
            // Integers and their halves lie here.
            7..10 => {
                let spread = u64::from(self.frac) + 14;
                let exp = bias + rng.below(2 * spread) as i64 - spread as i64;
                let frac = if rng.next() & 1 == 0 {
                    frac
                } else {
                    frac << rng.below(64)
                };
                self.pack(sign, exp, frac)
            }
            // Ends of a conversion to integers, a neighbour away at most.
            10 => {
                let exp = bias + rng.pick(&[7, 8, 15, 16, 31, 32, 63, 64]) as i64;
                self.pack(sign, exp, 0)
                    .wrapping_add(rng.below(3))
                    .wrapping_sub(1)
                    & self.mask()
            }
            // Products of two lie at the ends of the range.
            11 => {
                let end = rng.pick(&[0, 1, 2, 3]) as i64 * bias / 2;
                self.pack(sign, end + rng.below(8) as i64 - 4, frac)
            }
            12 => self.pack(sign, any_exp, frac & rng.next() & rng.next() & rng.next()),
            13 => self.pack(sign, any_exp, frac | rng.next() | rng.next() | rng.next()),
            14 => self.pack(sign, rng.below(4) as i64, frac),
            _ => self.pack(sign, (1 << self.exp) - 1 - rng.below(4) as i64, frac),
        }
    }

    /// An operand near `other`: the same, its negative, some units or
    /// exponents away.
    pub(crate) fn near(self, rng: &mut Rng, other: u64) -> u64 {
        let sign = (rng.next() & 1) << (self.width() - 1);
        let moved = match rng.below(3) {
            0 => other,
            1 => other.wrapping_add(rng.below(9)).wrapping_sub(4),
            _ => {
                let by = rng
                    .below(2 * u64::from(self.frac) + 8)
                    .wrapping_sub(u64::from(self.frac) + 4);
                other.wrapping_add(by << self.frac) ^ rng.below(4)
            }
        };
        (moved ^ sign) & self.mask()
    }

    /// Two operands, one time in four near each other.
    pub(crate) fn pair(self, rng: &mut Rng) -> (u64, u64) {
        let a = self.float(rng);
        let b = if rng.below(4) == 0 {
            self.near(rng, a)
        } else {
            self.float(rng)
        };
        (a, b)
    }
}

/// An integer of any magnitude, or at an end.
pub(crate) fn integer(rng: &mut Rng) -> u64 {
    let power = 1_u64 << rng.below(64);
    match rng.below(4) {
        0 => rng.next(),
        1 => rng.next() >> rng.below(64),
        2 => (rng.next() >> rng.below(64)).wrapping_neg(),
        _ => {
            let near = power.wrapping_add(rng.below(5)).wrapping_sub(2);
            if rng.next() & 1 == 0 {
                near
            } else {
                near.wrapping_neg()
            }
        }
    }
}

//! The toy's registers.

use guest::Flags;

/// The integer slot of what `WHERE` has left to do; the registers are those below.
pub const PENDING: usize = 48;

/// A thread's registers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct State {
    /// R0 to R47, of which most instructions name the first 16, then [`PENDING`]; the rest
    /// is scratch of translated code.
    pub r: [u64; 50],
    /// V0 to V63.
    pub v: [u128; 64],
    /// The address of the next instruction.
    pub pc: u64,
    /// N, Z, C and V.
    pub flags: Flags,
    /// Whether it has turned: 0 or 1.
    pub turned: u32,
    /// What no instruction reads: places for what every layout has.
    pub unused: [u64; 8],
}

impl Default for State {
    fn default() -> Self {
        Self {
            r: [0; _],
            v: [0; _],
            pc: 0,
            flags: Flags::default(),
            turned: 0,
            unused: [0; _],
        }
    }
}

/// The conditions of instructions that are still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// How many instructions; 0 is none.
    pub left: u8,
    /// The condition of each of them, as `ir::Cond` numbers them.
    pub cond: u8,
}

impl Pending {
    /// As the slot holds it.
    #[must_use]
    pub fn bits(self) -> u64 {
        u64::from(self.left) << 8 | u64::from(self.cond)
    }

    /// From what the slot holds.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        let [cond, left, ..] = bits.to_le_bytes();
        Self { left, cond }
    }

    /// Behind the next instruction.
    #[must_use]
    pub fn next(self) -> Self {
        match self.left {
            0 | 1 => Self::default(),
            left => Self {
                left: left - 1,
                ..self
            },
        }
    }
}

impl State {
    /// What is still to come.
    #[must_use]
    pub fn pending(&self) -> Pending {
        Pending::from_bits(self.r[PENDING])
    }
}

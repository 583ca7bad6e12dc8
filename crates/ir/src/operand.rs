//! What operations work on: slots, widths and sizes, conditions, second operands
//! and addresses.
//!
//! Invariants: a constant is of the operation's width; a slot's number is less
//! than the guest has slots ([`Slots`]), or that of [`Reg::ZERO`].

/// How many integer slots, and how many vector slots, a guest may have at most.
pub const SLOTS: usize = 64;

/// How many slots a guest has: what [`Reg`] and [`VReg`] count is less.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Slots {
    /// Of integers, at most [`SLOTS`].
    pub ints: u8,
    /// Of vectors, at most [`SLOTS`].
    pub vectors: u8,
}

impl Default for Slots {
    fn default() -> Self {
        Self::USUAL
    }
}

impl Slots {
    /// 32 of each.
    pub const USUAL: Self = Self {
        ints: 32,
        vectors: 32,
    };
}

/// An integer slot, or [`Reg::ZERO`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reg(pub u8);

impl Reg {
    /// Reads as zero; a write to it is dropped.
    pub const ZERO: Self = Self(0xff);

    /// Whether this is the zero register.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0xff
    }
}

/// A vector slot: 128 bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VReg(pub u8);

impl VReg {
    /// The slot `n` further in a list of slots. A list stays in its 32: slot 31 is
    /// followed by 0, and 63 by 32.
    #[must_use]
    pub const fn after(self, n: u8) -> Self {
        Self(self.0 & !31 | self.0.wrapping_add(n) & 31)
    }
}

/// The width of an integer operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// 32 bits; the upper half of the result is zero.
    W32,
    /// 64 bits.
    W64,
}

impl Width {
    /// In bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        match self {
            Self::W32 => 32,
            Self::W64 => 64,
        }
    }

    /// The value's bits that count.
    #[must_use]
    pub const fn mask(self) -> u64 {
        match self {
            Self::W32 => 0xffff_ffff,
            Self::W64 => u64::MAX,
        }
    }
}

/// The size of a memory access.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Size {
    /// 1 byte.
    B1,
    /// 2 bytes.
    B2,
    /// 4 bytes.
    B4,
    /// 8 bytes.
    B8,
    /// 16 bytes.
    B16,
}

impl Size {
    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u8 {
        1 << self.log2()
    }

    /// The binary logarithm of the bytes.
    #[must_use]
    pub const fn log2(self) -> u8 {
        self as u8
    }
}

/// A condition on N, Z, C and V. Bit 0 of its number inverts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Cond {
    /// Z
    Eq,
    /// !Z
    Ne,
    /// C
    Cs,
    /// !C
    Cc,
    /// N
    Mi,
    /// !N
    Pl,
    /// V
    Vs,
    /// !V
    Vc,
    /// C and !Z
    Hi,
    /// !C or Z
    Ls,
    /// N == V
    Ge,
    /// N != V
    Lt,
    /// !Z and N == V
    Gt,
    /// Z or N != V
    Le,
    /// always
    Al,
    /// always, too
    Nv,
}

impl Cond {
    /// All sixteen, by number.
    pub const ALL: [Self; 16] = [
        Self::Eq,
        Self::Ne,
        Self::Cs,
        Self::Cc,
        Self::Mi,
        Self::Pl,
        Self::Vs,
        Self::Vc,
        Self::Hi,
        Self::Ls,
        Self::Ge,
        Self::Lt,
        Self::Gt,
        Self::Le,
        Self::Al,
        Self::Nv,
    ];

    /// The condition of this number (its low four bits).
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self::ALL[(bits & 15) as usize]
    }

    /// The opposite; `Al` has none and stays.
    #[must_use]
    pub const fn invert(self) -> Self {
        match self {
            Self::Al | Self::Nv => Self::Al,
            _ => Self::ALL[(self as u8 ^ 1) as usize],
        }
    }

    /// Whether it holds for the four bits N, Z, C and V, N highest.
    #[must_use]
    pub const fn holds(self, nzcv: u8) -> bool {
        let (n, z) = (nzcv & 8 != 0, nzcv & 4 != 0);
        let (c, v) = (nzcv & 2 != 0, nzcv & 1 != 0);
        match self {
            Self::Eq => z,
            Self::Ne => !z,
            Self::Cs => c,
            Self::Cc => !c,
            Self::Mi => n,
            Self::Pl => !n,
            Self::Vs => v,
            Self::Vc => !v,
            Self::Hi => c && !z,
            Self::Ls => !c || z,
            Self::Ge => n == v,
            Self::Lt => n != v,
            Self::Gt => !z && n == v,
            Self::Le => z || n != v,
            Self::Al | Self::Nv => true,
        }
    }

    /// The flags that it looks at: N, Z, C and V in bits 3 to 0.
    #[must_use]
    pub const fn flags(self) -> u8 {
        const N: u8 = 8;
        const Z: u8 = 4;
        const C: u8 = 2;
        const V: u8 = 1;
        match self {
            Self::Eq | Self::Ne => Z,
            Self::Cs | Self::Cc => C,
            Self::Mi | Self::Pl => N,
            Self::Vs | Self::Vc => V,
            Self::Hi | Self::Ls => C | Z,
            Self::Ge | Self::Lt => N | V,
            Self::Gt | Self::Le => N | Z | V,
            Self::Al | Self::Nv => 0,
        }
    }

    /// Whether it holds whatever the flags are.
    #[must_use]
    pub const fn always(self) -> bool {
        matches!(self, Self::Al | Self::Nv)
    }
}

/// What is done to a register operand before it is used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extend {
    /// Shifted left.
    Lsl,
    /// Shifted right, zeros coming in.
    Lsr,
    /// Shifted right, the sign coming in.
    Asr,
    /// Rotated right.
    Ror,
    /// Low byte, zero-extended, then shifted left.
    Uxtb,
    /// Low halfword, zero-extended, then shifted left.
    Uxth,
    /// Low word, zero-extended, then shifted left.
    Uxtw,
    /// Low byte, sign-extended, then shifted left.
    Sxtb,
    /// Low halfword, sign-extended, then shifted left.
    Sxth,
    /// Low word, sign-extended, then shifted left.
    Sxtw,
}

/// The second operand of an integer operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// A constant of the operation's width.
    Imm(u64),
    /// A register.
    Reg(Reg),
    /// A register, extended or shifted by `amount`.
    Ext {
        /// The register.
        reg: Reg,
        /// What is done to it.
        extend: Extend,
        /// By how many bits, less than the operation's width.
        amount: u8,
    },
}

/// What is added to the base of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offset {
    /// A constant, in bytes.
    Imm(i64),
    /// This very address, known from where the guest's code lies; the base is
    /// [`Reg::ZERO`].
    Guest(u64),
    /// A register: `Lsl`, `Uxtw` or `Sxtw`, shifted left by `amount`, 0 to 4.
    Reg {
        /// The register.
        reg: Reg,
        /// How it is extended.
        extend: Extend,
        /// By how many bits it is shifted.
        amount: u8,
    },
}

/// A guest address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Addr {
    /// The base.
    pub base: Reg,
    /// What is added.
    pub offset: Offset,
}

impl Addr {
    /// The address in a register.
    #[must_use]
    pub const fn reg(base: Reg) -> Self {
        Self::disp(base, 0)
    }

    /// An address of guest code or data, known from where the code lies.
    #[must_use]
    pub const fn guest(value: u64) -> Self {
        Self {
            base: Reg::ZERO,
            offset: Offset::Guest(value),
        }
    }

    /// A register plus a constant.
    #[must_use]
    pub const fn disp(base: Reg, disp: i64) -> Self {
        Self {
            base,
            offset: Offset::Imm(disp),
        }
    }

    /// The slots it reads; [`Reg::ZERO`] where none.
    #[must_use]
    pub const fn slots(self) -> [Reg; 2] {
        match self.offset {
            Offset::Imm(_) | Offset::Guest(_) => [self.base, Reg::ZERO],
            Offset::Reg { reg, .. } => [self.base, reg],
        }
    }

    /// Whether it is a constant of 16 bits beside a slot.
    #[must_use]
    pub fn is_near(self) -> bool {
        matches!(self.offset, Offset::Imm(imm) if i16::try_from(imm).is_ok())
    }
}

impl Operand {
    /// The slot it reads; [`Reg::ZERO`] if none.
    #[must_use]
    pub const fn slot(self) -> Reg {
        match self {
            Self::Imm(_) => Reg::ZERO,
            Self::Reg(reg) | Self::Ext { reg, .. } => reg,
        }
    }
}

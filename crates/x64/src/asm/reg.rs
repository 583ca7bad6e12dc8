//! Registers, sizes, conditions and memory operands.

/// A general register, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gpr(pub u8);

/// The low 128 bits of a vector register, 0 to 31.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Xmm(pub u8);

/// An opmask register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct K(pub u8);

/// The size of an integer operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// 8 bits.
    B8,
    /// 16 bits.
    B16,
    /// 32 bits; the upper half of a register is zeroed.
    B32,
    /// 64 bits.
    B64,
}

/// `[base + index * scale + disp]`, or `[disp]` at 32 signed bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mem {
    /// The base.
    pub base: Option<Gpr>,
    /// The index and its scale: 1, 2, 4 or 8.
    pub index: Option<(Gpr, u8)>,
    /// The displacement.
    pub disp: i32,
}

impl Mem {
    /// `[base]`
    #[must_use]
    pub const fn base(base: Gpr) -> Self {
        Self::disp(base, 0)
    }

    /// `[base + disp]`
    #[must_use]
    pub const fn disp(base: Gpr, disp: i32) -> Self {
        Self {
            base: Some(base),
            index: None,
            disp,
        }
    }

    /// `[base + index * scale + disp]`
    #[must_use]
    pub const fn index(base: Gpr, index: Gpr, scale: u8, disp: i32) -> Self {
        Self {
            base: Some(base),
            index: Some((index, scale)),
            disp,
        }
    }
}

/// A general register or memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RegMem {
    /// A register.
    Reg(Gpr),
    /// Memory.
    Mem(Mem),
}

impl From<Gpr> for RegMem {
    fn from(reg: Gpr) -> Self {
        Self::Reg(reg)
    }
}

impl From<Mem> for RegMem {
    fn from(mem: Mem) -> Self {
        Self::Mem(mem)
    }
}

/// A vector register or memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum XmmMem {
    /// A register.
    Reg(Xmm),
    /// Memory.
    Mem(Mem),
}

impl From<Xmm> for XmmMem {
    fn from(reg: Xmm) -> Self {
        Self::Reg(reg)
    }
}

impl From<Mem> for XmmMem {
    fn from(mem: Mem) -> Self {
        Self::Mem(mem)
    }
}

/// Arithmetic and logic with the common encoding; its number is in it.
#[allow(missing_docs, reason = "the names are the mnemonics")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Alu {
    Add,
    Or,
    Adc,
    Sbb,
    And,
    Sub,
    Xor,
    Cmp,
}

/// Shifts and rotates; the number is in the encoding.
#[allow(missing_docs, reason = "the names are the mnemonics")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Shift {
    Rol,
    Ror,
    Rcl,
    Rcr,
    Shl,
    Shr,
    Sar = 7,
}

/// Condition codes; the number is in the encoding.
#[allow(missing_docs, reason = "the names are the mnemonics' suffixes")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Cond {
    O,
    NO,
    B,
    AE,
    E,
    NE,
    BE,
    A,
    S,
    NS,
    P,
    NP,
    L,
    GE,
    LE,
    G,
}

impl Cond {
    const ALL: [Self; 16] = [
        Self::O,
        Self::NO,
        Self::B,
        Self::AE,
        Self::E,
        Self::NE,
        Self::BE,
        Self::A,
        Self::S,
        Self::NS,
        Self::P,
        Self::NP,
        Self::L,
        Self::GE,
        Self::LE,
        Self::G,
    ];

    /// The opposite.
    #[must_use]
    pub const fn invert(self) -> Self {
        Self::ALL[(self as u8 ^ 1) as usize]
    }
}

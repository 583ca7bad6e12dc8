//! The operations on vector slots: loads and stores, SIMD and floating point.

use crate::inst::{Addr, Reg, Size, VReg};

/// One vector operation. The fields' letters are those of [`crate::Op`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are named by the convention of Op")]
pub enum VOp {
    /// d = memory, zero above.
    Load { size: Size, d: VReg, addr: Addr },
    /// memory = the low bytes of a
    Store { size: Size, a: VReg, addr: Addr },
    /// d = memory at addr, e = memory one element further, zero above.
    LoadPair {
        size: Size,
        d: VReg,
        e: VReg,
        addr: Addr,
    },
    /// memory at addr = a, one element further = b
    StorePair {
        size: Size,
        a: VReg,
        b: VReg,
        addr: Addr,
    },
    /// d = the constant
    Imm { d: VReg, value: u128 },
    /// d = a; `half`: the low 64 bits, zero above.
    Mov { half: bool, d: VReg, a: VReg },
    /// Low `size` bytes of d = a's, zero above.
    FromInt { size: Size, d: VReg, a: Reg },
    /// d = the low `size` bytes of a, zero-extended.
    ToInt { size: Size, d: Reg, a: VReg },
}

impl VOp {
    /// Whether it accesses memory.
    #[must_use]
    pub const fn may_fault(&self) -> bool {
        matches!(
            self,
            Self::Load { .. } | Self::Store { .. } | Self::LoadPair { .. } | Self::StorePair { .. }
        )
    }

    /// The integer slot it writes, or [`Reg::ZERO`].
    #[must_use]
    pub const fn written_int(&self) -> Reg {
        match *self {
            Self::ToInt { d, .. } => d,
            _ => Reg::ZERO,
        }
    }

    /// Whether it reads the flags.
    #[must_use]
    pub const fn uses_flags(&self) -> bool {
        false
    }

    /// Whether it sets all flags.
    #[must_use]
    pub const fn sets_flags(&self) -> bool {
        false
    }
}

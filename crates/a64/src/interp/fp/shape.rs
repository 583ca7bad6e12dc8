//! Where an instruction's elements lie: their size and count, by its class,
//! and how they are cut from a register.

use crate::decode::Class;
use crate::insn::Insn;
pub(super) use lanes::float::Lane as Element;

/// The size of an element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Size {
    Half,
    Single,
    Double,
}

/// Calls a function that is generic over the element's type.
macro_rules! by_size {
    ($size:expr, $function:ident($($argument:expr),*)) => {
        match $size {
            $crate::interp::fp::shape::Size::Half => $function::<u16>($($argument),*),
            $crate::interp::fp::shape::Size::Single => $function::<u32>($($argument),*),
            $crate::interp::fp::shape::Size::Double => $function::<u64>($($argument),*),
        }
    };
}
pub(super) use by_size;

impl Size {
    /// Of the field `ftype` (and `opc` of FCVT); `None` is unallocated, or
    /// the upper half of FMOV.
    pub(super) const fn of_ftype(ftype: u32) -> Option<Self> {
        match ftype {
            0 => Some(Self::Single),
            1 => Some(Self::Double),
            3 => Some(Self::Half),
            _ => None,
        }
    }

    /// Of the field `sz`.
    pub(super) const fn of_sz(sz: u32) -> Self {
        if sz == 0 { Self::Single } else { Self::Double }
    }

    /// Of the field `size` as three-register extensions have it, and
    /// `immh`'s highest bit.
    const fn of_log2_bytes(log2_bytes: u32) -> Option<Self> {
        match log2_bytes {
            1 => Some(Self::Half),
            2 => Some(Self::Single),
            3 => Some(Self::Double),
            _ => None,
        }
    }

    pub(super) const fn bits(self) -> u32 {
        match self {
            Self::Half => 16,
            Self::Single => 32,
            Self::Double => 64,
        }
    }
}

/// The elements of an instruction, from bit 0 of its registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    pub(super) size: Size,
    pub(super) count: u32,
}

impl Shape {
    const fn scalar(size: Size) -> Self {
        Self { size, count: 1 }
    }

    const fn vector(size: Size, q: u32) -> Self {
        Self {
            size,
            count: (64 << q) / size.bits(),
        }
    }

    /// By the instruction's class; meaningful for its floating-point rows.
    pub(super) fn of(insn: Insn) -> Option<Self> {
        let (sz, q) = (insn.sz(), insn.q());
        Some(match insn.op.class() {
            Class::fp_1src | Class::fp_2src | Class::fp_3src | Class::fp_cond_select => {
                Self::scalar(Size::of_ftype(insn.ftype())?)
            }
            Class::scalar_three_same | Class::scalar_two_misc => Self::scalar(Size::of_sz(sz)),
            Class::scalar_three_same_half | Class::scalar_two_misc_half => Self::scalar(Size::Half),
            Class::scalar_shift_imm => {
                Self::scalar(Size::of_log2_bytes(insn.immh().checked_ilog2()?)?)
            }
            Class::scalar_by_element => Self::scalar(by_element_size(insn)),
            Class::simd_three_same | Class::simd_two_misc => Self::vector(Size::of_sz(sz), q),
            Class::simd_three_same_half | Class::simd_two_misc_half => Self::vector(Size::Half, q),
            Class::simd_three_same_extra => Self::vector(Size::of_log2_bytes(insn.size())?, q),
            Class::simd_shift_imm => {
                Self::vector(Size::of_log2_bytes(insn.immh().checked_ilog2()?)?, q)
            }
            Class::simd_by_element => Self::vector(by_element_size(insn), q),
            _ => return None,
        })
    }
}

/// Of FMLA, FMLS, FMUL and FMULX by element.
const fn by_element_size(insn: Insn) -> Size {
    if insn.size() == 0 {
        Size::Half
    } else {
        Size::of_sz(insn.sz())
    }
}

/// The register and index of a by-element instruction's element of `size`:
/// what of H:L:M isn't needed for the index belongs to the register.
pub(super) fn element_operand(insn: Insn, size: Size) -> (usize, u32) {
    let (register, index) = match size {
        Size::Half => (insn.rm4(), insn.hlm()),
        Size::Single => (insn.rm(), insn.hl()),
        Size::Double => (insn.rm(), insn.h()),
    };
    (register as usize, index)
}

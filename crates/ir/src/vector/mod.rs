//! The operations on vector slots: loads and stores, SIMD and floating point.
//!
//! Invariants: a result narrower than 128 bits has zeros above it. Lanes are numbered from
//! the least significant. Floating-point operations round and raise flags as the guest's
//! control register says, NaNs included: where the host does otherwise, lowering makes it
//! good.

mod kinds;

pub use kinds::*;

use crate::operand::{Addr, Cond, Reg, Size, VReg, Width};

/// One vector operation. The fields' letters are those of [`crate::Op`]; `e`
/// is the size of a source's lane, `half` that only the low 64 bits count.
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
    /// d = memory, the element in all lanes.
    LoadDup {
        e: Size,
        half: bool,
        d: VReg,
        addr: Addr,
    },
    /// Lane of d = memory, the others kept.
    LoadLane {
        e: Size,
        lane: u8,
        d: VReg,
        addr: Addr,
    },
    /// memory = lane of a
    StoreLane {
        e: Size,
        lane: u8,
        a: VReg,
        addr: Addr,
    },
    /// d and `count` - 1 slots after it ([`VReg::after`]) = memory, one
    /// after another.
    LoadMany {
        half: bool,
        count: u8,
        d: VReg,
        addr: Addr,
    },
    /// The opposite.
    StoreMany {
        half: bool,
        count: u8,
        a: VReg,
        addr: Addr,
    },
    /// All lanes of each of `count` slots from d on = memory, one element after
    /// another.
    LoadDups {
        e: Size,
        half: bool,
        count: u8,
        d: VReg,
        addr: Addr,
    },
    /// Lane of each of `count` slots from d on = memory, one element after
    /// another, the other lanes kept.
    LoadLanes {
        e: Size,
        lane: u8,
        count: u8,
        d: VReg,
        addr: Addr,
    },
    /// The opposite.
    StoreLanes {
        e: Size,
        lane: u8,
        count: u8,
        a: VReg,
        addr: Addr,
    },
    /// Slots from d on = memory, elements dealt to two to four slots in turn.
    LoadDealt {
        e: Size,
        half: bool,
        count: u8,
        d: VReg,
        addr: Addr,
    },
    /// The opposite.
    StoreDealt {
        e: Size,
        half: bool,
        count: u8,
        a: VReg,
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
    /// d = a op b
    Lanes {
        op: Lanes,
        e: Size,
        half: bool,
        d: VReg,
        a: VReg,
        b: Arg,
    },
    /// d = op of d, a, b
    Accumulate {
        op: Accumulate,
        e: Size,
        half: bool,
        d: VReg,
        a: VReg,
        b: Arg,
    },
    /// d = op(a)
    Unary {
        op: Unary,
        e: Size,
        half: bool,
        d: VReg,
        a: VReg,
    },
    /// d = a shifted by a constant
    Shift {
        op: ShiftLanes,
        e: Size,
        half: bool,
        d: VReg,
        a: VReg,
        by: u8,
    },
    /// The low half of d (or the high one, the low one kept) = a's lanes
    /// shifted right by `by` and made half as wide: to `e`.
    Narrow {
        op: Narrow,
        e: Size,
        high: bool,
        d: VReg,
        a: VReg,
        by: u8,
    },
    /// The low half of d (or the high one, the low one kept) = the upper
    /// halves of a's lanes plus (or minus) b's: lanes of `e`. `round`: to
    /// nearest.
    NarrowSum {
        sub: bool,
        round: bool,
        e: Size,
        high: bool,
        d: VReg,
        a: VReg,
        b: VReg,
    },
    /// d = the low (or high) lanes of a at twice the width, shifted left.
    Long {
        signed: bool,
        e: Size,
        high: bool,
        d: VReg,
        a: VReg,
        by: u8,
    },
    /// d = a op b, wider; `high`: of the high lanes.
    Wide {
        op: Wide,
        e: Size,
        high: bool,
        d: VReg,
        a: VReg,
        b: Arg,
    },
    /// The low lane of d = op over all lanes of a, zero above.
    Across {
        op: Across,
        e: Size,
        half: bool,
        d: VReg,
        a: VReg,
    },
    /// All lanes of d = one of a.
    Dup {
        e: Size,
        half: bool,
        d: VReg,
        a: VReg,
        lane: u8,
    },
    /// The low lane of d = one of a, zero above.
    Lane { e: Size, d: VReg, a: VReg, lane: u8 },
    /// All lanes of d = a
    DupInt {
        e: Size,
        half: bool,
        d: VReg,
        a: Reg,
    },
    /// One lane of d = a
    InsertInt { e: Size, d: VReg, lane: u8, a: Reg },
    /// One lane of d = one of a
    InsertLane {
        e: Size,
        d: VReg,
        to: u8,
        a: VReg,
        from: u8,
    },
    /// d = one lane of a, extended.
    GetLane {
        e: Size,
        signed: bool,
        w: Width,
        d: Reg,
        a: VReg,
        lane: u8,
    },
    /// d = bytes of b:a from byte `by` of a
    Extract {
        half: bool,
        d: VReg,
        a: VReg,
        b: VReg,
        by: u8,
    },
    /// d = bytes of the `count` slots from `table` on, by the indices in a;
    /// out of range: zero, or `keep` d's.
    Table {
        half: bool,
        keep: bool,
        count: u8,
        d: VReg,
        table: VReg,
        a: VReg,
    },
    /// d = a op b
    Float {
        op: FloatBin,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
        b: Arg,
    },
    /// d = ±c ± a * b, rounded once.
    MulAdd {
        neg_product: bool,
        neg_addend: bool,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
        b: Arg,
        c: VReg,
    },
    /// d = op(a)
    FloatUnary {
        op: FloatUnary,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
    },
    /// Flags = a compared with b; `signal`: quiet NaNs are invalid too.
    FloatCompare {
        signal: bool,
        f: Fp,
        a: VReg,
        b: Arg,
    },
    /// d = the flags of a compared with b, in bits 31 to 28; the guest's are left alone.
    FloatCompareTo {
        signal: bool,
        f: Fp,
        d: Reg,
        a: VReg,
        b: Arg,
    },
    /// Flags = cond ? a compared with b : nzcv
    FloatCondCompare {
        signal: bool,
        f: Fp,
        a: VReg,
        b: VReg,
        cond: Cond,
        nzcv: u8,
    },
    /// d = a test b ? all ones : 0; `abs`: of the absolute values.
    FloatMask {
        test: FloatTest,
        abs: bool,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
        b: Arg,
    },
    /// d = cond ? a : b, `size` bytes, zero above.
    Select {
        size: Size,
        d: VReg,
        a: VReg,
        b: VReg,
        cond: Cond,
    },
    /// d = a to an integer, saturated.
    FloatToInt {
        how: Rounding,
        signed: bool,
        f: Fp,
        w: Width,
        d: Reg,
        a: VReg,
    },
    /// d = a / 2^`fraction`
    IntToFloat {
        signed: bool,
        fraction: u8,
        f: Fp,
        w: Width,
        d: VReg,
        a: Reg,
    },
    /// d = a's lanes to integers, saturated.
    FloatToLanes {
        how: Rounding,
        signed: bool,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
    },
    /// d = a's integer lanes / 2^`fraction`
    LanesToFloat {
        signed: bool,
        fraction: u8,
        f: Fp,
        shape: Shape,
        d: VReg,
        a: VReg,
    },
    /// d = a in the other format; scalar.
    FloatConvert { to: Fp, d: VReg, a: VReg },
    /// d = the greatest (or least) of a's lanes; those that are quiet NaNs don't
    /// count, or make the result one: the interpreter knows.
    FloatAcross { max: bool, f: Fp, d: VReg, a: VReg },
    /// d = a from binary16; scalar.
    FromHalf { to: Fp, d: VReg, a: VReg },
    /// d = a, binary32, to binary16; scalar.
    ToHalf { d: VReg, a: VReg },
    /// d = four lanes of binary32 from the low (or high) four of binary16.
    HalvesLong { high: bool, d: VReg, a: VReg },
    /// The low (or high, the low kept) four lanes of d = a's binary32 ones to
    /// binary16.
    HalvesNarrow { high: bool, d: VReg, a: VReg },
    /// d = two lanes of binary64 from the low (or high) two of binary32.
    FloatLong { high: bool, d: VReg, a: VReg },
    /// The low (or high, the low kept) two lanes of d = a's binary64 ones.
    FloatNarrow { high: bool, d: VReg, a: VReg },
    /// d = op of a, b and c
    Ternary {
        op: Ternary,
        d: VReg,
        a: VReg,
        b: VReg,
        c: VReg,
    },
    /// d = (a ^ b) with each 64 bits rotated right by `by`
    XorRotate { d: VReg, a: VReg, b: VReg, by: u8 },
    /// d = a ^ (b with each 64 bits rotated left by one)
    RotateXor { d: VReg, a: VReg, b: VReg },
    /// d = op of d, a and b, as far as it has them
    Crypto {
        op: Crypto,
        d: VReg,
        a: VReg,
        b: VReg,
    },
}

impl VOp {
    /// Whether it computes with floating point, so that flushing denormals, and what NaNs come
    /// out, can matter.
    #[must_use]
    pub const fn meets_denormals(&self) -> bool {
        match self {
            Self::FloatUnary { op, .. } => !matches!(op, FloatUnary::Abs | FloatUnary::Neg),
            Self::Float { .. }
            | Self::MulAdd { .. }
            | Self::FloatCompare { .. }
            | Self::FloatCompareTo { .. }
            | Self::FloatCondCompare { .. }
            | Self::FloatMask { .. }
            | Self::FloatToInt { .. }
            | Self::FloatToLanes { .. }
            | Self::FloatAcross { .. }
            | Self::FloatConvert { .. }
            | Self::FloatLong { .. }
            | Self::FloatNarrow { .. }
            | Self::FromHalf { .. }
            | Self::ToHalf { .. }
            | Self::HalvesLong { .. }
            | Self::HalvesNarrow { .. } => true,
            _ => false,
        }
    }

    /// Whether it accesses memory.
    #[must_use]
    pub const fn may_fault(&self) -> bool {
        matches!(
            self,
            Self::Load { .. }
                | Self::Store { .. }
                | Self::LoadPair { .. }
                | Self::StorePair { .. }
                | Self::LoadDup { .. }
                | Self::LoadLane { .. }
                | Self::StoreLane { .. }
                | Self::LoadMany { .. }
                | Self::StoreMany { .. }
                | Self::LoadDups { .. }
                | Self::LoadLanes { .. }
                | Self::StoreLanes { .. }
                | Self::LoadDealt { .. }
                | Self::StoreDealt { .. }
        )
    }

    /// The list of slots that it names: the first, and how many.
    #[must_use]
    pub const fn list(&self) -> Option<(VReg, u8)> {
        match *self {
            Self::LoadMany { count, d, .. }
            | Self::LoadDups { count, d, .. }
            | Self::LoadLanes { count, d, .. }
            | Self::LoadDealt { count, d, .. } => Some((d, count)),
            Self::StoreMany { count, a, .. }
            | Self::StoreLanes { count, a, .. }
            | Self::StoreDealt { count, a, .. } => Some((a, count)),
            Self::Table { count, table, .. } => Some((table, count)),
            _ => None,
        }
    }

    /// The integer slot it writes, or [`Reg::ZERO`].
    #[must_use]
    pub const fn written_int(&self) -> Reg {
        match *self {
            Self::ToInt { d, .. }
            | Self::GetLane { d, .. }
            | Self::FloatToInt { d, .. }
            | Self::FloatCompareTo { d, .. } => d,
            _ => Reg::ZERO,
        }
    }

    /// Which of the flags it reads: N, Z, C and V in bits 3 to 0.
    #[must_use]
    pub const fn reads_flags(&self) -> u8 {
        match self {
            Self::Select { cond, .. } | Self::FloatCondCompare { cond, .. } => cond.flags(),
            _ => 0,
        }
    }

    /// Whether it sets all flags.
    #[must_use]
    pub const fn sets_flags(&self) -> bool {
        matches!(
            self,
            Self::FloatCompare { .. } | Self::FloatCondCompare { .. }
        )
    }
}

//! The operations on vector slots: loads and stores, SIMD and floating point.
//!
//! Invariants: a result narrower than 128 bits has zeros above it. Lanes are numbered from
//! the least significant. Floating-point operations round and raise flags as the guest's
//! control register says, NaNs included: where the host does otherwise, lowering makes it
//! good.

use crate::operand::{Addr, Cond, Reg, Size, VReg, Width};

/// The second source of an operation on lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arg {
    /// Lane by lane.
    Each(VReg),
    /// One lane for all.
    Lane(VReg, u8),
    /// The same 64 bits in both halves.
    Const(u64),
    /// Zeros.
    Zero,
}

/// Integer operations of two sources, lane by lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(
    missing_docs,
    reason = "S signed, U unsigned, Q saturating, H halved, R rounded"
)]
pub enum Lanes {
    Add,
    Sub,
    Mul,
    And,
    /// a & !b
    AndNot,
    Or,
    /// a | !b
    OrNot,
    Xor,
    /// All ones where equal.
    Eq,
    /// All ones where a > b, signed.
    Gt,
    /// All ones where a >= b, signed.
    Ge,
    /// All ones where a < b, signed.
    Lt,
    /// All ones where a <= b, signed.
    Le,
    /// All ones where a > b, unsigned.
    Hi,
    /// All ones where a >= b, unsigned.
    Hs,
    /// All ones where a & b is not zero.
    Test,
    Smin,
    Smax,
    Umin,
    Umax,
    /// |a - b|
    Sabd,
    Uabd,
    Sqadd,
    Uqadd,
    Sqsub,
    Uqsub,
    Shadd,
    Uhadd,
    Srhadd,
    Urhadd,
    Shsub,
    Uhsub,
    /// The upper half of 2 * a * b.
    Sqdmulh,
    Sqrdmulh,
    /// a shifted left by the signed low byte of b.
    Sshl,
    Ushl,
    /// Sums of neighbours, first those of a.
    Addp,
    Smaxp,
    Sminp,
    Umaxp,
    Uminp,
    Zip1,
    Zip2,
    Uzp1,
    Uzp2,
    Trn1,
    Trn2,
}

/// Operations whose destination is a source too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Accumulate {
    /// d + a * b
    Mla,
    /// d - a * b
    Mls,
    /// d + |a - b|, signed
    Saba,
    /// d + |a - b|, unsigned
    Uaba,
    /// d ? a : b
    Bsl,
    /// b ? a : d
    Bit,
    /// b ? d : a
    Bif,
    /// d + the sum of four products of bytes, signed
    Sdot,
    /// d + the sum of four products of bytes, unsigned
    Udot,
    /// d + the sum of four products of bytes, a's unsigned and b's signed
    Usdot,
}

/// Integer operations of one source, lane by lane.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unary {
    /// -a
    Neg,
    /// |a|
    Abs,
    /// !a
    Not,
    /// Bits set.
    Cnt,
    /// Leading zeros.
    Clz,
    /// Lanes of this size reversed within 16 bits.
    Rev16,
    /// Lanes of this size reversed within 32 bits.
    Rev32,
    /// Lanes of this size reversed within 64 bits.
    Rev64,
    /// Bits reversed.
    Rbit,
    /// Sums of neighbours at twice the width, signed.
    Saddlp,
    /// Sums of neighbours at twice the width, unsigned.
    Uaddlp,
    /// Those added to d.
    Sadalp,
    /// Those added to d.
    Uadalp,
}

/// Shifts of lanes by a constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShiftLanes {
    /// Left.
    Shl,
    /// Right, signed.
    Sshr,
    /// Right, unsigned.
    Ushr,
    /// d + right, signed.
    Ssra,
    /// d + right, unsigned.
    Usra,
    /// Right, signed, rounded.
    Srshr,
    /// Right, unsigned, rounded.
    Urshr,
    /// d + right, signed, rounded.
    Srsra,
    /// d + right, unsigned, rounded.
    Ursra,
    /// Left, the low bits of d kept.
    Sli,
    /// Right, the high bits of d kept.
    Sri,
}

/// How lanes are made half as wide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Narrow {
    /// The low half.
    Truncate,
    /// The low half, after rounding the shift.
    Round,
    /// Saturated, signed.
    Signed,
    /// Saturated, unsigned.
    Unsigned,
    /// Signed lanes saturated to unsigned ones.
    SignedToUnsigned,
    /// Saturated, signed, after rounding the shift.
    RoundSigned,
    /// Saturated, unsigned, after rounding the shift.
    RoundUnsigned,
    /// Signed lanes saturated to unsigned ones, after rounding the shift.
    RoundSignedToUnsigned,
}

/// Operations whose lanes are twice as wide as those of b (and of a, but for
/// the `w` ones).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(
    missing_docs,
    reason = "the names are the guest's: S signed, U unsigned"
)]
pub enum Wide {
    Smull,
    Umull,
    Smlal,
    Umlal,
    Smlsl,
    Umlsl,
    Saddl,
    Uaddl,
    Ssubl,
    Usubl,
    Saddw,
    Uaddw,
    Ssubw,
    Usubw,
    Sabdl,
    Uabdl,
    Sabal,
    Uabal,
    /// Carry-less product; of bytes or doublewords.
    Pmull,
}

/// Operations over all lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "S signed, U unsigned")]
pub enum Across {
    Add,
    Smax,
    Smin,
    Umax,
    Umin,
    /// The sum at twice the width.
    Saddl,
    Uaddl,
}

/// A binary floating-point format.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fp {
    /// binary32
    S,
    /// binary64
    D,
}

/// How much of a slot a floating-point operation covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// The lowest lane.
    Scalar,
    /// 64 bits.
    Half,
    /// 128 bits.
    Full,
}

/// Floating-point operations of two sources.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatBin {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a * b
    Mul,
    /// -(a * b)
    NegMul,
    /// a / b
    Div,
    /// The greater; NaN if one is.
    Max,
    /// The less; NaN if one is.
    Min,
    /// The greater; the other if one is a quiet NaN.
    MaxNum,
    /// The less; the other if one is a quiet NaN.
    MinNum,
    /// |a - b|
    Abd,
    /// Sums of neighbours, first those of a.
    AddPair,
    /// The greater of neighbours, first those of a.
    MaxPair,
    /// The less of neighbours, first those of a.
    MinPair,
    /// The greater of neighbours, first those of a; the other if one is a quiet NaN.
    MaxNumPair,
    /// The less of neighbours, first those of a; the other if one is a quiet NaN.
    MinNumPair,
}

/// Floating-point operations of one source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatUnary {
    /// The sign cleared.
    Abs,
    /// The sign inverted.
    Neg,
    /// The square root.
    Sqrt,
    /// To an integral value.
    Round(Rounding),
}

/// How to round to an integral value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounding {
    /// To nearest, ties to even.
    Nearest,
    /// To nearest, ties away from zero.
    Away,
    /// Towards plus infinity.
    Up,
    /// Towards minus infinity.
    Down,
    /// Towards zero.
    Zero,
    /// As the control register says.
    Current,
    /// As the control register says, raising Inexact.
    Exact,
}

/// Comparisons to masks; none is true of NaNs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FloatTest {
    /// a == b
    Eq,
    /// a >= b
    Ge,
    /// a > b
    Gt,
    /// a <= b
    Le,
    /// a < b
    Lt,
}

/// Bitwise operations of three sources.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ternary {
    /// a ^ b ^ c
    Xor3,
    /// a ^ (b & !c)
    ClearXor,
}

/// One AES or SHA instruction's work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Crypto {
    /// AESE
    AesEncrypt,
    /// AESD
    AesDecrypt,
    /// AESMC
    AesMix,
    /// AESIMC
    AesUnmix,
    /// SHA1C: four rounds that choose
    Sha1Choose,
    /// SHA1M: four rounds of majorities
    Sha1Majority,
    /// SHA1P: four rounds of parities
    Sha1Parity,
    /// SHA1H: a rotated left by 30, zero above
    Sha1Rotate,
    /// SHA1SU0
    Sha1Schedule0,
    /// SHA1SU1
    Sha1Schedule1,
    /// SHA256H: d is a to d, a is e to h
    Sha256First,
    /// SHA256H2: d is e to h, a is a to d
    Sha256Second,
    /// SHA256SU0
    Sha256Schedule0,
    /// SHA256SU1
    Sha256Schedule1,
    /// SHA512H
    Sha512First,
    /// SHA512H2
    Sha512Second,
    /// SHA512SU0
    Sha512Schedule0,
    /// SHA512SU1
    Sha512Schedule1,
}

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

//! What kinds of vector operations there are: which function of its sources a [`super::VOp`]
//! computes, a list for each form.
//!
//! A kind says neither the lanes' size nor, in most cases, how many there are: the operation's
//! other fields tell that.

use crate::operand::VReg;

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

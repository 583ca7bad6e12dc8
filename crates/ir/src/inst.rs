//! The operations: integer, memory, and what ends a block.
//!
//! Invariants: an operation of width 32 leaves bits 63:32 of its destination
//! zero; every operation commits its results after its last access that can
//! fault; no value lives between operations but in slots, so that any
//! boundary of a guest instruction is a precise state.

use crate::mode::Key;
use crate::operand::{Addr, Cond, Operand, Reg, Size, Width};
use crate::vector::VOp;

/// What is done with a run of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bulk {
    /// Copied, in the direction in which an overlap does no harm; at most
    /// 2^55 - 1 bytes.
    Copy,
    /// Copied upward; at most 2^63 - 1 bytes.
    CopyUp,
    /// Set to the low byte of s; likewise.
    Set,
}

impl Bulk {
    /// The most bytes.
    #[must_use]
    pub const fn most(self) -> u64 {
        match self {
            Self::Copy => (1 << 55) - 1,
            Self::CopyUp | Self::Set => (1 << 63) - 1,
        }
    }
}

/// Two-operand arithmetic and logic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinOp {
    /// a + b
    Add,
    /// a - b
    Sub,
    /// a & b
    And,
    /// a | b
    Or,
    /// a ^ b
    Xor,
    /// a & !b
    AndNot,
    /// a | !b
    OrNot,
    /// a ^ !b
    XorNot,
}

/// Shifts by a register, its amount modulo the width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShiftOp {
    /// Left.
    Lsl,
    /// Right, zeros coming in.
    Lsr,
    /// Right, the sign coming in.
    Asr,
    /// Rotate right.
    Ror,
}

/// What a conditional select does to its second operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SelectOp {
    /// Nothing.
    Same,
    /// Plus one.
    Inc,
    /// All bits inverted.
    Inv,
    /// Negated.
    Neg,
}

/// Bit operations of one operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BitOp {
    /// Leading zeros.
    Clz,
    /// Leading bits equal to the sign, the sign itself not counted.
    Cls,
    /// Bits reversed.
    Rbit,
    /// Bytes reversed in each halfword.
    Rev16,
    /// Bytes reversed in each word.
    Rev32,
    /// Bytes reversed in the doubleword.
    Rev64,
}

/// Atomic read-modify-write operations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RmwOp {
    /// memory + s
    Add,
    /// memory & !s
    Clr,
    /// memory ^ s
    Eor,
    /// memory | s
    Set,
    /// signed maximum
    Smax,
    /// signed minimum
    Smin,
    /// unsigned maximum
    Umax,
    /// unsigned minimum
    Umin,
    /// s
    Swp,
}

/// How a loaded value fills its register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fill {
    /// Zero-extended to 64 bits.
    Zero,
    /// Sign-extended to 32 bits, zero above.
    Sign32,
    /// Sign-extended to 64 bits.
    Sign64,
}

/// Barriers, by what they order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fence {
    /// Loads against later loads and stores.
    Loads,
    /// Stores against later stores.
    Stores,
    /// Everything.
    Full,
}

/// One operation. The fields' letters: `d` destination, `a`, `b`, `c`
/// sources, `w` width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are named by the convention above")]
pub enum Op {
    /// d = value
    Imm { d: Reg, value: u64 },
    /// d = an address of guest code or data, known from where the code lies; such
    /// an address is no other operation's constant but as [`Addr::guest`].
    Address { d: Reg, value: u64 },
    /// d = a, truncated to the width.
    Mov { w: Width, d: Reg, a: Reg },
    /// Sixteen bits of d, at `shift`, replaced; others kept (32: upper half zeroed).
    MovKeep {
        w: Width,
        d: Reg,
        value: u16,
        shift: u8,
    },
    /// d = a op b; `set`: N, Z, C and V too.
    Bin {
        op: BinOp,
        w: Width,
        d: Reg,
        a: Reg,
        b: Operand,
        set: bool,
    },
    /// d = a + b + C, or a - b - !C if `sub`.
    Carry {
        sub: bool,
        w: Width,
        d: Reg,
        a: Reg,
        b: Reg,
        set: bool,
    },
    /// d = a shifted by b modulo the width.
    Shift {
        op: ShiftOp,
        w: Width,
        d: Reg,
        a: Reg,
        b: Reg,
    },
    /// d = `width` bits of a from `lsb`, extended.
    Extract {
        signed: bool,
        w: Width,
        d: Reg,
        a: Reg,
        lsb: u8,
        width: u8,
    },
    /// d = the low `width` bits of a, extended, shifted left by `lsb`.
    Deposit {
        signed: bool,
        w: Width,
        d: Reg,
        a: Reg,
        lsb: u8,
        width: u8,
    },
    /// `width` bits of d from `to` replaced by those of a from `from`.
    Insert {
        w: Width,
        d: Reg,
        a: Reg,
        to: u8,
        from: u8,
        width: u8,
    },
    /// d = the low half of (a:b >> lsb).
    ExtractPair {
        w: Width,
        d: Reg,
        a: Reg,
        b: Reg,
        lsb: u8,
    },
    /// d = c + a * b, or c - a * b if `sub`.
    MulAdd {
        sub: bool,
        w: Width,
        d: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },
    /// d = c ± a * b, 64 bits of 32-bit factors.
    MulLong {
        signed: bool,
        sub: bool,
        d: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },
    /// d = the upper 64 bits of a * b.
    MulHigh {
        signed: bool,
        d: Reg,
        a: Reg,
        b: Reg,
    },
    /// d = a / b towards zero; 0 if b is 0; the minimum for minimum / -1.
    Div {
        signed: bool,
        w: Width,
        d: Reg,
        a: Reg,
        b: Reg,
    },
    /// d = op(a)
    Bits { op: BitOp, w: Width, d: Reg, a: Reg },
    /// d = cond ? a : op(b)
    Select {
        op: SelectOp,
        w: Width,
        d: Reg,
        a: Reg,
        b: Reg,
        cond: Cond,
    },
    /// Flags = cond ? flags of a - b (a + b if `neg`) : nzcv
    CondCompare {
        neg: bool,
        w: Width,
        a: Reg,
        b: Operand,
        cond: Cond,
        nzcv: u8,
    },
    /// d = CRC-32 (or CRC-32C) of a with `size` bytes of b.
    Crc {
        castagnoli: bool,
        size: Size,
        d: Reg,
        a: Reg,
        b: Reg,
    },
    /// d = N, Z, C, V in bits 31 to 28.
    ReadFlags { d: Reg },
    /// N, Z, C, V = bits 31 to 28 of a.
    WriteFlags { a: Reg },
    /// d = a shifted by 1 to 31, not rotated: 32 bits. N and Z are the result's, C the last bit that
    /// went out; V is anything.
    ShiftFlags {
        op: ShiftOp,
        d: Reg,
        a: Reg,
        amount: u8,
    },
    /// C inverted.
    InvertCarry,
    /// Remembers some of the flags (N, Z, C and V in bits 3 to 0) for the
    /// [`Op::MergeFlags`] that comes two operations later, behind one that sets all.
    KeepFlags { kept: u8 },
    /// Those flags are again what they were before the operation in front.
    MergeFlags { kept: u8 },
    /// d = how floating point is done. It changes outside translated code
    /// only.
    ReadFloatControl { d: Reg },
    /// d = the thread pointer.
    ReadThread { d: Reg },
    /// The thread pointer = a
    WriteThread { a: Reg },
    /// d = memory
    Load {
        size: Size,
        fill: Fill,
        d: Reg,
        addr: Addr,
    },
    /// memory = the low bytes of a
    Store { size: Size, a: Reg, addr: Addr },
    /// d = memory at addr, e = memory one element further.
    LoadPair {
        size: Size,
        fill: Fill,
        d: Reg,
        e: Reg,
        addr: Addr,
    },
    /// memory at addr = a, one element further = b
    StorePair {
        size: Size,
        a: Reg,
        b: Reg,
        addr: Addr,
    },
    /// A load that later accesses may not pass (and, not being weaker, RCpc).
    LoadAcquire {
        size: Size,
        fill: Fill,
        d: Reg,
        addr: Addr,
    },
    /// A store that earlier accesses may not pass, nor later acquires.
    StoreRelease { size: Size, a: Reg, addr: Addr },
    /// d = old value, memory = old op a; at once and in order.
    Rmw {
        op: RmwOp,
        size: Size,
        d: Reg,
        a: Reg,
        base: Reg,
    },
    /// If memory = d then memory = a; d = old value.
    CompareSwap {
        size: Size,
        d: Reg,
        a: Reg,
        base: Reg,
    },
    /// d = memory, whose address, size and value the monitor remembers.
    LoadExclusive { size: Size, d: Reg, base: Reg },
    /// If the monitor has this address and size, and memory still its value,
    /// memory = a and d = 0; else d = 1. The monitor is open then.
    StoreExclusive {
        size: Size,
        d: Reg,
        a: Reg,
        base: Reg,
    },
    /// A barrier.
    Fence { kind: Fence },
    /// memory = 64 zero bytes at a with its low six bits cleared.
    ZeroLine { a: Reg },
    /// The start of moving or setting n bytes, n no more than what `kind` allows:
    /// brings the slots into the form in which n tells what is left, and
    /// clears the flags. Upward, d and s become the ends and n minus what is
    /// left; downward, for a copy whose target begins inside its source, d and
    /// s stay the starts.
    BulkStart { kind: Bulk, d: Reg, s: Reg, n: Reg },
    /// Moves or sets what n says is left, when the flags are clear; n = 0. The
    /// interpreter does it when they are not, or when the host has done only a part.
    BulkRun { kind: Bulk, d: Reg, s: Reg, n: Reg },
    /// The interpreter does the instruction, for good, unless a is a multiple of `size`.
    CheckAligned { size: Size, a: Reg },
    /// What comes up to [`Op::EndIf`], in the same instruction, is done if the condition holds.
    If { cond: Cond },
    /// The end of what [`Op::If`] began.
    EndIf,
    /// Leaves, to go on there, unless a is a multiple of 16.
    CheckStack { a: Reg, to: Key },
    /// Calls a function of the surroundings with the low half of a: d = 0, e and
    /// f = the two words that it gives. When it gives an error, and when the
    /// thread is wanted, it goes on at `otherwise`, with anything in d, e and f.
    /// The flags are clear. Of the vector slots those are kept that a function
    /// of the guest keeps, as far as it keeps them.
    Call {
        function: u8,
        d: Reg,
        e: Reg,
        f: Reg,
        a: Reg,
        otherwise: u64,
    },
    /// Vector slots, see [`crate::vector`].
    Vector(VOp),
    /// One guest instruction for the guest's interpreter.
    Interpret { word: u32 },
}

impl Op {
    /// The integer slots it writes; never [`Reg::ZERO`].
    #[must_use]
    pub fn written(&self) -> [Option<Reg>; 3] {
        let all = |d, e, f| [d, e, f].map(|reg: Reg| (!reg.is_zero()).then_some(reg));
        let (d, e) = match *self {
            Self::BulkStart { kind, d, s, n } => {
                let s = if kind == Bulk::Set { Reg::ZERO } else { s };
                return all(d, s, n);
            }
            Self::BulkRun { n, .. } => (n, Reg::ZERO),
            Self::Call { d, e, f, .. } => return all(d, e, f),
            Self::Imm { d, .. }
            | Self::Address { d, .. }
            | Self::Mov { d, .. }
            | Self::MovKeep { d, .. }
            | Self::Bin { d, .. }
            | Self::Carry { d, .. }
            | Self::Shift { d, .. }
            | Self::ShiftFlags { d, .. }
            | Self::Extract { d, .. }
            | Self::Deposit { d, .. }
            | Self::Insert { d, .. }
            | Self::ExtractPair { d, .. }
            | Self::MulAdd { d, .. }
            | Self::MulLong { d, .. }
            | Self::MulHigh { d, .. }
            | Self::Div { d, .. }
            | Self::Bits { d, .. }
            | Self::Select { d, .. }
            | Self::Crc { d, .. }
            | Self::ReadFlags { d }
            | Self::ReadThread { d }
            | Self::ReadFloatControl { d }
            | Self::Load { d, .. }
            | Self::LoadAcquire { d, .. }
            | Self::Rmw { d, .. }
            | Self::CompareSwap { d, .. }
            | Self::LoadExclusive { d, .. }
            | Self::StoreExclusive { d, .. } => (d, Reg::ZERO),
            Self::LoadPair { d, e, .. } => (d, e),
            Self::Vector(ref v) => (v.written_int(), Reg::ZERO),
            _ => (Reg::ZERO, Reg::ZERO),
        };
        all(d, e, Reg::ZERO)
    }
}

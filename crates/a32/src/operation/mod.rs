//! What an instruction does, whatever its encoding: the one form in which A32 and T32
//! meet, so that interpreter and lifting have each meaning once.
//!
//! A file for each table reads its fields. Registers are numbers, 15 being the program counter;
//! offsets and immediates are computed as the manual's decode pseudocode does. The condition
//! is not here: it comes with the A32 word, or from IT.

mod a32;
mod parts;
mod t16;
mod t32;

use guest::memory::{Barrier, Size};

pub use parts::*;

use crate::decode::{Insn, fp, simd};

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Nothing that a program at EL0 sees: hints, preloads, CPS, SETPAN.
    Nothing,
    /// A hint that calls a function of that number, in one page; elsewhere it does nothing ([`crate::call`]).
    Call(u8),
    /// Data-processing.
    Data {
        /// Which.
        op: DataOp,
        /// Whether it sets flags.
        flags: SetFlags,
        /// The destination.
        d: Reg,
        /// The first operand; the program counter is aligned to words beside a constant.
        n: Reg,
        /// The second.
        operand: Operand,
    },
    /// MOVT.
    MoveTop {
        /// The destination.
        d: Reg,
        /// Its new upper half.
        value: u32,
    },
    /// A multiplication.
    Multiply {
        /// Which.
        op: Multiply,
        /// Whether it sets N and Z.
        flags: SetFlags,
        /// The destination.
        d: Reg,
        /// A factor.
        n: Reg,
        /// The other.
        m: Reg,
        /// What is added.
        a: Option<Reg>,
    },
    /// A multiplication with two destinations.
    MultiplyLong {
        /// Which.
        op: MultiplyLong,
        /// Whether it sets N and Z.
        flags: SetFlags,
        /// The lower half.
        lo: Reg,
        /// The upper half.
        hi: Reg,
        /// A factor.
        n: Reg,
        /// The other.
        m: Reg,
    },
    /// SDIV, UDIV.
    Divide {
        /// SDIV.
        signed: bool,
        /// The quotient.
        d: Reg,
        /// The dividend.
        n: Reg,
        /// The divisor.
        m: Reg,
    },
    /// CLZ and its like.
    Unary {
        /// Which.
        op: Unary,
        /// The destination.
        d: Reg,
        /// The source.
        m: Reg,
    },
    /// SXTAB and its like.
    Extend {
        /// Whether the sign is extended.
        signed: bool,
        /// What is.
        part: Part,
        /// The destination.
        d: Reg,
        /// What is added to.
        n: Option<Reg>,
        /// The source.
        m: Reg,
        /// By how many bits it is rotated.
        rotation: u32,
    },
    /// SADD16 and its like.
    Parallel {
        /// The lanes.
        lanes: Lanes,
        /// What becomes of their results.
        rule: LaneRule,
        /// Whether they are signed.
        signed: bool,
        /// The destination.
        d: Reg,
        /// The first operand.
        n: Reg,
        /// The second.
        m: Reg,
    },
    /// QADD, QSUB, QDADD, QDSUB.
    Saturating {
        /// Whether Rn is doubled.
        double: bool,
        /// Whether it is subtracted.
        subtract: bool,
        /// The destination.
        d: Reg,
        /// What is added or subtracted.
        n: Reg,
        /// To or from which.
        m: Reg,
    },
    /// SSAT, USAT.
    Saturate {
        /// SSAT.
        signed: bool,
        /// To how many bits.
        bits: u32,
        /// The destination.
        d: Reg,
        /// The source.
        n: Reg,
        /// How it is shifted.
        shift: Shift,
        /// By how much.
        amount: u8,
    },
    /// SSAT16, USAT16.
    Saturate16 {
        /// SSAT16.
        signed: bool,
        /// To how many bits.
        bits: u32,
        /// The destination.
        d: Reg,
        /// The source.
        n: Reg,
    },
    /// PKHBT, PKHTB.
    Pack {
        /// PKHTB: the upper half is Rn's.
        top: bool,
        /// The destination.
        d: Reg,
        /// The first operand.
        n: Reg,
        /// The second.
        m: Reg,
        /// How that is shifted.
        shift: Shift,
        /// By how much.
        amount: u8,
    },
    /// SEL.
    Select {
        /// The destination.
        d: Reg,
        /// Where GE is set.
        n: Reg,
        /// Where it isn't.
        m: Reg,
    },
    /// SBFX, UBFX, BFI, BFC.
    BitField {
        /// Which.
        op: BitField,
        /// The destination.
        d: Reg,
        /// The source.
        n: Reg,
        /// The lowest bit of the field.
        lsb: u32,
        /// Its highest.
        msb: u32,
    },
    /// CRC32B and its like.
    Crc32 {
        /// Whether the polynomial is CRC32C's.
        castagnoli: bool,
        /// How much is added.
        size: Size,
        /// The destination.
        d: Reg,
        /// The sum so far.
        n: Reg,
        /// The data.
        m: Reg,
    },
    /// MRS.
    ReadStatus {
        /// The destination.
        d: Reg,
    },
    /// MSR.
    WriteStatus {
        /// Which bytes of CPSR.
        mask: u32,
        /// What they become.
        value: Operand,
    },
    /// MRC of a register that EL0 may read.
    ReadSystem {
        /// The destination; 15 are the flags.
        t: Reg,
        /// Which.
        register: System,
    },
    /// MCR to TPIDRURW.
    WriteSystem {
        /// The source.
        t: Reg,
    },
    /// MRRC of the virtual counter.
    ReadCounter {
        /// The lower half.
        t: Reg,
        /// The upper.
        t2: Reg,
    },
    /// LDR and its like.
    Load {
        /// How much.
        size: Size,
        /// Whether its sign is extended.
        signed: bool,
        /// The destination.
        t: Reg,
        /// From where.
        address: Address,
    },
    /// STR and its like.
    Store {
        /// How much.
        size: Size,
        /// The source.
        t: Reg,
        /// To where.
        address: Address,
    },
    /// LDRD.
    LoadDual {
        /// The first destination.
        t: Reg,
        /// The second.
        t2: Reg,
        /// From where.
        address: Address,
    },
    /// STRD.
    StoreDual {
        /// The first source.
        t: Reg,
        /// The second.
        t2: Reg,
        /// To where.
        address: Address,
    },
    /// LDM and its like, POP.
    LoadMultiple(Multiple),
    /// STM and its like, PUSH.
    StoreMultiple(Multiple),
    /// LDREX and its like.
    LoadExclusive {
        /// How much.
        size: Size,
        /// The destination.
        t: Reg,
        /// The second, of a doubleword.
        t2: Reg,
        /// The base.
        n: Reg,
        /// What is added to it.
        offset: u32,
        /// LDAEX and its like.
        acquire: bool,
    },
    /// STREX and its like; all order like a release.
    StoreExclusive {
        /// How much.
        size: Size,
        /// The status.
        d: Reg,
        /// The source.
        t: Reg,
        /// The second, of a doubleword.
        t2: Reg,
        /// The base.
        n: Reg,
        /// What is added to it.
        offset: u32,
    },
    /// LDA and its like.
    LoadAcquire {
        /// How much.
        size: Size,
        /// The destination.
        t: Reg,
        /// The base.
        n: Reg,
    },
    /// STL and its like.
    StoreRelease {
        /// How much.
        size: Size,
        /// The source.
        t: Reg,
        /// The base.
        n: Reg,
    },
    /// SWP, SWPB.
    Swap {
        /// How much.
        size: Size,
        /// The destination.
        t: Reg,
        /// The source.
        m: Reg,
        /// The base.
        n: Reg,
    },
    /// CLREX.
    ClearExclusive,
    /// DMB and its like.
    Barrier(Barrier),
    /// B, BL, BLX (immediate).
    Branch {
        /// What is added to the program counter.
        offset: u32,
        /// Whether LR becomes the address behind it.
        link: bool,
        /// Whether the state changes.
        exchange: bool,
        /// T32's condition, if it has one.
        cond: Option<u32>,
    },
    /// BX, BLX (register).
    BranchExchange {
        /// The register of the target.
        m: Reg,
        /// BLX.
        link: bool,
    },
    /// CBZ, CBNZ.
    CompareBranch {
        /// What is compared.
        n: Reg,
        /// CBNZ.
        nonzero: bool,
        /// What is added to the program counter.
        offset: u32,
    },
    /// TBB, TBH.
    TableBranch {
        /// The table.
        n: Reg,
        /// The index.
        m: Reg,
        /// TBH.
        halves: bool,
    },
    /// IT: the new state.
    IfThen(u32),
    /// SETEND.
    SetEndianness {
        /// BE.
        big: bool,
    },
    /// SVC.
    Supervisor(u32),
    /// BKPT.
    Breakpoint(u32),
    /// UDF.
    Undefined,
    /// Floating point: both states have the same fields.
    Float(fp::Insn),
    /// Advanced SIMD: both states have the same fields.
    Simd(simd::Insn),
}

/// Registers loaded or stored one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiple {
    /// The base.
    pub n: Reg,
    /// A bit for each.
    pub registers: u32,
    /// Whether addresses go up from the base.
    pub up: bool,
    /// Whether the base is left out.
    pub before: bool,
    /// Whether the base becomes what comes behind.
    pub writeback: bool,
}

impl Operation {
    /// Whether it may lead elsewhere than to the next instruction.
    #[must_use]
    pub fn writes_pc(self) -> bool {
        match self {
            Self::Branch { .. }
            | Self::BranchExchange { .. }
            | Self::CompareBranch { .. }
            | Self::TableBranch { .. } => true,
            Self::Data { op, d: 15, .. } => !op.compares(),
            Self::Load { t: 15, .. } => true,
            Self::LoadMultiple(multiple) => multiple.registers >> 15 == 1,
            _ => false,
        }
    }
}

/// What an instruction does.
#[must_use]
pub fn operation(insn: Insn) -> Operation {
    match insn {
        Insn::A32(insn) => a32::operation(insn),
        Insn::T32(insn) => t32::operation(insn),
        Insn::T16(insn) => t16::operation(insn),
        Insn::Fp(insn, _) => Operation::Float(insn),
        Insn::Simd(insn) => Operation::Simd(insn),
    }
}

/// A field of up to four bits as a register.
#[allow(clippy::cast_possible_truncation, reason = "four bits")]
const fn reg(field: u32) -> Reg {
    field as Reg
}

/// The low bits, sign-extended.
const fn signed(value: u32, width: u32) -> u32 {
    ((value << (32 - width)).cast_signed() >> (32 - width)).cast_unsigned()
}

/// What becomes of the results of parallel additions, by the two bits that say so.
const fn lane_rule(bits: u32) -> LaneRule {
    match bits & 3 {
        0 => LaneRule::Modulo,
        1 => LaneRule::Saturate,
        _ => LaneRule::Halve,
    }
}

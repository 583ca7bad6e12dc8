//! What each operation, and each end of a block, consists of: one table, by which they
//! are printed, read, made at random and checked.
//!
//! A field is what its type says: [`Field`] gives it as a [`Part`] to whoever looks at
//! all operations alike, and reads it from a [`Source`]. Names are those of the types
//! here, in small letters.

use crate::inst::{BinOp, BitOp, Bulk, Fence, Fill, Op, RmwOp, SelectOp, ShiftOp};
use crate::mode::Key;
use crate::operand::{Addr, Cond, Operand, Reg, Size, VReg, Width};
use crate::region::{Indirect, Term};
use crate::vector::{
    Accumulate, Across, Arg, Crypto, FloatBin, FloatTest, FloatUnary, Fp, Lanes, Narrow, Rounding,
    Shape, ShiftLanes, Ternary, Unary, VOp, Wide,
};

/// One field of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// One of a few things, by name.
    Word(&'static str),
    /// Whether something of this name is so.
    Flag(&'static str, bool),
    /// An integer slot.
    Slot(Reg),
    /// A vector slot.
    Vector(VReg),
    /// A small number, with its name.
    Count(&'static str, u32),
    /// A word of the guest's.
    Instruction(u32),
    /// A constant or an address, with its name.
    Constant(&'static str, u128),
    /// A second operand.
    Operand(Operand),
    /// A second operand of lanes.
    Arg(Arg),
    /// An address.
    Addr(Addr),
    /// An address and a mode, with a name.
    Key(&'static str, Key),
}

/// Where fields are read from, in the order of the table.
pub trait Source {
    /// Why one can't be.
    type Error;
    /// The number of one of these names.
    ///
    /// # Errors
    /// When it is none of them.
    fn word(&mut self, names: &[&'static str]) -> Result<usize, Self::Error>;
    /// Whether something of this name is so.
    ///
    /// # Errors
    /// When that can't be told.
    fn flag(&mut self, name: &'static str) -> Result<bool, Self::Error>;
    /// An integer slot.
    ///
    /// # Errors
    /// When it is none.
    fn slot(&mut self) -> Result<Reg, Self::Error>;
    /// A vector slot.
    ///
    /// # Errors
    /// When it is none.
    fn vector(&mut self) -> Result<VReg, Self::Error>;
    /// A number of this name, at most `most`.
    ///
    /// # Errors
    /// When it is none, or larger.
    fn number(&mut self, name: &'static str, most: u128) -> Result<u128, Self::Error>;
    /// A word of the guest's.
    ///
    /// # Errors
    /// When it is none.
    fn instruction(&mut self) -> Result<u32, Self::Error>;
    /// A second operand.
    ///
    /// # Errors
    /// When it is none.
    fn operand(&mut self) -> Result<Operand, Self::Error>;
    /// A second operand of lanes.
    ///
    /// # Errors
    /// When it is none.
    fn arg(&mut self) -> Result<Arg, Self::Error>;
    /// An address.
    ///
    /// # Errors
    /// When it is none.
    fn addr(&mut self) -> Result<Addr, Self::Error>;
    /// An address and a mode.
    ///
    /// # Errors
    /// When it is none.
    fn key(&mut self, name: &'static str) -> Result<Key, Self::Error>;
}

/// What a field may be.
pub trait Field: Copy {
    /// As a part of its operation.
    fn part(self, name: &'static str) -> Part;
    /// Read as one.
    ///
    /// # Errors
    /// When the source has no such field.
    fn read<S: Source>(name: &'static str, from: &mut S) -> Result<Self, S::Error>;
}

/// Fields of one kind that differ in how they are read only.
macro_rules! fields {
    ($($type:ty: $part:expr, $read:expr;)*) => {$(
        impl Field for $type {
            fn part(self, name: &'static str) -> Part {
                let part: fn(Self, &'static str) -> Part = $part;
                part(self, name)
            }

            fn read<S: Source>(name: &'static str, from: &mut S) -> Result<Self, S::Error> {
                let read: fn(&mut S, &'static str) -> Result<Self, S::Error> = $read;
                read(from, name)
            }
        }
    )*};
}

/// A number that is at most `most`, as a narrower type.
macro_rules! narrow {
    ($type:ty) => {
        |from, name| {
            let number = from.number(name, <$type>::MAX.into())?;
            #[allow(clippy::cast_possible_truncation, reason = "at most MAX")]
            let narrow = number as $type;
            Ok(narrow)
        }
    };
}

fields! {
    bool: |is, name| Part::Flag(name, is), |from, name| from.flag(name);
    Reg: |reg, _| Part::Slot(reg), |from, _| from.slot();
    VReg: |reg, _| Part::Vector(reg), |from, _| from.vector();
    u8: |n, name| Part::Count(name, n.into()), narrow!(u8);
    u16: |n, name| Part::Count(name, n.into()), narrow!(u16);
    u32: number, a_number;
    u64: |n, name| Part::Constant(name, n.into()), narrow!(u64);
    u128: |n, name| Part::Constant(name, n), |from, name| from.number(name, u128::MAX);
    Operand: |operand, _| Part::Operand(operand), |from, _| from.operand();
    Arg: |arg, _| Part::Arg(arg), |from, _| from.arg();
    Addr: |addr, _| Part::Addr(addr), |from, _| from.addr();
    Key: |key, name| Part::Key(name, key), |from, name| from.key(name);
}

/// A word of the guest's, by its name, or another number.
fn number(n: u32, name: &'static str) -> Part {
    match name {
        "word" => Part::Instruction(n),
        _ => Part::Count(name, n),
    }
}

/// Such a one, read.
fn a_number<S: Source>(from: &mut S, name: &'static str) -> Result<u32, S::Error> {
    match name {
        "word" => from.instruction(),
        _ => {
            let read: fn(&mut S, &'static str) -> Result<u32, S::Error> = narrow!(u32);
            read(from, name)
        }
    }
}

/// The names of what has no fields.
macro_rules! names {
    ($($type:ident { $($variant:ident $name:literal)* })*) => {$(
        impl Field for $type {
            fn part(self, _: &'static str) -> Part {
                Part::Word(match self { $(Self::$variant => $name),* })
            }

            fn read<S: Source>(_: &'static str, from: &mut S) -> Result<Self, S::Error> {
                const ALL: &[$type] = &[$($type::$variant),*];
                Ok(ALL[from.word(&[$($name),*])?])
            }
        }
    )*};
}

names! {
    Width {
        W32 "w32" W64 "w64"
    }
    Size {
        B1 "b1" B2 "b2" B4 "b4" B8 "b8" B16 "b16"
    }
    Cond {
        Eq "eq" Ne "ne" Cs "cs" Cc "cc" Mi "mi" Pl "pl" Vs "vs" Vc "vc" Hi "hi" Ls "ls"
        Ge "ge" Lt "lt" Gt "gt" Le "le" Al "al" Nv "nv"
    }
    Fill {
        Zero "zero" Sign32 "sign32" Sign64 "sign64"
    }
    BinOp {
        Add "add" Sub "sub" And "and" Or "or" Xor "xor" AndNot "and-not" OrNot "or-not"
        XorNot "xor-not"
    }
    ShiftOp {
        Lsl "lsl" Lsr "lsr" Asr "asr" Ror "ror"
    }
    SelectOp {
        Same "same" Inc "inc" Inv "inv" Neg "neg"
    }
    BitOp {
        Clz "clz" Cls "cls" Rbit "rbit" Rev16 "rev16" Rev32 "rev32" Rev64 "rev64"
    }
    RmwOp {
        Add "add" Clr "clr" Eor "eor" Set "set" Smax "smax" Smin "smin" Umax "umax"
        Umin "umin" Swp "swp"
    }
    Bulk {
        Copy "copy" CopyUp "copy-up" Set "set"
    }
    Fence {
        Loads "loads" Stores "stores" Full "full"
    }
    Lanes {
        Add "add" Sub "sub" Mul "mul" And "and" AndNot "and-not" Or "or" OrNot "or-not"
        Xor "xor" Eq "eq" Gt "gt" Ge "ge" Lt "lt" Le "le" Hi "hi" Hs "hs" Test "test"
        Smin "smin" Smax "smax" Umin "umin" Umax "umax" Sabd "sabd" Uabd "uabd"
        Sqadd "sqadd" Uqadd "uqadd" Sqsub "sqsub" Uqsub "uqsub" Shadd "shadd" Uhadd "uhadd"
        Srhadd "srhadd" Urhadd "urhadd" Shsub "shsub" Uhsub "uhsub" Sqdmulh "sqdmulh"
        Sqrdmulh "sqrdmulh" Sshl "sshl" Ushl "ushl" Addp "addp" Smaxp "smaxp" Sminp "sminp"
        Umaxp "umaxp" Uminp "uminp" Zip1 "zip1" Zip2 "zip2" Uzp1 "uzp1" Uzp2 "uzp2"
        Trn1 "trn1" Trn2 "trn2"
    }
    Accumulate {
        Mla "mla" Mls "mls" Saba "saba" Uaba "uaba" Bsl "bsl" Bit "bit" Bif "bif"
        Sdot "sdot" Udot "udot" Usdot "usdot"
    }
    Unary {
        Neg "neg" Abs "abs" Not "not" Cnt "cnt" Clz "clz" Rev16 "rev16" Rev32 "rev32"
        Rev64 "rev64" Rbit "rbit" Saddlp "saddlp" Uaddlp "uaddlp" Sadalp "sadalp"
        Uadalp "uadalp"
    }
    ShiftLanes {
        Shl "shl" Sshr "sshr" Ushr "ushr" Ssra "ssra" Usra "usra" Srshr "srshr"
        Urshr "urshr" Srsra "srsra" Ursra "ursra" Sli "sli" Sri "sri"
    }
    Narrow {
        Truncate "truncate" Round "round" Signed "signed" Unsigned "unsigned"
        SignedToUnsigned "signed-to-unsigned" RoundSigned "round-signed"
        RoundUnsigned "round-unsigned" RoundSignedToUnsigned "round-signed-to-unsigned"
    }
    Wide {
        Smull "smull" Umull "umull" Smlal "smlal" Umlal "umlal" Smlsl "smlsl" Umlsl "umlsl"
        Saddl "saddl" Uaddl "uaddl" Ssubl "ssubl" Usubl "usubl" Saddw "saddw" Uaddw "uaddw"
        Ssubw "ssubw" Usubw "usubw" Sabdl "sabdl" Uabdl "uabdl" Sabal "sabal" Uabal "uabal"
        Pmull "pmull"
    }
    Across {
        Add "add" Smax "smax" Smin "smin" Umax "umax" Umin "umin" Saddl "saddl"
        Uaddl "uaddl"
    }
    Fp {
        S "s" D "d"
    }
    Shape {
        Scalar "scalar" Half "half" Full "full"
    }
    FloatBin {
        Add "add" Sub "sub" Mul "mul" NegMul "neg-mul" Div "div" Max "max" Min "min"
        MaxNum "max-num" MinNum "min-num" Abd "abd" AddPair "add-pair" MaxPair "max-pair"
        MinPair "min-pair" MaxNumPair "max-num-pair" MinNumPair "min-num-pair"
    }
    Rounding {
        Nearest "nearest" Away "away" Up "up" Down "down" Zero "zero" Current "current"
        Exact "exact"
    }
    FloatTest {
        Eq "eq" Ge "ge" Gt "gt" Le "le" Lt "lt"
    }
    Ternary {
        Xor3 "xor3" ClearXor "clear-xor"
    }
    Crypto {
        AesEncrypt "aes-encrypt" AesDecrypt "aes-decrypt" AesMix "aes-mix"
        AesUnmix "aes-unmix" Sha1Choose "sha1-choose" Sha1Majority "sha1-majority"
        Sha1Parity "sha1-parity" Sha1Rotate "sha1-rotate" Sha1Schedule0 "sha1-schedule0"
        Sha1Schedule1 "sha1-schedule1" Sha256First "sha256-first"
        Sha256Second "sha256-second" Sha256Schedule0 "sha256-schedule0"
        Sha256Schedule1 "sha256-schedule1" Sha512First "sha512-first"
        Sha512Second "sha512-second" Sha512Schedule0 "sha512-schedule0"
        Sha512Schedule1 "sha512-schedule1"
    }
    Indirect {
        Jump "jump" Call "call" Return "return"
    }
}

impl Field for FloatUnary {
    fn part(self, name: &'static str) -> Part {
        match self {
            Self::Abs => Part::Word("abs"),
            Self::Neg => Part::Word("neg"),
            Self::Sqrt => Part::Word("sqrt"),
            Self::Round(how) => how.part(name),
        }
    }

    fn read<S: Source>(_: &'static str, from: &mut S) -> Result<Self, S::Error> {
        use Rounding::{Away, Current, Down, Exact, Nearest, Up, Zero};
        const ROUNDINGS: [Rounding; 7] = [Nearest, Away, Up, Down, Zero, Current, Exact];
        let names = [
            "abs", "neg", "sqrt", "nearest", "away", "up", "down", "zero", "current", "exact",
        ];
        Ok(match from.word(&names)? {
            0 => Self::Abs,
            1 => Self::Neg,
            2 => Self::Sqrt,
            n => Self::Round(ROUNDINGS[n - 3]),
        })
    }
}

/// Reads fields until one can't be.
fn each_of<S: Source, T>(
    from: &mut S,
    read: impl FnOnce(&mut S) -> Result<T, S::Error>,
) -> Result<T, S::Error> {
    read(from)
}

/// The table: a variant, its name, and its fields in the order of the type.
macro_rules! table {
    (
        $type:ident $([$wrap:ident($inner:ident)])? {
            $($variant:ident $name:literal { $($field:ident)* })*
        }
    ) => {
        impl $type {
            /// The names of all, without those of what it wraps.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// What it is called.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)*
                    $(Self::$wrap(inner) => $inner::name(inner),)?
                }
            }

            /// Gives each field.
            #[allow(unused_variables, reason = "some have no fields")]
            pub fn parts(&self, each: &mut dyn FnMut(Part)) {
                match *self {
                    $(Self::$variant { $($field),* } => {
                        $(each($field.part(stringify!($field)));)*
                    })*
                    $(Self::$wrap(ref inner) => $inner::parts(inner, each),)?
                }
            }

            /// Reads what is of that name; nothing if none is.
            #[allow(unused_variables, reason = "some have no fields")]
            pub fn read<S: Source>(name: &str, from: &mut S) -> Option<Result<Self, S::Error>> {
                Some(match name {
                    $($name => each_of(from, |from| Ok(Self::$variant {
                        $($field: Field::read(stringify!($field), from)?),*
                    })),)*
                    _ => {
                        $(return $inner::read(name, from).map(|read| read.map(Self::$wrap));)?
                        #[allow(unreachable_code, reason = "where nothing is wrapped")]
                        return None;
                    }
                })
            }
        }
    };
}

table! { Op [Vector(VOp)] {
    Imm "imm" { d value }
    Address "address" { d value }
    Mov "mov" { w d a }
    MovKeep "mov-keep" { w d value shift }
    Bin "bin" { op w d a b set }
    Carry "carry" { sub w d a b set }
    Shift "shift" { op w d a b }
    Extract "extract" { signed w d a lsb width }
    Deposit "deposit" { signed w d a lsb width }
    Insert "insert" { w d a to from width }
    ExtractPair "extract-pair" { w d a b lsb }
    MulAdd "mul-add" { sub w d a b c }
    MulLong "mul-long" { signed sub d a b c }
    MulHigh "mul-high" { signed d a b }
    Div "div" { signed w d a b }
    Bits "bits" { op w d a }
    Select "select" { op w d a b cond }
    CondCompare "cond-compare" { neg w a b cond nzcv }
    Crc "crc" { castagnoli size d a b }
    ReadFlags "read-flags" { d }
    WriteFlags "write-flags" { a }
    ShiftFlags "shift-flags" { op d a amount }
    InvertCarry "invert-carry" {}
    KeepFlags "keep-flags" { kept }
    MergeFlags "merge-flags" { kept }
    ReadFloatControl "read-float-control" { d }
    ReadThread "read-thread" { d }
    WriteThread "write-thread" { a }
    Load "load" { size fill d addr }
    Store "store" { size a addr }
    LoadPair "load-pair" { size fill d e addr }
    StorePair "store-pair" { size a b addr }
    LoadAcquire "load-acquire" { size fill d addr }
    StoreRelease "store-release" { size a addr }
    Rmw "rmw" { op size d a base }
    CompareSwap "compare-swap" { size d a base }
    LoadExclusive "load-exclusive" { size d base }
    StoreExclusive "store-exclusive" { size d a base }
    Fence "fence" { kind }
    ZeroLine "zero-line" { a }
    BulkStart "bulk-start" { kind d s n }
    BulkRun "bulk-run" { kind d s n }
    CheckAligned "check-aligned" { size a }
    If "if" { cond }
    EndIf "end-if" {}
    CheckStack "check-stack" { a to }
    Call "call" { function d e f a otherwise }
    Interpret "interpret" { word }
}}

table! { VOp {
    Load "vload" { size d addr }
    Store "vstore" { size a addr }
    LoadPair "vload-pair" { size d e addr }
    StorePair "vstore-pair" { size a b addr }
    LoadDup "vload-dup" { e half d addr }
    LoadLane "vload-lane" { e lane d addr }
    StoreLane "vstore-lane" { e lane a addr }
    LoadMany "vload-many" { half count d addr }
    StoreMany "vstore-many" { half count a addr }
    LoadDups "vload-dups" { e half count d addr }
    LoadLanes "vload-lanes" { e lane count d addr }
    StoreLanes "vstore-lanes" { e lane count a addr }
    LoadDealt "vload-dealt" { e half count d addr }
    StoreDealt "vstore-dealt" { e half count a addr }
    Imm "vimm" { d value }
    Mov "vmov" { half d a }
    FromInt "vfrom-int" { size d a }
    ToInt "vto-int" { size d a }
    Lanes "vlanes" { op e half d a b }
    Accumulate "vaccumulate" { op e half d a b }
    Unary "vunary" { op e half d a }
    Shift "vshift" { op e half d a by }
    Narrow "vnarrow" { op e high d a by }
    NarrowSum "vnarrow-sum" { sub round e high d a b }
    Long "vlong" { signed e high d a by }
    Wide "vwide" { op e high d a b }
    Across "vacross" { op e half d a }
    Dup "vdup" { e half d a lane }
    Lane "vlane" { e d a lane }
    DupInt "vdup-int" { e half d a }
    InsertInt "vinsert-int" { e d lane a }
    InsertLane "vinsert-lane" { e d to a from }
    GetLane "vget-lane" { e signed w d a lane }
    Extract "vextract" { half d a b by }
    Table "vtable" { half keep count d table a }
    Float "vfloat" { op f shape d a b }
    MulAdd "vmul-add" { neg_product neg_addend f shape d a b c }
    FloatUnary "vfloat-unary" { op f shape d a }
    FloatCompare "vfloat-compare" { signal f a b }
    FloatCompareTo "vfloat-compare-to" { signal f d a b }
    FloatCondCompare "vfloat-cond-compare" { signal f a b cond nzcv }
    FloatMask "vfloat-mask" { test abs f shape d a b }
    Select "vselect" { size d a b cond }
    FloatToInt "vfloat-to-int" { how signed f w d a }
    IntToFloat "vint-to-float" { signed fraction f w d a }
    FloatToLanes "vfloat-to-lanes" { how signed f shape d a }
    LanesToFloat "vlanes-to-float" { signed fraction f shape d a }
    FloatConvert "vfloat-convert" { to d a }
    FloatAcross "vfloat-across" { max f d a }
    FromHalf "vfrom-half" { to d a }
    ToHalf "vto-half" { d a }
    HalvesLong "vhalves-long" { high d a }
    HalvesNarrow "vhalves-narrow" { high d a }
    FloatLong "vfloat-long" { high d a }
    FloatNarrow "vfloat-narrow" { high d a }
    Ternary "vternary" { op d a b c }
    XorRotate "vxor-rotate" { d a b by }
    RotateXor "vrotate-xor" { d a b }
    Crypto "vcrypto" { op d a b }
}}

table! { Term {
    Jump "jump" { target }
    Branch "branch" { cond taken fall }
    BranchZero "branch-zero" { w reg nonzero taken fall }
    BranchBit "branch-bit" { reg bit nonzero taken fall }
    Call "call" { target ret }
    CallInto "call-into" { to ret }
    Indirect "indirect" { reg kind link ret }
    IndirectIf "indirect-if" { cond reg kind fall }
    Supervisor "supervisor" { imm next }
    Breakpoint "breakpoint" { imm pc }
    Undefined "undefined" { word pc }
    NoFetch "no-fetch" { pc }
    Interpret "interpret" { word pc }
    IfAligned "if-aligned" { reg word to }
}}

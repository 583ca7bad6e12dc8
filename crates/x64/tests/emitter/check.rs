//! Emitting, decoding and comparing; and the operands to do it with.

use armistice_x64::asm::{Asm, Gpr, K, Mem, Size, Xmm};
use iced_x86::{Code, CpuidFeature, Decoder, DecoderOptions, Instruction, OpKind, Register};

/// Where the code is taken to lie.
pub(crate) const IP: u64 = 0x10_0000;

/// An operand as it should come out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operand {
    Reg(Register),
    /// Memory, and how many bytes of it.
    Mem(Mem, usize),
    /// The bits of an immediate that the operation's size has.
    Imm(u64),
    /// The target of a jump.
    Target(u64),
}

/// An instruction as it should come out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Expected<'a> {
    pub(crate) mnemonic: &'a str,
    pub(crate) operands: Vec<Operand>,
    pub(crate) lock: bool,
    /// The opmask's number, 0 for none, and whether it zeroes.
    pub(crate) mask: (u8, bool),
}

/// What an instruction without mask and prefix looks like.
pub(crate) fn plain<'a>(mnemonic: &'a str, operands: &[Operand]) -> Expected<'a> {
    Expected {
        mnemonic,
        operands: operands.to_vec(),
        lock: false,
        mask: (0, false),
    }
}

/// The single instruction that is `bytes`.
#[track_caller]
pub(crate) fn decode_one(bytes: &[u8], context: &str) -> Instruction {
    let mut decoder = Decoder::with_ip(64, bytes, IP, DecoderOptions::NONE);
    let insn = decoder.decode();
    assert!(!insn.is_invalid(), "{context}: {bytes:02x?} is invalid");
    assert_eq!(
        insn.len(),
        bytes.len(),
        "{context}: {bytes:02x?} is longer than {insn}"
    );
    insn
}

/// iced's name of an instruction, as the manual writes it.
pub(crate) fn mnemonic(insn: &Instruction) -> String {
    format!("{:?}", insn.mnemonic()).to_lowercase()
}

/// Emits one instruction and compares it; gives what was decoded.
#[track_caller]
pub(crate) fn check(emit: impl FnOnce(&mut Asm), expected: &Expected<'_>) -> Instruction {
    let mut asm = Asm::new();
    emit(&mut asm);
    asm.resolve();
    let insn = decode_one(asm.code(), &format!("{expected:?}"));
    let got = Expected {
        mnemonic: &mnemonic(&insn),
        operands: (0..insn.op_count())
            .map(|i| operand(&insn, i, expected.operands.get(i as usize)))
            .collect(),
        lock: insn.has_lock_prefix(),
        mask: (number_of(insn.op_mask()), insn.zeroing_masking()),
    };
    assert_eq!(got, *expected, "{:02x?} is {insn}", asm.code());
    assert!(!insn.has_rep_prefix() && !insn.has_repne_prefix() && !insn.has_segment_prefix());
    assert!(!insn.is_broadcast() && !insn.suppress_all_exceptions());
    insn
}

fn number_of(mask: Register) -> u8 {
    match mask {
        Register::None => 0,
        k => u8::try_from(k as u32 - Register::K0 as u32).expect("an opmask"),
    }
}

/// An operand of what was decoded; an immediate extended to the operation's
/// size.
fn operand(insn: &Instruction, i: u32, expected: Option<&Operand>) -> Operand {
    match insn.op_kind(i) {
        OpKind::Register => Operand::Reg(insn.op_register(i)),
        OpKind::Memory => Operand::Mem(memory(insn), insn.memory_size().size()),
        OpKind::NearBranch64 => Operand::Target(insn.near_branch64()),
        OpKind::Immediate8
        | OpKind::Immediate8_2nd
        | OpKind::Immediate16
        | OpKind::Immediate32
        | OpKind::Immediate64
        | OpKind::Immediate8to64
        | OpKind::Immediate32to64 => Operand::Imm(insn.immediate(i)),
        OpKind::Immediate8to16 => Operand::Imm(insn.immediate(i) & 0xffff),
        OpKind::Immediate8to32 => Operand::Imm(insn.immediate(i) & 0xffff_ffff),
        kind => panic!("{insn}: {kind:?} where {expected:?} should be"),
    }
}

fn memory(insn: &Instruction) -> Mem {
    let gpr = |reg: Register| {
        assert!(reg.is_gpr64(), "{insn}");
        Gpr(u8::try_from(reg.number()).expect("16 registers"))
    };
    let some = |reg: Register| (reg != Register::None).then(|| gpr(reg));
    let scale = u8::try_from(insn.memory_index_scale()).expect("at most 8");
    let disp = insn.memory_displacement64().cast_signed();
    Mem {
        base: some(insn.memory_base()),
        index: some(insn.memory_index()).map(|index| (index, scale)),
        disp: i32::try_from(disp).expect("32 bits of displacement"),
    }
}

/// Bytes of a size.
pub(crate) const fn bytes(size: Size) -> usize {
    match size {
        Size::B8 => 1,
        Size::B16 => 2,
        Size::B32 => 4,
        Size::B64 => 8,
    }
}

/// An immediate of `size` as iced shows it: `value`'s bits.
pub(crate) fn imm(size: Size, value: i32) -> Operand {
    let all = i64::from(value).cast_unsigned();
    Operand::Imm(match size {
        Size::B64 => all,
        _ => all & ((1 << (bytes(size) * 8)) - 1),
    })
}

/// A general register of `size`.
pub(crate) fn gpr(size: Size, reg: Gpr) -> Operand {
    let n = u32::from(reg.0);
    Operand::Reg(match size {
        // AH to BH lie between.
        Size::B8 if n >= 4 => Register::SPL + (n - 4),
        Size::B8 => Register::AL + n,
        Size::B16 => Register::AX + n,
        Size::B32 => Register::EAX + n,
        Size::B64 => Register::RAX + n,
    })
}

pub(crate) fn xmm(reg: Xmm) -> Operand {
    Operand::Reg(Register::XMM0 + u32::from(reg.0))
}

pub(crate) fn mask(k: K) -> Operand {
    Operand::Reg(Register::K0 + u32::from(k.0))
}

pub(crate) const SIZES: [Size; 4] = [Size::B8, Size::B16, Size::B32, Size::B64];
/// Without bytes.
pub(crate) const WIDE: [Size; 3] = [Size::B16, Size::B32, Size::B64];
pub(crate) const LARGE: [Size; 2] = [Size::B32, Size::B64];

pub(crate) fn gprs() -> impl Iterator<Item = Gpr> {
    (0..16).map(Gpr)
}

/// All pairs of general registers.
pub(crate) fn pairs() -> impl Iterator<Item = (Gpr, Gpr)> {
    gprs().flat_map(|a| gprs().map(move |b| (a, b)))
}

/// Displacements around the edges of one byte, of four, and of one byte that
/// counts in units of 2 to 64.
pub(crate) const DISPS: [i32; 27] = [
    0,
    1,
    -1,
    2,
    4,
    8,
    16,
    -16,
    24,
    64,
    127,
    128,
    -128,
    -129,
    252,
    256,
    -256,
    1016,
    1024,
    -1024,
    2032,
    2048,
    -2048,
    -2064,
    0x1234_5678,
    i32::MAX,
    i32::MIN,
];

/// Memory operands: every base with every displacement, every base and index
/// with every scale, and none of either.
pub(crate) fn mems() -> Vec<Mem> {
    let mut all = Vec::new();
    for base in gprs() {
        all.extend(DISPS.map(|disp| Mem::disp(base, disp)));
        for index in gprs().filter(|index| index.0 != 4) {
            // Scale and displacement rotate; every pair of both comes by.
            let at = usize::from(base.0 * 16 + index.0);
            let disp = DISPS[at % DISPS.len()];
            all.push(Mem::index(base, index, 1 << (at % 4), disp));
            all.push(Mem::index(base, index, 1 << ((at + 1) % 4), 0));
        }
    }
    all.extend(DISPS.map(|disp| Mem {
        base: None,
        index: None,
        disp,
    }));
    for index in gprs().filter(|index| index.0 != 4) {
        for scale in [1, 2, 4, 8] {
            all.push(Mem {
                base: None,
                index: Some((index, scale)),
                disp: DISPS[usize::from(index.0) + usize::from(scale)],
            });
        }
    }
    all
}

/// The features that iced says an instruction takes, beyond those every
/// processor with x86-64 has.
pub(crate) fn features(code: Code) -> Vec<CpuidFeature> {
    use CpuidFeature as F;
    let common = |f: &F| {
        matches!(
            f,
            F::INTEL8086
                | F::INTEL186
                | F::INTEL286
                | F::INTEL386
                | F::INTEL486
                | F::X64
                | F::CMOV
                | F::MULTIBYTENOP
                | F::SSE
                | F::SSE2
        )
    };
    let all = code.cpuid_features().iter().copied();
    all.filter(|f| !common(f)).collect()
}

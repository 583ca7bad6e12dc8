//! The mnemonic that a disassembler without aliases should print.

use armistice_a64::decode::{Class, Op};
use armistice_a64::insn::Insn;

const CONDITIONS: [&str; 16] = [
    "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv",
];

/// Rows whose mnemonic takes a 2 when Q is set: they narrow to, or widen
/// from, the upper half.
const UPPER_HALF: &[&str] = &[
    "XTN", "SQXTN", "SQXTUN", "UQXTN", "FCVTN", "FCVTL", "FCVTXN", "BFCVTN", "SHLL", "SHRN",
    "RSHRN", "SQSHRN", "SQRSHRN", "SQSHRUN", "SQRSHRUN", "UQSHRN", "UQRSHRN", "SSHLL", "USHLL",
    "SMLAL", "SMLSL", "SMULL", "UMLAL", "UMLSL", "UMULL", "SQDMLAL", "SQDMLSL", "SQDMULL",
];

/// The suffix of the acquiring and releasing forms.
fn order(acquire: u32, release: u32) -> &'static str {
    match (acquire, release) {
        (0, 0) => "",
        (1, 0) => "a",
        (0, _) => "l",
        _ => "al",
    }
}

/// `name` with the order's suffix, which goes before the size's.
fn ordered(name: &str, order: &str) -> String {
    let plain = [
        "ldadd", "ldclr", "ldeor", "ldset", "ldsmax", "ldsmin", "ldumax", "ldumin", "swp", "casp",
        "cas",
    ];
    let stem = plain.into_iter().find(|p| name.starts_with(p)).unwrap();
    format!("{stem}{order}{}", &name[stem.len()..])
}

/// The mnemonic of an instruction.
pub(crate) fn expected(insn: Insn) -> String {
    let info = insn.op.info();
    let name = info.mnemonic.to_lowercase();
    let vector = info.class.name().starts_with("simd_");
    match info.class {
        Class::hint => "hint".to_owned(),
        Class::branch_cond => format!("b.{}", CONDITIONS[insn.bcond() as usize]),
        Class::atomic => ordered(&name, order(insn.a(), insn.r())),
        Class::compare_and_swap => ordered(&name, order(insn.cas_l(), insn.cas_o0())),
        Class::memory_copy_set if name.starts_with("cpy") => {
            let unprivileged = ["", "wt", "rt", "t"][insn.options() as usize & 3];
            let temporal = ["", "wn", "rn", "n"][insn.options() as usize >> 2];
            format!("{name}{unprivileged}{temporal}")
        }
        Class::memory_copy_set => format!(
            "{name}{}",
            ["", "t", "n", "tn"][insn.set_options() as usize]
        ),
        Class::simd_three_different if insn.q() == 1 => format!("{name}2"),
        _ if vector && name == "bfmlal" => format!("{name}{}", ["b", "t"][insn.q() as usize]),
        _ if vector && insn.q() == 1 && UPPER_HALF.contains(&info.mnemonic) => format!("{name}2"),
        _ => name,
    }
}

/// The mnemonics that LLVM prints instead, by `llvm.aliases`.
pub(crate) fn aliases(name: &str) -> impl Iterator<Item = &'static str> {
    let lines = include_str!("llvm.aliases").lines();
    let mut words = lines
        .filter(|line| !line.starts_with('#'))
        .map(str::split_whitespace);
    words
        .find_map(|mut words| (words.next() == Some(name)).then_some(words))
        .into_iter()
        .flatten()
}

/// Whether the operands are those of the row, for rows that stand for one
/// operand: a hint's number, a system register, a cache operation.
pub(crate) fn is_its_operand(insn: Insn, text: &str) -> bool {
    let info = insn.op.info();
    let operand = info
        .name
        .split_once('_')
        .map_or("", |(_, rest)| rest)
        .to_lowercase();
    let text = text.to_lowercase();
    match info.class {
        Class::hint => text == format!("hint\t#{}", insn.word >> 5 & 0x7f),
        Class::pstate if operand.is_empty() => true,
        Class::pstate => text.starts_with(&format!("msr\t{},", operand.replace("_immediate", ""))),
        Class::system => text.starts_with(&format!("{}\t{operand},", info.mnemonic.to_lowercase())),
        Class::system_register if insn.op == Op::MRS_ID => {
            // A name by the manual, or S3_0_C0_Cm_op2.
            let id = |t: &str| text.contains(t);
            id(", id_")
                || id(", midr_el1")
                || id(", mpidr_el1")
                || id(", revidr_el1")
                || id(", mvfr")
                || id(", s3_0_c0_c")
        }
        Class::system_register => text.split(['\t', ',', ' ']).any(|word| word == operand),
        _ => true,
    }
}

/// Whether the operands have the form that the row's name tells.
pub(crate) fn has_its_form(insn: Insn, text: &str) -> bool {
    let info = insn.op.info();
    let (name, class) = (info.name, info.class.name());
    let operands = text.split_once('\t').map_or("", |(_, operands)| operands);
    let memory = class.starts_with("ldst");
    let told = [
        (memory && name.ends_with("_post"), operands.contains("], ")),
        (memory && name.ends_with("_pre"), operands.ends_with("]!")),
        (
            name.ends_with("_offset") || name.ends_with("_unsigned"),
            operands.ends_with(']'),
        ),
        (memory && name.contains("_literal"), !operands.contains('[')),
        (
            class == "ldst_register",
            operands.matches(", ").count() > 1 && operands.contains('['),
        ),
        (name.ends_with("_zero"), operands.contains("#0")),
        (
            name.contains("_by_element"),
            operands
                .split(", #")
                .next()
                .is_some_and(|o| o.ends_with(']')),
        ),
        (
            class.starts_with("simd") && name.ends_with("_half"),
            operands.contains(".4h") || operands.contains(".8h") || operands.starts_with('h'),
        ),
        (
            class.starts_with("scalar"),
            operands.starts_with(['b', 'h', 's', 'd']),
        ),
        (
            class.starts_with("scalar") && name.ends_with("_half"),
            operands.starts_with('h'),
        ),
        (
            name.ends_with("_immediate") && !memory,
            operands.contains('#'),
        ),
        (name.ends_with("_fixed_point"), operands.contains('#')),
        (name.ends_with("_integer"), !operands.contains('#')),
        (name.ends_with("_vector"), operands.starts_with('v')),
    ];
    told.iter().all(|&(is_told, holds)| !is_told || holds)
}

/// Whether every register the table's fields name is printed. 31 has many
/// names, and some fields are a part of a register's number or none.
pub(crate) fn names_registers(insn: Insn, text: &str) -> bool {
    let printed: Vec<u32> = text
        .split_once('\t')
        .map_or("", |(_, operands)| operands)
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter_map(|token| token.strip_prefix(['w', 'x', 'b', 'h', 's', 'd', 'q', 'v']))
        .filter_map(|number| number.parse().ok())
        .collect();
    insn.op.info().fields.iter().all(|field| {
        let number = insn.word >> field.lsb & 31;
        let register = matches!(field.name, "Rd" | "Rn" | "Rm" | "Rt" | "Rt2" | "Ra" | "Rs");
        let prefetch = matches!(
            insn.op,
            Op::PRFM_immediate | Op::PRFM_literal | Op::PRFM_register | Op::PRFUM
        );
        !register || number == 31 || field.name == "Rt" && prefetch || printed.contains(&number)
    })
}

//! Words for each instruction: one for each combination of the fields that
//! choose what it does, and for the first of them some with other registers.
//!
//! Fields are set by their names; of the values named for one, those are used
//! that the decoder takes for the instruction.

use a64::decode::{FieldInfo, Op, decode};

/// The values of a field that make different code.
fn choices(op: Op, field: &str) -> Option<&'static [u32]> {
    let class = op.class().name();
    let simd = class.starts_with("simd") || class.starts_with("scalar");
    Some(match field {
        "sf" | "sz" | "ldst_sz" => &[1, 0],
        "size" if class == "atomic" || class == "ldst_exclusive" || class == "ldst_ordered" => {
            &[3, 2, 1, 0]
        }
        "size" | "struct_size" => &[0, 1, 2, 3],
        "ftype" | "fcvt_opc" => &[0, 1, 3],
        "ldst_size" => &[3, 2, 1, 0],
        "ldst_opc" => &[2, 1, 0],
        "elem_scale" => &[0, 1, 2],
        "rmode" | "to_fp" | "opc1" | "opc0" | "sh" | "mi_op" => &[0, 1],
        "immh" => &[1, 2, 4, 8],
        // An element of each size, not the first.
        "imm5" if simd => &[3, 6, 12, 24],
        "shift" => &[0, 1, 2, 3],
        "option" if class == "ldst_register" => &[3, 2, 6, 7],
        "option" => &[0, 1, 2, 3, 4, 5, 6, 7],
        "S" if class == "ldst_register" => &[0, 1],
        "hw" => &[0, 1, 2, 3],
        "len" => &[0, 1, 2, 3],
        "cmode" => &[0, 2, 4, 8, 10, 12, 13, 14],
        "cmode_hi" => &[0, 1, 4, 5],
        "opcode" => &[7, 10, 6, 2],
        "rot" => &[0, 1, 2, 3],
        "bcond" => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        "cond" => &[1, 8, 14],
        _ => return None,
    })
}

/// The values to try for a field that changes nothing but a number.
fn values(op: Op, field: &str) -> &'static [u32] {
    match field {
        "Rd" | "Rt" => &[0],
        "Rn" => &[1],
        "Rm" | "Rm4" | "Rt2" => &[2],
        "Ra" => &[3],
        "Rs" => &[4],
        "Q" => &[1],
        "L" | "M" | "S" | "N" => &[1, 0],
        "H" | "A" | "R" => &[0, 1],
        "imm6" | "imm4" | "imm3" | "immb" => &[3],
        "imm2" => &[1],
        "imm12" => &[8],
        "imm9" => &[0x1f8],
        "imm7" => &[2],
        "imm5" => &[7],
        "immr" => &[4],
        "imms" => &[11],
        "imm16" => &[0x1234],
        "udf_imm16" => &[0],
        "imm8" => &[0x70],
        "imm19" | "imm14" | "imm26" => &[4],
        "immhi" => &[1],
        "immlo" => &[2],
        "abc" => &[5],
        "defgh" => &[0x15],
        "b5" => &[0, 1],
        "b40" => &[3],
        "nzcv" | "mask" => &[5],
        "scale" => &[60],
        "rmif_imm6" => &[7],
        "CRm" if op == Op::DMB || op == Op::DSB => &[11],
        _ => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    }
}

fn set(word: u32, field: FieldInfo, value: u32) -> u32 {
    let mask = u32::MAX >> (32 - field.width);
    word & !(mask << field.lsb) | (value & mask) << field.lsb
}

/// The first way to give `fields` values so that the word is an `op`.
fn fill(op: Op, word: u32, fields: &[FieldInfo]) -> Option<u32> {
    let Some((&field, rest)) = fields.split_first() else {
        return decode(word).filter(|insn| insn.op == op).map(|_| word);
    };
    let mut tries = values(op, field.name).iter();
    tries.find_map(|&value| fill(op, set(word, field, value), rest))
}

/// The words for an instruction.
pub(crate) fn of(op: Op) -> Vec<u32> {
    let info = op.info();
    let (chosen, others): (Vec<FieldInfo>, Vec<FieldInfo>) = info
        .fields
        .iter()
        .partition(|field| choices(op, field.name).is_some());
    let mut seeds = vec![info.value];
    for field in chosen {
        let choices = choices(op, field.name).unwrap_or_default();
        seeds = seeds
            .into_iter()
            .flat_map(|word| choices.iter().map(move |&value| set(word, field, value)))
            .collect();
    }
    let words = seeds.into_iter().filter_map(|seed| fill(op, seed, &others));
    let mut words: Vec<u32> = words.collect();
    if let Some(&first) = words.first() {
        words.extend(others_of(op, first));
    }
    let mut seen = std::collections::BTreeSet::new();
    words.retain(|&word| seen.insert(word));
    words
}

/// The word with other registers: such as the host keeps in memory, the same
/// one twice, and the zero register; without a shift; for 64 bits of vector;
/// and releasing.
fn others_of(op: Op, word: u32) -> Vec<u32> {
    const VARIANTS: [&[(&str, u32)]; 10] = [
        &[("imm6", 0)],
        &[
            ("Rd", 28),
            ("Rt", 28),
            ("Rn", 29),
            ("Rm", 30),
            ("Rt2", 30),
            ("Ra", 31),
            ("Rs", 26),
        ],
        &[("Rd", 1)],
        &[("Rm", 0)],
        &[("Rm", 1)],
        &[("Ra", 0)],
        &[("Rd", 31)],
        &[("Rm", 31)],
        &[("Q", 0)],
        &[("A", 1), ("R", 1)],
    ];
    let has = |name: &str| op.info().fields.iter().find(|field| field.name == name);
    let mut words = Vec::new();
    for variant in VARIANTS {
        let changed = variant.iter().fold(word, |word, &(name, value)| {
            has(name).map_or(word, |field| set(word, field, value))
        });
        if decode(changed).is_some_and(|insn| insn.op == op) {
            words.push(changed);
        }
    }
    words
}

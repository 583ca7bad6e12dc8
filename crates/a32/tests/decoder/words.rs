//! Instruction words to test with: from the whole space, and from each row and beside it.

use armistice_a32::decode::{Insn, State, a32, decode, fp, is_long, simd, t16, t32};
use isa::random::Random;

/// What a row says of its words: name, mask, value and fields.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) mask: u32,
    pub(crate) value: u32,
    /// Their bits in place.
    pub(crate) fields: Vec<(&'static str, u32)>,
}

/// The bits of a field, in place.
fn field_mask(lsb: u32, width: u32) -> u32 {
    u32::try_from((1u64 << width) - 1).unwrap() << lsb
}

macro_rules! rows {
    ($table:ident) => {
        $table::Op::ALL
            .iter()
            .map(|op| {
                let info = op.info();
                let bits = |f: $table::FieldInfo| field_mask(u32::from(f.lsb), u32::from(f.width));
                Row {
                    name: info.name,
                    mask: info.mask,
                    value: info.value,
                    fields: info.fields.iter().map(|f| (f.name, bits(f))).collect(),
                }
            })
            .collect()
    };
}

/// The rows of A32.
pub(crate) fn a32_rows() -> Vec<Row> {
    rows!(a32)
}

/// The rows of T32 of 4 bytes.
pub(crate) fn t32_rows() -> Vec<Row> {
    rows!(t32)
}

/// The rows of T32 of 2 bytes.
pub(crate) fn t16_rows() -> Vec<Row> {
    rows!(t16)
}

/// The rows of floating point.
pub(crate) fn fp_rows() -> Vec<Row> {
    rows!(fp)
}

/// The rows of Advanced SIMD.
pub(crate) fn simd_rows() -> Vec<Row> {
    rows!(simd)
}

/// A word of Advanced SIMD as T32 has it.
pub(crate) fn simd_in_thumb(word: u32) -> u32 {
    match word >> 24 {
        0xf2 => word & 0x00ff_ffff | 0xef00_0000,
        0xf3 => word & 0x00ff_ffff | 0xff00_0000,
        0xf4 => word & 0x00ff_ffff | 0xf900_0000,
        _ => word,
    }
}

/// A word that matches the row's fixed bits: all else random, or all zeros and ones field
/// by field half of the time, where the limits are.
fn of_row(random: &mut Random, row: &Row) -> u32 {
    let mut word = row.value | random.word() & !row.mask;
    if random.below(2) == 0 {
        for &(_, mask) in &row.fields {
            match random.below(4) {
                0 => word &= !mask,
                1 => word |= mask,
                _ => {}
            }
        }
    }
    word
}

/// The word with the bits as they should be that decide nothing: hardware ignores them, LLVM
/// does not.
pub(crate) fn as_it_should_be(state: State, word: u32) -> u32 {
    macro_rules! canonical {
        ($insn:ident) => {{
            let info = $insn.op.info();
            let fields = info.fields.iter().fold(0, |all, f| {
                all | field_mask(u32::from(f.lsb), u32::from(f.width))
            });
            word & (info.mask | fields) | info.should
        }};
    }
    match decode(state, word) {
        None => word,
        Some(Insn::A32(insn)) => canonical!(insn),
        Some(Insn::T32(insn)) => canonical!(insn),
        Some(Insn::T16(insn)) => canonical!(insn),
        // It has no such bits, and T32's word is another.
        Some(Insn::Simd(_)) => word,
        Some(Insn::Fp(insn, _)) => canonical!(insn) & 0x0fff_ffff | word & 0xf000_0000,
    }
}

/// `count` words of 4 bytes: a third from the whole space, a third from the rows, a third one bit
/// beside a row.
pub(crate) fn sample(state: State, seed: u64, count: usize) -> Vec<u32> {
    let mut rows = match state {
        State::Arm => a32_rows(),
        State::Thumb => t32_rows(),
    };
    rows.extend(fp_rows());
    let simd = simd_rows();
    let mut random = Random::new(seed);
    let mut words = Vec::new();
    for n in 0..count / 2 {
        let word = of_row(&mut random, &simd[n / 2 % simd.len()]);
        let word = if n % 2 == 0 {
            word
        } else {
            word ^ 1 << random.below(24)
        };
        words.push(match state {
            State::Arm => word,
            State::Thumb => simd_in_thumb(word),
        });
    }
    let count = count + words.len();
    while words.len() < count {
        let row = &rows[words.len() / 3 % rows.len()];
        let word = match words.len() % 3 {
            0 => {
                random.word()
                    | if state == State::Thumb {
                        0xe800_0000
                    } else {
                        0
                    }
            }
            1 => of_row(&mut random, row),
            _ => of_row(&mut random, row) ^ 1 << random.below(32),
        };
        if state == State::Arm || is_long(word >> 16) {
            words.push(word);
        } else {
            // In the place of a word that is none of these.
            words.push(of_row(&mut random, row));
        }
    }
    words
}

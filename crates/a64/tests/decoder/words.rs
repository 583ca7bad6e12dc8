//! Instruction words to test with: from the whole space, and from each row
//! and beside it.

use armistice_a64::decode::{Op, OpInfo};
use isa::random::Random;

/// The bits of a field, in place.
pub(crate) fn field_mask(lsb: u8, width: u8) -> u32 {
    u32::try_from((1u64 << width) - 1).unwrap() << lsb
}

/// A word that matches the row's fixed bits: all else random, or all zeros
/// and ones field by field half of the time, where the limits are.
fn of_row(random: &mut Random, info: &OpInfo) -> u32 {
    let mut word = info.value | random.word() & !info.mask;
    if random.below(2) == 0 {
        for field in info.fields {
            let mask = field_mask(field.lsb, field.width);
            match random.below(4) {
                0 => word &= !mask,
                1 => word |= mask,
                _ => {}
            }
        }
    }
    word
}

/// `count` words: a third from the whole space, a third from the rows, a
/// third one bit beside a row.
pub(crate) fn sample(seed: u64, count: usize) -> Vec<u32> {
    let mut random = Random::new(seed);
    (0..count)
        .map(|i| {
            let op = Op::ALL[i / 3 % Op::COUNT];
            match i % 3 {
                0 => random.word(),
                1 => of_row(&mut random, &op.info()),
                _ => of_row(&mut random, &op.info()) ^ 1 << random.below(32),
            }
        })
        .collect()
}

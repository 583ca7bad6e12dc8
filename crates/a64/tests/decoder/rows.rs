//! The table against itself: every row over all values of its fields.

use std::collections::BTreeMap;

use armistice_a64::decode::{FieldInfo, Op, allocated, decode};
use isa::random::Random;

use crate::words::{field_mask, sample};

/// What the decoder should answer, found by looking at every row.
fn by_all_rows(word: u32) -> Option<Op> {
    let matching = Op::ALL.iter().copied().filter(|&op| allocated(op, word));
    matching.max_by_key(|op| op.info().mask.count_ones())
}

fn is_register(field: &FieldInfo) -> bool {
    matches!(
        field.name,
        "Rd" | "Rn" | "Rm" | "Rm4" | "Rt" | "Rt2" | "Ra" | "Rs"
    )
}

/// The values of a field to try: all of a short one, the limits and some
/// others of a long one, some registers.
fn values(field: &FieldInfo, random: &mut Random) -> Vec<u32> {
    let count = 1u32 << field.width;
    if is_register(field) {
        vec![0, count - 1, random.below(count)]
    } else if field.width <= 7 {
        (0..count).collect()
    } else {
        let mut values = vec![0, 1, count / 2 - 1, count / 2, count - 2, count - 1];
        values.extend((0..10).map(|_| random.below(count)));
        values
    }
}

/// Every combination of the fields' values.
fn for_each_word(op: Op, random: &mut Random, mut f: impl FnMut(u32)) {
    let info = op.info();
    let should_be = info
        .fields
        .iter()
        .fold(!info.mask, |bits, f| bits & !field_mask(f.lsb, f.width));
    let fields: Vec<_> = info
        .fields
        .iter()
        .map(|f| (f.lsb, values(&f, random)))
        .collect();
    let mut digits = vec![0; fields.len()];
    loop {
        let word = fields
            .iter()
            .zip(&digits)
            .fold(info.value, |word, ((lsb, values), &digit): (_, &usize)| {
                word | values[digit] << lsb
            });
        f(word | random.word() & should_be);
        let mut place = 0;
        loop {
            if place == fields.len() {
                return;
            }
            digits[place] += 1;
            if digits[place] < fields[place].1.len() {
                break;
            }
            digits[place] = 0;
            place += 1;
        }
    }
}

#[test]
fn every_field_value_decodes_to_its_row() {
    let mut random = Random::new(7);
    let mut words = 0u64;
    for &op in Op::ALL {
        let (mut won, mut refused) = (0u32, 0u32);
        for_each_word(op, &mut random, |word| {
            words += 1;
            let found = decode(word).map(|insn| insn.op);
            if found == Some(op) {
                won += 1;
                assert!(allocated(op, word), "{op:?} {word:#010x}");
            } else if allocated(op, word) {
                let other = found.unwrap_or_else(|| panic!("{op:?} {word:#010x} is not decoded"));
                let (mine, its) = (op.info().mask, other.info().mask);
                assert!(
                    mine & its == mine && mine != its,
                    "{op:?} {word:#010x} is {other:?}"
                );
            } else {
                refused += 1;
            }
        });
        assert!(won > 0, "{op:?} is never decoded");
        assert_eq!(
            refused > 0,
            op.info().has_where,
            "{op:?}: its where refuses {refused} words"
        );
    }
    println!("{words} words of {} rows", Op::COUNT);
}

#[test]
fn the_look_up_finds_what_a_search_of_all_rows_finds() {
    for word in sample(99, 60_000) {
        assert_eq!(
            decode(word).map(|i| i.op),
            by_all_rows(word),
            "{word:#010x}"
        );
    }
}

#[test]
fn info_agrees_with_the_pattern() {
    for &op in Op::ALL {
        let info = op.info();
        assert_eq!(info.name, format!("{op:?}"));
        assert_eq!(info.value & !info.mask, 0, "{op:?}");
        for field in info.fields {
            assert_eq!(
                field_mask(field.lsb, field.width) & info.mask,
                0,
                "{op:?} {}",
                field.name
            );
        }
    }
}

/// The coverage: how many rows each class and each feature has.
#[test]
fn coverage() {
    let mut classes = BTreeMap::<_, u32>::new();
    let mut features = BTreeMap::<_, u32>::new();
    for op in Op::ALL {
        *classes.entry(op.class()).or_default() += 1;
        *features.entry(op.info().feature).or_default() += 1;
    }
    for (class, rows) in &classes {
        println!("{rows:4} {}", class.name());
    }
    for (feature, rows) in &features {
        println!("{rows:4} {feature:?}");
    }
    println!("{:4} in all", Op::COUNT);
    assert_eq!(classes.values().sum::<u32>() as usize, Op::COUNT);
}

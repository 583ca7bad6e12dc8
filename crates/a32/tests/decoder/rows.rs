//! The tables against themselves.

use std::collections::BTreeSet;

use armistice_a32::decode::{Insn, State, decode};
use isa::random::Random;

use crate::words::{Row, a32_rows, fp_rows, simd_rows, t16_rows, t32_rows};

/// Each row decodes some word as itself.
fn each_is_reached(state: State, rows: &[Row]) {
    let mut random = Random::new(7);
    for row in rows {
        let reached = (0..20_000).any(|_| {
            let word = row.value | random.word() & !row.mask;
            let word = if row.mask >> 16 == 0 {
                word & 0xffff
            } else {
                word
            };
            decode(state, word).map(Insn::name) == Some(row.name)
        });
        assert!(reached, "{} is never decoded", row.name);
    }
}

#[test]
fn each_row_is_reached() {
    each_is_reached(State::Arm, &a32_rows());
    each_is_reached(State::Thumb, &t32_rows());
    each_is_reached(State::Thumb, &t16_rows());
    each_is_reached(State::Arm, &fp_rows());
    each_is_reached(State::Thumb, &fp_rows());
    each_is_reached(State::Arm, &simd_rows());
}

/// No word is of two tables: what is decoded has the length that its first bits tell.
#[test]
fn names_are_upper_case_and_counted() {
    for (set, rows, at_least) in [
        ("A32", a32_rows(), 260),
        ("T32", t32_rows(), 250),
        ("T16", t16_rows(), 80),
        ("floating point", fp_rows(), 60),
        ("Advanced SIMD", simd_rows(), 190),
    ] {
        let names: BTreeSet<&str> = rows.iter().map(|r| r.name).collect();
        assert_eq!(names.len(), rows.len());
        println!("{set}: {} rows", rows.len());
        assert!(rows.len() >= at_least, "{set} has lost rows");
        for name in names {
            assert!(name.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
        }
    }
}

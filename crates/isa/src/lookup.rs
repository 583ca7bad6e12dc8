//! Rust text of the decoder's look-up.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::format::Format;
use super::table::Row;

/// The two levels of the look-up: the first bits find a block, in which the second
/// ones find a list of candidates, the most specific first. Equal blocks and
/// lists are stored once.
pub(crate) fn emit(out: &mut String, rows: &[Row], format: &Format) {
    let (first_bits, second_bits) = (&format.first, &format.second);
    let mask = |bits: &std::ops::Range<u32>| ((1u64 << bits.end) - (1 << bits.start)) as u32;
    let (high_mask, low_mask) = (mask(first_bits), mask(second_bits));
    assert_eq!(
        first_bits.end, format.bits,
        "the first bits are the highest"
    );
    let (highs, lows) = (1u32 << first_bits.len(), 1u32 << second_bits.len());
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(rows[i].mask.count_ones()));
    let mut candidates: Vec<usize> = Vec::new();
    let mut lists: BTreeMap<Vec<usize>, u32> = BTreeMap::new();
    let mut blocks: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    let mut blocks_text = String::new();
    let mut first = Vec::new();
    for high in 0..highs {
        let near: Vec<usize> = order
            .iter()
            .copied()
            .filter(|&i| (rows[i].value ^ high << first_bits.start) & rows[i].mask & high_mask == 0)
            .collect();
        let block: Vec<u32> = (0..lows)
            .map(|low| {
                let list: Vec<usize> = near
                    .iter()
                    .copied()
                    .filter(|&i| {
                        (rows[i].value ^ low << second_bits.start) & rows[i].mask & low_mask == 0
                    })
                    .collect();
                *lists.entry(list).or_insert_with_key(|list| {
                    let start = candidates.len();
                    candidates.extend(list);
                    assert!(
                        start < 1 << 11 && list.len() < 1 << 5,
                        "a span no longer fits"
                    );
                    (start << 5 | list.len()) as u32
                })
            })
            .collect();
        let next = blocks.len();
        first.push(*blocks.entry(block).or_insert_with_key(|block| {
            writeln!(blocks_text, "{block:?},").unwrap();
            next
        }));
    }
    writeln!(out, "static FIRST: [u16; {highs}] = {first:?};").unwrap();
    writeln!(
        out,
        "static SECOND: [[u16; {lows}]; {}] = [\n{blocks_text}];",
        blocks.len()
    )
    .unwrap();
    writeln!(out, "static CANDIDATES: [Op; {}] = [", candidates.len()).unwrap();
    for i in candidates {
        writeln!(out, "Op::{},", rows[i].name).unwrap();
    }
    writeln!(
        out,
        "];
/// The rows that a word may be, the most specific first.
#[inline]
pub(crate) fn candidates(word: u32) -> &'static [Op] {{
    let block = usize::from(FIRST[(word >> {}) as usize]);
    let span = usize::from(SECOND[block][(word >> {} & {}) as usize]);
    let (start, len) = (span >> 5, span & 31);
    &CANDIDATES[start..start + len]
}}",
        first_bits.start,
        second_bits.start,
        lows - 1
    )
    .unwrap();
}

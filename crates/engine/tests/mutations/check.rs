//! What the ELF parser promises of any bytes at all. Shared by the tests and
//! the fuzzing target.

use armistice_engine::host::page;
use armistice_engine::linux::abi::arm64::platform::PLATFORM;
use armistice_engine::linux::loader::elf::{self, Plan};

/// What the parser promises of a plan.
fn check(plan: &Plan, file: usize) {
    assert!(!plan.segments.is_empty());
    assert!(plan.entry.is_multiple_of(4));
    assert!(plan.alignment.is_power_of_two());
    let span = plan.span();
    for segment in &plan.segments {
        let range = segment.range();
        assert!(range.start < range.end && range.end <= page::END);
        assert!(segment.file_size <= segment.memory_size);
        if segment.file_size > 0 {
            assert!(segment.offset + segment.file_size <= file as u64);
            assert_eq!(segment.offset % 4096, segment.address % 4096);
        }
        assert!(span.start <= range.start && range.end <= span.end);
    }
    let mut ranges: Vec<_> = plan.segments.iter().map(elf::Segment::range).collect();
    ranges.sort_by_key(|range| range.start);
    assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert!(ranges.iter().any(|range| range.contains(&plan.entry)));
}

/// Parses any bytes: a plan that keeps its promises, or one line.
pub(crate) fn parse(bytes: &[u8]) {
    match elf::parse(bytes, &PLATFORM.elf) {
        Ok(plan) => check(&plan, bytes.len()),
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains('\n'));
        }
    }
}

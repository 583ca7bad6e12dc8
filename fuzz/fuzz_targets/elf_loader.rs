//! Any bytes as an ELF file: a plan whose segments are in the file and in the
//! address space, or an error of one line.
#![no_main]

use armistice_engine::linux::guest_memory;
use armistice_engine::linux::loader::elf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match elf::parse(bytes) {
        Ok(plan) => {
            for segment in &plan.segments {
                assert!(segment.address + segment.memory_size <= guest_memory::END);
                assert!(segment.file_size <= segment.memory_size);
                assert!(
                    segment.file_size == 0
                        || segment.offset + segment.file_size <= bytes.len() as u64
                );
            }
            assert!(plan.segments.iter().any(|s| s.range().contains(&plan.entry)));
        }
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
});

//! Whether a program gets fewer bits of addresses than others.
//!
//! Most get all that their architecture and the host have. ThreadSanitizer and MemorySanitizer keep
//! their shadow memory at places that they know for kernels of 39, 42 and
//! 48 bits only, and the former ends where the first thread's stack lies in a
//! space of another number. So a program that has one of these in it gets 39
//! bits, as a kernel for pages of 4 KiB gives that was built for so many.
//! Go's race detector knows 48 bits only, which x86-64 does not have.
//!
//! A program says by its dynamic section what it has in it: the libraries that
//! it needs, and, where the sanitizer is linked in, the functions that it
//! exports. GCC exports none; there the program has functions to be called before
//! all others, as hardly any other has, and the sanitizer's name in its messages.

use alloc::vec::Vec;

use super::elf::{Placement, Plan, Segment};
use crate::host::sys::{Fd, PROT_WRITE};
use crate::memory::guest_memory;

/// Libraries of which one is enough: how their names begin.
const LIBRARIES: [&[u8]; 3] = [b"libtsan.so", b"libclang_rt.tsan", b"libclang_rt.msan"];
/// What one says of itself.
const MESSAGE: &[u8] = b"ThreadSanitizer: ";
/// Functions of which one is enough.
const FUNCTIONS: [&[u8]; 2] = [b"__tsan_init", b"__msan_init"];

/// Whether a program, which is mapped, has a sanitizer in it that wants fewer bits,
/// and can be in them.
pub(super) fn wants_fewer(file: &Fd, plan: &Plan, bias: u64) -> bool {
    let fits = plan.placement == Placement::Relocatable || plan.span().end < 1 << 32;
    fits && Dynamic::read(file, plan, bias).is_some_and(|dynamic| {
        dynamic.has_sanitizer() || dynamic.starts_early && says(plan, bias, MESSAGE)
    })
}

/// Whether a text is in what the program only reads.
fn says(plan: &Plan, bias: u64, text: &[u8]) -> bool {
    const PIECE: usize = 1 << 16;
    let constant = |segment: &&Segment| segment.protection & PROT_WRITE == 0;
    plan.segments.iter().filter(constant).any(|segment| {
        // A piece begins with the end of the one before it, where the text may
        // begin.
        let step = PIECE - text.len();
        let mut left = usize::try_from(segment.file_size).unwrap_or(0);
        let mut at = segment.address.wrapping_add(bias);
        let mut piece = alloc::vec![0; PIECE];
        while left > 0 {
            piece.truncate(left);
            if guest_memory::read(at, &mut piece).is_err() {
                return false;
            }
            if piece.windows(text.len()).any(|window| window == text) {
                return true;
            }
            left = left.saturating_sub(step);
            at += step as u64;
        }
        false
    })
}

/// The parts of a dynamic section that are asked, at the addresses where they
/// are mapped.
struct Dynamic {
    needed: Vec<u64>,
    /// Functions are called before the libraries' own.
    starts_early: bool,
    strings: u64,
    symbols: u64,
    hash: Option<u64>,
}

impl Dynamic {
    /// Read from the file: reading it in memory would cost a page fault.
    fn read(file: &Fd, plan: &Plan, bias: u64) -> Option<Self> {
        const NEEDED: u64 = 1;
        const STRTAB: u64 = 5;
        const SYMTAB: u64 = 6;
        const PREINIT_ARRAY: u64 = 32;
        const GNU_HASH: u64 = 0x6fff_fef5;
        let (offset, length) = plan.dynamic?;
        let mut bytes = alloc::vec![0; length];
        let length = file.read_at(&mut bytes, offset).ok()?;
        let mut dynamic = Self {
            needed: Vec::new(),
            starts_early: false,
            strings: 0,
            symbols: 0,
            hash: None,
        };
        for entry in bytes[..length].chunks_exact(16) {
            let word =
                |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap_or([0; 8]));
            let address = word(8).wrapping_add(bias);
            match word(0) {
                0 => break,
                NEEDED => dynamic.needed.push(word(8)),
                STRTAB => dynamic.strings = address,
                SYMTAB => dynamic.symbols = address,
                PREINIT_ARRAY => dynamic.starts_early = true,
                GNU_HASH => dynamic.hash = Some(address),
                _ => {}
            }
        }
        Some(dynamic)
    }

    fn has_sanitizer(&self) -> bool {
        let needs = |name: &&[u8]| self.needed.iter().any(|&at| self.string_begins(at, name));
        LIBRARIES.iter().any(needs) || FUNCTIONS.iter().any(|name| self.exports(name).is_some())
    }

    fn string_begins(&self, offset: u64, with: &[u8]) -> bool {
        let mut text = [0; 32];
        let text = &mut text[..with.len()];
        let at = self.strings.wrapping_add(offset);
        guest_memory::read(at, text).is_ok() && text == with
    }

    /// Looks a function up in the table that GNU's linkers make (`DT_GNU_HASH`):
    /// sizes, a Bloom filter, buckets, and a chain of hashes for each.
    fn exports(&self, name: &[u8]) -> Option<()> {
        const SYMBOL: u64 = 24;
        /// No bucket of a program that linkers make is so long.
        const LONGEST: u32 = 1 << 12;
        let table = self.hash?;
        let hash = name.iter().fold(5381_u32, |hash, &byte| {
            hash.wrapping_mul(33).wrapping_add(u32::from(byte))
        });
        let [buckets, first, filters, shift] = [0, 4, 8, 12].map(|at| number(table + at));
        let (buckets, first, filters) = (buckets?, first?, filters?);
        if buckets == 0 || filters == 0 {
            return None;
        }
        let filter = table + 16 + 8 * u64::from(hash / 64 % filters);
        let bits = u64::from(number(filter)?) | u64::from(number(filter + 4)?) << 32;
        let second = hash.checked_shr(shift?).unwrap_or(0);
        if bits >> (hash % 64) & bits >> (second % 64) & 1 == 0 {
            return None;
        }
        let bucket = table + 16 + 8 * u64::from(filters);
        let chains = bucket + 4 * u64::from(buckets);
        let mut symbol = number(bucket + 4 * u64::from(hash % buckets))?;
        for _ in 0..LONGEST {
            let chain = number(chains + 4 * u64::from(symbol.checked_sub(first)?))?;
            if chain | 1 == hash | 1 {
                let at = self.symbols.wrapping_add(SYMBOL * u64::from(symbol));
                let mut whole = name.to_vec();
                whole.push(0);
                if self.string_begins(u64::from(number(at)?), &whole) {
                    return Some(());
                }
            }
            if chain & 1 != 0 {
                return None;
            }
            symbol = symbol.checked_add(1)?;
        }
        None
    }
}

/// Four bytes of the mapped program.
fn number(address: u64) -> Option<u32> {
    let mut bytes = [0; 4];
    guest_memory::read(address, &mut bytes).ok()?;
    Some(u32::from_le_bytes(bytes))
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use crate::thread::attention::Block;
    use crate::thread::handlers;

    /// A table with one bucket for these names, as a linker makes it.
    fn exporting(names: &[&str]) -> (Vec<u32>, Vec<u32>, Vec<u8>) {
        const SHIFT: u32 = 26;
        let hash = |name: &str| {
            name.bytes().fold(5381_u32, |hash, byte| {
                hash.wrapping_mul(33).wrapping_add(u32::from(byte))
            })
        };
        let filter = names.iter().fold(0_u64, |bits, name| {
            bits | 1 << (hash(name) % 64) | 1 << ((hash(name) >> SHIFT) % 64)
        });
        // One bucket, symbols from the first on, one filter word.
        let mut table = alloc::vec![1, 1, 1, SHIFT, filter as u32, (filter >> 32) as u32, 1];
        let mut symbols = alloc::vec![0; 6];
        let mut strings = alloc::vec![0];
        for (index, name) in names.iter().enumerate() {
            let last = u32::from(index + 1 == names.len());
            table.push(hash(name) & !1 | last);
            symbols.extend([strings.len() as u32, 0, 0, 0, 0, 0]);
            strings.extend(name.bytes().chain([0]));
        }
        (table, symbols, strings)
    }

    #[test]
    fn functions_are_found_that_are_exported() {
        let _ = handlers::install(&Block::new().unwrap());
        let names = ["main", "__msan_init", "__msan_init_more"];
        let (table, symbols, strings) = exporting(&names);
        let dynamic = Dynamic {
            needed: Vec::new(),
            starts_early: false,
            strings: strings.as_ptr() as u64,
            symbols: symbols.as_ptr() as u64,
            hash: Some(table.as_ptr() as u64),
        };
        for name in names {
            assert_eq!(dynamic.exports(name.as_bytes()), Some(()), "{name}");
        }
        for name in ["__tsan_init", "__msan_ini", "main2", ""] {
            assert_eq!(dynamic.exports(name.as_bytes()), None, "{name}");
        }
        assert!(dynamic.has_sanitizer());
        let none = Dynamic {
            hash: None,
            ..dynamic
        };
        assert!(!none.has_sanitizer());
    }
}

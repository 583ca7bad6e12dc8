//! The guest's first stack: arguments, environment and auxiliary vector, laid
//! out as Linux does.
//!
//! From high to low: 8 zero bytes, the program's file name, the strings of
//! the environment and of the arguments, the platform's name and the random
//! bytes, padding, the auxiliary vector, the environment's pointers, the
//! arguments' pointers, and their count, where SP points, a multiple of 16.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::ops::Range;

use crate::linux::abi::platform::Width;

/// A value of the auxiliary vector: a number, or the address of something
/// that is on the stack too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(u64),
    /// The address of 16 random bytes.
    Random,
    /// The address of the platform's name.
    Platform,
    /// The address of the program's file name.
    FileName,
}

/// What goes on the stack.
#[derive(Debug)]
pub struct Contents<'a> {
    /// The arguments, with the program's name first.
    pub arguments: &'a [&'a CStr],
    /// The environment.
    pub environment: &'a [&'a CStr],
    /// The platform's name.
    pub platform: &'a CStr,
    /// The width of a word.
    pub width: Width,
    /// The name that the program was started by.
    pub file_name: &'a CStr,
    /// `AT_RANDOM`.
    pub random: [u8; 16],
    /// The auxiliary vector without its end.
    pub auxiliary: &'a [(u64, Value)],
}

/// A stack that was laid out.
#[derive(Debug)]
pub struct Built {
    /// SP.
    pub sp: u64,
    /// The bytes from SP up.
    pub bytes: Vec<u8>,
    /// Where the arguments' strings are.
    pub arguments: Range<u64>,
    /// Where the environment's are.
    pub environment: Range<u64>,
    /// Where the auxiliary vector is, with its end.
    pub auxiliary: Range<u64>,
}

/// The stack below `top`; none when there are not so many addresses.
#[must_use]
pub fn build(contents: &Contents<'_>, top: u64) -> Option<Built> {
    let strings = contents.arguments.iter().chain(contents.environment);
    let strings: u64 = strings.map(|s| length(s)).sum();
    let words = 1
        + contents.arguments.len() as u64
        + 1
        + contents.environment.len() as u64
        + 1
        + 2 * (contents.auxiliary.len() as u64 + 1);
    let word = contents.width.bytes() as u64;
    let upper = 8 + length(contents.file_name) + strings + length(contents.platform) + 16;
    let upper_start = top.checked_sub(upper)? & !15;
    let sp = upper_start.checked_sub(words * word)? & !15;
    let mut stack = Stack {
        bytes: alloc::vec![0; usize::try_from(top - sp).ok()?],
        sp,
        low: sp,
        width: contents.width,
        high: top - 8,
    };
    let file_name = stack.string(contents.file_name);
    // Each array from its end, so that the strings ascend as Linux has them.
    let environment: Vec<u64> = stack.strings(contents.environment);
    let environment_start = stack.high;
    let arguments: Vec<u64> = stack.strings(contents.arguments);
    let arguments_start = stack.high;
    let platform = stack.string(contents.platform);
    let random = stack.data(&contents.random);
    stack.word(contents.arguments.len() as u64);
    for array in [&arguments, &environment] {
        array.iter().rev().for_each(|&address| stack.word(address));
        stack.word(0);
    }
    let auxiliary_start = stack.low;
    for &(key, value) in contents.auxiliary {
        stack.word(key);
        stack.word(match value {
            Value::Number(number) => number,
            Value::Random => random,
            Value::Platform => platform,
            Value::FileName => file_name,
        });
    }
    Some(Built {
        sp,
        arguments: arguments_start..environment_start,
        environment: environment_start..file_name,
        auxiliary: auxiliary_start..stack.low + 2 * word,
        bytes: stack.bytes,
    })
}

fn length(string: &CStr) -> u64 {
    string.count_bytes() as u64 + 1
}

/// The bytes while they are filled: data from the top down, words from SP up.
struct Stack {
    bytes: Vec<u8>,
    sp: u64,
    low: u64,
    high: u64,
    width: Width,
}

impl Stack {
    /// The sizes were added up before, so every range is inside.
    #[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
    fn at(&mut self, range: Range<u64>) -> &mut [u8] {
        let index = |address: u64| (address - self.sp) as usize;
        &mut self.bytes[index(range.start)..index(range.end)]
    }

    fn data(&mut self, bytes: &[u8]) -> u64 {
        let end = self.high;
        self.high -= bytes.len() as u64;
        self.at(end - bytes.len() as u64..end)
            .copy_from_slice(bytes);
        self.high
    }

    fn string(&mut self, string: &CStr) -> u64 {
        self.data(string.to_bytes_with_nul())
    }

    /// The addresses, last string first.
    fn strings(&mut self, strings: &[&CStr]) -> Vec<u64> {
        strings
            .iter()
            .rev()
            .map(|string| self.string(string))
            .collect()
    }

    fn word(&mut self, value: u64) {
        let (at, length) = (self.low, self.width.bytes());
        self.low += length as u64;
        let bytes = value.to_le_bytes();
        self.at(at..at + length as u64)
            .copy_from_slice(&bytes[..length]);
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
mod tests {
    use super::*;
    use crate::host::auxv::key;

    #[test]
    fn laid_out_as_linux_does() {
        let contents = Contents {
            arguments: &[c"prog", c"-x", c""],
            environment: &[c"A=1", c"LANG=C"],
            platform: c"aarch64",
            width: Width::Bits64,
            file_name: c"./prog",
            random: *b"0123456789abcdef",
            auxiliary: &[
                (key::PAGESZ, Value::Number(4096)),
                (key::RANDOM, Value::Random),
                (key::PLATFORM, Value::Platform),
                (key::EXECFN, Value::FileName),
            ],
        };
        let top = 0x7fff_0000;
        let built = build(&contents, top).unwrap();
        let (sp, bytes) = (built.sp, &built.bytes);
        assert_eq!(sp % 16, 0);
        assert_eq!(sp + bytes.len() as u64, top);
        let word = |n: usize| u64::from_le_bytes(bytes[n * 8..n * 8 + 8].try_into().unwrap());
        let string =
            |address: u64| CStr::from_bytes_until_nul(&bytes[(address - sp) as usize..]).unwrap();
        assert_eq!(word(0), 3);
        assert_eq!([1, 2, 3].map(|n| string(word(n))), [c"prog", c"-x", c""]);
        assert_eq!(word(4), 0);
        assert_eq!([5, 6].map(|n| string(word(n))), [c"A=1", c"LANG=C"]);
        assert_eq!(word(7), 0);
        assert_eq!([word(8), word(9)], [key::PAGESZ, 4096]);
        assert_eq!(word(10), key::RANDOM);
        assert_eq!(
            &bytes[(word(11) - sp) as usize..][..16],
            b"0123456789abcdef"
        );
        assert_eq!(string(word(13)), c"aarch64");
        assert_eq!(string(word(15)), c"./prog");
        assert_eq!([word(16), word(17)], [0, 0]);
        assert_eq!(word(2), word(1) + 5, "strings ascend, one after another");
        assert_eq!(built.arguments, word(1)..word(5));
        assert_eq!(built.environment, word(5)..word(15));
        assert_eq!(built.auxiliary, sp + 64..sp + 144);
    }

    #[test]
    fn words_of_32_bits() {
        let contents = Contents {
            arguments: &[c"prog"],
            environment: &[c"A=1"],
            platform: c"v7l",
            width: Width::Bits32,
            file_name: c"./prog",
            random: [7; 16],
            auxiliary: &[
                (key::PAGESZ, Value::Number(4096)),
                (key::PLATFORM, Value::Platform),
            ],
        };
        let top = 0xfffe_f000;
        let built = build(&contents, top).unwrap();
        let (sp, bytes) = (built.sp, &built.bytes);
        assert_eq!(sp % 16, 0);
        let words = |n: usize| u32::from_le_bytes(bytes[n * 4..n * 4 + 4].try_into().unwrap());
        let string = |address: u32| {
            CStr::from_bytes_until_nul(&bytes[(u64::from(address) - sp) as usize..]).unwrap()
        };
        assert_eq!((words(0), string(words(1)), words(2)), (1, c"prog", 0));
        assert_eq!((string(words(3)), words(4)), (c"A=1", 0));
        assert_eq!([words(5), words(6), words(7)], [6, 4096, 15]);
        assert_eq!(string(words(8)), c"v7l");
        assert_eq!([words(9), words(10)], [0, 0]);
        assert_eq!(built.auxiliary, sp + 20..sp + 44);
    }

    #[test]
    fn below_address_0() {
        let contents = Contents {
            arguments: &[c"a"; 1000],
            environment: &[],
            platform: c"x",
            width: Width::Bits64,
            file_name: c"a",
            random: [0; 16],
            auxiliary: &[],
        };
        assert!(build(&contents, 0x10000).is_some());
        assert!(build(&contents, 0x1000).is_none());
    }
}

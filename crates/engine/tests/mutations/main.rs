//! Promise: no bytes at all make the ELF loader crash. A good file is changed
//! at random, given to the pure parser and, more rarely, to the binary.
//!
//! `ARMISTICE_LONG=1` does a thousand times more.
#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

mod check;
#[path = "../common/mod.rs"]
mod common;

use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use armistice_engine::linux::abi::arm64::platform::PLATFORM;
use armistice_engine::linux::loader::elf;
use check::parse;
use common::elf::{CODE, Elf};
use common::{engine, long, write_program};
use proptest::prelude::*;
use tempfile::TempDir;

proptest! {
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        parse(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_good_start(tail in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = Elf::default().bytes();
        bytes.truncate(24);
        bytes.extend(tail);
        parse(&bytes);
    }

    #[test]
    fn some_bytes_changed(
        changes in prop::collection::vec((0_usize..64 + 3 * 56, any::<u8>()), 1..12),
        length in 0_usize..0x2011,
    ) {
        let mut bytes = Elf::default().bytes();
        for (at, value) in changes {
            bytes[at] = value;
        }
        parse(&bytes);
        bytes.truncate(length);
        parse(&bytes);
    }
}

/// xorshift64*: the same changes every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

/// Changes bytes, words to extremes, or the length.
fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    const HEADERS: usize = 64 + 3 * 56;
    const EXTREMES: [u64; 10] = [
        0,
        1,
        0xfff,
        0x1000,
        0x7fff_ffff_f000,
        1 << 47,
        i64::MAX as u64,
        u64::MAX - 0xfff,
        u64::MAX,
        0x40_1000,
    ];
    for _ in 0..=random.below(4) {
        let at = random.below(HEADERS);
        match random.below(4) {
            0 => bytes[at] = random.next().to_le_bytes()[0],
            1 => bytes[at] ^= 1 << random.below(8),
            2 => {
                let at = at & !7;
                let value = EXTREMES[random.below(EXTREMES.len())];
                bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
            _ => {
                let at = at & !7;
                let mut word = [0; 8];
                word.copy_from_slice(&bytes[at..at + 8]);
                let shift = random.next() >> random.below(64);
                let value = u64::from_le_bytes(word).wrapping_add(shift);
                bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
            }
        }
    }
    if random.below(8) == 0 {
        bytes.truncate(random.below(bytes.len()));
    }
}

#[test]
fn the_parser_takes_any_mutation() {
    let good = Elf::default().bytes();
    let mut random = Random(0x5eed);
    let rounds = if long() { 50_000_000 } else { 50_000 };
    let mut good_ones = 0_u32;
    for _ in 0..rounds {
        let mut bytes = good.clone();
        mutate(&mut bytes, &mut random);
        parse(&bytes);
        good_ones += u32::from(elf::parse(&bytes, &PLATFORM.elf).is_ok());
    }
    assert!(
        good_ones > 100,
        "some mutations are still programs: {good_ones}"
    );
}

/// The binary: what it refuses it refuses with 126 and one line; what it runs
/// is a guest, which may end by a signal of its own. Neither is an internal
/// error.
#[test]
fn the_binary_takes_any_mutation() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mutant");
    let good = Elf::default().bytes();
    let mut random = Random(0xb1a5);
    let rounds = if long() { 200_000 } else { 200 };
    let mut refused = 0;
    let mut ran = 0;
    for round in 0..rounds {
        let mut bytes = good.clone();
        mutate(&mut bytes, &mut random);
        // Never an endless loop: what is not code is undefined.
        assert_eq!(good[usize::try_from(CODE).unwrap() + 12], 0);
        write_program(&path, &bytes);
        let mut child = engine().arg(&path).stderr(Stdio::piped()).spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(10);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "round {round} hangs");
            std::thread::sleep(Duration::from_micros(200));
        };
        let stderr = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert!(
            !stderr.contains("internal error"),
            "round {round}: {stderr}"
        );
        match status.code() {
            Some(126) => {
                assert_eq!(stderr.lines().count(), 1, "round {round}: {stderr}");
                refused += 1;
            }
            Some(42) | None => {
                assert_eq!(stderr, "", "round {round}");
                assert!(matches!(status.signal(), None | Some(4 | 5 | 7 | 11)));
                ran += 1;
            }
            // It began behind the instruction that sets X0, which is 0 at the start.
            Some(0) if bytes[24..26] == [4, 0x10] => ran += 1,
            Some(127) => assert!(stderr.contains("dynamic loader"), "round {round}: {stderr}"),
            code => panic!("round {round}: {code:?} {stderr}"),
        }
    }
    assert!(refused > 0 && ran > 0, "{refused} refused, {ran} ran");
}

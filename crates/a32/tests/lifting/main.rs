//! Promise: what short sequences of A32 and T32 are lifted to, and how long the host code of that
//! is, are under review.
//!
//! Each sequence is formed to a region, printed, and lowered for a host with AVX2; the text is
//! compared with `lifted.txt`. To renew that, run with `ARMISTICE_BLESS=1` and read the difference.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::fmt::Write as _;
use std::path::Path;

use armistice_a32::Aarch32;
use armistice_a32::decode::{State, length};
use armistice_a32::lift::{THUMB, state};
use engine::translator::vcpu::layout;
use guest::Guest as _;
use ir::form::{Former, Limits, Source};
use ir::live::Live;
use ir::{Mode, Region};
use x64::convention::Convention;
use x64::features::HostFeatures;
use x64::lower::{Lowered, Lowerer, Options};

/// Where sequences lie.
const AT: u64 = 0x1_0000;

/// Neither T32 nor anything else.
const A32: Mode = Mode::PLAIN;

/// What is lifted: a name, the mode, and the words.
const SEQUENCES: &[(&str, Mode, &[u32])] = &[
    ("a shifted addition", A32, &[0xe080_1102]),
    ("a shifted move", A32, &[0xe1a0_13e1]),
    ("a move that sets flags by the shifter", A32, &[0xe1b0_1281]),
    ("a test beside a carry that is known", A32, &[0xe311_0102]),
    ("conditions", A32, &[0xe350_0000, 0x03a0_1001, 0x1081_1003]),
    (
        "a comparison under a condition",
        A32,
        &[0xe350_0000, 0x1351_0000, 0x0a00_0000],
    ),
    (
        "a return under a condition",
        A32,
        &[0xe350_0000, 0x012f_ff1e],
    ),
    (
        "loads and stores",
        A32,
        &[0xe591_0004, 0xe4d2_3001, 0xe7a1_0102],
    ),
    (
        "several registers, and a return",
        A32,
        &[0xe92d_4030, 0xe8bd_8030],
    ),
    ("a product that accumulates with Q", A32, &[0xe100_2180]),
    (
        "lanes that are added, and a selection",
        A32,
        &[0xe651_0f92, 0xe681_0fb2],
    ),
    ("an exclusive pair", A32, &[0xe1b0_2f9f, 0xe1a0_1f92]),
    ("constants of two halves", A32, &[0xe301_0234, 0xe340_0001]),
    ("scalars", A32, &[0xee30_0a81, 0xeeb4_0a60, 0xeef1_fa10]),
    ("an IT block", THUMB, &[0x2800, 0xbf0c, 0x2101, 0x6819]),
    (
        "an IT block whose last instruction can't be read",
        THUMB,
        &[0xbf0c, 0x2101],
    ),
    (
        "a branch into an IT block",
        THUMB,
        &[0xb100, 0xbf08, 0x2101],
    ),
    ("a table of branches", THUMB, &[0xe8df_f000]),
    ("a shift by a register", THUMB, &[0x4088]),
    (
        "shifts with signs and around",
        A32,
        &[0xe1b0_0251, 0xe1b0_0271],
    ),
    (
        "fields and operands that are selected",
        A32,
        &[0xe350_0000, 0x16ff_1072, 0x1021_1103, 0x0201_1003],
    ),
    (
        "registers from and to memory",
        A32,
        &[0xf421_020d, 0xf400_1712],
    ),
    (
        "structures that are dealt",
        A32,
        &[0xf421_190f, 0xf401_444f],
    ),
    (
        "one lane, and one element in all",
        A32,
        &[0xf4a1_066f, 0xf4a1_0caf, 0xf4a1_3d0f],
    ),
    ("a table of three registers", A32, &[0xf3b2_0a07]),
    ("lanes that saturate", A32, &[0xf212_1013, 0xf3b6_12c2]),
    (
        "a shift by lanes, and two results",
        A32,
        &[0xf223_1402, 0xf3b2_0183],
    ),
    (
        "numbers that saturate",
        A32,
        &[0xe102_0051, 0xe6a7_0411, 0xe6e8_0051],
    ),
    (
        "floating point of vectors, flushed",
        A32,
        &[0xf202_0d54, 0xf321_0e03, 0xf202_0f54, 0xf3a2_0164],
    ),
    ("rounds of ciphers", A32, &[0xf3b0_0302, 0xf302_0c44]),
];

/// A sequence, and nothing behind it.
struct Words(Mode, &'static [u32]);

impl Source for Words {
    fn fetch(&self, pc: u64) -> Option<u32> {
        let mut at = AT;
        self.1.iter().copied().find(|&word| {
            let here = at == pc;
            at += u64::from(length(state(self.0), word));
            here
        })
    }

    fn translated(&self, _: u64) -> bool {
        false
    }
}

fn lifted() -> String {
    let host = HostFeatures::ALL.without_avx512();
    let mut lowerer = Lowerer::new(Convention::new(layout::<Aarch32>(), host));
    let mut text = String::new();
    for &(name, mode, words) in SEQUENCES {
        let set = match state(mode) {
            State::Arm => "A32",
            State::Thumb => "T32",
        };
        let (mut region, mut code) = (Region::default(), Lowered::default());
        let limits = Limits { insns: 100 };
        let lifter = Aarch32::lifter(mode, None);
        Former::default().form(&lifter, &Words(mode, words), AT, limits, &mut region);
        lowerer.lower(&region, Options::default(), |_| Live::Live, &mut code);
        let bytes = lowerer.asm.code().len();
        let _ = writeln!(
            text,
            "# {name} ({set}): {bytes} bytes\n{}",
            ir::text::print(&region)
        );
    }
    text
}

#[test]
fn what_is_lifted_is_what_was_reviewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lifting/lifted.txt");
    let text = lifted();
    if std::env::var_os("ARMISTICE_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = kept.lines().zip(text.lines());
    let different = lines.enumerate().find(|(_, (kept, now))| kept != now);
    assert!(kept == text, "lifted.txt differs, first in {different:?}");
}

//! Each rule refuses something that breaks it.

use super::{RULES, lowered};
use crate::convention::{Convention, Layout, Slots};
use crate::features::HostFeatures;
use crate::lower::{Lowered, Lowerer, Options};
use alloc::vec::Vec;
use ir::live::Live;
use ir::verify::Stage;
use ir::{Region, text, verify};

/// A loop, behind which a call's return is entered with flags that are elsewhere.
const TEXT: &str = "\
region
block 0x1000 entry loop preds 1
  words eb020021 f9400423 54ffffc1
  +0 eb020021: bin.sub.w64.set r1, r1, r2
  +4 f9400423: ! load.b8.zero r3, [r1 + 8]
  => branch.ne taken 0x1000, fall 0x100c
block 0x100c preds 1
  words 94000400
  +0 94000400: address r30, 0x1010
  => call 0x200c, ret 0x1010
block 0x1010 entry
  words d4000001
  => supervisor imm 0, next 0x1014
";

/// A state of some kilobytes.
fn layout() -> Layout {
    let word = |n: u32| 0x400 + 64 * n;
    Layout {
        slots: Slots::USUAL,
        int: 0,
        vec: 0x200,
        pc: word(0),
        flags: word(1),
        thread: word(2),
        spill: word(3),
        swapped: word(4),
        scratch: word(6),
        mxcsr: word(7),
        host_mxcsr: word(8),
        host_rsp: word(9),
        leave: word(10),
        interpret: word(11),
        interpreter: word(12),
        attention: word(13),
        counters: word(14),
        functions: word(15),
        monitor: word(16),
        float_control: word(17),
        float_status: word(18),
        saturated: word(19),
        constants: word(20),
        aside: 0x3800,
        status_before: word(21),
        status_after: word(22),
        status: word(23),
        targets: [0x4000; ir::Mode::COUNT],
        targets_log2: 4,
        unit_log2: 2,
        narrow: false,
        by_target: None,
        hot_int: &[0, 1, 2, 3],
        hot_vec: &[0, 1, 2, 3],
        kept_vec: &[8],
    }
}

/// To be used in place.
const IN_PLACE: Options = Options {
    counters: None,
    base: Some(0x1000),
};

fn all(options: Options) -> (Region, Lowered, Vec<u8>) {
    let region = text::parse(TEXT).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(verify::region(&region, Stage::Linked), Ok(()));
    assert_eq!(layout().slots, region.slots);
    let mut lowerer = Lowerer::new(Convention::new(layout(), HostFeatures::ALL));
    let mut out = Lowered::default();
    lowerer.lower(&region, options, |_| Live::Live, &mut out);
    let code = lowerer.asm.code().to_vec();
    (region, out, code)
}

#[test]
fn each_rule_refuses() {
    type Change = fn(&mut Lowered, &mut Vec<u8>);
    let changes: [(&str, Change); 21] = [
        ("code", |of, _| of.blocks[1].0 += 4),
        ("code", |of, _| of.blocks.swap(0, 1)),
        ("code", |of, code| {
            of.blocks[2].1 = u32::try_from(code.len()).unwrap_or(0)
        }),
        ("code", |of, _| of.blocks.push((0x1014, 9))),
        ("entries", |of, _| of.entries.truncate(1)),
        ("entries", |of, _| of.entries.push(of.entries[0])),
        ("entries", |of, _| of.entries[1].pc = 0x100c),
        ("entries", |of, code| {
            of.entries[0].offset = u32::try_from(code.len()).unwrap_or(0)
        }),
        ("exits", |of, _| of.exits[0].patch += 1),
        ("exits", |of, _| of.exits[0].number = of.exits[0].thunk),
        ("exits", |of, _| of.exits[0].thunk = 0),
        ("exits", |of, code| {
            of.exits[0].number = u32::try_from(code.len()).unwrap_or(0)
        }),
        // Of an operation that can't fault, and of no block.
        ("faults", |of, _| of.faults[1].pc = 0x1008),
        ("faults", |of, _| of.faults[1].pc = 0xffc),
        ("faults", |of, _| of.faults[1].host = of.faults[0].host),
        ("relocations", |of, _| of.relocations.list[0].addend += 4),
        ("relocations", |of, _| of.relocations.origin += 4),
        ("relocations", |of, code| {
            code[of.relocations.list[1].offset as usize] ^= 1
        }),
        ("relocations", |of, _| {
            of.relocations.list.push(of.relocations.list[0])
        }),
        ("base", |of, _| of.base_words.push(of.base_words[0])),
        ("base", |of, code| code[of.base_words[0] as usize] ^= 1),
    ];
    for options in [Options::default(), IN_PLACE] {
        let (region, sound, code) = all(options);
        assert_eq!(lowered(&region, &sound, &code), Ok(()));
    }
    for (n, (rule, change)) in changes.iter().enumerate() {
        let options = match *rule {
            "base" => IN_PLACE,
            _ => Options::default(),
        };
        let (region, mut out, mut code) = all(options);
        change(&mut out, &mut code);
        let broken = lowered(&region, &out, &code).err();
        assert_eq!(
            broken.map(|violation| violation.rule),
            Some(*rule),
            "change {n}"
        );
    }
    for rule in RULES {
        assert!(
            changes.iter().any(|(name, _)| *name == rule.name),
            "{}",
            rule.name
        );
    }
}

#[test]
fn relocations_move_code() {
    let (_, out, code) = all(Options::default());
    let moved = TEXT
        .replace("0x1", "0x555555551")
        .replace("0x200c", "0x55555555200c");
    let region = text::parse(&moved).unwrap_or_else(|error| panic!("{error}"));
    let mut lowerer = Lowerer::new(Convention::new(layout(), HostFeatures::ALL));
    let mut there = Lowered::default();
    lowerer.lower(&region, Options::default(), |_| Live::Live, &mut there);
    assert_eq!(there.relocations.list, out.relocations.list);
    let mut relocated = code.clone();
    out.relocations
        .apply(&mut relocated, there.relocations.origin);
    assert_ne!(relocated, code);
    assert_eq!(relocated, lowerer.asm.code());
}

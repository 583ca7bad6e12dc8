//! Each rule refuses something, and what it refuses is wrong by that rule alone.

use super::{RULES, Stage, flags, region, uppers};
use crate::mode::Key;
use crate::operand::{Size, VReg};
use crate::passes::link::link;
use crate::passes::live::{Flags, Live, Seen};
use crate::passes::upper::Uppers;
use crate::region::Region;
use crate::text::parse;
use alloc::string::String;
use alloc::vec::Vec;

/// A region that keeps to all rules: a loop, a call and where that returns to.
const GOOD: &str = "\
region
block 0x1000 entry loop preds 1
  words 8b020020 f8408c23 54ffffc1
  +0 8b020020: bin.add.w64.set r0, r1, r2
  +4 f8408c23: ! load.b8.zero r3, [r1 + 8]
  bin.add.w64 r1, r1, 0x8
  => branch.ne taken 0x1000, fall 0x100c
block 0x100c preds 1
  words 1e622820 94000400
  +0 1e622820: vfloat.add.d.scalar v0, v1, v2
  +4 94000400: address r30, 0x1014
  => call 0x200c, ret 0x1014
block 0x1014 entry
  words d4000001
  => supervisor imm 0, next 0x1018
";

fn good() -> Region {
    parse(GOOD).unwrap_or_else(|error| panic!("{error}"))
}

/// The rule that a region does not keep to.
fn broken(of: &Region) -> Option<&'static str> {
    region(of, Stage::Linked)
        .err()
        .map(|violation| violation.rule)
}

/// The good region with an operation in the place of its addition.
fn with(op: &str) -> String {
    GOOD.replace("bin.add.w64.set r0, r1, r2", op)
}

#[test]
fn each_rule_refuses() {
    let text = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        GOOD.replacen(from, to, 1)
    };
    let cases: Vec<(&str, String)> = [
        ("order", String::from("region\n")),
        ("order", text("block 0x1014", "block 0x1004")),
        ("order", text("block 0x1014", "block 0x100c")),
        (
            "entered",
            text("entry loop", "loop").replace("0x1014 entry", "0x1014"),
        ),
        ("instructions", text("+4 f8408c23", "+4 f8408c24")),
        ("instructions", text("+4 f8408c23", "+0 f8408c23")),
        ("instructions", text("+4 f8408c23", "+12 f8408c23")),
        (
            "instructions",
            text("words 8b020020 f8408c23", "words f8408c23 8b020020"),
        ),
        ("interpreter", with("! interpret 0x8b020021")),
        ("precise", text("+4 f8408c23: !", "!")),
        (
            "precise",
            with("vfloat.add.d.scalar v0, v1, v2").replace("+4 f8408c23: !", "!"),
        ),
        // What commits need not be the neighbour of what may fault.
        (
            "precise",
            text(
                "! load.b8.zero r3, [r1 + 8]",
                "bin.add.w64 r1, r1, 0x8\n  fence.full\n  ! load.b8.zero r3, [r1]",
            ),
        ),
        ("kept", with("keep-flags kept 3")),
        ("kept", with("merge-flags kept 3")),
        (
            "kept",
            with("keep-flags kept 3\n  bin.add.w64 r0, r1, r2\n  merge-flags kept 3"),
        ),
        (
            "kept",
            with("keep-flags kept 3\n  bin.add.w64.set r0, r1, r2\n  merge-flags kept 1"),
        ),
        (
            "kept",
            with("keep-flags kept 15\n  bin.add.w64.set r0, r1, r2\n  merge-flags kept 15"),
        ),
        ("conditions", with("if.eq")),
        ("conditions", with("end-if")),
        ("conditions", with("if.al\n  end-if")),
        ("conditions", with("if.eq\n  if.ne\n  end-if\n  end-if")),
        (
            "conditions",
            with("if.eq").replace("  bin.add.w64 r1, r1, 0x8\n", "  end-if\n"),
        ),
        (
            "precise",
            with("! load.b4.zero r1, [r1]\n  ! load.b4.zero r0, [r1 + 4]"),
        ),
        (
            "precise",
            with("! load.b4.zero r0, [r1]\n  ! load.b4.zero r0, [r2 + 4]"),
        ),
        ("kept", with("shift-flags.lsl r0, r1, amount 3")),
        ("slots", with("bin.add.w64 r32, r1, r2")),
        ("slots", with("bin.add.w64 r0, r1, r40 lsl 1")),
        ("slots", with("! load.b8.zero r0, [r1 + r33 lsl 0]")),
        ("slots", with("vmov v32, v0")),
        ("slots", with("vlanes.add.b4 v0, v1, v77[1]")),
        ("slots", text("=> branch.ne ", "=> branch-zero.w64 r99, ")),
        ("addresses", with("! load.b8.zero r0, [rz + 8]")),
        ("addresses", with("! load.b8.zero r0, [r1 + rz lsl 0]")),
        ("addresses", with("! load.b8.zero r0, [r1 + r2 lsl 5]")),
        ("addresses", with("! load.b8.zero r0, [r1 + r2 sxtb 0]")),
        ("constants", with("bin.add.w32 r0, r1, 0x100000000")),
        ("constants", with("bin.add.w32 r0, r1, r2 lsl 32")),
        ("constants", with("cond-compare.w32.eq r0, r1, nzcv 16")),
        ("constants", with("mov-keep.w32 r0, 1, shift 32")),
        ("constants", with("mov-keep.w64 r0, 1, shift 8")),
        ("constants", with("extract.w32 r0, r1, lsb 30, width 3")),
        ("constants", with("deposit.w64 r0, r1, lsb 3, width 0")),
        (
            "constants",
            with("insert.w64 r0, r1, to 0, from 60, width 5"),
        ),
        (
            "constants",
            with("keep-flags kept 1\n  shift-flags.lsl r0, r1, amount 32\n  merge-flags kept 1"),
        ),
        (
            "constants",
            with("keep-flags kept 1\n  shift-flags.ror r0, r1, amount 3\n  merge-flags kept 1"),
        ),
        ("constants", with("extract-pair.w32 r0, r1, r2, lsb 32")),
        (
            "constants",
            text("=> branch.ne ", "=> branch-bit r9, bit 64, "),
        ),
        ("sizes", with("! load.b16.zero r0, [r1]")),
        ("sizes", with("! load.b8.sign64 r0, [r1]")),
        ("sizes", with("! load.b4.sign32 r0, [r1]")),
        ("sizes", with("! load-pair.b2.zero r0, r3, [r1]")),
        ("sizes", with("! store-pair.b16 r0, r3, [r1]")),
        ("sizes", with("! check-aligned.b16 r1")),
        ("sizes", with("! rmw.add.b16 r0, r3, r1")),
        ("lanes", with("vlane.b4 v0, v1, lane 4")),
        ("lanes", with("vinsert-lane.b8 v0, to 0, v1, from 2")),
        ("lanes", with("! vload-dealt.b4 count 1, v0, [r1]")),
        ("lanes", with("vtable count 5, v0, v1, v2")),
        ("lanes", with("vextract.half v0, v1, v2, by 8")),
        ("lanes", with("vshift.shl.b4 v0, v1, by 33")),
        ("modes", with("! check-stack r31, to 0x1004 mode 0")),
        (
            "modes",
            text(
                "=> supervisor imm 0, next 0x1018",
                "=> if-aligned r31, 0xd4000001, to 0x1018 mode 0",
            ),
        ),
        ("returns", text("0x1014 entry", "0x1014")),
        (
            "returns",
            text("=> call 0x200c", "=> indirect.call r8, r30").replace("0x1014 entry", "0x1014"),
        ),
        ("edges", text("loop preds 1", "loop preds 2")),
        ("edges", text("loop preds 1", "preds 1")),
        ("edges", text("0x100c preds 1", "0x100c loop preds 1")),
    ]
    .into();
    let mut refused = Vec::from(["operations", "words"]);
    for (rule, text) in &cases {
        let region = parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(broken(&region), Some(*rule), "{text}");
        refused.push(rule);
    }
    for rule in RULES {
        assert!(refused.contains(&rule.name), "nothing breaks {}", rule.name);
    }
}

#[test]
fn operations_of_blocks_are_all() {
    assert_eq!(broken(&good()), None);
    for (block, start, end) in [(0, 0, 2), (0, 1, 3), (1, 4, 5), (2, 5, 6), (2, 5, 4)] {
        let mut region = good();
        (region.blocks[block].start, region.blocks[block].end) = (start, end);
        assert_eq!(broken(&region), Some("operations"), "{block} {start} {end}");
    }
}

#[test]
fn words_are_those_of_blocks() {
    let mut region = good();
    region.words.push(0xd503_201f);
    assert_eq!(broken(&region), Some("words"));
    region.words.truncate(2);
    assert_eq!(broken(&region), Some("words"));
}

#[test]
fn edges_are_asked_for_when_they_are_known() {
    let mut unlinked = good();
    for block in &mut unlinked.blocks {
        (block.preds, block.loop_head) = (0, false);
    }
    assert_eq!(region(&unlinked, Stage::Lifted), Ok(()));
    assert_eq!(broken(&unlinked), Some("edges"));
    link(&mut unlinked);
    assert_eq!(unlinked, good());
}

#[test]
fn several_loads_from_a_base_may_be_one_instructions() {
    let text = with("! load.b4.zero r0, [r1]\n  ! load.b4.zero r1, [r1 + 4]");
    let region = parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(broken(&region), None);
}

#[test]
fn scratch_may_be_written_before_a_fault() {
    let text = with("bin.add.w32 r20, r1, r2\n  ! load.b4.zero r0, [r20]");
    let mut region = parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(broken(&region), Some("precise"));
    region.scratch = 1 << 20;
    assert_eq!(broken(&region), None);
}

/// Flags that are set under a condition are what they were where it does not hold.
#[test]
fn flags_live_on_around_a_condition() {
    let text = with("if.eq\n  bin.add.w64.set r0, r1, r2\n  end-if");
    let region = parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(broken(&region), None);
    let mut facts = Flags::default();
    facts.compute(&region, dead);
    assert_eq!(flags(&region, &facts, dead), Ok(()));
    // Z decides now, and N, C and V may be seen behind.
    assert_eq!(facts.starts[0].read, 0b0100);
    assert_eq!(facts.starts[0].shown, 0b1111);
    facts.each[0] = Seen::default();
    facts.after[0] = Live::Dead;
    assert!(flags(&region, &facts, dead).is_err());
}

#[test]
fn upper_bits_are_lost_under_a_condition_and_never_gained() {
    let text = with("if.eq\n  vfloat.add.d.scalar v0, v1, v2\n  end-if");
    let region = parse(&text).unwrap_or_else(|error| panic!("{error}"));
    let mut facts = crate::passes::upper::Upper::default();
    for inst in region.block_ops(&region.blocks[0]) {
        facts.after(&inst.op);
    }
    assert!(facts.is_nothing());
}

/// Outside, nothing looks at the flags.
fn dead(_: Key) -> Live {
    Live::Dead
}

#[test]
fn liveness_that_says_less_is_refused() {
    let region = good();
    let mut computed = Flags::default();
    computed.compute(&region, dead);
    assert_eq!(flags(&region, &computed, dead), Ok(()));
    // More is allowed.
    assert!(flags(&region, &computed, |_| Live::Live).is_err());
    let mut more = Flags::default();
    more.compute(&region, |_| Live::Live);
    assert_eq!(flags(&region, &more, dead), Ok(()));
    let mut weakened = 0;
    type Facts = fn(&mut Flags) -> &mut Vec<Live>;
    let kinds: [Facts; 3] = [|f| &mut f.after, |f| &mut f.live_in, |f| &mut f.live_out];
    for facts in kinds {
        for at in 0..facts(&mut computed).len() {
            let said = facts(&mut computed)[at];
            for less in [Live::Dead, Live::Weak] {
                if less < said {
                    facts(&mut computed)[at] = less;
                    let violation = flags(&region, &computed, dead).err();
                    assert_eq!(violation.map(|v| v.rule), Some("liveness"));
                    weakened += 1;
                }
            }
            facts(&mut computed)[at] = said;
        }
    }
    assert!(weakened > 8, "{weakened}");
    // Each flag of each fact.
    let kinds: [fn(&mut Flags) -> &mut Vec<Seen>; 2] = [|f| &mut f.each, |f| &mut f.starts];
    let mut missed = 0;
    for facts in kinds {
        for at in 0..facts(&mut computed).len() {
            let said = facts(&mut computed)[at];
            for flag in (0..4).map(|n| 1 << n) {
                for (read, shown) in [(flag, 0), (0, flag)] {
                    if said.read & read | said.shown & !said.read & shown == 0 {
                        continue;
                    }
                    facts(&mut computed)[at] = Seen {
                        read: said.read & !read,
                        shown: said.shown & !shown,
                        ..said
                    };
                    let violation = flags(&region, &computed, dead).err();
                    assert_eq!(violation.map(|v| v.rule), Some("liveness"));
                    missed += 1;
                }
            }
            facts(&mut computed)[at] = said;
        }
    }
    assert!(missed > 8, "{missed}");
    computed.after.pop();
    assert!(flags(&region, &computed, dead).is_err());
}

#[test]
fn upper_bits_that_say_more_are_refused() {
    // The block behind the loop knows of the sum, and goes on to where nobody enters.
    let text = GOOD
        .replace(
            "bin.add.w64.set r0, r1, r2",
            "vfloat.add.d.scalar v3, v1, v2",
        )
        .replace("=> call 0x200c, ret 0x1014", "=> jump 0x1014")
        .replace("0x1014 entry", "0x1014 preds 1");
    let region = parse(&text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(broken(&region), None);
    let mut computed = Uppers::default();
    computed.compute(&region);
    assert_eq!(uppers(&region, &computed), Ok(()));
    assert!(computed.at_start[1].is_zero_above(VReg(3), Size::B8));
    let known = computed.at_start[2];
    assert_eq!(known.known().count(), 2);
    // At an entry; and where one way does not know it.
    for block in [0, 1] {
        let mut more = Uppers::default();
        more.compute(&region);
        more.at_start[block] = known;
        let violation = uppers(&region, &more).err();
        assert_eq!(violation.map(|v| v.rule), Some("upper"), "{block}");
    }
    computed.at_start.pop();
    assert!(uppers(&region, &computed).is_err());
}

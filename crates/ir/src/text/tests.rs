//! Any region that is printed is parsed to the same region, and errors in a text are told by
//! line and column.

use super::{parse, print};
use crate::fields::{Part, Source};
use crate::inst::Op;
use crate::mode::{Key, Mode};
use crate::operand::{Addr, Offset, Operand, Reg, Slots, VReg};
use crate::region::{Block, Inst, Region, Term};
use crate::text::print::EXTENDS;
use crate::vector::{Arg, VOp};
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::convert::Infallible;
use proptest::prelude::*;

/// Fields from bytes: anything that the types allow.
struct Random<'a>(core::iter::Cycle<core::slice::Iter<'a, u8>>);

impl Random<'_> {
    fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or_default()
    }

    /// Often small, or at an edge.
    fn wide(&mut self) -> u128 {
        let bytes = core::array::from_fn(|_| self.byte());
        let all = u128::from_le_bytes(bytes);
        match self.byte() % 4 {
            0 => all,
            1 => all >> (64 + self.byte() % 64),
            2 => u128::MAX >> (self.byte() % 128),
            _ => u128::from(self.byte()),
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
    fn half(&mut self) -> u64 {
        self.wide() as u64
    }

    fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    fn index(&mut self) -> (crate::Extend, u8) {
        (EXTENDS[self.below(EXTENDS.len())].0, self.byte())
    }
}

impl Source for Random<'_> {
    type Error = Infallible;

    fn word(&mut self, names: &[&'static str]) -> Result<usize, Infallible> {
        Ok(self.below(names.len()))
    }

    fn flag(&mut self, _: &'static str) -> Result<bool, Infallible> {
        Ok(self.byte() & 1 != 0)
    }

    fn slot(&mut self) -> Result<Reg, Infallible> {
        Ok(Reg(self.byte()))
    }

    fn vector(&mut self) -> Result<VReg, Infallible> {
        Ok(VReg(self.byte()))
    }

    fn number(&mut self, _: &'static str, most: u128) -> Result<u128, Infallible> {
        let number = self.wide();
        Ok(if number > most { number & most } else { number })
    }

    #[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
    fn instruction(&mut self) -> Result<u32, Infallible> {
        Ok(self.wide() as u32)
    }

    fn operand(&mut self) -> Result<Operand, Infallible> {
        Ok(match self.below(3) {
            0 => Operand::Imm(self.half()),
            1 => Operand::Reg(self.slot()?),
            _ => {
                let (extend, amount) = self.index();
                let reg = self.slot()?;
                Operand::Ext {
                    reg,
                    extend,
                    amount,
                }
            }
        })
    }

    fn arg(&mut self) -> Result<Arg, Infallible> {
        Ok(match self.below(4) {
            0 => Arg::Each(self.vector()?),
            1 => Arg::Lane(self.vector()?, self.byte()),
            2 => Arg::Const(self.half()),
            _ => Arg::Zero,
        })
    }

    fn addr(&mut self) -> Result<Addr, Infallible> {
        let base = self.slot()?;
        let offset = match self.below(3) {
            0 => Offset::Imm(self.half().cast_signed()),
            1 => return Ok(Addr::guest(self.half())),
            _ => {
                let (extend, amount) = self.index();
                let reg = self.slot()?;
                Offset::Reg {
                    reg,
                    extend,
                    amount,
                }
            }
        };
        Ok(Addr { base, offset })
    }

    fn key(&mut self, _: &'static str) -> Result<Key, Infallible> {
        let pc = self.half();
        let mode = Mode::from_number(self.byte().into());
        Ok(Key { pc, mode })
    }
}

fn op(random: &mut Random<'_>) -> Op {
    let all = Op::NAMES.len() + VOp::NAMES.len();
    let which = random.below(all);
    let name = Op::NAMES.iter().chain(VOp::NAMES).nth(which);
    op_called(name.unwrap_or(&"imm"), random)
}

fn op_called(name: &str, random: &mut Random<'_>) -> Op {
    let Some(Ok(op)) = Op::read(name, random) else {
        panic!("no operation is called {name}")
    };
    op
}

fn term(random: &mut Random<'_>) -> Term {
    let name = Term::NAMES[random.below(Term::NAMES.len())];
    let Some(Ok(term)) = Term::read(name, random) else {
        panic!("no end is called {name}")
    };
    term
}

/// Any region: what the types hold, not what makes sense.
fn region(random: &mut Random<'_>) -> Region {
    let mut region = Region {
        mode: Mode::from_number(random.byte().into()),
        slots: Slots {
            ints: random.byte() % 65,
            vectors: random.byte() % 65,
        },
        scratch: u32::from(random.byte()) << 16,
        ..Region::default()
    };
    for _ in 0..random.below(5) {
        let start = u32::try_from(region.ops.len()).unwrap_or(0);
        let mut at = (0, 0);
        for _ in 0..random.below(6) {
            if random.byte() & 1 != 0 {
                let Ok(word) = random.instruction();
                at = (at.0 + 4, word);
            }
            let (offset, word) = at;
            let op = op(random);
            let flushes = random.byte() & 1 != 0;
            region.ops.push(Inst {
                op,
                offset,
                word,
                flushes,
            });
        }
        let insns = u32::from(random.byte() % 4);
        for _ in 0..insns {
            let Ok(word) = random.instruction();
            region.words.push(word);
        }
        region.blocks.push(Block {
            pc: random.half(),
            start,
            end: u32::try_from(region.ops.len()).unwrap_or(0),
            insns,
            term: term(random),
            entry: random.byte() & 1 != 0,
            loop_head: random.byte() & 1 != 0,
            preds: random.byte().into(),
        });
    }
    region
}

proptest! {
    #[test]
    fn any_region_comes_back(bytes in prop::collection::vec(any::<u8>(), 1..800)) {
        let region = region(&mut Random(bytes.iter().cycle()));
        let text = print(&region);
        match parse(&text) {
            Ok(again) => prop_assert_eq!(again, region, "{}", text),
            Err(error) => prop_assert!(false, "{error}\n{text}"),
        }
    }

    /// Nothing that is done to a text makes the parser panic, and what it takes comes
    /// back.
    #[test]
    fn any_text_is_read_or_refused(
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 0..6),
    ) {
        let text = print(&region(&mut Random(bytes.iter().cycle())));
        let mut text: Vec<char> = text.chars().collect();
        for (at, with) in changes {
            let at = at.index(text.len());
            match u32::from(with) % 3 {
                0 => text[at] = with,
                1 => text.insert(at, with),
                _ => { text.remove(at); }
            }
            if text.is_empty() {
                break;
            }
        }
        let text: String = text.into_iter().collect();
        if let Ok(region) = parse(&text) {
            prop_assert_eq!(parse(&print(&region)), Ok(region));
        }
    }
}

/// Each operation, with each of its words and flags.
#[test]
fn every_operation_comes_back() {
    for name in Op::NAMES.iter().chain(VOp::NAMES) {
        for seed in 0..=255_u8 {
            let bytes: Vec<u8> = (0..61_u8).map(|n| seed.wrapping_mul(n | 1) ^ n).collect();
            let op = op_called(name, &mut Random(bytes.iter().cycle()));
            assert_eq!(op.name(), *name);
            let mark = if op.may_fault() { "! " } else { "" };
            let line = super::operation(&op);
            let text = alloc::format!("region\nblock 0x0\n  {mark}{line}\n  => no-fetch 0x0\n");
            let again = parse(&text).map(|region| region.ops[0].op);
            assert_eq!(again, Ok(op), "{line}");
        }
    }
}

#[test]
fn names_are_told_apart() {
    let mut names: Vec<&str> = Op::NAMES.iter().chain(VOp::NAMES).copied().collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
    // No flag of an operation is named as one of its words might be.
    for name in Op::NAMES.iter().chain(VOp::NAMES) {
        let op = op_called(name, &mut Random([0xff].iter().cycle()));
        let (mut flags, mut words) = (Vec::new(), Vec::new());
        op.parts(&mut |part| match part {
            Part::Flag(flag, _) => flags.push(flag),
            Part::Word(word) => words.push(word),
            _ => {}
        });
        assert!(!flags.iter().any(|flag| words.contains(flag)), "{name}");
    }
}

#[test]
fn a_region_reads_as_the_page_says() {
    let text = "\
region mode 1
block 0x1000 entry loop preds 1
  words 8b020020 f8408c23 54ffffc1
  +0 8b020020: bin.add.w64 r0, r1, r2
  +4 f8408c23: ! load.b8.zero r3, [r1 + 8]
  bin.add.w64.set r1, r1, 0x8
  ! vload.b16 v3, [r1 + r2 uxtw 4]
  ! load-pair.b4.sign64 r0, rz, [@0x2000]
  ! check-stack r31, to 0x1004 mode 3
  => branch.ne taken 0x1000, fall 0x1008
block 0x1008 preds 1
  vmul-add.neg_addend.d.full v0, v1, v2[1], v3
  fence.loads
  => indirect.return r30, rz, ret 0x100c
";
    let region = parse(text).map(|region| print(&region));
    assert_eq!(region.as_deref(), Ok(text));
    // A word that is zero need not be there.
    let short = parse("region\nblock 0x0\n  +8: fence.full\n  => jump 0x0\n");
    assert_eq!(short.map(|region| region.ops[0].offset), Ok(8));
    // Spaces and comments are nobody's.
    let spaced = text
        .replace(", ", " ,  ")
        .replace("\n  ", "\n\t ; none\n\n   ");
    assert_eq!(
        parse(&spaced).map(|region| print(&region)).as_deref(),
        Ok(text)
    );
}

#[test]
fn errors_say_where_and_what() {
    let op = |line: &str| alloc::format!("region\nblock 0x1000\n  {line}\n  => jump 0x0\n");
    let cases: [(String, &str); 25] = [
        (
            String::new(),
            "line 1, column 1: a region begins with a line `region`",
        ),
        (
            "block 0x0".into(),
            "line 1, column 1: a region begins with `region`; found `block`",
        ),
        (
            "region mode 64".into(),
            "line 1, column 13: a number of at most 0x3f is wanted; found `64`",
        ),
        (
            "region\n  imm r0, 0x1".into(),
            "line 2, column 3: a block is wanted, as `block 0x1000`; found `imm`",
        ),
        (
            "region\nblock x".into(),
            "line 2, column 7: a number is wanted; found `x`",
        ),
        (
            "region\nblock 0x0 hot".into(),
            "line 2, column 11: `entry`, `loop` or `preds` is wanted; found `hot`",
        ),
        (
            "region\nblock 0x0\nblock 0x4".into(),
            "line 3, column 1: the block before has no end: a line that begins with `=>`; found `block`",
        ),
        (
            "region\nblock 0x0\n\n".into(),
            "line 3, column 1: the last block has no end: a line that begins with `=>`",
        ),
        (
            "region\nblock 0x0\n  => fly 0x0".into(),
            "line 3, column 6: no end of a block is called `fly`; found `fly`",
        ),
        (
            op("word 1"),
            "line 3, column 3: no operation is called `word`; found `word`",
        ),
        (
            op("words 123"),
            "line 3, column 9: a word of eight hexadecimal digits is wanted; found `123`",
        ),
        (
            op("words +1234567"),
            "line 3, column 9: a word of eight hexadecimal digits is wanted; found `+1234567`",
        ),
        (
            op("frob.w64 r0"),
            "line 3, column 3: no operation is called `frob`; found `frob.w64`",
        ),
        (
            op("mov r0, r1"),
            "line 3, column 6: one of w32, w64 is wanted; found nothing",
        ),
        (
            op("mov.w16 r0, r1"),
            "line 3, column 7: one of w32, w64 is wanted; found w16",
        ),
        (
            op("mov.w32.set r0, r1"),
            "line 3, column 11: `set` is too much",
        ),
        (
            op("mov.w32 r0"),
            "line 3, column 13: `,` is wanted; the line ends",
        ),
        (
            op("mov.w32 r0, r1, r2"),
            "line 3, column 17: nothing more is wanted here; found `,`",
        ),
        (
            op("mov.w32 r0, x1"),
            "line 3, column 15: an integer slot is wanted, `r0` or `rz`; found `x1`",
        ),
        (
            op("mov.w32 r0, r256"),
            "line 3, column 16: a number of at most 0xff is wanted; found `256`",
        ),
        (
            op("vmov v0, r1"),
            "line 3, column 12: a vector slot is wanted, as `v0`; found `r1`",
        ),
        (
            op("extract.w32 r0, r1, 3, width 4"),
            "line 3, column 23: `lsb` is wanted; found `3,`",
        ),
        (
            op("load.b8.zero r0, [r1]"),
            "line 3, column 3: an operation that may fault has `!` before it; found `load.b8.zero`",
        ),
        (
            op("! imm r0, 0x0"),
            "line 3, column 5: an operation that can't fault has no `!` before it; found `imm`",
        ),
        (
            op("! load.b8.zero r0, [r1 + r2 rol 1]"),
            "line 3, column 31: what is done to the register is wanted, as `lsl 2`; found `rol`",
        ),
    ];
    for (text, wanted) in cases {
        let error = parse(&text).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(wanted), "{text}");
    }
}

//! From a region to text, for people and for tests that compare single stages.
//!
//! A line has one instruction of the guest's, an operation, or a block's end. Invariant: nothing of
//! a region is left out, so that [`super::parse`] makes the same region of it; what is usual (the
//! mode, the number of slots) is not written.

use crate::fields::Part;
use crate::inst::Op;
use crate::mode::Mode;
use crate::operand::{Addr, Extend, Offset, Operand, Reg, Slots};
use crate::region::{Block, Inst, Region, Term};
use crate::vector::Arg;
use alloc::string::String;
use core::fmt::{self, Write as _};

/// What a note is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The start of the block of that number.
    Block(usize),
    /// The operation of that number.
    Op(usize),
    /// The end of the block of that number.
    End(usize),
}

/// A region as text.
#[must_use]
pub fn print(region: &Region) -> String {
    print_with(region, &|_| None)
}

/// The same, with a note behind each line that has one.
#[must_use]
pub fn print_with(region: &Region, note: &dyn Fn(Place) -> Option<String>) -> String {
    let mut out = String::from("region");
    if region.mode != Mode::PLAIN {
        let _ = write!(out, " mode {}", region.mode.number());
    }
    if region.slots != Slots::USUAL {
        let Slots { ints, vectors } = region.slots;
        let _ = write!(out, " slots {ints} {vectors}");
    }
    if region.scratch != 0 {
        let _ = write!(out, " scratch {:#x}", region.scratch);
    }
    out.push('\n');
    let mut words = region.words.as_slice();
    let mut line = |text: &str, place| {
        out.push_str(text);
        if let Some(note) = note(place) {
            let _ = write!(out, "  ; {note}");
        }
        out.push('\n');
    };
    for (index, block) in region.blocks.iter().enumerate() {
        line(&header(block), Place::Block(index));
        let (of_block, others) = words.split_at(words.len().min(block.insns as usize));
        words = others;
        if !of_block.is_empty() {
            let mut text = String::from("  words");
            for word in of_block {
                let _ = write!(text, " {word:08x}");
            }
            // No note is about them.
            line(&text, Place::Op(usize::MAX));
        }
        let mut before = (0, 0);
        for at in block.start as usize..block.end as usize {
            let inst = &region.ops[at];
            line(&instruction(inst, before), Place::Op(at));
            before = (inst.offset, inst.word);
        }
        let end = alloc::format!("  => {}", term(&block.term));
        line(&end, Place::End(index));
    }
    out
}

fn header(block: &Block) -> String {
    let mut text = alloc::format!("block {:#x}", block.pc);
    if block.entry {
        text.push_str(" entry");
    }
    if block.loop_head {
        text.push_str(" loop");
    }
    if block.preds > 0 {
        let _ = write!(text, " preds {}", block.preds);
    }
    text
}

fn instruction(inst: &Inst, before: (u32, u32)) -> String {
    let mut text = String::from("  ");
    if (inst.offset, inst.word) != before {
        let _ = write!(text, "+{}", inst.offset);
        if inst.word != 0 {
            let _ = write!(text, " {:08x}", inst.word);
        }
        text.push_str(": ");
    }
    if inst.op.may_fault() {
        text.push_str("! ");
    }
    if inst.flushes {
        text.push_str("flushed ");
    }
    text.push_str(&operation(&inst.op));
    text
}

/// An operation as text.
#[must_use]
pub fn operation(op: &Op) -> String {
    let mut line = Line::new(op.name());
    op.parts(&mut |part| line.part(part));
    line.text()
}

/// The end of a block as text.
#[must_use]
pub fn term(term: &Term) -> String {
    let mut line = Line::new(term.name());
    term.parts(&mut |part| line.part(part));
    line.text()
}

/// Whether a number of this name is told without it.
pub(super) fn is_plain(name: &str) -> bool {
    matches!(name, "value" | "target" | "pc")
}

/// A line: what stands behind dots, and what between commas.
struct Line {
    head: String,
    operands: String,
}

impl Line {
    fn new(name: &str) -> Self {
        Self {
            head: String::from(name),
            operands: String::new(),
        }
    }

    fn text(mut self) -> String {
        self.head.push_str(&self.operands);
        self.head
    }

    fn modifier(&mut self, name: &str) {
        self.head.push('.');
        self.head.push_str(name);
    }

    fn operand(&mut self, text: fmt::Arguments<'_>) {
        let before = if self.operands.is_empty() { " " } else { ", " };
        self.operands.push_str(before);
        let _ = self.operands.write_fmt(text);
    }

    fn part(&mut self, part: Part) {
        match part {
            Part::Word(name) | Part::Flag(name, true) => self.modifier(name),
            Part::Flag(_, false) => {}
            Part::Slot(reg) => self.operand(format_args!("{}", Slot(reg))),
            Part::Vector(reg) => self.operand(format_args!("v{}", reg.0)),
            Part::Count(name, n) if is_plain(name) => self.operand(format_args!("{n}")),
            Part::Count(name, n) => self.operand(format_args!("{name} {n}")),
            Part::Instruction(word) => self.operand(format_args!("{word:#010x}")),
            Part::Constant(name, n) if is_plain(name) => self.operand(format_args!("{n:#x}")),
            Part::Constant(name, n) => self.operand(format_args!("{name} {n:#x}")),
            Part::Operand(operand) => self.operand(format_args!("{}", Second(operand))),
            Part::Arg(arg) => self.operand(format_args!("{}", Lanes(arg))),
            Part::Addr(addr) => self.operand(format_args!("{}", Address(addr))),
            Part::Key(name, key) => {
                let mode = key.mode.number();
                self.operand(format_args!("{name} {:#x} mode {mode}", key.pc));
            }
        }
    }
}

struct Slot(Reg);

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_zero() {
            f.write_str("rz")
        } else {
            write!(f, "r{}", self.0.0)
        }
    }
}

/// The names of what is done to a register, by their order.
pub(super) const EXTENDS: [(Extend, &str); 10] = [
    (Extend::Lsl, "lsl"),
    (Extend::Lsr, "lsr"),
    (Extend::Asr, "asr"),
    (Extend::Ror, "ror"),
    (Extend::Uxtb, "uxtb"),
    (Extend::Uxth, "uxth"),
    (Extend::Uxtw, "uxtw"),
    (Extend::Sxtb, "sxtb"),
    (Extend::Sxth, "sxth"),
    (Extend::Sxtw, "sxtw"),
];

/// A slot, extended.
struct Extended(Reg, Extend, u8);

impl fmt::Display for Extended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(reg, extend, amount) = *self;
        let (_, name) = EXTENDS[extend as usize];
        write!(f, "{} {name} {amount}", Slot(reg))
    }
}

struct Second(Operand);

impl fmt::Display for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Operand::Imm(value) => write!(f, "{value:#x}"),
            Operand::Reg(reg) => Slot(reg).fmt(f),
            Operand::Ext {
                reg,
                extend,
                amount,
            } => Extended(reg, extend, amount).fmt(f),
        }
    }
}

struct Lanes(Arg);

impl fmt::Display for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Arg::Each(reg) => write!(f, "v{}", reg.0),
            Arg::Lane(reg, lane) => write!(f, "v{}[{lane}]", reg.0),
            Arg::Const(value) => write!(f, "{value:#x}"),
            Arg::Zero => f.write_str("zero"),
        }
    }
}

struct Address(Addr);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = Slot(self.0.base);
        match self.0.offset {
            Offset::Guest(address) => write!(f, "[@{address:#x}]"),
            Offset::Imm(0) => write!(f, "[{base}]"),
            Offset::Imm(imm) => {
                let sign = if imm < 0 { '-' } else { '+' };
                write!(f, "[{base} {sign} {}]", imm.unsigned_abs())
            }
            Offset::Reg {
                reg,
                extend,
                amount,
            } => write!(f, "[{base} + {}]", Extended(reg, extend, amount)),
        }
    }
}

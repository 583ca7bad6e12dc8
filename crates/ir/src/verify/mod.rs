//! The verifier: rules that every region keeps to. A rule is a name, a sentence and a
//! check.
//!
//! A region is verified after each pass in builds with debug assertions, and thus in
//! all tests. A release does not verify.
//!
//! There is no rule that a value is written before it is read: values live in slots and
//! flags alone, and a guest has those from its start.
//!
//! What a pass found out about a region is not computed a second time. The check is that
//! each of its facts follows from the facts one step further ([`flags`], [`uppers`]).

use crate::fields::Part;
use crate::inst::{Fill, Op};
use crate::mode::Key;
use crate::operand::{Addr, Extend, Offset, Operand, Reg, Size, VReg, Width};
use crate::passes::live::{Flags, Live, Seen};
use crate::passes::upper::Uppers;
use crate::region::{Block, Region, Term};
use crate::text;
use crate::vector::{Arg, VOp};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How far a region has come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Stage {
    /// Its blocks are lifted.
    Lifted,
    /// Its edges are known.
    Linked,
}

/// Something that is so in every region.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it is called.
    pub name: &'static str,
    /// What is so.
    pub says: &'static str,
    /// From where on.
    pub from: Stage,
    /// What is not so, and where.
    check: fn(&Region) -> Option<String>,
}

/// A rule that a region does not keep to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The rule's name.
    pub rule: &'static str,
    /// What the rule says.
    pub says: &'static str,
    /// What is wrong, and where.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.what, self.says, self.rule)
    }
}

impl core::error::Error for Violation {}

/// All rules of a region, those first that others rely on.
pub const RULES: &[Rule] = &[
    rule(
        "operations",
        "the operations of all blocks lie one behind the other, and are all there are",
        operations_are_the_blocks,
    ),
    rule(
        "order",
        "there is a block, and blocks are in the order of their addresses",
        blocks_ascend,
    ),
    rule("entered", "a block is entered from outside", some_entry),
    rule(
        "words",
        "there is a word for each instruction",
        words_are_counted,
    ),
    rule(
        "instructions",
        "the operations of a block are those of its instructions, as far as these are told, \
         in their order",
        instructions_ascend,
    ),
    rule(
        "interpreter",
        "what the interpreter does is the operation's own instruction",
        interprets_itself,
    ),
    rule(
        "precise",
        "nothing is written in an instruction before its last operation that may fault, but \
         scratch, and what one load of several from a base loads",
        commits_last,
    ),
    rule(
        "kept",
        "flags are kept over one operation that sets all and cannot fault",
        flags_are_merged,
    ),
    rule(
        "conditions",
        "what is done under a condition is a part of one instruction",
        conditions_are_paired,
    ),
    rule("slots", "slots are those that a guest has", slots_exist),
    rule(
        "addresses",
        "an address is a guest's, or a slot and what is added to it",
        addresses_are_whole,
    ),
    rule(
        "constants",
        "constants and amounts are within the operation's width",
        constants_fit,
    ),
    rule(
        "sizes",
        "an access is of a size that its slots hold",
        sizes_fit,
    ),
    rule(
        "lanes",
        "lanes, counts and distances are within a vector slot",
        lanes_fit,
    ),
    rule(
        "modes",
        "what leaves for the sake of the mode leaves to another",
        modes_change,
    ),
    rule(
        "returns",
        "where a call comes back to is an entry",
        returns_enter,
    ),
    Rule {
        name: "edges",
        says: "edges are counted, and heads of loops marked",
        from: Stage::Linked,
        check: edges_are_known,
    },
];

const fn rule(
    name: &'static str,
    says: &'static str,
    check: fn(&Region) -> Option<String>,
) -> Rule {
    Rule {
        name,
        says,
        from: Stage::Lifted,
        check,
    }
}

/// Whether a region keeps to all rules.
///
/// # Errors
/// The first that it does not keep to.
pub fn region(region: &Region, stage: Stage) -> Result<(), Violation> {
    for rule in RULES.iter().filter(|rule| rule.from <= stage) {
        if let Some(what) = (rule.check)(region) {
            let Rule { name, says, .. } = *rule;
            return Err(Violation {
                rule: name,
                says,
                what,
            });
        }
    }
    Ok(())
}

/// Asserts that what comes of a pass is sound, where debug assertions are on.
///
/// # Panics
/// When it is not; the region is printed.
pub fn assert(region: &Region, check: impl FnOnce() -> Result<(), Violation>) {
    if cfg!(debug_assertions)
        && let Err(violation) = check()
    {
        panic!("{violation}\n{}", text::print(region));
    }
}

/// Where an operation is, in words.
fn at(region: &Region, op: usize) -> String {
    let inst = &region.ops[op];
    format!("operation {op}, `{}`", text::operation(&inst.op))
}

/// The first operation of which something is wrong.
fn each_op(region: &Region, mut wrong: impl FnMut(&Op) -> Option<String>) -> Option<String> {
    let mut ops = region.ops.iter().enumerate();
    ops.find_map(|(n, inst)| {
        let what = wrong(&inst.op)?;
        Some(format!("{}: {what}", at(region, n)))
    })
}

/// The first part of an operation, or of a block's end, of which something is wrong.
fn each_part(region: &Region, wrong: impl Fn(Part) -> Option<String>) -> Option<String> {
    let of_ops = each_op(region, |op| {
        let mut what = None;
        op.parts(&mut |part| what = what.take().or_else(|| wrong(part)));
        what
    });
    of_ops.or_else(|| {
        region.blocks.iter().find_map(|block| {
            let mut what = None;
            let term = &block.term;
            term.parts(&mut |part| what = what.take().or_else(|| wrong(part)));
            let what = what?;
            Some(format!("`{}`: {what}", text::term(term)))
        })
    })
}

fn operations_are_the_blocks(region: &Region) -> Option<String> {
    let mut end = 0;
    for block in &region.blocks {
        let (from, to) = (block.start as usize, block.end as usize);
        if from != end || to < from || to > region.ops.len() {
            return Some(format!("block {:#x} has {from} to {to}", block.pc));
        }
        end = to;
    }
    (end != region.ops.len()).then(|| format!("{end} of {}", region.ops.len()))
}

fn blocks_ascend(region: &Region) -> Option<String> {
    if region.blocks.is_empty() {
        return Some(String::from("no block"));
    }
    let pair = region
        .blocks
        .windows(2)
        .find(|pair| pair[0].pc >= pair[1].pc)?;
    Some(format!(
        "block {:#x} is behind {:#x}",
        pair[1].pc, pair[0].pc
    ))
}

fn some_entry(region: &Region) -> Option<String> {
    let entered = region.blocks.iter().any(|block| block.entry);
    (!entered).then(|| String::from("no entry"))
}

fn words_are_counted(region: &Region) -> Option<String> {
    let insns: usize = region.blocks.iter().map(|b| b.insns as usize).sum();
    let words = region.words.len();
    (insns != words).then(|| format!("{insns} instructions, {words} words"))
}

fn instructions_ascend(region: &Region) -> Option<String> {
    let mut words = region.words.as_slice();
    for (index, block) in region.blocks.iter().enumerate() {
        let (of_block, rest) = words.split_at(words.len().min(block.insns as usize));
        words = rest;
        // Another block may begin within an instruction, but not with one.
        let others = &region.blocks[index + 1..];
        let (mut left, mut before) = (of_block.iter(), None);
        for n in block.start as usize..block.end as usize {
            let inst = &region.ops[n];
            let here = Some((inst.offset, inst.word));
            let behind = before.is_some_and(|(offset, _)| inst.offset <= offset);
            let pc = block.pc.wrapping_add(inst.offset.into());
            let beyond = others.binary_search_by_key(&pc, |other| other.pc).is_ok();
            if here == before {
                continue;
            }
            let told = of_block.is_empty() || left.any(|&word| word == inst.word);
            if behind || beyond || !told {
                return Some(at(region, n));
            }
            before = here;
        }
    }
    None
}

fn interprets_itself(region: &Region) -> Option<String> {
    let mut ops = region.ops.iter().enumerate();
    let (n, _) =
        ops.find(|(_, inst)| matches!(inst.op, Op::Interpret { word } if word != inst.word))?;
    Some(at(region, n))
}

/// Whether an operation changes what a fault shows.
fn commits(op: &Op, scratch: u32) -> bool {
    let vector = match op {
        Op::Vector(v) => v.written_int().is_zero() && !stores(v),
        _ => false,
    };
    let merges = matches!(op, Op::MergeFlags { .. });
    let told = |reg: &Reg| scratch.checked_shr(reg.0.into()).unwrap_or(0) & 1 == 0;
    let writes = op.written().iter().flatten().any(told);
    vector || merges || op.sets_flags() || writes
}

const fn stores(v: &VOp) -> bool {
    matches!(
        v,
        VOp::Store { .. }
            | VOp::StorePair { .. }
            | VOp::StoreLane { .. }
            | VOp::StoreMany { .. }
            | VOp::StoreLanes { .. }
            | VOp::StoreDealt { .. }
    )
}

/// Whether two operations are loads of several slots from one base, which the first leaves as it
/// is: the instruction may be done again when the second faults.
fn loads_on(first: &Op, second: &Op) -> bool {
    let base = |op: &Op| {
        let (Op::Load { addr, .. }
        | Op::Vector(VOp::Load { addr, .. } | VOp::LoadLane { addr, .. })) = *op
        else {
            return None;
        };
        matches!(addr.offset, Offset::Imm(_)).then_some(addr.base)
    };
    base(first).is_some_and(|of| base(second) == Some(of) && !first.writes(of))
}

fn commits_last(region: &Region) -> Option<String> {
    region.blocks.iter().find_map(|block| {
        let (mut of, mut committed) = (None, false);
        let ops = region.block_ops(block);
        let mut ops_by_number = ops.iter().enumerate();
        let wrong = ops_by_number.position(|(n, inst)| {
            if of.replace((inst.offset, inst.word)) != Some((inst.offset, inst.word)) {
                committed = false;
            }
            // A question about the mode is between two instructions.
            let asks = matches!(inst.op, Op::CheckStack { .. });
            let late = committed && inst.op.may_fault() && !asks;
            let next = ops.get(n + 1).filter(|next| next.offset == inst.offset);
            let goes_on = next.is_some_and(|next| loads_on(&inst.op, &next.op));
            committed |= commits(&inst.op, region.scratch) && !goes_on;
            late
        })?;
        Some(at(region, block.start as usize + wrong))
    })
}

fn flags_are_merged(region: &Region) -> Option<String> {
    region.blocks.iter().find_map(|block| {
        let ops = region.block_ops(block);
        let op = |n: usize| ops.get(n).map(|inst| (&inst.op, inst.offset));
        let whole = |n: usize| {
            let (Some((Op::KeepFlags { kept }, a)), Some((setter, b)), Some((merge, c))) =
                (op(n), op(n + 1), op(n + 2))
            else {
                return false;
            };
            let merges = matches!(merge, Op::MergeFlags { kept: merged } if merged == kept);
            merges
                && (1..0b1111).contains(kept)
                && setter.sets_flags()
                && !setter.may_fault()
                && a == b
                && b == c
        };
        let wrong = (0..ops.len()).find(|&n| match ops[n].op {
            Op::KeepFlags { .. } => !whole(n),
            Op::MergeFlags { .. } => n < 2 || !whole(n - 2),
            // V is kept.
            Op::ShiftFlags { .. } => {
                let before = n.checked_sub(1).map(|before| ops[before].op);
                !matches!(before, Some(Op::KeepFlags { kept }) if kept & 1 != 0)
            }
            _ => false,
        })?;
        Some(at(region, block.start as usize + wrong))
    })
}

fn conditions_are_paired(region: &Region) -> Option<String> {
    region.blocks.iter().find_map(|block| {
        let ops = region.block_ops(block);
        let mut of = None;
        let wrong = ops.iter().position(|inst| {
            let here = Some(inst.offset);
            match inst.op {
                Op::If { cond } => of.replace(inst.offset).is_some() || cond.always(),
                Op::EndIf => of.take() != here,
                Op::CheckStack { .. } | Op::Call { .. } => of.is_some(),
                _ => of.is_some() && of != here,
            }
        });
        let wrong = wrong.or_else(|| of.and(ops.len().checked_sub(1)))?;
        Some(at(region, block.start as usize + wrong))
    })
}

fn slots_exist(region: &Region) -> Option<String> {
    let int = |reg: Reg| {
        let is = reg.is_zero() || reg.0 < region.slots.ints;
        (!is).then(|| format!("slot {}", reg.0))
    };
    let vector = |reg: VReg| {
        let is = reg.0 < region.slots.vectors;
        (!is).then(|| format!("vector slot {}", reg.0))
    };
    let listed = each_op(region, |op| match op {
        Op::Vector(v) => {
            let (first, count) = v.list()?;
            (0..count).find_map(|n| vector(first.after(n)))
        }
        _ => None,
    });
    listed.or_else(|| {
        each_part(region, |part| match part {
            Part::Slot(reg) => int(reg),
            Part::Vector(reg) | Part::Arg(Arg::Each(reg) | Arg::Lane(reg, _)) => vector(reg),
            Part::Operand(operand) => int(operand.slot()),
            Part::Addr(addr) => addr.slots().into_iter().find_map(int),
            _ => None,
        })
    })
}

fn addresses_are_whole(region: &Region) -> Option<String> {
    each_part(region, |part| {
        let Part::Addr(Addr { base, offset }) = part else {
            return None;
        };
        let whole = match offset {
            Offset::Guest(_) => base.is_zero(),
            Offset::Imm(_) => !base.is_zero(),
            Offset::Reg {
                reg,
                extend,
                amount,
            } => {
                let extended = matches!(extend, Extend::Lsl | Extend::Uxtw | Extend::Sxtw);
                !base.is_zero() && !reg.is_zero() && extended && amount <= 4
            }
        };
        (!whole).then(|| String::from("the address"))
    })
}

/// Whether a second operand is of a width.
const fn operand_fits(w: Width, operand: Operand) -> bool {
    match operand {
        Operand::Imm(value) => value & !w.mask() == 0,
        Operand::Reg(_) => true,
        Operand::Ext { amount, .. } => amount < w.bits(),
    }
}

/// Whether a field is inside a width.
const fn field_fits(w: Width, lsb: u8, width: u8) -> bool {
    width > 0 && lsb as u16 + width as u16 <= w.bits() as u16
}

fn constants_fit(region: &Region) -> Option<String> {
    let of_ops = each_op(region, |op| {
        let fits = match *op {
            Op::Bin { w, b, .. } => operand_fits(w, b),
            Op::CondCompare { w, b, nzcv, .. } => operand_fits(w, b) && nzcv < 16,
            Op::MovKeep { w, shift, .. } => shift.is_multiple_of(16) && shift < w.bits(),
            Op::Extract { w, lsb, width, .. } | Op::Deposit { w, lsb, width, .. } => {
                field_fits(w, lsb, width)
            }
            Op::Insert {
                w, to, from, width, ..
            } => field_fits(w, to, width) && field_fits(w, from, width),
            Op::ExtractPair { w, lsb, .. } => lsb < w.bits(),
            Op::ShiftFlags { op, amount, .. } => {
                (1..32).contains(&amount) && op != crate::inst::ShiftOp::Ror
            }
            Op::Vector(VOp::FloatCondCompare { nzcv, .. }) => nzcv < 16,
            _ => true,
        };
        (!fits).then(|| String::from("a constant"))
    });
    of_ops.or_else(|| {
        let wide = |block: &&Block| matches!(block.term, Term::BranchBit { bit, .. } if bit > 63);
        let block = region.blocks.iter().find(wide)?;
        Some(format!("`{}`", text::term(&block.term)))
    })
}

fn sizes_fit(region: &Region) -> Option<String> {
    each_op(region, |op| {
        let fits = match *op {
            Op::Load { size, fill, .. } | Op::LoadAcquire { size, fill, .. } => {
                let signed = match fill {
                    Fill::Zero => Size::B8,
                    Fill::Sign32 => Size::B2,
                    Fill::Sign64 => Size::B4,
                };
                size <= signed
            }
            Op::LoadPair { size, fill, .. } => {
                let most = if fill == Fill::Sign64 {
                    Size::B4
                } else {
                    Size::B8
                };
                (Size::B4..=most).contains(&size) && fill != Fill::Sign32
            }
            Op::StorePair { size, .. } => (Size::B4..=Size::B8).contains(&size),
            Op::Store { size, .. }
            | Op::StoreRelease { size, .. }
            | Op::Rmw { size, .. }
            | Op::CompareSwap { size, .. }
            | Op::LoadExclusive { size, .. }
            | Op::StoreExclusive { size, .. }
            | Op::Crc { size, .. }
            | Op::CheckAligned { size, .. }
            | Op::Vector(VOp::FromInt { size, .. } | VOp::ToInt { size, .. }) => size <= Size::B8,
            _ => true,
        };
        (!fits).then(|| String::from("its size"))
    })
}

fn lanes_fit(region: &Region) -> Option<String> {
    each_op(region, |op| {
        let Op::Vector(v) = *op else {
            return None;
        };
        let lane_of = |e: Size, lane: u8| e <= Size::B8 && lane < 16 / e.bytes();
        let fits = match v {
            VOp::LoadLane { e, lane, .. }
            | VOp::StoreLane { e, lane, .. }
            | VOp::Dup { e, lane, .. }
            | VOp::Lane { e, lane, .. }
            | VOp::InsertInt { e, lane, .. }
            | VOp::GetLane { e, lane, .. } => lane_of(e, lane),
            VOp::InsertLane { e, to, from, .. } => lane_of(e, to) && lane_of(e, from),
            VOp::LoadLanes { e, lane, count, .. } | VOp::StoreLanes { e, lane, count, .. } => {
                lane_of(e, lane) && (1..=4).contains(&count)
            }
            VOp::LoadMany { count, .. }
            | VOp::StoreMany { count, .. }
            | VOp::LoadDups { count, .. }
            | VOp::Table { count, .. } => (1..=4).contains(&count),
            VOp::LoadDealt { e, count, .. } | VOp::StoreDealt { e, count, .. } => {
                e <= Size::B8 && (2..=4).contains(&count)
            }
            VOp::Extract { half, by, .. } => by < if half { 8 } else { 16 },
            VOp::XorRotate { by, .. } => by < 64,
            VOp::Shift { e, by, .. } => e <= Size::B8 && by <= 8 * e.bytes(),
            _ => true,
        };
        (!fits).then(|| String::from("a lane"))
    })
}

fn modes_change(region: &Region) -> Option<String> {
    each_part(region, |part| match part {
        Part::Key(_, key) => (key.mode == region.mode).then(|| String::from("the same mode")),
        _ => None,
    })
}

fn returns_enter(region: &Region) -> Option<String> {
    region.blocks.iter().find_map(|block| {
        let back = match block.term {
            Term::Call { ret, .. } | Term::CallInto { ret, .. } => ret,
            Term::Indirect { link, ret, .. } if !link.is_zero() => ret,
            Term::Supervisor { next, .. } => next,
            _ => return None,
        };
        let entered = &region.blocks[region.block_at(back)?];
        (!entered.entry).then(|| format!("block {back:#x}"))
    })
}

fn edges_are_known(region: &Region) -> Option<String> {
    let mut known: Vec<(u32, bool)> = region.blocks.iter().map(|_| (0, false)).collect();
    for (from, block) in region.blocks.iter().enumerate() {
        for to in block.term.targets().filter_map(|pc| region.block_at(pc)) {
            known[to].0 += 1;
            known[to].1 |= to <= from;
        }
    }
    let mut blocks = region.blocks.iter().zip(known);
    let (block, (preds, looped)) =
        blocks.find(|(block, known)| (block.preds, block.loop_head) != *known)?;
    Some(format!("block {:#x} has {preds}, loop: {looped}", block.pc))
}

/// What is seen of the flags before an operation, when `after` is behind it.
fn before(op: &Op, after: Seen) -> Seen {
    let kept = match *op {
        Op::MergeFlags { kept } => {
            return Seen {
                read: after.read & !kept,
                shown: after.shown & !kept,
                kept: (after.read | after.shown) & kept,
            };
        }
        Op::KeepFlags { .. } => Seen {
            read: after.read | after.kept,
            shown: after.shown,
            kept: 0,
        },
        _ if op.sets_flags() => Seen {
            kept: after.kept,
            ..Seen::default()
        },
        _ => after,
    };
    let shown = if op.may_fault() {
        Seen::all(Live::Weak)
    } else {
        Seen::default()
    };
    let read = Seen {
        read: op.reads_flags(),
        ..Seen::default()
    };
    kept.or(shown).or(read)
}

/// Whether one fact says all that another does.
const fn covers(fact: Seen, needed: Seen) -> bool {
    needed.read & !fact.read == 0
        && needed.shown & !(fact.read | fact.shown) == 0
        && needed.kept & !fact.kept == 0
}

/// Whether liveness says enough: the flags are as alive everywhere as what comes
/// next needs. `outside` is what was given to compute it.
///
/// # Errors
/// Where it does not.
pub fn flags(
    region: &Region,
    flags: &Flags,
    outside: impl Fn(Key) -> Live,
) -> Result<(), Violation> {
    let wrong = |what| {
        Err(Violation {
            rule: "liveness",
            says: "flags are as alive as what comes next needs",
            what,
        })
    };
    let (blocks, ops) = (region.blocks.len(), region.ops.len());
    let of_blocks = [
        flags.live_in.len(),
        flags.live_out.len(),
        flags.starts.len(),
    ];
    let of_ops = [flags.after.len(), flags.each.len()];
    if of_blocks != [blocks; 3] || of_ops != [ops; 2] {
        return wrong(format!("{of_blocks:?} and {of_ops:?} facts"));
    }
    let outside = |key| Seen::all(outside(key));
    for (n, block) in region.blocks.iter().enumerate() {
        let there = |pc| match region.block_at(pc) {
            Some(to) => flags.starts[to],
            None => outside(region.key(pc)),
        };
        let mut needed = match block.term {
            Term::Jump { target } => there(target),
            Term::Branch { cond, taken, fall } => {
                let read = cond.flags();
                let looks = Seen {
                    read,
                    ..Seen::default()
                };
                there(taken).or(there(fall)).or(looks)
            }
            Term::BranchZero { taken, fall, .. } | Term::BranchBit { taken, fall, .. } => {
                there(taken).or(there(fall))
            }
            Term::Call { target, .. } => outside(region.key(target)),
            Term::CallInto { to, .. } => outside(to),
            Term::IfAligned { to, .. } => outside(to).or(Seen::all(Live::Weak)),
            _ => Seen::all(Live::Live),
        };
        if flags.live_out[n] < needed.any() {
            return wrong(format!("the end of block {:#x}", block.pc));
        }
        let mut behind = needed;
        for op in (block.start as usize..block.end as usize).rev() {
            match region.ops[op].op {
                Op::EndIf => behind = flags.each[op],
                Op::If { .. } => needed = needed.or(behind),
                _ => {}
            }
            let each = flags.each[op];
            if !covers(each, needed) || flags.after[op] < each.any() {
                return wrong(at(region, op));
            }
            needed = before(&region.ops[op].op, each);
        }
        if !covers(flags.starts[n], needed) || flags.live_in[n] < flags.starts[n].any() {
            return wrong(format!("the start of block {:#x}", block.pc));
        }
    }
    Ok(())
}

/// Whether no more is said of upper bits than all ways to a block agree on.
///
/// # Errors
/// Where there is.
pub fn uppers(region: &Region, uppers: &Uppers) -> Result<(), Violation> {
    let wrong = |what| {
        Err(Violation {
            rule: "upper",
            says: "what is known at a block's start is so on all ways there",
            what,
        })
    };
    if uppers.at_start.len() != region.blocks.len() {
        return wrong(format!("{} facts", uppers.at_start.len()));
    }
    for (n, block) in region.blocks.iter().enumerate() {
        let mut facts = uppers.at_start[n];
        if block.entry && !facts.is_nothing() {
            return wrong(format!("block {:#x} is entered", block.pc));
        }
        for inst in region.block_ops(block) {
            facts.after(&inst.op);
        }
        for to in block.term.targets().filter_map(|pc| region.block_at(pc)) {
            if !uppers.at_start[to].follows_from(&facts) {
                let (from, to) = (block.pc, region.blocks[to].pc);
                return wrong(format!("the way from {from:#x} to {to:#x}"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

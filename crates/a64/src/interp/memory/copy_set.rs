//! Memory copy and memory set (FEAT_MOPS): CPYP, CPYM, CPYE, their
//! forward-only forms CPYFP, CPYFM, CPYFE, and SETP, SETM, SETE.
//!
//! Of the two algorithms the manual offers this is option A (`PSTATE.C` is 0
//! after the prologue). The prologue saturates the count, chooses the
//! direction and brings the registers into the option's form; it accesses
//! nothing. The main part does the work, and the epilogue what is left, which
//! is the same code. In that form Xd and Xs stay as they are and only Xn
//! moves:
//!
//! - forward, Xd and Xs are the ends, and Xn is minus the number of bytes
//!   left: the next byte is at Xd + Xn;
//! - backward, they are the starts, and Xn is the number of bytes left: the
//!   next byte is at Xd + Xn - 1.
//!
//! Xn is written after each access. So, unlike other instructions, one that
//! faults has done a part and says so in Xn, and goes on from there when it
//! is executed again. That is also how a long one lets signals in: after
//! [`LIMIT`] bytes the next instruction is itself.
//!
//! The hints and privileges of the options do not matter here.

use super::{access, x};
use crate::cpu::{Cpu, Flags};
use crate::decode::Op;
use crate::insn::Insn;
use crate::interp::{Environment, Exception};
use guest::memory::{Fault, Memory, Size};

/// The most bytes that one step moves.
const LIMIT: u64 = 1 << 20;
/// Ranges that overlap are copied in pieces that end at multiples of this, in the target:
/// memory that copies such a piece at once ([`Memory::copy`]) may need it to lie on one page.
/// Any number is right.
const PAGE: u64 = 4096;

/// The counts to which CPYP, and to which CPYFP and SETP saturate
/// (`ArchMaxMOPSCPYSize`, `ArchMaxMOPSBlockSize`).
const CPY_MAX: u64 = (1 << 55) - 1;
const BLOCK_MAX: u64 = (1 << 63) - 1;

/// The flag C of NZCV as four bits: set, the registers are in option B's form.
const C: u8 = 0b0010;
/// The flag N: in option B's form, the copy goes backward.
const N: u8 = 0b1000;

/// What is done with memory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Copy,
    CopyForward,
    Set,
}

/// The part of the operation, by how far it is from the prologue in bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Prologue = 0,
    Main = 4,
    Epilogue = 8,
}

const fn subject(op: Op) -> Option<(Kind, Stage)> {
    Some(match op {
        Op::CPYP => (Kind::Copy, Stage::Prologue),
        Op::CPYM => (Kind::Copy, Stage::Main),
        Op::CPYE => (Kind::Copy, Stage::Epilogue),
        Op::CPYFP => (Kind::CopyForward, Stage::Prologue),
        Op::CPYFM => (Kind::CopyForward, Stage::Main),
        Op::CPYFE => (Kind::CopyForward, Stage::Epilogue),
        Op::SETP => (Kind::Set, Stage::Prologue),
        Op::SETM => (Kind::Set, Stage::Main),
        Op::SETE => (Kind::Set, Stage::Epilogue),
        _ => return None,
    })
}

/// Executes one. The result is the next program counter.
///
/// # Errors
/// [`Exception::Undefined`] when registers that must differ are the same or
/// one that must be a general register is 31 (CONSTRAINED UNPREDICTABLE,
/// undefined or a NOP); a fault when an access faults, Xn telling how much is
/// left.
pub(crate) fn execute<M: Memory + Environment>(
    cpu: &mut Cpu,
    mem: &mut M,
    insn: Insn,
) -> Result<u64, Exception> {
    let (kind, stage) = subject(insn.op).ok_or(Exception::Undefined)?;
    run(cpu, mem, insn, kind, stage)
}

fn run<M: Memory>(
    cpu: &mut Cpu,
    mem: &mut M,
    insn: Insn,
    kind: Kind,
    stage: Stage,
) -> Result<u64, Exception> {
    let (d, s, n) = (insn.rd(), insn.rs(), insn.rn());
    // SETP and the others may set XZR's byte.
    let bad_source = s == 31 && kind != Kind::Set;
    if d == s || d == n || s == n || d == 31 || n == 31 || bad_source {
        return Err(Exception::Undefined);
    }
    let next = cpu.pc.wrapping_add(4);
    if stage == Stage::Prologue {
        prologue(cpu, insn, kind);
        return Ok(next);
    }
    let left = cpu.x[n as usize];
    if left == 0 {
        return Ok(next);
    }
    if cpu.flags.nzcv() & C != 0 {
        return Ok(start_again(cpu, insn, kind, stage));
    }
    let backward = kind == Kind::Copy && (left as i64) > 0;
    let done = if backward {
        copy_backward(cpu, mem, insn)?
    } else {
        forward(cpu, mem, insn, kind)?
    };
    Ok(if done { next } else { cpu.pc })
}

/// Saturates the count, chooses the direction, and sets registers and flags.
fn prologue(cpu: &mut Cpu, insn: Insn, kind: Kind) {
    let (d, s, n) = (insn.rd() as usize, insn.rs() as usize, insn.rn() as usize);
    let max = if kind == Kind::Copy {
        CPY_MAX
    } else {
        BLOCK_MAX
    };
    let count = cpu.x[n].min(max);
    cpu.flags = Flags::from_nzcv(0);
    if kind == Kind::Copy && overlaps_above(cpu.x[d], cpu.x[s], count) {
        cpu.x[n] = count;
        return;
    }
    cpu.x[d] = cpu.x[d].wrapping_add(count);
    if kind != Kind::Set {
        cpu.x[s] = cpu.x[s].wrapping_add(count);
    }
    cpu.x[n] = count.wrapping_neg();
}

/// Whether the destination begins within the source, after its start, so that
/// only a copy backward is right. Where they do not overlap the direction is
/// IMPLEMENTATION DEFINED, here forward. Bits 55:0 of the addresses count.
const fn overlaps_above(to: u64, from: u64, count: u64) -> bool {
    const ADDRESS: u64 = (1 << 56) - 1;
    let (to, from) = (to & ADDRESS, from & ADDRESS);
    from < to && from.wrapping_add(count) > to
}

/// The registers are in option B's form, as no prologue here leaves them.
///
/// The processor raises the exception of a mismatched option, and Linux brings
/// the registers into the form from before the prologue and goes back to it;
/// so does this. The result is the prologue's address.
fn start_again(cpu: &mut Cpu, insn: Insn, kind: Kind, stage: Stage) -> u64 {
    if kind != Kind::Set && cpu.flags.nzcv() & N != 0 {
        // Backward, they are the ends of what is left.
        let left = cpu.x[insn.rn() as usize];
        for r in [insn.rd(), insn.rs()] {
            cpu.x[r as usize] = cpu.x[r as usize].wrapping_sub(left);
        }
    }
    cpu.pc.wrapping_sub(stage as u64)
}

/// Copies or sets, upward. Returns whether all is done.
///
/// A count above zero, which no prologue leaves here for CPYF and SET, is
/// taken for the two's complement of a number that is too large for memory.
fn forward<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn, kind: Kind) -> Result<bool, Fault> {
    let (d, n) = (insn.rd() as usize, insn.rn() as usize);
    let byte = u128::from(x(cpu, insn.rs()) as u8);
    let pattern = u128::from_le_bytes([byte as u8; 16]);
    let mut budget = LIMIT;
    let (start, count) = (cpu.x[d].wrapping_add(cpu.x[n]), cpu.x[n].wrapping_neg());
    let whole = count.min(LIMIT);
    let from = x(cpu, insn.rs()).wrapping_add(cpu.x[n]);
    // A forward-only copy to a target within the source, above its start, reads what it has
    // written, so what comes of it depends on the size of the pieces: they stay small.
    let mut pages = kind != Kind::Set && !overlaps_above(start, from, count);
    let at_once = match kind {
        Kind::Set => mem.fill(start, byte as u8, whole),
        _ => pages && mem.copy(start, from, whole),
    };
    if at_once {
        cpu.x[n] = cpu.x[n].wrapping_add(whole);
        return Ok(cpu.x[n] == 0);
    }
    while cpu.x[n] != 0 && budget != 0 {
        let to = cpu.x[d].wrapping_add(cpu.x[n]);
        let from = x(cpu, insn.rs()).wrapping_add(cpu.x[n]);
        let piece = (PAGE - to % PAGE).min(cpu.x[n].wrapping_neg());
        pages = pages && mem.copy(to, from, piece);
        if pages {
            cpu.x[n] = cpu.x[n].wrapping_add(piece);
            budget = budget.saturating_sub(piece);
            continue;
        }
        let bytes = piecewise(cpu.x[n].wrapping_neg(), |size| {
            let value = match kind {
                Kind::Set => pattern,
                _ => access::load(mem, from, size)?,
            };
            access::store(mem, to, size, value)
        })?;
        cpu.x[n] = cpu.x[n].wrapping_add(bytes);
        budget = budget.saturating_sub(bytes);
    }
    Ok(cpu.x[n] == 0)
}

/// Copies downward. Returns whether all is done.
fn copy_backward<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<bool, Fault> {
    let (d, s, n) = (insn.rd() as usize, insn.rs() as usize, insn.rn() as usize);
    let mut budget = LIMIT;
    let mut at_once = true;
    while cpu.x[n] != 0 && budget != 0 {
        // The last `behind` bytes of the target lie behind the source's end: they overlap none
        // of the bytes that are copied to them. Where more are left on the page, all those.
        let behind = cpu.x[d].wrapping_sub(cpu.x[s]);
        let here = cpu.x[d].wrapping_add(cpu.x[n] - 1) % PAGE + 1;
        let piece = budget.min(cpu.x[n]).min(behind.max(here));
        let start = cpu.x[n] - piece;
        let (to, from) = (cpu.x[d].wrapping_add(start), cpu.x[s].wrapping_add(start));
        at_once = at_once && mem.copy(to, from, piece);
        if at_once {
            cpu.x[n] = start;
            budget -= piece;
            continue;
        }
        let bytes = piecewise(cpu.x[n], |size| {
            let start = cpu.x[n].wrapping_sub(size.bytes());
            let value = access::load(mem, cpu.x[s].wrapping_add(start), size)?;
            access::store(mem, cpu.x[d].wrapping_add(start), size, value)
        })?;
        cpu.x[n] = cpu.x[n].wrapping_sub(bytes);
        budget = budget.saturating_sub(bytes);
    }
    Ok(cpu.x[n] == 0)
}

/// Moves 16 bytes or, when fewer are left or some of them cannot be accessed,
/// one: so all that can be moved before a fault is. Returns how many.
fn piecewise(left: u64, mut transfer: impl FnMut(Size) -> Result<(), Fault>) -> Result<u64, Fault> {
    if left >= 16 && transfer(Size::Quad).is_ok() {
        return Ok(16);
    }
    transfer(Size::Byte)?;
    Ok(1)
}

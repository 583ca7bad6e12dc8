//! VLD1 to VLD4 and VST1 to VST4: structures of one to four elements, spread over D registers.
//!
//! What lies in memory as in the registers is accessed by whole vectors and halves. Other elements are loaded to
//! scratch, and taken from there, since registers may be the upper halves of their vectors. An instruction begins with
//! its store, before which nothing may be moved to scratch; so elements are stored one by one where registers are no
//! slots. A load that faults may have loaded a part of its registers (the manual leaves them UNKNOWN), but never
//! changes its base.

use super::{Vector, size};
use crate::decode::simd::{Class, Insn, Op as S};
use crate::lift::float::run;
use crate::lift::{BIG_ENDIAN, Of, SCRATCH, W};
use ir::form::Sink;
use ir::vector::VOp;
use ir::{Addr, BinOp, Extend, Op, Operand, Reg, Size, VReg};

/// Where elements are dealt: this slot, and three behind it.
const DEALT: VReg = VReg(16);

/// What an instruction accesses.
#[derive(Clone, Copy)]
enum What {
    /// Registers one after another.
    Run { count: u32 },
    /// Structures of so many elements, in registers so far apart, and that so often.
    Dealt { repeats: u8, count: u8, step: u8 },
    /// One lane of each register.
    Lane {
        e: Size,
        lane: u8,
        count: u8,
        step: u8,
    },
    /// One element in all lanes of each register; one element alone may fill two.
    All { e: Size, count: u8, step: u8 },
}

/// An access: what it is of, and what its address is a multiple of.
struct Access {
    what: What,
    alignment: u32,
    bytes: u32,
}

/// Whether registers are loaded.
const fn is_load(i: Insn) -> bool {
    i.word >> 21 & 1 == 1
}

/// Bits 9:8, less one: how many elements a single structure has.
#[allow(clippy::cast_possible_truncation, reason = "at most 4")]
const fn elements(i: Insn) -> u8 {
    (i.word >> 8 & 3) as u8 + 1
}

fn multiple(i: Insn) -> Access {
    let dealt = |repeats, count, step| What::Dealt {
        repeats,
        count,
        step,
    };
    let (what, registers) = match i.op {
        S::VLD1_one | S::VST1_one => (What::Run { count: 1 }, 1),
        S::VLD1_two | S::VST1_two => (What::Run { count: 2 }, 2),
        S::VLD1_three | S::VST1_three => (What::Run { count: 3 }, 3),
        S::VLD1_four | S::VST1_four => (What::Run { count: 4 }, 4),
        S::VLD2_one | S::VST2_one => (dealt(1, 2, 1), 2),
        S::VLD2_two | S::VST2_two => (dealt(1, 2, 2), 2),
        S::VLD2_four | S::VST2_four => (dealt(2, 2, 2), 4),
        S::VLD3_one | S::VST3_one => (dealt(1, 3, 1), 3),
        S::VLD3_two | S::VST3_two => (dealt(1, 3, 2), 3),
        S::VLD4_one | S::VST4_one => (dealt(1, 4, 1), 4),
        _ => (dealt(1, 4, 2), 4),
    };
    Access {
        what,
        alignment: if i.lalign() == 0 { 1 } else { 4 << i.lalign() },
        bytes: 8 * registers,
    }
}

/// A lane, as `index_align` says.
#[allow(clippy::cast_possible_truncation, reason = "small fields")]
fn single(i: Insn) -> Access {
    let (count, log2, low) = (elements(i), i.ssize(), i.salign());
    let e = size(log2);
    let bytes = u32::from(count) << log2;
    let is_aligned = match (count, log2) {
        (3, _) | (1, 0) => false,
        (_, 2) => low & 3 != 0,
        _ => low & 1 == 1,
    };
    let alignment = match (count, log2, low & 3) {
        _ if !is_aligned => 1,
        (4, 2, 2) => 16,
        (4, 2, _) => 8,
        _ => bytes,
    };
    let spread = log2 != 0 && low >> log2 & 1 == 1 && count > 1;
    Access {
        what: What::Lane {
            e,
            lane: (low >> (log2 + 1)) as u8,
            count,
            step: if spread { 2 } else { 1 },
        },
        alignment,
        bytes,
    }
}

#[allow(clippy::cast_possible_truncation, reason = "small fields")]
fn all(i: Insn) -> Access {
    let (count, log2) = (elements(i), i.lsize().min(2));
    let bytes = u32::from(count) << log2;
    let alignment = match (i.a4(), i.lsize(), count) {
        (0, ..) => 1,
        (_, 3, _) => 16,
        (_, 2, 4) => 8,
        _ => bytes,
    };
    Access {
        what: What::All {
            e: size(log2),
            count,
            step: i.t5() as u8 + 1,
        },
        alignment,
        bytes,
    }
}

/// What an instruction accesses, if it loads or stores structures.
fn access(i: Insn) -> Option<Access> {
    match i.op.class() {
        Class::structures => Some(multiple(i)),
        Class::single_structure if i.ssize() == 3 => Some(all(i)),
        Class::single_structure => Some(single(i)),
        _ => None,
    }
}

/// Whether it accesses memory.
pub(in crate::lift) fn is_access(i: Insn) -> bool {
    matches!(i.op.class(), Class::structures | Class::single_structure)
}

#[allow(clippy::cast_possible_truncation, reason = "four bits")]
const fn general(n: u32) -> Reg {
    Reg(n as u8)
}

/// A D register's half of its vector.
const fn put(to: Vector, a: VReg) -> Op {
    Op::Vector(VOp::InsertLane {
        e: Size::B8,
        d: to.whole(),
        to: to.half(),
        a,
        from: 0,
    })
}

impl Of {
    /// Whether the interpreter does an instruction that accesses memory.
    pub(in crate::lift) fn leaves_structures(&self, i: Insn) -> bool {
        self.mode.has(BIG_ENDIAN) || i.rn() == 15
    }

    pub(in crate::lift) fn structures(i: Insn, out: &mut Sink<'_>) {
        let Some(Access {
            what,
            alignment,
            bytes,
        }) = access(i)
        else {
            return;
        };
        let base = general(i.rn());
        check(alignment, base, out);
        let first = number(i);
        match what {
            What::Run { count } => run(is_load(i), 2 * first, 2 * count, base, 0, out),
            What::Dealt {
                repeats,
                count,
                step,
            } => {
                let list = (first, count, step);
                if is_load(i) && repeats == 1 || are_slots(first, step) {
                    dealt(i, repeats == 1, list, Addr::reg(base), out);
                } else {
                    by_elements(i, repeats, list, base, out);
                }
            }
            What::Lane {
                e,
                lane,
                count,
                step,
            } => lanes(is_load(i), (e, lane), (first, count, step), (base, 0), out),
            What::All { e, count, step } => all_lanes(e, (first, count, step), base, out),
        }
        let by = match i.rm() {
            15 => return,
            13 => Operand::Imm(bytes.into()),
            m => Operand::Reg(general(m)),
        };
        out.push(Op::Bin {
            op: BinOp::Add,
            w: W,
            d: base,
            a: base,
            b: by,
            set: false,
        });
    }
}

/// The address is to be a multiple of that. Where this is more than 8, higher bits are brought down.
#[allow(clippy::cast_possible_truncation, reason = "at most 2")]
fn check(alignment: u32, base: Reg, out: &mut Sink<'_>) {
    let log2 = alignment.ilog2();
    if log2 == 0 {
        return;
    }
    let mut a = base;
    if log2 > 3 {
        let lower = Operand::Ext {
            reg: base,
            extend: Extend::Lsr,
            amount: log2 as u8 - 3,
        };
        a = SCRATCH[0];
        out.push(Op::Bin {
            op: BinOp::Or,
            w: W,
            d: a,
            a: base,
            b: lower,
            set: false,
        });
    }
    out.push(Op::CheckAligned {
        size: size(log2.min(3)),
        a,
    });
}

/// The first register.
const fn number(i: Insn) -> u32 {
    i.d() << 4 | i.vd()
}

/// The registers of a list: the first, how many, and how far apart.
fn listed((first, count, step): (u32, u8, u8)) -> impl Iterator<Item = (u8, Vector)> {
    (0..count).map(move |n| {
        let number = first + u32::from(n) * u32::from(step);
        (n, Vector::new(number, false))
    })
}

/// Whether registers are vectors that follow one another, or their low halves.
const fn are_slots(first: u32, step: u8) -> bool {
    first.is_multiple_of(2) && step == 2
}

fn dealt(i: Insn, half: bool, list: (u32, u8, u8), addr: Addr, out: &mut Sink<'_>) {
    let (e, (first, count, step)) = (size(i.lsize()), list);
    let direct = are_slots(first, step);
    let slot = if direct {
        Vector::new(first, false).whole()
    } else {
        DEALT
    };
    if !is_load(i) {
        return out.push(Op::Vector(VOp::StoreDealt {
            e,
            half,
            count,
            a: slot,
            addr,
        }));
    }
    let to = if half { DEALT } else { slot };
    out.push(Op::Vector(VOp::LoadDealt {
        e,
        half,
        count,
        d: to,
        addr,
    }));
    if half {
        for (n, register) in listed(list) {
            out.push(put(register, DEALT.after(n)));
        }
    }
}

/// One element after another.
fn by_elements(
    i: Insn,
    repeats: u8,
    (first, count, step): (u32, u8, u8),
    base: Reg,
    out: &mut Sink<'_>,
) {
    let e = size(i.lsize());
    let mut at = 0;
    for repeat in 0..repeats {
        for lane in 0..8 / e.bytes() {
            let list = (first + u32::from(repeat), count, step);
            lanes(is_load(i), (e, lane), list, (base, at), out);
            at += i64::from(count) * i64::from(e.bytes());
        }
    }
}

fn lanes(
    loads: bool,
    (e, lane): (Size, u8),
    list: (u32, u8, u8),
    (base, at): (Reg, i64),
    out: &mut Sink<'_>,
) {
    for (n, register) in listed(list) {
        let addr = Addr::disp(base, at + i64::from(n) * i64::from(e.bytes()));
        let lane = register.half() * (8 / e.bytes()) + lane;
        out.push(Op::Vector(if loads {
            VOp::LoadLane {
                e,
                lane,
                d: register.whole(),
                addr,
            }
        } else {
            VOp::StoreLane {
                e,
                lane,
                a: register.whole(),
                addr,
            }
        }));
    }
}

fn all_lanes(e: Size, (first, count, step): (u32, u8, u8), base: Reg, out: &mut Sink<'_>) {
    let load = |half, d| {
        let addr = Addr::reg(base);
        Op::Vector(VOp::LoadDup { e, half, d, addr })
    };
    if count == 1 && step == 2 && first % 2 == 0 {
        // Both halves of one vector.
        return out.push(load(false, Vector::new(first, true).whole()));
    }
    if count == 1 {
        out.push(load(true, DEALT));
        for n in 0..u32::from(step) {
            out.push(put(Vector::new(first + n, false), DEALT));
        }
        return;
    }
    out.push(Op::Vector(VOp::LoadDups {
        e,
        half: true,
        count,
        d: DEALT,
        addr: Addr::reg(base),
    }));
    for (n, to) in listed((first, count, step)) {
        out.push(put(to, DEALT.after(n)));
    }
}

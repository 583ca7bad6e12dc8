//! Programs that show what one instruction does.
//!
//! Mostly the instruction alone. Branches get instructions to jump over, what
//! needs a partner gets it: store-exclusive a load-exclusive before it, a
//! system register a read after the write, a memory copy its three parts.

use a64::decode::{Class, Op};
use a64::insn::Insn;

use super::{Made, Need, memory, words};
use crate::arm64::{DATA, DATA_SIZE, Program};
use crate::random::Rng;

/// A program at `address` about `op`.
pub fn program(rng: &mut Rng, op: Op, address: u64) -> Made {
    let insn = words::word(rng, op);
    match op.class() {
        Class::branch_cond
        | Class::branch_imm
        | Class::branch_reg
        | Class::compare_branch
        | Class::test_branch => branch(rng, insn, address),
        Class::ldst_exclusive => exclusive(rng, insn, address),
        Class::memory_copy_set => copy_set(rng, insn, address),
        Class::system_register | Class::exception | Class::pstate => system(rng, insn, address),
        Class::ldst_literal => {
            let insn = literal(rng, insn, address);
            made(address, vec![insn.word], vec![], true)
        }
        class => {
            let mut needs = related(insn);
            needs.extend(memory::need(insn));
            made(address, vec![insn.word], needs, memory::accesses(class))
        }
    }
}

const fn made(address: u64, words: Vec<u32>, needs: Vec<Need>, memory: bool) -> Made {
    Made {
        program: Program::new(address, words),
        needs,
        memory,
    }
}

/// Sources that may be alike.
fn related(insn: Insn) -> Vec<Need> {
    let has = |name| insn.op.info().fields.iter().any(|f| f.name == name);
    let mut needs = Vec::new();
    if has("Rm") && has("Rn") {
        let (a, b) = (insn.rn(), insn.rm());
        needs.push(Need::Related { a, b });
        if has("Ra") {
            needs.push(Need::Related { a, b: insn.ra() });
        } else if has("Rd") {
            needs.push(Need::Related { a, b: insn.rd() });
        }
    }
    if has("Rs") && has("Rt") {
        needs.push(Need::Related {
            a: insn.rs(),
            b: insn.rt(),
        });
    }
    needs
}

/// The literal load with a literal in the data area.
pub fn literal(rng: &mut Rng, insn: Insn, address: u64) -> Insn {
    let target = if rng.percent(92) {
        DATA + 4 * rng.below(DATA_SIZE / 4)
    } else {
        DATA - 16 + 4 * rng.below(DATA_SIZE / 4 + 8)
    };
    Insn {
        word: with_offset(insn.word, 5, 19, target.wrapping_sub(address)),
        ..insn
    }
}

/// The word with a byte distance in the field at `lsb`.
pub const fn with_offset(word: u32, lsb: u32, width: u32, distance: u64) -> u32 {
    let mask = (1u32 << width) - 1;
    word & !(mask << lsb) | ((distance >> 2) as u32 & mask) << lsb
}

/// A direct branch to `distance` bytes from itself.
pub fn with_target(insn: Insn, distance: u64) -> Insn {
    let (lsb, width) = match insn.op.class() {
        Class::branch_imm => (0, 26),
        Class::test_branch => (5, 14),
        _ => (5, 19),
    };
    Insn {
        word: with_offset(insn.word, lsb, width, distance),
        ..insn
    }
}

/// `ADD Xr, Xr, #imm`: shows that it was executed.
const fn mark(register: u32, imm: u32) -> u32 {
    0x9100_0000 | imm << 10 | register << 5 | register
}

/// A branch over instructions that leave marks, forward or back.
fn branch(rng: &mut Rng, insn: Insn, address: u64) -> Made {
    let indirect = insn.op.class() == Class::branch_reg;
    let register = if indirect { insn.rn() } else { insn.rt() };
    // XZR as a target is address 0: a fault in the fetch.
    let marked = (0..30).find(|&r| r != register).unwrap_or(0);
    let over = |distance: u64| with_offset(0x1400_0000, 0, 26, distance);
    let (words, at, target) = if rng.percent(60) {
        let target = 1 + rng.below(4);
        let words = vec![0, mark(marked, 1), mark(marked, 2), mark(marked, 4)];
        (words, 0, target)
    } else {
        let words = vec![over(12), mark(marked, 1), over(12), 0, mark(marked, 2)];
        (words, 3, 1)
    };
    let mut words = words;
    let mut needs = Vec::new();
    if indirect {
        words[at] = insn.word;
        let value = address + 4 * target;
        if register != 31 {
            needs.push(Need::Value { register, value });
        }
    } else {
        let distance = (4 * target).wrapping_sub(4 * at as u64);
        words[at] = with_target(insn, distance).word;
    }
    made(address, words, needs, false)
}

/// A store-exclusive mostly after the load-exclusive that it needs; a
/// load-exclusive alone.
fn exclusive(rng: &mut Rng, insn: Insn, address: u64) -> Made {
    let loads = insn.op.name().starts_with("LD");
    let need = memory::need(insn).into_iter().collect();
    if loads || rng.percent(15) {
        return made(address, vec![insn.word], need, true);
    }
    // The same with the bit that makes it a load, no status, other registers.
    let mut load = insn.word | 1 << 22 | 31 << 16;
    let pair = insn.word >> 21 & 1 == 1;
    let base = insn.rn();
    let registers: Vec<u32> = (0..30)
        .filter(|&r| r != base && r != insn.rt() && r != insn.rt2())
        .collect();
    let rt = rng.pick(&registers);
    load = load & !31 | rt;
    if pair {
        let others: Vec<u32> = registers.into_iter().filter(|&r| r != rt).collect();
        load = load & !(31 << 10) | rng.pick(&others) << 10;
    }
    let mut words = vec![load, insn.word];
    match rng.below(10) {
        // Again: the monitor is open now.
        0 => words.push(insn.word),
        // CLREX between.
        1 => words.insert(1, 0xd503_3f5f),
        _ => {}
    }
    made(address, words, need, true)
}

/// The three parts of a copy or a set, with the same registers.
fn copy_set(rng: &mut Rng, insn: Insn, address: u64) -> Made {
    let set = insn.op.name().starts_with("SET");
    let words = (0..3)
        .map(|part| {
            if set {
                insn.word & !(3 << 14) | part << 14
            } else {
                insn.word & !(3 << 22) | part << 22
            }
        })
        .collect();
    let (rd, rs, rn) = (insn.rd(), insn.rs(), insn.rn());
    let at = |base| Need::Address {
        base,
        offset: 0,
        size: if rng.clone().percent(50) { 300 } else { 64 },
        aligned: false,
    };
    let mut needs = vec![
        at(rd),
        Need::Count {
            register: rn,
            below: 300,
        },
    ];
    if !set {
        needs.push(at(rs));
    }
    made(address, words, needs, true)
}

/// Writes of system registers with what is legal, and a read after them.
fn system(rng: &mut Rng, insn: Insn, address: u64) -> Made {
    let register = insn.rt();
    let (mut words, mut needs) = (vec![insn.word], Vec::new());
    let written = register != 31;
    match insn.op {
        Op::MSR_FPCR if written => needs.push(Need::Control { register }),
        Op::MSR_FPSR if written => needs.push(Need::Status { register }),
        // A number that is no system call.
        Op::SVC => needs.push(Need::Value {
            register: 8,
            value: 0x4000_0000 + rng.below(0x1000_0000),
        }),
        Op::MSR_TPIDR_EL0 => words.push(0xd53b_d040 | rng.word() & 31),
        Op::MSR_DIT | Op::MSR_DIT_immediate => words.push(0xd53b_42a0 | rng.word() & 31),
        _ => {}
    }
    made(address, words, needs, false)
}

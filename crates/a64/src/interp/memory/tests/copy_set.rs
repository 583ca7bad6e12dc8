//! Memory copy and set: what ends up in memory and in the registers, how a
//! fault or a mismatched option goes on.

use super::{BASE, END, LENGTH, Space, insn, state};
use crate::cpu::{Cpu, Flags};
use crate::decode::Op;
use crate::interp::{Exception, step};
use alloc::vec;
use alloc::vec::Vec;
use guest::memory::{Fault, FaultKind, Size};

const COPY: [Op; 3] = [Op::CPYP, Op::CPYM, Op::CPYE];
const FORWARD: [Op; 3] = [Op::CPYFP, Op::CPYFM, Op::CPYFE];
const SET: [Op; 3] = [Op::SETP, Op::SETM, Op::SETE];

/// Where the three instructions are.
const CODE: u64 = 0x4000;

/// A state before the prologue: X1 is Xd, X2 Xs, X3 Xn.
fn before(d: u64, s: u64, n: u64) -> Cpu {
    let mut cpu = state();
    (cpu.pc, cpu.x[1], cpu.x[2], cpu.x[3]) = (CODE, d, s, n);
    cpu.flags = Flags::from_nzcv(0b1111);
    cpu
}

/// Executes from the program counter until all three are done or one raises
/// an exception.
fn run(cpu: &mut Cpu, mem: &mut Space, ops: [Op; 3]) -> Result<(), Exception> {
    for _ in 0..100 {
        let Some(op) = ops.get((cpu.pc.wrapping_sub(CODE) / 4) as usize) else {
            assert_eq!(cpu.pc, CODE + 12);
            return Ok(());
        };
        step(cpu, mem, insn(*op, &[("Rd", 1), ("Rs", 2), ("Rn", 3)]))?;
    }
    panic!("it does not end");
}

/// The counts that matter around the 16 bytes of an access.
const COUNTS: [usize; 9] = [0, 1, 2, 15, 16, 17, 31, 33, 100];

#[test]
fn copies_are_memmove() {
    for count in COUNTS {
        for (to, from) in [
            (0, 0x100),
            (0x100, 0),
            (5, 0),
            (0, 5),
            (20, 3),
            (3, 20),
            (7, 7),
        ] {
            let mut mem = Space::new();
            let mut expected = mem.buffer.bytes.clone();
            expected.copy_within(from..from + count, to);
            let (d, s) = (BASE + to as u64, BASE + from as u64);
            let mut cpu = before(d, s, count as u64);
            assert_eq!(run(&mut cpu, &mut mem, COPY), Ok(()));
            assert_eq!(mem.buffer.bytes, expected, "{count} {to} {from}");
            // Backward, the registers end where they began.
            let backward = from < to && from + count > to;
            let end = if backward { 0 } else { count as u64 };
            assert_eq!(cpu.x[1..4], [d + end, s + end, 0]);
            assert_eq!(cpu.flags.nzcv(), 0);
        }
    }
}

#[test]
fn forward_copies() {
    for count in COUNTS {
        let mut mem = Space::new();
        let mut expected = mem.buffer.bytes.clone();
        expected.copy_within(0x80..0x80 + count, 3);
        let mut cpu = before(BASE + 3, BASE + 0x80, count as u64);
        assert_eq!(run(&mut cpu, &mut mem, FORWARD), Ok(()));
        assert_eq!(mem.buffer.bytes, expected, "{count}");
        let count = count as u64;
        assert_eq!(cpu.x[1..4], [BASE + 3 + count, BASE + 0x80 + count, 0]);
    }
}

#[test]
fn sets() {
    for count in COUNTS {
        let mut mem = Space::new();
        let mut expected = mem.buffer.bytes.clone();
        expected[9..9 + count].fill(0x5a);
        let mut cpu = before(BASE + 9, 0xffff_ff5a, count as u64);
        assert_eq!(run(&mut cpu, &mut mem, SET), Ok(()));
        assert_eq!(mem.buffer.bytes, expected, "{count}");
        assert_eq!(cpu.x[1..4], [BASE + 9 + count as u64, 0xffff_ff5a, 0]);
    }
    // XZR's byte is zero.
    let (mut cpu, mut mem) = (before(BASE, 0, 3), Space::new());
    for op in SET {
        let insn = insn(op, &[("Rd", 1), ("Rs", 31), ("Rn", 3)]);
        assert_eq!(step(&mut cpu, &mut mem, insn), Ok(()));
    }
    assert_eq!(mem.get(0, Size::Word), 0x0400_0000);
}

#[test]
fn the_prologue_brings_registers_into_the_form_of_option_a() {
    let prologue = |op, d, s, n| {
        let mut cpu = before(d, s, n);
        let mut mem = Space::new();
        step(
            &mut cpu,
            &mut mem,
            insn(op, &[("Rd", 1), ("Rs", 2), ("Rn", 3)]),
        )
        .expect("no access");
        assert!(mem.accesses.is_empty());
        assert_eq!(cpu.flags.nzcv(), 0);
        (cpu.x[1], cpu.x[2], cpu.x[3] as i64)
    };
    assert_eq!(
        prologue(Op::CPYP, 0x100, 0x200, 0x10),
        (0x110, 0x210, -0x10)
    );
    assert_eq!(prologue(Op::CPYP, 0x208, 0x200, 0x10), (0x208, 0x200, 0x10));
    assert_eq!(
        prologue(Op::CPYP, 0x210, 0x200, 0x10),
        (0x220, 0x210, -0x10)
    );
    assert_eq!(
        prologue(Op::CPYFP, 0x208, 0x200, 0x10),
        (0x218, 0x210, -0x10)
    );
    assert_eq!(prologue(Op::SETP, 0x208, 7, 0x10), (0x218, 7, -0x10));
    // Tags do not hide an overlap.
    let tagged = 0x1200_0000_0000_0208;
    assert_eq!(
        prologue(Op::CPYP, tagged, 0x200, 0x10),
        (tagged, 0x200, 0x10)
    );
    // Counts saturate.
    let max = (1 << 55) - 1;
    assert_eq!(
        prologue(Op::CPYP, 0, 0, u64::MAX),
        (max, max, -(max as i64))
    );
    let max = i64::MAX as u64;
    assert_eq!(prologue(Op::CPYFP, 0, 0, 1 << 63), (max, max, -i64::MAX));
    assert_eq!(prologue(Op::SETP, 1, 0, u64::MAX), (1 + max, 0, -i64::MAX));
}

#[test]
fn a_fault_tells_how_far_it_went_and_goes_on() {
    // A read-only range in the way, up and down.
    for (to, from, done_at_fault) in [(0x40, 0x80, 0x25), (0x48, 0x38, 0x13)] {
        let mut mem = Space::new();
        let mut expected = mem.buffer.bytes.clone();
        expected.copy_within(from..from + 0x40, to);
        mem.read_only = BASE + 0x65..BASE + 0x75;
        let mut cpu = before(BASE + to as u64, BASE + from as u64, 0x40);
        let fault = run(&mut cpu, &mut mem, COPY);
        let backward = from < to;
        let address = if backward { BASE + 0x74 } else { BASE + 0x65 };
        let expected_fault = Fault {
            address,
            kind: FaultKind::Permission,
            write: true,
        };
        assert_eq!(fault, Err(Exception::Fault(expected_fault)));
        assert_eq!(cpu.pc, CODE + 4);
        let left = 0x40 - done_at_fault;
        assert_eq!(cpu.x[3] as i64, if backward { left } else { -left });
        mem.read_only = 0..0;
        assert_eq!(run(&mut cpu, &mut mem, COPY), Ok(()));
        assert_eq!(mem.buffer.bytes, expected);
    }
}

#[test]
fn sets_run_to_the_end_of_memory() {
    let mut mem = Space::new();
    let mut cpu = before(END - 21, 0x77, u64::MAX);
    let fault = Fault {
        address: END,
        kind: FaultKind::Translation,
        write: true,
    };
    assert_eq!(run(&mut cpu, &mut mem, SET), Err(Exception::Fault(fault)));
    assert_eq!(cpu.x[1].wrapping_add(cpu.x[3]), END);
    assert!(mem.buffer.bytes[LENGTH - 21..].iter().all(|&b| b == 0x77));
    assert_eq!(mem.buffer.bytes[LENGTH - 22], (LENGTH - 21) as u8);
}

#[test]
fn a_long_one_pauses() {
    let mut mem = Space::new();
    mem.buffer.bytes = vec![0; 3 << 20];
    let length = mem.buffer.bytes.len() as u64;
    let mut cpu = before(BASE, 0xee, length);
    let step_at = |cpu: &mut Cpu, mem: &mut Space| {
        let op = SET[((cpu.pc - CODE) / 4) as usize];
        let fields = [("Rd", 1), ("Rs", 2), ("Rn", 3)];
        step(cpu, mem, insn(op, &fields)).expect("mapped");
        cpu.pc - CODE
    };
    let places: Vec<u64> = (0..5).map(|_| step_at(&mut cpu, &mut mem)).collect();
    assert_eq!(places, [4, 4, 4, 8, 12]);
    assert!(mem.buffer.bytes.iter().all(|&b| b == 0xee));
}

#[test]
fn option_b_is_started_again() {
    let mismatch = |ops: [Op; 3], stage: usize, nzcv, d, s, n| {
        let mut cpu = before(d, s, n);
        cpu.pc = CODE + 4 * stage as u64;
        cpu.flags = Flags::from_nzcv(nzcv);
        let mut mem = Space::new();
        let insn = insn(ops[stage], &[("Rd", 1), ("Rs", 2), ("Rn", 3)]);
        step(&mut cpu, &mut mem, insn).expect("no access");
        assert!(mem.accesses.is_empty());
        (cpu.pc - CODE, cpu.x[1], cpu.x[2], cpu.x[3])
    };
    assert_eq!(mismatch(COPY, 1, 0b0010, 16, 32, 8), (0, 16, 32, 8));
    assert_eq!(mismatch(COPY, 2, 0b1010, 16, 32, 8), (0, 8, 24, 8));
    assert_eq!(mismatch(FORWARD, 2, 0b0010, 16, 32, 8), (0, 16, 32, 8));
    assert_eq!(mismatch(SET, 1, 0b0010, 16, 32, 8), (0, 16, 32, 8));
    // With nothing left it doesn't matter.
    assert_eq!(mismatch(COPY, 2, 0b1010, 16, 32, 0), (12, 16, 32, 0));
}

#[test]
fn registers_must_differ() {
    let undefined = |op, d, s, n| {
        let insn = insn(op, &[("Rd", d), ("Rs", s), ("Rn", n)]);
        step(&mut before(BASE, BASE, 0), &mut Space::new(), insn) == Err(Exception::Undefined)
    };
    for (copy, set) in COPY
        .into_iter()
        .chain(FORWARD)
        .zip(SET.into_iter().chain(SET))
    {
        for op in [copy, set] {
            assert!(!undefined(op, 1, 2, 3));
            assert!(undefined(op, 1, 1, 3));
            assert!(undefined(op, 1, 3, 3));
            assert!(undefined(op, 1, 2, 1));
            assert!(undefined(op, 31, 2, 3));
            assert!(undefined(op, 1, 2, 31));
        }
        assert!(undefined(copy, 1, 31, 3));
        assert!(!undefined(set, 1, 31, 3));
    }
}

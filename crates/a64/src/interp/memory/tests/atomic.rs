//! The atomics of FEAT_LSE.

use super::{BASE, Space, fault, run, state};
use crate::decode::Op;
use guest::memory::Size;

const DOUBLE: (&str, i64) = ("ldst_sz", 1);
const WORD: (&str, i64) = ("ldst_sz", 0);

/// Executes one with `memory` at its address and `operand` in X2: what it
/// leaves in memory, and what it read.
fn update(op: Op, extra: Option<(&'static str, i64)>, memory: u64, operand: u64) -> (u64, u64) {
    let (mut cpu, mut mem) = (state(), Space::new());
    mem.set(0x10, Size::Double, memory.into());
    cpu.x[1] = BASE + 0x10;
    cpu.x[2] = operand;
    let mut fields = alloc::vec![("Rn", 1), ("Rs", 2), ("Rt", 3)];
    fields.extend(extra);
    run(&mut cpu, &mut mem, op, &fields);
    assert_eq!(cpu.x[2], operand);
    (mem.get(0x10, Size::Double) as u64, cpu.x[3])
}

#[test]
fn bytes() {
    for (op, operand, new) in [
        (Op::LDADDB, 0x1ff, 0x7f),
        (Op::LDCLRB, 0x181, 0x00),
        (Op::LDEORB, 0x1ff, 0x7f),
        (Op::LDSETB, 0x101, 0x81),
        (Op::LDSMAXB, 0x17f, 0x7f),
        (Op::LDSMAXB, 0x17f80, 0x80),
        (Op::LDSMINB, 0x17f, 0x80),
        (Op::LDUMAXB, 0x17f, 0x80),
        (Op::LDUMAXB, 0x181, 0x81),
        (Op::LDUMINB, 0x17f, 0x7f),
        (Op::SWPB, 0x155, 0x55),
    ] {
        let (memory, read) = update(op, None, 0x1122_3344_5566_7780, operand);
        assert_eq!(memory, 0x1122_3344_5566_7700 | new, "{}", op.name());
        assert_eq!(read, 0x80, "{}", op.name());
    }
}

#[test]
fn halves_words_and_doublewords() {
    let old = 0x8000_0000_8000_8000;
    assert_eq!(
        update(Op::LDADDH, None, old, 0x18000),
        (0x8000_0000_8000_0000, 0x8000)
    );
    assert_eq!(
        update(Op::LDSMAXH, None, old, 1),
        (0x8000_0000_8000_0001, 0x8000)
    );
    assert_eq!(
        update(Op::LDUMINH, None, old, 1),
        (0x8000_0000_8000_0001, 0x8000)
    );
    assert_eq!(
        update(Op::LDADD, Some(WORD), old, 0x8000_0000),
        (0x8000_0000_0000_8000, 0x8000_8000)
    );
    assert_eq!(
        update(Op::LDSMIN, Some(WORD), old, u64::MAX),
        (old, 0x8000_8000)
    );
    assert_eq!(
        update(Op::LDSMAX, Some(WORD), old, u64::MAX),
        (0x8000_0000_ffff_ffff, 0x8000_8000)
    );
    assert_eq!(
        update(Op::LDADD, Some(DOUBLE), old, old),
        (0x1_0001_0000, old)
    );
    assert_eq!(update(Op::LDSMIN, Some(DOUBLE), old, 1), (old, old));
    assert_eq!(
        update(Op::LDUMAX, Some(DOUBLE), old, u64::MAX),
        (u64::MAX, old)
    );
    assert_eq!(
        update(Op::LDCLR, Some(DOUBLE), old, 0x8000),
        (0x8000_0000_8000_0000, old)
    );
    assert_eq!(update(Op::LDEOR, Some(DOUBLE), old, u64::MAX), (!old, old));
    assert_eq!(
        update(Op::LDSET, Some(DOUBLE), old, 0xff),
        (old | 0xff, old)
    );
    assert_eq!(update(Op::SWP, Some(DOUBLE), old, 5), (5, old));
}

#[test]
fn the_operand_is_read_before_the_result_is_written() {
    let (mut cpu, mut mem) = (state(), Space::new());
    mem.set(0, Size::Double, 40);
    cpu.x[1] = BASE;
    cpu.x[2] = 2;
    run(
        &mut cpu,
        &mut mem,
        Op::LDADD,
        &[("Rn", 1), ("Rs", 2), ("Rt", 2), DOUBLE],
    );
    assert_eq!((cpu.x[2], mem.get(0, Size::Double)), (40, 42));
    // STADD.
    let sp = cpu.x[31];
    run(
        &mut cpu,
        &mut mem,
        Op::LDADD,
        &[("Rn", 1), ("Rs", 2), ("Rt", 31), DOUBLE],
    );
    assert_eq!((cpu.x[31], mem.get(0, Size::Double)), (sp, 82));
}

#[test]
fn compare_and_swap() {
    for (op, extra, size) in [
        (Op::CASB, None, Size::Byte),
        (Op::CASH, None, Size::Half),
        (Op::CAS, Some(WORD), Size::Word),
        (Op::CAS, Some(DOUBLE), Size::Double),
    ] {
        for equal in [true, false] {
            let (mut cpu, mut mem) = (state(), Space::new());
            cpu.x[1] = BASE + 0x20;
            let before = mem.get(0x20, Size::Quad);
            let old = (before & size.mask()) as u64;
            // Bits above the size do not count.
            cpu.x[2] = old | !(size.mask() as u64);
            if !equal {
                cpu.x[2] ^= 1;
            }
            let mut fields = alloc::vec![("Rn", 1), ("Rs", 2), ("Rt", 3)];
            fields.extend(extra);
            run(&mut cpu, &mut mem, op, &fields);
            assert_eq!(cpu.x[2], old);
            let new = before & !size.mask() | u128::from(cpu.x[3]) & size.mask();
            let expected = if equal { new } else { before };
            assert_eq!(mem.get(0x20, Size::Quad), expected, "{} {equal}", op.name());
        }
    }
}

#[test]
fn compare_and_swap_pair() {
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.x[1] = BASE;
    let fields = [("Rn", 1), ("Rs", 2), ("Rt", 4), DOUBLE];
    // Not equal: only what memory holds is seen.
    let before = mem.get(0, Size::Quad);
    run(&mut cpu, &mut mem, Op::CASP, &fields);
    assert_eq!((cpu.x[2], cpu.x[3]), (before as u64, (before >> 64) as u64));
    assert_eq!(mem.get(0, Size::Quad), before);
    run(&mut cpu, &mut mem, Op::CASP, &fields);
    let new = u128::from(cpu.x[5]) << 64 | u128::from(cpu.x[4]);
    assert_eq!(mem.get(0, Size::Quad), new);

    cpu.x[1] = BASE + 0x28;
    cpu.x[2] = 0xffff_ffff_2c2b_2a29;
    cpu.x[3] = 0xffff_ffff_302f_2e2d;
    run(
        &mut cpu,
        &mut mem,
        Op::CASP,
        &[("Rn", 1), ("Rs", 2), ("Rt", 4), WORD],
    );
    assert_eq!((cpu.x[2], cpu.x[3]), (0x2c2b_2a29, 0x302f_2e2d));
    assert_eq!(mem.get(0x28, Size::Double), 0xdead_0005_dead_0004);

    // After X30 comes XZR.
    let sp = cpu.x[31];
    cpu.x[1] = BASE + 0x40;
    cpu.x[30] = 0x4443_4241;
    mem.set(0x44, Size::Word, 0);
    run(
        &mut cpu,
        &mut mem,
        Op::CASP,
        &[("Rn", 1), ("Rs", 30), ("Rt", 30), WORD],
    );
    assert_eq!((cpu.x[30], cpu.x[31]), (0x4443_4241, sp));
    assert_eq!(mem.get(0x40, Size::Double), 0x4443_4241);
}

#[test]
fn faults_are_writes() {
    let mut cpu = state();
    cpu.x[1] = 0x100;
    for op in [Op::LDADD, Op::SWP, Op::CAS, Op::CASP] {
        let fault = fault(&cpu, &mut Space::new(), op, &[("Rn", 1)]);
        assert_eq!((fault.address, fault.write), (0x100, true), "{}", op.name());
    }
}

//! Exclusives and the monitor; accesses that acquire and release.

use super::{BASE, Space, counting, fault, run, state};
use crate::cpu::{Cpu, Monitor};
use crate::decode::Op;
use alloc::vec;
use guest::memory::{Barrier, FaultKind, Size};

const WORD: (&str, i64) = ("ldst_sz", 0);
const DOUBLE: (&str, i64) = ("ldst_sz", 1);

/// A state with X1 in memory.
fn at(offset: u64) -> (Cpu, Space) {
    let mut cpu = state();
    cpu.x[1] = BASE + offset;
    (cpu, Space::new())
}

#[test]
fn a_pair_of_instructions_stores() {
    for (load, store, extra, size) in [
        (Op::LDXRB, Op::STXRB, None, Size::Byte),
        (Op::LDAXRH, Op::STLXRH, None, Size::Half),
        (Op::LDXR, Op::STXR, Some(WORD), Size::Word),
        (Op::LDAXR, Op::STLXR, Some(DOUBLE), Size::Double),
    ] {
        let (mut cpu, mut mem) = at(0x10);
        let after = mem.get(0x10, Size::Quad) & !size.mask();
        let mut fields = vec![("Rn", 1), ("Rt", 2)];
        fields.extend(extra);
        run(&mut cpu, &mut mem, load, &fields);
        assert_eq!(u128::from(cpu.x[2]), counting(0x11, size));
        let monitor = Monitor {
            address: BASE + 0x10,
            value: [cpu.x[2], 0],
            size: size.bytes(),
        };
        assert_eq!(cpu.monitor, monitor);
        let mut fields = vec![("Rn", 1), ("Rt", 3), ("Rs", 4)];
        fields.extend(extra);
        run(&mut cpu, &mut mem, store, &fields);
        assert_eq!(cpu.x[4], 0);
        let new = u128::from(cpu.x[3]) & size.mask();
        assert_eq!(mem.get(0x10, Size::Quad), after | new);
        // Once.
        run(&mut cpu, &mut mem, store, &fields);
        assert_eq!(cpu.x[4], 1);
    }
}

#[test]
fn pairs_of_registers() {
    let (mut cpu, mut mem) = at(0x20);
    let load = [("Rn", 1), ("Rt", 2), ("Rt2", 3), DOUBLE];
    run(&mut cpu, &mut mem, Op::LDAXP, &load);
    assert_eq!(
        (cpu.x[2], cpu.x[3]),
        (0x2827_2625_2423_2221, 0x302f_2e2d_2c2b_2a29)
    );
    assert_eq!(cpu.monitor.value, [cpu.x[2], cpu.x[3]]);
    assert_eq!(cpu.monitor.size, 16);
    let store = [("Rn", 1), ("Rt", 5), ("Rt2", 6), ("Rs", 4), DOUBLE];
    run(&mut cpu, &mut mem, Op::STLXP, &store);
    assert_eq!(cpu.x[4], 0);
    let joined = u128::from(cpu.x[6]) << 64 | u128::from(cpu.x[5]);
    assert_eq!(mem.get(0x20, Size::Quad), joined);

    cpu.x[1] = BASE + 0x40;
    run(
        &mut cpu,
        &mut mem,
        Op::LDXP,
        &[("Rn", 1), ("Rt", 2), ("Rt2", 3), WORD],
    );
    assert_eq!(
        (cpu.x[2], cpu.x[3], cpu.monitor.size),
        (0x4443_4241, 0x4847_4645, 8)
    );
    let store = [("Rn", 1), ("Rt", 5), ("Rt2", 31), ("Rs", 4), WORD];
    run(&mut cpu, &mut mem, Op::STXP, &store);
    assert_eq!((cpu.x[4], mem.get(0x40, Size::Double)), (0, 0xdead_0005));
}

#[test]
fn what_makes_a_store_fail() {
    let load = [("Rn", 1), ("Rt", 2), WORD];
    let store = [("Rn", 1), ("Rt", 3), ("Rs", 4), WORD];
    // Nothing loaded, another address, another size, another value.
    for case in 0..5 {
        let (mut cpu, mut mem) = at(0x10);
        if case != 0 {
            run(&mut cpu, &mut mem, Op::LDXR, &load);
        }
        match case {
            1 => cpu.x[1] += 4,
            2 => cpu.monitor.size = 8,
            3 => mem.set(0x13, Size::Byte, 0),
            _ => {}
        }
        let before = mem.buffer.bytes.clone();
        run(&mut cpu, &mut mem, Op::STXR, &store);
        assert_eq!(cpu.x[4], u64::from(case != 4), "{case}");
        assert_eq!(mem.buffer.bytes == before, case != 4, "{case}");
        assert_eq!(cpu.monitor.size, 0);
    }
}

#[test]
fn xzr_as_status() {
    let (mut cpu, mut mem) = at(0);
    let sp = cpu.x[31];
    run(
        &mut cpu,
        &mut mem,
        Op::LDXR,
        &[("Rn", 1), ("Rt", 31), DOUBLE],
    );
    assert_eq!(cpu.monitor.value[0], counting(1, Size::Double) as u64);
    run(
        &mut cpu,
        &mut mem,
        Op::STXR,
        &[("Rn", 1), ("Rt", 31), ("Rs", 31), DOUBLE],
    );
    assert_eq!((mem.get(0, Size::Double), cpu.x[31]), (0, sp));
}

/// The choices of QEMU 7.2.
#[test]
fn registers_named_twice() {
    let (mut cpu, mut mem) = at(0);
    run(
        &mut cpu,
        &mut mem,
        Op::LDXP,
        &[("Rn", 1), ("Rt", 2), ("Rt2", 2), DOUBLE],
    );
    assert_eq!(cpu.x[2], counting(9, Size::Double) as u64, "the second");
    run(
        &mut cpu,
        &mut mem,
        Op::LDXR,
        &[("Rn", 1), ("Rt", 2), DOUBLE],
    );
    cpu.x[2] = 77;
    run(
        &mut cpu,
        &mut mem,
        Op::STXR,
        &[("Rn", 1), ("Rt", 2), ("Rs", 2), DOUBLE],
    );
    assert_eq!((cpu.x[2], mem.get(0, Size::Double)), (0, 77));
    run(
        &mut cpu,
        &mut mem,
        Op::LDXR,
        &[("Rn", 1), ("Rt", 2), DOUBLE],
    );
    run(
        &mut cpu,
        &mut mem,
        Op::STXR,
        &[("Rn", 1), ("Rt", 3), ("Rs", 1), DOUBLE],
    );
    assert_eq!((cpu.x[1], mem.get(0, Size::Double)), (0, cpu.x[3].into()));
}

#[test]
fn alignment_is_to_sixteen_bytes() {
    let check = |op: Op, extra: &[(&'static str, i64)], size: u64, write: bool| {
        let mut fields = vec![("Rn", 1)];
        fields.extend_from_slice(extra);
        let (mut cpu, mut mem) = at(0x20 - size);
        run(&mut cpu, &mut mem, op, &fields);
        let (mut cpu, mut mem) = at(0x21 - size);
        cpu.monitor = Monitor {
            address: cpu.x[1],
            value: [0; 2],
            size,
        };
        let fault = fault(&cpu, &mut mem, op, &fields);
        assert_eq!(fault.kind, FaultKind::Alignment, "{}", op.name());
        assert_eq!(
            (fault.address, fault.write),
            (cpu.x[1], write),
            "{}",
            op.name()
        );
        assert!(mem.accesses.is_empty());
    };
    check(Op::LDXR, &[DOUBLE], 8, false);
    check(Op::STXR, &[DOUBLE], 8, true);
    check(Op::LDXRH, &[], 2, false);
    check(Op::LDAXP, &[DOUBLE], 16, false);
    check(Op::STLXP, &[WORD], 8, true);
    check(Op::LDAR, &[WORD], 4, false);
    check(Op::STLRH, &[], 2, true);
    check(Op::LDAPR, &[DOUBLE], 8, false);
    check(Op::LDAPURSW, &[], 4, false);
    check(Op::STLUR, &[WORD], 4, true);
    check(Op::LDADDH, &[], 2, true);
    check(Op::SWP, &[DOUBLE], 8, true);
    check(Op::CAS, &[DOUBLE], 8, true);
    check(Op::CASP, &[WORD], 8, true);
    check(Op::CASP, &[DOUBLE], 16, true);
}

#[test]
fn a_store_that_fails_does_not_fault() {
    let store = [("Rn", 1), ("Rt", 3), ("Rs", 4), WORD];
    for address in [BASE + 13, 0x1000, u64::MAX] {
        let (mut cpu, mut mem) = at(0);
        cpu.x[1] = address;
        run(&mut cpu, &mut mem, Op::STXR, &store);
        assert_eq!(cpu.x[4], 1);
        assert!(mem.accesses.is_empty());
        cpu.monitor = Monitor {
            address,
            value: [0; 2],
            size: 4,
        };
        fault(&cpu, &mut mem, Op::STXR, &store);
    }
}

#[test]
fn order() {
    use Barrier::{Full, Load};
    for (op, barriers) in [
        (Op::LDAR, vec![Load]),
        (Op::LDLAR, vec![Load]),
        (Op::LDAPR, vec![Load]),
        (Op::LDAPUR, vec![Load]),
        (Op::LDAXR, vec![Load]),
        (Op::LDXR, vec![]),
        (Op::STLR, vec![Full, Full]),
        (Op::STLLR, vec![Full, Full]),
        (Op::STLUR, vec![Full, Full]),
    ] {
        let (mut cpu, mut mem) = at(0x10);
        run(&mut cpu, &mut mem, op, &[("Rn", 1), ("Rt", 2), DOUBLE]);
        assert_eq!(mem.barriers, barriers, "{}", op.name());
        let stored = mem.get(0x10, Size::Double);
        assert_eq!(stored, u128::from(cpu.x[2]), "{}", op.name());
    }
}

//! Sizes, extension, what is cleared, faults, and registers named twice.

use super::{BASE, END, Space, counting, fault, run, state};
use crate::decode::Op;
use guest::memory::Size;

#[test]
fn loads_extend() {
    const MEMORY: u128 = 0xf8f7_f6f5_f4f3_f2f1;
    for (op, extra, value) in [
        (Op::LDURB, None, 0xf1),
        (Op::LDURSB, Some(("opc0", 0)), 0xffff_ffff_ffff_fff1),
        (Op::LDURSB, Some(("opc0", 1)), 0xffff_fff1),
        (Op::LDURH, None, 0xf2f1),
        (Op::LDURSH, Some(("opc0", 0)), 0xffff_ffff_ffff_f2f1),
        (Op::LDURSH, Some(("opc0", 1)), 0xffff_f2f1),
        (Op::LDUR, Some(("ldst_sz", 0)), 0xf4f3_f2f1),
        (Op::LDUR, Some(("ldst_sz", 1)), MEMORY as u64),
        (Op::LDURSW, None, 0xffff_ffff_f4f3_f2f1),
        (Op::LDAPURSB, Some(("opc0", 0)), 0xffff_ffff_ffff_fff1),
        (Op::LDAPURSB, Some(("opc0", 1)), 0xffff_fff1),
        (Op::LDAPURSH, Some(("opc0", 1)), 0xffff_f2f1),
        (Op::LDAPURSW, None, 0xffff_ffff_f4f3_f2f1),
        (Op::LDAPURH, None, 0xf2f1),
        (Op::LDAPUR, Some(("ldst_sz", 0)), 0xf4f3_f2f1),
        (Op::LDTRSW, None, 0xffff_ffff_f4f3_f2f1),
    ] {
        let (mut cpu, mut mem) = (state(), Space::new());
        mem.set(0x10, Size::Double, MEMORY);
        cpu.x[1] = BASE + 0x11;
        let mut fields = alloc::vec![("Rn", 1), ("Rt", 2), ("imm9", -1)];
        fields.extend(extra);
        run(&mut cpu, &mut mem, op, &fields);
        assert_eq!(cpu.x[2], value, "{} {extra:?}", op.name());
    }
}

#[test]
fn positive_values_stay_positive() {
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.x[1] = BASE;
    run(
        &mut cpu,
        &mut mem,
        Op::LDPSW_offset,
        &[("Rn", 1), ("Rt", 2), ("Rt2", 3)],
    );
    assert_eq!((cpu.x[2], cpu.x[3]), (0x0403_0201, 0x0807_0605));
}

#[test]
fn stores_write_their_size() {
    for (op, extra, size) in [
        (Op::STURB, None, Size::Byte),
        (Op::STURH, None, Size::Half),
        (Op::STUR, Some(("ldst_sz", 0)), Size::Word),
        (Op::STUR, Some(("ldst_sz", 1)), Size::Double),
        (Op::STLURB, None, Size::Byte),
        (Op::STLUR, Some(("ldst_sz", 0)), Size::Word),
    ] {
        let (mut cpu, mut mem) = (state(), Space::new());
        let before = mem.get(0x20, Size::Quad);
        cpu.x[1] = BASE + 0x20;
        let mut fields = alloc::vec![("Rn", 1), ("Rt", 2)];
        fields.extend(extra);
        run(&mut cpu, &mut mem, op, &fields);
        let expected = before & !size.mask() | u128::from(cpu.x[2]) & size.mask();
        assert_eq!(mem.get(0x20, Size::Quad), expected, "{}", op.name());
    }
}

#[test]
fn xzr_is_stored_as_zero_and_discards_loads() {
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.x[1] = BASE;
    let sp = cpu.x[31];
    run(
        &mut cpu,
        &mut mem,
        Op::STP_offset,
        &[("sf", 1), ("Rn", 1), ("Rt", 31), ("Rt2", 2)],
    );
    assert_eq!(mem.get(0, Size::Double), 0);
    assert_eq!(mem.get(8, Size::Double), cpu.x[2].into());
    run(
        &mut cpu,
        &mut mem,
        Op::LDP_offset,
        &[("sf", 1), ("Rn", 1), ("Rt", 2), ("Rt2", 31)],
    );
    assert_eq!((cpu.x[2], cpu.x[31]), (0, sp));
}

#[test]
fn vector_loads_clear_the_rest() {
    for (scale, size) in [Size::Byte, Size::Half, Size::Word, Size::Double, Size::Quad]
        .into_iter()
        .enumerate()
    {
        let (mut cpu, mut mem) = (state(), Space::new());
        cpu.x[1] = BASE + 3;
        let scale = scale as i64;
        let fields = [
            ("opc1", scale >> 2),
            ("ldst_size", scale & 3),
            ("Rn", 1),
            ("Rt", 2),
        ];
        run(&mut cpu, &mut mem, Op::LDUR_SIMD_FP, &fields);
        assert_eq!(cpu.v[2], counting(4, size));
        let fields = [
            ("opc1", scale >> 2),
            ("ldst_size", scale & 3),
            ("Rn", 1),
            ("Rt", 9),
        ];
        run(&mut cpu, &mut mem, Op::STUR_SIMD_FP, &fields);
        let bytes = &mem.buffer.bytes;
        assert!(bytes[3..3 + size as usize].iter().all(|&b| b == 0x89));
        assert_eq!(bytes[3 + size as usize], 4 + size as u8);
        if size >= Size::Word {
            cpu.x[1] = BASE + 0x81;
            let fields = [("ldst_opc", scale - 2), ("Rn", 1), ("Rt", 4), ("Rt2", 5)];
            run(&mut cpu, &mut mem, Op::LDP_SIMD_FP_offset, &fields);
            assert_eq!(cpu.v[4], counting(0x82, size));
            assert_eq!(cpu.v[5], counting(0x82 + size as u8, size));
        }
    }
}

#[test]
fn the_second_of_a_pair_may_fault() {
    let mut cpu = state();
    cpu.x[1] = END - 8;
    let fields = [("sf", 1), ("Rn", 1), ("Rt", 2), ("Rt2", 3), ("imm7", 2)];
    let mut mem = Space::new();
    let load = fault(&cpu, &mut mem, Op::LDP_post, &fields);
    assert_eq!((load.address, load.write), (END, false));
    let store = fault(&cpu, &mut mem, Op::STP_post, &fields);
    assert_eq!((store.address, store.write), (END, true));
    let fields = [
        ("ldst_opc", 1),
        ("Rn", 1),
        ("Rt", 2),
        ("Rt2", 3),
        ("imm7", 0),
    ];
    assert_eq!(
        fault(&cpu, &mut mem, Op::LDP_SIMD_FP_pre, &fields).address,
        END
    );
}

#[test]
fn faults_leave_the_base() {
    let mut cpu = state();
    cpu.x[1] = END;
    let fields = [("ldst_sz", 1), ("Rn", 1), ("Rt", 2), ("imm9", -8)];
    fault(&cpu, &mut Space::new(), Op::LDR_immediate_post, &fields);
    fault(&cpu, &mut Space::new(), Op::STR_immediate_post, &fields);
    cpu.x[1] = END - 8;
    let fields = [("ldst_sz", 1), ("Rn", 1), ("Rt", 2), ("imm9", 8)];
    fault(&cpu, &mut Space::new(), Op::LDR_immediate_pre, &fields);
}

/// The choices of QEMU 7.2.
#[test]
fn registers_named_twice() {
    let x = |value: u128| value as u64;
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.x[1] = BASE;
    let both = [("Rn", 1), ("Rt", 1), ("ldst_sz", 1), ("imm9", 8)];
    run(&mut cpu, &mut mem, Op::LDR_immediate_post, &both);
    assert_eq!(cpu.x[1], BASE + 8, "the writeback wins");
    run(&mut cpu, &mut mem, Op::STR_immediate_pre, &both);
    assert_eq!(cpu.x[1], BASE + 16);
    assert_eq!(
        mem.get(16, Size::Double),
        u128::from(BASE + 8),
        "the old base"
    );

    let pair = [("sf", 1), ("Rn", 1), ("Rt", 2), ("Rt2", 1), ("imm7", 2)];
    run(&mut cpu, &mut mem, Op::LDP_post, &pair);
    assert_eq!(
        (x(BASE.into()) + 32, u128::from(BASE + 8)),
        (cpu.x[1], cpu.x[2].into())
    );

    let one = [("sf", 1), ("Rn", 1), ("Rt", 2), ("Rt2", 2)];
    run(&mut cpu, &mut mem, Op::LDP_offset, &one);
    assert_eq!(cpu.x[2], x(counting(33, Size::Double)), "the first");
    let one = [("ldst_opc", 1), ("Rn", 1), ("Rt", 2), ("Rt2", 2)];
    run(&mut cpu, &mut mem, Op::LDP_SIMD_FP_offset, &one);
    assert_eq!(cpu.v[2], counting(41, Size::Double), "the second");
}

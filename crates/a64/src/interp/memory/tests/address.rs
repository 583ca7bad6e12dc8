//! Addressing modes, the base register, tags, and SP.

use super::{BASE, END, Space, counting, fault, run, state};
use crate::decode::Op;
use guest::memory::{Fault, FaultKind, Size};

/// Loads X2 in a mode, the base X1 being BASE + 0x80: the offset accessed,
/// and that of the base afterwards.
fn mode(op: Op, fields: &[(&str, i64)], x3: u64) -> (u64, u64) {
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.x[1] = BASE + 0x80;
    cpu.x[3] = x3;
    let mut all = vec![("Rn", 1), ("Rt", 2)];
    all.extend_from_slice(fields);
    run(&mut cpu, &mut mem, op, &all);
    assert_eq!(mem.accesses.len(), 1);
    let at = mem.accesses[0].0 - BASE;
    assert_eq!(cpu.x[2], counting(at as u8 + 1, Size::Double) as u64);
    assert_eq!(cpu.pc, BASE + 4);
    (at, cpu.x[1] - BASE)
}

use alloc::vec;

const LDR: (&str, i64) = ("ldst_sz", 1);

#[test]
fn immediate_modes() {
    use Op::{LDR_immediate_post, LDR_immediate_pre, LDR_immediate_unsigned, LDTR, LDUR};
    assert_eq!(
        mode(LDR_immediate_post, &[LDR, ("imm9", -7)], 0),
        (0x80, 0x79)
    );
    assert_eq!(
        mode(LDR_immediate_pre, &[LDR, ("imm9", -7)], 0),
        (0x79, 0x79)
    );
    assert_eq!(mode(LDUR, &[LDR, ("imm9", 13)], 0), (0x8d, 0x80));
    assert_eq!(mode(LDTR, &[LDR, ("imm9", -13)], 0), (0x73, 0x80));
    assert_eq!(
        mode(LDR_immediate_unsigned, &[LDR, ("imm12", 3)], 0),
        (0x98, 0x80)
    );
}

#[test]
fn register_modes() {
    let mode = |option, s, x3| {
        let fields = [LDR, ("Rm", 3), ("option", option), ("S", s)];
        mode(Op::LDR_register, &fields, x3).0
    };
    // UXTW and SXTW take the low word.
    assert_eq!(mode(0b010, 0, 0xffff_ffff_0000_0010), 0x90);
    assert_eq!(mode(0b010, 1, 0xffff_ffff_0000_0002), 0x90);
    assert_eq!(mode(0b110, 0, 0x0000_0000_ffff_fff0), 0x70);
    assert_eq!(mode(0b110, 1, 0x0000_0000_ffff_ffff), 0x78);
    // LSL and SXTX take all.
    for option in [0b011, 0b111] {
        assert_eq!(mode(option, 0, 0x10), 0x90);
        assert_eq!(mode(option, 1, (-2i64) as u64), 0x70);
    }
}

#[test]
fn xzr_as_an_index_is_zero() {
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.x[1] = BASE;
    let fields = [LDR, ("Rn", 1), ("Rt", 2), ("Rm", 31), ("option", 3)];
    run(&mut cpu, &mut mem, Op::LDR_register, &fields);
    assert_eq!(mem.accesses, [(BASE, Size::Double)]);
}

#[test]
fn an_unsigned_word_index_does_not_wrap() {
    let mut cpu = state();
    cpu.x[1] = BASE;
    cpu.x[3] = 0xffff_ffff;
    let fields = [("Rn", 1), ("Rm", 3), ("option", 2), LDR, ("S", 1)];
    let fault = fault(&cpu, &mut Space::new(), Op::LDR_register, &fields);
    assert_eq!(fault.address, BASE + 0x7_ffff_fff8);
}

#[test]
fn pair_offsets_are_scaled() {
    for (op, fields, first, base) in [
        (Op::LDP_post, [("sf", 1), ("imm7", -3)], 0x80, 0x68),
        (Op::LDP_pre, [("sf", 0), ("imm7", -3)], 0x74, 0x74),
        (Op::LDP_offset, [("sf", 1), ("imm7", 3)], 0x98, 0x80),
        (Op::LDNP, [("sf", 0), ("imm7", -64 + 33)], 4, 0x80),
        (
            Op::LDP_SIMD_FP_pre,
            [("ldst_opc", 2), ("imm7", -4)],
            0x40,
            0x40,
        ),
        (
            Op::LDP_SIMD_FP_post,
            [("ldst_opc", 1), ("imm7", 4)],
            0x80,
            0xa0,
        ),
        (Op::LDNP_SIMD_FP, [("ldst_opc", 0), ("imm7", 4)], 0x90, 0x80),
        (Op::LDPSW_post, [("imm7", 1), ("Rt2", 0)], 0x80, 0x84),
    ] {
        let (mut cpu, mut mem) = (state(), Space::new());
        cpu.x[1] = BASE + 0x80;
        let fields = [("Rn", 1), ("Rt", 2), ("Rt2", 3), fields[0], fields[1]];
        run(&mut cpu, &mut mem, op, &fields);
        assert_eq!(mem.accesses[0].0 - BASE, first, "{}", op.name());
        let (second, size) = mem.accesses[1];
        assert_eq!(second - BASE, first + size.bytes(), "{}", op.name());
        assert_eq!(cpu.x[1] - BASE, base, "{}", op.name());
    }
}

#[test]
fn literals_are_relative_to_the_instruction() {
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.pc = BASE + 0x100;
    let fields = [("ldst_sz", 1), ("imm19", -16), ("Rt", 5)];
    run(&mut cpu, &mut mem, Op::LDR_literal, &fields);
    assert_eq!(mem.accesses, [(BASE + 0xc0, Size::Double)]);
    assert_eq!(cpu.x[5], counting(0xc1, Size::Double) as u64);
    let fields = [("imm19", -17), ("Rt", 5)];
    run(&mut cpu, &mut mem, Op::LDRSW_literal, &fields);
    assert_eq!(cpu.x[5], 0xffff_ffff_c4c3_c2c1);
    let fields = [("ldst_opc", 2), ("imm19", -66), ("Rt", 5)];
    run(&mut cpu, &mut mem, Op::LDR_literal_SIMD_FP, &fields);
    assert_eq!(cpu.v[5], counting(1, Size::Quad));
}

#[test]
fn tags_are_ignored_by_accesses_and_kept_by_writeback() {
    const TAG: u64 = 0xab << 56;
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.x[1] = TAG | BASE;
    let fields = [LDR, ("imm9", 8), ("Rn", 1), ("Rt", 2)];
    run(&mut cpu, &mut mem, Op::STR_immediate_pre, &fields);
    assert_eq!(mem.accesses, [(BASE + 8, Size::Double)]);
    assert_eq!(cpu.x[1], TAG | (BASE + 8));
    // The address of a fault has no tag either.
    cpu.x[1] = TAG | END;
    assert_eq!(
        fault(&cpu, &mut mem, Op::LDUR, &[LDR, ("Rn", 1)]).address,
        END
    );
    // Bit 55 tells which half an address is of.
    cpu.x[1] = 0x0080_0000_0000_0000;
    let high = fault(&cpu, &mut mem, Op::LDUR, &[LDR, ("Rn", 1)]).address;
    assert_eq!(high, 0xff80_0000_0000_0000);
}

#[test]
fn sp_is_a_base_and_must_be_aligned() {
    let (mut cpu, mut mem) = (state(), Space::new());
    cpu.x[31] = BASE + 0x20;
    let fields = [LDR, ("imm9", -16), ("Rn", 31), ("Rt", 31)];
    run(&mut cpu, &mut mem, Op::STR_immediate_pre, &fields);
    assert_eq!(cpu.x[31], BASE + 0x10);
    assert_eq!(mem.get(0x10, Size::Double), 0);

    cpu.x[31] = BASE + 8;
    let unaligned = Fault {
        address: BASE + 8,
        kind: FaultKind::Alignment,
        write: false,
    };
    let n = ("Rn", 31);
    for (op, fields) in [
        (Op::STR_immediate_pre, vec![n, LDR, ("imm9", 8)]),
        (Op::LDP_post, vec![n, ("Rt2", 1)]),
        (Op::LDR_immediate_SIMD_FP_unsigned, vec![n]),
        (Op::LDXR, vec![n]),
        (Op::STXR, vec![n]),
        (Op::LDADD, vec![n]),
        (Op::CAS, vec![n]),
        (Op::CASP, vec![n]),
        (Op::LDAR, vec![n]),
        (Op::STLUR, vec![n, ("imm9", 8)]),
        (Op::LD1_multiple_structures, vec![n, ("opcode", 7)]),
        (Op::ST2_single_structure_post, vec![n]),
        (Op::LD4R, vec![n]),
    ] {
        assert_eq!(
            fault(&cpu, &mut mem, op, &fields),
            unaligned,
            "{}",
            op.name()
        );
    }
    // A prefetch does not care.
    run(&mut cpu, &mut mem, Op::PRFM_immediate, &[n]);
}

#[test]
fn prefetches_access_nothing() {
    let mut cpu = state();
    let before = cpu.clone();
    let mut mem = Space::new();
    for (op, fields) in [
        (Op::PRFM_immediate, vec![("Rn", 3)]),
        (Op::PRFM_literal, vec![("imm19", 1 << 17)]),
        (Op::PRFM_register, vec![("Rn", 3), ("option", 3)]),
        (Op::PRFUM, vec![("Rn", 3)]),
    ] {
        run(&mut cpu, &mut mem, op, &fields);
        assert!(mem.accesses.is_empty());
        cpu.pc = before.pc;
        assert_eq!(cpu, before);
    }
}

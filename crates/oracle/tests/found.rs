//! Mistakes that comparing found, each by name: short programs whose results
//! the manual gives. Interpreter and translator must both have them, the
//! latter with AVX-512 (where this processor has it) and without.

#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use armistice_oracle::arm64::{Batch, DATA, DATA_SIZE, Program, State};
use armistice_oracle::everywhere;

const N: u64 = 1 << 31;
const Z: u64 = 1 << 30;
const C: u64 = 1 << 29;
const V: u64 = 1 << 28;

const NOP: u32 = 0xd503_201f;

/// Runs a program from a state everywhere and compares all that came of it
/// with what the interpreter made; that is the result.
#[track_caller]
fn everywhere(words: &[u32], before: &State) -> State {
    let mut batch = Batch {
        pattern: vec![0x5a; DATA_SIZE as usize],
        ..Batch::default()
    };
    let number = batch.add(Program::new(batch.next_address(), words.to_vec()));
    batch.states.push((number, *before));
    everywhere::same(&batch, "by name").states[0]
}

/// TBZ overwrites EFLAGS while the loop's head wants the carry.
#[test]
fn flags_live_at_a_loop_behind_a_test_of_a_bit() {
    let mut before = State::default();
    before.x[9] = 1;
    before.x[18] = 1;
    before.x[26] = 1;
    before.x[28] = 3;
    before.nzcv = N;
    let words = [
        NOP,
        0xba09_0240, // adcs x0, x18, x9
        0xd100_075a, // sub x26, x26, #1
        0xb6ff_ffda, // tbz x26, #63, the addition
        0xd280_0001, // mov x1, #0
        0x6b1c_0392, // subs w18, w28, w28
    ];
    let after = everywhere(&words, &before);
    assert_eq!((after.x[0], after.nzcv), (2, Z | C));
}

/// The branch's edge has the flags as `comiss` leaves them, the other has them
/// in the state; where they meet, nothing brings the latter to the former.
#[test]
fn edges_with_and_without_a_float_comparison_meet() {
    let mut before = State::default();
    before.v[27] = 0x7fc0_0000;
    let words = [
        0x1e20_2378, // fcmpe s27, #0.0
        0x5400_0064, // b.mi to the second branch
        0x9400_0003, // bl to the return
        NOP,
        0x1400_0003, // b to the end
        NOP,
        0xd65f_03c0, // ret
    ];
    let after = everywhere(&words, &before);
    assert_eq!(after.nzcv, C | V, "unordered");
}

/// The check of the alignment overwrites EFLAGS; its fault shows them, though
/// the next instruction sets them.
#[test]
fn flags_at_an_access_that_is_not_aligned() {
    let mut before = State::default();
    before.x[20] = DATA + 0x100;
    before.v[26] = 1.0_f64.to_bits().into();
    let words = [
        0x1e60_2358, // fcmpe d26, #0.0
        0x9988_e28c, // ldapursw x12, [x20, #142]
        0x3100_8ace, // adds w14, w22, #34
    ];
    let after = everywhere(&words, &before);
    assert_eq!((after.signal, after.nzcv), (7, C), "greater");
    assert_eq!(after.x[12], 0);
}

/// The flags are to be computed again from X5 and X21 after the branch, but
/// the next block overwrites what ANDS left in X2.
#[test]
fn operands_overwritten_in_the_next_block() {
    let mut before = State::default();
    before.x[5] = 0x10;
    before.x[6] = 7;
    before.x[21] = 0x10;
    before.x[24] = 0;
    before.nzcv = C | V;
    for x24 in [0, 1] {
        before.x[24] = x24;
        let words = [
            0x8a15_00a2, // and x2, x5, x21
            0xea02_0042, // ands x2, x2, x2
            0x3400_0058, // cbz w24, the end
            0x1ac6_50c2, // crc32cb w2, w6, w6
        ];
        assert_eq!(everywhere(&words, &before).nzcv, 0);
    }
}

/// MVN of a shifted register leaves the flags alone; the host's shift doesn't.
#[test]
fn flags_behind_a_shifted_operand() {
    let mut before = State {
        nzcv: N | C,
        ..State::default()
    };
    before.x[2] = 0xffff_ffff_ffff_ffd7;
    before.x[10] = 0x1414_1414_1414_1414;
    before.x[26] = 3;
    before.x[31] = DATA + 0x290;
    let words = [
        0x723e_8145, // ands w5, w10, #0x40004
        0x2aa2_3bfe, // mvn w30, w2, asr #14
        0xd954_a3fe, // ldapur x30, [sp, #-182]
        0xb6ff_fffa, // tbz x26, #63, the load
    ];
    let after = everywhere(&words, &before);
    assert_eq!((after.signal, after.nzcv), (7, 0));
    assert_eq!(after.x[30], 0);
}

/// An acquiring load that crosses 16 bytes is not single-copy atomic.
#[test]
fn acquiring_loads_check_their_alignment() {
    let mut before = State::default();
    before.x[20] = DATA + 14;
    for word in [0x88df_fe81, 0xb8bf_c281, 0x885f_fe81] {
        // ldar, ldapr and ldaxr w1, [x20]
        let after = everywhere(&[word], &before);
        assert_eq!((after.signal, after.x[1]), (7, 0), "{word:08x}");
    }
    before.x[20] = DATA + 12;
    assert_eq!(everywhere(&[0x88df_fe81], &before).x[1], 0x5a5a_5a5a);
}

/// The product of an infinity and a zero is 2, signed, and no invalid
/// operation.
#[test]
fn fmulx_of_an_infinity_and_a_zero() {
    let mut before = State::default();
    before.v[1] = f32::NEG_INFINITY.to_bits().into();
    let after = everywhere(&[0x5e22_dc20], &before); // fmulx s0, s1, s2
    assert_eq!((after.v[0], after.fpsr), (0xc000_0000, 0));
}

/// A result of 64 bits clears the upper half of its register, and a source
/// that is the same register is read before.
#[test]
fn a_half_result_in_its_source() {
    let mut before = State::default();
    before.v[3] = 0x0003_0002_0001_0004_0008_0007_0006_0005;
    let after = everywhere(&[0x0e60_2863], &before); // saddlp v3.2s, v3.4h
    assert_eq!(after.v[3], 0x0000_000f_0000_000b);
    let after = everywhere(&[0x0e61_2863], &before); // xtn v3.4h, v3.4s
    assert_eq!(after.v[3], 0x0002_0004_0007_0005);
}

/// A block that a return enters and a branch leads to: inside the region the
/// flags stay where the branch had them, and whoever enters brings them there.
#[test]
fn flags_where_a_region_is_entered_in_its_middle() {
    let words = [
        0xeb01_001f, // cmp x0, x1
        0x5400_0060, // b.eq to cset
        0x9400_0004, // bl to the second comparison
        NOP,
        0x9a9f_a7e2, // cset x2, lt
        0x1400_0003, // b to the end
        0xeb04_007f, // cmp x3, x4
        0xd65f_03c0, // ret
    ];
    let mut before = State::default();
    before.x[4] = 1;
    for (x1, x2, nzcv) in [(0, 0, Z | C), (5, 1, N)] {
        before.x[1] = x1;
        let after = everywhere(&words, &before);
        assert_eq!((after.x[2], after.nzcv), (x2, nzcv), "{x1}");
    }
}

/// SP must be a multiple of 16 where it is a base (`SCTLR_EL1.SA0`, which Linux
/// sets), and may be anything meanwhile. The flags are those of the comparison.
#[test]
fn a_stack_pointer_that_is_not_aligned() {
    const LOAD: u32 = 0xf940_03e1; // ldr x1, [sp]
    const PUSH: u32 = 0xf81f_8fe2; // str x2, [sp, #-8]!
    let mut before = State::default();
    before.x[0] = DATA + 0x108;
    before.x[2] = 0x1234;
    before.x[3] = DATA + 0x100;
    before.x[31] = DATA + 0x200;
    let end = |words: &[u32], before: &State| {
        let after = everywhere(words, before);
        let first = Batch::default().next_address();
        let at = (after.signal != 0).then(|| (after.pc - first) / 4);
        (at, after.x[31] - DATA)
    };
    let compare = 0xeb03_005f; // cmp x2, x3
    for set in [
        0x9100_001f, // mov sp, x0
        0x8b20_63ff, // add sp, sp, x0
        0x321d_03ff, // orr wsp, wzr, #8
    ] {
        let words = [compare, set, NOP, compare, LOAD];
        let after = everywhere(&words, &before);
        assert_eq!((after.signal, after.nzcv), (7, N), "{set:08x}");
        assert_eq!((after.pc & 0xff, after.x[1]), (0x14, 0), "{set:08x}");
    }
    // The first finds SP aligned, the second doesn't; a pair is pushed whole.
    assert_eq!(end(&[PUSH, PUSH], &before), (Some(1), 0x1f8));
    assert_eq!(end(&[0xa9bf_0be2, LOAD], &before), (None, 0x1f0)); // stp x2, x2, [sp, #-16]!
    // ld1 {v0.8b}, [sp], #8, and by x2
    assert_eq!(end(&[0x0cdf_73e0, LOAD], &before), (Some(1), 0x208));
    assert_eq!(end(&[0x0cc2_73e0, LOAD], &before), (Some(1), 0x1434));
    // Aligned again before it is a base.
    let words = [0x9100_001f, 0x9100_0442, 0x9100_007f, LOAD]; // mov, add, mov sp, x3
    assert_eq!(end(&words, &before), (None, 0x100));
    // Not aligned from the start.
    before.x[31] = DATA + 0x204;
    assert_eq!(end(&[NOP, LOAD], &before), (Some(1), 0x204));
}

/// The flags of CMP stay in the host's while the result of FADD is looked at, since the
/// load behind it may fault. What is looked at must be the scalar alone.
#[test]
fn a_signalling_nan_above_a_scalar_raises_nothing() {
    let mut before = State::default();
    before.x[20] = DATA;
    before.v[13] = 0x3f80_0000_7fa0_0001_7f80_0000_ffc1_2345;
    before.v[31] = 0x3f80_0000;
    let words = [
        0xeb01_001f, // cmp x0, x1
        0xab03_0042, // adds x2, x2, x3
        0xd280_0022, // mov x2, #1
        0x1e3f_29ad, // fadd s13, s13, s31
        0x3dc0_0282, // ldr q2, [x20]
        0xeb01_001f, // cmp x0, x1
    ];
    let after = everywhere(&words, &before);
    assert_eq!((after.v[13], after.fpsr), (0xffc1_2345, 0));
}

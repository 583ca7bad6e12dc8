//! That every row of the classes has an implementation, and what the forms do
//! beside their arithmetic: which elements they read, what they clear and
//! keep, and when they saturate. The arithmetic itself is compared with
//! another implementation's by the differential tests.
//!
//! Words are the assembler's; each test says the instruction.

use super::execute;
use crate::cpu::Cpu;
use crate::decode::{Class, Op, decode};
use crate::insn::Insn;
use crate::interp::fp;
use lanes::element::Element;

const QC: u32 = 1 << 27;

/// A state whose vector registers are full of ones, so that clearing shows.
fn full() -> Cpu {
    Cpu {
        v: [u128::MAX; 32],
        x: [u64::MAX; 32],
        ..Cpu::default()
    }
}

/// Executes a word that must be ours.
fn run(cpu: &mut Cpu, word: u32) {
    let insn = decode(word).expect("allocated");
    assert!(execute(cpu, insn), "{insn:?} is of integers");
}

/// A register of elements, the first lowest.
fn words(elements: [u32; 4]) -> u128 {
    elements
        .iter()
        .rev()
        .fold(0, |register, &x| register << 32 | u128::from(x))
}

/// Numbers without a pattern (xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A word of the row.
    fn word(&mut self, op: Op) -> Insn {
        let info = op.info();
        (0..10_000)
            .map(|_| info.value | (self.next() >> 16) as u32 & !info.mask)
            .find_map(|word| decode(word).filter(|insn| insn.op == op))
            .expect("a word of the row")
    }

    /// A register; its elements often are the least and the greatest ones.
    fn register(&mut self) -> u128 {
        let mut half = || match self.next() % 5 {
            0 => 0,
            1 => u64::MAX,
            2 => 0x8000_8000_8000_8080,
            3 => 1 << 63,
            _ => self.next(),
        };
        u128::from(half()) << 64 | u128::from(half())
    }
}

/// The classes of Advanced SIMD's data processing.
fn is_advanced_simd(class: Class) -> bool {
    use Class::*;
    matches!(
        class,
        simd_three_same
            | simd_three_same_half
            | simd_three_same_extra
            | simd_three_different
            | simd_two_misc
            | simd_two_misc_half
            | simd_across_lanes
            | simd_copy
            | simd_modified_imm
            | simd_shift_imm
            | simd_by_element
            | simd_permute
            | simd_extract
            | simd_table
            | scalar_three_same
            | scalar_three_same_half
            | scalar_three_same_extra
            | scalar_three_different
            | scalar_two_misc
            | scalar_two_misc_half
            | scalar_pairwise
            | scalar_copy
            | scalar_shift_imm
            | scalar_by_element
    )
}

#[test]
fn every_row_is_of_integers_or_of_floating_point() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut integer, mut float) = (0, 0);
    for &op in Op::ALL.iter().filter(|op| is_advanced_simd(op.class())) {
        let mut owners = [0, 0];
        for _ in 0..200 {
            let insn = numbers.word(op);
            let mut cpu = Cpu::default();
            for register in &mut cpu.v {
                *register = numbers.register();
            }
            let before = cpu.clone();
            if execute(&mut cpu, insn) {
                owners[0] += 1;
            } else {
                assert!(cpu == before, "{insn:?} is refused with effects");
                assert!(fp::execute(&mut cpu, insn), "{insn:?} is nobody's");
                owners[1] += 1;
            }
            assert!(
                vector_registers_kept(&before, &cpu, insn),
                "{insn:?} writes another register"
            );
        }
        // The same one for all words.
        assert!(owners.contains(&200), "{}: {owners:?}", op.name());
        integer += owners[0] / 200;
        float += owners[1] / 200;
    }
    assert!(integer > 250 && float > 150, "{integer} and {float}");
}

/// Whether only Rd has changed, of vector registers.
fn vector_registers_kept(before: &Cpu, after: &Cpu, insn: Insn) -> bool {
    (0..32)
        .filter(|&n| n != insn.rd() as usize)
        .all(|n| before.v[n] == after.v[n])
}

#[test]
fn elements_are_signed_and_unsigned() {
    let register = words([0x8000_0001, 0xffff_ffff, 0x7fff_ffff, 0x0180_ff7f]);
    assert_eq!(Element::get(register, 0, 32).uint(), 0x8000_0001);
    assert_eq!(Element::get(register, 0, 32).sint(), -0x7fff_ffff);
    assert_eq!(Element::get(register, 1, 64).sint(), 0x0180_ff7f_7fff_ffff);
    assert_eq!(Element::get(register, 13, 8).sint(), -1);
    assert_eq!(Element::get(register, 14, 8).sint(), -0x80);
}

#[test]
fn a_half_vector_clears_the_upper_half() {
    let mut cpu = full();
    (cpu.v[1], cpu.v[2]) = (words([1, 2, 3, 4]), words([u32::MAX, 10, 10, 10]));
    run(&mut cpu, 0x0ea2_8420); // add v0.2s, v1.2s, v2.2s
    assert_eq!(cpu.v[0], words([0, 12, 0, 0]));
    run(&mut cpu, 0x4ea2_8420); // add v0.4s, v1.4s, v2.4s
    assert_eq!(cpu.v[0], words([0, 12, 13, 14]));
    cpu.v[0] = u128::MAX;
    run(&mut cpu, 0x0e22_1c20); // and v0.8b, v1.8b, v2.8b
    assert_eq!(cpu.v[0], words([1, 2, 0, 0]));
}

#[test]
fn saturation_is_cumulative() {
    let mut cpu = full();
    (cpu.v[1], cpu.v[2]) = (words([0x7fff_ffff, 9, 9, 9]), words([1; 4]));
    run(&mut cpu, 0x5ea1_0c41); // sqadd s1, s2, s1
    assert_eq!((cpu.v[1], cpu.fpsr), (words([0x7fff_ffff, 0, 0, 0]), QC));
    run(&mut cpu, 0x5ea2_0c40); // sqadd s0, s2, s2
    assert_eq!((cpu.v[0], cpu.fpsr), (words([2, 0, 0, 0]), QC));
    cpu.fpsr = 1;
    run(&mut cpu, 0x5ea2_0c40); // sqadd s0, s2, s2
    assert_eq!(cpu.fpsr, 1);
    // The unused upper half doesn't saturate.
    cpu.v[1] = words([1, 1, 0x7fff_ffff, 0x7fff_ffff]);
    run(&mut cpu, 0x0ea2_0c20); // sqadd v0.2s, v1.2s, v2.2s
    assert_eq!(cpu.fpsr, 1);
}

#[test]
fn narrowing_writes_one_half() {
    let mut cpu = full();
    cpu.v[1] = words([0x1_0002, 0x3_0004, 0x5_0006, 0x7_0008]);
    let narrow = 0x0008_0006_0004_0002;
    run(&mut cpu, 0x0e61_2820); // xtn v0.4h, v1.4s
    assert_eq!(cpu.v[0], narrow);
    cpu.v[0] = u128::MAX;
    run(&mut cpu, 0x4e61_2820); // xtn2 v0.8h, v1.4s
    assert_eq!(cpu.v[0], narrow << 64 | u128::from(u64::MAX));
}

#[test]
fn the_second_long_form_reads_the_upper_half() {
    let mut cpu = full();
    (cpu.v[1], cpu.v[2]) = (words([1, 2, 3, 4]), words([10, 20, u32::MAX, 40]));
    run(&mut cpu, 0x0ea2_0020); // saddl v0.2d, v1.2s, v2.2s
    assert_eq!(cpu.v[0], 22 << 64 | 11);
    run(&mut cpu, 0x4ea2_0020); // saddl2 v0.2d, v1.4s, v2.4s
    assert_eq!(cpu.v[0], 44 << 64 | 2);
}

#[test]
fn shifts_go_both_ways_and_far() {
    let mut cpu = full();
    cpu.v[1] = words([0x8000_0001; 4]);
    // Only the low byte is the distance.
    cpu.v[2] = words([0x7f, 0x80, 0x1ff, 0x101]);
    run(&mut cpu, 0x4ea2_4420); // sshl v0.4s, v1.4s, v2.4s
    assert_eq!(cpu.v[0], words([0, u32::MAX, 0xc000_0000, 2]));
    run(&mut cpu, 0x4ea2_5420); // srshl v0.4s, v1.4s, v2.4s
    assert_eq!(cpu.v[0], words([0, 0, 0xc000_0001, 2]));
    assert_eq!(cpu.fpsr, 0);
    run(&mut cpu, 0x4ea2_4c20); // sqshl v0.4s, v1.4s, v2.4s
    let least = 0x8000_0000;
    assert_eq!(cpu.v[0], words([least, u32::MAX, 0xc000_0000, least]));
    assert_eq!(cpu.fpsr, QC);
}

#[test]
fn a_shift_by_all_bits_is_possible_to_the_right() {
    let mut cpu = full();
    cpu.v[1] = 0xffff_ffff_0000_0000;
    cpu.v[0] = 5;
    run(&mut cpu, 0x7f40_4420); // sri d0, d1, #64
    assert_eq!(cpu.v[0], 5);
    run(&mut cpu, 0x7f40_2420); // urshr d0, d1, #64
    assert_eq!(cpu.v[0], 1);
}

#[test]
fn tables_wrap_around_the_registers() {
    let mut cpu = full();
    cpu.v[31] = words([0x0302_0100, 0, 0, 0]);
    cpu.v[0] = words([0x1312_1110, 0, 0, 0]);
    cpu.v[2] = words([0x1020_0311, 0, 0, 0]);
    let mut table = |word, expected| {
        cpu.v[1] = words([u32::MAX, 0, 0, 0]);
        run(&mut cpu, word);
        assert_eq!(cpu.v[1] as u32, expected, "{word:#x}");
    };
    table(0x0e02_23e1, 0x1000_0311); // tbl v1.8b, {v31.16b, v0.16b}, v2.8b
    table(0x0e02_33e1, 0x10ff_0311); // tbx v1.8b, {v31.16b, v0.16b}, v2.8b
}

#[test]
fn general_register_31_is_zero() {
    let mut cpu = full();
    run(&mut cpu, 0x4e04_0fe0); // dup v0.4s, wzr
    assert_eq!(cpu.v[0], 0);
    run(&mut cpu, 0x0e04_3c3f); // umov wzr, v1.s[0]
    assert_eq!(cpu.x[31], u64::MAX);
    run(&mut cpu, 0x0e01_2c22); // smov w2, v1.b[0]
    assert_eq!(cpu.x[2], 0xffff_ffff);
    run(&mut cpu, 0x4e01_2c22); // smov x2, v1.b[0]
    assert_eq!(cpu.x[2], u64::MAX);
    run(&mut cpu, 0x4e18_1fe1); // mov v1.d[1], xzr
    assert_eq!(cpu.v[1], u64::MAX.into());
}

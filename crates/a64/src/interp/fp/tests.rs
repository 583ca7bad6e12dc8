//! What the forms do beside the arithmetic: which elements they read, what
//! they clear, and the rounding each instruction has.
//!
//! Words are the assembler's; each test says the instruction.

use super::execute;
use crate::cpu::{Cpu, Flags};
use crate::decode::decode;
use softfp::{FPCR_FZ, FPCR_RMODE_SHIFT, FPSR_IDC, FPSR_IOC, FPSR_IXC};

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
    assert!(execute(cpu, insn), "{insn:?} is floating point");
}

/// A register of elements, the first lowest.
fn singles(elements: [f32; 4]) -> u128 {
    elements
        .iter()
        .rev()
        .fold(0, |register, x| register << 32 | u128::from(x.to_bits()))
}

fn single(x: f32) -> u128 {
    x.to_bits().into()
}

fn double(x: f64) -> u128 {
    x.to_bits().into()
}

#[test]
fn a_scalar_clears_the_rest_of_its_register() {
    let mut cpu = full();
    (cpu.v[1], cpu.v[2]) = (singles([1.5, 9.0, 9.0, 9.0]), singles([2.0; 4]));
    run(&mut cpu, 0x1e22_2820); // fadd s0, s1, s2
    assert_eq!(cpu.v[0], single(3.5));
}

#[test]
fn a_half_vector_clears_the_upper_half() {
    let mut cpu = full();
    (cpu.v[1], cpu.v[2]) = (singles([1.0, 2.0, 3.0, 4.0]), singles([10.0; 4]));
    run(&mut cpu, 0x0e22_d420); // fadd v0.2s, v1.2s, v2.2s
    assert_eq!(cpu.v[0], singles([11.0, 12.0, 0.0, 0.0]));
    run(&mut cpu, 0x4e22_d420); // fadd v0.4s, v1.4s, v2.4s
    assert_eq!(cpu.v[0], singles([11.0, 12.0, 13.0, 14.0]));
}

#[test]
fn a_pair_is_added_and_a_second_half_widened() {
    let mut cpu = full();
    cpu.v[1] = singles([1.0, 2.0, 3.0, 4.0]);
    run(&mut cpu, 0x7e30_d820); // faddp s0, v1.2s
    assert_eq!(cpu.v[0], single(3.0));
    run(&mut cpu, 0x4e61_7820); // fcvtl2 v0.2d, v1.4s
    assert_eq!(cpu.v[0], double(4.0) << 64 | double(3.0));
}

#[test]
fn denormals_are_flushed_where_fpcr_says() {
    let mut cpu = full();
    (cpu.v[1], cpu.v[2]) = (double(f64::from_bits(1)), double(1.0));
    run(&mut cpu, 0x1e62_0820); // fmul d0, d1, d2
    assert_eq!((cpu.v[0], cpu.fpsr), (1, 0));
    cpu.fpcr = FPCR_FZ;
    run(&mut cpu, 0x1e62_0820); // fmul d0, d1, d2
    assert_eq!((cpu.v[0], cpu.fpsr), (0, FPSR_IDC));
}

#[test]
fn conversions_to_integers_saturate() {
    for (value, result, flags) in [
        (f32::NAN, 0, FPSR_IOC),
        (3e9, 0x7fff_ffff, FPSR_IOC),
        (-1.75, 0xffff_ffff, FPSR_IXC),
        (7.0, 7, 0),
    ] {
        let mut cpu = full();
        cpu.v[1] = single(value);
        run(&mut cpu, 0x1e38_0020); // fcvtzs w0, s1
        assert_eq!((cpu.x[0], cpu.fpsr), (result, flags), "{value}");
    }
}

#[test]
fn rounding_is_fpcr_s_or_the_instruction_s() {
    for (mode, by_mode) in [(0, 2.0), (1, 3.0), (2, 2.0), (3, 2.0)] {
        let mut cpu = full();
        cpu.fpcr = mode << FPCR_RMODE_SHIFT;
        cpu.v[1] = double(2.5);
        run(&mut cpu, 0x1e67_c020); // frinti d0, d1
        assert_eq!(cpu.v[0], double(by_mode), "mode {mode}");
        run(&mut cpu, 0x1e66_4020); // frinta d0, d1
        assert_eq!(cpu.v[0], double(3.0), "mode {mode}");
    }
}

#[test]
fn comparisons_set_nzcv() {
    for (a, b, nzcv) in [
        (1.0, 2.0, 0b1000),
        (2.0, 2.0, 0b0110),
        (3.0, 2.0, 0b0010),
        (f64::NAN, 2.0, 0b0011),
    ] {
        let mut cpu = full();
        (cpu.v[1], cpu.v[2]) = (double(a), double(b));
        run(&mut cpu, 0x1e62_2020); // fcmp d1, d2
        assert_eq!(cpu.flags, Flags::from_nzcv(nzcv), "{a} {b}");
    }
}

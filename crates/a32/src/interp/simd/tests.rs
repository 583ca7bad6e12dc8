//! What the manual says of Advanced SIMD alone, whatever FPSCR says.

use guest::memory::Buffer;

use crate::cpu::Cpu;
use crate::decode::{Insn, State, decode};

fn run(cpu: &mut Cpu, word: u32) {
    let Some(Insn::Simd(insn)) = decode(State::Arm, word) else {
        panic!("{word:#x} is not of Advanced SIMD")
    };
    super::execute(cpu, &mut Buffer::new(0, 64), insn).expect("no exception");
}

#[test]
fn rounding_is_to_the_nearest_whatever_the_mode() {
    for mode in 0..4 {
        let mut cpu = Cpu {
            fpcr: mode << 22,
            ..Cpu::default()
        };
        cpu.v[1] = u128::from(1.0f32.to_bits());
        cpu.v[2] = u128::from(2.0f32.powi(-25).to_bits());
        run(&mut cpu, 0xf202_0d44); // vadd.f32 q0, q1, q2
        assert_eq!(cpu.v[0] as u32, 1.0f32.to_bits(), "mode {mode}");
    }
}

#[test]
fn nans_are_the_default_one_and_denormals_zero() {
    let mut cpu = Cpu::default();
    cpu.v[1] = 0x0000_0001_7fc1_2345;
    cpu.v[2] = 0x0000_0001_3f80_0000;
    run(&mut cpu, 0xf202_0d44); // vadd.f32 q0, q1, q2
    assert_eq!(cpu.v[0] as u64, 0x7fc0_0000);
    assert_eq!(cpu.fpsr, 0x80, "IDC alone");
}

#[test]
fn saturation_is_remembered_in_fpscr() {
    let mut cpu = Cpu::default();
    cpu.v[1] = 0x7f;
    cpu.v[2] = 0x01;
    run(&mut cpu, 0xf202_0054); // vqadd.s8 q0, q1, q2
    assert_eq!((cpu.v[0], cpu.fpsr, cpu.q()), (0x7f, 1 << 27, 0));
}

#[test]
fn newton_steps_round_the_product() {
    let mut cpu = Cpu::default();
    cpu.v[1] = u128::from(1.000_000_1f32.to_bits());
    run(&mut cpu, 0xf202_0f52); // vrecps.f32 q0, q1, q1
    let square = 1.000_000_1f32 * 1.000_000_1;
    assert_eq!(cpu.v[0] as u32, (2.0 - square).to_bits());
}

#[test]
fn the_other_half_of_a_vector_stays() {
    let mut cpu = Cpu::default();
    cpu.v[0] = u128::MAX;
    run(&mut cpu, 0xf301_1111); // veor d1, d1, d1
    assert_eq!(cpu.v[0], u128::from(u64::MAX));
}

//! FCADD and FCMLA: pairs of elements are complex numbers, the real part
//! first.

use super::shape::{Element, Shape, Size, by_size};
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use softfp::{self as fp, Complex, Fp};

/// The destination register.
pub(super) fn execute(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    match insn.op {
        Op::FCADD | Op::FCMLA_vector => {
            let Shape { size, count } = Shape::of(insn)?;
            let m = cpu.v[insn.rm() as usize];
            Some(by_size!(
                size,
                numbers(cpu, fp, insn, count / 2, |number| (m, number))
            ))
        }
        // The index counts complex numbers.
        Op::FCMLA_by_element => {
            let (size, index) = match insn.size() {
                1 => (Size::Half, insn.hl()),
                _ => (Size::Single, insn.h()),
            };
            let m = cpu.v[insn.rm() as usize];
            let count = (64 << insn.q()) / size.bits();
            Some(by_size!(
                size,
                numbers(cpu, fp, insn, count / 2, |_| (m, index))
            ))
        }
        _ => None,
    }
}

/// The complex number `index` of a register.
fn get<F: Element>(register: u128, index: u32) -> Complex<F> {
    (F::get(register, 2 * index), F::get(register, 2 * index + 1))
}

/// Each of `count` numbers; `second` is where the second operand's lie.
fn numbers<F: Element>(
    cpu: &Cpu,
    fp: &mut Fp,
    insn: Insn,
    count: u32,
    second: impl Fn(u32) -> (u128, u32),
) -> u128 {
    let (d, n) = (cpu.v[insn.rd() as usize], cpu.v[insn.rn() as usize]);
    (0..count).fold(0, |result, index| {
        let (m, element) = second(index);
        let (x, y) = (get::<F>(n, index), get::<F>(m, element));
        let (re, im) = match insn.op {
            Op::FCADD => fp::complex_add(fp, x, y, insn.rot1() == 1),
            Op::FCMLA_by_element => fp::complex_mul_add(fp, get(d, index), x, y, insn.rot_elem()),
            _ => fp::complex_mul_add(fp, get(d, index), x, y, insn.rot()),
        };
        result | re.at(2 * index) | im.at(2 * index + 1)
    })
}

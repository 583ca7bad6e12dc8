//! BFloat16 products: BFDOT, BFMMLA and BFMLALB/T.

use super::lanes::collect;
use super::shape::{Element, Size, element_operand};
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use softfp::{self as fp, Fp};

/// The destination register.
pub(super) fn execute(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    let [d, n, m] = [insn.rd(), insn.rn(), insn.rm()].map(|register| cpu.v[register as usize]);
    match insn.op {
        Op::BFDOT_vector => dot(insn, d, n, |index| (m, index)),
        // The index is that of a pair.
        Op::BFDOT_by_element => dot(insn, d, n, |_| (m, insn.hl())),
        Op::BFMMLA => matrix(d, n, m),
        Op::BFMLAL_vector => long(fp, insn, d, n, |index| u16::get(m, index)),
        Op::BFMLAL_by_element => {
            let (register, element) = element_operand(insn, Size::Half);
            long(fp, insn, d, n, |_| u16::get(cpu.v[register], element))
        }
        _ => None,
    }
}

/// BFDOT; `second` is where the second operand's pair lies.
fn dot(insn: Insn, d: u128, n: u128, second: impl Fn(u32) -> (u128, u32)) -> Option<u128> {
    collect(2 << insn.q(), |index| {
        let (m, pair) = second(index);
        Some(fp::bf_dot_add(
            u32::get(d, index),
            u16::get(n, 2 * index),
            u16::get(n, 2 * index + 1),
            u16::get(m, 2 * pair),
            u16::get(m, 2 * pair + 1),
        ))
    })
}

/// BFMMLA.
fn matrix(d: u128, n: u128, m: u128) -> Option<u128> {
    let sums = fp::bf_mat_mul_add(
        [0, 1, 2, 3].map(|index| u32::get(d, index)),
        [0, 1, 2, 3, 4, 5, 6, 7].map(|index| u16::get(n, index)),
        [0, 1, 2, 3, 4, 5, 6, 7].map(|index| u16::get(m, index)),
    );
    collect(4, |index| Some(sums[index as usize]))
}

/// BFMLALB and, with Q, BFMLALT: the even or the odd factors.
fn long(fp: &mut Fp, insn: Insn, d: u128, n: u128, second: impl Fn(u32) -> u16) -> Option<u128> {
    collect(4, |index| {
        let factor = 2 * index + insn.q();
        let (x, y) = (u16::get(n, factor), second(factor));
        Some(fp::bf_mul_add_h(fp, u32::get(d, index), x, y))
    })
}

//! The instructions that combine the elements of one vector: in pairs, or all
//! of them.

use super::lanes::collect;
use super::shape::{Element, Shape, Size, by_size};
use crate::cpu::Cpu;
use crate::decode::{Class, Op};
use crate::insn::Insn;
use softfp::{self as fp, Fp};

/// What becomes of two elements.
fn combined<F: Element>(op: Op, fp: &mut Fp, low: F, high: F) -> Option<F> {
    use Op::*;
    Some(match op {
        FADDP_vector | FADDP_vector_half | FADDP_scalar | FADDP_scalar_half => {
            fp::add(fp, low, high)
        }
        FMAXP_vector | FMAXP_vector_half | FMAXP_scalar | FMAXP_scalar_half | FMAXV
        | FMAXV_half => fp::max(fp, low, high),
        FMINP_vector | FMINP_vector_half | FMINP_scalar | FMINP_scalar_half | FMINV
        | FMINV_half => fp::min(fp, low, high),
        FMAXNMP_vector | FMAXNMP_vector_half | FMAXNMP_scalar | FMAXNMP_scalar_half | FMAXNMV
        | FMAXNMV_half => fp::max_num(fp, low, high),
        FMINNMP_vector | FMINNMP_vector_half | FMINNMP_scalar | FMINNMP_scalar_half | FMINNMV
        | FMINNMV_half => fp::min_num(fp, low, high),
        _ => return None,
    })
}

/// The vector pairwise instructions: pairs of Rn, then of Rm.
pub(super) fn pairs(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    fn each<F: Element>(cpu: &Cpu, fp: &mut Fp, insn: Insn, count: u32) -> Option<u128> {
        let (n, m) = (cpu.v[insn.rn() as usize], cpu.v[insn.rm() as usize]);
        collect(count, |index| {
            let (register, pair) = if index < count / 2 {
                (n, index)
            } else {
                (m, index - count / 2)
            };
            let (low, high) = (F::get(register, 2 * pair), F::get(register, 2 * pair + 1));
            combined(insn.op, fp, low, high)
        })
    }
    let Shape { size, count } = Shape::of(insn)?;
    by_size!(size, each(cpu, fp, insn, count))
}

/// To a scalar: the pair of scalar pairwise, or the vector of across lanes.
pub(super) fn across(cpu: &Cpu, fp: &mut Fp, insn: Insn) -> Option<u128> {
    fn all<F: Element>(cpu: &Cpu, fp: &mut Fp, insn: Insn, count: u32) -> Option<u128> {
        let n = cpu.v[insn.rn() as usize];
        Some(reduce::<F>(insn.op, fp, n, 0, count)?.at(0))
    }
    // U tells single and double precision from half.
    let single_or_double = insn.word >> 29 & 1 == 1;
    let (size, count) = match insn.op.class() {
        Class::scalar_pairwise if single_or_double => (Size::of_sz(insn.sz()), 2),
        Class::scalar_pairwise => (Size::Half, 2),
        _ if single_or_double => (Size::Single, 4),
        _ => (Size::Half, 4 << insn.q()),
    };
    by_size!(size, all(cpu, fp, insn, count))
}

/// `Reduce`: the halves first, each by itself, then the two results.
fn reduce<F: Element>(op: Op, fp: &mut Fp, register: u128, first: u32, count: u32) -> Option<F> {
    if count == 1 {
        return Some(F::get(register, first));
    }
    let half = count / 2;
    let low = reduce(op, fp, register, first, half)?;
    let high = reduce(op, fp, register, first + half, half)?;
    combined(op, fp, low, high)
}

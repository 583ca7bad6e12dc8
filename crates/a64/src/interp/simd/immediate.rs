//! Modified immediate: a byte made a constant of 64 bits, which is moved to a
//! vector or changes it.

use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use crate::interp::fp::expanded;
use lanes::element::collect;
use lanes::immediate::repeated;

/// The destination register.
pub(super) fn execute(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    let immediate = match insn.op {
        FMOV_vector_immediate_half => repeated(expanded(insn.abcdefgh(), 5, 10) as u64, 16),
        FMOV_vector_immediate => repeated(expanded(insn.abcdefgh(), 8, 23) as u64, 32),
        FMOV_vector_immediate_double => expanded(insn.abcdefgh(), 11, 52) as u64,
        _ => lanes::immediate::expanded(insn.mi_op(), insn.cmode(), insn.abcdefgh()),
    };
    let d = cpu.v[insn.rd() as usize];
    collect(64, 1 << insn.q(), |index| {
        let d = (d >> (64 * index)) as u64;
        let value = match insn.op {
            MOVI
            | FMOV_vector_immediate
            | FMOV_vector_immediate_double
            | FMOV_vector_immediate_half => immediate,
            MVNI => !immediate,
            ORR_vector_immediate => d | immediate,
            BIC_vector_immediate => d & !immediate,
            _ => return None,
        };
        Some(value.into())
    })
}

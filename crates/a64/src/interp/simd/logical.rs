//! The bitwise instructions, which have no elements.

use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;

/// The destination register.
pub(super) fn execute(cpu: &Cpu, insn: Insn) -> Option<u128> {
    use Op::*;
    let [d, n, m] = [insn.rd(), insn.rn(), insn.rm()].map(|register| cpu.v[register as usize]);
    let result = match insn.op {
        AND_vector => n & m,
        BIC_vector_register => n & !m,
        ORR_vector_register => n | m,
        ORN_vector => n | !m,
        EOR_vector => n ^ m,
        BSL => n & d | m & !d,
        BIT => n & m | d & !m,
        BIF => n & !m | d & m,
        _ => return None,
    };
    Some(if insn.q() == 1 {
        result
    } else {
        u128::from(result as u64)
    })
}

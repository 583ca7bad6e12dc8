//! The atomics of FEAT_LSE: LDADD and its like, SWP, CAS and CASP.
//!
//! Each is one step that orders like a full barrier, so that the bits that
//! acquire and release ask for nothing more.

use super::register::sign_extended;
use super::{access, set_x, x};
use crate::cpu::Cpu;
use crate::decode::Op;
use crate::insn::Insn;
use guest::memory::{Fault, Memory, Size};

/// What is written for what was read and Rs, both zero-extended; the bits
/// above the size do not matter.
fn new_value(op: Op, size: Size, old: u64, operand: u64) -> u64 {
    let signed = |value: u64| sign_extended(value.into(), size, 64) as i64;
    match op {
        Op::LDADDB | Op::LDADDH | Op::LDADD => old.wrapping_add(operand),
        Op::LDCLRB | Op::LDCLRH | Op::LDCLR => old & !operand,
        Op::LDEORB | Op::LDEORH | Op::LDEOR => old ^ operand,
        Op::LDSETB | Op::LDSETH | Op::LDSET => old | operand,
        Op::LDSMAXB | Op::LDSMAXH | Op::LDSMAX => signed(old).max(signed(operand)) as u64,
        Op::LDSMINB | Op::LDSMINH | Op::LDSMIN => signed(old).min(signed(operand)) as u64,
        Op::LDUMAXB | Op::LDUMAXH | Op::LDUMAX => old.max(operand),
        Op::LDUMINB | Op::LDUMINH | Op::LDUMIN => old.min(operand),
        // SWP.
        _ => operand,
    }
}

/// LDADD, LDCLR, LDEOR, LDSET, LDSMAX, LDSMIN, LDUMAX, LDUMIN and SWP.
pub(super) fn read_modify_write<M: Memory>(
    cpu: &mut Cpu,
    mem: &mut M,
    insn: Insn,
) -> Result<(), Fault> {
    let address = access::base(cpu, insn.rn())?;
    let size = Size::from_log2(insn.ldst_size());
    let operand = x(cpu, insn.rs()) & size.mask() as u64;
    let old = access::update(mem, address, size, &mut |old| {
        new_value(insn.op, size, old as u64, operand).into()
    })?;
    set_x(cpu, insn.rt(), old as u64);
    Ok(())
}

/// CAS. Rs gets what memory held, whether or not that was Rs.
pub(super) fn compare_and_swap<M: Memory>(
    cpu: &mut Cpu,
    mem: &mut M,
    insn: Insn,
) -> Result<(), Fault> {
    if insn.op == Op::CASP {
        return compare_and_swap_pair(cpu, mem, insn);
    }
    let address = access::base(cpu, insn.rn())?;
    let size = Size::from_log2(insn.ldst_size());
    let (expected, new) = (x(cpu, insn.rs()), x(cpu, insn.rt()));
    let old = access::compare_exchange(mem, address, size, expected.into(), new.into())?;
    set_x(cpu, insn.rs(), old as u64);
    Ok(())
}

/// CASP: Rs and the register after it, as one value of twice the size; the
/// registers after X30 are XZR.
fn compare_and_swap_pair<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    let address = access::base(cpu, insn.rn())?;
    let element = Size::from_log2(2 + insn.ldst_sz());
    let size = Size::from_log2(3 + insn.ldst_sz());
    let joined = |r: u32| {
        let low = u128::from(x(cpu, r)) & element.mask();
        low | u128::from(x(cpu, r + 1)) << element.bits()
    };
    let (s, t) = (insn.rs(), insn.rt());
    let old = access::compare_exchange(mem, address, size, joined(s), joined(t))?;
    set_x(cpu, s, (old & element.mask()) as u64);
    set_x(cpu, s + 1, (old >> element.bits()) as u64);
    Ok(())
}

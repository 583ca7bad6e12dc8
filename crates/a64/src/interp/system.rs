//! Exceptions, barriers, hints, PSTATE, cache maintenance and the system
//! registers that EL0 may access.

use super::registers::{read, write};
use super::{Environment, Exception};
use crate::call;
use crate::cpu::{Cpu, Flags, Monitor};
use crate::decode::{Class, Op};
use crate::features;
use crate::insn::Insn;
use guest::memory::{Barrier, Fault, Memory, Size};
use softfp as fp;

/// The bits of FPCR that are there: AHP, DN, FZ, `RMode` and FZ16.
const FPCR_BITS: u32 =
    fp::FPCR_AHP | fp::FPCR_DN | fp::FPCR_FZ | 3 << fp::FPCR_RMODE_SHIFT | fp::FPCR_FZ16;
/// The bits of FPSR that are there: QC, IDC, IXC, UFC, OFC, DZC, IOC.
const FPSR_BITS: u32 = 0x0800_009f;
/// A cache line, and what DC ZVA clears, in bytes.
const LINE: u64 = 64;

/// Executes one of them.
///
/// # Errors
/// When it is an exception, or DC ZVA faults.
pub(super) fn execute<M: Memory + Environment>(
    cpu: &mut Cpu,
    mem: &mut M,
    insn: Insn,
) -> Result<(), Exception> {
    match insn.op.class() {
        Class::exception => return Err(exception(cpu, insn)),
        Class::barrier => barrier(cpu, mem, insn),
        Class::pstate => pstate(cpu, insn),
        Class::system => maintain(cpu, mem, insn)?,
        _ => register(cpu, mem, insn),
    }
    Ok(())
}

/// Hints: NOPs, those of FEAT_PAuth (not advertised) too, but for calls. Returns
/// where it goes on.
#[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
pub(super) fn hint<M: Environment>(cpu: &mut Cpu, mem: &mut M, word: u32) -> u64 {
    let argument = cpu.x[usize::from(call::ARGUMENT)] as u32;
    let called = call::function(word).and_then(|number| mem.call(cpu.pc, number, argument));
    let Some(values) = called else {
        return cpu.pc.wrapping_add(4);
    };
    for (reg, value) in call::VALUES.into_iter().zip(values) {
        cpu.x[usize::from(reg)] = value;
    }
    cpu.x[usize::from(call::ZERO)] = 0;
    cpu.flags = Flags::from_nzcv(0);
    cpu.pc.wrapping_add(8)
}

#[allow(clippy::cast_possible_truncation, reason = "fields of sixteen bits")]
fn exception(cpu: &mut Cpu, insn: Insn) -> Exception {
    match insn.op {
        Op::SVC => {
            cpu.pc = cpu.pc.wrapping_add(4);
            Exception::Supervisor(insn.imm16())
        }
        Op::BRK => Exception::Breakpoint(insn.imm16() as u16),
        _ => Exception::Undefined,
    }
}

fn barrier<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) {
    match insn.op {
        Op::CLREX => cpu.monitor = Monitor::default(),
        // The low two bits of CRm say which accesses; reserved values are
        // those of the full system.
        Op::DMB | Op::DSB => mem.barrier(match insn.crm() & 3 {
            1 => Barrier::Load,
            2 => Barrier::Store,
            _ => Barrier::Full,
        }),
        // ISB and SB: nothing here runs ahead.
        _ => {}
    }
}

fn pstate(cpu: &mut Cpu, insn: Insn) {
    let nzcv = cpu.flags.nzcv();
    let z = nzcv >> 2 & 1;
    let (c, v) = (nzcv >> 1 & 1, nzcv & 1);
    let flags = match insn.op {
        Op::CFINV => nzcv ^ 2,
        // Between Arm's outcome of a comparison and that of IEEE 754 as other
        // processors show it.
        Op::AXFLAG => (z | v) << 2 | (c & (v ^ 1)) << 1,
        Op::XAFLAG => ((c | z) ^ 1) << 3 | (z & c) << 2 | (c | z) << 1 | ((c ^ 1) & z),
        _ => {
            cpu.dit = u64::from(insn.crm() & 1) << 24;
            return;
        }
    };
    cpu.flags = Flags::from_nzcv(flags);
}

fn maintain<M: Memory>(cpu: &Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    let address = read(cpu, insn.rt());
    // The top byte is ignored (TBI0).
    let line = ((address << 8) as i64 >> 8) as u64 & !(LINE - 1);
    match insn.op {
        Op::DC_ZVA => zero(mem, line)?,
        Op::IC_IVAU => mem.invalidate_code(line, LINE),
        // DC CVAC, CVAU, CIVAC: caches are coherent. They fault as loads do.
        _ => {
            mem.load(address, Size::Byte)?;
        }
    }
    Ok(())
}

/// Clears a line, which lies in one page: all of it or nothing.
fn zero<M: Memory>(mem: &mut M, line: u64) -> Result<(), Fault> {
    for offset in (0..LINE).step_by(16) {
        mem.store(line + offset, Size::Quad, 0)?;
    }
    Ok(())
}

/// MRS and MSR.
#[allow(
    clippy::cast_possible_truncation,
    reason = "registers of 32 bits, and NZCV, are cut from 64"
)]
fn register<M: Environment>(cpu: &mut Cpu, mem: &mut M, insn: Insn) {
    let source = read(cpu, insn.rt());
    let value = match insn.op {
        Op::MSR_NZCV => {
            cpu.flags = Flags::from_nzcv((source >> 28 & 15) as u8);
            return;
        }
        Op::MSR_FPCR => {
            cpu.fpcr = source as u32 & FPCR_BITS;
            return;
        }
        Op::MSR_FPSR => {
            cpu.fpsr = source as u32 & FPSR_BITS;
            return;
        }
        Op::MSR_DIT => {
            cpu.dit = source & 1 << 24;
            return;
        }
        Op::MSR_TPIDR_EL0 => {
            cpu.tpidr = source;
            return;
        }
        Op::MRS_NZCV => u64::from(cpu.flags.nzcv()) << 28,
        Op::MRS_FPCR => cpu.fpcr.into(),
        Op::MRS_FPSR => cpu.fpsr.into(),
        Op::MRS_DIT => cpu.dit,
        Op::MRS_TPIDR_EL0 => cpu.tpidr,
        Op::MRS_TPIDRRO_EL0 => cpu.tpidrro,
        Op::MRS_CTR_EL0 => features::CTR_EL0,
        Op::MRS_DCZID_EL0 => features::DCZID_EL0,
        Op::MRS_CNTFRQ_EL0 => mem.frequency(),
        Op::MRS_CNTVCT_EL0 => mem.counter(),
        _ => features::id_register(insn.crm(), insn.op2()),
    };
    write(cpu, insn.rt(), value);
}

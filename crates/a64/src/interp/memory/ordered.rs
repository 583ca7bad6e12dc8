//! Loads that acquire and stores that release: LDAR, STLR, LDAPR, LDLAR,
//! STLLR and the unscaled LDAPUR, STLUR.
//!
//! LDAPR may pass earlier STLRs and the limited-ordering ones order a region
//! only; treating all as LDAR and STLR is allowed.

use super::address::{Place, place};
use super::register::{Direction, sign_extended};
use super::{access, set_x, x};
use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;
use guest::memory::{Fault, Memory, Size};

/// Executes one.
pub(super) fn execute<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    let (place, direction) = match insn.op.class() {
        Class::ldst_rcpc_unscaled => (place(cpu, insn, 0)?, Direction::of(insn)),
        class => {
            let base = Place::at(access::base(cpu, insn.rn())?);
            // LDAPR has the encoding of an atomic, where bit 22 is R.
            let loads = class == Class::ldst_rcpc || super::is_load(insn);
            let direction = if loads {
                Direction::Load
            } else {
                Direction::Store
            };
            (base, direction)
        }
    };
    let size = Size::from_log2(insn.ldst_size());
    let t = insn.rt();
    if direction == Direction::Store {
        return access::store_release(mem, place.address, size, x(cpu, t).into());
    }
    let value = access::load_acquire(mem, place.address, size)?;
    let extended = match direction {
        Direction::LoadSigned(width) => sign_extended(value, size, width),
        _ => value as u64,
    };
    set_x(cpu, t, extended);
    Ok(())
}

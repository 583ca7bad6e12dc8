//! Loads and stores of general registers, one or two.

use super::address::{literal as literal_address, place};
use super::{access, is_load, set_x, x};
use crate::cpu::Cpu;
use crate::insn::Insn;
use guest::memory::{Fault, Memory, Size};

/// What opc, bits 23:22, says of one register.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// 0: a store.
    Store,
    /// 1: a load that fills up with zeros.
    Load,
    /// 2 and 3: a load that fills up the lowest so many bits with the sign,
    /// and those above with zeros.
    LoadSigned(u32),
}

impl Direction {
    pub(super) const fn of(insn: Insn) -> Self {
        match insn.opc1() << 1 | insn.opc0() {
            0 => Self::Store,
            1 => Self::Load,
            2 => Self::LoadSigned(64),
            _ => Self::LoadSigned(32),
        }
    }
}

/// `value` of `size` bytes, sign-extended to `width` bits, 32 or 64.
pub(super) const fn sign_extended(value: u128, size: Size, width: u32) -> u64 {
    let unused = 128 - size.bits();
    let extended = ((value << unused) as i128 >> unused) as u64;
    extended & (u64::MAX >> (64 - width))
}

/// LDR (literal), LDRSW (literal), PRFM (literal).
pub(super) fn literal<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    let address = literal_address(cpu, insn);
    let value = match insn.ldst_size() {
        0 => access::load(mem, address, Size::Word)? as u64,
        1 => access::load(mem, address, Size::Double)? as u64,
        2 => sign_extended(access::load(mem, address, Size::Word)?, Size::Word, 64),
        // PRFM is a hint.
        _ => return Ok(()),
    };
    set_x(cpu, insn.rt(), value);
    Ok(())
}

/// One register of 1 to 8 bytes.
pub(super) fn single<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    let direction = Direction::of(insn);
    let size = Size::from_log2(insn.ldst_size());
    if size == Size::Double && matches!(direction, Direction::LoadSigned(_)) {
        // PRFM and PRFUM are hints; they do not even check SP.
        return Ok(());
    }
    let place = place(cpu, insn, insn.ldst_size())?;
    let t = insn.rt();
    match direction {
        Direction::Store => access::store(mem, place.address, size, x(cpu, t).into())?,
        Direction::Load => {
            let value = access::load(mem, place.address, size)?;
            set_x(cpu, t, value as u64);
        }
        Direction::LoadSigned(width) => {
            let value = access::load(mem, place.address, size)?;
            set_x(cpu, t, sign_extended(value, size, width));
        }
    }
    place.write_back(cpu);
    Ok(())
}

/// Two registers of 4 or 8 bytes.
pub(super) fn pair<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn) -> Result<(), Fault> {
    // opc, bits 31:30: 0 is words, 1 words with sign, 2 doublewords.
    let opc = insn.ldst_size();
    let scale = 2 + (opc >> 1);
    let size = Size::from_log2(scale);
    let place = place(cpu, insn, scale)?;
    let second = place.address.wrapping_add(size.bytes());
    let (t, t2) = (insn.rt(), insn.rt2());
    if is_load(insn) {
        let extend = |value| match opc {
            1 => sign_extended(value, size, 64),
            _ => value as u64,
        };
        let value = access::load(mem, place.address, size)?;
        let value2 = access::load(mem, second, size)?;
        // When both are one register, it gets the first (CONSTRAINED
        // UNPREDICTABLE).
        set_x(cpu, t2, extend(value2));
        set_x(cpu, t, extend(value));
    } else {
        access::store(mem, place.address, size, x(cpu, t).into())?;
        access::store(mem, second, size, x(cpu, t2).into())?;
    }
    place.write_back(cpu);
    Ok(())
}

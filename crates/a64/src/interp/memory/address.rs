//! Addressing modes: where an instruction accesses, and what its base
//! register is afterwards.

use super::{access, x};
use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;
use guest::memory::Fault;

/// Where an instruction accesses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// The address, not yet without its tag.
    pub(super) address: u64,
    /// The register written back, and its value.
    writeback: Option<(u32, u64)>,
}

impl Place {
    /// No writeback.
    pub(super) const fn at(address: u64) -> Self {
        Self {
            address,
            writeback: None,
        }
    }

    /// The access is at `address`, and then the base is `after`.
    pub(super) const fn then(insn: Insn, address: u64, after: u64) -> Self {
        Self {
            address,
            writeback: Some((insn.rn(), after)),
        }
    }

    /// Writes the base register. It comes after the write of what was loaded:
    /// when both are one register, the address wins, and a store has stored
    /// the register as it was (CONSTRAINED UNPREDICTABLE).
    pub(super) fn write_back(self, cpu: &mut Cpu) {
        if let Some((n, address)) = self.writeback {
            cpu.x[n as usize] = address;
        }
    }
}

/// The place of an access relative to a base register. `scale` is the binary
/// logarithm of the size of the access, or of one register of a pair.
pub(super) fn place(cpu: &Cpu, insn: Insn, scale: u32) -> Result<Place, Fault> {
    let base = access::base(cpu, insn.rn())?;
    let after = |offset: i64| base.wrapping_add_signed(offset);
    let pair = insn.simm7() << scale;
    Ok(match insn.op.class() {
        Class::ldst_imm_post => Place::then(insn, base, after(insn.simm9())),
        Class::ldst_imm_pre => Place::then(insn, after(insn.simm9()), after(insn.simm9())),
        Class::ldst_pair_post => Place::then(insn, base, after(pair)),
        Class::ldst_pair_pre => Place::then(insn, after(pair), after(pair)),
        Class::ldst_pair_offset | Class::ldst_pair_nontemporal => Place::at(after(pair)),
        Class::ldst_unsigned => Place::at(base.wrapping_add(u64::from(insn.imm12()) << scale)),
        Class::ldst_register => Place::at(base.wrapping_add(index(cpu, insn, scale))),
        // Unscaled, unprivileged, and the unscaled ones that are ordered.
        _ => Place::at(after(insn.simm9())),
    })
}

/// The address of a literal.
pub(super) const fn literal(cpu: &Cpu, insn: Insn) -> u64 {
    cpu.pc.wrapping_add_signed(insn.imm19_offset())
}

/// The offset of a register offset: `Rm`, extended as `option` says and
/// shifted by the scale when S is set.
fn index(cpu: &Cpu, insn: Insn, scale: u32) -> u64 {
    let m = x(cpu, insn.rm());
    let extended = match insn.option() {
        0b010 => u64::from(m as u32),
        0b110 => i64::from(m as i32) as u64,
        // 011 is LSL and 111 SXTX, which are the same.
        _ => m,
    };
    extended << (insn.s() * scale)
}

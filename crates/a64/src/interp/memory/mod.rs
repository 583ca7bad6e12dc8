//! Loads and stores.
//!
//! Every access goes through `access`, which alone ignores the top byte of
//! addresses and knows which accesses must be aligned; `address` has the
//! addressing modes. The rest is by what moves: `register` (general
//! registers), `vector` (SIMD&FP registers), `structure` (LD1 to ST4),
//! `ordered`, `exclusive` and `atomic` (what other threads must see in one
//! piece or in order), `copy_set` (CPY and SET).
//!
//! Fields are read as the manual's decoding of each class has them (size,
//! opc, V), so that a row has no code of its own. Registers are written after
//! the last access; a store of several elements that faults may have written
//! those before. Where the manual leaves a choice (CONSTRAINED
//! UNPREDICTABLE), it is that of QEMU 7.2, found by running it, and is said
//! at its place.
#![allow(
    clippy::cast_possible_truncation,
    reason = "values are cut to the size of the access"
)]

mod access;
mod address;
mod atomic;
mod exclusive;
mod ordered;
mod register;
mod structure;
#[cfg(test)]
mod tests;
mod vector;

pub(super) mod copy_set;

use super::{Environment, Exception};
use crate::cpu::Cpu;
use crate::decode::Class;
use crate::insn::Insn;
use guest::memory::{Fault, Memory};

/// Whether instructions of a class are executed here.
pub(super) fn handles(class: Class) -> bool {
    kind(class).is_some()
}

/// Executes a load or store.
///
/// # Errors
/// When an access faults.
pub(super) fn execute<M: Memory + Environment>(
    cpu: &mut Cpu,
    mem: &mut M,
    insn: Insn,
) -> Result<(), Exception> {
    let kind = kind(insn.op.class()).ok_or(Exception::Undefined)?;
    Ok(transfer(cpu, mem, insn, kind)?)
}

/// What a class moves.
#[derive(Clone, Copy)]
enum Kind {
    /// One register at the PC plus a constant.
    Literal,
    /// One register.
    Single,
    /// Two registers.
    Pair,
    /// One register, acquiring or releasing.
    Ordered,
    /// One register or two, with the monitor.
    Exclusive,
    /// LDADD and its like.
    ReadModifyWrite,
    /// CAS.
    CompareAndSwap,
    /// Structures in whole registers.
    MultipleStructures,
    /// One structure.
    SingleStructure,
}

fn kind(class: Class) -> Option<Kind> {
    Some(match class {
        Class::ldst_literal => Kind::Literal,
        Class::ldst_unscaled
        | Class::ldst_imm_post
        | Class::ldst_unprivileged
        | Class::ldst_imm_pre
        | Class::ldst_register
        | Class::ldst_unsigned => Kind::Single,
        Class::ldst_pair_nontemporal
        | Class::ldst_pair_post
        | Class::ldst_pair_offset
        | Class::ldst_pair_pre => Kind::Pair,
        Class::ldst_ordered | Class::ldst_rcpc | Class::ldst_rcpc_unscaled => Kind::Ordered,
        Class::ldst_exclusive => Kind::Exclusive,
        Class::atomic => Kind::ReadModifyWrite,
        Class::compare_and_swap => Kind::CompareAndSwap,
        Class::ldst_multiple | Class::ldst_multiple_post => Kind::MultipleStructures,
        Class::ldst_single | Class::ldst_single_post => Kind::SingleStructure,
        _ => return None,
    })
}

/// The field V, bit 26: whether the registers are SIMD&FP registers.
const fn is_vector(insn: Insn) -> bool {
    insn.word >> 26 & 1 == 1
}

/// The field L, bit 22 of pairs, exclusives and structures: whether it loads.
const fn is_load(insn: Insn) -> bool {
    insn.opc0() == 1
}

fn transfer<M: Memory>(cpu: &mut Cpu, mem: &mut M, insn: Insn, kind: Kind) -> Result<(), Fault> {
    match (kind, is_vector(insn)) {
        (Kind::Literal, false) => register::literal(cpu, mem, insn),
        (Kind::Literal, true) => vector::literal(cpu, mem, insn),
        (Kind::Single, false) => register::single(cpu, mem, insn),
        (Kind::Single, true) => vector::single(cpu, mem, insn),
        (Kind::Pair, false) => register::pair(cpu, mem, insn),
        (Kind::Pair, true) => vector::pair(cpu, mem, insn),
        (Kind::Ordered, _) => ordered::execute(cpu, mem, insn),
        (Kind::Exclusive, _) => exclusive::execute(cpu, mem, insn),
        (Kind::ReadModifyWrite, _) => atomic::read_modify_write(cpu, mem, insn),
        (Kind::CompareAndSwap, _) => atomic::compare_and_swap(cpu, mem, insn),
        (Kind::MultipleStructures, _) => structure::multiple(cpu, mem, insn),
        (Kind::SingleStructure, _) => structure::single(cpu, mem, insn),
    }
}

/// Xt, or zero for 31.
fn x(cpu: &Cpu, t: u32) -> u64 {
    if t == 31 { 0 } else { cpu.x[t as usize] }
}

/// Writes Xt; 31 is discarded.
fn set_x(cpu: &mut Cpu, t: u32, value: u64) {
    if t != 31 {
        cpu.x[t as usize] = value;
    }
}

//! The accesses of instructions to memory.
//!
//! Here, and nowhere else in the interpreter, the top byte of an address is
//! ignored (Linux sets `TCR_EL1.TBI0`): bits 63:56 become copies of bit 55.
//! Registers keep their tags.
//!
//! Alignment follows the manual's `AArch64.UnalignedAccessFaults` with
//! `SCTLR_EL1.A` and `nAA` 0: ordinary accesses need none; exclusives,
//! atomics and those that acquire or release must lie within one aligned 16
//! bytes, as FEAT_LSE2 has it, which without that feature (it is not
//! advertised) is more than programs may expect.

use crate::cpu::Cpu;
use guest::memory::{Barrier, Fault, FaultKind, Memory, Size, atomic_alignment};

/// The address that is accessed.
const fn untagged(address: u64) -> u64 {
    ((address << 8) as i64 >> 8) as u64
}

/// The base register's value: Xn or, for 31, SP, which must be a multiple of
/// 16 (`SCTLR_EL1.SA0`).
pub(super) fn base(cpu: &Cpu, n: u32) -> Result<u64, Fault> {
    let address = cpu.x[n as usize];
    if n == 31 && !address.is_multiple_of(16) {
        return Err(Fault {
            address,
            kind: FaultKind::Alignment,
            write: false,
        });
    }
    Ok(address)
}

/// An ordinary load.
pub(super) fn load<M: Memory>(mem: &mut M, address: u64, size: Size) -> Result<u128, Fault> {
    mem.load(untagged(address), size)
}

/// An ordinary store of the low bytes of `value`.
pub(super) fn store<M: Memory>(
    mem: &mut M,
    address: u64,
    size: Size,
    value: u128,
) -> Result<(), Fault> {
    mem.store(untagged(address), size, value & size.mask())
}

/// Checks the alignment of an exclusive, atomic or ordered access.
pub(super) fn check_alignment(address: u64, size: Size, write: bool) -> Result<(), Fault> {
    if atomic_alignment(address, size) {
        return Ok(());
    }
    Err(Fault {
        address: untagged(address),
        kind: FaultKind::Alignment,
        write,
    })
}

/// A load-acquire: what follows is ordered after it.
pub(super) fn load_acquire<M: Memory>(
    mem: &mut M,
    address: u64,
    size: Size,
) -> Result<u128, Fault> {
    check_alignment(address, size, false)?;
    let value = load(mem, address, size)?;
    mem.barrier(Barrier::Load);
    Ok(value)
}

/// A store-release: ordered after what precedes it, and (that is the second
/// barrier) before the load-acquires that follow it.
pub(super) fn store_release<M: Memory>(
    mem: &mut M,
    address: u64,
    size: Size,
    value: u128,
) -> Result<(), Fault> {
    check_alignment(address, size, true)?;
    mem.barrier(Barrier::Full);
    store(mem, address, size, value)?;
    mem.barrier(Barrier::Full);
    Ok(())
}

/// Compares and exchanges, in any order an instruction can ask for.
pub(super) fn compare_exchange<M: Memory>(
    mem: &mut M,
    address: u64,
    size: Size,
    expected: u128,
    new: u128,
) -> Result<u128, Fault> {
    check_alignment(address, size, true)?;
    let mask = size.mask();
    mem.compare_exchange(untagged(address), size, expected & mask, new & mask)
}

/// Reads, modifies and writes, in any order an instruction can ask for.
/// Returns what was read.
pub(super) fn update<M: Memory>(
    mem: &mut M,
    address: u64,
    size: Size,
    f: &mut dyn FnMut(u128) -> u128,
) -> Result<u128, Fault> {
    check_alignment(address, size, true)?;
    mem.update(untagged(address), size, f)
}

//! The calls that only Arm has, whose numbers lie apart.

use super::super::registers::NUMBER;
use crate::host::signal::{SIGILL, SignalInfo};
use crate::host::sys::Errno;
use crate::linux::syscalls::Call;
use crate::linux::syscalls::syscall::Handler::Emulate;
use crate::linux::syscalls::syscall::table;

use a32::cpu::Cpu;

/// `set_tls`.
const SET_TLS: u64 = 0xf_0005;

table! {
    0xf0000, 8;
    0xf0002 cacheflush "ppx" Emulate(cacheflush),
    0xf0005 set_tls "p" Emulate(set_tls),
}

/// Code was written.
fn cacheflush(call: &mut Call<'_>) -> Result<u64, Errno> {
    let [start, end, flags, ..] = call.arguments;
    if end < start || flags != 0 {
        return Err(Errno::EINVAL);
    }
    if start != end {
        call.process.space.written(start..end);
    }
    Ok(0)
}

/// The register is set when the call is over ([`finish`]).
#[allow(clippy::unnecessary_wraps, reason = "as the table has it")]
const fn set_tls(_: &mut Call<'_>) -> Result<u64, Errno> {
    Ok(0)
}

/// Numbers from here on are of no call, and never will be; negative ones are of no call today
/// (`compat_arm_syscall` in arm64's `sys_compat.c`, whose number has a sign).
const END: u64 = 0xf_0800;

/// What is sent for a number that is of no call: the instruction is undefined.
pub(in crate::linux::abi::arm) fn refused(cpu: &Cpu) -> Option<SignalInfo> {
    const ILL_ILLTRP: i32 = 4;
    (END..1 << 31)
        .contains(&cpu.r[NUMBER])
        .then(|| SignalInfo::fault(SIGILL, ILL_ILLTRP, cpu.pc.wrapping_sub(length(cpu))))
}

/// Bytes of the instruction that calls.
pub(in crate::linux::abi::arm) const fn length(cpu: &Cpu) -> u64 {
    if cpu.thumb == 0 { 4 } else { 2 }
}

/// What a call does to the registers beside its result.
pub(in crate::linux::abi::arm) fn finish(cpu: &mut Cpu, result: Result<u64, Errno>) {
    if cpu.r[NUMBER] == SET_TLS && result.is_ok() {
        cpu.tpidruro = cpu.r[0];
    }
}

//! What the kernel maps into every process beside its program: the page of vectors, of
//! which programs see the *kuser helpers* (Documentation/arch/arm/kernel_user_helpers.rst),
//! the page with what handlers return to that name no other place, and the vDSO ([`super::vdso`]).
//!
//! The helpers are what programs for processors before Armv6 and Armv7 call for a barrier, a
//! compare and exchange, and the thread pointer. They are instructions of Armv7 here.

use core::ops::Range;

use super::vdso::LIBRARY;
use crate::host::page::PAGE;
use crate::host::sys::{
    self, Errno, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE,
};
use crate::linux::placing;
use crate::memory::address_space::{AddressSpace, Mapping};
use crate::memory::guest_memory;

/// Where the page of vectors is.
pub(super) const VECTORS: u64 = 0xffff_0000;

/// Where the helpers are in it, and what they are.
const HELPERS: [(usize, &[u32]); 5] = [
    (0xf60, COMPARE_EXCHANGE_64),
    (0xfa0, BARRIER),
    (0xfc0, COMPARE_EXCHANGE),
    (0xfe0, THREAD_POINTER),
    // How many there are, which is their version.
    (0xffc, &[5]),
];

/// R0 and R1 point to what is expected and what is to be put in its place, R2 to where. R0 is
/// 0 and C is set where that was done.
const COMPARE_EXCHANGE_64: &[u32] = &[
    0xe92d_00f2, // push {r1, r4, r5, r6, r7}
    0xe1c0_40d0, // ldrd r4, r5, [r0]
    0xe1c1_60d0, // ldrd r6, r7, [r1]
    0xf57f_f05b, // dmb ish
    0xe1b2_0f9f, // 1: ldrexd r0, r1, [r2]
    0xe150_0004, // cmp r0, r4
    0x0151_0005, // cmpeq r1, r5
    0x13a0_3002, // movne r3, #2
    0x01a2_3f96, // strexdeq r3, r6, r7, [r2]
    0xe353_0001, // cmp r3, #1
    0x0aff_fff8, // beq 1b
    0xf57f_f05b, // dmb ish
    0xe273_0000, // rsbs r0, r3, #0
    0xe8bd_00f2, // pop {r1, r4, r5, r6, r7}
    0xe12f_ff1e, // bx lr
];

const BARRIER: &[u32] = &[
    0xf57f_f05b, // dmb ish
    0xe12f_ff1e, // bx lr
];

/// R0 is expected, R1 is to be put in its place, R2 points to it.
const COMPARE_EXCHANGE: &[u32] = &[
    0xf57f_f05b, // dmb ish
    0xe192_3f9f, // 1: ldrex r3, [r2]
    0xe053_3000, // subs r3, r3, r0
    0x0182_3f91, // strexeq r3, r1, [r2]
    0x0353_0001, // cmpeq r3, #1
    0x0aff_fffa, // beq 1b
    0xe273_0000, // rsbs r0, r3, #0
    0xeaff_ffef, // b the barrier
];

const THREAD_POINTER: &[u32] = &[
    0xee1d_0f70, // mrc p15, 0, r0, c13, c0, 3
    0xe12f_ff1e, // bx lr
];

/// Where handlers return: `sigreturn` and `rt_sigreturn`, each for A32 and T32, of which a
/// word has two instructions.
const RETURNS: [u32; 6] = [
    0xe3a0_7077, // mov r7, #119
    0xef00_0000, // svc #0
    0xdf00_2777, // movs r7, #119; svc #0
    0xe3a0_70ad, // mov r7, #173
    0xef00_0000, // svc #0
    0xdf00_27ad, // movs r7, #173; svc #0
];

/// Where in that page a handler returns to.
pub(super) const fn signal_return(with_info: bool, thumb: bool) -> u64 {
    let index = if with_info { 3 } else { 0 } + if thumb { 2 } else { 0 };
    index * 4 + thumb as u64
}

/// Maps all pages: that of vectors, the vDSO's, and behind it that of returns; returns the vDSO's.
///
/// # Errors
/// The kernel's.
pub(super) fn map(space: &AddressSpace) -> Result<Range<u64>, Errno> {
    let mut vectors = alloc::vec![0; INDEX];
    for (at, words) in HELPERS {
        put(&mut vectors[at..], words);
    }
    pages(space, VECTORS, &vectors)?;
    let mut others = LIBRARY.image();
    let returns = others.len();
    others.resize(returns + INDEX, 0);
    put(&mut others[returns..], &RETURNS);
    let start = pages(space, 0, &others)?;
    space.let_call(start);
    Ok(start..start + PAGE)
}

#[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
const INDEX: usize = PAGE as usize;

fn put(bytes: &mut [u8], words: &[u32]) {
    for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}

/// Maps pages with these bytes, at an address if that is not 0; returns the first.
fn pages(space: &AddressSpace, at: u64, bytes: &[u8]) -> Result<u64, Errno> {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS;
    let access = PROT_READ | PROT_WRITE;
    let length = bytes.len() as u64;
    // SAFETY: the mapping takes free addresses, and nobody uses it yet.
    unsafe {
        let start = if at == 0 {
            placing::map(length, access, flags)?
        } else {
            sys::mmap(at, length, access, flags | MAP_FIXED_NOREPLACE, None)?
        };
        guest_memory::write(start, bytes).map_err(|_| Errno::ENOMEM)?;
        sys::mprotect(start, length, PROT_READ)?;
        space.map(start..start + length, Mapping::own(PROT_READ | PROT_EXEC));
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_do_not_overlap() {
        for (this, next) in HELPERS.iter().zip(&HELPERS[1..]) {
            assert!(this.0 + 4 * this.1.len() <= next.0, "{:#x}", this.0);
        }
    }

    #[test]
    fn handlers_return_to_what_they_came_by() {
        let word = |with_info, thumb| {
            let at = signal_return(with_info, thumb);
            assert_eq!(at & 1 == 1, thumb);
            RETURNS[usize::try_from(at / 4).unwrap()]
        };
        assert_eq!(word(false, false), 0xe3a0_7077);
        assert_eq!(word(false, true) & 0xffff, 0x2777);
        assert_eq!(word(true, false), 0xe3a0_70ad);
        assert_eq!(word(true, true) & 0xffff, 0x27ad);
    }
}

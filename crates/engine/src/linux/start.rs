//! What the kernel hands to a new process: arguments, environment, auxiliary
//! vector.

use alloc::vec::Vec;
use core::ffi::{CStr, c_char};

use super::address_space::page_down;
use super::loader::elf::ENTRY;
use super::loader::stack::key;
use super::sys;

/// The initial stack, read.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The arguments, with the engine's name first.
    pub arguments: Vec<&'static CStr>,
    /// The environment.
    pub environment: Vec<&'static CStr>,
    /// The auxiliary vector.
    pub auxiliary: Vec<(u64, u64)>,
}

impl Start {
    /// Reads the initial stack.
    ///
    /// # Safety
    /// `stack` is where the kernel let SP point at the process's entry, and
    /// nothing of it is ever changed.
    #[must_use]
    pub unsafe fn read(stack: *const usize) -> Self {
        let mut start = Self::default();
        // SAFETY: the kernel ends each part with a null, after as many
        // strings as it says.
        unsafe {
            let mut at = stack.add(1);
            for part in [&mut start.arguments, &mut start.environment] {
                while *at != 0 {
                    part.push(CStr::from_ptr(*at as *const c_char));
                    at = at.add(1);
                }
                at = at.add(1);
            }
            while *at != 0 {
                start.auxiliary.push((*at as u64, *at.add(1) as u64));
                at = at.add(2);
            }
        }
        start
    }

    /// Makes the engine's own pages read-only that are written by relocation
    /// only (`PT_GNU_RELRO`).
    pub fn protect_relocated(&self) {
        const PT_PHDR: u32 = 6;
        const PT_GNU_RELRO: u32 = 0x6474_e552;
        let (Some(headers), Some(count)) = (self.auxiliary(key::PHDR), self.auxiliary(key::PHNUM))
        else {
            return;
        };
        let header = |index: u64| {
            let at = (headers + index * ENTRY as u64) as *const u64;
            // SAFETY: the kernel says where the program headers are, and that
            // there are as many.
            unsafe { [*at, *at.add(2), *at.add(5)] }
        };
        let find = |kind: u32| {
            (0..count)
                .map(header)
                .find(|[first, ..]| first & 0xffff_ffff == u64::from(kind))
        };
        if let (Some([_, address, _]), Some([_, start, size])) = (find(PT_PHDR), find(PT_GNU_RELRO))
        {
            let bias = headers - address;
            let pages = page_down(start + bias)..page_down(start + size + bias);
            if !pages.is_empty() {
                // SAFETY: relocation is over, and nothing else writes there.
                // Failing leaves the pages as they are.
                let _ =
                    unsafe { sys::mprotect(pages.start, pages.end - pages.start, sys::PROT_READ) };
            }
        }
    }

    /// A value of the auxiliary vector.
    #[must_use]
    pub fn auxiliary(&self, key: u64) -> Option<u64> {
        self.auxiliary
            .iter()
            .find_map(|&(k, value)| (k == key).then_some(value))
    }
}

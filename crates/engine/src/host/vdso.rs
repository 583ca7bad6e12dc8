//! The vDSO that the host's kernel maps into every process: a shared library
//! in memory, with functions that read clocks without a system call.
//!
//! It is read as it is, by its dynamic section, since there is no dynamic
//! loader here.

use core::ffi::{CStr, c_char};

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const DT_HASH: u64 = 4;
const DT_STRTAB: u64 = 5;
const DT_SYMTAB: u64 = 6;

/// A value in the image.
///
/// # Safety
/// It is there, and aligned.
const unsafe fn at<T: Copy>(address: u64) -> T {
    // SAFETY: the caller says that a `T` is there.
    unsafe { *(address as *const T) }
}

/// The address of a function of the vDSO whose ELF header is at `header`.
///
/// # Safety
/// `header` is 0 or where the kernel put a vDSO.
#[must_use]
pub unsafe fn symbol(header: u64, name: &CStr) -> Option<u64> {
    if header == 0 {
        return None;
    }
    // SAFETY: the kernel's image is whole: its headers, its dynamic section
    // and the tables that this names are inside it.
    unsafe {
        let headers = header + at::<u64>(header + 32);
        let count = u64::from(at::<u16>(header + 56));
        let find = |kind| {
            (0..count)
                .map(|n| headers + n * 56)
                .find(|&entry| at::<u32>(entry) == kind)
        };
        // The first segment starts at the header.
        let bias = header.wrapping_sub(at::<u64>(find(PT_LOAD)? + 16));
        let dynamic = bias.wrapping_add(at::<u64>(find(PT_DYNAMIC)? + 16));
        let entry = |key| {
            (0..)
                .map(|n| dynamic + n * 16)
                .take_while(|&entry| at::<u64>(entry) != 0)
                .find(|&entry| at::<u64>(entry) == key)
                .map(|entry| bias.wrapping_add(at::<u64>(entry + 8)))
        };
        let (strings, symbols) = (entry(DT_STRTAB)?, entry(DT_SYMTAB)?);
        // Without the old hash table, up to where the strings begin: the
        // linker puts them behind the symbols.
        let count = match entry(DT_HASH) {
            Some(hash) => u64::from(at::<u32>(hash + 4)),
            None => strings.saturating_sub(symbols) / 24,
        };
        (1..count).map(|n| symbols + n * 24).find_map(|symbol| {
            let text = (strings + u64::from(at::<u32>(symbol))) as *const c_char;
            (CStr::from_ptr(text) == name).then(|| bias.wrapping_add(at::<u64>(symbol + 8)))
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_this_process() {
        extern crate std;
        let auxiliary = std::fs::read("/proc/self/auxv").unwrap();
        let word = |n: usize| u64::from_le_bytes(auxiliary[n * 8..][..8].try_into().unwrap());
        let header = (0..auxiliary.len() / 16)
            .find(|&n| word(n * 2) == 33)
            .map(|n| word(n * 2 + 1))
            .unwrap();
        // SAFETY: the kernel put it there.
        unsafe {
            let function = symbol(header, c"__vdso_clock_gettime").unwrap();
            let clock = core::mem::transmute::<u64, unsafe extern "C" fn(i32, *mut [u64; 2]) -> i32>(
                function,
            );
            let mut time = [0, u64::MAX];
            assert_eq!(clock(1, &raw mut time), 0);
            assert!(time[1] < 1_000_000_000);
            assert_eq!(symbol(header, c"no_such_function"), None);
            assert_eq!(symbol(0, c"__vdso_clock_gettime"), None);
        }
    }
}

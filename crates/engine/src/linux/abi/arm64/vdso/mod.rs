//! The guest's vDSO: a shared library of one page that the kernel puts into
//! every process, with the names and the version that arm64's has.
//!
//! Its code is in `text`.

mod text;

use core::ops::Range;

use crate::host::page::PAGE;
use crate::host::sys::{self, Errno, PROT_EXEC, PROT_READ, PROT_WRITE};
use crate::linux::abi::library::Library;
use crate::linux::abi::platform::Width;
use crate::memory::address_space::{AddressSpace, Mapping};
use crate::memory::guest_memory;

/// The library.
pub static LIBRARY: Library = Library {
    width: Width::Bits64,
    // EM_AARCH64
    machine: 183,
    flags: 0,
    version: "LINUX_2.6.39",
    functions: &text::FUNCTIONS,
    text: 0xe00,
    nop: text::NOP,
};

/// Where `__kernel_rt_sigreturn` is in the image: handlers return there.
pub const SIGNAL_RETURN: u64 = 0xe04;

/// Maps the vDSO; returns its page.
///
/// # Errors
/// The kernel's.
pub fn map(space: &AddressSpace) -> Result<Range<u64>, Errno> {
    let flags = sys::MAP_PRIVATE | sys::MAP_ANONYMOUS;
    // SAFETY: the mapping takes free addresses, and nobody uses it yet.
    unsafe {
        let start = sys::mmap(0, PAGE, PROT_READ | PROT_WRITE, flags, None)?;
        guest_memory::write(start, &LIBRARY.image()).map_err(|_| Errno::ENOMEM)?;
        sys::mprotect(start, PAGE, PROT_READ)?;
        let page = start..start + PAGE;
        space.map(page.clone(), Mapping::own(PROT_READ | PROT_EXEC));
        space.let_call(start);
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::read::elf::{ElfFile64, FileHeader as _};
    use object::{Endianness, Object as _};

    /// As another reader of ELF sees it.
    #[test]
    fn a_library_with_versions() {
        let image = LIBRARY.image();
        assert_eq!(image.len(), 4096);
        let file = ElfFile64::<Endianness>::parse(&*image).unwrap();
        assert_eq!(file.architecture(), object::Architecture::Aarch64);
        let _ = file.elf_header().endian().unwrap();
    }

    /// As the engine itself looks functions up in the host's.
    #[test]
    fn functions_are_found() {
        let image = LIBRARY.image();
        let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
        for function in LIBRARY.functions {
            let name = alloc::ffi::CString::new(function.name).unwrap();
            // SAFETY: the image is one.
            let at = unsafe { crate::host::vdso::symbol(image.as_ptr() as u64, &name).unwrap() }
                - image.as_ptr() as u64;
            let at = usize::try_from(at).unwrap();
            assert_eq!(word(at - 4), 0xd503_201f, "{name:?}: a NOP before it");
            for (n, &expected) in function.words.iter().enumerate() {
                assert_eq!(word(at + 4 * n), expected, "{name:?}, word {n}");
            }
        }
        assert_eq!(SIGNAL_RETURN, 0xe04);
        assert_eq!(word(0xe04), 0xd280_1168);
    }
}

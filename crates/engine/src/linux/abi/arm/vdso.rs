//! The vDSO of 32-bit Arm: a shared library of one page that the kernel puts into every process,
//! with the names and the version that arm's kernel has, and arm64's for such programs.
//!
//! A clock that the kernel reads in its vDSO is read by a call of the engine's
//! ([`guest::surroundings`]), and the time stored by the guest's own instruction, so that a bad
//! pointer is SIGSEGV as there. All else is a system call: other clocks, and whatever the call
//! does not do; in a copy of the page, where it is a NOP, that is all. All is A32; programs in T32
//! change the state as they call.

use a32::call;

use crate::host::clock::{RESOLUTION, TIME};
use crate::linux::abi::library::{Function, Library};
use crate::linux::abi::platform::Width;

/// The library.
pub static LIBRARY: Library = Library {
    width: Width::Bits32,
    // EM_ARM, EF_ARM_EABI_VER5
    machine: 40,
    flags: 0x0500_0000,
    version: "LINUX_2.6",
    functions: &FUNCTIONS,
    text: 0x800,
    nop: 0xe320_f000,
};

const SVC: u32 = 0xef00_0000;
const BX_LR: u32 = 0xe12f_ff1e;
/// `mov r12, r7`, and back: a system call's number is in R7.
const KEEP: u32 = 0xe1a0_c007;
const BACK: u32 = 0xe1a0_700c;

const GETTIMEOFDAY: &[u32] = &[
    0xe350_0000, // cmp   r0, #0
    0x0a00_000e, // beq   2f
    0xe351_0000, // cmp   r1, #0
    0x1a00_000c, // bne   2f
    0xe1a0_1000, // mov   r1, r0
    0xe3a0_0000, // mov   r0, #CLOCK_REALTIME
    call::word(TIME),
    0xea00_0006, // b     1f
    // r12 / 1000: exact for what is below 2^32.
    0xe304_3dd3, // movw  r3, #0x4dd3
    0xe341_3062, // movt  r3, #0x1062
    0xe083_039c, // umull r0, r3, r12, r3
    0xe1a0_3323, // lsr   r3, r3, #6
    0xe881_000c, // stm   r1, {r2, r3}
    0xe3a0_0000, // mov   r0, #0
    BX_LR,
    0xe1a0_0001, // 1: mov r0, r1
    0xe3a0_1000, // mov   r1, #0
    KEEP,        // 2:
    0xe3a0_704e, // mov   r7, #78
    SVC,
    BACK,
    BX_LR,
];

// 0x8f3 in these three: REALTIME, MONOTONIC, MONOTONIC_RAW, the two coarse ones,
// BOOTTIME and TAI.

const CLOCK_GETTIME: &[u32] = &[
    // The first two are what programs ask for.
    0xe350_0001,      // cmp   r0, #1
    0x8a00_0004,      // bhi   2f
    call::word(TIME), // 1:
    0xea00_0008,      // b     3f
    0xe881_1004,      // stm   r1, {r2, r12}
    0xe3a0_0000,      // mov   r0, #0
    BX_LR,
    0xe350_000b, // 2: cmp r0, #11
    0x8a00_0003, // bhi   3f
    0xe300_28f3, // movw  r2, #0x8f3
    0xe1a0_2032, // lsr   r2, r2, r0
    0xe312_0001, // tst   r2, #1
    0x1aff_fff4, // bne   1b
    KEEP,        // 3:
    0xe300_7107, // movw  r7, #263
    SVC,
    BACK,
    BX_LR,
];

const CLOCK_GETTIME64: &[u32] = &[
    0xe350_0001,      // cmp   r0, #1
    0x8a00_0005,      // bhi   2f
    call::word(TIME), // 1:
    0xea00_0009,      // b     3f
    0xe881_100c,      // stm   r1, {r2, r3, r12}
    0xe3a0_0000,      // mov   r0, #0
    0xe581_000c,      // str   r0, [r1, #12]
    BX_LR,
    0xe350_000b, // 2: cmp r0, #11
    0x8a00_0003, // bhi   3f
    0xe300_28f3, // movw  r2, #0x8f3
    0xe1a0_2032, // lsr   r2, r2, r0
    0xe312_0001, // tst   r2, #1
    0x1aff_fff3, // bne   1b
    KEEP,        // 3:
    0xe300_7193, // movw  r7, #403
    SVC,
    BACK,
    BX_LR,
];

const CLOCK_GETRES: &[u32] = &[
    0xe350_000b, // cmp   r0, #11
    0x8a00_0009, // bhi   2f
    0xe300_28f3, // movw  r2, #0x8f3
    0xe1a0_2032, // lsr   r2, r2, r0
    0xe312_0001, // tst   r2, #1
    0x0a00_0005, // beq   2f
    call::word(RESOLUTION),
    0xea00_0003, // b     2f
    0xe351_0000, // cmp   r1, #0
    0x1881_1004, // stmne r1, {r2, r12}
    0xe3a0_0000, // mov   r0, #0
    BX_LR,
    KEEP,        // 2:
    0xe3a0_7f42, // mov   r7, #264
    SVC,
    BACK,
    BX_LR,
];

const FUNCTIONS: [Function; 4] = [
    Function {
        name: "__vdso_gettimeofday",
        words: GETTIMEOFDAY,
    },
    Function {
        name: "__vdso_clock_gettime",
        words: CLOCK_GETTIME,
    },
    Function {
        name: "__vdso_clock_gettime64",
        words: CLOCK_GETTIME64,
    },
    Function {
        name: "__vdso_clock_getres",
        words: CLOCK_GETRES,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::ffi::CStr;
    use object::Object as _;
    use object::read::elf::ElfFile32;

    fn word(image: &[u8], at: usize) -> usize {
        let bytes = image[at..at + 4].try_into().unwrap();
        usize::try_from(u32::from_le_bytes(bytes)).unwrap()
    }

    /// As another reader of ELF sees it.
    #[test]
    fn a_library_of_32_bits() {
        let image = LIBRARY.image();
        assert_eq!(image.len(), 4096);
        let file = ElfFile32::<object::Endianness>::parse(&*image).unwrap();
        assert_eq!(file.architecture(), object::Architecture::Arm);
    }

    /// As C libraries find them: by the dynamic section.
    #[test]
    fn functions_are_found() {
        let image = LIBRARY.image();
        // The second program header is PT_DYNAMIC; its second word is the offset.
        let dynamic = word(&image, word(&image, 28) + 32 + 4);
        let entry = |key| {
            let mut entries = (dynamic..).step_by(8);
            let at = entries.find(|&at| word(&image, at) == key).unwrap();
            word(&image, at + 4)
        };
        let [hashes, names, symbols] = [4, 5, 6].map(entry);
        assert_eq!(word(&image, hashes + 4), FUNCTIONS.len() + 1);
        for (n, function) in FUNCTIONS.iter().enumerate() {
            let symbol = symbols + 16 * (n + 1);
            let name = &image[names + word(&image, symbol)..];
            let name = CStr::from_bytes_until_nul(name).unwrap();
            assert_eq!(name.to_str(), Ok(function.name));
            let [start, length] = [4, 8].map(|at| word(&image, symbol + at));
            assert_eq!(length, 4 * function.words.len());
            let words = (start..start + length).step_by(4);
            let words: Vec<_> = words.map(|at| word(&image, at)).collect();
            let expected = function.words.iter().map(|&word| word as usize);
            assert!(words.into_iter().eq(expected), "{}", function.name);
            assert_eq!(word(&image, start - 4), LIBRARY.nop as usize);
        }
    }
}

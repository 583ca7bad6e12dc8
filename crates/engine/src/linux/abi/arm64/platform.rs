//! arm64's Linux, as far as it is data.

use super::{identity, tracing, vdso};
use crate::host::page::PAGE;
use crate::host::signal::SA_RESTORER;
use crate::linux::abi::open_flags::OpenFlags;
use crate::linux::abi::platform::{ACTION_FLAGS, Elf, Layout, Names, Platform, Width};

/// `AUDIT_ARCH_AARCH64`.
const AUDIT: u32 = 0xc000_00b7;

/// Four flags of `open` have other bits on x86-64.
const OPEN_FLAGS: OpenFlags = OpenFlags(&[
    (0o40_000, 0o200_000),  // O_DIRECTORY
    (0o100_000, 0o400_000), // O_NOFOLLOW
    (0o200_000, 0o40_000),  // O_DIRECT
    (0o400_000, 0o100_000), // O_LARGEFILE
]);

/// `AT_MINSIGSTKSZ`: an `rt_sigframe` of 4688 bytes, a frame record of
/// 16, and 16 to align.
const SIGNAL_STACK: u64 = 4720;

/// All addresses that the host has.
const HOST: Layout = Layout {
    end: None,
    program: 0x5555_5555_4000,
    random: 28,
    random_stack: 0,
    kernels: 0,
};

/// Those of a kernel for pages of 4 KiB that was built for 39 bits.
const BITS_39: Layout = Layout {
    end: Some(1 << 39),
    program: 0x55_5555_5000,
    random: 18,
    random_stack: 18,
    kernels: 0,
};

/// Options about SVE, SME, pointer authentication, and the guarded control stack.
const ABSENT: [(i32, &str); 10] = [
    (50, "SVE_SET_VL"),
    (51, "SVE_GET_VL"),
    (54, "PAC_RESET_KEYS"),
    (60, "PAC_SET_ENABLED_KEYS"),
    (61, "PAC_GET_ENABLED_KEYS"),
    (63, "SME_SET_VL"),
    (64, "SME_GET_VL"),
    (74, "GET_SHADOW_STACK_STATUS"),
    (75, "SET_SHADOW_STACK_STATUS"),
    (76, "LOCK_SHADOW_STACK_STATUS"),
];

/// Linux on arm64.
pub static PLATFORM: Platform = Platform {
    names: Names {
        engine: "armistice-aarch64",
        image: "arm64",
        package: "libc6-arm64-cross",
        folders: &[c"/usr/aarch64-linux-gnu"],
    },
    elf: Elf {
        width: Width::Bits64,
        machine: 183,
        flags: 0,
        unit: 4,
        name: "AArch64",
    },
    machine: c"aarch64",
    platform: c"aarch64",
    capabilities: [identity::HWCAP, identity::HWCAP2],
    signal_stack: Some(SIGNAL_STACK),
    smallest_stack: 5120,
    audit: AUDIT,
    end: 1 << 48,
    layout: HOST,
    sanitizers: Some(BITS_39),
    strict_calls: [63, 64, 93, 139],
    tag: 0xff << 56,
    open_flags: OPEN_FLAGS,
    processors: identity::info,
    registers: &[
        ("midr_el1", identity::MIDR_EL1),
        ("revidr_el1", identity::REVIDR_EL1),
    ],
    map_vdso: vdso::map,
    page_behind: None,
    fixed_page: None,
    signal_return: vdso::SIGNAL_RETURN,
    action_flags: ACTION_FLAGS | SA_RESTORER,
    absent_features: &ABSENT,
    attach_unit: PAGE,
    tracing: &tracing::TRACING,
    // SET_PERSONALITY in its asm/elf.h clears it.
    keeps_read_implies_exec: false,
    short_users: false,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_flags_there_and_back() {
        // O_WRONLY | O_CREAT | O_DIRECTORY | O_CLOEXEC
        assert_eq!(OPEN_FLAGS.to_host(0o2_040_101), 0o2_200_101);
        for flags in (0..=0xf).map(|n: u64| n << 14 | 0o2_000_000) {
            assert_eq!(OPEN_FLAGS.to_guest(OPEN_FLAGS.to_host(flags)), flags);
        }
        // O_TMPFILE is a bit of its own with O_DIRECTORY.
        assert_eq!(OPEN_FLAGS.to_host(0o20_040_000), 0o20_200_000);
    }
}

//! 32-bit Arm's Linux, as far as it is data.

use super::{identity, tracing, vectors};
use crate::host::page::PAGE;
use crate::host::signal::SA_RESTORER;
use crate::linux::abi::open_flags::OpenFlags;
use crate::linux::abi::platform::{ACTION_FLAGS, Elf, Layout, Names, Platform, Width};

/// `AUDIT_ARCH_ARM`.
const AUDIT: u32 = 0x4000_0028;
/// `EF_ARM_EABIMASK`: programs without any of it are of the ABI before EABI.
const EABI: u32 = 0xff00_0000;

/// Four flags of `open` have other bits on x86-64.
const OPEN_FLAGS: OpenFlags = OpenFlags(&[
    (0o40_000, 0o200_000),  // O_DIRECTORY
    (0o100_000, 0o400_000), // O_NOFOLLOW
    (0o200_000, 0o40_000),  // O_DIRECT
    (0o400_000, 0o100_000), // O_LARGEFILE
]);

/// All that 32 bits reach, up to the page of vectors.
const BITS_32: Layout = Layout {
    end: Some(vectors::VECTORS + PAGE),
    // Two thirds of that, as Linux has it.
    program: 0xaaaa_b000,
    random: 8,
    random_stack: 11,
    kernels: PAGE,
};

/// Options about SVE, SME, pointer authentication, and the guarded control stack, which
/// are of 64 bits.
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

/// Linux on 32-bit Arm.
pub(super) static PLATFORM: Platform = Platform {
    names: Names {
        engine: "armistice-arm",
        image: "arm/v7",
        package: "libc6-armhf-cross",
        folders: &[c"/usr/arm-linux-gnueabihf", c"/usr/arm-linux-gnueabi"],
    },
    elf: Elf {
        width: Width::Bits32,
        machine: 40,
        flags: EABI,
        unit: 1,
        name: "32-bit Arm",
    },
    machine: c"armv7l",
    platform: c"v7l",
    capabilities: [identity::HWCAP, identity::HWCAP2],
    signal_stack: None,
    smallest_stack: 2048,
    audit: AUDIT,
    end: 1 << 32,
    layout: BITS_32,
    sanitizers: None,
    strict_calls: [3, 4, 1, 173],
    tag: 0,
    open_flags: OPEN_FLAGS,
    processors: identity::info,
    registers: &[],
    map_vdso: vectors::map,
    page_behind: Some("[sigpage]"),
    fixed_page: Some((vectors::VECTORS, "[vectors]")),
    signal_return: PAGE,
    // SA_THIRTYTWO is not among them: only an arm kernel keeps it.
    action_flags: ACTION_FLAGS | SA_RESTORER,
    absent_features: &ABSENT,
    // COMPAT_SHMLBA in arm64's asm/shmparam.h. An arm kernel has the same number in its own, and
    // refuses other addresses without SHM_RND, too (__ARCH_FORCE_SHMLBA).
    attach_unit: 4 * PAGE,
    tracing: &tracing::TRACING,
    // compat_elf_read_implies_exec in arm64's asm/elf.h.
    keeps_read_implies_exec: true,
    short_users: true,
};

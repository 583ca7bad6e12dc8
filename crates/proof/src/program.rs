//! The programs' bytes, compiled in.

use armistice_arch::Arch;

/// Pairs each name with the file of that name.
macro_rules! programs {
    ($($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../programs/bin/", $name)))),*]
    };
}

static PROGRAMS: &[(&str, &[u8])] = programs! {
    "aarch64" "arm" "ppc64le" "riscv64" "s390x" "loongarch64" "x86_64" "i386" "i486"
    "mips64el" "mips64" "mipsel" "mips" "mipsn32el" "mipsn32" "ppc64" "ppc"
    "aarch64_be" "armeb" "riscv32" "sparc" "sparc32plus" "sparc64" "m68k" "alpha" "hppa"
    "or1k" "xtensa" "xtensaeb" "sh4" "sh4eb" "hexagon" "microblaze" "microblazeel"
};

/// The architecture's program: writes `argv[0]` and a newline to standard
/// output, exits with its effective user id & 0x7f. `None` for an architecture
/// that has none; every row of the table has one.
#[must_use]
pub fn program(arch: &Arch) -> Option<&'static [u8]> {
    PROGRAMS
        .iter()
        .find_map(|(name, bytes)| (*name == arch.name).then_some(*bytes))
}

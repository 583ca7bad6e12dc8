//! The table of architectures: one row for each QEMU user-mode target.
//!
//! Sources: `e_machine` and `e_flags` values from the ELF gABI's registry and
//! the Linux headers (`include/uapi/linux/elf-em.h`, each architecture's
//! `asm/elf.h`); platform names from the OCI image specification (GOOS/GOARCH);
//! `uname -m` from each architecture's `UTS_MACHINE`.

use crate::elf::{Class, Data, ElfHeader};
use crate::pattern::{Pattern, Shape};

/// One architecture that programs can be built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arch {
    /// QEMU's name for the target, unique in the table; the kernel entry is
    /// called `qemu-<name>`, which other tools look for.
    pub name: &'static str,
    /// QEMU's name for the emulator that runs it (`i486` is run by `i386`).
    pub emulator: &'static str,
    /// What `uname -m` prints there.
    pub uname: &'static str,
    /// OCI platforms, normalised, the most usual first; empty where OCI has none.
    pub platforms: &'static [&'static str],
    /// Debian's name, where Debian has or had a port.
    pub debian: Option<&'static str>,
    /// Other names people type, beside all of the above.
    pub aliases: &'static [&'static str],
    /// 32 or 64 bits.
    pub class: Class,
    /// Byte order.
    pub data: Data,
    /// `e_machine`.
    pub machine: u16,
    /// Bits of `e_flags` that tell it from a sibling with the same machine:
    /// `(mask, value)`.
    pub flags: Option<(u32, u32)>,
    /// Which bytes of the header the pattern compares.
    pub(crate) shape: Shape,
}

impl Arch {
    /// The architecture of this machine's own programs, as built for.
    #[must_use]
    pub fn host() -> &'static Arch {
        // Rust's names, where they are not QEMU's.
        let name = match std::env::consts::ARCH {
            "x86" => "i386",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "powerpc64" => "ppc64",
            "powerpc" => "ppc",
            same => same,
        };
        Self::by_name(name).unwrap_or(&ARCHES[0])
    }

    /// The row with this QEMU name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Arch> {
        ARCHES.iter().find(|a| a.name == name)
    }

    /// The rows whose programs begin like this: by class, byte order, machine
    /// and, where siblings share these, `e_flags`.
    #[must_use]
    pub fn of_elf(header: &ElfHeader) -> Option<&'static Arch> {
        ARCHES.iter().find(|a| {
            a.class == header.class
                && a.data == header.data
                && a.machine == header.machine
                && a.flags
                    .is_none_or(|(mask, value)| header.flags & mask == value)
        })
    }

    /// The kernel entry's name.
    #[must_use]
    pub fn entry_name(&self) -> String {
        format!("qemu-{}", self.name)
    }

    /// The entry's name where somebody else's entry has the first.
    #[must_use]
    pub fn second_entry_name(&self) -> String {
        format!("armistice-{}", self.name)
    }

    /// The magic and mask that select this architecture's programs.
    #[must_use]
    pub fn pattern(&self) -> Pattern {
        let flags = self.flags.map_or(0, |(bits, _)| bits);
        let magic = self.sample_header(2, 0);
        self.shape.pattern(&magic, self.class, self.data, flags)
    }

    /// The name to show people: the OCI architecture (with its variant) where
    /// there is one, else QEMU's.
    #[must_use]
    pub fn display_name(&self) -> &'static str {
        match self.platforms.first() {
            Some(platform) => platform.strip_prefix("linux/").unwrap_or(platform),
            None => self.name,
        }
    }

    /// Whether this machine's CPU and kernel run such programs by themselves,
    /// as far as the architecture alone can tell (x86-64 runs i386).
    #[must_use]
    pub fn is_native_to(&self, host: &Arch) -> bool {
        self.name == host.name || (host.name == "x86_64" && matches!(self.name, "i386" | "i486"))
    }

    /// A program header such as a linker would write for this architecture:
    /// used where only an image's platform is known, and in tests.
    /// `e_type` is 2 for ET_EXEC, 3 for ET_DYN. 64 bytes.
    #[must_use]
    pub fn sample_header(&self, e_type: u16, osabi: u8) -> [u8; 64] {
        let mut h = [0u8; 64];
        h[..4].copy_from_slice(b"\x7fELF");
        h[4] = self.class as u8;
        h[5] = self.data as u8;
        h[6] = 1;
        h[7] = osabi;
        let half = |v: u16| match self.data {
            Data::Little => v.to_le_bytes(),
            Data::Big => v.to_be_bytes(),
        };
        let word = |v: u32| match self.data {
            Data::Little => v.to_le_bytes(),
            Data::Big => v.to_be_bytes(),
        };
        h[16..18].copy_from_slice(&half(e_type));
        h[18..20].copy_from_slice(&half(self.machine));
        h[20..24].copy_from_slice(&word(1));
        let at = self.class.flags_offset();
        h[at..at + 4].copy_from_slice(&word(self.flags.map_or(0, |(_, value)| value)));
        h
    }
}

/// Row constructor: the common shape, so that a row shows only what is its own.
const fn row(
    name: &'static str,
    uname: &'static str,
    platforms: &'static [&'static str],
    debian: Option<&'static str>,
    elf: (Class, Data, u16),
) -> Arch {
    Arch {
        name,
        emulator: name,
        uname,
        platforms,
        debian,
        aliases: &[],
        class: elf.0,
        data: elf.1,
        machine: elf.2,
        flags: None,
        shape: Shape::Usual,
    }
}

/// MIPS tells its 32-bit ABIs apart by one bit of `e_flags`: EF_MIPS_ABI2,
/// set for n32 and clear for o32 (`arch/mips/include/asm/elf.h`).
const EF_MIPS_ABI2: u32 = 0x20;

use Class::{Elf32, Elf64};
use Data::{Big, Little};

/// Every architecture, the ones people ask for first.
pub static ARCHES: &[Arch] = &[
    Arch {
        aliases: &["armv8", "arm64v8"],
        ..row(
            "aarch64",
            "aarch64",
            &["linux/arm64"],
            Some("arm64"),
            (Elf64, Little, 183),
        )
    },
    Arch {
        aliases: &[
            "armhf", "armel", "armv5", "armv6", "armv7", "arm32", "armv7l", "armv6l", "arm32v5",
            "arm32v6", "arm32v7",
        ],
        ..row(
            "arm",
            "armv7l",
            &[
                "linux/arm/v7",
                "linux/arm/v6",
                "linux/arm/v5",
                "linux/arm/v8",
            ],
            Some("armhf"),
            (Elf32, Little, 40),
        )
    },
    Arch {
        aliases: &["powerpc64le"],
        shape: Shape::MachineLowByte,
        ..row(
            "ppc64le",
            "ppc64le",
            &["linux/ppc64le"],
            Some("ppc64el"),
            (Elf64, Little, 21),
        )
    },
    row(
        "riscv64",
        "riscv64",
        &["linux/riscv64"],
        Some("riscv64"),
        (Elf64, Little, 243),
    ),
    row(
        "s390x",
        "s390x",
        &["linux/s390x"],
        Some("s390x"),
        (Elf64, Big, 22),
    ),
    Arch {
        shape: Shape::OsAbiUpTo3,
        ..row(
            "loongarch64",
            "loongarch64",
            &["linux/loong64"],
            Some("loong64"),
            (Elf64, Little, 258),
        )
    },
    Arch {
        shape: Shape::X86,
        ..row(
            "x86_64",
            "x86_64",
            &["linux/amd64"],
            Some("amd64"),
            (Elf64, Little, 62),
        )
    },
    Arch {
        aliases: &["x86", "i686"],
        shape: Shape::X86,
        ..row(
            "i386",
            "i686",
            &["linux/386"],
            Some("i386"),
            (Elf32, Little, 3),
        )
    },
    Arch {
        emulator: "i386",
        shape: Shape::X86,
        ..row("i486", "i686", &[], None, (Elf32, Little, 6))
    },
    Arch {
        shape: Shape::AnyAbiVersion,
        ..row(
            "mips64el",
            "mips64",
            &["linux/mips64le"],
            Some("mips64el"),
            (Elf64, Little, 8),
        )
    },
    Arch {
        shape: Shape::AnyAbiVersion,
        ..row("mips64", "mips64", &["linux/mips64"], None, (Elf64, Big, 8))
    },
    Arch {
        flags: Some((EF_MIPS_ABI2, 0)),
        shape: Shape::Flags,
        ..row(
            "mipsel",
            "mips",
            &["linux/mipsle"],
            Some("mipsel"),
            (Elf32, Little, 8),
        )
    },
    Arch {
        flags: Some((EF_MIPS_ABI2, 0)),
        shape: Shape::Flags,
        ..row("mips", "mips", &["linux/mips"], None, (Elf32, Big, 8))
    },
    Arch {
        flags: Some((EF_MIPS_ABI2, EF_MIPS_ABI2)),
        shape: Shape::Flags,
        ..row(
            "mipsn32el",
            "mips64",
            &["linux/mips64p32le"],
            None,
            (Elf32, Little, 8),
        )
    },
    Arch {
        flags: Some((EF_MIPS_ABI2, EF_MIPS_ABI2)),
        shape: Shape::Flags,
        ..row(
            "mipsn32",
            "mips64",
            &["linux/mips64p32"],
            None,
            (Elf32, Big, 8),
        )
    },
    Arch {
        aliases: &["powerpc64"],
        ..row(
            "ppc64",
            "ppc64",
            &["linux/ppc64"],
            Some("ppc64"),
            (Elf64, Big, 21),
        )
    },
    Arch {
        aliases: &["powerpc"],
        ..row(
            "ppc",
            "ppc",
            &["linux/ppc"],
            Some("powerpc"),
            (Elf32, Big, 20),
        )
    },
    row(
        "aarch64_be",
        "aarch64_be",
        &["linux/arm64be"],
        None,
        (Elf64, Big, 183),
    ),
    row("armeb", "armv7b", &["linux/armbe"], None, (Elf32, Big, 40)),
    row(
        "riscv32",
        "riscv32",
        &["linux/riscv"],
        None,
        (Elf32, Little, 243),
    ),
    row(
        "sparc",
        "sparc",
        &["linux/sparc"],
        Some("sparc"),
        (Elf32, Big, 2),
    ),
    row("sparc32plus", "sparc64", &[], None, (Elf32, Big, 18)),
    row(
        "sparc64",
        "sparc64",
        &["linux/sparc64"],
        Some("sparc64"),
        (Elf64, Big, 43),
    ),
    Arch {
        shape: Shape::VersionLowBit,
        ..row("m68k", "m68k", &[], Some("m68k"), (Elf32, Big, 4))
    },
    Arch {
        shape: Shape::X86,
        ..row(
            "alpha",
            "alpha",
            &[],
            Some("alpha"),
            (Elf64, Little, 0x9026),
        )
    },
    Arch {
        aliases: &["parisc"],
        ..row("hppa", "parisc", &[], Some("hppa"), (Elf32, Big, 15))
    },
    Arch {
        aliases: &["openrisc"],
        ..row("or1k", "openrisc", &[], Some("or1k"), (Elf32, Big, 92))
    },
    row("xtensa", "xtensa", &[], None, (Elf32, Little, 94)),
    row("xtensaeb", "xtensa", &[], None, (Elf32, Big, 94)),
    row("sh4", "sh4", &[], Some("sh4"), (Elf32, Little, 42)),
    row("sh4eb", "sh4eb", &[], None, (Elf32, Big, 42)),
    row("hexagon", "hexagon", &[], None, (Elf32, Little, 164)),
    row("microblaze", "microblaze", &[], None, (Elf32, Big, 0xbaab)),
    row(
        "microblazeel",
        "microblaze",
        &[],
        None,
        (Elf32, Little, 0xbaab),
    ),
];

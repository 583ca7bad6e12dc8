//! [`Platform`]: the part of an architecture's Linux that is data: the width of words, flags
//! and addresses as its programs see them, and what they are told of the machine.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::ops::Range;

use super::open_flags::OpenFlags;
use super::tracing::Tracing;
use crate::host::page::PAGE;
use crate::host::signal::{
    SA_NOCLDSTOP, SA_NOCLDWAIT, SA_NODEFER, SA_ONSTACK, SA_RESETHAND, SA_RESTART, SA_SIGINFO,
};
use crate::host::sys::Errno;
use crate::memory::address_space::AddressSpace;

/// The flags of a signal's action that the generic headers have.
pub const ACTION_FLAGS: u64 = {
    const SA_EXPOSE_TAGBITS: u64 = 0x800;
    SA_NOCLDSTOP
        | SA_NOCLDWAIT
        | SA_SIGINFO
        | SA_EXPOSE_TAGBITS
        | SA_ONSTACK
        | SA_RESTART
        | SA_NODEFER
        | SA_RESETHAND
};

/// How wide addresses are, and C's `long`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 32 bits.
    Bits32,
    /// 64 bits.
    Bits64,
}

impl Width {
    /// In bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Bits32 => 32,
            Self::Bits64 => 64,
        }
    }

    /// `EI_CLASS`.
    #[must_use]
    pub const fn class(self) -> u8 {
        match self {
            Self::Bits32 => 1,
            Self::Bits64 => 2,
        }
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> usize {
        self.bits() as usize / 8
    }
}

/// What shows that an ELF file is a program for the architecture. All are little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elf {
    /// Its class.
    pub width: Width,
    /// `e_machine`.
    pub machine: u16,
    /// Bits of `e_flags` of which a program has one; 0 where they say nothing.
    pub flags: u32,
    /// What entry points are multiples of.
    pub unit: u64,
    /// What people call the architecture.
    pub name: &'static str,
}

impl Elf {
    /// `EI_CLASS`.
    #[must_use]
    pub const fn class(&self) -> u8 {
        self.width.class()
    }

    /// Whether a file begins as such a program: `head` has as much of it as a header has.
    #[must_use]
    pub fn is_at_start_of(&self, head: &[u8]) -> bool {
        head.starts_with(&[0x7f, b'E', b'L', b'F', self.class(), 1])
            && head.get(18..20) == Some(&self.machine.to_le_bytes())
    }
}

/// How the addresses of a program are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Their end, where that is below the host's: all above is the engine's.
    pub end: Option<u64>,
    /// Where position-independent programs begin: two thirds of the address
    /// space, as Linux has it, leaving the space above to mappings.
    pub program: u64,
    /// In so many bits of pages that place is random.
    pub random: u32,
    /// In so many the end of the first stack is, where the engine places it.
    pub random_stack: u32,
    /// Below the end, pages that the kernel maps itself. The first stack is below these.
    pub kernels: u64,
}

/// What people are told of the engine and of systems for the architecture.
#[derive(Debug, PartialEq, Eq)]
pub struct Names {
    /// The engine's.
    pub engine: &'static str,
    /// The architecture's, as images have it.
    pub image: &'static str,
    /// Debian's package of a libc for it on other machines, ...
    pub package: &'static str,
    /// ... and the folders that such packages have it in.
    pub folders: &'static [&'static CStr],
}

/// Linux for an architecture, as far as it is data. A process has that of its guest.
#[derive(Debug)]
pub struct Platform {
    /// What people are told.
    pub names: Names,
    /// Its programs.
    pub elf: Elf,
    /// The machine that `uname` tells.
    pub machine: &'static CStr,
    /// `AT_PLATFORM`.
    pub platform: &'static CStr,
    /// `AT_HWCAP` and `AT_HWCAP2`.
    pub capabilities: [u64; 2],
    /// `AT_MINSIGSTKSZ`, where the kernel tells it.
    pub signal_stack: Option<u64>,
    /// `MINSIGSTKSZ`.
    pub smallest_stack: u64,
    /// `AUDIT_ARCH_...`, as filters of system calls are told it.
    pub audit: u32,
    /// The end of a program's addresses.
    pub end: u64,
    /// How they are used.
    pub layout: Layout,
    /// The same for programs with a sanitizer that wants fewer, where there are such.
    pub sanitizers: Option<Layout>,
    /// The calls of seccomp's strict mode: `read`, `write`, `exit`, `rt_sigreturn`.
    pub strict_calls: [u32; 4],
    /// The bits of an address that the kernel does not look at: a tag; 0 where there are none.
    pub tag: u64,
    /// The flags of `open`.
    pub open_flags: OpenFlags,
    /// `/proc/cpuinfo`, for the processors in the host's.
    pub processors: fn(&[u8]) -> Vec<u8>,
    /// The identification registers that sysfs shows of each processor.
    pub registers: &'static [(&'static str, u64)],
    /// Maps what the kernel gives every process; returns the vDSO's page.
    pub map_vdso: fn(&AddressSpace) -> Result<Range<u64>, Errno>,
    /// What `maps` calls a page behind that one, where there is one, ...
    pub page_behind: Option<&'static str>,
    /// ... and a page that is always at the same place, which the kernel maps too.
    pub fixed_page: Option<(u64, &'static str)>,
    /// How far from the vDSO's start handlers return to that name no other place.
    pub signal_return: u64,
    /// The flags of a signal's action that its kernel keeps. A kernel clears all others since
    /// Linux 5.11, so that a program sees what is not known, and `SA_UNSUPPORTED` for ever.
    pub action_flags: u64,
    /// Options of `prctl` about features that its processors do not have, and their names.
    pub absent_features: &'static [(i32, &'static str)],
    /// To multiples of this `SHM_RND` rounds (`SHMLBA`): a multiple of pages. Without that flag a
    /// multiple of pages will do.
    pub attach_unit: u64,
    /// What tracers see of it.
    pub tracing: &'static Tracing,
    /// Whether `READ_IMPLIES_EXEC` outlasts an `execve`, and programs have it whose file says nothing of
    /// the stack (`PT_GNU_STACK`); else `execve` ends it.
    pub keeps_read_implies_exec: bool,
    /// Whether numbers of users have 16 bits in a core file (`elf_prpsinfo`), else 32.
    pub short_users: bool,
}

/// The guests of one engine. Which one a program is for, the beginning of its file says.
#[derive(Clone, Copy, Debug)]
pub struct Guests {
    /// The one whose program runs; before there is one, the one that the engine is named after.
    pub own: &'static Platform,
    /// The other.
    pub other: &'static Platform,
}

impl Guests {
    /// The guest whose program a file begins as: `head` has as much of it as a header has.
    #[must_use]
    pub fn of_program(&self, head: &[u8]) -> Option<&'static Platform> {
        let mut both = [self.own, self.other].into_iter();
        both.find(|platform| platform.elf.is_at_start_of(head))
    }

    /// The guest with an `e_machine`.
    #[must_use]
    pub fn of_machine(&self, machine: u64) -> Option<&'static Platform> {
        let mut both = [self.own, self.other].into_iter();
        both.find(|platform| u64::from(platform.elf.machine) == machine)
    }

    /// The same guests, with that one as the own, which is one of them.
    #[must_use]
    pub fn with_own(self, own: &'static Platform) -> Self {
        if own.elf == self.own.elf {
            self
        } else {
            Self {
                own: self.other,
                other: self.own,
            }
        }
    }
}

/// A user's or a group's number in 16 bits. One that does not fit becomes `overflowuid` and
/// `overflowgid`, as they are unless a machine's owner changes them.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "it fits")]
pub const fn short_user(id: u32) -> u16 {
    const OVERFLOW: u16 = 65534;
    if id >> 16 == 0 { id as u16 } else { OVERFLOW }
}

impl Platform {
    /// What `maps` calls the pages that the kernel gives every process: the vDSO's, one behind it,
    /// and one at a place of its own.
    pub fn names_of_pages(
        &self,
        vdso: Range<u64>,
    ) -> impl Iterator<Item = (Range<u64>, &'static str)> {
        let page = |(start, name)| (start..start + PAGE, name);
        let behind = self.page_behind.map(|name| (vdso.end, name));
        let others = behind.into_iter().chain(self.fixed_page).map(page);
        [(vdso, "[vdso]")].into_iter().chain(others)
    }

    /// An address without its tag, where the architecture has such.
    #[must_use]
    pub const fn untagged(&self, address: u64) -> u64 {
        if self.tag != 0 {
            untagged(address)
        } else {
            address
        }
    }
}

/// An address without its tag. Bit 55 tells which half of all addresses it is in; one in
/// the kernel's stays as it is.
#[must_use]
pub const fn untagged(address: u64) -> u64 {
    address & (address << 8).cast_signed().wrapping_shr(8).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_go() {
        assert_eq!(untagged(0x5a00_7fff_1234_5678), 0x7fff_1234_5678);
        assert_eq!(untagged(0x7fff_1234_5678), 0x7fff_1234_5678);
        assert_eq!(untagged(u64::MAX), u64::MAX);
        assert_eq!(untagged(0x00ff_0000_0000_0000), 0x00ff_0000_0000_0000);
        assert_eq!(untagged(0x5a7f_0000_0000_0000), 0x007f_0000_0000_0000);
    }
}

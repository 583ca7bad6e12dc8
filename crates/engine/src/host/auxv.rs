//! The auxiliary vector: what the kernel tells a program beside its arguments and
//! its environment. Its keys are the same on every architecture.

/// The size of a program header of 64 bits, as `AT_PHENT` tells it.
pub const PROGRAM_HEADER: usize = 56;

/// Keys of the auxiliary vector.
#[allow(missing_docs, reason = "the names are the kernel's")]
pub mod key {
    pub const NULL: u64 = 0;
    pub const EXECFD: u64 = 2;
    pub const PHDR: u64 = 3;
    pub const PHENT: u64 = 4;
    pub const PHNUM: u64 = 5;
    pub const PAGESZ: u64 = 6;
    pub const BASE: u64 = 7;
    pub const FLAGS: u64 = 8;
    pub const ENTRY: u64 = 9;
    pub const UID: u64 = 11;
    pub const EUID: u64 = 12;
    pub const GID: u64 = 13;
    pub const EGID: u64 = 14;
    pub const PLATFORM: u64 = 15;
    pub const HWCAP: u64 = 16;
    pub const CLKTCK: u64 = 17;
    pub const SECURE: u64 = 23;
    pub const RANDOM: u64 = 25;
    pub const HWCAP2: u64 = 26;
    pub const EXECFN: u64 = 31;
    pub const SYSINFO_EHDR: u64 = 33;
    pub const MINSIGSTKSZ: u64 = 51;
}

//! [`Platform`]: what of an architecture's Linux is data: how its programs see flags and
//! addresses, and what they are told of the machine.

use super::open_flags::OpenFlags;

/// Linux for an architecture, as far as it is data. A process has that of its guest.
#[derive(Debug)]
pub struct Platform {
    /// `AUDIT_ARCH_...`, as filters of system calls are told it.
    pub audit: u32,
    /// The end of a program's addresses.
    pub end: u64,
    /// Whether the top byte of an address may be a tag.
    pub has_tags: bool,
    /// The flags of `open`.
    pub open_flags: OpenFlags,
}

impl Platform {
    /// An address without its tag, where the architecture has such.
    #[must_use]
    pub const fn untagged(&self, address: u64) -> u64 {
        if self.has_tags {
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

//! Which kernel this is, and what that means for binfmt_misc.

use std::fmt;

/// A kernel release, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelVersion {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
}

impl KernelVersion {
    /// Flag `F` came with Linux 4.8.
    pub const FIX_BINARY: KernelVersion = KernelVersion { major: 4, minor: 8 };
    /// From 5.12 an interpreter can tell that `P` is on (AT_FLAGS).
    pub const ARGV0_TOLD: KernelVersion = KernelVersion {
        major: 5,
        minor: 12,
    };
    /// From 6.7 a table belongs to a user namespace and dies with its last mount.
    pub const NAMESPACED: KernelVersion = KernelVersion { major: 6, minor: 7 };

    /// The running kernel's.
    #[must_use]
    pub fn running() -> KernelVersion {
        Self::parse(&rustix::system::uname().release().to_string_lossy())
    }

    /// Whether each user namespace may have a table of its own.
    #[must_use]
    pub fn has_namespaces(self) -> bool {
        self >= KernelVersion::NAMESPACED
    }

    /// From a release text such as `6.8.0-45-generic`; what cannot be read is 0.
    #[must_use]
    pub fn parse(release: &str) -> KernelVersion {
        let mut numbers = release
            .split(|c: char| !c.is_ascii_digit())
            .map(|n| n.parse().unwrap_or(0));
        KernelVersion {
            major: numbers.next().unwrap_or(0),
            minor: numbers.next().unwrap_or(0),
        }
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

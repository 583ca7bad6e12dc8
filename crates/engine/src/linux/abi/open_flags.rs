//! The flags of `open`. A few of them have different bits on different architectures.

/// Those that differ: the guest's and x86-64's.
#[derive(Clone, Copy, Debug)]
pub struct OpenFlags(pub &'static [(u64, u64)]);

impl OpenFlags {
    /// The guest's flags as x86-64 has them.
    #[must_use]
    pub fn to_host(self, guest: u64) -> u64 {
        let differing: u64 = self.0.iter().map(|(guest, _)| guest).sum();
        self.0
            .iter()
            .filter(|(flag, _)| guest & flag != 0)
            .fold(guest & !differing, |flags, (_, host)| flags | host)
    }

    /// x86-64's flags as the guest has them.
    #[must_use]
    pub fn to_guest(self, host: u64) -> u64 {
        let differing: u64 = self.0.iter().map(|(_, host)| host).sum();
        self.0
            .iter()
            .filter(|(_, flag)| host & flag != 0)
            .fold(host & !differing, |flags, (guest, _)| flags | guest)
    }
}

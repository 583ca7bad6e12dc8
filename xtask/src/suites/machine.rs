//! Who runs a test.

/// Who runs a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    Native,
    Engine,
    Qemu,
}

impl Machine {
    pub(super) const ALL: [Self; 3] = [Self::Native, Self::Engine, Self::Qemu];

    /// Of it, in names of files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Engine => "engine",
            Self::Qemu => "qemu",
        }
    }
}

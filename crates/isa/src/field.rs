//! Fields: named runs of bits.

/// A named run of bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) lsb: u32,
    pub(crate) width: u32,
}

impl Field {
    pub(crate) fn mask(&self) -> u32 {
        (((1u64 << self.width) - 1) as u32) << self.lsb
    }
}

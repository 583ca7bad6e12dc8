//! A guest's flags as the state holds them, and translated code saves them.

/// NZCV, packed: N in bit 15, Z in bit 14, C in bit 8, V in bit 0. Bits 7 to
/// 1 are zero; the others mean nothing and may hold anything.
///
/// The places are those a host can store them to most cheaply.
#[derive(Clone, Copy, Default)]
#[repr(transparent)]
pub struct Flags(pub u16);

impl Flags {
    /// The bits that mean something.
    pub const MASK: u16 = 0xC101;

    /// From the four bits N, Z, C, V, N highest, as an
    /// immediate has them.
    #[must_use]
    pub const fn from_nzcv(nzcv: u8) -> Self {
        let n = (nzcv as u16 >> 3) & 1;
        let z = (nzcv as u16 >> 2) & 1;
        let c = (nzcv as u16 >> 1) & 1;
        let v = nzcv as u16 & 1;
        Self(n << 15 | z << 14 | c << 8 | v)
    }

    /// The four bits N, Z, C, V, N highest.
    #[must_use]
    pub const fn nzcv(self) -> u8 {
        let w = self.0;
        let nz = (w >> 12 & 0b1100).to_le_bytes()[0];
        nz | (w >> 7 & 0b10).to_le_bytes()[0] | (w & 1).to_le_bytes()[0]
    }
}

impl PartialEq for Flags {
    fn eq(&self, other: &Self) -> bool {
        self.nzcv() == other.nzcv()
    }
}

impl Eq for Flags {}

impl core::fmt::Debug for Flags {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (bit, name) in [(8, 'N'), (4, 'Z'), (2, 'C'), (1, 'V')] {
            let set = self.nzcv() & bit != 0;
            write!(f, "{}", if set { name } else { '-' })?;
        }
        Ok(())
    }
}

//! The guest's state: the one struct that interpreter, translated code and
//! the Linux layer share.
//!
//! Invariants: `x[31]` is SP (never XZR); the unused bits of `fpsr` are zero;
//! `flags` holds NZCV in the packed form of [`Flags`]. Translated code reads
//! and writes the fields by their offsets, so the struct is `repr(C)` and its
//! offsets are checked where the host's convention is built.

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

    /// From the four bits N, Z, C, V, N highest (the form of a CCMP
    /// immediate).
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

/// The local exclusive monitor: what the last load-exclusive read.
///
/// A store-exclusive succeeds when address and size match and memory still
/// holds `value` (compare and swap). `size` 0 means the monitor is open.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Monitor {
    /// The guest address of the last load-exclusive.
    pub address: u64,
    /// The bytes read, low doubleword first.
    pub value: [u64; 2],
    /// Bytes monitored: 1, 2, 4, 8 or 16; 0 when open.
    pub size: u64,
}

/// The state of one guest thread as far as EL0 code sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Cpu {
    /// X0 to X30, and SP at 31.
    pub x: [u64; 32],
    /// V0 to V31.
    pub v: [u128; 32],
    /// The address of the next instruction.
    pub pc: u64,
    /// NZCV.
    pub flags: Flags,
    /// Control of floating point, as MRS reads it.
    pub fpcr: u32,
    /// Status of floating point, as MRS reads it (QC and the cumulative
    /// exception bits).
    pub fpsr: u32,
    /// `TPIDR_EL0`, the thread pointer.
    pub tpidr: u64,
    /// `TPIDRRO_EL0`.
    pub tpidrro: u64,
    /// The exclusive monitor.
    pub monitor: Monitor,
    /// `PSTATE.DIT` (bit 24 of what MRS DIT reads).
    pub dit: u64,
}

impl Default for Cpu {
    fn default() -> Self {
        Self {
            x: [0; 32],
            v: [0; 32],
            pc: 0,
            flags: Flags(0),
            fpcr: 0,
            fpsr: 0,
            tpidr: 0,
            tpidrro: 0,
            monitor: Monitor::default(),
            dit: 0,
        }
    }
}

//! The guest's state: the one struct that interpreter, translated code and
//! the Linux layer share.
//!
//! Invariants: `x[31]` is SP (never XZR); the unused bits of `fpsr` are zero;
//! `flags` holds NZCV in the packed form of [`Flags`]. Translated code reads
//! and writes the fields by their offsets, so the struct is `repr(C)` and its
//! offsets are checked where the host's convention is built.

pub use guest::Flags;

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

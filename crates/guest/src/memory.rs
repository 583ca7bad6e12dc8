//! Guest memory, as an interpreter of guest code sees it.
//!
//! One trait, [`Memory`], stands between the meaning of instructions and the
//! place where the guest's bytes are: the process's own memory in the engine,
//! a [`Buffer`] in tests. Values are little-endian and travel in a `u128`,
//! the bits above the size being zero.
//!
//! Invariants: an access that faults changes nothing; an access of 1, 2, 4,
//! 8 or 16 bytes that is aligned to its size is single-copy atomic; an
//! unaligned one works and need not be.

use alloc::vec::Vec;

/// How many bytes an access moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Size {
    /// 1 byte.
    Byte = 1,
    /// 2 bytes.
    Half = 2,
    /// 4 bytes.
    Word = 4,
    /// 8 bytes.
    Double = 8,
    /// 16 bytes.
    Quad = 16,
}

impl Size {
    /// The size of `1 << log2` bytes; from 4 up it is [`Size::Quad`].
    #[must_use]
    pub const fn from_log2(log2: u32) -> Self {
        match log2 {
            0 => Self::Byte,
            1 => Self::Half,
            2 => Self::Word,
            3 => Self::Double,
            _ => Self::Quad,
        }
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self as u64
    }

    /// The number of bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self as u32 * 8
    }

    /// The value bits of an access of this size.
    #[must_use]
    pub const fn mask(self) -> u128 {
        u128::MAX >> (128 - self.bits())
    }
}

/// Why an access did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing is mapped there (`SIGSEGV`, `SEGV_MAPERR`).
    Translation,
    /// Something is mapped there, but not for this (`SIGSEGV`, `SEGV_ACCERR`).
    Permission,
    /// The address is not aligned as the access demands (`SIGBUS`,
    /// `BUS_ADRALN`).
    Alignment,
    /// The mapping has no memory behind it, such as a file past its end
    /// (`SIGBUS`, `BUS_ADRERR`).
    External,
}

/// An access that did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The first byte that could not be accessed, as far as it is known;
    /// else the address of the access.
    pub address: u64,
    /// Why.
    pub kind: FaultKind,
    /// Whether the access was a write (an atomic read-modify-write is one).
    pub write: bool,
}

/// What a barrier orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// Loads before against loads and stores after (as a load-acquire does).
    Load,
    /// Stores before against stores after.
    Store,
    /// Everything.
    Full,
}

/// The guest's memory.
pub trait Memory {
    /// Reads `size` bytes.
    ///
    /// # Errors
    /// When the guest may not read there.
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault>;

    /// Writes the low `size` bytes of `value`.
    ///
    /// # Errors
    /// When the guest may not write there.
    fn store(&mut self, address: u64, size: Size, value: u128) -> Result<(), Fault>;

    /// Compares memory with `expected` and, when equal, writes `new`, all in
    /// one atomic step that orders like a full barrier. Returns what memory
    /// held. The address must be aligned to `size`, or the bytes at least lie
    /// within one aligned 16 bytes; else the kind is
    /// [`FaultKind::Alignment`].
    ///
    /// # Errors
    /// When the guest may not write there, whether or not the values are
    /// equal.
    fn compare_exchange(
        &mut self,
        address: u64,
        size: Size,
        expected: u128,
        new: u128,
    ) -> Result<u128, Fault>;

    /// Replaces what memory holds by `f` of it in one atomic step and returns
    /// what it held. Alignment and order are those of
    /// [`Memory::compare_exchange`].
    ///
    /// # Errors
    /// When the guest may not write there.
    fn update(
        &mut self,
        address: u64,
        size: Size,
        f: &mut dyn FnMut(u128) -> u128,
    ) -> Result<u128, Fault> {
        // The first value is a guess that the exchange checks: a load could
        // be torn at an address that is not aligned, which does no harm.
        let mut old = match self.load(address, size) {
            Ok(old) => old,
            Err(fault) => {
                return Err(Fault {
                    write: true,
                    ..fault
                });
            }
        };
        loop {
            let new = f(old) & size.mask();
            let seen = self.compare_exchange(address, size, old, new)?;
            if seen == old {
                return Ok(old);
            }
            old = seen;
        }
    }

    /// Copies bytes as if all were read before the first is written, if all of it can be
    /// done; the result is whether it has. When not, nothing has been written, or a part
    /// has and the ranges do not overlap: doing it again is no harm. For speed only: never
    /// is right too.
    fn copy(&mut self, to: u64, from: u64, length: u64) -> bool {
        let _ = (to, from, length);
        false
    }

    /// Sets bytes, if all of it can be done; else as [`Memory::copy`].
    fn fill(&mut self, to: u64, byte: u8, length: u64) -> bool {
        let _ = (to, byte, length);
        false
    }

    /// Reads an instruction, or a part of one: 2 or 4 bytes, to which `address` is
    /// aligned.
    ///
    /// # Errors
    /// When the guest may not execute there.
    fn fetch(&mut self, address: u64, size: Size) -> Result<u32, Fault>;

    /// Whether a debugger has the guest stop at the instruction at an address.
    fn has_breakpoint(&self, address: u64) -> bool {
        let _ = address;
        false
    }

    /// Orders the accesses before it against those after it, as other threads
    /// see them.
    fn barrier(&mut self, barrier: Barrier);

    /// The guest made instructions at `address..address + length` visible:
    /// what was kept of the old ones is forgotten.
    fn invalidate_code(&mut self, address: u64, length: u64);
}

/// Memory of one run of bytes at one address, for tests of instructions.
///
/// All of it may be read, written and executed; nothing else is mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// The address of the first byte.
    pub base: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The ranges that were given to [`Memory::invalidate_code`], oldest
    /// first.
    pub invalidated: Vec<(u64, u64)>,
}

impl Buffer {
    /// `length` zero bytes at `base`.
    #[must_use]
    pub fn new(base: u64, length: usize) -> Self {
        Self {
            base,
            bytes: alloc::vec![0; length],
            invalidated: Vec::new(),
        }
    }

    fn range(&mut self, address: u64, size: Size, write: bool) -> Result<&mut [u8], Fault> {
        let fault = |address| Fault {
            address,
            kind: FaultKind::Translation,
            write,
        };
        let length = self.bytes.len() as u64;
        // The first byte of the access that is outside.
        for i in 0..size.bytes() {
            let at = address.wrapping_add(i);
            if at.wrapping_sub(self.base) >= length {
                return Err(fault(at));
            }
        }
        let at = usize::try_from(address.wrapping_sub(self.base)).map_err(|_| fault(address))?;
        self.bytes
            .get_mut(at..at + size as usize)
            .ok_or(fault(address))
    }
}

/// Whether an atomic access of `size` at `address` is aligned well enough:
/// within one aligned 16 bytes.
#[must_use]
pub const fn atomic_alignment(address: u64, size: Size) -> bool {
    (address & 15) + size.bytes() <= 16
}

impl Memory for Buffer {
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault> {
        let from = self.range(address, size, false)?;
        let mut bytes = [0; 16];
        bytes[..from.len()].copy_from_slice(from);
        Ok(u128::from_le_bytes(bytes))
    }

    fn store(&mut self, address: u64, size: Size, value: u128) -> Result<(), Fault> {
        let to = self.range(address, size, true)?;
        to.copy_from_slice(&value.to_le_bytes()[..to.len()]);
        Ok(())
    }

    fn compare_exchange(
        &mut self,
        address: u64,
        size: Size,
        expected: u128,
        new: u128,
    ) -> Result<u128, Fault> {
        if !atomic_alignment(address, size) {
            return Err(Fault {
                address,
                kind: FaultKind::Alignment,
                write: true,
            });
        }
        let old = self.load(address, size).map_err(|fault| Fault {
            write: true,
            ..fault
        })?;
        if old == expected & size.mask() {
            self.store(address, size, new)?;
        }
        Ok(old)
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "a load of four bytes at most has no bits above them"
    )]
    fn fetch(&mut self, address: u64, size: Size) -> Result<u32, Fault> {
        self.load(address, size).map(|word| word as u32)
    }

    fn barrier(&mut self, _: Barrier) {}

    fn invalidate_code(&mut self, address: u64, length: u64) {
        self.invalidated.push((address, length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(Size::from_log2(0), Size::Byte);
        assert_eq!(Size::from_log2(4).bytes(), 16);
        assert_eq!(Size::Byte.mask(), 0xff);
        assert_eq!(Size::Quad.mask(), u128::MAX);
    }

    #[test]
    fn a_buffer_keeps_what_is_stored() {
        let mut memory = Buffer::new(0x1000, 32);
        memory
            .store(0x1003, Size::Double, 0x0102_0304_0506_0708)
            .unwrap();
        assert_eq!(memory.load(0x1003, Size::Byte), Ok(8));
        assert_eq!(memory.load(0x1002, Size::Word), Ok(0x0607_0800));
        assert_eq!(memory.fetch(0x1004, Size::Word), Ok(0x0405_0607));
        assert_eq!(memory.fetch(0x1006, Size::Half), Ok(0x0405));
    }

    #[test]
    fn the_first_byte_outside_faults() {
        let mut memory = Buffer::new(0x1000, 32);
        let fault = |address, write| Fault {
            address,
            kind: FaultKind::Translation,
            write,
        };
        assert_eq!(memory.load(0x101c, Size::Double), Err(fault(0x1020, false)));
        assert_eq!(memory.store(0xfff, Size::Half, 0), Err(fault(0xfff, true)));
        assert_eq!(memory.bytes, [0; 32]);
        let mut last = Buffer::new(0xffff_ffff_ffff_fff0, 16);
        assert_eq!(last.load(u64::MAX, Size::Byte), Ok(0));
        assert_eq!(last.load(u64::MAX, Size::Half), Err(fault(0, false)));
    }

    #[test]
    fn exchanges_and_updates() {
        let mut memory = Buffer::new(0, 32);
        assert_eq!(memory.compare_exchange(0, Size::Word, 0, 7), Ok(0));
        assert_eq!(memory.compare_exchange(0, Size::Word, 0, 8), Ok(7));
        assert_eq!(memory.update(0, Size::Word, &mut |old| old + 1), Ok(7));
        assert_eq!(memory.load(0, Size::Word), Ok(8));
        let crossing = memory.compare_exchange(14, Size::Word, 0, 1);
        assert_eq!(
            crossing.map_err(|fault| fault.kind),
            Err(FaultKind::Alignment)
        );
    }
}

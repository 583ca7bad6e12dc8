//! Guest memory, which is the process's own: every access may fault, and a
//! fault comes back as an error.
//!
//! The accesses are made by routines in assembler, which return when one faults
//! (`memory/routines.rs`).
//!
//! Guest addresses are host addresses. The engine lies high, where the kernel puts a static-PIE,
//! and takes no address that the guest may ask for. The interpreter's accesses ignore the bits
//! [`Guest::IGNORED`] of an address. The accesses that the engine makes for the guest ignore the
//! bits that its kernel does not look at ([`ignore`]), whether or not the thread asked for tags.

use core::cell::Cell;
use core::marker::PhantomData;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};

use guest::memory::{Barrier, Fault, FaultKind, Memory, Size, atomic_alignment};
use guest::{Environment, Guest, surroundings};

use super::address_space::AddressSpace;
use super::routines::{
    armistice_guest_copy, armistice_guest_exchange1, armistice_guest_exchange2,
    armistice_guest_exchange4, armistice_guest_exchange8, armistice_guest_exchange16,
    armistice_guest_fill, armistice_guest_load1, armistice_guest_load2, armistice_guest_load4,
    armistice_guest_load8, armistice_guest_load16, armistice_guest_same, armistice_guest_store1,
    armistice_guest_store2, armistice_guest_store4, armistice_guest_store8,
    armistice_guest_store16, armistice_guest_zero, checked,
};
use crate::host::clock;
use crate::host::page::{END, PAGE};

/// What the engine's own accesses do not look at: set once, before the guest starts.
static TAG: AtomicU64 = AtomicU64::new(0);

/// Lets the engine's own accesses ignore these bits of an address.
pub fn ignore(bits: u64) {
    TAG.store(bits, Ordering::Relaxed);
}

#[inline]
fn tag() -> u64 {
    TAG.load(Ordering::Relaxed)
}

/// The host address of a guest address, of which some bits are ignored. An address
/// that no user program has is a fault here, before the host sees it, since
/// it would not tell the address.
#[inline]
fn host(address: u64, ignored: u64, length: u64, write: bool) -> Result<u64, Fault> {
    let untagged = address & !ignored;
    if untagged < END && length <= END - untagged {
        return Ok(untagged);
    }
    Err(Fault {
        address: untagged.max(END.min(untagged.saturating_add(length))),
        kind: FaultKind::Translation,
        write,
    })
}

/// Reads `size` bytes.
///
/// # Errors
/// When they cannot be read.
#[inline]
pub fn load(address: u64, size: Size) -> Result<u128, Fault> {
    load_at(host(address, tag(), size.bytes(), false)?, size)
}

#[inline]
fn load_at(at: u64, size: Size) -> Result<u128, Fault> {
    // SAFETY: a fault comes back as an error; what is read is only a value.
    let value = unsafe {
        match size {
            Size::Byte => armistice_guest_load1(at),
            Size::Half => armistice_guest_load2(at),
            Size::Word => armistice_guest_load4(at),
            Size::Double => armistice_guest_load8(at),
            Size::Quad => {
                let mut value = 0;
                checked(armistice_guest_load16(at, &mut value), false)?;
                return Ok(value);
            }
        }
    };
    checked(value, false).map(u128::from)
}

/// Writes the low `size` bytes of `value`.
///
/// # Safety
/// The address is the guest's to write.
///
/// # Errors
/// When they cannot be written.
#[inline]
pub unsafe fn store(address: u64, size: Size, value: u128) -> Result<(), Fault> {
    let at = host(address, tag(), size.bytes(), true)?;
    // SAFETY: the caller's.
    unsafe { store_at(at, size, value) }
}

/// # Safety
/// As [`store`].
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the low bytes are what is stored"
)]
unsafe fn store_at(at: u64, size: Size, value: u128) -> Result<(), Fault> {
    let low = value as u64;
    // SAFETY: a fault comes back as an error; the caller answers for what is
    // written over.
    let done = unsafe {
        match size {
            Size::Byte => armistice_guest_store1(at, low),
            Size::Half => armistice_guest_store2(at, low),
            Size::Word => armistice_guest_store4(at, low),
            Size::Double => armistice_guest_store8(at, low),
            Size::Quad => armistice_guest_store16(at, &value),
        }
    };
    checked(done, true).map(drop)
}

/// Compares and exchanges, as [`Memory::compare_exchange`] says.
///
/// # Safety
/// The address is the guest's to write.
#[inline]
#[allow(
    clippy::cast_possible_truncation,
    reason = "the low bytes are what is compared"
)]
unsafe fn compare_exchange_at(
    at: u64,
    size: Size,
    expected: u128,
    new: u128,
) -> Result<u128, Fault> {
    if !atomic_alignment(at, size) {
        return Err(Fault {
            address: at,
            kind: FaultKind::Alignment,
            write: true,
        });
    }
    let (low, low_new) = (expected as u64, new as u64);
    // SAFETY: a fault comes back as an error; the caller answers for what is written over.
    let old = unsafe {
        match size {
            Size::Byte => armistice_guest_exchange1(at, low, low_new),
            Size::Half => armistice_guest_exchange2(at, low, low_new),
            Size::Word => armistice_guest_exchange4(at, low, low_new),
            Size::Double => armistice_guest_exchange8(at, low, low_new),
            Size::Quad => {
                let mut old = expected;
                checked(armistice_guest_exchange16(at, &mut old, &new), true)?;
                return Ok(old);
            }
        }
    };
    checked(old, true).map(u128::from)
}

/// Copies bytes out of the guest's memory. When it fails, some of `to` may
/// have been written.
///
/// # Errors
/// When they cannot all be read.
pub fn read(address: u64, to: &mut [u8]) -> Result<(), Fault> {
    let length = to.len() as u64;
    let at = host(address, tag(), length, false)?;
    // SAFETY: the slice is ours to write; a fault comes back as an error.
    let done = unsafe { armistice_guest_copy(to.as_mut_ptr() as u64, at, length) };
    checked(done, false).map(drop)
}

/// Copies words from memory that the guest may execute. Whether all are there.
fn copy_words(address: u64, words: &mut [u32]) -> bool {
    let length = size_of_val(words) as u64;
    // SAFETY: the slice is ours to write; a fault comes back as an error.
    let done = unsafe { armistice_guest_copy(words.as_mut_ptr() as u64, address, length) };
    done.kind == 0
}

/// Whether these words are at an address; not if one of them can't be read. They are compared
/// where they lie: most calls compare few, and to copy them first would take longer than all
/// the rest.
fn are_words(address: u64, words: &[u32]) -> bool {
    let length = size_of_val(words) as u64;
    // SAFETY: it only loads, the slice is as long, and a fault comes back as a kind.
    let same = unsafe { armistice_guest_same(address, words.as_ptr() as u64, length) };
    same.kind == 0 && same.value == 1
}

/// Copies bytes between ranges that overlap, if the target is in one page: so the first
/// byte that is written faults, or none does.
fn copy_overlapping(to: u64, from: u64, length: u64) -> bool {
    /// As large as a page.
    const ROOM: usize = 4096;
    const { assert!(ROOM as u64 == PAGE) };
    if to % PAGE + length > PAGE {
        return false;
    }
    let mut bytes = [0_u8; ROOM];
    let between = bytes.as_mut_ptr() as u64;
    // SAFETY: `length` bytes fit into the array, which is ours to write; a fault comes back
    // as an error.
    let read = unsafe { armistice_guest_copy(between, from, length) };
    // SAFETY: the array holds `length` bytes; a fault comes back as an error, and what the guest
    // writes over is the guest's.
    read.kind == 0 && unsafe { armistice_guest_copy(to, between, length) }.kind == 0
}

/// Copies bytes to the guest's memory. When it fails, some of them may have
/// been written.
///
/// # Safety
/// The range is the guest's to write.
///
/// # Errors
/// When they cannot all be written.
pub unsafe fn write(address: u64, from: &[u8]) -> Result<(), Fault> {
    let length = from.len() as u64;
    let at = host(address, tag(), length, true)?;
    // SAFETY: a fault comes back as an error; the caller answers for what is written over.
    let done = unsafe { armistice_guest_copy(at, from.as_ptr() as u64, length) };
    checked(done, true).map(drop)
}

/// Writes zeros.
///
/// # Safety
/// The range is the guest's to write.
///
/// # Errors
/// When they cannot all be written.
pub unsafe fn zero(address: u64, length: u64) -> Result<(), Fault> {
    let at = host(address, tag(), length, true)?;
    // SAFETY: a fault comes back as an error; the caller answers for what is written over.
    checked(unsafe { armistice_guest_zero(at, length) }, true).map(drop)
}

/// The guest's memory as an interpreter sees it.
#[derive(Debug)]
pub struct GuestMemory<'a, G> {
    space: &'a AddressSpace,
    /// Where instructions may be fetched without asking `space`, as long as
    /// it is the same generation.
    window: Range<u64>,
    generation: u64,
    /// The same for reading what is to be translated: from, to, and the
    /// generation.
    code: Cell<(u64, u64, u64)>,
    /// The line that was read last for that.
    line: Cell<u64>,
    guest: PhantomData<G>,
}

impl<'a, G: Guest> GuestMemory<'a, G> {
    /// The memory of the process whose address space this is.
    #[must_use]
    pub fn new(space: &'a AddressSpace) -> Self {
        Self {
            space,
            window: 0..0,
            generation: 0,
            code: Cell::new((0, 0, 0)),
            line: Cell::new(u64::MAX),
            guest: PhantomData,
        }
    }

    /// Where an access is on the host.
    #[inline]
    fn host(address: u64, length: u64, write: bool) -> Result<u64, Fault> {
        host(address, G::IGNORED, length, write)
    }

    /// Finds the executable range of `address` anew.
    #[cold]
    fn look_up(&mut self, address: u64) -> Result<(), Fault> {
        // Taken before the range, so that a change in between is seen.
        self.generation = self.space.generation();
        self.window = self.space.executable(address).unwrap_or(0..0);
        if !self.window.is_empty() {
            return Ok(());
        }
        let fault = |kind| Fault {
            address,
            kind,
            write: false,
        };
        // Mapped, but not executable, or not mapped at all.
        match load(address, Size::Byte) {
            Ok(_) => Err(fault(FaultKind::Permission)),
            Err(Fault { kind, .. }) => Err(fault(kind)),
        }
    }
}

impl<G: Guest> Environment for GuestMemory<'_, G> {
    fn counter(&mut self) -> u64 {
        clock::counter()
    }

    fn frequency(&mut self) -> u64 {
        clock::FREQUENCY
    }

    fn call(&mut self, pc: u64, function: u8, argument: u32) -> Option<[u64; 2]> {
        (self.page_of_calls()? == surroundings::page(pc)).then_some(())?;
        clock::call(function, argument)
    }
}

impl<G: Guest> GuestMemory<'_, G> {
    /// The page whose instructions may call functions.
    #[must_use]
    pub fn page_of_calls(&self) -> Option<u64> {
        self.space.page_of_calls()
    }

    /// The instruction at an address (or its part of this size), for translating: none
    /// where the guest may not execute.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "a load of a word")]
    pub fn read_code(&self, address: u64, size: Size) -> Option<u32> {
        let generation = self.space.generation();
        let (start, end, of) = self.code.get();
        if of != generation || !(start..end).contains(&address) {
            let window = self.space.executable(address)?;
            self.code.set((window.start, window.end, generation));
            self.line.set(u64::MAX);
        }
        let line = address >> 6;
        if self.line.replace(line) != line {
            self.space.read(address);
        }
        let word = load(address, size).ok();
        if self.space.unsettled.contains(address) {
            // Locks are held here, so the interpreter waits.
            return None;
        }
        if self.space.generation() != generation {
            return self.read_code(address, size);
        }
        word.map(|word| word as u32)
    }

    /// The range around an address that the guest may execute.
    #[must_use]
    pub fn executable_range(&self, address: u64) -> Option<Range<u64>> {
        self.space.executable(address)
    }

    /// Reads words to look for what was kept of them. Whether the guest may execute all
    /// of them, and stops at none. That what was read may change is not noted: it is compared
    /// before it is relied on ([`GuestMemory::has_words`]).
    #[must_use]
    pub fn read_words(&self, address: u64, words: &mut [u32]) -> bool {
        let length = size_of_val(words) as u64;
        self.is_code(address, length) && copy_words(address, words)
    }

    /// Whether the guest would fetch these words from an address on. It is noted that
    /// they were read.
    #[must_use]
    pub fn has_words(&self, address: u64, words: &[u32]) -> bool {
        let generation = self.space.generation();
        let length = size_of_val(words) as u64;
        if !self.is_code(address, length) {
            return false;
        }
        self.space.read_all(address..address + length);
        let same = are_words(address, words);
        // Whoever changes pages at this moment comes first.
        same && self.space.unsettled.is_empty() && self.space.generation() == generation
    }

    /// The same of several parts, each of words from an address on.
    #[must_use]
    pub fn has_parts(&self, parts: &[(u64, &[u32])]) -> bool {
        let range = |&(address, words): &(u64, &[u32])| {
            let length = size_of_val(words) as u64;
            address.checked_add(length).map(|end| address..end)
        };
        let generation = self.space.generation();
        let mut code = 0..0;
        let all_code = parts.iter().all(|part| {
            let Some(part) = range(part) else {
                return false;
            };
            if !code.contains(&part.start) {
                code = self.space.executable(part.start).unwrap_or(0..0);
            }
            code.contains(&part.start)
                && part.end <= code.end
                && !self.space.breakpoints.touch(&part)
        });
        if !all_code {
            return false;
        }
        // Before they are read: whoever writes there from now on has them forgotten.
        self.space.read_parts(parts.iter().filter_map(range));
        let same = |&(address, words): &(u64, &[u32])| are_words(address, words);
        let same = parts.iter().all(same);
        // Whoever changes pages at this moment comes first.
        same && self.space.unsettled.is_empty() && self.space.generation() == generation
    }

    /// Whether the guest may execute all of a range, and stops nowhere in it.
    fn is_code(&self, address: u64, length: u64) -> bool {
        let end = address.checked_add(length);
        let executable = self.space.executable(address);
        let inside = executable
            .zip(end)
            .is_some_and(|(code, end)| end <= code.end);
        inside && !self.space.breakpoints.touch(&(address..address + length))
    }

    /// The same where nothing has changed since the last look, and nothing is
    /// changing: what each instruction that is interpreted costs.
    #[inline]
    #[allow(clippy::cast_possible_truncation, reason = "a load of a word")]
    fn fetch_here(&self, address: u64, size: Size) -> Option<u32> {
        if !self.window.contains(&address) || self.generation != self.space.generation() {
            return None;
        }
        // SAFETY: it only loads, and a fault comes back as a kind.
        let word = unsafe {
            match size {
                Size::Half => armistice_guest_load2(address),
                _ => armistice_guest_load4(address),
            }
        };
        let settled = self.space.unsettled.is_empty();
        let same = self.generation == self.space.generation();
        (word.kind == 0 && settled && same).then_some(word.value as u32)
    }

    #[cold]
    #[allow(clippy::cast_possible_truncation, reason = "a load of a word")]
    fn fetch_anywhere(&mut self, address: u64, size: Size) -> Result<u32, Fault> {
        loop {
            if !self.window.contains(&address) || self.generation != self.space.generation() {
                self.look_up(address)?;
            }
            let word = load(address, size);
            self.space.unsettled.wait(address);
            if self.generation == self.space.generation() {
                return word.map(|word| word as u32);
            }
        }
    }
}

impl<G: Guest> Memory for GuestMemory<'_, G> {
    fn load(&mut self, address: u64, size: Size) -> Result<u128, Fault> {
        load_at(Self::host(address, size.bytes(), false)?, size)
    }

    fn store(&mut self, address: u64, size: Size, value: u128) -> Result<(), Fault> {
        let at = Self::host(address, size.bytes(), true)?;
        // SAFETY: what the guest writes over is the guest's.
        unsafe { store_at(at, size, value) }
    }

    fn compare_exchange(
        &mut self,
        address: u64,
        size: Size,
        expected: u128,
        new: u128,
    ) -> Result<u128, Fault> {
        let at = Self::host(address, size.bytes(), true)?;
        // SAFETY: what the guest writes over is the guest's.
        unsafe { compare_exchange_at(at, size, expected, new) }
    }

    fn copy(&mut self, to: u64, from: u64, length: u64) -> bool {
        let (Ok(to), Ok(from)) = (
            Self::host(to, length, true),
            Self::host(from, length, false),
        ) else {
            return false;
        };
        if to.abs_diff(from) < length {
            return copy_overlapping(to, from, length);
        }
        // SAFETY: a fault comes back as an error; what the guest writes over is the guest's.
        let done = unsafe { armistice_guest_copy(to, from, length) };
        done.kind == 0
    }

    fn fill(&mut self, to: u64, byte: u8, length: u64) -> bool {
        let Ok(to) = Self::host(to, length, true) else {
            return false;
        };
        // SAFETY: a fault comes back as an error; what the guest writes over is the guest's.
        let done = unsafe { armistice_guest_fill(to, length, byte.into()) };
        done.kind == 0
    }

    #[inline]
    fn fetch(&mut self, address: u64, size: Size) -> Result<u32, Fault> {
        match self.fetch_here(address, size) {
            Some(word) => Ok(word),
            None => self.fetch_anywhere(address, size),
        }
    }

    #[inline]
    fn has_breakpoint(&self, address: u64) -> bool {
        self.space.breakpoints.contains(address)
    }

    fn barrier(&mut self, barrier: Barrier) {
        use core::sync::atomic::{Ordering, compiler_fence, fence};
        match barrier {
            // x86 keeps loads in order, and stores in order.
            Barrier::Load | Barrier::Store => compiler_fence(Ordering::SeqCst),
            Barrier::Full => fence(Ordering::SeqCst),
        }
    }

    fn invalidate_code(&mut self, address: u64, length: u64) {
        let start = address & !G::IGNORED;
        self.space.written(start..start.saturating_add(length));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::sys::{self, MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE};
    use crate::thread::attention::Block;
    use crate::thread::handlers;
    use a64::Aarch64;

    unsafe fn compare_exchange(
        address: u64,
        size: Size,
        expected: u128,
        new: u128,
    ) -> Result<u128, Fault> {
        let at = host(address, tag(), size.bytes(), true)?;
        // SAFETY: the caller's.
        unsafe { compare_exchange_at(at, size, expected, new) }
    }

    #[test]
    fn an_address_without_what_is_ignored() {
        let tagged = 0x5a00_0000_0012_3458;
        assert_eq!(host(tagged, 0xff << 56, 8, false), Ok(0x12_3458));
        let fault = host(tagged, 0, 8, true).unwrap_err();
        assert_eq!((fault.address, fault.write), (tagged, true));
    }

    const SIZES: [Size; 5] = [Size::Byte, Size::Half, Size::Word, Size::Double, Size::Quad];
    const VALUE: u128 = 0xf1e2_d3c4_b5a6_9788_796a_5b4c_3d2e_1f10;

    /// A page that may be written, one that may be read, and one that is not
    /// there.
    fn pages() -> u64 {
        handlers::install(&Block::new().unwrap()).unwrap();
        // SAFETY: the mapping takes free addresses and is not used elsewhere.
        unsafe {
            let page = sys::mmap(
                0,
                0x3000,
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS,
                None,
            )
            .unwrap();
            sys::mprotect(page + 0x1000, 0x1000, PROT_READ).unwrap();
            sys::munmap(page + 0x2000, 0x1000).unwrap();
            page
        }
    }

    fn fault(address: u64, kind: FaultKind, write: bool) -> Fault {
        Fault {
            address,
            kind,
            write,
        }
    }

    #[test]
    fn what_is_stored_is_loaded() {
        let page = pages();
        for size in SIZES {
            for at in [page, page + 0x13, page + 0x1000 - size.bytes()] {
                // SAFETY: the page is the test's.
                unsafe {
                    zero(page, 0x1000).unwrap();
                    store(at, size, VALUE).unwrap();
                }
                assert_eq!(load(at, size), Ok(VALUE & size.mask()));
                let mut bytes = [0xff; 18];
                if at > page && at + size.bytes() < page + 0x1000 {
                    read(at - 1, &mut bytes[..size as usize + 2]).unwrap();
                    assert_eq!((bytes[0], bytes[size as usize + 1]), (0, 0));
                }
            }
        }
    }

    #[test]
    fn words_are_compared_to_the_last() {
        let page = pages();
        let mut next = 5_u32;
        let expected: [u32; 11] = core::array::from_fn(|_| {
            next = next.wrapping_mul(0x0101_0105);
            next
        });
        for at in [page, page + 4, page + 0x1000 - 44] {
            for length in 0..=expected.len() {
                let mut words = expected;
                let words = &mut words[..length];
                for (n, &word) in (0..).zip(&*words) {
                    // SAFETY: the page is the test's.
                    unsafe { store(at + 4 * n, Size::Word, word.into()) }.unwrap();
                }
                assert!(are_words(at, words), "{at:#x} {length}");
                for n in 0..length {
                    words[n] ^= 1 << 31;
                    assert!(!are_words(at, words), "{at:#x} {length} {n}");
                    words[n] ^= 1 << 31;
                }
            }
        }
        // What is not there is not the same.
        assert!(!are_words(page + 0x2000 - 4, &[0, 0]));
        assert!(!are_words(page + 0x2000, &[0]));
    }

    #[test]
    fn faults_come_back_with_kind_and_address() {
        let page = pages();
        let read_only = page + 0x1000;
        let nothing = page + 0x2000;
        for size in SIZES {
            // SAFETY: the pages are the test's.
            unsafe {
                assert_eq!(
                    store(read_only, size, 0),
                    Err(fault(read_only, FaultKind::Permission, true))
                );
                assert_eq!(
                    load(nothing, size),
                    Err(fault(nothing, FaultKind::Translation, false))
                );
                assert_eq!(
                    store(nothing + 16, size, 0),
                    Err(fault(nothing + 16, FaultKind::Translation, true))
                );
                // Also when it would write nothing: the values differ.
                assert_eq!(
                    compare_exchange(read_only, size, 1, 2),
                    Err(fault(read_only, FaultKind::Permission, true))
                );
            }
            assert_eq!(load(read_only, size), Ok(0));
        }
    }

    #[test]
    fn an_access_over_the_end_changes_nothing() {
        let page = pages();
        let edge = page + 0x1000;
        for size in SIZES.into_iter().skip(1) {
            // SAFETY: the pages are the test's.
            let result = unsafe { store(edge - 1, size, VALUE) };
            assert_eq!(result, Err(fault(edge, FaultKind::Permission, true)));
            assert_eq!(load(edge - 1, Size::Byte), Ok(0));
        }
    }

    #[test]
    fn addresses_that_no_program_has() {
        for address in [
            END,
            END - 1,
            1 << 47,
            1 << 55,
            0x00ff_ffff_ffff_ffff,
            u64::MAX,
        ] {
            let fault = load(address, Size::Double).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Translation, "{address:#x}");
        }
        let mut bytes = [0; 8];
        assert!(read(END - 4, &mut bytes).is_err());
    }

    #[test]
    fn the_top_byte_is_ignored() {
        ignore(0xff << 56);
        let page = pages();
        // SAFETY: the page is the test's.
        unsafe { store(page | 0xab << 56, Size::Word, 77) }.unwrap();
        assert_eq!(load(page | 1 << 63, Size::Word), Ok(77));
    }

    #[test]
    fn exchanges() {
        let page = pages();
        for size in SIZES {
            let mask = size.mask();
            // SAFETY: the page is the test's.
            unsafe {
                store(page, Size::Quad, VALUE).unwrap();
                let differs = compare_exchange(page, size, VALUE ^ 1, 5).unwrap();
                assert_eq!(differs, VALUE & mask);
                assert_eq!(load(page, Size::Quad), Ok(VALUE));
                let equal = compare_exchange(page, size, VALUE, 5).unwrap();
                assert_eq!(equal, VALUE & mask);
                assert_eq!(load(page, Size::Quad), Ok(VALUE & !mask | 5));
                if size > Size::Byte {
                    assert_eq!(
                        compare_exchange(page + 15, size, 0, 0),
                        Err(fault(page + 15, FaultKind::Alignment, true))
                    );
                }
            }
        }
    }

    #[test]
    fn updates_of_many_threads_all_count() {
        extern crate std;
        let page = pages();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    handlers::install(&Block::new().unwrap()).unwrap();
                    let space = AddressSpace::new(None);
                    let mut memory = GuestMemory::<Aarch64>::new(&space);
                    for _ in 0..10_000 {
                        memory
                            .update(page + 32, Size::Quad, &mut |old| old + (1 << 60))
                            .unwrap();
                        memory
                            .update(page + 3, Size::Half, &mut |old| old + 1)
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(load(page + 32, Size::Quad), Ok(40_000 << 60));
        assert_eq!(load(page + 3, Size::Half), Ok(40_000));
    }

    #[test]
    fn only_executable_pages_are_fetched() {
        let page = pages();
        let space = AddressSpace::new(None);
        let mut memory = GuestMemory::<Aarch64>::new(&space);
        let denied = fault(page, FaultKind::Permission, false);
        assert_eq!(memory.fetch(page, Size::Word), Err(denied));
        space.protect(page..page + 0x1000, PROT_READ | sys::PROT_EXEC);
        assert_eq!(memory.fetch(page, Size::Word), Ok(0));
        space.unmap(page..page + 0x1000);
        assert_eq!(memory.fetch(page, Size::Word), Err(denied));
        let nothing = page + 0x2000;
        assert_eq!(
            memory.fetch(nothing, Size::Word),
            Err(fault(nothing, FaultKind::Translation, false))
        );
    }
}

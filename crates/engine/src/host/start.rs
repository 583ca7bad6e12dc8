//! What the kernel hands to a new process: arguments, environment, auxiliary
//! vector. They are copied, since the stack that they lie on becomes the guest's.

use alloc::vec::Vec;
use core::ffi::{CStr, c_char};
use core::ops::Range;

use super::auxv::{PROGRAM_HEADER, key};
use super::own;
use super::page::{PAGE, page_down};
use super::sys::{self, Errno, Fd};

/// The initial stack, read.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// The arguments, with the engine's name first.
    pub arguments: Vec<&'static CStr>,
    /// The environment.
    pub environment: Vec<&'static CStr>,
    /// The auxiliary vector.
    pub auxiliary: Vec<(u64, u64)>,
    /// What the kernel filled of the stack: from SP to the end of the mapping,
    /// which grows below.
    pub stack: Range<u64>,
    /// The path of what was executed: a script's, where the program is its
    /// interpreter.
    pub executed: Option<&'static CStr>,
}

/// Behind the end of a string.
///
/// # Safety
/// The address is a string's.
unsafe fn end_of(string: usize) -> usize {
    // SAFETY: the caller's.
    string + unsafe { CStr::from_ptr(string as *const c_char) }.count_bytes() + 1
}

impl Start {
    /// Reads the initial stack, and copies all that is on it for good.
    ///
    /// # Safety
    /// `stack` is where the kernel let SP point at the process's entry, and
    /// nothing has been written over.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "the host has 64 bits")]
    pub unsafe fn read(stack: *const usize) -> Self {
        // SAFETY: the kernel ends each part with a null, after as many strings
        // as it says.
        let (words, end) = unsafe {
            let mut at = stack.add(1);
            let mut end = stack as usize;
            for _ in 0..2 {
                while *at != 0 {
                    end = end.max(end_of(*at));
                    at = at.add(1);
                }
                at = at.add(1);
            }
            while *at != 0 {
                if *at as u64 == key::EXECFN {
                    end = end.max(end_of(*at.add(1)));
                }
                at = at.add(2);
            }
            (at, end)
        };
        // The last string, the file's name, ends with the last page.
        let end = end.next_multiple_of(PAGE as usize);
        debug_assert!(words as usize <= end);
        let count = (end - stack as usize) / size_of::<usize>();
        let mut copy = Vec::with_capacity(count);
        // SAFETY: up to the end of its last page the stack is mapped.
        copy.extend_from_slice(unsafe { core::slice::from_raw_parts(stack, count) });
        let copy: &'static [usize] = copy.leak();
        let mut start = Self::of(copy, stack as usize);
        start.stack = stack as u64..end as u64;
        start
    }

    /// Takes a copy apart of what lay at an address.
    fn of(copy: &'static [usize], address: usize) -> Self {
        let mut start = Self::default();
        let bytes = copy.as_ptr().cast::<c_char>();
        let mut words = copy.iter().copied().skip(1);
        for part in [&mut start.arguments, &mut start.environment] {
            part.extend(words.by_ref().take_while(|&word| word != 0).map(|word| {
                // SAFETY: the string was on the stack as far as that was
                // copied, with its end.
                unsafe { CStr::from_ptr(bytes.wrapping_add(word - address)) }
            }));
        }
        while let (Some(key @ 1..), Some(value)) = (words.next(), words.next()) {
            start.auxiliary.push((key as u64, value as u64));
            let copied = address..address + size_of_val(copy);
            if key as u64 == key::EXECFN && copied.contains(&value) {
                // SAFETY: the string is in what was copied, with its end.
                let path = unsafe { CStr::from_ptr(bytes.wrapping_add(value - address)) };
                start.executed = Some(path);
            }
        }
        start
    }

    /// Arguments and environment that another engine hands over in a file, since
    /// the kernel's limit leaves no room for what the engine adds: the number of
    /// arguments, then all strings. Returns the arguments.
    ///
    /// # Errors
    /// The kernel's, and when it is no such file.
    pub fn take(&mut self, file: &Fd) -> Result<Vec<&'static CStr>, Errno> {
        let size = usize::try_from(file.status()?.size).map_err(|_| Errno::EINVAL)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| Errno::ENOMEM)?;
        bytes.resize(size, 0);
        file.read_at(&mut bytes, 0)?;
        let (count, strings) = bytes.leak().split_at_checked(8).ok_or(Errno::EINVAL)?;
        let count = count.try_into().map_err(|_| Errno::EINVAL)?;
        let count = usize::try_from(u64::from_le_bytes(count)).map_err(|_| Errno::EINVAL)?;
        let mut strings: Vec<&'static CStr> = strings
            .split_inclusive(|&byte| byte == 0)
            .map(CStr::from_bytes_with_nul)
            .collect::<Result<_, _>>()
            .map_err(|_| Errno::EINVAL)?;
        if count > strings.len() {
            return Err(Errno::EINVAL);
        }
        self.environment = strings.split_off(count);
        Ok(strings)
    }

    /// Makes the engine's own pages read-only that are written by relocation
    /// only (`PT_GNU_RELRO`).
    pub fn protect_relocated(&self) {
        const PT_GNU_RELRO: u64 = 0x6474_e552;
        for (kind, range) in self.headers() {
            let pages = page_down(range.start)..page_down(range.end);
            if kind == PT_GNU_RELRO && !pages.is_empty() {
                // SAFETY: relocation is over, and nothing else writes there.
                // Failing leaves the pages as they are.
                let _ =
                    unsafe { sys::mprotect(pages.start, pages.end - pages.start, sys::PROT_READ) };
            }
        }
    }

    /// Adds to the engine's own ranges what the kernel made when it started the engine:
    /// the program, and the host's vDSO with its data. The first stack is the guest's.
    pub fn add_own(&self) {
        if let Some(vdso) = self.auxiliary(key::SYSINFO_EHDR) {
            // Its data lie below it, a few pages that differ from kernel to
            // kernel; as yet there is nothing but the kernel's and the engine's.
            let below = mapped_from(vdso.saturating_sub(PAGE), false);
            let above = mapped_from(vdso + PAGE, true);
            own::add(vdso - below * PAGE..vdso + (1 + above) * PAGE);
        }
        self.program().for_each(own::add_program);
    }

    /// The pages that the engine's program is in.
    fn program(&self) -> impl Iterator<Item = Range<u64>> {
        const PT_LOAD: u64 = 1;
        self.headers()
            .filter(|&(kind, _)| kind == PT_LOAD)
            .map(|(_, range)| page_down(range.start)..page_down(range.end + (PAGE - 1)))
    }

    /// The build-id of the engine's own program, if it was linked with one.
    #[must_use]
    pub fn build_id(&self) -> Option<[u8; 20]> {
        const PT_NOTE: u64 = 4;
        const NT_GNU_BUILD_ID: u32 = 3;
        let notes = self.headers().filter(|&(kind, _)| kind == PT_NOTE);
        notes.into_iter().find_map(|(_, range)| {
            let mut at = range.start;
            while at + 12 <= range.end {
                // SAFETY: the segment is mapped, to be read.
                let [name, length, kind] = unsafe { *(at as *const [u32; 3]) };
                let aligned = |length: u32| u64::from(length).next_multiple_of(4);
                let content = at + 12 + aligned(name);
                let end = content + aligned(length);
                if kind == NT_GNU_BUILD_ID && length == 20 && end <= range.end {
                    // SAFETY: the 20 bytes are in the segment, which is mapped, to be read.
                    return Some(unsafe { *(content as *const [u8; 20]) });
                }
                at = end;
            }
            None
        })
    }

    /// The engine's own program headers: the kind, and the addresses.
    fn headers(&self) -> impl Iterator<Item = (u64, Range<u64>)> {
        const PT_PHDR: u64 = 6;
        let table = self.auxiliary(key::PHDR).unwrap_or(0);
        let count = match table {
            0 => 0,
            _ => self.auxiliary(key::PHNUM).unwrap_or(0),
        };
        let header = move |index: u64| {
            let at = (table + index * PROGRAM_HEADER as u64) as *const u64;
            // SAFETY: the kernel says where the program headers are, and that
            // there are as many.
            unsafe { [*at & 0xffff_ffff, *at.add(2), *at.add(5)] }
        };
        // How far the program was moved.
        let bias = (0..count)
            .map(header)
            .find(|&[kind, ..]| kind == PT_PHDR)
            .map(|[_, address, _]| table - address);
        (0..count)
            .map(header)
            .filter_map(move |[kind, start, size]| {
                let start = start + bias?;
                Some((kind, start..start + size))
            })
    }

    /// A value of the auxiliary vector.
    #[must_use]
    pub fn auxiliary(&self, key: u64) -> Option<u64> {
        self.auxiliary
            .iter()
            .find_map(|&(k, value)| (k == key).then_some(value))
    }
}

/// How many pages are looked at on either side of the host's vDSO.
const AROUND: u64 = 8;

/// How many pages from one on are mapped, up to [`AROUND`], going up or down.
fn mapped_from(page: u64, up: bool) -> u64 {
    let lowest = |count: u64| {
        if up {
            page
        } else {
            page.saturating_sub((count - 1) * PAGE)
        }
    };
    // Mostly all are: then one question is enough.
    (1..=AROUND)
        .rev()
        .find(|&count| own::are_mapped(lowest(count), count))
        .unwrap_or(0)
}

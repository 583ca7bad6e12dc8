//! Addresses that are taken, and at which nothing is.
//!
//! What the engine keeps of the guest's addresses, so that nothing is mapped there, is to look as if it
//! were free. Nobody may access such pages; but the kernel reads them in spite of that, as zeros, for
//! who traces the process or opens its memory file. So they are not memory, but pages behind the end
//! of a file: whoever wants one gets the error that is for a place where nothing is mapped.

use core::ops::Range;

use crate::host::page::page_up;
use crate::host::sys::{self, Errno, Fd};

/// Pages behind a file's end.
#[derive(Clone, Copy, Debug)]
pub struct Nothing<'a> {
    file: &'a Fd,
    offset: u64,
}

impl<'a> Nothing<'a> {
    /// Behind the end of a file of so many bytes: so far behind that it does not grow to there.
    #[must_use]
    pub fn behind(file: &'a Fd, size: u64) -> Self {
        const FAR: u64 = 1 << 30;
        let offset = page_up(size).and_then(|end| end.checked_add(FAR));
        Self {
            file,
            offset: offset.unwrap_or(FAR),
        }
    }

    /// The file, and where in it these pages begin.
    #[must_use]
    pub const fn place(&self) -> (&'a Fd, u64) {
        (self.file, self.offset)
    }
}

/// Takes a range that is free; where there is no file, or none of the kind that is mapped,
/// memory.
///
/// # Errors
/// The kernel's; `EEXIST` where something is mapped.
pub fn take(range: &Range<u64>, nothing: Option<Nothing<'_>>) -> Result<(), Errno> {
    const FLAGS: u32 = sys::MAP_PRIVATE | sys::MAP_NORESERVE | sys::MAP_FIXED_NOREPLACE;
    let length = range.end - range.start;
    let file = nothing.as_ref().map(Nothing::place);
    if file.is_some() {
        // SAFETY: the mapping takes free addresses only.
        match unsafe { sys::mmap(range.start, length, 0, FLAGS, file) } {
            Ok(_) => return Ok(()),
            Err(Errno::EEXIST) => return Err(Errno::EEXIST),
            Err(_) => {}
        }
    }
    let flags = FLAGS | sys::MAP_ANONYMOUS;
    // SAFETY: as before.
    unsafe { sys::mmap(range.start, length, 0, flags, None) }.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `/proc/self/mem` reads what nobody may access, where anything is.
    #[test]
    fn nothing_is_there() {
        let file = Fd::open(c"/proc/self/exe").unwrap();
        let size = u64::try_from(file.status().unwrap().size).unwrap();
        let memory = Fd::open(c"/proc/self/mem").unwrap();
        let start = 0x1234_5678_9000;
        let read = |nothing| {
            take(&(start..start + 0x3000), nothing).unwrap();
            let again = take(&(start + 0x1000..start + 0x2000), nothing);
            assert_eq!(again, Err(Errno::EEXIST));
            let read = memory.read_at(&mut [1], start + 0x1000);
            // SAFETY: nobody else knows of the mapping.
            unsafe { sys::munmap(start, 0x3000) }.unwrap();
            read
        };
        assert_eq!(read(Some(Nothing::behind(&file, size))), Err(Errno::EIO));
        assert_eq!(read(None), Ok(1));
    }
}

//! A file of the guest's as code to translate, though no process runs it: its executable
//! segments, read as they are needed.
//!
//! An address is the offset in the file and [`BIAS`]. Code lies in the same place of its page
//! there as where it is mapped, and no distance within a segment is another.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ops::Range;

use guest::memory::Size;
use hashbrown::HashMap;

use crate::host::page::{PAGE, page_down};
use crate::host::sys::Fd;
use crate::translator::source::Code;

/// The address of a file's first byte.
pub const BIAS: u64 = 1 << 32;
/// How long a file's code may be: what is after it is not translated.
const MOST: u64 = 1 << 31;

const PT_LOAD: u32 = 1;
const PF_X: u32 = 1;
const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const MOST_HEADERS: usize = 256;

#[allow(clippy::cast_possible_truncation, reason = "it is small")]
const LENGTH: usize = PAGE as usize;
type Page = Box<[u8; LENGTH]>;

/// A file.
#[derive(Debug)]
pub struct Image {
    file: Fd,
    /// Where code is, by address.
    segments: Vec<Range<u64>>,
    pages: RefCell<HashMap<u64, Option<Page>>>,
}

impl Image {
    /// That of a file of 64 bits that is for this `e_machine`; nothing if it is no such.
    #[must_use]
    pub fn of(file: Fd, machine: u16) -> Option<Self> {
        let mut head = [0; HEADER];
        if file.read_at(&mut head, 0).ok()? < HEADER
            || !head.starts_with(&[0x7f, b'E', b'L', b'F', 2, 1])
            || head[18..20] != machine.to_le_bytes()
            || half(&head, 54)? != PROGRAM_HEADER
        {
            return None;
        }
        let count = half(&head, 56)?.min(MOST_HEADERS);
        let mut table = alloc::vec![0; count * PROGRAM_HEADER];
        let read = file.read_at(&mut table, long(&head, 32)?).ok()?;
        table.truncate(read);
        let (headers, _) = table.as_chunks::<PROGRAM_HEADER>();
        let segments = headers.iter().filter_map(|header| {
            let is_code = word(header, 0)? == PT_LOAD && word(header, 4)? & PF_X != 0;
            let (start, length) = (long(header, 8)?, long(header, 32)?);
            let end = start.checked_add(length).filter(|&end| end < MOST)?;
            is_code.then(|| BIAS + page_down(start)..BIAS + end)
        });
        Some(Self {
            segments: segments.collect(),
            file,
            pages: RefCell::default(),
        })
    }

    /// The bytes at an address.
    fn bytes<const N: usize>(&self, pc: u64) -> Option<[u8; N]> {
        self.executable(pc)?;
        let offset = pc - BIAS;
        let page = page_down(offset);
        let at = usize::try_from(offset - page).ok()?;
        let mut pages = self.pages.borrow_mut();
        let page = pages.entry(page).or_insert_with(|| {
            let mut bytes = Box::new([0; LENGTH]);
            self.file.read_at(&mut bytes[..], page).ok().map(|_| bytes)
        });
        page.as_ref()?.get(at..at + N)?.try_into().ok()
    }
}

impl Code for Image {
    fn fetch(&self, pc: u64, size: Size) -> Option<u32> {
        match size {
            Size::Half => self.bytes(pc).map(|bytes| u16::from_le_bytes(bytes).into()),
            Size::Word => self.bytes(pc).map(u32::from_le_bytes),
            _ => None,
        }
    }

    fn executable(&self, pc: u64) -> Option<Range<u64>> {
        self.segments
            .iter()
            .find(|segment| segment.contains(&pc))
            .cloned()
    }
}

fn half(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_le_bytes(bytes).into())
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(u32::from_le_bytes(bytes))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    const MACHINE: u16 = 183;

    /// A file with one segment of code, from an offset on.
    fn file(offset: u64, length: u64) -> Vec<u8> {
        let mut bytes = alloc::vec![0; 3 * 4096];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        bytes[18..20].copy_from_slice(&MACHINE.to_le_bytes());
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 2;
        let header = &mut bytes[64 + 56..];
        header[0] = 1;
        header[4] = 5;
        header[8..16].copy_from_slice(&offset.to_le_bytes());
        header[32..40].copy_from_slice(&length.to_le_bytes());
        for (n, byte) in bytes[4096..].iter_mut().enumerate() {
            *byte = u8::try_from((n / 4 + n) % 251).unwrap();
        }
        bytes
    }

    fn image(bytes: &[u8]) -> Option<Image> {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, bytes).unwrap();
        let path = CString::new(path.as_os_str().as_bytes()).unwrap();
        Image::of(Fd::open(&path).unwrap(), MACHINE)
    }

    #[test]
    fn what_is_in_a_segment_is_fetched() {
        let bytes = file(0x1010, 0x1008);
        let image = image(&bytes).unwrap();
        assert_eq!(
            image.executable(BIAS + 0x1010),
            Some(BIAS + 0x1000..BIAS + 0x2018)
        );
        for at in [0x1010, 0x1ffc, 0x2000, 0x2014] {
            let expected = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!(image.fetch(BIAS + at as u64, Size::Word), Some(expected));
        }
        for at in [0, 0xffc, 0x2018, 0x5000] {
            assert_eq!(image.fetch(BIAS + at, Size::Word), None, "{at:#x}");
        }
        assert_eq!(image.fetch(0x1010, Size::Word), None);
    }

    #[test]
    fn what_is_no_such_file_has_no_code() {
        let cut = |length: usize| image(&file(0x1000, 0x1000)[..length]);
        assert!(cut(63).is_none());
        assert!(cut(100).unwrap().segments.is_empty());
        let mut other = file(0x1000, 0x1000);
        other[18] = 62;
        assert!(image(&other).is_none());
        // What it says is beyond its end: nothing is there but zeros of a page.
        let longer = image(&file(0x1000, 0x10_0000)).unwrap();
        assert_eq!(longer.fetch(BIAS + 0x9_0000, Size::Word), Some(0));
        assert!(
            image(&file(u64::MAX - 5, 0x1000))
                .unwrap()
                .segments
                .is_empty()
        );
    }
}

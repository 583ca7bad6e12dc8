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

/// The address of a file's first byte: all addresses are below 4 GiB, for guests that have no others.
pub const BIAS: u64 = 1 << 30;
/// How long a file's code may be: what is after it is not translated.
const MOST: u64 = 1 << 31;

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
    /// That of a file whose code is in these parts of it.
    pub fn new(file: Fd, code: impl Iterator<Item = Range<u64>>) -> Self {
        let segments = code.filter(|part| part.end < MOST);
        Self {
            segments: segments
                .map(|part| BIAS + page_down(part.start)..BIAS + part.end)
                .collect(),
            file,
            pages: RefCell::default(),
        }
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

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    /// A file of three pages, and as much of it code as is said.
    fn image(code: Range<u64>) -> (Vec<u8>, Image) {
        let mut bytes = alloc::vec![0; 3 * 4096];
        for (n, byte) in bytes[4096..].iter_mut().enumerate() {
            *byte = u8::try_from((n / 4 + n) % 251).unwrap();
        }
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        let path = CString::new(path.as_os_str().as_bytes()).unwrap();
        (
            bytes,
            Image::new(Fd::open(&path).unwrap(), [code].into_iter()),
        )
    }

    #[test]
    fn what_is_in_a_segment_is_fetched() {
        let (bytes, image) = image(0x1010..0x2018);
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
    fn no_address_is_above_4_gib() {
        let (_, longer) = image(0x1000..0x10_1000);
        // Behind the file's end nothing is there but zeros of a page.
        assert_eq!(longer.fetch(BIAS + 0x9_0000, Size::Word), Some(0));
        let (_, longest) = image(0x1000..MOST - 1);
        let last = longest.executable(BIAS + 0x1000).unwrap();
        assert!(last.end < 1 << 32);
        assert!(image(0x1000..MOST).1.segments.is_empty());
    }
}

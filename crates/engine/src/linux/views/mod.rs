//! What `/proc` and `/sys` say of the guest's process and of the machine,
//! where the host's files tell of the engine and of x86-64.
//!
//! A file is looked at once it is open ([`opened`]): what it is decides, and not
//! the path that led to it. Command line, environment, auxiliary vector and
//! the numbers in `stat` need none of this: the kernel is told
//! ([`super::told`]).

pub(super) mod maps;
mod memory_file;
pub mod opened;
mod place;
pub mod procfs;
pub mod registers;
pub mod shown;
pub mod status;
pub(in crate::linux) mod text;

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use super::other;
use crate::host::sys::{Fd, PATH_MAX};
use crate::memory::guest_memory;

/// A string of the guest, if it is no longer than a path.
#[must_use]
pub fn string(address: u64) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    let mut at = address;
    while text.len() < PATH_MAX {
        // Not over the end of a page, behind which there may be none.
        let mut piece = [0; 64];
        let length = 64 - at % 64;
        let piece = &mut piece[..usize::try_from(length).unwrap_or(0)];
        guest_memory::read(at, piece).ok()?;
        if let Some(end) = piece.iter().position(|&byte| byte == 0) {
            text.extend_from_slice(&piece[..end]);
            return Some(text);
        }
        text.extend_from_slice(piece);
        at += length;
    }
    None
}

/// Whether another process runs on the engine.
fn is_the_engines(process: u32) -> Option<bool> {
    Some(other::engine_of(b"/proc", format!("{process}").as_bytes(), b"").is_some())
}

/// A file of another process.
fn read_of(process: u32, file: &str) -> Option<Vec<u8>> {
    let path = CString::new(format!("/proc/{process}/{file}")).ok()?;
    Fd::open(&path).ok()?.read_all().ok()
}

/// Where another process that runs on the engine has its translated code, to
/// be run and to be written.
#[must_use]
pub fn code_memory(process: i32) -> Vec<Range<u64>> {
    let ranges = || {
        let process = u32::try_from(process).ok()?;
        let maps = is_the_engines(process)?.then(|| read_of(process, "maps"))??;
        Some(maps::code_memory(&maps))
    };
    ranges().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_up_to_its_end() {
        let text = c"a path that is longer than one piece of sixty-four bytes, to be read in two";
        assert_eq!(
            string(text.as_ptr() as u64).as_deref(),
            Some(text.to_bytes())
        );
    }
}

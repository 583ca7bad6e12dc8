//! A map for perf: `/tmp/perf-PID.map`, which names code that is in no file.
//!
//! A line is an address, a size and a name, the numbers in hexadecimal. Each
//! block of guest code is a line named by its guest address. The file is
//! opened for each write, so that the guest finds no descriptor that is not
//! its own, and follows no link that somebody put in its place. A process that
//! was forked has another number and gets a file of its own with all there is.

use alloc::format;
use alloc::string::String;
use core::ffi::CStr;
use core::fmt::{self, Write as _};
use core::ops::Range;

use ir::Region;
use x64::lower::Lowered;

use crate::host::sys::{self, Errno, Fd, number};

const WRITE: u64 = 1;
const CREATE: u64 = 0o100;
const TRUNCATE: u64 = 0o1000;
const APPEND: u64 = 0o2000;
const NO_FOLLOW: u64 = 0o40_0000;
const CLOSE_ON_EXEC: u64 = 0o200_0000;

/// The map of this process.
#[derive(Debug, Default)]
pub struct Map {
    /// All lines.
    lines: String,
    /// How much of them is in the file of that process.
    written: usize,
    process: u64,
}

impl Map {
    /// Names host code.
    pub fn add(&mut self, host: Range<u64>, name: fmt::Arguments<'_>) {
        let size = host.end - host.start;
        if size > 0 {
            let _ = writeln!(self.lines, "{:x} {size:x} {name}", host.start);
        }
    }

    /// Names a region's blocks, and what lies behind them.
    pub fn region(&mut self, region: &Region, lowered: &Lowered, host: u64, length: usize) {
        let at = |offset: u32| host + u64::from(offset);
        let exits = lowered.exits.iter().map(|exit| exit.thunk);
        let entries = lowered.entries.iter().map(|entry| entry.offset);
        let last = lowered.blocks.last().map_or(0, |&(_, offset)| offset);
        // The first of what is behind the blocks, as far as it is known.
        let cold = exits.chain(entries).filter(|&offset| offset > last).min();
        let end = host + length as u64;
        let cold = cold.map_or(end, at);
        let starts = lowered.blocks.iter().map(|&(pc, offset)| (pc, at(offset)));
        let ends = lowered.blocks.iter().skip(1).map(|&(_, offset)| at(offset));
        for ((pc, start), end) in starts.zip(ends.chain([cold])) {
            self.add(start..end, format_args!("guest {pc:x}"));
        }
        let head = region.blocks.first().map_or(0, |block| block.pc);
        self.add(cold..end, format_args!("guest {head:x} (cold)"));
    }

    /// Writes what is new. What can't be written is left out: perf then shows
    /// addresses.
    pub fn write(&mut self) {
        // SAFETY: the call touches no memory.
        let process = unsafe { sys::syscall(number::GETPID, [0; 6]) }.unwrap_or_default();
        let new = process != self.process;
        if new {
            (self.process, self.written) = (process, 0);
        }
        let path = format!("/tmp/perf-{process}.map\0");
        let Ok(path) = CStr::from_bytes_with_nul(path.as_bytes()) else {
            return;
        };
        let rest = self.lines.get(self.written..).unwrap_or_default();
        let written = open(path, new).and_then(|file| {
            let result = sys::write_all(file.number(), rest.as_bytes());
            drop(file);
            result
        });
        if written.is_ok() {
            self.written = self.lines.len();
        }
    }
}

/// Opens the file to add to it, empty if it is new.
fn open(path: &CStr, new: bool) -> Result<Fd, Errno> {
    let flags = WRITE | CREATE | APPEND | NO_FOLLOW | CLOSE_ON_EXEC;
    let flags = if new { flags | TRUNCATE } else { flags };
    let directory = sys::fd_argument(sys::AT_FDCWD);
    // SAFETY: the kernel reads the string only.
    let fd = unsafe {
        let path = path.as_ptr() as u64;
        sys::syscall(number::OPENAT, [directory, path, flags, 0o644, 0, 0])
    }?;
    i32::try_from(fd).map(Fd::new).map_err(|_| Errno::EBADF)
}

#[cfg(test)]
mod tests {
    use super::*;
    use x64::lower::Exit;

    #[test]
    fn blocks_and_what_is_behind_them() {
        let exit = Exit {
            target: Region::default().key(0),
            patch: 0x31,
            thunk: 0x40,
            number: 0x4a,
            slot: None,
        };
        let lowered = Lowered {
            blocks: alloc::vec![(0x1000, 0), (0x1010, 0x20)],
            exits: alloc::vec![exit],
            ..Lowered::default()
        };
        let mut map = Map::default();
        map.region(&Region::default(), &lowered, 0x7000, 0x50);
        assert_eq!(
            map.lines,
            "7000 20 guest 1000\n7020 20 guest 1010\n7040 10 guest 0 (cold)\n"
        );
    }
}

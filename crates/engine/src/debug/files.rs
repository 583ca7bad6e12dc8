//! Files that the debugger reads from where the guest is: its programs and
//! libraries, so that it needs no copy of the guest's root.
//!
//! Reading only. What `/proc` says of the process is what the guest would
//! read ([`crate::linux::views`]).

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;

use super::packet::{escape, number, unhex};
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, Status, fd_argument};
use crate::linux::exe_link;
use crate::linux::executable::Own;
use crate::linux::process::Process;
use crate::linux::views::procfs::Viewer;
use crate::linux::views::registers::Register;

/// Open files, by the numbers that the debugger has for them.
#[derive(Debug, Default)]
pub(super) struct Files {
    open: Vec<Option<Fd>>,
}

/// A result: a number and perhaps bytes.
type Reply = Result<(u64, Vec<u8>), Errno>;

/// How much is read at a time.
const MOST: u64 = 0x3f00;

impl Files {
    /// Does a call: none for one that is not known.
    pub(super) fn answer(&mut self, process: &Process, call: &[u8]) -> Option<Vec<u8>> {
        let at = call.iter().position(|&byte| byte == b':')?;
        let (name, rest) = (&call[..at], &call[at + 1..]);
        let arguments: Vec<&[u8]> = rest.split(|&byte| byte == b',').collect();
        let reply = match name {
            // The guest's file system, whoever is asked for.
            b"setfs" => Ok((0, Vec::new())),
            b"open" => self.open(process, &arguments),
            b"close" => self.close(&arguments),
            b"pread" => self.pread(&arguments),
            b"fstat" => self.fstat(&arguments),
            b"readlink" => readlink(process, &arguments),
            _ => return None,
        };
        let mut answer = Vec::new();
        match reply {
            Ok((value, bytes)) => {
                answer.extend_from_slice(format!("F{value:x}").as_bytes());
                if !bytes.is_empty() || matches!(name, b"pread" | b"fstat" | b"readlink") {
                    answer.push(b';');
                    escape(&bytes, &mut answer);
                }
            }
            Err(error) => answer.extend_from_slice(format!("F-1,{:x}", to_gdb(error)).as_bytes()),
        }
        Some(answer)
    }

    /// `PATH,FLAGS,MODE`.
    fn open(&mut self, process: &Process, arguments: &[&[u8]]) -> Reply {
        const READ_ONLY: u64 = 0;
        let path = path(arguments)?;
        if argument(arguments, 1)? != READ_ONLY {
            return Err(Errno::EROFS);
        }
        let file = open(process, &path)?;
        let place = match self.open.iter().position(Option::is_none) {
            Some(place) => place,
            None => {
                self.open.push(None);
                self.open.len() - 1
            }
        };
        self.open[place] = Some(file);
        Ok((place as u64, Vec::new()))
    }

    fn file(&mut self, arguments: &[&[u8]]) -> Result<&mut Option<Fd>, Errno> {
        let place = usize::try_from(argument(arguments, 0)?).map_err(|_| Errno::EBADF)?;
        let file = self.open.get_mut(place).ok_or(Errno::EBADF)?;
        if file.is_none() {
            return Err(Errno::EBADF);
        }
        Ok(file)
    }

    fn close(&mut self, arguments: &[&[u8]]) -> Reply {
        *self.file(arguments)? = None;
        Ok((0, Vec::new()))
    }

    /// `FILE,COUNT,OFFSET`.
    fn pread(&mut self, arguments: &[&[u8]]) -> Reply {
        let (count, offset) = (argument(arguments, 1)?, argument(arguments, 2)?);
        let file = self.file(arguments)?.as_ref().ok_or(Errno::EBADF)?;
        let mut bytes = alloc::vec![0; usize::try_from(count.min(MOST)).unwrap_or(0)];
        let length = file.read_at(&mut bytes, offset)?;
        bytes.truncate(length);
        Ok((length as u64, bytes))
    }

    fn fstat(&mut self, arguments: &[&[u8]]) -> Reply {
        let file = self.file(arguments)?.as_ref().ok_or(Errno::EBADF)?;
        let status = status(&file.status()?);
        Ok((status.len() as u64, status))
    }
}

fn readlink(process: &Process, arguments: &[&[u8]]) -> Reply {
    let path = path(arguments)?;
    let link = match exe_link::of_link(elsewhere(process), AT_FDCWD, path.as_bytes()) {
        Some(target) => target.says(),
        None => sys::link_at(AT_FDCWD, &path),
    }?;
    Ok((link.len() as u64, link))
}

/// What is known of the guest's executable here, where descriptors have other
/// numbers.
const fn elsewhere(process: &Process) -> Own {
    Own {
        number: -1,
        file: process.program,
    }
}

/// Opens a file as the guest would see it.
fn open(process: &Process, path: &CString) -> Result<Fd, Errno> {
    const O_CLOEXEC: u64 = 0o2_000_000;
    let descriptor = |fd: u64| i32::try_from(fd).map(Fd::new).map_err(|_| Errno::EBADF);
    let viewer = Viewer {
        process,
        thread: None,
    };
    if let Some(target) = exe_link::of_path(elsewhere(process), AT_FDCWD, path) {
        return Fd::open_at(target.directory, &target.path, O_CLOEXEC);
    }
    let file = match Fd::open(path) {
        Err(Errno::ENOENT) => {
            let register =
                Register::at(process.platform, AT_FDCWD, path.as_bytes()).ok_or(Errno::ENOENT)?;
            return descriptor(viewer.open_register(&register, O_CLOEXEC)?);
        }
        file => core::mem::ManuallyDrop::new(file?),
    };
    let instead = viewer.instead_of(&file, &file.status()?, O_CLOEXEC)?;
    descriptor(instead.unwrap_or(fd_argument(file.number())))
}

fn path(arguments: &[&[u8]]) -> Result<CString, Errno> {
    let path = arguments.first().and_then(|path| unhex(path));
    CString::new(path.ok_or(Errno::EINVAL)?).map_err(|_| Errno::ENOENT)
}

fn argument(arguments: &[&[u8]], index: usize) -> Result<u64, Errno> {
    arguments
        .get(index)
        .and_then(|text| number(text))
        .ok_or(Errno::EINVAL)
}

/// The protocol's `struct stat`: most significant byte first.
#[allow(clippy::cast_possible_truncation, reason = "its fields are smaller")]
fn status(status: &Status) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    for half in [
        status.dev as u32,
        status.ino as u32,
        status.mode,
        status.nlink as u32,
        status.uid,
        status.gid,
        status.rdev as u32,
    ] {
        bytes.extend_from_slice(&half.to_be_bytes());
    }
    for long in [status.size, status.blksize, status.blocks] {
        bytes.extend_from_slice(&long.to_be_bytes());
    }
    for time in status.times {
        bytes.extend_from_slice(&(time[0] as u32).to_be_bytes());
    }
    bytes
}

/// The protocol's number of an error.
const fn to_gdb(error: Errno) -> u16 {
    const UNKNOWN: u16 = 9999;
    const NAME_TOO_LONG: u16 = 91;
    match error {
        Errno::EPERM
        | Errno::ENOENT
        | Errno::EINTR
        | Errno::EBADF
        | Errno::EACCES
        | Errno::EFAULT
        | Errno::EBUSY
        | Errno::EEXIST
        | Errno::ENODEV
        | Errno::ENOTDIR
        | Errno::EISDIR
        | Errno::EINVAL
        | Errno::ENFILE
        | Errno::EMFILE
        | Errno::EFBIG
        | Errno::ENOSPC
        | Errno::ESPIPE
        | Errno::EROFS => error.0,
        Errno::ENAMETOOLONG => NAME_TOO_LONG,
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_has_the_protocols_length() {
        let bytes = status(&Status {
            mode: 0o100_755,
            size: 0x1234,
            ..Status::default()
        });
        assert_eq!(bytes.len(), 64);
        assert_eq!(bytes[8..12], [0, 0, 0x81, 0xed]);
        assert_eq!(bytes[28..36], [0, 0, 0, 0, 0, 0, 0x12, 0x34]);
    }
}

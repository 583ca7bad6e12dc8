//! What `/proc` and `/sys` say of the guest's process and of the machine,
//! where the host's files tell of the engine and of x86-64.
//!
//! A file is looked at once it is open ([`opened`]): what it is decides, and not
//! the path that led to it. Command line, environment, auxiliary vector and
//! the numbers in `stat` need none of this: the kernel is told
//! ([`super::told`]).

mod cpu;
pub(super) mod maps;
pub mod opened;
mod place;
pub mod procfs;
pub mod registers;
pub mod shown;
pub mod status;

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt;
use core::ops::Range;

use super::guest_memory;
use super::other;
use super::process::Process;
use super::sys::{self, AT_FDCWD, Fd, number, read_link};

/// Text that is written piece by piece.
#[derive(Default)]
struct Text(Vec<u8>);

impl Text {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}

/// Where a path of the guest leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// To the executable of the process itself, or of another: this path.
    Executable(CString),
}

/// The longest path there is.
const PATH_MAX: usize = 4096;

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

/// What the path of a system call leads to that is not the host's to show.
#[must_use]
pub fn find(process: &Process, directory: i32, address: u64) -> Option<View> {
    // Nearly all paths are told apart by their first bytes.
    let mut start = [0; 4];
    guest_memory::read(address, &mut start[..1]).ok()?;
    if start[0] == b'/' {
        guest_memory::read(address, &mut start).ok()?;
        if !matches!(&start, b"/pro" | b"/sys") {
            return None;
        }
    }
    let mut path = string(address)?;
    if start[0] != b'/' {
        if path.rsplit(|&byte| byte == b'/').next()? != b"exe" {
            return None;
        }
        let mut whole = directory_path(directory)?;
        whole.push(b'/');
        whole.append(&mut path);
        path = whole;
    }
    view(process, &path)
}

/// The path of an open directory, or of the working directory.
fn directory_path(directory: i32) -> Option<Vec<u8>> {
    let link = if directory == AT_FDCWD {
        CString::from(c"/proc/self/cwd")
    } else {
        CString::new(format!("/proc/self/fd/{directory}")).ok()?
    };
    read_link(&link)
}

/// The parts of an absolute path, without the empty ones, `.` and `..`.
fn parts(path: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
}

/// Whose directory in `/proc` it is.
enum Whose {
    Own,
    Other(u32),
}

fn whose(name: &[u8]) -> Option<Whose> {
    if matches!(name, b"self" | b"thread-self") {
        return Some(Whose::Own);
    }
    let number: u32 = core::str::from_utf8(name).ok()?.parse().ok()?;
    // SAFETY: asking for the number changes nothing.
    let own = unsafe { sys::syscall(number::GETPID, [0; 6]) };
    Some(if own == Ok(u64::from(number)) {
        Whose::Own
    } else {
        Whose::Other(number)
    })
}

/// What an absolute path leads to that is not the host's to show.
#[must_use]
pub fn of_path(process: &Process, path: &CStr) -> Option<View> {
    view(process, path.to_bytes())
}

fn view(process: &Process, path: &[u8]) -> Option<View> {
    let parts = parts(path);
    match *parts.as_slice() {
        [b"proc", who, file] | [b"proc", who, b"task", _, file] => match (whose(who)?, file) {
            (Whose::Own, b"exe") => CString::new(&*process.executable)
                .ok()
                .map(View::Executable),
            (Whose::Other(number), b"exe") => other_executable(number).map(View::Executable),
            _ => None,
        },
        _ => None,
    }
}

/// Another process whose executable is the engine runs a program of its own:
/// the file that is mapped where the kernel was told its code begins.
fn other_executable(process: u32) -> Option<CString> {
    if !is_the_engines(process)? {
        return None;
    }
    let stat = read_of(process, "stat")?;
    // Behind the name, which may have spaces and parentheses, the third
    // field comes; the code's start is the 26th.
    let behind = stat.rsplit(|&byte| byte == b')').next()?;
    let field = behind.split(|&byte| byte == b' ').nth(26 - 2)?;
    let code: u64 = core::str::from_utf8(field).ok()?.parse().ok()?;
    CString::new(maps::path_at(&read_of(process, "maps")?, code)?).ok()
}

/// Whether another process runs on the engine.
fn is_the_engines(process: u32) -> Option<bool> {
    Some(other::engine_of(b"/proc", format!("{process}").as_bytes(), b"").is_some())
}

/// A file of another process.
fn read_of(process: u32, file: &str) -> Option<Vec<u8>> {
    let path = CString::new(format!("/proc/{process}/{file}")).ok()?;
    read_all(&Fd::open(&path).ok()?)
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

/// All of a file that has no size. The space is taken before reading, since
/// taking it changes `maps`.
fn read_all(file: &Fd) -> Option<Vec<u8>> {
    let mut space = 1 << 15;
    loop {
        let mut text = Vec::new();
        text.try_reserve_exact(space).ok()?;
        text.resize(space, 0);
        let length = file.read_at(&mut text, 0).ok()?;
        if length < text.len() {
            text.truncate(length);
            return Some(text);
        }
        space *= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_paths() {
        let all = |path: &'static [u8]| parts(path);
        assert_eq!(all(b"/proc//self/./exe"), [&b"proc"[..], b"self", b"exe"]);
        assert_eq!(all(b"/proc/1/../self/exe"), [&b"proc"[..], b"self", b"exe"]);
        assert_eq!(all(b"/../proc/"), [&b"proc"[..]]);
    }

    #[test]
    fn a_string_up_to_its_end() {
        let text = c"a path that is longer than one piece of sixty-four bytes, to be read in two";
        assert_eq!(
            string(text.as_ptr() as u64).as_deref(),
            Some(text.to_bytes())
        );
    }
}

//! What `/proc` and `/sys` say of the guest's process and of the machine,
//! where the host's files tell of the engine and of x86-64.
//!
//! A path is looked at before it is opened. Where it leads to the program's
//! own executable, the guest's takes its place. Where it leads to a text that
//! would be wrong, the host's file is opened, so that all is as it would be
//! but the text: that is read, corrected, and handed out as a sealed file in
//! memory. Command line, environment, auxiliary vector and the numbers in
//! `stat` need none of this: the kernel is told ([`super::told`]).

mod cpu;
pub(super) mod maps;
pub mod opened;
pub mod status;

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt;
use core::ops::Range;

use a64::features::{MIDR_EL1, REVIDR_EL1};

use self::status::Signals;
use super::guest_memory;
use super::open_flags;
use super::other::{self, Known};
use super::process::{Process, Thread};
use super::signals::Actions;
use super::sys::{self, AT_FDCWD, Errno, Fd, fd_argument, number, read_link};

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
    /// To a text of the host's that is to be corrected.
    Corrected(Correction),
    /// To a text that the host does not have.
    Made(Vec<u8>),
}

/// How a text of the host's becomes the guest's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Correction {
    /// `maps` and `smaps`.
    Maps,
    /// `status`.
    Status,
    /// `fdinfo`.
    Descriptor,
    /// `cpuinfo`.
    Processors,
    /// `/proc/sys/kernel/arch`.
    Architecture,
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
        const LAST: [&[u8]; 8] = [
            b"exe",
            b"maps",
            b"smaps",
            b"status",
            b"cpuinfo",
            b"midr_el1",
            b"revidr_el1",
            b"arch",
        ];
        let last = path.rsplit(|&byte| byte == b'/').next()?;
        if !LAST.contains(&last) && !last.iter().all(u8::is_ascii_digit) {
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
        [b"proc", b"cpuinfo"] => Some(View::Corrected(Correction::Processors)),
        [b"proc", b"sys", b"kernel", b"arch"] => Some(View::Corrected(Correction::Architecture)),
        [b"proc", who, file] | [b"proc", who, b"task", _, file] => match (whose(who)?, file) {
            (Whose::Own, b"exe") => CString::new(&*process.executable)
                .ok()
                .map(View::Executable),
            (Whose::Own, b"maps" | b"smaps") => Some(View::Corrected(Correction::Maps)),
            (Whose::Own, b"status") => Some(View::Corrected(Correction::Status)),
            (Whose::Other(number), b"exe") => other_executable(number).map(View::Executable),
            _ => None,
        },
        [b"proc", who, b"fdinfo", _] | [b"proc", who, b"task", _, b"fdinfo", _] => {
            matches!(whose(who)?, Whose::Own).then_some(View::Corrected(Correction::Descriptor))
        }
        [
            b"sys",
            b"devices",
            b"system",
            b"cpu",
            _,
            b"regs",
            b"identification",
            register,
        ] => register_file(&parts[..5], register),
        _ => None,
    }
}

/// A file with a register, where the host has that processor.
fn register_file(processor: &[&[u8]], register: &[u8]) -> Option<View> {
    let value = match register {
        b"midr_el1" => MIDR_EL1,
        b"revidr_el1" => REVIDR_EL1,
        _ => return None,
    };
    let mut directory = Vec::new();
    for part in processor {
        directory.push(b'/');
        directory.extend_from_slice(part);
    }
    Fd::open(&CString::new(directory).ok()?).ok()?;
    Some(View::Made(cpu::register(value)))
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
    const O_PATH: u64 = 0o10_000_000;
    let directory = CString::new(format!("/proc/{process}")).ok()?;
    let directory = Fd::open_at(AT_FDCWD, &directory, O_PATH | O_CLOEXEC).ok()?;
    Some(other::engine_of(&directory).is_some())
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
    let mut space = 1 << 20;
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

/// Puts the corrected text in place of an open file of the host's; gives the
/// descriptor back. The thread is the one that asks, if one does.
///
/// # Errors
/// The kernel's.
pub fn correct(
    process: &Process,
    thread: Option<&Thread>,
    how: Correction,
    fd: u64,
    close_on_exec: bool,
) -> Result<u64, Errno> {
    let number = i32::try_from(fd).map_err(|_| Errno::EBADF)?;
    // Not closed here: the guest has it.
    let host = core::mem::ManuallyDrop::new(Fd::new(number));
    let Some(text) = read_all(&host) else {
        return Ok(fd);
    };
    let text = match how {
        Correction::Processors => cpu::info(&text),
        Correction::Architecture => b"aarch64\n".to_vec(),
        Correction::Status => match thread {
            Some(thread) => status::guest(&text, &signals(thread)),
            None => text,
        },
        Correction::Descriptor => status::descriptor(&text, open_flags::to_guest),
        Correction::Maps => maps::guest(&text, &Known::of(process)),
    };
    let made = match file(&text, true) {
        Ok(made) => made,
        Err(Errno::EMFILE) => {
            // The last descriptor is taken: the text takes its place.
            drop(core::mem::ManuallyDrop::into_inner(host));
            return open_made(&text, close_on_exec);
        }
        // Without the text, what the host's file says is better than an error.
        Err(_) => return Ok(fd),
    };
    let flags = if close_on_exec { O_CLOEXEC } else { 0 };
    // SAFETY: the descriptor is the guest's newest, which it does not know.
    unsafe {
        sys::syscall(
            number::DUP3,
            [fd_argument(made.number()), fd, flags, 0, 0, 0],
        )
    }
}

/// The signals of the thread that asks, and of its process.
fn signals(thread: &Thread) -> Signals {
    // SAFETY: asking for the number changes nothing.
    let number = unsafe { sys::syscall(number::GETTID, [0; 6]) }.unwrap_or(0);
    let (ignored, caught) = thread.actions.with(Actions::sets);
    Signals {
        thread: number,
        blocked: thread.mask,
        ignored,
        caught,
    }
}

/// `O_CLOEXEC`, the same on both.
const O_CLOEXEC: u64 = 0o2_000_000;

/// Has the descriptor be one that was opened to be read only, as the guest asked:
/// who writes to it is told so by the descriptor, not by the file. Where `/proc` does
/// not lead to it, or there is no descriptor left, it stays as it is.
fn for_reading(file: &Fd, close_on_exec: bool) {
    let flags = if close_on_exec { O_CLOEXEC } else { 0 };
    let this = fd_argument(file.number());
    let Ok(path) = CString::new(format!("/proc/self/fd/{}", file.number())) else {
        return;
    };
    let open = [fd_argument(AT_FDCWD), path.as_ptr() as u64, flags, 0, 0, 0];
    // SAFETY: the kernel reads the string only, and the descriptor that is
    // replaced is the caller's.
    unsafe {
        let opened = sys::syscall(number::OPENAT, open);
        if let Some(opened) = opened.ok().and_then(|fd| i32::try_from(fd).ok()) {
            let opened = Fd::new(opened);
            let arguments = [fd_argument(opened.number()), this, flags, 0, 0, 0];
            let _ = sys::syscall(number::DUP3, arguments);
        }
    }
}

/// A file in memory with a text that cannot be changed.
fn file(text: &[u8], close_on_exec: bool) -> Result<Fd, Errno> {
    const MFD_CLOEXEC: u64 = 1;
    const MFD_ALLOW_SEALING: u64 = 2;
    const F_ADD_SEALS: u64 = 1033;
    const ALL_SEALS: u64 = 15;
    let arguments = [
        c"proc".as_ptr() as u64,
        MFD_ALLOW_SEALING | if close_on_exec { MFD_CLOEXEC } else { 0 },
        0,
        0,
        0,
        0,
    ];
    // SAFETY: the kernel reads the string only; the other calls touch no
    // memory but the text.
    unsafe {
        let fd = sys::syscall(number::MEMFD_CREATE, arguments)?;
        let fd = Fd::new(i32::try_from(fd).map_err(|_| Errno::EBADF)?);
        sys::write_all(fd.number(), text)?;
        let this = fd_argument(fd.number());
        sys::syscall(number::LSEEK, [this, 0, 0, 0, 0, 0])?;
        let _ = sys::syscall(number::FCNTL, [this, F_ADD_SEALS, ALL_SEALS, 0, 0, 0]);
        for_reading(&fd, close_on_exec);
        Ok(fd)
    }
}

/// A descriptor with a text that the host does not have.
///
/// # Errors
/// The kernel's.
pub fn open_made(text: &[u8], close_on_exec: bool) -> Result<u64, Errno> {
    let made = core::mem::ManuallyDrop::new(file(text, close_on_exec)?);
    Ok(u64::from(made.number().cast_unsigned()))
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

//! `--strace`: each system call of the guest as a line on standard error, with
//! its arguments as the table names them and its result.
//!
//! What the arguments point at is read before the call, so a line shows what
//! the guest passed; results that the kernel writes to memory are not shown.

use alloc::string::String;
use core::ffi::CStr;
use core::fmt::Write as _;

use super::syscall::Syscall;
use crate::host::sys::{self, AT_FDCWD, Errno, number};
use crate::linux::abi::platform::Platform;
use crate::memory::guest_memory;

/// How much of a string or a buffer is shown.
const SHOWN: usize = 48;

/// Flags by name.
type Names = &'static [(u64, &'static str)];

/// x86-64's, without the access mode.
const OPEN: Names = &[
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1_000, "O_TRUNC"),
    (0o2_000, "O_APPEND"),
    (0o4_000, "O_NONBLOCK"),
    (0o4_010_000, "O_SYNC"),
    (0o10_000, "O_DSYNC"),
    (0o20_000, "O_ASYNC"),
    (0o20_200_000, "O_TMPFILE"),
    (0o200_000, "O_DIRECTORY"),
    (0o400_000, "O_NOFOLLOW"),
    (0o40_000, "O_DIRECT"),
    (0o100_000, "O_LARGEFILE"),
    (0o1_000_000, "O_NOATIME"),
    (0o2_000_000, "O_CLOEXEC"),
    (0o10_000_000, "O_PATH"),
];

const PROTECTION: Names = &[(1, "PROT_READ"), (2, "PROT_WRITE"), (4, "PROT_EXEC")];

const MAP: Names = &[
    (3, "MAP_SHARED_VALIDATE"),
    (1, "MAP_SHARED"),
    (2, "MAP_PRIVATE"),
    (0x10, "MAP_FIXED"),
    (0x20, "MAP_ANONYMOUS"),
    (0x100, "MAP_GROWSDOWN"),
    (0x800, "MAP_DENYWRITE"),
    (0x2000, "MAP_LOCKED"),
    (0x4000, "MAP_NORESERVE"),
    (0x8000, "MAP_POPULATE"),
    (0x2_0000, "MAP_STACK"),
    (0x4_0000, "MAP_HUGETLB"),
    (0x10_0000, "MAP_FIXED_NOREPLACE"),
];

const SIGNALS: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The line of the call that started the program: what made it is another
/// program, of which the engine that runs this one knows nothing more.
pub fn executed(program: &CStr, arguments: &[&CStr], variables: usize) {
    /// As many arguments as are shown.
    const SHOWN: usize = 32;
    let mut line = begin();
    line.push_str("execve(\"");
    escaped(&mut line, program.to_bytes());
    line.push_str("\", [");
    for (index, argument) in arguments.iter().take(SHOWN).enumerate() {
        line.push_str(if index == 0 { "\"" } else { ", \"" });
        escaped(&mut line, argument.to_bytes());
        line.push('"');
    }
    let more = if arguments.len() > SHOWN { ", ..." } else { "" };
    let _ = writeln!(line, "{more}], /* {variables} vars */) = 0");
    let _ = sys::write_all(2, line.as_bytes());
}

/// A line's beginning, with the thread's number.
fn begin() -> String {
    // SAFETY: asking for the number changes nothing.
    let thread = unsafe { sys::syscall(number::GETTID, [0; 6]) }.unwrap_or(0);
    let mut line = String::with_capacity(256);
    let _ = write!(line, "{thread} ");
    line
}

/// The line up to the result. A number that the table does not have has no
/// name.
pub(in crate::linux) fn call(
    platform: &Platform,
    syscall: Option<&Syscall>,
    number: u64,
    arguments: &[u64; 6],
) -> String {
    let mut line = begin();
    let _ = match syscall {
        Some(syscall) => write!(line, "{}(", syscall.name),
        None => write!(line, "syscall_{number}("),
    };
    let letters = syscall.map_or("xxxxxx", |syscall| syscall.arguments);
    for (index, letter) in letters.chars().enumerate() {
        if index > 0 {
            line.push_str(", ");
        }
        let next = arguments.get(index + 1).copied().unwrap_or(0);
        let value = match letter {
            'O' => platform.open_flags.to_host(arguments[index]),
            _ => arguments[index],
        };
        argument(&mut line, letter, value, next);
    }
    line.push(')');
    line
}

/// Prints a line whose call does not return, or not here.
pub(in crate::linux) fn ends(mut line: String) {
    line.push_str(" = ?\n");
    let _ = sys::write_all(2, line.as_bytes());
}

/// Prints a line with its result.
pub(in crate::linux) fn returns(
    mut line: String,
    syscall: Option<&Syscall>,
    result: Result<u64, Errno>,
) {
    const ADDRESSES: [&str; 4] = ["brk", "mmap", "mremap", "shmat"];
    let address = syscall.is_some_and(|syscall| ADDRESSES.contains(&syscall.name));
    let _ = match result {
        Ok(value) if address => writeln!(line, " = {value:#x}"),
        Ok(value) => writeln!(line, " = {}", value.cast_signed()),
        Err(error) => match error.described() {
            Some((name, text)) => writeln!(line, " = -1 {name} ({text})"),
            None => writeln!(line, " = -{} (not for programs)", error.0),
        },
    };
    let _ = sys::write_all(2, line.as_bytes());
}

/// An `int` whose upper half means nothing, or a longer number.
#[allow(clippy::cast_possible_truncation, reason = "an int is the low half")]
fn signed(value: u64) -> i64 {
    match u32::try_from(value) {
        Ok(int) => i64::from(int.cast_signed()),
        Err(_) => value.cast_signed(),
    }
}

fn argument(line: &mut String, letter: char, value: u64, next: u64) {
    let _ = match letter {
        'd' => write!(line, "{}", signed(value)),
        'q' => write!(line, "{}", value.cast_signed()),
        'u' => write!(line, "{value}"),
        'm' => write!(line, "{value:#o}"),
        'f' if signed(value) == i64::from(AT_FDCWD) => write!(line, "AT_FDCWD"),
        'f' => write!(line, "{}", signed(value)),
        'p' if value == 0 => write!(line, "NULL"),
        's' => string(line, value),
        'b' => buffer(line, value, next),
        'O' => open_flags(line, value),
        'P' if value == 0 => write!(line, "PROT_NONE"),
        'P' => flags(line, value, PROTECTION),
        'M' => flags(line, value, MAP),
        'g' => signal(line, value),
        _ => write!(line, "{value:#x}"),
    };
}

fn flags(line: &mut String, value: u64, names: Names) -> core::fmt::Result {
    let mut rest = value;
    let mut between = "";
    for &(flag, name) in names {
        if rest & flag == flag {
            write!(line, "{between}{name}")?;
            between = "|";
            rest &= !flag;
        }
    }
    if rest != 0 || between.is_empty() {
        write!(line, "{between}{rest:#x}")?;
    }
    Ok(())
}

fn open_flags(line: &mut String, value: u64) -> core::fmt::Result {
    const MODES: [&str; 4] = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"];
    let mode = usize::try_from(value & 3).unwrap_or(0);
    line.push_str(MODES[mode]);
    let value = value & !3;
    if value == 0 {
        return Ok(());
    }
    line.push('|');
    flags(line, value, OPEN)
}

fn signal(line: &mut String, value: u64) -> core::fmt::Result {
    let name = usize::try_from(value)
        .ok()
        .and_then(|number| SIGNALS.get(number.wrapping_sub(1)));
    match name {
        Some(name) => write!(line, "SIG{name}"),
        None => write!(line, "{}", signed(value)),
    }
}

/// Bytes as C writes them.
fn escaped(line: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(line, "{}", byte.escape_ascii());
    }
}

fn string(line: &mut String, address: u64) -> core::fmt::Result {
    if address == 0 {
        return write!(line, "NULL");
    }
    let start = line.len();
    line.push('"');
    for at in (address..).take(4096) {
        let mut byte = [0];
        if guest_memory::read(at, &mut byte).is_err() {
            line.truncate(start);
            return write!(line, "{address:#x}");
        }
        if byte == [0] {
            break;
        }
        escaped(line, &byte);
    }
    line.push('"');
    Ok(())
}

fn buffer(line: &mut String, address: u64, length: u64) -> core::fmt::Result {
    let mut bytes = [0; SHOWN];
    let shown = usize::try_from(length).unwrap_or(SHOWN).min(SHOWN);
    if guest_memory::read(address, &mut bytes[..shown]).is_err() {
        return write!(line, "{address:#x}");
    }
    line.push('"');
    escaped(line, &bytes[..shown]);
    line.push('"');
    if length > SHOWN as u64 {
        line.push_str("...");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::abi::arm64::platform::PLATFORM;
    use crate::linux::abi::arm64::syscalls::table;

    fn shown(name: &str, arguments: [u64; 6]) -> String {
        let syscall = table::ROWS.iter().find(|syscall| syscall.name == name);
        let line = call(&PLATFORM, syscall, 0, &arguments);
        line.split_once(' ').unwrap().1.into()
    }

    #[test]
    fn arguments_by_their_kind() {
        let path = c"/a\"b\n".as_ptr() as u64;
        assert_eq!(
            shown("openat", [0xffff_ff9c, path, 0o2_040_101, 0o644, 0, 0]),
            r#"openat(AT_FDCWD, "/a\"b\n", O_WRONLY|O_CREAT|O_DIRECTORY|O_CLOEXEC, 0o644)"#
        );
        assert_eq!(
            shown("mmap", [0, 4096, 3, 0x22, u64::MAX, 0]),
            "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0x0)"
        );
        let text = [b'x'; 60];
        let line = shown("write", [1, text.as_ptr() as u64, 60, 0, 0, 0]);
        assert!(line.starts_with("write(1, \"xxx") && line.ends_with("x\"..., 60)"));
        assert_eq!(
            shown("kill", [0xffff_ffff, 15, 0, 0, 0, 0]),
            "kill(-1, SIGTERM)"
        );
        assert_eq!(shown("getpid", [7; 6]), "getpid()");
        assert_eq!(
            shown("chdir", [8, 0, 0, 0, 0, 0]),
            "chdir(0x8)",
            "what cannot be read is a number"
        );
        let unknown = call(&PLATFORM, None, 999, &[1, 0, 0, 0, 0, 0]);
        assert!(unknown.ends_with(" syscall_999(0x1, 0x0, 0x0, 0x0, 0x0, 0x0)"));
    }
}

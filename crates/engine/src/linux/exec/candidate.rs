//! A file that is to be executed, as the engine looks at it.
//!
//! Looking is opening, which whoever watches the file is told; so it is done once,
//! without reading ([`crate::linux::loader::peek`]), and what was opened is what the next
//! engine gets.

use alloc::vec::Vec;

use super::{AT_EMPTY_PATH, O_CLOEXEC, Program};
use crate::host::sys::{self, AT_FDCWD, Errno, Fd, Status, fd_argument, number};
use crate::linux::abi::platform::{Guests, Platform};
use crate::linux::executable::Own;
use crate::linux::loader::peek::Peek;

const S_IFMT: u32 = 0o170_000;
const S_IFREG: u32 = 0o100_000;
const S_IFLNK: u32 = 0o120_000;
/// `BINPRM_BUF_SIZE`: so much of a file the kernel looks at.
const HEAD: usize = 256;
/// As x86-64 has it.
const O_NOFOLLOW: u64 = 0o400_000;

/// A regular file that may be executed, open, and closed by `execve`.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) file: Fd,
    /// How it starts, with zeros behind its end.
    head: [u8; HEAD],
}

impl Candidate {
    /// Looks at what is to be executed.
    pub(super) fn of(program: &Program, path: &[u8]) -> Result<Self, Errno> {
        const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
        let follow = if program.flags & AT_SYMLINK_NOFOLLOW == 0 {
            0
        } else {
            O_NOFOLLOW
        };
        if !path.is_empty() || program.flags & AT_EMPTY_PATH == 0 {
            Self::find(program.directory, path, follow)
        } else if program.directory == AT_FDCWD {
            Self::find(AT_FDCWD, b".", 0)
        } else {
            Self::look(again(program.directory)?)
        }
    }

    /// Looks at the interpreter that a script names.
    pub(super) fn interpreter(own: Own, path: &[u8]) -> Result<Self, Errno> {
        if let Some(target) = super::executable_at(own, AT_FDCWD, path) {
            return Self::find(target.directory, target.path.as_bytes(), 0);
        }
        // To the kernel, no name is the working directory's here.
        let path = if path.is_empty() { b"." } else { path };
        Self::find(AT_FDCWD, path, 0)
    }

    fn find(directory: i32, path: &[u8], follow: u64) -> Result<Self, Errno> {
        const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
        let mut text = path.to_vec();
        text.push(0);
        let path = text.as_ptr() as u64;
        // Opening a pipe or a device is more than looking.
        let mut status = Status::default();
        let to = core::ptr::from_mut(&mut status) as u64;
        let not_followed = if follow == 0 { 0 } else { AT_SYMLINK_NOFOLLOW };
        let arguments = [fd_argument(directory), path, to, not_followed, 0, 0];
        // SAFETY: the kernel reads the string and writes the structure only.
        unsafe { sys::syscall(number::NEWFSTATAT, arguments) }?;
        match status.mode & S_IFMT {
            // Nobody may execute it.
            S_IFREG if status.mode & 0o111 == 0 => Err(Errno::EACCES),
            S_IFREG | S_IFLNK => Self::look(open(directory, path, follow)?),
            _ => Err(Errno::EACCES),
        }
    }

    fn look(file: Fd) -> Result<Self, Errno> {
        let status = file.status()?;
        if status.mode & S_IFMT != S_IFREG || !file.may_execute() {
            return Err(Errno::EACCES);
        }
        let size = u64::try_from(status.size).unwrap_or(0);
        let mut head = [0; HEAD];
        Peek::new(&file, size).read_at(&mut head, 0)?;
        Ok(Self { file, head })
    }

    /// With the kernel's own word that it may be executed, where it can be asked
    /// for that only (`AT_EXECVE_CHECK`, Linux 6.14): it may be open to be
    /// written, or a security module may refuse. For who executes the file
    /// without asking the kernel to.
    pub(super) fn checked(self) -> Result<Self, Errno> {
        const AT_EXECVE_CHECK: u64 = 0x1_0000;
        let name = c"";
        let name = name.as_ptr() as u64;
        let list = [name, 0];
        let list = list.as_ptr() as u64;
        let file = fd_argument(self.file.number());
        let flags = AT_EMPTY_PATH | AT_EXECVE_CHECK;
        let arguments = [file, name, list, list + 8, flags, 0];
        // SAFETY: the kernel reads the list and the string only; it does not
        // execute, and an older one does not know the flag.
        match unsafe { sys::syscall(number::EXECVEAT, arguments) } {
            Ok(_) | Err(Errno::EINVAL) => Ok(self),
            Err(error) => Err(error),
        }
    }

    /// The guest whose ELF file it is.
    pub(super) fn guest(&self, guests: Guests) -> Option<&'static Platform> {
        guests.of_program(&self.head)
    }

    /// Whether it gives rights that its caller may not have.
    pub(super) fn gives_rights(&self) -> bool {
        const SET_IDS: u32 = 0o6000;
        let status = self.file.status();
        status.map_or(true, |status| status.mode & SET_IDS != 0)
    }

    /// The interpreter that a script names.
    pub(super) fn script(&self) -> Option<Line<'_>> {
        Line::read(&self.head)
    }
}

/// The first line of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// The interpreter.
    pub(super) interpreter: &'a [u8],
    /// Its argument, which may have blanks in it.
    pub(super) argument: Option<&'a [u8]>,
}

impl<'a> Line<'a> {
    /// Reads a file's head as the kernel does: blanks are spaces and tabs, a
    /// zero byte ends a string. A line that does not end here is cut, unless
    /// that would cut the interpreter.
    fn read(head: &'a [u8; HEAD]) -> Option<Self> {
        let rest = head.strip_prefix(b"#!")?;
        let line = match rest.iter().position(|&byte| byte == b'\n') {
            Some(end) => &rest[..end],
            None => {
                let name = rest.iter().position(|&byte| !is_blank(byte))?;
                rest[name..].iter().position(|&byte| ends(byte))?;
                &rest[..rest.len() - 1]
            }
        };
        let start = line.iter().position(|&byte| !is_blank(byte))?;
        let last = line.iter().rposition(|&byte| !is_blank(byte))?;
        let line = &line[start..=last];
        let end = line.iter().position(|&byte| ends(byte));
        let (interpreter, rest) = line.split_at(end.unwrap_or(line.len()));
        // Behind a zero there is no argument.
        let argument = match rest.first() {
            Some(&byte) if byte != 0 => {
                let start = rest.iter().position(|&byte| !is_blank(byte));
                start.map(|start| until_zero(&rest[start..]))
            }
            _ => None,
        };
        Some(Self {
            interpreter,
            argument,
        })
    }
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

const fn ends(byte: u8) -> bool {
    is_blank(byte) || byte == 0
}

fn until_zero(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Opens for reading.
fn open(directory: i32, path: u64, how: u64) -> Result<Fd, Errno> {
    /// `O_RDONLY | O_NONBLOCK`.
    const FLAGS: u64 = 0x800;
    let flags = FLAGS | O_CLOEXEC | how;
    let arguments = [fd_argument(directory), path, flags, 0, 0, 0];
    // SAFETY: the kernel reads a string only.
    let fd = unsafe { sys::syscall(number::OPENAT, arguments) }?;
    i32::try_from(fd).map(Fd::new).map_err(|_| Errno::EBADF)
}

/// What is open at a descriptor of the guest's, at another. It is read where it
/// is told, so the guest's offset stays. What can't be read is opened anew, for
/// which `/proc` is needed.
fn again(descriptor: i32) -> Result<Fd, Errno> {
    const F_GETFL: u64 = 3;
    /// `O_PATH | O_WRONLY`.
    const UNREADABLE: u64 = 0o10_000_001;
    let arguments = [fd_argument(descriptor), F_GETFL, 0, 0, 0, 0];
    // SAFETY: the call touches no memory.
    let flags = unsafe { sys::syscall(number::FCNTL, arguments) }?;
    if flags & UNREADABLE == 0 {
        return Fd::duplicate(descriptor);
    }
    let link = alloc::format!("/proc/self/fd/{descriptor}\0");
    open(AT_FDCWD, link.as_ptr() as u64, 0)
}

/// The name of what is executed, as the kernel gives it to an interpreter.
pub(super) fn named(program: &Program, path: &[u8]) -> Vec<u8> {
    let directory = program.directory;
    if path.starts_with(b"/") || directory == AT_FDCWD {
        path.to_vec()
    } else if path.is_empty() {
        alloc::format!("/dev/fd/{directory}").into_bytes()
    } else {
        let mut name = alloc::format!("/dev/fd/{directory}/").into_bytes();
        name.extend_from_slice(path);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let mut head = [0; HEAD];
        let length = text.len().min(HEAD);
        head[..length].copy_from_slice(&text[..length]);
        let line = Line::read(&head)?;
        Some((line.interpreter.to_vec(), line.argument.map(<[u8]>::to_vec)))
    }

    #[test]
    fn first_lines() {
        let found = |interpreter: &[u8], argument: Option<&[u8]>| {
            Some((interpreter.to_vec(), argument.map(<[u8]>::to_vec)))
        };
        for text in [&b"#!/a\n"[..], b"#! \t /a \t \nb", b"#!/a", b"#!/a\0b\n"] {
            assert_eq!(line(text), found(b"/a", None), "{text:?}");
        }
        assert_eq!(line(b"#!/a\t b  c \n"), found(b"/a", Some(b"b  c")));
        assert_eq!(line(b"#!/a b\0c\n"), found(b"/a", Some(b"b")));
        assert_eq!(line(b"#!/a \0c\n"), found(b"/a", Some(b"")));
        assert_eq!(line(b"#!/a\r\n"), found(b"/a\r", None));
        // The zeros behind a file's end are a name that is empty.
        assert_eq!(line(b"#!"), found(b"", None));
        for text in [&b""[..], b"#", b"#!\n/a", b"#! \t \n", b" #!/a\n"] {
            assert_eq!(line(text), None, "{text:?}");
        }
    }

    #[test]
    fn lines_that_are_cut() {
        let long = |interpreter: usize, argument: usize| {
            let mut text = b"#!".to_vec();
            text.extend(core::iter::repeat_n(b'i', interpreter));
            text.push(b' ');
            text.extend(core::iter::repeat_n(b'a', argument));
            line(&text)
        };
        let (name, argument) = long(10, 500).unwrap();
        assert_eq!((name.len(), argument.unwrap().len()), (10, 242));
        assert_eq!(long(252, 9).unwrap().0.len(), 252);
        assert_eq!(long(254, 9), None);
    }
}

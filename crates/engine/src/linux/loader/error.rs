//! Why a program does not start, as the one line that the user reads and the
//! exit code that a shell has for it.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::fmt;

use super::elf::Invalid;
use crate::host::message::Shown;
use crate::host::sys::Errno;
use crate::linux::abi::platform::Names;

/// Why a program does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// It cannot be opened.
    Open(Errno),
    /// It may be read, but not executed.
    NotExecutable,
    /// It is a directory.
    Directory,
    /// It is a device, a pipe or a socket.
    NotRegular,
    /// It cannot be read.
    Read(Errno),
    /// It is no program that runs here.
    Invalid(Invalid),
    /// Its addresses are taken, or not to be had.
    Map {
        /// The first address of the pages.
        address: u64,
        /// What the kernel said.
        error: Errno,
    },
    /// Its file shrank while it was loaded.
    Shrank,
    /// The arguments and the environment are too long for the stack.
    Arguments,
    /// Its dynamic loader does not start.
    Interpreter {
        /// What a system for the program is called.
        names: &'static Names,
        /// The path in the program.
        path: CString,
        /// Why.
        why: InterpreterError,
        /// Where it was looked for first.
        prefix: Option<Vec<u8>>,
    },
    /// The folder of `-L` is none.
    Prefix {
        /// As it was given.
        folder: CString,
        /// Why.
        error: Errno,
    },
    /// The engine itself cannot be set up.
    Engine(Errno),
}

/// Why a dynamic loader does not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InterpreterError {
    /// It cannot be opened.
    Open(Errno),
    /// It cannot be read.
    Read(Errno),
    /// It is no program that runs here.
    Invalid(Invalid),
    /// Its addresses are taken.
    Map(Errno),
}

impl LoadError {
    /// 127 when something was not found, else 126, as shells have it.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Open(Errno::ENOENT | Errno::ENOTDIR)
            | Self::Interpreter {
                why: InterpreterError::Open(Errno::ENOENT | Errno::ENOTDIR),
                ..
            } => 127,
            _ => 126,
        }
    }
}

impl From<Invalid> for LoadError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(Errno::ENOENT) => f.write_str("not found"),
            Self::Open(error) => write!(f, "cannot be opened: {error}"),
            Self::NotExecutable => {
                f.write_str("permission denied: it may not be executed; chmod +x allows it, unless its file system is mounted noexec")
            }
            Self::Directory => f.write_str("a directory, not a program"),
            Self::NotRegular => f.write_str("not a regular file, so not a program"),
            Self::Read(error) => write!(f, "cannot be read: {error}"),
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::Map {
                address,
                error: error @ (Errno::EPERM | Errno::EACCES),
            } => write!(
                f,
                "cannot be mapped at {address:#x}: {error}; addresses below /proc/sys/vm/mmap_min_addr are not to be had"
            ),
            Self::Map {
                address,
                error: Errno::EEXIST,
            } => write!(f, "cannot be mapped at {address:#x}: the addresses are taken"),
            Self::Map { address, error } => {
                write!(f, "cannot be mapped at {address:#x}: {error}")
            }
            Self::Shrank => f.write_str("cut short while it was loaded"),
            Self::Arguments => {
                f.write_str("the arguments and the environment are too long for the stack")
            }
            Self::Interpreter {
                names,
                path,
                why,
                prefix,
            } => {
                let path = Shown(path.as_bytes());
                match why {
                    InterpreterError::Open(Errno::ENOENT) => {
                        write!(f, "its dynamic loader {path} is not there")?;
                        if let Some(prefix) = prefix {
                            write!(f, ", nor below {}", Shown(prefix))?;
                        }
                        write!(
                            f,
                            ": run it inside an {} root, name one (-L DIR, or ARMISTICE_LD_PREFIX), \
                             or install a libc for it (Debian: apt-get install {})",
                            names.image, names.package
                        )
                    }
                    InterpreterError::Open(error) => {
                        write!(f, "its dynamic loader {path} cannot be opened: {error}")
                    }
                    InterpreterError::Read(error) => {
                        write!(f, "its dynamic loader {path} cannot be read: {error}")
                    }
                    InterpreterError::Invalid(invalid) => {
                        write!(f, "its dynamic loader {path} does not run here: {invalid}")
                    }
                    InterpreterError::Map(error) => {
                        write!(f, "its dynamic loader {path} cannot be mapped: {error}")
                    }
                }
            }
            Self::Prefix { folder, error } => write!(
                f,
                "the folder {} to look for its loader and libraries in (-L) cannot be opened: {error}",
                Shown(folder.as_bytes())
            ),
            Self::Engine(error) => write!(f, "the engine cannot be set up: {error}"),
        }
    }
}

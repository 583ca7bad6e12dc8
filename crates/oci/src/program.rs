//! Which program a container would start, and what it is.
//!
//! A name with a slash is a path, from the working directory; any other is
//! looked for along `PATH`, where directories and files without any execute bit
//! are passed over. An empty or relative part of `PATH` begins at the working
//! directory. Whether the container's user may execute the file is not asked.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use armistice_arch::Shebang;
use armistice_arch::shebang;
use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};

use crate::Error;
use crate::config::DEFAULT_PATH;
use crate::path::PATH_MAX;
use crate::root::{FileInfo, Lookup, Missing, Root};

/// As much of a program as the kernel looks at to choose a handler.
pub const FIRST_BYTES: usize = shebang::FIRST_BYTES;

/// Program headers end before this in real files; they are looked for no further.
const HEADERS_MAX: usize = 1 << 20;

/// What a container would start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// This program.
    Program(Program),
    /// Neither entrypoint nor command is set.
    NoCommand,
    /// The command is nowhere.
    NotFound {
        /// As it is written in the image.
        name: String,
        /// Where it was looked for, and why it is not there.
        tried: Vec<(PathBuf, Missing)>,
    },
    /// The command is there, but is a directory or has no execute bit.
    NotExecutable {
        /// As it is written in the image.
        name: String,
        /// What is there.
        file: FileInfo,
    },
}

/// A program in a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The path it is started by.
    pub path: PathBuf,
    /// The file that this leads to.
    pub file: FileInfo,
    /// Its first bytes, at most [`FIRST_BYTES`].
    pub first: Vec<u8>,
    /// What these say.
    pub kind: ProgramKind,
}

/// What a program is, by its first bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramKind {
    /// An ELF file.
    Elf(Interpreter),
    /// A script, `#!interpreter argument`.
    Script {
        /// The program that runs it.
        interpreter: PathBuf,
        /// The one argument that the line gives it; may be empty.
        argument: Vec<u8>,
    },
    /// Neither.
    Other,
}

/// The dynamic linker an ELF file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Interpreter {
    /// None: it is static (or a static position-independent program).
    None,
    /// This one.
    At {
        /// `PT_INTERP`.
        path: PathBuf,
        /// Where that leads in the same root.
        lookup: Lookup,
    },
    /// The headers are damaged or cut off.
    Unreadable(&'static str),
}

/// The dynamic linker that an ELF file names, not looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loader {
    /// None: it is static (or a static position-independent program).
    None,
    /// `PT_INTERP`.
    At(PathBuf),
    /// The headers are damaged or cut off.
    Unreadable(&'static str),
}

/// Finds the program that a container with this command line would start.
/// `path` is its `PATH`; engines give it [`DEFAULT_PATH`] where there is none.
///
/// # Errors
/// [`Error`] where the root can't be read.
pub fn start(
    root: &(impl Root + ?Sized),
    argv: &[String],
    path: Option<&str>,
    working_dir: &str,
) -> Result<Start, Error> {
    let Some(name) = argv.first() else {
        return Ok(Start::NoCommand);
    };
    let cwd = Path::new("/").join(working_dir);
    let candidates: Vec<PathBuf> = if name.is_empty() {
        Vec::new()
    } else if name.contains('/') {
        vec![cwd.join(name)]
    } else {
        path.unwrap_or(DEFAULT_PATH)
            .split(':')
            .map(|folder| cwd.join(folder).join(name))
            .collect()
    };
    let mut tried = Vec::new();
    let mut unfit = None;
    for candidate in candidates {
        match root.lookup(&candidate)? {
            Lookup::Found(file) if file.is_executable() => {
                return Ok(Start::Program(describe(root, candidate, file)?));
            }
            Lookup::Found(file) => unfit = unfit.or(Some(file)),
            Lookup::Missing(why) => tried.push((candidate, why)),
        }
    }
    let name = name.clone();
    Ok(match unfit {
        Some(file) => Start::NotExecutable { name, file },
        None => Start::NotFound { name, tried },
    })
}

/// What the program at a path is, executable or not; for following a script to
/// its interpreter. `None` where the path leads to no regular file.
///
/// # Errors
/// [`Error`] where the root can't be read.
pub fn inspect(root: &(impl Root + ?Sized), path: &Path) -> Result<Option<Program>, Error> {
    match root.lookup(path)? {
        Lookup::Found(file) if file.kind == crate::FileKind::Regular => {
            describe(root, path.to_owned(), file).map(Some)
        }
        _ => Ok(None),
    }
}

fn describe(root: &(impl Root + ?Sized), path: PathBuf, file: FileInfo) -> Result<Program, Error> {
    let first = root.first_bytes(&path, FIRST_BYTES)?;
    let kind = if first.starts_with(b"\x7fELF") {
        ProgramKind::Elf(interpreter(root, &path)?)
    } else {
        script(&first).unwrap_or(ProgramKind::Other)
    };
    Ok(Program {
        path,
        file,
        first,
        kind,
    })
}

/// The kernel's reading of a `#!` line.
fn script(first: &[u8]) -> Option<ProgramKind> {
    let line = Shebang::parse(first)?;
    Some(ProgramKind::Script {
        interpreter: PathBuf::from(OsString::from_vec(line.interpreter)),
        argument: line.argument.unwrap_or_default(),
    })
}

fn interpreter(root: &(impl Root + ?Sized), path: &Path) -> Result<Interpreter, Error> {
    Ok(
        match loader(|offset, len| root.read_at(path, offset, len))? {
            Loader::None => Interpreter::None,
            Loader::Unreadable(why) => Interpreter::Unreadable(why),
            Loader::At(path) => {
                let lookup = root.lookup(&path)?;
                Interpreter::At { path, lookup }
            }
        },
    )
}

/// The dynamic linker that an ELF file names, wherever the file is: `read` gives
/// up to so many bytes from an offset.
///
/// # Errors
/// Those of `read`.
pub fn loader<E>(read: impl Fn(u64, usize) -> Result<Vec<u8>, E>) -> Result<Loader, E> {
    // One read is enough for nearly every file.
    let mut len = 1024;
    let segment = loop {
        let data = read(0, len)?;
        let found = match data.get(4) {
            Some(1) => interp_segment::<FileHeader32<Endianness>>(&data),
            Some(2) => interp_segment::<FileHeader64<Endianness>>(&data),
            _ => {
                return Ok(Loader::Unreadable("its class is neither 32 nor 64 bits"));
            }
        };
        match found {
            Segment::EndsAt(end) if end > len && end <= HEADERS_MAX && data.len() == len => {
                len = end;
            }
            other => break other,
        }
    };
    let (offset, size) = match segment {
        Segment::At(offset, size) => (offset, size),
        Segment::None => return Ok(Loader::None),
        Segment::Bad => return Ok(Loader::Unreadable("its header is damaged")),
        Segment::EndsAt(_) => return Ok(Loader::Unreadable("its program headers are cut off")),
    };
    let Some(size) = usize::try_from(size).ok().filter(|n| *n <= PATH_MAX) else {
        return Ok(Loader::Unreadable("its interpreter's path is too long"));
    };
    let bytes = read(offset, size)?;
    let text = bytes.split(|b| *b == 0).next().unwrap_or_default();
    if bytes.len() < size || text.is_empty() {
        return Ok(Loader::Unreadable("its interpreter's path is cut off"));
    }
    Ok(Loader::At(PathBuf::from(OsStr::from_bytes(text))))
}

/// Where a file's beginning says that the interpreter's path lies.
enum Segment {
    /// Offset and size.
    At(u64, u64),
    /// The program headers name none.
    None,
    /// The program headers go on to here.
    EndsAt(usize),
    /// It is no ELF header.
    Bad,
}

fn interp_segment<Elf>(data: &[u8]) -> Segment
where
    Elf: FileHeader<Endian = Endianness>,
{
    let Ok(header) = Elf::parse(data) else {
        return Segment::Bad;
    };
    let Ok(endian) = header.endian() else {
        return Segment::Bad;
    };
    let start: u64 = header.e_phoff(endian).into();
    let length = u64::from(header.e_phnum(endian)) * u64::from(header.e_phentsize(endian));
    let Some(end) = start
        .checked_add(length)
        .and_then(|end| usize::try_from(end).ok())
    else {
        return Segment::Bad;
    };
    if start != 0 && end > data.len() {
        return Segment::EndsAt(end);
    }
    let Ok(segments) = header.program_headers(endian, data) else {
        return Segment::Bad;
    };
    segments
        .iter()
        .find(|s| s.p_type(endian) == PT_INTERP)
        .map_or(Segment::None, |s| {
            Segment::At(s.p_offset(endian).into(), s.p_filesz(endian).into())
        })
}

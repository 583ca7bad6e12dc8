//! execve(2), replayed: which handlers a file goes through, what is started in
//! the end and with which arguments, or the error.
//!
//! What the kernel does (`fs/exec.c`, `fs/binfmt_misc.c`, `fs/binfmt_script.c`,
//! `fs/binfmt_elf.c`), and the tests beside a real one hold:
//!
//! - binfmt_misc is asked first, then the script loader, then the ELF loaders.
//!   So an entry may take scripts and native programs away from them.
//! - An entry by ending sees the path as it was called, not where links lead;
//!   one by bytes sees 256 of them, zeros behind the file's end.
//! - The interpreter that an entry or a script names takes the file's place,
//!   and all are asked again, five times at most.
//! - Under flag O or C the program's descriptor is handed on, which can be done
//!   once: an interpreter that needs an interpreter itself is then refused.
//! - Without flag F the interpreter's path is opened where the program runs.
//!   The loader that an ELF file names always is.
//!
//! This module opens no file: [`Files`] does.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use armistice_arch::shebang::FIRST_BYTES;
use armistice_arch::{ARCHES, Arch, Class, Data, Shebang};
use rustix::io::Errno;

use crate::entry::Entry;
use crate::replay;
use crate::table::Snapshot;

/// How often an interpreter may take a file's place.
const REPLACED_MAX: usize = 5;

/// The most that the kernel reads of an ELF file's program headers.
const HEADERS_MAX: usize = 65_536;

/// A file that the caller may execute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its first bytes, 256 or all.
    pub head: Vec<u8>,
    /// What it says as an ELF file; [`Loader::None`] for all others.
    pub loader: Loader,
}

/// The loader that an ELF file names (`PT_INTERP`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loader {
    /// None: it is static.
    None,
    /// This one.
    At(PathBuf),
    /// It cannot be read: the file is cut off or damaged.
    Damaged,
}

/// Why a file cannot be told about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cannot {
    /// The kernel does not execute it, with this error.
    Execute(Errno),
    /// The kernel may execute it, but it cannot be looked at from here.
    Look(String),
}

/// The files where the program runs.
pub trait Files {
    /// Opens a file as execve(2) would.
    ///
    /// # Errors
    /// [`Cannot`].
    fn open(&self, path: &Path) -> Result<Program, Cannot>;

    /// The emulator that the kernel opened when this entry, with flag F, was
    /// made; `None` where it is not in sight.
    fn pinned(&self, entry: &Entry) -> Option<Program>;
}

/// One file on the way, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step<'s> {
    /// As it was called: by the caller, by a script, by an entry.
    pub path: PathBuf,
    /// What it is.
    pub program: Program,
    /// What took it; `None` at the end of the way.
    pub taken: Option<Taken<'s>>,
}

/// What took a file and put another in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken<'s> {
    /// This entry.
    Handler(&'s Entry),
    /// The kernel's script loader.
    Script(Shebang),
}

/// How it ends where nothing is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The file that comes next cannot be executed: the first one, or the one
    /// that the last step names.
    Open(PathBuf, Errno),
    /// The file that comes next cannot be looked at.
    Unknown(PathBuf, String),
    /// Nothing takes the last step's file.
    NoFormat,
    /// The loader of the last step's file cannot be opened.
    Loader(PathBuf, Errno),
    /// The loader of the last step's file is no program and no library: the
    /// kernel finds that out too late for an error, and the process dies.
    Dies(PathBuf),
    /// The last step's entry hands a descriptor on, and its interpreter would
    /// need another handler.
    Twice,
    /// More than five interpreters in a row.
    TooMany,
}

impl Stop {
    /// What execve(2) returns; `None` where that could not be told, and where it
    /// does not return.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        Some(match self {
            Stop::Open(_, errno) | Stop::Loader(_, errno) => *errno,
            Stop::Unknown(..) | Stop::Dies(_) => return None,
            Stop::NoFormat | Stop::Twice => Errno::NOEXEC,
            Stop::TooMany => Errno::LOOP,
        })
    }
}

/// A whole execve(2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run<'s> {
    /// The files on the way, the program first.
    pub steps: Vec<Step<'s>>,
    /// What the last step's program is started with.
    pub argv: Vec<OsString>,
    /// Why it is not; `None` where it is.
    pub stop: Option<Stop>,
    /// The emulator that is started is pinned and not in sight.
    pub unseen: bool,
}

impl<'s> Run<'s> {
    /// The first entry that takes a file, and which step's.
    #[must_use]
    pub fn handler(&self) -> Option<(usize, &'s Entry)> {
        self.steps
            .iter()
            .enumerate()
            .find_map(|(at, step)| match step.taken {
                Some(Taken::Handler(entry)) => Some((at, entry)),
                _ => None,
            })
    }
}

/// Replays the execution of `path`, called with `argv`.
pub fn replay<'s>(
    live: &'s Snapshot,
    files: &dyn Files,
    path: &Path,
    argv: &[OsString],
) -> Run<'s> {
    let mut run = Run {
        steps: Vec::new(),
        argv: argv.to_vec(),
        stop: None,
        unseen: false,
    };
    // A program always has a name, if an empty one (Linux 5.18).
    if run.argv.is_empty() {
        run.argv.push(OsString::new());
    }
    run.stop = go(&mut run, live, files, path).err();
    run
}

fn go<'s>(
    run: &mut Run<'s>,
    live: &'s Snapshot,
    files: &dyn Files,
    path: &Path,
) -> Result<(), Stop> {
    let mut path = path.to_owned();
    let mut program = open(files, &path)?;
    let mut handed_on = false;
    for replaced in 0.. {
        if replaced > REPLACED_MAX {
            return Err(Stop::TooMany);
        }
        let Some(taken) = taken(live, &path, &program) else {
            let end = load(&program, files);
            run.steps.push(Step {
                path,
                program,
                taken: None,
            });
            return end;
        };
        run.steps.push(Step {
            path: path.clone(),
            program,
            taken: Some(taken.clone()),
        });
        rewrite(&mut run.argv, &path, &taken);
        let hands_on;
        (path, program, hands_on) = match taken {
            Taken::Script(line) => {
                let next = PathBuf::from(OsString::from_vec(line.interpreter));
                let program = open(files, &next)?;
                (next, program, false)
            }
            Taken::Handler(entry) => {
                let next = entry.interpreter.clone();
                let program = if entry.flags.fix_binary {
                    let Some(program) = files.pinned(entry) else {
                        run.unseen = true;
                        return Ok(());
                    };
                    program
                } else {
                    open(files, &next)?
                };
                (next, program, entry.flags.open_binary)
            }
        };
        if handed_on {
            return Err(Stop::Twice);
        }
        handed_on |= hands_on;
    }
    Ok(())
}

fn open(files: &dyn Files, path: &Path) -> Result<Program, Stop> {
    files.open(path).map_err(|cannot| match cannot {
        Cannot::Execute(errno) => Stop::Open(path.to_owned(), errno),
        Cannot::Look(why) => Stop::Unknown(path.to_owned(), why),
    })
}

/// What takes this file, before the ELF loaders are asked.
fn taken<'s>(live: &'s Snapshot, path: &Path, program: &Program) -> Option<Taken<'s>> {
    let handler = live
        .enabled
        .then(|| replay::winner(live, &program.head, path));
    match handler.flatten() {
        Some(entry) => Some(Taken::Handler(entry)),
        None => Shebang::parse(&program.head).map(Taken::Script),
    }
}

/// The arguments as they are for the interpreter.
fn rewrite(argv: &mut Vec<OsString>, path: &Path, taken: &Taken<'_>) {
    let interpreter;
    let argument;
    let keep_name;
    match taken {
        Taken::Handler(entry) => {
            interpreter = entry.interpreter.clone().into_os_string();
            argument = None;
            keep_name = entry.flags.preserve_argv0;
        }
        Taken::Script(line) => {
            interpreter = OsString::from_vec(line.interpreter.clone());
            argument = line.argument.clone().map(OsString::from_vec);
            keep_name = false;
        }
    }
    if !keep_name && !argv.is_empty() {
        argv.remove(0);
    }
    let front = [
        Some(interpreter),
        argument,
        Some(path.as_os_str().to_owned()),
    ];
    argv.splice(0..0, front.into_iter().flatten());
}

/// The kernel's ELF loaders: whether the program starts.
fn load(program: &Program, files: &dyn Files) -> Result<(), Stop> {
    let kind = |head: &[u8]| is_program(head).then(|| native_elf(head)).flatten();
    let class = kind(&program.head).ok_or(Stop::NoFormat)?;
    match &program.loader {
        Loader::None => Ok(()),
        Loader::Damaged => Err(Stop::NoFormat),
        Loader::At(path) => {
            let fault = |errno| Stop::Loader(path.clone(), errno);
            match files.open(path) {
                Ok(loader) if kind(&loader.head) == Some(class) => Ok(()),
                Ok(loader) if native_elf(&loader.head) == Some(class) => {
                    Err(Stop::Dies(path.clone()))
                }
                Ok(loader) if loader.head.len() < header_size(class) => Err(fault(Errno::IO)),
                Ok(_) => Err(fault(Errno::LIBBAD)),
                Err(Cannot::Execute(errno)) => Err(fault(errno)),
                Err(Cannot::Look(why)) => Err(Stop::Unknown(path.clone(), why)),
            }
        }
    }
}

/// A half-word of this machine's byte order; zeros behind the end.
fn half(head: &[u8], at: usize) -> u16 {
    let byte = |at: usize| head.get(at).copied().unwrap_or(0);
    match Arch::host().data {
        Data::Little => u16::from_le_bytes([byte(at), byte(at + 1)]),
        Data::Big => u16::from_be_bytes([byte(at), byte(at + 1)]),
    }
}

/// Whether `e_type` is ET_EXEC or ET_DYN.
fn is_program(head: &[u8]) -> bool {
    matches!(half(head, 16), 2 | 3)
}

/// Whether the machine's own ELF loaders take a file with these first bytes,
/// and as which class. They look at `e_machine`, not at `EI_CLASS`.
fn native_elf(head: &[u8]) -> Option<Class> {
    let half = |at| half(head, at);
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let native = |a: &&Arch| a.machine == half(18) && a.is_native_to(Arch::host());
    let class = ARCHES.iter().find(native)?.class;
    let (at, size) = match class {
        Class::Elf32 => (42, 32),
        Class::Elf64 => (54, 56),
    };
    let count = usize::from(half(at + 2));
    let fits = usize::from(half(at)) == size && (1..=HEADERS_MAX / size).contains(&count);
    fits.then_some(class)
}

/// The errors of execve(2) by their names in execve(2)'s manual.
#[must_use]
pub fn errno_name(errno: Errno) -> Option<&'static str> {
    const NAMES: [(Errno, &str); 9] = [
        (Errno::ACCESS, "EACCES"),
        (Errno::IO, "EIO"),
        (Errno::LIBBAD, "ELIBBAD"),
        (Errno::LOOP, "ELOOP"),
        (Errno::NAMETOOLONG, "ENAMETOOLONG"),
        (Errno::NOENT, "ENOENT"),
        (Errno::NOEXEC, "ENOEXEC"),
        (Errno::NOTDIR, "ENOTDIR"),
        (Errno::PERM, "EPERM"),
    ];
    let found = NAMES.iter().find(|(known, _)| *known == errno);
    found.map(|(_, name)| *name)
}

/// How long an ELF file's header is.
fn header_size(class: Class) -> usize {
    match class {
        Class::Elf32 => 52,
        Class::Elf64 => 64,
    }
}

/// As much of a file as the kernel looks at.
pub const HEAD: usize = FIRST_BYTES;

//! Where a program would run, and which files are there: on this machine, in
//! the root of an image or a folder, or out of sight in an engine's store.
//!
//! The kernel opens a pinned emulator (flag F) on this machine; all else is
//! opened where the program runs.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use armistice_arch::{Arch, Class, Data};
use armistice_binfmt::Entry;
use armistice_binfmt::exec::{Cannot, Files, HEAD, Loader, Program};
use armistice_oci::program::{self, Loader as Named};
use armistice_oci::{FileKind, Lookup, Missing, Root};
use rustix::fs::{Access, AtFlags, StatVfsMountFlags};
use rustix::io::Errno;

use crate::pinned::{self, State};

/// Where a program would run.
pub(crate) enum Place {
    /// On this machine, in the caller's working directory.
    Here,
    /// In a root of its own.
    Root {
        root: Box<dyn Root>,
        working_dir: PathBuf,
        /// The folder of this machine that it is.
        folder: Option<PathBuf>,
    },
    /// In an image whose files are out of sight: its program is taken to have
    /// the header that its platform has, and no other file to be there.
    Platform { program: PathBuf, head: Vec<u8> },
    /// On this machine, a program that is not there, with this header.
    Sample { program: PathBuf, head: Vec<u8> },
}

impl Place {
    /// Whether an emulator of this machine is not found there by its path.
    pub(crate) fn is_elsewhere(&self) -> bool {
        !matches!(self, Place::Here | Place::Sample { .. })
    }

    /// A regular file, whether or not it may be executed.
    pub(crate) fn look(&self, path: &Path) -> Result<Program, Cannot> {
        // The kernel takes an empty path for the working directory.
        if path.as_os_str().is_empty() {
            return Err(Cannot::Execute(Errno::ACCESS));
        }
        match self {
            Place::Here => {
                let metadata = std::fs::metadata(path).map_err(|e| execute(&e))?;
                if !metadata.is_file() {
                    return Err(Cannot::Execute(Errno::ACCESS));
                }
                let file = File::open(path).map_err(|e| look(&e))?;
                read(|offset, len| read_at(&file, offset, len)).map_err(|e| look(&e))
            }
            Place::Root { root, .. } => {
                let path = self.absolute(path);
                let found = root
                    .lookup(&path)
                    .map_err(|e| Cannot::Look(e.to_string()))?;
                match found {
                    Lookup::Missing(why) => Err(Cannot::Execute(match why {
                        Missing::NoEntry => Errno::NOENT,
                        Missing::NotADirectory => Errno::NOTDIR,
                        Missing::Loop => Errno::LOOP,
                    })),
                    Lookup::Found(file) if file.kind != FileKind::Regular => {
                        Err(Cannot::Execute(Errno::ACCESS))
                    }
                    Lookup::Found(_) => read(|offset, len| root.read_at(&path, offset, len))
                        .map_err(|e| Cannot::Look(e.to_string())),
                }
            }
            Place::Platform { program, head } | Place::Sample { program, head }
                if program == path =>
            {
                Ok(Program {
                    head: head.clone(),
                    loader: Loader::None,
                })
            }
            Place::Platform { .. } => Err(Cannot::Execute(Errno::NOENT)),
            Place::Sample { .. } => Place::Here.look(path),
        }
    }

    /// Permission bits, with set-user-ID and set-group-ID; 0 where they are unknown.
    pub(crate) fn mode(&self, path: &Path) -> u32 {
        match self {
            Place::Here => std::fs::metadata(path).map_or(0, |m| m.mode() & 0o7777),
            Place::Root { root, .. } => match root.lookup(&self.absolute(path)) {
                Ok(Lookup::Found(file)) => file.mode,
                _ => 0,
            },
            Place::Platform { .. } | Place::Sample { .. } => 0,
        }
    }

    /// The same file's path on this machine, if it is on this machine.
    pub(crate) fn on_this_machine(&self, path: &Path) -> Option<PathBuf> {
        match self {
            Place::Here | Place::Sample { .. } => Some(path.to_owned()),
            Place::Root {
                root,
                folder: Some(folder),
                ..
            } => {
                let file = root.lookup(&self.absolute(path)).ok()?.found()?;
                Some(folder.join(file.path.strip_prefix("/").ok()?))
            }
            Place::Root { .. } | Place::Platform { .. } => None,
        }
    }

    /// Whether the file lies where nothing is executed.
    pub(crate) fn is_noexec(&self, path: &Path) -> bool {
        let noexec = |v: rustix::fs::StatVfs| v.f_flag.contains(StatVfsMountFlags::NOEXEC);
        matches!(self, Place::Here) && rustix::fs::statvfs(path).is_ok_and(noexec)
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        match self {
            Place::Root { working_dir, .. } => Path::new("/").join(working_dir).join(path),
            Place::Here | Place::Platform { .. } | Place::Sample { .. } => path.to_owned(),
        }
    }
}

impl Files for Place {
    fn open(&self, path: &Path) -> Result<Program, Cannot> {
        let program = self.look(path)?;
        match self {
            // The kernel's own answer, for this user and this mount.
            Place::Here => {
                rustix::fs::accessat(rustix::fs::CWD, path, Access::EXEC_OK, AtFlags::EACCESS)
                    .map_err(Cannot::Execute)?;
            }
            Place::Root { .. } if self.mode(path) & 0o111 == 0 => {
                return Err(Cannot::Execute(Errno::ACCESS));
            }
            Place::Sample { program: own, .. } if own != path => return Place::Here.open(path),
            Place::Root { .. } | Place::Platform { .. } | Place::Sample { .. } => {}
        }
        Ok(program)
    }

    fn pinned(&self, entry: &Entry) -> Option<Program> {
        // At its path may be another file by now than the one that the kernel has open.
        if pinned::by_mark(entry).state == State::Stale {
            return None;
        }
        Place::Here.look(&entry.interpreter).ok()
    }
}

/// As much of a file as decides.
fn read<E>(at: impl Fn(u64, usize) -> Result<Vec<u8>, E>) -> Result<Program, E> {
    let head = at(0, HEAD)?;
    let loader = if head.starts_with(b"\x7fELF") {
        match program::loader(at)? {
            Named::None => Loader::None,
            Named::At(path) => Loader::At(path),
            Named::Unreadable(_) => Loader::Damaged,
        }
    } else {
        Loader::None
    };
    Ok(Program { head, loader })
}

fn read_at(file: &File, offset: u64, len: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let mut filled = 0;
    while filled < len {
        match file.read_at(&mut bytes[filled..], offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

fn execute(error: &std::io::Error) -> Cannot {
    match Errno::from_io_error(error) {
        Some(errno) => Cannot::Execute(errno),
        None => look(error),
    }
}

fn look(error: &std::io::Error) -> Cannot {
    Cannot::Look(error.to_string())
}

/// The header of a static program, with as many program headers as a real one
/// has at least.
pub(crate) fn header(arch: &Arch) -> Vec<u8> {
    let mut head = arch.sample_header(3, 0).to_vec();
    let (at, size) = match arch.class {
        Class::Elf32 => (42, 32_u16),
        Class::Elf64 => (54, 56_u16),
    };
    for (at, value) in [(at, size), (at + 2, 1)] {
        let bytes = match arch.data {
            Data::Little => value.to_le_bytes(),
            Data::Big => value.to_be_bytes(),
        };
        head[at..at + 2].copy_from_slice(&bytes);
    }
    head
}

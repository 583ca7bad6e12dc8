//! Every way in which an emulator can be unfit, absent or unidentified.
//!
//! A message says what, of which file, why it matters and what to do; the
//! cause, where the system gave one, is the `source`.

use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use armistice_arch::elf::NotElf;

/// Why an emulator can't be used, found or identified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No file of that name, or a symbolic link to nothing.
    #[error("{} does not exist{}", path.display(), link_note(target.as_ref()))]
    Missing {
        /// The path asked for.
        path: PathBuf,
        /// Where it points, if it is a symbolic link.
        target: Option<PathBuf>,
    },
    /// Symbolic links that lead back to themselves.
    #[error("{} is a symbolic link that leads back to itself; remove it or point it at the emulator", path.display())]
    SymlinkLoop {
        /// The path asked for.
        path: PathBuf,
    },
    /// The system would not open it.
    #[error("cannot open the emulator {}", path.display())]
    Open {
        /// The path asked for.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Something else than a regular file.
    #[error("{} is {kind}, not a program; give the path of the emulator itself", path.display())]
    NotAFile {
        /// The path asked for.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// No execute permission, so the kernel will refuse to register it.
    #[error("the emulator {path} is not executable (mode {mode:04o}); run: chmod 755 {path}", path = path.display())]
    NotExecutable {
        /// The canonical path.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A set-user-ID or set-group-ID emulator hands its rights to every foreign
    /// program that it runs.
    #[error("the emulator {path} is {bit}: every foreign program would run with its owner's rights; run: chmod ug-s {path}", path = path.display())]
    SetId {
        /// The canonical path.
        path: PathBuf,
        /// `set-user-ID` or `set-group-ID`.
        bit: &'static str,
    },
    /// The file system it lies on is mounted noexec.
    #[error("the emulator {} lies on a file system mounted noexec, from which the kernel executes nothing; copy it elsewhere, such as /usr/local/bin", path.display())]
    NoExecMount {
        /// The canonical path.
        path: PathBuf,
    },
    /// A script or other text.
    #[error("{} is a script, and the kernel needs the emulator's own program; give the path of the program that the script starts", path.display())]
    Script {
        /// The canonical path.
        path: PathBuf,
    },
    /// Not a program at all.
    #[error("{} cannot be an emulator", path.display())]
    NotElf {
        /// The canonical path.
        path: PathBuf,
        /// What is wrong with its first bytes.
        #[source]
        source: NotElf,
    },
    /// Armistice's own engine, on a processor that is too old for it.
    #[error("{} needs a processor of x86-64-v3 (most since 2013), and this one lacks {missing}", path.display())]
    OldProcessor {
        /// The canonical path.
        path: PathBuf,
        /// The features that it lacks.
        missing: String,
    },
    /// Armistice's own engine was asked for by name, and isn't there.
    #[error("{}", no_engine(arch, searched, passed_over))]
    NoEngine {
        /// The architecture.
        arch: &'static str,
        /// The directories.
        searched: Vec<PathBuf>,
        /// Files that could not be used.
        passed_over: Vec<Error>,
    },
    /// A program, but not one that this machine's CPU runs.
    #[error("the emulator {} is a program for {found}, and this machine is {host}; install the emulators built for {host}", path.display())]
    WrongArch {
        /// The canonical path.
        path: PathBuf,
        /// What it was built for.
        found: String,
        /// What this machine is.
        host: &'static str,
    },
    /// An object file, a core dump, a library.
    #[error("{} is {what}, not an executable program; give the path of the emulator itself", path.display())]
    NotAProgram {
        /// The canonical path.
        path: PathBuf,
        /// What it is, with its article.
        what: &'static str,
    },
    /// The header contradicts itself.
    #[error("the emulator {} is damaged: its program headers are not readable; install it again", path.display())]
    Malformed {
        /// The canonical path.
        path: PathBuf,
        /// What the ELF reader says.
        #[source]
        source: object::Error,
    },
    /// Ends before the bytes that its headers promise.
    #[error("the emulator {} is cut off: it has {size} bytes, its headers need {needed}; install or copy it again", path.display())]
    Truncated {
        /// The canonical path.
        path: PathBuf,
        /// Its size.
        size: u64,
        /// The size it would have to have at least.
        needed: u64,
    },
    /// Needs a loader and libraries, which no container has.
    #[error("the emulator {} is dynamically linked (it needs {interpreter}), so it would fail in every container, which has no such file for this machine; use a static one", path.display())]
    Dynamic {
        /// The canonical path.
        path: PathBuf,
        /// The loader that it asks for.
        interpreter: String,
    },
    /// It was opened, but reading failed.
    #[error("cannot read the emulator {}", path.display())]
    Read {
        /// The canonical path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A directory that somebody named is not there.
    #[error("cannot look for emulators in {} ({origin})", dir.display())]
    NoDirectory {
        /// The directory.
        dir: PathBuf,
        /// Who named it.
        origin: crate::origin::Origin,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// No directory has a usable emulator.
    #[error("{}", not_found(arch, searched, passed_over, advice))]
    NotFound {
        /// QEMU's name of the architecture.
        arch: &'static str,
        /// Where was looked.
        searched: Vec<PathBuf>,
        /// What was there and could not be used.
        passed_over: Vec<Error>,
        /// What to install.
        advice: String,
    },
    /// It could not be started to ask for its version.
    #[error("cannot run {} --version", path.display())]
    Run {
        /// The canonical path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It was asked for its version and did not answer.
    #[error("{} --version did not end within {} seconds and was killed; it is not a QEMU user-mode emulator, or the machine is overloaded", path.display(), limit.as_secs())]
    VersionTimeout {
        /// The canonical path.
        path: PathBuf,
        /// How long it was given.
        limit: Duration,
    },
    /// It was asked for its version and failed.
    #[error("{} --version failed ({status}){}; the file may be damaged: install it again", path.display(), said(output))]
    VersionFailed {
        /// The canonical path.
        path: PathBuf,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The first line of what it printed.
        output: String,
    },
    /// Its answer is not of the form that QEMU prints.
    #[error("{} --version does not answer as QEMU does{}; its version stays unknown", path.display(), said(output))]
    VersionUnknown {
        /// The canonical path.
        path: PathBuf,
        /// The first line of what it printed.
        output: String,
    },
    /// What a process runs can't be looked at.
    #[error(
        "cannot look at what process {pid} runs; only its own user or root may, and only while it lives"
    )]
    Pinned {
        /// The process.
        pid: u32,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// What `Missing` adds for a symbolic link.
fn link_note(target: Option<&PathBuf>) -> String {
    target.map_or_else(
        || "; check the path".to_owned(),
        |t| {
            format!(
                ": it is a symbolic link to {}, which is missing",
                t.display()
            )
        },
    )
}

/// The first line of a program's output, in brackets of speech.
fn said(output: &str) -> String {
    if output.is_empty() {
        String::new()
    } else {
        format!(": it printed \"{output}\"")
    }
}

/// The message of `NotFound`.
fn not_found(arch: &str, searched: &[PathBuf], passed_over: &[Error], advice: &str) -> String {
    let mut text = format!("no usable emulator for {arch} in ");
    write_search(&mut text, searched, passed_over);
    let _ = write!(text, "; {advice}");
    text
}

/// The message of `NoEngine`.
fn no_engine(arch: &str, searched: &[PathBuf], passed_over: &[Error]) -> String {
    let mut text = format!("no engine of Armistice's own (armistice-{arch}) in ");
    write_search(&mut text, searched, passed_over);
    text.push_str("; put it in one of them");
    text
}

/// Where was looked, and what was wrong there.
fn write_search(text: &mut String, searched: &[PathBuf], passed_over: &[Error]) {
    let dirs: Vec<String> = searched.iter().map(|d| d.display().to_string()).collect();
    text.push_str(&dirs.join(", "));
    for fault in passed_over {
        let _ = write!(text, "; {fault}");
    }
}

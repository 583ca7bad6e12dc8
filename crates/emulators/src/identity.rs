//! Which emulator it is: its version, as it says itself, and its digest.
//!
//! Both are taken from the open file. The version comes from running it with
//! `--version`: no environment, no input, nothing of this process inherited, a
//! limit on time and on output. The digest is computed meanwhile.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use armistice_arch::Arch;
use object::read::ReadCache;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use sha2::{Digest as _, Sha256};

use crate::check::{self, Emulator, FileId};
use crate::{Error, image};

/// How long an emulator may take to tell its version.
pub const VERSION_TIMEOUT: Duration = Duration::from_secs(5);

/// How much of its answer is read.
const OUTPUT_MAX: usize = 8 * 1024;

/// How often a start is tried again where another process, being started at
/// this moment, still has the file open for writing (ETXTBSY).
const BUSY_RETRIES: u32 = 50;

/// A SHA-256 digest; displayed as hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// What an emulator says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    /// The program's name: `qemu-aarch64`.
    pub program: String,
    /// The version: `7.2.22`.
    pub number: String,
    /// Whose build it is: `Debian 1:7.2+dfsg-7+deb12u18`.
    pub build: Option<String>,
}

impl Version {
    /// Finds the line `NAME version NUMBER (BUILD)`, as QEMU's are, or
    /// `NAME NUMBER`, as Armistice's own is, in a program's output.
    #[must_use]
    pub fn parse(output: &str) -> Option<Version> {
        output.lines().find_map(|line| {
            let line = line.trim();
            let (program, rest) = match line.split_once(" version ") {
                Some(parts) => parts,
                None => line
                    .split_once(' ')
                    .filter(|(program, _)| program.starts_with("armistice-"))?,
            };
            let (number, build) = match rest.split_once(' ') {
                Some((number, build)) => (number, build.trim()),
                None => (rest, ""),
            };
            let named = !program.is_empty() && !program.contains(char::is_whitespace);
            if !named || !number.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            let build = build
                .strip_prefix('(')
                .and_then(|b| b.strip_suffix(')'))
                .unwrap_or(build);
            Some(Version {
                program: program.to_owned(),
                number: number.to_owned(),
                build: (!build.is_empty()).then(|| build.to_owned()),
            })
        })
    }

    /// Major, minor and patch, to compare with; what is missing counts as 0.
    #[must_use]
    pub fn numbers(&self) -> (u32, u32, u32) {
        let mut parts = self.number.split('.').map(|part| {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            part[..digits].parse().unwrap_or(0)
        });
        let mut next = || parts.next().unwrap_or(0);
        (next(), next(), next())
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.program, self.number)?;
        self.build
            .as_ref()
            .map_or(Ok(()), |build| write!(f, " ({build})"))
    }
}

/// Version and digest of one file.
#[derive(Debug)]
pub struct Identity {
    /// Of the whole file.
    pub sha256: Digest,
    /// What it answered to `--version`, or why that is not known: handlers
    /// that are not QEMU may answer nothing that can be understood.
    pub version: Result<Version, Error>,
}

/// The emulator that a process really runs under.
#[derive(Debug)]
pub struct Pinned {
    /// The path the kernel shows for it; ends in ` (deleted)` where the file
    /// has no name any more, and may be a path of another mount namespace.
    pub path: PathBuf,
    /// Which file it is, to compare with the one on disk.
    pub id: FileId,
    /// Its version and digest.
    pub identity: Identity,
}

impl Emulator {
    /// Its version and digest.
    ///
    /// # Errors
    /// [`Error::Read`]; a version that can't be had is no error here.
    pub fn identify(&self) -> Result<Identity, Error> {
        identify(self.file(), self.path())
    }

    /// Only its digest.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn sha256(&self) -> Result<Digest, Error> {
        sha256(self.file(), self.path())
    }

    /// Only its version.
    ///
    /// # Errors
    /// One of the `Version…` variants of [`Error`], or [`Error::Run`].
    pub fn version(&self) -> Result<Version, Error> {
        Question::ask(self.file(), self.path())?.answer()
    }
}

/// Identifies many, twice as many at once as the machine has CPUs, so that a
/// last one does not leave CPUs idle; the results are in the order of the
/// emulators.
#[must_use]
pub fn identify_all<E: Borrow<Emulator> + Sync>(emulators: &[E]) -> Vec<Result<Identity, Error>> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(emulators.len()));
    let work = || {
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(emulator) = emulators.get(at)
        {
            let identity = emulator.borrow().identify();
            done.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((at, identity));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..(2 * cpus).min(emulators.len()) {
            // Where no further thread may be had, this one does it all.
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, identity)| identity).collect()
}

/// Identifies a file that is open already, whatever its path names by now;
/// `path` is for messages only.
///
/// # Errors
/// [`Error::Read`].
pub fn identify_open(file: &File, path: &Path) -> Result<Identity, Error> {
    identify(file, path)
}

/// Identifies what a process executes: for a foreign program, the emulator
/// that its handler holds open, whatever its path names by now.
///
/// The file is executed (`--version`), so the process must be one that the
/// caller started and has not yet waited for: then its number can't have
/// passed to a stranger's process.
///
/// # Errors
/// [`Error::Pinned`] where the process can't be looked at, or the error of the
/// check that says it is no program of this machine.
pub fn identify_pinned(pid: u32) -> Result<Pinned, Error> {
    let link = PathBuf::from(format!("/proc/{pid}/exe"));
    let unseen = |source| Error::Pinned { pid, source };
    let file = File::open(&link).map_err(unseen)?;
    let path = std::fs::read_link(check::proc_path(&file)).map_err(unseen)?;
    let metadata = file.metadata().map_err(unseen)?;
    check::check_rights(&file, &metadata, &path)?;
    match image::inspect(&ReadCache::new(&file), Arch::host()) {
        Ok(()) | Err(image::Fault::Dynamic(_)) => {}
        Err(fault) => return Err(check::of_fault(fault, &path, metadata.len())),
    }
    Ok(Pinned {
        id: FileId::of(&metadata),
        identity: identify(&file, &path)?,
        path,
    })
}

/// Asks for the version, and computes the digest while it answers.
fn identify(file: &File, path: &Path) -> Result<Identity, Error> {
    let question = Question::ask(file, path);
    let sha256 = sha256(file, path);
    let version = question.and_then(Question::answer);
    Ok(Identity {
        sha256: sha256?,
        version,
    })
}

/// The digest of the whole file; its read position is left alone.
fn sha256(file: &File, path: &Path) -> Result<Digest, Error> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 256 * 1024];
    let mut at = 0u64;
    loop {
        match file.read_at(&mut buffer, at) {
            Ok(0) => return Ok(Digest(hash.finalize().into())),
            Ok(n) => {
                hash.update(&buffer[..n]);
                at += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(Error::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        }
    }
}

/// An emulator that was asked for its version and has not answered yet. It is
/// killed, with all that it started, when this is dropped.
struct Question<'a> {
    path: &'a Path,
    child: Child,
    output: io::PipeReader,
    asked: Instant,
    over: bool,
}

impl<'a> Question<'a> {
    fn ask(file: &File, path: &'a Path) -> Result<Question<'a>, Error> {
        let failed = |source| Error::Run {
            path: path.to_owned(),
            source,
        };
        let (output, writer) = io::pipe().map_err(failed)?;
        let mut command = Command::new(check::proc_path(file));
        command
            .arg0(path)
            .arg("--version")
            .env_clear()
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(writer.try_clone().map_err(failed)?)
            .stderr(writer);
        let asked = Instant::now();
        let child = spawn(&mut command).map_err(failed)?;
        Ok(Question {
            path,
            child,
            output,
            asked,
            over: false,
        })
    }

    fn answer(mut self) -> Result<Version, Error> {
        let failed = |path: &Path, source| Error::Run {
            path: path.to_owned(),
            source,
        };
        let output = self.read().map_err(|e| failed(self.path, e))?;
        if let Some(output) = &output
            && output.len() >= OUTPUT_MAX
        {
            return Err(Error::VersionUnknown {
                path: self.path.to_owned(),
                output: first_line(&String::from_utf8_lossy(output)),
            });
        }
        let status = match output {
            Some(_) => self.wait().map_err(|e| failed(self.path, e))?,
            None => None,
        };
        let path = || self.path.to_owned();
        let (Some(output), Some(status)) = (output, status) else {
            return Err(Error::VersionTimeout {
                path: path(),
                limit: VERSION_TIMEOUT,
            });
        };
        let text = String::from_utf8_lossy(&output);
        if !status.success() {
            return Err(Error::VersionFailed {
                path: path(),
                status,
                output: first_line(&text),
            });
        }
        Version::parse(&text).ok_or_else(|| Error::VersionUnknown {
            path: path(),
            output: first_line(&text),
        })
    }

    /// What is left of the time.
    fn left(&self) -> Duration {
        VERSION_TIMEOUT.saturating_sub(self.asked.elapsed())
    }

    /// Everything it prints, up to the limit; `None` when its time is over.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut answer = Vec::new();
        let mut buffer = [0u8; 2048];
        while answer.len() < OUTPUT_MAX {
            let left = self.left();
            if left.is_zero() {
                return Ok(None);
            }
            let timeout = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
            let mut fds = [PollFd::new(&self.output, PollFlags::IN)];
            match poll(&mut fds, Some(&timeout)) {
                Ok(0) | Err(Errno::INTR) => continue,
                Ok(_) => {}
                Err(e) => return Err(e.into()),
            }
            match self.output.read(&mut buffer)? {
                0 => break,
                n => answer.extend_from_slice(&buffer[..n]),
            }
        }
        Ok(Some(answer))
    }

    /// How it ended; `None` when its time is over. An emulator whose output
    /// has ended is about to exit, so short sleeps are enough.
    fn wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let mut pause = Duration::from_micros(50);
        loop {
            if let Some(status) = self.child.try_wait()? {
                self.over = true;
                return Ok(Some(status));
            }
            if self.left().is_zero() {
                return Ok(None);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        // Not reaped yet, so the number is still this child's.
        if let Ok(Some(group)) = i32::try_from(self.child.id()).map(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// Starts a program, again where somebody is just letting go of its file.
fn spawn(command: &mut Command) -> io::Result<Child> {
    let mut tries = 0;
    loop {
        match command.spawn() {
            Err(e) if e.kind() == io::ErrorKind::ExecutableFileBusy && tries < BUSY_RETRIES => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
}

/// The first line of an answer, short and fit to be shown.
fn first_line(text: &str) -> String {
    let line = text.lines().find(|l| !l.trim().is_empty()).unwrap_or("");
    let shown: String = line.trim().chars().take(120).collect();
    shown.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_that_are_in_use() {
        let v = Version::parse(
            "qemu-aarch64 version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\n\
             Copyright (c) 2003-2022 Fabrice Bellard and the QEMU Project developers\n",
        )
        .unwrap();
        assert_eq!(v.program, "qemu-aarch64");
        assert_eq!(v.number, "7.2.22");
        assert_eq!(v.build.as_deref(), Some("Debian 1:7.2+dfsg-7+deb12u18"));
        assert_eq!(v.numbers(), (7, 2, 22));
        assert_eq!(
            v.to_string(),
            "qemu-aarch64 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"
        );
        let own = Version::parse("armistice-aarch64 0.1.0\n").unwrap();
        assert_eq!(
            (own.to_string().as_str(), own.numbers()),
            ("armistice-aarch64 0.1.0", (0, 1, 0))
        );
        let v = Version::parse("qemu-arm version 10.0.0-rc3\r\n").unwrap();
        assert_eq!((v.numbers(), v.build), ((10, 0, 0), None));
        let v = Version::parse("warning: x\nqemu-riscv64 version 9.2.2 (v9.2.2)").unwrap();
        assert_eq!(v.build.as_deref(), Some("v9.2.2"));
    }

    #[test]
    fn answers_that_are_no_version() {
        for text in [
            "",
            "\n",
            "usage: cat",
            " version 1",
            "this is version 1.0",
            "x version y",
        ] {
            assert_eq!(Version::parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(text in ".{0,80}( version )?.{0,80}") {
            let _ = Version::parse(&text).map(|v| v.numbers());
            let _ = first_line(&text);
        }
    }
}

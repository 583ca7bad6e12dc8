//! A helper process that stays outside and writes the maps of the one inside.
//!
//! More than one's own identity can be mapped only by a process that is still
//! in the parent namespace. The helper is forked before the main process
//! leaves, waits until it is told, writes, answers and ends. If the main
//! process ends before, the helper's pipe closes and it ends as well.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, getpid, waitpid};

use crate::idmap::{Map, Maps, Method};
use crate::{Error, Step};

/// Why the maps were not written.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// The kernel refused.
    Refused(Errno),
    /// A tool refused; the user map comes first, so `newuidmap` means that
    /// nothing was written.
    Tool { tool: &'static str, said: String },
    /// The helper itself failed.
    System(std::io::Error),
}

/// The helper, waiting.
#[derive(Debug)]
pub(crate) struct Writer {
    helper: Pid,
    go: File,
    answer: File,
}

impl Writer {
    /// Forks the helper. The calling process must have one thread only.
    pub(crate) fn start(maps: &Maps) -> Result<Writer, Error> {
        let failed = |source: Errno| Error::System {
            doing: "start a helper process",
            source: source.into(),
        };
        let flags = rustix::pipe::PipeFlags::CLOEXEC;
        let (told, go) = rustix::pipe::pipe_with(flags).map_err(failed)?;
        let (answer, answers) = rustix::pipe::pipe_with(flags).map_err(failed)?;
        let main = getpid();
        // SAFETY: the process has one thread (the caller's duty, checked in
        // `enter`), so the child may do anything a process may.
        let pid = unsafe { libc::fork() };
        match pid {
            ..0 => Err(failed(last_errno())),
            0 => {
                drop((go, answer));
                let work = std::panic::AssertUnwindSafe(|| help(maps, main, told, answers));
                let _ = std::panic::catch_unwind(work);
                // SAFETY: ends the child at once, without the parent's
                // destructors and exit handlers, whose copies it holds.
                unsafe { libc::_exit(0) }
            }
            _ => Ok(Writer {
                helper: Pid::from_raw(pid).ok_or_else(|| failed(Errno::CHILD))?,
                go: go.into(),
                answer: answer.into(),
            }),
        }
    }

    /// Has the maps written, once the process has left.
    pub(crate) fn write(mut self) -> Result<(), Unwritten> {
        let mut answer = Vec::new();
        self.go
            .write_all(b"!")
            .and_then(|()| self.answer.read_to_end(&mut answer))
            .map_err(Unwritten::System)?;
        reap(self.helper);
        decode(&answer)
    }

    /// Lets the helper go without having written anything.
    pub(crate) fn abandon(self) {
        drop(self.go);
        reap(self.helper);
    }
}

/// Waits for a child that is ending.
fn reap(child: Pid) {
    let _ = rustix::io::retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
}

/// The error of the last call of the C library.
fn last_errno() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// The helper's life.
fn help(maps: &Maps, main: Pid, told: OwnedFd, answers: OwnedFd) {
    let mut byte = [0u8];
    if !matches!(File::from(told).read(&mut byte), Ok(1)) {
        return;
    }
    let result = write_maps(maps, main);
    let _ = File::from(answers).write_all(&encode(&result));
}

fn write_maps(maps: &Maps, main: Pid) -> Result<(), Unwritten> {
    let pid = main.as_raw_nonzero();
    match &maps.method {
        Method::Own | Method::Outside => {
            for (file, map) in [("uid_map", &maps.uid), ("gid_map", &maps.gid)] {
                let path = format!("/proc/{pid}/{file}");
                std::fs::write(path, map.to_string()).map_err(|e| {
                    Errno::from_io_error(&e).map_or(Unwritten::System(e), Unwritten::Refused)
                })?;
            }
            Ok(())
        }
        Method::Tools {
            newuidmap,
            newgidmap,
        } => {
            let pid = pid.to_string();
            run_tool("newuidmap", newuidmap, &pid, &maps.uid)?;
            run_tool("newgidmap", newgidmap, &pid, &maps.gid)
        }
    }
}

fn run_tool(tool: &'static str, path: &Path, pid: &str, map: &Map) -> Result<(), Unwritten> {
    let output = Command::new(path)
        .arg(pid)
        .args(map.words())
        .stdin(Stdio::null())
        .output()
        .map_err(|e| {
            let said = format!("{tool} can't be started: {e}");
            Unwritten::System(std::io::Error::new(e.kind(), said))
        })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let said = if said.is_empty() {
        output.status.to_string()
    } else {
        said.lines().collect::<Vec<_>>().join("; ")
    };
    Err(Unwritten::Tool { tool, said })
}

/// The answer: a letter, and what belongs to it.
fn encode(result: &Result<(), Unwritten>) -> Vec<u8> {
    match result {
        Ok(()) => b"k".to_vec(),
        Err(Unwritten::Refused(errno)) => format!("e{}", errno.raw_os_error()).into_bytes(),
        Err(Unwritten::Tool { tool, said }) if *tool == "newuidmap" => {
            format!("u{said}").into_bytes()
        }
        Err(Unwritten::Tool { said, .. }) => format!("g{said}").into_bytes(),
        Err(Unwritten::System(e)) => format!("s{e}").into_bytes(),
    }
}

fn decode(answer: &[u8]) -> Result<(), Unwritten> {
    let text = String::from_utf8_lossy(answer.get(1..).unwrap_or_default()).into_owned();
    let tool = |tool| Unwritten::Tool {
        tool,
        said: text.clone(),
    };
    Err(match answer.first() {
        Some(b'k') => return Ok(()),
        Some(b'e') => {
            Unwritten::Refused(Errno::from_raw_os_error(text.parse().unwrap_or(libc::EIO)))
        }
        Some(b'u') => tool("newuidmap"),
        Some(b'g') => tool("newgidmap"),
        Some(_) => Unwritten::System(std::io::Error::other(text)),
        None => Unwritten::System(std::io::Error::other("the helper process was killed")),
    })
}

impl Unwritten {
    /// As the library's error; `explain` knows the rule behind a refusal.
    pub(crate) fn into_error(self, explain: impl FnOnce(Step, Errno) -> Error) -> Error {
        match self {
            Unwritten::Refused(errno) => explain(Step::Map, errno),
            Unwritten::Tool { tool, said } => Error::Tool { tool, said },
            Unwritten::System(source) => Error::System {
                doing: "map identities into the new user namespace",
                source,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_arrive_as_they_were_given() {
        assert!(decode(&encode(&Ok(()))).is_ok());
        let refused = decode(&encode(&Err(Unwritten::Refused(Errno::PERM))));
        assert!(matches!(refused, Err(Unwritten::Refused(Errno::PERM))));
        for tool in ["newuidmap", "newgidmap"] {
            let said = "no: such".to_owned();
            let answer = decode(&encode(&Err(Unwritten::Tool { tool, said })));
            assert!(
                matches!(answer, Err(Unwritten::Tool { tool: t, said }) if t == tool && said == "no: such")
            );
        }
        assert!(matches!(decode(b""), Err(Unwritten::System(_))));
    }
}

//! Whether a private table could be had, tried in a child that ends at once.
//!
//! Safe to call from a process with threads: the child makes only system calls.

use std::os::fd::{AsFd, OwnedFd};

use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, getegid, geteuid, waitpid};

use crate::facts::Facts;
use crate::namespace::{self, Refusal};
use crate::{Forbidden, Step, diagnose};

/// How far to try.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Namespaces,
    Table,
}

/// Whether this process may create user and mount namespaces.
///
/// # Errors
/// The rule that forbids it.
pub fn try_userns() -> Result<(), Forbidden> {
    attempt(Extent::Namespaces)
}

/// Whether it may also have a binfmt_misc table of its own there.
///
/// # Errors
/// The rule that forbids it.
pub fn try_private_table() -> Result<(), Forbidden> {
    attempt(Extent::Table)
}

fn attempt(extent: Extent) -> Result<(), Forbidden> {
    let facts = Facts::gather();
    in_child(extent).map_err(|(step, errno)| diagnose(&facts, step, errno))
}

/// Tries it in a child; what failed comes back through a pipe.
fn in_child(extent: Extent) -> Result<(), Refusal> {
    let uid = format!("0 {} 1", geteuid().as_raw());
    let gid = format!("0 {} 1", getegid().as_raw());
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(|e| (Step::Unshare, e))?;
    // SAFETY: the child makes system calls only, without allocation or locks
    // (see `namespace`), and ends by `_exit`.
    let pid = unsafe { libc::fork() };
    match pid {
        0 => {
            let outcome = all_steps(extent, uid.as_bytes(), gid.as_bytes());
            let _ = rustix::io::write(&writer, &encode(outcome));
            // SAFETY: this is the child; it runs none of the parent's exit handlers.
            unsafe { libc::_exit(0) }
        }
        _ => {
            let Some(child) = Pid::from_raw(pid).filter(|_| pid > 0) else {
                let errno = Errno::from_io_error(&std::io::Error::last_os_error());
                return Err((Step::Unshare, errno.unwrap_or(Errno::IO)));
            };
            drop(writer);
            let outcome = read(&reader);
            let _ = rustix::io::retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
            outcome
        }
    }
}

fn all_steps(extent: Extent, uid: &[u8], gid: &[u8]) -> Result<(), Refusal> {
    namespace::unshare(true)?;
    namespace::write_own(uid, gid)?;
    namespace::keep_mounts_inside()?;
    if extent == Extent::Table {
        let _: OwnedFd = namespace::new_table()?;
    }
    Ok(())
}

/// One byte for the step and four for the error number; 0 for success.
fn encode(outcome: Result<(), Refusal>) -> [u8; 5] {
    let (step, errno) = match outcome {
        Ok(()) => (0, 0),
        Err((Step::Unshare, e)) => (1, e.raw_os_error()),
        Err((Step::Map, e)) => (2, e.raw_os_error()),
        Err((Step::Mounts, e)) => (3, e.raw_os_error()),
        Err((Step::Table, e)) => (4, e.raw_os_error()),
    };
    let [a, b, c, d] = errno.to_ne_bytes();
    [step, a, b, c, d]
}

fn read(pipe: impl AsFd) -> Result<(), Refusal> {
    let mut answer = [0u8; 5];
    // A write this small arrives whole or not at all; not at all means that
    // the child was killed, which a seccomp filter does at the first step.
    let n = rustix::io::retry_on_intr(|| rustix::io::read(&pipe, &mut answer));
    match n {
        Ok(5) => decode(answer),
        Ok(_) => Err((Step::Unshare, Errno::PERM)),
        Err(e) => Err((Step::Unshare, e)),
    }
}

fn decode([step, a, b, c, d]: [u8; 5]) -> Result<(), Refusal> {
    let step = match step {
        0 => return Ok(()),
        1 => Step::Unshare,
        2 => Step::Map,
        3 => Step::Mounts,
        _ => Step::Table,
    };
    let errno = Errno::from_raw_os_error(i32::from_ne_bytes([a, b, c, d]));
    Err((step, errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_arrive_as_they_were() {
        for step in [Step::Unshare, Step::Map, Step::Mounts, Step::Table] {
            let outcome = Err((step, Errno::NOSPC));
            assert_eq!(decode(encode(outcome)), outcome);
        }
        assert_eq!(decode(encode(Ok(()))), Ok(()));
    }

    #[test]
    fn from_a_process_with_threads() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| try_private_table().unwrap());
            }
        });
    }
}

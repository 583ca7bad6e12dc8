//! What exec looks up, asked of the kernel itself. No program runs for it.
//!
//! A table that is mounted in sight need not be the one in which exec looks: that
//! is the table of the caller's user namespace, or of its nearest ancestor that
//! has one (`load_binfmt_misc` in `fs/binfmt_misc.c`, Linux 6.7). So a file is
//! executed that no handler can open: it is named by a descriptor that closes on
//! exec. Where binfmt_misc has a handler for it, exec fails with ENOENT, before
//! the handler is opened; where it has none, with ENOEXEC, as the kernel's own
//! formats do not know the file either (execveat(2), BUGS).
//!
//! Invariant: a file that the kernel runs by itself (a native ELF program, a
//! script) is never asked about, since exec would run it.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use armistice_arch::{Arch, ElfHeader};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, WaitOptions, waitpid};

/// The kernel compares within this many bytes (BINPRM_BUF_SIZE).
pub(crate) const HEAD: usize = 256;

/// For each file that begins so: whether exec finds a handler for it; `None`
/// where that cannot be found out.
#[must_use]
pub fn takes(heads: &[Vec<u8>]) -> Vec<Option<bool>> {
    let files: Vec<Option<OwnedFd>> = heads.iter().map(|head| file(head)).collect();
    execute(&files).unwrap_or_else(|_| vec![None; heads.len()])
}

/// [`takes`] of one file.
#[must_use]
pub fn takes_one(head: &[u8]) -> Option<bool> {
    takes(&[head.to_vec()]).pop().flatten()
}

/// The architectures whose programs exec has a handler for, those left out that
/// this machine runs by itself.
#[must_use]
pub fn handled() -> Vec<&'static Arch> {
    let foreign = foreign();
    let heads: Vec<Vec<u8>> = foreign.iter().map(|a| sample(a)).collect();
    let answers = takes(&heads);
    let taken = foreign.into_iter().zip(answers);
    taken
        .filter_map(|(arch, answer)| (answer == Some(true)).then_some(arch))
        .collect()
}

pub(crate) fn foreign() -> Vec<&'static Arch> {
    let host = Arch::host();
    let all = armistice_arch::ARCHES.iter();
    all.filter(|a| !a.is_native_to(host)).collect()
}

/// The first bytes of an architecture's programs.
pub(crate) fn sample(arch: &Arch) -> Vec<u8> {
    arch.sample_header(2, 0).to_vec()
}

/// Whether the kernel may run a file that begins so without binfmt_misc.
fn may_run(head: &[u8]) -> bool {
    if head.starts_with(b"#!") {
        return true;
    }
    if !head.starts_with(b"\x7fELF") {
        return false;
    }
    let arch = ElfHeader::parse(head).ok().and_then(|h| Arch::of_elf(&h));
    arch.is_none_or(|arch| arch.is_native_to(Arch::host()))
}

/// A file in memory that begins so.
fn file(head: &[u8]) -> Option<OwnedFd> {
    if may_run(head) {
        return None;
    }
    let create = |flags: libc::c_uint| {
        // SAFETY: the name is a C string; a descriptor or -1 comes back.
        let fd = unsafe { libc::memfd_create(c"armistice-lookup".as_ptr(), flags) };
        // SAFETY: just made by the kernel, owned by nobody else.
        (fd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(fd) })
    };
    // Kernels before 6.3 do not know MFD_EXEC, and need it not.
    let fd = create(libc::MFD_CLOEXEC | libc::MFD_EXEC).or_else(|| create(libc::MFD_CLOEXEC))?;
    let mut bytes = head.to_vec();
    bytes.resize(HEAD, 0);
    (rustix::io::write(&fd, &bytes) == Ok(HEAD)).then_some(fd)
}

/// Executes each in a child, in which every exec fails and the next follows.
fn execute(files: &[Option<OwnedFd>]) -> Result<Vec<Option<bool>>, Errno> {
    let fds: Vec<i32> = files
        .iter()
        .map(|f| f.as_ref().map_or(-1, AsRawFd::as_raw_fd))
        .collect();
    let mut answers = vec![0u8; fds.len()];
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    // SAFETY: the child writes to memory that was allocated before, makes system
    // calls only, and ends by `_exit`.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        for (fd, answer) in fds.iter().zip(&mut answers) {
            *answer = refusal(*fd);
        }
        let _ = rustix::io::write(&writer, &answers);
        // SAFETY: runs none of the parent's exit handlers.
        unsafe { libc::_exit(0) };
    }
    drop(writer);
    let Some(child) = Pid::from_raw(pid).filter(|_| pid > 0) else {
        return Err(Errno::AGAIN);
    };
    let mut len = 0;
    while len < answers.len() {
        match rustix::io::read(&reader, &mut answers[len..]) {
            Ok(0) | Err(_) => break,
            Ok(n) => len += n,
        }
    }
    // Where the parent's parent ignores SIGCHLD, nothing is left to wait for.
    let _ = rustix::io::retry_on_intr(|| waitpid(Some(child), WaitOptions::empty()));
    if len < answers.len() {
        return Err(Errno::IO);
    }
    Ok(answers.into_iter().map(meaning).collect())
}

/// The errno with which exec fails, which always fits a byte; 0 for none.
fn refusal(fd: i32) -> u8 {
    if fd < 0 {
        return 0;
    }
    let argv = [c"armistice-lookup".as_ptr(), std::ptr::null()];
    let envp = [std::ptr::null::<libc::c_char>()];
    // SAFETY: the path is a C string, both lists end with a null pointer, and all
    // outlive the call. errno is this thread's own.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            fd,
            c"".as_ptr(),
            argv.as_ptr(),
            envp.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
        u8::try_from(*libc::__errno_location()).unwrap_or(0)
    }
}

fn meaning(errno: u8) -> Option<bool> {
    match i32::from(errno) {
        libc::ENOENT => Some(true),
        libc::ENOEXEC => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_would_run_is_not_asked_about() {
        let native = sample(Arch::host());
        assert_eq!(takes_one(&native), None);
        assert_eq!(takes_one(b"#!/bin/false\n"), None);
        assert_eq!(takes_one(b"\x7fELF"), None);
    }

    #[test]
    fn a_text_that_nobody_claims_has_no_handler() {
        assert_eq!(takes_one(b"armistice: nobody's file"), Some(false));
    }
}

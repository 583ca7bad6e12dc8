//! What the real kernel does with a call.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::probe;

/// How a call ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This probe was started, with these arguments.
    Ran(OsString, Vec<OsString>),
    /// The call failed with this error.
    Failed(i32),
    /// The process died of a signal.
    Died(i32),
}

/// Executes `path` in a new process, in the working directory `root`.
pub(crate) fn execute(path: &Path, argv: &[&str], root: &Path, with_capabilities: bool) -> Outcome {
    let c = |text: &OsStr| CString::new(text.as_bytes()).expect("no zero byte");
    let (path, folder) = (c(path.as_os_str()), c(root.as_os_str()));
    let argv: Vec<CString> = argv.iter().map(|arg| c(OsStr::new(arg))).collect();
    let mut pointers: Vec<*const libc::c_char> = argv.iter().map(|arg| arg.as_ptr()).collect();
    pointers.push(std::ptr::null());
    let environment = [std::ptr::null::<libc::c_char>()];
    let (output, child_output) = pipe();
    let (failure, child_failure) = pipe();
    // SAFETY: the child calls only functions that are safe after fork, on
    // memory made before it, and ends without running anything of the parent's.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: as above; all pointers are to strings and lists that end in
        // zero and live until the end of this function.
        unsafe {
            libc::dup2(child_output.as_raw_fd(), 1);
            libc::chdir(folder.as_ptr());
            if !with_capabilities && without_capabilities().is_err() {
                libc::_exit(126);
            }
            libc::execve(path.as_ptr(), pointers.as_ptr(), environment.as_ptr());
            let errno = (*libc::__errno_location()).to_ne_bytes();
            libc::write(
                child_failure.as_raw_fd(),
                errno.as_ptr().cast(),
                errno.len(),
            );
            libc::_exit(127);
        }
    }
    assert!(child > 0, "no new process");
    drop((child_output, child_failure));
    let said = all_of(output);
    let failed = all_of(failure);
    let mut status = 0;
    // SAFETY: the child is ours, and `status` is a place for its end.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    if let Ok(errno) = failed.try_into() {
        return Outcome::Failed(i32::from_ne_bytes(errno));
    }
    if libc::WIFSIGNALED(status) {
        return Outcome::Died(libc::WTERMSIG(status));
    }
    let mut words = probe::read(&said).into_iter().map(OsString::from_vec);
    Outcome::Ran(words.next().unwrap_or_default(), words.collect())
}

/// Leaves the process with its own user's rights only. What user 0 executes
/// then does not get them back.
pub(crate) fn without_capabilities() -> std::io::Result<()> {
    const SECBIT_NOROOT: libc::c_ulong = 1;
    let header = [0x2008_0522_u32, 0]; // _LINUX_CAPABILITY_VERSION_3, this process
    let none = [0_u32; 6];
    // SAFETY: system calls on lists as long as version 3 says.
    let failed = unsafe {
        libc::prctl(libc::PR_SET_SECUREBITS, SECBIT_NOROOT, 0, 0, 0) != 0
            || libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) != 0
    };
    if failed {
        return Err(std::io::Error::last_os_error());
    }
    Ok(())
}

/// A pipe that no program inherits.
fn pipe() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).expect("a pipe")
}

fn all_of(end: OwnedFd) -> Vec<u8> {
    let mut all = Vec::new();
    File::from(end).read_to_end(&mut all).expect("read");
    all
}

//! The limits of namespaces (namespaces(7), `/proc/sys/user`). The kernel says of one that is
//! reached that no space is left, which reads like a full disk.
//!
//! Whose limit it is can't be told: those of all user namespaces around count, and the
//! files show the innermost's alone.

use std::io;

use rustix::io::Errno;
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Leaves for a new namespace of one kind, whose limit is `user.max_KIND_namespaces`.
pub(crate) fn unshare(flag: UnshareFlags, kind: &str) -> io::Result<()> {
    // SAFETY: no caller passes UnshareFlags::FILES, so the file descriptors stay shared,
    // which is all that the function's contract is about.
    unsafe { unshare_unsafe(flag) }.map_err(|errno| told(kind, errno))
}

fn told(kind: &str, errno: Errno) -> io::Error {
    match errno {
        Errno::NOSPC | Errno::USERS => io::Error::other(format!(
            "as many as are allowed exist: user.max_{kind}_namespaces, here or in a user namespace around this one; \
             end some containers, or raise the limit"
        )),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_does_not_read_like_a_full_disk() {
        let limit = told("pid", Errno::NOSPC).to_string();
        assert!(limit.contains("user.max_pid_namespaces"), "{limit}");
        assert!(!limit.contains("space left"), "{limit}");
        assert_eq!(told("pid", Errno::PERM).raw_os_error(), Some(libc::EPERM));
    }
}

//! Files that show a process's memory (`/proc/PID/mem`). What is written to one
//! is written whatever a key denies, so where code memory has a key
//! ([`crate::host::key`]) none may be opened to be written: a file is looked
//! at once it is open ([`super::opened`]), since many paths lead to it. A process that
//! traces others may open none either: translations of code that is written there are not
//! forgotten, so debuggers have to write by `ptrace`.

use crate::host::key;
use crate::host::sys::{self, Fd, Status, fd_argument, number};

/// `O_ACCMODE`.
const ACCESS: u64 = 3;

/// Whether a file that was just opened with these flags may not be kept: it may
/// be used to write memory, and code memory has a key or the process traces others
/// (`traces`). The answer is then `EACCES`, as from a kernel that lets nobody trace the
/// process.
#[must_use]
pub(super) fn is_refused(file: &Fd, status: &Status, flags: u64, traces: bool) -> bool {
    flags & ACCESS != 0 && (traces || key::is_used()) && is_memory(file, status)
}

/// Whether a file that was just opened shows memory: a file of `/proc`'s for
/// its owner alone, with positions that are any address, the kernel's too.
fn is_memory(file: &Fd, status: &Status) -> bool {
    /// A regular file, `rw-------`.
    const MODE: u32 = 0o100_600;
    const PROC_SUPER_MAGIC: u64 = 0x9fa0;
    const SEEK_SET: u64 = 0;
    if status.mode != MODE || status.size != 0 {
        return false;
    }
    let fd = fd_argument(file.number());
    // `struct statfs` begins with the type.
    let mut about = [0_u64; 15];
    let seek = |to: u64| [fd, to, SEEK_SET, 0, 0, 0];
    // SAFETY: the kernel writes into the array only, which is as large as the
    // structure.
    unsafe {
        sys::syscall(
            number::FSTATFS,
            [fd, about.as_mut_ptr() as u64, 0, 0, 0, 0],
        )
        .is_ok()
            && about[0] == PROC_SUPER_MAGIC
            && sys::syscall(number::LSEEK, seek(1 << 63)).is_ok()
            // Those of other kinds are where they were.
            && sys::syscall(number::LSEEK, seek(0)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::fs::OpenOptions;
    use std::os::fd::AsRawFd as _;
    use std::path::Path;

    fn memory(path: &Path, write: bool) -> bool {
        let file = OpenOptions::new().read(true).write(write).open(path);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let file = core::mem::ManuallyDrop::new(Fd::new(file.as_raw_fd()));
        is_memory(&file, &file.status().unwrap())
    }

    #[test]
    fn memory_is_told_from_other_files() {
        let process = std::process::id();
        for path in [
            "/proc/self/mem",
            "/proc/thread-self/mem",
            &std::format!("/proc/{process}/task/{process}/mem"),
        ] {
            assert!(memory(Path::new(path), true), "{path}");
        }
        let place = std::env::temp_dir().join(std::format!("armistice-private-{process}"));
        std::fs::write(&place, "").unwrap();
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&place, private).unwrap();
        assert!(!memory(&place, true));
        std::fs::remove_file(&place).unwrap();
        for path in ["/proc/self/oom_score_adj", "/proc/self/comm", "/dev/null"] {
            assert!(!memory(Path::new(path), true), "{path}");
        }
        for path in [
            "/proc/self/pagemap",
            "/proc/self/environ",
            "/proc/self/maps",
        ] {
            assert!(!memory(Path::new(path), false), "{path}");
        }
    }

    use std::os::unix::fs::PermissionsExt as _;
}

//! What happens between fork and exec.
//!
//! The caller may have threads, so the child is left with what is
//! async-signal-safe: system calls on values that were made before the fork. It
//! allocates nothing, takes no lock and returns nowhere.
//!
//! It writes the program itself. If the caller did, another thread's fork could
//! hold the file open for writing, and the kernel would refuse to execute it
//! (ETXTBSY).

use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Gid, Mode as Rights, OFlags, Uid};
use rustix::io::Errno;
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::process::Signal;
use rustix::thread::UnshareFlags;

use crate::report::{Obstacle, Step};
use crate::root::Kind;

/// Who owns the set-user-ID copy, and who calls it. Any two ordinary users do.
pub(crate) const OWNER: u32 = 61;
pub(crate) const CALLER: u32 = 62;

/// The program's name in its folder, and the end of [`PATH`].
pub(crate) const NAME: &CStr = c"armistice-proof";
const PATH: &CStr = c"./armistice-proof";

/// Folders of which one exists, to mount a tmpfs over.
const MOUNT_POINTS: [&CStr; 5] = [c"/tmp", c"/run", c"/proc", c"/sys", c"/dev"];

/// Whose the file is and who executes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// [`OWNER`]'s, set-user-ID, executed by [`CALLER`].
    SetUserId,
    /// A plain file, executed by [`CALLER`], who may do less than oneself.
    AsCaller,
    /// A plain file, executed by oneself.
    AsOneself,
}

/// Everything that the child needs, made before the fork.
pub(crate) struct Plan<'p> {
    pub(crate) kind: Kind,
    pub(crate) mode: Mode,
    pub(crate) program: &'p [u8],
    /// The temporary folder, where the kind of root has one.
    pub(crate) folder: CString,
    /// The program's `argv[0]`.
    pub(crate) argv0: &'static CStr,
    /// One line each for the new user namespace's maps.
    pub(crate) uid_map: String,
    pub(crate) gid_map: String,
    pub(crate) stdin: OwnedFd,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
    /// Takes the step that failed and its errno; closed by a successful exec.
    pub(crate) status: OwnedFd,
}

impl Plan<'_> {
    /// Runs in the child. Never returns.
    pub(crate) fn run(&self) -> ! {
        let Obstacle { step, errno } = self.until_exec();
        let mut message = [0u8; 5];
        message[0] = step as u8;
        message[1..].copy_from_slice(&errno.raw_os_error().to_ne_bytes());
        // A pipe takes five bytes at once. Where it does not, its reader sees an
        // exit code that no program gives.
        let _ = rustix::io::write(&self.status, &message);
        // SAFETY: _exit is async-signal-safe and runs nothing of the caller's.
        unsafe { libc::_exit(127) }
    }

    fn until_exec(&self) -> Obstacle {
        let prepared = reset_signals()
            .and_then(|()| self.connect())
            .map_err(at(Step::Session))
            .and_then(|()| self.enter())
            .and_then(|()| self.write_program())
            .and_then(|()| self.become_caller());
        match prepared {
            Ok(()) => at(Step::Exec)(self.exec()),
            Err(obstacle) => obstacle,
        }
    }

    /// A session of its own, so that all it starts can be ended together.
    fn connect(&self) -> Result<(), Errno> {
        rustix::process::setsid()?;
        rustix::stdio::dup2_stdin(&self.stdin)?;
        rustix::stdio::dup2_stdout(&self.stdout)?;
        rustix::stdio::dup2_stderr(&self.stderr)
    }

    /// Makes the root; the current folder is where the program goes.
    fn enter(&self) -> Result<(), Obstacle> {
        match self.kind {
            Kind::MountNamespace => {
                unshare(UnshareFlags::NEWNS).map_err(at(Step::MountNamespace))?;
                enter_tmpfs()
            }
            Kind::UserNamespace => {
                unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS)
                    .map_err(at(Step::UserNamespace))?;
                self.map_users().map_err(at(Step::UserMap))?;
                enter_tmpfs()
            }
            Kind::Chroot => {
                rustix::process::chdir(self.folder.as_c_str()).map_err(at(Step::Folder))?;
                chroot_here()
            }
            Kind::NotEmpty => {
                rustix::process::chdir(self.folder.as_c_str()).map_err(at(Step::Folder))
            }
        }
    }

    fn map_users(&self) -> Result<(), Errno> {
        write_file(c"/proc/self/uid_map", self.uid_map.as_bytes())?;
        // Kernels before 3.19 have no such file, and need none.
        match write_file(c"/proc/self/setgroups", b"deny") {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
        write_file(c"/proc/self/gid_map", self.gid_map.as_bytes())
    }

    /// The folder must let the caller's uid through; what the umask is does not
    /// matter.
    fn write_program(&self) -> Result<(), Obstacle> {
        // A folder is used for more than one execution.
        let _ = rustix::fs::unlink(NAME);
        let write = || -> Result<OwnedFd, Errno> {
            rustix::fs::chmod(c".", Rights::from_raw_mode(0o755))?;
            let file = rustix::fs::open(
                NAME,
                OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC,
                Rights::from_raw_mode(0o700),
            )?;
            write_all(file.as_fd(), self.program)?;
            Ok(file)
        };
        let file = write().map_err(at(Step::Write))?;
        if self.mode == Mode::SetUserId {
            // In this order: a change of owner clears the bit.
            rustix::fs::fchown(&file, Some(Uid::from_raw(OWNER)), None::<Gid>)
                .and_then(|()| rustix::fs::fchmod(&file, Rights::from_raw_mode(0o4755)))
                .map_err(at(Step::Owner))
        } else {
            rustix::fs::fchmod(&file, Rights::from_raw_mode(0o755)).map_err(at(Step::Write))
        }
        // The file is closed here: while it is open for writing, it can't be executed.
    }

    /// Only the user changes: the program says nothing about groups. This is
    /// the thread's own system call, but a forked child has but one thread.
    fn become_caller(&self) -> Result<(), Obstacle> {
        if self.mode != Mode::AsOneself {
            let caller = Uid::from_raw(CALLER);
            rustix::thread::set_thread_res_uid(caller, caller, caller).map_err(at(Step::User))?;
        }
        // After the change of user, which clears it. If the caller is killed,
        // the program goes with it; a set-user-ID program is out of its reach.
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
            .map_err(at(Step::Session))
    }

    fn exec(&self) -> Errno {
        let argv = [self.argv0.as_ptr(), std::ptr::null()];
        // An empty environment: nothing of the caller's (QEMU_CPU ...) has a part.
        let envp = [std::ptr::null()];
        // SAFETY: all three are ended as execve wants, by a zero or a null pointer,
        // and outlive the call.
        unsafe { libc::execve(PATH.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
        // SAFETY: errno is this thread's own; it is always valid to read.
        Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
    }
}

fn at(step: Step) -> impl Fn(Errno) -> Obstacle {
    move |errno| Obstacle { step, errno }
}

/// What a program finds when a shell starts it: no signal blocked, and SIGPIPE,
/// which Rust's runtime ignores, as usual.
fn reset_signals() -> Result<(), Errno> {
    // SAFETY: sigset_t is plain data, and sigemptyset sets all of it; a null old
    // set is allowed. The three functions are async-signal-safe.
    let done = unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::signal(libc::SIGPIPE, libc::SIG_DFL) != libc::SIG_ERR
            && libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) == 0
    };
    if done { Ok(()) } else { Err(Errno::INVAL) }
}

fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: neither flag used here (NEWNS, NEWUSER) touches the table of file
    // descriptors, and the child has one thread.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Mounts a tmpfs where nobody else sees it and makes it the root.
fn enter_tmpfs() -> Result<(), Obstacle> {
    rustix::mount::mount_change(
        c"/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )
    .map_err(at(Step::Private))?;
    let mut done = Err(Errno::NOENT);
    for point in MOUNT_POINTS {
        done = rustix::mount::mount(
            c"tmpfs",
            point,
            c"tmpfs",
            MountFlags::NODEV,
            c"mode=0755,size=64k,nr_inodes=16",
        )
        .and_then(|()| rustix::process::chdir(point));
        if done.is_ok() {
            break;
        }
    }
    done.map_err(at(Step::Tmpfs))?;
    chroot_here()
}

/// A relative path is all that is used from here on.
fn chroot_here() -> Result<(), Obstacle> {
    rustix::process::chroot(c".")
        .and_then(|()| rustix::process::chdir(c"/"))
        .map_err(at(Step::Chroot))
}

fn write_file(path: &CStr, bytes: &[u8]) -> Result<(), Errno> {
    let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Rights::empty())?;
    write_all(file.as_fd(), bytes)
}

fn write_all(file: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(n) => bytes = &bytes[n..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

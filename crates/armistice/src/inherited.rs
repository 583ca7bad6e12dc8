//! What a process takes over from its parent, and what of it is mended.
//!
//! A parent may hand down states in which programs fail for no reason of their
//! own: SIGCHLD ignored (the kernel then takes away every child before it can be
//! waited for), signals blocked, a limit of 20 open files, standard output not
//! open at all. [`Inherited::mend`] puts these right for this process, before
//! it has a second thread. `shell` gives the command what the parent meant it to
//! have: [`Inherited::give_back`].

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::cli::Verb;

/// Whether standard output was open when the process began. Rust's runtime opens
/// /dev/null in the place of what is not, so this is asked before it begins.
static HAD_OUTPUT: AtomicBool = AtomicBool::new(true);

/// Run by the C library before `main`.
extern "C" fn note_output() {
    // SAFETY: a system call that reads a number; any value is allowed.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    HAD_OUTPUT.store(flags >= 0, Ordering::Relaxed);
}

// SAFETY: the section holds addresses of functions that the C library calls
// with arguments that this one does not look at; it needs nothing of Rust's runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static BEFORE_MAIN: extern "C" fn() = note_output;

/// Whether there is somewhere for data to go.
pub(crate) fn had_output() -> bool {
    HAD_OUTPUT.load(Ordering::Relaxed)
}

/// Refuses what can't be done where `/proc` is not mounted: emulators are run and
/// looked at by names in it, and the kernel's table lies there.
///
/// # Errors
/// What to do.
pub(crate) fn proc_is_there(verb: &Verb) -> Result<()> {
    let needed = !matches!(verb, Verb::Status(_) | Verb::Explain(_) | Verb::Generate(_));
    if needed && !Path::new("/proc/self/fd").exists() {
        bail!(
            "/proc is not mounted here, and without it no emulator can be looked at; run: mount -t proc proc /proc"
        );
    }
    Ok(())
}

/// Signals whose being ignored is no good to this process.
const SIGNALS: [(i32, libc::sighandler_t); 2] = [
    // Ignored, it makes waiting for a child fail with "No child processes".
    (libc::SIGCHLD, libc::SIG_DFL),
    // By default it ends a process that writes too much; ignored, the write
    // fails with an error that can be told.
    (libc::SIGXFSZ, libc::SIG_IGN),
];

/// What was taken over, so far as it was changed.
#[derive(Debug)]
pub(crate) struct Inherited {
    handlers: [libc::sighandler_t; SIGNALS.len()],
    files: Rlimit,
}

impl Inherited {
    /// Mends it; to be called first in `main`.
    pub(crate) fn mend() -> Inherited {
        // SAFETY: only the two values that need no handler are set, while the
        // process has one thread; an empty set of signals is made before its use.
        let handlers = unsafe {
            let mut none: libc::sigset_t = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            SIGNALS.map(|(signal, wanted)| libc::signal(signal, wanted))
        };
        let files = getrlimit(Resource::Nofile);
        // Emulators are all held open at once; up to the hard limit needs no right.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: files.maximum,
                ..files
            },
        );
        Inherited { handlers, files }
    }

    /// Undoes it, for a command that takes this process's place.
    pub(crate) fn give_back(&self) {
        for ((signal, _), handler) in SIGNALS.iter().zip(self.handlers) {
            // A handler can't be taken over through an exec, so it is one of these.
            if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
                // SAFETY: neither value is a function that could be called.
                unsafe { libc::signal(*signal, handler) };
            }
        }
        let _ = setrlimit(Resource::Nofile, self.files);
    }
}

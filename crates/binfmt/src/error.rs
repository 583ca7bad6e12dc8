//! What can go wrong with the kernel's table, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::kernel::KernelVersion;
use crate::who::Who;

/// An error of this crate. The text says what happened, and what to do where that depends
/// neither on where the caller is nor on a command's options; the kernel's own words are
/// the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BinfmtError {
    /// The kernel has no binfmt_misc.
    #[error("this kernel has no binfmt_misc (CONFIG_BINFMT_MISC), or has not loaded it")]
    Unsupported,

    /// Nothing is mounted and we may not mount.
    #[error("binfmt_misc is not mounted at {path}", path = crate::STANDARD_PATH)]
    NotMounted {
        /// What the kernel said when asked to mount it, if it was.
        #[source]
        source: Option<io::Error>,
    },

    /// The table in which exec looks is an outer user namespace's, and not in
    /// sight.
    #[error(
        "{}programs that are started here use the table of this user namespace or of an outer one, which cannot \
         be read from here (this is a rootless container, or another child user namespace); to see or change it, run armistice on the host, \
         as root",
        not_that(another.as_deref())
    )]
    OutOfSight {
        /// Where another's table is mounted.
        another: Option<PathBuf>,
    },

    /// The table is mounted read-only.
    #[error("binfmt_misc at {} is read-only here; in a container, run it with --privileged, or bind the host's table: -v {path}:{path}", at.display(), path = crate::STANDARD_PATH)]
    ReadOnly {
        /// Where.
        at: PathBuf,
    },

    /// The caller may not write.
    #[error("no right to change binfmt_misc: {missing}")]
    NoRight {
        /// Which right is missing.
        missing: String,
        /// The kernel's answer.
        #[source]
        source: Option<io::Error>,
    },

    /// The registration would end with this process.
    #[error(
        "nothing on the host holds binfmt_misc mounted, so a registration made here would be lost \
         as this container ends"
    )]
    WouldBeLost,

    /// The same, in a child user namespace.
    #[error(
        "this is a rootless container or another child user namespace: a registration made here is \
         private to it and lost as it ends"
    )]
    WouldBePrivate,

    /// The main switch is off.
    #[error("binfmt_misc is switched off as a whole (0 in {path}/status)", path = crate::STANDARD_PATH)]
    SwitchedOff,

    /// The kernel does not know a flag.
    #[error("flag {flag} needs Linux {needs}, this is {running}")]
    KernelTooOld {
        /// The flag's letter.
        flag: char,
        /// From when it is there.
        needs: KernelVersion,
        /// What runs.
        running: KernelVersion,
    },

    /// A registration that cannot be written as a line.
    #[error("cannot register {name}: {why}")]
    BadRegistration {
        /// The entry's name.
        name: String,
        /// Which rule it breaks.
        why: String,
    },

    /// The kernel refused a line.
    #[error("the kernel refused to register {name}: {meaning}")]
    Refused {
        /// The entry's name.
        name: String,
        /// What the errno means here.
        meaning: String,
        /// The errno.
        #[source]
        source: io::Error,
    },

    /// Somebody else holds the table's lock, and does not let go.
    #[error(
        "another armistice{} has been changing binfmt_misc for {} s; nothing was changed here. \
         Run this again when it has ended, or end it if it hangs: its end frees the table",
        holder.as_ref().map(|who| format!(", {who},")).unwrap_or_default(), limit.as_secs()
    )]
    Busy {
        /// How long was waited.
        limit: Duration,
        /// Who it is, where that can be seen.
        holder: Option<Who>,
    },

    /// Entries of somebody else's have both names that ours could have.
    #[error(
        "the entry {name} is somebody else's ({interpreter}, flags {flags}), and so is {second}, the name \
         that ours would have beside it",
        interpreter = interpreter.display()
    )]
    Foreign {
        /// The entry's name.
        name: String,
        /// The other name.
        second: String,
        /// Its interpreter.
        interpreter: PathBuf,
        /// Its flags.
        flags: String,
    },

    /// Reading or writing a file of the table failed.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// `read`, `write`, ...
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },

    /// A change failed and so did taking it back.
    #[error("{original}; and the table could not be put back: {undo}")]
    HalfDone {
        /// What failed first.
        original: Box<BinfmtError>,
        /// What failed then.
        undo: String,
    },
}

fn not_that(another: Option<&std::path::Path>) -> String {
    another.map_or(String::new(), |at| {
        format!(
            "the binfmt_misc at {} is another user namespace's table, in which exec does not look from here; ",
            at.display()
        )
    })
}

impl BinfmtError {
    /// Whether it says that the table cannot be looked at from here: it is not mounted, or
    /// another's is, or (root in an ordinary container) the right to see it is missing.
    #[must_use]
    pub fn is_no_view(&self) -> bool {
        matches!(
            self,
            BinfmtError::NotMounted { .. }
                | BinfmtError::OutOfSight { .. }
                | BinfmtError::NoRight { .. }
        )
    }
}

/// What the kernel means by refusing a line with this errno.
pub(crate) fn refusal(errno: rustix::io::Errno, interpreter: &std::path::Path) -> String {
    use rustix::io::Errno;
    let interpreter = interpreter.display();
    match errno {
        Errno::NOENT => format!("the interpreter {interpreter} is not there"),
        Errno::ACCESS => {
            format!("the interpreter {interpreter} is not executable, or lies on a noexec mount")
        }
        Errno::EXIST => "an entry of that name exists already".to_owned(),
        Errno::INVAL => "the line has a flag or a form that this kernel does not know".to_owned(),
        Errno::TXTBSY => format!("the interpreter {interpreter} is open for writing"),
        Errno::NOSPC => {
            "the namespace has as many entries as it may (sysctl user.max_binfmt_misc_interpreters)"
                .to_owned()
        }
        Errno::NOMEM => "the kernel is out of memory".to_owned(),
        Errno::LOOP => format!("the interpreter {interpreter} is a loop of links"),
        other => other.to_string(),
    }
}

//! What a proof found: every outcome has a value of its own, and none of them is a guess.

use std::fmt;
use std::time::Duration;

use rustix::io::Errno;

use crate::expect::Expect;

/// What came of running an architecture's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Where it ran.
    pub root: Root,
    /// Whether it ran.
    pub ran: Ran,
    /// Whether its own `argv[0]` reached it (flag P).
    pub argv0: Argv0,
    /// Whether the set-user-ID bit of its file counted (flag C).
    pub credentials: Credentials,
}

impl Proof {
    /// Whether everything expected was seen: it ran, in an empty root, and
    /// each expected property passed.
    #[must_use]
    pub fn proves(&self, expect: &Expect) -> bool {
        self.ran == Ran::Yes
            && (!expect.empty_root || self.root.is_empty())
            && (!expect.argv0 || self.argv0 == Argv0::Passed)
            && (!expect.credentials || self.credentials == Credentials::Passed)
    }

    /// Whether something expected was seen to be false. A proof may neither
    /// prove nor refute, where something could not be tried.
    #[must_use]
    pub fn refutes(&self, expect: &Expect) -> bool {
        self.ran != Ran::Yes
            || (expect.argv0 && matches!(self.argv0, Argv0::Failed { .. }))
            || (expect.credentials
                && matches!(
                    self.credentials,
                    Credentials::Failed | Credentials::Broken(_)
                ))
    }
}

/// The root that the program ran in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Root {
    /// A fresh tmpfs in a mount namespace of its own.
    MountNamespace,
    /// A temporary folder, by chroot.
    Chroot,
    /// A fresh tmpfs in a user and mount namespace of its own, which inherits
    /// the caller's handlers.
    UserNamespace,
    /// The caller's own root: nothing is proven about flag F.
    NotEmpty {
        /// Why none of the empty roots could be made.
        why: Vec<Obstacle>,
    },
}

impl Root {
    /// Whether no emulator's file could be found there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !matches!(self, Root::NotEmpty { .. })
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Root::MountNamespace => write!(f, "an empty root (mount namespace)"),
            Root::Chroot => write!(f, "an empty root (chroot)"),
            Root::UserNamespace => write!(f, "an empty root (user namespace)"),
            Root::NotEmpty { why } => {
                write!(f, "not in an empty root: ")?;
                obstacles(f, why)
            }
        }
    }
}

fn obstacles(f: &mut fmt::Formatter<'_>, why: &[Obstacle]) -> fmt::Result {
    for (i, obstacle) in why.iter().enumerate() {
        if i > 0 {
            write!(f, "; ")?;
        }
        write!(f, "{obstacle}")?;
    }
    Ok(())
}

/// What kept a root from being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Obstacle {
    /// The step that failed.
    pub step: Step,
    /// How.
    pub errno: Errno,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't {}: {}", self.step, self.errno)
    }
}

/// The steps that lead to the program's execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// Make a session and connect standard input, output and error.
    Session,
    /// Make a mount namespace.
    MountNamespace,
    /// Make a user namespace.
    UserNamespace,
    /// Map the own user and group into it.
    UserMap,
    /// Keep the namespace's mounts from spreading.
    Private,
    /// Mount a tmpfs.
    Tmpfs,
    /// Make a temporary folder on a mount that allows execution.
    Folder,
    /// Make the folder the root.
    Chroot,
    /// Write the program.
    Write,
    /// Give the program to another user and make it set-user-ID.
    Owner,
    /// Become another user.
    User,
    /// Execute the program.
    Exec,
}

impl Step {
    const ALL: [Step; 12] = [
        Step::Session,
        Step::MountNamespace,
        Step::UserNamespace,
        Step::UserMap,
        Step::Private,
        Step::Tmpfs,
        Step::Folder,
        Step::Chroot,
        Step::Write,
        Step::Owner,
        Step::User,
        Step::Exec,
    ];

    /// The step with this number, as the child reports it.
    pub(crate) fn from_u8(number: u8) -> Option<Step> {
        Step::ALL.into_iter().find(|step| *step as u8 == number)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Session => "connect its standard streams",
            Step::MountNamespace => "make a mount namespace",
            Step::UserNamespace => "make a user namespace",
            Step::UserMap => "map the own user into a user namespace",
            Step::Private => "make a namespace's mounts private",
            Step::Tmpfs => "mount a tmpfs",
            Step::Folder => "make a temporary folder where programs may run",
            Step::Chroot => "chroot",
            Step::Write => "write the program",
            Step::Owner => "make the program another user's and set-user-ID",
            Step::User => "become another user",
            Step::Exec => "execute the program",
        })
    }
}

/// Whether the program ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It did all that it should.
    Yes,
    /// It did not.
    No(Failure),
}

/// How an execution went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// ENOEXEC.
    NoHandler,
    /// ENOENT.
    NoEmulator,
    /// The kernel's other refusals.
    Refused(Errno),
    /// It was killed by a signal.
    Signal {
        /// Which.
        number: i32,
        /// The beginning of what it said on standard error.
        said: String,
    },
    /// It ran, but not as the program should: the emulator is another
    /// architecture's, or broken.
    Wrong {
        /// Its exit code.
        code: i32,
        /// The beginning of its output.
        output: String,
        /// The beginning of what it said on standard error.
        said: String,
    },
    /// It did not end in time and was killed.
    Timeout(Duration),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = |f: &mut fmt::Formatter<'_>, said: &str| match said.trim_end() {
            "" => Ok(()),
            said => write!(f, "; it said: {}", said.escape_debug()),
        };
        match self {
            Failure::NoHandler => write!(
                f,
                "the kernel has no handler for it that works: none is registered and enabled, \
                 or its emulator is no program itself (ENOEXEC)"
            ),
            Failure::NoEmulator => write!(
                f,
                "its emulator was not found: the handler has no flag F, \
                 or the emulator is dynamically linked (ENOENT)"
            ),
            Failure::Refused(Errno::LOOP) => {
                write!(
                    f,
                    "its emulator is itself a program for the handler (ELOOP)"
                )
            }
            Failure::Refused(errno) => write!(f, "the kernel refused it: {errno}"),
            Failure::Signal { number, said } => {
                write!(f, "it was killed by signal {number}")?;
                quote(f, said)
            }
            Failure::Wrong { code, output, said } => {
                write!(
                    f,
                    "it exited with {code} and wrote \"{}\"",
                    output.escape_debug()
                )?;
                quote(f, said)
            }
            Failure::Timeout(limit) => write!(f, "it did not end in {limit:?}"),
        }
    }
}

/// Whether the program's own `argv[0]` reached it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Argv0 {
    /// It did.
    Passed,
    /// It got something else, usually the program's path.
    Failed {
        /// What it got.
        got: String,
    },
    /// Nothing is known.
    NotTried(NotTried),
}

/// Whether the set-user-ID bit counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The program ran as its file's owner.
    Passed,
    /// The program ran as its caller.
    Failed,
    /// The program runs, but its set-user-ID copy goes wrong.
    Broken(Failure),
    /// Nothing is known.
    NotTried(NotTried),
}

/// Why something was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTried {
    /// It was not asked for.
    NotAsked,
    /// The program did not run at all.
    DidNotRun,
    /// The caller has `no_new_privs`, under which no set-user-ID bit counts.
    NoNewPrivs,
    /// The folder's mount is `nosuid`.
    NoSuid,
    /// The user namespace has no other users.
    OneUser,
    /// The caller may not do what it takes.
    NotAllowed(Obstacle),
}

impl fmt::Display for NotTried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTried::NotAsked => write!(f, "not asked for"),
            NotTried::DidNotRun => write!(f, "the program did not run"),
            NotTried::NoNewPrivs => write!(f, "no_new_privs is set"),
            NotTried::NoSuid => write!(f, "the folder is on a nosuid mount"),
            NotTried::OneUser => write!(f, "the user namespace has no other users"),
            NotTried::NotAllowed(obstacle) => write!(f, "{obstacle}"),
        }
    }
}

/// Why there is no proof, neither for nor against.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// The architecture has no proof program.
    #[error("there is no proof program for {0}")]
    NoProgram(&'static str),
    /// No place to run the program in, not even a temporary folder.
    #[error("no place to run a proof program in ({})", Obstacles(.0))]
    Nowhere(Vec<Obstacle>),
    /// The system gave no pipe or no process.
    #[error("can't start a process for the proof of {arch}")]
    Start {
        /// The architecture.
        arch: &'static str,
        /// What the system said.
        #[source]
        errno: Errno,
    },
    /// The process could not be watched.
    #[error("can't watch the process of the proof of {arch}")]
    Watch {
        /// The architecture.
        arch: &'static str,
        /// What the system said.
        #[source]
        errno: Errno,
    },
    /// A temporary folder could not be removed.
    #[error("can't remove a temporary folder")]
    Cleanup(#[source] std::io::Error),
}

struct Obstacles<'a>(&'a [Obstacle]);

impl fmt::Display for Obstacles<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        obstacles(f, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_survives_its_way_through_the_pipe() {
        for step in Step::ALL {
            assert_eq!(Step::from_u8(step as u8), Some(step));
        }
        assert_eq!(Step::from_u8(u8::MAX), None);
    }

    #[test]
    fn messages_say_what_and_why() {
        let obstacle = Obstacle {
            step: Step::Chroot,
            errno: Errno::PERM,
        };
        assert_eq!(
            Root::NotEmpty {
                why: vec![obstacle, obstacle]
            }
            .to_string(),
            "not in an empty root: can't chroot: Operation not permitted (os error 1); \
             can't chroot: Operation not permitted (os error 1)"
        );
        assert_eq!(
            Failure::Wrong {
                code: 255,
                output: String::new(),
                said: "no such\x1bthing\n".to_owned(),
            }
            .to_string(),
            "it exited with 255 and wrote \"\"; it said: no such\\u{1b}thing"
        );
    }
}

//! Which executions are needed, and what follows from them.
//!
//! One execution, of the set-user-ID copy, says everything where it can be made
//! and goes well. A plain one follows only where it can't, or where it is needed
//! to tell a broken handler from broken credentials.

use std::borrow::Cow;
use std::ffi::CStr;

use armistice_arch::Arch;
use rustix::io::Errno;

use crate::child::{CALLER, Mode, NAME, OWNER};
use crate::expect::Expect;
use crate::program::program;
use crate::report::{
    Argv0, Credentials, Failure, NotTried, Obstacle, Proof, ProofError, Ran, Root, Step,
};
use crate::root::{Kind, Place};
use crate::run::{Ended, Job, RunError, run, text};

/// The program's `argv[0]`: nothing that a path could be taken for.
const ARGV0: &CStr = c"argv0 given by armistice";

/// Runs the architecture's program through the kernel in the strongest empty
/// root that the caller may make, and says what was seen. Leaves nothing behind.
///
/// May be called from several threads at once, for several architectures.
///
/// # Errors
/// [`ProofError`], where there is neither a proof nor a refutation. That the
/// program does not run is no error, but a result.
pub fn prove(arch: &Arch, expect: Expect) -> Result<Proof, ProofError> {
    let usual = program(arch).ok_or(ProofError::NoProgram(arch.name))?;
    let program = if expect.trial {
        Cow::from(armistice_arch::trial::program(usual))
    } else {
        Cow::from(usual)
    };
    let mut obstacles = Vec::new();
    let empty = |kind: &Kind| *kind != Kind::NotEmpty;
    for kind in Kind::ALL
        .into_iter()
        .filter(|kind| expect.empty_root || !empty(kind))
    {
        let place = match Place::new(kind) {
            Ok(place) => place,
            Err(obstacle) => {
                obstacles.push(obstacle);
                continue;
            }
        };
        let prover = Prover {
            arch,
            program: &program,
            place: &place,
            expect,
        };
        let found = prover.find_out();
        place.close()?;
        match found? {
            Ok(facts) => return Ok(facts.in_root(kind.report(obstacles))),
            Err(obstacle) => obstacles.push(obstacle),
        }
    }
    Err(ProofError::Nowhere(obstacles))
}

/// What was seen, wherever it was.
struct Facts {
    ran: Ran,
    argv0: Argv0,
    credentials: Credentials,
}

impl Facts {
    fn did_not_run(failure: Failure) -> Facts {
        Facts {
            ran: Ran::No(failure),
            argv0: Argv0::NotTried(NotTried::DidNotRun),
            credentials: Credentials::NotTried(NotTried::DidNotRun),
        }
    }

    fn in_root(self, root: Root) -> Proof {
        Proof {
            root,
            ran: self.ran,
            argv0: self.argv0,
            credentials: self.credentials,
        }
    }
}

/// One program in one place.
struct Prover<'a> {
    arch: &'a Arch,
    program: &'a [u8],
    place: &'a Place,
    expect: Expect,
}

impl Prover<'_> {
    /// The inner error is what kept the place from being made.
    fn find_out(&self) -> Result<Result<Facts, Obstacle>, ProofError> {
        if let Some(why) = self.set_user_id_is_futile() {
            return self.plain(Credentials::NotTried(why));
        }
        let ended = match self.run(Mode::SetUserId)? {
            Ended::Unprepared(obstacle) => {
                return match not_allowed(obstacle) {
                    Some(why) => self.plain(Credentials::NotTried(why)),
                    None => Ok(Err(obstacle)),
                };
            }
            ended => ended,
        };
        match judge(ended, &[OWNER, CALLER]) {
            Ok((user, argv0)) => Ok(Ok(Facts {
                ran: Ran::Yes,
                argv0,
                credentials: if user == OWNER {
                    Credentials::Passed
                } else {
                    Credentials::Failed
                },
            })),
            Err(failure) => self.tell_apart(failure),
        }
    }

    /// Why the set-user-ID bit would say nothing here.
    fn set_user_id_is_futile(&self) -> Option<NotTried> {
        if !self.expect.credentials {
            Some(NotTried::NotAsked)
        } else if self.place.kind == Kind::UserNamespace {
            Some(NotTried::OneUser)
        } else if !self.place.suid {
            Some(NotTried::NoSuid)
        } else if rustix::thread::no_new_privs() == Ok(true) {
            Some(NotTried::NoNewPrivs)
        } else {
            None
        }
    }

    /// The set-user-ID copy failed. Where a plain one would fail alike, that is
    /// the answer; else a plain one says whether it is the credentials.
    fn tell_apart(&self, failure: Failure) -> Result<Result<Facts, Obstacle>, ProofError> {
        match failure {
            Failure::NoHandler | Failure::NoEmulator | Failure::Timeout(_) => {
                Ok(Ok(Facts::did_not_run(failure)))
            }
            // The other user may not even reach the file: no word on the handler.
            Failure::Refused(errno @ (Errno::ACCESS | Errno::PERM)) => {
                let step = Step::Exec;
                let why = NotTried::NotAllowed(Obstacle { step, errno });
                self.plain(Credentials::NotTried(why))
            }
            _ => self.plain(Credentials::Broken(failure)),
        }
    }

    /// An execution without a set-user-ID bit, by an ordinary user where there
    /// is one; `credentials` is known already.
    fn plain(&self, credentials: Credentials) -> Result<Result<Facts, Obstacle>, ProofError> {
        let (mode, user) = match self.place.kind {
            // There, another user may not reach the folder.
            Kind::NotEmpty => (Mode::AsOneself, own_code()),
            _ => (Mode::AsCaller, CALLER),
        };
        let (ended, user) = match self.run(mode)? {
            Ended::Unprepared(obstacle) if not_allowed(obstacle).is_some() => {
                (self.run(Mode::AsOneself)?, own_code())
            }
            ended => (ended, user),
        };
        let judged = match ended {
            Ended::Unprepared(obstacle) => return Ok(Err(obstacle)),
            ended => judge(ended, &[user]),
        };
        Ok(Ok(match judged {
            Ok((_, argv0)) => Facts {
                ran: Ran::Yes,
                argv0,
                credentials,
            },
            Err(failure) => Facts::did_not_run(failure),
        }))
    }

    fn run(&self, mode: Mode) -> Result<Ended, ProofError> {
        let arch = self.arch.name;
        run(Job {
            place: self.place,
            program: self.program,
            argv0: ARGV0,
            mode,
            limit: self.expect.limit,
        })
        .map_err(|error| match error {
            RunError::Start(errno) => ProofError::Start { arch, errno },
            RunError::Watch(errno) => ProofError::Watch { arch, errno },
        })
    }
}

/// The exit code of a program that runs as this process.
fn own_code() -> u32 {
    rustix::process::geteuid().as_raw() & 0x7f
}

/// Where it is the other users that are lacking, and not the place.
fn not_allowed(obstacle: Obstacle) -> Option<NotTried> {
    match (obstacle.step, obstacle.errno) {
        // What the kernel says of a user that the namespace does not map.
        (Step::Owner | Step::User, Errno::INVAL) => Some(NotTried::OneUser),
        (Step::Owner | Step::User, _) => Some(NotTried::NotAllowed(obstacle)),
        _ => None,
    }
}

/// Whether it was the program that ran: one line, with its `argv[0]` or its path,
/// and the exit code of one of these users. Then also which, and what became of
/// `argv[0]`.
fn judge(ended: Ended, users: &[u32]) -> Result<(u32, Argv0), Failure> {
    let (code, output, said) = match ended {
        Ended::Exited { code, output, said } => (code, output, said),
        Ended::Failed(failure) => return Err(failure),
        Ended::Unprepared(obstacle) => return Err(Failure::Refused(obstacle.errno)),
    };
    let user = u32::try_from(code).ok().filter(|code| users.contains(code));
    let line = output
        .strip_suffix(b"\n")
        .filter(|line| !line.contains(&b'\n'));
    match (user, line) {
        (Some(user), Some(line)) if line == ARGV0.to_bytes() => Ok((user, Argv0::Passed)),
        // What an emulator gives that was not told the program's argv[0].
        (Some(user), Some(line)) if line.ends_with(NAME.to_bytes()) => {
            Ok((user, Argv0::Failed { got: text(line) }))
        }
        _ => Err(Failure::Wrong {
            code,
            output: text(&output),
            said,
        }),
    }
}

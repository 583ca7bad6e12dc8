//! Whether this machine runs an architecture's programs by itself.
//!
//! That is the kernel's and the processor's to say (an x86-64 kernel may have
//! been built or started without its 32-bit half), so a program is executed. It
//! is one that only a trial's handler takes, so that the usual handlers have no
//! part in the answer; and what really runs is looked at: the program, or some
//! handler's emulator.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use armistice_arch::{Arch, trial};
use rustix::io::Errno;

use crate::child::Mode;
use crate::program::program;
use crate::report::{Obstacle, Step};
use crate::root::{Kind, Place};
use crate::run::{Job, look};

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Native {
    /// The kernel loads such programs, and the processor runs them.
    Yes,
    /// The kernel says that it does not know their format (ENOEXEC).
    No,
    /// Neither was seen: a handler takes them, or nothing may be executed here.
    Unknown,
}

/// Executes the architecture's program and says who ran it.
#[must_use]
pub fn runs_natively(arch: &Arch, limit: Duration) -> Native {
    let Some(usual) = program(arch) else {
        return Native::Unknown;
    };
    let program = trial::program(usual);
    for kind in Kind::ALL {
        let Ok(place) = Place::new(kind) else {
            continue;
        };
        let seen = look(Job {
            place: &place,
            program: &program,
            argv0: c"asked by armistice",
            mode: Mode::AsOneself,
            limit,
        });
        // What is left of a folder of ours has no part in the answer.
        let _ = place.close();
        match seen {
            Ok(Ok(Some(running))) if is(&running, &program) => return Native::Yes,
            Ok(Err(Obstacle {
                step: Step::Exec,
                errno: Errno::NOEXEC,
            })) => return Native::No,
            Ok(Ok(_)) => return Native::Unknown,
            // Another place may allow what this one does not.
            Ok(Err(_)) | Err(_) => {}
        }
    }
    Native::Unknown
}

/// Whether a file is the program, to the byte.
fn is(running: &File, program: &[u8]) -> bool {
    let mut content = Vec::new();
    let limit = program.len() as u64 + 1;
    running.take(limit).read_to_end(&mut content).is_ok() && content == program
}

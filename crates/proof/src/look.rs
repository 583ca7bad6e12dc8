//! Which emulator really runs: the program is started and held, and what the
//! kernel executes for it is opened.
//!
//! It is held by a full pipe: its first write waits for a reader that never
//! comes. `/proc/PID/exe` is the emulator's file itself, whatever its path
//! names by now.

use std::fs::File;
use std::time::Duration;

use armistice_arch::Arch;

use crate::child::Mode;
use crate::program::program;
use crate::report::{Obstacle, ProofError, Step};
use crate::root::{Kind, Place};
use crate::run::{Job, RunError, look};

/// Opens the emulator that the kernel runs this architecture's programs with;
/// `None` where it runs them not at all.
///
/// # Errors
/// [`ProofError`], where no program could be started or looked at.
pub fn emulator_of(arch: &Arch, limit: Duration) -> Result<Option<File>, ProofError> {
    let program = program(arch).ok_or(ProofError::NoProgram(arch.name))?;
    let arch = arch.name;
    let mut obstacles = Vec::new();
    for kind in Kind::ALL {
        let place = match Place::new(kind) {
            Ok(place) => place,
            Err(obstacle) => {
                obstacles.push(obstacle);
                continue;
            }
        };
        let seen = look(Job {
            place: &place,
            program,
            argv0: c"held by armistice",
            mode: Mode::AsOneself,
            limit,
        });
        place.close()?;
        match seen {
            Ok(Ok(seen)) => return Ok(seen),
            Ok(Err(Obstacle {
                step: Step::Exec, ..
            })) => return Ok(None),
            Ok(Err(obstacle)) => obstacles.push(obstacle),
            Err(RunError::Start(errno)) => return Err(ProofError::Start { arch, errno }),
            Err(RunError::Watch(errno)) => return Err(ProofError::Watch { arch, errno }),
        }
    }
    Err(ProofError::Nowhere(obstacles))
}

//! What this machine runs by itself needs no emulator.
//!
//! The kernel asks binfmt_misc before its own loader: a handler for amd64 takes
//! every program that is started, one for i386 every 32-bit one. Such a handler
//! is refused, unless the user insists and gives a reason. A handler that would also
//! take its own emulator can never work, so it is refused whatever the reason.

use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use armistice_arch::Arch;
use armistice_emulators::Emulator;
use armistice_proof::{Native, runs_natively};

use crate::output::{Output, shown};

/// How long a test program may take to start.
const LIMIT: Duration = Duration::from_secs(10);

/// Whether the kernel and the processor run these programs without a handler.
/// What can't be found out is taken for yes. Asked once.
pub(crate) fn is_native(arch: &Arch) -> bool {
    static ANSWERS: Mutex<Vec<(&str, bool)>> = Mutex::new(Vec::new());
    // Others would need another processor; there is nothing to ask.
    if !arch.is_native_to(Arch::host()) {
        return false;
    }
    let mut answers = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, answer)) = answers.iter().find(|(name, _)| *name == arch.name) {
        return *answer;
    }
    let answer = runs_natively(arch, LIMIT) != Native::No;
    answers.push((arch.name, answer));
    answer
}

/// Refuses what this machine runs by itself, unless there is a reason.
///
/// # Errors
/// For the first of these.
pub(crate) fn check(arches: &[&'static Arch], reason: Option<&str>, output: Output) -> Result<()> {
    for arch in arches.iter().filter(|arch| is_native(arch)) {
        let name = arch.display_name();
        match reason.map(str::trim) {
            Some(reason) if !reason.is_empty() => output.note(format!(
                "{name}, though this machine runs it by itself: {}",
                shown(reason)
            )),
            _ => bail!(
                "this machine runs {name} programs by itself, and a handler would take them all from it; \
                 nothing was changed. Leave {name} out{}",
                if *arch == Arch::host() {
                    ""
                } else {
                    ", or insist, with a reason: --force-native 'to test the emulator'"
                }
            ),
        }
    }
    Ok(())
}

/// Refuses a handler that would take its own emulator.
///
/// # Errors
/// Where it would, and where the file cannot be read.
pub(crate) fn check_emulator(arch: &Arch, emulator: &Emulator) -> Result<()> {
    let mut head = [0u8; 256];
    let read = emulator.file().read_at(&mut head, 0);
    let read = read.with_context(|| format!("cannot read {}", emulator.path().display()))?;
    if arch.pattern().matches(&head[..read]) {
        bail!(
            "{path} is itself one of the {name} programs that it would be registered for: to start it the kernel \
             would start it again without end (ELOOP), and no program of this machine could be started any more; \
             nothing was changed. Leave {name} out",
            path = emulator.path().display(),
            name = arch.display_name()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use armistice_arch::ARCHES;

    use super::*;

    #[test]
    fn every_architecture_has_its_answer() {
        // This test is a program of the host's, and it runs.
        assert!(is_native(Arch::host()));
        for arch in ARCHES.iter().filter(|a| a.machine != Arch::host().machine) {
            assert!(!is_native(arch) || matches!(arch.name, "i386" | "i486"));
        }
    }
}

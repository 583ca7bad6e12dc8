//! From the command line to wanted entries: architectures are chosen, and an emulator
//! for each is found and checked. Changes nothing.
//!
//! Identifying an emulator for the first time (version, digest) takes longer than
//! all the rest. So it is done only when it is asked for, and can run beside the proof.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, bail};
use armistice_arch::Arch;
use armistice_binfmt::{Flags, KernelVersion, Pin, Registration, Snapshot, replay};
use armistice_emulators::{Emulator, Engine, Error as EmulatorError, Remembered, Search};

use crate::cli::{self, Emulators, FlagSwitches, Force, Names, Register};
use crate::engine::say_choice;
use crate::native;
use crate::outcome::Usage;
use crate::output::Output;
use crate::own;
use crate::registration::persist;
use crate::registration::report::EmulatorLine;
use crate::remedy::Words;
use crate::rootless;
use crate::select::{self, Wanted};
use crate::warm::folder;

/// All that is to be registered: emulators that are found and checked.
#[derive(Debug)]
pub(crate) struct Request {
    arches: Vec<&'static Arch>,
    files: Vec<Emulator>,
    flags: Flags,
    items: OnceLock<Vec<Item>>,
    remembered: Mutex<Remembered>,
}

/// One architecture, its emulator identified.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) arch: &'static Arch,
    pub(crate) emulator: EmulatorLine,
    pub(crate) registration: Registration,
}

impl Request {
    pub(crate) fn new(found: Vec<(&'static Arch, Emulator)>, flags: Flags) -> Request {
        let (arches, files) = found.into_iter().unzip();
        Request {
            arches,
            files,
            flags,
            items: OnceLock::new(),
            remembered: Mutex::new(Remembered::read()),
        }
    }

    /// The same for some of its architectures, by their places.
    ///
    /// # Errors
    /// Where no further file may be open.
    pub(crate) fn part(&self, places: &[usize]) -> Result<Request> {
        let pairs = places
            .iter()
            .filter_map(|at| self.arches.get(*at).zip(self.files.get(*at)));
        let found = pairs.map(|(arch, file)| Ok((*arch, file.try_clone()?)));
        Ok(Request::new(
            found.collect::<Result<_>>()?,
            self.flags.clone(),
        ))
    }

    pub(crate) fn arches(&self) -> &[&'static Arch] {
        &self.arches
    }

    pub(crate) fn flags(&self) -> &Flags {
        &self.flags
    }

    /// Each architecture with its emulator's path.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&'static Arch, &Path)> {
        self.arches
            .iter()
            .copied()
            .zip(self.files.iter().map(Emulator::path))
    }

    /// The entries, their emulators known by inode only: enough to plan and to
    /// prove with, and had at once.
    pub(crate) fn provisional(&self) -> Result<Vec<Registration>> {
        let pairs = self.arches.iter().zip(&self.files);
        pairs
            .map(|(arch, file)| registration(arch, file, [0; 32], "", &self.flags))
            .collect()
    }

    /// Keeps what was found out of the emulators for later runs.
    pub(crate) fn remember(&self, output: Output) {
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = remembered.write() {
            output.detail(format!(
                "The digests of the emulators are not kept, so the next run reads these whole again: {error}"
            ));
        }
    }

    /// The entries with their emulators' versions and digests. What an earlier run found
    /// out is taken from there; the rest is read whole, which takes some milliseconds each.
    pub(crate) fn items(&self) -> Result<&[Item]> {
        if let Some(items) = self.items.get() {
            return Ok(items);
        }
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let identities = remembered.identify_all(&self.files);
        drop(remembered);
        let items =
            self.arches
                .iter()
                .zip(&self.files)
                .zip(identities)
                .map(|((arch, file), identity)| {
                    let identity = identity?;
                    let version = identity
                        .version
                        .with_context(|| format!("the emulator for {} is not usable", arch.name))?;
                    let emulator = EmulatorLine {
                        path: file.path().to_owned(),
                        size: file.size(),
                        version: version.to_string(),
                        sha256: identity.sha256.to_string(),
                        is_static: true,
                    };
                    let registration =
                        registration(arch, file, identity.sha256.0, &version.number, &self.flags)?;
                    Ok(Item {
                        arch,
                        emulator,
                        registration,
                    })
                });
        let items = items.collect::<Result<Vec<Item>>>()?;
        Ok(self.items.get_or_init(|| items))
    }
}

/// What the switches and the running kernel leave of the flags.
pub(crate) fn flags(switches: FlagSwitches) -> Flags {
    flags_on(KernelVersion::running(), switches)
}

/// Where a kernel does not tell the emulator of flag P, the emulator would take
/// argv\[0\] for the first argument.
fn flags_on(kernel: KernelVersion, switches: FlagSwitches) -> Flags {
    let credentials = !switches.no_credentials && !switches.no_open_binary;
    Flags {
        preserve_argv0: !switches.no_preserve_argv0 && kernel >= KernelVersion::ARGV0_TOLD,
        open_binary: !switches.no_open_binary,
        credentials,
        fix_binary: !switches.no_fix_binary,
        unknown: String::new(),
    }
}

/// Where emulators are looked for.
pub(crate) fn search(options: &Emulators) -> Search {
    let command = std::env::current_exe().ok();
    let mut search = Search::new(
        &options.dirs,
        std::env::var_os(armistice_emulators::search::ENV).as_deref(),
        command.as_deref().and_then(Path::parent),
    );
    search.engine = match options.engine {
        None => Engine::Any,
        Some(cli::Engine::Armistice) => Engine::Armistice,
        Some(cli::Engine::Qemu) => Engine::Qemu,
    };
    if !options.no_cache {
        search.baked = folder::all();
    }
    search
}

/// Finds, checks and identifies; what is named must be had, what is not named
/// is passed over where no emulator is installed for it.
///
/// # Errors
/// An unknown name; a named architecture without a fit emulator.
pub(crate) fn make(
    names: &Names,
    emulators: &Emulators,
    switches: FlagSwitches,
    force: &Force,
    live: &Snapshot,
    output: Output,
) -> Result<Request> {
    let wanted = Wanted::read(&names.names)?;
    check_native(&wanted, force, output)?;
    make_with(&wanted, &search(emulators), &flags(switches), live, output)
}

/// What `register` was asked for.
///
/// # Errors
/// As [`make`].
pub(crate) fn of_register(args: &Register, live: &Snapshot, output: Output) -> Result<Request> {
    let wanted = Wanted::read(&args.names.names)?;
    check_native(&wanted, &args.force, output)?;
    let mut places = search(&args.emulators);
    if args.persist && rootless::joined().is_none() {
        // Persisting takes from the distribution, not from its own copies.
        places
            .dirs
            .retain(|d| d.path != std::path::Path::new(persist::COPIES));
    }
    make_with(&wanted, &places, &flags(args.flags), live, output)
}

/// Refuses what this machine runs by itself, unless it is insisted on by name.
pub(crate) fn check_native(wanted: &Wanted, force: &Force, output: Output) -> Result<()> {
    match (wanted, &force.force_native) {
        (Wanted::These(arches), reason) => native::check(arches, reason.as_deref(), output),
        (_, None) => Ok(()),
        (_, Some(_)) => bail!(Usage(
            "--force-native wants the architectures by name".to_owned()
        )),
    }
}

/// [`make`], for those who search elsewhere.
pub(crate) fn make_with(
    wanted: &Wanted,
    search: &Search,
    flags: &Flags,
    live: &Snapshot,
    output: Output,
) -> Result<Request> {
    let found = match wanted {
        Wanted::These(arches) => named(arches, search, output)?,
        Wanted::All => available(select::foreign(), search, output)?,
        Wanted::Default => available(
            select::foreign().filter(|a| !is_handled(a, live, output)),
            search,
            output,
        )?,
    };
    for (arch, emulator) in &found {
        native::check_emulator(arch, emulator)?;
    }
    Ok(Request::new(found, flags.clone()))
}

/// Each of these, or an error.
fn named(
    arches: &[&'static Arch],
    search: &Search,
    output: Output,
) -> Result<Vec<(&'static Arch, Emulator)>> {
    arches
        .iter()
        .map(|arch| {
            let found = search.find(arch)?;
            say_choice(arch, &found, search, output);
            Ok((*arch, found.emulator))
        })
        .collect()
}

/// Those of these that a fit emulator is installed for.
fn available(
    arches: impl Iterator<Item = &'static Arch>,
    search: &Search,
    output: Output,
) -> Result<Vec<(&'static Arch, Emulator)>> {
    let mut found = Vec::new();
    let mut last_miss = None;
    for arch in arches {
        match search.find(arch) {
            Ok(one) => {
                say_choice(arch, &one, search, output);
                found.push((arch, one.emulator));
            }
            Err(EmulatorError::NotFound { passed_over, .. }) if !passed_over.is_empty() => {
                for reason in &passed_over {
                    output.note(format!("Passed over for {}: {reason}", arch.display_name()));
                }
            }
            Err(error @ EmulatorError::NotFound { .. }) => {
                output.detail(format!("No emulator for {}", arch.display_name()));
                last_miss.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    match (found.is_empty(), last_miss) {
        (true, Some(error)) => Err(error.into()),
        _ => Ok(found),
    }
}

/// Whether somebody else's handler takes its programs already: then it is not
/// ours to register unless asked for by name.
fn is_handled(arch: &Arch, live: &Snapshot, output: Output) -> bool {
    let winner = live
        .enabled
        .then(|| replay::winner(live, &arch.sample_header(2, 0), ""))
        .flatten();
    match winner {
        Some(entry) if !entry.mark.is_ours() => {
            output.note(format!(
                "Left alone: {} is run by {} ({}, flags {}), which is somebody else's; to come before it: {}",
                arch.display_name(),
                entry.name,
                entry.interpreter.display(),
                entry.flags,
                Words::here().registering(arch.display_name())
            ));
            true
        }
        _ => false,
    }
}

fn registration(
    arch: &Arch,
    file: &Emulator,
    sha256: [u8; 32],
    version: &str,
    flags: &Flags,
) -> Result<Registration> {
    let pin = pin(file.file(), sha256, version)
        .with_context(|| format!("cannot look at {}", file.path().display()))?;
    Ok(Registration {
        name: arch.entry_name(),
        names: own::names(arch),
        pattern: arch.pattern(),
        interpreter: file.path().to_owned(),
        flags: flags.clone(),
        pin,
    })
}

/// The identity of a file, as an entry's mark keeps it.
fn pin(file: &std::fs::File, sha256: [u8; 32], version: &str) -> std::io::Result<Pin> {
    let metadata = file.metadata()?;
    Ok(Pin {
        sha256_prefix: sha256.first_chunk().copied().unwrap_or_default(),
        inode: metadata.ino(),
        ctime_ns: ctime_ns(&metadata),
        version: version.to_owned(),
    })
}

/// Time of a file's last change of status, nanoseconds since the epoch.
pub(crate) fn ctime_ns(metadata: &std::fs::Metadata) -> i64 {
    metadata
        .ctime()
        .saturating_mul(1_000_000_000)
        .saturating_add(metadata.ctime_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bug once: on Linux 5.10 nothing could be registered without a switch.
    #[test]
    fn flag_p_is_left_to_kernels_that_tell_of_it() {
        let on = |release| {
            let flags = flags_on(KernelVersion::parse(release), FlagSwitches::default());
            flags.to_string()
        };
        assert_eq!(on("5.10.0-36-cloud-amd64"), "OCF");
        assert_eq!(on("5.12.0"), "POCF");
        assert_eq!(on("6.12.57+deb13-cloud-amd64"), "POCF");
        let none = FlagSwitches {
            no_preserve_argv0: true,
            ..FlagSwitches::default()
        };
        assert_eq!(
            flags_on(KernelVersion::parse("6.1"), none).to_string(),
            "OCF"
        );
    }
}

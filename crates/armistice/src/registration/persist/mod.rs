//! `register --persist`: registrations that survive reboots. They also survive
//! `systemd-binfmt`, which empties the table and fills it again from `/etc/binfmt.d`, where
//! they have a file.
//!
//! Invariants: the emulators are copied, so that an upgrade or removal of the
//! distribution's package does not break the next boot; every file appears
//! whole ([`placed`]); an [`Installed`] that is dropped without
//! [`Installed::keep`] puts back what was there; the next run finds what a killed run
//! has left ([`mod@rules`]).

mod placed;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use armistice_binfmt::{BinfmtError, Flags, Locked, Registration, Table, is_outer};
use armistice_emulators::{Emulator, Remembered};

use crate::engine::file_name;
use crate::output::Output;
use crate::own;
use crate::parallel;
use crate::registration::live;
use crate::select::Wanted;
use placed::{Files, sweep, write_aside};
use rules::RulesFile;

/// Where the copies of the emulators live; searched by every `register`.
pub(crate) const COPIES: &str = "/usr/local/libexec/armistice";
/// One file for all entries. It sorts last, so that its entries come before those
/// that a distribution's file made.
const RULES: &str = "/etc/binfmt.d/zz-armistice.conf";
/// The program that applies binfmt.d files at boot.
const SYSTEMD_BINFMT: [&str; 2] = [
    "/usr/lib/systemd/systemd-binfmt",
    "/lib/systemd/systemd-binfmt",
];

/// What was persisted, that can still be taken back.
#[derive(Debug)]
pub(crate) struct Installed {
    files: Files,
    /// What our file says now.
    rules: RulesFile,
    /// The folder above the copies' was made by this run.
    made_folder: bool,
}

/// With what was written, the folders go that were made for it.
impl Drop for Installed {
    fn drop(&mut self) {
        drop(std::mem::take(&mut self.files));
        if self.made_folder {
            remove_folders(true);
        }
    }
}

/// An emulator that is to be copied.
#[derive(Debug)]
pub(crate) struct Original<'e> {
    pub(crate) path: &'e Path,
    /// The architecture's name.
    pub(crate) arch: &'e str,
    pub(crate) size: u64,
    /// Hexadecimal.
    pub(crate) sha256: &'e str,
}

impl Original<'_> {
    /// Where its copy lies.
    fn copy(&self) -> PathBuf {
        Path::new(COPIES).join(file_name(self.path, self.arch))
    }
}

/// Which of the copies are there already: the same bytes, with the same rights, as
/// this user's. What earlier runs found out of them is believed as long as the files
/// are the same.
fn already_there(emulators: &[Original<'_>]) -> Vec<bool> {
    let copies: Vec<Option<Emulator>> = emulators.iter().map(likely_copy).collect();
    let opened: Vec<Emulator> = copies
        .iter()
        .flatten()
        .filter_map(|copy| copy.try_clone().ok())
        .collect();
    let identities = Remembered::read().identify_all(&opened);
    let digest = |copy: &Emulator| {
        let mut known = opened.iter().zip(&identities);
        let (_, identity) = known.find(|(emulator, _)| emulator.id() == copy.id())?;
        Some(identity.as_ref().ok()?.sha256.to_string())
    };
    let same = |(original, copy): (&Original<'_>, &Option<Emulator>)| {
        copy.as_ref().and_then(digest).as_deref() == Some(original.sha256)
    };
    emulators.iter().zip(&copies).map(same).collect()
}

/// What may be a copy, by all that a look tells.
fn likely_copy(original: &Original<'_>) -> Option<Emulator> {
    let path = original.copy();
    let metadata = fs::symlink_metadata(&path).ok()?;
    let is_ours = metadata.is_file()
        && metadata.len() == original.size
        && metadata.mode() & 0o7777 == 0o755
        && metadata.uid() == rustix::process::geteuid().as_raw();
    is_ours.then(|| Emulator::open(&path).ok())?
}

/// Refuses early where nothing would read the files at boot, or another system
/// would than the one whose table it is.
pub(crate) fn check_possible() -> Result<()> {
    check_own()?;
    if SYSTEMD_BINFMT.iter().any(|p| Path::new(p).exists()) {
        return Ok(());
    }
    bail!(
        "cannot persist: this machine has no systemd-binfmt, which would read {RULES} at boot; \
         install systemd, or run `armistice guard` from your init system"
    )
}

/// Refuses to write or remove files of a system outside the caller's namespace.
fn check_own() -> Result<()> {
    let paths = [RULES, COPIES].map(Path::new);
    let Some(path) = paths.iter().find(|path| is_outer(path)) else {
        return Ok(());
    };
    bail!(
        "cannot persist: the table is this namespace's, but {} is the machine's outside it, which \
         would register at its next boot what was meant for here; leave --persist out",
        path.display()
    )
}

impl Installed {
    /// Nothing yet. What a killed run has left is swept first.
    ///
    /// # Errors
    /// Where our file is there and cannot be read.
    pub(crate) fn new() -> Result<Installed> {
        sweep_all();
        Ok(Installed {
            files: Files::default(),
            rules: RulesFile::read()?,
            made_folder: false,
        })
    }

    /// Copies emulators; their new paths come back. A copy that is there already, byte
    /// for byte, stays: it was written whole. All others are written side by side, since
    /// most of that is waiting for the disk, before any takes its place.
    ///
    /// # Errors
    /// Where one cannot be written whole; nothing of any stays.
    pub(crate) fn copy_emulators(&mut self, emulators: &[Original<'_>]) -> Result<Vec<PathBuf>> {
        let there = already_there(emulators);
        let missing: Vec<&Original<'_>> = emulators
            .iter()
            .zip(&there)
            .filter(|(_, there)| !**there)
            .map(|(original, _)| original)
            .collect();
        if !missing.is_empty() && shared_folder().is_some_and(|folder| !folder.exists()) {
            self.made_folder = true;
            self.write(RulesFile {
                made_folder: true,
                ..self.rules.clone()
            })?;
        }
        let written = parallel::map(&missing, 4 * parallel::cpus(), |original| {
            let from = original.path;
            let mut source =
                fs::File::open(from).with_context(|| format!("cannot read {}", from.display()))?;
            write_aside(&original.copy(), 0o755, |file| {
                io::copy(&mut source, file).map(drop)
            })
        });
        // Those that were written go when one was not.
        let written = written.into_iter().collect::<Result<Vec<_>>>()?;
        let copies: Vec<PathBuf> = emulators.iter().map(Original::copy).collect();
        self.write(self.rules.with_copies(copies.iter().cloned()))?;
        for (original, file) in missing.iter().zip(written) {
            self.files.put(&original.copy(), file)?;
        }
        Ok(copies)
    }

    /// Writes the rules: those of the file that are about other entries, and these.
    pub(crate) fn write_rules(&mut self, registrations: &[Registration]) -> Result<()> {
        self.write(self.rules.with(registrations)?)
    }

    /// They stay; copies that no rule names go: those of an engine that another
    /// took the place of.
    ///
    /// # Errors
    /// Where that cannot be; all that was registered stays.
    pub(crate) fn keep(mut self) -> Result<()> {
        std::mem::take(&mut self.files).keep();
        self.made_folder = false;
        self.forget_unnamed()
    }

    fn write(&mut self, rules: RulesFile) -> Result<()> {
        if rules != self.rules {
            let text = rules.text();
            self.files.place(Path::new(RULES), text.as_bytes(), 0o644)?;
            self.rules = rules;
        }
        Ok(())
    }

    fn forget_unnamed(&mut self) -> Result<()> {
        for copy in &self.rules.unnamed {
            match fs::remove_file(copy) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {}", copy.display()));
                }
                _ => {}
            }
        }
        self.write(RulesFile {
            unnamed: BTreeSet::new(),
            ..self.rules.clone()
        })?;
        std::mem::take(&mut self.files).keep();
        Ok(())
    }
}

/// Removes what killed runs have left beside the files.
fn sweep_all() {
    let folders = [Path::new(RULES).parent(), Some(Path::new(COPIES))];
    folders.into_iter().flatten().for_each(sweep);
}

/// Whether any of these is persisted.
pub(crate) fn is_persisted(wanted: &Wanted) -> bool {
    RulesFile::read().is_ok_and(|rules| {
        let mut names = rules.lines.iter().map(|(name, _)| name);
        names.any(|name| names_one_of(name, wanted))
    })
}

/// Undoes `register --persist` for these: rules and copies go, and what a killed
/// run has left of any.
pub(crate) fn undo(wanted: &Wanted, output: Output) -> Result<()> {
    let table = live::readable().ok();
    let _alone = alone(table.as_ref(), output)?;
    let rules = RulesFile::read()?;
    let (going, staying): (Vec<_>, Vec<_>) = rules
        .lines
        .iter()
        .cloned()
        .partition(|(n, _)| names_one_of(n, wanted));
    if going.is_empty() && rules.unnamed.is_empty() {
        output.note("Nothing was persisted.");
        if check_own().is_ok() {
            sweep_all();
            remove_what_is_empty()?;
        }
        return Ok(());
    }
    check_own()?;
    let mut installed = Installed::new()?;
    installed.write(rules.with_lines(staying))?;
    installed.keep()?;
    remove_what_is_empty()?;
    for (name, _) in &going {
        output.report(format!("No longer persisted: {name}"));
    }
    Ok(())
}

/// Keeps other runs from writing the same files, where there is a table whose lock
/// can be had. Without a table nobody can register.
fn alone<'t>(table: Option<&'t Table>, output: Output) -> Result<Option<Locked<'t>>> {
    let busy =
        |error: &anyhow::Error| matches!(error.downcast_ref(), Some(BinfmtError::Busy { .. }));
    match table.map(|table| own::lock(table, output)) {
        Some(Err(error)) if busy(&error) => Err(error),
        lock => Ok(lock.and_then(Result::ok)),
    }
}

/// The folders that were made for the copies, if nothing is in them, and our file,
/// where it says nothing any more.
fn remove_what_is_empty() -> Result<()> {
    let rules = RulesFile::read()?;
    if !rules.is_empty() {
        return Ok(());
    }
    remove_folders(rules.made_folder);
    match fs::remove_file(RULES) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {RULES}"))
        }
        _ => Ok(()),
    }
}

/// The copies' folder, and the one above it where that is ours; best effort, and only
/// if nothing is in them.
fn remove_folders(above: bool) {
    let _ = fs::remove_dir(COPIES);
    if let Some(folder) = shared_folder().filter(|_| above) {
        let _ = fs::remove_dir(folder);
    }
}

/// The folder above the copies', which others use, too.
fn shared_folder() -> Option<&'static Path> {
    Path::new(COPIES).parent()
}

/// A rule of our file.
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) interpreter: PathBuf,
    pub(crate) flags: Flags,
}

/// What the rules of our file register at boot.
pub(crate) fn rules() -> Result<Vec<Rule>> {
    let read = |(name, line): (String, String)| {
        let delimiter = line.chars().next()?;
        let mut fields = line.split(delimiter).skip(6);
        Some(Rule {
            name,
            interpreter: PathBuf::from(fields.next()?),
            flags: Flags::parse(fields.next().unwrap_or_default()),
        })
    };
    Ok(RulesFile::read()?
        .lines
        .into_iter()
        .filter_map(read)
        .collect())
}

fn names_one_of(name: &str, wanted: &Wanted) -> bool {
    armistice_arch::ARCHES
        .iter()
        .any(|a| wanted.includes(a) && own::names(a).iter().any(|own| own == name))
}

/// Where binfmt.d files lie, the strongest first (binfmt.d(5)).
const FOLDERS: [&str; 4] = [
    "/etc/binfmt.d",
    "/run/binfmt.d",
    "/usr/local/lib/binfmt.d",
    "/usr/lib/binfmt.d",
];

/// The names that other programs' binfmt.d files register at each boot.
pub(crate) fn names_of_others() -> Vec<String> {
    // Of files of one name only that in the strongest folder counts.
    let mut files: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for folder in FOLDERS {
        for file in fs::read_dir(folder).into_iter().flatten().flatten() {
            files.entry(file.file_name()).or_insert(file.path());
        }
    }
    let conf = |path: &&PathBuf| path.extension().is_some_and(|end| end == "conf");
    files
        .values()
        .filter(conf)
        .filter(|path| *path != Path::new(RULES))
        .filter_map(|path| fs::read_to_string(path).ok())
        .flat_map(|text| rules::lines_of(&text))
        .map(|(name, _)| name)
        .collect()
}

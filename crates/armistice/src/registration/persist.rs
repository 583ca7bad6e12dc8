//! `register --persist`: registrations that survive reboots, and the emptying
//! of the table by `systemd-binfmt`, whose folder `/etc/binfmt.d` they join.
//!
//! Invariants: the emulators are copied, so that an upgrade or removal of the
//! distribution's package does not break the next boot; every file appears
//! whole (written aside, synced, renamed); an [`Installed`] that is dropped
//! without [`Installed::keep`] puts back what was there.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use armistice_binfmt::{Flags, Registration, is_outer};
use armistice_emulators::{Emulator, Remembered};
use tempfile::NamedTempFile;

use crate::engine::file_name;
use crate::output::Output;
use crate::own;
use crate::parallel;
use crate::select::Wanted;

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

/// A file put in place, with what it took the place of.
#[derive(Debug)]
struct Placed {
    path: PathBuf,
    old: Option<PathBuf>,
}

/// Files put in place that can still be taken back.
#[derive(Debug, Default)]
pub(crate) struct Installed {
    placed: Vec<Placed>,
    /// Copies that no rule names any more: an engine that another took the place of.
    superseded: Vec<PathBuf>,
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
        for (original, file) in missing.iter().zip(written) {
            self.put(&original.copy(), file)?;
        }
        Ok(emulators.iter().map(Original::copy).collect())
    }

    /// Writes the rules: those of the file that are about other entries, and these.
    pub(crate) fn write_rules(&mut self, registrations: &[Registration]) -> Result<()> {
        let mut rules = read_rules()?;
        let before: Vec<PathBuf> = rules.iter().filter_map(|(_, line)| copy_of(line)).collect();
        for registration in registrations {
            rules.retain(|(name, _)| !registration.is_called(name));
            rules.push((registration.name.clone(), registration.line()?));
        }
        let named = |copy: &PathBuf| {
            rules
                .iter()
                .any(|(_, line)| copy_of(line).as_ref() == Some(copy))
        };
        self.superseded = before.into_iter().filter(|copy| !named(copy)).collect();
        let text = rules_text(&rules);
        if fs::read_to_string(RULES).is_ok_and(|now| now == text) {
            return Ok(());
        }
        self.place(Path::new(RULES), text.as_bytes(), 0o644)
    }

    /// They stay.
    pub(crate) fn keep(mut self) {
        let old = std::mem::take(&mut self.placed)
            .into_iter()
            .filter_map(|placed| placed.old);
        for file in old.chain(std::mem::take(&mut self.superseded)) {
            // Best effort: a leftover copy does no harm.
            let _ = fs::remove_file(file);
        }
    }

    fn place(&mut self, path: &Path, content: &[u8], mode: u32) -> Result<()> {
        self.put(
            path,
            write_aside(path, mode, |file| file.write_all(content))?,
        )
    }

    /// Gives what was written aside its name.
    fn put(&mut self, path: &Path, file: NamedTempFile) -> Result<()> {
        let failed = || unwritten(path);
        let old = path.with_extension("armistice-old");
        let _ = fs::remove_file(&old);
        // A second name for what is there, so that the first is never missing.
        let had = match fs::hard_link(path, &old) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).with_context(failed),
        };
        let placed = Placed {
            path: path.to_owned(),
            old: had.then_some(old),
        };
        match file.persist(path) {
            Ok(_) => {
                self.placed.push(placed);
                Ok(())
            }
            Err(error) => {
                placed.old.iter().for_each(|old| drop(fs::remove_file(old)));
                Err(error.error).with_context(failed)
            }
        }
    }
}

fn unwritten(path: &Path) -> String {
    format!("cannot write {}; nothing was changed", path.display())
}

/// Writes a file beside its place, whole and synced. Folders that are missing are
/// made so that everybody may read what is in them, whatever the umask is.
fn write_aside(
    path: &Path,
    mode: u32,
    fill: impl FnOnce(&mut fs::File) -> io::Result<()>,
) -> Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let write = || -> io::Result<NamedTempFile> {
        make_folder(folder)?;
        let mut file = tempfile::Builder::new()
            .prefix(".armistice")
            .tempfile_in(folder)?;
        fill(file.as_file_mut())?;
        file.as_file()
            .set_permissions(fs::Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    write().with_context(|| unwritten(path))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    folder.parent().map_or(Ok(()), make_folder)?;
    match fs::create_dir(folder) {
        Ok(()) => fs::set_permissions(folder, fs::Permissions::from_mode(0o755)),
        // Another thread was first.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        for placed in self.placed.drain(..).rev() {
            // What was there goes back; failures have nobody left to hear them.
            let _ = match placed.old {
                Some(old) => fs::rename(old, &placed.path),
                None => fs::remove_file(&placed.path),
            };
        }
    }
}

/// Whether any of these is persisted.
pub(crate) fn is_persisted(wanted: &Wanted) -> bool {
    read_rules().is_ok_and(|rules| rules.iter().any(|(name, _)| names_one_of(name, wanted)))
}

/// Undoes `register --persist` for these: rules and copies go.
pub(crate) fn undo(wanted: &Wanted, output: Output) -> Result<()> {
    let (going, staying): (Vec<_>, Vec<_>) = read_rules()?
        .into_iter()
        .partition(|(n, _)| names_one_of(n, wanted));
    if going.is_empty() {
        output.note("Nothing was persisted.");
        return Ok(());
    }
    check_own()?;
    if staying.is_empty() {
        fs::remove_file(RULES).with_context(|| format!("cannot remove {RULES}"))?;
    } else {
        let mut installed = Installed::default();
        installed.place(Path::new(RULES), rules_text(&staying).as_bytes(), 0o644)?;
        installed.keep();
    }
    for (name, line) in &going {
        if let Some(copy) = copy_of(line) {
            match fs::remove_file(&copy) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {}", copy.display()));
                }
                _ => {}
            }
        }
        output.report(format!("No longer persisted: {name}"));
    }
    // Folders that were made for the copies, only if they are empty.
    for folder in Path::new(COPIES).ancestors().take(2) {
        let _ = fs::remove_dir(folder);
    }
    Ok(())
}

/// The rules in our file, by entry name; none where there is no file.
fn read_rules() -> Result<Vec<(String, String)>> {
    let text = match fs::read_to_string(RULES) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {RULES}")),
    };
    Ok(rules_of(&text))
}

/// The rules of a binfmt.d file, by entry name.
fn rules_of(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter(|l| !l.trim().is_empty() && !l.starts_with(['#', ';']))
        .filter_map(|line| {
            let delimiter = line.chars().next()?;
            let name = line[delimiter.len_utf8()..].split(delimiter).next()?;
            Some((name.to_owned(), line.to_owned()))
        })
        .collect()
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
    Ok(read_rules()?.into_iter().filter_map(read).collect())
}

/// The copy that a rule is about: its interpreter, where that is one of ours.
fn copy_of(line: &str) -> Option<PathBuf> {
    let delimiter = line.chars().next()?;
    // Behind the first delimiter: name, type, offset, magic, mask, interpreter.
    let interpreter = PathBuf::from(line.split(delimiter).nth(6)?);
    (interpreter.parent() == Some(Path::new(COPIES))).then_some(interpreter)
}

fn rules_text(rules: &[(String, String)]) -> String {
    let mut text = String::from(
        "# Written by `armistice register --persist`; undo: armistice unregister --persist\n\
         # Format: binfmt.d(5)\n",
    );
    for (_, line) in rules {
        text.push_str(line);
        text.push('\n');
    }
    text
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
        .flat_map(|text| rules_of(&text))
        .map(|(name, _)| name)
        .collect()
}

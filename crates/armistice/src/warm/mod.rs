//! Translations before they are needed: what is usual in an image or a root folder runs once
//! in a container, what ran is translated, and lies behind a copy of the engine then.
//! docs/kept-design.md says why so.
//!
//! Invariant: in the container that notes what runs, the image's programs can write
//! notes and nothing else; in the container in which they are translated, none of the image's
//! programs runs.

pub(crate) mod folder;
pub(crate) mod missing;
mod training;
mod whose;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use armistice_arch::{Arch, Platform};
use armistice_emulators::{Emulator, Engine, identify_open};

use crate::cli::Emulators;
use crate::obtain::Given;
use crate::outcome::{OWN_FAILURE, Usage};
use crate::output::{Output, quoted};
use crate::registration::request;
use folder::Made;
use missing::OnlyOwn;
use whose::Item;

/// One of our engines, which all can be baked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Guest {
    /// What it runs.
    arch: &'static str,
    /// Its name.
    pub(crate) engine: &'static str,
    /// What it runs, as a platform.
    platform: &'static str,
}

/// All of our engines.
pub(crate) const GUESTS: [Guest; 2] = [
    Guest {
        arch: "aarch64",
        engine: "armistice-aarch64",
        platform: "linux/arm64",
    },
    Guest {
        arch: "arm",
        engine: "armistice-arm",
        platform: "linux/arm/v7",
    },
];

impl Guest {
    /// The guest whose programs an architecture's or a platform's are.
    ///
    /// # Errors
    /// Where none of our engines runs them.
    pub(crate) fn of(name: &str) -> Result<Self> {
        let arch = armistice_arch::name::find(name).ok();
        let found = GUESTS
            .into_iter()
            .find(|guest| arch.is_some_and(|arch| arch.name == guest.arch));
        found
            .ok_or_else(|| Usage(format!("{}, not for {}", whose::kept_for(), quoted(name))).into())
    }

    /// Whether its engine runs a platform's programs.
    fn runs(&self, platform: &Platform) -> bool {
        platform.arch().is_some_and(|arch| arch.name == self.arch)
    }
}

/// Inside.
const INSIDE: &str = "/armistice-warm";
/// How long all lessons of an image may take.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A guest's engine as it comes, without translations.
///
/// # Errors
/// Where it is not found.
pub(crate) fn engine(guest: Guest, emulators: &Emulators) -> Result<Emulator> {
    let mut search = request::search(emulators);
    search.baked.clear();
    search.engine = Engine::Armistice;
    let arch = Arch::by_name(guest.arch).context("an architecture of ours")?;
    Ok(search.find(arch).map_err(OnlyOwn)?.emulator)
}

/// Makes baked engines of what runs in these images, root folders and archives, in the place of
/// those that are there: of each engine whose programs they have. Of several platforms of an image
/// these are taken, if any are asked for.
///
/// # Errors
/// Where something is missing, or none of the programs that are taught is there.
pub(crate) fn warm(
    what: &[String],
    platforms: &[&str],
    emulators: &Emulators,
    output: Output,
) -> Result<Vec<PathBuf>> {
    if matches!(emulators.engine, Some(crate::cli::Engine::Qemu)) {
        bail!(Usage(
            "QEMU keeps no translations; leave --engine out".to_owned()
        ));
    }
    check(what)?;
    let mut items = Vec::new();
    for what in what {
        items.extend(whose::items(what, platforms, output)?);
    }
    let of = |guest: &Guest| items.iter().filter(|i| i.guest == *guest).collect();
    let lots = GUESTS.map(|guest| (guest, of(&guest)));
    let lots = lots
        .iter()
        .filter(|(_, items): &&(_, Vec<_>)| !items.is_empty());
    lots.map(|(guest, items)| bake(*guest, items, emulators, output))
        .collect()
}

/// Makes a guest's baked engine of what runs in these.
fn bake(guest: Guest, items: &[&Item], emulators: &Emulators, output: Output) -> Result<PathBuf> {
    let engine = engine(guest, emulators)?;
    let place = folder::own()?;
    folder::make(&place)?;
    let work = tempfile::tempdir().context("cannot make a folder for what is learned")?;
    let [programs, notes, made] = ["programs", "notes", "made"].map(|name| work.path().join(name));
    for folder in [&programs, &notes, &made] {
        fs::create_dir(folder)?;
    }
    fs::copy(engine.proc_path(), programs.join("engine"))
        .with_context(|| format!("cannot copy {}", engine.path().display()))?;
    for item in items {
        let container = Container {
            emulators,
            item,
            programs: &programs,
            output,
        };
        output.note(format!(
            "Running what is usual in {} ...",
            quoted(&item.what)
        ));
        container.learn(&notes)?;
        container.translate(&notes, &made)?;
    }
    let baked = place.join(guest.engine);
    let done = Command::new(programs.join("engine"))
        .arg("--bake")
        .arg(made.join("translations"))
        .arg(&baked)
        .output()
        .context("the engine can't be started")?;
    if !done.status.success() {
        bail!("{}", String::from_utf8_lossy(&done.stderr).trim());
    }
    let of = items.iter().map(|item| item.what.clone()).collect();
    let sha256 = digest(&baked)?;
    folder::write(&place, guest, &Made { of, sha256 })?;
    Ok(baked)
}

/// Whether all can be what is meant to be warmed: a wrong word is told before the first image is
/// run, which takes long.
///
/// # Errors
/// For the first that can't be.
fn check(what: &[String]) -> Result<()> {
    let wrong = |text: &String| Given::parse(text).err();
    what.iter().find_map(wrong).map_or(Ok(()), Err)
}

/// An emulator's digest.
pub(crate) fn digest(path: &Path) -> Result<String> {
    let file = fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    Ok(identify_open(&file, path)?.sha256.to_string())
}

/// The containers of an image.
struct Container<'a> {
    emulators: &'a Emulators,
    item: &'a Item,
    programs: &'a Path,
    output: Output,
}

impl Container<'_> {
    /// The image's programs run, and what runs is noted.
    fn learn(&self, notes: &Path) -> Result<()> {
        let notes_inside = format!("{INSIDE}/notes/notes");
        let command = [
            &format!("{INSIDE}/programs/engine"),
            "--learn",
            &notes_inside,
            "/bin/sh",
            "-c",
            &training::script(),
        ];
        let status = self.run(&[(notes, "notes", "rw")], &command)?;
        if !notes.join("notes").exists() {
            bail!(
                "nothing of {} could be run ({status}); it needs a /bin/sh for {}",
                quoted(&self.item.what),
                self.platform()
            );
        }
        Ok(())
    }

    /// What was noted is translated, of the image's files.
    fn translate(&self, notes: &Path, made: &Path) -> Result<()> {
        let folders = [(notes, "notes", "ro"), (made, "made", "rw")];
        let [engine, from, to] = ["programs/engine", "notes/notes", "made/translations"]
            .map(|name| format!("{INSIDE}/{name}"));
        let status = self.run(&folders, &[&engine, "--translate", &from, &to])?;
        fs::remove_file(notes.join("notes"))?;
        if status != 0 {
            bail!(
                "what ran in {} can't be translated",
                quoted(&self.item.what)
            );
        }
        Ok(())
    }

    /// Whose programs run.
    fn platform(&self) -> &str {
        let guests = self.item.guest.platform;
        self.item.platform.as_deref().unwrap_or(guests)
    }

    /// Runs a command in a container with these folders: its exit code.
    fn run(&self, folders: &[(&Path, &str, &str)], command: &[&str]) -> Result<i32> {
        let mut run = Command::new("/proc/self/exe");
        run.args(["--quiet", "run", "--network", "none"]);
        run.env_remove("DOCKER_DEFAULT_PLATFORM");
        if let Some(platform) = &self.item.platform {
            run.args(["--platform", platform]);
        }
        run.args(["--user", "0", "--entrypoint", "", "--no-cache"]);
        for dir in &self.emulators.dirs {
            run.arg("--emulator-dir").arg(dir);
        }
        let programs = (self.programs, "programs", "ro");
        for (folder, name, mode) in folders.iter().chain([&programs]) {
            let folder = folder.to_str().context("the folder for temporary files")?;
            run.args(["-v", &format!("{folder}:{INSIDE}/{name}:{mode}")]);
        }
        run.arg(&self.item.what).args(command).stdin(Stdio::null());
        if !self.output.is_verbose() {
            run.stdout(Stdio::null());
        }
        let mut child = run.spawn().context("a container can't be started")?;
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait()? {
                let code = status.code().unwrap_or(-1);
                if code == i32::from(OWN_FAILURE) {
                    // The container's own error says why.
                    let what = quoted(&self.item.what);
                    bail!("{what} can't be run for {}", self.platform());
                }
                return Ok(code);
            }
            if Instant::now() > end {
                let _ = child.kill();
                let _ = child.wait();
                bail!("what runs in {} does not end", quoted(&self.item.what));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_word_is_told_before_anything_runs() {
        let words = |words: &[&str]| {
            words
                .iter()
                .map(|&word| word.to_owned())
                .collect::<Vec<_>>()
        };
        assert!(check(&words(&["debian:trixie", "/", "alpine"])).is_ok());
        for wrong in ["Debian", "/does/not/exist", "docker://debian", "a b"] {
            let error = check(&words(&["debian:trixie", wrong, "alpine"]));
            assert!(error.is_err(), "{wrong}");
        }
    }
}

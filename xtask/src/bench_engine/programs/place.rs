//! The two userlands, and what items find in `/mnt` there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use e2e::{DebianRoot, Done, product};

use super::items::{DEBS, Item, PACKAGES, RELEASE, Run, SOURCES};
use crate::guest::{Arch, Guest};
use crate::measured::Cost;
use crate::setup;
use crate::step::run;

/// Who runs the items.
pub(super) struct Candidate {
    pub(super) name: &'static str,
    /// None: the machine itself, in the userland of its own architecture.
    pub(super) emulator: Option<PathBuf>,
    /// Variables, as `env` wants them.
    pub(super) variables: &'static [&'static str],
}

/// What a run printed, and what it cost.
pub(super) type Outcome = Result<(String, Cost), String>;

/// Debian for both architectures of a guest.
pub(super) struct Userlands {
    native: DebianRoot,
    foreign: DebianRoot,
    folder: PathBuf,
    /// Seen at `/mnt`.
    inputs: PathBuf,
    /// A copy of this program, so that building it meanwhile takes nothing away.
    measures: PathBuf,
}

impl Userlands {
    /// Made where an earlier run has not: takes a quarter of an hour.
    pub(super) fn make(guest: Guest, folder: &Path, engine: &Path) -> Result<Self> {
        let measures = folder.join("measures");
        let _ = std::fs::remove_file(&measures);
        std::fs::copy("/proc/self/exe", &measures)?;
        let inputs = folder.join("inputs");
        make_inputs(guest, &inputs, folder)?;
        let make = |arch: Arch, emulator: Option<&Path>| {
            let as_it_is = |_: &Path| anyhow::Ok(());
            let (name, folder) = (arch.name(), folder.join(arch.name()));
            DebianRoot::keep(name, &folder, RELEASE, PACKAGES, emulator, as_it_is)
        };
        Ok(Self {
            native: make(guest.native(), None),
            foreign: make(guest.own(), Some(engine)),
            folder: folder.to_owned(),
            inputs,
            measures,
        })
    }

    /// The sources of all packages; they have to be the same in both.
    pub(super) fn same_versions(&self) -> Result<()> {
        let mut ask = vec![
            "dpkg-query",
            "--showformat=${Package} ${source:Version}\n",
            "--show",
        ];
        ask.extend(PACKAGES);
        let [native, foreign] =
            [&self.native, &self.foreign].map(|root| root.run(&self.inputs, &ask).ok().stdout);
        if native != foreign {
            bail!("the two userlands differ in versions:\n{native}\n{foreign}");
        }
        Ok(())
    }

    /// Runs an item once.
    pub(super) fn run(&self, candidate: &Candidate, item: &Item) -> Result<Outcome> {
        let root = match candidate.emulator {
            None => &self.native,
            Some(_) => &self.foreign,
        };
        let (times, command) = command(item);
        let cost = self.folder.join("cost");
        let _ = std::fs::remove_file(&cost);
        let (file, times) = (text(&cost)?, times.to_string());
        let mut by = vec!["env"];
        by.extend(candidate.variables);
        by.extend([text(&self.measures)?, "measured", file, &times]);
        let done = root.run_by(candidate.emulator.as_deref(), &self.inputs, &by, &command);
        if !done.status.success() {
            return Ok(Err(format!(
                "{}; {}",
                done.status,
                last_lines(&done.stderr)
            )));
        }
        let cost = Cost::parse(&std::fs::read_to_string(&cost)?)?;
        Ok(Ok((done.stdout, cost)))
    }

    /// Runs an item once on an engine, started by hand: `by` is the engine's path inside, with
    /// options.
    pub(super) fn run_by_hand(&self, engine: &Path, by: &[&str], item: &Item) -> Done {
        let (_, words) = command(item);
        let command: Vec<&str> = by.iter().copied().chain(words).collect();
        self.run_inside(engine, &command)
    }

    /// Runs a command in the engine's userland.
    pub(super) fn run_inside(&self, engine: &Path, command: &[&str]) -> Done {
        self.foreign.run_on(Some(engine), &self.inputs, command)
    }

    /// A folder that is in `/mnt` inside, and its name there.
    pub(super) fn shared(&self, name: &str) -> Result<(PathBuf, String)> {
        let folder = self.inputs.join(name);
        std::fs::create_dir_all(&folder)?;
        Ok((folder, format!("/mnt/{name}")))
    }
}

/// What is started for an item, and how often.
fn command(item: &Item) -> (u32, Vec<&'static str>) {
    match item.run {
        Run::Times(times, words) => (times, words.to_vec()),
        Run::Shell(line) => (1, vec!["/usr/bin/env", "-C", "/mnt", "/bin/sh", "-c", line]),
    }
}

/// For a list of words.
fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is no UTF-8", path.display()))
}

/// What a program said at its end.
fn last_lines(said: &str) -> String {
    let lines: Vec<&str> = said.lines().rev().take(3).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("; ")
}

/// What both see: made anew each time, of what is fetched once.
fn make_inputs(guest: Guest, inputs: &Path, folder: &Path) -> Result<()> {
    let _ = std::fs::remove_dir_all(inputs);
    std::fs::create_dir_all(inputs)?;
    unpack_sources(inputs, &folder.join("sources"))?;
    for architecture in guest.both().map(Arch::name) {
        let to = inputs.join("packages").join(architecture);
        std::fs::create_dir_all(&to)?;
        let from = folder.join(format!("{architecture}-packages"));
        fetch_packages(&to, &from, architecture)?;
    }
    let programs = product::workspace().join("benches/programs");
    run(Command::new("sh")
        .args([
            "-ec",
            r#"cp "$1"/* "$2"; exec sh "$2/inputs.sh" "$2""#,
            "sh",
        ])
        .arg(programs)
        .arg(inputs))
}

fn unpack_sources(inputs: &Path, from: &Path) -> Result<()> {
    if !from.join("done").exists() {
        let apt = setup::lists(from, "deb-src", RELEASE)?;
        let mut fetch = vec!["source", "--download-only", "--tar-only"];
        fetch.extend(SOURCES);
        apt.get(&fetch)?;
        std::fs::write(from.join("done"), "")?;
    }
    for source in SOURCES {
        let to = inputs.join(source);
        std::fs::create_dir(&to)?;
        run(Command::new("sh")
            .args([
                "-ec",
                r#"tar --extract --strip-components=1 --directory "$1" --file "$2"_*.orig.tar.?z"#,
                "sh",
            ])
            .arg(&to)
            .arg(from.join(source)))?;
    }
    Ok(())
}

fn fetch_packages(to: &Path, from: &Path, architecture: &str) -> Result<()> {
    if !from.join("done").exists() {
        let apt = setup::lists_for(from, "deb", RELEASE, &[architecture])?;
        // Those for all architectures have no other name.
        let of = |name: &&str| match ALL.contains(name) {
            true => (*name).to_owned(),
            false => format!("{name}:{architecture}"),
        };
        let names: Vec<String> = DEBS.iter().map(of).collect();
        let mut fetch = vec!["download"];
        fetch.extend(names.iter().map(String::as_str));
        apt.get(&fetch)?;
        std::fs::write(from.join("done"), "")?;
    }
    run(Command::new("sh")
        .args(["-ec", r#"cp "$1"/*.deb "$2""#, "sh"])
        .arg(from)
        .arg(to))
}

/// Of [`DEBS`], those that are the same for all architectures.
const ALL: &[&str] = &["adduser", "sensible-utils"];

//! The release's binaries: of what is committed, exported to a folder, with no
//! name of a folder of this machine in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::step::{git, run};

/// What was built.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) source: PathBuf,
    pub(crate) command: PathBuf,
    /// In the order of [`product::ENGINES`].
    pub(crate) engines: [PathBuf; 2],
}

/// Exports a commit and builds it. `ARMISTICE_BIN` names a command that was built
/// elsewhere; then only the source is exported.
pub(crate) fn build(work: &Path, commit: &str, epoch: u64) -> Result<Built> {
    let source = work.join("source");
    export(commit, &source)?;
    if let Some(given) = std::env::var_os("ARMISTICE_BIN") {
        let command = PathBuf::from(given);
        let engines = product::engines_of(&command).context("an engine is not beside it")?;
        return Ok(Built {
            source,
            command,
            engines,
        });
    }
    let target = work.join("target");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo)
        .args(["build", "--release", "--locked"])
        .args(["--package", "armistice", "--package", "armistice-engine"])
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(&source, &target)?)
        .env("SOURCE_DATE_EPOCH", epoch.to_string()))?;
    let release = target.join("x86_64-unknown-linux-gnu/release");
    let built = Built {
        source,
        command: release.join("armistice"),
        engines: product::ENGINES.map(|name| release.join(name)),
    };
    for binary in std::iter::once(&built.command).chain(&built.engines) {
        names_no_folder(binary, work)?;
    }
    Ok(built)
}

/// Those of `.cargo/config.toml`, which this variable takes the place of, and
/// other names for the folders that differ from machine to machine.
fn flags(source: &Path, target: &Path) -> Result<String> {
    let home = match std::env::var_os("CARGO_HOME") {
        Some(given) => PathBuf::from(given),
        None => PathBuf::from(std::env::var_os("HOME").context("neither CARGO_HOME nor HOME")?)
            .join(".cargo"),
    };
    let map = |from: &Path, to: &str| format!("--remap-path-prefix={}={to}", from.display());
    Ok([
        "-Ctarget-feature=+crt-static".to_owned(),
        map(source, "/armistice"),
        map(target, "/target"),
        map(&home, "/cargo"),
    ]
    .join("\x1f"))
}

fn names_no_folder(binary: &Path, work: &Path) -> Result<()> {
    let content = fs::read(binary).with_context(|| format!("reading {}", binary.display()))?;
    let name = work.as_os_str().as_encoded_bytes();
    if content.windows(name.len()).any(|part| part == name) {
        bail!("{} names the folder it was built in", binary.display());
    }
    Ok(())
}

/// What is committed, in an empty folder.
fn export(commit: &str, to: &Path) -> Result<()> {
    let dirty = git(&["status", "--porcelain", "--untracked-files=no"])?;
    if !dirty.trim().is_empty() {
        println!("Not committed, and so not in the release:\n{dirty}");
    }
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    let mut archive = Command::new("git")
        .args(["archive", commit])
        .current_dir(product::workspace())
        .stdout(Stdio::piped())
        .spawn()
        .context("can't start git")?;
    let stream = archive.stdout.take().context("git's output")?;
    let unpacked = Command::new("tar")
        .args(["--extract", "--directory"])
        .arg(to)
        .stdin(stream)
        .status()
        .context("can't start tar")?;
    if !archive.wait()?.success() || !unpacked.success() {
        bail!("git archive failed");
    }
    Ok(())
}

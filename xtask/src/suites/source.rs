//! A checkout of a suite that is nowhere packaged, which the caller names by
//! `--source`. It is copied before anything is built in it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::step::run;

/// Replaces what is there.
pub(super) fn copy(checkout: &Path, to: &Path) -> Result<()> {
    let _ = std::fs::remove_dir_all(to);
    run(Command::new("cp")
        .args([
            "--recursive",
            "--no-target-directory",
            "--preserve=mode,timestamps,links",
        ])
        .args([checkout, to]))
}

/// The commit.
pub(super) fn version(checkout: &Path) -> Result<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(checkout)
        .args(["rev-parse", "--short=12", "HEAD"])
        .output()
        .context("can't start git")?;
    if !output.status.success() {
        bail!("{} is no checkout of a git repository", checkout.display());
    }
    let commit = String::from_utf8(output.stdout)?;
    Ok(format!("commit {}", commit.trim()))
}

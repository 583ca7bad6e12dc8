//! Runs commands in sight of the user: the line first, then what it prints.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use e2e::command::line_of;
use e2e::{need, product};

/// Cargo, in the workspace.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(product::workspace());
    command
}

/// Prints a command and runs it; an exit code other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = line_of(command);
    println!("\n$ {line}");
    let started = Instant::now();
    let status = command
        .status()
        .with_context(|| format!("can't start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    println!("({:.1} s)", started.elapsed().as_secs_f32());
    Ok(())
}

/// Lets cargo build as this user, and run what it built as root.
pub(crate) fn as_root(cargo: &mut Command) {
    if rustix::process::geteuid().is_root() {
        return;
    }
    if let Some(sudo) = need::find("sudo") {
        let runner = format!("{} --preserve-env", sudo.display());
        cargo.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner);
    }
}

/// The engine, brought up to date.
pub(crate) fn engine() -> Result<PathBuf> {
    run(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "armistice-engine",
    ]))?;
    Ok(product::target_dir().join("x86_64-unknown-linux-gnu/release/armistice-aarch64"))
}

/// Builds the static binary, and the engine beside it; the former's path.
/// `ARMISTICE_BIN` names one that was built elsewhere, out of a package for
/// instance.
pub(crate) fn build() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("ARMISTICE_BIN") {
        return Ok(PathBuf::from(given));
    }
    run(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "armistice",
        "--package",
        "armistice-engine",
    ]))?;
    Ok(product::target_dir().join("x86_64-unknown-linux-gnu/release/armistice"))
}

/// What git says in the workspace.
pub(crate) fn git(args: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(args)
        .current_dir(product::workspace())
        .output()
        .context("can't start git")?;
    if !output.status.success() {
        bail!(
            "git {} failed in the workspace: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}

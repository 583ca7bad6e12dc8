//! `cargo xtask dist`: what a release consists of, in `target/dist`.
//!
//! | file | what |
//! | --- | --- |
//! | `armistice-V-x86_64-linux.tar.gz` | command, engines, man page, completions, licences |
//! | `armistice_V_amd64.deb` | the Debian package |
//! | `armistice-V-image.tar` | the container image: command and engines |
//! | `armistice-V.cdx.json`, `armistice-aarch64-V.cdx.json`, `armistice-arm-V.cdx.json` | what each binary is made of (CycloneDX) |
//! | `SHA256SUMS` | for `sha256sum -c` |
//!
//! Everything is made of what is committed, exported to a folder of its own.
//! Invariant: the same commit and compiler give the same bytes, in whatever
//! folder; `--check` builds a second time elsewhere and compares. QEMU is in
//! nothing of it: its licence (GPL) asks whoever passes it on for its source, so
//! users build an image with QEMU themselves (`armistice image build`).

mod build;
mod sbom;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::deb::{epoch, generated, gzip};
use crate::step::{git, run};
use crate::{deb, setup};
use build::Built;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// How to say what is wanted.
pub(crate) const USAGE: &str = "dist [--check]";

/// Makes a release; with `--check` twice, and compares.
///
/// # Errors
/// Where a part cannot be made, or differs the second time.
pub(crate) fn dist(args: &[&str]) -> Result<()> {
    let check = match *args {
        [] => false,
        ["--check"] => true,
        _ => bail!("usage: cargo xtask {USAGE}"),
    };
    let cyclonedx = setup::cargo_cyclonedx()?;
    let out = product::target_dir().join("dist");
    let work = product::target_dir().join("dist-work");
    let epoch = epoch()?;
    // Named once: a commit that is made meanwhile is not in the second build either.
    let commit = git(&["rev-parse", "HEAD"])?;
    let commit = commit.trim();
    make(&work.join("one"), &out, commit, epoch, &cyclonedx)?;
    if check {
        // Another folder, of another length.
        let again = work.join("another/folder");
        let second = work.join("second");
        make(&again, &second, commit, epoch, &cyclonedx)?;
        compare(&out, &second)?;
        println!("\nBuilt twice, in two folders: the same to the byte.");
    }
    println!("\nIn {}:\n{}", out.display(), sums(&out)?);
    Ok(())
}

/// One release, of what is built in one folder.
fn make(work: &Path, out: &Path, commit: &str, epoch: u64, cyclonedx: &Path) -> Result<()> {
    fresh(out)?;
    let built = build::build(work, commit, epoch)?;
    for (name, text) in sbom::of_all(&built.source, cyclonedx, epoch)? {
        fs::write(out.join(name), text)?;
    }
    tarball(&built, out, epoch)?;
    deb::package(&built.command, &built.engines, &built.source, out, epoch)?;
    image(&built, out, epoch)?;
    fs::write(out.join("SHA256SUMS"), sums(out)?)?;
    Ok(())
}

fn tarball(built: &Built, out: &Path, epoch: u64) -> Result<()> {
    let name = format!("armistice-{VERSION}-x86_64-linux");
    let stage = out.join("stage");
    let folder = stage.join(&name);
    fs::create_dir_all(&folder)?;
    let place = |to: &str, content: &[u8], mode: u32| -> Result<()> {
        let path = folder.join(to);
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        fs::write(&path, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        Ok(())
    };
    place("bin/armistice", &fs::read(&built.command)?, 0o755)?;
    for (engine, name) in built.engines.iter().zip(product::ENGINES) {
        place(&format!("bin/{name}"), &fs::read(engine)?, 0o755)?;
    }
    let man = generated(&built.command, &["man"])?;
    place("man/armistice.1", &man, 0o644)?;
    for shell in ["bash", "zsh", "fish"] {
        let completions = generated(&built.command, &["completions", shell])?;
        place(
            &format!("completions/armistice.{shell}"),
            &completions,
            0o644,
        )?;
    }
    for file in ["README.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        place(file, &fs::read(built.source.join(file))?, 0o644)?;
    }
    let tar = out.join(format!("{name}.tar"));
    run(Command::new("tar")
        .args([
            "--create",
            "--format=gnu",
            "--sort=name",
            "--mode=u+rw,go=rX",
        ])
        .args(["--owner=0", "--group=0", "--numeric-owner"])
        .arg(format!("--mtime=@{epoch}"))
        .arg("--file")
        .arg(&tar)
        .arg("--directory")
        .arg(&stage)
        .arg(&name))?;
    fs::write(out.join(format!("{name}.tar.gz")), gzip(&fs::read(&tar)?)?)?;
    fs::remove_file(tar)?;
    fs::remove_dir_all(stage)?;
    Ok(())
}

/// Of Armistice's own engines alone.
fn image(built: &Built, out: &Path, epoch: u64) -> Result<()> {
    let [engine, _] = &built.engines;
    let folder = engine.parent().context("a file has a folder")?;
    run(Command::new(&built.command)
        .args(["image", "build", "--arch", "arm64", "--arch", "arm/v7"])
        .args(["--engine", "armistice"])
        .arg("--emulator-dir")
        .arg(folder)
        .arg(format!("--tag=armistice:{VERSION}"))
        .arg(format!("--timestamp={epoch}"))
        .arg("--output")
        .arg(out.join(format!("armistice-{VERSION}-image.tar"))))
}

/// As `sha256sum` prints them, by name.
fn sums(folder: &Path) -> Result<String> {
    let names = files(folder)?.into_keys().filter(|n| n != "SHA256SUMS");
    let output = Command::new("sha256sum")
        .args(names)
        .current_dir(folder)
        .output()
        .context("can't start sha256sum")?;
    if !output.status.success() {
        bail!("sha256sum failed in {}", folder.display());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    fs::read_dir(folder)?
        .map(|entry| {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            Ok((name, entry.path()))
        })
        .collect()
}

fn compare(first: &Path, second: &Path) -> Result<()> {
    let (one, two) = (files(first)?, files(second)?);
    if one.keys().ne(two.keys()) {
        bail!(
            "other files the second time: {:?}, {:?}",
            one.keys(),
            two.keys()
        );
    }
    let mut differ = Vec::new();
    for (name, path) in &one {
        if fs::read(path)? != fs::read(&two[name])? {
            differ.push(name.as_str());
        }
    }
    if differ.is_empty() {
        return Ok(());
    }
    bail!(
        "not the same the second time: {}; compare {} and {}",
        differ.join(", "),
        first.display(),
        second.display()
    )
}

fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(())
}

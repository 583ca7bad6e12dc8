//! `cargo xtask demo`: the story, live, on this machine, in one of two places:
//! with Docker where it runs or can be started, and in a private table, without
//! root, where not. Afterwards all is as it was.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use e2e::command::line_of;
use e2e::{Dockerd, HostTable, Userland, need};

use crate::setup;
use crate::step::build;

/// Shows the story.
pub(crate) fn demo() -> Result<()> {
    setup::install(&[setup::DEMO])?;
    let armistice = build()?;
    let root = rustix::process::geteuid().is_root();
    if root && need::find("dockerd").is_some() {
        with_docker(&armistice)
    } else {
        if root {
            say("No Docker here: the same without it, in a private table.");
        } else {
            say(
                "Not root: shown in a private table, which changes nothing outside. (As root: with Docker.)",
            );
        }
        in_a_private_table(&armistice)
    }
}

fn say(text: &str) {
    println!("\n# {text}");
}

/// Prints a command, runs it, and compares how it ends with what the story says.
fn tell(command: &mut Command, shown: &str, works: bool) -> Result<()> {
    println!("\n$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("can't start `{}`", line_of(command)))?;
    if status.success() == works {
        Ok(())
    } else if works {
        bail!("this should have worked: {status}")
    } else {
        bail!("this should not have worked yet; is an emulator registered by other means?")
    }
}

/// A daemon of our own beside one that may be running: its images and
/// containers are not the user's.
fn with_docker(armistice: &Path) -> Result<()> {
    say("A Docker daemon for this demonstration is started, and Debian for arm64 loaded.");
    let docker = Dockerd::start();
    let host = HostTable::mounted();
    let debian = Userland::ARM64;
    docker.load_userland(&debian);
    let image = debian.image();
    let uname = |works| {
        let args = [
            "run",
            "--rm",
            "--platform",
            debian.platform,
            &image,
            "uname",
            "-m",
        ];
        let shown = format!("docker {}", args.join(" "));
        tell(docker.docker().args(args), &shown, works)
    };
    say("An Arm image on an Intel machine:");
    uname(false)?;
    say("Why not, and what would help:");
    tell(
        Command::new(armistice)
            .env(
                "DOCKER_HOST",
                format!("unix://{}", docker.socket().display()),
            )
            .args(["explain", &image]),
        &format!("armistice explain {image}"),
        false,
    )?;
    say("One command:");
    let register = ["register", "arm64"];
    tell(
        Command::new(armistice).args(register),
        "armistice register arm64",
        true,
    )?;
    say("The same image again:");
    uname(true)?;
    say("What the kernel has now:");
    tell(
        Command::new(armistice).arg("status"),
        "armistice status",
        true,
    )?;
    say("And away again:");
    let unregister = ["unregister", "arm64"];
    tell(
        Command::new(armistice).args(unregister),
        "armistice unregister arm64",
        true,
    )?;
    uname(false)?;
    drop(docker);
    drop(host);
    say("The daemon is stopped, and the machine as it was.");
    Ok(())
}

fn in_a_private_table(armistice: &Path) -> Result<()> {
    let debian = Userland::ARM64;
    let folder = e2e::temporary();
    say("Debian for arm64 is unpacked into a temporary folder.");
    let unpacked = Command::new("tar")
        .args([
            "--extract",
            "--no-same-owner",
            "--exclude=./dev/*",
            "--file",
        ])
        .arg(debian.tar())
        .arg("--directory")
        .arg(folder.path())
        .status()
        .context("can't start tar")?;
    if !unpacked.success() {
        bail!("unpacking failed: {unpacked}");
    }
    let uname = folder.path().join("bin/uname");
    say("An Arm program on an Intel machine:");
    // By a shell: it says what the kernel answered.
    let plain = format!("{} -m", uname.display());
    tell(Command::new("sh").args(["-c", &plain]), &plain, false)?;
    say("Why not, and what would help:");
    tell(
        Command::new(armistice).arg("explain").arg(folder.path()),
        &format!("armistice explain {}", folder.path().display()),
        false,
    )?;
    say("One command, no root, nothing outside it changed:");
    let inner = ["shell", "--arch", "arm64", "--map-root", "--", "chroot"];
    let shown = format!(
        "armistice {} {} uname -m",
        inner.join(" "),
        folder.path().display()
    );
    tell(
        Command::new(armistice)
            .args(inner)
            .arg(folder.path())
            .args(["uname", "-m"]),
        &shown,
        true,
    )?;
    say("Outside, nothing has changed:");
    tell(Command::new("sh").args(["-c", &plain]), &plain, false)
}

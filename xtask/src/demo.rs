//! `cargo xtask demo`: the story, live, on this machine. First what anybody sees: a real
//! Debian for arm64 is fetched and run, without Docker, without root, without QEMU, and
//! with nothing registered or installed. Then, for root where there is Docker, the
//! registration. Afterwards all is as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use e2e::command::line_of;
use e2e::{Dockerd, HostTable, Userland, need, product};

use crate::setup;
use crate::step::build;

/// Shows the story.
pub(crate) fn demo() -> Result<()> {
    let armistice = build()?;
    anywhere(&armistice)?;
    let root = rustix::process::geteuid().is_root();
    match (root, need::find("dockerd").is_some()) {
        (true, true) => with_docker(&armistice),
        (false, true) => {
            say("There is Docker here: root sees the same command register arm64 for it.");
            Ok(())
        }
        (_, false) => Ok(()),
    }
}

/// Debian's release that is shown.
const SUITE: &str = "trixie";

/// Debian for arm64 as a root folder: a shell, coreutils and all that they need, out of
/// Debian's packages. Kept in the target folder for the next time.
fn debian() -> Result<PathBuf> {
    let folder = product::target_dir().join("demo");
    let root = folder.join(format!("debian-{SUITE}-arm64"));
    if root.is_dir() {
        return Ok(root);
    }
    say("Debian's packages for arm64 are fetched into target/demo; nothing is installed.");
    let apt = folder.join("apt");
    let fetched = setup::lists_for(&apt, "deb", SUITE, &["arm64"])?;
    let options = "--yes --quiet --download-only --no-install-recommends \
                   -o APT::Architecture=arm64 install base-files dash coreutils";
    fetched.get(&options.split_whitespace().collect::<Vec<_>>())?;
    let mut archives: Vec<PathBuf> = fs::read_dir(apt.join("cache/archives"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "deb"))
        .collect();
    // What makes /bin a link comes first.
    let is_base = |path: &PathBuf| path.to_string_lossy().contains("/base-files_");
    archives.sort_by_key(|path| (!is_base(path), path.clone()));
    let new = folder.join("new");
    let _ = fs::remove_dir_all(&new);
    for archive in &archives {
        let done = e2e::run(
            Command::new("dpkg-deb")
                .arg("--extract")
                .args([archive, &new]),
        );
        if !done.status.success() {
            bail!(
                "unpacking failed:
{done}"
            );
        }
    }
    fs::rename(&new, &root)?;
    fs::remove_dir_all(&apt)?;
    Ok(root)
}

/// What an ordinary user sees who has nothing.
fn anywhere(armistice: &Path) -> Result<()> {
    let root = debian()?;
    // Shown as it is typed in the workspace.
    let shown = match root.strip_prefix(product::workspace()) {
        Ok(below) => format!("./{}", below.display()),
        Err(_) => root.display().to_string(),
    };
    let uname = format!("{shown}/usr/bin/uname -m");
    // By a shell: it says what the kernel answered.
    let plain = || {
        println!("\n$ {uname}");
        let mut command = Command::new("sh");
        command
            .args(["-c", &uname])
            .current_dir(product::workspace());
        let status = command.status().context("can't start sh")?;
        anyhow::Ok(status.success())
    };
    say("An Arm program on an Intel machine:");
    let registered = plain()?;
    if registered {
        say("It runs already: an emulator is registered here. A container has its own.");
    }
    say("In a container: no Docker, no root, no QEMU, nothing registered.");
    let inside = |words: &[&str]| {
        let mut command = Command::new(armistice);
        command.args(["run", &shown]).args(words);
        let line = line_of(&command).replace(&*armistice.to_string_lossy(), "armistice");
        tell(command.current_dir(product::workspace()), &line, true)
    };
    inside(&["uname", "-m"])?;
    let script = "id -u; head -n 2 /etc/os-release; for n in 1 2 3; do echo $n; done | tac";
    inside(&["sh", "-c", script])?;
    say("Outside, nothing has changed:");
    if plain()? != registered {
        bail!("this should have been as before");
    }
    Ok(())
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
        bail!(
            "this should not have worked: an emulator is registered here by other means, and runs it; see armistice status"
        )
    }
}

/// A daemon of our own beside one that may be running: its images and
/// containers are not the user's.
fn with_docker(armistice: &Path) -> Result<()> {
    setup::install(&[setup::USERLANDS])?;
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

//! Installs what the tests and the demonstration need, from Debian's or
//! Ubuntu's packages, after saying what and why.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use e2e::{need, product};

use crate::apt::Apt;
use crate::step::{cargo, run};

/// What is needed, the package that has it, and who needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need {
    what: What,
    package: &'static str,
    why: &'static str,
}

/// How to see that it is there.
#[derive(Debug, Clone, Copy)]
enum What {
    /// A program in `PATH`, or a file by its whole path.
    Program(&'static str),
    /// A module of Python.
    Module(&'static str),
}

impl What {
    fn name(self) -> &'static str {
        match self {
            What::Program(name) | What::Module(name) => name,
        }
    }

    fn is_here(self) -> bool {
        match self {
            What::Program(name) => need::find(name).is_some(),
            What::Module(name) => Command::new("python3")
                .args(["-c", &format!("import {name}")])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success()),
        }
    }
}

pub(crate) const fn need(program: &'static str, package: &'static str, why: &'static str) -> Need {
    Need {
        what: What::Program(program),
        package,
        why,
    }
}

/// To link Rust programs.
const COMPILER: Need = need("cc", "gcc libc6-dev", "links Rust programs");
/// The emulators.
const EMULATORS: Need = need(
    "qemu-aarch64-static",
    "qemu-user-static",
    "the emulators that are registered",
);
/// Userlands of other architectures.
pub(crate) const USERLANDS: &[Need] = &[
    need(
        "mmdebstrap",
        "mmdebstrap",
        "fetches Debian for other architectures",
    ),
    need(
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debian-archive-keyring",
        "checks what is fetched",
    ),
];

/// For `cargo xtask test --quick`.
pub(crate) const QUICK: &[Need] = &[
    COMPILER,
    EMULATORS,
    need(
        "/lib/systemd/systemd-binfmt",
        "systemd",
        "empties the table as each boot does",
    ),
    need(
        "aarch64-linux-gnu-as",
        "binutils-aarch64-linux-gnu",
        "assembles a foreign program for the tests of private tables",
    ),
    need(
        "aarch64-linux-gnu-gcc",
        "gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
        "compiles what the engine's tests run",
    ),
    need(
        "aarch64-linux-gnu-g++",
        "g++-aarch64-linux-gnu",
        "compiles C++ for the engine's tests",
    ),
    need(
        "arm-linux-gnueabihf-gcc",
        "gcc-arm-linux-gnueabihf libc6-dev-armhf-cross",
        "compiles what the tests of 32-bit Arm run",
    ),
    need(
        "arm-linux-gnueabi-gcc",
        "gcc-arm-linux-gnueabi libc6-dev-armel-cross",
        "compiles for 32-bit Arm with soft floating point",
    ),
    need(
        "i686-linux-gnu-gcc",
        "gcc-i686-linux-gnu libc6-dev-i386-cross",
        "compiles what the tests of 32-bit Arm compare with",
    ),
    need(
        "/usr/arm-linux-gnueabihf/lib/libc.a",
        "libc6-dev-armhf-cross",
        "real code for the decoder of 32-bit Arm",
    ),
    need(
        "gdb-multiarch",
        "gdb-multiarch",
        "drives programs that the engine runs",
    ),
    need(
        "g++",
        "g++",
        "compiles the same for this machine, to compare",
    ),
    need(
        "llvm-mc-19",
        "llvm-19",
        "disassembles beside the engine's decoder",
    ),
    need(
        "/usr/aarch64-linux-gnu/lib/libstdc++.so.6",
        "libstdc++6-arm64-cross",
        "real code for the engine's decoder",
    ),
    need(
        "qemu-system-x86_64",
        "qemu-system-x86",
        "makes machines for tests: with memory protection keys, with kernels of their own",
    ),
    need("newuidmap", "uidmap", "the tests of ranges of identities"),
    need(
        "useradd",
        "passwd",
        "the tests with an account of their own",
    ),
    need("pgrep", "procps", "sees what a guard leaves behind"),
    need("setpriv", "util-linux", "the tests as an ordinary user"),
    need(
        "script",
        "bsdutils",
        "gives a test of containers a terminal",
    ),
    need(
        "strace",
        "strace",
        "the tests that kill the command at each write",
    ),
];

/// For `cargo xtask test`, beside [`QUICK`].
pub(crate) const ENGINES: &[Need] = &[
    need(
        "skopeo",
        "skopeo",
        "fills the registry of the tests of pull",
    ),
    need("umoci", "umoci", "makes images of another kind"),
    need("openssl", "openssl", "makes certificates for a registry"),
    need(
        "tinyproxy",
        "tinyproxy-bin",
        "what the tests of pull go through to a registry",
    ),
    need(
        "docker-credential-pass",
        "golang-docker-credential-helpers",
        "has the login of a test's user",
    ),
    need("pass", "pass", "keeps that login"),
    need("gpg", "gpg gpg-agent", "encrypts that login"),
    need("gpgconf", "gpgconf", "ends the agent of that test"),
    USERLANDS[0],
    USERLANDS[1],
    need(
        "arch-test",
        "arch-test",
        "tells mmdebstrap that arm64 programs run",
    ),
    need("dockerd", "docker.io", "the Docker tests"),
    need("docker", "docker-cli", "the Docker tests"),
    need("runc", "runc", "runs the containers"),
    need(
        "docker-registry",
        "docker-registry",
        "what docker pulls from as docker/setup-qemu-action does",
    ),
    need("podman", "podman", "the Podman and Kubernetes tests"),
    need("buildah", "buildah", "the Buildah tests"),
    need(
        "rootlesskit",
        "rootlesskit",
        "keeps rootless Docker's user namespace",
    ),
    need("slirp4netns", "slirp4netns", "rootless Docker's network"),
    need(
        "/usr/libexec/podman/catatonit",
        "catatonit",
        "holds Podman's pods",
    ),
    need("mke2fs", "e2fsprogs", "makes disks for machines of QEMU's"),
    need("strip", "binutils", "makes the tests small that run in one"),
    need("man", "man-db", "the man page's check"),
    need("script", "bsdutils", "a terminal for the tests of colours"),
    need(
        "ip",
        "iproute2",
        "a loopback for tests of servers in Debian",
    ),
    need(
        "npm",
        "npm",
        "fetches what the long run of Debian's cases uses",
    ),
    need("python3", "python3", "the Kubernetes and Helm checks"),
    Need {
        what: What::Module("ensurepip"),
        package: "python3-venv",
        why: "the Kubernetes and Helm checks",
    },
];

/// Installs what is missing. As root, or by sudo.
pub(crate) fn install(needs: &[&[Need]]) -> Result<()> {
    let needs: Vec<Need> = needs.iter().copied().flatten().copied().collect();
    let mut updated = false;
    for need in &needs {
        // Looked up one by one: a package often brings the next need along.
        if need.what.is_here() {
            continue;
        }
        println!("Missing: {} ({}).", need.what.name(), need.why);
        if !updated {
            run(&mut apt(&["update"])?)?;
            updated = true;
        }
        let mut args = vec!["install", "--yes", "--no-install-recommends"];
        args.extend(need.package.split(' '));
        run(&mut apt(&args)?)?;
        if !need.what.is_here() {
            bail!(
                "package {} is installed, but {} is still missing",
                need.package,
                need.what.name()
            );
        }
    }
    Ok(())
}

/// apt-get that asks nothing, as root.
fn apt(args: &[&str]) -> Result<Command> {
    let Some(apt) = need::find("apt-get") else {
        bail!("this machine has no apt-get: install the missing packages by its own means");
    };
    let env = "env";
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new(env)
    } else if let Some(sudo) = need::find("sudo") {
        let mut command = Command::new(sudo);
        command.arg(env);
        command
    } else {
        bail!("installing needs root, and there is no sudo: run this as root");
    };
    command
        .arg("DEBIAN_FRONTEND=noninteractive")
        .arg(apt)
        .args(args);
    Ok(command)
}

/// The newest QEMU of arm64: Debian sid's, unpacked once into the target folder, so that
/// nothing is installed.
pub(crate) fn newest_qemu() -> Result<PathBuf> {
    newest_qemu_of("qemu-aarch64")
}

/// The newest QEMU of 32-bit Arm, likewise.
pub(crate) fn newest_qemu_arm() -> Result<PathBuf> {
    newest_qemu_of("qemu-arm")
}

/// The programs that are kept of the package.
const QEMUS: [&str; 2] = ["qemu-aarch64", "qemu-arm"];

fn newest_qemu_of(name: &str) -> Result<PathBuf> {
    let folder = product::target_dir().join("qemu");
    let binary = folder.join(name);
    if binary.is_file() {
        return Ok(binary);
    }
    println!("Missing: the newest {name} (an oracle of the engine's tests).");
    let apt = lists(&folder.join("apt"), "deb", "sid")?;
    apt.get(&["download", "qemu-user"])?;
    let package = apt.file("qemu-user_", ".deb")?;
    let unpacked = folder.join("apt/unpacked");
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .arg(package)
        .arg(&unpacked))?;
    for name in QEMUS {
        std::fs::rename(unpacked.join("usr/bin").join(name), folder.join(name))?;
    }
    std::fs::remove_dir_all(folder.join("apt"))?;
    Ok(binary)
}

/// A kernel for a machine that QEMU makes: Debian's, unpacked once into the target
/// folder.
pub(crate) fn kernel() -> Result<PathBuf> {
    /// What the package of the newest needs, and of that the kernel.
    const PACKAGE: &str = "?and(?reverse-depends(?exact-name(linux-image-cloud-amd64)),\
        ?name(^linux-image-[0-9]))";
    let folder = product::target_dir().join("machine");
    let kernel = folder.join("vmlinuz");
    if kernel.is_file() {
        return Ok(kernel);
    }
    println!("Missing: a kernel for a machine of QEMU's (the tests of memory protection keys).");
    let apt = lists(&folder.join("apt"), "deb", "trixie")?;
    apt.get(&["download", PACKAGE])?;
    let package = apt.file("linux-image-", ".deb")?;
    let unpacked = folder.join("apt/unpacked");
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .arg(package)
        .arg(&unpacked))?;
    let boot = std::fs::read_dir(unpacked.join("boot"))?;
    let image = boot
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.to_string_lossy().contains("/vmlinuz-"))
        .context("the package has no kernel")?;
    std::fs::rename(image, &kernel)?;
    std::fs::remove_dir_all(folder.join("apt"))?;
    Ok(kernel)
}

/// Docker's `buildx`: trixie's, unpacked once into the target folder (bookworm has
/// none).
pub(crate) fn buildx() -> Result<PathBuf> {
    let folder = product::target_dir().join("buildx");
    let plugin = folder.join("docker-buildx");
    if plugin.is_file() {
        return Ok(plugin);
    }
    println!("Missing: docker buildx (the tests of BuildKit's builds).");
    let apt = lists(&folder.join("apt"), "deb", "trixie")?;
    apt.get(&["download", "docker-buildx"])?;
    let package = apt.file("docker-buildx_", ".deb")?;
    let unpacked = folder.join("apt/unpacked");
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .arg(package)
        .arg(&unpacked))?;
    let inside = "usr/libexec/docker/cli-plugins/docker-buildx";
    std::fs::rename(unpacked.join(inside), &plugin)?;
    std::fs::remove_dir_all(folder.join("apt"))?;
    Ok(plugin)
}

/// cargo-deny: checks licences and duplicate crates.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    // The version that deny.toml is written for.
    cargo_tool(
        "cargo-deny",
        "0.20.2",
        "checks licences and duplicate crates",
    )
}

/// cargo-cyclonedx: lists what a binary is made of.
pub(crate) fn cargo_cyclonedx() -> Result<PathBuf> {
    cargo_tool(
        "cargo-cyclonedx",
        "0.5.9",
        "lists what a release is made of",
    )
}

/// A tool of Cargo's, where it is not installed built once into the target folder.
fn cargo_tool(name: &str, version: &str, why: &str) -> Result<PathBuf> {
    if let Some(installed) = need::find(name) {
        return Ok(installed);
    }
    let root = product::target_dir().join("tools").join(name);
    let binary = root.join("bin").join(name);
    if !binary.is_file() {
        println!("Missing: {name} ({why}). Takes some minutes, once.");
        let args = ["install", "--quiet", name, "--locked", "--version", version];
        run(cargo(&args)
            .arg("--root")
            .arg(&root)
            // Not into this workspace's build, and for the machine itself.
            .env("CARGO_TARGET_DIR", root.join("build"))
            .current_dir("/"))?;
        let _ = std::fs::remove_dir_all(root.join("build"));
    }
    Ok(binary)
}

/// apt-get with lists of its own for amd64, once the keys are there that they are
/// checked with.
pub(crate) fn lists(folder: &Path, kind: &str, suite: &str) -> Result<Apt> {
    lists_for(folder, kind, suite, &["amd64"])
}

/// The same for some architectures.
pub(crate) fn lists_for(folder: &Path, kind: &str, suite: &str, arches: &[&str]) -> Result<Apt> {
    install(&[&[USERLANDS[1]]])?;
    Apt::new(folder, kind, suite, arches)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Packages that every Debian has, or that these bring along.
    const ALWAYS: [&str; 8] = [
        "apt",
        "bash",
        "dpkg",
        "perl-base",
        "tar",
        "util-linux",
        "systemd",
        "gcc",
    ];

    /// The programs that a test's source asks for, each with its package.
    fn asked_for(text: &str) -> Vec<(&str, &str)> {
        text.split("need::program(\"")
            .skip(1)
            .filter_map(|rest| {
                let mut words = rest.split('"');
                Some((words.next()?, words.nth(1)?))
            })
            .collect()
    }

    fn sources(folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(fs::read_to_string(&path).unwrap());
            }
        }
    }

    /// A bug once: tests used programs that no set-up installed.
    #[test]
    fn what_the_tests_ask_for_is_installed() {
        let mut texts = Vec::new();
        for folder in ["src", "tests"] {
            sources(&product::workspace().join("tests").join(folder), &mut texts);
        }
        let listed: Vec<&Need> = QUICK.iter().chain(ENGINES).collect();
        let mut count = 0;
        for (program, package) in texts.iter().flat_map(|text| asked_for(text)) {
            let is_listed = listed.iter().any(|need| {
                need.what.name() == program || need.package.split(' ').any(|p| p == package)
            });
            assert!(
                is_listed || ALWAYS.contains(&package),
                "{program} ({package}) is installed by no one"
            );
            count += 1;
        }
        assert!(count > 30, "{count}");
    }
}

//! `cargo xtask deb`: the Debian package, made by `dpkg-deb` from the release
//! binaries of command and engines, the man page and completions, the unit for
//! `guard`, and the maintainer scripts of `deploy/debian`.
//!
//! Invariant: the same binaries and time stamp give the same bytes,
//! whatever the caller's umask and folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use e2e::product;

use crate::step;

/// Builds the binaries and the package of them, in the target folder; its path.
///
/// # Errors
/// Where building, writing or `dpkg-deb` fails.
pub(crate) fn build() -> Result<PathBuf> {
    let binary = step::build()?;
    let engines = product::engines_of(&binary)
        .with_context(|| format!("an engine is not beside {}", binary.display()))?;
    let source = product::workspace();
    package(&binary, &engines, source, &product::target_dir(), epoch()?)
}

/// Makes the package of these binaries, and of this source's other files, in this
/// folder, with this time stamp on all of it; its path.
///
/// # Errors
/// Where writing or `dpkg-deb` fails.
pub(crate) fn package(
    binary: &Path,
    engines: &[PathBuf],
    source: &Path,
    folder: &Path,
    epoch: u64,
) -> Result<PathBuf> {
    let stage = folder.join("deb");
    if stage.exists() {
        fs::remove_dir_all(&stage)?;
    }
    fs::create_dir_all(&stage)?;
    lay_out(binary, engines, source, &stage)?;
    let version = env!("CARGO_PKG_VERSION");
    let package = folder.join(format!("armistice_{version}_amd64.deb"));
    run(Command::new("dpkg-deb")
        .args(["--build", "--root-owner-group"])
        .env("SOURCE_DATE_EPOCH", epoch.to_string())
        .arg(&stage)
        .arg(&package))?;
    fs::remove_dir_all(&stage)?;
    Ok(package)
}

/// The time that all files get: `SOURCE_DATE_EPOCH`, else that of the commit.
pub(crate) fn epoch() -> Result<u64> {
    let text = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(given) => given,
        Err(_) => step::git(&["log", "-1", "--format=%ct"])
            .context("SOURCE_DATE_EPOCH is not set, and no commit tells the time")?,
    };
    text.trim()
        .parse()
        .with_context(|| format!("no time in seconds: {text:?}"))
}

fn lay_out(binary: &Path, engines: &[PathBuf], source: &Path, stage: &Path) -> Result<()> {
    let mut size = 0;
    let engine_place = |name| format!("usr/libexec/armistice/{name}");
    let engines = engines.iter().map(PathBuf::as_path);
    let engines = engines.zip(product::ENGINES.map(engine_place));
    for (from, to) in [(binary, "usr/bin/armistice".to_owned())]
        .into_iter()
        .chain(engines)
    {
        let content = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
        place(stage, &to, &content, 0o755)?;
        size += content.len() as u64;
    }
    place(
        stage,
        "usr/share/man/man1/armistice.1.gz",
        &gzip(&generated(binary, &["man"])?)?,
        0o644,
    )?;
    for (shell, path) in [
        ("bash", "usr/share/bash-completion/completions/armistice"),
        ("zsh", "usr/share/zsh/vendor-completions/_armistice"),
        ("fish", "usr/share/fish/vendor_completions.d/armistice.fish"),
    ] {
        let completions = generated(binary, &["completions", shell])?;
        place(stage, path, &completions, 0o644)?;
    }
    for (from, to) in [
        (
            "deploy/systemd/armistice-guard.service",
            "usr/lib/systemd/system/armistice-guard.service",
        ),
        ("README.md", "usr/share/doc/armistice/README.md"),
    ] {
        place(
            stage,
            to,
            &fs::read(source.join(from)).with_context(|| format!("reading {from}"))?,
            0o644,
        )?;
    }
    place(
        stage,
        "usr/share/doc/armistice/copyright",
        copyright(source)?.as_bytes(),
        0o644,
    )?;
    let size = size.div_ceil(1024) + 200;
    place(stage, "DEBIAN/control", control(size).as_bytes(), 0o644)?;
    for script in ["postinst", "prerm", "postrm"] {
        let text = fs::read(source.join("deploy/debian").join(script))
            .with_context(|| format!("reading deploy/debian/{script}"))?;
        place(stage, &format!("DEBIAN/{script}"), &text, 0o755)?;
    }
    open_folders(stage)
}

/// What the command writes of itself.
pub(crate) fn generated(binary: &Path, args: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new(binary).arg("generate").args(args).output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        bail!("armistice generate {args:?} failed")
    }
}

/// All folders are for everybody to enter, whatever the caller's umask.
fn open_folders(folder: &Path) -> Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

fn control(size_kib: u64) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "Package: armistice\nVersion: {version}\nArchitecture: amd64\nMaintainer: The Armistice developers <armistice@localhost>\n\
         Installed-Size: {size_kib}\nRecommends: qemu-user-static | qemu-user\nSection: otherosfs\nPriority: optional\n\
         Description: run Arm containers, and other foreign ones, on an Intel machine\n \
         Registers emulators with the kernel, proves that foreign programs run,\n \
         explains it where they do not, and keeps it so. Has engines of its own\n \
         for arm64 and 32-bit Arm, for processors of x86-64-v3; QEMU runs the other\n \
         architectures.\n"
    )
}

fn copyright(source: &Path) -> Result<String> {
    let mit = fs::read_to_string(source.join("LICENSE-MIT"))?;
    Ok(format!(
        "Armistice is licensed under the MIT licence (below) or the Apache License 2.0\n\
         (/usr/share/common-licenses/Apache-2.0), at your choice.\n\n{mit}"
    ))
}

fn place(stage: &Path, path: &str, content: &[u8], mode: u32) -> Result<()> {
    let path = stage.join(path);
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// By gzip without name and time, so that the package is the same each time.
pub(crate) fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    use std::io::Write;
    let mut child = Command::new("gzip")
        .arg("-9n")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .context("starting gzip")?;
    let mut input = child.stdin.take().context("gzip's input")?;
    // Both ends at once: a pipe holds little, and gzip writes while it reads.
    let output = std::thread::scope(|scope| {
        let written = scope.spawn(move || input.write_all(content));
        let output = child.wait_with_output();
        written
            .join()
            .unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into()))?;
        output
    })?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        bail!("gzip failed")
    }
}

fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting {command:?}"))?;
    if status.success() {
        Ok(())
    } else {
        bail!("{command:?} failed: {status}")
    }
}

//! Debian's arm64 programs (long form): fetched by an apt-get with folders of
//! its own, so that the machine's package lists stay as they are.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{elf, program, programs};

/// What to look at: C, C++ with a JIT, Go, hand-written assembly of
/// cryptography, video, long numbers and matrices.
const PACKAGES: &[&str] = &[
    "libc6",
    "libstdc++6",
    "libssl3t64",
    "libgcrypt20",
    "libgmp10",
    "libnode115",
    "golang-1.24-go",
    "python3.13-minimal",
    "libavcodec61",
    "libopenblas0-pthread",
];

const SUITE: &str = "trixie";
const KEYS: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The folder with everything fetched, kept between runs.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("debian-arm64")
}

fn apt(root: &Path, args: &[&str]) {
    let at = |name: &str| root.join(name).display().to_string();
    let output = Command::new(program("apt-get", "apt"))
        .args([
            "-q",
            "-o",
            "APT::Architecture=arm64",
            "-o",
            "APT::Architectures=arm64",
        ])
        .args([
            "-o",
            "Acquire::Languages=none",
            "-o",
            "APT::Sandbox::User=root",
        ])
        .args(["-o", &format!("Dir::State={}", at("state"))])
        .args(["-o", &format!("Dir::State::status={}", at("status"))])
        .args(["-o", &format!("Dir::Cache={}", at("cache"))])
        .args([
            "-o",
            &format!("Dir::Etc::sourcelist={}", at("sources.list")),
        ])
        .args(["-o", "Dir::Etc::sourceparts=-"])
        .args(args)
        .current_dir(root.join("debs"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "apt-get {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Fetches and unpacks what is not there yet.
fn fetch(root: &Path) {
    for name in [
        "state/lists/partial",
        "cache/archives/partial",
        "debs",
        "root",
    ] {
        std::fs::create_dir_all(root.join(name)).unwrap();
    }
    if root.join("complete").exists() {
        return;
    }
    std::fs::write(root.join("status"), "").unwrap();
    let source = format!("deb [signed-by={KEYS}] http://deb.debian.org/debian {SUITE} main\n");
    std::fs::write(root.join("sources.list"), source).unwrap();
    apt(root, &["update"]);
    apt(root, &[&["download"], PACKAGES].concat());
    for deb in std::fs::read_dir(root.join("debs")).unwrap() {
        let status = Command::new(program("dpkg-deb", "dpkg"))
            .arg("-x")
            .arg(deb.unwrap().path())
            .arg(root.join("root"))
            .status();
        assert!(status.unwrap().success());
    }
    std::fs::write(root.join("complete"), "").unwrap();
}

/// The regular files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

#[test]
#[cfg_attr(not(armistice_long), ignore = "fetches from Debian: ARMISTICE_LONG=1")]
fn debian_programs_are_what_llvm_says() {
    let root = folder();
    fetch(&root);
    let mut looked_at = 0;
    for path in files(&root.join("root")) {
        let file = std::fs::read(&path).unwrap();
        if !elf::is_aarch64(&file) {
            continue;
        }
        let found = programs::examine(&file);
        if found.words() < 10_000 {
            continue;
        }
        found.print(&path.strip_prefix(&root).unwrap().display().to_string());
        found.has_no_disagreement();
        looked_at += 1;
    }
    assert!(looked_at >= PACKAGES.len(), "only {looked_at} files");
}

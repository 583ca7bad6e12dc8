//! Promise: Debian's own Rust of trixie-backports, as the README tells to install
//! it, builds command and engine; trixie's own, which is older than Cargo.toml
//! states, is refused with that version.
//!
//! In a Debian of its own: this machine's Rust is not asked. That the stated
//! version itself builds is what CI's job `oldest-rust` tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::command::run_within;
use e2e::{Done, need, product, run, userland};

/// Longer than a build takes on a loaded machine.
const LIMIT: Duration = Duration::from_secs(1800);

/// Debian 13 with the compiler of a suite, made once and kept.
fn debian(suite: &str) -> PathBuf {
    need::host_root();
    let root = product::target_dir().join(format!("rust/{suite}"));
    if root.join("usr/bin/cargo").is_file() {
        return root;
    }
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).expect("target/rust can be made");
    let keys = need::program(
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debian-archive-keyring",
    );
    let source = |suite: &str| {
        format!(
            "deb [signed-by={} check-valid-until=no] {} {suite} main",
            keys.display(),
            userland::mirror()
        )
    };
    let mut make = Command::new(need::program("mmdebstrap", "mmdebstrap"));
    make.args(["--quiet", "--mode=root", "--variant=minbase"])
        .arg(format!(
            "--include=gcc,libc6-dev,cargo/{suite},rustc/{suite}"
        ))
        .arg("trixie")
        .arg(&root)
        .arg(source("trixie"));
    if suite != "trixie" {
        make.arg(source(suite));
    }
    run_within(&mut make, LIMIT, |_| ()).ok();
    root
}

/// Runs this in the Debian, with the workspace in `/source`, to be read only, and
/// what Cargo has fetched of crates.io in `/cargo`.
fn inside(root: &Path, script: &str) -> Done {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo)
        .args(["fetch", "--quiet", "--locked"])
        .current_dir(product::workspace()))
    .ok();
    let fetched = std::env::var_os("CARGO_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cargo"),
        PathBuf::from,
    );
    let enter = r#"cd "$1"
        mkdir -p source cargo/registry target
        mount --bind "$2" source; mount -o remount,bind,ro source
        mount --bind "$3" cargo/registry
        mount -t proc proc proc; mount --rbind /dev dev
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CARGO_HOME=/cargo CARGO_TARGET_DIR=/target \
            chroot . sh -ec "cd /source; $4""#;
    let mut command = Command::new(need::program("unshare", "util-linux"));
    command
        .args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-ec",
            enter,
            "sh",
        ])
        .arg(root)
        .arg(product::workspace())
        .arg(fetched.join("registry"))
        .arg(script);
    run_within(&mut command, LIMIT, |_| ())
}

/// As Cargo.toml states it.
fn stated() -> String {
    let text = include_str!("../../Cargo.toml");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = \""))
        .expect("Cargo.toml states it");
    line.split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn debians_backports_build_both_binaries() {
    let root = debian("trixie-backports");
    inside(
        &root,
        "cargo build --locked --offline --quiet
        /target/x86_64-unknown-linux-gnu/debug/armistice --version
        /target/x86_64-unknown-linux-gnu/debug/armistice-aarch64 --version",
    )
    .ok()
    .says(&format!("armistice {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_older_one_is_refused_with_the_version_that_is_needed() {
    let root = debian("trixie");
    inside(&root, "cargo build --locked --offline")
        .fails()
        .says(&format!("rustc {}", stated()));
}

#[test]
fn the_readme_and_ci_say_what_cargo_toml_states() {
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&format!("Rust {} or later", stated())));
    let line = run(Command::new("sed")
        .args(["-n", r#"s/^rust-version = "\([0-9.]*\)".*/\1/p"#])
        .arg(product::workspace().join("Cargo.toml")))
    .ok();
    line.prints(&stated());
    let workflow = include_str!("../../.github/workflows/ci.yml");
    assert!(workflow.contains(r#"s/^rust-version = "\([0-9.]*\)".*/\1/p"#));
}

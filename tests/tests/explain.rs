//! Promise: `armistice explain` says what would run a program, an image or a
//! root folder, or which byte, flag, switch or file is in the way, and the
//! command that mends it; and the kernel agrees.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use e2e::command::line_of;
use e2e::{Dockerd, Done, HostTable, Podman, PrivateTable, Userland, product};

/// The line of Debian's own entry for arm64, with these flags.
fn foreign_line(flags: &str, interpreter: &str) -> String {
    format!(
        ":qemu-aarch64:M::\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00:\
         \\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:{interpreter}:{flags}"
    )
}

fn register_by_hand(table: &PrivateTable, flags: &str, interpreter: &str) {
    let line = foreign_line(flags, interpreter);
    table
        .sh(&format!(
            "printf '%s' '{line}' > /proc/sys/fs/binfmt_misc/register"
        ))
        .ok();
}

fn explain(table: &PrivateTable, what: &Path) -> Done {
    e2e::run(table.command(product::binary()).arg("explain").arg(what))
}

/// The word that stays the same between versions.
fn code(table: &PrivateTable, what: &Path) -> String {
    let done = e2e::run(
        table
            .command(product::binary())
            .args(["explain", "-o", "json"])
            .arg(what),
    );
    done.json()["verdict"]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// A static arm64 program that needs no files.
fn arm64_program(folder: &Path) -> PathBuf {
    let program = folder.join("program");
    fs::copy(
        product::workspace().join("crates/proof/programs/bin/aarch64"),
        &program,
    )
    .expect("a copy");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("chmod");
    program
}

#[test]
fn a_program_from_refused_to_running() {
    let folder = e2e::temporary();
    let program = arm64_program(folder.path());
    let table = PrivateTable::new();
    explain(&table, &program)
        .exits(1)
        .says("built for linux/arm64; no handler here matches it")
        .says("armistice register arm64");
    e2e::run(
        table
            .command(product::binary())
            .args(["register", "arm64", "riscv64"]),
    )
    .ok();
    explain(&table, &program)
        .ok()
        .says("qemu-aarch64 runs it")
        .says("qemu-aarch64: takes it");
    table
        .sh("echo 0 > /proc/sys/fs/binfmt_misc/qemu-aarch64")
        .ok();
    explain(&table, &program)
        .exits(1)
        .says("disabled")
        .says("echo 1");
    table.sh("echo 1 > /proc/sys/fs/binfmt_misc/qemu-aarch64; echo 0 > /proc/sys/fs/binfmt_misc/status").ok();
    explain(&table, &program).exits(1).says("switched off");
}

/// Nothing can be registered while all handlers are switched off; and what is
/// registered on the host is hidden by a table of the namespace's own.
#[test]
fn what_is_advised_works_as_it_is_written() {
    let folder = e2e::temporary();
    let program = arm64_program(folder.path());
    let table = PrivateTable::new();
    table.sh("echo 0 > /proc/sys/fs/binfmt_misc/status").ok();
    let done = explain(&table, &program).exits(1);
    assert!(!done.stdout.contains("on the host"), "{done}");
    let advice = done.stdout.lines().find_map(|l| l.strip_prefix("Run: "));
    let advice = advice.expect("advice").replace("sudo ", "");
    let command = product::binary();
    let advice = advice.replace(
        "armistice register",
        &format!("{} register", command.display()),
    );
    table.sh(&advice).ok();
    explain(&table, &program).ok();
}

#[test]
fn what_is_in_the_way_has_a_code_of_its_own() {
    let folder = e2e::temporary();
    let program = arm64_program(folder.path());
    let table = PrivateTable::new();
    assert_eq!(code(&table, &program), "no-handler");

    register_by_hand(&table, "P", "/nonexistent/qemu");
    assert_eq!(code(&table, &program), "no-fix-binary");
    table
        .sh("echo -1 > /proc/sys/fs/binfmt_misc/qemu-aarch64")
        .ok();

    let appimage = folder.path().join("appimage");
    let mut bytes = fs::read(&program).expect("read");
    bytes[8..11].copy_from_slice(b"AI\x02");
    fs::write(&appimage, &bytes).expect("write");
    fs::set_permissions(&appimage, fs::Permissions::from_mode(0o755)).expect("chmod");
    assert_eq!(code(&table, &appimage), "odd-header");
    explain(&table, &appimage).exits(1).says("byte 8 is 41");

    fs::set_permissions(&program, fs::Permissions::from_mode(0o644)).expect("chmod");
    assert_eq!(code(&table, &program), "not-executable");
    assert_eq!(code(&table, Path::new("/bin/true")), "native");

    let text = folder.path().join("text");
    fs::write(&text, "no program\n").expect("write");
    fs::set_permissions(&text, fs::Permissions::from_mode(0o755)).expect("chmod");
    assert_eq!(code(&table, &text), "not-a-program");
}

#[test]
fn a_script_is_followed_to_what_runs_it() {
    let folder = e2e::temporary();
    let program = arm64_program(folder.path());
    let script = folder.path().join("script");
    fs::write(&script, format!("#! {} -x\n", program.display())).expect("write");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("chmod");
    let table = PrivateTable::new();
    explain(&table, &script)
        .exits(1)
        .says("a script for")
        .says("no handler");
    e2e::run(table.command(product::binary()).args(["register", "arm64"])).ok();
    explain(&table, &script).ok();
}

#[test]
fn archives_and_root_folders() {
    let userland = Userland::S390X;
    let folder = e2e::temporary();
    e2e::run(
        std::process::Command::new("tar")
            .args(["--extract", "--exclude=./dev/*", "--file"])
            .arg(userland.tar())
            .arg("--directory")
            .arg(folder.path()),
    )
    .ok();
    let archive = userland.archive();
    let table = PrivateTable::new();
    for what in [archive.as_path(), folder.path()] {
        explain(&table, what)
            .exits(1)
            .says("linux/s390x")
            .says("armistice register s390x");
    }
    e2e::run(table.command(product::binary()).args(["register", "s390x"])).ok();
    for what in [archive.as_path(), folder.path()] {
        explain(&table, what).ok().says("qemu-s390x runs it");
    }
    // Without F an emulator is looked up inside, where it is not.
    e2e::run(
        table
            .command(product::binary())
            .args(["register", "s390x", "--no-fix-binary"]),
    )
    .ok();
    explain(&table, &archive).exits(1).says("no flag F");
    // Our own image is for this machine.
    explain(&table, product::image())
        .ok()
        .says("this machine runs it by itself");
}

#[test]
fn a_dynamic_emulator_is_named_as_the_reason() {
    let table = PrivateTable::new();
    register_by_hand(&table, "F", "/bin/true");
    let image = Userland::ARM64.archive();
    assert_eq!(code(&table, &image), "dynamic-emulator");
    explain(&table, &image)
        .exits(1)
        .says("not static")
        .says("ld-linux");
}

#[test]
fn an_image_that_docker_has() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    let userland = Userland::ARM64;
    docker.load_userland(&userland);
    let socket = format!("unix://{}", docker.socket().display());
    let explain = |image: &str| {
        e2e::run(
            e2e::armistice()
                .env("DOCKER_HOST", &socket)
                .args(["explain", image]),
        )
    };
    explain(&userland.image())
        .exits(1)
        .says("docker has for linux/arm64")
        .says("no handler here matches it")
        .says("armistice register arm64");
    e2e::run(e2e::armistice().args(["register", "arm64"])).ok();
    explain(&userland.image()).ok().says("qemu-aarch64 runs it");
    explain("armistice.test/not-there:1")
        .exits(1)
        .says("no image of that name");
}

#[test]
fn an_image_that_podman_has() {
    let podman = Podman::shared();
    let table = PrivateTable::new();
    let userland = Userland::ARM64;
    podman.load_userland(&userland);
    // A podman that knows the tests' own store, and no docker.
    let folder = e2e::temporary();
    let wrapper = folder.path().join("podman");
    let real = podman.podman();
    let variables: String = real
        .get_envs()
        .filter_map(|(key, value)| Some((key, value?)))
        .map(|(key, value)| format!("export {}='{}'\n", key.display(), value.display()))
        .collect();
    let script = format!("#!/bin/sh\n{variables}exec {} \"$@\"\n", line_of(&real));
    fs::write(&wrapper, script).expect("written");
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).expect("chmod");
    let mut command = table.command(product::binary());
    command
        .env("PATH", folder.path())
        .args(["explain", &userland.image()]);
    e2e::run(&mut command)
        .exits(1)
        .says("podman has for linux/arm64")
        .says("armistice register arm64");
}

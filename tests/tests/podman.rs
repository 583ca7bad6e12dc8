//! Promise: the same for Podman: run and build.

use e2e::{HostTable, Podman, USERLANDS, Userland, armistice, run};

#[test]
fn exec_format_error_before_and_uname_after() {
    let podman = Podman::shared();
    let _host = HostTable::mounted();
    for userland in &USERLANDS {
        podman
            .run(userland, &["uname", "-m"])
            .fails()
            .says("exec format error");
    }
    let platforms = USERLANDS.map(|u| u.platform);
    run(armistice().arg("register").args(platforms)).ok();
    for userland in &USERLANDS {
        podman
            .run(userland, &["uname", "-m"])
            .ok()
            .prints(userland.uname);
    }
}

#[test]
fn arm64_images_are_built() {
    let podman = Podman::shared();
    let _host = HostTable::mounted();
    run(armistice().args(["register", "arm64"])).ok();
    podman.load_userland(&Userland::ARM64);
    let context = e2e::temporary();
    let dockerfile = format!(
        "FROM {}\nRUN uname -m > /built-on\n",
        Userland::ARM64.image()
    );
    std::fs::write(context.path().join("Dockerfile"), dockerfile).expect("written");
    let tag = "armistice.test/podman-built";
    run(podman
        .podman()
        .args(["build", "--no-cache", "--network", "none"])
        .args(["--platform", "linux/arm64", "--tag", tag])
        .arg(context.path()))
    .ok();
    run(podman
        .podman()
        .args(["run", "--rm", tag, "cat", "/built-on"]))
    .ok()
    .prints("aarch64");
}

#[test]
fn set_user_id_programs_get_their_owners_rights() {
    let podman = Podman::shared();
    let _host = HostTable::mounted();
    run(armistice().args(["register", "arm64"])).ok();
    let script = "cp /usr/bin/id /id-of-root && chmod 4755 /id-of-root && chroot --userspec=65534:65534 / /id-of-root -u";
    podman
        .run(&Userland::ARM64, &["sh", "-c", script])
        .ok()
        .prints("0");
}

/// Without root too, once the machine has it: the table is the machine's.
#[test]
fn rootless_containers_run_what_root_registered() {
    let podman = Podman::rootless();
    let _host = HostTable::mounted();
    podman
        .run(&Userland::ARM64, &["uname", "-m"])
        .fails()
        .says("exec format error");
    run(armistice().args(["register", "arm64"])).ok();
    podman
        .run(&Userland::ARM64, &["uname", "-m"])
        .ok()
        .prints("aarch64");
}

/// tonistiigi/binfmt#261: a rootless container may mount a table of its own
/// user namespace and register there; nobody else ever sees it. Others print
/// "installing: arm64 OK".
#[test]
fn a_rootless_container_is_told_that_it_cannot_reach_the_machine() {
    let podman = Podman::rootless();
    let host = HostTable::mounted();
    let image = podman.load_product();
    podman
        .run_privileged(&[], &image, &["--install", "arm64"])
        .exits(1)
        .says("user namespace")
        .says("as the user whose rootless engine this is: armistice register --for podman");
    assert!(!host.entries().contains_key("qemu-aarch64"));
}

//! Promise: deploy/Dockerfile builds an image that does what the one of
//! `armistice image build` does.
//!
//! With a Debian of this machine's architecture as its base, into which this
//! machine's emulators are copied: containers here have no network.

use std::fs;

use e2e::{Dockerd, HostTable, Userland, need, product, run};

/// Debian for this machine itself.
const BASE: Userland = Userland {
    debian: "amd64",
    platform: "linux/amd64",
    uname: "x86_64",
    suites: &["bookworm"],
};

#[test]
fn the_dockerfile_builds_an_image_that_registers() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    docker.load_userland(&BASE);

    let context = e2e::temporary();
    let path = |name: &str| context.path().join(name);
    for emulator in ["qemu-aarch64-static", "qemu-arm-static"] {
        fs::copy(need::program(emulator, "qemu-user-static"), path(emulator)).expect("a copy");
    }
    fs::write(
        path("Dockerfile"),
        format!("FROM {}\nCOPY qemu-* /usr/bin/\n", BASE.image()),
    )
    .expect("written");
    let base = "armistice.test/base:1";
    run(docker
        .docker()
        .args(["build", "--tag", base])
        .arg(context.path()))
    .ok();

    let release = path("target/x86_64-unknown-linux-gnu/release");
    fs::create_dir_all(&release).expect("a folder");
    product::copy_all(&release);
    let image = "armistice.test/by-dockerfile:1";
    run(docker
        .docker()
        .args(["build", "--network", "none", "--tag", image, "--build-arg"])
        .arg(format!("BASE={base}"))
        .arg("--file")
        .arg(product::workspace().join("deploy/Dockerfile"))
        .arg(context.path()))
    .ok();
    let done = docker.run_privileged(&[], image, &[]).ok();
    let answer = done.json();
    assert!(
        done.stderr
            .contains("/usr/libexec/armistice/armistice-aarch64"),
        "arm64 is to be run by the engine:\n{done}"
    );
    docker
        .run_privileged(&[], image, &["register", "arm"])
        .ok()
        .says("/usr/libexec/armistice/armistice-arm");
    assert_eq!(
        answer["emulators"].as_array().map(Vec::len),
        Some(2),
        "{answer}"
    );
    docker
        .run(&Userland::ARM64, &["uname", "-m"])
        .ok()
        .prints("aarch64");
}

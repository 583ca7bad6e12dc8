//! Promise: Buildah builds images of other architectures, in each isolation
//! that root has.

use std::fs;

use e2e::{HostTable, Podman, Userland, armistice, run};

#[test]
fn arm64_images_are_built_in_each_isolation() {
    let podman = Podman::shared();
    let _host = HostTable::mounted();
    podman.load_userland(&Userland::ARM64);
    let context = e2e::temporary();
    let dockerfile = format!(
        "FROM {}\nRUN uname -m > /built-on && cat /built-on\n",
        Userland::ARM64.image()
    );
    fs::write(context.path().join("Containerfile"), dockerfile).expect("written");
    let build = |isolation: &str, network: &[&str]| {
        run(podman
            .buildah()
            .args(["build", "--no-cache", "--isolation", isolation])
            .args(network)
            .args(["--platform", "linux/arm64"])
            .arg(format!("--tag=armistice.test/buildah-{isolation}"))
            .arg(context.path()))
    };
    build("oci", &["--network", "none"])
        .fails()
        .says("exec format error");
    run(armistice().args(["register", "arm64"])).ok();
    // Isolation chroot shares the host's network by its nature.
    for (isolation, network) in [("oci", &["--network", "none"][..]), ("chroot", &[])] {
        build(isolation, network).ok().says("aarch64");
    }
}

#[test]
fn a_working_container_runs_commands() {
    let podman = Podman::shared();
    let _host = HostTable::mounted();
    run(armistice().args(["register", "arm/v7"])).ok();
    podman.load_userland(&Userland::ARMHF);
    let from = run(podman.buildah().args([
        "from",
        "--pull-never",
        "--platform",
        Userland::ARMHF.platform,
        &Userland::ARMHF.image(),
    ]))
    .ok();
    let container = from.stdout.trim();
    let _ =
        run(podman
            .buildah()
            .args(["run", "--network", "none", container, "--", "uname", "-m"]))
        .ok()
        .prints(Userland::ARMHF.uname);
    run(podman.buildah().args(["rm", container])).ok();
}

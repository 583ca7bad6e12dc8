//! Promise: the container image speaks the language that people know from
//! other images, tells the truth about what it did, and is reproducible.

use std::fs;

use e2e::{Dockerd, HostTable, Podman, Userland, armistice, product, run};
use serde_json::Value;

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[test]
fn docker_and_podman_load_it_and_it_tells_its_version() {
    let docker = Dockerd::shared();
    let podman = Podman::shared();
    let _host = HostTable::mounted();
    let version = env!("CARGO_PKG_VERSION");
    let image = docker.load_product();
    docker
        .run_privileged(&[], &image, &["--version"])
        .ok()
        .says(version);
    let image = podman.load_product();
    podman
        .run_privileged(&[], &image, &["--version"])
        .ok()
        .says(version);
}

#[test]
fn without_arguments_it_registers_and_answers_in_json() {
    let docker = Dockerd::shared();
    let host = HostTable::mounted();
    let image = docker.load_product();
    let done = docker.run_privileged(&[], &image, &[]).ok();
    let answer = done.json();
    let supported = strings(&answer["supported"]);
    for platform in ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x"] {
        assert!(supported.contains(&platform), "no {platform}:\n{done}");
    }
    let emulators = strings(&answer["emulators"]);
    assert!(emulators.contains(&"qemu-aarch64"), "{done}");
    assert!(
        !done.stderr.is_empty(),
        "a report for people is expected on stderr:\n{done}"
    );
    // Both kinds of Arm are run by Armistice's own engines, which are in the image.
    let version = format!("Armistice's own engine {}", env!("CARGO_PKG_VERSION"));
    assert!(done.stderr.contains(&version), "{done}");
    both_are_run_by(&docker, &host, "armistice");
}

/// arm64 and 32-bit Arm are, by emulators of this name in the image.
#[track_caller]
fn both_are_run_by(docker: &Dockerd, host: &HostTable, maker: &str) {
    for (arch, userland) in [("aarch64", Userland::ARM64), ("arm", Userland::ARMHF)] {
        let entry = &host.entries()[&format!("qemu-{arch}")];
        let interpreter = format!("interpreter /usr/libexec/armistice/{maker}-{arch}\n");
        assert!(entry.contains(&interpreter), "{entry}");
        docker
            .run(&userland, &["uname", "-m"])
            .ok()
            .prints(userland.uname);
    }
}

#[test]
fn qemu_is_in_it_too_for_whoever_asks_for_it() {
    let docker = Dockerd::shared();
    let host = HostTable::mounted();
    let image = docker.load_product();
    docker
        .run_privileged(
            &[],
            &image,
            &["register", "arm64", "arm", "--engine", "qemu"],
        )
        .ok();
    both_are_run_by(&docker, &host, "qemu");
}

#[test]
fn podman_runs_it_too() {
    let podman = Podman::shared();
    let _host = HostTable::mounted();
    let image = podman.load_product();
    podman
        .run_privileged(&[], &image, &["--install", "arm64"])
        .ok();
    podman
        .run(&Userland::ARM64, &["uname", "-m"])
        .ok()
        .prints("aarch64");
}

#[test]
fn the_forms_of_other_images_work() {
    let docker = Dockerd::shared();
    let host = HostTable::mounted();
    let image = docker.load_product();
    let names = || -> Vec<String> {
        let all = host.entries();
        all.into_keys().filter(|n| n.starts_with("qemu-")).collect()
    };
    let say = |args: &[&str]| docker.run_privileged(&[], &image, args).ok();
    say(&["--install", "arm64,linux/arm/v7"]);
    assert_eq!(names(), ["qemu-aarch64", "qemu-arm"]);
    say(&["--uninstall", "qemu-aarch64"]);
    assert_eq!(names(), ["qemu-arm"]);
    say(&["--install", "all"]);
    assert!(names().len() >= 5, "{:?}", names());
    say(&["--uninstall", "qemu-*"]);
    assert!(names().is_empty(), "{:?}", names());
    say(&["--reset", "-p", "yes"]);
    assert!(
        names().contains(&"qemu-aarch64".to_owned()),
        "{:?}",
        names()
    );
    say(&["unregister"]);
    assert!(names().is_empty(), "{:?}", names());
    say(&["register", "riscv64"]);
    assert_eq!(names(), ["qemu-riscv64"]);
}

#[test]
fn other_peoples_entries_stay() {
    let docker = Dockerd::shared();
    let host = HostTable::mounted();
    let image = docker.load_product();
    let register = format!("{}/register", e2e::host_table::AT);
    fs::write(
        &register,
        ":armistice-test-foreign:E::armistice-test::/bin/true:",
    )
    .expect("written");
    for args in [
        &["--install", "all"][..],
        &["--reset", "-p", "yes"],
        &["--uninstall", "qemu-*"],
    ] {
        docker.run_privileged(&[], &image, args).ok();
        assert!(
            host.entries().contains_key("armistice-test-foreign"),
            "gone after {args:?}"
        );
    }
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    let image = docker.load_product();
    docker
        .run_privileged(&[], &image, &["--no-such-thing"])
        .exits(2);
    docker
        .run_privileged(&[], &image, &["register", "amr64"])
        .fails()
        .says("arm64");
}

#[test]
fn without_privilege_it_fails_and_says_what_is_missing() {
    let docker = Dockerd::shared();
    let host = HostTable::mounted();
    let image = docker.load_product();
    run(docker.docker().args(["run", "--rm", &image]))
        .exits(1)
        .says("--privileged");
    assert!(!host.entries().contains_key("qemu-aarch64"));
}

#[test]
fn two_builds_are_the_same_to_the_byte() {
    let folder = e2e::temporary();
    let build = |name: &str, umask: &str| {
        let file = folder.path().join(name);
        let script = format!(
            "umask {umask}; exec '{}' image build -o '{}'",
            product::binary().display(),
            file.display()
        );
        run(std::process::Command::new("sh")
            .args(["-c", &script])
            .current_dir("/"))
        .ok();
        fs::read(file).expect("the image can be read")
    };
    let first = build("first.tar", "022");
    // A second later, so that a time stamp would differ.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let second = build("second.tar", "077");
    assert!(first == second, "the two images differ");
    assert!(first.len() > 1_000_000);
}

#[test]
fn an_image_of_chosen_architectures_has_these_only() {
    let docker = Dockerd::shared();
    let host = HostTable::mounted();
    let folder = e2e::temporary();
    let file = folder.path().join("small.tar");
    run(armistice()
        .args([
            "image",
            "build",
            "--arch",
            "riscv64",
            "--tag",
            "armistice.test/small:1",
            "-o",
        ])
        .arg(&file))
    .ok();
    let image = docker.load(&file);
    assert_eq!(image, "armistice.test/small:1");
    docker.run_privileged(&[], &image, &[]).ok();
    let names: Vec<String> = host
        .entries()
        .into_keys()
        .filter(|n| n.starts_with("qemu-"))
        .collect();
    assert_eq!(names, ["qemu-riscv64"]);
}

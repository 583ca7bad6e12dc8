//! Promise: the GitHub action `docker/setup-qemu-action` works with our image
//! in its `image:` input.
//!
//! The action's four invocations and its rules for judging them: a step has
//! failed when it exits with other than 0 and wrote to stderr (its text is then
//! the error that users see); the last one's stdout is parsed as JSON whole, and
//! `supported` becomes the action's output.

use e2e::{Dockerd, Done, HostTable, Userland};

/// What the action does with its inputs `platforms` and `reset`; its output.
fn action(docker: &Dockerd, image: &str, platforms: &str, reset: bool) -> Result<String, String> {
    let step = |args: &[&str]| -> Result<Done, String> {
        let done = docker.run_privileged(&[], image, args);
        if !done.status.success() && !done.stderr.is_empty() {
            Err(done.stderr.trim().to_owned())
        } else {
            Ok(done)
        }
    };
    step(&["--version"])?;
    if reset {
        step(&["--uninstall", "qemu-*"])?;
    }
    step(&["--install", platforms])?;
    let listed = step(&[])?;
    let answer: serde_json::Value = serde_json::from_str(listed.stdout.trim())
        .map_err(|error| format!("{error}: {}", listed.stdout))?;
    let supported = answer["supported"]
        .as_array()
        .ok_or("no field 'supported'")?;
    let supported: Vec<&str> = supported.iter().filter_map(|v| v.as_str()).collect();
    Ok(supported.join(","))
}

#[test]
fn with_its_defaults() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    let image = docker.load_product();
    let output = action(&docker, &image, "all", true).expect("the action succeeds");
    let platforms: Vec<&str> = output.split(',').collect();
    for platform in ["linux/amd64", "linux/arm64", "linux/ppc64le"] {
        assert!(platforms.contains(&platform), "{output}");
    }
    docker
        .run(&Userland::ARM64, &["uname", "-m"])
        .ok()
        .prints("aarch64");
}

#[test]
fn with_a_list_of_platforms_and_again() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    let image = docker.load_product();
    for _ in 0..2 {
        let output =
            action(&docker, &image, "linux/arm64,arm", false).expect("the action succeeds");
        assert!(output.contains("linux/arm/v7"), "{output}");
    }
    docker
        .run(&Userland::ARMHF, &["uname", "-m"])
        .ok()
        .prints("armv7l");
}

#[test]
fn a_failure_reaches_the_user_as_text() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    let image = docker.load_product();
    let error = action(&docker, &image, "amr64", false).expect_err("there is no such architecture");
    assert!(error.contains("amr64"), "{error}");
}

//! Promise: the GitHub action `docker/setup-qemu-action` works with our image
//! in its `image:` input, and `docker buildx` builds after it.
//!
//! The action's calls in their order, with its pull from a real registry, and its
//! rules for judging them: a step has failed when it exits with other than 0 and
//! wrote to stderr (its text is then the error that users see); the last one's
//! stdout is parsed as JSON whole, and `supported` becomes the action's output.

use std::fs;

use e2e::{Dockerd, Done, HostTable, Registry, Userland, host_table, run};

/// What the action does with its inputs `image`, `platforms` and `reset`; its
/// output. It pulls always.
fn action(docker: &Dockerd, image: &str, platforms: &str, reset: bool) -> Result<String, String> {
    let judge = |done: Done| -> Result<Done, String> {
        if !done.status.success() && !done.stderr.is_empty() {
            Err(done.stderr.trim().to_owned())
        } else {
            Ok(done)
        }
    };
    let step = |args: &[&str]| judge(docker.run_privileged(&[], image, args));
    judge(run(docker.docker().args(["pull", image])))?;
    judge(run(docker.docker().args(["image", "inspect", image])))?;
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

/// The product's image, in a registry and nowhere else.
fn pushed(docker: &Dockerd, registry: &Registry) -> String {
    let image = docker.load_product();
    registry.push(docker, &image)
}

#[test]
fn with_its_defaults_and_a_build_after_it() {
    let docker = Dockerd::shared();
    let registry = Registry::plain();
    let _host = HostTable::mounted();
    let image = pushed(&docker, &registry);
    let output = action(&docker, &image, "all", true).expect("the action succeeds");
    let platforms: Vec<&str> = output.split(',').collect();
    for platform in ["linux/amd64", "linux/arm64", "linux/ppc64le"] {
        assert!(platforms.contains(&platform), "{output}");
    }
    docker
        .run(&Userland::ARM64, &["uname", "-m"])
        .ok()
        .prints("aarch64");
    for userland in [&Userland::ARM64, &Userland::S390X] {
        build(&docker, userland);
    }
}

/// By BuildKit, in the daemon; and what it says of its platforms.
fn build(docker: &Dockerd, userland: &Userland) {
    docker.load_userland(userland);
    let context = e2e::temporary();
    fs::write(
        context.path().join("Dockerfile"),
        format!(
            "FROM {}\nRUN uname -m > /built-on\nCMD [\"cat\", \"/built-on\"]\n",
            userland.image()
        ),
    )
    .expect("the temporary folder is writable");
    let tag = format!("armistice.test/by-buildx-{}", userland.debian);
    run(docker
        .buildx()
        .args(["build", "--no-cache", "--load", "--network", "none"])
        .args(["--platform", userland.platform, "--tag", &tag])
        .arg(context.path()))
    .ok();
    run(docker
        .docker()
        .args(["run", "--rm", "--platform", userland.platform, &tag]))
    .ok()
    .prints(userland.uname);
}

#[test]
fn with_a_list_of_platforms_and_again() {
    let docker = Dockerd::shared();
    let registry = Registry::plain();
    let host = HostTable::mounted();
    let image = pushed(&docker, &registry);
    for _ in 0..2 {
        let output =
            action(&docker, &image, "linux/arm64,arm", false).expect("the action succeeds");
        assert!(output.contains("linux/arm/v7"), "{output}");
        let names: Vec<String> = host.entries().into_keys().collect();
        assert!(!names.contains(&"qemu-s390x".to_owned()), "{names:?}");
    }
    docker
        .run(&Userland::ARMHF, &["uname", "-m"])
        .ok()
        .prints("armv7l");
}

/// Once `--install` has spoken, the last call registers nothing beyond it.
#[test]
fn what_runs_already_is_left_to_whoever_runs_it() {
    let docker = Dockerd::shared();
    let registry = Registry::plain();
    let host = HostTable::mounted();
    let image = pushed(&docker, &registry);
    let emulators = || -> Vec<String> {
        let all = host.entries();
        all.into_keys()
            .filter(|name| name.starts_with("qemu-"))
            .collect()
    };
    for platforms in ["amd64", "linux/amd64,386"] {
        let output = action(&docker, &image, platforms, false).expect("the action succeeds");
        assert!(output.contains("linux/amd64"), "{output}");
        assert_eq!(emulators(), Vec::<String>::new(), "{platforms}");
    }

    // Somebody else's for arm64, as Debian's package has it.
    let line = run(e2e::armistice().args(["register", "--dry-run", "--engine", "qemu", "arm64"]))
        .ok()
        .stdout;
    let line = line
        .lines()
        .find(|line| line.starts_with(':'))
        .expect("the dry run has a line");
    let mut parts: Vec<&str> = line.split(':').collect();
    // Without the mark, and with other flags.
    parts[4] = &parts[4][..4 * 20];
    parts[5] = &parts[5][..4 * 20];
    parts[7] = "F";
    fs::write(format!("{}/register", host_table::AT), parts.join(":")).expect("it is registered");
    let theirs = host.entries()["qemu-aarch64"].clone();
    for _ in 0..2 {
        let output = action(&docker, &image, "arm64", false).expect("the action succeeds");
        assert!(output.contains("linux/arm64"), "{output}");
        assert_eq!(emulators(), ["qemu-aarch64"]);
        assert_eq!(host.entries()["qemu-aarch64"], theirs);
    }

    // A reset takes the choice back, too.
    let say = |args: &[&str]| docker.run_privileged(&[], &image, args).ok();
    say(&["--uninstall", "qemu-*"]);
    say(&[]);
    assert!(emulators().len() >= 5, "{:?}", emulators());
}

#[test]
fn a_failure_reaches_the_user_as_text() {
    let docker = Dockerd::shared();
    let registry = Registry::plain();
    let _host = HostTable::mounted();
    let image = pushed(&docker, &registry);
    let error = action(&docker, &image, "amr64", false).expect_err("there is no such architecture");
    assert!(error.contains("amr64"), "{error}");
}

#[test]
fn help_and_version_are_the_images_own() {
    let docker = Dockerd::shared();
    let image = docker.load_product();
    let say = |args: &[&str]| run(docker.docker().args(["run", "--rm", &image]).args(args)).ok();
    for help in ["--help", "-h"] {
        say(&[help]).says("--install all").says("--uninstall");
    }
    let version = say(&["--version"]).says("armistice-aarch64");
    assert!(
        version.stdout.lines().any(|line| line.starts_with("qemu-")),
        "{version}"
    );
    say(&["register", "--help"]).says("--dry-run");
    say(&["-q", "--color", "never", "generate", "man"]).says("ARMISTICE");
}

//! Promise: after one command, Docker runs and builds images of other
//! architectures; before it, it can't.

use armistice_arch::Platform;
use e2e::{Dockerd, HostTable, USERLANDS, Userland, archive, armistice, run};

#[track_caller]
fn register(args: &[&str]) {
    run(armistice().arg("register").args(args)).ok();
}

#[test]
fn exec_format_error_before_and_uname_after() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    for userland in &USERLANDS {
        docker
            .run(userland, &["uname", "-m"])
            .fails()
            .says("exec format error");
    }
    register(&USERLANDS.map(|u| u.platform));
    for userland in &USERLANDS {
        docker
            .run(userland, &["uname", "-m"])
            .ok()
            .prints(userland.uname);
    }
    run(armistice().args(["unregister"])).ok();
    for userland in &USERLANDS {
        docker
            .run(userland, &["uname", "-m"])
            .fails()
            .says("exec format error");
    }
}

#[test]
fn arm64_images_are_built_by_both_builders() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    register(&["arm64"]);
    docker.load_userland(&Userland::ARM64);
    let dockerfile = format!(
        "FROM {}\nRUN uname -m > /built-on && mkdir -p /a/b && cp /bin/sh /a/b/sh && ls -l /a/b\nCMD [\"cat\", \"/built-on\"]\n",
        Userland::ARM64.image()
    );
    for (tag, buildkit) in [
        ("armistice.test/classic", false),
        ("armistice.test/buildkit", true),
    ] {
        docker.build(tag, "linux/arm64", &dockerfile, buildkit).ok();
        let _ =
            run(docker
                .docker()
                .args(["image", "inspect", "--format", "{{.Architecture}}", tag]))
            .ok()
            .prints("arm64");
        run(docker.docker().args(["run", "--rm", tag]))
            .ok()
            .prints("aarch64");
    }
}

/// A set-user-ID program, started by somebody else, prints its effective user.
const EFFECTIVE_USER: &str = "cp /usr/bin/id /id-of-root && chmod 4755 /id-of-root && chroot --userspec=65534:65534 / /id-of-root -u";

#[test]
fn set_user_id_programs_get_their_owners_rights() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    register(&["arm64"]);
    docker
        .run(&Userland::ARM64, &["sh", "-c", EFFECTIVE_USER])
        .ok()
        .prints("0");
}

#[test]
fn without_credentials_they_do_not() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    register(&["arm64", "--no-credentials"]);
    docker
        .run(&Userland::ARM64, &["sh", "-c", EFFECTIVE_USER])
        .ok()
        .prints("65534");
}

#[test]
fn programs_see_the_name_they_were_called_by() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    register(&["arm64"]);
    docker
        .run(&Userland::ARM64, &["sh", "-c", "echo $0"])
        .ok()
        .prints("sh");
    run(armistice().args(["unregister", "arm64"])).ok();
    register(&["arm64", "--no-preserve-argv0"]);
    let seen = docker.run(&Userland::ARM64, &["sh", "-c", "echo $0"]).ok();
    assert_ne!(
        seen.stdout.trim(),
        "sh",
        "without flag P the name is lost:\n{seen}"
    );
}

#[test]
fn a_big_endian_program_reads_and_writes_files_pipes_and_processes() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    register(&["s390x"]);
    let script = "seq 1 1000 | sort -rn | head -3 | tr '\\n' ' ' && printf '%s' abc | sha256sum | cut -c1-8 && stat -c %s /etc/passwd /bin/sh >/dev/null; test $? -le 1";
    docker
        .run(&Userland::S390X, &["sh", "-c", script])
        .ok()
        .prints("1000 999 998 ba7816bf");
}

/// One engine for all variants of 32-bit Arm: programs of armel are Armv5's, and Armv6 runs
/// them, too.
#[test]
fn all_variants_of_32_bit_arm_run() {
    let docker = Dockerd::shared();
    let _host = HostTable::mounted();
    register(&["arm/v7"]);
    let folder = e2e::temporary();
    let file = folder.path().join("image.tar");
    let script = "uname -m && seq 1 1000 | sort -rn | head -1 && printf '%s' abc | sha256sum | cut -c1-8 && cat /etc/debian_version > /tmp/lines && ls /tmp";
    for (userland, platform) in [
        (Userland::ARMHF, "linux/arm/v7"),
        (Userland::ARMEL, "linux/arm/v6"),
        (Userland::ARMEL, "linux/arm/v5"),
    ] {
        let of = Platform::parse(platform).expect("a platform of the table");
        let image = format!("armistice.test/{}:1", platform.replace('/', "-"));
        archive::write(&file, &userland.tar(), &of, &image).expect("an archive");
        let _ = docker.load(&file);
        run(docker
            .docker()
            .args(["run", "--rm", "--platform", platform, &image])
            .args(["sh", "-c", script]))
        .ok()
        .prints("armv7l\n1000\nba7816bf\nlines");
    }
}

#[test]
fn a_dry_run_changes_nothing() {
    let docker = Dockerd::shared();
    let host = HostTable::mounted();
    let before = host.entries();
    register(&["all", "--dry-run"]);
    assert_eq!(host.entries(), before);
    docker.run(&Userland::ARM64, &["uname", "-m"]).fails();
}

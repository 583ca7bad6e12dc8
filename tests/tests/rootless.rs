//! Promise: an ordinary user has Podman and Buildah run and build arm64 images by
//! one command, without root, and nothing of the machine's changes (Linux 6.7).

use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::command::wait_until;
use e2e::{Done, HostTable, OrdinaryUser, Userland, armistice, run};

/// Longer than it takes.
const SOON: Duration = Duration::from_secs(30);

/// A build that runs a program of the image.
const DOCKERFILE: &str = "RUN uname -m > /built-on && cat /built-on\n";

fn context(user: &OrdinaryUser) -> std::path::PathBuf {
    let context = user.folder("context");
    user.file(
        "context/Dockerfile",
        &format!("FROM {}\n{DOCKERFILE}", Userland::ARM64.image()),
    );
    context
}

#[track_caller]
fn is_broken(done: Done) {
    done.fails().says("exec format error");
}

#[test]
fn podman_runs_and_builds_after_one_command() {
    let host = HostTable::mounted();
    let user = OrdinaryUser::new();
    user.load(&Userland::ARM64);
    is_broken(user.run(&Userland::ARM64, &["uname", "-m"]));

    run(user.armistice().args(["register", "arm64"]))
        .ok()
        .says("For rootless Podman (its pause process")
        .says("only rootless engine that runs here")
        .says("podman system migrate")
        .says("Registered for rootless Podman (its pause process")
        .says("verified: ran a test program in an empty root")
        .says("for containers of rootless Podman (its pause process")
        .says("Programs of arm64 that are started outside of these containers do not run by it.")
        .says("sudo armistice register arm64; or without root: armistice run IMAGE");
    user.run(&Userland::ARM64, &["uname", "-m"])
        .ok()
        .prints("aarch64");
    run(user
        .podman()
        .args(["run", "--rm", "--userns", "keep-id"])
        .args([&Userland::ARM64.image(), "uname", "-m"]))
    .ok()
    .prints("aarch64");
    let build = ["build", "--no-cache", "--platform", "linux/arm64"];
    run(user.podman().args(build).arg(context(&user)))
        .ok()
        .says("aarch64");
    assert!(host.entries().is_empty(), "{:?}", host.entries());

    run(user.armistice().args(["unregister", "arm64"]))
        .ok()
        .says("Removed qemu-aarch64");
    is_broken(user.run(&Userland::ARM64, &["uname", "-m"]));
}

/// Bugs once: Podman was asked as root alone, and what asking it leaves was not said.
#[test]
fn an_image_that_podman_alone_has_is_told_of_with_what_asking_leaves() {
    let user = OrdinaryUser::new();
    user.load(&Userland::ARM64);
    let image = Userland::ARM64.image();
    let left = "has left its pause process";
    let ended = || run(user.podman().args(["system", "migrate"])).ok();
    ended();
    run(user.armistice().args(["explain", &image])).says(left);
    // By now it runs.
    let again = run(user.armistice().args(["explain", &image]));
    assert!(!again.stderr.contains(left), "{again}");
    let save = format!("podman has one: podman save {image} -o x.tar");
    for verb in [&["pull"][..], &["run", "--pull", "never"]] {
        ended();
        run(user.armistice().args(verb).arg(&image))
            .fails()
            .says(&save)
            .says(left);
    }
}

#[test]
fn buildah_builds_in_podmans_namespace() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    user.load(&Userland::ARM64);
    let build = [
        "bud",
        "--isolation",
        "chroot",
        "--no-cache",
        "--arch",
        "arm64",
    ];
    run(user
        .armistice()
        .args(["register", "--for", "buildah", "arm64"]))
    .ok()
    .says("podman unshare buildah");
    run(user
        .podman()
        .args(["unshare", "buildah"])
        .args(build)
        .arg(context(&user)))
    .ok()
    .says("aarch64");
    // By itself Buildah makes another namespace each time, as is said.
    is_broken(run(user.command("buildah").args(build).arg(context(&user))));
}

#[test]
fn every_verb_is_about_the_engines_table() {
    let host = HostTable::mounted();
    let user = OrdinaryUser::new();
    user.load(&Userland::ARM64);
    let image = Userland::ARM64.image();
    // A verb that only looks starts nothing, and speaks of the machine's table where
    // the engine uses that.
    run(user.armistice().args(["explain", &image]))
        .exits(1)
        .says("in rootless Podman")
        .says("Run: armistice register --for podman arm64");
    run(user
        .armistice()
        .args(["verify", "--for", "podman", "arm64"]))
    .exits(1)
    .says("run: armistice register --for podman arm64");
    run(user.armistice().arg("status"))
        .ok()
        .says("this machine's table");

    run(user
        .armistice()
        .args(["register", "--for", "podman", "arm64"]))
    .ok();
    let status = run(user.armistice().args(["status", "-o", "json"]))
        .ok()
        .json();
    assert_eq!(status["rootless"]["engine"], "podman", "{status}");
    assert_eq!(
        status["rootless"]["pid"].to_string(),
        user.pause(),
        "{status}"
    );
    assert_eq!(status["scope"], "private", "{status}");
    assert_eq!(status["handlers"][0]["name"], "qemu-aarch64", "{status}");
    run(user.armistice().arg("status"))
        .ok()
        .says("Containers of rootless Podman")
        .says("ends with Podman's pause process");
    run(user.armistice().args(["status", "--for", "machine"]))
        .ok()
        .says("No handlers are registered");
    run(user.armistice().args(["verify", "arm64"]))
        .ok()
        .says("about programs outside of them: --for machine")
        .says("Handlers for rootless Podman")
        .says("verified");
    run(user.armistice().args(["explain", &image]))
        .ok()
        .says("Yes: qemu-aarch64 runs it");
    // A file is judged as the user's own shell would run it.
    let program = e2e::temporary();
    run(Command::new("tar")
        .args(["-xf"])
        .arg(Userland::ARM64.tar())
        .arg("-C")
        .arg(program.path()))
    .ok();
    std::fs::copy(program.path().join("bin/uname"), user.at("uname")).expect("copied");
    run(user.armistice().args(["explain", "./uname"]))
        .exits(1)
        .says("About programs that run outside of containers.")
        .says("about these: --for podman");
    run(user
        .armistice()
        .args(["explain", "--for", "podman", "./uname"]))
    .says("qemu-aarch64: takes it");
    // In the namespace itself no name is needed.
    run(user
        .podman()
        .arg("unshare")
        .arg(user.at("bin/armistice"))
        .args(["register", "arm64"]))
    .ok()
    .says("(kept)");
    assert!(host.entries().is_empty(), "{:?}", host.entries());
}

#[test]
fn a_registration_ends_with_the_pause_process() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    user.load(&Userland::ARM64);
    run(user.armistice().args(["register", "arm64"])).ok();
    let first = user.pause();
    run(user.podman().args(["system", "migrate"])).ok();
    is_broken(user.run(&Userland::ARM64, &["uname", "-m"]));
    assert_ne!(user.pause(), first);
    run(user.armistice().args(["status", "--for", "podman"]))
        .ok()
        .says("It has no table of its own");
    // The same command again, which starts Podman's pause process where there is none.
    run(user.podman().args(["system", "migrate"])).ok();
    run(user
        .armistice()
        .args(["register", "--for", "podman", "arm64"]))
    .ok();
    user.run(&Userland::ARM64, &["uname", "-m"])
        .ok()
        .prints("aarch64");
}

#[test]
fn what_the_machine_runs_is_not_hidden() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    user.load(&Userland::ARM64);
    user.load(&Userland::ARMHF);
    run(armistice().args(["register", "arm/v7"])).ok();
    run(user.armistice().args(["register", "arm64"]))
        .ok()
        .says("by copies of these entries: qemu-arm");
    for userland in [Userland::ARM64, Userland::ARMHF] {
        user.run(&userland, &["uname", "-m"])
            .ok()
            .prints(userland.uname);
    }
}

#[test]
fn what_cannot_be_carried_over_is_not_hidden_in_silence() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    run(user.podman().args(["unshare", "true"])).ok();
    // An emulator that is at its path no more, and is run all the same (flag F).
    let folder = e2e::temporary();
    let gone = folder.path().join("qemu-arm-static");
    e2e::copy_program("/usr/bin/qemu-arm-static".as_ref(), &gone);
    let emulators = folder.path().display().to_string();
    run(armistice().args(["register", "--emulator-dir", &emulators, "arm/v7"])).ok();
    std::fs::remove_file(&gone).expect("removed");
    let register = ["register", "--for", "podman", "arm64"];
    run(user.armistice().args(register))
        .exits(1)
        .says("cannot be carried over")
        .says("qemu-arm")
        .says("nothing was changed");
    let status = ["status", "--for", "podman"];
    run(user.armistice().args(status))
        .ok()
        .says("no table of its own")
        .says("qemu-arm");
    run(user.armistice().args(register).arg("--replace"))
        .ok()
        .says("Not run there any more");
    run(user.armistice().args(status))
        .ok()
        .says("a table of its own");
}

#[test]
fn where_the_machine_runs_it_already_nothing_is_mounted() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    run(user.podman().args(["unshare", "true"])).ok();
    run(Command::new(user.at("bin/armistice")).args(["register", "arm64"])).ok();
    run(user.armistice().args(["register", "arm64"]))
        .ok()
        .says("uses the machine's table")
        .says("nothing was changed")
        .says("verified");
    run(user.armistice().args(["status", "--for", "podman"]))
        .ok()
        .says("no table of its own");
    // What the user may not remove is not removed, and not called removed.
    run(user.armistice().args(["unregister", "arm64"]))
        .ok()
        .says("Nothing of Armistice's was registered");
    assert!(_host.entries().contains_key("qemu-aarch64"));
}

#[test]
fn what_does_not_work_is_not_mounted_for() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    run(user.podman().args(["unshare", "true"])).ok();
    // An emulator for another architecture under this one's name.
    let folder = user.folder("emulators");
    e2e::copy_program(
        "/usr/bin/qemu-arm-static".as_ref(),
        &folder.join("qemu-aarch64-static"),
    );
    run(user
        .armistice()
        .args(["register", "--engine", "qemu", "--emulator-dir"])
        .args([folder.display().to_string().as_str(), "arm64"]))
    .exits(1)
    .says("nothing was changed, and nothing mounted");
    run(user.armistice().args(["status", "--for", "podman"]))
        .ok()
        .says("no table of its own");
}

#[test]
fn a_dry_run_starts_and_mounts_nothing() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    let plan = ["register", "--dry-run", "--for", "podman", "arm64"];
    run(user.armistice().args(plan))
        .exits(1)
        .says("does not run here");
    run(user.podman().args(["unshare", "true"])).ok();
    run(user.armistice().args(plan))
        .ok()
        .says("would be mounted for rootless Podman")
        .says(":qemu-aarch64:M:");
    run(user.armistice().args(["status", "--for", "podman"]))
        .ok()
        .says("no table of its own");
}

#[test]
fn runs_at_the_same_time_mount_one_table() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    run(user.podman().args(["unshare", "true"])).ok();
    let start = || {
        let mut command = user.armistice();
        command.args(["register", "--for", "podman", "arm64"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("it starts")
    };
    let children: Vec<_> = (0..4).map(|_| start()).collect();
    for mut child in children {
        assert!(child.wait().is_ok_and(|status| status.success()));
    }
    // The machine's, and one.
    let count = "grep -c ' - binfmt_misc ' /proc/self/mountinfo";
    let here = run(Command::new("sh").args(["-c", count])).stdout;
    let there = run(user.podman().args(["unshare", "sh", "-c", count])).stdout;
    let number = |text: &str| text.trim().parse::<u32>().expect("a number");
    assert_eq!(number(&there), number(&here) + 1);
}

#[test]
fn which_engine_is_meant_is_asked_where_it_is_not_clear() {
    let _host = HostTable::mounted();
    let user = OrdinaryUser::new();
    // None runs: what an ordinary user may do is told.
    run(user.armistice().args(["register", "arm64"]))
        .exits(1)
        .says("--for podman");
    run(user.armistice().args(["status", "--for", "podman"]))
        .exits(1)
        .says("rootless Podman does not run here")
        .says("pause.pid is not there");
    run(user
        .armistice()
        .args(["register", "--for", "docker", "arm64"]))
    .exits(1)
    .says("rootless Docker does not run here")
    .says("docker.pid is not there");
    run(user
        .armistice()
        .args(["register", "--for", "buildkit", "arm64"]))
    .exits(1)
    .says("rootless BuildKit does not run here");
    run(armistice().args(["register", "--for", "podman", "arm64"]))
        .exits(2)
        .says("run this as that user");

    // A process number that was used again by another program.
    let mut other = user
        .command("sleep")
        .arg("600")
        .spawn()
        .expect("sleep starts");
    user.file("run/docker.pid", &other.id().to_string());
    run(user
        .armistice()
        .args(["register", "--for", "docker", "arm64"]))
    .exits(1)
    .says("names a process of another program");
    // A daemon of that name which is in no namespace of the user's.
    let mut native = user
        .command("bash")
        .args(["-c", "exec -a dockerd sleep 600"])
        .spawn()
        .expect("bash starts");
    user.file("run/docker.pid", &native.id().to_string());
    wait_until("a process is what it is to be", SOON, || {
        let done = run(user
            .armistice()
            .args(["register", "--for", "docker", "arm64"]));
        done.stderr.contains("in no user namespace of this user's")
    });
    // Two engines.
    let mut daemon = user
        .command("unshare")
        .args(["--user", "--map-root-user", "--mount", "bash", "-c"])
        .arg("exec -a dockerd sleep 600")
        .stdin(Stdio::null())
        .spawn()
        .expect("unshare starts");
    user.file("run/docker.pid", &daemon.id().to_string());
    run(user.podman().args(["unshare", "true"])).ok();
    wait_until("a process is what it is to be", SOON, || {
        let done = run(user.armistice().args(["register", "arm64"]));
        done.status.code() == Some(2) && done.stderr.contains("--for podman or --for docker")
    });
    run(user
        .armistice()
        .args(["register", "--for", "docker", "arm64"]))
    .ok();
    run(user.armistice().arg("status"))
        .ok()
        .says("rootless Docker");
    // BuildKit's daemon writes no file with its number.
    let mut builder = user
        .command("unshare")
        .args(["--user", "--map-root-user", "--mount", "bash", "-c"])
        .arg("exec -a buildkitd sleep 600")
        .stdin(Stdio::null())
        .spawn()
        .expect("unshare starts");
    wait_until("a process is what it is to be", SOON, || {
        let done = run(user
            .armistice()
            .args(["-v", "register", "--for", "buildkit", "arm64"]));
        done.status.success() && done.stderr.contains("found among your processes")
    });
    for child in [&mut other, &mut native, &mut daemon, &mut builder] {
        let _ = child.kill();
        let _ = child.wait();
    }
}

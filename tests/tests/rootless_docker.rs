//! Promise: the same for rootless Docker: run and build, by both builders and buildx.
//! The daemon is started as Debian ships it: RootlessKit, slirp4netns,
//! dockerd-rootless.sh.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::ordinary_user::started_by;
use e2e::{HostTable, OrdinaryUser, Userland, need, product, run};

/// Gives the user the device for slirp4netns, as usual machines do (a sandbox may keep
/// it for root), where only the daemon's processes see it; then starts the script.
const START: &str = r#"
mknod "$1/tun" c 10 200
chmod 666 "$1/tun"
mount --bind "$1/tun" /dev/net/tun
shift
exec "$@""#;

struct RootlessDocker<'u> {
    user: &'u OrdinaryUser,
    daemon: Child,
    _device: tempfile::TempDir,
}

/// The script that starts a daemon without root: Debian's package has it among its
/// examples, Docker's own (docker-ce-rootless-extras) in the path.
fn script() -> PathBuf {
    let debians = "/usr/share/docker.io/contrib/dockerd-rootless.sh";
    need::find(debians)
        .or_else(|| need::find("dockerd-rootless.sh"))
        .unwrap_or_else(|| need::program(debians, "docker.io"))
}

impl RootlessDocker<'_> {
    fn start(user: &OrdinaryUser) -> RootlessDocker<'_> {
        for (program, package) in [
            ("dockerd", "docker.io"),
            ("rootlesskit", "rootlesskit"),
            ("slirp4netns", "slirp4netns"),
        ] {
            let _ = need::program(program, package);
        }
        assert!(
            Path::new("/dev/net/tun").exists(),
            "/dev/net/tun is missing, which slirp4netns needs: modprobe tun"
        );
        let device = e2e::temporary();
        let log = fs::File::create(user.at("dockerd.log")).expect("the home is writable");
        let mut outer = Command::new(need::program("unshare", "util-linux"));
        outer
            .args(["--mount", "--propagation", "private"])
            .args(["sh", "-ec", START, "start"])
            .arg(device.path());
        let mut command = started_by(outer, &user.command("sh"));
        command
            .arg(script())
            .args([
                "--storage-driver",
                "vfs",
                "--exec-opt",
                "native.cgroupdriver=cgroupfs",
            ])
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be cloned"))
            .stderr(log);
        let daemon = command.spawn().expect("unshare starts");
        let mut docker = RootlessDocker {
            user,
            daemon,
            _device: device,
        };
        docker.wait();
        docker
    }

    fn wait(&mut self) {
        let started = Instant::now();
        while !run(self.docker().arg("version")).status.success() {
            let ended = self.daemon.try_wait().ok().flatten();
            if ended.is_some() || started.elapsed() > Duration::from_secs(120) {
                let log = fs::read_to_string(self.user.at("dockerd.log")).unwrap_or_default();
                panic!("rootless dockerd does not answer ({ended:?}); its log:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The distribution's own client, which fits the daemon.
    fn docker(&self) -> Command {
        let mut command = self.user.command("/usr/bin/docker");
        let socket = self.user.at("run/docker.sock");
        command
            .env("DOCKER_HOST", format!("unix://{}", socket.display()))
            .env("DOCKER_CONFIG", self.user.at("client"));
        command
    }

    fn run(&self) -> e2e::Done {
        run(self
            .docker()
            .args([
                "run",
                "--rm",
                "--network",
                "none",
                "--platform",
                "linux/arm64",
            ])
            .arg(Userland::ARM64.image())
            .args(["uname", "-m"]))
    }
}

impl Drop for RootlessDocker<'_> {
    fn drop(&mut self) {
        // All else of the user's ends with the account.
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[test]
fn docker_runs_and_builds_after_one_command() {
    let host = HostTable::mounted();
    let user = OrdinaryUser::new();
    let docker = RootlessDocker::start(&user);
    let archive = user.copy_archive(&Userland::ARM64);
    run(docker.docker().args(["load", "--input"]).arg(archive)).ok();
    docker.run().fails().says("exec format error");

    run(user.armistice().args(["register", "arm64"]))
        .ok()
        .says("For rootless Docker (its daemon")
        .says("verified: ran a test program in an empty root");
    docker.run().ok().prints("aarch64");

    let context = user.folder("context");
    user.file(
        "context/Dockerfile",
        &format!(
            "FROM {}\nRUN uname -m > /built-on\n",
            Userland::ARM64.image()
        ),
    );
    user.folder("client");
    let plugins = user.folder("client/cli-plugins");
    let buildx = product::target_dir().join("buildx/docker-buildx");
    assert!(
        buildx.is_file(),
        "docker buildx is missing: `cargo xtask test` fetches it to {}",
        buildx.display()
    );
    e2e::copy_program(&buildx, &plugins.join("docker-buildx"));
    let build = [
        "--no-cache",
        "--network",
        "none",
        "--platform",
        "linux/arm64",
    ];
    for (tag, command, buildkit) in [
        ("classic", vec!["build"], "0"),
        ("buildkit", vec!["build"], "1"),
        ("buildx", vec!["buildx", "build"], "1"),
    ] {
        run(docker
            .docker()
            .env("DOCKER_BUILDKIT", buildkit)
            .args(command)
            .args(build)
            .args(["--tag", tag])
            .arg(&context))
        .ok();
        run(docker
            .docker()
            .args(["run", "--rm", "--network", "none", tag, "cat", "/built-on"]))
        .ok()
        .prints("aarch64");
    }

    run(user
        .armistice()
        .args(["explain", &Userland::ARM64.image()])
        .env(
            "DOCKER_HOST",
            format!("unix://{}", user.at("run/docker.sock").display()),
        )
        .env("DOCKER_CONFIG", user.at("client")))
    .ok()
    .says("in rootless Docker")
    .says("Yes: qemu-aarch64 runs it");
    run(user.armistice().arg("status"))
        .ok()
        .says("Containers of rootless Docker")
        .says("which ends with rootless Docker and its daemon");
    assert!(host.entries().is_empty(), "{:?}", host.entries());
    // Named, as `explain` has asked podman, which may have begun a namespace of its own.
    run(user
        .armistice()
        .args(["unregister", "--for", "docker", "arm64"]))
    .ok();
    docker.run().fails().says("exec format error");
}

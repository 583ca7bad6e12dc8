//! A Docker daemon of its own: state, socket and containerd in a temporary
//! folder, no bridge, no firewall rules, a cgroup of its own. Stopped, and
//! every trace of it removed, when dropped.
//!
//! Where this machine itself lacks a capability (a virtual machine in a
//! sandbox), a small runtime between Docker and runc leaves it out: Docker
//! 20.10's `--privileged` asks for all there are, and runc refuses what it
//! can't give. Newer ones ask for what there is.
//!
//! Its containers have no network: `docker run` works as users type it, but
//! BuildKit wants `--network none`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::command::{Done, run};
use crate::shared::Shared;
use crate::{Userland, capabilities, leftovers, need, product};

/// Longer than it takes to start on a loaded machine that QEMU makes in software.
const PATIENCE: Duration = Duration::from_secs(240);

/// A running daemon.
#[derive(Debug)]
pub struct Dockerd {
    daemon: Child,
    folder: tempfile::TempDir,
    cgroup: String,
    had_run_docker: bool,
}

impl Dockerd {
    /// The daemon of the tests that run at this time.
    #[must_use]
    pub fn shared() -> Arc<Dockerd> {
        static SHARED: Shared<Dockerd> = Shared::new();
        SHARED.get(Dockerd::start)
    }

    /// Starts a daemon and waits until it answers.
    ///
    /// # Panics
    /// When it doesn't in time; with its log.
    #[must_use]
    pub fn start() -> Dockerd {
        need::host_root();
        let folder = crate::temporary();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("daemon.json"), "{}").expect("the temporary folder is writable");
        let log = File::create(at("log")).expect("the temporary folder is writable");
        let cgroup = format!(
            "/{}",
            folder
                .path()
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
        );
        let had_run_docker = Path::new("/run/docker").exists();
        let mut command = Command::new(need::program("dockerd", "docker.io"));
        let missing = capabilities::missing();
        if !missing.is_empty() {
            let runtime = at("runtime");
            capabilities::write_runtime(&runtime, &missing);
            command
                .arg(format!("--add-runtime=limited={}", runtime.display()))
                .arg("--default-runtime=limited");
        }
        let daemon = command
            .arg("--config-file")
            .arg(at("daemon.json"))
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("--pidfile")
            .arg(at(leftovers::PID_FILE))
            .arg(format!("--host=unix://{}", at("socket").display()))
            .arg(format!("--cgroup-parent={cgroup}"))
            // Where systemd is PID 1, Docker would want the name of a slice.
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs"])
            .args(["--bridge=none", "--iptables=false", "--ip6tables=false"])
            .args([
                "--ip-forward=false",
                "--ip-masq=false",
                "--userland-proxy=false",
            ])
            .arg("--log-level=warn")
            .stdout(log.try_clone().expect("a file can be cloned"))
            .stderr(log)
            .spawn()
            .expect("dockerd can be started");
        let mut dockerd = Dockerd {
            daemon,
            folder,
            cgroup,
            had_run_docker,
        };
        dockerd.wait_until_ready();
        dockerd
    }

    fn wait_until_ready(&mut self) {
        let started = Instant::now();
        loop {
            let version = run(self
                .docker()
                .args(["version", "--format", "{{.Server.Version}}"]));
            if version.status.success() {
                return;
            }
            let ended = self.daemon.try_wait().ok().flatten();
            if ended.is_some() || started.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                panic!("dockerd does not answer ({ended:?}); its log:\n{log}");
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// A `docker` command that talks to this daemon.
    #[must_use]
    pub fn docker(&self) -> Command {
        // The distribution's own client, which fits the daemon, before others.
        let client = need::find("/usr/bin/docker")
            .unwrap_or_else(|| need::program("docker", "docker.io (or docker-cli)"));
        let mut command = Command::new(client);
        command
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("DOCKER_CONFIG", self.folder.path().join("client"))
            .env_remove("DOCKER_CONTEXT");
        command
    }

    /// A `docker buildx` command that talks to this daemon and its BuildKit.
    ///
    /// # Panics
    /// When the plugin is missing.
    #[must_use]
    pub fn buildx(&self) -> Command {
        let plugin = product::target_dir().join("buildx/docker-buildx");
        assert!(
            plugin.is_file(),
            "docker buildx is missing: `cargo xtask test` fetches it to {}",
            plugin.display()
        );
        let folder = self.folder.path().join("client/cli-plugins");
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        // Made by one of the tests that run at this time.
        let _ = std::os::unix::fs::symlink(plugin, folder.join("docker-buildx"));
        let mut command = self.docker();
        command.arg("buildx");
        command
    }

    /// The socket's path.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// `docker run --rm` of a command in a userland's image, which is loaded
    /// where it isn't yet.
    #[track_caller]
    pub fn run(&self, userland: &Userland, command: &[&str]) -> Done {
        self.load_userland(userland);
        run(self
            .docker()
            .args(["run", "--rm", "--platform", userland.platform])
            .arg(userland.image())
            .args(command))
    }

    /// Loads a userland's image where it isn't yet.
    #[track_caller]
    pub fn load_userland(&self, userland: &Userland) {
        let name = userland.image();
        if !run(self.docker().args(["image", "inspect", &name]))
            .status
            .success()
        {
            let _ = self.load(&userland.archive());
        }
    }

    /// Loads the product's image; its name.
    #[track_caller]
    #[must_use]
    pub fn load_product(&self) -> String {
        self.load(product::image())
    }

    /// Loads an image archive; the image's name.
    #[track_caller]
    #[must_use]
    pub fn load(&self, archive: &Path) -> String {
        let loaded = run(self.docker().args(["load", "--input"]).arg(archive)).ok();
        loaded_name(&loaded)
    }

    /// `docker run --rm --privileged IMAGE ARGS...`, as the README of every
    /// such image has it.
    #[track_caller]
    pub fn run_privileged(&self, options: &[&str], image: &str, args: &[&str]) -> Done {
        run(self
            .docker()
            .args(["run", "--rm", "--privileged"])
            .args(options)
            .arg(image)
            .args(args))
    }

    /// Builds an image of a Dockerfile's text: `docker build -t TAG -`, with
    /// BuildKit or with the classic builder.
    #[track_caller]
    pub fn build(&self, tag: &str, platform: &str, dockerfile: &str, buildkit: bool) -> Done {
        let context = crate::temporary();
        fs::write(context.path().join("Dockerfile"), dockerfile)
            .expect("the temporary folder is writable");
        run(self
            .docker()
            .env("DOCKER_BUILDKIT", if buildkit { "1" } else { "0" })
            .args(["build", "--no-cache", "--network", "none"])
            .args(["--platform", platform, "--tag", tag])
            .arg(context.path()))
    }
}

/// The name that `docker load` or `podman load` prints last.
#[track_caller]
pub(crate) fn loaded_name(loaded: &Done) -> String {
    loaded
        .stdout
        .lines()
        .rev()
        .find_map(|line| {
            line.strip_prefix("Loaded image: ")
                .or_else(|| line.strip_prefix("Loaded image ID: "))
        })
        .unwrap_or_else(|| panic!("no image's name:\n{loaded}"))
        .trim()
        .to_owned()
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        let left = run(self.docker().args(["ps", "--all", "--quiet"])).stdout;
        if !left.trim().is_empty() {
            let _ = run(self
                .docker()
                .args(["rm", "--force"])
                .args(left.split_whitespace()));
        }
        if let Some(pid) = i32::try_from(self.daemon.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let started = Instant::now();
        while matches!(self.daemon.try_wait(), Ok(None)) {
            if started.elapsed() > Duration::from_secs(20) {
                let _ = self.daemon.kill();
                let _ = self.daemon.wait();
            }
            thread::sleep(Duration::from_millis(20));
        }
        leftovers::clear_folder(self.folder.path());
        leftovers::remove_cgroup(&self.cgroup);
        if !self.had_run_docker {
            let _ = fs::remove_dir("/run/docker/plugins");
            let _ = fs::remove_dir("/run/docker");
        }
    }
}

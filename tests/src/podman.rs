//! Podman and Buildah with their state in a temporary folder.
//!
//! One `containers.conf` replaces the machine's: the cgroup manager that needs
//! no systemd, no network, limits that every machine grants, and runc where
//! crun refuses (it does not start containers under cgroup v1 with a v2
//! hierarchy beside it).
//!
//! [`Podman::rootless`] is the same for a user without rights and without
//! subordinate ids: one id is mapped, which is enough for root inside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};

use crate::command::{Done, run};
use crate::dockerd::loaded_name;
use crate::shared::Shared;
use crate::{Userland, leftovers, need, product};

/// Podman's and Buildah's common store.
#[derive(Debug)]
pub struct Podman {
    folder: tempfile::TempDir,
    had_cgroup: bool,
    rootless: bool,
}

/// The user called nobody.
const NOBODY: u32 = 65534;

/// The usual `containers.conf`.
const CONF: &str = "containers.conf";
/// The same, with the host's processes in every container's sight.
const CONF_HOST_PIDS: &str = "containers-host-pids.conf";
/// Where Podman puts its containers under cgroup v1.
const CGROUP: &str = "libpod_parent";

impl Podman {
    /// The store of the tests that run at this time.
    #[must_use]
    pub fn shared() -> Arc<Podman> {
        static SHARED: Shared<Podman> = Shared::new();
        SHARED.get(Podman::new)
    }

    /// A new, empty store of user nobody's.
    ///
    /// # Panics
    /// When this process may not become nobody.
    #[must_use]
    pub fn rootless() -> Podman {
        let mut podman = Podman::new();
        podman.rootless = true;
        std::os::unix::fs::chown(podman.folder.path(), Some(NOBODY), Some(NOBODY))
            .expect("root may give a folder away");
        podman
    }

    /// A new, empty store.
    #[must_use]
    pub fn new() -> Podman {
        need::host_root();
        let folder = crate::temporary();
        let conf = conf(&runtime());
        let with_host_pids = conf.replace("netns =", "pidns = \"host\"\nnetns =");
        for (name, text) in [(CONF, &conf), (CONF_HOST_PIDS, &with_host_pids)] {
            fs::write(folder.path().join(name), text).expect("the temporary folder is writable");
        }
        let had_cgroup = Path::new("/sys/fs/cgroup/memory").join(CGROUP).exists();
        Podman {
            folder,
            had_cgroup,
            rootless: false,
        }
    }

    /// A `podman` command on this store.
    #[must_use]
    pub fn podman(&self) -> Command {
        let mut command = self.engine("podman");
        command.arg("--tmpdir").arg(self.folder.path().join("tmp"));
        command
    }

    /// `podman kube play` of a file with a pod, all of its containers with the
    /// host's process ids: Podman 4.3 overlooks `hostPID`.
    #[track_caller]
    pub fn kube_play(&self, file: &Path) -> Done {
        run(self
            .podman()
            .env("CONTAINERS_CONF", self.folder.path().join(CONF_HOST_PIDS))
            .args(["kube", "play", "--network", "none"])
            .arg(file)
            // A folder with an image's name would be taken for its source.
            .current_dir(self.folder.path()))
    }

    /// A `buildah` command on this store.
    #[must_use]
    pub fn buildah(&self) -> Command {
        self.engine("buildah")
    }

    fn engine(&self, name: &str) -> Command {
        let program = need::program(name, name);
        let mut command = if self.rootless {
            let mut command = Command::new(need::program("setpriv", "util-linux"));
            command
                .arg(format!("--reuid={NOBODY}"))
                .arg(format!("--regid={NOBODY}"))
                .arg("--clear-groups")
                .arg(program)
                .env("HOME", self.folder.path())
                .env("XDG_RUNTIME_DIR", self.folder.path())
                .current_dir("/");
            command
        } else {
            Command::new(program)
        };
        command
            .env("CONTAINERS_CONF", self.folder.path().join(CONF))
            .arg("--root")
            .arg(self.folder.path().join("root"))
            .arg("--runroot")
            .arg(self.folder.path().join("run"))
            .args(["--storage-driver", "overlay"]);
        if self.rootless {
            command.args(["--storage-opt", "overlay.ignore_chown_errors=true"]);
        }
        command
    }

    /// `podman run --rm` of a command in a userland's image, which is loaded
    /// where it isn't yet.
    #[track_caller]
    pub fn run(&self, userland: &Userland, command: &[&str]) -> Done {
        self.load_userland(userland);
        run(self
            .podman()
            .args(["run", "--rm", "--platform", userland.platform])
            .arg(userland.image())
            .args(command))
    }

    /// Loads a userland's image where it isn't yet.
    #[track_caller]
    pub fn load_userland(&self, userland: &Userland) {
        let name = userland.image();
        if !run(self.podman().args(["image", "exists", &name]))
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
        let mut archive = archive.to_owned();
        if self.rootless {
            // Where nobody may read it, wherever the workspace is.
            let copy = self.folder.path().join("load.tar");
            fs::copy(&archive, &copy).expect("the archive can be copied");
            archive = copy;
        }
        let loaded = run(self
            .podman()
            .args(["load", "--quiet", "--input"])
            .arg(archive))
        .ok();
        loaded_name(&loaded)
    }

    /// `podman run --rm --privileged IMAGE ARGS...`.
    #[track_caller]
    pub fn run_privileged(&self, options: &[&str], image: &str, args: &[&str]) -> Done {
        run(self
            .podman()
            .args(["run", "--rm", "--privileged"])
            .args(options)
            .arg(image)
            .args(args))
    }
}

/// The runtime that starts containers here.
pub(crate) fn runtime() -> PathBuf {
    if Path::new("/sys/fs/cgroup/unified/cgroup.controllers").exists() {
        need::program("runc", "runc")
    } else {
        need::find("crun").unwrap_or_else(|| need::program("runc", "runc"))
    }
}

/// The text of a `containers.conf` for every machine.
pub(crate) fn conf(runtime: &Path) -> String {
    format!(
        r#"[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "none"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "{}"
"#,
        runtime.file_name().unwrap_or_default().to_string_lossy()
    )
}

impl Default for Podman {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = run(self
            .podman()
            .args(["pod", "rm", "--all", "--force", "--time", "0"]));
        let _ = run(self
            .podman()
            .args(["rm", "--all", "--force", "--time", "0"]));
        // What keeps a rootless user's namespace; its command line names nothing.
        let pause = self.folder.path().join("tmp/pause.pid");
        let pid = fs::read_to_string(pause)
            .ok()
            .and_then(|t| t.trim().parse().ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
        leftovers::clear_folder(self.folder.path());
        if !self.had_cgroup {
            leftovers::remove_cgroup(CGROUP);
        }
    }
}

//! An ordinary user: an account with subordinate identities and a folder as its home
//! and its session's, made and removed by the test. Engines run for it as they are
//! installed, with their files where the user's usually are.
//!
//! What a killed run left (the account, its processes) the next test that makes one
//! removes.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::command::{Done, run};
use crate::{Userland, leftovers, need, podman, product};

/// What the accounts are called; then comes the id of the process that owns one.
const PREFIX: &str = "armistice-e2e-";

/// An account.
#[derive(Debug)]
pub struct OrdinaryUser {
    name: String,
    uid: u32,
    home: tempfile::TempDir,
}

impl OrdinaryUser {
    /// A new account, with the product in its home.
    ///
    /// # Panics
    /// When this process may not make one.
    #[must_use]
    pub fn new() -> OrdinaryUser {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        need::host_root();
        for (program, package) in [
            ("newuidmap", "uidmap"),
            ("podman", "podman"),
            ("buildah", "buildah"),
            ("runc", "runc"),
        ] {
            let _ = need::program(program, package);
        }
        remove_leftovers();
        let home = crate::temporary();
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        with_patience(
            Command::new(need::program("useradd", "passwd"))
                .args(["--shell", "/bin/sh", "--no-create-home", "--home-dir"])
                .arg(home.path())
                .arg(&name),
        );
        let uid = passwd(&name).expect("the account is in /etc/passwd");
        let user = OrdinaryUser { name, uid, home };
        for folder in ["bin", "run", "tmp"] {
            user.folder(folder);
        }
        user.own(user.home.path());
        product::copy_all(&user.at("bin"));
        user.file(
            "containers.conf",
            &podman::conf(&podman::runtime()).replace("netns = \"none\"", "netns = \"host\""),
        );
        user
    }

    /// A path in the home.
    #[must_use]
    pub fn at(&self, path: &str) -> PathBuf {
        self.home.path().join(path)
    }

    /// The account's number.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    fn own(&self, path: &Path) {
        chown(path, Some(self.uid), Some(self.uid)).expect("root may give a file away");
    }

    /// Makes a folder of the user's.
    pub fn folder(&self, path: &str) -> PathBuf {
        let path = self.at(path);
        fs::create_dir_all(&path).expect("the home is writable");
        self.own(&path);
        path
    }

    /// Writes a file of the user's.
    pub fn file(&self, path: &str, text: &str) -> PathBuf {
        let path = self.at(path);
        fs::write(&path, text).expect("the home is writable");
        self.own(&path);
        path
    }

    /// A command of the user's, in the home, with the environment of a session.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(need::program("setpriv", "util-linux"));
        command
            .arg(format!("--reuid={}", self.uid))
            .arg(format!("--regid={}", self.uid))
            .args(["--init-groups", "--"])
            .arg(program)
            .current_dir(self.home.path())
            .env_clear()
            .env("HOME", self.home.path())
            .env("USER", &self.name)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("TMPDIR", self.at("tmp"))
            .env("XDG_RUNTIME_DIR", self.at("run"))
            .env("CONTAINERS_CONF", self.at("containers.conf"))
            // Without FUSE, and without a copy of everything for each layer.
            .env("STORAGE_DRIVER", "overlay");
        command
    }

    /// A command of the product.
    #[must_use]
    pub fn armistice(&self) -> Command {
        self.command(self.at("bin/armistice"))
    }

    /// Podman.
    #[must_use]
    pub fn podman(&self) -> Command {
        self.command("podman")
    }

    /// Imports a userland's image into Podman's store.
    #[track_caller]
    pub fn load(&self, userland: &Userland) {
        let archive = self.copy_archive(userland);
        run(self
            .podman()
            .args(["load", "--quiet", "--input"])
            .arg(archive))
        .ok();
    }

    /// A userland's image archive, where the user can read it.
    #[must_use]
    pub fn copy_archive(&self, userland: &Userland) -> PathBuf {
        let archive = self.at(&format!("{}.tar", userland.debian));
        fs::copy(userland.archive(), &archive).expect("the archive can be copied");
        self.own(&archive);
        archive
    }

    /// `podman run --rm` of a command in a userland's image.
    #[track_caller]
    pub fn run(&self, userland: &Userland, command: &[&str]) -> Done {
        run(self
            .podman()
            .args(["run", "--rm", "--platform", userland.platform])
            .arg(userland.image())
            .args(command))
    }

    /// The number of Podman's pause process.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn pause(&self) -> String {
        fs::read_to_string(self.at("run/libpod/tmp/pause.pid"))
            .expect("Podman has a pause process")
            .trim()
            .to_owned()
    }
}

impl Default for OrdinaryUser {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for OrdinaryUser {
    fn drop(&mut self) {
        end_processes(self.uid);
        leftovers::clear_folder(self.home.path());
        remove_account(&self.name);
    }
}

/// A command that another starts: `nsenter`, `unshare` and the like.
#[must_use]
pub fn started_by(mut outer: Command, inner: &Command) -> Command {
    outer
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear()
        .envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    if let Some(folder) = inner.get_current_dir() {
        outer.current_dir(folder);
    }
    outer
}

/// Ends all of a user's processes.
pub fn end_processes(uid: u32) {
    for signal in [Signal::TERM, Signal::KILL, Signal::KILL] {
        let pids = processes(uid);
        if pids.is_empty() {
            return;
        }
        for pid in pids {
            let _ = kill_process(pid, signal);
        }
        thread::sleep(Duration::from_millis(300));
    }
}

/// A user's processes; in user namespaces of the user's, those of subordinate
/// identities end with them.
fn processes(uid: u32) -> Vec<Pid> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter(|entry| entry.metadata().is_ok_and(|m| m.uid() == uid))
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .collect()
}

/// Removes accounts whose owner, a process, is no longer alive. As root only, who made
/// them.
pub fn remove_leftovers() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    for name in text.lines().filter_map(|line| line.split(':').next()) {
        let owner = name.strip_prefix(PREFIX).and_then(|r| r.split('-').next());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            if let Some(uid) = passwd(name) {
                end_processes(uid);
            }
            remove_account(name);
        }
    }
}

fn remove_account(name: &str) {
    with_patience(Command::new(need::program("userdel", "passwd")).arg(name));
}

fn passwd(name: &str) -> Option<u32> {
    let text = fs::read_to_string("/etc/passwd").ok()?;
    let mut lines = text.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

/// Others may change the accounts at this moment, who keep the files locked.
fn with_patience(command: &mut Command) {
    let started = Instant::now();
    loop {
        let done = run(command);
        // userdel: 6, it is gone already.
        if done.status.success() || done.status.code() == Some(6) {
            return;
        }
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "cannot change the accounts:\n{done}"
        );
        thread::sleep(Duration::from_millis(500));
    }
}

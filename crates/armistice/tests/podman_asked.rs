//! What asking Podman leaves is told, whenever its pause process becomes one. A `podman` of the
//! test's own does what Podman does, in its order, but slowly.

#![allow(clippy::unwrap_used, reason = "a test that cannot set up fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const NOTE: &str = "has left its pause process";

/// Podman 4.3 forks, writes the child's number to `pause.pid`, and ends. Meanwhile the child, which
/// has Podman's command line until then, executes `catatonit -P`, or calls itself `podman pause`.
const PODMAN: &str = r#"#!/bin/bash
pid=$XDG_RUNTIME_DIR/libpod/tmp/pause.pid
if ! [ -e "$pid" ]; then
  unshare --user bash -c "exec -a podman bash -c 'sleep 0.7; exec -a \"podman pause\" sleep 60' inspect" > /dev/null 2>&1 < /dev/null &
  while [ "$(tr '\0' ' ' < /proc/$!/cmdline | cut -c -6)" != podman ]; do sleep 0.01; done
  echo -n $! > "$pid"
fi
echo 'Error: no such image' >&2
exit 125
"#;

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("libpod/tmp")).unwrap();
        let podman = folder.path().join("podman");
        fs::write(&podman, PODMAN).unwrap();
        fs::set_permissions(&podman, fs::Permissions::from_mode(0o755)).unwrap();
        Scene { folder }
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.path().join("libpod/tmp/pause.pid")
    }

    /// What `explain` of an image says that no engine has.
    fn explain(&self) -> String {
        let path = format!("{}:/usr/bin:/bin", self.folder.path().display());
        let done = Command::new(env!("CARGO_BIN_EXE_armistice"))
            .args(["explain", "no-such-image"])
            .env("PATH", path)
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("ARMISTICE_STORE", self.folder.path().join("store"))
            .current_dir("/")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(1), "{said}");
        said
    }

    /// Ends the pause process that the file names, and the file.
    fn end(&self) {
        let Ok(text) = fs::read_to_string(self.pid_file()) else {
            return;
        };
        if let Some(pid) = text.trim().parse().ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
            let gone = || !Path::new(&format!("/proc/{}", text.trim())).exists();
            wait_until(gone);
        }
        fs::remove_file(self.pid_file()).unwrap();
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.end();
    }
}

fn wait_until(so: impl Fn() -> bool) {
    let start = Instant::now();
    while !so() && start.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(so());
}

/// A pause process that no file names any more, as where `podman system migrate` has just sent it
/// its end.
fn dying() -> Child {
    let child = Command::new("unshare")
        .args(["--user", "bash", "-c", "exec -a 'podman pause' sleep 60"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let line = format!("/proc/{}/cmdline", child.id());
    wait_until(|| fs::read(&line).is_ok_and(|line| line.starts_with(b"podman pause\0")));
    child
}

/// Bugs once, seen on a busy machine: the child was not taken for a pause process before it had
/// executed its program, and one that was about to end was taken for one that goes on.
#[test]
fn what_podman_leaves_is_told_however_busy_the_machine_is() {
    let scene = Scene::new();
    let said = scene.explain();
    assert!(said.contains(NOTE), "{said}");
    // By now it runs.
    let said = scene.explain();
    assert!(!said.contains(NOTE), "{said}");
    scene.end();
    let mut dying = dying();
    let said = scene.explain();
    dying.kill().unwrap();
    dying.wait().unwrap();
    assert!(said.contains(NOTE), "{said}");
}

//! A binfmt_misc table of its own, in a user and a mount namespace (Linux
//! 6.7 and newer): needs no root and touches nothing outside.
//!
//! A process that only waits holds the namespaces; commands enter them. The
//! namespaces and the table end with it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::command::{Done, run};
use crate::need;

/// Mounts the table, lays empty folders over binfmt.d's, says so, and waits
/// for the end of its input.
const HOLDER: &str = "
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
for dir in /etc /usr/lib /run; do
    if [ -d $dir/binfmt.d ]; then mount -t tmpfs tmpfs $dir/binfmt.d; fi
done
echo ready
exec cat";

/// A private table.
#[derive(Debug)]
pub struct PrivateTable {
    holder: Child,
}

impl PrivateTable {
    /// A new, empty table. `/etc/binfmt.d` and its siblings are empty and
    /// writable inside.
    ///
    /// # Panics
    /// When namespaces can't be made here.
    #[must_use]
    pub fn new() -> PrivateTable {
        let unshare = need::program("unshare", "util-linux");
        let mut command = Command::new(unshare);
        command
            .args(["--user", "--map-root-user", "--mount"])
            .args(["--propagation", "private", "--", "sh", "-ec", HOLDER])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut holder = command.spawn().expect("unshare can be started");
        let mut said = String::new();
        if let Some(stdout) = holder.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut said);
        }
        if said != "ready\n" {
            let _ = holder.kill();
            let _ = holder.wait();
            panic!(
                "no private table: needs Linux 6.7 or newer with binfmt_misc, and user namespaces for this user (see above; where AppArmor forbids them: sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
            );
        }
        PrivateTable { holder }
    }

    /// A command that will run inside, as root there.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(need::program("nsenter", "util-linux"));
        command
            .arg(format!("--target={}", self.holder.id()))
            .args(["--user", "--mount", "--preserve-credentials", "--"])
            .arg(program);
        command
    }

    /// Runs a shell script inside.
    #[track_caller]
    pub fn sh(&self, script: &str) -> Done {
        run(self.command("sh").args(["-ec", script]))
    }

    /// The names of the entries now.
    #[track_caller]
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.sh("ls /proc/sys/fs/binfmt_misc")
            .ok()
            .stdout
            .lines()
            .filter(|name| *name != "register" && *name != "status")
            .map(str::to_owned)
            .collect()
    }

    /// The kernel's text of an entry; empty where there is none.
    #[must_use]
    pub fn entry(&self, name: &str) -> String {
        self.sh(&format!("cat '/proc/sys/fs/binfmt_misc/{name}' || true"))
            .stdout
    }
}

impl Default for PrivateTable {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for PrivateTable {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

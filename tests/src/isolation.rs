//! A command as root of a system of its own: all identities, mounts,
//! processes, and a binfmt_misc table with one emulator (Linux 6.7 and newer).
//!
//! What the machine has registered neither helps nor disturbs it, and what it
//! leaves running ends with it. Needs root, who alone may hand on all
//! identities, and thus make set-user-ID programs and foreign owners real.

use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use crate::command::{Done, run_within};
use crate::need;

/// arm64 programs, as everybody registers them.
const MAGIC: &str = concat!(
    r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:",
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff",
);

/// Waits for the identities, then makes `/proc` and the table. Programs that
/// are executed from then on have root's capabilities.
const INSIDE: &str = r#"
until read -r _ < /proc/self/uid_map && read -r _ < /proc/self/gid_map; do :; done
mount -t proc proc /proc
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
if [ -n "$1" ]; then printf '%s' "$1" > /proc/sys/fs/binfmt_misc/register; fi
shift
exec "$@""#;

/// Mounts made by the machine's root, with all he may do, before anything else.
const OUTSIDE: &str = r#"
eval "$1"
inside=$2 line=$3
shift 3
exec unshare --user --mount --pid --fork --kill-child --propagation private -- \
    sh -ec "$inside" inside "$line" "$@""#;

/// Runs a command so, with `arm64` as the emulator of arm64 programs (flags
/// POCF), after a shell script of mounts which only it sees.
///
/// # Panics
/// When this is not root's, or the kernel too old.
#[track_caller]
#[must_use]
pub fn run_isolated(arm64: Option<&Path>, mounts: &str, command: &[&str], limit: Duration) -> Done {
    need::host_root();
    // The name is one that mmdebstrap and others look for.
    let line = arm64.map_or(String::new(), |path| {
        format!(":qemu-aarch64:M::{MAGIC}:{}:POCF", path.display())
    });
    let mut outside = Command::new(need::program("unshare", "util-linux"));
    outside
        .args(["--mount", "--propagation", "private", "--"])
        .args(["sh", "-ec", OUTSIDE, "outside", mounts, INSIDE, &line])
        .args(command);
    run_within(&mut outside, limit, give_identities)
}

/// Maps all identities to themselves, once the process is in its namespace.
fn give_identities(child: &mut Child) {
    let own = fs::read_link("/proc/self/ns/user").expect("/proc is mounted");
    let at = Path::new("/proc").join(child.id().to_string());
    while child.try_wait().is_ok_and(|ended| ended.is_none()) {
        if fs::read_link(at.join("ns/user")).is_ok_and(|user| user != own) {
            for map in ["gid_map", "uid_map"] {
                fs::write(at.join(map), "0 0 4294967295").expect("root may map all identities");
            }
            return;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

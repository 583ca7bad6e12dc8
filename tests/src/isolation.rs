//! A command as root of a system of its own: all identities, mounts,
//! processes, and a binfmt_misc table with one emulator (Linux 6.7 and newer).
//!
//! What the machine has registered neither helps nor disturbs it, and what it
//! leaves running ends with it. Needs root, who alone may hand on all
//! identities, and thus make set-user-ID programs and foreign owners real.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use armistice_arch::Arch;

use crate::command::{Done, run_within};
use crate::need;

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

/// Whose programs an emulator runs, by its file's name: `armistice-ARCH`, `qemu-ARCH`,
/// `qemu-ARCH-static`. An emulator of another name is arm64's.
///
/// # Panics
/// When the table of architectures does not have arm64.
#[must_use]
pub fn runs(emulator: &Path) -> &'static Arch {
    let name = emulator.file_name().unwrap_or_default().to_string_lossy();
    let named = name.split('-').nth(1).and_then(Arch::by_name);
    let arm64 = || Arch::by_name("aarch64");
    named.or_else(arm64).expect("an architecture of the table")
}

/// The line that registers an emulator as everybody does, with flags POCF.
fn line(emulator: &Path) -> String {
    let arch = runs(emulator);
    let pattern = arch.pattern();
    let escaped = |bytes: &[u8]| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "\\x{byte:02x}");
            text
        })
    };
    // The name is one that mmdebstrap and others look for.
    format!(
        ":{}:M::{}:{}:{}:POCF",
        arch.entry_name(),
        escaped(&pattern.magic),
        escaped(&pattern.mask),
        emulator.display()
    )
}

/// Runs a command so, with an emulator of the programs that its name says ([`runs`]),
/// after a shell script of mounts which only it sees.
///
/// # Panics
/// When this is not root's, or the kernel too old.
#[track_caller]
#[must_use]
pub fn run_isolated(
    emulator: Option<&Path>,
    mounts: &str,
    command: &[&str],
    limit: Duration,
) -> Done {
    need::host_root();
    let line = emulator.map_or(String::new(), line);
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

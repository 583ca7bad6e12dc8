//! Where a test runs: as root of namespaces of its own, where no mount, clock,
//! device, setting or process of the machine can be touched. The guest's programs
//! are run by the emulator under test, from its own binfmt_misc table.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use e2e::command::Done;
use e2e::isolation::run_isolated;
use e2e::product;

use super::super::machine::Machine;
use super::{Emulators, Test};

/// Root of a user namespace that has all identities still owns what root owns:
/// settings and devices are taken away by mounts. The file `$1` tells that this
/// is done; `$2` is the folder to work in.
const SYSTEM: &str = r#"
mount --bind /proc/sys /proc/sys
while read -r _ _ _ _ at _; do
    case $at in /proc/sys|/sys|/sys/*)
        mount -o remount,bind,ro,nosuid,nodev,noexec "$at";;
    esac
done < /proc/self/mountinfo
mount -t tmpfs -o mode=755 dev /mnt
for node in null zero full random urandom tty; do
    : > /mnt/$node
    mount --bind /dev/$node /mnt/$node
done
mkdir /mnt/pts /mnt/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts /mnt/pts
mount -t tmpfs -o mode=1777 shm /mnt/shm
ln -s pts/ptmx /mnt/ptmx
for link in fd fd/0:stdin fd/1:stdout fd/2:stderr; do
    ln -s /proc/self/${link%:*} /mnt/${link#*:}
done
mount --move /mnt /dev
ip link set lo up
cd "$2"
: > "$1"
shift 2
exec "$@""#;

/// The exit code of what took too long.
pub(super) const TIMED_OUT: i32 = 124;

/// Beyond what a test may take: until it is there, and until it is gone.
const MARGIN: Duration = Duration::from_secs(120);

pub(super) fn run(machine: Machine, test: &Test, emulators: Emulators<'_>) -> Result<Done> {
    let (emulator, command): (Option<&Path>, _) = match machine {
        Machine::Native => (None, &test.native),
        Machine::Engine => (Some(emulators.engine), &test.own),
        Machine::Qemu => (Some(emulators.qemu), &test.own),
    };
    // Emulators take their time.
    let limit = if machine == Machine::Native {
        test.limit
    } else {
        test.limit * 4
    };
    let place = product::target_dir()
        .join("suites/places")
        .join(format!("{machine:?}-{}", test.name.replace('/', ",")));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(place.join("tmp"))?;
    let ready = place.join("ready");
    let (marker, tmp) = (
        ready.display().to_string(),
        format!("TMPDIR={}/tmp", place.display()),
    );
    let (folder, seconds) = (
        test.folder.display().to_string(),
        limit.as_secs().to_string(),
    );
    let mut all = vec!["unshare", "--ipc", "--uts", "--net"];
    all.extend([
        "sh", "-ec", SYSTEM, "system", &*marker, &*folder, "env", &*tmp,
    ]);
    all.extend(["timeout", "--kill-after=5", &*seconds]);
    all.extend(command.iter().map(String::as_str));
    let done = run_isolated(emulator, "", &all, limit + MARGIN);
    if !ready.is_file() {
        bail!("no system for {} to run in:\n{done}", test.name);
    }
    std::fs::remove_dir_all(&place)?;
    Ok(done)
}

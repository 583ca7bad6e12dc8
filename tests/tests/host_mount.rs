//! Promise: in a container that has the host's folder as a shared bind, and
//! not its processes, `register` mounts the table on the host through it; the
//! entries outlive the container.
//!
//! Host and container are mount namespaces of this test: what makes the bind
//! work is that both see the same shared mount, as Docker's `:rshared` does.

use std::process::Command;

use e2e::{HostTable, need, product, run};

/// The "host": a proc of its own, its /sys/fs bound and shared; then the
/// "container": new PIDs, a proc of its own, the shared bind still in sight.
const SCRIPT: &str = r#"
mkdir "$D/proc" "$D/fs"
mount -t proc proc "$D/proc"
mount --bind "$D/proc/sys/fs" "$D/fs"
mount --make-shared "$D/fs"
unshare --pid --fork --mount --propagation unchanged sh -ec '
    mount --make-private /proc
    mount -t proc proc /proc
    "$ARMISTICE" "$@"' sh "$@"
echo "held by: $(grep -c "$D/fs/binfmt_misc" /proc/self/mountinfo)"
cat "$D/fs/binfmt_misc/qemu-aarch64"
"#;

#[test]
fn a_shared_bind_of_the_hosts_folder_is_enough() {
    let _host = HostTable::unmounted();
    let folder = e2e::temporary();
    let mut command = Command::new(need::program("unshare", "util-linux"));
    command
        .args([
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-ec",
            SCRIPT,
            "sh",
            "register",
            "arm64",
        ])
        .env("D", folder.path())
        .env("ARMISTICE", product::binary());
    run(&mut command)
        .ok()
        .says("Mounted binfmt_misc on the host")
        .says("held by: 1")
        .says("interpreter ")
        .says("armistice-aarch64");
}

#[test]
fn without_it_nothing_is_registered_and_the_command_that_mends_it_is_named() {
    let _host = HostTable::unmounted();
    let mut command = Command::new(need::program("unshare", "util-linux"));
    command
        .args([
            "--pid",
            "--fork",
            "--mount",
            "--mount-proc",
            "--propagation",
            "private",
        ])
        .arg(product::binary())
        .args(["register", "arm64"]);
    run(&mut command)
        .exits(1)
        .says("would be lost")
        .says("sudo mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc")
        .says("--pid=host");
}

/// A bug once: the table was mounted before the names were read.
#[test]
fn what_is_refused_anyway_mounts_nothing() {
    let host = HostTable::unmounted();
    for (args, code) in [
        (&["register", "aarch46"][..], 2),
        (&["guard", "aarch46"], 2),
        (&["unregister", "aarch46"], 2),
        (&["unregister"], 0),
        (&["entrypoint", "--uninstall", "qemu-*"], 0),
        (&["register", "arm64", "--emulator-dir", "/nonexistent"], 1),
        (&["register", "arm64", "--dry-run"], 0),
        (&["status"], 0),
        (&["verify"], 1),
    ] {
        let done = run(e2e::armistice().args(args)).exits(code);
        assert!(!host.is_mounted(), "mounted by\n{done}");
    }
}

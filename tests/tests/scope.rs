//! Promise: every verb speaks of the table in which exec looks, however tables and
//! namespaces are mounted, and says who else uses it (Linux 6.7 and newer).
//!
//! A private table plays the machine's; namespaces inside it play containers. The
//! tests of the machine's own root and table need root.

use std::fs;
use std::path::Path;
use std::process::Command;

use e2e::{Done, HostTable, PrivateTable, Userland, armistice, need, product, run};
use serde_json::Value;

/// A child user namespace that maps root to root, with mounts of its own.
const CHILD: &str = "unshare --user --map-root-user --mount --propagation private";

/// An entry and a file that only it takes.
const ODD: &str = ":odd:M::ARMISTICE-ODD::/bin/true:";

/// The command's path for scripts.
fn script(text: &str) -> String {
    let binary = product::binary().to_string_lossy();
    text.replace("ARMISTICE ", &format!("'{binary}' "))
        .replace("CHILD", CHILD)
}

fn register(table: &PrivateTable, names: &[&str]) {
    run(table.command(product::binary()).arg("register").args(names)).ok();
}

/// A folder that holds nothing but the command and the engines, to be a root.
fn bare_root() -> tempfile::TempDir {
    let root = e2e::temporary();
    product::copy_all(root.path());
    root
}

/// A file of arm64's.
fn arm64_program(folder: &Path) -> String {
    let path = folder.join("program");
    let arch = armistice_arch::Arch::by_name("aarch64").expect("known");
    fs::write(&path, arch.sample_header(2, 0)).expect("written");
    run(Command::new("chmod").arg("755").arg(&path)).ok();
    path.to_string_lossy().into_owned()
}

fn scope(done: &Done) -> String {
    let answer = done.json();
    answer["scope"].as_str().unwrap_or_default().to_owned()
}

fn names(done: &Done) -> Vec<String> {
    let answer = done.json();
    let handlers = answer["handlers"].as_array().cloned().unwrap_or_default();
    let name = |h: &Value| h["name"].as_str().map(str::to_owned);
    handlers.iter().filter_map(name).collect()
}

/// A bug once: such a namespace's root was told that the table is private, and
/// the machine's was changed.
#[test]
fn a_child_that_maps_root_to_root_is_told_that_the_table_is_an_outer_ones() {
    let machine = PrivateTable::new();
    let status = machine.sh(&script("CHILD ARMISTICE status -o json")).ok();
    assert_eq!(scope(&status), "inherited", "{status}");
    let registered = machine.sh(&script("CHILD ARMISTICE register arm64")).ok();
    let said = registered.stderr.to_lowercase();
    assert!(!said.contains("private"), "{registered}");
    let registered = registered.says("outer user namespace");
    assert!(
        said.contains("holds for all programs there"),
        "{registered}"
    );
    assert_eq!(machine.names(), ["qemu-aarch64"]);
    machine
        .sh(&script("CHILD ARMISTICE status"))
        .ok()
        .says("the table of an outer user namespace, inherited");
}

/// Without the right to tell, neither is claimed.
#[test]
fn without_capabilities_the_table_is_not_called_private() {
    let machine = PrivateTable::new();
    let status = machine
        .sh(&script(
            "CHILD setpriv --bounding-set -all --inh-caps -all ARMISTICE status -o json",
        ))
        .ok();
    assert_eq!(scope(&status), "unclear", "{status}");
    machine
        .sh(&script(
            "CHILD setpriv --bounding-set -all,+sys_chroot --inh-caps -all ARMISTICE register arm64",
        ))
        .ok()
        .says("may hold for programs outside");
}

#[test]
fn a_childs_own_table_is_private() {
    let machine = PrivateTable::new();
    register(&machine, &["riscv64"]);
    let done = machine
        .sh(&script(
            "CHILD sh -ec 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
             ARMISTICE register arm64 >&2
             ARMISTICE status -o json'",
        ))
        .ok()
        .says("private to this user namespace");
    assert_eq!(scope(&done), "private");
    assert_eq!(names(&done), ["qemu-aarch64"]);
    assert_eq!(machine.names(), ["qemu-riscv64"]);
}

/// A bug once: without /proc such a namespace was taken for the machine's, and a
/// look mounted a table in it, which hid the machine's from then on.
#[test]
fn without_proc_a_child_is_not_taken_for_the_machine() {
    let machine = PrivateTable::new();
    register(&machine, &["arm64"]);
    let root = bare_root();
    let line = format!(
        "CHILD sh -ec 'chroot {0} /armistice status -o json
         chroot {0} /armistice register arm64 --emulator-dir / >&2 || echo code: $? >&2
         ARMISTICE verify arm64 >&2'",
        root.path().display()
    );
    let done = machine.sh(&script(&line)).ok().says("code: 1");
    let answer = done.json();
    assert_eq!(answer["scope"], "inherited", "{done}");
    assert_eq!(
        answer["out_of_sight"],
        serde_json::json!(["arm64"]),
        "{done}"
    );
    assert_eq!(machine.names(), ["qemu-aarch64"], "{done}");
}

/// A bug once: `status` and `explain` said Yes where exec says no.
#[test]
fn inside_anothers_mount_namespace_the_own_table_counts() {
    let machine = PrivateTable::new();
    register(&machine, &["riscv64"]);
    let folder = e2e::temporary();
    let program = arm64_program(folder.path());
    // The container has a table with arm64; then the machine's root enters its mounts.
    let line = format!(
        "CHILD sh -ec 'mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
         ARMISTICE register arm64 >&2; touch {0}/there; exec sleep 60' &
         container=$!
         trap 'kill $container' EXIT
         until [ -e {0}/there ]; do sleep 0.05; done
         inside() {{ nsenter --target $container --mount -- \"$@\"; }}
         inside ARMISTICE status -o json
         inside ARMISTICE status >&2
         inside ARMISTICE explain {program} >&2 || echo explained: $? >&2
         inside ARMISTICE explain -o name {program} >&2 || true
         inside ARMISTICE register arm64 >&2 || echo registered: $? >&2
         inside ARMISTICE verify riscv64 >&2",
        folder.path().display()
    );
    let done = machine.sh(&script(&line)).ok();
    let answer = done.json();
    assert_eq!(names(&done), Vec::<String>::new(), "{done}");
    assert_eq!(
        answer["out_of_sight"],
        serde_json::json!(["riscv64"]),
        "{done}"
    );
    assert_eq!(answer["bystander"], "/proc/sys/fs/binfmt_misc", "{done}");
    assert_eq!(answer["scope"], "unclear", "{done}");
    let done = done
        .says("is another user namespace's table")
        .says("explained: 1")
        .says("no-handler")
        .says("registered: 1");
    assert_eq!(machine.names(), ["qemu-riscv64"], "{done}");
}

/// A table that was unmounted again still hides the machine's, which is in sight.
#[test]
fn a_table_that_was_unmounted_counts_still() {
    let machine = PrivateTable::new();
    register(&machine, &["arm64"]);
    let folder = e2e::temporary();
    let program = arm64_program(folder.path());
    let line = format!(
        "CHILD sh -ec 'mount -t binfmt_misc none /mnt; umount /mnt
         ARMISTICE status -o json
         ARMISTICE explain {program} >&2 || echo explained: $? >&2
         ARMISTICE register riscv64 >&2 || echo registered: $? >&2'"
    );
    let done = machine
        .sh(&script(&line))
        .ok()
        .says("explained: 1")
        .says("registered: 1");
    assert_eq!(names(&done), Vec::<String>::new(), "{done}");
    assert_eq!(machine.names(), ["qemu-aarch64"], "{done}");
}

/// The same with a table that cannot be told from the own one by any entry, until
/// something is written to it: then the probe entry is not found.
#[test]
fn an_empty_table_that_is_not_looked_in_is_not_written_to() {
    let machine = PrivateTable::new();
    let done = machine
        .sh(&script(
            "CHILD sh -ec 'mount -t binfmt_misc none /mnt; umount /mnt
             ARMISTICE register riscv64 || echo registered: $?'",
        ))
        .ok()
        .says("registered: 1")
        .says("another user namespace's table");
    assert_eq!(machine.names(), Vec::<String>::new(), "{done}");
}

/// A bug once: such a container heard "No handlers are registered", and was told
/// to `sudo mount` inside itself. Podman's rootless containers are so.
#[test]
fn a_container_without_the_mount_is_told_what_it_inherits() {
    let machine = PrivateTable::new();
    register(&machine, &["arm64", "riscv64"]);
    let folder = e2e::temporary();
    let program = arm64_program(folder.path());
    let inside = |line: &str| {
        let line = format!("CHILD --pid --fork --mount-proc {line}");
        let done = machine.sh(&script(&line));
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(!said.contains("sudo mount"), "{done}");
        assert!(!said.contains("No handlers are registered"), "{done}");
        done
    };
    inside("ARMISTICE status")
        .ok()
        .says("the table of an outer user namespace, inherited, cannot be read from here")
        .says("has handlers for: arm64, riscv64");
    inside("ARMISTICE status arm64 riscv64").ok();
    inside("ARMISTICE status s390x").exits(1);
    inside(&format!("ARMISTICE explain {program}"))
        .ok()
        .says("Yes:");
    inside("ARMISTICE verify arm64")
        .ok()
        .says("verified: ran a test program");
    inside("ARMISTICE verify").ok().says("riscv64");
    inside("ARMISTICE verify s390x").exits(1).says("s390x");
    inside("ARMISTICE register s390x")
        .exits(1)
        .says("on the host");
    assert_eq!(machine.names().len(), 2);
}

/// Where nothing is inherited, that is told, and where it would be mended.
#[test]
fn a_container_that_inherits_nothing_is_told_so() {
    let machine = PrivateTable::new();
    let folder = e2e::temporary();
    let program = arm64_program(folder.path());
    let inside =
        |line: &str| machine.sh(&script(&format!("CHILD --pid --fork --mount-proc {line}")));
    inside("ARMISTICE status").ok().says("no handler");
    inside(&format!("ARMISTICE explain {program}"))
        .exits(1)
        .says("on the host")
        .says("register arm64");
    inside("ARMISTICE verify").exits(1).says("no handler");
}

/// A bug once: the remedy was for the host, whose table is hidden by the container's.
#[test]
fn what_a_containers_own_table_lacks_is_mended_inside() {
    let machine = PrivateTable::new();
    let folder = e2e::temporary();
    let program = arm64_program(folder.path());
    let line = format!(
        "CHILD --pid --fork --mount-proc sh -c \
         \"mount -t binfmt_misc none /proc/sys/fs/binfmt_misc && ARMISTICE explain {program}\""
    );
    let done = machine.sh(&script(&line)).exits(1).says("register arm64");
    assert!(!done.stdout.contains("on the host"), "{done}");
}

/// The same as root of the machine: the table that is shown is the machine's.
#[test]
fn the_machines_root_inside_a_containers_mounts_sees_the_machines_table() {
    let host = HostTable::mounted();
    let container = PrivateTable::new();
    container
        .sh(&format!(
            "printf '%s' '{ODD}' > /proc/sys/fs/binfmt_misc/register"
        ))
        .ok();
    let folder = e2e::temporary();
    let odd = folder.path().join("odd");
    fs::write(&odd, "ARMISTICE-ODD\n").expect("written");
    run(Command::new("chmod").arg("755").arg(&odd)).ok();
    // The container's mounts, but the machine's user namespace.
    let inside = |args: &[&str]| {
        let mut whole = container.command("true");
        let target = whole
            .get_args()
            .find_map(|arg| arg.to_str()?.strip_prefix("--target="))
            .expect("nsenter's target")
            .to_owned();
        whole = Command::new(need::program("nsenter", "util-linux"));
        whole
            .args(["--target", &target, "--mount", "--"])
            .arg(product::binary())
            .args(args);
        run(&mut whole)
    };
    let status = inside(&["status", "-o", "json"]).ok();
    assert_eq!(scope(&status), "initial", "{status}");
    assert!(!names(&status).contains(&"odd".to_owned()), "{status}");
    inside(&["explain", &odd.to_string_lossy()]).exits(1);
    inside(&["register", "arm64"])
        .ok()
        .says("another user namespace's table");
    assert!(host.entries().contains_key("qemu-aarch64"));
    assert_eq!(container.names(), ["odd"]);
    inside(&["status", "arm64"]).ok();
    inside(&["unregister", "arm64"]).ok();
    assert!(!host.entries().contains_key("qemu-aarch64"));
}

/// A bug once: this was "verified in the machine's own root", where the emulator
/// is not.
#[test]
fn without_f_the_proof_is_made_where_the_machines_programs_run() {
    let host = HostTable::mounted();
    let folder = e2e::temporary();
    let script = format!(
        "mount -t tmpfs tmpfs {0}; cp '{1}' {0}/; exec '{2}' register arm64 --no-fix-binary --emulator-dir {0}",
        folder.path().display(),
        product::engine().display(),
        product::binary().display(),
    );
    run(Command::new(need::program("unshare", "util-linux")).args([
        "--mount",
        "--propagation",
        "private",
        "--",
        "sh",
        "-ec",
        &script,
    ]))
    .exits(1)
    .says("NOT verified");
    assert!(!host.entries().contains_key("qemu-aarch64"));
    // In the machine's own mounts it is proven, and said so.
    run(armistice().args(["register", "arm64", "--no-fix-binary"]))
        .ok()
        .says("verified: ran a test program in the machine's own root");
}

/// Where the machine's root is out of reach, it is not spoken of.
#[test]
fn without_f_in_a_private_table_only_the_own_root_is_claimed() {
    let table = PrivateTable::new();
    let done = run(table
        .command(product::binary())
        .args(["register", "arm64", "--no-fix-binary"]))
    .ok()
    .says("verified: ran a test program in the caller's own root")
    .says("not tried: other roots");
    assert!(!done.stdout.contains("the machine's own root"), "{done}");
}

/// With a real rootless engine.
#[test]
fn a_rootless_container_is_told_what_it_inherits() {
    let podman = e2e::Podman::rootless();
    let _host = HostTable::mounted();
    run(armistice().args(["register", "arm64"])).ok();
    podman.load_userland(&Userland::ARM64);
    let image = podman.load_product();
    let run_in = |args: &[&str]| run(podman.podman().args(["run", "--rm", &image]).args(args));
    let status = run_in(&["status"]).ok().says("has handlers for: arm64");
    assert!(!status.to_string().contains("sudo mount"), "{status}");
    run_in(&["verify", "arm64"]).ok();
}

//! Promise: where nobody holds binfmt_misc, what would be lost is refused, and
//! what lasts is mounted where it lasts: on the machine, from a container that
//! sees the machine's processes, through a shared bind of its folder, and by a
//! Kubernetes pod.
//!
//! Anything on a machine may hold the table (a service with mounts of its own, a
//! rootless Podman's pause process, a container), and then none of this is seen.
//! So all of it runs in a machine of its own.

use std::fs;
use std::process::Command;
use std::time::Duration;

use e2e::command::wait_until;
use e2e::{
    Dockerd, HostTable, Podman, Userland, armistice, need, own_machine, product, python, run,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(300);

/// A test of this file, by its name, in the machine.
fn inside(name: &str, body: impl FnOnce()) {
    own_machine::test(&format!("unmounted::{name}"), String::new, |_| body());
}

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
    inside("a_shared_bind_of_the_hosts_folder_is_enough", || {
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
    });
}

#[test]
fn without_it_nothing_is_registered_and_the_command_that_mends_it_is_named() {
    inside(
        "without_it_nothing_is_registered_and_the_command_that_mends_it_is_named",
        || {
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
                .says("mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc")
                .says("--pid=host");
        },
    );
}

/// A bug once: the table was mounted before the names were read.
#[test]
fn what_is_refused_anyway_mounts_nothing() {
    inside("what_is_refused_anyway_mounts_nothing", || {
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
    });
}

/// tonistiigi/binfmt#360: nobody on the host holds the table, so it ends with
/// the container; other images print success and exit with 0.
#[test]
fn a_registration_that_would_be_lost_is_refused() {
    inside("a_registration_that_would_be_lost_is_refused", || {
        let docker = Dockerd::shared();
        let host = HostTable::unmounted();
        let image = docker.load_product();
        let done = docker
            .run_privileged(&[], &image, &["--install", "arm64"])
            .exits(1);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(
            said.contains("mount -t binfmt_misc") || said.contains("--pid=host"),
            "the command that mends it is expected:\n{done}"
        );
        assert!(!host.is_mounted());
        docker
            .run(&Userland::ARM64, &["uname", "-m"])
            .fails()
            .says("exec format error");
    });
}

/// The same machine, with the right to see the host's processes.
#[test]
fn with_the_hosts_processes_in_sight_it_mounts_the_table_there() {
    inside(
        "with_the_hosts_processes_in_sight_it_mounts_the_table_there",
        || {
            let docker = Dockerd::shared();
            let host = HostTable::unmounted();
            let image = docker.load_product();
            docker
                .run_privileged(&["--pid=host"], &image, &["--install", "arm64"])
                .ok();
            assert!(host.is_mounted(), "the table must be mounted on the host");
            assert!(host.entries().contains_key("qemu-aarch64"));
            docker
                .run(&Userland::ARM64, &["uname", "-m"])
                .ok()
                .prints("aarch64");
        },
    );
}

/// On the machine itself nothing has to be mended by hand.
#[test]
fn where_the_table_is_not_mounted_register_mounts_it() {
    inside("where_the_table_is_not_mounted_register_mounts_it", || {
        let docker = Dockerd::shared();
        let host = HostTable::unmounted();
        run(armistice().args(["register", "arm64"])).ok();
        assert!(host.is_mounted());
        docker
            .run(&Userland::ARM64, &["uname", "-m"])
            .ok()
            .prints("aarch64");
    });
}

#[test]
fn a_table_that_nobody_held_is_released_again() {
    inside("a_table_that_nobody_held_is_released_again", || {
        use e2e::host_table::Found;

        let host = HostTable::unmounted();
        let found = Found::record();
        run(Command::new("mount").args(["-t", "binfmt_misc", "x", e2e::host_table::AT])).ok();
        assert!(host.is_mounted());
        found.put_back();
        assert!(!host.is_mounted());
    });
}

/// A pod as the DaemonSet's template makes it. Podman 4.3 takes no DaemonSet,
/// and starts a finished init container again and again unless the pod's
/// restart policy says otherwise.
fn pod(daemon_set: &Value, image: &str) -> Value {
    assert_eq!(daemon_set["spec"]["template"]["spec"]["hostPID"], true);
    let mut spec = daemon_set["spec"]["template"]["spec"].clone();
    spec["restartPolicy"] = json!("OnFailure");
    for kind in ["initContainers", "containers"] {
        for container in spec[kind].as_array_mut().into_iter().flatten() {
            container["image"] = json!(image);
            container["imagePullPolicy"] = json!("Never");
        }
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "armistice", "labels": daemon_set["spec"]["template"]["metadata"]["labels"]},
        "spec": spec,
    })
}

/// The node's table is not mounted: the worst node there is.
#[test]
fn the_pod_mounts_registers_guards_and_leaves_no_trace() {
    own_machine::test(
        "unmounted::the_pod_mounts_registers_guards_and_leaves_no_trace",
        // The chart is rendered out here, where Python's packages are.
        || {
            let values = json!({
                "architectures": ["arm64", "riscv64"],
                "guard": {"intervalSeconds": 1}
            });
            let chart = product::workspace().join("deploy/helm/armistice");
            let documents = run(python::tool("python")
                .arg(python::tools().join("kube.py"))
                .arg("render")
                .arg(chart)
                .arg(values.to_string()))
            .ok()
            .json();
            documents[0].to_string()
        },
        |rendered| the_pod(&serde_json::from_str(rendered).expect("rendered as JSON")),
    );
}

fn the_pod(daemon_set: &Value) {
    let podman = Podman::shared();
    let host = HostTable::unmounted();
    let image = podman.load_product();
    podman.load_userland(&Userland::ARM64);
    let folder = e2e::temporary();
    let file = folder.path().join("pod.yaml");
    fs::write(&file, pod(daemon_set, &image).to_string()).expect("written");

    // As a kubelet ends a pod. (Podman 4.3's `kube down` kills it at once.)
    let down = || {
        run(podman
            .podman()
            .args(["pod", "stop", "--time", "30", "armistice"]))
    };
    let logs = || {
        ["armistice-register", "armistice-guard"]
            .map(|name| run(podman.podman().args(["logs", name])).to_string())
            .join("\n")
    };
    let registered = || {
        let entries = host.entries();
        entries.contains_key("qemu-aarch64") && entries.contains_key("qemu-riscv64")
    };
    podman.kube_play(&file).ok();
    let ready = || {
        run(podman.podman().args([
            "exec",
            "armistice-guard",
            "armistice",
            "verify",
            "arm64",
            "riscv64",
        ]))
        .status
        .success()
    };
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        wait_until("the pod is ready", SOON, || registered() && ready());
        assert!(host.is_mounted());
        podman
            .run(&Userland::ARM64, &["uname", "-m"])
            .ok()
            .prints("aarch64");
        // Somebody empties the node's table.
        let status = format!("{}/status", e2e::host_table::AT);
        fs::write(status, "-1").expect("the table can be emptied");
        wait_until("the guard has put the entries back", SOON, registered);
        podman
            .run(&Userland::ARM64, &["uname", "-m"])
            .ok()
            .prints("aarch64");
        wait_until("the pod is ready again", SOON, ready);
    }));
    let downed = down();
    let logs = logs();
    let removed = run(podman.podman().args(["pod", "rm", "--force", "armistice"]));
    assert!(checked.is_ok(), "{logs}");
    downed.ok();
    removed.ok();
    let left: Vec<String> = host
        .entries()
        .into_keys()
        .filter(|n| n.starts_with("qemu-"))
        .collect();
    assert!(left.is_empty(), "the pod left {left:?}:\n{logs}");
}

//! Promise: what a parent hands down (ignored and blocked signals, low limits, no
//! open descriptors, no folder, no environment) does not make the command fail, and
//! `shell`'s command gets it as it was.

use std::process::Command;

use e2e::{Done, PrivateTable, armistice, need, product, run};

/// Registers in a table of its own, behind these words and after this line of shell.
#[track_caller]
fn register_after(script: &str) -> Done {
    let table = PrivateTable::new();
    let script = format!(
        "{script} '{}' register arm64 riscv64 arm",
        product::binary().display()
    );
    run(table.command("bash").args(["-c", &script]))
}

#[test]
fn signals_that_the_parent_ignored_or_blocked() {
    for signals in [
        "--ignore-signal=CHLD",
        "--ignore-signal",
        "--block-signal",
        "--ignore-signal --block-signal",
    ] {
        let done = register_after(&format!("exec env {signals}")).ok();
        assert_eq!(done.stdout.matches("verified: ran").count(), 3, "{done}");
    }
}

#[test]
fn limits_that_the_parent_lowered() {
    for limit in [
        "ulimit -Sn 8;",
        "ulimit -c 0;",
        "ulimit -s 512;",
        "umask 0777;",
    ] {
        register_after(limit).ok();
    }
    // No file may be written, and so no test program: told, not died of.
    register_after("ulimit -f 0;")
        .exits(1)
        .says("File too large")
        .says("nothing was changed");
}

#[test]
fn no_more_processes_is_an_error_and_no_crash() {
    // One that no earlier run has identified, so that it has to be run.
    let folder = e2e::temporary();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), mode).expect("chmod");
    let copy = folder.path().join("qemu-riscv64-static");
    e2e::copy_program("/usr/bin/qemu-riscv64-static".as_ref(), &copy);
    // As an ordinary user, for root has no such limit; threads count as processes.
    let mut command = Command::new(need::program("setpriv", "util-linux"));
    command
        .args(["--reuid=65533", "--regid=65533", "--clear-groups", "bash"])
        .args(["-c", "ulimit -u 1; exec \"$@\"", "bash"])
        .arg(product::binary())
        .args(["register", "--dry-run", "riscv64", "--emulator-dir"])
        .arg(folder.path())
        .current_dir("/");
    let done = run(&mut command).exits(1).says("--version");
    assert!(!done.stderr.contains("panicked"), "{done}");
}

#[test]
fn no_folder_environment_or_descriptors() {
    for script in [
        "d=$(mktemp -d); cd $d; rmdir $d;",
        "exec env -i",
        "export TMPDIR=/nonexistent;",
        "exec <&-;",
    ] {
        register_after(script).ok();
    }
    // What is not written is told, and the work is done.
    let table = PrivateTable::new();
    let script = format!("'{}' register arm64 >&- 2>&-", product::binary().display());
    run(table.command("sh").args(["-c", &script])).exits(1);
    assert_eq!(table.names(), ["qemu-aarch64"]);
}

#[test]
fn a_report_that_cannot_be_written_is_told_and_the_entry_stays() {
    let table = PrivateTable::new();
    let script = |verb: &str| format!("'{}' {verb} >/dev/full", product::binary().display());
    for verb in [
        "register arm64",
        "register arm64 -o json",
        "verify",
        "verify -o json",
        "verify -o name",
        "status -o name",
    ] {
        run(table.command("sh").args(["-c", &script(verb)]))
            .exits(1)
            .says("standard output: No space left on device");
        assert_eq!(table.names(), ["qemu-aarch64"]);
    }
    run(table.command("sh").args(["-c", &script("unregister")]))
        .exits(1)
        .says("was done all the same");
    assert!(table.names().is_empty());
}

#[test]
fn without_proc_it_is_said_that_it_is_needed() {
    let script = format!(
        "mount -t tmpfs tmpfs /proc; for verb in 'register arm64' verify 'shell -- true' 'image build -o /nowhere/x'; do '{}' $verb; echo $?; done",
        product::binary().display()
    );
    let table = PrivateTable::new();
    let done = run(table.command("sh").args(["-c", &script])).ok();
    assert_eq!(
        done.stderr.matches("mount -t proc proc /proc").count(),
        4,
        "{done}"
    );
    assert_eq!(done.stdout, "1\n1\n125\n1\n", "{done}");
}

#[test]
fn the_command_in_a_shell_gets_what_the_parent_gave() {
    // Without the two signals that the C library uses for threads.
    let state = "ign=$(sed -n 's/^SigIgn:.//p' /proc/self/status); \
                 echo $((16#$ign & 0x7fffffff)); ulimit -Sn; ulimit -Hn";
    let shell = |before: &str| {
        let script = format!("{before} \"$@\"");
        let plain = run(Command::new("bash").args(["-c", &script, "bash", "bash", "-c", state]));
        let inside = run(Command::new("bash")
            .args(["-c", &script, "bash"])
            .arg(armistice().get_program())
            .args(["shell", "-a", "riscv64", "--", "bash", "-c", state]));
        assert_eq!(inside.ok().stdout, plain.ok().stdout, "{before}");
    };
    shell("ulimit -Sn 64;");
    shell("exec env --ignore-signal=CHLD --ignore-signal=XFSZ");
}

#[test]
fn persisted_copies_are_for_everybody_whatever_the_umask() {
    let table = PrivateTable::new();
    let script = format!(
        "mkdir -p /usr/local/libexec; mount -t tmpfs tmpfs /usr/local/libexec; umask 077
         '{}' -q register riscv64 --persist
         stat -c %a /usr/local/libexec/armistice /usr/local/libexec/armistice/* /etc/binfmt.d/*",
        product::binary().display()
    );
    table.sh(&script).ok().prints("755\n755\n644");
}

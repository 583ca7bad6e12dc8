//! The command that mends something is worded for where it has to be run, and by
//! whom: in a container (here: a child user namespace that uses the outer table) on the
//! host, by whatever verb it is told; with `sudo` only for those who are not root.

use std::process::Command;
use std::time::Duration;

use e2e::isolation::run_isolated;
use e2e::{HostTable, PrivateTable, need, product, run};

/// In the table's own namespace, or in a child of it that has none of its own.
#[derive(Clone, Copy)]
enum Where {
    Host,
    Container,
}

fn armistice(table: &PrivateTable, at: Where, args: &[&str]) -> Command {
    let mut command = match at {
        Where::Host => table.command(product::binary()),
        Where::Container => {
            let mut command = table.command("unshare");
            command.args(["--user", "--map-root-user", "--mount", "--"]);
            command.arg(product::binary());
            command
        }
    };
    command.args(args);
    command
}

/// Each verb in both places: what it says, with the place in the words.
#[track_caller]
fn each_says(table: &PrivateTable, verbs: &[&[&str]], remedy: &str) {
    for verb in verbs {
        run(&mut armistice(table, Where::Host, verb))
            .exits(1)
            .says(&format!("; run: {remedy}"));
        run(&mut armistice(table, Where::Container, verb))
            .exits(1)
            .says(&format!("; run on the host, as root: {remedy}"));
    }
}

#[test]
fn what_is_not_registered_is_registered_on_the_host() {
    let table = PrivateTable::new();
    each_says(&table, &[&["verify", "arm64"]], "armistice register arm64");
    each_says(&table, &[&["verify"]], "armistice register");
}

#[test]
fn what_is_switched_off_is_switched_on_on_the_host() {
    let table = PrivateTable::new();
    run(&mut armistice(
        &table,
        Where::Host,
        &["register", "-q", "arm"],
    ))
    .ok();
    table.sh("echo 0 > /proc/sys/fs/binfmt_misc/status").ok();
    each_says(
        &table,
        &[
            &["verify", "arm"],
            &["register", "arm"],
            &["guard", "arm", "--interval", "1"],
        ],
        "echo 1 > /proc/sys/fs/binfmt_misc/status",
    );
}

/// A bug once: the hints said `sudo` to root, where there may be none. Who is not root
/// reads of it, unless it gives no rights here.
#[test]
fn sudo_is_advised_to_those_who_are_not_root() {
    let _host = HostTable::mounted();
    let folder = e2e::temporary();
    let binary = product::for_everybody(folder.path());
    let user = ["--reuid=1000", "--regid=1000", "--clear-groups"];
    for (who, says) in [
        (&[][..], "; run: armistice register arm64"),
        (&user[..], "; run: sudo armistice register arm64"),
        (
            &[&user[..], &["--no-new-privs"]].concat(),
            "; run as root: armistice register arm64",
        ),
    ] {
        let mut command = Command::new(need::program("setpriv", "util-linux"));
        command.args(who).arg(&binary).args(["verify", "arm64"]);
        run(&mut command).exits(1).says(says);
    }
}

/// A lack once: who may not register was told of root's command alone, though programs, images and
/// root folders run without root, too.
#[test]
fn what_runs_without_root_is_told_to_those_who_are_not_root() {
    let _host = HostTable::mounted();
    let folder = e2e::temporary();
    let open = |path: &std::path::Path| {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, open).expect("the folder is the test's");
    };
    open(folder.path());
    product::copy_all(folder.path());
    let program = product::workspace().join("crates/proof/programs/bin/aarch64");
    e2e::copy_program(&program, &folder.path().join("hello"));
    std::fs::create_dir_all(folder.path().join("root/bin")).expect("the test's own folder");
    e2e::copy_program(&program, &folder.path().join("root/bin/sh"));
    let user = ["--reuid=1000", "--regid=1000", "--clear-groups"];
    let explain = |who: &[&str], what: &str| {
        let mut command = Command::new(need::program("setpriv", "util-linux"));
        command.args(who).arg(folder.path().join("armistice"));
        command.args(["explain", what]).env("HOME", folder.path());
        run(command.current_dir(folder.path())).exits(1)
    };
    for (what, without_root) in [
        ("hello", "armistice shell -a arm64 -- ./hello"),
        ("root", "armistice run ./root"),
    ] {
        explain(&user, what)
            .says(": sudo armistice register arm64\n")
            .says(&format!("\nOr, without root: {without_root}\n"));
        let done = explain(&[], what);
        assert!(!done.stdout.contains("without root"), "{done}");
    }
    // As it was told.
    let mut shell = Command::new(need::program("setpriv", "util-linux"));
    shell.args(user).arg(folder.path().join("armistice"));
    shell.args(["shell", "-a", "arm64", "--", "./hello"]);
    // It ends with its user, of whom it keeps seven bits.
    run(shell.current_dir(folder.path())).exits(1000 & 0x7f);
}

/// What is a process of its own PID namespace, with the machine's table in sight, is in
/// a container; with a table of its own it is not the host's business.
#[test]
fn another_pid_namespace_is_a_container() {
    let unshared = |arguments: &[&str]| {
        let mut command = Command::new(need::program("unshare", "util-linux"));
        command.args(arguments).arg(product::binary()).arg("verify");
        run(&mut command).exits(1)
    };
    let _host = HostTable::mounted();
    unshared(&["--uts"]).says("is registered; run: armistice register");
    let on_host = "is registered; run on the host, as root: armistice register";
    unshared(&["--pid", "--fork", "--mount-proc"]).says(on_host);
    unshared(&["--user", "--map-root-user"]).says(on_host);
    unshared(&["--user", "--map-root-user", "--pid", "--fork"]).says(on_host);
    // A new /proc hides the table.
    let hidden = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
    ];
    unshared(&hidden).says("run armistice on the host, as root");
    run_isolated(
        None,
        ":",
        &[&product::binary().to_string_lossy(), "verify"],
        Duration::from_secs(60),
    )
    .exits(1)
    .says("is registered; run: armistice register");
}

/// A bug once: `run` told that an emulator was missing, and not which option finds one.
#[test]
fn an_emulator_that_run_lacks_is_told_of_with_the_option_that_helps() {
    let folder = e2e::temporary();
    // The command alone, so that no engine lies beside it.
    let binary = folder.path().join("armistice");
    e2e::copy_program(product::binary(), &binary);
    let root = folder.path().join("root");
    std::fs::create_dir_all(root.join("bin")).expect("the test's own folder");
    std::fs::create_dir_all(folder.path().join("none")).expect("the test's own folder");
    let program = product::workspace().join("crates/proof/programs/bin/aarch64");
    e2e::copy_program(&program, &root.join("bin/sh"));
    let mut command = Command::new(&binary);
    command
        .args(["run", "--engine", "armistice", "--emulator-dir"])
        .arg(folder.path().join("none"))
        .arg(&root)
        .arg("/bin/sh")
        .env("ARMISTICE_STORE", folder.path().join("store"))
        .env("HOME", folder.path());
    run(&mut command)
        .exits(125)
        .says("or name its folder by --emulator-dir, or use QEMU: --engine qemu");
}

/// What there was nothing to do about is named, with what is now.
#[test]
fn what_was_not_there_is_named() {
    let table = PrivateTable::new();
    let host = |args: &[&str]| run(&mut armistice(&table, Where::Host, args));
    host(&["unregister", "arm64"])
        .ok()
        .says("Nothing of Armistice's was registered for arm64: the table is as it was");
    host(&["unregister", "--dry-run", "arm64"])
        .ok()
        .says("Nothing of Armistice's was registered for arm64: nothing would be removed");
    host(&["register", "zzzzzzzz"])
        .exits(2)
        .says("unknown architecture 'zzzzzzzz'; known are the names of Docker");
    host(&["register", "-q", "arm"]).ok();
    host(&["register", "--dry-run", "arm"])
        .ok()
        .says("nothing would be: all of it is registered already");
}

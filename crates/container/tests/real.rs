//! The real kernel: private tables, and what forbids them.
//!
//! Needs Linux 6.7, qemu-user-static, binutils-aarch64-linux-gnu, uidmap and,
//! for the tests named so, root. Nothing is mounted or registered outside
//! private namespaces; `nothing_outside_changes` says so too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

const HELPER: &str = env!("CARGO_BIN_EXE_container-test-helper");

/// The ordinary user that tests become where they start as root.
const USER: &str = "1000";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The helper, as an ordinary user.
fn user() -> Command {
    if !is_root() {
        return Command::new(HELPER);
    }
    let mut command = Command::new("setpriv");
    command
        .arg(format!("--reuid={USER}"))
        .arg(format!("--regid={USER}"))
        .args(["--clear-groups", "--", HELPER]);
    command
}

/// The helper, as the machine's root.
fn root() -> Command {
    assert!(is_root(), "this test needs root");
    Command::new(HELPER)
}

fn output(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

/// What a command prints that has to succeed.
fn printed(command: &mut Command) -> String {
    let out = output(command);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(
        out.status.success(),
        "{command:?}: {}\n{text}{errors}",
        out.status
    );
    text
}

/// The variant's name that a helper prints that has to fail.
fn forbidden(command: &mut Command) -> String {
    let out = output(command);
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert_eq!(out.status.code(), Some(1), "{command:?}: {text}");
    text.split(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap()
        .to_owned()
}

/// A static aarch64 program that prints `hello from arm` and exits with 42.
fn foreign() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let dir = tempfile::tempdir_in(target).unwrap();
        let text = r#"
            .globl _start
            _start: mov x0, #1
            adr x1, text
            mov x2, #15
            mov x8, #64     // write
            svc #0
            mov x0, #42
            mov x8, #93     // exit
            svc #0
            text: .ascii "hello from arm\n"
        "#;
        let file = |name| dir.path().join(name);
        std::fs::write(file("a.s"), text).unwrap();
        for (tool, to, from) in [("as", "a.o", "a.s"), ("ld", "arm", "a.o")] {
            printed(
                Command::new(format!("aarch64-linux-gnu-{tool}"))
                    .arg("-o")
                    .args([file(to), file(from)]),
            );
        }
        let program = target.join("hello-from-arm");
        std::fs::rename(file("arm"), &program).unwrap();
        program
    })
}

/// Runs the foreign program inside, through a shell, and checks its work.
fn runs_foreign(command: &mut Command) {
    let out = output(
        command
            .arg("sh")
            .arg("-c")
            .arg(format!("{}; echo status $?", foreign().display())),
    );
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "hello from arm\nstatus 42\n",
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

#[test]
fn a_foreign_program_runs_as_an_ordinary_user() {
    for (who, ids) in [
        ("user", "auto"),
        ("user", "self"),
        ("root", "self"),
        ("root", "auto"),
    ] {
        runs_foreign(user().args(["enter", who, ids]));
    }
}

#[test]
fn a_foreign_program_runs_as_root() {
    for (who, ids) in [
        ("user", "auto"),
        ("root", "auto"),
        ("user", "self"),
        ("root", "self"),
        ("user", "ranges"),
    ] {
        runs_foreign(root().args(["enter", who, ids]));
    }
}

#[test]
fn the_command_has_its_own_identity() {
    let ids =
        "id -u; id -g; awk '{print $1, $3}' /proc/self/uid_map; grep CapEff /proc/self/status";
    let text = printed(user().args(["enter", "user", "auto", "sh", "-c", ids]));
    let uid = printed(Command::new("sh").args(["-c", "id -u"]));
    let me = if is_root() { USER } else { uid.trim() };
    assert_eq!(
        text,
        format!("{me}\n{me}\n{me} 1\nCapEff:\t0000000000000000\n")
    );
}

#[test]
fn root_keeps_every_identity() {
    let ids = "id -u; cat /proc/self/uid_map; stat -c %u /etc/passwd; stat -c %u /";
    let text = printed(root().args(["enter", "user", "auto", "sh", "-c", ids]));
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(words, ["0", "0", "0", "4294967295", "0", "0"]);
}

/// Mounts, and changes the root, inside.
fn mounts_and_chroots(command: &mut Command) {
    let script = format!(
        "set -e; id -u; mount -t tmpfs none /mnt; cp {} /mnt/p; chroot /mnt /p || echo status $?",
        foreign().display()
    );
    let text = printed(command.args(["enter", "root", "auto", "sh", "-c", &script]));
    assert_eq!(text, "0\nhello from arm\nstatus 42\n");
}

#[test]
fn as_user_0_inside_mounts_and_chroot_work() {
    mounts_and_chroots(&mut user());
}

#[test]
fn as_user_0_inside_mounts_and_chroot_work_as_root() {
    mounts_and_chroots(&mut root());
}

#[test]
fn a_namespace_inside_inherits_the_table_and_one_with_its_own_does_not() {
    let program = foreign().display();
    let script = format!(
        "unshare -U {program}; unshare -Urm sh -c '{program}; mount -t binfmt_misc none /proc/sys/fs/binfmt_misc; {program}' 2>&1"
    );
    let text = printed(user().args([
        "enter",
        "user",
        "auto",
        "sh",
        "-c",
        &format!("{script}; true"),
    ]));
    assert!(
        text.starts_with("hello from arm\nhello from arm\n"),
        "{text}"
    );
    assert!(text.contains("Exec format error"), "{text}");
}

#[test]
fn exit_status_and_signals_pass() {
    let run = |script: &str| {
        let out = output(user().args(["enter", "user", "auto", "sh", "-c", script]));
        out.status
    };
    assert_eq!(run("exit 7").code(), Some(7));
    assert_eq!(run("kill -KILL $$").signal(), Some(9));

    let mut child = user()
        .args(["enter", "user", "auto", "sh", "-c"])
        .arg("trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0u8; 6];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
}

#[test]
fn a_command_that_is_not_there() {
    assert_eq!(
        forbidden(user().args(["enter", "user", "auto", "/nonexistent/command"])),
        "Exec"
    );
}

#[test]
fn the_setups_own_error_arrives() {
    let out = output(user().arg("fail-setup"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        text.starts_with("Setup(") && text.contains("no emulator"),
        "{text}"
    );
}

#[test]
fn a_process_with_threads_is_refused() {
    assert_eq!(forbidden(user().arg("threads")), "Threads");
}

/// Mounts of the machine, which other work may change meanwhile: so several
/// tries, one of which has to be undisturbed.
#[test]
fn nothing_outside_changes() {
    let mounts = || std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let undisturbed = (0..10).any(|_| {
        let before = mounts();
        runs_foreign(user().args(["enter", "user", "auto"]));
        if is_root() {
            runs_foreign(root().args(["enter", "root", "auto"]));
        }
        before == mounts()
    });
    assert!(undisturbed, "mounts outside changed");
}

#[test]
fn the_hosts_automount_is_not_set_off_as_root() {
    let program = foreign().to_str().unwrap();
    let out = output(
        Command::new("timeout")
            .args(["-s", "KILL", "20"])
            .arg(root().get_program())
            .args(["autofs", program]),
    );
    let errors = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(42), "{errors}");
    assert_eq!(String::from_utf8_lossy(&out.stdout), "hello from arm\n");
}

#[test]
fn where_proc_is_masked_the_table_goes_elsewhere() {
    // In one of the directories that are empty on this machine.
    let find =
        "ls -d /mnt/register /media/register /srv/register /opt/register 2>/dev/null | wc -l";
    let script = format!(
        "mount -t tmpfs -o ro none /proc/sys && exec {HELPER} enter user self sh -c '{find}; {}'",
        foreign().display()
    );
    let out = output(Command::new("unshare").args(["-Urm", "sh", "-c", &script]));
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        "1\nhello from arm\n",
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

/// The helper as an ordinary user who has a range of identities; `before` is
/// what else root does in the private mount namespace.
fn with_a_range(before: &str, who: &str, ids: &str) -> Output {
    assert!(is_root(), "this test needs root");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, format!("{USER}:200000:65536\n")).unwrap();
    // newuidmap wants the user to have a name, which a bare machine does not give it.
    let users = tempfile::NamedTempFile::new().unwrap();
    let known = std::fs::read_to_string("/etc/passwd").unwrap();
    std::fs::write(
        &users,
        format!("{known}armistice-test:x:{USER}:{USER}::/:/bin/sh\n"),
    )
    .unwrap();
    let script = format!(
        "chmod 644 {0} {2} && mount --bind {0} /etc/subuid && mount --bind {0} /etc/subgid && mount --bind {2} /etc/passwd && {before} exec setpriv --reuid={USER} --regid={USER} --clear-groups {HELPER} enter {who} {ids} sh -c 'tr -s \" \" < /proc/self/uid_map; {1}; true'",
        file.path().display(),
        foreign().display(),
        users.path().display()
    );
    output(Command::new("unshare").args(["-m", "sh", "-c", &script]))
}

#[test]
fn ranges_of_an_ordinary_user_as_root() {
    let run = |who, ids| {
        let out = with_a_range("", who, ids);
        String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
    };
    // A map is shown as seen from the reader's own parent.
    let all = " 0 1000 1\n 1 200000 65536\nhello from arm\n";
    assert_eq!(run("root", "ranges"), all);
    assert_eq!(run("root", "auto"), all);
    assert_eq!(
        run("user", "ranges"),
        " 1000 0 1\n 200000 1 65536\nhello from arm\n"
    );
    assert_eq!(run("user", "auto"), " 1000 0 1\nhello from arm\n");
}

#[test]
fn without_a_tool_that_works_auto_does_without_a_range_as_root() {
    let broken = "mount --bind /bin/false /usr/bin/newuidmap &&";
    let out = with_a_range(broken, "root", "auto");
    assert_eq!(
        String::from_utf8_lossy(&out.stdout),
        " 0 1000 1\nhello from arm\n",
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let out = with_a_range(broken, "root", "ranges");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.starts_with("Tool { tool: \"newuidmap\""), "{text}");
}

#[test]
fn without_ranges_asking_for_them_is_an_error() {
    let text = std::fs::read_to_string("/etc/subuid").unwrap_or_default();
    assert!(!text.contains("4242"), "the test's user has a range here");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=4242", "--regid=4242", "--clear-groups", HELPER]);
    assert!(is_root(), "this test needs root");
    assert_eq!(
        forbidden(command.args(["enter", "root", "ranges", "true"])),
        "NoRanges"
    );
}

#[test]
fn allowed_here() {
    assert_eq!(printed(user().arg("try")), "allowed\n");
    assert_eq!(printed(user().arg("try-userns")), "allowed\n");
}

#[test]
fn allowed_here_as_root() {
    assert_eq!(printed(root().arg("try")), "allowed\n");
}

#[test]
fn switched_off_by_max_user_namespaces() {
    let run = |role: &str| {
        let script = format!("echo 0 > /proc/sys/user/max_user_namespaces && exec {HELPER} {role}");
        forbidden(Command::new("unshare").args(["-Ur", "sh", "-c", &script]))
    };
    assert_eq!(run("try"), "SwitchedOff");
    assert_eq!(run("enter user auto true"), "Forbidden");
}

#[test]
fn forbidden_by_seccomp() {
    assert_eq!(forbidden(user().arg("seccomp")), "Seccomp");
}

#[test]
fn forbidden_by_seccomp_as_root() {
    assert_eq!(forbidden(root().arg("seccomp")), "Seccomp");
}

#[test]
fn forbidden_in_a_chroot_as_root() {
    let dir = tempfile::tempdir().unwrap();
    let proc = dir.path().join("proc");
    std::fs::create_dir(&proc).unwrap();
    let script = format!(
        "mount --bind /proc {} && exec {HELPER} chroot {}",
        proc.display(),
        dir.path().display()
    );
    assert!(is_root(), "this test needs root");
    assert_eq!(
        forbidden(Command::new("unshare").args(["-m", "sh", "-c", &script])),
        "Chroot"
    );
}

#[test]
fn forbidden_when_nested_too_deep() {
    let mut nested = Command::new("unshare");
    nested.args(["-Ur", HELPER, "nested"]);
    assert_eq!(forbidden(&mut nested), "TooDeep");
}

#[test]
fn forbidden_to_an_identity_that_is_not_mapped() {
    let mut unmapped = Command::new("unshare");
    assert_eq!(forbidden(unmapped.args(["-U", HELPER, "try"])), "Unmapped");
}

#[test]
fn forbidden_to_root_without_setfcap() {
    assert!(is_root(), "this test needs root");
    let mut weak = Command::new("setpriv");
    weak.args(["--bounding-set=-setfcap", "--inh-caps=-all", HELPER, "try"]);
    assert_eq!(forbidden(&mut weak), "NoSetfcap");
}

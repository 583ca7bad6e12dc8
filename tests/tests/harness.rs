//! The harness itself: it sees failures, and leaves the machine as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use e2e::command::wait_until;
use e2e::host_table::{AT, Found, set_aside};
use e2e::{Dockerd, HostTable, Podman, PrivateTable, product, run};

/// Longer than it takes.
const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_wrong_exit_code_is_seen() {
    let done = run(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]));
    done.clone().exits(3).says("ERR").prints("out");
    assert!(std::panic::catch_unwind(|| done.clone().ok()).is_err());
    assert!(std::panic::catch_unwind(|| done.says("other")).is_err());
}

/// A test that is passed over says nothing: all run, everywhere. (Two long forms of a64's
/// are shown as ignored where `ARMISTICE_LONG` is not set, by their own `cfg`.)
#[test]
fn no_test_is_ignored() {
    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let is_made = name == "target" || name.as_encoded_bytes().starts_with(b".");
            if path.is_dir() && !path.is_symlink() && !is_made {
                sources(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    sources(product::workspace(), &mut found);
    assert!(found.iter().any(|path| path.ends_with("tests/harness.rs")));
    for path in found {
        let text = fs::read_to_string(&path).expect("a source");
        let ignored = text
            .lines()
            .find(|line| line.trim_start().starts_with("#[ignore"));
        assert_eq!(ignored, None, "{}", path.display());
    }
}

#[test]
fn a_private_table_is_empty_and_nobody_elses() {
    let (one, other) = (PrivateTable::new(), PrivateTable::new());
    one.sh("echo ':only-here:E::only-here::/bin/true:' > /proc/sys/fs/binfmt_misc/register")
        .ok();
    assert_eq!(one.names(), ["only-here"]);
    assert!(other.names().is_empty());
    assert!(!Path::new("/proc/sys/fs/binfmt_misc/only-here").exists());
}

#[test]
fn the_hosts_table_is_put_back() {
    let host = HostTable::mounted();
    let register = |line: &str| {
        fs::write(Path::new(AT).join("register"), line).expect("the line is right");
    };
    register(":qemu-kept:M:3:ab\\x3a\\x00c:\\xff\\xff\\x00\\x0f\\xff:/bin/sh:POCF");
    register(":by-extension:E::armistice-test::/bin/true:");
    // In the order of names it would come before the next and win.
    register(":a-later-one:E::armistice-test::/bin/false:");
    fs::write(Path::new(AT).join("by-extension"), "0").expect("it can be disabled");
    let order = || run(Command::new("ls").args(["-U", AT])).ok().stdout;
    let (before, names) = (host.entries(), order());
    let found = Found::record();
    assert_eq!(host.entries(), before);

    set_aside();
    assert!(host.entries().is_empty());
    register(":new-one:E::armistice-new::/bin/true:");
    found.put_back();
    assert_eq!(host.entries(), before);
    assert_eq!(order(), names);
    assert!(before["by-extension"].starts_with("disabled"), "{before:?}");
}

/// What images for this leave behind: the emulator's file went with them. Another
/// file of that name, or none, may be there now.
#[test]
fn an_emulator_that_no_path_leads_to_is_put_back() {
    let _host = HostTable::mounted();
    let folder = e2e::temporary();
    let (first, second) = (folder.path().join("one"), folder.path().join("two"));
    let run_it = || {
        let file = folder.path().join("file.armistice-test");
        e2e::pinned::write_program(&file, 0, b"x").expect("written");
        run(Command::new(file).arg("argument"))
    };
    for replaced in [false, true] {
        e2e::copy_program("/bin/echo".as_ref(), &first);
        let line = format!(":a-foreign-one:E::armistice-test::{}:F", first.display());
        fs::write(Path::new(AT).join("register"), line).expect("the line is right");
        fs::remove_file(&first).expect("it can be removed");
        if replaced {
            e2e::copy_program("/bin/false".as_ref(), &second);
            fs::rename(&second, &first).expect("it can be renamed");
        }
        run_it().ok().says("argument");
        let found = Found::record();
        set_aside();
        run_it_fails(run_it);
        found.put_back();
        run_it().ok().says("argument");
        set_aside();
        let _ = fs::remove_file(&first);
    }
}

/// Where nothing takes the file, the kernel says so already when it is started.
fn run_it_fails(run_it: impl Fn() -> e2e::Done + std::panic::UnwindSafe) {
    assert!(std::panic::catch_unwind(run_it).is_err());
}

#[test]
fn engines_leave_nothing_behind() {
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let docker = Dockerd::start();
    let folder = docker
        .socket()
        .parent()
        .map(Path::to_path_buf)
        .expect("a folder");
    run(docker.docker().arg("info")).ok();
    drop(docker);
    assert!(!folder.exists());
    assert!(!mounts().contains(&*folder.to_string_lossy()));
    let podman = Podman::new();
    run(podman.podman().arg("info")).ok();
    run(podman.buildah().arg("info")).ok();
    drop(podman);
    assert!(!mounts().contains(e2e::PREFIX));
}

#[test]
fn what_a_killed_run_left_is_cleared() {
    // No process has the first id: the kernel's highest is 4194304. With this one's as well,
    // as the tests may run twice at the same time.
    let name = format!("{}99999999-left-{}", e2e::PREFIX, std::process::id());
    let folder = std::env::temp_dir().join(name);
    // First: another test may clear as soon as there is a folder.
    let mut left = Command::new("sh")
        .args(["-c", "while :; do sleep 1; done"])
        .arg(folder.join("socket"))
        .spawn()
        .expect("a shell can be started");
    // A process that has just been started shows no command line yet, and who clears would
    // remove the folder and leave the process.
    let line = format!("/proc/{}/cmdline", left.id());
    wait_until("the process shows its command line", SOON, || {
        fs::read(&line).is_ok_and(|line| line.ends_with(b"socket\0"))
    });
    fs::create_dir_all(folder.join("state")).expect("a folder can be made");
    // A folder of a living test, this one, stays.
    let living = e2e::temporary();
    e2e::killed_runs::clear();
    let mut ended = None;
    wait_until("the process that was left has ended", SOON, || {
        ended = left.try_wait().expect("it is this process's child");
        ended.is_some()
    });
    assert!(ended.is_some_and(|status| !status.success()));
    assert!(!folder.exists() && living.path().exists());
}

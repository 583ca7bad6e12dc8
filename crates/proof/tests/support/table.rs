//! A private table of handlers, for one test.
//!
//! From Linux 6.7 each user namespace may have a binfmt_misc of its own, which
//! ends with its last mount. A test of [`inside`] runs its own executable once
//! more, in new user and mount namespaces, and there only itself; the initial
//! namespace's table is never touched.
//!
//! The maps of a user namespace have to be written from outside, before the
//! executable starts: `pre_exec` forks a helper for it.

use std::ffi::CStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use armistice_arch::{Arch, Pattern};
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::UnshareFlags;

const TABLE: &str = "/proc/sys/fs/binfmt_misc";
const INSIDE: &str = "ARMISTICE_PROOF_TEST_INSIDE";

/// Which users the namespace has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Users {
    /// 0 to 65535, each itself. Takes root.
    All,
    /// Only root, who is the caller outside.
    Root,
}

/// Runs the rest of a test in a private table. `name` is the test's own.
pub(crate) fn inside(name: &str, users: Users, body: impl FnOnce()) {
    if is_inside(name) {
        return body();
    }
    let output = execute_inside(name, &[name, "--exact", "--nocapture"], users);
    // Not zero tests under a misspelt name.
    assert!(output.contains("1 passed"), "'{name}' names no test");
}

/// Whether this is the execution in the private table, which it then mounts.
pub(crate) fn is_inside(name: &str) -> bool {
    let inside = std::env::var_os(INSIDE).is_some_and(|inside| inside == name);
    if inside {
        mount_table();
    }
    inside
}

/// Executes this executable once more in new namespaces, where [`is_inside`]
/// is true of `name`; it must succeed and leave its folder empty. Gives what it
/// wrote to standard output.
pub(crate) fn execute_inside(name: &str, args: &[&str], users: Users) -> String {
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    assert!(
        users == Users::Root || user.is_root(),
        "this test needs root, to give a user namespace more than one user"
    );
    let map = |own: u32| match users {
        Users::All => "0 0 65536".to_owned(),
        Users::Root => format!("0 {own} 1"),
    };
    let (user_map, group_map) = (map(user.as_raw()), map(group.as_raw()));
    let temp = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(args)
        .env(INSIDE, name)
        .env("TMPDIR", temp.path());
    // SAFETY: the closure makes system calls and formats into a stack buffer; it
    // neither allocates nor takes a lock.
    unsafe { command.pre_exec(move || enter(user_map.as_bytes(), group_map.as_bytes())) };
    let output = command.output().unwrap();
    let left: Vec<_> = std::fs::read_dir(temp.path()).unwrap().collect();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && left.is_empty(),
        "inside: {}; left behind: {left:?}\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
    );
    text
}

/// New namespaces, whose maps a forked helper writes from outside.
fn enter(map: &[u8], group_map: &[u8]) -> io::Result<()> {
    let (wait, go) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let target = rustix::process::getpid();
    // SAFETY: the child makes system calls only and ends by _exit.
    let helper = unsafe { libc::fork() };
    if helper == 0 {
        drop(go);
        let mut byte = [0];
        let written = rustix::io::read(&wait, &mut byte)
            .map_err(io::Error::from)
            .and_then(|_| write_maps(target.as_raw_nonzero().get(), map, group_map));
        // SAFETY: _exit runs nothing of the test's.
        unsafe { libc::_exit(i32::from(written.is_err())) }
    }
    let Some(helper) = rustix::process::Pid::from_raw(helper.max(0)) else {
        return Err(io::Error::last_os_error());
    };
    // SAFETY: these flags leave file descriptors alone, and this process has one thread.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNS) }?;
    rustix::io::write(&go, b"1")?;
    match rustix::process::waitpid(Some(helper), rustix::process::WaitOptions::empty())? {
        Some((_, status)) if status.exit_status() == Some(0) => Ok(()),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

fn write_maps(pid: i32, map: &[u8], group_map: &[u8]) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags};
    let mut digits = [0u8; 12];
    let mut at = digits.len();
    let mut rest = pid;
    while rest > 0 {
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
    }
    for (file, bytes) in [
        (&b"/uid_map\0"[..], map),
        (b"/setgroups\0", b"deny"),
        (b"/gid_map\0", group_map),
    ] {
        // Only who is not privileged outside has to give up setgroups.
        if file.starts_with(b"/setgroups") && map.ends_with(b"65536") {
            continue;
        }
        let mut path = [0u8; 64];
        let mut len = 0;
        for part in [b"/proc/", &digits[at..], file] {
            path[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        }
        let path = CStr::from_bytes_until_nul(&path).map_err(|_| io::ErrorKind::InvalidInput)?;
        let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, bytes)?;
    }
    Ok(())
}

fn mount_table() {
    rustix::mount::mount_change(
        "/",
        MountPropagationFlags::REC | MountPropagationFlags::PRIVATE,
    )
    .expect("make the mounts private");
    rustix::mount::mount(
        "binfmt_misc",
        TABLE,
        "binfmt_misc",
        MountFlags::empty(),
        None,
    )
    .expect("mount a private binfmt_misc (Linux 6.7 or newer)");
    let entries = std::fs::read_dir(TABLE).unwrap().count();
    assert_eq!(entries, 2, "a private table begins empty");
}

/// Registers an emulator for an architecture.
pub(crate) fn register(arch: &Arch, emulator: &Path, flags: &str) {
    register_as(&arch.entry_name(), &arch.pattern(), emulator, flags);
}

/// The same for any pattern, under any name.
pub(crate) fn register_as(name: &str, pattern: &Pattern, emulator: &Path, flags: &str) {
    let escaped =
        |bytes: &[u8]| -> String { bytes.iter().map(|b| format!("\\x{b:02x}")).collect() };
    let line = format!(
        ":{name}:M::{}:{}:{}:{flags}",
        escaped(&pattern.magic),
        escaped(&pattern.mask),
        emulator.display(),
    );
    std::fs::write(format!("{TABLE}/register"), line)
        .unwrap_or_else(|e| panic!("register {name} with '{flags}': {e}"));
}

/// Writes to an entry's file, or to `status`.
pub(crate) fn switch(entry: &str, to: &str) {
    std::fs::write(format!("{TABLE}/{entry}"), to).unwrap();
}

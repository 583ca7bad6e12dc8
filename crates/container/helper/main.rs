//! The command line's part in the tests of this crate: one process, one thread.
//!
//! `container-test-helper ROLE [ARGUMENT...]`; see `main` for the roles.
#![allow(clippy::print_stdout, reason = "it reports to the test by printing")]
#![allow(clippy::print_stderr, reason = "it reports to the test by printing")]
#![allow(
    clippy::unwrap_used,
    reason = "a failure is a panic that the test sees"
)]

use std::ffi::OsString;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use armistice_container as container;
use container::{IdMap, Options};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// aarch64 as the field registers it, F so that it works in an empty root.
const ENTRY: &str = r":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:F";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words[..] {
        // enter user|root auto|self|ranges COMMAND...: run a command inside
        ["enter", who, ids, ref command @ ..] => enter(who, ids, command),
        ["fail-setup"] => report(container::enter_private(&Options::default(), |_| {
            Err::<(), _>("no emulator")
        })),
        ["threads"] => threads(),
        // try: is a private table allowed?
        ["try"] => report(container::try_private_table()),
        ["try-userns"] => report(container::try_userns()),
        ["facts"] => {
            println!("{:?}", container::Facts::gather());
            ExitCode::SUCCESS
        }
        ["seccomp"] => {
            forbid_unshare();
            report(container::try_userns())
        }
        ["chroot", dir] => {
            rustix::process::chroot(dir).unwrap();
            rustix::process::chdir("/").unwrap();
            report(container::try_userns())
        }
        ["nested"] => {
            nest();
            report(container::try_userns())
        }
        ["autofs", ref command @ ..] => under_an_automount(command),
        _ => panic!("unknown role {args:?}"),
    }
}

fn report<T, E: std::error::Error + std::fmt::Debug>(result: Result<T, E>) -> ExitCode {
    match result {
        Ok(_) => {
            println!("allowed");
            ExitCode::SUCCESS
        }
        Err(e) => {
            println!("{e:?}");
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}

fn enter(who: &str, ids: &str, command: &[&str]) -> ExitCode {
    let options = Options {
        map_root: who == "root",
        ids: match ids {
            "auto" => IdMap::Auto,
            "self" => IdMap::SelfOnly,
            "ranges" => IdMap::Ranges,
            _ => panic!("{ids}"),
        },
    };
    let entered = container::enter_private(&options, |table| {
        // What the real caller does here: threads, and the table.
        std::thread::scope(|s| _ = s.spawn(|| ()));
        std::fs::write(table.join("register"), ENTRY)
    });
    match entered {
        Ok(_) => {
            let args: Vec<OsString> = command[1..].iter().map(OsString::from).collect();
            report(Err::<(), _>(container::exec(
                command[0].as_ref(),
                &args,
                None,
            )))
        }
        Err(e) => report(Err::<(), _>(e)),
    }
}

fn threads() -> ExitCode {
    let (stay, leave) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || leave.recv());
    let code = report(container::enter_private(&Options::default(), |_| {
        Ok::<_, std::io::Error>(())
    }));
    drop(stay);
    let _ = thread.join();
    code
}

/// A filter that answers EPERM to unshare, as container engines install.
fn forbid_unshare() {
    let step = |code: u32, k: u32, jt, jf| libc::sock_filter {
        code: u16::try_from(code).unwrap(),
        jt,
        jf,
        k,
    };
    let unshare = u32::try_from(libc::SYS_unshare).unwrap();
    let eperm = libc::SECCOMP_RET_ERRNO | u32::try_from(libc::EPERM).unwrap();
    let mut filter = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0), // the call's number
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, unshare, 0, 1),
        step(libc::BPF_RET | libc::BPF_K, eperm, 0, 0),
        step(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).unwrap(),
        filter: filter.as_mut_ptr(),
    };
    rustix::thread::set_no_new_privs(true).unwrap();
    // SAFETY: the program lives through the call and its length is its own.
    let result = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) };
    assert_eq!(result, 0);
}

/// Enters user namespaces until the kernel allows no further one.
fn nest() {
    for depth in 0.. {
        assert!(depth < 64, "no limit");
        // SAFETY: file descriptors stay shared.
        if unsafe { unshare_unsafe(UnshareFlags::NEWUSER) }.is_err() {
            return;
        }
        std::fs::write("/proc/self/setgroups", "deny").unwrap();
        std::fs::write("/proc/self/uid_map", "0 0 1").unwrap();
        std::fs::write("/proc/self/gid_map", "0 0 1").unwrap();
    }
}

/// Runs `enter` where, as on most machines, systemd's automount waits at the
/// table's place. Nobody serves it: being set off would hang for ever, and
/// writes a packet into the pipe, which is a failure.
fn under_an_automount(command: &[&str]) -> ExitCode {
    // SAFETY: file descriptors stay shared.
    unsafe { unshare_unsafe(UnshareFlags::NEWNS) }.unwrap();
    mount_change(
        "/",
        MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
    )
    .unwrap();
    // Processes of the daemon's own group set nothing off, so it is another's.
    let mut daemon = Command::new("sleep");
    std::os::unix::process::CommandExt::process_group(&mut daemon, 0);
    let mut daemon = daemon.arg("60").spawn().unwrap();
    let (packets, pipe) = std::io::pipe().unwrap();
    let options = format!(
        "fd={},pgrp={},minproto=5,maxproto=5,direct\0",
        pipe.as_raw_fd(),
        daemon.id()
    );
    let options = std::ffi::CStr::from_bytes_with_nul(options.as_bytes()).unwrap();
    mount(
        "systemd-1",
        Path::new("/proc/sys/fs/binfmt_misc"),
        "autofs",
        MountFlags::empty(),
        options,
    )
    .unwrap();
    let child = Command::new("/proc/self/exe")
        .args(["enter", "user", "auto"])
        .args(command)
        .stdin(Stdio::null())
        .status();
    let set_off = readable_within(&packets, 0);
    // The control: looking through it does set it off.
    let mut other = Command::new("ls")
        .arg("/proc/sys/fs/binfmt_misc/")
        .spawn()
        .unwrap();
    let noticed = readable_within(&packets, 10);
    other.kill().unwrap();
    other.wait().unwrap();
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert!(!set_off, "the host's automount was set off");
    assert!(noticed, "this test would not have noticed");
    ExitCode::from(u8::try_from(child.unwrap().code().unwrap()).unwrap())
}

fn readable_within(pipe: &std::io::PipeReader, tv_sec: i64) -> bool {
    let mut fds = [rustix::event::PollFd::new(
        pipe,
        rustix::event::PollFlags::IN,
    )];
    let time = rustix::event::Timespec { tv_sec, tv_nsec: 0 };
    rustix::event::poll(&mut fds, Some(&time)).unwrap() > 0
}
